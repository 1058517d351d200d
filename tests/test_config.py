"""repro.yaml: every key, every refusal in one clear line, and the schema beside the code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from repro import config, plain_yaml
from repro.capturing import variables
from repro.config import Config
from repro.errors import UsageError
from repro.manifest import Tolerance

SPECS = Path(__file__).parents[1] / "specs"
PROSE = (SPECS / "config.md").read_text("utf-8")
SCHEMA = json.loads((SPECS / "config.schema.json").read_text("utf-8"))
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PROSE, re.DOTALL)


def parse(text: str) -> Config:
    return config.parse(text.encode(), Path("/project/repro.yaml"))


def refused(text: str | bytes) -> UsageError:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(UsageError) as caught:
        config.parse(content, Path("/project/repro.yaml"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return caught.value


def fits(document: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


# --- what is read ---------------------------------------------------------------------------


def test_every_key_at_once() -> None:
    read = parse(
        """
command: python train.py --name 'a b'
working_directory: sub/folder
params: config.yaml
metrics: [metrics.json, "reports/**/*.csv"]
outputs:
  - models/
ignore_outputs: [./logs]
lockfile: requirements.lock
image: registry.example.org:5000/team/base:1.2@sha256:0123
env: [DATA_*, SEED]
network: true
tolerances:
  "*": {relative: 1e-9}
  accuracy: {absolute: 0.002, relative: 0}
  3: ignore
