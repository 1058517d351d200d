"""seccomp's user notifications, as the kernel has them: a filter that stops a process at certain calls, and the
descriptor on which its supervisor hears of each and lets it go on.

Nothing but the standard library, and little of it: the supervisor's start is part of every run.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct

TYPE_CHECKING = False  # typing itself takes its time to import
if TYPE_CHECKING:
    from repro.watching.machines import Machine

    Notice = tuple[int, int, int, list[int]]
    """A process that stands at a call: a ticket, its thread's number (0: out of sight, in another namespace),
    the call's number, the call's arguments."""

_SET_MODE_FILTER = 1
_NEW_LISTENER, _SPEC_ALLOW, _WAIT_KILLABLE = 8, 4, 32
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_NO_NEW_PRIVS = 38
_RECEIVE, _SEND, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082104
_SYNC_WAKE_UP = 1
_CONTINUE = 1
_LOAD, _EQUAL, _ANY_OF, _RETURN = 0x20, 0x15, 0x45, 0x06
PAGE = 4096
"""The smallest that there is: what lies beyond the next multiple may be out of reach."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


class _Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def program(machine: Machine) -> bytes:
    """The filter: all other calls pass, and so do those that open folders or nothing but a handle. So do
    calls in the manner of another processor (32 bits)."""
    checks: list[tuple[int, int, str, str]] = []
    for name, number in machine.calls.items():
        flags = {"open": 1, "openat": 2}.get(name)
        if flags is None:
            checks.append((_EQUAL, number, "notify", ""))
        else:
            checks.append((_EQUAL, number, "", "over"))
            checks.append((_LOAD, 16 + 8 * flags, "", ""))
            checks.append((_ANY_OF, os.O_DIRECTORY | os.O_PATH, "allow", "notify"))
    words = [(_LOAD, 4, "", ""), (_EQUAL, machine.audit, "", "allow"), (_LOAD, 0, "", ""), *checks]
    end = len(words)
    code = b"".join(_word(at, end, *word) for at, word in enumerate(words))
    return (
        code
        + struct.pack("=HBBI", _RETURN, 0, 0, _ALLOW)
        + struct.pack("=HBBI", _RETURN, 0, 0, _NOTIFY)
    )


def _word(at: int, end: int, code: int, value: int, true: str, false: str) -> bytes:
    jumps = {"": 0, "over": 2, "allow": end - at - 1, "notify": end - at}
    return struct.pack("=HBBI", code, jumps[true], jumps[false], value)


