"""Metric files of every format, well-formed and not: what is read, and what is refused."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable

import pytest

from repro import canonical, manifest
from repro.capturing import flattening, readers
from repro.manifest import Metric, MetricType, Scalar

JSON, YAML, TOML = readers.read_json, readers.read_yaml, readers.read_toml
Read = Callable[[bytes, str], tuple[Metric, ...]]


def read(reader: Read, content: str | bytes) -> dict[str, Scalar | tuple[Scalar, ...]]:
    """Values by name; of a series its values. No name may stand there twice."""
    found = reader(content.encode() if isinstance(content, str) else content, "m")
    names = [item.name for item in found]
    assert len(set(names)) == len(names)
    return {
        item.name: item.values if item.type is MetricType.SERIES else item.value for item in found
    }


def types(reader: Read, content: str) -> dict[str, MetricType]:
    return {item.name: item.type for item in reader(content.encode(), "m")}


def table(content: str | bytes) -> dict[str, tuple[tuple[Scalar, ...], tuple[Scalar, ...]]]:
    """Steps and values by column."""
    encoded = content.encode() if isinstance(content, str) else content
    return {item.name: (item.steps, item.values) for item in readers.read_csv(encoded, "m")}


def refused(reader: Read, content: str | bytes) -> str:
    with pytest.raises(ValueError) as caught:
        reader(content.encode() if isinstance(content, str) else content, "m")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- numbers, and what is none ------------------------------------------------------------------


def test_a_bool_is_no_number_and_a_numeric_string_is_text() -> None:
    for reader, content in (
        (JSON, '{"a": true, "b": 1, "c": "1", "d": 1.0, "e": null}'),
        (YAML, "a: true\nb: 1\nc: '1'\nd: 1.0\ne: null\n"),
    ):
        assert types(reader, content) == {
            "a": MetricType.BOOLEAN,
            "b": MetricType.NUMBER,
            "c": MetricType.TEXT,
            "d": MetricType.NUMBER,
            "e": MetricType.NULL,
        }


def test_nan_and_infinity_are_read_as_python_writes_them() -> None:
    found = read(JSON, '{"a": NaN, "b": Infinity, "c": -Infinity}')
    assert isinstance(found["a"], float) and math.isnan(found["a"])
    assert (found["b"], found["c"]) == (math.inf, -math.inf)
    found = read(YAML, "a: .nan\nb: .inf\nc: -.INF\n")
    assert isinstance(found["a"], float) and math.isnan(found["a"])
    assert (found["b"], found["c"]) == (math.inf, -math.inf)


@pytest.mark.parametrize(
    ("reader", "template"), [(JSON, '{{"a": {}}}'), (TOML, "a = {}"), (readers.read_csv, "a\n{}\n")]
)
def test_numbers_that_no_float_can_hold_do_not_become_the_same_infinity(
    reader: Read, template: str
) -> None:
    one, other = (read(reader, template.format(text)) for text in ("1e400", "-1e999"))
    assert one["a"] in ("1e400", ("1e400",))
    assert other["a"] in ("-1e999", ("-1e999",))


@pytest.mark.parametrize("number", [2**70, -(2**63) - 1, 2**64, 10**300, 0, -1])
def test_integers_of_any_size_survive_the_manifest(number: int) -> None:
    (metric,) = JSON(json.dumps({"a": number}).encode(), "m")
    assert metric.value == number and type(metric.value) is int
    document = canonical.loads(canonical.dumps(manifest.to_document(metric)))
    assert manifest.from_document(Metric, document, "m") == metric


@pytest.mark.parametrize("text", ["-0.0", "5e-324", "0.1", "1e22", "1.7976931348623157e308", "0.0"])
def test_floats_survive_the_manifest_to_the_last_bit(text: str) -> None:
    for reader, content in (
        (JSON, f'{{"a": {text}}}'),
        (YAML, f"a: {text}"),
        (TOML, f"a = {text}"),
    ):
        (metric,) = reader(content.encode(), "m")
        document = canonical.loads(canonical.dumps(manifest.to_document(metric)))
        again = manifest.from_document(Metric, document, "m").value
        assert isinstance(again, float) and again.hex() == float(text).hex()


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (JSON, '{"a": ' + "9" * 5000 + "}"),
        (JSON, "[" + "9" * 4290 + "]"),
        (YAML, "a: " + "9" * 5000),
        (YAML, "a: 0x" + "f" * 5000),
        (YAML, "? 0x" + "f" * 5000 + "\n: 1"),
        (TOML, "a = 0x" + "f" * 5000),
        (TOML, "a = [1, 0x" + "f" * 5000 + "]"),
    ],
)
def test_a_number_that_python_could_not_write_down_again_is_refused(
    reader: Read, content: str
) -> None:
    assert "digits" in refused(reader, content)


def test_an_endless_integer_in_a_table_is_not_made_infinite() -> None:
    assert table("a\n" + "9" * 5000)["a"] == ((0,), ("9" * 5000,))


# --- names --------------------------------------------------------------------------------------


def test_nested_keys_are_joined_by_dots_and_dots_in_keys_are_marked() -> None:
    content = r'{"a": {"b": 1}, "a.b": 2, "a\\.b": 3, "a\\": {"b": 4}}'
    assert read(JSON, content) == {"a.b": 1, r"a\.b": 2, r"a\\\.b": 3, r"a\\.b": 4}


def test_empty_keys_are_keys() -> None:
    content = r'{"": {"a": 1, "": 2}, "a": 3, "b": {"": 4}, "\\e": 5}'
    assert read(JSON, content) == {r"\e.a": 1, r"\e.\e": 2, "a": 3, r"b.\e": 4, r"\\e": 5}


def test_a_value_alone_has_no_name() -> None:
    assert read(JSON, "0.5") == read(YAML, "0.5") == {"": 0.5}
    assert read(JSON, "[0.5, 1]") == {"": (0.5, 1)}


def test_yaml_keys_that_are_no_text_get_their_names() -> None:
    assert read(YAML, "1: a\nnull: b\nfalse: c\n1.5: d\n2024-01-01: e\n") == {
        "1": "a",
        "null": "b",
        "false": "c",
        r"1\.5": "d",
        "2024-01-01": "e",
    }


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (JSON, '{"a": 1, "b": 2, "a": 1}'),
        (JSON, '{"x": {"a": 1, "a": 2}}'),
        (YAML, "a: 1\nb: 2\na: 1\n"),
        (TOML, "a = 1\na = 1\n"),
    ],
)
def test_a_key_that_stands_twice_is_refused(reader: Read, content: str) -> None:
    assert refused(reader, content)


def test_many_keys_and_one_of_them_twice_are_no_matter_of_minutes() -> None:
    keys = ",".join(f'"k{number}": 1' for number in range(50_000))
    started = time.process_time()
    assert "'k49999' stands twice" in refused(JSON, f'{{{keys}, "k49999": 2}}')
    assert time.process_time() - started < 5


# --- series -------------------------------------------------------------------------------------


def test_a_list_of_numbers_is_a_series_by_position() -> None:
    (metric,) = JSON(b'{"loss": [3, 2.5, NaN]}', "m")
    assert (metric.name, metric.type, metric.steps) == ("loss", MetricType.SERIES, (0, 1, 2))
    assert metric.values[:2] == (3, 2.5)


def test_lists_of_other_things_are_values_each() -> None:
    assert read(JSON, '{"a": [1, null], "b": [true, false], "c": ["x"], "d": [{"e": 1}]}') == {
        "a.0": 1,
        "a.1": None,
        "b.0": True,
        "b.1": False,
        "c.0": "x",
        "d.0.e": 1,
    }


def test_a_list_of_lists_is_a_series_each() -> None:
    assert read(JSON, '{"confusion": [[1, 2], [3, 4]]}') == {
        "confusion.0": (1, 2),
        "confusion.1": (3, 4),
    }


def test_empty_objects_and_lists_are_told_apart() -> None:
    assert types(JSON, '{"a": {}, "b": [], "c": [[]]}') == {
        "a": MetricType.EMPTY_OBJECT,
        "b": MetricType.EMPTY_ARRAY,
        "c.0": MetricType.EMPTY_ARRAY,
    }


# --- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["step", "Epoch", "iteration", "round"])
def test_a_step_column_numbers_the_rows(label: str) -> None:
    assert table(f"{label},loss\n10,0.5\n20,0.25\n") == {"loss": ((10, 20), (0.5, 0.25))}


def test_the_first_of_several_step_columns_in_our_order_counts() -> None:
    assert table("epoch,step,loss\n0,5,1\n0,6,2\n") == {
        "epoch": ((5, 6), (0, 0)),
        "loss": ((5, 6), (1, 2)),
    }


def test_a_column_that_repeats_itself_numbers_nothing() -> None:
    assert table("epoch,loss\n0,1\n0,2\n") == {"epoch": ((0, 1), (0, 0)), "loss": ((0, 1), (1, 2))}


def test_a_step_column_alone_is_a_measurement() -> None:
    assert table("epoch\n1\n2\n") == {"epoch": ((0, 1), (1, 2))}


def test_cells_are_numbers_text_or_nothing() -> None:
    found = table("a,b,c,d,e,f\n 1 ,1.5,x,,nan,1_000\n")
    assert {name: values[0] for name, (_, values) in found.items() if name != "e"} == {
        "a": 1,
        "b": 1.5,
        "c": "x",
        "d": None,
        "f": "1_000",
    }
    assert math.isnan(float(str(found["e"][1][0])))


@pytest.mark.parametrize(
    "content",
    [
        "step,loss\r\n1,0.5\r\n2,0.25\r\n",
        "\ufeffstep,loss\n1,0.5\n2,0.25",
        "\n\nstep,loss\n\n1,0.5\n2,0.25\n\n",
        'step,loss\n"1","0.5"\n2, 0.25\n   \n',
        " step , loss \n1,0.5\n2,0.25\n",
    ],
)
def test_line_ends_marks_quotes_and_blank_lines_make_no_difference(content: str) -> None:
    assert table(content) == {"loss": ((1, 2), (0.5, 0.25))}


def test_a_blank_line_in_a_single_column_is_a_missing_value() -> None:
    assert table("\nloss\n1\n\n2\n\n\n") == {"loss": ((0, 1, 2), (1, None, 2))}
    assert table('loss\n1\n""\n') == {"loss": ((0, 1), (1, None))}


def test_tabs_separate_where_the_name_says_so() -> None:
    (metric,) = readers.read_tsv(b"step\tloss, all\n1\t0.5\n", "m")
    assert (metric.name, metric.values) == ("loss, all", (0.5,))


def test_the_index_that_pandas_writes_gets_a_name_of_its_own() -> None:
    assert set(table(",loss\n0,1\n")) == {"index", "loss"}
    assert set(table(",index,loss\n0,5,1\n")) == {r"\e", "index", "loss"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n\n3\n", "line 4 has 1 fields, the header has 2"),
        ("a,b\n1,2,3\n", "line 2 has 3 fields"),
        ("a,a\n1,2\n", "same name"),
        ("a, a\n1,2\n", "same name"),
        (",\n1,2\n", "same name"),
        ("a,b\r1,2\r", "line 1"),
        ("a,b\n1," + "x" * 200_000, "field larger"),
        ("a,b\n1,\0\n", "NUL"),
        (b"a,b\n1,\xff\n", "not UTF-8 text: byte 6"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-be"), "NUL"),
    ],
)
def test_a_table_that_is_none_says_where(content: str | bytes, reason: str) -> None:
    assert reason in refused(readers.read_csv, content)


def test_a_name_with_a_dot_is_marked_in_a_table_too() -> None:
    assert set(table("val.loss,a\n1,2\n")) == {r"val\.loss", "a"}


# --- other formats' own -------------------------------------------------------------------------


def test_toml_dates_are_text_and_tables_are_nested() -> None:
    content = "a = 2024-01-02T03:04:05Z\nb = 12:00:00\n[c]\nd = 2024-01-02\n[[e]]\nf = 1\n"
    assert read(TOML, content) == {
        "a": "2024-01-02T03:04:05+00:00",
        "b": "12:00:00",
        "c.d": "2024-01-02",
        "e.0.f": 1,
    }


def test_yaml_is_read_as_people_mean_it() -> None:
    assert read(YAML, "a: 1e-3\nb: no\nc: 12:30:45\nd: 2024-01-01\ne: 0o17\nf: 017\n") == {
        "a": 0.001,
        "b": "no",
        "c": "12:30:45",
        "d": "2024-01-01",
        "e": 15,
        "f": 17,
    }


@pytest.mark.parametrize("content", ["a: 1\r\nb: 2\r\n", "\ufeffa: 1\nb: 2", "{a: 1, b: 2}"])
def test_yaml_of_any_editor(content: str) -> None:
    assert read(YAML, content) == {"a": 1, "b": 2}


@pytest.mark.parametrize("reader", [JSON, YAML, TOML, readers.read_csv, readers.read_tsv])
@pytest.mark.parametrize(
    "content", [b"\0", b"\xff\xfe", b"\x89PNG\r\n\x1a\n\0", b"a\0b", bytes(range(256))]
)
def test_what_is_no_text_is_refused_by_every_reader(reader: Read, content: bytes) -> None:
    assert refused(reader, content)


@pytest.mark.parametrize("content", ["a: &a [*a]", "a: !!python/object:os.system x", "a: 1\n---\n"])
def test_yaml_that_does_more_than_data_is_refused(content: str) -> None:
    assert refused(YAML, content)


def test_half_a_character_is_text_and_survives_the_manifest() -> None:
    (metric,) = JSON(b'{"\\ud800": "\\udfff"}', "m")
    document = canonical.loads(canonical.dumps(manifest.to_document(metric)))
    assert manifest.from_document(Metric, document, "m") == metric


# --- bombs --------------------------------------------------------------------------------------

DEEP = 100_000


def indented(levels: int) -> str:
    return "".join(" " * level + "a:\n" for level in range(levels)) + " " * levels + "1\n"


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (JSON, "[" * DEEP),
        (JSON, "[" * DEEP + "]" * DEEP),
        (JSON, '{"a":' * DEEP + "1" + "}" * DEEP),
        (JSON, "[" * 300 + "1" + "]" * 300),
        (YAML, "[" * DEEP),
        (YAML, "- " * DEEP + "1"),
        (YAML, "{a: " * DEEP + "1" + "}" * DEEP),
        (YAML, "? " * DEEP),
        (YAML, indented(250)),
        (YAML, indented(3000)),
        (TOML, "a = " + "[" * DEEP),
        (TOML, "a = " + "{a = " * 300 + "1" + "}" * 300),
        (TOML, ".".join("a" * 300) + " = 1"),
    ],
)
def test_what_is_nested_too_deeply_is_refused_in_a_moment(reader: Read, content: str) -> None:
    started = time.process_time()
    assert "nested too deeply" in refused(reader, content)
    assert time.process_time() - started < 5


def test_a_hundred_levels_are_not_too_deep() -> None:
    assert list(read(JSON, '{"a":' * 100 + "1" + "}" * 100).values()) == [1]
    assert list(read(YAML, indented(100)).values()) == [1]
    assert list(read(TOML, ".".join("a" * 100) + " = 1").values()) == [1]


def laughs(levels: int, kind: str) -> str:
    """Each level nine times the one before: three lines to a thousand, ten to a thousand million."""
    lines = ["a0: &a0 " + ("{x: 1}" if kind == "merge" else "[lol]")]
    for level in range(1, levels):
        nine = ", ".join([f"*a{level - 1}"] * 9)
        value = {
            "list": f"[{nine}]",
            "map": "{" + ", ".join(f"k{at}: *a{level - 1}" for at in range(9)) + "}",
            "merge": f"{{<<: [{nine}], y{level}: 1}}",
        }[kind]
        lines.append(f"a{level}: &a{level} {value}")
    return "\n".join(lines)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["list", "map"])
def test_a_billion_laughs_are_refused_in_a_moment(kind: str) -> None:
    started = time.process_time()
    assert "aliases" in refused(YAML, laughs(40, kind))
    assert time.process_time() - started < 5


@pytest.mark.timeout(60)
def test_merges_of_merges_are_read_in_a_moment() -> None:
    started = time.process_time()
    found = read(YAML, laughs(40, "merge"))
    assert found["a39.x"] == found["a39.y1"] == 1
    assert time.process_time() - started < 5


def test_aliases_that_people_write_are_read() -> None:
    content = "base: &b {lr: 0.1, layers: &l [1, 2]}\nrun: {<<: *b, lr: 0.2}\nagain: *l\n"
    assert read(YAML, content) == {
        "base.lr": 0.1,
        "base.layers": (1, 2),
        "run.lr": 0.2,
        "run.layers": (1, 2),
        "again": (1, 2),
    }


def test_a_large_file_without_aliases_is_read_whole() -> None:
    content = "\n".join(f"k{number}: {number}" for number in range(flattening.MOST // 50))
    assert len(read(YAML, content)) == flattening.MOST // 50
    numbers = ",".join(["1"] * (2 * flattening.MOST))
    assert len(JSON(f"[{numbers}]".encode(), "m")[0].values) == 2 * flattening.MOST


# --- by name ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.json", "b/c.YAML", "d.yml", "e.toml", "f.csv", "g.Tsv"])
def test_the_format_is_the_one_that_the_name_promises(name: str) -> None:
    assert readers.reader_of(name) is not None


@pytest.mark.parametrize("name", ["a", ".json", "a.log", "a.json.gz", "json/a.txt"])
def test_other_names_promise_nothing(name: str) -> None:
    assert readers.reader_of(name) is None


# --- histories: objects in a row ------------------------------------------------------------------

LINES = readers.read_json_lines


def series(reader: Read, content: str) -> dict[str, tuple[tuple[Scalar, ...], tuple[Scalar, ...]]]:
    """Steps and values by name; a single value has no steps."""
    return {
        item.name: (item.steps, item.values or (item.value,))
        for item in reader(content.encode(), "m")
    }


def test_lines_of_json_are_series_by_step() -> None:
    content = (
        '{"step": 10, "loss": 1.5, "v": {"acc": 1}}\n\n{"step": 20, "loss": NaN, "tag": "x"}\r\n'
    )
    found = series(LINES, content)
    assert math.isnan(found["loss"][1][1])  # type: ignore[arg-type]
    assert found["loss"][0] == (10, 20)
    assert (found["v.acc"], found["tag"]) == (((10,), (1,)), ((20,), ("x",)))


def test_rows_without_a_common_step_are_numbered() -> None:
    content = '{"step": 10, "a": 1}\n{"a": 2, "b": [1, 2], "c": {}, "d": null}\n'
    assert series(LINES, content) == {
        "step": ((0,), (10,)),
        "a": ((0, 1), (1, 2)),
        "b.0": ((1,), (1,)),
        "b.1": ((1,), (2,)),
        "c": ((1,), ("{}",)),
        "d": ((1,), (None,)),
    }


def test_lines_under_the_name_of_a_document_are_read_as_lines() -> None:
    assert series(JSON, '{"epoch": 1, "a": 2}\n{"epoch": 2, "a": 3}') == {"a": ((1, 2), (2, 3))}
    for content in ('{"a": 1} x', '{"a": 1}\n[1]', '{"a": 1}\n{"a": '):
        assert "Extra data" in refused(JSON, content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: "),
        ('{"a": 1}\n[1]\n', "line 2 is no object"),
        ("3", "line 1 is no object"),
        ('{"a": 1, "a": 2}', "line 1: the key 'a' stands twice"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"),
        ('{"a": ' + "9" * 20000 + "}", "too many digits"),
    ],
)
def test_a_line_that_is_none_is_named(content: str, reason: str) -> None:
    assert reason in refused(LINES, content)


def test_no_lines_are_no_metrics() -> None:
    assert LINES(b" \n\n", "m") == ()


def test_a_list_of_objects_with_steps_is_a_history() -> None:
    """As transformers' trainer_state.json has it: two rows of one step, and keys that come and go."""
    rows = [
        {"epoch": 0.5, "loss": 2.5, "step": 5},
        {"epoch": 0.5, "eval_loss": 2.25, "step": 5},
        {"epoch": 1.0, "loss": 1.5, "step": 10},
    ]
    assert series(JSON, json.dumps({"best": 1, "log_history": rows})) == {
        "best": ((), (1,)),
        "log_history.epoch": ((5, 5, 10), (0.5, 0.5, 1.0)),
        "log_history.loss": ((5, 10), (2.5, 1.5)),
        "log_history.eval_loss": ((5,), (2.25,)),
    }
    assert series(JSON, '[{"Epoch": 1, "a": 2}]') == {"a": ((1,), (2,))}


