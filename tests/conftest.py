"""Isolation for every test, the gate in front of the engine, and the fixtures that all folders share.

The installed command and the projects to run it in are in workbench.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import workbench
from workbench import BUILD, SCRIPTS, Project, Repro

# Variables of the caller that would steer git, DVC, Python or repro inside a test.
STEERING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "VIRTUAL_ENV",
            "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
            "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "OMP_NUM_THREADS", "GITHUB_ACTIONS",
            "GITHUB_STEP_SUMMARY")  # fmt: skip
GATES = {
    "docker": (
        lambda: os.environ.get("REPRO_TEST_ENGINE") == "docker",
        "no Docker Engine: REPRO_TEST_ENGINE is not 'docker' (`make test` starts one)",
    ),
    "registry": (
        lambda: bool(os.environ.get("REPRO_TEST_REGISTRY")),
        "no image registry: REPRO_TEST_REGISTRY is not set (`make test` starts one)",
    ),
}
IN_CI = os.environ.get("CI") == "true"
LONG = (
    "verifying/test_dask.py",
    "probes/test_probed_trainings.py",
    "projects/test_tracker_projects.py",
    "examples/test_examples.py",
    "bundles/test_outliving.py",
    "engines/test_docker_compiling.py",
    "faults/test_interruptions.py",
)
"""Files of tests that take ten seconds and more. They come first: with a long test at the end all others
of the machine's processors would wait for it."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts what it puts in the background so, and every repro of the tests would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


# --- the gate: without an engine a test skips, and in CI a skip is a failure ------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))
    for marker, (is_there, reason) in GATES.items():
        if not is_there():
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = (yield).get_result()
    gated = any(item.get_closest_marker(marker) for marker in GATES)
    if IN_CI and gated and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"in CI a test of the engine must not skip. {reason}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one more than there are processors, because at most times a test waits (for the
    engine, for a limit, for a training that sleeps)."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return (len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1) + 1


# --- isolation ------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the caller's configuration comes in, nothing goes out into the real home.

    Only downloads are shared between tests and sessions: they are what takes long.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in STEERING:
            patch.delenv(name, raising=False)
        _use_home(patch, tmp_path_factory.mktemp("home"))
        patch.setenv("UV_CACHE_DIR", str(BUILD / "uv"))
        patch.setenv("XDG_CACHE_HOME", str(BUILD / "cache"))
        patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path_factory.mktemp("no-system-dvc")))
        yield


@pytest.fixture(autouse=True)
def home(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, sealed: None
) -> Path:
    """A home folder of the test's own."""
    folder = tmp_path_factory.mktemp("home")
    _use_home(monkeypatch, folder)
    return folder


def _use_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Tester\n\temail = tester@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    patch.setenv("HOME", str(home))
    patch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    for name, folder in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "DVC_GLOBAL_CONFIG_DIR": ".config/dvc",
        "DVC_SITE_CACHE_DIR": ".dvc-site-cache",
    }.items():
        patch.setenv(name, str(home / folder))


# --- the installed command, and projects ----------------------------------------------------


@pytest.fixture(scope="session")
def empty_venv(sealed: None) -> Path:
    """An interpreter without a single package: for trainings that need only the standard library."""
    return workbench.training_venv()


@pytest.fixture(scope="session")
def packed_venv(sealed: None) -> Path:
    """An interpreter with the packages of the examples."""
    return workbench.training_venv(
        workbench.ROOT / "examples" / "breast-cancer" / "requirements.lock"
    )


def _tool(folder: Path, venv: Path) -> Repro:
    path = os.pathsep.join([str(venv / "bin"), os.environ["PATH"], str(SCRIPTS)])
    return Repro(folder, path, folder / "scratch", {os.getpid()})


