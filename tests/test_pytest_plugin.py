"""repro in pytest, as a project of its own would use it: a pytest of its own in a real project."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from workbench import Project

from repro.asserting import NotReproduced, assert_reproduces

UNSEEDED = "import json, random\njson.dump({'loss': random.random()}, open('metrics.json', 'w'))\n"
SEEDED = UNSEEDED.replace("json.dump", "random.seed(3)\njson.dump", 1)
TEST = """\
def test_it_reproduces(assert_reproduces):
    found = assert_reproduces("{run}", engine="venv", {more})
    assert found.values > 0
"""


def run_pytest(project: Project, *words: str, folder: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *words],
        cwd=folder or project.path,
        env=project.repro.environment({"PYTEST_ADDOPTS": None, "PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def recorded(shared_project: Project) -> Project:
    """A baseline that repeats itself and one that does not."""
    project = shared_project
    project.write("seeded.py", SEEDED)
    project.write("unseeded.py", UNSEEDED)
    project.commit()
    for name, script in (("good", "seeded.py"), ("bad", "unseeded.py")):
        project.record("python", script, options=("--name", name))
        words = ("accept", name, "--as-recorded", "--because", "it is the first")
        project.repro(*words).expect(0)
    project.commit()
    return project


@pytest.fixture
def two(recorded: Project) -> Iterator[Project]:
    """The same, without what a test writes into it."""
    yield recorded
    recorded.git("clean", "-fdq")
    recorded.git("checkout", "--quiet", ".")


def test_each_baseline_is_an_item_and_fails_with_the_report_alone(
    two: Project, tmp_path: Path
) -> None:
    two.write("tests/test_own.py", "def test_own():\n    pass\n")
    junit = tmp_path / "junit.xml"
    words = ("-v", "--repro", "--repro-engine", "venv", f"--junit-xml={junit}")
    code, out = run_pytest(two, *words)
    assert code == 1 and "1 failed, 2 passed" in out
    assert "repro::good PASSED" in out and "repro::bad FAILED" in out
    assert "0 of 1 run passed" in out and "metrics.json" in out and "different" in out
    assert "Traceback" not in out and "asserting.py" not in out and "def runtest" not in out
    cases = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    noted = {item.get("name"): item.get("value") for item in cases["good"].iter("property")}
    assert noted["repro_verdict"] == "identical" and noted["repro_values_compared"] == "2"


@pytest.mark.docker
def test_in_docker_and_several_times(two: Project) -> None:
    code, out = run_pytest(two, "--repro-runs", "good", "--repro-replays", "2", "-rP")
    assert code == 0 and "1 passed" in out and "2 of 2" in out


def test_items_can_be_chosen_listed_and_shared_out(two: Project) -> None:
    code, out = run_pytest(two, "--repro", "--collect-only", "-q", "-k", "good")
    assert code == 0 and "repro::good" in out and "repro::bad" not in out
    code, out = run_pytest(two, "--repro-runs", "latest~1", "--repro-engine", "venv", "-n", "2")
    assert code == 0 and "1 passed" in out
    code, out = run_pytest(two, "--repro-runs=good", "--repro-runs=good", "--collect-only", "-q")
    assert "repro::good\n" in out and "repro::good#1" in out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--repro-runs", "nobody"), "there is no run 'nobody'"),
        (("--repro-runs", "good", "--repro-engine", "vnev"), "invalid choice"),
    ],
)
def test_bad_input_is_a_line_and_no_green(two: Project, words: tuple[str, ...], part: str) -> None:
    code, out = run_pytest(two, *words)
    assert code == 4 and part in out and "Traceback" not in out and "INTERNALERROR" not in out


def test_nothing_to_replay_is_no_green(project: Project, tmp_path: Path) -> None:
    project.write("test_own.py", "def test_own():\n    pass\n")
    code, out = run_pytest(project, "--repro")
    assert code == 4 and "names no baseline" in out
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "test_own.py").write_text("def test_own():\n    pass\n")
    code, out = run_pytest(project, "--repro", folder=outside)
    assert code == 4 and "git" in out
    code, out = run_pytest(project, folder=outside)
    assert code == 0 and "1 passed" in out


def test_no_replays_asked_for_is_no_green(two: Project) -> None:
    code, out = run_pytest(two, "--repro", "--repro-engine", "venv", "--repro-replays", "0")
    assert code == 1 and "expected 1 or more" in out and "Traceback" not in out


def test_the_fixture_passes_and_fails_at_the_line_of_the_test(two: Project) -> None:
    two.write("tests/test_good.py", TEST.format(run="good", more="replays=2"))
    two.write("tests/test_bad.py", TEST.format(run="bad", more=""))
    two.write("tests/test_none.py", TEST.format(run="nobody", more=""))
    code, out = run_pytest(two, "-rA")
    assert code == 1 and "2 failed, 1 passed" in out
    assert "NotReproduced" in out and "0 of 1 run passed" in out
    assert "there is no run 'nobody'" in out
    assert "> " in out and 'assert_reproduces("bad", engine="venv", )' in out
    for inner in ("asserting.py", "pytest_plugin.py", "verifying.py", "cli/"):
        assert (
            inner not in out.replace("repro/asserting.py:", "", 0).split("short test summary")[0]
        ), out


@pytest.mark.parametrize(
    ("tolerance", "passes"),
    [("{'loss': {'absolute': 1}}", True), ("{'*': 'ignore', 'loss': {'absolute': 2.0}}", True),
     ("{'loss': {'absolute': 0}}", False), ("0.0", False)],
)  # fmt: skip
def test_a_tolerance_of_the_test_counts_before_that_of_the_project(
    two: Project, tolerance: str, passes: bool
) -> None:
    two.write("repro.yaml", f"tolerances: {{loss: {{absolute: {'0.0' if passes else '5'}}}}}\n")
    two.write("test_bad.py", TEST.format(run="bad", more=f"replays=2, tolerance={tolerance}"))
    code, out = run_pytest(two)
    assert code == (0 if passes else 1), out


REFUSED = [
    -1,
    float("nan"),
    {"loss": 3},
    pytest.param(object(), id="object"),
    {1: {2}},
    {"loss": {"absolut": 1}},
    True,
    "x",
]


@pytest.mark.parametrize("tolerance", REFUSED, ids=repr)
def test_a_tolerance_that_is_none_is_refused(project: Project, tolerance: Any) -> None:
    # before the run is even looked for
    with pytest.raises(NotReproduced, match="tolerance"):
        assert_reproduces("nobody", project.path, engine="venv", tolerance=tolerance)


def test_everything_ignored_is_no_pass(two: Project) -> None:
    with pytest.raises(NotReproduced, match="0 of 1 run passed"):
        assert_reproduces("bad", two.path, engine="venv", tolerance={"*": "ignore"})


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    """Beside what pytest itself has loaded, it loads `repro` and itself."""
    script = (
        "import sys, pytest; before = set(sys.modules); import repro.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['repro', 'repro.pytest_plugin']"
