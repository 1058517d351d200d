"""Files whose names hold a time, an id or a counter, paired with their counterparts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro import canonical
from repro.comparison import Status, Verdict, compare_results
from repro.manifest import (
    Descriptor,
    Host,
    Metric,
    MetricSource,
    MetricType,
    Outcome,
    Policy,
    Result,
    SourceState,
)


def result(*paths: str, metric: float | None = None, missing: str = "") -> Result:
    """A result with these outputs; the first holds a metric where one is given."""
    sources = [MetricSource(paths[0], SourceState.READ, False)] if metric is not None else []
    if missing:
        sources.append(MetricSource(missing, SourceState.MISSING, False))
    return Result(
        True, Outcome.FINISHED, 0, None, None, None, None, Host(),
        metrics=(Metric(paths[0], "loss", MetricType.NUMBER, metric),) if metric is not None else (),
        metric_sources=tuple(sources),
        outputs=tuple(Descriptor(path, "sha256:" + "0" * 64, 1) for path in paths),
    )  # fmt: skip


FIRST = "outputs/2026-01-01/10-00-00/metrics.json"
SECOND = "outputs/2026-01-02/11-30-00/metrics.json"


def test_a_folder_named_after_the_time() -> None:
    done = compare_results(result(FIRST, metric=0.5), result(SECOND, metric=0.5), Policy())
    assert done.verdict is Verdict.IDENTICAL
    assert any(FIRST in note and SECOND in note for note in done.notes)


def test_a_source_that_was_looked_for_under_the_other_name() -> None:
    replayed = result(SECOND, metric=0.5, missing=FIRST)
    assert compare_results(result(FIRST, metric=0.5), replayed, Policy()).verdict.passed


def test_another_value_under_another_name_is_different() -> None:
    done = compare_results(result(FIRST, metric=0.5), result(SECOND, metric=0.6), Policy())
    assert done.verdict is Verdict.DIFFERENT


def test_not_as_many_on_both_sides_are_not_paired() -> None:
    done = compare_results(result(FIRST), result(SECOND, SECOND.replace("30", "31")), Policy())
    assert {item.status for item in done.outputs} == {Status.MISSING, Status.NEW}
    assert done.verdict is Verdict.DIFFERENT


def test_names_without_a_time_are_not_paired() -> None:
    assert compare_results(result("a.bin"), result("b.bin"), Policy()).verdict is Verdict.DIFFERENT


def counted(*numbers: int, folder: str = "lightning_logs/version_{}") -> Result:
    """A result with a checkpoint in each of these folders; each has a content of its own place's."""
    outputs = tuple(
        Descriptor(f"{folder.format(number or '')}/last.ckpt", "sha256:" + str(at) * 64, 1)
        for at, number in enumerate(numbers)
    )
    return replace(result(), outputs=outputs)


@pytest.mark.parametrize(
    "folder",
    ["lightning_logs/version_{}", "version_{}", "runs/detect/train{}", "runs/exp{}", "logs/PPO_{}"],
)
def test_a_folder_that_a_tool_counts_up(folder: str) -> None:
    done = compare_results(counted(3, folder=folder), counted(1, folder=folder), Policy())
    assert [item.status for item in done.outputs] == [Status.EQUAL]
    assert any("counts up" in note for note in done.notes)


def test_the_first_of_a_tool_has_no_number() -> None:
    one, other = (counted(n, folder="runs/segment/train{}/weights") for n in (0, 4))
    assert [item.status for item in compare_results(one, other, Policy()).outputs] == [Status.EQUAL]


def test_folders_that_both_sides_have_stand_in_the_order_of_their_numbers() -> None:
    recorded, replayed = counted(9, 10, 11), counted(1, 2, 9)
    done = compare_results(recorded, replayed, Policy())
    assert {item.status for item in done.outputs} == {Status.EQUAL}
    back = compare_results(replayed, recorded, Policy())
    assert {item.status for item in back.outputs} == {Status.EQUAL}


def test_another_content_under_another_number_is_different() -> None:
    replayed = counted(1)
    (output,) = replayed.outputs
    replayed = replace(replayed, outputs=(replace(output, digest="sha256:" + "f" * 64),))
    done = compare_results(counted(3), replayed, Policy())
    assert [item.status for item in done.outputs] == [Status.DIFFERENT]


@pytest.mark.parametrize(
    ("recorded", "replayed", "folder"),
    [
        ((1, 2), (0,), "lightning_logs/version_{}"),  # one was not written
        ((1,), (2,), "fold_{}"),  # the training's own number
        ((1,), (2,), "checkpoints/epoch_{}"),
        ((1,), (2,), "train{}"),  # in no folder that the tool counts in
        ((1,), (2,), "my_version_{}"),
    ],
)
def test_other_numbers_are_names(
    recorded: tuple[int, ...], replayed: tuple[int, ...], folder: str
) -> None:
    done = compare_results(
        counted(*recorded, folder=folder), counted(*replayed, folder=folder), Policy()
    )
    assert {item.status for item in done.outputs} == {Status.MISSING, Status.NEW}
    assert done.verdict is Verdict.DIFFERENT


def test_a_counted_folder_below_a_time() -> None:
    first, second = (f"logs/2026-01-0{day}/version_{{}}" for day in (1, 2))
    done = compare_results(counted(3, folder=first), counted(1, folder=second), Policy())
    assert [item.status for item in done.outputs] == [Status.EQUAL]


def test_a_metric_in_a_counted_folder() -> None:
    first, second = (f"runs/detect/train{n}/results.csv" for n in (3, 2))
    one = result(first, metric=0.5)
    assert compare_results(one, result(second, metric=0.5), Policy()).verdict.passed
    assert compare_results(one, result(second, metric=0.6), Policy()).verdict is Verdict.DIFFERENT


