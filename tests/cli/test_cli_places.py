"""Where a command is called from, and where in a repository the project lies."""

from __future__ import annotations

from collections.abc import Callable

from workbench import OUTPUTS, Project, plain_training


def outputs(run: dict) -> set[str]:
    return {item["path"] for item in run["manifest"]["result"]["outputs"]}


def test_a_run_from_a_subfolder_is_recorded_and_replayed_there(project: Project) -> None:
    project.write("tools/show.py", "print('hello'); open('made.json', 'w').write('{\"a\": 1}')")
    project.commit()
    run = project.record("python", "show.py", cwd=project.path / "tools")
    assert run["manifest"]["definition"]["working_directory"] == "tools"
    assert outputs(run) == {"tools/made.json"}
    assert project.replay(engine="venv").expect(0).verdict == "identical"


def test_show_list_and_replay_work_from_any_subfolder(project: Project) -> None:
    run = project.record("python", "train.py")
    below = project.path / "data"
    assert project.repro("show", "--json", cwd=below).expect(0).document["id"] == run["id"]
    assert project.repro("list", "--json", cwd=below).expect(0).document["total"] == 1
    words = ("replay", "../models/model.bin", "--engine", "venv", "--json")
    assert project.repro(*words, cwd=below).expect(0).verdict == "identical"


def test_a_project_in_a_subfolder_of_a_bigger_repository_has_its_own_store(
    make_project: Callable[..., Project],
) -> None:
    """The project is where repro.yaml is; the workspace is the whole repository."""
    project = make_project("monorepo")
    inner = Project(project.path / "teams" / "vision", project.repro)
    plain_training(inner)
    # one repository, not two
    (inner.path / ".git").rename(project.path / ".git")
    inner.write("repro.yaml", "metrics: [metrics.json]\n")
    project.write("shared/constants.py", "RATE = 1\n")
    project.commit("Everything in one repository")

    run = inner.record("python", "train.py")
    manifest = run["manifest"]
    assert manifest["provenance"]["project"] == "teams/vision"
    assert manifest["definition"]["working_directory"] == "teams/vision"
    assert outputs(run) == {f"teams/vision/{path}" for path in OUTPUTS}
    assert not (project.path / ".repro").exists()
    assert (inner.path / ".repro" / "runs" / run["id"]).is_file()
    assert not project.git("status", "--porcelain"), "git does not see the store"
    assert inner.replay(engine="venv").expect(0).verdict == "identical"


def test_code_outside_the_projects_folder_is_part_of_its_source(
    make_project: Callable[..., Project],
) -> None:
    project = make_project("monorepo")
    project.write("shared/constants.py", "RATE = 0.5\n")
    project.write("app/repro.yaml", "command: python main.py\n")
    project.write(
        "app/main.py",
        "import sys; sys.path.insert(0, '../shared'); import constants, json\n"
        "json.dump({'rate': constants.RATE}, open('metrics.json', 'w'))\n",
    )
    project.git("init", "--quiet")
    project.commit()
    app = Project(project.path / "app", project.repro)
    first = app.record()
    assert app.replay(engine="venv").expect(0).verdict == "identical"
    project.write("shared/constants.py", "RATE = 0.25\n")
    second = app.record()
    assert first["manifest"]["definition_id"] != second["manifest"]["definition_id"]


def test_a_dvc_project_in_a_subfolder_is_the_project(make_project: Callable[..., Project]) -> None:
    """`dvc init --subdir`."""
    outer = make_project("repository")
    inner = Project(outer.path / "ml", outer.repro)
    plain_training(inner)
    (inner.path / ".git").rename(outer.path / ".git")
    outer.commit("Everything one folder further down")
    inner.git("rm", "--quiet", "--cached", "data/points.csv")
    inner.dvc("init", "--subdir")
    inner.dvc("add", "data/points.csv")
    outer.commit()
    run = inner.record("python", "train.py")
    manifest = run["manifest"]
    assert manifest["provenance"]["project"] == "ml"
    assert [item["path"] for item in manifest["definition"]["data"]] == ["ml/data/points.csv"]
    assert (inner.path / ".repro").is_dir() and not (outer.path / ".repro").exists()
    assert inner.replay(engine="venv").expect(0).verdict == "identical"


def test_a_linked_work_tree_records_runs_of_its_own(project: Project) -> None:
    second = Project(project.path.with_name("second"), project.repro)
    project.git("worktree", "add", "--quiet", str(second.path))
    second.record("python", "train.py")
    assert (second.path / ".repro").is_dir() and not (project.path / ".repro").exists()
    assert not second.git("status", "--porcelain")
    assert second.replay(engine="venv").expect(0).verdict == "identical"


def test_the_users_repository_is_left_as_it_was(project: Project) -> None:
    project.write("train.py", (project.path / "train.py").read_text() + "# a change\n")
    project.write("new.txt", "untracked\n")
    project.git("add", "train.py")
    before = project.git("status", "--porcelain=v2"), project.git("for-each-ref")
    index = (project.path / ".git" / "index").read_bytes()
    project.record("python", "train.py")
    project.replay(engine="venv").expect(0)
    assert (project.path / ".git" / "index").read_bytes() == index
    assert (project.git("status", "--porcelain=v2"), project.git("for-each-ref")) == before
