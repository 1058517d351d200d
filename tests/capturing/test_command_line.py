"""What the words after `repro run` stand for."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Project

from repro.capturing import command_line
from repro.errors import UsageError

ENV = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("python", "train.py"), ("python", "train.py")),
        (("./train",), ("./train",)),
        (("train",), ("train",)),
        (("python a.py && python b.py",), ("sh", "-c", "python a.py && python b.py")),
        (("SEED=1 python a.py",), ("sh", "-c", "SEED=1 python a.py")),
        (("python a.py\npython b.py\n",), ("sh", "-ec", "python a.py\npython b.py")),
        # several words are words: whoever wants a shell gives it one text
        (("echo", "a && b"), ("echo", "a && b")),
        ((), ()),
    ],
)
def test_words(argv: tuple[str, ...], words: tuple[str, ...], tmp_path: Path) -> None:
    assert command_line.understood(argv, tmp_path, ENV) == words


def test_a_program_with_a_blank_in_its_name_is_no_shell_line(tmp_path: Path) -> None:
    program = tmp_path / "my train"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert command_line.understood(("./my train",), tmp_path, ENV) == ("./my train",)


def test_a_notebook_is_executed_by_papermill_in_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb/train.ipynb").write_text("{}")
    words = command_line.understood(
        ("nb/train.ipynb", "-p", "rate=0.1", "--param", "note=a=b c"), tmp_path, ENV
    )
    assert words[:5] == ("python", "-m", "papermill", "nb/train.ipynb", "nb/train.executed.ipynb")
    assert words[words.index("--cwd") + 1] == "nb"
    assert words[-6:] == ("-p", "rate", "0.1", "-p", "note", "a=b c")


@pytest.mark.parametrize("rest", [("-p",), ("-p", "rate"), ("--epochs", "3"), ("-p", "1x=2")])
def test_a_notebooks_parameter_that_is_none(rest: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "train.ipynb").write_text("{}")
    with pytest.raises(UsageError, match="parameters only"):
        command_line.understood(("train.ipynb", *rest), tmp_path, ENV)


def test_a_notebook_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no notebook gone\.ipynb"):
        command_line.understood(("gone.ipynb",), tmp_path, ENV)


def test_a_notebook_without_papermill_is_refused_before_it_runs(project: Project) -> None:
    project.write(
        "study.ipynb", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    project.commit()
    project.repro("run", "study.ipynb").complains(
        2, "does not have papermill and ipykernel", "-m pip install papermill ipykernel"
    )
    assert project.runs() == []
