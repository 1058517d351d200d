"""A manifest's secrets by pointer, and the manifest without them: the same document otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_secrets import ENVIRONMENT, TOKENS
from scanned_manifests import manifest_with

from repro import scanning
from repro.canonical import loads
from repro.manifest import Manifest, dumps, from_document
from repro.manifest import loads as manifest_of

TOKEN = TOKENS["GitHub classic"]


def pointers(run: Manifest) -> list[str]:
    return [one.pointer for one in scanning.manifest(run) if one.pointer]


def shape(node: Any) -> Any:
    """The document's structure: its names, and what kind of value each has."""
    if isinstance(node, dict):
        return {key: shape(value) for key, value in node.items()}
    return [shape(value) for value in node] if isinstance(node, list) else "value"


def test_a_redacted_manifest_is_one_and_is_clean() -> None:
    run = manifest_with(
        argv=("train", "--password", "hunter2", f"--x={TOKEN}"),
        env=ENVIRONMENT,
        params={"db.password": "correct-horse", "lr": 0.1, "password": 31415926},
        remotes={"origin": f"https://me:{TOKEN}@example.org/a.git"},
        example=f"x {TOKEN}",
    )
    document = loads(dumps(run))
    before = json.dumps(document)
    clean = scanning.redacted(document, pointers(run))
    assert json.dumps(document) == before
    assert shape(clean) == shape(document)
    again = from_document(Manifest, clean, "manifest")
    assert scanning.manifest(again) == []
    assert manifest_of(dumps(again)).definition == again.definition
    for value in (TOKEN, "hunter2", "correct-horse", "31415926", "swordfish"):
        assert value not in dumps(again).decode()
    assert again.definition.command.argv == ("train", "--password", "<redacted>", "<redacted>")
    assert again.definition.params[1].value == 0.1


def test_nothing_is_redacted_that_was_not_named() -> None:
    document = loads(dumps(manifest_with(env={"A": "1"})))
    assert scanning.redacted(document, []) == document


@pytest.mark.parametrize(
    "pointer",
    [
        "", "/", "x", "/definition", "/definition/env", "/definition/env/NONE", "/definition/command/argv/-",
        "/definition/command/argv/7", "/definition/command/argv/01", "/definition/command/argv/-1",
        "/definition/command/argv/0/0", "definition/command/argv/0", "/created/0",
        "/definition/command/argv/99999999999999999999999",
    ],
)  # fmt: skip
def test_a_pointer_that_leads_to_no_value_is_refused(pointer: str) -> None:
    document = loads(dumps(manifest_with(env={"A": "1"})))
    with pytest.raises(ValueError, match="leads to no single value"):
        scanning.redacted(document, [pointer])


def test_a_pointer_that_is_wrong_does_not_tell_a_secret() -> None:
    with pytest.raises(ValueError) as error:
        scanning.redacted({}, [f"/{TOKEN}"])
    assert TOKEN not in str(error.value)


def test_names_with_signs_are_escaped() -> None:
    document = {"a/b": {"c~d": [TOKEN]}, "": {"e": TOKEN}}
    found = scanning.document(document)
    assert [one.pointer for one in found] == ["/a~1b/c~0d/0", "//e"]
    clean = scanning.redacted(document, ["/a~1b/c~0d/0", "//e"])
    assert clean == {"a/b": {"c~d": ["<redacted>"]}, "": {"e": "<redacted>"}}


def test_a_secret_in_a_name_has_no_pointer_and_is_not_told() -> None:
    found = scanning.document({"a": {TOKEN: {"password": "hunter2"}}})
    assert [one.pointer for one in found] == [None, None]
    assert TOKEN not in repr(found)


def test_a_short_secret_is_not_looked_for_elsewhere() -> None:
    run = manifest_with(argv=("train", "--epochs", "x1"), env={"DB_PASSWORD": "x1"})
    assert pointers(run) == ["/definition/env/DB_PASSWORD"]


def test_a_document_of_another_shape_is_scanned_too() -> None:
    for odd in (
        None,
        3,
        TOKEN,
        [],
        {},
        {"definition": 3},
        {"definition": {"params": [3, {"value": 1}]}},
    ):
        assert len(scanning.document(odd)) == (1 if odd == TOKEN else 0)
    odd = {
        "definition": {
            "params": ["a" + TOKEN[1:], {"value": TOKEN}],
            "command": {"stages": [TOKEN]},
        }
    }
    assert len(scanning.document(odd)) == 2


@pytest.mark.parametrize("letter", ["é", "漢", "\U0001f511", "\udcff", "\ud800"])
@pytest.mark.parametrize("shift", range(4))
def test_letters_of_several_bytes_are_no_crash_where_a_value_is_cut(
    letter: str, shift: int
) -> None:
    value = "a1" * (shift + 1) + "b" * (shift % 2) + letter * 2000
    for text in (f"password='{value}'", f"password={value}", f"https://me:{value}@x.org", value):
        assert len(scanning.document({"x": text, "password": text})) >= 1
        assert list(scanning.text(text, "log", ".env")) is not None


def test_a_document_as_deep_as_it_likes_is_scanned() -> None:
    deep: Any = TOKEN
    for _ in range(5000):
        deep = [deep]
    assert len(scanning.document(deep)) == 1


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.sampled_from([TOKEN, "hunter2"])
)
NAMES = st.one_of(
    st.text(), st.sampled_from(["password", "argv", "env", "params", "value", "name", "definition"])
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner), st.dictionaries(NAMES, inner)), max_leaves=20
)


@given(DOCUMENTS)
def test_any_document_is_clean_after_redaction(document: Any) -> None:
    found = [one.pointer for one in scanning.document(document)]
    named = [pointer for pointer in found if pointer]
    clean = scanning.redacted(document, named)
    assert shape(clean) == shape(document)
    assert [one for one in scanning.document(clean) if one.pointer] == []


@given(st.dictionaries(st.text(), st.text()), st.lists(st.text()), st.text())
def test_any_manifest_is_clean_after_redaction(
    env: dict[str, str], argv: list[str], example: str
) -> None:
    run = manifest_with(argv=tuple(argv), env=env, example=example)
    clean = scanning.redacted(loads(dumps(run)), pointers(run))
    assert [one for one in scanning.document(clean) if one.pointer] == []
