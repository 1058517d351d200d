"""What an earlier run left in the work tree: the same thing recorded twice has the same definition."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import workbench

from repro import project as projects
from repro import recording
from repro.logs import Silent
from repro.manifest import Finding, Manifest, Severity, SourceState, definition_id
from repro.recording import Request

TRAIN = """\
import json
from pathlib import Path

metrics = Path("metrics.json")
metrics.write_text(json.dumps({"loss": 0.25}))
"""
RESUME = """\
import json
from pathlib import Path

state = Path("state.json")
steps = json.loads(state.read_text())["steps"] if state.exists() else 0
state.write_text(json.dumps({"steps": steps + 1}))
Path("metrics.json").write_text(json.dumps({"loss": 1 / (steps + 1)}))
"""


class Trained:
    """A git project with a training, recorded through the library."""

    def __init__(self, made: workbench.Project, environ: Mapping[str, str]) -> None:
        self.made, self.environ = made, environ

    @property
    def path(self) -> Path:
        return self.made.path

    def start(self, train: str = TRAIN, **files: str) -> None:
        """The first commit: the training, and files by name (``__`` for a slash, ``_`` for a dot)."""
        self.made.write("train.py", train)
        for name, content in files.items():
            self.made.write(name.replace("__", "/").replace("_", "."), content)
        self.made.git("init", "--quiet")
        self.made.commit()

    def record(self, at: str = ".", *argv: str) -> Manifest:
        folder = self.path / at
        request = Request(argv or ("python", "train.py"), folder, self.environ)
        here = projects.locate(folder, create=True)
        run = recording.record(here, request, Silent())
        assert run.manifest.result.exit_code == 0
        return run.manifest

    def capture(self) -> Manifest:
        request = Request(("python", "train.py"), self.path, self.environ)
        return recording.capture(projects.locate(self.path, create=True), request).manifest

    def status(self) -> str:
        return self.made.git("status", "--porcelain", "--untracked-files=all")


@pytest.fixture
def trained(
    make_project: Callable[..., workbench.Project],
    empty_venv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Trained:
    # the engine has no part in this; whatever stands here, the definition is the same both times
    environ = {
        **os.environ,
        "PATH": f"{empty_venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "REPRO_BASE_IMAGE": "example.invalid/base:1",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
    return Trained(make_project(), environ)


def notes(manifest: Manifest) -> list[Finding]:
    return [item for item in manifest.findings if "left over from before" in item.message]


def same(one: Manifest, other: Manifest) -> bool:
    return definition_id(one.definition) == definition_id(other.definition)


def test_untracked_metrics_of_the_first_run_are_no_source_of_the_second(trained: Trained) -> None:
    trained.start()
    first, second, third = (trained.record() for _ in range(3))
    assert same(first, second) and same(second, third)
    assert second.definition.source.tree == trained.made.git("rev-parse", "HEAD^{tree}")
    assert second.provenance.changed == ()
    assert notes(first) == []
    (note,) = notes(second)
    assert (note.severity, note.subject) == (Severity.NOTE, "source")
    assert "metrics.json" in note.message
    assert [item.state for item in second.result.metric_sources] == [SourceState.READ]
    assert second.result.metrics == first.result.metrics
    assert second.result.modified_inputs == ()


def test_ignored_metrics_are_no_matter_at_all(trained: Trained) -> None:
    trained.start(_gitignore="metrics.json\n")
    first, second = trained.record(), trained.record()
    assert same(first, second)
    assert notes(second) == []


@pytest.mark.parametrize("declared", ["metrics", "outputs"])
def test_tracked_metrics_that_are_declared_are_no_source_though_they_change(
    trained: Trained, declared: str
) -> None:
    trained.start(metrics_json='{"loss": 9}', repro_yaml=f"{declared}: metrics.json\n")
    first, second = trained.record(), trained.record()
    assert trained.status() == "M metrics.json"  # what git() returns has no blank in front
    assert same(first, second)
    assert second.definition.source.tree == trained.made.git("rev-parse", "HEAD^{tree}")
    assert len(notes(second)) == 1
    assert [item.state for item in second.result.metric_sources] == [SourceState.READ]


def test_tracked_files_that_nobody_declares_stay_source_and_the_run_is_told(
    trained: Trained,
) -> None:
    trained.start(metrics_json='{"loss": 9}')
    first, second = trained.record(), trained.record()
    assert first.result.modified_inputs == ("metrics.json",)
    assert any("rewrote its own inputs: metrics.json" in item.message for item in first.findings)
    # the second began with other files than the first: it is another definition
    assert not same(first, second)
    assert notes(second) == []
    assert same(second, trained.record())


def test_a_change_of_the_code_is_still_a_change(trained: Trained) -> None:
    trained.start()
    first = trained.record()
    trained.made.write("train.py", TRAIN + "# other\n")
    second = trained.record()
    assert not same(first, second)
    assert second.provenance.changed == ("M train.py",)


def test_untracked_code_that_the_run_does_not_write_stays_source(trained: Trained) -> None:
    trained.start()
    trained.made.write("settings.py", "lr = 1\n")
    first, second = trained.record(), trained.record()
    assert same(first, second)
    assert first.provenance.changed == second.provenance.changed == ("?? settings.py",)
    trained.made.write("settings.py", "lr = 2\n")
    assert not same(first, trained.record())


def test_an_untracked_file_that_the_run_reads_and_rewrites_is_said(trained: Trained) -> None:
    trained.start(RESUME)
    trained.made.write("state.json", '{"steps": 3}')
    manifest = trained.record()
    (note,) = notes(manifest)
    assert note.severity is Severity.NOTE
    assert "state.json" in note.message
    assert "resuming from a checkpoint" in note.remedy
    # it is no part of the source: a replay starts without it, and cannot pretend otherwise
    assert manifest.provenance.changed == ()
    assert [item.value for item in manifest.result.metrics if item.name == "loss"] == [0.25]


def test_untracked_code_that_the_run_only_touches_stays_source(trained: Trained) -> None:
    trained.start(TRAIN + "Path('settings.py').chmod(0o600)\n")
    trained.made.write("settings.py", "lr = 1\n")
    manifest = trained.record()
    assert manifest.provenance.changed == ("?? settings.py",)
    assert notes(manifest) == []


def test_several_leftovers_in_folders_with_odd_names_are_taken_out(trained: Trained) -> None:
    names = ["out/a b.bin", "out/na\u00efve.bin", 'out/"q".bin', "out/new\nline.bin", "-dash"]
    body = "".join(f"Path({name!r}).write_bytes(b'x')\n" for name in names)
    trained.start(f"from pathlib import Path\nPath('out').mkdir(exist_ok=True)\n{body}")
    first, second = trained.record(), trained.record()
    assert same(first, second)
    assert {item.path for item in second.result.outputs} == set(names)
    (note,) = notes(second)
    assert all(name in note.message for name in names)


def test_a_name_that_is_no_utf8_is_taken_out_too(trained: Trained) -> None:
    trained.start("import os\nopen(b'na\\xefve.bin', 'w').close()\n")
    first, second = trained.record(), trained.record()
    assert same(first, second)
    assert [os.fsencode(item.path) for item in second.result.outputs] == [b"na\xefve.bin"]


def test_a_link_that_the_run_makes_anew_is_taken_out(trained: Trained) -> None:
    trained.start(
        TRAIN + "import os\nif os.path.lexists('latest'): os.unlink('latest')\n"
        "os.symlink('metrics.json', 'latest')\n"
    )
    assert same(trained.record(), trained.record())


def test_a_project_in_a_folder_of_its_repository_is_no_different(trained: Trained) -> None:
    trained.start(sub__repro_yaml="metrics: metrics.json\n", sub__train_py=TRAIN)
    first, second = trained.record("sub"), trained.record("sub")
    assert same(first, second)
    assert second.provenance.changed == ()


def test_a_branch_without_commits_is_no_different(trained: Trained) -> None:
    trained.made.write("train.py", TRAIN)
    trained.made.git("init", "--quiet")
    first, second = trained.record(), trained.record()
    assert same(first, second)
    assert second.provenance.changed == ("?? train.py",)


def test_staged_metrics_are_no_different(trained: Trained) -> None:
    """The run rewrites what is staged: an addition that no commit has, and no declaration names."""
    trained.start(repro_yaml="metrics: metrics.json\n")
    first = trained.record()
    trained.made.git("add", "metrics.json")
    second = trained.record()
    assert same(first, second)
    assert trained.made.git("diff", "--cached", "--name-only") == "metrics.json"


def test_the_work_tree_and_the_index_are_left_as_the_run_left_them(trained: Trained) -> None:
    trained.start(metrics_json='{"loss": 9}', repro_yaml="metrics: metrics.json\n")
    trained.record()
    before = trained.status()
    trained.record()
    assert trained.status() == before
    assert (trained.path / "metrics.json").read_text() == '{"loss": 0.25}'


def test_what_was_not_observed_is_taken_as_it_lies(trained: Trained) -> None:
    trained.start(repro_yaml="metrics: metrics.json\n")
    trained.made.write("metrics.json", '{"loss": 0.25}')
    manifest = trained.capture()
    assert [item.value for item in manifest.result.metrics] == [0.25]
    assert manifest.provenance.changed == ("?? metrics.json",)
    assert notes(manifest) == []


APPEND = """\
from pathlib import Path