untracked_cap: 1.5 GiB
"""
    )
    assert read == Config(
        path=Path("/project/repro.yaml"),
        command=("python", "train.py", "--name", "a b"),
        working_directory="sub/folder",
        params=("config.yaml",),
        metrics=("metrics.json", "reports/**/*.csv"),
        outputs=("models",),
        ignored_outputs=("logs",),
        lockfile="requirements.lock",
        image="registry.example.org:5000/team/base:1.2@sha256:0123",
        env=("DATA_*", "SEED"),
        network=True,
        tolerances=(
            Tolerance("*", 0.0, 1e-9),
            Tolerance("accuracy", 0.002, 0.0),
            Tolerance("3", ignore=True),
        ),
        untracked_cap=3 * 2**29,
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "~"])
def test_an_empty_file_says_nothing(text: str) -> None:
    assert parse(text) == Config(path=Path("/project/repro.yaml"))


def test_no_file_is_all_defaults_and_a_file_is_read(tmp_path: Path) -> None:
    assert config.load(tmp_path) == Config()
    (tmp_path / "repro.yaml").write_text("network: true\n")
    assert config.load(tmp_path).network is True
    assert config.load(tmp_path).path == tmp_path / "repro.yaml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("command: python train.py", ("python", "train.py")),
        ("command: |\n  python train.py\n", ("python", "train.py")),
        ("command: >-\n  python train.py\n  --epochs 3\n", ("python", "train.py", "--epochs", "3")),
        ("command: [sh, -c, 'a && b']", ("sh", "-c", "a && b")),
        ("command: a && b", ("sh", "-c", "a && b")),
        ("command: a > log.txt", ("sh", "-c", "a > log.txt")),
        ("command: a | tee log", ("sh", "-c", "a | tee log")),
        ("command: cd src; a", ("sh", "-c", "cd src; a")),
        ('command: a "$HOME"', ("sh", "-c", 'a "$HOME"')),
        ("command: a *.csv", ("sh", "-c", "a *.csv")),
        ("command: SEED=1 a", ("sh", "-c", "SEED=1 a")),
        ("command: a '*.csv'", ("a", "*.csv")),
        ("command: |\n  a 1\n  b 2\n", ("sh", "-ec", "a 1\nb 2")),
        ("command: sh -c 'a && b | c > d; e'", ("sh", "-c", "a && b | c > d; e")),
        ('command: ["python", "", "a\\nb"]', ("python", "", "a\nb")),
        ("command: python train.py --sep=';' \"|\"", ("python", "train.py", "--sep=;", "|")),
        ("command: python -c x==1", ("python", "-c", "x==1")),
    ],
)
def test_a_command_is_split_as_a_shell_splits_it(text: str, words: tuple[str, ...]) -> None:
    assert parse(text).command == words


@pytest.mark.parametrize(
    ("written", "count"),
    [("0", 0), ("1000", 1000), ("50 MB", 50_000_000), ("50mb", 50_000_000), ("1KiB", 1024),
     ("2 TB", 2 * 10**12), ("0.5 kB", 500), ("'12'", 12), ("7 B", 7)],
)  # fmt: skip
def test_sizes(written: str, count: int) -> None:
    assert parse(f"untracked_cap: {written}").untracked_cap == count


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("command:", ("command", "expected a command line", "found nothing")),
        ("command: ''", ("command", "expected a command line", "''")),
        ("command: []", ("command", "expected a command line", "a list")),
        ("command: 3", ("command", "expected a command line", "3")),
        ("command: {a: 1}", ("command", "expected a command line", "keys and values")),
        ("command: [python, 3]", ("command", "numbers in quotes", "3")),
        ("command: python 'a", ("command", "no closing quotation")),
        ("working_directory: /tmp", ("working_directory", "'/tmp' is outside the project")),
        ("working_directory: [a]", ("working_directory", "expected a folder", "a list")),
        ("params: 3", ("params", "expected a path, or a list of paths", "3")),
        ("params: [a.yaml, 3]", ("params", "expected a path", "3")),
        ("metrics: ../metrics.json", ("metrics", "'../metrics.json' is outside the project")),
        ("metrics: a/../../b", ("metrics", "outside the project")),
        ("metrics: ~/metrics.json", ("metrics", "outside the project")),
        ("metrics: .", ("metrics", "the project itself")),
        ("metrics: |\n  metrics.json\n", ("metrics", "in one line")),
        ("outputs: {models: true}", ("outputs", "expected a path, or a list of paths")),
        ("outputs: [[a]]", ("outputs", "expected a path", "a list")),
        ("ignore_outputs: no", ()),
        ("ignore_outputs: false", ("ignore_outputs", "expected a path", "false")),
        ("lockfile: [a]", ("lockfile", "expected a path", "a list")),
        ("lockfile: ''", ("lockfile", "expected a path", "''")),
        ("image: 3.11", ("image", "expected an image reference", "3.11")),
        ("image: python 3.11", ("image", "expected an image reference", "'python 3.11'")),
        ("image: {docker: a}", ("image", "dockerfile: PATH")),
        ("image: {dockerfile: a, tag: b}", ("image", "dockerfile: PATH")),
        ("image: {dockerfile: /a}", ("image", "outside the project")),
        ("env: 1", ("env", "expected a list of variables' names", "1")),
        ("env: {A: b}", ("env", "expected a list of variables' names", "keys and values")),
        ("env: [A, true]", ("env", "expected a variable's name", "true")),
        ("network: no", ("network", "expected true or false", "'no'")),
        ("network: 1", ("network", "expected true or false", "1")),
        ("network: 'true'", ("network", "expected true or false", "'true'")),
        ("tolerances: 0.1", ("tolerances", "expected a tolerance per metric", "0.1")),
        ("tolerances: [a]", ("tolerances", "expected a tolerance per metric", "a list")),
        ("tolerances: {a: 0.1}", ("tolerances", "'a'", "'absolute: N'")),
        ("tolerances: {a: {}}", ("tolerances", "'a'", "'absolute: N'")),
        ("tolerances: {a: {abs: 1}}", ("tolerances", "'a'", "'absolute: N'")),
        ("tolerances: {a: {absolute: -1}}", ("tolerances", "'a': absolute", "0 or more", "-1")),
        ("tolerances: {a: {absolute: '1'}}", ("tolerances", "'a': absolute", "0 or more", "'1'")),
        ("tolerances: {a: {absolute: true}}", ("tolerances", "'a': absolute", "true")),
        ("tolerances: {a: {relative: .nan}}", ("tolerances", "'a': relative", "nan")),
        ("tolerances: {a: {relative: 1e400}}", ("tolerances", "'a': relative", "0 or more")),
        ("tolerances: {a: {relative: 5}}", ("tolerances", "'a': relative", "5 % is 0.05")),
        ("tolerances: {a: {relative: 1}}", ("tolerances", "any two numbers")),
        ("tolerances: {a: {relative: 1_0}}", ("tolerances", "'a': relative", "'1_0'")),
        ("tolerances: {true: ignore}", ("tolerances", "the name of a metric", "true")),
        ("tolerances: {'': ignore}", ("tolerances", "the name of a metric", "''")),
        ("untracked_cap: -1", ("untracked_cap", "such as '50 MB'", "-1")),
        ("untracked_cap: 1.5", ("untracked_cap", "such as '50 MB'", "1.5")),
        ("untracked_cap: 50 megabytes", ("untracked_cap", "such as '50 MB'", "megabytes")),
        ("untracked_cap: true", ("untracked_cap", "such as '50 MB'", "true")),
        (f"untracked_cap: {'9' * 400} GB", ("untracked_cap", "such as '50 MB'", "...")),
        ("- command", ("expected keys and values", "a list")),
        ("command", ("expected keys and values", "'command'")),
        ("command: a\ncommand: b", ("line 2", "'command' stands twice")),
        ("command: a\n\tnetwork: true", ("line 2", "a tab where YAML wants spaces")),
        ("command: [a", ("not YAML", "line ")),
    ],
)  # fmt: skip
def test_each_bad_value_is_one_line_with_the_key_and_what_was_expected(
    text: str, parts: tuple[str, ...]
) -> None:
    if not parts:  # `no` is text here, and text is a path
        assert parse(text).ignored_outputs == ("no",)
        return
    said = str(refused(text))
    assert said.startswith("repro.yaml")
    for part in parts:
        assert part in said, said


@pytest.mark.parametrize(
    ("key", "hint"),
    [("comand", "'command'"), ("metric", "'metrics'"), ("ignored_outputs", "'ignore_outputs'"),
     ("Network", "'network'"), ("tolerance", "'tolerances'"), ("xyz", "the keys are: command")],
)  # fmt: skip
def test_an_unknown_key_is_an_error_that_names_the_nearest(key: str, hint: str) -> None:
    error = refused(f"{key}: 1")
    assert f"unknown key {key!r}" in str(error)
    assert hint in error.hint


def test_a_strange_key_or_value_is_shown_short() -> None:
    refused(f"{'k' * 5000}: 1")
    refused(f"command: ['a', {'9' * 4000}]")
    refused("1e-3: x")
    refused("? null\n: x")


def test_a_file_by_the_other_name_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "repro.yml").write_text("network: true\n")
    with pytest.raises(UsageError, match=r"repro\.yml is not read") as caught:
        config.load(tmp_path)
    assert caught.value.hint == "mv repro.yml repro.yaml"
    (tmp_path / "repro.yaml").write_text("")
    assert config.load(tmp_path).network is False


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "repro.yaml").mkdir()
    with pytest.raises(UsageError, match="cannot read"):
        config.load(tmp_path)


# --- the specification ----------------------------------------------------------------------


def test_the_schema_has_the_keys_of_the_code() -> None:
    assert SCHEMA["properties"].keys() == config._KEYS.keys()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_prose_explains_the_same_keys() -> None:
    assert set(re.findall(r"^### (\w+)$", PROSE, re.MULTILINE)) == config._KEYS.keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_prose_is_valid(example: str) -> None:
    read = parse(example)
    assert read != Config(path=read.path)
    document = plain_yaml.load(example)
    jsonschema.validate(document, SCHEMA)
    assert document.keys() <= config._KEYS.keys()


def test_every_key_has_an_example_and_its_default() -> None:
    shown = {key for example in EXAMPLES for key in plain_yaml.load(example)}
    assert shown == config._KEYS.keys()
    for section in re.split(r"^### ", PROSE, flags=re.MULTILINE)[1:]:
        assert "**Type**" in section and "**Default**" in section, section.splitlines()[0]


def test_the_examples_and_defaults_of_the_schema_are_valid() -> None:
    for key, described in SCHEMA["properties"].items():
        for value in [
            *described["examples"],
            *([described["default"]] if "default" in described else []),
        ]:
            assert fits({key: value}), (key, value)
            config._KEYS[key](Config(), value)


def test_what_the_schema_calls_a_default_is_the_codes() -> None:
    beside = Config(working_directory=".")  # the same as none: the project's own folder
    for key, described in SCHEMA["properties"].items():
        if "default" in described:
            assert config._KEYS[key](Config(), described["default"]) in (Config(), beside), key


def test_the_variables_that_pass_unasked_are_those_of_the_prose() -> None:
    listed = PROSE[PROSE.index("Let through without") : PROSE.index("looks like a secret")]
    assert set(re.findall(r"`([A-Z0-9_*]+)`", listed)) == set(variables.UNASKED)


# What the schema and the code must think alike of; what only the code can tell (a shell's operators,
# an unfinished quote) is left out.
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, "", " ", "a", "a b", "a\n", "a\tb", ".", "./", "..",
    "...", "./a", "a/..", "a/../b", "../a", "/a", "~", "~/a", "~a", "a~", "50 MB", "1KiB", "1 iB", "MB",
    "1.MB", "1.5MB", " 1 B ", "9" * 19, [], ["a"], ["a", "b"], [1], [""], [None], [["a"]], ["a\n"],
    {}, {"dockerfile": "a"}, {"dockerfile": "/a"}, {"dockerfile": "."}, {"dockerfile": 1},
    {"a": "ignore"}, {"a": "Ignore"}, {"a": {"absolute": 0}}, {"a": {"absolute": -0.1}},
    {"a": {"relative": 1, "absolute": 2.5}}, {"a": {"relative": 0.5, "absolute": 2.5}},
    {"a": {"relative": 1}}, {"a": {"relative": 0.999}},
    {"a": {"relative": True}}, {"a": {"relative": 1e308}},
    {"a": {}}, {"": "ignore"}, {"a": {"other": 1}}, {"a": None},
]  # fmt: skip


@pytest.mark.parametrize("key", sorted(config._KEYS))
def test_schema_and_code_accept_the_same_values(key: str) -> None:
    read: Callable[[Config, Any], Config] = config._KEYS[key]
    for value in VALUES:
        try:
            read(Config(), value)
            accepted = True
        except ValueError:
            accepted = False
        assert fits({key: value}) is accepted, (key, value)
