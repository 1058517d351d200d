"""YAML as people mean it: the core schema of YAML 1.2, on PyYAML's fast parser.

PyYAML follows YAML 1.1, where ``1e-3`` is a string, ``no`` is False and ``12:30:45`` is 45045.
Here ``1e-3`` is a number, and ``no`` and ``12:30:45`` are text; dates stay text; a key that stands
twice is an error and not a silent loss. Other tags than the core's (``!!python/…``, ``!!set``) are errors.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

DEEPEST = 1000
"""Levels of nesting; Python's own recursion ends sooner."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """The core schema. Resolvers are the class's own, so PyYAML's loaders stay as they are."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own name for it


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN\0")
_Loader.yaml_implicit_resolvers.setdefault("", []).append(
    ("tag:yaml.org,2002:null", re.compile(r"^$"))
)
_resolve("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789")
_resolve(
    "float",
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    "-+.0123456789",
)
_resolve("merge", r"^(?:<<)$", "<")


def _wrong(problem: str, node: Any) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    try:
        if text.startswith("0o"):
            return int(text[2:], 8)
        return int(text, 16) if text.startswith("0x") else int(text)
    except ValueError as error:  # told by its tag to be one, or of more digits than Python reads
        raise _wrong("not a number, or one of too many digits", node) from error


def _float(loader: Any, node: Any) -> float:
    text = loader.construct_scalar(node).lower()
    try:
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError as error:
        raise _wrong("not a number", node) from error


def _bool(loader: Any, node: Any) -> bool:
    text = loader.construct_scalar(node).lower()
    if text not in ("true", "false"):
        raise _wrong("neither true nor false", node)
    return bool(text == "true")


def _sequence(loader: Any, node: Any) -> list[Any]:
    if not isinstance(node, yaml.SequenceNode):
        raise _wrong("not a list", node)
    return [loader.construct_object(item, deep=True) for item in node.value]


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong("not keys and values", node)
    merged: dict[Any, Any] = {}
    own: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            merged.update(_merged(loader, value_node))
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise _wrong("a key must be plain text or a number", key_node)
        if key in own:
            raise _wrong(f"the key {key!r} stands twice", key_node)
        own[key] = loader.construct_object(value_node, deep=True)
    return merged | own


def _merged(loader: Any, node: Any) -> dict[Any, Any]:
    """What ``<<`` brings in; of several the first counts. Made of values, because PyYAML's own merges nodes,
    and a few lines that merge each other nine times over are then thousands of millions."""
    merged: dict[Any, Any] = {}
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for item in reversed(items):
        if not isinstance(item, yaml.MappingNode):
            raise _wrong("expected keys and values to merge", item)
        merged.update(loader.construct_object(item, deep=True))
    return merged


# A dictionary of its own: what PyYAML builds from other tags (dates, sets, bytes) is not there.
_Loader.yaml_constructors = {
    None: yaml.SafeLoader.construct_undefined,
    "tag:yaml.org,2002:null": yaml.SafeLoader.construct_yaml_null,
    "tag:yaml.org,2002:str": yaml.SafeLoader.construct_yaml_str,
    "tag:yaml.org,2002:bool": _bool,
    "tag:yaml.org,2002:int": _int,
    "tag:yaml.org,2002:float": _float,
    "tag:yaml.org,2002:seq": _sequence,
    "tag:yaml.org,2002:map": _mapping,
}


def load(content: str | bytes) -> Any:
    """The document. Raises ValueError, one line with the place, where it is not YAML."""
    try:
        if _is_deep(content):
            raise RecursionError
        return yaml.load(content, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(_one_line(error, content)) from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_deep(content: str | bytes) -> bool:
    """Whether it is nested so deeply that the C parser would take the whole process down."""
    text = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    marks = sum(text.count(mark) for mark in (b"[", b"{", b"-", b"?"))
    if marks <= DEEPEST and b"\n" + b" " * DEEPEST not in text:
        return False
    depth = 0
    for event in yaml.parse(content, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            return True
    return False


def _one_line(error: yaml.YAMLError, content: str | bytes) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if problem.startswith("but "):
        problem = f"{getattr(error, 'context', None) or 'unexpected'}, {problem}"
    if mark is None:
        return _at_position(error, content) + str(problem)
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    lines = text.splitlines()
    if mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        problem = "a tab where YAML wants spaces"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _at_position(error: yaml.YAMLError, content: str | bytes) -> str:
    """Where a character cannot be read at all, PyYAML tells the byte only."""
    position = getattr(error, "position", None)
    if not isinstance(position, int) or position < 0 or not isinstance(content, bytes):
        return ""
    newlines = content[:position].count(b"\n")
    return f"line {newlines + 1}: "


# --- writing: one scalar, for files that are put together with comments -------------------------

_PLAIN = re.compile(r"[A-Za-z_][\w./+@-]*(?: [\w./+@=-]+)*", re.ASCII)
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""Words that some reader of YAML takes for something else than text."""


def scalar(text: str) -> str:
    """Text as every reader of YAML reads it: plain where that is safe, else in quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return f'"{_escaped(text)}"'


def comment(text: str) -> str:
    """Text for a comment: a line break in a file's name must not end it."""
    return text if text.isprintable() else _escaped(text)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(character)
        or (character if character.isprintable() else f"\\U{ord(character):08x}")
        for character in text
    )
