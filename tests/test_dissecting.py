"""Outputs that differ are opened: what a replay without isolation and a diff say of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workbench import Project

from repro import dissecting, outputs, project
from repro.anatomy import ContentDifference
from repro.comparison import Comparison, OutputDifference, Status, Verdict
from repro.manifest import Descriptor
from repro.store import Store

WRITES = """\
import json, pickle, time
value = time.time_ns()
json.dump({"a": [1, value]}, open("extra.json", "w"))
pickle.dump({"a": value}, open("model.pkl", "wb"))
open("table.csv", "w").write(f"step,loss\\n1,0.5\\n2,{value}\\n")
open("raw.dat", "w").write(f"{value:040d}" + "." * 100)
json.dump({"accuracy": 0.5}, open("metrics.json", "w"))
"""


@pytest.fixture
def writing(project: Project) -> Project:
    """A project whose outputs differ each time."""
    project.write("train.py", WRITES)
    project.write("repro.yaml", "metrics: metrics.json\n")
    project.commit()
    return project


def contents(document: dict[str, Any]) -> dict[str, Any]:
    return {item["path"]: item["content"] for item in document["outputs"]}


def test_without_a_container_what_may_carry_code_stays_closed(writing: Project) -> None:
    writing.record("python", "train.py")
    document = writing.replay(engine="venv").expect(0).document
    found = contents(document)
    assert found["metrics.json"] is None
    assert found["extra.json"]["parts"][0]["where"] == "$.a[1]"
    assert found["table.csv"]["parts"][0]["where"] == 'row 3, column "loss"'
    assert "own container only" in found["model.pkl"]["reason"]
    assert found["model.pkl"]["format"] == "bytes" and not found["model.pkl"]["inside"]
    assert found["raw.dat"]["format"] == "bytes" and not found["raw.dat"]["reason"]
    assert document["verdict"] == "equivalent"
    text = writing.repro("replay", "latest", "--engine", "venv", cwd=writing.path).expect(0).out
    assert "JSON: first at $.a[1]: " in text
    assert "not opened: this format (pickle) is opened in a replay's own container only" in text


def test_two_runs_are_opened_as_far_as_that_goes_without_a_container(writing: Project) -> None:
    ids = [writing.record("python", "train.py")["id"] for _ in range(2)]
    document = writing.repro("diff", *ids, "--json", cwd=writing.path).expect(0).document
    found = contents(document["comparison"])
    assert found["extra.json"]["parts"][0]["where"] == "$.a[1]"
    assert "own container only" in found["model.pkl"]["reason"]
    assert found["raw.dat"] is None, "of no format that is kept, and written over"


def test_a_file_in_a_folder_named_by_the_time_is_opened_too(writing: Project) -> None:
    program = """\
import json, os, time
value = time.time_ns()
folder = time.strftime("runs/%Y-%m-%d_%H-%M-%S") + f"-{value % 1000000:06d}"
os.makedirs(folder)
open(folder + "/events.jsonl", "w").write(json.dumps({"a": value}) + "\\n")
json.dump({"accuracy": 0.5}, open("metrics.json", "w"))
"""
    writing.write("train.py", program)
    writing.commit()
    ids = [writing.record("python", "train.py")["id"] for _ in range(2)]
    of_replay = contents(writing.replay(engine="venv").expect(0).document)
    of_diff = contents(
        writing.repro("diff", *ids, "--json", cwd=writing.path).document["comparison"]
    )
    for found in (of_replay, of_diff):
        (path,) = (name for name in found if name.endswith("events.jsonl"))
        assert not found[path]["reason"]
        assert found[path]["parts"][0]["where"] == "line 1: $.a"


def test_what_was_not_kept_and_is_no_more_is_said(writing: Project) -> None:
    writing.write("repro.yaml", "metrics: metrics.json\noutputs_cap: 20\n")
    writing.record("python", "train.py")
    for name in ("model.pkl", "extra.json", "raw.dat"):
        (writing.path / name).unlink()
    found = contents(writing.replay(engine="venv").expect(0).document)
    for name in ("model.pkl", "extra.json"):
        assert "the recorded file was not kept" in found[name]["reason"]
        assert "only digests can be compared" in found[name]["reason"]
        assert "outputs_cap" in found[name]["remedy"]
    assert found["table.csv"]["parts"], "it lies where it was written"
    assert found["raw.dat"] is None


def test_a_file_that_was_written_over_is_not_taken_for_the_recorded_one(writing: Project) -> None:
    writing.write("repro.yaml", "metrics: metrics.json\noutputs_cap: 20\n")
    writing.record("python", "train.py")
    content = (writing.path / "extra.json").read_bytes()
    writing.write("extra.json", content[::-1])
    found = contents(writing.replay(engine="venv").expect(0).document)
    assert "was not kept" in found["extra.json"]["reason"]


# --- the bounds -----------------------------------------------------------------------------


def descriptor(path: str, content: bytes, **more: Any) -> Descriptor:
    from repro import canonical

    return Descriptor(path, canonical.digest_bytes(content), len(content), **more)


def comparison(*items: OutputDifference) -> Comparison:
    return Comparison(Verdict.EQUIVALENT, ("1 metric equal",), outputs=items)


class Opened:
    """Outputs of two sides in folders; counts what is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.items = folder, []  # type: ignore[var-annotated]
        (folder / ".git").mkdir()
        store = Store.open(folder)
        self.project: Any = type("Project", (), {"store": store, "config": project.config.Config()})

    def add(self, path: str, a: bytes, b: bytes, **more: Any) -> None:
        for side, content in (("a", a), ("b", b)):
            place = self.folder / side / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        pair = descriptor(path, a), descriptor(path, b, **more)
        self.items.append(OutputDifference(path, Status.DIFFERENT, *pair, "as it was"))

    def done(self, inside: Any = None) -> Comparison:
        finds = (
            lambda item: outputs.find(self.project.store, item, self.folder / "a"),
            lambda item: outputs.find(self.project.store, item, self.folder / "b"),
        )
        return dissecting.dissected(self.project, comparison(*self.items), *finds, inside)


