"""JSON: everything counts but run ids and times of writing, told by key and shape together.

Numbers always count. A run id is told from other ids by its key; where the same one stands in
another string (a path below ``mlruns/``) it is the same run there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from repro.cosmetics import json_trees
from repro.cosmetics.json_trees import Mark, Pairs, Spans
from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.shapes import KEYS, Names, is_moment, is_run_id

FORM, FORM_LINES = "json/1", "json-lines/1"


def digest(part: Part) -> str:
    """The digest of a document, blanks between its tokens apart. Raises Unfit."""
    return _digest(FORM, [json_trees.parse(json_trees.read(part, KEYS))], one=True)


def digest_lines(part: Part) -> str:
    """The same for a document per line."""
    lines = json_trees.read(part, KEYS).split("\n")
    if lines[-1] == "":
        lines.pop()
    return _digest(FORM_LINES, [json_trees.parse(line) for line in lines], one=False)


def _digest(form: str, trees: list[Any], one: bool) -> str:
    names = Names()
    for tree in trees:
        for name in _run_ids(tree):
            names.add(name)
    bleach = _Bleach(names)
    tally = Tally(form)
    for tree in trees:
        tally.add(json_trees.encode(bleach.node(tree, outermost=one)))
    if not bleach.marks:
        raise Unfit("nothing cosmetic in it")
    return tally.digest()


def _run_ids(node: Any) -> Iterator[str]:
    if isinstance(node, Pairs):
        for key, value in node:
            if isinstance(value, str) and is_run_id(key, value):
                yield value
            else:
                yield from _run_ids(value)
    elif isinstance(node, list):
        for value in node:
            yield from _run_ids(value)


class _Bleach:
    """Puts marks where cosmetic values stand, and counts them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._anywhere: re.Pattern[str] | None = names.anywhere()
        self.marks = 0

    def node(self, node: Any, outermost: bool = False) -> Any:
        if isinstance(node, Pairs):
            return Pairs(
                (self._text(key), self._value(key, value, outermost)) for key, value in node
            )
        if isinstance(node, list):
            return [self.node(value) for value in node]
        return self._text(node) if isinstance(node, str) else node

    def _value(self, key: str, value: Any, outermost: bool) -> Any:
        if isinstance(value, str) and is_moment(key, value, outermost):
            self.marks += 1
            return Mark("time")
        return self.node(value)

    def _text(self, text: str) -> Any:
        if self._anywhere is None:
            return text
        spans, position = Spans(), 0
        for match in self._anywhere.finditer(text):
            spans += [text[position : match.start()], Mark("run id", self._names[match.group()])]
            position = match.end()
        if not spans:
            return text
        self.marks += 1
        return Spans([*spans, text[position:]])
