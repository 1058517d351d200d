"""Projects that need nothing but numpy and scikit-learn: where their inputs and results are is hard."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from training_projects import (
    Take,
    comes_out_identical,
    differ,
    findings,
    goes_red,
    metrics,
    outputs,
    ran,
)

pytestmark = [pytest.mark.docker, pytest.mark.network]

AVERAGED = ("0", "1", "2", "macro avg", "weighted avg")
PRINTED = {
    f"<stdout>:{name}"
    for name in (
        *("val_loss", "acc", "final accuracy", "rows for training"),
        *("accuracy.f1-score", "accuracy.support"),
        *(f"{row}.precision" for row in AVERAGED),
        *(f"{row}.recall" for row in AVERAGED),
        *(f"{row}.f1-score" for row in AVERAGED),
        *(f"{row}.support" for row in AVERAGED),
    )
}
"""The duration and the epochs' "of" are not among them."""


def test_metrics_that_are_only_printed(take: Take) -> None:
    project = take("log-metrics-only")
    run = project.record("python", "train.py")
    assert run["manifest"]["result"].get("outputs", []) == []
    document = comes_out_identical(project, PRINTED)
    steps = {item["name"]: item["steps_compared"] for item in document["metrics"]}
    assert steps["val_loss"] == steps["acc"] == 5
    project.record("python", "train.py", env={"SPLIT": "4"})
    red = project.replay().expect(1).document
    assert red["verdict"] == "different"
    assert {"<stdout>:val_loss", "<stdout>:acc", "<stdout>:1.recall"} <= metrics(red, "different")


def test_an_input_that_git_ignores(take: Take) -> None:
    project = take("ignored-input")
    ran(project, "python", "make_data.py")
    run = project.record("python", "train.py")
    inputs = [item["path"] for item in run["manifest"]["definition"]["inputs"]]
    assert inputs == ["data/raw/train.csv"], "what it read, and not what lies beside it"
    data = project.path / "data/raw/train.csv"
    first = data.read_bytes()
    data.write_bytes(first[:-2] + bytes([first[-2] ^ 1]) + first[-1:])
    expected = {"metrics.json:loss", "metrics.json:slope"}
    document = comes_out_identical(project, expected)  # the data of that time, not today's
    assert outputs(document) == {"metrics.json": "equal", "models/line.npy": "equal"}
    project.record("python", "train.py")
    red = differ(project, "latest~1", "latest")
    assert metrics(red, "different") == expected
    assert "data/raw/train.csv" in [item["name"] for item in red["ingredients"]]
    shutil.rmtree(project.path / "data")
    comes_out_identical(project, expected, "latest~1")


def test_folders_that_are_counted_up_from_run_to_run(take: Take) -> None:
    project = take("counted-folders")
    for _ in range(2):
        run = project.record("python", "train.py")
    written = [item["path"] for item in run["manifest"]["result"]["outputs"]]
    assert {path.split("/")[1] for path in written} == {"version_2", "version_3"}
    table = "lightning_logs/version_{n}/metrics.csv"
    second = "lightning_logs/version_{n} 2/metrics.csv"
    names = {
        f"{source}:{name}" for source in (table, second) for name in ("train_loss", "val_loss")
    }
    expected = {*names, "<stdout>:train_loss"}
    document = comes_out_identical(project, expected, exactly=False)
    assert set(outputs(document).values()) == {"equal"}
    assert "<stdout>:v_num" not in metrics(document)
    project.record("python", "train.py", env={"NUDGE": "0.01"})
    document = project.replay().expect(1).document
    assert f"{second}:train_loss" in metrics(document, "different")
    assert f"{table}:train_loss" in metrics(document, "equal")


def test_make_with_variables_and_two_targets(take: Take) -> None:
    project = take("makefile")
    project.record("make", "train", "EPOCHS=4")
    document = comes_out_identical(project, {"<stdout>:train-loss"}, exactly=False)
    assert outputs(document) == {"build/data.csv": "equal", "build/model.json": "equal"}
    (loss,) = [item for item in document["metrics"] if item["name"] == "train-loss"]
    assert loss["steps_compared"] == 4
    # the second time make finds its first target done: it is an input now, and git ignores it
    run = project.record("make", "train", "EPOCHS=4", env={"NUDGE": "0.06"})
    assert [item["path"] for item in run["manifest"]["definition"]["inputs"]] == ["build/data.csv"]
    red = goes_red(project, {"<stdout>:train-loss"})
    assert outputs(red)["build/model.json"] == "different"


def test_a_shell_line_with_two_steps_and_variables(take: Take) -> None:
    project = take("shell-line")
    line = "PYTHONPATH=src python -m prep && RATE=0.1 python -m train"
    project.record(line)
    expected = {"<stderr>:loss", "<stderr>:lr", "<stdout>:prepared"}
    document = comes_out_identical(project, expected)
    assert outputs(document) == {"weights.txt": "equal", "work/points.txt": "equal"}
    (loss,) = [item for item in document["metrics"] if item["name"] == "loss"]
    assert loss["steps_compared"] == 3
    project.record(line, env={"NUDGE": "0.01"})
    goes_red(project, {"<stderr>:loss", "<stderr>:lr"})


