"""What a probe says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from repro.manifest import Scalar

LEFT_OUT = "left out by --only or --skip"


class Guilt(str, Enum):
    """What became of one variation."""

    GUILTY = "guilty"
    HARMLESS = "harmless"
    NOT_VARIED = "not varied"
    UNSETTLED = "unsettled"
    """The probe ended before it was settled, or it moved something once and not again."""


class Kind(str, Enum):
    METRIC = "metric"
    OUTPUT = "output"
    END = "end"
    """Whether and how the command ended."""


@dataclass(frozen=True)
class Change:
    """One thing that came out otherwise. ``a`` and ``b``: the values of a metric, sizes of an output."""

    kind: Kind
    name: str
    a: Scalar = None
    b: Scalar = None
    detail: str = ""

    @property
    def key(self) -> tuple[Kind, str]:
        return self.kind, self.name


@dataclass(frozen=True)
class Probed:
    """One variation, and what it did."""

    name: str
    subject: str
    guilt: Guilt
    why: str = ""
    """Why it was not varied, or is not settled."""
    changes: tuple[Change, ...] = ()
    remedy: str = ""
    cost: str = ""
    evidence: tuple[str, ...] = ()
    """Where in the project, as far as that could be seen."""

    @property
    def only_bytes(self) -> bool:
        """Metrics stay, and files come out with other bytes."""
        return bool(self.changes) and all(item.kind is Kind.OUTPUT for item in self.changes)


@dataclass(frozen=True)
class Probe:
    """All that a probe of one run found."""

    run_id: str
    engine: str
    replays: int
    as_recorded: bool | None
    """Whether the first control agrees with the record; None: there was none."""
    unstable: tuple[Change, ...] = ()
    """What differs between two replays under the same conditions."""
    held: bool = False
    """The controls differed, so everything was held, and released one by one."""
    unexplained: tuple[Change, ...] = ()
    """What differs although everything was held, or what no single release has moved."""
    probed: tuple[Probed, ...] = ()
    notes: tuple[str, ...] = ()
    unreplayable: str = ""
    remedy: str = ""
    interrupted: bool = False

    @property
    def guilty(self) -> tuple[Probed, ...]:
        return tuple(item for item in self.probed if item.guilt is Guilt.GUILTY)

    @property
    def exit_code(self) -> int:
        """0 nothing guilty, 1 something is, 3 the run cannot be replayed, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.unreplayable:
            return 3
        return int(bool(self.guilty or self.unexplained or self.unstable))
