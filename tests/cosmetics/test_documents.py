"""Text forms: only what key and shape tell together is cosmetic, and nothing else ever."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from samples import DAYS, RUNS, UUIDS, html, notebook, pdf, svg

from repro.cosmetics import Essence, essence


def of(path: str, content: bytes | str) -> Essence | None:
    held = content.encode() if isinstance(content, str) else content
    return essence(path, io.BytesIO(held), len(held))


def said(key: str, value: Any) -> str:
    return json.dumps({key: value})


def alike(path: str, first: str | bytes, second: str | bytes) -> bool:
    """Whether both have an essence, the same."""
    return of(path, first) is not None and of(path, first) == of(path, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"run_id": RUNS[0]}, {"run_id": RUNS[1]}),
        ({"a": [{"run_id": UUIDS[0]}]}, {"a": [{"run_id": UUIDS[1]}]}),
        ({"model_id": "m-" + RUNS[0]}, {"model_id": "m-" + RUNS[1]}),
        ({"utc_time_created": "2024-01-02 03:04:05.6"}, {"utc_time_created": "2025-01-02 03:04:05"}),
        ({"date_saved": "2024-01-02@03:04:05"}, {"date_saved": "2025-01-02@03:04:05"}),
        ({"timestamp": "2024-01-02T03:04:05.678901"}, {"timestamp": "2025-01-02T03:04:05.123456+00:00"}),
        ({"run_id": RUNS[0], f"a/{RUNS[0]}": 1}, {"run_id": RUNS[1], f"a/{RUNS[1]}": 1}),
    ],
)  # fmt: skip
def test_cosmetic_in_json(first: Any, second: Any) -> None:
    assert alike("a.json", json.dumps(first), json.dumps(second))


SAME = {"run_id": RUNS[0], "model_uuid": RUNS[0]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said("digest", RUNS[0]), said("digest", RUNS[1])),
        (said("model_id", RUNS[0]), said("model_id", RUNS[1])),
        (said("id", UUIDS[0]), said("id", UUIDS[1])),
        (said("uuid", UUIDS[0]), said("uuid", UUIDS[1])),
        ('{"run_id": "baseline"}', '{"run_id": "ours"}'),
        ('{"run_id": 1}', '{"run_id": 2}'),
        ('{"timestamp": 1700000000}', '{"timestamp": 1700000001}'),
        ('{"timestamp": "2024-01-01T00:00:00"}', '{"timestamp": "2024-01-02T00:00:00"}'),
        ('{"timestamp": "2024-01-01T00:00:00.000"}', '{"timestamp": "2024-01-02T00:00:00.000"}'),
        ('{"timestamp": "2024-01-01"}', '{"timestamp": "2024-01-02"}'),
        ('[{"timestamp": "2024-01-01T00:00:01.5"}]', '[{"timestamp": "2024-01-02T00:00:01.5"}]'),
        ('{"a": {"created_at": "2024-01-01T00:00:01.567"}}', '{"a": {"created_at": "2025-01-01T00:00:01.567"}}'),
        (said("accuracy", RUNS[0]), said("accuracy", RUNS[1])),
    ],
)  # fmt: skip
def test_real_in_json(first: str, second: str) -> None:
    assert not alike("a.json", first, second)
    # and so beside something that is cosmetic
    wrap = '{"run_id": "%s", "x": %s}'
    assert not alike("a.json", wrap % (RUNS[0], first), wrap % (RUNS[0], second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1.0", "1.00"), ("1", "1.0"), ("1", "true"), ("1", '"1"'), ("null", "{}"), ("[]", "{}"),
        ("NaN", "null"), ("Infinity", "-Infinity"), ("0", "-0"), ('["a","b"]', '{"a":"b"}'),
        ('["object",["a",1]]', '{"a":1}'), ('["number","1"]', "1"), ('["mark","time",0]', '"x"'),
        ('{"a":1,"a":2}', '{"a":2,"a":1}'), ('{"a":1,"a":2}', '{"a":2}'),
        ('{"a":1,"b":2}', '{"b":2,"a":1}'), ('"a b"', '"ab"'), ("1e3", "1000"),
    ],
)  # fmt: skip
def test_json_that_python_reads_alike_is_not(first: str, second: str) -> None:
    wrap = '{"run_id": "%s", "x": %s}'
    assert of("a.json", wrap % (RUNS[0], first)) is not None
    assert not alike("a.json", wrap % (RUNS[0], first), wrap % (RUNS[1], second))


def test_which_run_is_meant_counts() -> None:
    rows = '[{"run_id": "%s", "a": 1}, {"run_id": "%s", "a": 2}]'
    a, b = RUNS
    assert alike("a.json", rows % (a, b), rows % (b, a))
    assert not alike("a.json", rows % (a, b), rows % (a, a))


def test_blanks_between_tokens_do_not_count() -> None:
    assert alike("a.json", json.dumps(SAME), json.dumps(SAME, indent=4))


@pytest.mark.parametrize(
    "text", ["{", "[" * 200_000 + '"run_id"', said("run_id", RUNS[0]) + " x", '"run_id"', "\ufeff{}",
             said("run_id", RUNS[0]) * 2, '{"run_id": "\ud800"}'.encode("utf-8", "surrogatepass")],
)  # fmt: skip
def test_no_json(text: str | bytes) -> None:
    assert of("a.json", text) is None


def test_json_lines() -> None:
    lines = '{"run_id": "%s", "a": 1}\n{"a": 2}\n'
    assert alike("a.jsonl", lines % RUNS[0], lines % RUNS[1])
    assert not alike("a.jsonl", lines % RUNS[0], lines % RUNS[0] + lines % RUNS[0])
    assert of("a.jsonl", lines % RUNS[0] + "{") is None


def test_nothing_cosmetic_no_essence() -> None:
    assert of("a.json", '{"accuracy": 0.5}') is None
    assert of("a.yaml", "accuracy: 0.5\n") is None
    assert of("a.txt", "accuracy 0.5\n") is None
    assert of("a.svg", "<svg/>") is None
    assert of("a.html", "<html/>") is None


# --- yaml, text, logs -----------------------------------------------------------------------


def test_real_in_yaml() -> None:
    run = f"run_id: {RUNS[0]}\n"
    for first, second in (
        ("digest: " + "9" * 32, f"digest: {RUNS[1]}"),
        ("lr: 0.1", "lr: 0.10"), ("lr: 0.1", "lr: 0.1 # best"), ("a: 1\nb: 2", "b: 2\na: 1"),
        ("rows:\n- timestamp: 2024-01-01 00:00:01.5", "rows:\n- timestamp: 2025-01-01 00:00:01.5"),
        ("run_id: baseline", "run_id: ours"), ("x: |\n  a", "x: |\n   a"),
    ):  # fmt: skip
        assert not alike("a.yaml", run + first, run + second)


def test_the_folder_of_a_run_in_hydras_own_file() -> None:
    name, text = "out/.hydra/hydra.yaml", "hydra:\n  runtime:\n    output_dir: /w/outputs/{}{}\n"
    first = text.format("2026-11-21/21-52-58", "")
    assert alike(name, first, text.format("2027-01-01/00-00-00", ""))
    assert not alike(name, first + "  job: 1\n", first + "  job: 2\n")
    for other in ("2026-11-21/21-52-58/1", "2026-11-21", "latest"):
        assert not alike(name, first, text.format(other, ""))
    assert of("config.yaml", first) is None


def test_times_in_a_list_of_yaml_documents_are_data() -> None:
    text = "timestamp: 2024-01-01 03:04:05.678\n{}a: 1\n"
    other = text.replace("2024", "2025")
    assert alike("a.yaml", text.format(""), other.format(""))
    assert not alike("a.yaml", text.format("---\n"), other.format("---\n"))


def test_a_time_series_in_a_log_is_data() -> None:
    for line in ("{} 00:00:00,123\n", "{} 00:00:00 0.5\n", "{} 00:00:00.5,0.25\n", "at [{}]\n"):
        assert not alike("a.log", line.format(DAYS[0]), line.format(DAYS[1]))


def test_an_address_is_told_by_how_python_prints_it() -> None:
    assert alike("a.txt", "<A object at 0x7f0000aa00>", "<A object at 0x7f0000bb00>")
    assert not alike("a.txt", "crc 0x7f0000aa00", "crc 0x7f0000bb00")
    assert not alike("a.txt", "<A object at 0x7f0000aa00>", "<B object at 0x7f0000aa00>")


# --- notebooks ------------------------------------------------------------------------------


def changed(path: list[Any], value: Any) -> bytes:
    tree = node = json.loads(notebook(1, 0.5))
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["cells", 0, "execution_count"], 2),
        (["cells", 0, "source"], ["2"]),
        (["cells", 0, "outputs"], []),
        (["cells", 0, "outputs", 0, "text"], ["0.5 <B object at 0x7f0000aa00>"]),
        (["cells", 0, "id"], "training"),
        (["cells", 0, "metadata", "execution", "iopub.execute_input"], None),
        (["cells", 0, "metadata", "tags"], ["x"]),
        (["metadata", "papermill", "parameters", "lr"], 0.2),
        (["metadata", "papermill", "exception"], True),
        (["metadata", "start_time"], "now"),
        (["nbformat"], 3),
        (["cells"], {}),
    ],
)
def test_real_in_a_notebook(path: list[Any], value: Any) -> None:
    assert not alike("a.ipynb", notebook(0, 0.5), changed(path, value))


# --- pages and pictures ---------------------------------------------------------------------


def test_an_id_that_is_used_elsewhere_counts_in_a_picture() -> None:
    style = b"<style>#m0123456789 {fill: red}</style></svg>"
    first, second = (svg(which, 0.5).replace(b"</svg>", style) for which in (0, 1))
    assert not alike("a.svg", first, second)


def test_which_id_is_used_counts_in_a_picture() -> None:
    assert not alike("a.svg", svg(0, 0.5), svg(0, 0.5).replace(b"url(#p", b"url(#m"))
    twice = svg(0, 0.5).replace(b"</svg>", b'<g id="m0123456789"/></svg>')
    assert not alike("a.svg", twice, twice.replace(b"m0123456789", b"mabcdefabcd"))


def test_a_date_in_the_drawing_counts() -> None:
    text = "<text><dc:date>{}T03:04:05</dc:date></text></svg>"
    first, second = (svg(0, 0.5).replace(b"</svg>", text.format(day).encode()) for day in DAYS)
    assert not alike("a.svg", first, second)


def test_an_id_that_is_no_charts_counts_in_a_page() -> None:
    row = '<tr id="{0}"><td>{0}</td></tr>'
    for wrap in ("{}", html(0, 0.5).decode().replace("{", "{{").replace("}", "}}") + "{}"):
        first, second = (wrap.format(row.format(uuid)) for uuid in (UUIDS[1], "a" + UUIDS[1][1:]))
        assert not alike("a.html", first, second)


def test_a_charts_id_in_the_text_counts() -> None:
    first, second = (html(which, 0.5) + UUIDS[which].encode() for which in (0, 1))
    assert not alike("a.html", first, second)


# --- pdf ------------------------------------------------------------------------------------


def pdf_with(which: int, old: bytes, new: bytes) -> bytes:
    content = pdf(which, 0.5)
    assert old in content
    return content.replace(old, new)


def test_a_date_in_a_string_or_a_stream_counts() -> None:
    date = b"/ModDate (D:%s0102030405Z)"
    for old, new in (
        (b"(a \\( b (c))", b"(a %s)"),
        (b"(value 0.5)", b"(value %s)"),
        (b"startxref", b"%% %s\nstartxref"),
    ):
        found = [
            pdf_with(0, old, new.replace(b"%s", date % year).replace(b"%%", b"%"))
            for year in (b"2024", b"2025")
        ]
        assert not alike("a.pdf", *found)
    # as a stream it is read whole: the date in it is none
    drawing = b"BT (value 0.5) Tj ET"
    same = [b"/ModDate (D:%s0102)" % year for year in (b"2024", b"2025")]
    assert len(same[0]) == len(drawing) + 1
    first, second = (
        pdf_with(0, drawing + b"\n", text + b"\n").replace(b"\n20\n", b"\n21\n") for text in same
    )
    assert of("a.pdf", first) is not None
    assert not alike("a.pdf", first, second)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"/Size 6", b"/Size 6 /Encrypt 9 0 R"), (b"/Length 4 0 R", b"/Length 99"), (b"\n20\n", b"\n19\n"),
     (b"/Length 4 0 R", b"/Length 4 0 R /Length 20"), (b"(a \\( b (c))", b"(a \\( b (c)"), (b"/Title", b"\\)>")],
)  # fmt: skip
def test_no_plain_pdf_has_no_essence(old: bytes, new: bytes) -> None:
    assert of("a.pdf", pdf_with(0, old, new)) is None


def test_something_appended_to_a_pdf_counts() -> None:
    more = b"\n9 0 obj\n<< /Title (other) >>\nendobj\n"
    assert not alike("a.pdf", pdf(0, 0.5), pdf(0, 0.5) + more)
    assert not alike("a.pdf", pdf(0, 0.5), pdf(0, 0.5, b"% seed 3\n"))