DRAWN = "runs/20260101-120000_vm_brave-otter/metrics.json"


@pytest.mark.parametrize(
    "other",
    [
        "runs/20260102-130000_vm_calm-eagle/metrics.json",
        "runs/20260102-130000_3f2a1b0c9d8e_calm-eagle/metrics.json",
        "runs/20260102-130000_3f2a1b0c9d8e_brave-otter/metrics.json",
    ],
)
def test_a_folder_with_words_that_were_drawn_and_the_machines_name(other: str) -> None:
    done = compare_results(result(DRAWN, metric=0.5), result(other, metric=0.5), Policy())
    assert done.verdict is Verdict.IDENTICAL
    assert any(DRAWN in note and other in note for note in done.notes)
    worse = compare_results(result(DRAWN, metric=0.5), result(other, metric=0.6), Policy())
    assert worse.verdict is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("runs/brave-otter/m.json", "runs/calm-eagle/m.json"),  # no time beside it
        ("runs/20260101-120000_not-good/m.json", "runs/20260102-120000_very-good/m.json"),
        ("runs/20260101-120000_resnet/m.json", "runs/20260102-120000_vgg/m.json"),
        ("runs/20260101-120000_lr-0.1/m.json", "runs/20260102-120000_lr-0.2/m.json"),
        ("runs/20260101-120000_a-b-c/m.json", "runs/20260102-120000_d-e/m.json"),
        ("runs/20260101-120000_vm_best/m.json", "runs/20260102-120000_other_best/m.json"),
        ("runs/20260101-120000_brave-otter/m.json", "models/20260102-120000_calm-eagle/m.json"),
        ("runs/20260101-120000_brave-otter/m.json", "runs/20260102-120000_calm-eagle/n.json"),
    ],
)
def test_other_words_are_the_trainings_own(one: str, other: str) -> None:
    done = compare_results(result(one, metric=0.5), result(other, metric=0.5), Policy())
    assert done.verdict is Verdict.DIFFERENT
    back = compare_results(result(other, metric=0.5), result(one, metric=0.5), Policy())
    assert back.verdict is Verdict.DIFFERENT


def test_metrics_of_such_a_folder_and_its_files() -> None:
    def of(name: str, host: str, words: str) -> Result:
        source = f"runs/{{time}}_{host}_{words}/m.json"
        outputs = result(f"runs/{name}_{host}_{words}/m.json").outputs
        return replace(result(source, metric=0.5), outputs=outputs)

    a = of("20260101-120000", "vm", "brave-otter")
    b = of("20260102-130000", "159d7904dc27", "calm-eagle")
    assert compare_results(a, b, Policy()).verdict is Verdict.IDENTICAL


def test_two_such_folders_are_not_told_apart() -> None:
    ours = (DRAWN, "runs/20260101-120500_vm_old-fox/metrics.json")
    theirs = ("runs/20260102-1200" + rest for rest in ("00_vm_x-yy/metrics.json", "01_vm_zz-q/m"))
    done = compare_results(result(*ours), result(*theirs), Policy())
    assert done.verdict is Verdict.DIFFERENT


def linked(path: str, target: str, said: str) -> Result:
    """With a link, and a file that says what the run is called."""
    found = result(path, metric=0.5)
    text = target.encode()
    link = Descriptor("runs/latest", canonical.digest_bytes(text), len(text), link=target)
    name = Metric(path, "run_name", MetricType.TEXT, said)
    return replace(found, outputs=(*found.outputs, link), metrics=(*found.metrics, name))


def test_a_link_to_the_folder_and_its_name_in_a_file() -> None:
    one, other = "20260101-120000_vm_brave-otter", "20260102-130000_vm_calm-eagle"
    a = linked(f"runs/{one}/m.json", one, f"/work/runs/{one}")
    b = linked(f"runs/{other}/m.json", other, f"/work/runs/{other}")
    done = compare_results(a, b, Policy())
    assert {item.name: item.status for item in done.metrics}["run_name"] is Status.EQUAL
    assert {item.path: item.status for item in done.outputs}["runs/latest"] is Status.EQUAL
    elsewhere = linked(f"runs/{other}/m.json", "20250101-110000_vm_old-fox", f"/work/{one}/x")
    done = compare_results(a, elsewhere, Policy())
    assert {item.path: item.status for item in done.outputs}["runs/latest"] is Status.DIFFERENT
    assert {item.name: item.status for item in done.metrics}["run_name"] is Status.DIFFERENT


@pytest.mark.parametrize(
    ("record", "replay", "paired"),
    [
        ("forecast_2024-05-01.csv", "forecast_2024-06-01.csv", False),
        ("day/2024-05-01/10-00-00/f.csv", "day/2024-06-01/10-00-00/f.csv", False),
        ("f_20240501_120000.csv", "f_20240601_120000.csv", False),
        ("report_2026-01-01.csv", "report_2026-02-02.csv", True),
        ("report_2025-12-31.csv", "report_2026-02-03.csv", True),
        ("run_2024-05-01_2026-01-01.csv", "run_2024-05-01_2026-02-02.csv", True),
        ("events_1700000000.json", "events_1800000000.json", True),
    ],
)
def test_a_day_on_which_neither_was_at_work_is_of_the_data(
    record: str, replay: str, paired: bool
) -> None:
    a, b = (
        replace(result(path), started=f"{day}T12:00:00Z", ended=f"{day}T13:00:00Z")
        for path, day in ((record, "2026-01-01"), (replay, "2026-02-02"))
    )
    assert compare_results(a, b, Policy()).verdict.passed is paired
    assert compare_results(b, a, Policy()).verdict.passed is paired
