"""A bug in a process that replays: said in a line, its traceback kept in a file, and shown to nobody."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from workbench import Project

from repro import bugs
from repro.manifest import REDACTED

PLANTED = "repro.replaying.once = planted"
BUG = """\
import sys
if "repro.verifying.worker" in sys.orig_argv:
    import repro.replaying
    def planted(project, run, options, *rest):
        raise {raised}
    {where}
"""
TRAIN = "import json\njson.dump({'loss': 0.5}, open('metrics.json', 'w'))\n"


@pytest.fixture
def planted(project: Project, tmp_path: Path) -> tuple[Project, dict[str, str | None]]:
    """A recorded run, and variables under which whoever replays it runs into a bug."""
    project.write("train.py", TRAIN)
    project.commit()
    project.record("python", "train.py", options=("--name", "train"))
    folder, temporary = tmp_path / "planted", tmp_path / "temporary"
    temporary.mkdir()
    plant(folder)
    return project, {"PYTHONPATH": str(folder), "TMPDIR": str(temporary)}


def plant(folder: Path, raised: str = "ZeroDivisionError('of ours')") -> None:
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(BUG.format(raised=raised, where=PLANTED))


def tracebacks(env: dict[str, str | None]) -> list[Path]:
    return sorted(Path(env["TMPDIR"] or "").glob("repro-traceback-*.txt"))


def test_its_traceback_is_in_the_file_that_the_report_names(
    planted: tuple[Project, dict[str, str | None]],
) -> None:
    project, env = planted
    words = ("verify", "train", "--engine", "venv")
    done = project.repro(*words, "--json", env=env)
    assert done.code == 3 and "Traceback" not in done.out + done.err
    (run,) = done.document["runs"]
    assert run["verdict"] == "unreplayable"
    assert run["reasons"] == ["a bug in repro: ZeroDivisionError: of ours"]
    (path,) = tracebacks(env)
    assert run["next_step"] == f"please report it with the traceback in {path}"
    assert "in planted" in path.read_text() and path.stat().st_mode & 0o077 == 0
    said = project.repro(*words, env=env)
    assert "Traceback" not in said.out + said.err
    assert "repro-traceback-" in "".join(said.out.split())


def test_a_secret_stands_in_neither(planted: tuple[Project, dict[str, str | None]]) -> None:
    project, env = planted
    project.write("repro.yaml", "env: [DB_PASSWORD]\n")
    project.commit()
    options = ("--name", "secret", "--redact")
    project.record("python", "train.py", options=options, env={"DB_PASSWORD": "correct-horse-7"})
    plant(Path(env["PYTHONPATH"] or ""), "KeyError(dict(options.env))")
    words = ("verify", "secret", "--engine", "venv", "--env", "DB_PASSWORD=another-horse-8")
    done = project.repro(*words, env=env)
    (path,) = tracebacks(env)
    for text in (done.out, done.err, path.read_text()):
        assert "another-horse-8" not in text
    assert REDACTED in path.read_text() and done.code == 3


def test_a_full_disk_is_no_bug(planted: tuple[Project, dict[str, str | None]]) -> None:
    project, env = planted
    plant(Path(env["PYTHONPATH"] or ""), "OSError(28, 'No space left on device', '/x')")
    done = project.repro("verify", "train", "--engine", "venv", "--json", env=env).expect(3)
    assert done.document["runs"][0]["reasons"] == ["no space left on device: /x"]
    assert tracebacks(env) == []


def test_a_self_test_that_runs_into_one_names_the_file(
    planted: tuple[Project, dict[str, str | None]],
) -> None:
    project, env = planted
    words = ("verify", "train", "--engine", "venv", "--self-test", "--json")
    (test,) = project.repro(*words, env=env).document["self_tests"]
    assert not test["passed"] and any(str(path) in test["error"] for path in tracebacks(env))


def test_where_no_file_can_be_written_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(**words: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bugs.tempfile, "mkstemp", full)
    assert bugs.kept(ValueError("x")) is None
    assert "no temporary file" in bugs.hint(None)


def test_a_secret_in_another_goes_whole() -> None:
    error = ValueError("ab and abc")
    assert (
        bugs.said(error, ["ab", "abc", ""])
        == f"a bug in repro: ValueError: {REDACTED} and {REDACTED}"
    )
    assert "ab and" not in bugs.text(error, ["ab"])


def test_who_is_dismissed_before_it_has_begun_says_nothing() -> None:
    for _ in range(5):
        words = [sys.executable, "-m", "repro.verifying.worker"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert (done.stdout, done.stderr) == (b"", b""), done.stderr.decode()
        assert done.returncode in (0, 130)
