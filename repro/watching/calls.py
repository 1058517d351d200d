# ruff: noqa: PTH110, PTH114, PTH116 (paths are bytes, and thousands)
"""What a call that is about to be made will do to files, told before it is made.

Only what will succeed counts, so everything is looked up at that moment, as the caller would find it: from its
working directory, below its root, with its rights. No security boundary: who wants to hide from it can.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from repro.watching.lookup import File, can_move, find, permits, place_of, plain, status_of

TYPE_CHECKING = False  # typing itself takes its time to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    Args = list[int]

    class Journal(Protocol):
        """Takes down what happened: a word of ours, and paths."""

        def tell(self, kind: bytes, *paths: bytes) -> None: ...

        def tell_each(self, kind: bytes, *paths: bytes) -> None:
            """Also what was told before."""
            ...

    class Reader(Protocol):
        """Reads the memory of a process."""

        def text(self, pid: int, address: int) -> bytes: ...

        def memory(self, pid: int, address: int, length: int) -> bytes: ...


_HERE = -100
"""AT_FDCWD."""
_EMPTY_PATH, _FOLLOW = 0x1000, 0x400
_EXCHANGE = 2
_IN_ROOT = 0x10
_WRITING = os.O_WRONLY | os.O_RDWR
_OWN = (
    (b"/proc/self/", b""),
    (b"/proc/thread-self/", b""),
    (b"/dev/fd/", b"fd/"),
    (b"/dev/stdin", b"fd/0"),
    (b"/dev/stdout", b"fd/1"),
    (b"/dev/stderr", b"fd/2"),
)
"""Names that mean another file for everyone, and what they are below a process's own folder in /proc."""


