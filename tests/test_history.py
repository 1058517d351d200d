"""The history of a run: does it still reproduce, since when not, and what changed then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import test_specs
from workbench import Project

from repro import canonical, history, records
from repro.comparison import Comparison, compare_results, unreplayable
from repro.history import History, Standing
from repro.manifest import (
    GPU,
    Command,
    Definition,
    Environment,
    EnvironmentKind,
    Finding,
    Host,
    Manifest,
    Metric,
    MetricType,
    Outcome,
    Policy,
    Result,
    Severity,
    Source,
    Tolerance,
    to_document,
)
from repro.records import Replay
from repro.report import history as report
from repro.store import Store

HERE = Host(engine="Docker 27", isolation="container", cpus=8, kernel="5.15", system="Linux")
DEFINITION = Definition(
    Source("c" * 40, "d" * 40), (), Environment(EnvironmentKind.PACKAGES, None), Command(("x",))
)


def result(loss: float = 0.5, host: Host = HERE) -> Result:
    return Result(
        True, Outcome.FINISHED, 0, None, None, 1.0, None, host,
        metrics=(Metric("metrics.json", "loss", MetricType.NUMBER, loss),),
    )  # fmt: skip


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """A store with one run; what it yields stores replays, one minute apart, and gives the history."""
    store = Store.open(tmp_path)
    run = store.add(Manifest(DEFINITION, result(), "2026-01-15T12:00:00.000Z"))
    store.set_name("baseline", run.id)
    project = SimpleNamespace(store=store)

    def of(*replays: Replay | bytes) -> History:
        for at, done in enumerate(replays):
            if isinstance(done, bytes):
                store.add_replay(run.id, done)
                continue
            stored = records.store_replay(store, replace(done, run_id=run.id))
            path = store.root / "replays" / run.id / stored.id
            document = canonical.loads(path.read_bytes())
            path.unlink()
            document["created"] = f"2026-02-01T00:{at:02}:00.000Z"
            store.add_replay(run.id, canonical.dumps(document))
        return history.of(project, run)  # type: ignore[arg-type]

    of.store, of.run = store, run  # type: ignore[attr-defined]
    return of


def replayed(loss: float = 0.5, host: Host = HERE, *tolerances: Tolerance, **more: Any) -> Replay:
    done = result(loss, host)
    compared = compare_results(result(), done, Policy(tolerances=tolerances))
    return Replay("", "", "docker", "container", done, compared, **more)


def lost() -> Replay:
    return Replay(
        "", "", "docker", "container", None, unreplayable("the image is gone", remedy="pull it")
    )


GOOD, BAD = replayed(), replayed(0.6)


@pytest.mark.parametrize(
    ("replays", "standing", "turns"),
    [
        ((), Standing.UNKNOWN, 0),
        ((GOOD, GOOD), Standing.REPRODUCES, 0),
        ((BAD, GOOD), Standing.REPRODUCES, 1),
        ((GOOD, BAD), Standing.BROKEN, 1),
        ((GOOD, BAD, GOOD, BAD), Standing.BROKEN, 3),
        ((GOOD, lost()), Standing.BROKEN, 1),
        ((BAD, lost()), Standing.NEVER, 0),
    ],
)
def test_the_newest_replay_tells_where_it_stands(
    kept: Any, replays: Sequence[Replay], standing: Standing, turns: int
) -> None:
    found = kept(*replays)
    assert (found.standing, found.turns) == (standing, turns)
    assert (found.turn is not None) == (standing is Standing.BROKEN)
    assert len(found.entries) == len(replays) and found.names == ("baseline",)
    text = report.render(found, colour=False, width=100)
    assert standing.value in text
    document = json.loads(report.as_json(found))
    test_specs.validate(document, "history.schema.json")
    assert document.keys() == test_specs.schema("history.schema.json")["properties"].keys()


def test_the_turn_is_between_the_last_pass_and_the_first_failure_after_it(kept: Any) -> None:
    moved = replace(HERE, cpus=4, kernel="6.1", gpus=(GPU("A100", driver="550"),))
    found = kept(GOOD, GOOD, replayed(0.6, moved), BAD)
    assert found.turn.passed.created.startswith("2026-02-01T00:01")
    assert found.turn.failed.created.startswith("2026-02-01T00:02")
    changed = {item.name: (item.a, item.b) for item in found.turn.changed}
    assert changed == {"CPUs": ("8", "4"), "kernel": ("5.15", "6.1")}
    text = report.render(found, colour=False, width=100)
    assert "no longer reproduces since 2026-02-01 00:02; it did until 2026-02-01 00:01" in text
    assert "CPUs: 8 -> 4" in text and "1 of 1 metric differs: loss" in text


def test_drivers_engines_isolation_tolerances_and_a_new_environment_are_changes(kept: Any) -> None:
    old = replace(HERE, gpus=(GPU("A100", driver="535"),))
    new = replace(HERE, gpus=(GPU("A100", driver="550"),), engine="venv", isolation="none")
    before = replayed(0.55, old, Tolerance("*", absolute=0.1), reused=True)
    after = replace(replayed(0.55, new), engine="venv", isolation="none", reused=False)
    found = kept(before, after)
    changed = {item.name: (item.a, item.b) for item in found.turn.changed}
    assert changed["GPUs"] == ("A100 (driver 535)", "A100 (driver 550)")
    assert changed["isolation"] == ("in a container", "not isolated")
    assert changed["tolerance of loss"] == ("absolute 0.1, relative 0.0", "exact")
    assert changed["environment"] == ("known", "built again")
    assert found.entries[1].changed == found.turn.changed


def test_what_was_new_on_the_way_is_said(kept: Any) -> None:
    known = Finding(Severity.NOTE, "data", "from the cache")
    new = Finding(Severity.RISKS, "image", "another release of Python was used")
    found = kept(replace(GOOD, findings=(known,)), replace(BAD, findings=(known, new)))
    assert found.turn.new == (new,)
    assert "another release" in report.render(found, colour=False, width=100)


def test_nothing_changed_and_nothing_known_are_two_things(kept: Any) -> None:
    assert "nothing that is recorded" in report.render(kept(GOOD, BAD), colour=False, width=200)


def test_of_one_that_was_not_executed_nothing_is_known(kept: Any) -> None:
    text = report.render(kept(GOOD, lost()), colour=False, width=200)
    assert "nothing is known of what changed" in text and "try: pull it" in text


def test_a_beginning_that_agrees_and_another_source_stand_for_nothing(kept: Any) -> None:
    stopped = replace(result(), outcome=Outcome.INTERRUPTED, exit_code=None)
    beginning = replace(GOOD, result=stopped)
    found = kept(BAD, beginning)
    assert found.standing is Standing.NEVER and len(found.entries) == 2
    assert "first steps only" in report.render(found, colour=False, width=100)
    said = replace(GOOD.comparison, reasons=("the first 3 steps: 1 metric equal",))
    assert kept(replace(GOOD, comparison=said)).standing is Standing.NEVER
    # a beginning that differs is a difference of the whole
    assert kept(GOOD, replace(BAD, result=replace(stopped))).standing is Standing.BROKEN


def test_a_replay_of_another_source_stands_for_nothing(kept: Any) -> None:
    kept(GOOD)
    folder = kept.store.root / "replays" / kept.run.id
    (path,) = folder.iterdir()
    document = canonical.loads(path.read_bytes())
    shown = to_document(kept.run.manifest)
    document.update(created="2026-03-01T00:00:00.000Z", manifest=shown)
    document["comparison"]["verdict"] = "different"
    kept.store.add_replay(kept.run.id, canonical.dumps(document))
    found = kept()
    assert found.standing is Standing.REPRODUCES and len(found.entries) == 2
    assert "the source of its time" in report.render(found, colour=False, width=100)


def test_damaged_records_are_named_and_stand_for_nothing(kept: Any) -> None:
    found = kept(GOOD)
    folder = kept.store.root / "replays" / kept.run.id
    (folder / ("e" * 64)).write_bytes(b"{}")
    for content in (b"", b"[]", b'{"schema":"repro/replay/v1"}',
                    b'{"schema":"repro/replay/v1","created":"2027","comparison":{}}',
                    b'{"schema":"repro/replay/v2"}', b"\xff"):  # fmt: skip
        kept.store.add_replay(kept.run.id, content)
    (folder / ("f" * 64)).mkdir()
    found = kept()
    assert len(found.damaged) == 8 and len(found.entries) == 1
    text = report.render(found, colour=False, width=100)
    assert text.count("not in here, damaged") == 8 and "as far as the records tell" in text
    test_specs.validate(json.loads(report.as_json(found)), "history.schema.json")


def test_what_a_stranger_chose_drives_no_terminal(kept: Any) -> None:
    evil = "\x1b[31m\u202e\n::x"
    said = replace(GOOD, comparison=Comparison(BAD.comparison.verdict, (evil,), next_step=evil))
    host = replace(HERE, cpu=evil, threads={evil: evil})
    bad = replace(said, result=result(0.5, host), findings=(Finding(Severity.NOTE, evil, evil),))
    text = report.render(kept(GOOD, bad), colour=False, width=80)
    assert "\x1b" not in text and "\u202e" not in text


def test_the_command_shows_real_replays(project: Project) -> None:
    project.write("repro.yaml", "tolerances: {loss: {absolute: 10}}\n")
    project.write(
        "unseeded.py",
        "import json, random\njson.dump({'loss': random.random()}, open('metrics.json', 'w'))\n",
    )
    project.commit()
    project.record("python", "unseeded.py", options=("--name", "base"))
    assert "not replayed" in project.repro("history", "base").expect(0).out
    project.replay("base", engine="venv").expect(0)
    project.write("repro.yaml", "tolerances: {loss: {absolute: 0.0}}\n")
    project.replay("base", engine="venv").expect(1)
    text = project.repro("history", "base").expect(0).out
    assert "no longer reproduces since" in text
    assert "tolerance of loss: absolute 10.0, relative 0.0 -> absolute 0.0, relative 0.0" in text
    document = project.repro("history", "--json").expect(0).document
    test_specs.validate(document, "history.schema.json")
    assert [item["verdict"] for item in document["replays"]] == ["equivalent", "different"]
    project.repro("history", "nobody").complains(2, "nobody")
