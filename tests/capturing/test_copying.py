"""Copies of data: shared extents where the file system can, never a shared file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.capturing import data_restore
from repro.capturing.copying import Copier, Mismatch
from repro.capturing.data_restore import Sources
from repro.manifest import Data, DataKind

SIZE = 64 << 20


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module", params=["xfs", "btrfs"])
def reflinking(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A file system with reflinks, in a file."""
    kind = request.param
    make = shutil.which(f"mkfs.{kind}", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if os.name != "posix" or os.geteuid() != 0 or not make:
        pytest.skip(f"needs root and mkfs.{kind}")
    folder = tmp_path_factory.mktemp(kind)
    image, place = folder / "image", folder / "mounted"
    with image.open("wb") as stream:
        stream.truncate(512 << 20)
    place.mkdir()
    for words in ([make, "-q", str(image)], ["mount", "-o", "loop", str(image), str(place)]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no {kind} can be mounted here: {done.stderr.strip()[:200]}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def used(folder: Path) -> int:
    os.sync()
    facts = os.statvfs(folder)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


def cached(folder: Path, content: bytes) -> tuple[Data, Path]:
    """A data file as DVC's cache in this folder has it."""
    oid = md5(content)
    path = folder / "cache/files/md5" / oid[:2] / oid[2:]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.chmod(0o444)
    return Data("data/big.bin", DataKind.FILE, f"md5:{oid}", len(content), 1), path


def test_restored_data_takes_no_room_where_extents_can_be_shared(reflinking: Path) -> None:
    item, original = cached(reflinking, os.urandom(1 << 20) * (SIZE >> 20))
    before = used(reflinking)
    sources = Sources(caches=(reflinking / "cache",))
    target = reflinking / "workspace"
    target.mkdir()
    report = data_restore.restore([item], target, sources)
    copy = target / item.path
    assert report.size == SIZE and report.origins == {"cache": 1}
    assert used(reflinking) - before < SIZE // 8
    assert copy.stat().st_ino != original.stat().st_ino
    with copy.open("r+b") as stream:
        stream.write(b"the training wrote here")
    assert md5(original.read_bytes()) == item.hash.removeprefix("md5:")


def test_a_damaged_source_is_no_reflink_either(reflinking: Path) -> None:
    source, target = reflinking / "damaged", reflinking / "target"
    source.write_bytes(b"damaged")
    with pytest.raises(Mismatch):
        Copier().copy(str(source), str(target), md5(b"whole"))
    assert not target.exists()


def test_a_training_that_writes_into_its_input_writes_into_no_cache(tmp_path: Path) -> None:
    """On any file system: a copy is a file of its own, also where its source is read-only."""
    item, original = cached(tmp_path, b"x" * 100_000)
    target = tmp_path / "workspace"
    target.mkdir()
    data_restore.restore([item], target, Sources(caches=(tmp_path / "cache",)))
    copy = target / item.path
    assert original.stat().st_nlink == copy.stat().st_nlink == 1
    with copy.open("r+b") as stream:
        stream.write(b"overwritten")
    assert original.read_bytes() == b"x" * 100_000
