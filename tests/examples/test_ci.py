"""What examples/ci offers, as far as a machine without those services can try it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from workbench import ROOT, SCRIPTS, Project

CI = ROOT / "examples" / "ci"
SEEDED = (
    "import json, random\nrandom.seed(3)\n"
    "json.dump({'loss': random.random()}, open('metrics.json', 'w'))\n"
)
FILES = [*sorted(CI.rglob("*.yml")), *sorted(CI.rglob("*.yaml")), ROOT / ".pre-commit-hooks.yaml"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


ACTION = loaded(CI / "github" / "action.yml")
GITLAB = loaded(CI / "gitlab" / "repro-verify.gitlab-ci.yml")["reproducible"]


@pytest.fixture
def baseline(project: Project) -> Project:
    project.write("seeded.py", SEEDED)
    project.commit()
    project.record("python", "seeded.py", options=("--name", "baseline"))
    project.repro("accept", "baseline", "--as-recorded", "--because", "the first").expect(0)
    project.commit()
    return project


def bash(project: Project, script: str, env: dict[str, str], *more: str) -> tuple[int, str]:
    path = os.pathsep.join([str(SCRIPTS), project.repro.path])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script, *more],
        cwd=project.path,
        env=project.repro.environment({**env, "PATH": path}),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


# --- the files ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_yaml_and_every_option_in_it_exists(path: Path, project: Project) -> None:
    assert loaded(path)
    known = project.repro("verify", "--help").expect(0).out
    known += project.repro("check", "--help").expect(0).out
    for line in path.read_text("utf-8").splitlines():
        if not line.lstrip().startswith("#") and re.search(r"repro (verify|check)", line):
            for option in re.findall(r"(?<=\s)--[a-z][\w-]*", line):
                assert option in known, option


def test_the_scripts_are_clean() -> None:
    scripts = sorted(CI.rglob("*.sh"))
    assert len(scripts) == 2
    for script in scripts:
        assert os.access(script, os.X_OK), script
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck on this machine")
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_action_refers_to_nothing_that_is_not_there() -> None:
    steps = ACTION["runs"]["steps"]
    ids = {step["id"] for step in steps if "id" in step}
    inputs = set(ACTION["inputs"])
    used = set()
    for step in steps:
        for expression in EXPRESSION.findall(str(step)):
            for scope, name in re.findall(r"\b(inputs|steps)\.(\w+)", expression):
                assert name in (inputs if scope == "inputs" else ids), expression
                used.add((scope, name))
        if "run" in step:
            # what a caller chose must not become shell
            assert not EXPRESSION.search(step["run"]) and step["shell"] == "bash"
            assert not EXPRESSION.search(str(step.get("if", ""))) or "inputs" not in step["if"]
        else:
            assert re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"])
    assert {name for scope, name in used if scope == "inputs"} == inputs
    workflow = loaded(CI / "github" / "workflow.yml")
    (own,) = [
        step for step in workflow["jobs"]["verify"]["steps"] if "repro-verify" in str(step.get("uses"))
    ]  # fmt: skip
    assert set(own["with"]) <= inputs


# --- GitHub ---------------------------------------------------------------------------------


def steps_of_the_action(project: Project, tmp_path: Path, **inputs: str) -> tuple[int, str]:
    """Executes the `run:` steps as the runner does; the code is that of the first that fails."""
    values = {f"inputs.{name}": item["default"] for name, item in ACTION["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in inputs.items()}
    output, summary = tmp_path / "output", tmp_path / "summary"
    code, said = 0, ""
    for step in (step for step in ACTION["runs"]["steps"] if "run" in step):
        if code and "if" not in step:
            continue
        env = {
            name: EXPRESSION.sub(lambda match: values.get(match[1], ""), value)
            for name, value in step["env"].items()
        }
        env |= {"GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(CI / "github"),
                "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}  # fmt: skip
        ended, text = bash(project, step["run"], env)
        code, said = code or ended, said + text
        if "id" in step and output.exists():
            for line in output.read_text().splitlines():
                name, _, value = line.partition("=")
                values[f"steps.{step['id']}.outputs.{name}"] = value
    return code, said


def test_the_action_is_green_and_red_without_docker(baseline: Project, tmp_path: Path) -> None:
    code, said = steps_of_the_action(baseline, tmp_path, engine="venv")
    assert code == 0, said
    assert re.fullmatch(
        r"environments=[0-9a-f]{32}\ndata=[0-9a-f]{32}\nimages=repro-env:[0-9a-f]{32}\n",
        (tmp_path / "output").read_text(),
    )
    assert "::notice title=repro verify::1 of 1 run passed" in said
    assert (tmp_path / "summary").read_text().startswith("## ✅")
    reports = baseline.path / "repro-reports"
    assert ElementTree.parse(reports / "junit.xml").getroot().get("errors") == "0"
    assert not (baseline.path / ".repro-images.tar").exists()
    code, said = steps_of_the_action(baseline, tmp_path, engine="venv", runs="baseline nobody")
    assert code == 2 and "there is no run 'nobody'" in said


@pytest.mark.docker
def test_the_action_keeps_and_loads_environments(baseline: Project, tmp_path: Path) -> None:
    code, said = steps_of_the_action(
        baseline, tmp_path, runs="baseline\n", replays="2", jobs="2", options="--fail-fast"
    )
    assert code == 0 and "2 of 2" in said, said
    images = baseline.path / ".repro-images.tar"
    assert images.stat().st_size > 1000
    env = {"REPRO_ENGINE": "docker"}
    assert bash(baseline, f"{CI}/github/steps.sh load", env)[0] == 0
    images.write_bytes(b"half of an image")
    code, said = bash(baseline, f"{CI}/github/steps.sh load", env)
    assert code == 0 and "built again" in said
    assert bash(baseline, f"{CI}/github/steps.sh nonsense", env)[0] == 2


def test_an_input_is_no_shell(baseline: Project, tmp_path: Path) -> None:
    evil = "$(touch owned) ;touch owned `touch owned`"
    code, _ = steps_of_the_action(baseline, tmp_path, engine="venv", runs=evil)
    assert code and not (baseline.path / "owned").exists()


def test_a_run_is_pulled_first(baseline: Project, tmp_path: Path) -> None:
    store = tmp_path / "pushed"
    baseline.repro("push", "baseline", str(store)).expect(0)
    run = baseline.runs()[0]["id"]
    subprocess.run(["rm", "-rf", baseline.path / ".repro"], check=True)
    code, said = steps_of_the_action(
        baseline, tmp_path, engine="venv", runs=run, pull=f"{store}:{run[:12]}"
    )
    assert code == 0, said


# --- GitLab, cron, pre-commit -----------------------------------------------------------------


def test_the_gitlab_job_writes_the_reports_that_it_names(baseline: Project) -> None:
    variables = {name: value for name, value in GITLAB["variables"].items() if "DOCKER" not in name}
    script = "\n".join(GITLAB["script"]).replace("repro verify", "repro verify --engine venv")
    code, said = bash(baseline, script, variables)
    assert code == 0, said
    named = {*GITLAB["artifacts"]["paths"], *GITLAB["artifacts"]["reports"].values()}
    for name in named:
        assert (baseline.path / name).stat().st_size, name
    assert GITLAB["artifacts"]["when"] == "always"
    assert (baseline.path / "repro-quality.json").read_text().strip() == "[]"


@pytest.mark.docker  # its check asks for the base image
def test_the_nightly_script_ends_with_the_worse_of_its_two_codes(baseline: Project) -> None:
    script = shlex.join([str(CI / "nightly" / "nightly.sh"), str(baseline.path), "baseline"])
    code, said = bash(baseline, script, {"REPRO_OPTIONS": "--engine venv"})
    assert code == 0, said
    assert "1 of 1 run passed" in said and "reproduces, in every replay since" in said
    code, said = bash(baseline, script, {"REPRO_OPTIONS": "--engine venv --within 0s"})
    assert code == 3 and "not reached: baseline" in said
    code, said = bash(baseline, f"{script}x", {"REPRO_OPTIONS": ""})
    assert code == 2, said
    locked = f"exec 8>repro-reports/.lock; flock 8; {script}"
    code, said = bash(baseline, locked, {"REPRO_OPTIONS": "--engine venv"})
    assert code == 3 and "still at work" in said


def test_the_hooks_are_commands_of_repro(baseline: Project) -> None:
    hooks = loaded(ROOT / ".pre-commit-hooks.yaml")
    local = loaded(CI / "pre-commit-config.yaml")["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} == {"repro-verify", "repro-check"}
    for hook in (*hooks, *local):
        assert hook["pass_filenames"] is False and hook["stages"] == ["pre-push"]
    words = [*local[0]["entry"].split(), *local[0]["args"]]
    words = [word.replace("origin/main", "HEAD~1") for word in words]
    code, said = bash(baseline, shlex.join([*words, "--engine", "venv"]), {})
    assert code == 0, said
