"""Every planted secret is caught where it stands, and its value is told nowhere."""

from __future__ import annotations

import json
from typing import Any

import planted_secrets as planted
import pytest
from planted_secrets import ARGUMENTS, ENVIRONMENT, FILES, PARAMS, TOKENS, Planted
from scanned_manifests import manifest_with

from repro import scanning
from repro.canonical import loads
from repro.manifest import Manifest, dumps


def found(content: str, path: str = "") -> list[scanning.Secret]:
    every = list(scanning.text(content, f"untracked {path}" if path else "log stdout", path))
    assert not [one for one in every if isinstance(one, scanning.Unscanned)]
    return [one for one in every if isinstance(one, scanning.Secret)]


def untold(secrets: Any, value: str) -> None:
    assert value not in f"{secrets!r} {[str(one) for one in secrets]}"


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len({*TOKENS, *(one.kind for one in FILES)}) >= 80


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("", "{}"),
        ("", "loading model with {} ...\n"),
        ("", "{{'x': '{}', 'lr': 0.1}}\n"),
        ("a.py", "x = '{}'\n"),
        ("a.yaml", "x: {}\n"),
        ("a.json", '{{"x": "{}"}}'),
        (".env", "X={}\n"),
        ("a.patch", "+x = '{}'\n"),
        ("a.md", "`{}`\n"),
    ],
)
def test_a_token_is_known_wherever_it_stands(kind: str, path: str, template: str) -> None:
    value = TOKENS[kind]
    secrets = found("\n\n" + template.format(value) + "\n", path)
    assert [one.line for one in secrets[:1]] == [3], kind
    untold(secrets, value)


@pytest.mark.parametrize("one", FILES, ids=lambda one: one.kind)
def test_a_secret_is_known_by_what_stands_around_it(one: Planted) -> None:
    assert one.value in one.content or one.value in json.loads(one.content)["private_key"]
    secrets = found(one.content, one.path)
    assert one.line in [secret.line for secret in secrets], secrets
    untold(secrets, one.value)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_variable_is_known_by_its_name(name: str) -> None:
    secret = scanning.named(name, ENVIRONMENT[name], f"environment variable {name}", bare=True)
    assert secret and secret.name == name
    untold([secret], ENVIRONMENT[name])


@pytest.mark.parametrize("name", PARAMS)
def test_a_parameter_is_known_by_its_name(name: str) -> None:
    secret = scanning.named(name, PARAMS[name])
    assert secret and secret.where == f"value of {name}"
    assert secret.fingerprint == scanning.fingerprint(str(PARAMS[name]))
    untold([secret], str(PARAMS[name]))


def told_of(run: Manifest, value: str) -> list[scanning.Secret]:
    secrets = scanning.manifest(run)
    untold(secrets, value)
    clean = scanning.redacted(loads(dumps(run)), [one.pointer or "" for one in secrets])
    assert value not in json.dumps(clean)
    return secrets


@pytest.mark.parametrize("argv", ARGUMENTS, ids=" ".join)
def test_a_value_in_the_command_line_is_known(argv: tuple[str, ...]) -> None:
    secrets = told_of(manifest_with(argv=argv), ARGUMENTS[argv])
    assert {one.where for one in secrets} == {"command line"}
    assert len({one.pointer for one in secrets}) == 1


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_known_everywhere_in_a_manifest(kind: str) -> None:
    value = TOKENS[kind]
    run = manifest_with(
        argv=("train", value, f"--x={value}", "sh", f"X='{value}' train"),
        env={"DATA_PLACE": value},
        params={"a.b": value},
        stages=(f"train --x {value}",),
        remotes={"origin": value},
        example=f"x {value} 3",
        text_metric=value,
    )
    secrets = told_of(run, value)
    assert [one.pointer for one in secrets] == [
        "/definition/command/argv/1",
        "/definition/command/argv/2",
        "/definition/command/argv/4",
        "/definition/command/stages/0/commands/0",
        "/definition/env/DATA_PLACE",
        "/definition/params/0/value",
        "/provenance/remotes/origin",
        "/result/metrics/0/value",
        "/result/uncompared/0/example",
    ]
    assert secrets[4].where == "environment variable DATA_PLACE"
    assert secrets[5].where == "params params.yaml:a.b"
    assert secrets[6].where == "manifest /provenance/remotes/origin"


def test_variables_and_parameters_of_a_manifest_are_known_by_their_names() -> None:
    for name, value in ENVIRONMENT.items():
        secrets = told_of(manifest_with(env={name: value}), value)
        assert [one.pointer for one in secrets] == [f"/definition/env/{name}"]
    for name, given in PARAMS.items():
        secrets = told_of(manifest_with(params={name: given}), str(given))
        assert [one.where for one in secrets] == [f"params params.yaml:{name}"]


def test_a_value_that_is_a_secret_in_one_place_is_one_in_all() -> None:
    secrets = scanning.manifest(
        manifest_with(
            argv=("train", "--note", "swordfish-7"),
            env={"DB_PASSWORD": "swordfish-7"},
            example="connected with swordfish-7",
        )
    )
    assert [one.pointer for one in secrets] == [
        "/definition/command/argv/2",
        "/definition/env/DB_PASSWORD",
        "/result/uncompared/0/example",
    ]


def test_a_known_value_is_found_in_a_log() -> None:
    log = "step 1\nconnected with correct-horse, fine\n" * 2
    secrets = list(scanning.text(log, "log stdout", known=["correct-horse", "true", "4"]))
    assert [(one.line, one.kind) for one in secrets if isinstance(one, scanning.Secret)] == [
        (2, "the value of a secret variable")
    ]
    untold(secrets, "correct-horse")


def test_a_name_that_is_a_secret_is_not_told_either() -> None:
    token = planted.TOKENS["GitHub classic"]
    run = manifest_with(env={token: "1"}, params={token: 3})
    secrets = scanning.manifest(run)
    untold(secrets, token)
    assert [one.pointer for one in secrets if "a name in" in one.where] == [None]
    untold(list(scanning.text(f"password='{token}'", f"untracked {token}.py", "x.py")), token)
    untold([scanning.named(token, token)], token)
