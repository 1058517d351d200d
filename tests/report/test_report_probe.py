"""What a probe found, for a person and for a program."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
import pytest
import workbench

from repro.probes import Change, Guilt, Probe, Probed
from repro.probes.nouns import LEFT_OUT, Kind
from repro.report import probe as report

MOVED = (
    Change(Kind.METRIC, "metrics.json:loss", 0.1, math.nan),
    Change(Kind.OUTPUT, "model.pt", 10, 10),
    Change(Kind.END, "exit code", 0, 1),
)


def probed(guilt: Guilt, **more: Any) -> Probed:
    return Probed("hash-seed", "the order of sets", guilt, **more)


def probe(**more: Any) -> Probe:
    fields: dict[str, Any] = {
        "run_id": "1" * 64, "engine": "docker", "replays": 4, "as_recorded": True, **more,
    }  # fmt: skip
    return Probe(**fields)


FOUND = {
    "harmless": probe(probed=(probed(Guilt.HARMLESS),)),
    "guilty": probe(
        probed=(probed(Guilt.GUILTY, changes=MOVED, remedy="sort it", cost="nothing"),)
    ),
    "bytes": probe(probed=(probed(Guilt.GUILTY, changes=MOVED[1:2], remedy="r", cost="c"),)),
    "not deterministic": probe(unstable=MOVED[:1], unexplained=MOVED[:1], held=True),
    "unreplayable": probe(unreplayable="the image is gone", remedy="pull it", as_recorded=None),
    "interrupted": probe(interrupted=True, probed=(probed(Guilt.UNSETTLED, why="it ended"),)),
    "hostile": probe(
        notes=("\x1b[31m",),
        probed=(
            probed(
                Guilt.GUILTY,
                changes=(Change(Kind.OUTPUT, "a\x1b[2J\nb\u202e", None, 3, "\x07"),),
                evidence=("\x1b]0;x\x07.py:1: y",),
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("width", [40, 100])
def test_what_is_rendered_can_be_shown(name: str, width: int) -> None:
    text = report.render(FOUND[name], colour=False, width=width)
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert all(line.isprintable() for line in text.splitlines())
    coloured = report.render(FOUND[name], colour=True, width=width)
    assert "\x1b[" in coloured or name == "hostile"


@pytest.mark.parametrize("name", FOUND)
def test_the_document_is_as_its_schema_says(name: str) -> None:
    text = report.as_json(FOUND[name])
    assert text.count("\n") == 1
    schema = json.loads((workbench.ROOT / "specs" / "probe.schema.json").read_text())
    document = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    jsonschema.Draft202012Validator(schema).validate(document)


def test_the_guilty_stands_first_with_values_remedy_and_cost() -> None:
    text = report.render(FOUND["guilty"], colour=False, width=100)
    assert text.startswith("guilty: hash-seed (4 replays)\n")
    for part in ("loss 0.1 -> nan", "model.pt (other bytes)", "exit code 0 -> 1", "remedy sort it"):
        assert part in text
    assert "no metric" not in text
    only = report.render(FOUND["bytes"], colour=False, width=100)
    assert "changes bytes of outputs, and no metric" in only


@pytest.mark.parametrize(
    ("name", "code"),
    [("harmless", 0), ("guilty", 1), ("not deterministic", 1), ("unreplayable", 3),
     ("interrupted", 130)],
)  # fmt: skip
def test_exit_codes(name: str, code: int) -> None:
    assert FOUND[name].exit_code == code


def test_nothing_varied_is_not_called_harmless() -> None:
    left = Probed("path", "the path", Guilt.NOT_VARIED, LEFT_OUT)
    text = report.render(probe(probed=(left, left)), colour=False, width=100)
    assert text.startswith("nothing varied: so nothing is known")
