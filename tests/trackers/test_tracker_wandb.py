"""W&B's offline runs: history, summary, damage."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tracker_files import BLOCK, ended, held, history, started, summary, wandb_file, whole

from repro.manifest import MetricType, SourceState
from repro.trackers import records
from repro.trackers import wandb as reader
from repro.trackers.nouns import Found

ASIDE = "not compared, being times or gauges of the machine: _runtime"


def read(path: Path, *items: bytes) -> Found:
    return reader.read([wandb_file(path / "run-a.wandb", items)], "wandb/run")


def values(found: Found) -> dict[str, object]:
    return {
        item.name: list(zip(item.steps, item.values))
        if item.type is MetricType.SERIES
        else item.value
        for item in found.metrics
    }


def test_the_history_is_series_by_step(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        history(0, loss=1.5, **{"val.acc": 0.25}),
        history(5, loss=0.5),
        history(5, loss=0.25),
        history(6, only=math.inf, flag=True),
        ended(0),
    )
    assert found.state is SourceState.READ and found.detail == ASIDE
    assert values(found) == {
        "loss": [(0, 1.5), (5, 0.5), (5, 0.25)],
        "val.acc": 0.25,
        "only": math.inf,
        "flag": True,
    }


def test_the_summary_counts_where_it_says_more(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        history(0, loss=1.0),
        history(1, loss=2.0),
        summary(loss=2.0, best=0.5, **{"_wandb.runtime": 3}),
        summary(loss=1.0),
    )
    assert values(found) == {"loss": [(0, 1.0), (1, 2.0)], "summary.loss": 1.0, "best": 0.5}


def test_a_summary_replaces_what_was_below_its_key(tmp_path: Path) -> None:
    gone = held(3, held(2, held(2, "b")))
    found = read(tmp_path, summary(**{"a.x": 1, "a.y": 2, "b": 3}), summary(a=5), gone)
    assert values(found) == {"a": 5}


def test_pictures_texts_and_tables_are_counted_and_not_compared(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        history(0, **{"h._type": "histogram", "h.bins": [1, 2], "note": "hi", "t": [[1]], "a": 1}),
    )
    assert values(found) == {"a": 1}
    assert found.detail == f"not compared: 1 of lists and tables, 1 of media, 1 of text; {ASIDE}"


def test_typed_values_of_later_versions(tmp_path: Path) -> None:
    items = [held(1, held(1, "i") + whole(5, -3)), held(1, held(1, "b") + whole(4, 1))]
    found = read(tmp_path, held(2, b"".join(items) + held(2, whole(1, 7))))
    assert values(found) == {"i": -3, "b": True}


def test_several_runs_are_numbered_by_their_start_or_named(tmp_path: Path) -> None:
    paths = [
        wandb_file(tmp_path / name, [started(when, given), history(0, a=float(when))])
        for name, when, given in (
            ("run-x.wandb", 30, "late"),
            ("run-y.wandb", 10, "golden-fog-12"),
            ("run-z.wandb", 20, ""),
        )
    ]
    assert values(reader.read(paths, "s")) == {"run 1.a": 10.0, "run 2.a": 20.0, "late.a": 30.0}


def test_a_run_that_failed_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, history(0, a=1), ended(3)).detail.startswith("marked failed, exit code 3")


def test_records_go_on_across_blocks(tmp_path: Path) -> None:
    contents = [b"x" * size for size in (1, BLOCK - 7 - 7 - 8 - 7 - 3, 0, BLOCK * 3, 5)]
    path = wandb_file(tmp_path / "run-a.wandb", contents)
    with path.open("rb") as stream:
        assert list(records.wandb_records(stream)) == contents


@pytest.mark.parametrize("cut", [1, 8, 40])
def test_a_last_record_that_is_cut_off_is_said(tmp_path: Path, cut: int) -> None:
    path = wandb_file(tmp_path / "run-a.wandb", [history(0, a=1), history(1, a=2)])
    path.write_bytes(path.read_bytes()[:-cut])
    found = reader.read([path], "s")
    assert values(found) == {"a": 1}
    assert "cut off" in found.detail


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    path = wandb_file(tmp_path / "run-a.wandb", [history(0, a=1), history(1, a=2)])
    content = path.read_bytes()
    for at in range(7, len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        try:
            found = reader.read([path], "s")
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert "cut off" in found.detail and values(found) in ({}, {"a": 1})


@pytest.mark.parametrize(
    "content", [b"", b":W&", b"PK\3\4 something else", b":W&B\xe1\xbe\0" + b"\xff" * 50]
)
def test_what_is_no_such_file_yields_no_metrics(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run-a.wandb").write_bytes(content)
    try:
        found = reader.read([tmp_path / "run-a.wandb"], "s")
    except ValueError:
        return
    assert found.state is SourceState.EMPTY and "cut off" in found.detail


@pytest.mark.parametrize("text", ["nonsense", "1" * 5000, ""])
def test_a_value_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        read(tmp_path, held(2, held(1, held(1, "a") + held(16, text))))


def test_against_the_real_library(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    code = (
        "import wandb\n"
        "run = wandb.init(project='p', mode='offline', settings=wandb.Settings(silent=True))\n"
        "for i in range(2000): run.log({'loss': 1 / (i + 1), 'val': {'acc': i}})\n"
        "run.summary['best'] = 0.5\n"
        "run.finish()\n"
    )
    env = {**os.environ, "HOME": str(tmp_path), "WANDB_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    found = reader.read(tmp_path.glob("wandb/offline-run-*/run-*.wandb"), "s")
    assert values(found) == {
        "loss": [(i, 1 / (i + 1)) for i in range(2000)],
        "val.acc": [(i, i) for i in range(2000)],
        "best": 0.5,
    }
