"""What a run left: which metrics count as its own, and which outputs are recorded."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro import canonical
from repro.capturing import files, results
from repro.capturing.results import Collected, Expected
from repro.manifest import Metric, MetricSource, SourceState

READ, EMPTY, UNREADABLE = SourceState.READ, SourceState.EMPTY, SourceState.UNREADABLE
MISSING, STALE = SourceState.MISSING, SourceState.STALE
NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
METRICS = '{"loss": 0.25}'


def nothing() -> None:
    pass


@dataclass
class Workspace:
    """A project, and runs in it that are a Python function each."""

    top: Path

    def write(self, name: str, content: str | bytes = METRICS, mode: int = 0o644) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def link(self, name: str, target: str | Path) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        return path

    def run(
        self,
        action: Callable[[], object],
        expected: Expected = Expected(),  # noqa: B008  frozen
        meanwhile: Callable[[], object] = nothing,
    ) -> Collected:
        """Collect after the action; ``meanwhile`` happens between the scan and the reading."""
        before = files.scan(self.top, self.top)
        action()
        after = files.scan(self.top, self.top)
        meanwhile()
        return results.collect(self.top, before, after, expected)

    def captured(self, expected: Expected) -> Collected:
        """Collect where no run was observed."""
        return results.collect(self.top, None, files.scan(self.top, self.top), expected)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    (tmp_path / "project").mkdir()
    return Workspace(tmp_path / "project")


def states(found: Collected) -> dict[str, SourceState]:
    return {item.path: item.state for item in found.sources}


def only(found: Collected) -> MetricSource:
    (source,) = found.sources
    return source


def values(found: Collected) -> dict[str, object]:
    return {f"{item.source}:{item.name}": item.value for item in found.metrics}


def paths(found: Collected) -> list[str]:
    return [item.path for item in found.outputs]


DECLARED = Expected(metrics=("metrics.json",))

# --- whose metrics are they? --------------------------------------------------------------------


@pytest.mark.parametrize("expected", [DECLARED, Expected(known_metrics=("metrics.json",))])
def test_a_metrics_file_left_over_and_not_rewritten_yields_nothing(
    space: Workspace, expected: Expected
) -> None:
    space.write("metrics.json")
    found = space.run(nothing, expected)
    assert states(found) == {"metrics.json": STALE}
    assert found.metrics == found.outputs == ()


def test_the_very_same_bytes_written_again_count(space: Workspace) -> None:
    space.write("metrics.json")
    found = space.run(lambda: space.write("metrics.json"), DECLARED)
    assert states(found) == {"metrics.json": READ}
    assert values(found) == {"metrics.json:loss": 0.25}


def test_a_file_renamed_over_the_old_one_counts(space: Workspace) -> None:
    space.write("metrics.json")
    found = space.run(lambda: space.write("tmp.json").rename(space.top / "metrics.json"), DECLARED)
    assert states(found) == {"metrics.json": READ}
    assert paths(found) == ["metrics.json"]


def test_a_rewrite_within_the_tick_of_the_first_write_counts(space: Workspace) -> None:
    space.write("metrics.json")
    found = space.run(lambda: space.write("metrics.json", '{"loss": 0.75}'), DECLARED)
    assert values(found) == {"metrics.json:loss": 0.75}


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_chmod_makes_no_measurement_of_an_old_file(space: Workspace, mode: int) -> None:
    path = space.write("metrics.json")
    found = space.run(lambda: path.chmod(mode), DECLARED)
    assert states(found) == {"metrics.json": STALE}
    assert "mode" in only(found).detail
    assert found.metrics == ()


def test_an_old_file_moved_away_and_back_is_no_measurement(space: Workspace) -> None:
    path = space.write("metrics.json")
    found = space.run(lambda: path.rename(space.top / "backup").rename(path), DECLARED)
    assert states(found) == {"metrics.json": STALE}


def test_a_time_set_back_to_the_nanosecond_makes_a_metric_stale_and_leaves_the_output_recorded(
    space: Workspace,
) -> None:
    """Nobody can tell it from a chmod: the metric is withheld, and the file is compared all the same."""
    path = space.write("metrics.json")
    status = path.stat()

    def rewrite() -> None:
        path.write_text('{"loss": 0.75}')
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    found = space.run(rewrite, DECLARED)
    assert states(found) == {"metrics.json": STALE}
    assert found.outputs[0].digest == canonical.digest_bytes(b'{"loss": 0.75}')


def test_a_time_set_to_the_distant_past_counts_as_written(space: Workspace) -> None:
    path = space.write("metrics.json")
    found = space.run(lambda: (path.write_text(METRICS), os.utime(path, (0, 0))), DECLARED)
    assert states(found) == {"metrics.json": READ}


def test_a_metrics_file_that_is_not_written_at_all_is_missing(space: Workspace) -> None:
    assert states(space.run(nothing, DECLARED)) == {"metrics.json": MISSING}


def test_a_metrics_file_that_the_run_deletes_is_missing(space: Workspace) -> None:
    path = space.write("metrics.json")
    found = space.run(path.unlink, DECLARED)
    assert states(found) == {"metrics.json": MISSING}
    assert found.changes.deleted == ("metrics.json",)


def test_what_an_unchanged_stage_left_is_vouched_for(space: Workspace) -> None:
    space.write("metrics.json")
    space.write("models/a.bin")
    expected = Expected(
        metrics=("metrics.json",),
        outputs=("models",),
        vouched=frozenset(("metrics.json", "models")),
    )
    found = space.run(nothing, expected)
    assert states(found) == {"metrics.json": READ}
    assert paths(found) == ["metrics.json", "models/a.bin"]
    assert found.missing_outputs == ()


def test_a_vouched_file_may_be_touched(space: Workspace) -> None:
    path = space.write("metrics.json")
    expected = Expected(metrics=("metrics.json",), vouched=frozenset(("metrics.json",)))
    assert states(space.run(lambda: path.chmod(0o444), expected)) == {"metrics.json": READ}


# --- links --------------------------------------------------------------------------------------


def test_a_new_link_to_an_old_file_measures_nothing(space: Workspace) -> None:
    space.write("baseline/metrics.json")
    found = space.run(lambda: space.link("metrics.json", "baseline/metrics.json"), DECLARED)
    assert states(found) == {"metrics.json": STALE}
    assert "baseline/metrics.json" in only(found).detail
    assert found.metrics == ()


def test_an_old_link_to_a_new_file_counts(space: Workspace) -> None:
    space.write("out/metrics.json", '{"loss": 1}')
    space.link("metrics.json", "out/metrics.json")
    found = space.run(lambda: space.write("out/metrics.json", '{"loss": 2}'), DECLARED)
    assert states(found) == {"metrics.json": READ, "out/metrics.json": READ}
    assert values(found)["metrics.json:loss"] == 2


def test_a_file_behind_a_link_to_a_folder_counts_where_the_run_wrote_it(space: Workspace) -> None:
    space.link("latest", "runs/1")
    expected = Expected(metrics=("latest/scores.csv",))
    found = space.run(lambda: space.write("runs/1/scores.csv", "step,loss\n1,2\n"), expected)
    assert states(found)["latest/scores.csv"] is READ
    assert states(space.run(nothing, expected)) == {"latest/scores.csv": STALE}


def test_a_link_out_of_the_workspace_is_not_followed(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(METRICS)
    found = space.run(lambda: space.link("metrics.json", tmp_path / "elsewhere.json"), DECLARED)
    assert states(found) == {"metrics.json": UNREADABLE}
    assert "leads out" in only(found).detail
    assert found.outputs[0].link == str(tmp_path / "elsewhere.json")


def test_a_link_through_a_folder_out_of_the_workspace_is_not_followed(
    space: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "big").mkdir()
    space.link("reports", tmp_path / "big")
    expected = Expected(metrics=("reports/metrics.json",))
    found = space.run(lambda: (tmp_path / "big/metrics.json").write_text(METRICS), expected)
    assert states(found) == {"reports/metrics.json": UNREADABLE}


@pytest.mark.parametrize("target", ["nowhere.json", "metrics.json", "a/b", "/nonexistent/x"])
def test_a_dangling_link_and_a_loop_are_missing_metrics(space: Workspace, target: str) -> None:
    found = space.run(lambda: space.link("metrics.json", target), DECLARED)
    assert states(found) == {"metrics.json": MISSING}
    assert "link" in only(found).detail
    assert found.outputs[0].link == target


def test_a_link_into_what_is_not_looked_into_measures_nothing(space: Workspace) -> None:
    space.write(".git/metrics.json")
    found = space.run(lambda: space.link("metrics.json", ".git/metrics.json"), DECLARED)
    assert states(found) == {"metrics.json": UNREADABLE}


@pytest.mark.timeout(20)
def test_a_link_to_a_pipe_or_a_device_does_not_hang(space: Workspace) -> None:
    os.mkfifo(space.top / "pipe")
    space.link("endless.json", "/dev/zero")
    expected = Expected(metrics=("metrics.json", "endless.json"))
    found = space.run(lambda: space.link("metrics.json", "pipe"), expected)
    assert states(found) == {"metrics.json": UNREADABLE, "endless.json": UNREADABLE}


@pytest.mark.timeout(20)
def test_a_pipe_as_metrics_file_does_not_hang(space: Workspace) -> None:
    found = space.run(lambda: os.mkfifo(space.top / "metrics.json"), DECLARED)
    assert states(found) == {"metrics.json": UNREADABLE}
    assert found.outputs == ()


def cached(space: Workspace, content: bytes, cache: Path) -> Path:
    digest = hashlib.md5(content).hexdigest()
    path = cache / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("place", ["project/.dvc/cache/files/md5", "elsewhere/files/md5", "old"])
def test_a_link_into_a_dvc_cache_stands_for_its_content(
    space: Workspace, tmp_path: Path, place: str
) -> None:
    target = cached(space, METRICS.encode(), tmp_path / place)
    found = space.run(lambda: space.link("metrics.json", target), DECLARED)
    assert states(found) == {"metrics.json": READ}
    (output,) = [item for item in found.outputs if item.path == "metrics.json"]
    assert (output.link, output.size) == (None, len(METRICS))


def test_a_link_into_a_dvc_cache_is_a_link_like_any_in_a_replay(
    space: Workspace, tmp_path: Path
) -> None:
    target = cached(space, METRICS.encode(), tmp_path / "elsewhere/files/md5")
    expected = Expected(metrics=("metrics.json",), cache_links=False)
    found = space.run(lambda: space.link("metrics.json", target), expected)
    assert states(found) == {"metrics.json": UNREADABLE}
    assert found.outputs[0].link == str(target)


def test_an_old_link_into_a_dvc_cache_is_left_over(space: Workspace, tmp_path: Path) -> None:
    space.link("metrics.json", cached(space, METRICS.encode(), tmp_path / "cache"))
    assert states(space.run(nothing, DECLARED)) == {"metrics.json": STALE}


def test_a_folder_called_md5_is_no_dvc_cache(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "md5/folder").mkdir(parents=True)
    (tmp_path / "md5/metrics.json").write_text(METRICS)

    def act() -> None:
        space.link("metrics.json", tmp_path / "md5/metrics.json")
        space.link("model", tmp_path / "md5/folder")

    found = space.run(act, DECLARED)
    assert states(found) == {"metrics.json": UNREADABLE}
    assert all(item.link for item in found.outputs)


def test_a_link_in_a_project_within_a_folder_called_md5_is_a_link(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "files/md5/project")
    space.write("runs/1/model.bin")
    found = space.run(lambda: space.link("latest", "runs/1"))
    assert [(item.path, item.link) for item in found.outputs] == [("latest", "runs/1")]


# --- files without a value ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.json", ""), ("m.json", " \n\t "), ("m.json", "{}"), ("m.json", "[]"), ("m.json", "null"),
        ("m.json", '{"a": {}, "b": [[], {}]}'), ("m.json", "\ufeff"), ("m.yaml", ""),
        ("m.yaml", "# nothing\n"), ("m.yaml", "---\n...\n"), ("m.yaml", "{}"), ("m.toml", ""),
        ("m.toml", "[a]\n"), ("m.csv", ""), ("m.csv", "step,loss\n"), ("m.csv", "\n\n\n"),
        ("m.tsv", "step\tloss"),
    ],
)  # fmt: skip
def test_a_file_without_a_value_is_empty_and_no_metric(
    space: Workspace, name: str, content: str
) -> None:
    found = space.run(lambda: space.write(name, content), Expected(metrics=(name,)))
    assert states(found) == {name: EMPTY}
    assert found.metrics == ()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("m.json", "{", "Expecting"),
        ("m.json", '{"a": 1, "a": 2}', "'a' stands twice"),
        ("m.json", METRICS.encode("utf-16"), "UTF-16"),
        ("m.json", METRICS.encode("utf-16-le"), "NUL"),
        ("m.json", b'{"a": "\xff"}', "not UTF-8"),
        ("m.json", b"[" * 100_000, "nested too deeply"),
        ("m.json", METRICS + METRICS, "Extra data"),
        ("m.yaml", "a: 1\na: 2\n", "stands twice"),
        ("m.csv", "step,loss\n1\n", "line 2 has 1 fields"),
        ("m.csv", "loss,loss\n1,2\n", "same name"),
        ("m.bin", METRICS, "format is not known"),
        ("metrics", METRICS, "format is not known"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    space: Workspace, name: str, content: str | bytes, reason: str
) -> None:
    found = space.run(lambda: space.write(name, content), Expected(metrics=(name,)))
    assert states(found) == {name: UNREADABLE}
    assert reason in only(found).detail
    assert "\n" not in only(found).detail
    assert paths(found) == [name]


def test_one_value_among_empty_ones_is_a_value(space: Workspace) -> None:
    found = space.run(lambda: space.write("metrics.json", '{"a": {}, "b": null}'), DECLARED)
    assert states(found) == {"metrics.json": READ}
    assert [item.name for item in found.metrics] == ["a", "b"]


# --- which files hold metrics -------------------------------------------------------------------


def test_a_glob_without_a_match_is_missing_by_its_own_name(space: Workspace) -> None:
    found = space.run(nothing, Expected(metrics=("reports/*.csv", "eval/**/m.json")))
    assert states(found) == {"reports/*.csv": MISSING, "eval/**/m.json": MISSING}


def test_a_glob_stands_for_its_matches_new_and_old(space: Workspace) -> None:
    space.write("reports/old.json")
    found = space.run(
        lambda: space.write("reports/new.json"), Expected(metrics=("reports/*.json",))
    )
    assert states(found) == {"reports/new.json": READ, "reports/old.json": STALE}


def test_the_pictures_in_a_declared_folder_are_no_metrics(space: Workspace) -> None:
    def act() -> None:
        space.write("reports/loss.json")
        space.write("reports/loss.png", b"\x89PNG")

    for pattern in ("reports", "reports/", "reports/*", "**"):
        found = space.run(act, Expected(metrics=(pattern,)))
        assert states(found) == {"reports/loss.json": READ}


def test_a_declared_folder_with_nothing_but_pictures_is_not_passed_over(space: Workspace) -> None:
    found = space.run(
        lambda: space.write("reports/loss.png", b"\x89PNG"), Expected(metrics=("reports",))
    )
    assert states(found) == {"reports/loss.png": UNREADABLE}


def test_a_declared_folder_that_stays_empty_is_missing(space: Workspace) -> None:
    found = space.run((space.top / "reports").mkdir, Expected(metrics=("reports",)))
    assert states(found) == {"reports": MISSING}


@pytest.mark.parametrize(
    "name",
    ["metrics.json", "eval/scores.csv", "train_history.tsv", "all-results.yaml", "dvclive/x.tsv",
     "Test.Loss.json", "METRICS.JSON"],
)  # fmt: skip
def test_files_with_the_usual_names_are_found_undeclared(space: Workspace, name: str) -> None:
    content = (
        "a: 1" if name.endswith("yaml") else METRICS if "json" in name.lower() else "a\tb\n1\t2"
    )
    found = space.run(lambda: space.write(name, content))
    assert only(found) == MetricSource(name, READ, declared=False)


@pytest.mark.parametrize("name", ["config.json", "lossless.json", "gloss.csv", "words.txt"])
def test_other_files_are_outputs_only(space: Workspace, name: str) -> None:
    found = space.run(lambda: space.write(name))
    assert found.sources == ()
    assert paths(found) == [name]


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("score.txt", "0.93\n", {"score": 0.93}),
        ("out/metrics.txt", "Accuracy: 0.9\nTook 3.2 seconds\n", {"Accuracy": 0.9}),
        ("metrics.ini", "[test]\nR2 = 0.4\nn = 3\n", {"test.R2": 0.4, "test.n": 3}),
        ("test_auc.txt", "nan", {"test_auc": "nan"}),
    ],
)
def test_metrics_in_plain_text_are_read(
    space: Workspace, name: str, content: str, expected: dict[str, float | str]
) -> None:
    found = space.run(lambda: space.write(name, content))
    assert only(found) == MetricSource(name, READ, declared=False)
    values = {item.name: item.value for item in found.metrics}
    assert {key: str(value) for key, value in values.items()} == {
        key: str(value) for key, value in expected.items()
    }


@pytest.mark.parametrize(
    "name, content",
    [
        ("results.txt", "no number\n"),
        ("results.txt", b"\xff\xfe0.9"),
        ("results.txt", "accuracy: 0.5\n" * 100_000),
        ("metrics.ini", "[a]\nx = 1\nx = 2\n"),
        ("metrics.ini", "x = 1\n"),
        ("metrics.ini", ""),
    ],
)
def test_text_without_metrics_is_an_output(
    space: Workspace, name: str, content: str | bytes
) -> None:
    found = space.run(lambda: space.write(name, content))
    assert found.sources == ()
    assert paths(found) == [name]


def test_a_file_that_only_looks_like_metrics_is_an_output(space: Workspace) -> None:
    found = space.run(lambda: space.write("metrics.json", "no JSON"))
    assert found.sources == ()
    assert paths(found) == ["metrics.json"]


def test_a_file_that_held_metrics_in_the_record_is_expected_again(space: Workspace) -> None:
    expected = Expected(known_metrics=("a.json", "b.json", "c.json"))

    def act() -> None:
        space.write("a.json")
        space.write("b.json", "no JSON")

    found = space.run(act, expected)
    assert states(found) == {"a.json": READ, "b.json": UNREADABLE, "c.json": MISSING}
    assert not any(item.declared for item in found.sources)


def test_a_file_that_is_declared_twice_over_is_read_once(space: Workspace) -> None:
    expected = Expected(metrics=("*.json", "metrics.json"), known_metrics=("metrics.json",))
    found = space.run(lambda: space.write("metrics.json"), expected)
    assert only(found).declared
    assert len(found.metrics) == 1


def test_what_is_ignored_is_neither_output_nor_metrics_unless_declared(space: Workspace) -> None:
    def act() -> None:
        for name in ("logs/metrics.json", "logs/a/x.bin", "wandb/metrics.json", "b.log", "c.bin"):
            space.write(name)

    expected = Expected(metrics=("wandb/metrics.json",), ignored=("logs/", "wandb", "*.log"))
    found = space.run(act, expected)
    assert paths(found) == ["c.bin"]
    assert states(found) == {"wandb/metrics.json": READ}


def test_metrics_are_sorted_by_file_and_name(space: Workspace) -> None:
    def act() -> None:
        space.write("b/metrics.json", '{"z": 1, "a": 2}')
        space.write("a/metrics.json", '{"m": 3}')

    found = space.run(act)
    assert [(item.source, item.name) for item in found.metrics] == [
        ("a/metrics.json", "m"),
        ("b/metrics.json", "a"),
        ("b/metrics.json", "z"),
    ]


# --- outputs ------------------------------------------------------------------------------------


def test_everything_that_the_run_writes_is_an_output_with_its_bits(space: Workspace) -> None:
    space.write("left.bin")

    def act() -> None:
        space.write("model.bin", b"\0\1")
        space.write("run.sh", "#!/bin/sh\n", 0o755)
        space.write("empty", b"")
        space.write("page.HTML", "<p>")

    found = space.run(act)
    described = {item.path: item for item in found.outputs}
    assert list(described) == ["empty", "model.bin", "page.HTML", "run.sh"]
    assert described["model.bin"].digest == canonical.digest_bytes(b"\0\1")
    assert described["model.bin"].size == 2
    assert described["empty"].digest == canonical.digest_bytes(b"")
    assert described["page.HTML"].media_type == "text/html"
    assert [path for path, item in described.items() if item.executable] == ["run.sh"]


def test_a_bit_that_the_run_sets_is_an_output(space: Workspace) -> None:
    path = space.write("run.sh")
    found = space.run(lambda: path.chmod(0o755))
    assert [(item.path, item.executable) for item in found.outputs] == [("run.sh", True)]


def test_links_to_files_and_folders_are_recorded_as_links(space: Workspace) -> None:
    targets = {"file": "data/a", "folder": "data", "out": "/etc/hosts", "gone": "./no//where"}
    space.write("data/a")

    def act() -> None:
        for name, target in targets.items():
            os.symlink(target, space.top / name)  # noqa: PTH211  Path would tidy it up

    found = space.run(act)
    assert {item.path: item.link for item in found.outputs} == targets
    for item in found.outputs:
        assert item.digest == canonical.digest_bytes(str(item.link).encode())


def test_declared_outputs_that_are_not_written_are_missing(space: Workspace) -> None:
    space.write("models/old.bin")
    space.write("kept.bin")
    expected = Expected(outputs=("models/", "kept.bin", "plots/*.png", "new.bin"))
    found = space.run(lambda: space.write("new.bin"), expected)
    assert found.missing_outputs == ("models/", "kept.bin", "plots/*.png")


def test_an_output_that_is_ignored_as_well_is_missing(space: Workspace) -> None:
    expected = Expected(outputs=("logs",), ignored=("logs",))
    assert space.run(lambda: space.write("logs/a"), expected).missing_outputs == ("logs",)


def test_deleted_files_are_told(space: Workspace) -> None:
    space.write("data/a")
    space.write("data/b")
    found = space.run(lambda: shutil.rmtree(space.top / "data"))
    assert found.changes.deleted == ("data/a", "data/b")
    assert found.outputs == ()


def test_an_output_that_vanishes_before_it_is_read_is_none(space: Workspace) -> None:
    def act() -> None:
        for name in ("a.lock", "metrics.json", "model.bin"):
            space.write(name)

    def vanish() -> None:
        (space.top / "a.lock").unlink()
        (space.top / "metrics.json").unlink()

    expected = Expected(metrics=("metrics.json",), outputs=("a.lock",))
    found = space.run(act, expected, meanwhile=vanish)
    assert paths(found) == ["model.bin"]
    assert states(found) == {"metrics.json": MISSING}
    assert found.missing_outputs == ("a.lock",)
    assert found.unreadable == ()


def test_an_output_that_cannot_be_read_is_named_and_not_a_crash(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = canonical.digest_file

    def digest(path: Path) -> str:
        if path.name == "closed.bin":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(canonical, "digest_file", digest)

    def act() -> None:
        space.write("closed.bin")
        space.write("model.bin")

    found = space.run(act, Expected(outputs=("*.bin", "closed.bin")))
    assert paths(found) == ["model.bin"]
    assert found.unreadable == ("closed.bin",)
    assert found.missing_outputs == ("closed.bin",)


@NOT_ROOT
def test_metrics_without_permission_to_read_are_unreadable(space: Workspace) -> None:
    found = space.run(lambda: space.write("metrics.json", mode=0), DECLARED)
    assert states(found) == {"metrics.json": UNREADABLE}
    assert found.unreadable == ("metrics.json",)


def test_metrics_that_cannot_be_read_say_why(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_bytes(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    def act() -> None:
        space.write("metrics.json")
        monkeypatch.setattr(Path, "read_bytes", read_bytes)

    found = space.run(act, DECLARED)
    assert (only(found).state, only(found).detail) == (UNREADABLE, "Permission denied")


def test_names_that_are_no_utf8_are_recorded(space: Workspace) -> None:
    name = os.fsdecode(b"na\xefve-metrics.json")
    found = space.run(lambda: space.write(name))
    assert paths(found) == [name]
    assert values(found) == {f"{name}:loss": 0.25}


# --- where nothing was observed -----------------------------------------------------------------


def test_only_what_is_declared_is_taken_where_nothing_was_observed(space: Workspace) -> None:
    for name in ("metrics.json", "other-metrics.json", "models/a.bin", "models/a.log", "train.py"):
        space.write(name)
    expected = Expected(metrics=("metrics.json",), outputs=("models",), ignored=("models/*.log",))
    found = space.captured(expected)
    assert states(found) == {"metrics.json": READ}
    assert paths(found) == ["metrics.json", "models/a.bin"]
    assert found.missing_outputs == ()
    assert found.changes.written == found.changes.deleted == ()


def test_what_is_declared_and_not_there_is_said_where_nothing_was_observed(
    space: Workspace,
) -> None:
    found = space.captured(Expected(metrics=("metrics.json",), outputs=("models",)))
    assert states(found) == {"metrics.json": MISSING}
    assert found.missing_outputs == ("models",)


def test_nothing_declared_and_nothing_observed_yields_nothing(space: Workspace) -> None:
    space.write("metrics.json")
    found = space.captured(Expected())
    assert found.metrics == found.sources == found.outputs == ()


def test_a_link_is_followed_within_the_workspace_where_nothing_was_observed(
    space: Workspace,
) -> None:
    space.write("runs/1/metrics.json")
    space.link("metrics.json", "runs/1/metrics.json")
    assert [type(item) for item in space.captured(DECLARED).metrics] == [Metric]


@pytest.mark.parametrize(
    "name, content",
    [
        ("metrics.json", '{"acc": 0.9, "acc": 0.8}'),
        ("metrics.json", '{"acc": 0.9,'),
        ("results.csv", "loss,loss\n1,2\n"),
        ("results.csv", "epoch,loss\n1,0.5,x\n"),
        ("loss.csv", "0.3123\n"),
        ("metrics.yaml", "v: 1\nv: 2\n"),
    ],
)
def test_metrics_that_cannot_be_read_are_said_to_be(
    space: Workspace, name: str, content: str
) -> None:
    found = space.run(lambda: space.write(name, content))
    assert states(found) == {name: UNREADABLE}
    assert paths(found) == [name]
    assert only(found).detail and not only(found).declared


@pytest.mark.parametrize("name", ["confusion_matrix.csv", "classification_report.json"])
def test_tables_of_how_good_a_model_is_are_metrics(space: Workspace, name: str) -> None:
    content = "cat,dog\n5,0\n1,4\n" if name.endswith(".csv") else '{"cat": {"f1": 0.5}}'
    assert states(space.run(lambda: space.write(name, content))) == {name: READ}


def test_a_report_in_markdown_is_read(space: Workspace) -> None:
    table = (
        "# Results\n\n| model | accuracy |\n|-------|----------|\n| rf | 0.91 |\n| svm | 0.81 |\n"
    )
    found = space.run(lambda: (space.write("report.md", table), space.write("README.md", table)))
    assert states(found) == {"report.md": READ}
    assert {item.name: item.value for item in found.metrics} == {
        "rf.accuracy": 0.91,
        "svm.accuracy": 0.81,
    }
