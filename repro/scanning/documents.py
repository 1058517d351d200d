"""The secrets of a manifest, each with the JSON pointer to its value; and a manifest without them."""

from __future__ import annotations

import bisect
import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, count
from typing import Any, NamedTuple

from repro import canonical
from repro import manifest as nouns
from repro.capturing import secret_rules
from repro.scanning import names, searching
from repro.scanning.assignments import Manner
from repro.scanning.nouns import BY_NAME, REDACTED, Secret, fingerprint

_BETWEEN = b"\n\0\n"
"""Stands between two values that are searched at once; no rule looks beyond it."""
_OPTION = re.compile(r"-{1,2}([A-Za-z][\w.-]*)\Z")
_SETTING = re.compile(r"[-+~]{0,2}([A-Za-z_][\w.-]*)=(.*)\Z", re.DOTALL)


def manifest(run: nouns.Manifest) -> list[Secret]:
    """The secrets that a manifest would put on the disk, in the order of its document.

    Their pointers are for ``canonical.loads(manifest.dumps(run))``. Where a name is the secret and not a
    value, the pointer is None: that cannot be redacted.
    """
    return document(canonical.loads(nouns.dumps(run)))


def document(content: Any) -> list[Secret]:
    """The same of any JSON document; of a manifest's own places it knows the names."""
    leaves = list(_leaves(content))
    found = _by_form(leaves)
    found += _new(_by_name(content, leaves), found)
    found += _new(_repeated(leaves, {one.value for one in found}), found)
    every = [_secret(one, content) for one in sorted(found, key=lambda one: one.leaf.order)]
    return list(dict.fromkeys(every))


def in_words(argv: tuple[str, ...]) -> list[tuple[bytes, str]]:
    """The secrets of a command line: (value, its name). They are not to be shown."""
    content = {"definition": {"command": {"argv": list(argv)}}}
    leaves = list(_leaves(content))
    return [(one.value, one.name) for one in (*_by_form(leaves), *_by_name(content, leaves))]


def redacted(content: Any, pointers: list[str] | tuple[str, ...]) -> Any:
    """A copy of a document, with ``<redacted>`` where the pointers say.

    Raises ValueError where a pointer leads to no single value. The ``definition_id`` is not made anew:
    ``manifest.dumps`` does that.
    """
    copied = copy.deepcopy(content)
    for pointer in pointers:
        parent, key = _reached(copied, pointer)
        parent[key] = REDACTED
    return copied


def _reached(content: Any, pointer: str) -> tuple[Any, Any]:
    parent, key = None, None
    for part in pointer.split("/")[1:] if pointer.startswith("/") else ():
        parent = content
        key = _key(parent, part.replace("~1", "/").replace("~0", "~"))
        content = parent[key] if key is not None else None
        if key is None:
            break
    if key is None or isinstance(content, dict | list):
        raise ValueError(
            f"{searching.sanitized(pointer)!r} leads to no single value of the document"
        )
    return parent, key


def _key(parent: Any, part: str) -> Any:
    if isinstance(parent, dict):
        return part if part in parent else None
    if isinstance(parent, list) and re.fullmatch(r"0|[1-9][0-9]{0,17}", part):
        return int(part) if int(part) < len(parent) else None
    return None


_Path = tuple[str | int, ...]


class _Leaf(NamedTuple):
    """A single value of the document; or, ``is_key``, the name of something at the path."""

    order: int
    path: _Path
    value: Any
    is_key: bool = False


@dataclass(frozen=True)
class _One:
    """A secret that was found, with its value, which does not leave this module."""

    leaf: _Leaf
    kind: str
    name: str
    value: bytes = field(repr=False)


def _leaves(content: Any) -> Iterator[_Leaf]:
    """In the document's order; without recursion, for a document as deep as it likes."""
    left: list[tuple[_Path, Any]] = [((), content)]
    order = count()
    names_seen: set[str] = set()
    while left:
        path, node = left.pop()
        if isinstance(node, dict):
            # a name is told once: the same few stand in every one of many outputs
            new = [key for key in node if key not in names_seen]
            names_seen.update(new)
            yield from (_Leaf(next(order), path, key, is_key=True) for key in new)
            left.extend((((*path, key), value) for key, value in reversed(node.items())))
        elif isinstance(node, list):
            left.extend((((*path, at), value) for at, value in reversed([*enumerate(node)])))
        else:
            yield _Leaf(next(order), path, node)


