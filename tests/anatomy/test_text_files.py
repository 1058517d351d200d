"""JSON, YAML, TOML, tables, archives: which value, which cell, which member."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile

import pairs
import pytest

from repro.anatomy import Change, archives, nouns, trees
from repro.anatomy.words import summary


def parts(found):
    return [(part.where, part.a, part.b) for part in found.parts]


@pytest.mark.parametrize(
    "a, b, where",
    [
        (b'{"a": {"b": [1, 2, 3, 4]}}', b'{"a": {"b": [1, 2, 3, 5]}}', ("$.a.b[3]", "4", "5")),
        (b'{"a b": 1}', b'{"a b": "1"}', ('$["a b"]', "1", '"1"')),
        (b'{"a": true}', b'{"a": 1}', ("$.a", "true", "1")),
        (b'{"a": null}', b'{"a": {}}', ("$.a", "null", "{}")),
        (b'{"a": "{}"}', b'{"a": {}}', ("$.a", '"{}"', "{}")),
        (b'{"a": 1}', b'{"a": 1, "c": 2}', ("$.c", None, "2")),
        (b"1", b"NaN", ("$", "1", "nan")),
        (
            b"[9007199254740993]",
            b"[9007199254740992]",
            ("$[0]", "9007199254740993", "9007199254740992"),
        ),
    ],
)
def test_json_by_path(tmp_path, a, b, where):
    assert parts(pairs.compared(tmp_path, "x.json", a, b)) == [where]


def test_the_figures_are_over_all_values(tmp_path):
    a, b = ({"v": [0.0] * 30, "w": w} for w in (1.0, 1.5))
    b["v"] = [0.25] * 15 + [0.0] * 15
    found = pairs.compared(tmp_path, "x.json", json.dumps(a).encode(), json.dumps(b).encode())
    assert len(found.parts) == nouns.PARTS
    assert (found.compared, found.differing, found.absolute) == (31, 16, 0.5)
    assert pairs.lines(found)[-1] == "also in $.v[1], $.v[2], $.v[3] and 12 more"


@pytest.mark.parametrize(
    "a, b", [(b'{"a":1.0}', b'{"a": 1}'), (b'{"a":1,"b":NaN}', b'{"b":NaN,"a":1}')]
)
def test_json_written_differently(tmp_path, a, b):
    found = pairs.compared(tmp_path, "x.json", a, b)
    assert not found.parts and not found.reason


@pytest.mark.parametrize(
    "name, a, b, where",
    [
        ("x.jsonl", b'{"a":1}\n\n{"a":2}\n', b'{"a":1}\n{"a":3}', ("line 2: $.a", "2", "3")),
        ("x.yaml", b"a: 1e-3\nb: no\n", b"a: 1e-4\nb: no\n", ("$.a", "0.001", "0.0001")),
        ("x.toml", b"a = 2024-01-01\n", b"a = 2024-01-02\n", ("$.a", '"2024-01-01"', '"2024-01-02"')),
        ("x.csv", b"a,b\n1,2\n", b"a,b\n1,2.5\n", ('row 2, column "b"', "2", "2.5")),
        ("x.tsv", b"1\t2\n", b"1\t3\n", ("row 1, column 2", "2", "3")),
        ("x.csv", b"a,b\n1,x\n", b"a,b\n1,1\n", ('row 2, column "b"', '"x"', "1")),
        ("x.csv", b"a\n1\n", b"a\n1\n2\n", ("row 3", None, "1 row")),
        ("x.csv", b"a,b\n1,2\n", b"b,c\n2,3\n", ('column "a"', "a column", None)),
        ("x.csv", b"a\n9007199254740993\n", b"a\n9007199254740992\n",
         ('row 2, column "a"', "9007199254740993", "9007199254740992")),
        ("x.csv", b"a,b\n1\n", b"a,b\n1,2\n", ('row 2, column "b"', None, "2")),
    ],
)  # fmt: skip
def test_other_documents_and_tables(tmp_path, name, a, b, where):
    assert parts(pairs.compared(tmp_path, name, a, b))[0] == where


def test_columns_in_another_order_are_compared_by_name(tmp_path):
    found = pairs.compared(tmp_path, "x.csv", b"a,b\n1,2\n3,4\n", b"b,a\n2,1.0\n4,3\n")
    assert not found.parts and found.reordered and found.compared == 4


@pytest.mark.parametrize(
    "name, content, why",
    [
        ("x.json", b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("x.json", b"\xff", "not UTF-8"),
        ("x.json", b"[" * 100_000, "not JSON"),
        ("x.json", b"1" * 10_000, "not JSON"),
        ("x.yaml", b"!!python/object/apply:os.system [ls]", "not YAML"),
        ("x.yaml", b"a: &a [*a]", "YAML"),
        ("x.toml", b"a = ", "not TOML"),
        ("x.csv", b'a\n"b', "no table"),
        ("x.csv", b"a\0b\n", "binary"),
        ("x.csv", b"," * 30_000, "cells"),
        ("x.zip", b"PK\x03\x04rest", "zip"),
        ("x.tar.gz", gzip.compress(b"not a tar", mtime=0), "tar"),
        ("x.json.gz", b"\x1f\x8bnone", "unpacked"),
        ("x.npz", b"", "npz"),
    ],
)
def test_what_is_not_as_its_name_says_is_compared_as_bytes(tmp_path, name, content, why):
    good = {"x.json": b"1", "x.yaml": b"1", "x.toml": b"a=1", "x.csv": b"a\n1\n"}.get(
        name, b"other"
    )
    found = pairs.compared(tmp_path, name, good, content)
    assert found.format == "bytes" and why in found.reason
    for error in ("TypeError", "AttributeError", "AssertionError"):
        assert error not in found.reason


def test_aliases_of_aliases(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    found = pairs.compared(tmp_path, "x.yaml", bomb.encode(), b"a: 1")
    assert "holds more than" in found.reason


def test_a_document_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "DOCUMENT", 10)
    found = pairs.compared(tmp_path, "x.json", b"[1, 2, 3, 4, 5]", b"[1, 2, 3, 4, 6]")
    assert "larger than" in found.reason and found.parts[0].where == "offset 13"


def test_a_lone_surrogate_reaches_the_reports_escaped(tmp_path):
    found = pairs.compared(tmp_path, "x.json", rb'{"\ud800": "\ud800"}', rb'{"\ud800": "\udfff"}')
    assert found.parts[0].a


# --- archives -------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", ".")), content)
    return file.getvalue()


def tarred(mode: str, modified: int, **members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size, info.mtime = len(content), modified
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("name, mode", [("x.tar", "w"), ("x.tgz", "w:gz"), ("x.tar.xz", "w:xz")])
def test_members_of_a_tar(tmp_path, name, mode):
    a = tarred(mode, 1, m__json=b'{"a": 1}', same=b"1", gone=b"")
    b = tarred(mode, 2, m__json=b'{"a": 2}', same=b"1", new=b"12")
    found = pairs.compared(tmp_path, name, a, b)
    assert parts(found) == [
        ("member m.json: $.a", "1", "2"),
        ("member gone", "0 bytes", None),
        ("member new", None, "2 bytes"),
    ]


def test_members_of_a_zip_are_opened_but_not_archives_in_archives(tmp_path):
    a, b = (
        zipped(t__csv=f"a\n{n}\n".encode(), z__zip=zipped(x__json=b"%d" % n), raw=b"%d" % n)
        for n in (1, 2)
    )
    found = pairs.compared(tmp_path, "x.zip", a, b)
    assert [part.where for part in found.parts] == [
        'member t.csv: row 2, column "a"',
        "member z.zip: member x.json",
        "member raw",
    ]


def test_times_of_members_are_no_difference(tmp_path):
    found = pairs.compared(tmp_path, "x.tar", tarred("w", 1, a=b"1"), tarred("w", 2, a=b"1"))
    assert pairs.lines(found) == ["tar: the same values, written differently"]


def test_two_members_of_one_name(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for content in ("1", "2"):
                archive.writestr("a", content)
    found = pairs.compared(tmp_path, "x.zip", zipped(a=b"1"), file.getvalue())
    assert [(part.path, part.change) for part in found.parts] == [("member a (2)", Change.NEW)]


def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "INFLATED", 1000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(10_000))
    found = pairs.compared(tmp_path, "x.zip", zipped(a=b"1"), bomb.getvalue())
    assert "unpacked" in found.reason
    packed = pairs.compared(
        tmp_path, "x.json.gz", gzip.compress(b"1", mtime=0), gzip.compress(b" " * 10_000 + b"1")
    )
    assert "larger than it says" in packed.reason


def test_a_link_in_a_tar_is_not_followed(tmp_path):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    found = pairs.compared(tmp_path, "x.tar", tarred("w", 1, a=b"1"), file.getvalue())
    assert "/etc/passwd" in str(found.parts[0].b)


def test_a_compressed_file_is_what_it_unpacks_to(tmp_path):
    found = pairs.compared(tmp_path, "x.csv.xz", lzma.compress(b"a\n1\n"), lzma.compress(b"a\n2\n"))
    assert (found.format, found.parts[0].where) == ("CSV, xz", 'row 2, column "a"')


# --- bytes ----------------------------------------------------------------------------------


def test_bytes(tmp_path):
    found = pairs.compared(tmp_path, "x.dat", b"abcdef", b"abXdeYg")
    assert pairs.lines(found) == [
        "first differing byte at offset 2: 0x63 -> 0x58; 2 of 6 bytes differ; 6 bytes -> 7 bytes"
    ]
    assert (found.compared, found.differing, found.reason) == (6, 2, "")


def test_bytes_over_several_chunks(tmp_path):
    a = bytes(3 << 20)
    b = a[:-1] + b"\1"
    found = pairs.compared(tmp_path, "x.dat", a, b)
    assert (found.parts[0].where, found.differing) == (f"offset {len(a) - 1}", 1)


def test_one_side_is_of_another_format(tmp_path):
    found = pairs.compared(tmp_path, "x.npy", b"\x93NUMPY\1\0", b"\x89HDF\r\n\x1a\nrest")
    assert found.reason == "one side is npy, the other hdf5"


def test_a_file_that_cannot_be_read(tmp_path):
    a, b = pairs.written(tmp_path, "x.json", b"1", b"2")
    b.unlink()
    os.mkfifo(b.with_name("other"))
    assert pairs.anatomy.compare("x.json", a, b).reason


def test_parts_past_those_whose_names_are_kept_are_counted(tmp_path):
    a = {"at": list(range(20)), **{f"x{n}": n for n in range(9)}}
    b = {"at": list(range(1, 21)), "y": 1}
    found = pairs.compared(tmp_path, "x.json", json.dumps(a).encode(), json.dumps(b).encode())
    lines = summary(found, ("the record", "the replay"))
    assert "only in the record: 9 parts" in lines and "only in the replay: 1 part" in lines
