"""`repro init`: what it finds, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import ROOT, Project, Repro

from repro import config, initialising, plain_yaml
from repro.config import Config
from repro.errors import NotFound
from repro.initialising import Entry, Proposal


@pytest.fixture
def bare(tmp_path: Path, repro: Repro) -> Project:
    """A git repository with nothing in it, not even a commit."""
    path = tmp_path / "bare"
    path.mkdir()
    repro.folder = path
    made = Project(path, repro)
    made.git("init", "--quiet")
    return made


def proposed(project: Project) -> tuple[Proposal, Config, str]:
    """The proposal, the configuration that its text is, and the text."""
    proposal = initialising.propose(initialising.project_at(project.path))
    text = initialising.render(proposal)
    return proposal, config.parse(text.encode(), project.path / "repro.yaml"), text


def entry(project: Project, key: str) -> Entry:
    proposal, _, _ = proposed(project)
    return next(item for item in proposal.entries if item.key == key)


def uncommented(text: str) -> str:
    """With every example taken at its word: lines that begin with # and no blank."""
    lines = text.splitlines()
    return "\n".join(re.sub(r"^#(?=\w|  )", "", line) for line in lines)


def everything(path: Path) -> dict[str, bytes]:
    return {
        str(item.relative_to(path)): item.read_bytes()
        for item in sorted(path.rglob("*"))
        if item.is_file()
    }


# --- the text -------------------------------------------------------------------------------


def test_an_empty_project_gets_every_key_as_an_example(bare: Project) -> None:
    proposal, read, text = proposed(bare)
    assert [item.key for item in proposal.entries if item.set] == []
    assert read == Config(path=bare.path / "repro.yaml")
    assert proposal.next == ("repro", "run", "--", "python", "train.py")
    for key in config._KEYS:
        assert re.search(rf"^#{key}:", text, re.MULTILINE), key


def test_every_example_is_valid_when_its_mark_is_taken_away(bare: Project) -> None:
    _, _, text = proposed(bare)
    plain = uncommented(text)
    assert plain_yaml.load(plain).keys() == config._KEYS.keys()
    read = config.parse(plain.encode(), Path("repro.yaml"))
    assert read.tolerances and read.network and read.command and read.dockerfile
    yaml.safe_load(plain)


def test_every_key_is_explained_and_no_line_is_long(bare: Project) -> None:
    _, _, text = proposed(bare)
    for block in text.strip().split("\n\n")[1:]:
        assert re.match(r"# [A-Z]", block), block
    assert max(map(len, text.splitlines())) <= 100


@settings(max_examples=60)
@given(
    names=st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), min_size=1),
    is_set=st.booleans(),
)
def test_whatever_the_files_are_called_the_text_is_read_back(
    names: list[str], is_set: bool
) -> None:
    entries = (
        Entry("metrics", tuple(names), is_set, "Why.", seen=", ".join(names)),
        Entry("network", "true", True, "Why."),
    )
    text = initialising.render(Proposal(Path(), entries, ()))
    expected = {"network": True} | ({"metrics": names} if is_set else {})
    assert plain_yaml.load(text) == expected
    assert yaml.safe_load(text) == expected


# --- what is found --------------------------------------------------------------------------


def test_a_pipeline_is_found_and_needs_no_command(tmp_path: Path, repro: Repro) -> None:
    path = tmp_path / "digits"
    script = ROOT / "examples" / "prepare.sh"
    subprocess.run(
        ["bash", script, "digits-pipeline", path], env=repro.environment(), check=True,
        capture_output=True,
    )  # fmt: skip
    project = Project(path, repro)
    proposal, read, text = proposed(project)
    assert proposal.next == ("repro", "run")
    assert read.command == () and read.lockfile == "requirements.lock"
    # what dvc.yaml declares is found without being named: said, and not repeated
    assert read.metrics == read.outputs == read.params == ()
    assert "prepare, train, evaluate" in text
    assert "metrics.json (dvc.yaml)" in text
    assert "models/model.pkl (dvc.yaml)" in text