def test_a_folder_named_after_the_time(take: Take) -> None:
    project = take("time-named-folder")
    project.record("python", "train.py")
    document = project.replay().expect(0).document
    assert document["verdict"] == "identical", document["reasons"]
    assert len(metrics(document)) == document["metrics_compared"] == 2
    assert {name.rsplit(":")[-1] for name in metrics(document, "equal")} == {"val.error", "steps"}
    assert len(outputs(document)) == 3
    assert set(outputs(document).values()) == {"equal"}
    project.record("python", "train.py", env={"NUDGE": "1"})
    red = project.replay().expect(1).document
    assert {name.rsplit(":")[-1] for name in metrics(red, "different")} == {"val.error"}


def test_what_is_of_the_run_and_what_earlier_runs_left(take: Take) -> None:
    project = take("run-beside-model")
    project.record("python", "train.py")
    project.record("python", "train.py")
    document = project.replay().expect(0).document
    assert document["verdict"] == "equivalent", document["reasons"]
    of_the_run = {"run_id", "host", "pid", "training_time_seconds"}
    assert metrics(document, "ignored") == {
        "history.jsonl:timestamp",
        *(f"metrics.json:{name}" for name in of_the_run),
    }
    counted = {"history.jsonl:error", "metrics.json:metrics.error", "score.txt:score"}
    assert metrics(document, "equal") == {*counted, "metrics.json:metrics.runs_so_far"}
    assert any("not compared, being of the run" in note for note in document["notes"])
    project.record("python", "train.py", env={"SPLIT": "4"})
    red = project.replay().expect(1).document
    assert metrics(red, "different") == counted


def test_a_model_written_to_an_absolute_path(take: Take, outside: Path) -> None:
    project = take("absolute-output", TARGET=str(outside / "models"))
    model = outside / "models" / "model.pkl"
    project.record("python", "train.py")
    before = model.read_bytes()
    model.unlink()
    document = comes_out_identical(project, {"<stdout>:mean weight"})
    assert outputs(document) == {str(model): "equal"}
    assert not model.exists(), "the replay's container has a place of its own for it"
    project.record("python", "train.py", env={"NUDGE": "2"})
    assert model.read_bytes() != before
    red = goes_red(project, {"<stdout>:mean weight"})
    assert outputs(red) == {str(model): "different"}


def test_threads_that_race_come_out_red(take: Take) -> None:
    project = take("lock-free-threads")
    project.record("python", "train.py")
    document = goes_red(project, {"history.csv:loss"})
    (loss,) = document["metrics"]
    assert loss["steps_compared"] == 5
    assert loss["first_step"] >= 1
    assert loss["largest_absolute"] > 0
    assert outputs(document) == {"history.csv": "different"}
    report = project.repro("replay", "latest", "--control").expect(1)
    assert "loss" in report.out.splitlines()[0]
    assert "absolute" in report.out, "the size of the difference"
    assert "seed every generator" in report.out, "two replays do not agree either"


def test_a_subfolder_with_two_dependency_files_that_contradict(take: Take) -> None:
    project = take("two-requirements")
    ran(project, "python", "make_data.py")
    project.commit("The data")
    trainer = project.path / "services" / "trainer"
    run = project.record("python", "train.py", cwd=trainer)
    said = findings(run)
    assert "requirements.txt" in said
    assert "environment.yml" in said
    assert "numpy" in said
    document = project.replay().expect(0).document
    assert document["verdict"] == "identical"
    assert len(metrics(document, "equal")) == document["metrics_compared"] == 1
    (name,) = metrics(document)
    assert name.endswith("results/metrics.json:train.loss")
    project.record("python", "train.py", cwd=trainer, env={"NUDGE": "1"})
    goes_red(project, {name})


def test_nothing_but_a_model(take: Take) -> None:
    project = take("model-only")
    project.record("python", "train.py")
    document = comes_out_identical(project, set())
    assert outputs(document) == {"model.pkl": "equal"}
    text = project.repro("replay", "latest").expect(0).out
    assert "metric" in text
    assert "output" in text.splitlines()[0], "the verdict says what it rests on"
    project.record("python", "train.py", env={"NUDGE": "3"})
    red = goes_red(project, set())
    assert outputs(red) == {"model.pkl": "different"}
    assert "model.pkl" in red["reasons"][0] or "outputs" in red["reasons"][0]


def test_inputs_outside_of_the_repository_and_in_a_cache_below_home(
    take: Take, outside: Path, home: Path
) -> None:
    project = take("outside-input", DATASET=str(outside / "corpus"))
    (outside / "corpus").mkdir()
    corpus = outside / "corpus" / "corpus.txt"
    corpus.write_text("a b c d e f g a b a " * 20)
    cache = home / ".cache" / "tokens" / "vocabulary.json"
    cache.parent.mkdir(parents=True)
    cache.write_text('{"a": 1, "b": 2, "c": 5}')
    run = project.record("python", "train.py")
    inputs = {item["path"] for item in run["manifest"]["definition"]["inputs"]}
    assert inputs == {str(corpus), "~/.cache/tokens/vocabulary.json"}
    corpus.unlink()
    cache.write_text('{"a": 1, "b": 2, "c": 6}')
    expected = {"<stdout>:coverage", "<stdout>:mean value"}
    comes_out_identical(project, expected)
    corpus.write_text("a b c d e f g a b a " * 20)
    project.record("python", "train.py")
    red = differ(project, "latest~1", "latest")
    assert metrics(red, "different") == {"<stdout>:mean value"}
    assert metrics(red, "equal") == {"<stdout>:coverage"}
    assert "~/.cache/tokens/vocabulary.json" in [item["name"] for item in red["ingredients"]]
