"""What goes into a bundle, and that it is the same each time; what cannot be had is said."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
import workbench
from bundle_files import Parts, read
from workbench import Project

from repro.errors import UsageError
from repro.exporting import Options


def titles(parts: Parts) -> set[str]:
    key = "org.opencontainers.image.title"
    return {item["annotations"][key].removesuffix(".zst") for item in parts.bundle["layers"]}


def export(project: Project, name: str, *words: str, code: int = 0) -> Path:
    file = project.path.parent / name
    project.repro("export", "latest", str(file), *words, cwd=project.path).expect(code)
    return file


def test_without_options_the_source_recipe_log_and_small_outputs_are_inside(
    dvc_project: Project,
) -> None:
    dvc_project.write("train.py", workbench.TRAIN + "# changed\n")
    dvc_project.record("python", "train.py")
    parts = read(export(dvc_project, "run.tar"))
    assert titles(parts) == {
        "source/commit.pack", "source/worktree.pack", "environment/Dockerfile", "log/stdout",
        "outputs/workspace/metrics.json", "outputs/workspace/history.csv",
    }  # fmt: skip


def test_data_and_outputs_are_inside_on_request(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    plain = titles(read(export(dvc_project, "plain.tar")))
    more = titles(read(export(dvc_project, "more.tar", "--with", "data,outputs")))
    (data,) = {path for path in more - plain if path.startswith("data/files/")}
    assert more - plain == {data, "outputs/workspace/models/model.bin"}


def test_what_is_not_inside_is_said(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    (dvc_project.path / "models" / "model.bin").write_bytes(b"other")
    file = dvc_project.path.parent / "run.tar"
    done = dvc_project.repro(
        "export", "latest", str(file), "--with", "outputs", cwd=dvc_project.path
    ).expect(0)
    for part in ("the data", "the image", "the output models/model.bin"):
        assert f"not inside: {part}" in done.err


def test_the_same_run_gives_the_same_bytes(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    first = export(dvc_project, "a.tar", "--with", "data,outputs")
    for path in dvc_project.path.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1))
    second = export(dvc_project, "b.tar", "--with", "outputs,data")
    assert first.read_bytes() == second.read_bytes()


def test_a_moved_project_gives_the_same_bytes(dvc_project: Project, tmp_path: Path) -> None:
    dvc_project.record("python", "train.py")
    first = export(dvc_project, "a.tar", "--with", "data")
    moved = Project(tmp_path / "moved", dvc_project.repro)
    shutil.copytree(dvc_project.path, moved.path, symlinks=True)
    assert export(moved, "b.tar", "--with", "data").read_bytes() == first.read_bytes()


def test_members_belong_to_nobody_and_to_no_time(exported: Path) -> None:
    with tarfile.open(exported) as archive:
        for item in archive:
            assert item.isfile() and item.mode == 0o644
            assert (item.uid, item.gid, item.mtime, item.uname) == (0, 0, 0, "")


def test_data_that_is_nowhere_is_named(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    shutil.rmtree(dvc_project.path / ".dvc" / "cache")
    shutil.rmtree(dvc_project.path.with_name(dvc_project.path.name + "-remote"))
    file = dvc_project.path.parent / "run.tar"
    done = dvc_project.repro("export", "latest", str(file), "--with", "data", cwd=dvc_project.path)
    done.complains(3, "data/points.csv")
    assert not file.exists()


def test_a_damaged_cache_is_passed_over(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    good = export(dvc_project, "good.tar", "--with", "data")
    for path in (dvc_project.path / ".dvc" / "cache").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"x" * path.stat().st_size)
    assert export(dvc_project, "again.tar", "--with", "data").read_bytes() == good.read_bytes()
    remote = dvc_project.path.with_name(dvc_project.path.name + "-remote")
    for path in remote.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"")
    file = dvc_project.path.parent / "none.tar"
    done = dvc_project.repro("export", "latest", str(file), "--with", "data", cwd=dvc_project.path)
    done.complains(2, "data/files/", "not what was recorded")
    assert not file.exists() and not list(file.parent.glob(".writing*"))


def test_a_damaged_store_is_said(project: Project) -> None:
    run = project.record("python", "train.py")
    item = next(x for x in run["manifest"]["contents"] if x["path"] == "source/commit.pack")
    blob = project.path / ".repro" / "blobs" / "sha256" / item["digest"][7:]
    blob.write_bytes(b"")
    file = project.path.parent / "run.tar"
    project.repro("export", "latest", str(file), cwd=project.path).complains(2, "commit.pack")
    assert not file.exists()


def test_an_older_file_stays_where_an_export_fails(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    file = export(dvc_project, "run.tar", "--with", "data")
    before = file.read_bytes()
    shutil.rmtree(dvc_project.path / ".dvc" / "cache")
    shutil.rmtree(dvc_project.path.with_name(dvc_project.path.name + "-remote"))
    export(dvc_project, "run.tar", "--with", "data", code=3)
    assert file.read_bytes() == before


def test_a_folder_is_no_file_to_write(project: Project) -> None:
    project.record("python", "train.py")
    done = project.repro("export", "latest", str(project.path), cwd=project.path)
    done.complains(2)


@pytest.mark.parametrize(
    ("words", "complete", "expected"),
    [
        ("", False, Options()),
        ("data", False, Options(data=True)),
        (" data , image,", False, Options(data=True, image=True)),
        ("", True, Options(data=True, image=True)),
        ("packages,outputs", True, Options(True, True, True, True)),
    ],
)
def test_parts_are_named(words: str, complete: bool, expected: Options) -> None:
    assert Options.of(words, complete) == expected


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(UsageError, match="'everything'"):
        Options.of("data,everything", False)


def test_names_of_any_bytes_are_kept(dvc_project: Project, tmp_path: Path) -> None:
    name = os.fsdecode(b'caf\xe9 "quoted\\ \xf0\x9f\x90\xa6.txt')
    dvc_project.write("train.py", workbench.TRAIN + f"open({name!r}, 'w').write('x')\n")
    dvc_project.record("python", "train.py")
    file = export(dvc_project, "run.tar", "--with", "data")
    here = tmp_path / "here"
    here.mkdir()
    dvc_project.repro("import", str(file), cwd=here).expect(0)
    shown = dvc_project.repro("show", "--json", cwd=here).expect(0).document
    assert name in {item["path"] for item in shown["manifest"]["result"]["outputs"]}


def test_a_submodule_comes_along(project: Project, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    other = Project(inner, project.repro)
    other.write("inside.txt", "1")
    other.git("init", "--quiet")
    other.commit()
    project.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(inner), "sub"
    )
    project.commit("With a submodule")
    project.write("sub/inside.txt", "changed")
    project.record("python", "train.py")
    file = export(project, "run.tar")
    assert {"source/submodules/sub/commit.pack", "source/submodules/sub/worktree.pack"} <= titles(
        read(file)
    )
    here = tmp_path / "here"
    here.mkdir()
    project.repro("import", str(file), cwd=here).expect(0)
    done = project.repro("replay", "latest", "--engine", "venv", "--json", cwd=here).expect(0)
    assert done.verdict == "identical"


def test_fields_of_a_later_version_stay(exported: Path, honest: Parts) -> None:
    config = honest.bundle["config"]
    assert json.loads(honest.blobs[config["digest"]]) == honest.run
    assert honest.bundle["annotations"]["org.repro.run"] == config["digest"][7:]
