"""A stand-in for the MLflow server that a command logged to: at a replay there is no network, so one is
started beside the command, in its own environment, on the very same address of loopback.

What wraps the command is a program for the environment's Python, of any version since 3.7.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from repro.trackers import mlflow
from repro.trackers.nouns import Found

DATABASE = "mlflow.db"
_FAILURE = "failure.txt"
NOT_STARTED = 97
"""Exit code where the server did not start; the command was then not executed."""

_PROGRAM = """
import importlib.util, os, signal, socket, subprocess, sys, time, urllib.request

host, port, folder, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
command = sys.argv[5:]


def fail(reason):
    with open(os.path.join(folder, "failure.txt"), "w") as stream:
        stream.write(reason)
    sys.stderr.write("repro: " + reason + "\\n")
    sys.exit(97)


def has(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


os.makedirs(folder, exist_ok=True)
sys.path = [path for path in sys.path if path]
if not has("mlflow"):
    fail("mlflow is not installed in the environment, so its server cannot stand in")
if not has("flask") or not has("sqlalchemy") or not has("mlflow.server"):
    fail("only mlflow-skinny is installed in the environment: it has no server that could stand in")
try:
    socket.create_connection((host, int(port)), 2).close()
    fail("another server has the address that mlflow's should have")
except OSError:
    pass
keep = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
keep["PYTHONUNBUFFERED"] = "1"
keep["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
log = open(os.path.join(folder, "server.log"), "wb")
server = subprocess.Popen(
    [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", port, "--workers", "1",
     "--backend-store-uri", "sqlite:///" + os.path.join(folder, "mlflow.db"),
     "--default-artifact-root", os.path.join(folder, "artifacts")],
    cwd=folder, env=keep, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def end():
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
        except OSError:
            pass
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            continue


def stands():
    shown = "[" + host + "]" if ":" in host else host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open("http://" + shown + ":" + port + "/health", timeout=2).status == 200
    except (OSError, ValueError):
        return False


child = None


def passed_on(number, frame):
    if child is None:
        end()
        sys.exit(128 + number)
    child.send_signal(number)


signal.signal(signal.SIGTERM, passed_on)
signal.signal(signal.SIGINT, passed_on)
limit = time.monotonic() + seconds
while not stands():
    if server.poll() is not None:
        with open(os.path.join(folder, "server.log"), errors="replace") as stream:
            said = [line.strip() for line in stream if line.strip()]
        fail("mlflow's server ended before it stood: " + (said or ["exit code %d" % server.returncode])[-1][:200])
    if time.monotonic() > limit:
        end()
        fail("mlflow's server did not stand within %d seconds" % seconds)
    time.sleep(0.1)
try:
    child = subprocess.Popen(command)
    code = child.wait()
except OSError as error:
    sys.stderr.write("repro: %s: %s\\n" % (command[0], error.strerror))
    code = 127
finally:
    end()
sys.exit(code if code >= 0 else 128 - code)
"""


def wrapped(
    argv: Sequence[str], url: str, folder: str, *, python: str = "python", seconds: float = 180.0
) -> tuple[str, ...]:
    """The words that start a server at ``url``, wait for it up to ``seconds``, execute ``argv`` and end
    with its exit code. ``folder``, absolute and seen from within, is where the server keeps its runs.

    Raises ValueError for an address that is not on loopback: nobody may stand in for a real host.
    """
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if parts.scheme != "http" or not is_loopback or parts.path.strip("/"):
        raise ValueError(f"for MLflow at {mlflow.shown(url)} no server can stand in")
    return (python, "-c", _PROGRAM, host, str(parts.port or 80), folder, str(seconds), *argv)


def failure(folder: Path) -> str | None:
    """Why the server did not start; None where it did. ``folder`` as it is seen from outside."""
    try:
        return (folder / _FAILURE).read_text("utf-8", "replace").strip()[:500]
    except OSError:
        return None


def read(folder: Path, source: str, since: float | None) -> Found:
    """The metrics that were logged to the server, as those of ``source``.

    Raises OSError, and ValueError with one line, where there is no database.
    """
    return mlflow.read(folder / DATABASE, source, since)
