"""`sign` and `verify-signature`: statements about a run, made with the user's key; and what those that
others made are worth to this user. Which of them count is decided here, in one place, purely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import repro
from repro import canonical, clock, records, standing
from repro.comparison.pairing import count
from repro.errors import Corrupt, ReproError, UsageError
from repro.manifest import Result, Tolerance, from_document
from repro.signing import envelope, schemes, statement
from repro.signing.envelope import Envelope
from repro.signing.nouns import Checked, State, Trust
from repro.signing.statement import (
    Compared,
    EnvironmentImage,
    Machine,
    Recorded,
    Replayed,
    Statement,
)
from repro.store import Store

DIGITS = 12
"""Of a key's fingerprint, or an id, in a line for a person."""


@dataclass(frozen=True)
class Signed:
    """A statement that was made, and stored beside its run."""

    id: str
    statement: Statement
    key: str


@dataclass(frozen=True)
class Found:
    """One signature over one statement about a run, looked at."""

    id: str
    """Of the envelope."""
    statement: Statement | None
    """None: unreadable."""
    checked: Checked

    @property
    def word(self) -> str:
        return self.statement.word if self.statement else ""

    @property
    def counts(self) -> bool:
        return self.checked.state is State.TRUSTED and self.statement is not None

    @property
    def vouches(self) -> bool:
        """Whether it speaks for the run: for its manifest, or that it came out the same again."""
        said = self.statement.predicate if self.counts and self.statement else None
        return isinstance(said, Recorded) or (isinstance(said, Replayed) and said.passed)

    @property
    def contradicts(self) -> bool:
        """Whether somebody who counts says that it came out otherwise."""
        said = self.statement.predicate if self.counts and self.statement else None
        return isinstance(said, Replayed) and said.verdict in ("different", "failed")


@dataclass(frozen=True)
class Verified:
    """All signatures of a run."""

    run: str
    found: tuple[Found, ...]

    @property
    def passed(self) -> bool:
        """Somebody who counts vouches for exactly this manifest, and nobody who counts says otherwise.
        What others say, good or bad, changes nothing: anybody can attach a signature."""
        speaks_for = any(item.vouches for item in self.found)
        return speaks_for and not any(item.contradicts for item in self.found)


# --- signing --------------------------------------------------------------------------------


def recorded() -> Recorded:
    """What is said of a run's manifest."""
    return Recorded(clock.now(), f"repro {repro.__version__}")