def test_the_verdict_and_every_status_stay(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.add("x.json", b'{"a":1}', b'{"a": 1}')
    before = comparison(*opened.items)
    after = opened.done()
    assert after.outputs[0].content and not after.outputs[0].content.parts
    assert after.outputs[0].detail == "JSON: the same values, written differently"
    plain = replace(after.outputs[0], content=None, detail="as it was")
    assert replace(after, outputs=(plain,)) == before


def test_only_so_many_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(tmp_path)
    for number in range(5):
        opened.add(f"{number}.json", b"1", b"2")
    monkeypatch.setattr(dissecting, "FILES", 3)
    found = [item.content for item in opened.done().outputs]
    assert [bool(item and item.reason) for item in found] == [False] * 3 + [True] * 2
    monkeypatch.setattr(dissecting, "BYTES", 1)
    assert all(item.content and item.content.reason for item in opened.done().outputs)


def test_what_needs_a_container_goes_there_together(tmp_path: Path) -> None:
    opened, asked = Opened(tmp_path), []
    opened.add("a.pkl", b"\x80\x04N.", b"\x80\x04K\1.")
    opened.add("b.h5", b"1", b"2")
    opened.add("c.json", b"1", b"2")

    def inside(pairs: Any) -> dict[str, ContentDifference]:
        asked.extend((pair.path, pair.form) for pair in pairs)
        return {pair.path: ContentDifference("pickle", inside=True) for pair in pairs}

    found = opened.done(inside)
    assert asked == [("a.pkl", "pickle"), ("b.h5", "hdf5")]
    assert [item.content.inside for item in found.outputs if item.content] == [True, True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.EQUAL},
        {"status": Status.COSMETIC},
        {"status": Status.IGNORED},
        {"a": None},
    ],
)
def test_what_does_not_differ_is_not_opened(tmp_path: Path, change: dict[str, Any]) -> None:
    opened = Opened(tmp_path)
    opened.add("x.json", b"1", b"2")
    opened.items[0] = replace(opened.items[0], **change)
    assert opened.done().outputs == tuple(opened.items)


def test_a_link_is_not_opened(tmp_path: Path) -> None:
    opened = Opened(tmp_path)
    opened.add("x.json", b"1", b"2", link="/etc/passwd")
    assert opened.done().outputs == tuple(opened.items)


def test_an_output_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_bytes(b"2")
    opened = Opened(tmp_path)
    opened.add("x.json", b"1", b"2")
    path = tmp_path / "b" / "x.json"
    path.unlink()
    path.symlink_to(secret)
    (item,) = opened.done().outputs
    assert item.content and "was not kept" in item.content.reason


# --- what is kept ---------------------------------------------------------------------------


def test_what_is_kept(tmp_path: Path) -> None:
    store, found = Store.open(tmp_path), []
    sizes = {"a.pkl": 30, "b.npz": 20, "c.json": 50, "d.dat": 5, "e.txt": 60}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(name.encode() * size)
        kind = "text/plain" if name == "e.txt" else "application/octet-stream"
        kind = "application/json" if name == "c.json" else kind
        found.append(descriptor(name, name.encode() * size, media_type=kind))
    outputs.keep(store, tmp_path, tuple(found), cap=200)
    assert [item.path for item in found if store.has(item.digest)] == ["a.pkl", "b.npz"]
    outputs.keep(store, tmp_path, tuple(found), cap=300, opened=False)
    assert store.has(found[2].digest) and store.has(found[4].digest)
    assert not store.has(found[3].digest), "nothing can open it"
    assert (outputs.limit(found[0]), outputs.limit(found[4])) == (outputs.OPENED_CAP, outputs.CAP)


def test_the_cap_is_a_size(writing: Project) -> None:
    writing.write("repro.yaml", "outputs_cap: many\n")
    writing.repro("run", "--", "python", "train.py", cwd=writing.path).complains(2, "outputs_cap")


def test_models_are_kept_up_to_a_sum(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    found = []
    for number in range(10):
        content = bytes([number]) * (100 + number)
        (tmp_path / f"{number}.pkl").write_bytes(content)
        found.append(descriptor(f"{number}.pkl", content))
    outputs.keep(store, tmp_path, tuple(found), cap=109)
    kept = [store.has(item.digest) for item in found]
    assert kept == [True] * 8 + [False] * 2


SURROGATE = """\
import time
open("x.json", "w").write('{"\\\\ud800": "%d"}' % time.time_ns())
"""


def test_half_of_a_surrogate_pair_in_a_file_breaks_no_report(writing: Project) -> None:
    writing.write("train.py", SURROGATE)
    writing.record("python", "train.py")
    done = writing.replay(engine="venv").expect(1)
    assert "\ud800" in json.loads(done.stdout)["outputs"][0]["content"]["parts"][0]["path"]
    writing.repro("replay", "latest", "--engine", "venv", cwd=writing.path).expect(1)
