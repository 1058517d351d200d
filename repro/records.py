"""The replay record: one replay of a run, as it is stored beside it (specs/documents.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro import canonical, clock, standing
from repro.comparison import Comparison
from repro.errors import Corrupt, NotFound, ReproError, UsageError
from repro.manifest import (
    REPLAY_SCHEMA,
    Finding,
    Image,
    Manifest,
    Result,
    from_document,
    parse,
    to_document,
)
from repro.report import json as comparison_document
from repro.store import Store


@dataclass(frozen=True)
class Replay:
    """One replay of a run. ``result`` is None where it could not be executed."""

    id: str
    run_id: str
    engine: str
    isolation: str
    result: Result | None
    comparison: Comparison
    findings: tuple[Finding, ...] = ()
    kept: Path | None = None
    """The workspace, where the caller asked to keep it."""
    reused: bool = False
    """The environment was known."""
    build_seconds: float = 0.0
    manifest: Manifest | None = None
    """What was executed, where that is not what was recorded: the source as it was when it was replayed.
    Its result is the record's."""
    created: str = ""
    mutated: str = ""
    """What was changed on purpose; such a replay is not stored."""
    image: Image | None = None
    """Of the environment that it was executed in; None: there was none."""


def store_replay(store: Store, done: Replay) -> Replay:
    """Store the record; the replay with its id."""
    return replace(done, id=store.add_replay(done.run_id, dumps(done)))


def dumps(done: Replay) -> bytes:
    """Its record, as of now."""
    return canonical.dumps(
        {
            "schema": REPLAY_SCHEMA,
            "run": done.run_id,
            "created": clock.now(),
            "engine": done.engine,
            "isolation": done.isolation,
            "environment": {
                "reused": done.reused,
                "build_seconds": round(done.build_seconds, 3),
                "image": {"digest": done.image.digest, "id": done.image.id} if done.image else None,
            },
            "result": to_document(done.result) if done.result else None,
            "findings": to_document(done.findings),
            "comparison": comparison_document.document(done.comparison),
            "manifest": to_document(done.manifest) if done.manifest else None,
        }
    )


def read(store: Store, run_id: str, identity: str) -> Replay:
    """One replay as it was stored. Raises ReproError where its record is damaged."""
    return of(store.replay(run_id, identity), run_id, identity)


def of(content: bytes, run_id: str, identity: str) -> Replay:
    """A replay from its record's bytes, wherever they come from. Raises Corrupt where it is not one of
    that run."""
    name = f"the replay record {identity[:12]}"
    record = parse(content, REPLAY_SCHEMA, name)
    try:
        return _replay(record, run_id, identity, name)
    except (KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{name} is not valid: {type(error).__name__}: {error}") from error


def _replay(record: dict[str, Any], run_id: str, identity: str, name: str) -> Replay:
    if record["run"] != run_id:
        raise Corrupt(f"{name} is one of another run")
    return Replay(
        identity,
        run_id,
        from_document(str, record["engine"], name),
        from_document(str, record["isolation"], name),
        from_document(Result, record["result"], name) if record["result"] else None,
        comparison_of(record["comparison"], name),
        from_document(tuple[Finding, ...], record["findings"], name),
        reused=from_document(bool, record["environment"]["reused"], name),
        build_seconds=from_document(float, record["environment"]["build_seconds"], name),
        manifest=from_document(Manifest, record["manifest"], name)
        if record.get("manifest")
        else None,
        created=from_document(str, record["created"], name),
    )


def by_age(store: Store, run_id: str) -> tuple[list[Replay], list[str]]:
    """All replays of a run, the oldest first; and what is wrong with each record that cannot be read."""
    found, damaged = [], []
    for identity in store.replay_ids_of(run_id):
        name = f"the replay record {identity[:12]}"
        try:
            found.append(read(store, run_id, identity))
        except (ReproError, OSError) as error:
            damaged.append(str(error))
        except (KeyError, TypeError) as error:
            damaged.append(f"{name} is not valid: {error!r}")
    return sorted(found, key=lambda item: (str(item.created), item.id)), sorted(damaged)


def comparison_of(document: Any, name: str) -> Comparison:
    """A comparison out of its document. Raises Corrupt."""
    try:
        called = tuple(document["sides"][side]["called"] for side in ("a", "b"))
    except (TypeError, KeyError) as error:
        raise Corrupt(f"{name} is not valid: its comparison names no sides") from error
    return from_document(Comparison, {**document, "sides": called}, name)


def newest(store: Store, run_id: str) -> tuple[Replay, ...]:
    """All replays of a run, newest first. Raises ReproError where one is damaged."""
    found = [read(store, run_id, identity) for identity in store.replay_ids_of(run_id)]
    return tuple(sorted(found, key=lambda item: item.created, reverse=True))


def results(store: Store, run_id: str) -> tuple[Result, ...]:
    """What earlier replays of the run yielded; a damaged record says nothing."""
    return tuple(
        from_document(Result, record["result"], "a replay record")
        for record in _records(store, run_id)
        if record.get("result") and not standing.says_nothing(record)
    )


def record(store: Store, run_id: str, wanted: str) -> tuple[str, dict[str, Any]]:
    """A replay's id, and its record. ``wanted``: the beginning of the id, or ``latest``.

    Raises NotFound, UsageError where several are meant, Corrupt where one is damaged.
    """
    known = sorted(store.replay_ids_of(run_id))
    if wanted != "latest":
        known = [identity for identity in known if wanted and identity.startswith(wanted)]
        if len(known) > 1:
            raise UsageError(
                f"{wanted!r} is the beginning of {len(known)} replays", "give more digits"
            )
    if not known:
        which = "" if wanted == "latest" else f" {wanted!r}"
        raise NotFound(
            f"there is no replay{which} of run {run_id[:12]} in this store",
            f"repro replay {run_id[:12]}",
        )
    name = "the replay record {:.12}".format
    found = [(parse(store.replay(run_id, item), REPLAY_SCHEMA, name(item)), item) for item in known]
    newest = max(found, key=lambda pair: (str(pair[0].get("created")), pair[1]))
    return newest[1], newest[0]


def summaries(store: Store, run_id: str) -> list[str]:
    """One phrase for each replay of a run, newest first."""
    found = sorted(_records(store, run_id), key=lambda item: str(item["created"]), reverse=True)
    return [
        f"{item['comparison']['verdict']} ({item['engine']}, {str(item['created'])[:16]})"
        for item in found
    ]


def _records(store: Store, run_id: str) -> Iterator[dict[str, Any]]:
    for identity in sorted(store.replay_ids_of(run_id)):
        try:
            content = store.replay(run_id, identity)
            yield parse(content, REPLAY_SCHEMA, f"the replay record {identity[:12]}")
        except ReproError:
            continue  # `repro list` and `repro doctor` name the damaged ones
