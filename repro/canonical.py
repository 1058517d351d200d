"""Canonical JSON, digests and atomic writes: the ground that everything stored stands on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20
PROCESS = os.urandom(4).hex()
"""Names this process, in what it leaves half-written where it is killed."""


def dumps(document: Any) -> bytes:
    """Canonical JSON: UTF-8, sorted keys, no blanks, no NaN or Infinity literals.

    A non-finite float becomes ``{"float": "nan" | "inf" | "-inf"}``; a lone surrogate (a file name
    that is not UTF-8, as ``os.fsdecode`` gives it) becomes its ``\\udcXX`` escape. ``loads`` undoes
    both, see specs/manifest.md.
    """
    try:
        text = _dump(document)
    except ValueError:
        text = _dump(_without_nonfinite(document))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text).encode("utf-8")


def loads(content: bytes) -> Any:
    """The inverse of ``dumps``. Raises ValueError where the content is not JSON."""
    if b'{"float":"' in content:
        return json.loads(content, object_hook=_with_nonfinite)
    return json.loads(content)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _dump(document: Any) -> str:
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _without_nonfinite(node: Any) -> Any:
    match node:
        case float() if not math.isfinite(node):
            return {"float": str(node)}
        case dict():
            return {key: _without_nonfinite(value) for key, value in node.items()}
        case list() | tuple():
            return [_without_nonfinite(value) for value in node]
    return node


def _with_nonfinite(node: dict[str, Any]) -> Any:
    if node.keys() == {"float"} and node["float"] in ("nan", "inf", "-inf"):
        return float(node["float"])
    return node


def digest_bytes(content: bytes) -> str:
    """``sha256:<hex>`` of the content."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def key(document: Any) -> str:
    """A name for a cache's entry: 32 hex digits that stand for the document."""
    return digest_bytes(dumps(document)).removeprefix("sha256:")[:32]


def digest_file(path: Path, algorithm: str = "sha256") -> str:
    """``<algorithm>:<hex>`` of a file, read in constant memory."""
    state = hashlib.new(algorithm)
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            state.update(view[:count])
    return f"{algorithm}:{state.hexdigest()}"


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream that becomes ``path`` when the block ends well, and nothing when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".writing-{PROCESS}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # noqa: PTH101  mkstemp's 0600 would hide the store from a team
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader, a full disk or a kill never sees half of it."""
    with writing(path) as stream:
        stream.write(content)
