"""The nouns of a comparison: what was set beside what, and the word it ends in.

Side ``a`` is the record (or the first run), side ``b`` the replay (or the second). Everything is
frozen and plain; what a person reads of it is made in ``repro.report``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from repro.anatomy import ContentDifference
from repro.manifest import Descriptor, MetricType, Scalar, SourceState, Tolerance

Read = Callable[[Descriptor], "bytes | None"]
"""The content of an output, None where it cannot be had."""

Sides = tuple[str, str]
"""What a sentence calls the two sides: ``the record`` and ``the replay``."""

RECORD_AND_REPLAY: Sides = ("the record", "the replay")
TWO_RUNS: Sides = ("the first run", "the second run")


class Verdict(str, Enum):
    """The word a comparison ends in."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    FAILED = "failed"
    UNREPLAYABLE = "unreplayable"

    @property
    def passed(self) -> bool:
        return self in (Verdict.IDENTICAL, Verdict.EQUIVALENT)

    @property
    def exit_code(self) -> int:
        if self.passed:
            return 0
        return 1 if self is Verdict.DIFFERENT else 3


class Status(str, Enum):
    """How one metric, metric source or output came out."""

    EQUAL = "equal"
    WITHIN = "within"
    """Not equal, but not farther apart than the tolerance allows."""
    COSMETIC = "cosmetic"
    """An output whose bytes differ and whose content does not: dates, member times, generated ids."""
    DIFFERENT = "different"
    MISSING = "missing"
    """Only in a."""
    NEW = "new"
    """Only in b."""
    ABSENT = "absent"
    """Declared, and in neither."""
    TYPE = "type"
    """In both, but not the same type of value."""
    UNKNOWN = "unknown"
    """On one side, and the other was not observed: it cannot know whether it wrote this."""
    IGNORED = "ignored"
    """Not compared: the policy says so, or nobody declared it."""

    @property
    def red(self) -> bool:
        """Whether one such metric or source makes the verdict red; see _red_outputs for those."""
        passed = (Status.EQUAL, Status.WITHIN, Status.COSMETIC, Status.UNKNOWN, Status.IGNORED)
        return self not in passed


@dataclass(frozen=True)
class MetricDifference:
    """One metric, equal ones too.

    Of a series, ``a`` and ``b`` are the values at ``first_step``, and ``absolute`` and ``relative``
    belong to these two; the ``largest`` ones are over all steps.
    """

    source: str
    name: str
    status: Status
    type_a: MetricType | None
    """None: not on this side."""
    type_b: MetricType | None
    a: Scalar = None
    b: Scalar = None
    absolute: float | None = None
    """``|a - b|``, exact when both are integers; None where there is no finite distance."""
    relative: float | None = None
    """``|a - b| / max(|a|, |b|)``, from 0 to 2."""
    tolerance: Tolerance | None = None
    """The one that applied; None: compared exactly."""
    steps_a: int | None = None
    """Number of steps, for a series."""
    steps_b: int | None = None
    steps_compared: int = 0
    """Steps that both sides have; those that are null on both say nothing and do not count."""
    differing_steps: int = 0
    """Steps that make the series different: out of tolerance, missing, new or of another type."""
    within_steps: int = 0
    """Steps that are not equal, but within the tolerance."""
    first_step: Scalar = None
    """Label of the first differing step; where none differs, of the first one not equal."""
    first_step_only_in: str | None = None
    """``a`` or ``b`` where the other side does not have that step."""
    largest_absolute: float | None = None
    largest_relative: float | None = None
    """None also when there is a differing step without a finite distance."""
    note: str = ""

    @property
    def has_values(self) -> bool:
        """Whether there was anything to compare: empty on both sides says nothing."""
        empty = (MetricType.NULL, MetricType.EMPTY_OBJECT, MetricType.EMPTY_ARRAY)
        if self.type_a is self.type_b is MetricType.SERIES:
            return bool(self.steps_compared or self.differing_steps)
        return not (self.type_a in empty and self.type_b in empty)


@dataclass(frozen=True)
class SourceDifference:
    """What became of one place of metrics on the two sides; None: that side did not look there."""

    path: str
    status: Status
    state_a: SourceState | None
    state_b: SourceState | None
    declared: bool
    message: str = ""
    """The difference in words, empty when both sides read it."""
    remedy: str = ""


@dataclass(frozen=True)
class OutputDifference:
    """One output, equal ones too. ``detail`` says where the two contents first differ."""

    path: str
    status: Status
    a: Descriptor | None
    b: Descriptor | None
    detail: str = ""
    content: ContentDifference | None = None
    """What opening both sides showed; None: they were not opened, or are the same."""


@dataclass(frozen=True)
class IngredientDifference:
    """One thing that differs in what went in; None: not on that side."""

    ingredient: str
    """source, data, packages, image, interpreter, params, command, working directory, env …"""
    name: str
    a: str | None
    b: str | None
    detail: str = ""


@dataclass(frozen=True)
class Circumstance:
    """One thing that differs around the run; None: not known on that side."""

    name: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Comparison:
    """Two results (or two manifests) set side by side: the verdict, and all that it rests on."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """Why this verdict: each a clause without a full stop."""
    metrics: tuple[MetricDifference, ...] = ()
    """By source and name."""
    sources: tuple[SourceDifference, ...] = ()
    outputs: tuple[OutputDifference, ...] = ()
    """By path."""
    ingredients: tuple[IngredientDifference, ...] = ()
    """Only what differs, the likeliest cause first."""
    circumstances: tuple[Circumstance, ...] = ()
    """Only what differs, the likeliest cause first."""
    notes: tuple[str, ...] = ()
    metrics_compared: int = 0
    outputs_compared: int = 0
    same_definition: bool | None = None
    """None: only results were compared."""
    next_step: str = ""
    sides: Sides = field(default=RECORD_AND_REPLAY)

    @property
    def exit_code(self) -> int:
        """That of the verdict; 1 also when the results agree but the definitions do not."""
        if self.verdict.passed and self.same_definition is False:
            return 1
        return self.verdict.exit_code
