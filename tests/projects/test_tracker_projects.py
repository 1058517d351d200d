"""Projects whose results are kept by a tool of its own: MLflow, TensorBoard, a notebook, a report."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import workbench
from training_projects import (
    Take,
    comes_out_identical,
    differ,
    findings,
    goes_red,
    metrics,
    outputs,
)

pytestmark = [pytest.mark.docker, pytest.mark.network]


def test_mlflow_in_its_database_beside_the_code(take: Take, tracking_venv: Path) -> None:
    project = take("mlflow-sqlite", tracking_venv)
    project.record("python", "train.py", env={"NUDGE": "0.2"})
    run = project.record("python", "train.py")
    assert [item["path"] for item in run["manifest"]["definition"].get("inputs", ())] == []
    expected = {"mlflow.db:val_loss", "mlflow.db:final_weight"}
    # the database holds the runs of both by now, and in the replay one alone
    document = comes_out_identical(project, expected)
    steps = {item["name"]: item["steps_compared"] for item in document["metrics"]}
    assert steps["val_loss"] == 4
    assert outputs(document) == {}, "the database itself is the tracker's bookkeeping"
    assert metrics(differ(project, "latest~1", "latest"), "different") == expected


Serve = Callable[[], tuple[str, subprocess.Popen[bytes]]]


@pytest.fixture
def serve(tmp_path: Path, tracking_venv: Path) -> Iterator[Serve]:
    """Starts the tracking server of a team on loopback: its address, and the process."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> tuple[str, subprocess.Popen[bytes]]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        folder = tmp_path / "server"
        folder.mkdir()
        words = [str(tracking_venv / "bin/python"), "-m", "mlflow", "server", "--workers", "1"]
        words += ["--host", "127.0.0.1", "--port", port]
        words += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
        words += ["--default-artifact-root", str(folder / "artifacts")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                words, cwd=folder, env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        started.append(server)
        url = f"http://127.0.0.1:{port}"
        workbench.eventually(lambda: _answers(f"{url}/health"), 120, lambda: _lives(server, folder))
        return url, server

    yield start
    for server in started:
        _end(server)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return bool(opener.open(url, timeout=5).status == 200)
    except OSError:
        return False


def _lives(server: subprocess.Popen[bytes], folder: Path) -> None:
    assert server.poll() is None, (folder / "log").read_text()


def _end(server: subprocess.Popen[bytes]) -> None:
    """With its workers."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)


def test_a_tracking_server(take: Take, tracking_venv: Path, serve: Serve) -> None:
    project = take("mlflow-server", tracking_venv)
    url, server = serve()
    env = {"MLFLOW_TRACKING_URI": url}
    project.record("python", "train.py", env={**env, "NUDGE": "0.5"})
    run = project.record("python", "train.py", env=env)
    assert "logged to MLflow" in findings(run)
    _end(server)  # nobody else's server is needed for a replay
    expected = {"<mlflow>:loss", "<mlflow>:weight"}
    document = comes_out_identical(project, expected)
    assert {item["steps_compared"] for item in document["metrics"]} == {3}
    assert metrics(differ(project, "latest~1", "latest"), "different") == expected


def test_curves_for_tensorboard(take: Take, tracking_venv: Path) -> None:
    project = take("tensorboard", tracking_venv)
    project.record("python", "train.py")
    expected = {f"runs/{{time}}/events.out.tfevents:train/{name}" for name in ("loss", "norm")}
    document = comes_out_identical(project, expected)
    assert {item["steps_compared"] for item in document["metrics"]} == {20}
    assert outputs(document) == {}
    project.record("python", "train.py", env={"NUDGE": "1"})
    goes_red(project, expected)


def test_a_notebook_with_parameters(take: Take, tracking_venv: Path) -> None:
    project = take("notebook", tracking_venv)
    run = project.record("study.ipynb", "-p", "epochs=3", "-p", "seed=4")
    assert run["manifest"]["definition"]["command"]["argv"][:3] == ["python", "-m", "papermill"]
    before = (project.path / "study.ipynb").read_bytes()
    document = project.replay().expect(0).document
    assert document["verdict"] == "equivalent", "the executed notebook holds times"
    cells = {f"study.executed.ipynb:{name}" for name in ("accuracy", "epoch", "norm")}
    files = {"scores.json:accuracy", "scores.json:norm"}
    assert metrics(document) == metrics(document, "equal") == cells | files
    assert outputs(document) == {"scores.json": "equal", "study.executed.ipynb": "cosmetic"}
    assert (project.path / "study.ipynb").read_bytes() == before
    project.record("study.ipynb", "-p", "epochs=3", "-p", "seed=5")
    red = differ(project, "latest~1", "latest")
    assert metrics(red, "different") >= {"study.executed.ipynb:accuracy", "scores.json:norm"}
    assert "study.executed.ipynb:epoch" in metrics(red, "equal")
    assert outputs(red)["study.executed.ipynb"] == "different"


COSMETIC = {"report.pdf": "cosmetic", "bundle.zip": "cosmetic", "metrics.json": "equal"}


def test_a_report_and_archives_that_are_never_the_same_bytes(
    take: Take, tracking_venv: Path
) -> None:
    project = take("report-and-archives", tracking_venv)
    plain = {"XDG_CACHE_HOME": None}
    project.record("python", "train.py", env=plain)
    document = project.replay().expect(0).document
    assert document["verdict"] == "equivalent"
    found = outputs(document)
    # numpy writes the same time into every archive, or the current one: that is up to its version
    assert found.pop("curves.npz") in ("equal", "cosmetic")
    assert found == COSMETIC
    assert metrics(document, "equal") == {"metrics.json:final_loss"}
    details = {item["path"]: item.get("detail") for item in document["outputs"]}
    assert "dates and document ids of a PDF" in details["report.pdf"]
    project.record("python", "train.py", env={**plain, "NUDGE": "1"})
    red = goes_red(project, {"metrics.json:final_loss"})
    assert set(outputs(red).values()) == {"different"}


def test_a_cache_that_is_where_a_variable_says(
    take: Take, tracking_venv: Path, outside: Path
) -> None:
    """On clusters home folders are small, so caches are elsewhere."""
    project = take("report-and-archives", tracking_venv)
    run = project.record("python", "train.py", env={"XDG_CACHE_HOME": str(outside)})
    assert any(outside.iterdir()), "matplotlib keeps its list of fonts there"
    names = {item["path"] for item in run["manifest"]["result"]["outputs"]}
    assert names == {"bundle.zip", "curves.npz", "metrics.json", "report.pdf"}
