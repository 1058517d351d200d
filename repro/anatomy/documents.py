"""Two files as their leaves, set side by side: which values and tensors differ, and by how much."""

from __future__ import annotations

import struct
from dataclasses import replace

from repro.anatomy import elements, tensors
from repro.anatomy.elements import larger
from repro.anatomy.nouns import (
    PARTS,
    Change,
    ContentDifference,
    Document,
    PartDifference,
    Scalar,
    Tensor,
)
from repro.anatomy.tensors import Budget, shown

LONGEST = 300
"""Characters of a path."""
_ABSENT = object()


class Sum:
    """Adds up parts to what is said of a file; also for readers that have no leaves."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._listed: list[PartDifference] = []
        self._parts = self._differing_parts = self._missing = self._new = 0
        self._compared = self._differing = 0
        self._far: tuple[float | None, float | None, int | None] = (None, None, None)

    def same(self, compared: int = 1) -> None:
        """A part that both sides have, and that is the same."""
        self._parts += 1
        self._compared += compared

    def add(self, part: PartDifference) -> None:
        """A part that is not the same."""
        alone = part.change in (Change.MISSING, Change.NEW)
        self._parts += not alone
        self._differing_parts += 1
        self._missing += part.change is Change.MISSING
        self._new += part.change is Change.NEW
        self.count(part)
        self.list(part)

    def count(self, part: PartDifference) -> None:
        """Only its figures."""
        self._compared += part.compared
        self._differing += part.differing
        found = (part.absolute, part.relative, part.ulp)
        absolute, relative, ulp = map(larger, self._far, found)
        self._far = absolute, relative, ulp

    def list(self, part: PartDifference) -> None:
        """Only its place in the list, as long as there is room."""
        if len(self._listed) < PARTS:
            path, where = (_bounded(text) for text in (part.path, part.where))
            self._listed.append(replace(part, path=path, where=where))

    def done(
        self, reordered: bool = False, complete: bool = True, notes: tuple[str, ...] = ()
    ) -> ContentDifference:
        absolute, relative, ulp = self._far
        return ContentDifference(
            self._format,
            tuple(self._listed),
            parts_compared=self._parts,
            parts_differing=self._differing_parts,
            missing=self._missing,
            new=self._new,
            compared=self._compared,
            differing=self._differing,
            absolute=absolute,
            relative=relative,
            ulp=ulp,
            reordered=reordered,
            complete=complete,
            notes=notes,
        )


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}...{text[-LONGEST // 2 :]}"


def compare(a: Document, b: Document) -> ContentDifference:
    """Every leaf of either side, in the order of the first. Raises Unreadable, OSError."""
    total, budget = Sum(a.format if a.format == b.format else f"{a.format}, {b.format}"), Budget()
    for path in (*a.leaves, *(path for path in b.leaves if path not in a.leaves)):
        ours, theirs = a.leaves.get(path, _ABSENT), b.leaves.get(path, _ABSENT)
        if ours is _ABSENT or theirs is _ABSENT:
            total.add(_alone(path, ours, theirs))
            continue
        part, compared = _pair(path, ours, theirs, budget)  # type: ignore[arg-type]
        if part is None:
            total.same(compared)
        else:
            total.add(part)
    notes = tuple(dict.fromkeys((*a.notes, *b.notes)))
    if budget.met:
        notes += ("numpy is not at hand: not all elements were compared, and more may differ",)
    return total.done(_reordered(a, b), not budget.met, notes)


def _reordered(a: Document, b: Document) -> bool:
    ours = [path for path in a.leaves if path in b.leaves]
    return ours != [path for path in b.leaves if path in a.leaves]


def _alone(path: str, ours: object, theirs: object) -> PartDifference:
    if theirs is _ABSENT:
        return PartDifference(path, Change.MISSING, path, _told(ours), None)
    return PartDifference(path, Change.NEW, path, None, _told(theirs))


def _told(leaf: object) -> str:
    return tensors.described(leaf) if isinstance(leaf, Tensor) else shown(leaf)


def _pair(
    path: str, ours: Scalar | Tensor, theirs: Scalar | Tensor, budget: Budget
) -> tuple[PartDifference | None, int]:
    if isinstance(ours, Tensor) and isinstance(theirs, Tensor):
        return tensors.compare(path, ours, theirs, budget)
    if isinstance(ours, Tensor) or isinstance(theirs, Tensor):
        return PartDifference(path, Change.TYPE, path, _told(ours), _told(theirs)), 0
    return scalars(path, ours, theirs), 1


def scalars(path: str, a: Scalar, b: Scalar) -> PartDifference | None:
    """Two single values; None where they are the same: 1 is 1.0, True is not 1, NaN is NaN."""
    if _type(a) != _type(b):
        return PartDifference(path, Change.TYPE, path, shown(a), shown(b), compared=1, differing=1)
    if a == b or (a != a and b != b):
        return None
    left, right = _both(a, b)
    part = PartDifference(path, Change.VALUE, path, left, right, compared=1, differing=1)
    if isinstance(a, int | float) and isinstance(b, int | float) and not isinstance(a, bool):
        absolute, relative = elements.distances(a, b)
        return replace(part, absolute=absolute, relative=relative, ulp=_ulp(a, b))
    return part


def _type(value: Scalar) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _both(a: Scalar, b: Scalar) -> tuple[str, str]:
    """The two values; of long texts the place where they part."""
    if not (isinstance(a, str) and isinstance(b, str)) or max(len(a), len(b)) <= 60:
        return shown(a), shown(b)
    same = next((at for at, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    start = max(0, same - 20)
    prefix = "..." if start else ""
    return shown(prefix + a[start:]), shown(prefix + b[start:])


def _ulp(a: float, b: float) -> int | None:
    if not (isinstance(a, float) and isinstance(b, float)):
        return None
    tally, kind = elements.Tally(), elements.KINDS["float64"]
    elements.compare(tally, (kind, kind), struct.pack("=d", a), struct.pack("=d", b), 0)
    return tally.ulp
