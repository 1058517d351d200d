"""TensorBoard's event files: what is read, what is said, what is refused."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from tracker_files import (
    HEAD,
    double,
    event,
    events,
    held,
    masked,
    plugin,
    record,
    scalar,
    single,
    tensor,
    varint,
    whole,
)

from repro.manifest import MetricType, Scalar, SourceState
from repro.trackers import checksum, wire
from repro.trackers import events as reader
from repro.trackers.nouns import Found

NAME = "events.out.tfevents.1795263437.host.1.0"


def read(path: Path, *records: bytes) -> Found:
    return reader.read([events(path / NAME, *records)], "logs/events.out.tfevents")


def points(found: Found) -> dict[str, list[tuple[Scalar, Scalar]]]:
    return {
        item.name: list(zip(item.steps, item.values))
        if item.type is MetricType.SERIES
        else [(None, item.value)]
        for item in found.metrics
    }


def refused(path: Path, content: bytes) -> str:
    (path / NAME).write_bytes(content)
    with pytest.raises(ValueError) as caught:
        reader.read([path / NAME], "s")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_checksum_is_the_one_of_the_standard() -> None:
    assert checksum.crc32c(b"123456789") == 0xE3069283


def test_scalars_are_series_by_tag_and_step(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        event(0, scalar("loss/train", 1.0), scalar("v1.0", 7.0)),
        event(10, scalar("loss/train", 0.5)),
    )
    assert found.state is SourceState.READ and found.detail == ""
    assert points(found) == {"loss/train": [(0, 1.0), (10, 0.5)], r"v1\.0": [(None, 7.0)]}
    assert {item.source for item in found.metrics} == {"logs/events.out.tfevents"}


def test_speeds_that_a_tool_logs_by_itself_are_said(tmp_path: Path) -> None:
    tags = ("charts/SPS", "time/fps", "charts/episodic_return", "losses/SPSA")
    found = read(tmp_path, event(1, *(scalar(tag, 2.0) for tag in tags)))
    assert set(points(found)) == {"charts/episodic_return", "losses/SPSA"}
    assert found.detail.endswith("charts/SPS, time/fps")


def test_a_step_that_is_logged_twice_is_kept_twice(tmp_path: Path) -> None:
    found = read(tmp_path, *(event(1, scalar("a", value)) for value in (1.0, 2.0)))
    assert points(found) == {"a": [(1, 1.0), (1, 2.0)]}


def test_nan_infinity_and_negative_steps(tmp_path: Path) -> None:
    found = read(tmp_path, event(-1, scalar("a", math.nan)), event(2**40, scalar("a", -math.inf)))
    (metric,) = found.metrics
    assert metric.steps == (-1, 2**40)
    assert isinstance(metric.values[0], float) and math.isnan(metric.values[0])
    assert metric.values[1] == -math.inf


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (whole(1, 1) + held(4, struct.pack("<f", 0.5)), 0.5),
        (whole(1, 2) + held(4, struct.pack("<d", 0.1)), 0.1),
        (whole(1, 3) + held(4, struct.pack("<i", -3)), -3),
        (whole(1, 9) + held(4, struct.pack("<q", 2**40)), 2**40),
        (whole(1, 10) + held(4, b"\1"), True),
        (whole(1, 14) + held(4, b"\0\x3f"), 0.5),
        (whole(1, 19) + held(4, struct.pack("<e", 0.5)), 0.5),
        (whole(1, 1) + held(5, struct.pack("<f", 0.25)), 0.25),
        (whole(1, 1) + single(5, 0.25), 0.25),
        (whole(1, 2) + held(6, struct.pack("<d", 0.1)), 0.1),
        (whole(1, 9) + held(10, varint(-5)), -5),
        (whole(1, 19) + held(13, varint(0x3800)), 0.5),
        (whole(1, 2) + held(2, b"") + double(6, 0.1), 0.1),
    ],
)
def test_tensors_of_one_number_are_scalars(tmp_path: Path, content: bytes, value: Scalar) -> None:
    found = read(tmp_path, event(0, tensor("a", content)))
    assert points(found) == {"a": [(None, value)]}
    assert type(found.metrics[0].value) is type(value)


@pytest.mark.parametrize(
    "content",
    [
        whole(1, 1) + held(2, held(2, whole(1, 2))) + held(4, struct.pack("<ff", 1, 2)),
        whole(1, 1) + held(2, held(2, whole(1, 1))) + held(4, struct.pack("<f", 1)),
        whole(1, 1) + held(5, struct.pack("<ff", 1, 2)),
        whole(1, 7) + held(8, "text"),
        whole(1, 99) + held(4, b"1234"),
        b"",
    ],
)
def test_other_tensors_are_counted_and_not_compared(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, event(0, tensor("a", content)), event(1, tensor("a", content)))
    assert (found.state, found.metrics) == (SourceState.EMPTY, ())
    assert found.detail == "not compared: 2 of tensor"


def test_what_is_no_scalar_is_said_by_kind(tmp_path: Path) -> None:
    text = whole(1, 7) + held(8, "hello")
    found = read(
        tmp_path,
        event(0, held(1, "h") + held(5, b""), held(1, "i") + held(4, b""), scalar("a", 1.0)),
        event(0, tensor("t", text, "text")),
        event(1, tensor("t", text, "")),  # metadata stands with the first value alone
        event(0, scalar("odd", 1.0) + plugin("mesh")),
        event(0, scalar("train/train_samples_per_second", 3.0)),
    )
    assert points(found) == {"a": [(None, 1.0)]}
    assert found.detail == (
        "not compared: 1 of data of the plugin 'mesh', 1 of histogram, 1 of image, 2 of text; "
        "not compared, being times or gauges of the machine: train/train_samples_per_second"
    )


def test_hyperparameters_are_no_metrics(tmp_path: Path) -> None:
    found = read(tmp_path, event(0, held(1, "_hparams_/experiment") + plugin("hparams")))
    assert found == Found(SourceState.EMPTY)


def test_the_files_of_a_folder_belong_together(tmp_path: Path) -> None:
    one = events(tmp_path / "events.out.tfevents.1.a", event(0, scalar("a", 1.0)))
    two = events(tmp_path / "events.out.tfevents.2.a", event(1, scalar("a", 2.0)))
    assert points(reader.read([two, one], "s")) == {"a": [(0, 1.0), (1, 2.0)]}


@pytest.mark.parametrize("cut", [1, 5, 13, 30])
def test_a_last_record_that_is_cut_off_is_said(tmp_path: Path, cut: int) -> None:
    path = events(tmp_path / NAME, event(0, scalar("a", 1.0)), event(1, scalar("b", 2.0)))
    path.write_bytes(path.read_bytes()[:-cut])
    found = reader.read([path], "s")
    assert points(found) == {"a": [(None, 1.0)]}
    assert found.detail == "its last record is cut off: what stands before was read"


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    assert reader.read([tmp_path / NAME], "s") == Found(SourceState.EMPTY)


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    """A flipped bit yields an error or a cut-off end, never another value."""
    whole_file = HEAD + event(3, scalar("a", 1.0)) + event(4, scalar("a", 2.0))
    good = {"a": [(3, 1.0), (4, 2.0)]}
    for at in range(len(whole_file)):
        damaged = bytearray(whole_file)
        damaged[at] ^= 0x10
        (tmp_path / NAME).write_bytes(damaged)
        with pytest.raises(ValueError):
            assert points(reader.read([tmp_path / NAME], "s")) == good


def test_a_length_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    size = struct.pack("<Q", 2**62)
    assert "bytes, at most" in refused(tmp_path, HEAD + size + masked(size) + b"x")


@pytest.mark.parametrize(
    "content",
    [
        held(5, b"\x0a\xff\xff\xff\xff\x0f"),  # a length beyond the message
        b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",  # a number without an end
        b"\x2b",  # a group
        b"\x00\x01",  # field 0
        whole(5, 3),  # a number where a message belongs
        held(5, held(1, held(1, "a") + double(2, 1.0))),  # a value of another size
        held(5, held(1, held(1, "a") + held(8, whole(1, 1) + held(5, b"123")))),
    ],
)
def test_what_is_no_message_is_refused(tmp_path: Path, content: bytes) -> None:
    assert NAME in refused(tmp_path, HEAD + record(content))


def test_records_of_something_else_are_no_event_file(tmp_path: Path) -> None:
    assert "no event file" in refused(tmp_path, record(held(3, "something")))


def test_nesting_is_not_followed(tmp_path: Path) -> None:
    deep = b""
    for _ in range(2000):
        deep = held(1, deep)
    assert list(wire.fields(deep))
    found = read(tmp_path, event(0, scalar("a", 1.0)), record(held(7, deep)))
    assert points(found) == {"a": [(None, 1.0)]}


def test_more_values_than_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_POINTS", 3)
    with pytest.raises(ValueError, match="more than 3 values"):
        read(tmp_path, *(event(step, scalar("a", 1.0)) for step in range(4)))


def test_against_the_real_writer_and_reader(tmp_path: Path) -> None:
    writer = pytest.importorskip("tensorboardX")
    oracle = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with writer.SummaryWriter(str(tmp_path)) as log:
        for step in range(50):
            log.add_scalar("loss", 1 / (step + 1), step)
            log.add_scalar("acc.1", step / 50, step * 2)
        log.add_text("t", "text", 0)
    found = reader.read(tmp_path.glob("events*"), "s")
    theirs = oracle.EventAccumulator(str(tmp_path), size_guidance={"scalars": 0}).Reload()
    assert points(found) == {
        tag.replace(".", "\\."): [(item.step, item.value) for item in theirs.Scalars(tag)]
        for tag in theirs.Tags()["scalars"]
    }
