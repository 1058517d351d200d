"""From what conda installed to the steps that install it again: pure, nothing is started here.

The explicit list names every package's very file, so nothing is solved: micromamba installs it, where there
is one, else py-rattler, which is on the package index.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from importlib import resources

from repro.manifest import CondaFile

LIST = "conda-explicit.txt"
SCRIPT = "conda_install.py"
RATTLER = "py-rattler==0.28.0"
"""What installs an explicit list where no micromamba is; SCRIPT is written for it."""
SCHEMES = ("https://", "http://", "s3://", "oci://")
SHOWN = 8
_MACHINES = {"x86_64": "64", "amd64": "64", "arm64": "aarch64"}
_SUBDIR = re.compile(r"/(noarch|(?:linux|osx|win|emscripten|wasi|zos|freebsd)-[\w-]+)/[^/]+$")

Words = tuple[str, ...]


def explicit(files: Iterable[CondaFile]) -> str:
    """The list that micromamba, conda and SCRIPT read; empty for no files."""
    lines = [_line(item) for item in sorted(files, key=lambda item: (item.name, item.version))]
    return "\n".join(["@EXPLICIT", *lines, ""]) if lines else ""


def _line(item: CondaFile) -> str:
    if item.url is None:
        return f"# not to be had elsewhere: {item.name}={item.version}={item.build}"
    # md5 first: every conda and micromamba reads it, sha256 in a list only the later ones
    digest = item.md5 or (f"sha256:{item.sha256}" if item.sha256 else "")
    return f"{item.url}#{digest}" if digest else item.url


def in_the_way(files: Sequence[CondaFile], machine: str) -> str:
    """Why the packages cannot be installed on Linux of that machine (``x86_64``, ``aarch64``); empty: they can."""
    bare = [f"{item.name} {item.version}".strip() for item in files if item.url is None]
    if bare:
        return f"packages of conda have no address that others can reach: {_some(bare)}"
    if all(item.name != "python" for item in files):
        return "its packages of conda have no Python among them"
    wanted = f"linux-{_MACHINES.get(machine, machine)}"
    foreign = {found for item in files if (found := _subdir(item)) not in ("noarch", wanted, "")}
    if foreign:
        return f"its packages of conda are for {_some(sorted(foreign))}, and this is {wanted}"
    return ""


def _subdir(item: CondaFile) -> str:
    """The platform that its address names; empty: none."""
    match = _SUBDIR.search(item.url or "")
    return match[1] if match else ""


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def by_micromamba(micromamba: str, folder: str, prefix: str) -> Words:
    """``folder`` holds the list. It reads no settings of this machine."""
    return (
        *(micromamba, "create", "--yes", "--quiet", "--no-rc"),
        *("--prefix", prefix, "--file", f"{folder}/{LIST}"),
    )


def by_rattler(uv: str, folder: str, prefix: str, cache: str) -> Words:
    """``folder`` holds list and script; ``cache`` is for the packages' files."""
    return (
        *(uv, "run", "--no-project", "--isolated", "--python", ">=3.10", "--with", RATTLER),
        *("python", f"{folder}/{SCRIPT}", f"{folder}/{LIST}", prefix, cache),
    )


def script() -> str:
    """The text of SCRIPT."""
    return resources.files("repro.environment").joinpath(SCRIPT).read_text("utf-8")


def instructions(prefix: str) -> list[str]:
    """The lines of a Dockerfile that install the list."""
    name = shlex.quote(prefix)
    return [
        "# What conda installed, by the very files: by micromamba where the base has it, else by py-rattler.",
        f"COPY {LIST} {SCRIPT} /opt/repro/",
        "RUN if command -v micromamba; then \\",
        f"      micromamba create --yes --quiet --no-rc --prefix {name} --file /opt/repro/{LIST}; \\",
        "    else \\",
        "      python3 -m venv /opt/repro/rattler \\",
        f"      && /opt/repro/rattler/bin/python -m pip install --no-cache-dir {RATTLER} \\",
        f"      && /opt/repro/rattler/bin/python /opt/repro/{SCRIPT} /opt/repro/{LIST} {name} "
        "/opt/repro/conda \\",
        "      && rm -rf /opt/repro/rattler /opt/repro/conda; \\",
        "    fi",
        f"ENV CONDA_PREFIX={prefix} PATH={prefix}/bin:$PATH",
        "",
    ]
