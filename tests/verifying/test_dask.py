"""`repro verify --scheduler`: a real Dask scheduler, and workers in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from workbench import SCRIPTS, Project, containers, docker, eventually, forked

pytest.importorskip("distributed")

SLOW = forked("import time\ntime.sleep({seconds})")
ENDLESS = SLOW.replace("{seconds}", "600")
TENACIOUS = forked(
    "import signal, time\n"
    "signal.signal(signal.SIGINT, lambda *_: (time.sleep(3), exit(1)))\n"
    "time.sleep(600)"
)
"""Takes its time to end once it is told to."""
HELD = forked("import os, time\nwhile not os.path.exists({go!r}): time.sleep(0.02)")
"""Takes as long as the test wants it to."""
VENV = ("--engine", "venv", "--json")


@dataclass
class Cluster:
    """A scheduler and its workers; what they print is in ``folder``."""

    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *words: str, **variables: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [SCRIPTS / "dask", *words],
                cwd=self.folder,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def scheduler(self) -> None:
        self.start(
            "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", str(self.file),
        )  # fmt: skip
        eventually(lambda: self.file.exists() and self.file.read_text().endswith("}"), 60)

    def worker(self, name: str, *words: str, **variables: str) -> None:
        self.start(
            name, "worker", "--scheduler-file", str(self.file), "--no-nanny", "--no-dashboard",
            "--nthreads", "1", "--name", name, "--local-directory", str(self.folder / name), *words,
            **variables,
        )  # fmt: skip
        eventually(lambda: "Registered to" in self.log(name), 60)

    def away(self, name: str, *words: str, **variables: str) -> Path:
        """A worker with a store and a home of its own; returns its store's folder."""
        home = self.folder / f"{name}-home"
        home.mkdir()
        store = self.folder / f"{name}-store"
        self.worker(name, *words, HOME=str(home), REPRO_WORKER_STORE=str(store), **variables)
        return store

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def kill(self, name: str) -> None:
        """kill -9 of the worker alone: what it started lives on."""
        self.processes[name].kill()
        self.processes[name].wait(30)

    @property
    def file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def url(self) -> str:
        address: str = json.loads(self.file.read_text())["address"]
        return address.replace("tcp://", "dask://")

    def end(self) -> None:
        for process in reversed(list(self.processes.values())):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@pytest.fixture
def cluster(project: Project, tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder, project.repro.environment())
    made.scheduler()
    try:
        yield made
        # who lost its worker or its asker clears up after itself, in its own time
        eventually(lambda: not project.sessions(), 60)
    finally:
        made.end()


@pytest.fixture
def slow(project: Project) -> Callable[[str, str], None]:
    """Records a run that is slow where it is replayed."""

    def record(code: str, name: str) -> None:
        project.write("slow.py", code.replace("{go!r}", repr(str(go(project)))))
        project.write("local/here", "")
        project.commit()
        # the argument tells its containers from those of other tests, which run at the same time
        project.record("python", "slow.py", str(project.path), options=("--name", name))

    return record


def go(project: Project) -> Path:
    """When this is there, HELD goes on."""
    return project.path.with_name("go")


def verify(project: Project, cluster: Cluster, *words: str, code: int = 0) -> dict[str, Any]:
    done = project.repro("verify", *words, *VENV, "--scheduler", cluster.url)
    document: dict[str, Any] = done.expect(code).document
    return document


