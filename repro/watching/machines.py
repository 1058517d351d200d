"""What the kernel calls are numbered like, by the kind of processor."""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself takes its time to import
if TYPE_CHECKING:
    from collections.abc import Mapping


class Machine:
    """The numbers of one kind of processor."""

    __slots__ = ("audit", "calls", "seccomp")

    def __init__(self, audit: int, seccomp: int, calls: Mapping[str, int]) -> None:
        self.audit, self.seccomp, self.calls = audit, seccomp, calls


_SAME = {"openat2": 437, "io_uring_setup": 425}
_X86 = """openat 257 open 2 creat 85 execve 59 execveat 322 rename 82 renameat 264 renameat2 316 link 86
linkat 265 symlink 88 symlinkat 266 truncate 76 connect 42
chroot 161 pivot_root 155 unshare 272 setns 308"""
_ARM = """openat 56 execve 221 execveat 281 renameat 38 renameat2 276 linkat 37 symlinkat 36 truncate 45
connect 203
chroot 51 pivot_root 41 unshare 97 setns 268"""


def _numbers(text: str) -> dict[str, int]:
    words = text.split()
    return {**dict(zip(words[::2], map(int, words[1::2]))), **_SAME}


MACHINES = {
    "x86_64": Machine(0xC000003E, 317, _numbers(_X86)),
    "aarch64": Machine(0xC00000B7, 277, _numbers(_ARM)),
}
