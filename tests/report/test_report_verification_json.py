"""The verification's document, against its schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import test_specs
import verifications as v

from repro.report import verification_json
from repro.verifying import Verification


def written(found: Verification) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(verification_json.render(found))
    return document


@pytest.mark.parametrize("found", [v.ALL, v.GREEN, v.evil(), v.verification(), v.verification(
    v.NOT_REACHED, stopped="interrupted", interrupted=True), v.verification(unaffected=True),
    v.verification(v.IDENTICAL, self_tests=(*v.CAUGHT, *v.MISSED))])  # fmt: skip
def test_every_document_is_valid(found: Verification) -> None:
    document = written(found)
    test_specs.validate(document, "verification.schema.json")
    assert document["exit_code"] == found.exit_code


def test_nothing_is_written_that_is_not_specified() -> None:
    schema = test_specs.schema("verification.schema.json")
    document = written(v.ALL)
    assert document.keys() == set(schema["required"]) == schema["properties"].keys()
    for name, item in (
        ("run", document["runs"][0]),
        ("replay", document["runs"][0]["replays"][0]),
        ("pair", document["runs"][0]["pairs"][0]),
    ):
        known = schema["$defs"][name]
        assert item.keys() == set(known["required"]) == known["properties"].keys()


@pytest.mark.parametrize(
    ("found", "change"),
    [
        (v.GREEN, {"runs": []}),
        (v.GREEN, {"exit_code": 1}),
        (v.GREEN, {"unaffected": True}),
        (v.verification(v.IDENTICAL, self_tests=v.MISSED), {"passed": True, "exit_code": 0}),
        (v.ALL, {"passed": True, "exit_code": 0}),
        (v.ALL, {"exit_code": 0}),
        (v.ALL, {"schema": "repro/verification/v2"}),
    ],
)
def test_the_schema_refuses_a_green_that_is_none(
    found: Verification, change: dict[str, Any]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        test_specs.validate({**written(found), **change}, "verification.schema.json")


@pytest.mark.parametrize("change", [{"state": "partly"}, {"verdict": "different"}, {"replays": []}])
def test_the_schema_refuses_a_passed_run_that_is_none(change: dict[str, Any]) -> None:
    document = written(v.GREEN)
    document["runs"][0].update(change)
    with pytest.raises(jsonschema.ValidationError):
        test_specs.validate(document, "verification.schema.json")
