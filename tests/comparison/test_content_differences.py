"""Where two contents first differ: one line, never an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.comparison import RECORD_AND_REPLAY
from repro.comparison.contents import first_difference


def found(path, a, b):
    return first_difference(path, a, b, RECORD_AND_REPLAY)


@pytest.mark.parametrize(
    "a, b, detail",
    [
        (b'{"a": {"b": [1, 2]}}', b'{"a": {"b": [1, 3]}}', "at a.b.1: 2 -> 3"),
        (b'{"a": 1}', b'{"b": 1}', "at a: only in the record"),
        (b'{"b": 1}', b'{"b": 1, "c": 2}', "at c: only in the replay"),
        (b"[1]", b"[1, 2]", "at 1: only in the replay"),
        (b'{"a": 1}', b'{"a": "1"}', 'at a: 1 -> "1"'),
        (b'{"a": 1}', b'{"a": true}', "at a: 1 -> true"),
        (b'{"a": 1}', b'{"a": {"x": 1}}', "at a: 1 -> an object of 1"),
        (b'{"a": null}', b'{"a": [1, 2]}', "at a: null -> a list of 2"),
        (b'{"a": NaN, "b": 1}', b'{"a": NaN, "b": 2}', "at b: 1 -> 2"),
        (b'{"a":1}', b'{"a": 1}', "the same values, written differently"),
        (b"1", b"2", "1 -> 2"),
    ],
)
def test_json_by_key(a, b, detail):
    assert found("out/x.JSON", a, b) == detail


def test_json_that_says_a_key_twice_is_taken_for_text():
    a, b = b'{"a": 1, "a": 2}', b'{"a": 3, "a": 2}'
    assert found("x.json", a, b).startswith("line 1: ")


def test_json_that_is_none_is_taken_for_text_and_then_for_bytes():
    assert found("x.json", b"{oops\n1", b"{oops\n2") == 'line 2: "1" -> "2"'
    assert found("x.json", b"\xff\x00", b"\xff\x01") == (
        "first differing byte at offset 1; both 2 bytes"
    )
    deep = b"[" * 100_000
    assert found("x.json", deep, deep + b"1").startswith("line 1")


@pytest.mark.parametrize(
    "a, b, detail",
    [
        (b"x,loss\n1,0.5\n", b"x,loss\n1,0.6\n", 'row 2, column 2 ("loss"): "0.5" -> "0.6"'),
        (b"x,y\n1,2\n", b"x,z\n1,2\n", 'row 1, column 2: "y" -> "z"'),
        (b"x\n1\n2\n3\n", b"x\n1\n", "row 3: 2 rows only in the record"),
        (b"x\n1\n", b"x\n1\n2\n", "row 3: 1 row only in the replay"),
        (b"x,y\n1\n", b"x,y\n1,2\n", 'row 2, column 2 ("y"): only in the replay'),
        (b"x\n1\n", b"x\r\n1\r\n", "the same cells, written differently"),
    ],
)
def test_csv_by_cell(a, b, detail):
    assert found("t.csv", a, b) == detail


def test_tsv_has_tabs():
    assert found("t.tsv", b"a,b\tc\n", b"a,b\td\n") == 'row 1, column 2: "c" -> "d"'


@pytest.mark.parametrize(
    "a, b, detail",
    [
        (b"one\ntwo\n", b"one\ntwx\n", 'line 2: "two" -> "twx"'),
        (b"one\n", b"one\ntwo", 'line 2: "" -> "two"'),
        (b"one", b"one\n", "line 2: the content goes on in the replay"),
        (b"one\n", b"one\r\n", 'line 1: "one" -> "one\\r"'),
        ("é".encode(), "è".encode(), 'line 1: "é" -> "è"'),
        (b"", b"x", 'line 1: "" -> "x"'),
    ],
)
def test_text_by_line(a, b, detail):
    assert found("log.txt", a, b) == detail


def test_a_long_line_is_shown_around_its_difference():
    detail = found("x.txt", b"a" * 5000 + b"1" + b"b" * 5000, b"a" * 5000 + b"2" + b"b" * 5000)
    assert len(detail) < 120
    assert "a1b" in detail and "a2b" in detail


@pytest.mark.parametrize(
    "a, b, detail",
    [
        (b"\0abc", b"\0abd", "first differing byte at offset 3; both 4 bytes"),
        (b"\0abc", b"\0abcd", "first differing byte at offset 4; 4 -> 5 bytes"),
        (b"\0", b"", "first differing byte at offset 0; 1 -> 0 bytes"),
    ],
)
def test_bytes_by_offset(a, b, detail):
    assert found("model.pkl", a, b) == detail


names = st.sampled_from(["x.json", "x.csv", "x.tsv", "x.txt", "x.pkl", "x.npz", "x.gz", "x"])


@given(names, st.binary(max_size=40), st.binary(max_size=40))
def test_never_an_exception(path, a, b):
    assert found(path, a, b)


@given(names, st.text(max_size=30), st.text(max_size=30))
def test_never_an_exception_for_text(path, a, b):
    assert found(path, a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass"))
