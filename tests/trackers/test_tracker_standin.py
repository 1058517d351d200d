"""The server that stands in at a replay."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repro.manifest import SourceState
from repro.trackers import standin


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(words: tuple[str, ...], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


FAKE = """
import http.server, sys, os, time
port = int(sys.argv[sys.argv.index("--port") + 1])
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
time.sleep(0.3)
open("served", "w").write(str(os.getpid()))
http.server.HTTPServer(("127.0.0.1", port), H).serve_forever()
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Something that answers like MLflow's server, and what that needs."""
    for name in ("mlflow", "mlflow/server", "flask", "sqlalchemy"):
        (tmp_path / "packages" / name).mkdir(parents=True)
        (tmp_path / "packages" / name / "__init__.py").write_text("")
    (tmp_path / "packages" / "mlflow" / "__main__.py").write_text(FAKE)
    return tmp_path / "packages"


@pytest.mark.parametrize("code", [0, 5])
def test_the_command_finds_a_server_and_its_exit_code_is_kept(
    tmp_path: Path, packages: Path, code: int
) -> None:
    url = f"http://localhost:{free_port()}"
    script = f"import urllib.request, sys; urllib.request.urlopen('{url}'); print('done'); sys.exit({code})"
    words = standin.wrapped(
        [sys.executable, "-c", script], url, str(tmp_path / "s"), python=sys.executable
    )
    ran = run(words, tmp_path, PYTHONPATH=str(packages), no_proxy="*")
    assert (ran.returncode, ran.stdout.strip()) == (code, "done"), ran.stderr
    assert standin.failure(tmp_path / "s") is None
    server = int((tmp_path / "s" / "served").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_a_command_that_a_signal_ends_or_that_is_not_there(tmp_path: Path, packages: Path) -> None:
    for command, code in (
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 137),
        (["no-such-command"], 127),
    ):
        words = standin.wrapped(
            command, f"http://127.0.0.1:{free_port()}", str(tmp_path / "s"), python=sys.executable
        )
        assert run(words, tmp_path, PYTHONPATH=str(packages)).returncode == code


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("mlflow", "mlflow is not installed"),
        ("flask", "only mlflow-skinny"),
        ("mlflow/server", "only mlflow-skinny"),
    ],
)
def test_an_environment_without_the_server_says_so(
    tmp_path: Path, packages: Path, without: str, said: str
) -> None:
    (packages / without).rename(tmp_path / "gone")
    words = standin.wrapped(
        ["true"], f"http://127.0.0.1:{free_port()}", str(tmp_path / "s"), python=sys.executable
    )
    ran = run((words[0], "-S", *words[1:]), tmp_path, PYTHONPATH=str(packages))
    assert ran.returncode == standin.NOT_STARTED
    assert said in (standin.failure(tmp_path / "s") or "")


def test_a_server_that_does_not_stand_says_so(tmp_path: Path, packages: Path) -> None:
    for fake, said in (
        ("import sys; sys.exit(4)", "exit code 4"),
        ("import time; time.sleep(600)", "did not stand within 1 seconds"),
    ):
        (packages / "mlflow" / "__main__.py").write_text(fake)
        words = standin.wrapped(
            ["true"],
            f"http://127.0.0.1:{free_port()}",
            str(tmp_path / "s"),
            python=sys.executable,
            seconds=1.0,
        )
        assert run(words, tmp_path, PYTHONPATH=str(packages)).returncode == standin.NOT_STARTED
        assert said in (standin.failure(tmp_path / "s") or "")


def test_nothing_is_logged_to_a_server_that_is_there_already(
    tmp_path: Path, packages: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        words = standin.wrapped(["true"], url, str(tmp_path / "s"), python=sys.executable)
        ran = run(words, tmp_path, PYTHONPATH=str(packages))
    assert ran.returncode == standin.NOT_STARTED
    assert "another server" in (standin.failure(tmp_path / "s") or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org:5000",
        "https://127.0.0.1:5000",
        "http://127.0.0.1:5000/prefix",
        "sqlite:///x",
    ],
)
def test_nobody_stands_in_for_a_real_host(url: str) -> None:
    with pytest.raises(ValueError, match="stand in"):
        standin.wrapped(["true"], url, "/s")


def test_with_the_real_server(tmp_path: Path) -> None:
    pytest.importorskip("mlflow.server")
    url = f"http://127.0.0.1:{free_port()}"
    script = "import mlflow; mlflow.start_run(); mlflow.log_metric('a', 0.5); mlflow.end_run()"
    words = standin.wrapped(
        [sys.executable, "-c", script], url, str(tmp_path / "s"), python=sys.executable
    )
    ran = run(words, tmp_path, MLFLOW_TRACKING_URI=url)
    assert ran.returncode == 0, ran.stderr
    found = standin.read(tmp_path / "s", "mlflow", 0)
    assert found.state is SourceState.READ
    assert [(item.source, item.name, item.value) for item in found.metrics] == [
        ("mlflow", "a", 0.5)
    ]
