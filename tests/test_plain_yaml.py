"""YAML as people mean it, and its errors in one line."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repro import plain_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("+1.5e+2", 150.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("-0", 0),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("", None),
        ("12:30:45", "12:30:45"),
        ("1:20", "1:20"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("e3", "e3"),
        ("1e", "1e"),
        ("=", "="),
        ("'1e-3'", "1e-3"),
        ("!!str 1e-3", "1e-3"),
        ("!!float 1", 1.0),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: object) -> None:
    found = plain_yaml.load(f"key: {text}\n")["key"]
    assert found == value and type(found) is type(value)


def test_not_a_number_is_one() -> None:
    assert math.isnan(plain_yaml.load("a: .nan")["a"])
    assert plain_yaml.load("a: nan")["a"] == "nan"


def test_anchors_aliases_and_merges_work_and_a_merged_key_may_be_overridden() -> None:
    document = plain_yaml.load(
        "base: &base {lr: 1e-3, steps: 10}\nsmall: {<<: *base, steps: 1}\nlist: &l [1]\nsame: *l\n"
    )
    assert document["small"] == {"lr": 0.001, "steps": 1}
    assert document["same"] == [1]


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbfa: 1\n", "a: 1\n".encode("utf-16"), b"a: 1\r\n", b"%YAML 1.1\n---\na: 1\n...\n"],
)
def test_encodings_and_markers_that_editors_write(content: bytes) -> None:
    assert plain_yaml.load(content) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (b"a: 1\n\tb: 2\n", "line 2, column 1", "a tab where YAML wants spaces"),
        (b"a:\n\t- x\n", "line 2, column 1", "a tab where YAML wants spaces"),
        (b"a: 1\nb: 2\na: 3\n", "line 3, column 1", "the key 'a' stands twice"),
        (b"a: {x: 1, x: 2}\n", "line 1", "the key 'x' stands twice"),
        (b"a: [1, 2\nb: 3\n", "line 2", "expected ',' or ']'"),
        (b"a: b: c\n", "line 1", "mapping values are not allowed"),
        (b"a: *x\n", "line 1", "undefined alias"),
        (b"a: &x [*x]\n", "line 1", "recursive"),
        (b"a: 1\n---\nb: 2\n", "line 2", "expected a single document in the stream, but found"),
        (b"a: !!python/object/apply:os.system [ls]\n", "line 1", "tag"),
        (b"a: !!timestamp 2024-01-01\n", "line 1", "tag"),
        (b"a: !!set {x, y}\n", "line 1", "tag"),
        (b"a: !!int x\n", "line 1", "not a number"),
        (b"a: !!bool no\n", "line 1", "neither true nor false"),
        (b"a: !!seq x\n", "line 1", "not a list"),
        (b"a: !!map x\n", "line 1", "not keys and values"),
        (b"? [1]\n: 2\n", "line 1", "a key must be plain text or a number"),
        (b"a: " + b"9" * 5000, "line 1", "too many digits"),
        (b"a: 1\nb: \xff\n", "line 2", "unacceptable character"),
        (b"a: \x00\n", "line 1", "control characters"),
        (b'a: "x\n', "line 2", "unexpected end"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(
    content: bytes, place: str, reason: str
) -> None:
    with pytest.raises(ValueError) as caught:
        plain_yaml.load(content)
    said = str(caught.value)
    assert said.startswith(place), said
    assert reason in said
    assert "\n" not in said


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"? "])
@pytest.mark.parametrize("levels", [2000, 200_000])
def test_what_is_nested_too_deeply_is_an_error_and_no_crash(opening: bytes, levels: int) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        plain_yaml.load(opening * levels)


def test_many_items_are_not_many_levels() -> None:
    assert len(plain_yaml.load("- {a: [1]}\n" * 2000)) == 2000


def test_pyyaml_itself_stays_as_it_was() -> None:
    assert yaml.safe_load("a: no\nb: 1e-3\nc: 2024-01-01").keys() == {"a", "b", "c"}
    assert yaml.safe_load("no") is False


# --- writing --------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_a_written_scalar_is_read_as_the_same_text_by_every_reader(text: str) -> None:
    line = f"key: {plain_yaml.scalar(text)}\nlist: [{plain_yaml.scalar(text)}]\n"
    for load in (plain_yaml.load, yaml.safe_load):
        assert load(line) == {"key": text, "list": [text]}


@pytest.mark.parametrize(
    "text", ["no", "1e-3", "~", "null", "12:30:45", "2024-01-01", "*x", "- a", "a: b"]
)
def test_what_could_be_read_as_something_else_is_quoted(text: str) -> None:
    assert plain_yaml.scalar(text) == f'"{text}"'


def test_a_path_or_a_command_line_needs_no_quotes() -> None:
    for text in ("models/model.pkl", "python src/train.py --epochs 10 --lr=0.1", "a_b"):
        assert plain_yaml.scalar(text) == text


@given(st.text())
def test_a_comment_never_ends_early(text: str) -> None:
    comment = plain_yaml.comment(text)
    assert plain_yaml.load(f"# {comment.encode('utf-8', 'replace').decode()}\na: 1\n") == {"a": 1}
