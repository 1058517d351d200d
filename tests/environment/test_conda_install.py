"""The file that installs an explicit list: what it reads, and what it takes for the recorded file."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import pytest

from repro.environment import conda, conda_install
from repro.environment.conda_install import Refused, entries, matches, named

URL = "https://c.example/forge/linux-64/a-1.0-h_0.conda"


def test_the_lines_of_a_list() -> None:
    text = (
        f"# made by repro\n\n@EXPLICIT\n{URL}#{'a' * 32}\n"
        f"https://c.example/forge/noarch/b-1.0-h_0.tar.bz2#sha256:{'b' * 64}\n"
        "https://c.example/forge/noarch/c-1.0-h_0.conda\n"
    )
    assert entries(text) == [
        (URL, "a-1.0-h_0.conda", "a" * 32),
        (
            "https://c.example/forge/noarch/b-1.0-h_0.tar.bz2",
            "b-1.0-h_0.tar.bz2",
            "sha256:" + "b" * 64,
        ),
        ("https://c.example/forge/noarch/c-1.0-h_0.conda", "c-1.0-h_0.conda", ""),
    ]
    assert entries("") == []


@pytest.mark.parametrize(
    "line",
    [
        "a-1.0-h_0.conda",
        f"{URL}#",
        f"{URL}#{'a' * 31}",
        f"{URL}#{'A' * 32}",
        f"{URL}#sha256:{'a' * 32}",
        f"{URL} --force",
        "https://c.example/forge/linux-64/a-1.0.zip",
        "numpy=1.26",
    ],
)
def test_no_line_is_passed_over(line: str) -> None:
    with pytest.raises(Refused, match="not a line"):
        entries(f"@EXPLICIT\n{line}\n")


def test_a_file_is_taken_only_with_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "a.conda"
    file.write_bytes(b"content" * 1000)
    content = file.read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert matches(file, md5)
    assert matches(file, "sha256:" + hashlib.sha256(content).hexdigest())
    assert matches(file, "")
    assert not matches(file, "0" * 32)
    assert not matches(file, "sha256:" + "0" * 64)
    file.write_bytes(content[:-1])
    assert not matches(file, md5)


def test_the_records_name_the_addresses_and_not_the_files_here(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"url": "file:///cache/a.conda", "name": "a"}))
    (tmp_path / "b.json").write_text(json.dumps({"url": "https://other/b.conda"}))
    named(tmp_path, {"file:///cache/a.conda": URL})
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "url": URL, "channel": "https://c.example/forge", "name": "a",
    }  # fmt: skip
    assert json.loads((tmp_path / "b.json").read_text()) == {"url": "https://other/b.conda"}


def test_it_needs_nothing_of_repro() -> None:
    """It runs in another Python, where repro is not."""
    text = conda.script()
    assert text == Path(conda_install.__file__).read_text("utf-8")
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }  # fmt: skip
    assert not any(name.startswith("repro") for name in imported)
    assert {name for name in imported if name.startswith("rattler")} == {
        "rattler",
        "rattler.package_streaming",
    }
