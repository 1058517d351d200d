"""Follows the steps of a pickle without taking them: what it would import, call or build becomes a noun.

It is Python's own machine with every step replaced that imports, calls, hashes, or makes room for what has
not been read.
"""

from __future__ import annotations

import pickle
from typing import Any

from repro.anatomy.inside.values import Global, Group, Pairs, Refused, Stored, Thing

_Base: Any = pickle._Unpickler  # type: ignore[attr-defined]
NAMES = 1000000


class Bounded:
    """A file that never is asked for more than it has; ``tell`` counts from where it stood."""

    def __init__(self, file: Any, size: int) -> None:
        self.file, self.left = file, size

    def read(self, size: int = -1) -> Any:
        if size < 0 or size > self.left:
            raise Refused("it ends early")
        content = self.file.read(size)
        if len(content) != size:
            raise Refused("it ends early")
        self.left -= size
        return content

    def skip(self, size: int) -> None:
        if not 0 <= size <= self.left:
            raise Refused("it ends early")
        self.file.seek(size, 1)
        self.left -= size

    def readline(self) -> Any:
        line = self.file.readline(min(self.left, 1 << 20))
        self.left -= len(line)
        return line

    def readinto(self, buffer: Any) -> Any:
        content = self.read(len(buffer))
        buffer[:] = content
        return len(content)


class Machine(_Base):  # type: ignore[misc]
    """One pickle; ``load`` gives what it holds as the nouns of ``values``."""

    dispatch = dict(_Base.dispatch)

    def __init__(self, file: Any) -> None:
        _Base.__init__(self, file, encoding="latin1")
        self._names = 0

    def find_class(self, module: Any, name: str) -> Any:
        self._names += 1
        if self._names > NAMES:
            raise Refused(f"it names more than {NAMES} classes")
        return Global(module, name)

    def persistent_load(self, pid: Any) -> Any:
        return Stored(pid)

    def get_extension(self, code: Any) -> None:
        raise Refused("it uses a registry of this machine's")

    def _made(self, function: Any, args: Any) -> Thing:
        if not isinstance(args, tuple):
            raise Refused("it calls something with what are no arguments")
        return Thing(function, args)

    def _instantiate(self, klass: Any, args: Any) -> None:
        self.append(Thing(klass, tuple(args)))

    def load_reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._made(self.stack[-1], args)

    dispatch[pickle.REDUCE[0]] = load_reduce

    def load_newobj(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._made(self.stack[-1], args)

    dispatch[pickle.NEWOBJ[0]] = load_newobj

    def load_newobj_ex(self) -> None:
        named = self.stack.pop()
        args = self.stack.pop()
        self.stack[-1] = Thing(self.stack[-1], (args, named))

    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, Thing):
            raise Refused("it gives a state to what has none")
        target.state = state if target.state is None else (target.state, state)
        self.built(target)

    dispatch[pickle.BUILD[0]] = load_build

    def built(self, thing: Any) -> None:
        """For who has something to add to an object that is complete."""

    def load_empty_dictionary(self) -> None:
        self.append(Pairs())

    dispatch[pickle.EMPTY_DICT[0]] = load_empty_dictionary

    def load_dict(self) -> None:
        items = self.pop_mark()
        pairs = Pairs()
        for at in range(0, len(items) - 1, 2):
            pairs[items[at]] = items[at + 1]
        self.append(pairs)

    dispatch[pickle.DICT[0]] = load_dict

    def load_empty_set(self) -> None:
        self.append(Group())

    dispatch[pickle.EMPTY_SET[0]] = load_empty_set

    def load_additems(self) -> None:
        items = self.pop_mark()
        self.stack[-1].extend(items)

    dispatch[pickle.ADDITEMS[0]] = load_additems

    def load_frozenset(self) -> None:
        items = self.pop_mark()  # first: it puts another stack in place
        self.append(Group(items))

    dispatch[pickle.FROZENSET[0]] = load_frozenset

    def load_bytearray8(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        self.append(self.read(size))

    dispatch[b"\x96"[0]] = load_bytearray8

    def load_put(self) -> None:
        self.memo[int(self.readline()[:20])] = self.stack[-1]

    dispatch[pickle.PUT[0]] = load_put


def load(file: Any, size: int, machine: Any = Machine) -> Any:
    """What the pickle that begins here holds. Raises Refused, whatever the bytes; never runs any of it."""
    try:
        bounded = Bounded(file, size)
        return machine(bounded).load()
    except Refused:
        raise
    except RecursionError:
        raise Refused("it is nested too deeply") from None
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise Refused(f"it is no pickle that can be read ({said[:120]})") from None
