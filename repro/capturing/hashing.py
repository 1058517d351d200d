"""The hashes that content goes by, DVC's old one among them: each reads in pieces, and can be stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal, Protocol

Algorithm = Literal["md5", "sha256", "md5-dos2unix"]

CHUNK = 1 << 20
"""Bytes read at a time. DVC 2's md5-dos2unix is defined over chunks of just this size."""


class Cancel(Protocol):
    """Asked between two chunks whether to stop; a threading.Event is one."""

    def is_set(self) -> bool: ...


def _plain(name: str) -> Callable[[Callable[[memoryview], int | None], int, Cancel | None], str]:
    def hash_all(
        readinto: Callable[[memoryview], int | None], size: int, cancel: Cancel | None
    ) -> str:
        state = hashlib.new(name, usedforsecurity=False)
        view = memoryview(bytearray(min(CHUNK, size + 1)))
        while count := readinto(view):
            state.update(view[:count])
            if cancel is not None and cancel.is_set():
                raise KeyboardInterrupt
        return state.hexdigest()

    return hash_all


def _dos2unix(
    readinto: Callable[[memoryview], int | None], size: int, cancel: Cancel | None
) -> str:
    """DVC 2's hash: CRLF counts as LF in each chunk whose beginning looks like text.

    A CRLF across two chunks stays as it is; that is what dvc_data.hashfile.hash does.
    """
    state = hashlib.new("md5", usedforsecurity=False)
    view = memoryview(bytearray(CHUNK))
    filled = 1
    while filled:
        filled = 0
        while filled < CHUNK and (count := readinto(view[filled:])):
            filled += count
        chunk = bytes(view[:filled])
        state.update(chunk.replace(b"\r\n", b"\n") if _is_text(chunk[:512]) else chunk)
        if cancel is not None and cancel.is_set():
            raise KeyboardInterrupt
    return state.hexdigest()


_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


def _is_text(block: bytes) -> bool:
    return b"\0" not in block and len(block.translate(None, _TEXT)) <= 0.30 * len(block)


HASHERS = {"md5": _plain("md5"), "sha256": _plain("sha256"), "md5-dos2unix": _dos2unix}
"""Each takes a stream's ``readinto``, the size that it should have, and what stops it; hex digits."""
