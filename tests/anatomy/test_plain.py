"""What a container wrote is read as a stranger's word."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from repro.anatomy import Unreadable, compare_plain, plain
from repro.anatomy.nouns import Tensor

HEAD, END = {"format": "pickle"}, {"end": True}
TENSOR = {
    "path": "w",
    "fields": [["", "float32", 4, 0, False]],
    "item": 4,
    "shape": [2],
    "fortran": False,
    "size": 8,
}


def dump(folder: Path, *lines: object, data: bytes = b"12345678", name: str = "a") -> Path:
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / f"{name}.jsonl").write_text(text, "utf-8")
    (folder / f"{name}.bin").write_bytes(data)
    return folder / name


def test_values_and_tensors(tmp_path):
    place = dump(tmp_path, HEAD, TENSOR, {"path": "n", "value": 1}, {"path": "n", "word": "x"}, END)
    found = plain.read(place)
    assert isinstance(found.leaves["w"], Tensor)
    assert found.leaves["n"] == 1 and found.leaves["n#2"] == "x"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [HEAD],
        [HEAD, TENSOR],
        [{"format": "<script>"}, END],
        [[], END],
        [HEAD, [], END],
        [HEAD, {"path": 1, "value": 1}, END],
        [HEAD, {"path": "x", "value": [1]}, END],
        [HEAD, {"path": "x", "word": 1}, END],
        [HEAD, TENSOR, TENSOR, END],
        *(
            [HEAD, {**TENSOR, **wrong}, END]
            for wrong in (
                {"size": 10**12, "shape": [10**12 // 4]},
                {"size": -8},
                {"size": "8"},
                {"shape": [3]},
                {"shape": [-2]},
                {"shape": [2**40] * 200},
                {"shape": None},
                {"item": 0, "size": 0},
                {"item": 2**70},
                {"fields": [["", "float32", 4, 1, False]]},
                {"fields": [["", "float64", 4, 0, False]]},
                {"fields": [["", "float32", 4, -4, False]]},
                {"fields": [["", "odd", 0, 0, False]]},
                {"fields": [[{}, "float32", 4, 0, False]]},
                {"fields": [["x"]]},
                {"fields": None},
            )
        ),
    ],
)
def test_lies_are_refused(tmp_path, lines):
    with pytest.raises(Unreadable):
        plain.read(dump(tmp_path, *lines))


def test_a_reason_is_handed_on_but_bounded(tmp_path):
    dump(tmp_path, HEAD, END)
    (tmp_path / "a.reason").write_bytes(b"\xff" + b"x" * 10_000)
    with pytest.raises(Unreadable) as error:
        plain.read(tmp_path / "a")
    assert len(str(error.value)) <= 400


@pytest.mark.parametrize("suffix", [".jsonl", ".bin", ".reason"])
def test_links_and_pipes_are_not_followed(tmp_path, suffix):
    secret = tmp_path / "secret"
    secret.write_text(json.dumps(HEAD) + "\n" + json.dumps(END) + "\n")
    for make in (lambda path: path.symlink_to(secret), os.mkfifo):
        dump(tmp_path, HEAD, END)
        path = tmp_path / f"a{suffix}"
        path.unlink(missing_ok=True)
        make(path)
        with pytest.raises(Unreadable):
            compare_plain(tmp_path / "a", tmp_path / "a")
        path.unlink()


def test_nothing_there(tmp_path):
    with pytest.raises(Unreadable):
        compare_plain(tmp_path / "a", tmp_path / "b")
