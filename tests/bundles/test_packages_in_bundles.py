"""Packages in a bundle: the recorded files, and a replay that asks no index for them."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import workbench
from test_outliving import CUT_OFF
from workbench import Project

from repro import sessions
from repro.engines.docker import networks
from repro.engines.docker.client import connect
from repro.engines.docker.container import created
from repro.store import Store


def exported(project: Project, file: Path) -> list[str]:
    words = ("export", "latest", str(file), "--with", "packages")
    return project.repro(*words, cwd=project.path).expect(0).err.splitlines()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_the_recorded_files_are_inside(
    project: Project, rates: Callable[[str], None], tmp_path: Path, here: Path
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    exported(project, tmp_path / "run.tar")
    said = project.repro("import", str(tmp_path / "run.tar"), cwd=here).expect(0)
    assert "1 packages" in said.err
    from repro.bundles import carried

    store = Store(here / ".repro")
    (item,) = carried.of(store, said.out.strip()).below("packages/").values()
    assert store.read(item) == next((tmp_path / "wheels").iterdir()).read_bytes()


def test_a_package_that_is_gone_is_said(
    project: Project, rates: Callable[[str], None], tmp_path: Path
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    for path in (tmp_path / "wheels").iterdir():
        path.unlink()
    shutil.rmtree(project.path / ".repro" / "cache")
    lines = exported(project, tmp_path / "run.tar")
    assert any("not inside: the package repro-test-rates" in line for line in lines)


def test_a_package_that_was_exchanged_is_left_out(
    project: Project, rates: Callable[[str], None], tmp_path: Path
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    workbench.wheel(tmp_path / "wheels", "0.5", 0.75)
    lines = exported(project, tmp_path / "run.tar")
    assert any("not inside: the package repro-test-rates" in line for line in lines)


@pytest.mark.docker
@pytest.mark.parametrize("engine", ["docker", "venv"])
def test_a_replay_needs_no_index(
    project: Project, rates: Callable[[str], None], tmp_path: Path, here: Path, engine: str
) -> None:
    rates("0.5")
    project.record("python", "train.py")
    exported(project, tmp_path / "run.tar")
    project.repro("import", str(tmp_path / "run.tar"), cwd=here).expect(0)
    shutil.rmtree(tmp_path / "wheels")
    env = {**CUT_OFF, "REPRO_BASE_IMAGE": os.environ["REPRO_BASE_IMAGE"], "PIP_NO_INDEX": None,
           "UV_CACHE_DIR": str(tmp_path / "no-cache"), "XDG_CACHE_HOME": str(tmp_path / "none")}  # fmt: skip
    words = ("replay", "latest", "--json", "--engine", engine)
    begin = workbench.now()
    assert project.repro(*words, cwd=here, env=env).expect(0).verdict == "identical"
    # neither what the command does nor what an installation executes reached a network
    assert workbench.networks_since(begin, project.repro.pids) == (
        {"none"} if engine == "docker" else set()
    )


@pytest.mark.parametrize(
    ("offline", "loopback", "programs", "network"),
    [
        (True, False, False, "none"),
        (True, True, False, "none"),
        (True, False, True, "bridge"),
        (True, True, True, "host"),
        (False, False, False, "bridge"),
        (False, True, False, "host"),
    ],
)
def test_a_build_has_the_network_that_it_needs(
    offline: bool, loopback: bool, programs: bool, network: str
) -> None:
    assert networks.mode(offline=offline, loopback=loopback, programs=programs) == network


@pytest.mark.docker
def test_a_build_is_taken_off_the_network(project: Project) -> None:
    client = connect(os.environ)
    image = os.environ["REPRO_BASE_IMAGE"].format(version=platform.python_version())
    seen = "import os; print(*sorted(os.listdir('/sys/class/net')))"
    with sessions.session(Store.open(project.path)) as session:
        options = {"image": image, "command": ["sleep", "60"], "network_mode": "bridge"}
        with created(client, session, options) as container:
            container.start()
            assert b"eth0" in container.exec_run(["python3", "-c", seen]).output
            networks.cut(client, container)
            assert b"eth0" not in container.exec_run(["python3", "-c", seen]).output
            with networks.connected(client, container):
                assert b"eth" in container.exec_run(["python3", "-c", seen]).output
            assert b"eth" not in container.exec_run(["python3", "-c", seen]).output
