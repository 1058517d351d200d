"""What a replay in Docker sees of the world: one container looks around, the tests read its notes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workbench import Done, Project

from repro.manifest import Manifest
from repro.store import Store

pytestmark = pytest.mark.docker

LOOK_AROUND = """\
import json, os, socket, subprocess, sys
from pathlib import Path

def reaches(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
        return True
    except OSError as error:
        return False

def writable(path):
    try:
        (Path(path) / "probe").write_text("x")
        (Path(path) / "probe").unlink()
        return True
    except OSError:
        return False

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
facts = {
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "cwd": os.getcwd(), "home": os.environ.get("HOME"), "home_writable": writable(os.path.expanduser("~")),
    "root_writable": writable("/"), "tmp_writable": writable("/tmp"), "cwd_writable": writable("."),
    "environ": dict(os.environ), "cpus": len(os.sched_getaffinity(0)),
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "capabilities": {name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")},
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "init": Path("/proc/1/comm").read_text().strip(), "pid": os.getpid(),
    "prefix": sys.prefix, "version": sys.version.split()[0], "stdin": sys.stdin.read(),
    "head": subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip(),
    "dirty": subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True).stdout,
    "shm": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
    "docker_socket": os.path.exists("/var/run/docker.sock"),
    "in_sight": sorted(os.listdir(".")),
    "root": next(line.split()[3] for line in open("/proc/mounts") if line.split()[1] == "/"),
}
if os.path.exists("/proc/net/route"):
    for line in open("/proc/net/route").readlines()[1:]:
        words = line.split()
        if words[1] == "00000000":
            facts["gateway"] = socket.inet_ntoa(int(words[2], 16).to_bytes(4, "little"))
print("FACTS " + json.dumps(facts), file=sys.stderr, flush=True)
open("answer.txt", "w").write("always the same")
"""


def facts_of(done: Done) -> dict[str, Any]:
    (line,) = (line for line in done.err.splitlines() if line.startswith("FACTS "))
    found: dict[str, Any] = json.loads(line.removeprefix("FACTS "))
    return found


@pytest.fixture(scope="module")
def project(shared_project: Project) -> Project:
    shared_project.write("look.py", LOOK_AROUND)
    shared_project.write("repro.yaml", "env: [ALLOWED_*]\nlog: {ignore: ['*']}\n")
    shared_project.commit("Look around")
    return shared_project


@pytest.fixture(scope="module")
def run(project: Project) -> str:
    env = {"ALLOWED_SETTING": "a b", "NOT_ALLOWED": "x", "OMP_NUM_THREADS": "1"}
    return str(project.record("python", "look.py", env=env)["id"])


@pytest.fixture(scope="module")
def inside(project: Project, run: str) -> dict[str, Any]:
    """The notes of one replay with no options; the caller has variables of its own."""
    env = {"ALLOWED_SETTING": "of today", "HTTPS_PROXY_PASSWORD": "x", "AWS_SECRET": "y"}
    done = project.replay(run, env=env).expect(0)
    assert done.verdict == "identical"
    return facts_of(done)


@pytest.fixture
def again(project: Project, run: str) -> Callable[..., dict[str, Any]]:
    """Replays with options, or a changed manifest, and returns the notes."""

    def replay(
        *options: str, change: Callable[[Manifest], Manifest] | None = None
    ) -> dict[str, Any]:
        wanted = run
        if change:
            store = Store(project.path / ".repro")
            wanted = store.add(change(store.run(run).manifest)).id
        return facts_of(project.replay(wanted, *options).expect(0))

    return replay


def test_it_is_not_root(inside: dict[str, Any]) -> None:
    expected = os.getuid() or 1000
    assert inside["uid"] == expected and inside["gid"] != 0
    assert 0 not in inside["groups"]


def test_it_has_no_privileges_and_can_gain_none(inside: dict[str, Any]) -> None:
    assert set(inside["capabilities"].values()) == {"0" * 16}
    assert inside["no_new_privileges"] == "1"
    assert not inside["docker_socket"]


def test_it_has_no_network(inside: dict[str, Any]) -> None:
    assert inside["interfaces"] == ["lo"] and "gateway" not in inside


def test_it_has_the_network_where_that_is_asked_for(
    again: Callable[..., dict[str, Any]],
) -> None:
    facts = again("--network")
    assert "eth0" in facts["interfaces"] and facts["gateway"]


def test_it_has_the_network_where_the_project_says_so(
    again: Callable[..., dict[str, Any]],
) -> None:
    def allowed(manifest: Manifest) -> Manifest:
        return replace(manifest, policy=replace(manifest.policy, network=True))

    assert "eth0" in again(change=allowed)["interfaces"]
    assert again("--no-network", change=allowed)["interfaces"] == ["lo"]


def test_it_lies_at_the_recorded_path(inside: dict[str, Any], project: Project) -> None:
    assert inside["cwd"] == str(project.path) and inside["cwd_writable"]


@pytest.mark.parametrize(
    "path",
    [
        "/root/deep/project",
        "/root/project",
        "/home/somebody/with blanks/ünï",
        "/data",
        "/usr/src/a",
    ],
)
def test_it_lies_at_the_recorded_path_wherever_that_was(
    again: Callable[..., dict[str, Any]], path: str
) -> None:
    """Also below /root, where nobody but root may look in the image."""

    def moved(manifest: Manifest) -> Manifest:
        return replace(manifest, provenance=replace(manifest.provenance, workspace=path))

    facts = again(change=moved)
    assert facts["cwd"] == path and facts["cwd_writable"]


def test_it_sees_the_allowed_variables_as_they_were_recorded_and_no_others(
    inside: dict[str, Any],
) -> None:
    environ = inside["environ"]
    assert environ["ALLOWED_SETTING"] == "a b"
    assert environ["OMP_NUM_THREADS"] == "1"
    for name in ("NOT_ALLOWED", "AWS_SECRET", "HTTPS_PROXY_PASSWORD", "SSL_CERT_FILE", "PIP_CERT",
                 "UV_CACHE_DIR", "DOCKER_HOST", "REPRO_BASE_IMAGE", "GIT_CONFIG_GLOBAL"):  # fmt: skip
        assert name not in environ
    assert not [name for name in environ if name.lower().endswith("_proxy")]
    assert environ["PYTHONUNBUFFERED"] == "1"


def test_its_home_is_empty_and_its_own(inside: dict[str, Any]) -> None:
    assert inside["home_writable"] and inside["home"] != os.environ["HOME"]
    assert inside["tmp_writable"]


def test_the_system_is_not_its_to_write(inside: dict[str, Any]) -> None:
    assert not inside["root_writable"]
    assert inside["root"].split(",")[0] == "ro", "for root's own processes, too"


def test_it_sees_as_many_cpus_as_were_recorded(inside: dict[str, Any]) -> None:
    assert inside["cpus"] == len(os.sched_getaffinity(0))


def test_it_sees_fewer_cpus_where_fewer_were_recorded_or_asked_for(
    again: Callable[..., dict[str, Any]],
) -> None:
    def with_cpus(count: int) -> Callable[[Manifest], Manifest]:
        def change(manifest: Manifest) -> Manifest:
            host = replace(manifest.result.host, cpus=count)
            return replace(manifest, result=replace(manifest.result, host=host))

        return change

    assert again("--cpus", "1")["cpus"] == 1
    assert again(change=with_cpus(1))["cpus"] == 1
    assert again(change=with_cpus(10_000))["cpus"] == len(os.sched_getaffinity(0))


def test_a_machine_with_fewer_cpus_is_named_beside_the_verdict(project: Project, run: str) -> None:
    store = Store(project.path / ".repro")
    manifest = store.run(run).manifest
    host = replace(manifest.result.host, cpus=10_000)
    many = store.add(replace(manifest, result=replace(manifest.result, host=host))).id
    document = project.replay(many).expect(0).document
    named = {item["name"]: (item["a"], item["b"]) for item in document["circumstances"]}
    assert ("10000", str(len(os.sched_getaffinity(0)))) in named.values()


def test_an_init_reaps_what_it_leaves_behind(inside: dict[str, Any]) -> None:
    assert inside["pid"] != 1 and "init" in inside["init"]


def test_its_python_is_that_of_the_environment(inside: dict[str, Any]) -> None:
    import platform

    assert inside["prefix"] == "/opt/repro/venv"
    assert inside["version"] == platform.python_version()


def test_its_standard_input_is_empty(inside: dict[str, Any]) -> None:
    assert inside["stdin"] == ""


def test_git_inside_tells_the_recorded_commit(inside: dict[str, Any], project: Project) -> None:
    assert inside["head"] == project.git("rev-parse", "HEAD")
    assert inside["dirty"] == ""


def test_shared_memory_is_enough_for_data_loaders(inside: dict[str, Any]) -> None:
    assert inside["shm"] > 256 * 2**20


def test_nothing_of_the_work_tree_but_the_source_is_there(
    inside: dict[str, Any], project: Project
) -> None:
    tracked = {Path(name).parts[0] for name in project.git("ls-files").splitlines()}
    assert set(inside["in_sight"]) == tracked | {".git"}
