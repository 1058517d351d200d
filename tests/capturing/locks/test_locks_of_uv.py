"""Locks that the real uv writes, offline, of wheels built here; beside what it installs from them."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest
import uv

from repro import process
from repro.capturing import lockfile, packages, probing

NEEDS = {"alpha": "beta>=1", "beta": "", "gamma": "", "delta": "", "epsilon": ""}
PROJECT = """
[project]
name = "training"
version = "0.1"
requires-python = ">=3.8"
dependencies = ["alpha", "gamma; python_version < '3'", "delta<2"]
[project.optional-dependencies]
fast = ["gamma"]
[dependency-groups]
dev = ["epsilon"]
"""


def wheel(folder: Path, name: str, version: str) -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {NEEDS[name]}\n" if NEEDS[name] else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in NEEDS:
        wheel(tmp_path / "wheels", name, "1.0")
    wheel(tmp_path / "wheels", "delta", "2.0")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    run(folder, "lock")
    return folder


def run(folder: Path, *words: str) -> None:
    """uv on the project and its own environment, never on that of these tests."""
    if words[0] == "pip":
        words = (*words, "--python", str(folder / ".venv" / "bin" / "python"))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    env = {**kept, "UV_CACHE_DIR": str(folder.parent / "cache"), "UV_PYTHON": sys.executable,
           "UV_PYTHON_DOWNLOADS": "never"}  # fmt: skip
    links = ["--offline", "--no-index", "--find-links", str(folder.parent / "wheels")]
    if words[:2] == ("pip", "uninstall"):
        links = []
    process.run([uv.find_uv_bin(), *words, *links, "--quiet"], cwd=folder, env=env, timeout=120)


def said(folder: Path, name: str | None = None) -> list[str]:
    """What is said of the lock beside the environment that uv made."""
    python = folder / ".venv" / "bin" / "python"
    probe = probing.probe(python, folder, {}, folder.parent / "probes")
    installed = packages.inventory(probe, folder).packages
    found = lockfile.find(folder, name)
    return [item.message for item in lockfile.findings(found, folder, installed, probe)]


def test_what_uv_installs_is_what_its_lock_says(project: Path) -> None:
    run(project, "sync", "--no-default-groups")
    assert said(project) == []
    run(project, "sync", "--all-extras", "--all-groups")
    assert said(project) == []


def test_what_was_installed_by_hand_since_is_named(project: Path) -> None:
    run(project, "sync")
    run(project, "pip", "install", "delta==2.0")
    run(project, "pip", "install", "gamma")
    run(project, "pip", "uninstall", "beta")
    assert said(project) == [
        "uv.lock names what is not installed: beta 1.0",
        "installed in another version than uv.lock says: delta 2.0 (locked: 1.0)",
    ]


def test_its_pylock_says_the_same(project: Path) -> None:
    run(project, "sync", "--no-default-groups")
    run(project, "export", "--no-dev", "--format", "pylock.toml", "-o", "pylock.toml")
    assert said(project, "pylock.toml") == []
    run(project, "pip", "install", "delta==2.0")
    assert said(project, "pylock.toml") == [
        "installed in another version than pylock.toml says: delta 2.0 (locked: 1.0)"
    ]


def test_its_requirements_say_the_same(project: Path) -> None:
    run(project, "sync", "--no-default-groups")
    run(project, "export", "--no-dev", "--no-emit-project", "-o", "requirements.lock")
    assert said(project, "requirements.lock") == []