@pytest.fixture
def repro(tmp_path: Path, empty_venv: Path) -> Iterator[Repro]:
    """The installed command line, with the empty training environment first on PATH."""
    tool = _tool(tmp_path, empty_venv)
    yield tool
    if os.environ.get("REPRO_TEST_ENGINE") == "docker":
        left = workbench.containers(tool.pids)
        for name in left:
            workbench.docker("rm", "--force", "--volumes", name)
        assert not left, f"containers were left behind: {left}"


@pytest.fixture
def make_project(tmp_path: Path, repro: Repro) -> Callable[..., Project]:
    """Makes an empty project folder of this name; the test's own code fills it."""

    def make(name: str = "project") -> Project:
        path = tmp_path / name
        path.mkdir(parents=True)
        repro.folder = path
        return Project(path, repro)

    return make


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Iterator[Project]:
    """A git repository with workbench.TRAIN. In the end no command may have left a session."""
    made = workbench.plain_training(make_project())
    yield made
    _nothing_is_left(made)


@pytest.fixture
def dvc_project(dvc_template: Path, tmp_path: Path, repro: Repro) -> Iterator[Project]:
    """The same with its data in DVC and a folder remote."""
    made = workbench.copied(dvc_template, tmp_path, repro)
    yield made
    _nothing_is_left(made)


def _nothing_is_left(project: Project) -> None:
    left = [path for path in project.sessions() if not (path / "kept").exists()]
    assert not left, f"sessions were left behind: {left}"


@pytest.fixture
def forget() -> Iterator[list[str]]:
    """Images that are removed in the end, whether they are there or not."""
    names: list[str] = []
    yield names
    for name in names:
        subprocess.run(["docker", "rmi", "--force", name], capture_output=True, check=False)


@pytest.fixture(scope="session")
def dvc_template(tmp_path_factory: pytest.TempPathFactory, empty_venv: Path) -> Path:
    """Made once, because each call of DVC takes half a second; tests work on copies."""
    made = _project_at(tmp_path_factory.mktemp("template"), empty_venv)
    return workbench.with_dvc(made).path


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory, empty_venv: Path) -> Project:
    """One project for all tests of a module, which only look at it."""
    return _project_at(tmp_path_factory.mktemp("shared"), empty_venv)


def _project_at(folder: Path, venv: Path) -> Project:
    tool = _tool(folder, venv)
    tool.folder = folder / "project"
    tool.folder.mkdir()
    return workbench.plain_training(Project(tool.folder, tool))


@pytest.fixture
def use_venv(repro: Repro) -> Callable[[Path], None]:
    """Puts another training environment first on PATH."""

    def use(venv: Path) -> None:
        repro.path = os.pathsep.join([str(venv / "bin"), repro.path])

    return use


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use_venv: Callable[[Path], None]
) -> Callable[[str], None]:
    """Puts an environment of the test's own first on PATH; what it yields installs a version of
    workbench.wheel's package there.

    The packages come from a folder of wheels, and no index is asked.
    """
    wheels, venv = tmp_path / "wheels", tmp_path / "venv"
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    workbench.uv("venv", "--no-project", "--python", sys.executable, str(venv))
    use_venv(venv)

    def version(number: str) -> None:
        workbench.wheel(wheels, number, float(number))
        workbench.uv(
            "pip", "install", "--python", str(venv / "bin/python"), "--no-index",
            "--find-links", str(wheels), f"repro-test-rates=={number}",
        )  # fmt: skip

    return version


@pytest.fixture
def own_environment(install: Callable[[str], None]) -> None:
    """Packages that no other test has: the image made of them is nobody else's, and can be removed without
    harm to a test beside this one, nor is it there again because of one."""
    install(f"0.{int.from_bytes(os.urandom(4), 'big')}")


@pytest.fixture
def rates(project: Project, install: Callable[[str], None]) -> Callable[[str], None]:
    """A training whose metric is a package's version as a number; what it yields installs a version."""
    project.write(
        "train.py",
        "import json, repro_test_rates\n"
        "json.dump({'rate': repro_test_rates.RATE}, open('metrics.json', 'w'))\n",
    )
    return install
