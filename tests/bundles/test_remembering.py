"""A second push packs nothing; what it was told before is believed only as far as the place bears it out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro import canonical, importing, pushing
from repro.bundles import pieces, remembering
from repro.bundles.layout import Blob, Layer
from repro.bundles.pieces import Piece
from repro.bundles.remembering import Memory
from repro.bundles.tar_writing import blob_name
from repro.exporting import Options
from repro.project import Project as OpenProject
from repro.project import standalone
from repro.store import Store


@pytest.fixture
def opened(exported: Path, tmp_path: Path) -> OpenProject:
    """A project whose store has one run, with its data."""
    folder = tmp_path / "origin"
    folder.mkdir()
    project = standalone(folder)
    importing.import_bundle(project.store, exported)
    return project


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The roles of what was packed."""
    found: list[str] = []
    plain = pieces.written

    def noted(piece: Piece, *others: object) -> Layer:
        found.append(piece.path)
        return plain(piece, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(pieces, "written", noted)
    monkeypatch.setattr(remembering, "WORTH", 0)
    yield found


def push(project: OpenProject, target: Path) -> pushing.Pushed:
    (identity,) = project.store.run_ids()
    return pushing.push(project, project.store.run(identity), str(target), Options(data=True), {})


def notes(project: OpenProject) -> list[Path]:
    return sorted((project.store.cache / remembering.FOLDER).iterdir())


def test_a_second_push_packs_nothing(
    opened: OpenProject, tmp_path: Path, written: list[str]
) -> None:
    first = push(opened, tmp_path / "runs")
    assert written and len(notes(opened)) == len(written)
    packed = len(written)
    second = push(opened, tmp_path / "runs")
    assert len(written) == packed
    assert second.digest == first.digest and second.sent == 0
    assert (second.there, second.there_bytes) == (first.sent, first.sent_bytes)
    elsewhere = push(opened, tmp_path / "others")
    assert len(written) == 2 * packed and elsewhere.digest == first.digest


def test_a_blob_that_the_place_lost_is_packed_and_sent(
    opened: OpenProject, tmp_path: Path, written: list[str]
) -> None:
    push(opened, tmp_path / "runs")
    written.clear()
    (layer,) = json.loads(notes(opened)[0].read_bytes())["layers"]
    (tmp_path / "runs" / blob_name(layer["digest"])).unlink()
    assert push(opened, tmp_path / "runs").sent == 1 and len(written) == 1
    folder = tmp_path / "here"
    folder.mkdir()
    assert pushing.pull(Store.open(folder), str(tmp_path / "runs")).new


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"layers":7}', b'{"layers":[]}', b'{"layers":[{}]}', b"\xff\0" * 9],
)
def test_a_damaged_note_costs_time_only(
    opened: OpenProject, tmp_path: Path, written: list[str], content: bytes
) -> None:
    first = push(opened, tmp_path / "runs")
    written.clear()
    for note in notes(opened):
        note.write_bytes(content)
    again = push(opened, tmp_path / "runs")
    assert written and again.sent == 0 and again.digest == first.digest


def test_a_note_of_another_piece_is_not_believed(
    opened: OpenProject, tmp_path: Path, written: list[str]
) -> None:
    """Pieces with a digest of their own; of data the md5 says what it is, and whoever pulls looks."""
    first = push(opened, tmp_path / "runs")
    found = {path: json.loads(path.read_bytes())["layers"][0] for path in notes(opened)}
    logs = [path for path, item in found.items() if item["annotations"]["org.repro.role"] == "log"]
    packs = [
        path for path, item in found.items() if item["annotations"]["org.repro.role"] == "source"
    ]
    logs[0].write_bytes(packs[0].read_bytes())
    written.clear()
    assert push(opened, tmp_path / "runs").digest == first.digest
    assert written == ["log/stdout"]


def test_no_notes_of_what_is_small(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "packed", lambda blob: True)
    digest = canonical.digest_bytes(b"x")
    layer = Layer("log/stdout", Blob(digest, 1, "text/plain"), digest, 1)
    small = Piece("log/stdout", 1, (), digest=digest)
    memory.keep([small], [layer])
    assert not (tmp_path / "packed").exists()
    large = Piece("log/stdout", remembering.WORTH, (), digest=digest)
    memory.keep([large], [layer])
    assert memory.recall([large], ["log/stdout"]) == (layer,)
    assert memory.recall([small], ["log/stdout"]) == (layer,)  # the same content
