"""What DVC says of its stages, as times."""

from __future__ import annotations

from repro.logs import Silent
from repro.stage_times import Clock


def test_stages_are_timed_in_the_order_of_their_execution() -> None:
    clock = Clock(Silent())
    clock.stdout(b"Stage 'prepare' didn't change, skipping\nRunning sta")
    clock.stdout(b"ge 'train':\n> python train.py\n")
    clock.stdout(
        b"Running stage 'nonsense of the training'\nStage 'plots' is cached - skipping run\n"
    )
    clock.stderr(b"Running stage 'none'\n")
    found = clock.runs(["prepare", "train", "plots"])
    assert [item.name for item in found] == ["prepare", "train", "plots"]
    assert [item.seconds is None for item in found] == [True, False, True]


def test_without_stages_there_are_no_times() -> None:
    clock = Clock(Silent())
    clock.stdout(b"Running stage 'a'\n" + b"x" * 100_000)
    assert clock.runs([]) == ()
