"""`repro list`: which runs, in which order."""

from __future__ import annotations

import pytest
from workbench import Project


@pytest.fixture(scope="module")
def project(shared_project: Project) -> Project:
    return shared_project


@pytest.fixture(scope="module")
def runs(project: Project) -> dict[float, str]:
    """Three runs by their learning rate: 0.5, 0.1 (best), and one that fails with 0.9."""
    project.write(
        "train.py",
        "import json, sys\nrate = json.load(open('params.json'))['rate']\n"
        "json.dump({'accuracy': 1 - rate, 'kind': 'slow' if rate < 0.3 else 'fast'},"
        " open('metrics.json', 'w'))\nsys.exit(rate > 0.8)\n",
    )
    found = {}
    for rate, name in ((0.5, "fast"), (0.1, "best"), (0.9, "too-fast")):
        project.write("params.json", f'{{"rate": {rate}}}')
        options = ("--name", name)
        run = project.record("python", "train.py", options=options, code=int(rate > 0.8))
        found[rate] = run["id"]
    project.replay("best", engine="venv").expect(0)
    return found


def listed(project: Project, runs: dict[float, str], *words: str) -> list[float]:
    rates = {identity: rate for rate, identity in runs.items()}
    done = project.repro("list", "--json", *words).expect(0)
    return [rates[run["id"]] for run in done.document["runs"]]


def test_newest_first(project: Project, runs: dict[float, str]) -> None:
    assert listed(project, runs) == [0.9, 0.1, 0.5]
    assert listed(project, runs, "-n", "1") == [0.9]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["accuracy>0.4"], [0.1, 0.5]),
        (["accuracy<=0.5"], [0.9, 0.5]),
        (["rate=0.1"], [0.1]),
        (["rate!=0.1"], [0.9, 0.5]),
        (["kind=fast"], [0.9, 0.5]),
        (["kind=fast", "accuracy>0.4"], [0.5]),
        (["outcome=failed"], [0.9]),
        (["accuracy>5"], []),
    ],
)
def test_where_selects_by_metric_param_and_outcome(
    project: Project, runs: dict[float, str], conditions: list[str], expected: list[float]
) -> None:
    words = [word for condition in conditions for word in ("--where", condition)]
    assert listed(project, runs, *words) == expected


def test_sort_orders_by_metric_or_param_in_either_direction(
    project: Project, runs: dict[float, str]
) -> None:
    assert listed(project, runs, "--sort", "accuracy") == [0.9, 0.5, 0.1]
    assert listed(project, runs, "--sort=-accuracy") == [0.1, 0.5, 0.9]
    assert listed(project, runs, "--sort", "rate") == [0.1, 0.5, 0.9]


def test_where_selects_by_the_verdict_of_the_newest_replay(
    project: Project, runs: dict[float, str]
) -> None:
    assert listed(project, runs, "--where", "verdict=identical") == [0.1]
    assert listed(project, runs, "--where", "verdict=none") == [0.9, 0.5]
    (row,) = (run for run in project.runs() if run["id"] == runs[0.1])
    assert row["verdict"] == "identical" and row["replays"] == 1


def test_a_name_that_no_run_has_is_met_with_the_nearest(
    project: Project, runs: dict[float, str]
) -> None:
    for words in (["--where", "acuracy>0.4"], ["--sort", "acuracy"]):
        project.repro("list", *words).complains(2, "'acuracy'", "did you mean accuracy?")


def test_a_condition_that_cannot_be_read_is_said_so(
    project: Project, runs: dict[float, str]
) -> None:
    project.repro("list", "--where", "accuracy").complains(2, "cannot read the condition")


def test_the_table_shows_metrics_names_and_failures(
    project: Project, runs: dict[float, str]
) -> None:
    text = project.repro("list").expect(0).out
    assert "accuracy" in text and "(failed)" in text and " best " in text


def test_a_table_with_empty_cells_is_shown_by_its_last_value(project: Project) -> None:
    """Lightning's CSVLogger writes one row for the training and another for the validation."""
    project.write(
        "train.py",
        "open('metrics.csv', 'w').write('step,train_loss,val_loss\\n1,0.75,\\n1,,0.5\\n2,0.25,\\n')\n",
    )
    project.record("python", "train.py")
    shown = " ".join(project.repro("show", "latest").expect(0).out.split())
    assert "val_loss 0.5 (last of 1 values in 3 steps)" in shown
    assert "train_loss 0.25 (last of 3 steps)" not in shown and "train_loss 0.25" in shown
    (run,) = project.repro("list", "--json", "--where", "val_loss<0.6").expect(0).document["runs"]
    assert dict(run["metrics"])["val_loss"] == 0.5