def test_a_project_with_runs_behind_it(project: Project) -> None:
    project.write("models/model.bin", b"\0")
    project.write("models/model.pkl", b"\0")
    project.write("metrics.json", '{"fit": {"loss": 0.5}, "name": "a"}')
    project.write("history.csv", "step,loss\n1,0.5\n2,0.25\n")
    proposal, read, _ = proposed(project)
    assert read.command == ("python", "train.py")
    assert read.metrics == ("history.csv", "metrics.json")
    assert read.outputs == ("models",)
    assert read.params == ()
    assert "params.json" in entry(project, "params").seen
    assert "fit.loss" in entry(project, "tolerances").value
    assert proposal.next == ("repro", "run")


def test_git_ignored_folders_for_models_are_seen_before_there_is_a_model(project: Project) -> None:
    found = entry(project, "outputs")
    assert not found.set
    assert found.seen == "models/ (ignored by git, nothing in it yet)"
    assert found.value == ("models/",)


def test_data_in_dvc_is_no_output(dvc_project: Project) -> None:
    dvc_project.write("weights/start.pt", b"0" * 100)
    dvc_project.dvc("add", "weights/start.pt")
    assert not entry(dvc_project, "outputs").set
    dvc_project.write("weights/end.pt", b"0" * 100)
    assert entry(dvc_project, "outputs").value == ("weights/",)


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("eval/scores.csv", "a,b\n1,2\n", True),
        ("results.json", '{"accuracy": 0.5}', True),
        ("results.json", '{"name": "x"}', False),
        ("results.json", "{", False),
        ("metrics.yaml", "loss: 1e-3\n", True),
        ("evaluation.txt", "0.5", False),
        ("a/b/c/d/metrics.json", '{"a": 1}', False),
        (".hidden/metrics.json", '{"a": 1}', False),
        ("data/measures.json", '{"a": 1}', False),
    ],
)
def test_files_that_are_called_like_metrics_and_hold_numbers(
    bare: Project, path: str, content: str, found: bool
) -> None:
    bare.write(path, content)
    assert entry(bare, "metrics").value == ((path,) if found else ("metrics.json", "reports/*.csv"))


def test_a_tracked_yaml_called_eval_is_a_configuration_and_no_metric(bare: Project) -> None:
    bare.write("conf/eval.yaml", "batch: 3\n")
    bare.write("scores.json", '{"a": 1}')
    bare.commit()
    assert entry(bare, "metrics").value == ("scores.json",)
    assert entry(bare, "params").value == ("conf/eval.yaml",)


def test_parameters_that_look_like_secrets_are_not_proposed(bare: Project) -> None:
    bare.write("config.yaml", "db:\n  password: hunter2hunter2\n")
    bare.write("conf/model.toml", "layers = 3\n")
    assert entry(bare, "params").value == ("conf/model.toml",)


@pytest.mark.parametrize(
    ("files", "value", "is_set"),
    [
        (["train.py"], "python train.py", True),
        (["src/train_model.py"], "python src/train_model.py", True),
        (["train.py", "scripts/train.py"], "python scripts/train.py", False),
        (["uv.lock", "train.py"], "uv run python train.py", True),
        (["pretraining.py", "trainer.py", "tests/train.py"], "python train.py", False),
        (["src/train_a b.py"], "python 'src/train_a b.py'", True),
    ],
)
def test_one_training_script_is_the_command(
    bare: Project, files: list[str], value: str, is_set: bool
) -> None:
    for name in files:
        bare.write(name, "")
    found = entry(bare, "command")
    assert (found.value, found.set) == (value, is_set)


def test_a_lockfile_is_set_and_a_list_of_wishes_is_only_mentioned(bare: Project) -> None:
    bare.write("requirements.txt", "numpy\ntorch>=2\n")
    found = entry(bare, "lockfile")
    assert not found.set and "leaves versions open" in found.seen
    bare.write("requirements.lock", "numpy==2.1.0 --hash=sha256:" + "0" * 64 + "\n")
    assert entry(bare, "lockfile").value == "requirements.lock"