def replayed(store: Store, run_id: str, wanted: str) -> Replayed:
    """What is said of a replay: the beginning of its id, or ``latest``. Raises NotFound, UsageError,
    Corrupt."""
    identity, record = records.record(store, run_id, wanted)
    name = f"the replay record {identity[:DIGITS]}"
    if record.get("run") != run_id:
        raise Corrupt(f"{name} is about another run")
    try:
        if why := standing.says_nothing(record):
            raise UsageError(
                f"{name} says nothing of the run as it was recorded: {why}",
                f"replay it whole, then sign that: repro replay {run_id[:DIGITS]}",
            )
        return _replayed(record, f"sha256:{identity}", name)
    except (KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{name} is not valid: {type(error).__name__}: {error}") from error


def _replayed(record: Mapping[str, Any], digest: str, name: str) -> Replayed:
    comparison, image = record["comparison"], record["environment"].get("image")
    result = from_document(Result, record["result"], name) if record["result"] else None
    return Replayed(
        created=clock.now(),
        replayed=record["created"],
        verdict=comparison["verdict"],
        compared=_compared(comparison, name),
        comparison=canonical.digest_bytes(canonical.dumps(comparison)),
        record=digest,
        engine=record["engine"],
        isolation=record["isolation"],
        tool=f"repro {repro.__version__}",
        engine_version=result.host.engine if result else None,
        image=EnvironmentImage(image["digest"], image["id"]) if image else None,
        machine=_machine(result) if result else None,
    )


def _compared(comparison: Mapping[str, Any], name: str) -> Compared:
    counts = {
        part: dict(Counter(str(item["status"]) for item in comparison[part]))
        for part in ("metrics", "outputs", "sources")
    }
    applied = {
        canonical.dumps(item["tolerance"]): item["tolerance"]
        for item in comparison["metrics"]
        if item["tolerance"] and item["status"] in ("within", "ignored")
    }
    return Compared(
        comparison["metrics_compared"],
        comparison["outputs_compared"],
        counts["metrics"],
        counts["outputs"],
        counts["sources"],
        tuple(from_document(Tolerance, applied[text], name) for text in sorted(applied)),
    )


def _machine(result: Result) -> Machine:
    host = result.host
    return Machine(
        host.system, host.architecture, host.cpu, host.cpu_flags, host.cpus, host.gpus, host.cuda
    )


def sign(
    store: Store,
    run_id: str,
    predicate: Recorded | Replayed,
    key: str,
    environ: Mapping[str, str],
    scheme: str = "ssh",
) -> Signed:
    """Sign a statement about a run, and store it beside the run. Raises ReproError."""
    said = statement.about(run_id, predicate)
    payload = statement.dumps(said)
    statement.loads(payload)  # nothing is signed that a reader would turn down
    unsigned = Envelope(payload, ())
    signature = schemes.make(scheme, environ).sign(unsigned.message, key)
    content = envelope.dumps(Envelope(payload, (signature,)))
    if len(content) > envelope.LARGEST:
        raise ReproError(f"the statement is too large to be signed ({len(content)} bytes)")
    return Signed(store.add_signature(run_id, content), said, signature.keyid)


# --- verifying ------------------------------------------------------------------------------


def verify(
    run_id: str, contents: Mapping[str, bytes], trust: Trust, environ: Mapping[str, str]
) -> Verified:
    """What the signatures of a run, by their ids, are worth. Raises ReproError where the tools for it are
    not there; whatever is wrong with a signature is its state."""
    found = [
        item
        for identity, content in contents.items()
        for item in _looked_at(run_id, identity, content, trust, environ)
    ]
    order = list(State)
    found.sort(key=lambda item: (order.index(item.checked.state), _moment(item), item.id))
    return Verified(run_id, tuple(found))


def _looked_at(
    run_id: str, identity: str, content: bytes, trust: Trust, environ: Mapping[str, str]
) -> list[Found]:
    try:
        signed = envelope.loads(content)
        said = statement.loads(signed.payload)
    except Corrupt as error:
        return [Found(identity, None, Checked(State.UNREADABLE, str(error), error.hint))]
    if said.run != run_id:
        reason = f"refused: it is about the run {said.run[:DIGITS]}, not about this one"
        return [Found(identity, said, Checked(State.FOREIGN, reason))]
    return [
        Found(identity, said, schemes.check(item, signed.message, trust, environ))
        for item in signed.signatures
    ]


def _moment(item: Found) -> str:
    return (item.statement.created if item.statement else None) or ""


def summaries(store: Store, run_id: str) -> list[str]:
    """One phrase for each signature of a run, none of them verified."""
    lines = []
    for identity, content in store.signatures(run_id).items():
        try:
            signed = envelope.loads(content)
            said = statement.loads(signed.payload)
            keys = ", ".join(item.keyid or "?" for item in signed.signatures)
            lines.append(f"{described(said)}, by key {keys}")
        except Corrupt as error:
            lines.append(f"unreadable ({identity[:DIGITS]}): {error}")
    return sorted(lines)


def described(said: Statement) -> str:
    """What a statement says, in a phrase."""
    match said.predicate:
        case Recorded(created=created):
            return f"manifest ({created[:16]})"
        case Replayed() as replay:
            metrics, outputs = replay.compared.metrics, replay.compared.outputs
            compared = f"{count(metrics, 'metric')} and {count(outputs, 'output')} compared"
            where = f"{replay.engine}, isolation {replay.isolation}"
            return f"replay: {replay.verdict}, {compared} ({where}, {replay.replayed[:16]})"
    return f"a statement of the type {said.kind}, which this version does not know"
