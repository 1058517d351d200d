"""Tars: what is written is read again by everybody, and large ones too."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.bundles import coding, metering
from repro.bundles.refusing import Refused
from repro.bundles.tar_reading import members
from repro.bundles.tar_writing import BLOCK, END, Archive, blob_name, header


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 8**11 - 1, 8**11, 1 << 40])
def test_a_header_is_that_of_any_tar(size: int) -> None:
    block = header("blobs/sha256/" + "a" * 64, size)
    assert len(block) == BLOCK
    info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    assert (info.name, info.size, info.mode, info.mtime) == (
        "blobs/sha256/" + "a" * 64,
        size,
        0o644,
        0,
    )


def test_gnu_tar_reads_it(tmp_path: Path) -> None:
    with (tmp_path / "x.tar").open("w+b") as stream:
        archive = Archive(stream)
        archive.file("oci-layout", b"{}")
        digest = archive.put(b"content")
        archive.finish()
    said = subprocess.run(
        ["tar", "-xOf", tmp_path / "x.tar", blob_name(digest)], capture_output=True, check=True
    )
    assert said.stdout == b"content" and not said.stderr


def test_what_is_there_is_not_written_again_and_of_a_failure_nothing_stays() -> None:
    stream = io.BytesIO()
    archive = Archive(stream)
    digest = archive.put(b"content")
    length = stream.tell()
    assert archive.put(b"content") == digest and stream.tell() == length
    with pytest.raises(OSError), archive.blob() as sink:
        sink.write(b"half")
        raise OSError
    assert stream.tell() == length == len(stream.getvalue())
    archive.finish()
    assert set(members(stream)) == {blob_name(digest)}


def test_a_file_beyond_8_gib_is_found(tmp_path: Path) -> None:
    """Sparse: it takes no room."""
    size = 9 << 30
    name = "blobs/sha256/" + "b" * 64
    with (tmp_path / "x.tar").open("w+b") as stream:
        stream.write(header(name, size))
        stream.seek(size, os.SEEK_CUR)
        stream.write(header("index.json", 2) + b"{}" + bytes(510) + END)
        found = members(stream)
        assert found[name].size == size
        stream.seek(found["index.json"].offset)
        assert stream.read(2) == b"{}"


@given(st.lists(st.binary(max_size=2000), max_size=6))
def test_what_is_written_is_read(contents: list[bytes]) -> None:
    stream = io.BytesIO()
    archive = Archive(stream)
    digests = [archive.put(content) for content in contents]
    archive.finish()
    found = members(stream)
    assert set(found) == {blob_name(digest) for digest in digests}
    for digest, content in zip(digests, contents):
        member = found[blob_name(digest)]
        assert stream.getvalue()[member.offset :][: member.size] == content


# --- compression ----------------------------------------------------------------------------


def encoded(content: bytes, step: int) -> bytes:
    out = io.BytesIO()
    encoder = coding.Encoder(out.write)
    for at in range(0, len(content), step):
        encoder.write(content[at : at + step])
    encoder.finish()
    return out.getvalue()


@given(st.binary(max_size=5000), st.integers(1, 3000), st.integers(1, 3000))
def test_frames_unpack_to_what_was_packed(content: bytes, step: int, cut: int) -> None:
    frame = encoded(content, step)
    chunks = iter([frame[at : at + cut] for at in range(0, len(frame), cut)])
    assert b"".join(coding.decoded(chunks, "x", len(content))) == content


def test_processors_do_not_show_in_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(b"%d,%d\n" % (n, n * n) for n in range(400_000)) + os.urandom(1 << 20)
    frames = set()
    for count in (1, 2, 7):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        frames.add(encoded(content, 1 << 20))
    assert len(frames) == 1


@given(st.binary(min_size=1, max_size=300), st.integers(-3, 3).filter(bool))
def test_a_wrong_size_is_refused(content: bytes, more: int) -> None:
    frame = encoded(content, 4096)
    with pytest.raises(Refused):
        list(coding.decoded(iter([frame]), "x", max(0, len(content) + more)))
        assert len(content) + more < 0


@pytest.mark.parametrize(
    ("content", "worth"),
    [
        (b"", False),
        (b"a" * 4095, False),
        (b"a" * 4096, True),
        (os.urandom(1 << 20), False),
        (os.urandom(1 << 18) + b"a" * (3 << 18), True),
    ],
)
def test_what_shrinks_is_compressed(content: bytes, worth: bool) -> None:
    stream = io.BytesIO(content)
    assert coding.is_worth(stream, len(content)) is worth
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (0, 0, 0.0, "x: 0 B of 0 B, 0 B/s"),
        (1_200_000_000, 4_000_000_000, 4.0, "x: 1.2 GB of 4.0 GB, 300.0 MB/s, 9 s left"),
        (5, 3, 1.0, "x: 5 B of 5 B, 5 B/s"),
        (10**9, 10**12, 10.0, "x: 1.0 GB of 1.0 TB, 100.0 MB/s, 2.8 h left"),
    ],
)
def test_progress_says_size_rate_and_time(done: int, total: int, seconds: float, text: str) -> None:
    assert metering.line("x", done, total, seconds) == text