@pytest.mark.parametrize(
    "rows",
    [
        [{"step": 1, "a": 1}, {"a": 2}],  # not all have it
        [{"step": "1", "a": 1}],  # it is no number
        [{"step": True, "a": 1}],
        [{"step": 1}, {"step": 2}],  # it is all there is
        [{"name": "x", "a": 1}],
        [{"step": 1, "a": 1}, 3],
    ],
)
def test_other_lists_of_objects_are_values_each(rows: list[object]) -> None:
    names = [item.name for item in JSON(json.dumps(rows).encode(), "m")]
    assert all(name.split(".")[0].isdigit() for name in names)


def test_no_value_of_a_history_is_lost_or_shared() -> None:
    rows = [{"step": at, "a": at, "b": {"c": -at}} for at in range(1000)]
    found = series(JSON, json.dumps(rows))
    assert found["a"] == (tuple(range(1000)), tuple(range(1000)))
    assert found["b.c"][1] == tuple(-at for at in range(1000))


def test_laughs_within_a_history_are_refused_in_a_moment() -> None:
    bombs = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bombs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    content = "\n".join([*bombs, "h: [{step: 1, x: *a8}, {step: 2, x: *a8}]"])
    refused(YAML, content)
    # alone, and so within the history itself
    inner = "".join(f"{line}, " for line in bombs)
    refused(YAML, f"[{{step: 1, x: {{{inner}}}}}, {{step: 2}}]")


# --- tables in logs -------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_log_that_is_a_table(mark: str) -> None:
    content = f"epoch{mark}loss\n0{mark}0.5\n1{mark}0.25\n"
    assert series(readers.read_table, content) == {"loss": ((0, 1), (0.5, 0.25))}
    assert readers.declared_reader_of("a/fit.LOG") is readers.read_table
    assert readers.reader_of("a/fit.log") is None


@pytest.mark.parametrize(
    "content",
    ["", "text alone\n", "0,0.5\n1,0.25\n", "a,b\nc,d\n", "a,b\n1,2,3\n", "a,\n1,2\n", "INFO a, b\nINFO c\n"],
)  # fmt: skip
def test_a_log_that_is_none(content: str) -> None:
    refused(readers.read_table, content)
