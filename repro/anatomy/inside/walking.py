"""What a pickle holds, one value after the other, each with the path on which a person would find it."""

from __future__ import annotations

import re
import struct
from typing import Any, Iterator

from repro.anatomy.inside import arrays
from repro.anatomy.inside.values import Array, Global, Group, Pairs, Refused, Stored, Thing, Word

LEAVES = 500000
DEEPEST = 200
PATHS = 64 << 20
"""Characters of all paths together."""
TEXT = 1 << 16
"""Characters of a text; of a longer one the bytes are compared as numbers are."""
RUN = 8
"""Numbers in a list from which on they are taken together."""


def leaves(root: Any) -> Iterator[Any]:
    """(path, value) in the order of the file; a value is None, bool, int, float, str, Word or Array.

    Raises Refused where there is too much of it.
    """
    stack: Any = [("", root, 0)]
    seen: Any = {}
    written = count = 0
    while stack:
        path, value, depth = stack.pop()
        if isinstance(value, (list, Pairs, Thing)) and _has_content(value):
            if id(value) in seen:
                value = Word("the same object as " + (seen[id(value)] or "the whole"))
            else:
                seen[id(value)] = path
        if depth > DEEPEST:
            raise Refused(f"it is nested more than {DEEPEST} deep")
        leaf, inner = taken_apart(path, value)
        if leaf is not _NOTHING:
            count, written = count + 1, written + len(path)
            if count > LEAVES or written > PATHS:
                raise Refused(f"it holds more than {LEAVES} values")
            yield path, leaf
        if len(stack) + len(inner) > 4 * LEAVES:
            raise Refused(f"it holds more than {LEAVES} values")
        stack.extend((place, item, depth + 1) for place, item in reversed(inner))


_NOTHING = object()


def _has_content(value: Any) -> Any:
    return not isinstance(value, (list, Pairs)) or bool(
        value if isinstance(value, list) else value.items
    )


def taken_apart(path: str, value: Any) -> Any:
    """What stands at the path itself, and the places below it."""
    if value is None or isinstance(value, (bool, float, Word, Array)):
        return value, []
    if isinstance(value, int):
        return (
            value if value.bit_length() < 1000 else Word(f"an integer of {value.bit_length()} bits")
        ), []
    if isinstance(value, str):
        return (
            value if len(value) <= TEXT else _octets(value.encode("utf-8", "surrogatepass"))
        ), []
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _octets(bytes(value)), []
    if isinstance(value, Global):
        return Word(value.name), []
    if isinstance(value, Stored):
        whole = arrays.storage(value)
        return (whole, []) if whole else (Word("stored elsewhere"), [(path + ".id", value.id)])
    if isinstance(value, Group):
        return _sequence(path, sorted(value, key=_rank))
    if isinstance(value, (list, tuple)):
        return _sequence(path, value)
    if isinstance(value, Pairs):
        return (Word("{}") if not value.items else _NOTHING), _pairs(path, value.items)
    if isinstance(value, Thing):
        return _thing(path, value)
    return Word(type(value).__name__), []


def _rank(item: Any) -> Any:
    return type(item).__name__, repr(item) if isinstance(item, (str, int, float, bytes)) else ""


def _octets(content: Any) -> Any:
    return Array([("", "uint8", 1, 0, False)], 1, (len(content),), content)


def _sequence(path: str, items: Any) -> Any:
    if not items:
        return Word("[]"), []
    if len(items) >= RUN:
        for kind, code, name in ((float, "d", "float64"), (int, "q", "int64")):
            if all(type(item) is kind for item in items):
                try:
                    data = struct.pack(f"<{len(items)}{code}", *items)
                except struct.error:
                    break  # larger than 64 bits
                return Array([("", name, 8, 0, False)], 8, (len(items),), data), []
    return _NOTHING, [(f"{path}[{at}]", item) for at, item in enumerate(items)]


def _pairs(path: str, items: Any) -> Any:
    return [(joined(path, key), value) for key, value in items]


def joined(path: str, key: Any) -> Any:
    """The path one key further: ``path.key`` where the key is a name, ``path["a key"]`` else."""
    if isinstance(key, str) and _NAME.match(key):
        return f"{path}.{key}" if path else key
    if isinstance(key, (str, int, float, bool)) or key is None:
        return f"{path}[{repr(key)[:80]}]"
    return path + "[a key that is no text]"


_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z|\d+(?:\.[\w-]+)+\Z")
_PLAIN = ("copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__")


def _thing(path: str, thing: Any) -> Any:
    module, _, name = thing.name.rpartition(".")
    built_in = module in ("builtins", "__builtin__")
    if built_in and name in ("set", "frozenset") and _is_list(thing.args):
        return _sequence(path, sorted(thing.args[0], key=_rank))
    if (built_in and name == "bytearray") or thing.name == "_codecs.encode":
        try:
            return _octets(arrays.text_bytes(thing)), []
        except ValueError:
            return _object(path, thing)
    array = arrays.array_of(thing)
    if isinstance(array, Array):
        return array, []
    if isinstance(array, list):
        return _sequence(path, array)
    if (
        thing.name in ("torch._utils._rebuild_parameter", "torch.nn.parameter.Parameter")
        and thing.args
    ):
        return _NOTHING, [(path, thing.args[0])]
    items = arrays.mapping(thing)
    if items is not None:
        return (Word("{}") if not items else _NOTHING), _pairs(path, items)
    return _object(path, thing)


def _is_list(args: Any) -> bool:
    return len(args) == 1 and isinstance(args[0], list)


def _object(path: str, thing: Any) -> Any:
    """Its class, its state by attribute, and what it was made from."""
    args, name = thing.args, thing.name
    if name in _PLAIN and args and isinstance(args[0], Global):
        name, args = args[0].name, tuple(item for item in args[2:] if item is not None)
    inner = []
    for at, item in enumerate(args):
        inner.append((f"{path}({at})", item))
    inner += _state(path, thing.state)
    inner += [(f"{path}[{at}]", item) for at, item in enumerate(thing.items)]
    inner += _pairs(path, thing.pairs.items)
    return _NOTHING, [(joined(path, "__class__"), Word(name or "?")), *inner]


def _state(path: str, state: Any) -> Any:
    if state is None:
        return []
    if isinstance(state, Pairs):
        return _pairs(path, state.items)
    if (
        isinstance(state, tuple)
        and len(state) == 2
        and all(part is None or isinstance(part, Pairs) for part in state)
    ):
        return [pair for part in state if part is not None for pair in _pairs(path, part.items)]
    return [(path + ".<state>", state)]
