"""Files that say what to install, beside what is installed and beside each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from repro.capturing import lockfile
from repro.capturing.locks import contradictions
from repro.capturing.locks.ranges import exclude_each_other
from repro.capturing.probing import Probe
from repro.capturing.requirements import Requirement, single
from repro.manifest import Finding, Interpreter, Package, Severity

MARKERS = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux"}
PROBE = Probe(Interpreter("3.11.7"), "", "/nowhere", "", (), (), "linux-x86_64", None, MARKERS)
TORCH, NUMPY = Package("torch", "2.1.0+cpu"), Package("numpy", "1.26.4")


NAMES = {
    "requirements": "requirements.txt",
    "environment": "environment.yml",
    "pyproject": "pyproject.toml",
    "setup": "setup.py",
    "cfg": "setup.cfg",
    "pipfile": "Pipfile",
    "dev": "requirements-dev.txt",
}


def write(folder: Path, **files: str) -> None:
    for key, text in files.items():
        (folder / NAMES[key]).write_text(text)


def findings(folder: Path, *installed: Package, probe: Probe = PROBE) -> tuple[Finding, ...]:
    return contradictions.findings([folder], installed or (TORCH, NUMPY), probe)


def said(folder: Path, *installed: Package, probe: Probe = PROBE) -> list[str]:
    found = findings(folder, *installed, probe=probe)
    assert all(item.severity is Severity.NOTE for item in found)
    return [item.message for item in found]


def test_nothing_that_a_machine_can_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("pip install torch")
    (finding,) = findings(tmp_path)
    assert finding.message == (
        "no file of the project says what to install: the 2 packages that are installed are recorded, "
        "and this record is the only one"
    )
    assert finding.remedy


def test_files_that_agree_with_what_is_installed_are_no_finding(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements="torch>=2\nnumpy<2\nold; python_version < '3'\n",
        pyproject='[project]\nname="x"\nrequires-python=">=3.10"\ndependencies=["torch", "numpy~=1.26"]\n',
        environment="dependencies:\n- python=3.11\n- pytorch=2.1\n- numpy\n- cudatoolkit=11\n",
        setup="from setuptools import setup\nsetup(install_requires=['torch>=1'])\n",
        cfg="[options]\ninstall_requires =\n    numpy>=1\n",
        pipfile='[packages]\ntorch = ">=2"\n[dev-packages]\nblack = "*"\n',
    )
    assert said(tmp_path) == []


def test_one_file_that_excludes_what_is_installed(tmp_path: Path) -> None:
    write(tmp_path, requirements="torch==1.13\nnumpy\nmissing>=1\n")
    (first, second) = findings(tmp_path)
    assert first.message == "requirements.txt excludes what is installed: torch 2.1.0+cpu (==1.13)"
    assert first.remedy == "correct requirements.txt, or install what it says"
    assert second.message == "requirements.txt names what is not installed: missing"


def test_the_one_that_fits_is_named_and_the_contradictions(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements="torch>=2\nnumpy==1.26.4\n",
        environment="dependencies:\n- python=3.8\n- pytorch=1.13\n- numpy=1.26\n",
    )
    assert said(tmp_path) == [
        "2 files say what to install (environment.yml, requirements.txt); "
        "requirements.txt fits what is installed best (2 of 2)",
        "environment.yml excludes what is installed: python 3.11.7 (=3.8), pytorch 2.1.0+cpu (=1.13)",
        "environment.yml and requirements.txt exclude each other: torch (=1.13 against >=2)",
    ]


def test_the_lock_that_counts_is_named_where_another_fits_better(tmp_path: Path) -> None:
    write(tmp_path, pyproject='[project]\nname="x"\ndependencies=["torch>=2"]\n')
    lock = tmp_path / "requirements.lock"
    lock.write_text("torch==1.13\n")
    first, second = contradictions.findings([tmp_path], [TORCH], PROBE, lock)
    assert first.message == (
        "2 files say what to install (pyproject.toml, requirements.lock); pyproject.toml fits what is "
        "installed best (1 of 1), although requirements.lock counts as the project's lock"
    )
    # that the lock itself is out of step is said where it is compared
    assert second.message == (
        "pyproject.toml and requirements.lock exclude each other: torch (>=2 against ==1.13)"
    )


def test_the_folder_of_the_command_counts_too(tmp_path: Path) -> None:
    inner = tmp_path / "train"
    inner.mkdir()
    (inner / "requirements.txt").write_text("torch<2\n")
    found = contradictions.findings([tmp_path, inner], [TORCH], PROBE)
    assert found[0].message.startswith("train/requirements.txt excludes what is installed: torch")


def test_files_for_development_need_not_be_installed(tmp_path: Path) -> None:
    write(tmp_path, requirements="torch\n", dev="black==23\nnumpy<1\n")
    assert said(tmp_path)[1] == "requirements-dev.txt excludes what is installed: numpy 1.26.4 (<1)"


def test_in_an_environment_of_conda_its_own_records_count(tmp_path: Path) -> None:
    meta = tmp_path / "env" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "a.json").write_text(json.dumps({"name": "cudatoolkit", "version": "12.1"}))
    write(tmp_path, environment="dependencies: [cudatoolkit=11.8, numpy]\n")
    probe = replace(PROBE, prefix=str(tmp_path / "env"))
    assert said(tmp_path, probe=probe) == [
        "environment.yml excludes what is installed: cudatoolkit 12.1 (=11.8)"
    ]


def test_what_setup_py_computes_is_not_run_and_that_is_said(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    write(tmp_path, setup=f"open({str(trap)!r}, 'w')\nfrom setuptools import setup\n"
          "setup(install_requires=open('requirements.txt').read().split())\n")  # fmt: skip
    assert said(tmp_path) == [
        "setup.py: could not be read: its install_requires is computed, and it is not run to tell"
    ]
    assert not trap.exists()


def test_names_behind_a_variable_and_over_lines(tmp_path: Path) -> None:
    write(
        tmp_path, setup="NEEDS = ['torch<2',\n 'numpy']\nsetup(name='x', install_requires=NEEDS)\n"
    )
    assert said(tmp_path) == ["setup.py excludes what is installed: torch 2.1.0+cpu (<2)"]


@pytest.mark.parametrize(
    ("wish", "excluded"),
    [
        ('"^2.0"', False),
        ('"^1.9"', True),
        ('"~2.1"', False),
        ('"~2.0"', True),
        ('"2.1.*"', False),
        ('"*"', False),
        ('">=1 <2"', True),
        ('"^1 || ^2"', False),
        ('{version = "^1", python = "<3.9"}', False),
        ('{version = "^1", markers = "sys_platform == \'linux\'"}', True),
        ('[{version = "^1", python = "<3.9"}, {version = "^2", python = ">=3.9"}]', False),
        ('{git = "https://index.example/torch.git"}', False),
    ],
)
def test_poetrys_words(wish: str, excluded: bool, tmp_path: Path) -> None:
    write(tmp_path, pyproject=f'[tool.poetry.dependencies]\npython = "^3.10"\ntorch = {wish}\n')
    assert any("excludes" in message for message in said(tmp_path)) is excluded


def test_a_project_of_nothing_but_settings_is_none(tmp_path: Path) -> None:
    write(tmp_path, pyproject="[tool.ruff]\nline-length = 100\n", cfg="[flake8]\n")
    assert said(tmp_path)[0].startswith("no file of the project says what to install")


def test_a_python_that_is_named_is_no_list_of_packages(tmp_path: Path) -> None:
    write(tmp_path, pyproject='[project]\nname="x"\nrequires-python=">=3.12"\n')
    first, second = said(tmp_path)
    assert first.startswith("no file of the project says what to install")
    assert second == "pyproject.toml excludes what is installed: python 3.11.7 (>=3.12)"


def test_dependencies_that_stand_elsewhere_are_read_there(tmp_path: Path) -> None:
    dynamic = '[project]\nname="x"\ndynamic=["dependencies"]\n'
    write(tmp_path, pyproject=dynamic, requirements="torch\n")
    assert said(tmp_path)[0].startswith(
        "pyproject.toml: could not be read: its dependencies are dynamic"
    )
    write(
        tmp_path,
        pyproject=dynamic + '[tool.setuptools.dynamic]\ndependencies={file="requirements.txt"}\n',
    )
    assert said(tmp_path) == []


def test_through_the_lockfile_that_was_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements="torch==2.0\n",
        pyproject='[project]\nname="x"\ndependencies=["torch>2"]\n',
    )
    own = lockfile.find(tmp_path)
    found = lockfile.contradicting(own, [tmp_path, tmp_path], [TORCH], PROBE)
    assert [item.message for item in found][1:] == [
        "pyproject.toml and requirements.txt exclude each other: torch (>2 against ==2.0)"
    ]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, pyproject="[project\n", requirements="torch\n")
    (message,) = said(tmp_path)
    assert message.startswith("pyproject.toml: could not be read: ")


def test_long_lists_end_in_a_count(tmp_path: Path) -> None:
    write(tmp_path, requirements="".join(f"p{i:03}<1\n" for i in range(100)))
    installed = [Package(f"p{i:03}", "2") for i in range(100)]
    assert said(tmp_path, *installed)[0].endswith("p007 2 (<1) and 92 more")


# --- two requirements -----------------------------------------------------------------------------


def asked(text: str) -> Requirement:
    found = single(f"x{text}")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (">=2", "<2", True),
        (">=2", "<=2", False),
        (">2", "<=2", True),
        (">1", "<2", False),
        (">1.0", "<1.1", False),
        ("==1.13", ">=2", True),
        ("==1.13", "==1.13.0", False),
        ("==1.13.*", "<1.13", True),
        ("==1.13.*", ">=1.13.5", False),
        ("!=1", "==1", True),
        ("!=1", "", False),
        ("~=1.4", "<1.4", True),
        ("~=1.4", ">=1.9", False),
        ("<1", "<2", False),
        (">1", ">2", False),
        ("==2.1+cpu", "==2.1", False),
        ("==2.1+cpu", "==2.1+cu118", True),
        (">=1,<1.5", ">=1.5", True),
        (">=1,<1.5", ">1.4.9", False),
        (">=2.0rc1", "<2.0", True),
        ("what", ">=2", False),
    ],
)
def test_whether_two_leave_anything_in_common(one: str, other: str, apart: bool) -> None:
    assert exclude_each_other(asked(one), asked(other)) is apart
    assert exclude_each_other(asked(other), asked(one)) is apart
