"""The file that installs an explicit list: what it reads, and what it takes for the recorded file."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
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


CRASHING = """\
import atexit, os

class Client:
    def __init__(self):
        atexit.register(os.abort)  # as threads do that outlive the interpreter

async def install(*words, **options):
    pass
"""


@pytest.mark.parametrize(
    ("listed", "code", "said"),
    [
        ("@EXPLICIT\n", 0, ""),
        (
            "@EXPLICIT\nnumpy=1.26\n",
            1,
            "error: refused: not a line of an explicit list: numpy=1.26\n",
        ),
        ("@EXPLICIT\n\udcff", 1, "UnicodeDecodeError"),
        (f"@EXPLICIT\n{URL}\n", 1, "ModuleNotFoundError"),
    ],
)
def test_what_was_said_is_not_lost_in_a_crash_of_the_library(
    listed: str, code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "rattler.py").write_text(CRASHING)
    (tmp_path / "list").write_text(listed, "utf-8", "surrogateescape")
    script = tmp_path / "install.py"
    script.write_text(conda.script())
    words = [str(tmp_path / name) for name in ("list", "prefix", "cache")]
    done = subprocess.run(
        [sys.executable, str(script), *words],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done
    assert said in done.stderr
    assert "Aborted" not in done.stderr


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
