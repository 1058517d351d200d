"""What is said of two files that were opened, and the limits within which they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO

PARTS = 10
"""Parts of a file whose difference is listed; the others are counted."""
LEAVES = 500_000
"""Values and tensors of one file; one with more is not taken apart."""
DOCUMENT = 32 << 20
"""Bytes of a document (JSON, YAML, TOML) that is read whole."""
DIMENSIONS = 64
EXCERPT = 60
"""Characters of a value that are quoted."""


class Unreadable(Exception):
    """A file is not what its name promises, or is beyond a limit: its bytes are all there is. The message
    is a clause for a person."""


class Change(str, Enum):
    """What became of one part of a file."""

    VALUE = "value"
    TYPE = "type"
    SHAPE = "shape"
    LAYOUT = "layout"
    """The same type and shape, stored by columns on one side and by rows on the other."""
    MISSING = "missing"
    """Only in a."""
    NEW = "new"
    """Only in b."""


@dataclass(frozen=True)
class PartDifference:
    """One value, tensor, column or member that is not the same on both sides."""

    path: str
    """Inside the file: ``layers.0.weight``, ``$.a.b[3]``, ``coef_``; empty for the file itself."""
    change: Change
    where: str = ""
    """The first place in it that differs: ``layers.0.weight[3, 7]``; of a single value its path."""
    a: str | None = None
    """Of a value the value there, of a type or a shape what it is; None: not on this side."""
    b: str | None = None
    compared: int = 0
    """Elements that both sides have and that were set side by side."""
    differing: int = 0
    absolute: float | None = None
    """The largest ``|a - b|``; None where no two numbers with a finite distance differ."""
    relative: float | None = None
    """The largest ``|a - b| / max(|a|, |b|)``."""
    ulp: int | None = None
    """The largest number of steps between two floats of the same width."""


@dataclass(frozen=True)
class ContentDifference:
    """Where two files of one format differ inside; with a ``reason``, why they were not opened.

    The figures are over the whole file, ``parts`` is where it differs, at most PARTS of them.
    """

    format: str
    """In words: ``npz``, ``safetensors``, ``pickle``; ``bytes`` where it was opened as nothing else."""
    parts: tuple[PartDifference, ...] = ()
    parts_compared: int = 0
    """Values, tensors, columns or members that both sides have."""
    parts_differing: int = 0
    """With those that only one side has."""
    missing: int = 0
    new: int = 0
    compared: int = 0
    """Elements."""
    differing: int = 0
    absolute: float | None = None
    relative: float | None = None
    ulp: int | None = None
    reordered: bool = False
    """What both have stands in another order."""
    inside: bool = False
    """Opened in the replay's own container, since the format can carry code."""
    complete: bool = True
    """False: a limit was met, and the figures are of what was compared until then."""
    notes: tuple[str, ...] = ()
    reason: str = ""
    """Why it could not be opened; empty: it was."""
    remedy: str = ""


Scalar = None | bool | int | float | str


@dataclass(frozen=True)
class Tensor:
    """Numbers of one type in a file, not read yet."""

    dtype: str
    """``float32``; what ``elements.KINDS`` does not know is compared item by item as bytes."""
    shape: tuple[int, ...]
    size: int
    """Bytes of the data, all fields of a structured type together."""
    open: Callable[[], BinaryIO]
    """A stream that stands at its first byte. May raise OSError, Unreadable."""
    item: int = 0
    """Bytes from one element to the next; more than the type has for one field of a structured type."""
    start: int = 0
    """Where the field begins in an item."""
    width: int = 0
    """Bytes of an element of a type that ``elements.KINDS`` does not know."""
    fortran: bool = False
    """Stored by columns."""
    big: bool = False
    """The most significant byte first."""

    @property
    def count(self) -> int:
        return counted(self.shape)


def counted(shape: tuple[int, ...]) -> int:
    """Elements of that shape. Raises Unreadable where it is none."""
    if len(shape) > DIMENSIONS:
        raise Unreadable(f"a tensor of more than {DIMENSIONS} dimensions")
    number = 1
    for length in shape:
        number *= length
    return number


@dataclass(frozen=True)
class Document:
    """One file, taken apart: what stands in it under which path, in the file's order."""

    format: str
    leaves: dict[str, Scalar | Tensor]
    notes: tuple[str, ...] = field(default=())
