"""GitLab's code quality report: what it asks of an issue, and fingerprints that outlive a pipeline."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import renderings as r
import verifications as v

from repro.manifest import Command, Stage
from repro.report import gitlab, places
from repro.verifying import Chosen, Verification


def issues(found: Verification) -> list[dict[str, Any]]:
    document: list[dict[str, Any]] = json.loads(gitlab.render(found))
    return document


def test_green_is_an_empty_list() -> None:
    assert issues(v.GREEN) == []


@pytest.mark.parametrize(
    "found",
    [
        v.ALL,
        v.evil(),
        v.verification(),
        v.verification(v.PARTLY),
        v.verification(v.IDENTICAL, self_tests=v.MISSED),
    ],
)
def test_red_has_issues_of_the_form_that_gitlab_takes(found: Verification) -> None:
    listed = issues(found)
    assert listed
    for issue in listed:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        path = issue["location"]["path"]
        assert path and not path.startswith(("/", "./", "../")) and path.isprintable()
        assert issue["location"]["lines"]["begin"] == 1
    marks = [issue["fingerprint"] for issue in listed]
    assert len(set(marks)) == len(marks)


def test_a_fingerprint_is_of_names_and_not_of_values() -> None:
    def marks(value: float) -> set[str]:
        result = replace(r.RECORDED, metrics=(r.metric("accuracy", value), *r.RECORDED.metrics[1:]))
        return {
            item["fingerprint"] for item in issues(v.verification(v.verified("x", "1", result)))
        }

    assert marks(0.5) == marks(0.25) != set()
    again = issues(v.verification(v.DIFFERENT, v.DIFFERENT))
    assert len({item["fingerprint"] for item in again}) == len(again)


def test_what_could_not_be_told_is_worse_than_what_differs() -> None:
    assert {item["severity"] for item in issues(v.verification(v.LOST))} == {"critical"}
    assert {item["severity"] for item in issues(v.verification(v.DIFFERENT))} == {"major"}


def test_many_issues_are_counted() -> None:
    many = tuple(r.metric(f"m{at:05}", at) for at in range(gitlab.MOST + 50))
    other = tuple(replace(item, value=-1) for item in many)
    result, recorded = (replace(r.RECORDED, metrics=some) for some in (other, many))
    item = v.verified("many", "b", result, recorded=recorded)
    listed = issues(v.verification(item))
    assert len(listed) == gitlab.MOST + 1
    assert "51 more are left out" in listed[-1]["description"]


@pytest.mark.parametrize(
    ("argv", "folder", "path"),
    [
        (("python", "train.py"), "", "train.py"),
        (("python", "-u", "./src/../train.py", "x.py"), "sub", "sub/train.py"),
        (("bash", "go.sh"), "", "go.sh"),
        (("python", "/etc/x.py"), "", "repro.yaml"),
        (("python", "../../x.py"), "sub", "repro.yaml"),
        (("python", "a\nb.py"), "", "repro.yaml"),
        (("python", "-m", "train"), "", "repro.yaml"),
        ((), "", "repro.yaml"),
    ],
)
def test_the_place_is_the_script(argv: tuple[str, ...], folder: str, path: str) -> None:
    found = v.chosen("x", "1")
    manifest = found.run.manifest
    definition = replace(manifest.definition, command=Command(argv), working_directory=folder)
    run = replace(found.run, manifest=replace(manifest, definition=definition))
    assert places.script(Chosen(run)) == path
    staged = replace(definition, command=Command(argv, (Stage("fit", ("x",)),)))
    run = replace(run, manifest=replace(manifest, definition=staged))
    assert places.script(Chosen(run)) == f"{folder}/dvc.yaml".lstrip("/")