class Kernel:
    """The calls that Python has no names for."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._libc = libc = ctypes.CDLL(None, use_errno=True)
        libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
        vector = ctypes.c_void_p, ctypes.c_ulong
        libc.process_vm_readv.argtypes = [ctypes.c_int, *vector, *vector, ctypes.c_ulong]
        libc.process_vm_readv.restype = ctypes.c_ssize_t
        libc.syscall.restype = ctypes.c_long
        self._ioctl, self._readv = libc.ioctl, libc.process_vm_readv
        self._buffer = ctypes.create_string_buffer(PAGE)
        self._here = _Piece(ctypes.addressof(self._buffer), PAGE)
        self._there = _Piece(0, 0)
        self._pieces = ctypes.addressof(self._here), ctypes.addressof(self._there)

    def has_rings(self) -> bool:
        """Whether io_uring can be used here: asked with nonsense, which is another error."""
        return (
            self._call(self.machine.calls["io_uring_setup"], 1, None) >= 0
            or ctypes.get_errno() == errno.EFAULT
        )

    def option(self, number: int, value: int) -> None:
        """prctl."""
        if self._libc.prctl(number, ctypes.c_ulong(value), 0, 0, 0):
            raise _error()

    def install(self) -> tuple[int, bool]:
        """Puts this very process under the filter: the listener's descriptor, and whether it had to give
        up that programs it starts may get more rights than it has. Raises OSError."""
        try:
            return self._listening(), False
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
        self.option(_NO_NEW_PRIVS, 1)
        return self._listening(), True

    def _listening(self) -> int:
        code = program(self.machine)
        given = _Program(len(code) // 8, code)
        # without the second, a signal that comes while a call is held begins the call anew; since 5.19
        for more in (_WAIT_KILLABLE, 0):
            flags = _NEW_LISTENER | _SPEC_ALLOW | more
            number = self._call(self.machine.seccomp, _SET_MODE_FILTER, flags, ctypes.byref(given))
            if number >= 0:
                return number
            if ctypes.get_errno() != errno.EINVAL:
                break
        raise _error()

    def _call(self, number: int, *args: object) -> int:
        words = [ctypes.c_long(word) if isinstance(word, int) else word for word in args]
        return int(self._libc.syscall(ctypes.c_long(number), *words))

    def control(self, descriptor: int, request: int, address: int) -> int:
        """ioctl; 0, or the number of the error."""
        return ctypes.get_errno() if self._ioctl(descriptor, request, address) else 0

    def memory(self, pid: int, address: int, length: int) -> bytes:
        """What lies there, at most a page. Raises OSError where it may not be read."""
        count = self._read(pid, address, min(length, PAGE))
        return ctypes.string_at(self._buffer, count)

    def text(self, pid: int, address: int) -> bytes:
        """A path, which ends with a zero. Raises OSError."""
        found = b""
        while len(found) <= PAGE:
            # never over the border of a page at once: the next may not be there
            count = self._read(pid, address, min(256, PAGE - address % PAGE))
            piece = self._buffer.value  # up to a zero, if need be one that lay there before
            if len(piece) < count:
                return found + piece
            if not count:
                break
            found += piece[:count]
            address += count
        raise OSError(errno.ENAMETOOLONG, "no path")

    def _read(self, pid: int, address: int, length: int) -> int:
        """Bytes that are in the buffer now."""
        self._here.length = self._there.length = length
        self._there.base = address
        here, there = self._pieces
        count = int(self._readv(pid, here, 1, there, 1, 0))
        if count < 0:
            raise _error()
        return count


class Listener:
    """Hears of the calls, and lets them go on as if nobody had."""

    def __init__(self, kernel: Kernel, descriptor: int) -> None:
        self._kernel, self.descriptor = kernel, descriptor
        self._heard, self._answer = ctypes.create_string_buffer(80), ctypes.create_string_buffer(24)
        self._at = ctypes.addressof(self._heard), ctypes.addressof(self._answer)
        self._fields = struct.Struct("=QIIiIQ6Q")

    def wake_at_once(self) -> None:
        """Both sides take turns on one core, where the kernel can (6.6): an idle one need not be woken."""
        self._kernel.control(self.descriptor, _SET_FLAGS, _SYNC_WAKE_UP)

    def hear(self) -> Notice | None:
        """The next one; None: it was taken back, or nobody is left. Raises OSError."""
        ctypes.memset(self._at[0], 0, 80)
        failed = self._kernel.control(self.descriptor, _RECEIVE, self._at[0])
        if failed:
            if failed in (errno.EINTR, errno.ENOENT):
                return None
            raise OSError(failed, os.strerror(failed))
        ticket, pid, _, number, _, _, *args = self._fields.unpack(self._heard)
        return ticket, pid, number, args

    def go_on(self, ticket: int) -> None:
        struct.pack_into("=QqiI", self._answer, 0, ticket, 0, 0, _CONTINUE)
        self._kernel.control(self.descriptor, _SEND, self._at[1])

    def deserted(self, patience: int = 0) -> bool:
        """Whether no process is left under the filter; waits for it up to so many milliseconds."""
        poll = select.poll()  # one each time: two threads may ask at once
        poll.register(self.descriptor, 0)
        return any(event & select.POLLHUP for _, event in poll.poll(patience))


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
