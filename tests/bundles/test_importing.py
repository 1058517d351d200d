"""Where an imported run goes, and what is there when an import does not end."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench import Project, Repro


def test_an_empty_folder_gets_a_store(exported: Path, repro: Repro, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    run = repro("import", str(exported), cwd=here).expect(0).out.strip()
    assert repro("list", "--json", cwd=here).expect(0).document["runs"][0]["id"] == run
    assert repro("show", "--json", cwd=here).expect(0).document["id"] == run
    below = here / "below"
    below.mkdir()
    assert repro("show", "--json", cwd=below).expect(0).document["id"] == run


def test_a_project_takes_it_beside_its_own(exported: Path, project: Project) -> None:
    own = project.record("python", "train.py")["id"]
    run = project.repro("import", str(exported), cwd=project.path).expect(0).out.strip()
    assert {item["id"] for item in project.runs()} == {own, run}
    assert project.git("status", "--porcelain") == ""
    said = project.repro("diff", own, run, "--json", cwd=project.path)
    assert "data" in said.document


def test_a_replay_takes_the_data_from_the_store(
    exported: Path, repro: Repro, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    repro("import", str(exported), cwd=here).expect(0)
    hidden = exported.parent / "project-remote"
    shutil.move(hidden, exported.parent / "hidden")
    try:
        done = repro("replay", "latest", "--engine", "venv", "--json", cwd=here).expect(0)
    finally:
        shutil.move(exported.parent / "hidden", hidden)
    assert done.verdict == "identical"


def test_again_is_said_and_changes_nothing(exported: Path, repro: Repro, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    repro("import", str(exported), cwd=here).expect(0)
    assert "had already" in repro("import", str(exported), cwd=here).expect(0).err


def test_what_is_no_bundle_is_one_line(repro: Repro, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    repro("import", str(here / "gone.tar"), cwd=here).complains(2, "no file")
    (here / "x.tar").write_bytes(b"no tar")
    repro("import", "x.tar", cwd=here).complains(2, "refused")
    repro("import", ".", cwd=here).expect(2)


def test_an_import_that_is_killed_is_cleared(exported: Path, repro: Repro, tmp_path: Path) -> None:
    from repro.store import Store

    here = tmp_path / "here"
    here.mkdir()
    store = Store.open(here)
    left = store.root / "tmp" / "1-abcdef0123456789"
    (left / "blobs").mkdir(parents=True)
    (left / "blobs" / "half").write_bytes(b"x")
    repro("import", str(exported), cwd=here).expect(0)
    assert not list((store.root / "tmp").iterdir())


def test_outside_of_any_project_there_is_still_a_clear_word(repro: Repro, tmp_path: Path) -> None:
    repro("show", cwd=tmp_path).complains(2, "not a git repository")


def test_what_is_ignored_elsewhere_is_no_reason_to_refuse(project: Project, tmp_path: Path) -> None:
    project.write("repro.yaml", "ignore_outputs: [/scratch/cache/]\n")
    project.commit()
    project.record("python", "train.py")
    target = tmp_path / "run.tar"
    project.repro("export", "latest", str(target), cwd=project.path).expect(0)
    (tmp_path / "elsewhere").mkdir()
    project.repro("import", str(target), cwd=tmp_path / "elsewhere").expect(0)