def test_a_dockerfile_is_used_only_where_nothing_else_says_what_to_install(bare: Project) -> None:
    bare.write("Dockerfile", "FROM python:3.11-slim\n")
    assert proposed(bare)[1].dockerfile == "Dockerfile"
    bare.write("requirements.txt", "numpy\n")
    found = entry(bare, "image")
    # it may serve the model as well as train it, and it would move the run off this machine
    assert not found.set and found.seen.startswith("Dockerfile, not used")
    assert proposed(bare)[1].dockerfile is None


def test_variables_that_the_code_reads_are_named_and_not_let_through(bare: Project) -> None:
    bare.write(
        "train.py",
        'import os\nos.environ["SEED"]\nos.getenv("DATA_DIR", "x")\nos.environ.get("OMP_NUM_THREADS")\n'
        'os.environ["WANDB_API_KEY"]\nos.environ["HOME"]\n',
    )
    found = entry(bare, "env")
    assert found.value == ("DATA_DIR", "SEED")
    assert not found.set, "a person decides what is written down"


def test_what_trackers_write_is_ignored(bare: Project) -> None:
    bare.write("wandb/run-1/x.wandb", "")
    bare.write("logs/events.out.tfevents.123.host", "")
    assert proposed(bare)[1].ignored_outputs == ("wandb", "**/events.out.tfevents.*")


def test_untracked_files_over_the_cap_are_named(bare: Project) -> None:
    with bare.write("big.bin", "").open("wb") as stream:
        stream.truncate(config.UNTRACKED_CAP + 1)
    assert "big.bin" in entry(bare, "untracked_cap").seen


def test_names_that_yaml_cannot_hold_are_left_out(bare: Project) -> None:
    bare.write(os.fsdecode(b"models-\xff/a.pkl"), b"")
    bare.write("models #1: new/a\n.pkl", b"")
    _, read, _ = proposed(bare)
    assert read.outputs == ("models #1: new",)


def test_a_repository_inside_is_not_looked_into(bare: Project) -> None:
    bare.write("lib/train.py", "")
    bare.write("lib/models/a.pkl", "")
    bare.git("init", "--quiet", cwd=bare.path / "lib")
    _, read, _ = proposed(bare)
    assert read.command == () and read.outputs == ()


def test_too_many_of_a_kind_are_not_set_one_by_one(bare: Project) -> None:
    for number in range(20):
        bare.write(f"run{number}/metrics.json", '{"a": 1}')
        bare.write(f"run{number}/model.pkl", "")
    _, read, _ = proposed(bare)
    assert read.metrics == read.outputs == ()
    assert "and 16 more" in entry(bare, "metrics").seen


@pytest.mark.parametrize("content", ["stages: [", "stages:\n  a:\n    cmd: x ${no}\n"])
def test_a_dvc_yaml_that_cannot_be_read_is_said(dvc_project: Project, content: str) -> None:
    dvc_project.write("dvc.yaml", content)
    proposal, _, _ = proposed(dvc_project)
    assert "dvc.yaml could not be read" in entry(dvc_project, "command").seen
    assert proposal.next[:3] == ("repro", "run", "--")


def test_a_dvc_yaml_without_a_dvc_repository_is_said(bare: Project) -> None:
    bare.write("dvc.yaml", "stages:\n  a:\n    cmd: python a.py\n")
    assert "dvc init" in entry(bare, "command").seen


# --- where it goes --------------------------------------------------------------------------


