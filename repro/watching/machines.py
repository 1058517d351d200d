"""What the kernel calls are numbered like, by the kind of processor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """The numbers of one kind of processor."""

    audit: int
    seccomp: int
    calls: Mapping[str, int]


_SAME = {"openat2": 437, "io_uring_setup": 425}
_X86 = """openat 257 open 2 creat 85 execve 59 execveat 322 rename 82 renameat 264 renameat2 316 link 86
linkat 265 symlink 88 symlinkat 266 truncate 76 connect 42"""
_ARM = """openat 56 execve 221 execveat 281 renameat 38 renameat2 276 linkat 37 symlinkat 36 truncate 45
connect 203"""


def _numbers(text: str) -> dict[str, int]:
    words = text.split()
    return {**dict(zip(words[::2], map(int, words[1::2]))), **_SAME}


MACHINES = {
    "x86_64": Machine(0xC000003E, 317, _numbers(_X86)),
    "aarch64": Machine(0xC00000B7, 277, _numbers(_ARM)),
}
