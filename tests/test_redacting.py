"""--redact: no secret in the record, and nothing claimed of what is not there."""

from __future__ import annotations

import json
import random
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from workbench import ROOT, Project

from repro import redacting
from repro.comparison import compare_manifests
from repro.errors import Unreplayable, UsageError
from repro.manifest import (
    REDACTED,
    Command,
    Definition,
    Environment,
    EnvironmentKind,
    Host,
    Manifest,
    Outcome,
    Param,
    Policy,
    Result,
    Source,
    Stage,
    dumps,
    loads,
)
from repro.scanning import Allowed, parse

TOKEN = "ghp_" + "".join(random.Random(9).choices(string.ascii_letters + string.digits, k=36))
PASSWORD = "correct-horse-7"
TRAIN = """\
import json, os
print("working with", os.environ.get("DB_PASSWORD"))
json.dump({"loss": 0.5}, open("metrics.json", "w"))
"""
SCHEMA = json.loads((ROOT / "specs/manifest.schema.json").read_text())


@pytest.fixture
def training(project: Project) -> Project:
    """It takes a password from a variable, which may be recorded, and prints it."""
    project.write("train.py", TRAIN)
    project.write("repro.yaml", "env: [DB_PASSWORD]\n")
    project.commit()
    return project


def demand_nowhere(project: Project, *values: str) -> None:
    for path in (project.path / ".repro").rglob("*"):
        for value in values:
            assert not path.is_file() or value.encode() not in path.read_bytes(), path


def redacted(project: Project, *command: str, env: dict[str, str | None] | None = None) -> Any:
    run = project.record(*command, options=("--redact",), env=env)
    jsonschema.validate(run["manifest"], SCHEMA)
    return run["manifest"]


def test_a_variable(training: Project) -> None:
    found = redacted(training, "python", "train.py", env={"DB_PASSWORD": PASSWORD})
    assert found["definition"]["env"]["DB_PASSWORD"] == REDACTED
    places = [item["place"] for item in found["redacted"]]
    assert places == ["/definition/env/DB_PASSWORD", "log/stdout"]
    demand_nowhere(training, PASSWORD)
    (finding,) = (item for item in found["findings"] if item["subject"] == "env")
    assert finding["severity"] == "risks" and "--env DB_PASSWORD" in finding["remedy"]
    # without a value it is not replayed, with one it says so
    lacking = training.replay(engine="venv").expect(3)
    assert lacking.verdict == "unreplayable" and "DB_PASSWORD" in lacking.out
    given = training.repro(
        "replay", "latest", "--engine", "venv", "--env", "DB_PASSWORD=another-horse-8",
        cwd=training.path,
    ).expect(0)  # fmt: skip
    assert "given anew; whether it is the same is not known: DB_PASSWORD" in " ".join(
        given.out.split()
    )
    demand_nowhere(training, "another-horse-8")


def test_a_variable_that_is_there_cannot_be_given_anew(training: Project) -> None:
    training.record("python", "train.py", env={"DB_PASSWORD": None})
    for words in (["--env", "DB_PASSWORD=x"], ["--env", "LANG=C"]):
        done = training.repro("replay", "latest", "--engine", "venv", *words, cwd=training.path)
        done.complains(2, "only what was redacted can be given anew")
    unset = training.repro("replay", "latest", "--env", "NOT_SET_HERE", cwd=training.path)
    unset.complains(2, "it is not set here")


def test_a_word_of_the_command(training: Project) -> None:
    found = redacted(training, "python", "train.py", "--password", PASSWORD)
    assert found["definition"]["command"]["argv"][-1] == REDACTED
    demand_nowhere(training, PASSWORD)
    assert any(
        item["subject"] == "command" and item["severity"] == "breaks" for item in found["findings"]
    )
    assert training.replay(engine="venv").expect(3).verdict == "unreplayable"


def test_a_changed_file_cannot_be_redacted(training: Project) -> None:
    training.write("notes.txt", f"mine: {TOKEN}\n")
    before = training.run_files()
    done = training.repro("run", "--redact", "--", "python", "train.py", cwd=training.path)
    done.complains(2, "it cannot be redacted: untracked notes.txt:1", "let git ignore the file")
    assert TOKEN not in done.err and training.run_files() == before
    demand_nowhere(training, TOKEN)


