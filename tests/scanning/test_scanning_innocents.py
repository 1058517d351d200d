"""What is no secret passes: a false alarm stops somebody's training."""

from __future__ import annotations

from pathlib import Path

import pytest
from innocents import ARGUMENTS, FILES, VALUES
from scanned_manifests import manifest_with

from repro import scanning


def found(content: str | bytes, path: str) -> list[object]:
    return list(scanning.text(content, f"untracked {path}", path))


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(FILES) + len(VALUES) + len(ARGUMENTS) >= 100


@pytest.mark.parametrize("path", FILES)
def test_an_innocent_file_passes(path: str) -> None:
    assert found(FILES[path], path) == []


@pytest.mark.parametrize("path", FILES)
def test_an_innocent_file_passes_as_a_log(path: str) -> None:
    assert found(FILES[path], "") == []


@pytest.mark.parametrize("name", VALUES)
def test_an_innocent_value_passes(name: str) -> None:
    value = VALUES[name]
    assert scanning.named(name, value, bare=name.isupper()) is None
    assert scanning.manifest(manifest_with(params={name: value})) == []
    # of a variable that is let through by its name, every token counts
    if isinstance(value, str) and name != "token":
        assert scanning.manifest(manifest_with(env={name: value, "A_DIGEST": value})) == []


@pytest.mark.parametrize("argv", ARGUMENTS, ids=" ".join)
def test_an_innocent_command_passes(argv: tuple[str, ...]) -> None:
    assert scanning.manifest(manifest_with(argv=argv)) == []


def test_the_project_itself_passes() -> None:
    """Real code of some size, in which nobody hides anything."""
    top = Path(scanning.__file__).parents[1]
    paths = sorted(top.glob("**/*.py"))
    assert len(paths) > 100
    assert [one for path in paths for one in found(path.read_bytes(), path.name)] == []
