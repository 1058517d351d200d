"""An answer from a worker counts only when it is sound."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workbench import Project

from repro import canonical, manifest, records
from repro import project as projects
from repro.comparison import Verdict
from repro.errors import Corrupt
from repro.manifest import to_document
from repro.replaying import Options
from repro.store import Run
from repro.variations import Conditions, Seen
from repro.verifying import cluster_answers
from repro.verifying.cluster_answers import Answer, Kind, Request, is_compatible
from repro.verifying.tasks import Outcome, Task, Varied


@pytest.fixture(scope="module")
def replayed(shared_project: Project) -> Path:
    """A project with one run and one replay of it."""
    shared_project.record("python", "train.py")
    shared_project.replay("latest", engine="venv").expect()
    return shared_project.path


@pytest.fixture
def made(replayed: Path, tmp_path: Path) -> tuple[projects.Project, Run, Task, Answer]:
    """A copy of it without the replay, and the replay as a worker elsewhere would answer it."""
    shutil.copytree(replayed, tmp_path / "project", symlinks=True)
    here = projects.locate(tmp_path / "project")
    (identity,) = here.store.run_ids()
    run = here.store.run(identity)
    (replay,) = here.store.replay_ids_of(identity)
    record = here.store.replay(identity, replay)
    result = records.of(record, identity, replay).result
    blobs = {item.digest: here.store.read(item) for item in cluster_answers.wanted(result)}
    assert blobs
    (here.store.root / "replays" / identity / replay).unlink()
    task = Task(str(here.folder), identity, "base", Options("venv"))
    answer = Answer(
        Kind.OUTCOME,
        "tcp://w",
        "w",
        outcome=Outcome(replay, seconds=1.0),
        record=record,
        blobs=blobs,
    )
    return here, run, task, answer


Made = tuple[projects.Project, Run, Task, Answer]


def forged(answer: Answer, change: Callable[[dict[str, Any]], object]) -> Answer:
    """The answer with another record, named by its true digest."""
    document = canonical.loads(answer.record)
    change(document)
    record = canonical.dumps(document)
    return replace(answer, record=record, outcome=Outcome(manifest.run_id(record)))


def taken(made: Made, answer: Answer) -> Outcome:
    here, run, task, _ = made
    return cluster_answers.taken(here, run, task, answer)


def test_a_sound_answer_is_stored_with_a_comparison_made_here(made: Made) -> None:
    here, run, _, answer = made
    outcome = taken(made, answer)
    assert (outcome.host, outcome.seconds) == ("w", 1.0)
    stored = records.read(here.store, run.id, outcome.replay)
    assert stored.comparison.verdict is Verdict.IDENTICAL


def test_what_was_made_in_this_store_keeps_its_record(made: Made) -> None:
    here, run, _, answer = made
    outcome = taken(made, replace(answer, shared=True, blobs={}))
    assert answer.outcome and outcome.replay == answer.outcome.replay
    assert here.store.replay(run.id, outcome.replay) == answer.record


def test_what_the_worker_says_of_the_verdict_does_not_count(made: Made) -> None:
    here, run, _, answer = made

    def lie(document: dict[str, Any]) -> None:
        for metric in document["result"]["metrics"]:
            if metric["name"] == "fit.loss":
                metric["value"] = 99.0
        assert document["comparison"]["verdict"] == "identical"

    for shared in (False, True):
        outcome = taken(made, replace(forged(answer, lie), shared=shared))
        stored = records.read(here.store, run.id, outcome.replay)
        assert stored.comparison.verdict is Verdict.DIFFERENT


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another run": lambda document: document.update(run="0" * 64),
    "another engine": lambda document: document.update(engine="docker"),
    "an engine that is a number": lambda document: document.update(engine=1),
    "not observed": lambda document: document["result"].update(observed=False),
    "another isolation": lambda document: document.update(isolation="container"),
    "no result, and green": lambda document: document.update(result=None),
    "a result that is a list": lambda document: document.update(result=[1]),
    "no comparison": lambda document: document.pop("comparison"),
    "a comparison that is text": lambda document: document.update(comparison="identical"),
    "no environment": lambda document: document.update(environment=None),
    "another schema": lambda document: document.update(schema="repro/manifest/v1"),
    "metrics that are a number": lambda document: document["result"].update(metrics=3),
    "a log elsewhere": lambda document: document["result"]["logs"][0].update(digest="../../x"),
    "a log that is not sent": lambda document: document["result"]["logs"][0].update(
        digest="sha256:" + "0" * 64
    ),
    "a log of another size": lambda document: document["result"]["logs"][0].update(size=1),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_record_is_refused(made: Made, name: str) -> None:
    here, run, _, answer = made
    with pytest.raises(Corrupt):
        taken(made, forged(answer, FORGERIES[name]))
    assert not list(here.store.replay_ids_of(run.id))


def test_other_bytes_than_named_are_refused(made: Made) -> None:
    answer = made[3]
    digest = next(iter(answer.blobs))
    for bad in (
        replace(answer, record=answer.record + b" "),
        replace(answer, record=b""),
        replace(answer, outcome=Outcome("0" * 64)),
        replace(answer, outcome=None),
        replace(answer, blobs={digest: b"loss: 0.1\n"}),
        replace(answer, blobs={**answer.blobs, canonical.digest_bytes(b"x"): b"x"}),
        replace(answer, shared=True, record=b"{}"),
    ):
        with pytest.raises(Corrupt):
            taken(made, bad)


def test_a_replay_without_a_record_stays_one(made: Made) -> None:
    outcome = taken(made, replace(made[3], outcome=Outcome(error="the disk is full")))
    assert (outcome.replay, outcome.error, outcome.host) == ("", "the disk is full", "w")


def test_documents_survive_the_way_and_others_are_refused(made: Made) -> None:
    answer = made[3]
    assert Answer.of(to_document(answer)) == answer
    request = Request("0.1.0", "1-a", "k", made[2], "s3://x/y:1", "sha256:0")
    assert Request.of(to_document(request)) == request
    for document in (None, 3, [], {}, {"kind": "green"}, {**to_document(answer), "blobs": [1]},
                     {**to_document(answer), "outcome": {"replay": 3}}):  # fmt: skip
        with pytest.raises(Corrupt):
            Answer.of(document)


def test_versions_that_compare_alike() -> None:
    assert is_compatible("0.3.0", "0.3.7")
    assert not is_compatible("0.3.0", "0.4.0")
    assert not is_compatible("1.3.0", "0.3.0")
    assert not is_compatible("none (ModuleNotFoundError)", "0.3.0")


def changed(made: Made, **outcome: Any) -> Outcome:
    """What is made of a worker's answer to a self-test's question."""
    here, run, task, answer = made
    options = replace(task.options, mutation=0)
    said = Outcome(**{"mutated": "x: 1 -> 2", "verdict": "different", "said": "so", **outcome})
    return cluster_answers.taken(
        here, run, replace(task, options=options), replace(answer, outcome=said)
    )


def test_whether_a_change_turned_it_red_is_seen_here(made: Made) -> None:
    here, run, _, _ = made
    found = changed(made)
    assert (found.verdict, found.mutated, found.host) == ("identical", "x: 1 -> 2", "w")
    assert not list(here.store.replay_ids_of(run.id))


def test_a_self_tests_answer_without_a_sound_record_is_refused(made: Made) -> None:
    here, run, task, answer = made
    assert answer.outcome
    with pytest.raises(Corrupt, match="none is to be stored"):
        changed(made, replay=answer.outcome.replay)
    with pytest.raises(Corrupt):
        changed((here, run, task, replace(answer, record=b"")))
    assert changed((here, run, task, replace(answer, record=b"")), error="no").error == "no"


def test_a_comparison_that_nobody_asked_for_is_refused(made: Made) -> None:
    comparison = canonical.loads(made[3].record)["comparison"]
    with pytest.raises(Corrupt, match="nobody has asked for"):
        taken(made, replace(made[3], outcome=Outcome(comparison=comparison)))


def test_conditions_of_a_probe_survive_the_way(tmp_path: Path) -> None:
    given = Conditions({"TZ": "X"}, cpus=1, leftovers=tmp_path, shim={"clock": [1, 0.5, None]})
    seen: list[Seen] = []
    task = Task("/p", "0" * 64, "x", Options(), Varied.of(given, 300.0))
    again = Task.of(json.loads(json.dumps(task.document()))).varied
    assert again
    trial = again.trial(seen.append)
    assert (trial.conditions, trial.limit, trial.keep_written) == (given, 300.0, None)
    assert Varied.of(Conditions(), None).trial(seen.append).conditions == Conditions()
