"""What is said of a result, and the grade that comes of it: nothing is left out silently."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from repro import grade
from repro.capturing import files, result_findings, results
from repro.capturing.files import Changes, Scan
from repro.capturing.results import Collected, Expected
from repro.manifest import (
    Descriptor,
    Finding,
    Host,
    Metric,
    MetricSource,
    MetricType,
    Outcome,
    Result,
    Severity,
    SourceState,
)

METRIC = Metric("metrics.json", "loss", MetricType.NUMBER, 0.25)
OUTPUT = Descriptor("model.bin", "sha256:" + "0" * 64, 1)
PLAIN = Result(
    observed=True,
    outcome=Outcome.FINISHED,
    exit_code=0,
    started=None,
    ended=None,
    duration=None,
    peak_memory=None,
    host=Host(),
    metrics=(METRIC,),
    metric_sources=(MetricSource("metrics.json", SourceState.READ),),
    outputs=(OUTPUT,),
)
FEW = Changes((), ())


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def said(findings: list[Finding]) -> list[tuple[Severity, str]]:
    return [(item.severity, item.message) for item in findings]


def collected(**given: object) -> Collected:
    return replace(Collected((), (), (), (), FEW), **given)  # type: ignore[arg-type]


# --- of the result ------------------------------------------------------------------------------


def test_of_a_result_with_all_that_it_should_have_there_is_nothing_to_say() -> None:
    assert result_findings.of_result(PLAIN) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (SourceState.EMPTY, "holds no value"),
        (SourceState.UNREADABLE, "could not be read"),
        (SourceState.MISSING, "was not written"),
        (SourceState.STALE, "was there before and was not written by this run"),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_metrics_that_were_not_read_are_told(
    state: SourceState, words: str, declared: bool
) -> None:
    source = MetricSource("eval.json", state, declared, "the reason")
    finding = only(result_findings.of_result(replace(PLAIN, metric_sources=(source,))))
    assert finding.severity is (Severity.RISKS if declared else Severity.NOTE)
    assert finding.subject == "metrics"
    assert finding.message.startswith(f"eval.json {words}")
    assert finding.message.endswith("(the reason)")
    assert finding.remedy


def test_every_state_of_a_source_has_its_words() -> None:
    for state in SourceState:
        result_findings.of_result(replace(PLAIN, metric_sources=(MetricSource("a", state),)))


def test_a_result_without_a_metric_says_what_a_verdict_would_rest_on() -> None:
    without = replace(PLAIN, metrics=(), metric_sources=())
    assert said(result_findings.of_result(without)) == [
        (Severity.RISKS, "no metric was found: a verdict would rest on the outputs alone")
    ]
    assert said(result_findings.of_result(replace(without, outputs=()))) == [
        (
            Severity.RISKS,
            "neither a metric nor an output was found: there is nothing to compare",
        )
    ]


def test_each_declared_output_that_is_missing_is_told() -> None:
    found = result_findings.of_result(replace(PLAIN, missing_outputs=("models", "*.png")))
    assert said(found) == [
        (Severity.RISKS, "the declared output models was not written"),
        (Severity.RISKS, "the declared output *.png was not written"),
    ]


def test_inputs_that_the_run_rewrote_are_told_and_of_many_the_first() -> None:
    names = tuple(f"data/{number}" for number in range(7))
    finding = only(result_findings.of_result(replace(PLAIN, modified_inputs=names)))
    assert finding.severity is Severity.RISKS
    assert finding.message.endswith(": data/0, data/1, data/2, data/3, data/4 and 2 more")


def test_deleted_files_are_told() -> None:
    finding = only(result_findings.of_result(replace(PLAIN, deleted=("a", "b"))))
    assert (finding.severity, finding.message) == (
        Severity.NOTE,
        "the run deleted files: a, b",
    )


# --- of what was collected ----------------------------------------------------------------------


def test_of_a_plain_collection_there_is_nothing_to_say(tmp_path: Path) -> None:
    found = collected(outputs=(OUTPUT,), missing_outputs=("models", "*.png"))
    assert list(result_findings.of_collected(tmp_path, found)) == []


def test_what_could_not_be_read_after_the_run_is_told(tmp_path: Path) -> None:
    finding = only(
        list(result_findings.of_collected(tmp_path, collected(unreadable=("a/b", "closed"))))
    )
    assert finding.severity is Severity.RISKS
    assert finding.message == "could not be read: a/b, closed"


def test_a_folder_that_the_run_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files.scan(tmp_path, tmp_path)
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("/closed"):
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = results.collect(tmp_path, before, files.scan(tmp_path, tmp_path), Expected())
    finding = only(list(result_findings.of_collected(tmp_path, found)))
    assert finding.message == "could not be read: closed"


def test_links_out_of_the_project_are_told_and_those_within_are_not(tmp_path: Path) -> None:
    top = tmp_path / "project"
    (top / "runs/1").mkdir(parents=True)
    before = files.scan(top, top)
    (top / "latest").symlink_to("runs/1")
    (top / "same").symlink_to(top / "runs/1")
    (top / "nowhere").symlink_to("runs/2")
    (top / "out").symlink_to("../big/model.bin")
    (top / "far").symlink_to("/mnt/models/1")
    found = results.collect(top, before, files.scan(top, top), Expected())
    finding = only(list(result_findings.of_collected(top, found)))
    assert finding.severity is Severity.RISKS
    assert finding.message.endswith("recorded as links and not by what is behind them: far, out")


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ("models", "models is a link"),
        ("models/best.bin", "models is a link"),
        ("a/b/*.bin", "a/b is a link"),
        ("web/node_modules/x", "web/node_modules"),
        ("__pycache__/a.pyc", "__pycache__"),
        (".git/x", ".git"),
    ],
)
def test_a_declared_output_that_is_out_of_sight_is_told_why(
    tmp_path: Path, declared: str, why: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "models").symlink_to("/mnt/models")
    (tmp_path / "a/b").symlink_to("../c")
    found = list(
        result_findings.of_collected(tmp_path, collected(missing_outputs=(declared, "other.bin")))
    )
    finding = only(found)
    assert finding.message == (
        f"the declared output {declared} lies where no results are looked for: {why}"
    )
    assert finding.remedy


# --- of the files that were there ---------------------------------------------------------------


@pytest.fixture
def scanned(tmp_path: Path) -> Scan:
    for name in ("train.py", "local/secret.cfg", ".dvc/config", ".venv/pyvenv.cfg",
                 "web/node_modules/a/b.js", "__pycache__/a.pyc"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return files.scan(tmp_path, tmp_path)


def test_environments_that_were_not_looked_into_are_told(scanned: Scan) -> None:
    finding = only(
        list(result_findings.of_scan(scanned, {"train.py", "local/secret.cfg"}, frozenset()))
    )
    assert finding.severity is Severity.NOTE
    assert finding.message == (
        "environments inside the project are no outputs: .venv, web/node_modules"
    )


def test_files_that_git_ignores_and_the_run_may_have_read_are_told(scanned: Scan) -> None:
    bare = replace(scanned, environments=())
    finding = only(list(result_findings.of_scan(bare, {"train.py"}, frozenset())))
    assert finding.severity is Severity.NOTE
    assert "git ignores 1 file that the run may have read" in finding.message
    assert finding.message.endswith(": local/secret.cfg")


def test_what_the_run_wrote_itself_it_did_not_only_read(scanned: Scan) -> None:
    bare = replace(scanned, environments=())
    assert list(result_findings.of_scan(bare, {"train.py"}, {"local/secret.cfg"})) == []


# --- the grade ----------------------------------------------------------------------------------


def test_the_grade_is_as_bad_as_the_worst_finding() -> None:
    note, risk, broken = (Finding(severity, "data", "x") for severity in reversed(Severity))
    assert grade.of([]) == grade.of([note]) == "portable"
    assert grade.of([note, risk]) == "fragile"
    assert grade.of([risk, broken, note]) == "local"
    assert set(grade.MEANING) == {"portable", "fragile", "local"}


def test_a_result_whose_declared_metrics_are_missing_is_fragile() -> None:
    lacking = replace(PLAIN, metric_sources=(MetricSource("a.json", SourceState.MISSING),))
    assert grade.of(result_findings.of_result(lacking)) == "fragile"
