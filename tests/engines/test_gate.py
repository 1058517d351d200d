"""Without an engine its tests skip and say why; in CI such a skip is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench import ROOT

ONE = Path(__file__).with_name("test_docker_inside.py")


@pytest.mark.parametrize(
    ("ci", "code", "word"), [("", 0, "1 skipped"), ("true", 1, "must not skip")]
)
def test_a_test_of_the_engine_without_an_engine(ci: str, code: int, word: str) -> None:
    env = {**os.environ, "REPRO_TEST_ENGINE": "none", "CI": ci}
    words = ["-p", "no:cacheprovider", "-p", "no:xdist", "-rsf", "--rootdir", ROOT]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, f"{ONE}::test_it_is_not_root"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert word in done.stdout and "REPRO_TEST_ENGINE is not 'docker'" in done.stdout
