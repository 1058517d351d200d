"""JSON from elsewhere: nothing of it is passed over."""

from __future__ import annotations

import json

import pytest

from repro import strict_json


def test_an_object_is_read_as_it_stands() -> None:
    content = b'{"a": [1, 2.5, null, true], "b": {"a": "x"}}'
    assert strict_json.table(content) == json.loads(content)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": 1} {}', "not JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        (b'{"a": {"x": 1, "x": 2}}', "the key 'x' stands twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_what_is_none_is_an_error_that_says_why(content: bytes, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        strict_json.table(content)
    assert said in str(caught.value)


def test_a_key_from_elsewhere_makes_no_long_error_and_no_second_line() -> None:
    key = "x\\n" * 5000
    with pytest.raises(ValueError) as caught:
        strict_json.table(f'{{"{key}": 1, "{key}": 2}}'.encode())
    assert len(str(caught.value)) < 130 and "\n" not in str(caught.value)


def test_a_value_is_shown_in_one_line_of_plain_characters() -> None:
    assert strict_json.shown("a\n\x1b[1mé") == r"'a\n\x1b[1m\xe9'"
    assert strict_json.shown(None) == "None"
    assert len(strict_json.shown("x" * 1000)) == 100
    assert strict_json.shown("x" * 1000, most=20).endswith("…")
