"""A channel of conda packages on loopback, made by hand of this very Python: no real one is asked."""

from __future__ import annotations

import bz2
import functools
import hashlib
import http.server
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import workbench

from repro.environment import conda
from repro.manifest import CondaFile

PLACEHOLDER = "/opt/placeholder/" + "long_" * 40
"""What stands for the prefix in the files of a package, as in real ones."""
SUBDIR = f"linux-{'aarch64' if platform.machine() == 'aarch64' else '64'}"
VERSION = platform.python_version()
SITE = "site-packages"
_LEFT_OUT = (
    "test",
    "idlelib",
    "ensurepip",
    "lib2to3",
    "tkinter",
    "turtledemo",
    "__pycache__",
    SITE,
)


def package(
    channel: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    prefixed: Iterable[str] = (),
    noarch: bool = False,
    depends: Iterable[str] = (),
) -> Path:
    """One package's file, in the folder of its platform."""
    subdir = "noarch" if noarch else SUBDIR
    index = {
        "name": name, "version": version, "build": "h_0", "build_number": 0, "subdir": subdir,
        "depends": list(depends), **({"noarch": "python"} if noarch else {"platform": "linux"}),
    }  # fmt: skip
    paths = [
        {
            "_path": path, "path_type": "hardlink", "size_in_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            **({"prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if path in prefixed else {}),
        }
        for path, content in files.items()
    ]  # fmt: skip
    paths += [{"_path": path, "path_type": "softlink"} for path in links or {}]
    about = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/files": "\n".join([*files, *(links or {})]).encode(),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in {**about, **files}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
        for path, target in (links or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    made = channel / subdir / f"{name}-{version}-h_0.tar.bz2"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(bz2.compress(buffer.getvalue(), 1))
    return made


def python(channel: Path) -> Path:
    """This Python as a package: what a training needs of it."""
    base, short = Path(sys.base_prefix), "python" + ".".join(VERSION.split(".")[:2])
    files = {f"bin/{short}": _relocatable(base / "bin" / short, base)}
    for library in base.glob("lib/libpython*.so.*"):
        files[f"lib/{library.name}"] = library.read_bytes()
    for path in sorted((base / "lib" / short).rglob("*")):
        inside = path.relative_to(base)
        if path.is_file() and not set(inside.parts) & set(_LEFT_OUT) and "config-" not in str(path):
            files[inside.as_posix()] = path.read_bytes()
    links = {"bin/python": short, "bin/python3": short}
    return package(channel, "python", VERSION, files, links=links)


def _relocatable(program: Path, base: Path) -> bytes:
    """It looks for its library beside itself, as conda's own does."""
    old, new = f"{base}/lib".encode() + b"\0", b"$ORIGIN/../lib\0"
    return program.read_bytes().replace(old, new.ljust(len(old), b"\0"))


def distribution(name: str, version: str, text: str) -> dict[str, bytes]:
    """The files of a Python package, as a noarch package of conda has them."""
    about = f"{SITE}/{name}-{version}.dist-info"
    return {
        f"{SITE}/{name}.py": text.encode(),
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/INSTALLER": b"conda\n",
        f"{about}/RECORD": f"{name}.py,,\n".encode(),
    }


@contextmanager
def served(channel: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(channel))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def listed(channel: Path, address: str) -> tuple[CondaFile, ...]:
    """All packages of the channel."""
    found = []
    for path in sorted(channel.glob("*/*.tar.bz2")):
        name, version, build = path.name.removesuffix(".tar.bz2").rsplit("-", 2)
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        url = f"{address}/{path.relative_to(channel)}"
        found.append(CondaFile(name, version, build, url, digest))
    return tuple(found)


def install(files: Iterable[CondaFile], prefix: Path, scratch: Path) -> None:
    """An environment as conda would make it, by py-rattler."""
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / conda.LIST).write_text(conda.explicit(files))
    (scratch / conda.SCRIPT).write_text(conda.script())
    words = conda.by_rattler(uv_program(), str(scratch), str(prefix), str(scratch / "cache"))
    env = {**os.environ, "UV_CACHE_DIR": str(workbench.BUILD / "uv"), "UV_NO_CONFIG": "1"}
    subprocess.run(words, check=True, env=env, capture_output=True)


def uv_program() -> str:
    import uv

    return os.fsdecode(uv.find_uv_bin())


def copied(made: Path, channel: Path) -> Path:
    """A package that takes a while to make, in another channel."""
    target = channel / made.parent.name / made.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, target)
    return target
