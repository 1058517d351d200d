"""Plain names: what changes between identical runs goes, what names a content stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cosmetics import plain_name

HEX = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("runs/Nov21_12-03-11_host/events.out.tfevents.1700000000.host.123.0",
         "runs/{date}_{host}/events.out.tfevents.{id}"),
        ("logs/events.out.tfevents.1700000000.my-host.1.0.v2", "logs/events.out.tfevents.{id}"),
        ("outputs/2024-01-01/12-00-00/metrics.json", "outputs/{date}/{time}/metrics.json"),
        ("multirun/2024-01-01/12-00-00/0/a", "multirun/{date}/{time}/0/a"),
        (f"mlruns/0/{HEX}/metrics/loss", "mlruns/0/{id}/metrics/loss"),
        (f"mlruns/0/models/m-{HEX}/a", "mlruns/0/models/m-{id}/a"),
        ("wandb/run-20240101_120000-a1b2c3d4/x", "wandb/run-{date}_{time}-{id}/x"),
        ("wandb/offline-run-20240101_120000-a1b2c3d4/run-a1b2c3d4.wandb",
         "wandb/offline-run-{date}_{time}-{id}/run-{id}.wandb"),
        ("ray/train_a1b2c_00003_3_lr=0.1_2024-01-01_12-00-00/x",
         "ray/train_{id}_00003_3_lr=0.1_{date}_{time}/x"),
        ("c2a1fa42-4efe-4d0c-8846-3e9ab1286707.bin", "{uuid}.bin"),
        ("model-0x7f0c2a3b4d50.txt", "model-{address}.txt"),
        ("model_1700000000.pt", "model_{time}.pt"),
        ("model_1700000000123.pt", "model_{time}.pt"),
        ("model_1700000000123456.pt", "model_{time}.pt"),
        ("model_1700000000.25.pt", "model_{time}.pt"),
        ("a_20240101_120000.json", "a_{date}_{time}.json"),
        ("a_2024-01-01T12:00:00.123456.json", "a_{date}T{time}.json"),
    ],
)  # fmt: skip
def test_what_changes_goes(path: str, plain: str) -> None:
    assert plain_name(path) == plain


@pytest.mark.parametrize(
    "path",
    [
        "resnet50/fold-3/epoch=10-step=5000.ckpt", "data-20240101.csv", "checkpoint-1000000/a.bin",
        "lightning_logs/version_0/metrics.csv", "a/1234567.npy", "5700000000.bin", "a_12-00-00.txt",
        "a" * 40 + ".bin", HEX * 2 + ".bin", "v1.2.3/x", "0x12.txt", "run-baseline/x", "",
        "x1700000000123456789.bin", "2024-13-01.csv",
    ],
)  # fmt: skip
def test_what_names_a_content_stays(path: str) -> None:
    assert plain_name(path) == path


def test_runs_of_one_name_meet() -> None:
    """Two hyperparameters stay two."""
    first, second = (f"out/2024-01-01_12-00-0{n}/lr={n}/model.pt" for n in (1, 2))
    assert plain_name(first) != plain_name(second)


@given(st.text(max_size=80))
def test_once_is_enough_and_nothing_raises(path: str) -> None:
    assert plain_name(plain_name(path)) == plain_name(path)
