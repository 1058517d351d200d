"""What is said in a signed statement: in-toto's Statement v1 with a predicate of ours. Pure.

There are two: "this is the manifest that I vouch for", and what a replay of it came to. Neither names a
host or a user. A statement of any other kind is kept and shown, and counts for nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from repro import canonical
from repro.errors import Corrupt
from repro.manifest import GPU, Tolerance, from_document, to_document
from repro.signing.envelope import read_object
from repro.strict_json import shown

STATEMENT = "https://in-toto.io/Statement/v1"
RECORDED = "urn:repro:predicate:recorded:v1"
REPLAYED = "urn:repro:predicate:replayed:v1"
PASSING = ("identical", "equivalent")
VERDICTS = (*PASSING, "different", "failed", "unreplayable")
_RED_METRICS = ("different", "missing", "new", "type", "absent")
_RED_OUTPUTS = ("missing", "new", "absent")
_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_LARGEST_COUNT = 1 << 53
_LONGEST = 300


@dataclass(frozen=True)
class Recorded:
    """Whoever signs it says: this is the run, and I vouch for its manifest."""

    created: str
    tool: str


@dataclass(frozen=True)
class Compared:
    """How much the verdict rests on."""

    metrics: int
    """Values, or series, that stood on both sides and counted."""
    outputs: int
    metrics_by_status: dict[str, int] = field(default_factory=dict)
    outputs_by_status: dict[str, int] = field(default_factory=dict)
    sources_by_status: dict[str, int] = field(default_factory=dict)
    tolerances: tuple[Tolerance, ...] = ()
    """Those that made a difference: of metrics that were within one, or ignored."""


@dataclass(frozen=True)
class Machine:
    """The kind of machine that it ran on; None: not known."""

    system: str | None = None
    architecture: str | None = None
    cpu: str | None = None
    cpu_flags: str | None = None
    cpus: int | None = None
    gpus: tuple[GPU, ...] | None = None
    cuda: str | None = None


@dataclass(frozen=True)
class EnvironmentImage:
    """The image that the command ran in: by what a registry knows it, and by what an engine does."""

    digest: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Replayed:
    """Whoever signs it says: I replayed the run, and this came out."""

    created: str
    replayed: str
    """When."""
    verdict: str
    compared: Compared
    comparison: str
    """``sha256:…`` of the comparison's document in canonical form."""
    record: str
    """``sha256:…`` of the replay record."""
    engine: str
    isolation: str
    tool: str
    engine_version: str | None = None
    image: EnvironmentImage | None = None
    """None: there was none, or none is known."""
    machine: Machine | None = None
    """None where nothing could be executed."""

    @property
    def passed(self) -> bool:
        return self.verdict in PASSING


@dataclass(frozen=True)
class Statement:
    """A statement about one run."""

    run: str
    """The run id: the sha256 of its manifest, 64 hex digits."""
    kind: str
    """The predicate's type."""
    predicate: Recorded | Replayed | None
    """None: of a kind that this version does not know."""

    @property
    def word(self) -> str:
        """For a person."""
        match self.predicate:
            case Recorded():
                return "manifest"
            case Replayed():
                return "replay"
        return "other"

    @property
    def created(self) -> str | None:
        """When the signer says that it was made."""
        return self.predicate.created if self.predicate else None


def dumps(statement: Statement) -> bytes:
    """The payload: canonical JSON."""
    return canonical.dumps(
        {
            "_type": STATEMENT,
            "subject": [{"name": f"run/{statement.run}", "digest": {"sha256": statement.run}}],
            "predicateType": statement.kind,
            "predicate": to_document(statement.predicate),
        }
    )


def about(run: str, predicate: Recorded | Replayed) -> Statement:
    return Statement(run, RECORDED if isinstance(predicate, Recorded) else REPLAYED, predicate)


def loads(payload: bytes) -> Statement:
    """The inverse of ``dumps``. Raises Corrupt: also for a verdict that its own counts contradict."""
    document = read_object(payload, "a signed statement")
    if document.get("_type") != STATEMENT:
        raise Corrupt(f"a signature is over no in-toto statement: {shown(document.get('_type'))}")
    kind = document.get("predicateType")
    if not isinstance(kind, str) or not 0 < len(kind) <= _LONGEST:
        raise Corrupt("a signed statement does not say of which type it is")
    predicate = document.get("predicate")
    return Statement(_subject(document.get("subject")), kind, _predicate(kind, predicate))


def _subject(subjects: Any) -> str:
    """It is about one thing: with several, one signature could stand for what its signer never looked at."""
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise Corrupt("a signed statement is not about one thing")
    digests = subjects[0].get("digest")
    found = digests.get("sha256") if isinstance(digests, dict) else None
    if not isinstance(found, str) or not _HEX.fullmatch(found):
        raise Corrupt(f"a signed statement names no sha256: {shown(found)}")
    return found


def _predicate(kind: str, document: Any) -> Recorded | Replayed | None:
    if kind == RECORDED:
        recorded = from_document(Recorded, document, "a signed statement")
        _check_moments(recorded.created)
        return recorded
    if kind == REPLAYED:
        replayed = from_document(Replayed, document, "a signed statement")
        _check(replayed)
        return replayed
    return None


def _check(said: Replayed) -> None:
    _check_moments(said.created, said.replayed)
    if said.verdict not in VERDICTS:
        raise Corrupt(f"a signed statement claims the verdict {shown(said.verdict)}")
    for digest in (said.comparison, said.record):
        if not _DIGEST.fullmatch(digest):
            raise Corrupt(f"a signed statement has no digest where one should be: {shown(digest)}")
    compared = said.compared
    by_status = (compared.metrics_by_status, compared.outputs_by_status, compared.sources_by_status)
    counts = [compared.metrics, compared.outputs, *(n for many in by_status for n in many.values())]
    if any(not 0 <= count < _LARGEST_COUNT for count in counts):
        raise Corrupt("a signed statement has a count that is none")
    if said.passed and (why := _contradiction(said)):
        raise Corrupt(f"a signed statement claims {said.verdict}, and that {why}")


def _contradiction(said: Replayed) -> str:
    """What the counts say against a verdict that passes; empty where they do not."""
    compared = said.compared
    if not compared.metrics + compared.outputs:
        return "nothing was compared"
    for statuses, red, what in (
        (compared.metrics_by_status, _RED_METRICS, "metrics"),
        (compared.outputs_by_status, _RED_OUTPUTS, "outputs"),
        (compared.sources_by_status, _RED_METRICS, "places of metrics"),
    ):
        if found := [name for name in red if statuses.get(name)]:
            return f"{what} are {found[0]}"
    if said.verdict == "identical" and any(
        statuses.get(name)
        for statuses in (compared.metrics_by_status, compared.outputs_by_status)
        for name in ("within", "cosmetic", "different")
    ):
        return "something was not equal"
    return ""


def _check_moments(*moments: str) -> None:
    for moment in moments:
        if not _MOMENT.fullmatch(moment):
            raise Corrupt(f"a signed statement was made at no time: {shown(moment)}")
