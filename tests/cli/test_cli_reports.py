"""The files and annotations of `repro verify`: there before the first replay, true after the last."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import test_specs
from workbench import Project, forked

UNSEEDED = "import json, random\njson.dump({'loss': random.random()}, open('metrics.json', 'w'))\n"
SEEDED = UNSEEDED.replace("json.dump", "random.seed(3)\njson.dump", 1)
KINDS = ("junit", "markdown", "gitlab")


@pytest.fixture
def two(project: Project) -> Project:
    """A run that repeats itself and one that does not."""
    project.write("seeded.py", SEEDED)
    project.write("unseeded.py", UNSEEDED)
    project.commit()
    project.record("python", "seeded.py", options=("--name", "good"))
    project.record("python", "unseeded.py", options=("--name", "bad"))
    return project


def reported(folder: Path) -> tuple[str, ...]:
    return tuple(word for kind in KINDS for word in (f"--{kind}", str(folder / f"{kind}.out")))


def read(folder: Path) -> tuple[ElementTree.Element, str, list[dict[str, str]]]:
    assert {path.name for path in folder.iterdir()} == {f"{kind}.out" for kind in KINDS}
    return (
        ElementTree.fromstring((folder / "junit.out").read_text()),
        (folder / "markdown.out").read_text(),
        json.loads((folder / "gitlab.out").read_text()),
    )


def test_red_and_green_in_every_form(two: Project, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "reports"
    words = ("verify", "--engine", "venv", *reported(folder))
    two.repro(*words, "good").expect(0)
    junit, markdown, gitlab = read(folder)
    assert (junit.get("failures"), junit.get("errors"), gitlab) == ("0", "0", [])
    assert int(junit.get("tests", "")) == 3 and markdown.startswith("## ✅")
    document = two.repro(*words, "good", "bad", "--json").expect(1).document
    test_specs.validate(document, "verification.schema.json")
    junit, markdown, gitlab = read(folder)
    assert int(junit.get("failures", "")) >= 2 and markdown.startswith("## ❌")
    assert {issue["location"]["path"] for issue in gitlab} == {"unseeded.py"}  # type: ignore[index]


def test_a_path_that_cannot_be_written_is_refused_before_the_first_replay(
    two: Project, tmp_path: Path
) -> None:
    two.write("file", "")
    places = {"file/x": "cannot write", str(tmp_path): "no file", "/dev/null": "no file",
              "-": "no file", "": "no file", "/proc/x/y": "cannot write"}  # fmt: skip
    for kind, (path, part) in zip(KINDS * 2, places.items()):
        done = two.repro("verify", "good", "--engine", "venv", f"--{kind}", path)
        done.complains(2, part)
        assert "restoring" not in done.err
    same = ("--junit", "same", "--markdown", "./same")
    two.repro("verify", "good", "--engine", "venv", *same).complains(2, "the same file")
    assert Path("/dev/null").is_char_device()


def test_what_prometheus_reads_is_written_at_the_end_alone(two: Project, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    path = tmp_path / "textfile" / "repro.prom"
    words = ("--engine", "venv", "--prometheus", str(path))
    two.repro("verify", "good", *words).expect(0)
    text = path.read_text()
    assert "repro_verification_passed 1.0" in text and 'run="good"' in text
    two.repro("verify", "nobody", *words).complains(2, "nobody")
    assert path.read_text() == text and [item.name for item in path.parent.iterdir()] == [path.name]
    two.repro("verify", "bad", "--engine", "venv", "--prometheus", tmp_path).complains(2, "no file")


def test_no_report_of_an_earlier_verification_is_left(two: Project, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    two.repro("verify", "good", "--engine", "venv", *reported(folder)).expect(0)
    two.repro("verify", "nobody", "--engine", "venv", *reported(folder)).complains(2, "nobody")
    junit, markdown, gitlab = read(folder)
    assert junit.get("errors") == "1" and markdown.startswith("## ❌") and len(gitlab) == 1
    assert "did not come to its end" in markdown


def test_they_are_whole_also_when_it_is_interrupted(two: Project, tmp_path: Path) -> None:
    two.write("slow.py", forked("import time\ntime.sleep(100)"))
    two.write("local/here", "")
    two.commit()
    two.record("python", "slow.py", options=("--name", "slow"))
    folder = tmp_path / "reports"
    words = ("verify", "good", "slow", "--engine", "venv", "-j", "2", *reported(folder))
    running = two.repro.start(*words)
    running.until(lambda: "good" in running.stderr and "identical" in running.stderr)
    assert (folder / "markdown.out").read_text().startswith("## ❌")
    running.interrupt()
    running.ended(60).expect(130)
    junit, markdown, gitlab = read(folder)
    assert int(junit.get("errors", "")) >= 2 and "not reached" in markdown and gitlab
    suites = {suite.get("name"): suite.get("errors") for suite in junit}
    assert suites["good"] == "0" and suites["repro verify"] == "1"


def test_a_link_stays_a_link(two: Project, tmp_path: Path) -> None:
    link = tmp_path / "link.xml"
    link.symlink_to(tmp_path / "real.xml")
    two.repro("verify", "good", "--engine", "venv", "--junit", link).expect(0)
    assert link.is_symlink() and (tmp_path / "real.xml").read_bytes().startswith(b"<?xml")


def test_github_gets_annotations_a_summary_and_no_command_of_a_stranger(
    two: Project, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# what the step said before\n")
    evil = UNSEEDED.replace("'loss'", "'::add-mask::loss'")
    two.write("evil.py", evil)
    two.commit()
    two.record("python", "evil.py", options=("--name", "evil"))
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    words = ("verify", "evil", "--engine", "venv")
    lines = two.repro(*words, env=env).expect(1).out.splitlines()
    stop, *shown, resume, error = lines
    token = stop.removeprefix("::stop-commands::")
    assert stop != token and len(token) == 32 and resume == f"::{token}::"
    assert error.startswith("::error file=evil.py,line=1,title=evil%3A different::")
    assert any(line.strip().startswith("::add-mask::") for line in shown)
    text = summary.read_text()
    assert text.startswith("# what the step said before\n## ❌")
    # where stdout is a document, nothing else is on it
    done = two.repro(*words, "--json", env=env).expect(1)
    assert done.document["exit_code"] == 1 and "::error file=evil.py" in done.err
    assert "::" not in two.repro("verify", "good", "--engine", "venv", "--no-github", env=env).out
    done = two.repro("verify", "good", "--engine", "venv", env=env).expect(0)
    assert done.out.splitlines()[-1].startswith("::notice title=repro verify::1 of 1 run passed")


def test_github_is_told_what_kept_it_from_verifying(two: Project) -> None:
    done = two.repro("verify", "nobody", "--github").complains(2, "nobody")
    assert done.out.splitlines()[-1].startswith("::error title=repro verify::there is no run")


def test_a_summary_that_is_full_takes_no_more(two: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * ((1 << 20) - 5000))
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    two.repro("verify", "bad", "--engine", "venv", "--github", env=env).expect(1)
    assert summary.stat().st_size <= 1 << 20
    assert "**Cut" in summary.read_text()