def test_a_param_is_redacted_only_where_its_file_stays_here(training: Project) -> None:
    training.write("secret.yaml", f"db:\n  password: {PASSWORD}\n")
    training.write("repro.yaml", "params: [secret.yaml]\n")
    training.commit()
    done = training.repro("run", "--redact", "--", "python", "train.py", cwd=training.path)
    done.complains(2, "cannot be redacted", "params secret.yaml:db.password")
    training.git("rm", "--quiet", "--cached", "secret.yaml")
    training.write(".gitignore", "secret.yaml\n/metrics.json\n")
    training.commit()
    found = redacted(training, "python", "train.py")
    assert [
        item["value"] for item in found["definition"]["params"] if item["name"] == "db.password"
    ] == [REDACTED]


def test_capture_redacts_too(training: Project) -> None:
    training.write("metrics.json", '{"loss": 0.5}')
    done = training.repro(
        "capture", "--redact", "--json", "--", "python", "train.py", "--password", PASSWORD,
        cwd=training.path,
    ).expect(0)  # fmt: skip
    assert done.document["manifest"]["definition"]["command"]["argv"][-1] == REDACTED
    demand_nowhere(training, PASSWORD)


@pytest.mark.parametrize("command", ["run", "capture"])
def test_both_ways_at_once_are_refused(training: Project, command: str) -> None:
    words = (command, "--redact", "--allow-secrets", "--", "python", "train.py")
    training.repro(*words, cwd=training.path).complains(2, "contradict")


def test_without_secrets_nothing_is_redacted(training: Project) -> None:
    plain = training.record("python", "train.py")["manifest"]
    found = redacted(training, "python", "train.py")
    assert "redacted" not in found and found["definition_id"] == plain["definition_id"]


# --- export ---------------------------------------------------------------------------------


def test_an_export_without_secrets(training: Project, tmp_path: Path) -> None:
    run = training.record(
        "python", "train.py", options=("--allow-secrets",), env={"DB_PASSWORD": PASSWORD}
    )
    file, here = tmp_path / "run.tar", tmp_path / "here"
    here.mkdir()
    training.repro("export", "latest", str(file), cwd=training.path).complains(2, "not exported")
    done = training.repro("export", "latest", str(file), "--redact", cwd=training.path).expect(0)
    assert "inside as run " in done.err
    assert PASSWORD.encode() not in file.read_bytes()
    identity = training.repro("import", str(file), cwd=here).expect(0).out.strip()
    assert identity != run["id"]
    shown = training.repro("show", "--json", cwd=here).expect(0).document
    assert shown["manifest"]["definition"]["env"]["DB_PASSWORD"] == REDACTED
    jsonschema.validate(shown["manifest"], SCHEMA)
    for path in (here / ".repro").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
    words = ("replay", "latest", "--engine", "venv", "--json")
    assert training.repro(*words, cwd=here).expect(3).verdict == "unreplayable"
    given = training.repro(*words, "--env", f"DB_PASSWORD={PASSWORD}", cwd=here)
    assert given.expect(0).verdict == "identical"
    again = tmp_path / "again.tar"
    training.repro("export", "latest", str(again), "--redact", cwd=training.path).expect(0)
    assert again.read_bytes() == file.read_bytes()


def test_an_output_with_a_secret_stays_here(project: Project, tmp_path: Path) -> None:
    code = (
        "import pathlib, json; token = pathlib.Path('local/token').read_text(); "
        "open('notes.txt', 'w').write(token); json.dump({'a': 1}, open('metrics.json', 'w'))"
    )
    project.write("local/token", TOKEN)
    run = project.record("python", "-c", code)
    file, here = tmp_path / "run.tar", tmp_path / "here"
    here.mkdir()
    done = project.repro("export", "latest", str(file), "--redact", cwd=project.path).expect(0)
    assert "not inside: the output notes.txt" in done.err
    assert TOKEN.encode() not in file.read_bytes()
    assert project.repro("import", str(file), cwd=here).expect(0).out.strip() == run["id"]


