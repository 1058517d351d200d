"""Small changes of a restored run: each is made, is said, and stays out of caches that links lead into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.mutating import Ingredient, Mutation, applied

SOURCE = "import sys  # 3.11\n\nx = 0\nfor i in range(10):\n    x += 0.5\n"


def change(folder: Path, name: str, content: bytes, mutation: Mutation) -> tuple[str, bytes]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    said = applied(mutation, folder)
    return said, path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "value", "other"),
    [
        ("params.json", b'{"model": {"rate": 0.25}, "rates": 0.25}', 0.25, b'"rate": 0.375'),
        ("params.yaml", b"rates: 7\nmodel:\n  rate: 7 # why\n", 7, b"  rate: 8 # why"),
        ("params.toml", b"[model]\nrate=7\n", 7, b"rate=8"),
        ("params.yaml", b"rate: 0.0\n", 0.0, b"rate: 0.5"),
    ],
)
def test_a_parameter_gets_another_value_where_it_stands(
    tmp_path: Path, name: str, content: bytes, value: float, other: bytes
) -> None:
    mutation = Mutation(Ingredient.PARAM, name, "model.rate", value)
    said, after = change(tmp_path, name, content, mutation)
    assert other in after and said.startswith(f"{name}: model.rate {value} -> ")


def test_what_cannot_be_found_is_not_changed(tmp_path: Path) -> None:
    mutation = Mutation(Ingredient.PARAM, "params.json", "rate", 0.25)
    content = b'{"rate": 2.5e-1, "other_rate": 0.25}'
    assert change(tmp_path, "params.json", content, mutation) == ("", content)
    assert applied(Mutation(Ingredient.DATA, "gone.csv"), tmp_path) == ""
    (tmp_path / "empty").touch()
    assert applied(Mutation(Ingredient.DATA, "empty"), tmp_path) == ""
    assert applied(Mutation(Ingredient.DATA, "../../etc/passwd"), tmp_path) == ""


@pytest.mark.parametrize("content", [b"x,y\n1,2\n3,4\n", b"\0\1\2\3" * 100, b"words only\n", b"9"])
def test_one_byte_of_data_changes(tmp_path: Path, content: bytes) -> None:
    said, after = change(tmp_path, "d/points", content, Mutation(Ingredient.DATA, "d"))
    assert said.startswith("d/points: byte ")
    assert len(after) == len(content)
    assert sum(a != b for a, b in zip(after, content)) == 1


def test_the_first_number_of_a_program_that_means_something_changes(tmp_path: Path) -> None:
    said, after = change(
        tmp_path, "train.py", SOURCE.encode(), Mutation(Ingredient.SOURCE, "train.py")
    )
    assert said == "train.py: line 4: 10 -> 11"
    assert after.decode() == SOURCE.replace("10", "11")
    broken = Mutation(Ingredient.SOURCE, "train.py")
    for text in (b"def (", b"\xff\xfe", b"x = 1\n", b'"""'):
        assert change(tmp_path, "train.py", text, broken) == ("", text)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_cache_that_a_link_leads_into_stays_as_it_is(tmp_path: Path, link) -> None:  # type: ignore[no-untyped-def]
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    cached = tmp_path / "workspace" / "cache"
    cached.write_text("1,2,3\n")
    cached.chmod(0o444)
    link(cached, workspace / "points.csv")
    assert applied(Mutation(Ingredient.DATA, "points.csv"), workspace)
    assert cached.read_text() == "1,2,3\n"
    assert (workspace / "points.csv").read_text() != "1,2,3\n"
