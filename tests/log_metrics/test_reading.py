"""What is read, what is set aside, and how steps are told, case by case."""

from __future__ import annotations

import math
import sys
from itertools import permutations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repro.log_metrics import Rules, read
from repro.log_metrics import lines as lines_module
from repro.log_metrics import reading as reading_module
from repro.manifest import Aside, Metric, MetricType
from tests.log_metrics.score import LOGS


def metrics(text: str, rules: Rules = Rules()) -> dict[str, object]:  # noqa: B008  frozen
    found = read(text.encode(), "<stdout>", rules).metrics
    return {item.name: dict(zip(item.steps, item.values)) or item.value for item in found}


def asides(text: str, rules: Rules = Rules()) -> set[tuple[str, Aside]]:  # noqa: B008  frozen
    return {(item.name, item.reason) for item in read(text.encode(), "<stdout>", rules).uncompared}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("name: 0.5", "name", 0.5),
        ("name=0.5", "name", 0.5),
        ("name = 0.5", "name", 0.5),
        ("name 0.5", "name", 0.5),
        ("name:\t0.5", "name", 0.5),
        ("MSE -> 1e-3", "MSE", 1e-3),
        ("acc: 78.0 %", "acc", 78.0),
        ("acc: 78%", "acc", 78),
        ("MAE: 1,234.5", "MAE", 1234.5),
        ("loss: -inf", "loss", -math.inf),
        ("best: 0.93.", "best", 0.93),
        ("(final) f1: 0.5,", "(final) f1", 0.5),
        ("val.mAP@0.5: 0.31", "val.mAP@0.5", 0.31),
        ("train/loss 0.31", "train/loss", 0.31),
        ("top-5 accuracy: 0.9", "top-5 accuracy", 0.9),
        ("loss: tensor(0.3)", "loss", 0.3),
        ("loss: tensor(0.3, grad_fn=<NllLossBackward0>)", "loss", 0.3),
        ("score: np.float64(0.93)", "score", 0.93),
        ("Epoch 3/10 val acc: 78.0 %", "val acc", 78.0),
        ("RMSE: 3.2 seconds", "RMSE", 3.2),
        ("time_loss: 0.3", "time_loss", 0.3),
        ("time steps: 12", "time steps", 12),
        ("Mean rank: 12", "Mean rank", 12),
        ("big: 123456789012345678901234567890", "big", 123456789012345678901234567890),
        ("\u2212 loss: \u22120.5", "\u2212 loss", -0.5),
    ],
)
def test_a_line_with_one_number(line: str, name: str, value: float) -> None:
    assert metrics(line).get(name) == value


def test_nan_is_a_value() -> None:
    (metric,) = read(b"loss: nan", "<stderr>").metrics
    assert metric.source == "<stderr>"
    assert metric.type is MetricType.NUMBER
    assert isinstance(metric.value, float)
    assert math.isnan(metric.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("took 12.3s", Aside.DURATION),
        ("elapsed: 12.3", Aside.DURATION),
        ("eta 0:00:12", Aside.DURATION),
        ("35ms/step", Aside.DURATION),
        ("time=0.31", Aside.DURATION),
        ("1.3 it/s", Aside.RATE),
        ("512.3 samples/s", Aside.RATE),
        ("throughput: 512.3 img/sec", Aside.RATE),
        ("at 2024-01-01 12:00:00", Aside.DATE),
        ("saved to runs/3/model_10.pt", Aside.PATH),
        ("see https://example.org/run/12", Aside.PATH),
        ("id 123e4567-e89b-12d3-a456-426614174000", Aside.IDENTIFIER),
        ("<Net object at 0x7f12ab34cd56>", Aside.IDENTIFIER),
        ("pid: 4711", Aside.SETTING),
        ("port 8080", Aside.SETTING),
        ("num_workers: 4", Aside.SETTING),
        ("GPU mem 1.2G", Aside.MEMORY),
        ("allocated 512 MiB", Aside.MEMORY),
        ("torch 2.1.0", Aside.IDENTIFIER),
        (" 45%|####      | 45/100 [00:01<00:02, 31.2it/s]", Aside.PROGRESS),
    ],
)
def test_a_number_that_varies_is_set_aside_and_said(line: str, reason: Aside) -> None:
    assert metrics(line) == {}
    assert {kind for _, kind in asides(line)} == {reason}


def test_an_aside_is_counted_with_its_first_example() -> None:
    (aside,) = read(b"time: 1.5\ntime: 2.5\n", "<stdout>").uncompared
    assert (aside.source, aside.name, aside.count) == ("<stdout>", "time", 2)
    assert "1.5" in aside.example


