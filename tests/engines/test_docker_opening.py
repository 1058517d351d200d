"""Outputs that can carry code are opened in the replay's own container, and it does them no favour."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import workbench
from workbench import Project

from repro import dissecting_inside, engines, sessions
from repro.dissecting_inside import Pair, open_inside
from repro.engines.base import Engine, Job, Ready
from repro.logs import Silent
from repro.sessions import Session
from repro.store import Store

pytestmark = pytest.mark.docker

TRAIN = """\
import json, pickle, random, time
from pathlib import Path

class Net:
    def __init__(self):
        self.layers = [[0.5] * 10, [time.time()] * 10]

class Evil:
    def __reduce__(self):
        return Path.touch, (Path("/repro/reading/out/ran"),)

pickle.dump(Net(), open("model.pkl", "wb"))
pickle.dump([Evil(), time.time()], open("evil.pkl", "wb"))
open("broken.pkl", "w").write(f"no pickle {time.time()}")
json.dump({"accuracy": 0.5}, open("metrics.json", "w"))
"""


def test_a_replay_names_the_attribute(project: Project) -> None:
    project.write("train.py", TRAIN)
    project.commit()
    project.record("python", "train.py")
    document = project.replay().expect(0).document
    found = {item["path"]: item["content"] for item in document["outputs"]}
    assert document["verdict"] == "equivalent"
    assert found["model.pkl"]["parts"][0]["where"] == "layers[1][0]"
    assert found["model.pkl"]["inside"] and found["model.pkl"]["format"] == "pickle"
    assert found["evil.pkl"]["parts"][0]["where"] == "[1]"
    assert "it is no pickle that can be read" in found["broken.pkl"]["reason"]
    assert found["broken.pkl"]["parts"][0]["where"].startswith("offset ")


FIT = """\
import json, pickle, time
import joblib, numpy as np
from sklearn.linear_model import LogisticRegression

data = np.random.RandomState(0).rand(60, 4)
target = (data[:, 0] > 0.5).astype(int)
model = LogisticRegression().fit(data, target)
model.coef_[0, 3] += time.time() % 1 / 1000
pickle.dump(model, open("model.pkl", "wb"))
joblib.dump({"model": model, "data": data}, "model.joblib", compress=3)
np.savez("weights.npz", coef=model.coef_)
json.dump({"accuracy": 0.5}, open("metrics.json", "w"))
"""


def test_an_estimator_and_its_weights(
    project: Project, packed_venv: Path, use_venv: Callable[[Path], None]
) -> None:
    use_venv(packed_venv)
    project.write("train.py", FIT)
    project.commit()
    project.record("python", "train.py")
    document = project.replay().expect(0).document
    found = {item["path"]: item["content"] for item in document["outputs"] if item["content"]}
    first = {path: content["parts"][0]["where"] for path, content in found.items()}
    assert first == {
        "model.joblib": "model.coef_[0, 3]",
        "model.pkl": "coef_[0, 3]",
        "weights.npz": "coef[0, 3]",
    }
    assert all(content["differing"] == 1 for content in found.values())


# --- the container itself -------------------------------------------------------------------


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with sessions.session(Store.open(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engines.make("docker", os.environ)


@pytest.fixture(scope="module")
def ready(engine: Engine) -> Ready:
    workbench.docker("pull", "--quiet", workbench.base_image())
    return Ready(workbench.base_image(), True, 0.0)


def pair(folder: Path, a: bytes, b: bytes, name: str = "m.pkl") -> Pair:
    paths = folder / "a", folder / "b"
    for path, content in zip(paths, (a, b)):
        path.write_bytes(content)
        path.chmod(0o600)
    return Pair(name, "pickle", *paths)


A, B = pickle.dumps({"x": [1, 2]}), pickle.dumps({"x": [1, 3]})


def test_files_that_only_their_owner_may_read(
    tmp_path: Path, engine: Engine, ready: Ready, session: Session
) -> None:
    found = open_inside(engine, ready, session, [pair(tmp_path, A, B)])
    assert found["m.pkl"].parts[0].where == "x[1]"
    assert (tmp_path / "a").read_bytes() == A and (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def probing(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have the container run this instead of the reader."""
    monkeypatch.setattr(dissecting_inside, "_command", lambda ready: ("python", "-c", code))


PROBE = """
import os, socket, sys
def fails(what):
    try:
        what()
    except OSError as error:
        return
    sys.exit("possible: " + what.__name__)
def write(): open("/repro/files/0-a", "ab")
def replace(): os.rename("/repro/reading/out", "/repro/files/0-a")
def connect(): socket.create_connection(("127.0.0.1", 5000), timeout=2)
def own(): os.chown("/repro/reading/out", 0, 0)
for what in (write, replace, connect, own): fails(what)
if os.getuid() == 0 or len(os.listdir("/sys/class/net")) > 1: sys.exit("root, or a network")
sys.exit("as it should be")
"""


def test_it_can_neither_write_the_files_nor_reach_anything(
    tmp_path: Path, engine: Engine, ready: Ready, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    probing(monkeypatch, PROBE)
    found = open_inside(engine, ready, session, [pair(tmp_path, A, B)])
    assert "as it should be" in found["m.pkl"].reason
    assert found["m.pkl"].format == "bytes" and found["m.pkl"].parts


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit code"),
        ("x = bytearray(1 << 36)", "exit code"),
        ("import time; time.sleep(600)", "exit code"),
        ("pass", "could not be opened as pickle"),
    ],
    ids=["crash", "memory", "hangs", "says nothing"],
)
def test_whatever_becomes_of_the_reader_the_bytes_remain(
    tmp_path: Path,
    engine: Engine,
    ready: Ready,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    words: str,
) -> None:
    monkeypatch.setattr(dissecting_inside, "SECONDS", 4.0)
    probing(monkeypatch, code)
    found = open_inside(engine, ready, session, [pair(tmp_path, A, B)])
    assert words in found["m.pkl"].reason
    assert (found["m.pkl"].format, found["m.pkl"].differing) == ("bytes", 1)


LINKS = """
import os
for name in ("0-a.jsonl", "0-a.bin", "0-b.jsonl", "0-b.bin"):
    os.symlink("/etc/passwd", "/repro/reading/out/" + name)
"""


def test_links_that_it_leaves_are_not_followed(
    tmp_path: Path, engine: Engine, ready: Ready, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    probing(monkeypatch, LINKS)
    found = open_inside(engine, ready, session, [pair(tmp_path, A, B)])
    assert found["m.pkl"].reason and "root:" not in str(found["m.pkl"])


def test_a_file_that_is_too_large_is_not_read_there(
    tmp_path: Path, engine: Engine, ready: Ready, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dissecting_inside, "LARGEST", 3)
    found = open_inside(engine, ready, session, [pair(tmp_path, A, B)])
    assert "larger than" in found["m.pkl"].reason


def test_a_job_with_a_limit_is_killed(
    engine: Engine, ready: Ready, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "room").mkdir()
    engine.adopt(tmp_path / "room")
    stop = threading.Event()
    job = Job(("sleep", "300"), tmp_path / "room", "/room", session, stop=stop)
    threading.Timer(1.0, stop.set).start()
    done = engine.execute(ready, job, Silent())
    assert (done.exit_code, done.stopped) == (137, True)