def test_what_cannot_be_redacted_stops_the_export(project: Project, tmp_path: Path) -> None:
    code = (
        "import pathlib, json; token = pathlib.Path('local/token').read_text(); "
        "json.dump({'who': token}, open('metrics.json', 'w'))"
    )
    project.write("local/token", TOKEN)
    project.record("python", "-c", code)
    file = tmp_path / "run.tar"
    done = project.repro("export", "latest", str(file), "--redact", cwd=project.path)
    done.complains(2, "cannot be redacted", "/result/metrics/0/value")
    assert not file.exists() and TOKEN not in done.err


# --- pure -----------------------------------------------------------------------------------


def manifest(
    argv: tuple[str, ...] = ("train",),
    env: dict[str, str] | None = None,
    params: tuple[Param, ...] = (),
    stages: tuple[Stage, ...] = (),
) -> Manifest:
    host = Host()
    result = Result(True, Outcome.FINISHED, 0, None, None, None, None, host)
    definition = Definition(
        Source("a" * 40, "b" * 40), (), Environment(EnvironmentKind.PACKAGES, None),
        Command(argv, stages), env=env or {}, params=params,
    )  # fmt: skip
    return Manifest(definition, result, "2026-01-15T12:00:04.500Z")


def differences(a: Manifest, b: Manifest) -> list[tuple[str, str]]:
    found = compare_manifests(a, b, Policy())
    return [(item.ingredient, item.name) for item in found.ingredients]


@pytest.mark.parametrize(
    ("run", "named"),
    [
        (manifest(env={"A": REDACTED}), ("env", "A")),
        (manifest(("train", REDACTED)), ("command", "argv")),
        (manifest(params=(Param("p.yaml", "k", REDACTED),)), ("params", "p.yaml:k")),
        (manifest(stages=(Stage("s", (REDACTED,)),)), ("command", "stage s: commands")),
    ],
)
def test_two_redacted_values_are_never_equal(run: Manifest, named: tuple[str, str]) -> None:
    assert differences(run, run) == [named]
    found = compare_manifests(run, run, Policy())
    assert not found.same_definition and "not known" in found.ingredients[0].detail
    assert named in differences(run, manifest()) or named[0] == "command"


def test_values_that_are_there_are_compared_as_ever() -> None:
    run = manifest(("train", "x"), {"A": "1"})
    assert differences(run, run) == []
    assert differences(manifest(env={"A": REDACTED}), run) != []


def test_a_redacted_manifest_reads_back() -> None:
    run = manifest(("train", "--password", PASSWORD), {"HF_TOKEN": TOKEN})
    done = redacting.redacted(run, Allowed())
    again = replace(done.manifest, redacted=done.redactions)
    assert loads(dumps(again)).redacted == done.redactions
    assert PASSWORD not in dumps(again).decode() and TOKEN not in dumps(again).decode()
    assert {item.place for item in done.redactions} == {
        "/definition/command/argv/2", "/definition/env/HF_TOKEN",
    }  # fmt: skip


def test_what_is_allowed_is_kept() -> None:
    run = manifest(env={"HF_TOKEN": TOKEN})
    done = redacting.redacted(run, parse(["environment variable HF_TOKEN"]))
    assert done.manifest == replace(run, definition_id=done.manifest.definition_id)
    assert not done.redactions


def test_variables_are_given() -> None:
    assert redacting.given(("A", "B=1=2", "C="), {"A": "x"}) == {"A": "x", "B": "1=2", "C": ""}
    for wrong in ("=x", "", "A"):
        with pytest.raises(UsageError):
            redacting.given((wrong,), {})
    definition = manifest(env={"A": REDACTED, "B": "1"}).definition
    assert redacting.restored(definition, {"A": ""}, "x") == {"A": "", "B": "1"}
    with pytest.raises(Unreplayable):
        redacting.restored(definition, {}, "x")
    with pytest.raises(UsageError):
        redacting.restored(definition, {"A": "1", "B": "2"}, "x")
