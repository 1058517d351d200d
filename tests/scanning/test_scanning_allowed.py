"""The list of what is no secret: what it lets through, and that it never lets everything through."""

from __future__ import annotations

from typing import Any

import pytest
from planted_secrets import TOKENS

from repro import scanning
from repro.scanning import Allowed, Secret, Unscanned, parse

SECRET = Secret("untracked notes/keys.txt", 3, "a token", "db_password", None, "0123456789ab")


@pytest.mark.parametrize(
    "entry",
    [
        "0123456789ab",
        "untracked notes/keys.txt",
        "untracked notes/*",
        "notes/keys.txt",
        "notes/*.txt",
        "notes",
        "**/keys.txt",
        "name db_*",
        "name db_password",
    ],
)
def test_an_entry_lets_a_secret_through(entry: str) -> None:
    assert parse(["other", entry]).allows(SECRET)


@pytest.mark.parametrize(
    "entry",
    ["0123456789ac", "keys.txt", "untracked keys.txt", "db_password", "name db", "*.txt", "note"],
)
def test_an_entry_lets_nothing_else_through(entry: str) -> None:
    assert not parse([entry]).allows(SECRET)
    assert not Allowed().allows(SECRET)


@pytest.mark.parametrize(
    ("where", "entry"),
    [
        ("environment variable WANDB_API_KEY", "environment variable WANDB_*"),
        ("environment variable WANDB_API_KEY", "WANDB_API_KEY"),
        ("params params.yaml:db.password", "params.yaml:db.*"),
        ("log stdout", "log stdout"),
        ("command line", "command line"),
    ],
)
def test_every_place_can_be_named(where: str, entry: str) -> None:
    assert parse([entry]).allows(Secret(where, None, "", "", None, ""))


def test_what_was_not_scanned_is_let_through_by_its_place_alone() -> None:
    place = Unscanned("untracked data/big.csv", "too large")
    assert parse(["data/*.csv"]).allows(place)
    assert not parse(["0123456789ab", "name data"]).allows(place)


def test_one_value_of_a_text_that_is_allowed_does_not_hide_another() -> None:
    first, second = TOKENS["GitHub classic"], TOKENS["GitLab"]
    allowed = parse([scanning.fingerprint(first)])
    found = list(scanning.text(f"x='{first}' y='{second}'\n", "log stdout"))
    assert [allowed.allows(one) for one in found] == [True, False]


def test_no_list_and_an_empty_one_let_nothing_through() -> None:
    assert parse(None) == parse([]) == Allowed()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("notes", "must be a list of fingerprints and globs"),
        ({"a": 1}, "must be a list of fingerprints and globs"),
        ([""], "'' is neither a fingerprint nor a glob"),
        ([None], "'None' is neither a fingerprint nor a glob"),
        ([True], "'True' is neither a fingerprint nor a glob"),
        ([["a"]], "neither a fingerprint nor a glob"),
        ([123456789012], "123456789012 is a number to YAML: a fingerprint of digits needs quotes"),
        ([1.5e20], "is a number to YAML"),
        (["0123456789AB"], "is no fingerprint: 12 hex digits in small letters"),
        (["0123456789abcdef"], "is no fingerprint"),
        (["*"], "'*' lets everything through; name a place, or use --allow-secrets"),
        (["**"], "lets everything through"),
        (["**/*"], "lets everything through"),
        (["*.*"], "lets everything through"),
        (["untracked *"], "lets everything through"),
        (["environment variable *"], "lets everything through"),
        (["name *"], "lets everything through"),
    ],
)
def test_a_list_that_is_wrong_is_refused_in_one_line(entries: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        parse(entries)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
