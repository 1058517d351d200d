"""The JSON document: what specs/comparison.md promises, against its schema."""

import json
import re
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import renderings as r

from repro import canonical
from repro.comparison import Comparison, MetricDifference, Status, Verdict, unreplayable
from repro.manifest import MetricType, SourceState
from repro.report import json as report

SPECS = Path(__file__).parents[2] / "specs"
SCHEMA = json.loads((SPECS / "comparison.schema.json").read_text("utf-8"))
PROSE = (SPECS / "comparison.md").read_text("utf-8")
NAN = r.compared(
    r.result(r.metric("m", float("nan")), r.metric("n", float("inf"))),
    r.result(r.metric("m", float("nan")), r.metric("n", 2**70)),
)
ALL = (r.IDENTICAL, r.EQUIVALENT, r.DIFFERENT, r.OTHER_DEFINITION, unreplayable("x"), NAN)


def valid(document):
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("comparison", [*ALL, r.hostile()[0]])
def test_every_document_is_valid(comparison):
    document = json.loads(report.render(comparison, r.HEADING))
    valid(document)
    assert document["verdict"] == comparison.verdict.value
    assert document["exit_code"] == comparison.exit_code


def test_the_example_of_the_prose_is_what_is_written():
    (example,) = re.findall(r"```json\n(.*?)\n```", PROSE, re.DOTALL)
    document = json.loads(example)
    valid(document)
    assert document == json.loads(report.render(r.DIFFERENT, r.HEADING))


def test_the_prose_names_every_field():
    for name in (*(item.name for item in fields(Comparison)), "schema", "passed", "exit_code"):
        assert f"`{name}`" in PROSE, name
    for status in Status:
        if status is not Status.ABSENT:
            assert f"`{status.value}`" in PROSE, status
    for verdict in Verdict:
        assert f"`{verdict.value}`" in PROSE


def test_the_schema_has_every_field_and_value():
    metric = SCHEMA["$defs"]["metric"]
    assert set(metric["properties"]) == {item.name for item in fields(MetricDifference)}
    assert set(SCHEMA["$defs"]["metric_type"]["enum"]) == {kind.value for kind in MetricType}
    assert set(SCHEMA["$defs"]["state"]["enum"]) == {state.value for state in SourceState}
    assert set(SCHEMA["properties"]["verdict"]["enum"]) == {verdict.value for verdict in Verdict}
    assert set(SCHEMA["properties"]) == {
        *(item.name for item in fields(Comparison)),
        "schema",
        "passed",
        "exit_code",
    }


def test_canonical():
    rendered = report.render(NAN)
    assert rendered.endswith("}\n") and rendered.count("\n") == 1
    document = canonical.loads(rendered.encode())
    assert canonical.dumps(document) + b"\n" == rendered.encode()
    assert document["metrics"][1]["b"] == 2**70
    assert '"a":{"float":"nan"}' in rendered and ":NaN" not in rendered


def test_text_that_is_not_utf8_comes_back():
    comparison, heading = r.hostile()
    document = canonical.loads(report.render(comparison, heading).encode("utf-8"))
    assert r.EVIL in {output["path"] for output in document["outputs"]}


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "fine"},
        {"reasons": []},
        {"schema": "repro/comparison/v2"},
        {"metrics_compared": -1},
        {"metrics": [{}]},
    ],
)
def test_the_schema_refuses(change):
    document = json.loads(report.render(r.DIFFERENT))
    with pytest.raises(jsonschema.ValidationError):
        valid({**document, **change})
