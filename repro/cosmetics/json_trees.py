"""JSON as a tree that keeps what Python's own would lose: order, doubled keys, how a number is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from repro.cosmetics.nouns import Part, Unfit

LARGEST = 16 << 20
MOST_NODES = 400_000
"""A tree takes some hundred bytes a node; large notebooks are few and long strings."""


class Pairs(list[tuple[Any, Any]]):
    """An object, its keys in the file's order and as often as they stand there."""


@dataclass(frozen=True)
class Number:
    """As it is written: 1.0 and 1.00 are two."""

    text: str


@dataclass(frozen=True)
class Mark:
    """What stands where something cosmetic stood."""

    kind: str
    number: int = 0


class Spans(list[Any]):
    """A string in pieces: text, marks and text."""


def read(part: Part, hints: tuple[str, ...]) -> str:
    """The text, where any of the hints stands in it in quotes. Raises Unfit."""
    content = part.whole(LARGEST)
    if not any(f'"{hint}"'.encode("ascii") in content for hint in hints):
        raise Unfit("nothing in it that might be cosmetic")
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MOST_NODES:
        raise Unfit("too many nodes")
    return content.decode("utf-8")


def parse(text: str) -> Any:
    """The tree. Raises ValueError or RecursionError where it is not JSON that can be read."""
    return json.loads(
        text, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=Number
    )


def encode(tree: Any) -> bytes:
    """Bytes that no two different trees share: a list for every node, its kind in front."""
    return json.dumps(_plain(tree), separators=(",", ":")).encode("ascii")


def _plain(node: Any) -> Any:
    match node:
        case Pairs():
            return ["object", *([_plain(key), _plain(value)] for key, value in node)]
        case Spans():
            return ["text", *map(_plain, node)]
        case list():
            return ["array", *map(_plain, node)]
        case Number():
            return ["number", node.text]
        case Mark():
            return ["mark", node.kind, node.number]
    return node
