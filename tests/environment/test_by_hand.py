"""The Dockerfile of a recipe, built as a person would: by Docker alone."""

from __future__ import annotations

import functools
import http.server
import os
import platform
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_lock import add

from repro import process
from repro.environment import index
from repro.environment.lock import make_lock
from repro.environment.recipe import default_base, render
from repro.manifest import (
    Command,
    Definition,
    Environment,
    EnvironmentKind,
    Image,
    Interpreter,
    Package,
    Source,
)

PYTHON = Interpreter(platform.python_version())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A package index on loopback with one package."""
    add(tmp_path / "index", "alpha", "1.0")
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "index")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        server.shutdown()


@pytest.mark.docker
def test_the_dockerfile_builds_by_hand(served: str, tmp_path: Path) -> None:
    packages = (Package("alpha", "1.0"),)
    env = {**os.environ, "UV_DEFAULT_INDEX": served, "UV_CACHE_DIR": str(tmp_path / "uv")}
    sources = index.sources({**env, "PIP_CONFIG_FILE": os.devnull})
    made = make_lock(packages, PYTHON, sources, tmp_path / "cache", env=env)
    environment = Environment(
        EnvironmentKind.PACKAGES, Image(default_base(PYTHON, os.environ)), PYTHON, packages
    )
    definition = Definition(Source(None, "t"), (), environment, Command(("python", "x")))
    recipe = render(definition, made.text)
    folder = tmp_path / "recipe"
    folder.mkdir()
    for name, content in recipe.files.items():
        (folder / name).write_text(content)
    tag = f"repro-test-by-hand:{os.getpid()}"
    try:
        process.run(
            ("docker", "build", "--network", "host", "--build-arg", f"PIP_INDEX_URL={served}",
             "-t", tag, folder),
            timeout=300,
        )  # fmt: skip
        said = process.run(
            ("docker", "run", "--rm", "--network", "none", tag, "python", "-c",
             "import alpha, sys; print(alpha.__file__, sys.prefix)"),
            timeout=60,
        ).stdout.decode()  # fmt: skip
    finally:
        subprocess.run(("docker", "rmi", "-f", tag), capture_output=True, check=False)
    assert said.split()[1] == "/opt/repro/venv"
    assert said.startswith("/opt/repro/venv/lib/")
