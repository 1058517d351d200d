"""Links on the way to what a run reads: told from what was read, recorded, and put back."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Project

from repro import outside
from repro.capturing import links
from repro.errors import Unreplayable
from repro.manifest import Descriptor

READS = """\
import glob, json
rows = [line for name in sorted(glob.glob("corpus/*.txt")) for line in open(name)]
json.dump({"rows": len(rows)}, open("metrics.json", "w"))
print("rows", len(rows))
"""


def leading(workspace: Path, *read: Path, home: tuple[Path, ...] = ()) -> links.Leading:
    inside = [str(path.relative_to(workspace)) for path in read if path.is_relative_to(workspace)]
    more = [str(path) for path in read if not path.is_relative_to(workspace)]
    found = [str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.is_symlink()]
    return links.leading(workspace, found, inside, [str(path) for path in home], *more)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_a_link_to_a_folder_elsewhere(workspace: Path, tmp_path: Path) -> None:
    (workspace / "data").symlink_to(tmp_path / "sets")
    (workspace / "other").symlink_to(tmp_path / "set")
    found = leading(workspace, tmp_path / "sets/a/b.txt")
    assert found.targets == {"data": str(tmp_path / "sets")}
    assert found.beyond == frozenset()


def test_a_link_to_a_file_and_one_within_the_project(workspace: Path, tmp_path: Path) -> None:
    (workspace / "in").mkdir()
    (workspace / "in/one.txt").symlink_to(tmp_path / "one.txt")
    (workspace / "latest").symlink_to("v2")
    found = leading(workspace, tmp_path / "one.txt", workspace / "v2/x")
    assert found.targets == {"in/one.txt": str(tmp_path / "one.txt"), "latest": "v2"}


def test_links_to_links_are_told_by_their_end(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "short").symlink_to(tmp_path / "disk")
    (workspace / "data").symlink_to("../short")
    assert leading(workspace, tmp_path / "disk/a").targets == {"data": str(tmp_path / "disk")}


def test_what_nothing_was_read_through_and_what_leads_back(workspace: Path, tmp_path: Path) -> None:
    (workspace / "unused").symlink_to(tmp_path / "sets")
    (workspace / "up").symlink_to("..")
    (workspace / "self").symlink_to(".")
    (workspace / "round").symlink_to("round")
    assert leading(workspace, tmp_path / "setsx", workspace / "a", tmp_path / "z").targets == {}


def test_what_lies_below_home_has_the_place_that_the_link_names(
    workspace: Path, tmp_path: Path
) -> None:
    (workspace / "data").symlink_to(tmp_path / "home/sets")
    inside, beside = tmp_path / "home/sets/a", tmp_path / "home/.cache/b"
    assert leading(workspace, home=(inside, beside)).beyond == frozenset({str(inside)})


@pytest.fixture
def linked(project: Project, tmp_path: Path) -> Project:
    """A training whose ignored ``corpus`` leads out of the project."""
    sets = tmp_path / "sets"
    sets.mkdir()
    (sets / "a.txt").write_text("1\n2\n")
    project.write("train.py", READS)
    project.write(".gitignore", "corpus\nmetrics.json\n")
    project.commit()
    (project.path / "corpus").symlink_to(sets)
    return project


def test_an_ignored_link_to_the_data_is_put_back(linked: Project) -> None:
    run = linked.record("python", "train.py")
    (link,) = (item for item in run["manifest"]["definition"]["inputs"] if item["path"] == "corpus")
    assert link["link"].endswith("/sets")
    (linked.path / "corpus").unlink()
    document = linked.replay(engine="venv").expect(0).document
    assert document["verdict"] == "identical"
    assert {item["name"]: item["b"] for item in document["metrics"]} == {"rows": 2}


def test_a_link_that_leads_elsewhere_is_named(linked: Project, tmp_path: Path) -> None:
    linked.record("python", "train.py")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.txt").write_text("1\n2\n3\n")
    (linked.path / "corpus").unlink()
    (linked.path / "corpus").symlink_to(tmp_path / "other")
    linked.record("python", "train.py")
    done = linked.repro("diff", "latest~1", "latest", "--json", cwd=linked.path).expect(1)
    (found,) = (
        item for item in done.document["comparison"]["ingredients"] if item["name"] == "corpus"
    )
    assert found["a"].startswith("a link to ") and found["b"].endswith("/other")


@pytest.mark.parametrize("leads", ["", "a\0b", "../../etc", "/srv/../etc"])
def test_a_link_that_nothing_of_ours_recorded(tmp_path: Path, leads: str) -> None:
    item = Descriptor("data", "sha256:" + "0" * 64, 1, link=leads)
    with pytest.raises(Unreplayable, match="data"):
        outside._link(item, tmp_path / "data")
    assert not (tmp_path / "data").is_symlink()


@pytest.mark.parametrize("path", ["/mine", "~/mine"])
def test_what_would_be_mounted_is_no_link(tmp_path: Path, path: str) -> None:
    """The engine would follow it on this machine, and show its files to the container."""
    item = Descriptor(path, "sha256:" + "0" * 64, 4, link="/etc")
    with pytest.raises(Unreplayable, match="mine"):
        outside._link(item, tmp_path / "mine")
    assert not (tmp_path / "mine").is_symlink()


@pytest.mark.docker
@pytest.mark.network
def test_in_a_container_a_link_into_the_home_folder_leads_there(
    linked: Project, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "sets").mkdir(parents=True)
    (home / "sets/a.txt").write_text("1\n2\n3\n")
    (linked.path / "corpus").unlink()
    (linked.path / "corpus").symlink_to(home / "sets")
    linked.record("python", "train.py", env={"HOME": str(home)})
    document = linked.replay().expect(0).document
    assert {item["name"]: item["b"] for item in document["metrics"]} == {"rows": 3}
