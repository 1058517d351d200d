"""Names of places without what differs from run to run."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from repro.trackers import naming, places
from repro.trackers.places import Kind

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("outputs/2026-11-21/12-00-04/metrics.json", "outputs/{time}/{time}/metrics.json"),
        ("runs/Nov21_12-11-34_host-1/x", "runs/{time}/x"),
        ("runs/Nov22_01-11-34_host/x", "runs/{time}/x"),
        ("logs/20261121-121512/train/x", "logs/{time}/train/x"),
        ("logs/fit_20261121_121512_big/x", "logs/fit_{time}_big/x"),
        ("runs/20261121-121512_159d7904dc27_a/x", "runs/{time}_159d7904dc27_a/x"),
        ("metrics_2026-11-21T12:15:12.123456Z.json", "metrics_{time}.json"),
        ("a/2026_11_21-12_15_12/x", "a/{time}/x"),
        ("a/20261121/x", "a/{time}/x"),
        ("a/1795263437.9169667/x", "a/{time}/x"),
        ("a/1795263437123.json", "a/{time}.json"),
        ("lightning_logs/version_12/metrics.csv", "lightning_logs/version_{n}/metrics.csv"),
    ],
)
def test_the_time_of_the_run_is_taken_out(path: str, name: str) -> None:
    assert naming.namer((), NOON)(path) == name
    assert naming.is_stamped(path)


@pytest.mark.parametrize(
    "path",
    [
        "data_20240101/metrics.json",  # of the data, not of the run
        "2025-11-21/12-00-04/metrics.json",
        "runs/May01_12-11-34_host/x",
        "fold_12/metrics.json",
        "a/20269999/x",
        "a/12-00-04/x",  # a time of day without a day
        "seed_1234567890/x",
        "version_3.json",
        "a/120261121/x",
    ],
)
def test_other_numbers_are_names(path: str) -> None:
    assert naming.namer((), NOON)(path) == path


def test_what_the_record_calls_a_place_counts() -> None:
    """A replay a year later takes a fixed date for the name that it was, and a new one for the time."""
    called = naming.namer({"a/2026-11-21/m.json", "b/{time}/m.json"}, NOON + 365 * 86400)
    assert called("a/2026-11-21/m.json") == "a/2026-11-21/m.json"
    assert called("b/2027-11-21/m.json") == "b/{time}/m.json"
    assert called("b/2026-11-21/m.json") == "b/{time}/m.json"
    assert naming.namer((), None)("b/2027-11-21/m.json") == "b/2027-11-21/m.json"


def test_order_and_numbers() -> None:
    assert sorted(["v_10/x", "v_9/x", "v/x", "²/x"], key=naming.order)[-2:] == ["v_10/x", "²/x"]
    assert naming.numbered("a/{time}/m.json", 1) == "a/{time}/m.json"
    assert naming.numbered("a/{time}/m.json", 2) == "a/{time} 2/m.json"
    assert naming.numbered("a/m.json", 2) == "a/m.json 2"


def test_the_places_that_files_make_up() -> None:
    run = "0/" + "a" * 32
    files = [
        "logs/events.out.tfevents.1.host.2.0",
        "logs/events.out.tfevents.3.host",
        "events.out.tfevents.9.host",
        "wandb/offline-run-20261121_120000-abc/run-abc.wandb",
        "wandb/run-20261121_120001-abd/run-abd.wandb",
        f"x/mlruns/{run}/metrics/val/acc",
        f"x/mlruns/{run}/meta.yaml",
        f"x/mlruns/{run}/artifacts/metrics.json",
        "mlflow.db",
        "out/report.ipynb",
        "metrics.json",
    ]
    found = {
        place.source: (place.kind, place.top, len(place.files)) for place in places.places(files)
    }
    assert found == {
        "logs/events.out.tfevents": (Kind.EVENTS, "logs", 2),
        "events.out.tfevents": (Kind.EVENTS, ".", 1),
        "wandb/run": (Kind.WANDB, "wandb", 2),
        "x/mlruns": (Kind.FOLDER, "x/mlruns", 2),
        "mlflow.db": (Kind.DATABASE, "mlflow.db", 1),
        "out/report.ipynb": (Kind.NOTEBOOK, "out/report.ipynb", 1),
    }


def test_runs_of_one_command_are_numbered_in_their_order() -> None:
    files = [f"runs/Nov21_12-11-{second}_host/events.out.tfevents.1" for second in (34, 10)]
    found = places.places(files, naming.namer((), NOON))
    assert [(place.source, place.top) for place in found] == [
        ("runs/{time} 2/events.out.tfevents", "runs/Nov21_12-11-34_host"),
        ("runs/{time}/events.out.tfevents", "runs/Nov21_12-11-10_host"),
    ]


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("wandb/run-20261121_120001-abd/files/wandb-summary.json", True),
        ("wandb/latest-run", True),
        ("wandb/metrics.json", False),
        ("mlruns/0/abc/artifacts/model.pkl", True),
        ("mlruns/metrics.json", False),
        ("mlflow.db-wal", True),
        ("logs/events.out.tfevents.1.host", True),
        (".aim/meta/index/LOG", True),
        ("aim/metrics.json", False),
        ("model.db", False),
    ],
)
def test_what_a_tracker_keeps_for_itself(path: str, is_one: bool) -> None:
    assert places.is_bookkeeping(path) is is_one
