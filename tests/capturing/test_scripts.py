"""Named commands of a project's file, as far as they can be read without the tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import commands
from repro.capturing import scripts

HATCH = """\
[tool.hatch.envs.default.scripts]
train = "python train.py {args:4}"
both = ["python prep.py", "train --fast"]
loop = "loop"
number = 3
"""
PDM = """\
[tool.pdm.scripts]
train = "python train.py"
listed = {cmd = ["python", "a b.py"]}
line = {shell = "python a.py && python b.py"}
called = {call = "package:main"}
"""


@pytest.mark.parametrize(
    ("tool", "words", "line"),
    [
        ("hatch", ["train"], "python train.py 4"),
        ("hatch", ["train", "6", "a b"], "python train.py 6 'a b'"),
        ("hatch", ["both"], "python prep.py\npython train.py 4 --fast"),
        ("hatch", ["loop"], "loop"),
        ("pdm", ["train", "--n", "3"], "python train.py --n 3"),
        ("pdm", ["listed"], "python 'a b.py'"),
        ("pdm", ["line"], "python a.py && python b.py"),
        ("pipenv", ["train"], "python train.py 6"),
    ],
)
def test_what_a_name_stands_for(tmp_path: Path, tool: str, words: list[str], line: str) -> None:
    (tmp_path / "pyproject.toml").write_text(HATCH + PDM)
    (tmp_path / "Pipfile").write_text('[scripts]\ntrain = "python train.py 6"\n')
    expected = ("sh", "-ec", line)
    assert scripts.behind(tool, words, [tmp_path / "none", tmp_path]) == expected
    done = commands.without_launcher((tool, "run", *words), (tmp_path,))
    assert done == expected


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("hatch", ["python", "train.py"]), ("hatch", []), ("hatch", ["number"]),
        ("pdm", ["called"]), ("uv", ["train"]),
    ],
)  # fmt: skip
def test_what_is_no_name_stays(tmp_path: Path, tool: str, words: list[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(HATCH + PDM)
    assert scripts.behind(tool, words, [tmp_path]) is None


@pytest.mark.parametrize(
    "text", ["", "[tool", "tool = 3", "[tool.hatch]\nenvs = []", "a = " + "[" * 9999]
)
def test_a_file_of_another_shape(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert scripts.behind("hatch", ["train"], [tmp_path]) is None
    assert scripts.behind("pdm", ["train"], [tmp_path / "gone"]) is None


def test_nothing_outside_of_the_workspace_is_asked(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(HATCH)
    (tmp_path / "work/inner").mkdir(parents=True)
    folders = commands._folders(tmp_path / "work", "inner")
    assert folders == (tmp_path / "work/inner", tmp_path / "work")
    assert commands.without_launcher(("hatch", "run", "train"), folders) == ("train",)


def test_a_file_from_elsewhere_ends(tmp_path: Path) -> None:
    many = ", ".join(['"many"'] * 1000)
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.hatch.envs.default.scripts]\nmany = [{many}]\n"
    )
    assert scripts.behind("hatch", ["many"], [tmp_path]) is None
    (tmp_path / "Pipfile").symlink_to("/dev/zero")
    assert scripts.behind("pipenv", ["train"], [tmp_path]) is None
