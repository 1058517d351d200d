"""Canonical JSON, digests, and files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import canonical

TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
"""Any text, halves of surrogate pairs too."""


def joined(text: str) -> str:
    """A pair of halves that stand side by side is one character to every JSON parser."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


KEYS = TEXTS.map(joined)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Equal in value and type, NaN being equal to itself."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and bool(a == b)


# --- canonical JSON -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        ({"ä": "ü€😀"}, '{"ä":"ü€😀"}'.encode()),
        ([0.1, 1.0, -0.0, 1e-7, 1e16, 2**70], b"[0.1,1.0,-0.0,1e-07,1e+16,1180591620717411303424]"),
        ('a"\\/\n\t\x00\x7f', b'"a\\"\\\\/\\n\\t\\u0000\x7f"'),
        (
            [math.nan, math.inf, -math.inf, {"x": math.nan}],
            b'[{"float":"nan"},{"float":"inf"},{"float":"-inf"},{"x":{"float":"nan"}}]',
        ),
        (("a tuple", "is a list"), b'["a tuple","is a list"]'),
        # keys by code point: U+FF5E comes before U+1F600, in UTF-16 it would not
        ({"\U0001f600": 1, "\uff5e": 2, "Z": 3, "a": 4}, '{"Z":3,"a":4,"～":2,"😀":1}'.encode()),
        ({"models/\udcff.bin": "\udce4"}, b'{"models/\\udcff.bin":"\\udce4"}'),
    ],
)
def test_what_is_written(document: Any, expected: bytes) -> None:
    assert canonical.dumps(document) == expected
    read = canonical.loads(expected)
    assert same(read, list(document) if isinstance(document, tuple) else document)


@given(DOCUMENTS)
def test_what_is_written_is_json_and_reads_back(document: Any) -> None:
    content = canonical.dumps(document)
    content.decode("utf-8")
    json.loads(content, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    read = canonical.loads(content)
    assert canonical.dumps(read) == content
    if b'{"float":"' not in content:
        assert same(read, document)


@given(st.dictionaries(KEYS, st.integers(), min_size=2, max_size=6), st.randoms())
def test_the_order_of_keys_does_not_matter(document: dict[str, int], random: Any) -> None:
    items = list(document.items())
    random.shuffle(items)
    assert canonical.dumps(dict(items)) == canonical.dumps(document)


def test_an_object_with_the_key_float_is_only_a_number_where_it_can_be_nothing_else() -> None:
    for text in (b'{"float":"1.5"}', b'{"float":"nan","x":1}', b'{"float":null}'):
        assert canonical.loads(text) == json.loads(text)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a":1}x', b"\x80{}"])
def test_what_is_no_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        canonical.loads(content)


# --- digests --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, canonical.CHUNK - 1, canonical.CHUNK, canonical.CHUNK + 1])
def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    assert canonical.digest_bytes(content) == "sha256:" + hashlib.sha256(content).hexdigest()
    assert canonical.digest_file(path) == canonical.digest_bytes(content)
    assert canonical.digest_file(path, "md5") == "md5:" + hashlib.md5(content).hexdigest()


# --- atomic writes --------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    canonical.write_bytes(path, b"content")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert names(path.parent) == ["file"]


def test_an_error_on_the_way_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), canonical.writing(path) as stream:
            stream.write(b"half of the new")
            raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with canonical.writing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        canonical.write_bytes(tmp_path / "file", b"content")
    assert names(tmp_path) == []


def test_a_key_stands_for_the_document_and_not_for_how_it_is_written() -> None:
    assert canonical.key({"a": 1, "b": [2]}) == canonical.key({"b": [2], "a": 1})
    assert canonical.key({"a": 1}) != canonical.key({"a": 2})
    assert re.fullmatch("[0-9a-f]{32}", canonical.key([]))
