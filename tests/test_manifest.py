"""The manifest as a document: identity, defaults, and readers of another version."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import workbench
from workbench import Project

from repro import canonical, manifest
from repro.errors import Corrupt, NewerSchema
from repro.manifest import (
    Command,
    Data,
    DataKind,
    DataPlaces,
    Definition,
    Descriptor,
    Environment,
    EnvironmentKind,
    Finding,
    Host,
    Image,
    Interpreter,
    Manifest,
    Metric,
    MetricSource,
    MetricType,
    Outcome,
    Package,
    PackageOrigin,
    Param,
    Policy,
    Provenance,
    Result,
    Severity,
    Source,
    SourceState,
    Stage,
    Submodule,
    Tolerance,
)

EXAMPLE = Path(__file__).parents[1] / "specs" / "examples" / "manifest.json"

DEFINITION = Definition(
    source=Source(
        "a" * 40,
        "b" * 40,
        submodules=(Submodule("libs/one", None, "c" * 40),),
        settings={"core.autocrlf": "true"},
    ),
    data=(Data("data/\udcff.csv", DataKind.FILE, "md5:" + "d" * 32, 10, 1),),
    environment=Environment(
        EnvironmentKind.PACKAGES,
        Image("python:3.12-slim", "sha256:" + "e" * 64, bases={"x": None}),
        Interpreter("3.12.1"),
        (Package("numpy", "2.0"), Package("mine", "0", PackageOrigin.EDITABLE, ".")),
    ),
    command=Command(("python", "train.py", ""), (Stage("fit", ("python fit.py",)),)),
    working_directory="sub",
    env={"LANG": "C.UTF-8"},
    params=(
        Param("p.yaml", "rate", 1e-3),
        Param("p.yaml", "on", True),
        Param("p.yaml", "off", None),
    ),
)
RESULT = Result(
    observed=True,
    outcome=Outcome.FINISHED,
    exit_code=0,
    started="2026-01-15T12:00:00.000Z",
    ended="2026-01-15T12:00:01.500Z",
    duration=1.5,
    peak_memory=None,
    host=Host(cpus=2, gpus=(), blas=None, threads={"OMP_NUM_THREADS": "1"}),
    metrics=(
        Metric("m.json", "loss", MetricType.NUMBER, math.nan),
        Metric("m.json", "big", MetricType.NUMBER, 2**70),
        Metric("h.csv", "loss", MetricType.SERIES, steps=(1, 2), values=(0.5, -math.inf)),
    ),
    metric_sources=(MetricSource("m.json", SourceState.READ), MetricSource("x", SourceState.STALE)),
    outputs=(
        Descriptor("model.bin", "sha256:" + "f" * 64, 3),
        Descriptor("link", "sha256:" + "0" * 64, 4, link="\udce4bc"),
    ),
    missing_outputs=("other.bin",),
)
FULL = Manifest(
    DEFINITION,
    RESULT,
    "2026-01-15T12:00:02.000Z",
    provenance=Provenance(
        workspace="/home/me/project", data={"d": DataPlaces("d.dvc", None, cache=False)}
    ),
    policy=Policy((Tolerance("*", relative=1e-6),), metrics=("m.json",)),
    findings=(Finding(Severity.RISKS, "image", "known by its tag only"),),
    contents=(Descriptor("source/commit.pack", "sha256:" + "1" * 64, 5),),
    tool="repro 0",
)


def changed(document: dict[str, Any], content: bytes) -> bytes:
    """The manifest with some members of its top level replaced."""
    return canonical.dumps({**canonical.loads(content), **document})


# --- round trip -----------------------------------------------------------------------------


def test_a_manifest_comes_back_as_it_was() -> None:
    content = manifest.dumps(FULL)
    read = manifest.loads(content)
    assert read.definition == DEFINITION
    assert read.definition_id == manifest.definition_id(DEFINITION)
    assert manifest.dumps(read) == content
    assert math.isnan(read.result.metrics[0].value)  # type: ignore[arg-type]
    assert read.result.metrics[1].value == 2**70
    assert read.result.metrics[2].values == (0.5, -math.inf)
    assert read.result.host.gpus == () and read.result.host.blas is None
    assert replace(read, definition_id="", result=RESULT) == FULL


def test_types_of_scalars_survive() -> None:
    values = (1, 1.0, True, "1", None, "", 0, False, 0.0)
    params = tuple(Param("p", str(at), value) for at, value in enumerate(values))
    read = manifest.loads(
        manifest.dumps(replace(FULL, definition=replace(DEFINITION, params=params)))
    )
    found = [item.value for item in read.definition.params]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


def test_the_bytes_are_canonical() -> None:
    content = manifest.dumps(FULL)
    assert canonical.dumps(canonical.loads(content)) == content
    assert not content.endswith(b"\n")


# --- defaults -------------------------------------------------------------------------------


def test_a_field_at_its_default_is_left_out() -> None:
    document = canonical.loads(manifest.dumps(FULL))
    source = document["definition"]["source"]
    assert "object_format" not in source  # sha1
    assert document["definition"]["environment"]["packages"][0] == {
        "name": "numpy",
        "version": "2.0",
    }
    assert "implementation" not in document["definition"]["environment"]["interpreter"]
    assert document["result"]["metric_sources"][0] == {"path": "m.json", "state": "read"}
    assert "branch" not in document["provenance"]
    # required fields stay, null or not; and an empty tuple is not the same as not known
    assert document["result"]["peak_memory"] is None
    assert source["submodules"][0]["commit"] is None
    assert document["result"]["host"]["gpus"] == [] and "blas" not in document["result"]["host"]


def test_a_value_that_only_equals_its_default_is_kept() -> None:
    """0 == False and 1 == True: the type is part of the value."""
    document = manifest.to_document(Metric("s", "n", MetricType.NUMBER, 0))
    assert document["value"] == 0 and document["value"] is not False
    assert "value" in manifest.to_document(Metric("s", "n", MetricType.BOOLEAN, False))
    assert "value" not in manifest.to_document(Metric("s", "n", MetricType.NULL, None))
    assert "absolute" in manifest.to_document(Tolerance("*", absolute=0))  # 0 is not 0.0
    assert "absolute" not in manifest.to_document(Tolerance("*", absolute=0.0))


def test_the_schema_is_always_there() -> None:
    assert canonical.loads(manifest.dumps(FULL))["schema"] == manifest.SCHEMA


# --- identity -------------------------------------------------------------------------------


def test_when_where_and_by_whom_are_no_part_of_the_identity() -> None:
    other = replace(
        FULL,
        created="2027-01-01T00:00:00.000Z",
        result=replace(RESULT, host=Host(kernel="another"), duration=99.0),
        provenance=Provenance(workspace="/elsewhere", branch="x", remotes={"origin": "y"}),
        policy=Policy(network=True),
        tool="another",
    )
    mine, theirs = (manifest.loads(manifest.dumps(item)) for item in (FULL, other))
    assert mine.definition_id == theirs.definition_id
    assert manifest.run_id(manifest.dumps(mine)) != manifest.run_id(manifest.dumps(theirs))


@pytest.mark.parametrize(
    "change",
    [
        {"working_directory": "other"},
        {"env": {"LANG": "C"}},
        {"params": ()},
        {"command": Command(("python", "train.py"))},
        {"source": replace(DEFINITION.source, tree="0" * 40)},
        {"data": (replace(DEFINITION.data[0], size=11),)},
        {"params": (replace(DEFINITION.params[0], value="0.001"), *DEFINITION.params[1:])},
    ],
)
def test_everything_that_went_in_is_part_of_the_identity(change: dict[str, Any]) -> None:
    changed = replace(DEFINITION, **change)
    assert manifest.definition_id(changed) != manifest.definition_id(DEFINITION)


def test_the_order_of_a_mapping_is_not() -> None:
    one = replace(DEFINITION, env={"A": "1", "B": "2"})
    other = replace(DEFINITION, env={"B": "2", "A": "1"})
    assert manifest.definition_id(one) == manifest.definition_id(other)


def test_the_identity_of_today_holds_for_ever() -> None:
    """A change of this value breaks every comparison with a run that is stored already."""
    plain = Definition(
        Source("a" * 40, "b" * 40),
        (),
        Environment(EnvironmentKind.PACKAGES, None),
        Command(("python", "train.py")),
    )
    assert canonical.dumps(manifest.to_document(plain)) == (
        b'{"command":{"argv":["python","train.py"]},"data":[],'
        b'"environment":{"image":null,"kind":"packages"},'
        b'"source":{"commit":"' + b"a" * 40 + b'","tree":"' + b"b" * 40 + b'"}}'
    )
    content = EXAMPLE.read_bytes().rstrip(b"\n")
    example = manifest.loads(content)
    assert manifest.definition_id(example.definition) == example.definition_id
    assert manifest.dumps(example) == canonical.dumps(json.loads(content))


@pytest.mark.docker
@pytest.mark.registry
def test_an_image_that_was_pulled_meanwhile_is_the_same_image(project: Project) -> None:
    """Also the same that another engine knows by another id."""
    base = workbench.base_image()
    name = f"{os.environ['REPRO_TEST_REGISTRY']}/repro-test-pulled-{os.getpid()}:1"
    workbench.docker("tag", base, name)
    workbench.docker("push", "--quiet", name)
    workbench.docker("rmi", name)
    env = {"REPRO_BASE_IMAGE": name}
    try:
        first = project.record("python", "train.py", env=env)
        workbench.docker("pull", "--quiet", name)
        second = project.record("python", "train.py", env=env)
        inside = project.record("python3", "train.py", options=("--image", name))
    finally:
        workbench.docker("rmi", name)
    assert first["manifest"]["definition_id"] == second["manifest"]["definition_id"]
    for run in (first, second, inside):
        image = run["manifest"]["definition"]["environment"]["image"]
        assert image.keys() == {"reference", "digest"}, image


# --- readers --------------------------------------------------------------------------------


def test_unknown_fields_are_ignored_and_count_for_the_identity() -> None:
    document = canonical.loads(manifest.dumps(FULL))
    document["definition"]["invented"] = {"by": "a later version"}
    document["result"]["host"]["colour"] = "grey"
    with pytest.raises(Corrupt, match="definition_id"):
        manifest.loads(canonical.dumps(document))
    document["definition_id"] = canonical.digest_bytes(canonical.dumps(document["definition"]))
    read = manifest.loads(canonical.dumps(document))
    assert read.definition == DEFINITION
    # what a later version knows more of is another definition, and never the same one
    assert read.definition_id != manifest.definition_id(DEFINITION)


def test_a_changed_definition_is_found_out() -> None:
    content = manifest.dumps(FULL).replace(b'"C.UTF-8"', b'"C.utf-8"')
    with pytest.raises(Corrupt, match="definition_id"):
        manifest.loads(content)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"{}", b'{"schema":1}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_manifest_is_corrupt(content: bytes) -> None:
    with pytest.raises(Corrupt, match="the file"):
        manifest.loads(content, "the file")


def test_another_schema_is_corrupt_and_a_newer_one_says_what_to_do() -> None:
    content = manifest.dumps(FULL)
    with pytest.raises(Corrupt, match="where 'repro/manifest/v1' was expected") as found:
        manifest.loads(changed({"schema": "repro/replay/v1"}, content))
    assert not isinstance(found.value, NewerSchema)
    with pytest.raises(NewerSchema, match="v2") as newer:
        manifest.loads(changed({"schema": "repro/manifest/v2"}, content))
    assert "update repro" in newer.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"result": {}},
        {"result": None},
        {"created": 1},
        {"findings": [{"severity": "awful", "subject": "s", "message": "m"}]},
        {"contents": [{"path": "p", "digest": "d"}]},
        {"contents": {}},
    ],
)
def test_a_field_of_the_wrong_type_is_corrupt(change: dict[str, Any]) -> None:
    with pytest.raises(Corrupt, match="not valid"):
        manifest.loads(changed(change, manifest.dumps(FULL)))


def test_a_blob_is_found_by_its_role() -> None:
    assert FULL.content("source/commit.pack") is FULL.contents[0]
    assert FULL.content("source/worktree.pack") is None
