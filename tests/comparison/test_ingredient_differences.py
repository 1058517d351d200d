"""Ingredients: whatever changes in a definition is found, and called by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import DEFINITION, scalars, with_image

from repro.comparison import compare_manifests
from repro.comparison.ingredients import compare_definitions
from repro.manifest import (
    CondaFile,
    Data,
    DataKind,
    Definition,
    Image,
    Interpreter,
    Manifest,
    Package,
    PackageOrigin,
    Param,
    Policy,
    Provenance,
    Stage,
    Submodule,
    definition_id,
)


def differences(other: Definition, definition: Definition = DEFINITION):
    return compare_definitions(definition, other)


def only(other: Definition, definition: Definition = DEFINITION):
    (found,) = differences(other, definition)
    return found.ingredient, found.name, found.a, found.b, found.detail


def source(**changes):
    return replace(DEFINITION, source=replace(DEFINITION.source, **changes))


def environment(**changes):
    return replace(DEFINITION, environment=replace(DEFINITION.environment, **changes))


def test_the_same_definition_has_none():
    assert differences(DEFINITION) == ()


# --- by name ----------------------------------------------------------------------------------


def test_source():
    assert only(source(commit="x")) == (
        "source",
        "commit",
        "c" * 40,
        "x",
        "the files are the same: their tree agrees",
    )
    assert only(source(tree="x"))[1:] == (
        "tree",
        "d" * 40,
        "x",
        "the same commit with other uncommitted changes",
    )
    assert [item.name for item in differences(source(commit="x", tree="y"))] == ["commit", "tree"]
    assert only(source(commit=None))[2:4] == ("c" * 40, None)
    lib = Submodule("lib", "e" * 40, "0" * 40)
    assert only(source(submodules=(lib,)))[1] == "submodule lib"
    assert only(source(submodules=()))[3] is None
    assert only(source(settings={"core.eol": "lf"}))[1:4] == ("setting core.eol", None, "lf")


def test_data():
    (data,) = DEFINITION.data
    changed = replace(data, hash="md5:x")
    found = only(replace(DEFINITION, data=(changed,)))
    assert found[:2] == ("data", "data/train.csv")
    assert found[3] == "md5:x (file, 100 bytes, 1 file)"
    assert found[4] == "other content of the same size"
    grown = replace(data, hash="md5:x.dir", kind=DataKind.DIRECTORY, size=200, files=7)
    assert (
        only(replace(DEFINITION, data=(grown,)))[3] == "md5:x.dir (directory, 200 bytes, 7 files)"
    )
    more = Data("data/test.csv", DataKind.FILE, "md5:2", 5, 1)
    assert only(replace(DEFINITION, data=(data, more)))[4] == "added"
    assert only(replace(DEFINITION, data=()))[4] == "removed"


def test_packages():
    numpy, torch = DEFINITION.environment.packages
    newer = environment(packages=(replace(numpy, version="2.0.0"), torch))
    assert only(newer) == ("packages", "numpy", "1.26.4", "2.0.0", "")
    assert only(environment(packages=(numpy,))) == ("packages", "torch", "2.2.0", None, "removed")
    added = environment(packages=(numpy, Package("six", "1.16"), torch))
    assert only(added) == ("packages", "six", None, "1.16", "added")
    vcs = replace(numpy, origin=PackageOrigin.VCS, location="https://x/numpy", revision="abc")
    found = only(environment(packages=(vcs, torch)))
    assert found[3:] == (
        "1.26.4 (vcs https://x/numpy abc)",
        "the same version from another origin",
    )


def test_interpreter_and_image():
    assert only(environment(interpreter=Interpreter("3.12.0")))[:4] == (
        "interpreter",
        "version",
        "3.11.7",
        "3.12.0",
    )
    assert only(environment(image=None))[:4] == ("image", "", "sha256:" + "a" * 64, None)
    for part in ("reference", "digest", "id", "dockerfile"):
        assert only(with_image(DEFINITION, **{part: "x"}))[:2] == ("image", part)
    assert only(with_image(DEFINITION, bases={"x": "sha256:1"}))[1:4] == (
        "base x",
        "not known",
        "sha256:1",
    )


@pytest.mark.parametrize(
    "value, text", [(0.2, "0.2"), ("0.1", '"0.1"'), (None, "null"), (True, "true")]
)
def test_params(value, text):
    other = replace(DEFINITION, params=(Param("params.yaml", "lr", value),))
    assert only(other) == ("params", "params.yaml:lr", "0.1", text, "")


def test_params_of_another_type_are_not_the_same():
    one, real, true = (
        replace(DEFINITION, params=(Param("params.yaml", "n", value),)) for value in (1, 1.0, True)
    )
    assert only(real, one)[2:4] == ("1", "1.0")
    assert only(true, one)[2:4] == ("1", "true")


def test_command():
    command = DEFINITION.command
    longer = replace(DEFINITION, command=replace(command, argv=("python", "train.py", "--fast")))
    assert only(longer)[1:4] == (
        "argv",
        '["python", "train.py"]',
        '["python", "train.py", "--fast"]',
    )
    joined = replace(DEFINITION, command=replace(command, argv=("python train.py",)))
    assert only(joined)[3] == '["python train.py"]'
    two = (Stage("a", ("x",)), Stage("b", ("y",)))
    forth = replace(DEFINITION, command=replace(command, stages=two))
    back = replace(DEFINITION, command=replace(command, stages=two[::-1]))
    assert only(back, forth)[:2] == ("command", "order of stages")
    other = replace(DEFINITION, command=replace(command, stages=(two[0], Stage("b", ("z",)))))
    assert only(other, forth)[1] == "stage b: commands"


def test_settings_around_the_command():
    assert only(replace(DEFINITION, working_directory="sub"))[:4] == (
        "working directory",
        "",
        ".",
        "sub",
    )
    assert only(replace(DEFINITION, env={}))[:4] == ("env", "PYTHONHASHSEED", "0", None)
    assert only(replace(DEFINITION, env={"PYTHONHASHSEED": ""}))[3] == ""


# --- nothing slips through --------------------------------------------------------------------


def test_what_no_rule_names_is_named_all_the_same():
    turned = environment(packages=DEFINITION.environment.packages[::-1])
    assert definition_id(turned) != definition_id(DEFINITION)
    assert only(turned)[:2] == ("definition", "definition_id")
    dotted = replace(DEFINITION, working_directory=".")
    assert only(dotted)[:2] == ("definition", "definition_id")


def test_a_field_that_only_a_later_repro_knows():
    a = Manifest(DEFINITION, scalars(m=1), "2024", definition_id="sha256:1")
    comparison = compare_manifests(a, replace(a, definition_id="sha256:2"), Policy())
    assert comparison.same_definition is False
    assert comparison.ingredients[0].ingredient == "definition"


def test_a_stated_id_does_not_hide_a_difference():
    a = Manifest(DEFINITION, scalars(m=1), "2024", definition_id="sha256:1")
    b = replace(a, definition=replace(DEFINITION, env={}))
    assert compare_manifests(a, b, Policy()).same_definition is False


def test_files_that_were_changed_in_one_run_are_named():
    a = Manifest(DEFINITION, scalars(m=1), "2024", Provenance(changed=("M both.py",)))
    b = replace(
        a,
        definition=source(tree="x"),
        provenance=Provenance(changed=("M both.py", "M train.py")),
    )
    (found,) = compare_manifests(a, b, Policy()).ingredients
    assert found.detail.endswith("changed since its commit only in the second run: M train.py")


def mutations(noun: Any) -> Iterator[Any]:
    """The noun with one thing changed, for everything in it that can be."""
    match noun:
        case _ if is_dataclass(noun) and not isinstance(noun, type):
            for item in fields(noun):
                for value in mutations(getattr(noun, item.name)):
                    yield replace(noun, **{item.name: value})
        case Enum():
            yield from (other for other in type(noun) if other is not noun)
        case bool():
            yield not noun
        case int() | float():
            yield noun + 1
            yield str(noun)
        case str():
            yield noun + "x"
            yield ""
        case tuple():
            for index, item in enumerate(noun):
                for changed in mutations(item):
                    yield (*noun[:index], changed, *noun[index + 1 :])
                yield noun[:index] + noun[index + 1 :]
                yield (*noun, item)
        case dict():
            for key, value in noun.items():
                yield {other: noun[other] for other in noun if other != key}
                yield from ({**noun, key: changed} for changed in mutations(value))
            yield {**noun, "added": ""}
        case None:
            yield "x"


MUTANTS = [
    mutant
    for mutant in mutations(
        replace(
            DEFINITION,
            source=replace(DEFINITION.source, settings={"core.eol": "lf"}),
            working_directory="sub",
        )
    )
    if not isinstance(mutant.environment.image, str)
]
BASE = replace(
    DEFINITION,
    source=replace(DEFINITION.source, settings={"core.eol": "lf"}),
    working_directory="sub",
)
PLACES = {
    "source": {"source"},
    "data": {"data"},
    "environment": {"packages", "image", "interpreter", "environment"},
    "command": {"command"},
    "working_directory": {"working directory"},
    "env": {"env"},
    "params": {"params"},
}


def test_every_single_change_is_named_with_its_ingredient():
    assert len(MUTANTS) > 80
    for mutant in MUTANTS:
        if definition_id(mutant) == definition_id(BASE):
            continue
        field = next(
            item.name
            for item in fields(BASE)
            if getattr(BASE, item.name) != getattr(mutant, item.name)
        )
        for a, b in ((BASE, mutant), (mutant, BASE)):
            found = compare_definitions(a, b)
            assert {item.ingredient for item in found} == PLACES[field] & {
                item.ingredient for item in found
            }, (mutant, found)
            assert found


texts = st.sampled_from(["", "a", "b", "."])
definitions = st.builds(
    replace,
    st.just(DEFINITION),
    data=st.lists(
        st.builds(Data, texts, st.sampled_from(DataKind), texts, st.integers(0, 1), st.just(1)),
        max_size=3,
    ).map(tuple),
    working_directory=texts,
    env=st.dictionaries(texts, texts, max_size=2),
    params=st.lists(
        st.builds(
            Param, texts, texts, st.sampled_from([0, 0.0, -0.0, 1, 1.0, True, False, None, "", "1"])
        ),
        max_size=3,
    ).map(tuple),
    environment=st.builds(
        replace,
        st.just(DEFINITION.environment),
        packages=st.lists(st.builds(Package, texts, texts), max_size=3).map(tuple),
        image=st.none() | st.builds(Image, texts, st.none() | texts, st.none() | texts),
        interpreter=st.none() | st.builds(Interpreter, texts, texts),
    ),
)


@given(definitions, definitions)
def test_another_id_never_comes_without_a_difference(a, b):
    forth, back = compare_definitions(a, b), compare_definitions(b, a)
    assert bool(forth) is (definition_id(a) != definition_id(b))
    assert [(item.ingredient, item.name, item.a, item.b) for item in forth] == [
        (item.ingredient, item.name, item.b, item.a) for item in back
    ]


def test_packages_of_conda():
    mine = CondaFile("mkl", "2024.0", "h_0", "https://c.example/linux-64/mkl.conda", "a" * 32)
    base = environment(conda=(mine,))

    def found(*files):
        return only(environment(conda=files), base)

    assert found() == ("packages", "conda mkl", "2024.0 h_0", None, "removed")
    assert found(replace(mine, version="2025.0"))[2:4] == ("2024.0 h_0", "2025.0 h_0")
    assert found(replace(mine, build="h_1"))[2:] == ("2024.0 h_0", "2024.0 h_1", "")
    same_name = found(replace(mine, md5="b" * 32))
    assert same_name[4] == "the same build by its name, from another file"
    assert only(base)[:2] == ("packages", "conda mkl")
