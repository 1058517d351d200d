"""What a run adds to is an input, as it was before."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Project

from repro.capturing import earlier, files

ADDS = """\
import json, sqlite3
with open("history.jsonl", "a") as stream:
    stream.write(json.dumps({"loss": 0.5}) + "\\n")
rows = open("history.jsonl").read().count("\\n")
base = sqlite3.connect("study.db")
base.execute("create table if not exists trials (value real)")
base.execute("insert into trials values (0.5)")
base.commit()
print("loss:", 1 / rows, "trials score:", base.execute("select count(*) from trials").fetchone()[0])
"""


def added(top: Path, changed: dict[str, str | None], copies: Path) -> list[str]:
    """Which of the files that lie there are added to by these changes; None: deleted."""
    copies.mkdir()
    kept = earlier.keep(top, files.scan(top, top), copies)
    for name, content in changed.items():
        (top / name).unlink(missing_ok=True)
        if content is not None:
            (top / name).write_text(content)
    written = [name for name, content in changed.items() if content is not None]
    return list(earlier.added_to(kept, top, written, set(changed) - set(written)))


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"a.csv": "x\n1\n2\n"}, ["a.csv"]),
        ({"a.csv": "x\n2\n"}, []),
        ({"a.csv": "x\n1\n"}, []),
        ({"a.csv": None}, []),
        ({"new.csv": "x\n1\n2\n"}, []),
        ({"a.csv": "fresh", "a.csv.1": "x\n1\n2\n"}, ["a.csv"]),
        ({"a.csv": None, "other.csv": "x\n1\n2\n"}, []),
    ],
)
def test_a_file_that_goes_on_from_what_it_held(
    tmp_path: Path, changed: dict[str, str | None], expected: list[str]
) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "a.csv").write_text("x\n1\n")
    (top / "still.csv").write_text("x\n")
    assert added(top, changed, tmp_path / "copies") == expected


def test_only_small_files_of_kinds_that_are_added_to_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, copies = tmp_path / "top", tmp_path / "copies"
    for folder in (top, copies):
        folder.mkdir()
    for name in ("a.log", "b.bin", "c.CSV", "d.log.3", "empty.log", "script.py"):
        (top / name).write_text("" if name == "empty.log" else "text")
    (top / "large.log").write_text("x" * 20)
    (top / "link.log").symlink_to("a.log")
    monkeypatch.setattr(earlier, "EACH", 10)
    monkeypatch.setattr(earlier, "_MLFLOWS", b"CREATE")
    (top / "mlflow.db").write_text("CREATE")
    kept = earlier.keep(top, files.scan(top, top), copies)
    assert sorted(kept.copies) == ["a.log", "c.CSV", "d.log.3"]
    monkeypatch.setattr(earlier, "ALL", 9)
    assert len(earlier.keep(top, files.scan(top, top), copies).copies) == 2
    lost = tmp_path / "not there"
    assert earlier.keep(top, files.scan(top, top), lost).copies == {}


def test_a_second_run_that_goes_on_from_the_first_is_replayed_from_there(project: Project) -> None:
    project.write("train.py", ADDS)
    project.write(".gitignore", "*.jsonl\n*.db\n")
    project.commit()
    project.record("python", "train.py")
    run = project.record("python", "train.py")
    before = {item["path"]: item["size"] for item in run["manifest"]["definition"]["inputs"]}
    assert before["history.jsonl"] == 14 and "study.db" in before
    done = project.replay(engine="venv").expect(0)
    assert done.verdict == "identical"
    metrics = {item["name"]: item["a"] for item in done.document["metrics"]}
    assert metrics["trials score"] == 2
