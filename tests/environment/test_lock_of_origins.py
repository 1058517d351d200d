"""Packages that the real uv installed from every kind of place: a lock with hashes, or a finding."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from repro import process
from repro.capturing import packages, probing
from repro.capturing.packages import Inventory
from repro.capturing.requirements import Requirement, parse
from repro.environment import index
from repro.environment.lock import Lock, make_lock
from repro.manifest import Severity

BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "{name}-{version}.dist-info"
    with zipfile.ZipFile(folder + "/{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("{name}.py", "")
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "/RECORD", "")
    return "{name}-{version}-py3-none-any.whl"
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "{name}"
version = "{version}"
"""


def wheel(folder: Path, name: str, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    scope: dict[str, object] = {}
    exec(BACKEND.format(name=name, version=version), scope)
    scope["build_wheel"](str(folder))  # type: ignore[operator]
    return path


def sources_of(name: str, version: str) -> dict[str, str]:
    return {
        "pyproject.toml": PROJECT.format(name=name, version=version),
        "backend.py": BACKEND.format(name=name, version=version),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }


def sdist(folder: Path, name: str, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in sources_of(name, version).items():
            member = tarfile.TarInfo(f"{name}-{version}/{file}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Place:
    """A workspace with an environment, and an index on loopback."""

    top: Path
    address: str

    @property
    def workspace(self) -> Path:
        return self.top / "workspace"

    @property
    def python(self) -> Path:
        return self.top / "venv" / "bin" / "python"

    @property
    def env(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return {**kept, "HOME": str(self.top), "UV_CACHE_DIR": str(self.top / "cache"),
                "UV_PYTHON_DOWNLOADS": "never"}  # fmt: skip

    def publish(self, path: Path) -> str:
        name = path.name.split("-")[0]
        page = self.top / "served" / "simple" / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(
            f'<a href="../../files/{path.name}#{digest(path).replace(":", "=")}">{path.name}</a>'
        )
        return digest(path)

    def install(self, *words: str) -> None:
        argv = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", self.python, *words]
        process.run(argv, cwd=self.workspace, env=self.env, timeout=120)

    def lock(self, **told: str) -> tuple[Inventory, Lock]:
        probe = probing.probe(self.python, self.workspace, self.env, self.top / "probes")
        found = packages.inventory(probe, self.workspace)
        env = {**self.env, "UV_CACHE_DIR": str(self.top / "other-cache"), **told}
        made = make_lock(
            found.packages, self.python, index.sources(env), self.top / "locks", env=env
        )
        return found, made


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "served" / "files").mkdir(parents=True)
    (tmp_path / "workspace").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = Place(tmp_path, f"http://127.0.0.1:{server.server_port}")
    argv = [
        uv.find_uv_bin(),
        "venv",
        "--quiet",
        "--python",
        sys.executable,
        found.python.parents[1],
    ]
    process.run(argv, env=found.env, timeout=120)
    yield found
    server.shutdown()
    server.server_close()


def entry(made: Lock, name: str) -> Requirement:
    (found,) = [item for item in parse(made.text) if item.name == name]
    return found


def test_an_index_of_ones_own(place: Place) -> None:
    files = place.top / "served" / "files"
    expected = {
        "plain": place.publish(wheel(files, "plain", "1.0")),
        "labelled": place.publish(wheel(files, "labelled", "1.0+cpu")),
        "source": place.publish(sdist(files, "source", "2.0")),
    }
    simple = f"{place.address}/simple"
    place.install("--default-index", simple, *expected)
    _, made = place.lock(UV_DEFAULT_INDEX=simple)
    assert made.findings == ()
    assert {name: entry(made, name).hashes for name in expected} == {
        name: (hashed,) for name, hashed in expected.items()
    }
    assert entry(made, "labelled").version == "1.0+cpu"


def test_a_label_that_no_index_has_is_named(place: Place) -> None:
    path = wheel(place.top / "links", "labelled", "1.0+cu118")
    place.install("--no-index", "--find-links", str(path.parent), "labelled")
    place.publish(wheel(place.top / "served" / "files", "labelled", "1.0"))
    _, made = place.lock(UV_DEFAULT_INDEX=f"{place.address}/simple")
    (finding,) = made.findings
    assert finding.severity is Severity.BREAKS
    assert "labelled 1.0+cu118" in finding.message


def test_a_folder_of_wheels_and_sources(place: Place) -> None:
    links = place.top / "links"
    one, other = wheel(links, "linked", "1.0"), sdist(links, "built", "1.0")
    place.install("--no-index", "--find-links", str(links), "linked", "built")
    _, made = place.lock(UV_FIND_LINKS=str(links), UV_NO_INDEX="1")
    assert entry(made, "linked").hashes == (digest(one),)
    assert entry(made, "built").hashes == (digest(other),)
    assert [item.severity for item in made.findings] == [Severity.RISKS, Severity.RISKS]


def test_a_repository_of_this_machine_breaks_a_replay(place: Place) -> None:
    repository = place.top / "repository"
    repository.mkdir()
    for name, text in sources_of("versioned", "0.5").items():
        (repository / name).write_text(text)
    for words in (["init", "-q"], ["add", "-A"],
                  ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):  # fmt: skip
        process.run(["git", *words], cwd=repository, env=place.env, timeout=60)
    place.install(f"git+{repository.as_uri()}")
    found, made = place.lock(UV_NO_INDEX="1")
    (package,) = found.packages
    assert package.revision and len(package.revision) == 40
    assert "versioned" not in made.text
    assert found.findings[0].severity is Severity.BREAKS
    assert str(repository) in found.findings[0].message


def test_files_in_the_workspace_and_outside_of_it(place: Place) -> None:
    inside = wheel(place.workspace / "vendor", "inside", "1.0")
    outside = wheel(place.top / "elsewhere", "outside", "1.0")
    place.install(str(inside), outside.as_uri())
    found, made = place.lock(UV_NO_INDEX="1")
    locations = {item.name: item.location for item in found.packages}
    assert locations == {"inside": "vendor/inside-1.0-py3-none-any.whl", "outside": None}
    assert "inside" not in made.text
    severities = {item.message.split()[0]: item.severity for item in found.findings}
    assert severities == {"inside": Severity.NOTE, "outside": Severity.BREAKS}


def test_a_file_at_a_url(place: Place) -> None:
    path = wheel(place.top / "served" / "files", "direct", "3.0")
    url = f"{place.address}/files/{path.name}"
    place.install(url)
    _, made = place.lock(UV_DEFAULT_INDEX=f"{place.address}/simple")
    assert entry(made, "direct").url == url
    assert entry(made, "direct").hashes == (digest(path),)
    assert made.findings == ()


def test_a_url_that_no_longer_answers_is_pinned_without_a_hash_and_that_is_said(
    place: Place,
) -> None:
    path = wheel(place.top / "served" / "files", "direct", "3.0")
    place.install(f"{place.address}/files/{path.name}")
    path.unlink()
    _, made = place.lock(UV_DEFAULT_INDEX=f"{place.address}/simple")
    assert entry(made, "direct").hashes == ()
    (finding,) = made.findings
    assert finding.severity is not Severity.NOTE
    assert "direct 3.0" in finding.message