class Calls:
    """Turns calls into what they do."""

    def __init__(self, reader: Reader, journal: Journal, rings: bool = True) -> None:
        self._reader, self._journal, self._rings = reader, journal, rings
        self._root = os.geteuid() == 0
        self._elsewhere = False
        """Whether one of them may have a root, or mounts, of its own."""
        self.unresolved = 0
        """Calls of which it is not known what they name."""
        self.blind = False
        """The command serves a file system itself: to look into that one while its server stands at a call
        of its own would be for ever."""

    def take(self, name: str, pid: int, args: Args) -> None:
        """One call. Never raises OSError: a file that cannot be found is one that the call does not find."""
        try:
            _HANDLERS[name](self, pid, args)
        except OSError as error:
            # what is not there, or not to be entered, is so for the caller too
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP):
                self.unresolved += 1

    # --- opening ---------------------------------------------------------------------------------

    def opened(self, pid: int, args: Args) -> None:
        self._opened(pid, _HERE, args[0], args[1])

    def opened_at(self, pid: int, args: Args) -> None:
        self._opened(pid, _number(args[0]), args[1], args[2])

    def opened_how(self, pid: int, args: Args) -> None:
        how = self._memory(pid, args[2], 24)
        flags, _, resolved = struct.unpack("=3Q", how)
        if resolved & _IN_ROOT:
            raise OSError(errno.EXDEV, "below a root of its own, for this call alone")
        self._opened(pid, _number(args[0]), args[1], flags)

    def created(self, pid: int, args: Args) -> None:
        self._opened(pid, _HERE, args[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def _opened(self, pid: int, base: int, address: int, flags: int) -> None:
        if flags & (os.O_DIRECTORY | os.O_PATH):  # O_TMPFILE is among them
            return
        path = self._named(pid, base, self._text(pid, address))
        if path == b"/dev/fuse":
            self.blind = True
            self._journal.tell(b"fuse")
        writing = flags & _WRITING
        if self.blind:
            self._later(path, writing)
            return
        found = find(path, follow=not flags & os.O_NOFOLLOW)
        if found is None:
            if flags & os.O_CREAT:
                self._new(pid, path, writing)
        elif found.regular and not (flags & os.O_CREAT and flags & os.O_EXCL):
            self._there(pid, found, flags)

    def _there(self, pid: int, found: File, flags: int) -> None:
        writing, told = flags & _WRITING, self._journal.tell
        if writing == 0:
            if self._may(pid, found, os.R_OK):
                told(b"read", found.path)
            return
        if not self._may(pid, found, os.W_OK):
            return
        if writing == os.O_RDWR and not flags & os.O_TRUNC:
            told(b"read", found.path)
        only_more = flags & os.O_APPEND and not flags & os.O_TRUNC
        told(b"append" if only_more else b"write", found.path)
        if writing == os.O_RDWR:
            told(b"read", found.path)

    def _new(self, pid: int, path: bytes, writing: int) -> None:
        if path.endswith(b"/"):
            return
        if os.path.islink(path):  # to what is not there yet
            path = os.path.realpath(path)
        if (place := self._free(pid, path)) is None:
            return
        self._journal.tell(b"write", place)
        if writing != os.O_WRONLY:
            self._journal.tell(b"read", place)

    def _later(self, path: bytes, writing: int) -> None:
        """To be looked up when it is over."""
        if writing != os.O_WRONLY:
            self._journal.tell(b"later-read", plain(path))
        if writing:
            self._journal.tell(b"later-write", plain(path))

    def truncated(self, pid: int, args: Args) -> None:
        path = self._named(pid, _HERE, self._text(pid, args[0]))
        if self.blind:
            self._later(path, os.O_WRONLY)
        elif (found := find(path)) and found.regular and self._may(pid, found, os.W_OK):
            self._journal.tell(b"write", found.path)

    # --- names -----------------------------------------------------------------------------------

    def renamed(self, pid: int, args: Args) -> None:
        self._renamed(pid, [_HERE, args[0], _HERE, args[1], 0])

    def renamed_at(self, pid: int, args: Args) -> None:
        self._renamed(pid, [*args[:4], 0])

    def renamed_how(self, pid: int, args: Args) -> None:
        self._renamed(pid, args[:5])

    def _renamed(self, pid: int, args: Args) -> None:
        source = self._named(pid, _number(args[0]), self._text(pid, args[1])).rstrip(b"/")
        target = self._named(pid, _number(args[2]), self._text(pid, args[3])).rstrip(b"/")
        if self.blind:
            self._journal.tell_each(b"move", plain(source), plain(target))
            return
        moving, replaced = os.lstat(source), status_of(target)
        if not can_move(moving, replaced, target, args[4]):
            return
        begin, end = self._free(pid, source), self._free(pid, target, moving.st_dev)
        if begin is None or end is None:
            return
        # a folder holds other files the next time that it is moved
        told = self._journal.tell_each if stat.S_ISDIR(moving.st_mode) else self._journal.tell
        told(b"move", begin, end)
        if args[4] & _EXCHANGE:
            told(b"move", end, begin)

    def linked(self, pid: int, args: Args) -> None:
        self._linked(pid, [_HERE, args[0], _HERE, args[1], 0])

    def linked_at(self, pid: int, args: Args) -> None:
        self._linked(pid, args[:5])

    def _linked(self, pid: int, args: Args) -> None:
        source = self._named(pid, _number(args[0]), self._text(pid, args[1]))
        target = self._named(pid, _number(args[2]), self._text(pid, args[3]))
        if self.blind:
            self._later(target, os.O_WRONLY)
            return
        found = find(source, follow=bool(args[4] & (_FOLLOW | _EMPTY_PATH)))
        if found is None or os.path.lexists(target):
            return
        if place := self._free(pid, target, found.status.st_dev):
            if not found.nameless:
                self._journal.tell(b"read", found.path)
            self._journal.tell(b"write", place)

    def pointed(self, pid: int, args: Args) -> None:
        self._pointed(pid, _HERE, args[1])

    def pointed_at(self, pid: int, args: Args) -> None:
        self._pointed(pid, _number(args[1]), args[2])

    def _pointed(self, pid: int, base: int, address: int) -> None:
        path = self._named(pid, base, self._text(pid, address)).rstrip(b"/")
        if self.blind:
            self._later(path, os.O_WRONLY)
        elif not os.path.lexists(path) and (place := self._free(pid, path)):
            self._journal.tell(b"write", place)  # the link, not what it leads to

    # --- others ----------------------------------------------------------------------------------

    def executed(self, pid: int, args: Args) -> None:
        self._executed(pid, _HERE, args[0])

    def executed_at(self, pid: int, args: Args) -> None:
        self._executed(pid, _number(args[0]), args[1])

    def _executed(self, pid: int, base: int, address: int) -> None:
        path = self._named(pid, base, self._text(pid, address))
        if self.blind:
            self._journal.tell(b"later-run", plain(path))
            return
        found = find(path)
        if found is None or not found.regular or not self._may(pid, found, os.X_OK):
            return
        self._journal.tell(b"run", place_of(path) or found.path, found.path)

    def connected(self, pid: int, args: Args) -> None:
        address = self._memory(pid, args[1], min(args[2] & 0xFFFFFFFF, 128))
        if len(address) > 2 and address[:2] == b"\1\0" and address[2:3] != b"\0":
            name = address[2:].split(b"\0")[0]
            if not self.blind and not os.path.exists(self._named(pid, _HERE, name)):
                return
        self._journal.tell(b"connect", address)

    def ring(self, pid: int, args: Args) -> None:
        if self._rings:
            self._journal.tell(b"ring")

    def moved_root(self, pid: int, args: Args) -> None:
        self._elsewhere = True

    # --- looking up ------------------------------------------------------------------------------

    def _text(self, pid: int, address: int) -> bytes:
        try:
            return self._reader.text(pid, address)
        except OSError as error:
            raise _unread(pid, error) from error

    def _memory(self, pid: int, address: int, length: int) -> bytes:
        try:
            return self._reader.memory(pid, address, length)
        except OSError as error:
            raise _unread(pid, error) from error

    def _named(self, pid: int, base: int, name: bytes) -> bytes:
        """A path of ours that leads where the caller's does."""
        own = b"/proc/%d/" % pid
        if name.startswith(b"/"):
            if name.startswith((b"/proc/", b"/dev/")):
                for prefix, instead in _OWN:
                    if name.startswith(prefix):
                        name = own + instead + name[len(prefix) :]
                        break
            return own + b"root" + name if self._elsewhere else name
        start = own + (b"cwd" if base == _HERE else b"fd/%d" % base)
        return start + b"/" + name if name else start

    def _may(self, pid: int, found: File, wanted: int) -> bool:
        """Whether the caller has the right to. Where it is somebody else than we, the mode alone tells."""
        if wanted == os.R_OK and found.status.st_mode & 0o444 == 0o444:
            return True
        user = os.stat(b"/proc/%d" % pid).st_uid if self._root else None
        if not user:
            if wanted == os.X_OK and not found.status.st_mode & 0o111:
                return False
            return os.access(found.path, wanted)
        return permits(found.status, wanted, user, pid)

    def _free(self, pid: int, path: bytes, device: int | None = None) -> bytes | None:
        """The place of a name in its folder, where names may come and go; None: they may not."""
        parent, _, last = path.rpartition(b"/")
        if last in (b"", b".", b".."):
            return None
        folder = find(parent or b"/")
        if folder is None or not folder.folder or not self._may(pid, folder, os.W_OK):
            return None
        if device is not None and folder.status.st_dev != device:
            return None  # nothing moves or links across file systems
        return folder.path.rstrip(b"/") + b"/" + last


def _unread(pid: int, error: OSError) -> OSError:
    """Whoever was killed meanwhile makes no call; 0 stands for one that is out of sight."""
    if pid and error.errno == errno.ESRCH:
        return FileNotFoundError(errno.ENOENT, "nobody calls")
    return OSError(errno.EFAULT, "not to be read")


def _number(word: int) -> int:
    """A descriptor, out of the 64 bits of a register."""
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >> 31 else word


_HANDLERS: dict[str, Callable[[Calls, int, Args], None]] = {
    "open": Calls.opened,
    "openat": Calls.opened_at,
    "openat2": Calls.opened_how,
    "creat": Calls.created,
    "rename": Calls.renamed,
    "renameat": Calls.renamed_at,
    "renameat2": Calls.renamed_how,
    "link": Calls.linked,
    "linkat": Calls.linked_at,
    "symlink": Calls.pointed,
    "symlinkat": Calls.pointed_at,
    "truncate": Calls.truncated,
    "execve": Calls.executed,
    "execveat": Calls.executed_at,
    "connect": Calls.connected,
    "io_uring_setup": Calls.ring,
    "chroot": Calls.moved_root,
    "pivot_root": Calls.moved_root,
    "unshare": Calls.moved_root,
    "setns": Calls.moved_root,
}