with Path("results.csv").open("a") as rows:
    rows.write("loss\\n" if not rows.tell() else "")
    rows.write("0.25\\n")
"""


def test_rows_behind_those_of_an_earlier_run_are_told(trained: Trained) -> None:
    """Nobody reads them, and they are in the file whose digest is compared. It is not of the kinds that are
    copied before a run."""
    trained.start(APPEND.replace("results.csv", "results.out"), _gitignore="results.out\n")
    said = [_appended(trained.record()) for _ in range(3)]
    assert said[0] == ()
    assert all("results.out" in one.message and "commit it" in one.remedy for (one,) in said[1:])
    assert {one.severity for (one,) in said[1:]} == {Severity.RISKS}


def test_rows_of_an_earlier_run_that_were_taken_along_are_not(trained: Trained) -> None:
    trained.start(APPEND, _gitignore="results.csv\n")
    first, second = trained.record(), trained.record()
    assert "results.csv" not in {item.path for item in first.definition.inputs}
    assert "results.csv" in {item.path for item in second.definition.inputs}
    assert _appended(first) == _appended(second) == ()


def test_rows_behind_committed_ones_are_the_source_s(trained: Trained) -> None:
    trained.start(APPEND, results_csv="loss\n")
    assert _appended(trained.record()) == ()


def _appended(manifest: Manifest) -> tuple[Finding, ...]:
    return tuple(item for item in manifest.findings if "the run appended" in item.message)