def test_steps_come_from_the_counter() -> None:
    assert metrics("epoch 1 loss 0.5\nepoch 2 loss 0.4\n") == {"loss": {1: 0.5, 2: 0.4}}


def test_steps_come_from_the_line_above() -> None:
    assert metrics("Epoch 1\nloss 0.5\nEpoch 2\nloss 0.4\n") == {"loss": {1: 0.5, 2: 0.4}}


def test_a_step_that_comes_twice_loses_nothing() -> None:
    assert metrics("step 1 loss 0.5\nstep 1 loss 0.4\n") == {
        "loss": {0: 0.5, 1: 0.4},
        "step": {0: 1, 1: 1},
    }


def test_a_counter_that_labels_nothing_is_a_metric() -> None:
    assert metrics("epoch 7 loss 0.5\n") == {"epoch": 7, "loss": 0.5}


def test_training_and_test_do_not_merge() -> None:
    text = "train Loss: 0.6 Acc: 0.7\nval Loss: 0.2 Acc: 0.9\n"
    assert metrics(text) == {"train Loss": 0.6, "train Acc": 0.7, "val Loss": 0.2, "val Acc": 0.9}


def test_none_counts_where_the_name_is_a_number_elsewhere() -> None:
    assert metrics("auc=0.7\nauc=None\n") == {"auc": {0: 0.7, 1: None}}
    assert metrics("device=None\n") == {}


def test_metrics_and_asides_are_sorted() -> None:
    reading = read(b"b: 1\na: 2\ntime: 3\nmemory: 4\n", "<stdout>")
    assert [item.name for item in reading.metrics] == ["a", "b"]
    assert [item.name for item in reading.uncompared] == ["memory", "time"]


def test_timestamps_make_no_other_names() -> None:
    first = read(b"2024-01-01 12:00:00,123 INFO loss=0.3", "<stdout>").metrics
    second = read(b"2025-12-31 09:41:07,999 INFO loss=0.3", "<stdout>").metrics
    assert first == second == (Metric("<stdout>", "loss", MetricType.NUMBER, 0.3),)


def test_only_the_last_state_of_a_line_counts() -> None:
    assert metrics("loss 0.9\rloss 0.5\n") == {"loss": 0.5}
    assert ("overwritten lines", Aside.PROGRESS) in asides("loss 0.9\rloss 0.5\n")


def test_windows_line_ends_are_line_ends() -> None:
    assert metrics("loss 0.9\r\nloss 0.5\r\n") == {"loss": {0: 0.9, 1: 0.5}}


def test_a_log_of_lines_is_the_same_with_and_without_remembered_shapes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contents = [path.read_bytes() for path in LOGS]
    contents += [b"\n".join(contents), b"\n".join(reversed(contents))]
    remembered = [repr(read(content, "<stdout>")) for content in contents]
    monkeypatch.setattr("repro.log_metrics.shapes._MOST", 0)
    assert [repr(read(content, "<stdout>")) for content in contents] == remembered


def test_a_remembered_shape_reads_other_values() -> None:
    text = "".join(
        f"Train Epoch: {i} [{i}/9 (1%)]\tLoss: -0.{i}5e-0{i} (n={i})\n" for i in range(9)
    )
    found = metrics(text)
    assert found["Train: Loss"] == {i: float(f"-0.{i}5e-0{i}") for i in range(9)}


def test_the_rest_of_a_long_log_is_said_to_be_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "CAP", 16)
    assert metrics("loss: 0.5\nacc: 1\nmore: 2\n") == {"loss": 0.5, "acc": 1}
    assert asides("loss: 0.5\nacc: 1\nmore: 2\n") == {("rest of the log", Aside.UNREAD)}


@pytest.mark.parametrize("content", [b"", b"\n", b"\x00", b"\xff\xfe", b"\r", b"\x1b[", b"\x08"])
def test_nothing_is_read_from_nothing(content: bytes) -> None:
    assert read(content, "<stdout>").metrics == ()


def test_control_characters_do_no_harm() -> None:
    assert metrics("lo\x00ss: 0.5\x07\n") == {"loss": 0.5}


