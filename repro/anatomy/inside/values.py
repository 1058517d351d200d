"""What a pickle holds, as plain data."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A content is not what it should be, or beyond a limit. The message is a clause for a person."""


class Word(str):
    """A name or a mark, where a text would be another value: ``{}``, ``builtins.int``."""

    __slots__ = ()


class Global:
    """The name of a class or a function. It is never looked up."""

    __slots__ = ("name",)

    def __init__(self, module: Any, name: str) -> None:
        self.name = f"{module}.{name}"


class Pairs:
    """A dictionary in the order of its writing; nothing is hashed, since that can take for ever."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: Any = []

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def get(self, name: str) -> Any:
        for key, value in self.items:
            if isinstance(key, str) and key == name:
                return value
        return None


class Group(list):
    """The members of a set."""

    def add(self, item: Any) -> None:
        self.append(item)


class Thing:
    """What would be an object: what would have been called, with what, and the state it would get."""

    __slots__ = ("args", "items", "name", "pairs", "state")

    def __init__(self, function: Any, args: Any) -> None:
        named = isinstance(function, Global)
        self.name = function.name if named else ""
        self.args = args if named else (function, args)
        self.state = None
        self.items: Any = []
        self.pairs = Pairs()

    def append(self, item: Any) -> None:
        self.items.append(item)

    def extend(self, items: Any) -> None:
        self.items.extend(items)

    def add(self, item: Any) -> None:
        self.items.append(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.pairs[key] = value


class Stored:
    """What lies outside of the pickle, by the id that it gives."""

    __slots__ = ("id",)

    def __init__(self, id: Any) -> None:
        self.id = id


class Region:
    """Bytes of a file: of ``member`` of a zip archive, or of the file itself."""

    __slots__ = ("member", "offset", "size")

    def __init__(self, offset: Any, size: int, member: Any = "") -> None:
        self.offset, self.size, self.member = offset, size, member


class Array:
    """Numbers. ``fields`` is a list of (suffix, type, width, start, most significant byte first)."""

    __slots__ = ("data", "fields", "fortran", "item", "shape")

    def __init__(self, fields: Any, item: Any, shape: Any, data: Any, fortran: Any = False) -> None:
        self.fields, self.item, self.shape = fields, item, tuple(shape)
        self.data, self.fortran = data, fortran

    @property
    def size(self) -> Any:
        return self.data.size if isinstance(self.data, Region) else len(self.data)
