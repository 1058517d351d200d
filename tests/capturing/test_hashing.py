"""The hashes that content goes by: those of hashlib, and that of DVC 2."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from repro.capturing.hashing import CHUNK, HASHERS, Algorithm


def hashed(content: bytes, algorithm: Algorithm) -> str:
    return HASHERS[algorithm](io.BytesIO(content).readinto, len(content), None)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 7])
def test_hashes_are_those_of_hashlib(algorithm: Algorithm, size: int) -> None:
    content = os.urandom(size)
    assert hashed(content, algorithm) == hashlib.new(algorithm, content).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a\r\nb\r\n",
        b"\0binary\r\n",
        b"x" * (CHUNK - 1) + b"\r\n",  # across two chunks: stays as it is
        b"text\r\n" * 400_000,
        "é\r\n".encode() * 300,
        b"t" * CHUNK + b"\0\r\n",  # the second chunk is binary
    ],
)
def test_the_hash_of_dvc_2_is_the_one_of_dvc_data(tmp_path: Path, content: bytes) -> None:
    from dvc_data.hashfile.hash import file_md5

    path = tmp_path / "file"
    path.write_bytes(content)
    assert hashed(content, "md5-dos2unix") == file_md5(str(path), name="md5-dos2unix")


@pytest.mark.parametrize("algorithm", list(HASHERS))
def test_a_stream_that_is_longer_or_shorter_than_promised_is_read_to_its_end(
    algorithm: Algorithm,
) -> None:
    content = b"x" * (CHUNK + 1)
    for size in (0, 1, 10 * CHUNK):
        found = HASHERS[algorithm](io.BytesIO(content).readinto, size, None)
        assert found == hashed(content, algorithm)


@pytest.mark.parametrize("algorithm", list(HASHERS))
def test_it_can_be_stopped(algorithm: Algorithm) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(KeyboardInterrupt):
        HASHERS[algorithm](io.BytesIO(b"x" * CHUNK).readinto, CHUNK, cancel)
