"""Which installer is taken for conda's packages, and what is said where none works. Nothing is installed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from repro.engines import conda
from repro.environment.conda_install import REFUSED
from repro.errors import EngineError

ELF = {"x86_64": 62, "aarch64": 183}


def program(path: Path, head: bytes = b"#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head)
    path.chmod(0o755)
    return path


def elf(machine: str) -> bytes:
    return b"\x7fELF" + b"\0" * 14 + ELF[machine].to_bytes(2, "little") + b"\0" * 40


def test_the_variable_goes_before_the_path(tmp_path: Path) -> None:
    mine, other = program(tmp_path / "mine"), program(tmp_path / "bin/micromamba")
    path = {"PATH": str(other.parent)}
    assert conda.of_machine({"PATH": str(tmp_path)}) is None
    assert conda.of_machine(path) == other
    assert conda.of_machine({**path, "REPRO_MICROMAMBA": str(mine)}) == mine
    assert conda.of_machine({**path, "REPRO_MICROMAMBA": ""}) == other


@pytest.mark.parametrize("what", ["nothing", "a folder", "no program"])
def test_a_variable_that_names_no_program(what: str, tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "no program").touch()
    with pytest.raises(EngineError, match="no program"):
        conda.of_machine({"REPRO_MICROMAMBA": str(tmp_path / what)})


@pytest.mark.parametrize(
    ("head", "machine", "runs"),
    [
        (elf("x86_64"), "x86_64", True),
        (elf("x86_64"), "amd64", True),
        (elf("aarch64"), "arm64", True),
        (elf("x86_64"), "aarch64", False),
        (elf("aarch64"), "x86_64", False),
        (elf("x86_64"), "riscv64", False),
        (b"\xcf\xfa\xed\xfe" + b"\0" * 30, "x86_64", False),  # of macOS
        (b"", "x86_64", False),
        (b"\x7fELF", "x86_64", False),
    ],
)
def test_a_container_gets_only_what_it_can_run(
    head: bytes, machine: str, runs: bool, tmp_path: Path
) -> None:
    found = program(tmp_path / "micromamba", head)
    env = {"REPRO_MICROMAMBA": str(found)}
    assert conda.for_containers(env, machine) == (found if runs else None)


def test_which_it_was_is_said_with_its_digest(tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path)}
    assert "by py-rattler 0." in conda.on_machine(nowhere).finding.message
    found = program(tmp_path / "micromamba")
    digest = hashlib.sha256(found.read_bytes()).hexdigest()
    assert digest in conda.on_machine(nowhere).finding.message


def test_what_is_said_where_it_failed() -> None:
    without = conda.failed(conda.RATTLER, "No solution found")
    assert "there is no micromamba" in str(without)
    assert "REPRO_MICROMAMBA" in str(without.hint)
    refused = conda.failed(conda.RATTLER, f"uv run failed: error: {REFUSED}x.conda is another")
    assert str(refused).endswith("by py-rattler 0.28.0: x.conda is another")
    assert "channels" in str(refused.hint)
    mine = conda.failed(conda.Installer("/bin/mm", "the base image's micromamba"), "exit 1")
    assert "the base image's micromamba: exit 1" in str(mine)