def trainings(path: Path) -> list[str]:
    """Commands of replays that are at work: their arguments and working directory are below this folder."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"slow.py" in words and str(path) in os.fspath((process / "cwd").readlink()):
                found.append(process.name)
    return found


def test_a_killed_workers_replay_is_taken_over(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(HELD, "slow")
    for name in ("one", "two", "three"):
        cluster.worker(name)
    words = ("verify", "slow", "-n", "3", *VENV, "--scheduler", cluster.url)
    running = project.repro.start(*words)
    running.until(lambda: running.stderr.count("executing") == 3)
    cluster.kill("two")
    go(project).touch()
    document = running.ended().expect(0).document
    (run,) = document["runs"]
    assert (run["verdict"], run["passed"], len(run["replays"])) == ("identical", True, 3)
    assert len({replay["id"] for replay in run["replays"]}) == 3
    (note,) = document["notes"]
    assert "the worker two on" in note and "took it over" in note
    eventually(lambda: not trainings(project.path))


def test_a_replay_that_is_ended_with_its_worker_goes_to_another_one(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    """As when a batch system ends a job: everything in it is told to, in any order."""
    slow(HELD, "slow")
    cluster.worker("one")
    cluster.worker("two")
    running = project.repro.start("verify", "slow", *VENV, "--scheduler", cluster.url)
    running.until(lambda: trainings(project.path))
    first = set(trainings(project.path))
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if b"repro.verifying.worker" in (process / "cmdline").read_bytes() and any(
                f"PPid:\t{cluster.processes[name].pid}\n" in (process / "status").read_text()
                for name in ("one", "two")
            ):
                os.kill(int(process.name), signal.SIGTERM)
    running.until(lambda: not first & set(trainings(project.path)))
    go(project).touch()
    document = running.ended().expect(0).document
    assert document["runs"][0]["verdict"] == "identical"
    assert any("exit code 130" in note for note in document["notes"])


def test_runs_get_to_workers_of_other_machines_by_a_folder(
    project: Project, cluster: Cluster, tmp_path: Path
) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    stores = [cluster.away("one"), cluster.away("two")]
    document = verify(project, cluster, "base", "-n", "4", "--via", "../shared")
    (run,) = document["runs"]
    assert (run["verdict"], len(run["replays"])) == ("identical", 4)
    assert run["values_compared"] >= 4 * 5
    # the records are here, with their logs, and are what the report was made of
    listed = project.runs()[0]
    assert listed["replays"] == 4
    assert (tmp_path / "shared" / "index.json").is_file()
    for store in stores:
        assert [path.name for path in (store / ".repro" / "runs").iterdir()] == [listed["id"]]
        assert not list((store / ".repro" / "tmp").iterdir())
    # it is not pulled again
    marks = {path: path.stat().st_ino for path in stores[0].glob(".repro/cache/arrived/*")}
    assert verify(project, cluster, "base", "-n", "2", "--via", "../shared")["runs"][0]["passed"]
    assert marks == {path: path.stat().st_ino for path in stores[0].glob(".repro/cache/arrived/*")}


@pytest.mark.registry
def test_runs_get_there_by_a_registry(project: Project, cluster: Cluster) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    cluster.away("one")
    place = f"{os.environ['REPRO_TEST_REGISTRY']}/cluster-{os.urandom(4).hex()}"
    (run,) = verify(project, cluster, "base", "--via", place)["runs"]
    assert (run["verdict"], run["replays"][0]["host"]) == ("identical", socket.gethostname())
    words = ("verify", "base", "--scheduler", cluster.url, "--via", f"{place}:tag")
    project.repro(*words).complains(2, "names one run")


def test_a_secret_is_not_sent_to_workers(project: Project, cluster: Cluster) -> None:
    project.write(
        "train.py", "print('AKIA' + 'Q3EGRZ7OWPLS5DXN')\nopen('metrics.json','w').write('1')"
    )
    project.commit()
    project.record("python", "train.py", options=("--name", "base", "--allow-secrets"))
    cluster.away("one")
    words = ("verify", "base", *VENV, "--scheduler", cluster.url)
    project.repro(*words, "--via", "../shared").complains(2, "was not sent to workers", "AWS")
    (run,) = project.repro(*words).expect(3).document["runs"]
    assert run["verdict"] == "unreplayable" and "was not sent" in run["reasons"][0]


def test_a_run_that_is_too_large_for_dask_names_the_other_way(
    project: Project, cluster: Cluster
) -> None:
    project.write("large.bin", os.urandom(66 * 1000**2))
    project.commit()
    project.record("python", "train.py", options=("--name", "base"))
    cluster.away("one")
    (run,) = verify(project, cluster, "base", code=3)["runs"]
    assert "64 go through Dask" in run["reasons"][0] and "--via" in run["next_step"]


def test_a_small_run_goes_through_dask_itself(project: Project, cluster: Cluster) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    store = cluster.away("one")
    assert verify(project, cluster, "base", "-n", "2")["runs"][0]["verdict"] == "identical"
    assert len(list((store / ".repro" / "runs").iterdir())) == 1


def test_the_tolerances_are_those_of_the_asker(project: Project, cluster: Cluster) -> None:
    code = forked('metrics["loss"] = 0.26\nhistory[2] = (3, 0.26)')
    project.write("slow.py", code)
    project.write("local/here", "")
    project.commit()
    project.record("python", "slow.py", options=("--name", "base"))
    cluster.away("one")
    (run,) = verify(project, cluster, "base", code=1)["runs"]
    assert run["verdict"] == "different"
    project.write("repro.yaml", "tolerances:\n  '*': {absolute: 0.1}\n")
    (run,) = verify(project, cluster, "base")["runs"]
    assert run["verdict"] == "equivalent"
    project.write("repro.yaml", "tolerances:\n  '*': {absolute: 0.001}\n")
    assert verify(project, cluster, "base", code=1)["runs"][0]["verdict"] == "different"


def test_ctrl_c_stops_what_is_at_work(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(TENACIOUS, "slow")
    cluster.worker("one")
    cluster.away("two")
    words = ("verify", "slow", "-n", "3", *VENV, "--scheduler", cluster.url)
    running = project.repro.start(*words)
    running.until(lambda: running.stderr.count("executing") == 2)
    running.until(lambda: len(trainings(project.path.parent)) == 2)
    running.interrupt()
    document = running.ended(60).expect(130).document
    assert document["runs"][0]["state"] == "not reached"
    assert not trainings(project.path.parent)
    assert not project.sessions()
    assert not document["notes"]


def test_a_time_limit_and_a_killed_asker_stop_them_too(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(ENDLESS, "slow")
    cluster.worker("one")
    document = verify(project, cluster, "slow", "--within", "6s", code=3)
    assert document["runs"][0]["state"] == "not reached"
    assert not trainings(project.path)
    running = project.repro.start("verify", "slow", *VENV, "--scheduler", cluster.url)
    running.until(lambda: trainings(project.path))
    running.kill()
    eventually(lambda: not trainings(project.path), 60)
    eventually(lambda: len(project.sessions()) == 1)
    project.repro("list").expect()  # clears what the killed one left
    cluster.worker("two")  # and the cluster works on
    assert "Registered to" in cluster.log("two")


def test_when_all_workers_leave_it_ends_and_is_no_pass(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(ENDLESS, "slow")
    cluster.worker("one")
    words = ("verify", "slow", "-n", "2", *VENV, "--scheduler", cluster.url)
    running = project.repro.start(*words, env={"REPRO_CLUSTER_PATIENCE": "3"})
    running.until(lambda: "executing" in running.stderr)
    cluster.kill("one")
    (run,) = running.ended(120).expect(3).document["runs"]
    assert (run["verdict"], run["passed"]) == ("unreplayable", False)
    assert "no worker that could make it was there for 3 s" in run["reasons"][0]


def test_a_cluster_that_has_no_worker_yet_is_waited_for(project: Project, cluster: Cluster) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    running = project.repro.start("verify", "base", *VENV, "--scheduler", cluster.url)
    running.until(lambda: "no worker is there yet" in running.stderr)
    cluster.worker("late")
    assert running.ended().expect(0).document["runs"][0]["verdict"] == "identical"


def test_when_the_scheduler_goes_it_ends_and_is_no_pass(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(ENDLESS, "slow")
    cluster.worker("one")
    words = ("verify", "slow", *VENV, "--scheduler", cluster.url)
    running = project.repro.start(*words, env={"REPRO_CLUSTER_PATIENCE": "3"})
    running.until(lambda: "executing" in running.stderr)
    cluster.kill("scheduler")
    done = running.ended(120).expect(3)
    assert done.document["runs"][0]["passed"] is False
    eventually(lambda: not trainings(project.path), 60)
    assert "distributed" not in done.err and "Traceback" not in done.err


def test_a_worker_without_an_engine_is_passed_over(project: Project, cluster: Cluster) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    cluster.worker("broken", DOCKER_HOST="unix:///nowhere.sock")
    words = ("verify", "base", "--json", "--scheduler", cluster.url)
    (run,) = project.repro(*words).expect(3).document["runs"]
    assert run["verdict"] == "unreplayable"
    assert "its engine does not answer" in run["reasons"][0]


@pytest.mark.docker
def test_containers_of_a_killed_worker_and_a_cancelled_replay_are_gone(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(ENDLESS, "slow")
    cluster.worker("broken", DOCKER_HOST="unix:///nowhere.sock")
    cluster.worker("one")

    def at_work() -> list[str]:
        found = docker("ps", "--no-trunc", "--format", "{{.Names}} {{.Command}}").splitlines()
        return [line.split()[0] for line in found if str(project.path) in line]

    running = project.repro.start("verify", "slow", "--json", "--scheduler", cluster.url, "-n", "2")
    running.until(at_work)
    first = set(at_work())
    cluster.worker("two")
    cluster.kill("one")
    running.until(lambda: set(at_work()) - first, 120)
    running.until(lambda: not set(at_work()) & first, 60)
    running.interrupt()
    document = running.ended(60).expect(130).document
    assert not at_work()
    notes = " ".join(document["notes"])
    assert "broken" in notes or "was passed over" in notes
    assert "one on" in notes
    assert not containers(project.repro.pids)


def test_workers_that_say_how_many_they_can_make_get_all(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(HELD, "slow")
    cluster.worker("silent")
    cluster.worker("roomy", "--resources", "repro=2", "--nthreads", "3")
    words = ("verify", "slow", "-n", "3", *VENV, "--scheduler", cluster.url)
    running = project.repro.start(*words)
    running.until(lambda: len(trainings(project.path)) == 2)
    go(project).touch()
    done = running.ended().expect()
    assert "1 worker, 2 at once" in done.err
    assert "hello" in cluster.log("roomy") and "hello" not in cluster.log("silent")
    assert len(done.document["runs"][0]["replays"]) == 3


def test_a_worker_makes_one_at_a_time_whoever_asks(
    project: Project, cluster: Cluster, slow: Callable[[str, str], None]
) -> None:
    slow(ENDLESS, "slow")
    cluster.worker("one", "--nthreads", "4")
    words = ("verify", "slow", "-n", "2", "-j", "2", *VENV, "--scheduler", cluster.url)
    askers = [project.repro.start(*words) for _ in range(2)]
    askers[0].until(lambda: trainings(project.path))
    for asker in askers:
        asker.until(lambda asker=asker: "1 worker, 1 at once" in asker.stderr)  # type: ignore[misc]
    time.sleep(3)  # nothing may happen in the meantime
    assert sum(asker.stderr.count("restoring") for asker in askers) == 1
    for asker in askers:
        asker.interrupt()
        asker.ended(60).expect(130)
    assert not trainings(project.path)


OTHER = "import repro\nrepro.__version__ = '0.0.1'\n"
NONE = "import sys\nsys.modules['repro'] = None\n"


def test_another_repro_or_none_is_left_out_and_said(project: Project, cluster: Cluster) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    for name, code in (("old", OTHER), ("bare", NONE)):
        (cluster.folder / f"{name}_repro.py").write_text(code)
        cluster.worker(name, "--preload", str(cluster.folder / f"{name}_repro.py"))
    words = ("verify", "base", "--engine", "venv", "--scheduler", cluster.url)
    done = project.repro(*words).complains(3, "no worker of", "old: its repro is 0.0.1", "bare: ")
    assert "executing" not in done.err
    cluster.worker("good")
    document = verify(project, cluster, "base", "-n", "2")
    assert document["runs"][0]["verdict"] == "identical"
    notes = " ".join(document["notes"])
    assert "the worker old is left out" in notes and "the worker bare is left out" in notes


def test_what_is_no_scheduler_is_said_before_anything_starts(project: Project) -> None:
    project.record("python", "train.py", options=("--name", "base"))

    def complains(code: int, url: str, *parts: str, **more: Any) -> None:
        project.repro("verify", "base", "--scheduler", url, **more).complains(code, *parts)

    complains(3, "dask://127.0.0.1:1", "does not answer")
    complains(3, "dask:///nowhere/scheduler.json", "there is no scheduler file")
    complains(2, "http://127.0.0.1:8786", "names no scheduler")
    complains(2, "dask://127.0.0.1", "names no scheduler")
    project.repro("verify", "base", "--via", "./runs").complains(2, "--via is for --scheduler")
    assert not project.sessions()


def test_a_bugs_traceback_is_in_the_workers_log(
    project: Project, cluster: Cluster, tmp_path: Path
) -> None:
    project.record("python", "train.py", options=("--name", "base"))
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "sitecustomize.py").write_text(
        "import sys\nif 'repro.verifying.worker' in sys.orig_argv:\n"
        "    import repro.replaying\n    repro.replaying.once = None\n"
    )
    cluster.worker("one", PYTHONPATH=str(tmp_path / "planted"), TMPDIR=str(tmp_path))
    done = project.repro("verify", "base", *VENV, "--scheduler", cluster.url)
    (run,) = done.expect(3).document["runs"]
    assert run["reasons"][0].startswith("a bug in repro: TypeError")
    assert "the traceback in the log of the worker one on " in run["next_step"]
    assert "Traceback" not in done.out + done.err and "Traceback" in cluster.log("one")
    assert not list(tmp_path.glob("repro-traceback-*"))


def test_a_self_test_is_judged_by_the_asker(project: Project, cluster: Cluster) -> None:
    project.write(
        "half.py", "import json\nx = 0.5\njson.dump({'x': x}, open('metrics.json', 'w'))\n"
    )
    project.commit()
    project.record("python", "half.py", options=("--name", "half"))
    store = cluster.away("one")
    (test,) = verify(project, cluster, "half", "--self-test")["self_tests"]
    assert test["passed"] and "0.5 -> 0.75" in test["caught"][0]["change"]
    # nothing of it is stored, here or there
    assert project.runs()[0]["replays"] == 1
    assert len(list((store / ".repro" / "replays").glob("*/*"))) == 1
    # the worker knows nothing of the tolerances here, under which nobody would notice
    project.write("repro.yaml", "tolerances:\n  '*': {absolute: 10}\n")
    (test,) = verify(project, cluster, "half", "--self-test", code=1)["self_tests"]
    assert test["caught"] == [] and any("0.5 -> 0.75" in item for item in test["missed"])


@pytest.mark.parametrize("word", ["--current", "--changed", "--resume=2"])
def test_what_needs_the_work_tree_or_its_rules_is_refused(project: Project, word: str) -> None:
    project.write("repro.yaml", "resume: {start: 'a {steps}', continue: 'a {steps}'}\n")
    project.record("python", "train.py", options=("--name", "base"))
    done = project.repro("verify", "base", word, "--scheduler", "dask://127.0.0.1:1")
    done.complains(2, "without --resume, --current and --changed")
