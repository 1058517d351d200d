"""Files of joblib: a pickle with the arrays' bytes between its steps, often compressed as a whole; and the
old form of torch's files, where the numbers follow behind several pickles."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from typing import Any, Iterator

from repro.anatomy.inside import arrays, machine, walking
from repro.anatomy.inside.machine import Machine
from repro.anatomy.inside.values import Array, Global, Pairs, Refused, Region, Stored, Thing

INFLATED = 4 << 30
"""Bytes that a compressed file may become."""
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C


class _Inflating:
    """zlib's own format as a file; Python has none for it."""

    def __init__(self, file: Any) -> None:
        self._file, self._state, self._rest = file, zlib.decompressobj(), b""

    def read(self, size: int) -> Any:
        if self._state.eof:
            return b""
        packed = self._state.unconsumed_tail or self._file.read(size)
        return self._state.decompress(packed, size) if packed else b""


_PACKED = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"\x5d\x00", lzma.open),
    (b"x", _Inflating),
)


def unpacked(path: str, place: str) -> Any:
    """The path of the content without compression: the same, or ``place``, which is written then."""
    with open(path, "rb") as file:
        begin = file.read(6)
        opener = next((made for magic, made in _PACKED if begin.startswith(magic)), None)
        if begin.startswith(b"\x04\x22\x4d\x18"):
            raise Refused("it is compressed with LZ4, which is not read here")
        if opener is None:
            return path
        file.seek(0)
        written = 0
        with open(place, "wb") as target:
            stream = opener(file)
            while True:
                chunk = stream.read(1 << 20)
                if not chunk:
                    return place
                written += len(chunk)
                if written > INFLATED:
                    raise Refused(f"it is larger than {INFLATED >> 30} GiB unpacked")
                target.write(chunk)


class Joblib(Machine):
    """A pickle in which an array follows where its wrapper is complete."""

    def __init__(self, bounded: Any) -> None:
        Machine.__init__(self, bounded)
        self._bounded = bounded

    def built(self, thing: Any) -> None:
        if not (thing.name.startswith("joblib.") and thing.name.endswith(".NumpyArrayWrapper")):
            return
        state = thing.state
        if not isinstance(state, Pairs):
            raise Refused("an array that is not one")
        shape, dtype = state.get("shape"), state.get("dtype")
        found = arrays.fields(dtype)
        if found is None:
            inner = type(self)(self._bounded).load()
            self.stack[-1] = inner
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self._bounded.read(self._bounded.read(1)[0])
        count = found[1]
        for length in shape:
            count *= length
        start = self._bounded.file.tell()
        thing.state = arrays.checked(
            Array(found[0], found[1], shape, Region(start, count), state.get("order") == "F")
        )
        self._bounded.skip(count)


def pickled(path: str, place: str) -> Any:
    """(format, path of the content, its root) of a pickle, as Python, joblib or torch's old way write it."""
    path = unpacked(path, place)
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        root = machine.load(file, size, Joblib)
        if root == _TORCH_MAGIC:
            return "torch checkpoint", path, _torch(file, size)
        return "pickle", path, _all(root, file, size)


def _all(root: Any, file: Any, size: int) -> Any:
    """What the file holds: several pickles may stand in it, one after another."""
    found = [root]
    while file.tell() < size:
        found.append(machine.load(file, size - file.tell(), Joblib))
    return root if len(found) == 1 else Several(found)


def _torch(file: Any, size: int) -> Any:
    """Protocol, machine, the object, the keys of its storages; then a number of elements and the bytes of
    each."""
    _, _, root, keys = (machine.load(file, size - file.tell()) for _ in range(4))
    kept = _storages(root)
    for key in keys if isinstance(keys, list) else ():
        begin = file.read(8)
        if len(begin) < 8:
            raise Refused("it ends early")
        (number,) = struct.unpack("<q", begin)
        width = kept.get(str(key), 0)
        if not width or not 0 <= number * width <= size - file.tell():
            raise Refused("a storage that is none")
        kept[str(key)] = Region(file.tell(), number * width)
        file.seek(number * width, 1)
    if file.tell() != size:
        raise Refused("bytes stand behind its end")
    return Placed(root, kept)


class Several(list):  # type: ignore[type-arg]
    """The pickles of one file."""


class Placed:
    """A root whose storages lie in the file itself."""

    def __init__(self, root: Any, storages: Any) -> None:
        self.root, self.storages = root, storages

    def leaves(self) -> Iterator[Any]:
        for path, leaf in walking.leaves(self.root):
            if isinstance(leaf, Array) and isinstance(leaf.data, Region) and leaf.data.member:
                whole = self.storages.get(leaf.data.member)
                if not isinstance(whole, Region) or leaf.data.offset + leaf.data.size > whole.size:
                    raise Refused("a tensor without its storage")
                leaf.data = Region(whole.offset + leaf.data.offset, leaf.data.size)
            yield path, leaf


def _storages(root: Any) -> Any:
    """Bytes of an element by storage, from the ids in the object."""
    found, stack, seen = {}, [root], set()
    while stack:
        value = stack.pop()
        if isinstance(value, Stored):
            kind = value.id[1].name if len(value.id) > 4 and isinstance(value.id[1], Global) else ""
            name = kind.rpartition(".")[2].replace("Storage", "")
            if name in arrays._TORCH:
                found[str(value.id[2])] = arrays.simple(arrays._TORCH[name])[1]
            continue
        if isinstance(value, (list, tuple, Pairs, Thing)) and id(value) not in seen:
            seen.add(id(value))
            stack.extend(_inner(value))
    return found


def _inner(value: Any) -> Any:
    if isinstance(value, Pairs):
        return [item for pair in value.items for item in pair]
    if isinstance(value, Thing):
        return [
            *(value.args if isinstance(value.args, tuple) else ()),
            value.state,
            value.items,
            value.pairs,
        ]
    return list(value)


def leaves(root: Any) -> Any:
    """As ``walking.leaves``, of whatever ``pickled`` gave."""
    return root.leaves() if isinstance(root, Placed) else walking.leaves(root)


def numpy_objects(path: str) -> Any:
    """The leaves of an ``.npy`` file whose items are objects: a header, then a pickle."""
    with open(path, "rb") as file:
        begin = file.read(8)
        if begin[:6] != b"\x93NUMPY":
            raise Refused("it is no npy file")
        width = 2 if begin[6] == 1 else 4
        file.seek(int.from_bytes(file.read(width), "little"), 1)
        start = file.tell()
        size = file.seek(0, 2) - start
        file.seek(start)
        root = machine.load(file, size)
        if file.tell() != start + size:
            raise Refused("bytes stand behind its end")
        return walking.leaves(root)