def _packed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _pointer(path: _Path) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _new(more: Iterable[_One], found: Iterable[_One]) -> list[_One]:
    """Without what was found at the same place as the same value, or in a larger one."""
    values: dict[_Leaf, list[bytes]] = {}
    for one in found:
        values.setdefault(one.leaf, []).append(one.value)
    return [
        one for one in more if not any(one.value in value for value in values.get(one.leaf, ()))
    ]


def _by_form(leaves: list[_Leaf]) -> list[_One]:
    """All texts searched at once: a manifest may name a hundred thousand outputs."""
    texts = [leaf for leaf in leaves if isinstance(leaf.value, str) and len(leaf.value) > 3]
    packed = [_packed(leaf.value) for leaf in texts]
    starts = [0, *accumulate(len(text) + len(_BETWEEN) for text in packed)]
    joined = _BETWEEN.join(packed)
    found = []
    for span in searching.spans(joined, Manner.PROSE):
        leaf = texts[bisect.bisect_right(starts, span.start) - 1]
        found.append(_One(leaf, span.kind, span.name, joined[span.start : span.end]))
    return found


def _repeated(leaves: list[_Leaf], values: set[bytes]) -> Iterator[_One]:
    """Where else in the document a value stands that is a secret by its name in one place."""
    known = sorted(
        value for value in values if searching.is_telling(value.decode("utf-8", "replace"))
    )
    for leaf in leaves if known else ():
        if isinstance(leaf.value, str):
            packed = _packed(leaf.value)
            for value in known:
                if value in packed:
                    yield _One(leaf, "a value that is a secret elsewhere", "", value)


def _secret(one: _One, content: Any) -> Secret:
    where = _where(one.leaf.path, content)
    pointer: str | None = _pointer(one.leaf.path)
    if one.leaf.is_key:
        where, pointer = f"a name in {where}", None
    elif pointer != searching.sanitized(pointer or ""):
        pointer = None  # it would be told by the names on the way to it
    return Secret(
        searching.sanitized(where),
        None,
        one.kind,
        searching.sanitized(one.name),
        pointer,
        fingerprint(one.value),
    )


def _where(path: _Path, content: Any) -> str:
    """A place of the document as a person calls it."""
    match path:
        case ("definition", "command", "argv", *_):
            return "command line"
        case ("definition", "command", "stages", int(at), *_):
            stage = content["definition"]["command"]["stages"][at]
            return f"command line of stage {_get(stage, 'name', at)}"
        case ("definition", "env", str(name)):
            return f"environment variable {name}"
        case ("definition", "params", int(at), *_):
            param = content["definition"]["params"][at]
            return f"params {_get(param, 'source', '')}:{_get(param, 'name', at)}"
    return f"manifest {_pointer(path) or '/'}"


def _get(node: Any, name: str, default: Any) -> Any:
    return node.get(name, default) if isinstance(node, dict) else default


def _by_name(content: Any, leaves: list[_Leaf]) -> Iterator[_One]:
    for leaf, name, value, bare in _named(content, leaves):
        if value is None or isinstance(value, bool) or not names.is_secret(name, str(value), bare):
            continue
        yield _One(leaf, BY_NAME, name, _packed(str(value)))


def _named(content: Any, leaves: list[_Leaf]) -> Iterator[tuple[_Leaf, str, Any, bool]]:
    """Each value with the name that it is given: (leaf, name, value, whether a bare token counts)."""
    before: _Leaf | None = None
    for leaf in leaves:
        if leaf.is_key:
            continue
        match leaf.path:
            case ("definition", "command", *_) if isinstance(leaf.value, str):
                yield from _in_word(leaf, before)
            case ("definition", "env", str(name)):
                yield leaf, name, leaf.value, True
            case (*_, str(kind), int(), "value") if kind in ("params", "metrics"):
                if kind == "params" or isinstance(leaf.value, str):
                    yield leaf, str(_sibling(content, leaf.path, "name")), leaf.value, False
            case (*_, str(name)) if isinstance(leaf.value, str):
                yield leaf, name, leaf.value, False
        before = leaf


def _sibling(content: Any, path: _Path, name: str) -> Any:
    for part in path[:-1]:
        content = content[part]
    return _get(content, name, "")


def _in_word(leaf: _Leaf, before: _Leaf | None) -> Iterator[tuple[_Leaf, str, Any, bool]]:
    """A word of a command line: after an option, as a setting, or as a script."""
    if before and before.path[:-1] == leaf.path[:-1] and isinstance(before.value, str):
        option = _OPTION.match(before.value)
        if option:
            yield leaf, option[1], leaf.value, False
    setting = _SETTING.match(leaf.value)
    if setting:
        yield leaf, setting[1], setting[2], False
    for name, value in secret_rules.in_script(leaf.value):
        yield leaf, name, value, False
