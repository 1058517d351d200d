"""One data item as it lies in the workspace, or else as DVC has it on record."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from repro.capturing import dvc_folders
from repro.capturing.digests import Digests
from repro.capturing.dvc_files import Out
from repro.capturing.dvc_folders import Ignored
from repro.manifest import Data, DataKind

ListingOf = Callable[[str], bytes | None]
"""From a folder's hash to its ``.dir`` object, where that can be had."""


class Content(NamedTuple):
    """One file that a data item consists of."""

    md5: str
    size: int | None
    path: str | None
    """Absolute path in the workspace; None where it is not there."""
    in_cache: bool = True
    """False: DVC cannot have it under this md5 (a DVC 2 hash of a text with CRLF)."""


@dataclass(frozen=True)
class Look:
    """A data item as it was found."""

    data: Data
    contents: tuple[Content, ...] | None
    """None: a folder whose listing could not be had."""
    listing: bytes | None = None
    present: bool = True
    changed: bool = False
    odd: tuple[str, ...] = ()


def look_at(
    out: Out,
    top: str,
    listing_of: ListingOf,
    digests: Digests,
    ignored: Ignored | None,
    progress: Callable[[str, int], None] | None,
) -> Look | None:
    """The output as it lies in the workspace; else as recorded; None where neither is known."""
    path = f"{top}/{out.path}"
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return _as_recorded(out, listing_of)
    if modes.S_ISDIR(stat.st_mode):
        return _folder(out, path, digests, ignored, progress)
    if not modes.S_ISREG(stat.st_mode):
        return None
    md5 = digests.of(Path(path), "md5", stat, progress)
    changed, exact = md5 != out.hash, True
    if changed and out.legacy and out.hash is not None:
        changed = digests.of(Path(path), "md5-dos2unix", stat) != out.hash
        exact = changed
    data = Data(out.path, DataKind.FILE, f"md5:{md5}", stat.st_size, 1)
    return Look(data, (Content(md5, stat.st_size, path, exact),), changed=changed)


def _folder(
    out: Out,
    path: str,
    digests: Digests,
    ignored: Ignored | None,
    progress: Callable[[str, int], None] | None,
) -> Look:
    found = dvc_folders.walk(path, ignored)
    md5s = digests.of_folder(path, found.files, "md5", progress)
    content = dvc_folders.listing(md5s)
    hash_ = dvc_folders.listing_hash(content)
    changed, inexact = hash_ != out.hash, set()
    if changed and out.legacy and out.hash is not None:
        # DVC 2 takes CRLF for LF in what looks like text, so its hash may be another one
        legacy = digests.of_folder(path, found.files, "md5-dos2unix")
        if dvc_folders.listing_hash(dvc_folders.listing(legacy)) == out.hash:
            changed = False
            inexact = {name for name in md5s if legacy[name] != md5s[name]}
    contents = tuple(
        Content(md5s[name], stat.st_size, f"{path}/{name}", name not in inexact)
        for name, stat in found.files.items()
    )
    data = Data(out.path, DataKind.DIRECTORY, f"md5:{hash_}", found.size, len(contents))
    odd = tuple(f"{out.path}/{name}" for name in found.odd)
    return Look(data, contents, content, changed=changed, odd=odd)


def _as_recorded(out: Out, listing_of: ListingOf) -> Look | None:
    """An output that is not in the workspace."""
    algorithm = "md5-dos2unix" if out.legacy else "md5"
    hash_, content = out.hash, None
    if out.listing is not None:
        content = dvc_folders.listing(dict(out.listing))
        hash_ = dvc_folders.listing_hash(content)
    elif out.hash:
        content = listing_of(out.hash) if out.hash and out.hash.endswith(".dir") else None
    if hash_ is None:
        return None
    if not hash_.endswith(".dir"):
        data = Data(out.path, DataKind.FILE, f"{algorithm}:{hash_}", out.size or 0, 1)
        return Look(data, (Content(hash_, out.size, None),), present=False)
    contents: tuple[Content, ...] | None = None
    if content is not None:
        md5s = dvc_folders.parse_listing(content, out.path)
        contents = tuple(Content(md5s[name], None, None) for name in sorted(md5s))
    count = len(contents) if contents is not None else out.files or 0
    data = Data(out.path, DataKind.DIRECTORY, f"{algorithm}:{hash_}", out.size or 0, count)
    return Look(data, contents, content, present=False)


def hash_of(found: str | dict[str, str]) -> str:
    if isinstance(found, str):
        return f"md5:{found}"
    return f"md5:{dvc_folders.listing_hash(dvc_folders.listing(found))}"


def digests_at(path: str, digests: Digests, ignored: Ignored | None) -> str | dict[str, str] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    if not modes.S_ISDIR(stat.st_mode):
        return digests.of(Path(path), "md5", stat)
    found = dvc_folders.walk(path, ignored)
    return digests.of_folder(path, found.files)
