"""With --json stdout is exactly one JSON document; everything else goes to stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from workbench import Done, Project


def one_document(done: Done, schema: str) -> dict:
    text = done.stdout.decode("utf-8")
    assert text.endswith("\n") and text.count("\n") == 1, "one document is one line"
    document = json.loads(text)
    assert document["schema"] == schema
    return document


def test_run_prints_the_run_and_the_commands_own_output_goes_to_stderr(project: Project) -> None:
    done = project.repro("run", "--json", "--", "python", "train.py").expect(0)
    document = one_document(done, "repro/run/v1")
    assert document["manifest"]["schema"] == "repro/manifest/v1"
    assert len(document["id"]) == 64
    assert "epoch 1: loss" in done.err


def test_run_prints_the_run_also_where_the_command_fails(project: Project) -> None:
    done = project.repro("run", "--json", "--", "python", "-c", "print('x'); raise SystemExit(4)")
    document = one_document(done.expect(4), "repro/run/v1")
    assert document["manifest"]["result"]["outcome"] == "failed"


def test_capture_show_list_diff_and_doctor_print_one_document(project: Project) -> None:
    project.record("python", "train.py")
    project.record("python", "train.py")
    one_document(project.repro("diff", "latest~1", "latest", "--json").expect(0), "repro/diff/v1")
    one_document(project.repro("doctor", "--json"), "repro/doctor/v1")
    captured = project.repro("capture", "--json", "--", "python", "train.py").expect(0)
    one_document(captured, "repro/run/v1")
    one_document(project.repro("show", "--json").expect(0), "repro/run/v1")
    one_document(project.repro("list", "--json").expect(0), "repro/list/v1")


def test_replay_prints_the_comparison_and_the_log_goes_to_stderr(project: Project) -> None:
    project.record("python", "train.py")
    done = project.replay(engine="venv").expect(0)
    document = one_document(done, "repro/comparison/v1")
    assert document["passed"] is True and document["exit_code"] == 0
    assert "epoch 1: loss" in done.err


def test_a_replay_that_is_not_possible_is_a_document_too(project: Project) -> None:
    project.record("python", "train.py")
    for blob in (project.path / ".repro" / "blobs" / "sha256").iterdir():
        blob.unlink()
    done = project.replay(engine="venv").expect(3)
    document = one_document(done, "repro/comparison/v1")
    assert document["verdict"] == "unreplayable" and document["exit_code"] == 3
    assert document["passed"] is False


def test_an_error_prints_no_half_document(project: Project) -> None:
    for words in (["show", "nothing"], ["replay", "nothing"], ["run", "--", "no-such-command"]):
        done = project.repro(words[0], "--json", *words[1:]).complains(2)
        assert not done.stdout


def test_the_same_run_shown_twice_gives_the_same_bytes(project: Project) -> None:
    project.record("python", "train.py")
    first, second = (project.repro("show", "--json").expect(0).stdout for _ in range(2))
    assert first == second


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_json_has_no_word_for_stay_valid_json(project: Project, value: str) -> None:
    project.write(
        "train.py", f"open('metrics.json', 'w').write('{{\"loss\": ' + str({_js(value)}) + '}}')"
    )
    project.commit()
    run = project.record("python", "train.py")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    for words in (["show", "--json"], ["list", "--json"]):
        json.loads(project.repro(*words).expect(0).stdout, parse_constant=refuse)
    (metric,) = run["manifest"]["result"]["metrics"]
    assert metric["value"] == {"float": value}


def _js(value: str) -> str:
    return repr({"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[value])


def test_markdown_is_written_beside_the_document(project: Project, tmp_path: Path) -> None:
    project.record("python", "train.py")
    report = tmp_path / "report.md"
    done = project.replay("latest", "--markdown", str(report), engine="venv").expect(0)
    one_document(done, "repro/comparison/v1")
    text = report.read_text("utf-8")
    assert "identical" in text and "fit.loss" in text
