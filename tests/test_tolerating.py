"""Tolerances go into repro.yaml between the lines of whoever wrote it, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import config
from repro.errors import UsageError
from repro.manifest import Tolerance
from repro.tolerating import written

NEW = (Tolerance("loss", absolute=1.3e-07), Tolerance("a: 'b' #", relative=0.01))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# only a comment",
        "network: true\n",
        "tolerances:\n  other: {absolute: 1}\n",
        "tolerances: # mine\n    # why\n    other: {absolute: 1}\n\n# more\nnetwork: true\n",
        "tolerances:\r\n  other: {absolute: 1}\r\nnetwork: true\r\n",
        "tolerances:\n  other:\n    absolute: 1\n  '*': ignore",
        "tolerances:\n  loss: {absolute: 5}\n  other: {absolute: 1}\n",
        "#tolerances:\n#  loss: {absolute: 1}\n",
    ],
)
def test_they_are_added_and_the_rest_is_as_it_was(tmp_path: Path, before: str) -> None:
    path = tmp_path / "repro.yaml"
    path.write_bytes(before.encode())
    known = config.parse(before.encode(), path)
    assert written(path, NEW, "evidence\nof two lines")
    found = config.load(tmp_path)
    kept = tuple(item for item in known.tolerances if item.pattern != "loss")
    assert found.tolerances == (*kept, *NEW)
    assert found.network == known.network
    for line in before.splitlines():
        if "loss: {absolute: 5}" not in line:
            assert line in path.read_text().splitlines()
    assert written(path, NEW, "again") == (), "what is there is not written twice"


@pytest.mark.parametrize(
    "before", ["tolerances: {other: {absolute: 1}}\n", "tolerances: &x\n  other: ignore\n"]
)
def test_what_cannot_be_added_to_stays_and_the_lines_are_shown(tmp_path: Path, before: str) -> None:
    path = tmp_path / "repro.yaml"
    path.write_text(before)
    with pytest.raises(UsageError, match=r"absolute: 1\.3e-07"):
        written(path, NEW, "evidence")
    assert path.read_text() == before