def test_the_folder_is_the_nearest_project_else_what_looks_like_one_else_here(
    bare: Project,
) -> None:
    deep = bare.path / "team" / "ml" / "src"
    deep.mkdir(parents=True)

    def folder(**options: bool) -> Path:
        return initialising.project_at(deep, **options).folder

    assert folder() == deep
    bare.write("pyproject.toml", "")
    assert folder() == bare.path
    bare.write("team/ml/requirements.txt", "")
    assert folder() == deep.parent
    # a project that every other command takes for one goes before what only looks like one
    (bare.path / "team" / ".dvc").mkdir()
    assert folder() == deep.parents[1]
    bare.write("team/ml/src/repro.yaml", "")
    assert folder() == deep
    (deep / "repro.yaml").unlink()
    assert folder(here=True) == deep


def test_the_project_in_a_subfolder_has_paths_of_its_own(bare: Project) -> None:
    bare.write("metrics.json", '{"a": 1}')
    bare.write("train.py", "")
    bare.write("ml/train.py", "")
    bare.write("ml/out/metrics.json", '{"a": 1}')
    bare.write("ml/requirements.txt", "x\n")
    project = initialising.project_at(bare.path / "ml")
    text = initialising.render(initialising.propose(project))
    read = config.parse(text.encode(), Path("repro.yaml"))
    assert project.folder == bare.path / "ml" and project.prefix == "ml"
    assert read.metrics == ("out/metrics.json",)
    assert read.command == ("python", "train.py")


def test_a_dvc_project_in_a_subfolder(bare: Project) -> None:
    (bare.path / "ml").mkdir()
    folder = bare.path / "ml"
    bare.dvc("init", "--subdir", "--quiet", cwd=folder)
    bare.write("ml/params.yaml", "lr: 0.1\n")
    bare.write(
        "ml/dvc.yaml",
        "stages:\n  fit:\n    cmd: python fit.py\n    params: [lr]\n    outs: [model.pkl]\n"
        "    metrics: [m.json: {cache: false}]\n",
    )
    bare.write("ml/model.pkl", "")
    (folder / "deep").mkdir()
    project = initialising.project_at(folder / "deep")
    assert project.folder == folder
    text = initialising.render(initialising.propose(project))
    assert "pipeline of dvc.yaml: fit" in text
    assert "m.json (dvc.yaml)" in text and "model.pkl (dvc.yaml)" in text
    assert config.parse(text.encode(), Path("repro.yaml")).outputs == ()


def test_outside_a_git_repository(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not a git repository"):
        initialising.project_at(tmp_path)


# --- the command ----------------------------------------------------------------------------


def test_it_writes_the_file_and_git_s_exclude_and_nothing_else(
    project: Project, repro: Repro
) -> None:
    before = everything(project.path)
    done = repro("init", cwd=project.path).expect()
    after = everything(project.path)
    changed = {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)}
    assert changed == {"repro.yaml", ".git/info/exclude"}
    assert after[".git/info/exclude"].decode().splitlines()[-1] == ".repro/"
    assert done.out.startswith("wrote repro.yaml: it sets command")
    assert done.out.endswith("next: repro run\n")
    assert done.err == ""
    assert config.load(project.path).command == ("python", "train.py")
    assert project.git("status", "--porcelain") == "?? repro.yaml"


def test_what_is_proposed_runs(project: Project, repro: Repro) -> None:
    repro("init", cwd=project.path).expect()
    document = project.record()
    assert document["manifest"]["definition"]["command"]["argv"] == ["python", "train.py"]
    metrics = document["manifest"]["result"]["metrics"]
    assert sum(item["source"] != "<stdout>" for item in metrics) == 5


def test_a_run_is_watched_and_what_it_showed_is_written_down(project: Project) -> None:
    project.write(".gitignore", "raw/\n")
    project.write("raw/part.txt", "3")
    project.write(
        "fit.py",
        "import os\nprint('rows', open('raw/part.txt').read(), os.environ['PART_NAME'])\n"
        "print('took 3.2 s')\nopen('out.bin', 'w').write('x')\nprint('loss: 0.5')\n",
    )
    project.commit()
    env = {"PART_NAME": "a"}
    done = project.repro("init", "--", "python", "fit.py", cwd=project.path, env=env).expect()
    text = (project.path / "repro.yaml").read_text()
    settings = config.parse(text.encode(), Path("repro.yaml"))
    assert settings.command == ("python", "fit.py") and settings.env == ("PART_NAME",)
    assert "raw/part.txt" in text and "out.bin" in text and "<stdout> (loss" in text
    assert "printed and not compared: took (duration)" in text
    assert "PART_NAME" in done.out
    (run,) = project.runs()
    assert run["command"] == "python fit.py"
    project.repro("run", env=env).expect(0)


