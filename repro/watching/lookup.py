# ruff: noqa: PTH115, PTH123, PTH208 (paths are bytes, and thousands)
"""Looks a file up in the moment of a call, as cheaply as it can be done, and without opening it."""

from __future__ import annotations

import errno
import os
import stat

_HANDLE = os.O_PATH | os.O_CLOEXEC
_NO_REPLACE, _EXCHANGE = 1, 2


class File:
    """A file that is there: its path with every link resolved, and what the system says of it."""

    __slots__ = ("path", "status")

    def __init__(self, path: bytes, status: os.stat_result) -> None:
        self.path, self.status = path, status

    @property
    def nameless(self) -> bool:
        """Removed, or never had a name."""
        return self.status.st_nlink == 0 and self.path.endswith(b" (deleted)")

    @property
    def regular(self) -> bool:
        return stat.S_ISREG(self.status.st_mode) and not self.nameless

    @property
    def folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


def find(path: bytes, *, follow: bool = True) -> File | None:
    """None where there is none. Raises OSError where that cannot be told.

    A handle opens nothing: no device, no pipe that somebody waits at. And the kernel resolves the links.
    """
    try:
        handle = os.open(path, _HANDLE if follow else _HANDLE | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        path, status = os.readlink(b"/proc/self/fd/%d" % handle), os.fstat(handle)
    finally:
        os.close(handle)
    if stat.S_ISREG(status.st_mode) and not path.startswith(b"/"):
        raise OSError(errno.EXDEV, "in another namespace of mounts")
    return File(path, status)


def status_of(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def place_of(path: bytes) -> bytes | None:
    """The links in its folder resolved, itself not."""
    parent, _, last = path.rpartition(b"/")
    folder = find(parent or b"/")
    if folder is None or last in (b"", b".", b".."):
        return None
    return folder.path.rstrip(b"/") + b"/" + last


def can_move(
    moving: os.stat_result, replaced: os.stat_result | None, target: bytes, flags: int
) -> bool:
    """Whether the one may come to where the other is."""
    if flags & _EXCHANGE:
        return replaced is not None
    if replaced is None:
        return True
    if flags & _NO_REPLACE:
        return False
    if stat.S_ISDIR(moving.st_mode) != stat.S_ISDIR(replaced.st_mode):
        return False
    return not stat.S_ISDIR(replaced.st_mode) or not os.listdir(target)


def permits(status: os.stat_result, wanted: int, user: int, pid: int) -> bool:
    if status.st_uid == user:
        return bool(status.st_mode >> 6 & wanted)
    groups = _groups(pid)
    return bool(status.st_mode >> (3 if status.st_gid in groups else 0) & wanted)


def _groups(pid: int) -> set[int]:
    with open(b"/proc/%d/status" % pid, "rb") as file:
        lines = dict(line.split(b":", 1) for line in file if b":" in line)
    return {int(word) for key in (b"Gid", b"Groups") for word in lines.get(key, b"").split()}


def plain(path: bytes) -> bytes:
    """Without the caller's number, which means nothing later; without a look at the path itself."""
    words = path.split(b"/")
    if words[1:2] != [b"proc"] or words[3:4] not in ([b"cwd"], [b"root"], [b"fd"]):
        return path
    taken = 5 if words[3] == b"fd" else 4
    start = os.readlink(b"/".join(words[:taken]))
    return b"/".join((start.rstrip(b"/"), *words[taken:])) or b"/"
