"""The file of baselines: what it says, what it keeps, and which of it counts on which machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro import baselines
from repro.baselines import Baseline, Baselines, HostClass
from repro.errors import NewerSchema, UsageError
from repro.manifest import GPU, Host

FIRST = Baseline(
    "mnist", "1" * 64, "first: it works", "Jane <jane@example.org>", "2026-01-01T00:00:00Z"
)
ODD = replace(
    FIRST,
    name="no",
    because='tabs\t, "quotes", #\nand lines',
    host=HostClass("x86_64", "NVIDIA H100"),
    origin="registry.example.org/models/mnist:1",
    replaces="2" * 64,
    replay="3" * 64,
    verdict="different",
    changes=("loss: 0.5 -> 0.4", "- : #"),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    known = Baselines((FIRST, ODD), (replace(FIRST, run="4" * 64),))
    baselines.save(tmp_path, known)
    assert baselines.load(tmp_path) == known
    assert baselines.render(known) == baselines.render(baselines.load(tmp_path))
    assert baselines.load(tmp_path / "elsewhere") == Baselines()
    baselines.save(tmp_path, Baselines())
    assert baselines.load(tmp_path) == Baselines()


def test_a_new_one_replaces_that_of_its_name_and_class_and_the_old_one_is_kept() -> None:
    gpu = replace(FIRST, run="5" * 64, host=HostClass("x86_64", "NVIDIA H100"))
    known = Baselines((FIRST,)).accepting(gpu)
    assert {item.run for item in known.current} == {FIRST.run, gpu.run}
    again = known.accepting(replace(FIRST, run="6" * 64))
    assert {item.run for item in again.current} == {"6" * 64, gpu.run}
    assert again.history == (FIRST,)


def test_the_narrowest_class_counts_and_a_foreign_one_is_named() -> None:
    here = HostClass.of(Host(architecture="x86_64", gpus=(GPU("NVIDIA H100"),)))
    narrow = replace(FIRST, run="5" * 64, host=here)
    arm = replace(FIRST, name="arm", host=HostClass("aarch64", "none"))
    for order in ((FIRST, narrow, arm), (narrow, FIRST, arm)):
        found, elsewhere = Baselines(order).on(here)
        assert ([item.run for item in found], elsewhere) == (["5" * 64], ("arm",))
    plain = HostClass.of(Host(architecture="x86_64", gpus=None))
    assert plain == HostClass("x86_64", "none")
    assert [item.run for item in Baselines((FIRST, narrow)).on(plain)[0]] == [FIRST.run]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1", "expected keys and values"),
        ("schema: repro/manifest/v1", "schema"),
        ("schema: repro/baselines/v1\nbaselines: 3", "expected a list"),
        ("schema: repro/baselines/v1\nbaselines: [3]", "keys and values"),
        ("schema: repro/baselines/v1\nbaselines: [{name: a, run: abc}]", "whole id"),
        (f"schema: repro/baselines/v1\nbaselines: [{{name: 7, run: '{'1' * 64}'}}]", "quotes"),
        (f"schema: repro/baselines/v1\nbaselines: [{{name: a, run: '{'1' * 64}', host: 3}}]", "host"),
        ("<<<<<<< HEAD\nschema: x", "line 2"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / baselines.NAME).write_text(text)
    with pytest.raises(UsageError, match=said):
        baselines.load(tmp_path)


def test_the_same_name_twice_and_a_later_schema_are_refused(tmp_path: Path) -> None:
    twice = baselines.render(Baselines((FIRST, replace(FIRST, run="5" * 64))))
    (tmp_path / baselines.NAME).write_text(twice)
    with pytest.raises(UsageError, match="twice"):
        baselines.load(tmp_path)
    (tmp_path / baselines.NAME).write_text("schema: repro/baselines/v9\n")
    with pytest.raises(NewerSchema):
        baselines.load(tmp_path)