def test_a_command_that_fails_makes_no_repro_yaml(project: Project) -> None:
    project.repro("init", "python", "-c", "raise SystemExit(4)").complains(
        2, "ended with exit code 4", "no repro.yaml was written"
    )
    assert not (project.path / "repro.yaml").exists()


def test_a_repro_yaml_that_is_there_stays(project: Project, repro: Repro) -> None:
    path = project.write("repro.yaml", "network: true\n")
    repro("init", cwd=project.path).complains(2, "repro.yaml is there already", "--force")
    (project.path / "deep").mkdir()
    repro("init", cwd=project.path / "deep").complains(2, "--force", "--here")
    assert path.read_text() == "network: true\n"
    repro("init", "--force", cwd=project.path).expect()
    assert config.load(project.path).command == ("python", "train.py")
    repro("init", "--here", cwd=project.path / "deep").expect()
    assert (project.path / "deep" / "repro.yaml").exists()


def test_a_broken_repro_yaml_can_be_replaced(project: Project, repro: Repro) -> None:
    project.write("repro.yaml", "\tnetwork: true\n")
    repro("init", "--force", cwd=project.path).expect()
    config.load(project.path)


def test_a_dangling_link_is_not_written_through(project: Project, repro: Repro) -> None:
    (project.path / "repro.yaml").symlink_to("elsewhere.yaml")
    repro("init", cwd=project.path).complains(2, "is there already")
    assert not (project.path / "elsewhere.yaml").exists()


def test_print_writes_nothing_and_only_the_document(project: Project, repro: Repro) -> None:
    project.write("repro.yaml", "network: true\n")
    before = everything(project.path)
    done = repro("init", "--print", cwd=project.path).expect()
    assert everything(project.path) == before
    assert config.parse(done.stdout, Path("repro.yaml")).command == ("python", "train.py")
    assert done.err == ""


@pytest.mark.parametrize("where", ["in a subfolder", "in a linked work tree"])
def test_it_works_from(where: str, project: Project, repro: Repro) -> None:
    if where == "in a subfolder":
        (project.path / "requirements.txt").write_text("x\n")
        (project.path / "a" / "b").mkdir(parents=True)
        done = repro("init", cwd=project.path / "a" / "b").expect()
        assert done.out.startswith("wrote ../../repro.yaml")
        assert (project.path / "repro.yaml").exists()
    else:
        other = project.path.with_name("other")
        project.git("worktree", "add", "--quiet", str(other))
        repro("init", cwd=other).expect()
        assert (other / "repro.yaml").exists()
    exclude = (project.path / ".git" / "info" / "exclude").read_text()
    assert exclude.splitlines().count(".repro/") == 1


def test_outside_a_repository_it_says_so(tmp_path: Path, repro: Repro) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    repro("init", cwd=folder).complains(2, "not a git repository", "git init")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(project: Project, repro: Repro) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    project.path.chmod(0o555)
    try:
        repro("init", cwd=project.path).complains(2, "permission denied")
    finally:
        project.path.chmod(0o755)


@pytest.mark.parametrize("example", ["breast-cancer", "digits-pipeline", "unseeded-threads"])
def test_the_examples(example: str, make_project: Callable[..., Project], repro: Repro) -> None:
    project = make_project(example)
    shutil.copytree(ROOT / "examples" / example, project.path, dirs_exist_ok=True)
    project.git("init", "--quiet")
    done = repro("init", cwd=project.path).expect()
    assert config.load(project.path).lockfile == "requirements.lock"
    assert json.dumps(done.out)
