"""Patterns of others cannot hang a comparison, and what they were to read is never passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from workbench import Project

from repro import printed
from repro.comparison import compare_results
from repro.log_metrics import Rules, bounded, read
from repro.manifest import Descriptor, Host, Outcome, Policy, Result, SourceState
from repro.store import Store

HOPELESS = (r"(?P<value>(a+)+)$",)
LINE = "a" * 60 + "!\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "PATIENCE", 0.5)
    monkeypatch.setattr(bounded, "_ENDLESS", {})


@pytest.mark.parametrize(
    "pattern", [r"(?P<value>(a+)+)$", r"(?P<value>(a|a)*)b", r"(?P<value>(.*a){25})b"]
)
def test_a_pattern_that_never_ends_is_ended(impatient: None, pattern: str) -> None:
    found = read((LINE + "loss: 0.5\n").encode(), "<stdout>", Rules((pattern,)))
    assert "did not come to an end" in found.trouble


def test_more_matches_than_can_be_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST", 10)
    found = bounded.search(["a" * 20], ("(?P<value>a)",))
    assert found.trouble.endswith("they match more than 10 times") and not found.lines


@pytest.mark.parametrize("pattern", ["(", "(?P<value>", "a" * 10 + "{999999999999999}"])
def test_a_pattern_that_is_none_is_said(pattern: str) -> None:
    found = bounded.search(["a"], (pattern,))
    assert found.trouble.startswith("the log's patterns could not be used: ")


def test_a_pattern_without_a_value_reads_nothing() -> None:
    assert read(b"loss: 0.5\n", "<stdout>", Rules(("(?P<name>loss)",))).metrics[0].value == 0.5


def test_any_text_comes_back_as_it_went() -> None:
    texts = ["", "\t\\\"'\x7f", "漢字\U0001f511 \udc80", "null", "loss 1"]
    found = bounded.search(texts, (r"(?P<value>.+)", r"(?P<name>l)oss (?P<value>\d)"))
    assert not found.trouble
    assert {
        line: [texts[line][slice(*match.spans["value"])] for match in matches]
        for line, matches in found.lines.items()
    } == {1: [texts[1]], 2: [texts[2]], 3: ["null"], 4: ["loss 1", "1"]}


def result(store: Store, text: str) -> Result:
    log = store.put_bytes(text.encode(), "log/stdout", "text/plain")
    return Result(True, Outcome.FINISHED, 0, None, None, None, None, Host(), logs=(log,))


def test_what_could_not_be_read_is_red_on_both_sides(impatient: None, tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    rules = Rules(HOPELESS)
    sides = [printed.taken_in(store, result(store, LINE + "loss: 0.5\n"), rules) for _ in "ab"]
    assert sides[0].metric_sources[0].state is SourceState.UNREADABLE
    found = compare_results(sides[0], sides[1], Policy())
    assert found.verdict.exit_code == 1, found.verdict
    assert any("did not come to an end" in reason for reason in found.reasons), found.reasons


def test_a_log_that_is_not_there_asks_nobody(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    gone = Descriptor("log/stdout", "sha256:" + "a" * 64, 3)
    lost = Result(True, Outcome.FINISHED, 0, None, None, None, None, Host(), logs=(gone,))
    assert printed.taken_in(store, lost, Rules(HOPELESS)).metric_sources == ()


def test_a_run_with_such_a_pattern_is_recorded_and_never_green(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("train.py", f"print({LINE!r}); open('metrics.json', 'w').write('1')\n")
    project.commit()
    project.record("python", "train.py")
    project.write("repro.yaml", json.dumps({"log": {"patterns": list(HOPELESS)}}))
    done = project.replay(engine="venv").expect(1)
    assert done.verdict == "different" and "did not come to an end" in done.out