ALPHABET = st.sampled_from(
    [
        *"[]{}()|:=,;/%'\"\\\r\n\t\x08\x1b .-+#@<>_",
        "loss",
        "epoch ",
        "nan",
        "1",
        "0.5",
        "12:00:01",
        "2024-01-01",
        "None",
        "\x1b[A",
        "---",
        "|",
        "  ",
        "% ",
        "tensor(",
        "INFO",
        "inf",
        "━",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), st.lists(ALPHABET, max_size=80).map("".join).map(str.encode))
)
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    reading = read(content, "<stdout>")
    assert repr(reading) == repr(read(content, "<stdout>"))
    for metric in reading.metrics:
        assert len(metric.steps) == len(metric.values)
    assert len({metric.name for metric in reading.metrics}) == len(reading.metrics)


@settings(max_examples=200, deadline=None)
@given(
    st.floats(),
    st.integers(),
    st.sampled_from(["loss: {}", "x={} y", "epoch 1 | a {} |", "{{'a': {}}}"]),
)
@example(0.0, 190_000_000_000, "loss: {}")
def test_every_number_that_python_prints_is_read_exactly(f: float, i: int, form: str) -> None:
    for value in (f, i):
        found = [item.value for item in read(form.format(repr(value)).encode(), "").metrics]
        same = [item == value or (item != item and value != value) for item in found]
        assert any(same), (form, value, found)


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "{",
        "{'a': ",
        "[1 2\n",
        "a: [1\n",
        "1,",
        "1) = ",
        "(1 ",
        "'",
        "\\'",
        "1",
        " ",
        "a/",
        "ab1",
        "\r",
        "\x1b[",
        "\x1b[A\n",
        "{\n",
        "|a",
        "is ",
        "1%|",
        "a  b  c\n1 2 3\n",
        "2024-",
    ],
)
@pytest.mark.timeout(60)
def test_hostile_text_ends(unit: str) -> None:
    read((unit * (100_000 // len(unit))).encode(), "<stdout>")


def test_deep_nesting_ends() -> None:
    depth = sys.getrecursionlimit() * 10
    read(b"[" * depth + b"]" * depth + b'{"a":' * depth + b"1" + b"}" * depth, "<stdout>")


def test_the_reader_keeps_no_state_between_logs() -> None:
    before = repr(read(b"loss 0.5\n", "<stdout>"))
    read(b"Heading:\n  loss 0.7\nEpoch 3\n", "<stdout>")
    assert repr(read(b"loss 0.5\n", "<stdout>")) == before
    assert reading_module.read is read


TRACEBACK = """\
loss 0.5
Traceback (most recent call last):
  File "/w/train.py", line 6, in <module>
    fit(depth=3)
  File "/w/train.py", line 4, in fit
    raise ValueError("depth 3")
ValueError: depth 3 is too much
loss 0.4
"""


def test_a_traceback_is_no_metric_and_ends_where_it_ends() -> None:
    assert metrics(TRACEBACK) == {"loss": {0: 0.5, 1: 0.4}}
    assert ("traceback or warning", Aside.PATH) in asides(TRACEBACK)
    assert metrics(TRACEBACK.replace("ValueError: depth 3 is too much", "KeyboardInterrupt")) == {
        "loss": {0: 0.5, 1: 0.4}
    }


def test_a_warning_is_no_metric() -> None:
    text = "/w/a.py:12: UserWarning: expected 3 got: 4\n  fit(x, depth=3)\nloss 0.5\n"
    assert metrics(text) == {"loss": 0.5}
    assert ("traceback or warning", Aside.PATH) in asides(text)


def test_the_options_of_a_printed_command_line_are_no_metrics() -> None:
    text = "python train.py --epochs 3 --lr=0.1 --out model.pkl\nloss 0.5\n"
    assert metrics(text) == {"loss": 0.5}


@pytest.mark.parametrize(
    "line",
    [
        "Installed 1 package in 3ms",
        "Resolved 12 packages in 0.04ms",
        "   Built lines @ file:///w",
        " + numpy==2.4.6",
        "Using CPython 3.11.7 interpreter at: /usr/bin/python",
        "Requirement already satisfied: numpy==2.4.6 in ./lib",
        "Successfully installed numpy-2.4.6",
        "[FATAL tini (7)] exec /opt/entry.sh failed: Permission denied",
        "object refcount : 2",
        "object address  : 0x7f0000000000",
        "Current thread 0x00007f3c5c0a1740 (most recent call first):",
        '  File "/w/train.py", line 6 in fit',
        "Fatal Python error: Segmentation fault",
        "Extension modules: numpy.core (total: 1)",
    ],
)
def test_what_tools_say_of_themselves_is_no_metric(line: str) -> None:
    assert metrics(f"{line}\nloss 0.5\n") == {"loss": 0.5}


@pytest.mark.parametrize(
    "line",
    [
        "Updating loss=0.5",
        "Collecting 500 samples",
        "Successfully built 12 features",
        "Building tree 7: loss 0.5",
    ],
)
def test_what_only_sounds_like_a_tool_is_read(line: str) -> None:
    assert metrics(f"{line}\n") != metrics(f"{line.replace('5', '6').replace('12', '13')}\n")


@pytest.mark.parametrize(
    "before",
    [
        'Traceback (most recent call last):\n  File "a.py", line 6, in f\n    x()',
        '  File "a.py", line 6 in f',
        "<stdin>:1: UserWarning: be careful",
    ],
)
@pytest.mark.parametrize("line", ["loss: {}", "Accuracy: {}"])
def test_a_message_that_is_cut_short_takes_no_metric_along(before: str, line: str) -> None:
    first, second = (metrics(f"{before}\n{line.format(value)}\n") for value in (0.25, 0.75))
    assert first != second and 0.25 in first.values()


# --- the number of a process behind a prefix ------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "INFO [4711] starting\nINFO [4711] loss=0.3\n",
        "INFO [7] starting\nINFO [7] loss=0.3\n",
        "[INFO] [4711] starting\n[WARNING] [4711] careful\n[INFO] [4711] loss=0.3\n",
        "2024-01-01 10:00:00,123 INFO [4711] go\n2024-01-01 10:00:01,123 INFO [4711] loss=0.3\n",
        "INFO [4711]: go\nno prefix, no number\nINFO [4711]: loss=0.3\n",
    ],
)
def test_the_number_of_a_process_is_no_step(text: str) -> None:
    assert metrics(text) == {"loss": 0.3}
    assert ("process number", Aside.SETTING) in set(asides(text))


def test_a_process_that_tells_the_same_thing_again() -> None:
    text = "INFO [4711] epoch 1 loss=0.5\nINFO [4711] epoch 2 loss=0.3\n"
    assert metrics(text) == {"loss": {1: 0.5, 2: 0.3}}
    assert metrics(text.replace("4711", "12")) == metrics(text)


@pytest.mark.parametrize(
    "text",
    [
        "INFO [50] loss=0.3\n",  # one line: nobody can tell
        "INFO [50] loss=0.3\nINFO [50] acc=0.9\n",  # both of the last epoch
        "INFO [1] loss=0.5\nINFO [50] loss=0.3\n",
        "INFO [50] starting\nINFO loss=0.3\n",  # not every line has it
        "INFO [50] loss=0.5\nINFO [60] loss=0.5\nINFO [60] done\n",
        "[50] starting\n[50] loss=0.3\n",  # behind no prefix
    ],
)
def test_a_number_in_brackets_that_may_be_a_step_still_counts(text: str) -> None:
    """Where it were passed over, a replay with other steps would be taken for the same."""
    assert metrics(text) != metrics(text.replace("[50]", "[55]"))


def test_a_number_that_is_alone_behind_the_prefix_counts() -> None:
    text = "INFO [4711]\nINFO [4711] loss=0.3\n"
    assert metrics(text) != metrics(text.replace("4711", "4712"))


@pytest.mark.parametrize("prefix", ["[rank {}] ", "[rank{}]: ", "[GPU{}] ", "[1,{}]<stdout>:"])
def test_processes_that_print_as_the_system_lets_them(prefix: str) -> None:
    """Of two processes each prints its own lines in their order; how they meet is a race."""
    own = [
        [f"{prefix.format(rank)}epoch {n} | loss 0.{rank}{n}\n" for n in range(1, 4)]
        for rank in (0, 1)
    ]
    orders = sorted(set(permutations([0, 0, 0, 1, 1, 1])))
    readings = set()
    for order in orders:
        left = [iter(lines) for lines in own]
        readings.add(repr(read("".join(next(left[rank]) for rank in order).encode(), "l").metrics))
    assert len(readings) == 1 and len(orders) == 20
    assert "epoch 1, rank 0" in readings.pop()


def test_another_value_of_one_process_is_seen() -> None:
    a, b = (f"[rank 1] loss {n}\n[rank 0] loss 0.5\n".encode() for n in (0.25, 0.5))
    assert read(a, "l").metrics != read(b, "l").metrics
    swapped = b"[rank 0] loss 0.25\n[rank 1] loss 0.5\n"
    assert read(a, "l").metrics != read(swapped, "l").metrics
