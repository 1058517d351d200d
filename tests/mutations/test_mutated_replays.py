"""A training that does something else where it is replayed: the verdict is red and says what.

All of them read something that is no part of the record, as careless trainings do: a git-ignored
file, a variable that is not allowed through, the network, the name of the machine.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from workbench import Project, forked

# what the replay does otherwise -> the verdict, and the words that its reasons must have
CHANGES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "a metric is missing": (
        "del metrics['accuracy']", "different", ("1 metric is missing in the replay", "accuracy")),
    "a metric is new": (
        "metrics['extra'] = 1", "different", ("1 metric is missing in the record", "extra")),
    "the metrics file is empty": (
        "metrics_text = lambda: ''", "different", ("metrics.json: written", "without a value in the replay")),
    "the metrics file holds an empty object": (
        "metrics.clear()", "different", ("metrics.json: written", "without a value in the replay")),
    "the metrics file is cut off": (
        "metrics_text = lambda: json.dumps(metrics)[:-5]", "different", ("metrics.json", "unreadable")),
    "the metrics file is not written": (
        "written.discard('metrics.json')", "different", ("metrics.json", "not written")),
    "the history is not written": (
        "written.discard('history.csv')", "different", ("history.csv", "missing in the replay")),
    "an output is not produced": (
        "outputs.clear()", "different", ("1 output is missing in the replay", "model.bin")),
    "an extra output is produced": (
        "outputs['surprise.bin'] = b'x'", "different", ("1 output is missing in the record", "surprise.bin")),
    "a metric is NaN": (
        "metrics['loss'] = math.nan", "different", ("1 of 4 metrics differs", "loss")),
    "a metric is infinite": (
        "metrics['loss'] = math.inf", "different", ("1 of 4 metrics differs", "loss")),
    "a metric is a string instead of a number": (
        "metrics['loss'] = '0.25'", "different", ("1 metric has another type", "loss")),
    "a metric is null": (
        "metrics['loss'] = None", "different", ("1 metric has another type", "loss")),
    "a metric is nested deeper": (
        "metrics['loss'] = {'final': 0.25}", "different", ("loss.final", "loss")),
    "a metric differs by one unit in the last place": (
        "metrics['accuracy'] = math.nextafter(0.875, 1) if hasattr(math, 'nextafter') else 0.8750000000000001",
        "different", ("1 of 4 metrics differs", "accuracy")),
    "a text metric differs": (
        "metrics['label'] = 'Good'", "different", ("1 of 4 metrics differs", "label")),
    "a series differs in one step": (
        "history[1] = (2, 0.3750000001)", "different", ("1 of 4 metrics differs", "value")),
    "a series is one step shorter": (
        "history.pop()", "different", ("1 of 4 metrics differs", "value")),
    "a series is one step longer": (
        "history.append((4, 0.125))", "different", ("1 of 4 metrics differs", "value")),
    "a series counts its steps otherwise": (
        "history[:] = [(step - 1, value) for step, value in history]", "different", ("value",)),
    "the exit code is another one": (
        "code = 3", "failed", ("the replay ended with exit code 3",)),
    "it dies of a signal": (
        "import signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed", ("the replay ended with exit code 139",)),
    "it fails with an exception": (
        "raise RuntimeError('no GPU here')", "failed", ("the replay ended with exit code 1",)),
    "it is missing nothing but does nothing": (
        "sys.exit(0)", "different", ("metrics.json", "not written", "model.bin")),
}  # fmt: skip
IN_DOCKER = (
    "a metric is missing",
    "a metric differs by one unit in the last place",
    "a series is one step shorter",
    "an output is not produced",
    "the metrics file is not written",
    "the exit code is another one",
    "it is missing nothing but does nothing",
)
CASES = [
    *(pytest.param(name, "venv", id=name) for name in CHANGES),
    *(
        pytest.param(name, "docker", id=f"{name}, in Docker", marks=pytest.mark.docker)
        for name in IN_DOCKER
    ),
]
EXIT_CODES = {"different": 1, "failed": 3}


@pytest.mark.parametrize(("name", "engine"), CASES)
def test_a_replay_that_goes_another_way_is_red_and_says_where(
    project: Project, name: str, engine: str
) -> None:
    change, verdict, words = CHANGES[name]
    project.write("train.py", forked(change))
    project.write("local/here", "")
    project.write("repro.yaml", "metrics: [metrics.json]\n")
    project.commit()
    project.record("python", "train.py")
    document = project.replay(engine=engine).expect(EXIT_CODES[verdict]).document
    assert document["verdict"] == verdict
    reasons = " / ".join(document["reasons"])
    for word in words:
        assert word in reasons, document["reasons"]


def test_the_control_that_goes_the_same_way_is_identical(project: Project) -> None:
    """Without a change the very same training is green: the cases above are red for their change."""
    project.write("train.py", forked("pass"))
    project.write("local/here", "")
    project.commit()
    project.record("python", "train.py")
    document = project.replay(engine="venv").expect(0).document
    assert document["verdict"] == "identical"
    assert (document["metrics_compared"], document["outputs_compared"]) == (4, 3)


def test_the_step_at_which_a_series_begins_to_differ_is_named(project: Project) -> None:
    project.write("train.py", forked("history[1:] = [(2, 0.4), (3, 0.3)]"))
    project.write("local/here", "")
    project.commit()
    project.record("python", "train.py")
    document = project.replay(engine="venv").expect(1).document
    (series,) = (item for item in document["metrics"] if item["type_a"] == "series")
    assert (series["first_step"], series["a"], series["b"]) == (2, 0.375, 0.4)
    assert (series["differing_steps"], series["steps_a"], series["steps_b"]) == (2, 3, 3)
    text = project.repro("replay", "--engine", "venv").expect(1).out
    assert "step 2" in text and "0.375" in text


def test_numbers_are_shown_at_full_precision(project: Project) -> None:
    project.write("train.py", forked("metrics['accuracy'] = 0.8750000000000001"))
    project.write("local/here", "")
    project.commit()
    project.record("python", "train.py")
    text = project.repro("replay", "--engine", "venv").expect(1).out
    assert "0.8750000000000001" in text and "1.1102230246251565e-16" in text


# --- metrics that nobody wrote --------------------------------------------------------------


def tracked_metrics(project: Project) -> None:
    """The metrics of yesterday, committed, as many projects have them."""
    project.write(".gitignore", "/local/\n/models/\n__pycache__/\n")
    project.write("metrics.json", '{"accuracy": 0.99}')
    project.write("repro.yaml", "metrics: [metrics.json]\n")
    project.commit("With the metrics of yesterday")


@pytest.mark.parametrize("engine", ["venv", pytest.param("docker", marks=pytest.mark.docker)])
def test_metrics_left_over_from_before_the_replay_do_not_count(
    project: Project, engine: str
) -> None:
    """Recorded: written anew with the very same bytes. Replayed: lying there, untouched."""
    tracked_metrics(project)
    project.write("train.py", forked("written.discard('metrics.json')"))
    project.write("local/here", "")
    project.commit()
    run = project.record("python", "train.py")
    project.git("add", "metrics.json")
    (source,) = (
        item
        for item in run["manifest"]["result"]["metric_sources"]
        if item["path"] == "metrics.json"
    )
    assert source["state"] == "read"
    document = project.replay(engine=engine).expect(1).document
    assert document["verdict"] == "different"
    (place,) = (item for item in document["sources"] if item["path"] == "metrics.json")
    assert (place["state_a"], place["state_b"]) == ("read", "stale")
    assert "left over (not rewritten)" in " ".join(document["reasons"])


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("command", [("true",), ("python", "-c", "pass")])
def test_a_run_that_did_nothing_is_never_green(
    project: Project, command: tuple[str, ...], declared: bool
) -> None:
    tracked_metrics(project)
    if not declared:
        (project.path / "repro.yaml").unlink()
        project.commit()
    run = project.record(*command)
    assert not run["manifest"]["result"].get("metrics"), "nobody wrote them"
    assert run["grade"] != "portable"
    for engine in ("venv",):
        done = project.replay(engine=engine)
        assert done.code in (1, 3), done
        assert done.document["passed"] is False
        assert done.document["metrics_compared"] == 0


@pytest.mark.docker
def test_a_run_that_did_nothing_is_never_green_in_docker_either(project: Project) -> None:
    tracked_metrics(project)
    project.record("python", "-c", "pass")
    document = project.replay().expect(1).document
    assert document["verdict"] == "different" and not document["metrics_compared"]


def test_a_declared_output_that_nobody_writes_is_red(project: Project) -> None:
    project.write("repro.yaml", "outputs: [models/best.bin]\n")
    project.commit()
    run = project.record("python", "train.py")
    assert run["manifest"]["result"]["missing_outputs"] == ["models/best.bin"]
    document = project.replay(engine="venv").expect(1).document
    assert "models/best.bin" in " ".join(document["reasons"])
    assert "models/best.bin" in document["next_step"]


def test_a_policy_that_ignores_everything_compares_nothing_and_is_red(project: Project) -> None:
    project.write("repro.yaml", "tolerances: {'*': ignore}\nignore_outputs: ['**']\n")
    project.commit()
    project.record("python", "train.py")
    document = project.replay(engine="venv").expect(1).document
    assert document["verdict"] == "different"
    assert "nothing was compared" in " ".join(document["reasons"])


# --- what leaks into a training -------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[str]:
    """A service on this machine that a training asks for its learning rate."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"0.5")

        def log_message(self, *words: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/"
        served.shutdown()


@pytest.mark.docker
def test_a_training_that_asks_the_network_fails_in_the_replay(
    project: Project, server: str
) -> None:
    project.write(
        "train.py",
        "import json, sys, urllib.request\n"
        "rate = float(urllib.request.urlopen(sys.argv[1], timeout=5).read())\n"
        "json.dump({'rate': rate}, open('metrics.json', 'w'))\n",
    )
    project.record("python", "train.py", server, env={"no_proxy": "127.0.0.1"})
    done = project.replay().expect(3)
    assert done.verdict == "failed"
    assert "URLError" in done.err, "the log tells why"


@pytest.mark.docker
@pytest.mark.parametrize(
    "secret",
    [
        "__import__('socket').gethostname()",
        "os.environ.get('NOT_ALLOWED_THROUGH')",
        "os.getuid()",
        "os.path.exists('/root/.pyenv') or os.path.exists(os.path.expanduser('~/.gitconfig'))",
    ],
    ids=["the host's name", "a variable that is not allowed", "the user", "a file of the host"],
)
def test_a_training_that_depends_on_the_machine_is_different_in_a_container(
    project: Project, secret: str
) -> None:
    project.write(
        "train.py",
        f"import json, os, zlib\nvalue = {secret}\n"
        "json.dump({'score': zlib.crc32(repr(value).encode())}, open('metrics.json', 'w'))\n",
    )
    project.record("python", "train.py", env={"NOT_ALLOWED_THROUGH": "here"})
    document = project.replay().expect(1).document
    assert document["verdict"] == "different" and "score" in " ".join(document["reasons"])


def test_a_variable_that_is_not_allowed_does_not_reach_the_venv_engine(project: Project) -> None:
    project.write(
        "train.py",
        "import json, os\n"
        "json.dump({'mode': os.environ.get('MODE'), 'n': 1}, open('metrics.json', 'w'))\n",
    )
    project.record("python", "train.py", env={"MODE": "exact"})
    document = project.replay(engine="venv", env={"MODE": "exact"}).expect(1).document
    assert "mode" in " ".join(document["reasons"])


def test_an_ignored_input_that_is_not_captured_fails_the_replay(project: Project) -> None:
    project.write("local/weights.txt", "0.5")
    project.write("train.py", "open('out.txt', 'w').write(open('local/weights.txt').read())")
    project.record("python", "train.py", options=("--watch", "off"))
    done = project.replay(engine="venv").expect(3)
    assert done.verdict == "failed" and "local/weights.txt" in done.err


@pytest.mark.parametrize("watch", ["auto", "strace", "python"])
def test_an_ignored_input_is_taken_along_as_it_was(project: Project, watch: str) -> None:
    if watch == "strace" and not shutil.which("strace"):
        pytest.skip("no strace on this machine")
    project.write("local/weights.txt", "0.5")
    project.write("train.py", "open('out.txt', 'w').write(open('local/weights.txt').read())")
    run = project.record("python", "train.py", options=("--watch", watch))
    (item,) = run["manifest"]["definition"]["inputs"]
    assert item["path"] == "local/weights.txt"
    project.write("local/weights.txt", "0.6")
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"


def test_an_ignored_input_that_is_gone_and_was_too_large_to_take(project: Project) -> None:
    project.write("repro.yaml", "inputs_cap: 2\n")
    project.write("local/weights.txt", "0.5")
    project.write("train.py", "open('out.txt', 'w').write(open('local/weights.txt').read())")
    run = project.record("python", "train.py")
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"
    project.write("local/weights.txt", "0.6")
    done = project.replay(run["id"], engine="venv").expect(3)
    assert done.verdict == "unreplayable"
    assert "local/weights.txt" in " ".join(done.document["reasons"])


# --- circumstances --------------------------------------------------------------------------


def test_the_verdict_does_not_depend_on_what_lies_in_the_work_tree_now(project: Project) -> None:
    run = project.record("python", "train.py")
    project.write("train.py", "raise SystemExit('this is not what was recorded')")
    (project.path / "data/points.csv").unlink()
    project.write("params.json", "{}")
    project.commit("Everything is different now")
    assert project.replay(run["id"], engine="venv").expect(0).verdict == "identical"


def test_a_tolerance_learned_later_counts(project: Project) -> None:
    project.write("train.py", forked("metrics['loss'] += 1e-9"))
    project.write("local/here", "")
    project.commit()
    run = project.record("python", "train.py")
    assert project.replay(run["id"], engine="venv").expect(1).verdict == "different"
    project.write("repro.yaml", "tolerances:\n  loss:\n    absolute: 1e-6\n")
    done = project.replay(run["id"], engine="venv").expect(0)
    assert done.verdict == "equivalent"
    assert "within tolerance: loss" in " ".join(done.document["reasons"])
