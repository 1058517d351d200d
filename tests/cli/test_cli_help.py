"""What the command line says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from workbench import Repro

from repro.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(repro: Repro, command: str) -> None:
    done = repro(command, "--help").expect(0)
    assert done.out.startswith(f"Usage: repro {command}")
    assert "--help" in done.out
    assert not done.err


def test_the_overview_names_every_command_and_how_to_begin(repro: Repro) -> None:
    for words in (["--help"], ["-h"]):
        done = repro(*words).expect(0)
        assert all(f"  {command} " in done.out for command in COMMANDS)
        assert "repro run -- python train.py" in done.out


def test_version_is_one_line(repro: Repro) -> None:
    done = repro("--version").expect(0)
    assert done.out.startswith("repro ") and done.out.count("\n") == 1


@pytest.mark.parametrize(("word", "meant"), [("reply", "replay"), ("lst", "list"), ("shw", "show")])
def test_a_mistyped_command_is_met_with_the_nearest(repro: Repro, word: str, meant: str) -> None:
    done = repro(word).expect(2)
    assert f"Did you mean '{meant}'?" in done.err
    assert not done.out


def test_an_unknown_option_is_a_usage_error(repro: Repro) -> None:
    done = repro("replay", "--egine", "docker").expect(2)
    assert "--egine" in done.err


def test_help_loads_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys; from repro.cli import _run; _run(['--help']);"
        "heavy = {'dvc', 'docker', 'git', 'msgspec', 'yaml', 'sqlite3'} & set(sys.modules);"
        "sys.exit(f'loaded: {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_ctrl_c_after_the_end_does_not_deny_the_outcome() -> None:
    script = (
        "import atexit, os, signal; from repro.cli import main;"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT);"
        "main(['--version'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
