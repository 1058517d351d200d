"""The recipe as a Dockerfile that a person can read, and build with Docker alone."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from repro.environment import conda
from repro.manifest import EnvironmentKind

if TYPE_CHECKING:
    from repro.environment.recipe import Recipe


PROVIDED_BY = {
    "bc": "bc",
    "c++": "g++",
    "cc": "gcc libc6-dev",
    "cmake": "cmake",
    "curl": "curl",
    "dot": "graphviz",
    "ffmpeg": "ffmpeg",
    "g++": "g++",
    "gcc": "gcc libc6-dev",
    "gfortran": "gfortran",
    "git": "git",
    "gmake": "make",
    "gs": "ghostscript",
    "java": "default-jre-headless",
    "jq": "jq",
    "make": "make",
    "ninja": "ninja-build",
    "node": "nodejs",
    "pdflatex": "texlive-latex-base",
    "perl": "perl",
    "rsync": "rsync",
    "Rscript": "r-base-core",
    "time": "time",
    "unzip": "unzip",
    "wget": "wget",
    "xz": "xz-utils",
    "zip": "zip",
}
"""Programs that trainings call and that slim images lack, each with the Debian packages it is in."""


def get(programs: Iterable[str]) -> str:
    """Shell text that installs those of the programs that are not there."""
    pairs = " ".join(f"{name}:{PROVIDED_BY[name].replace(' ', ',')}" for name in programs)
    return (
        f"want=; for pair in {pairs}; do "
        'command -v "${pair%%:*}" >/dev/null || want="$want ${pair#*:}"; done; '
        'test -z "$want" || { apt-get update -q && apt-get install -y -q --no-install-recommends '
        "$(echo $want | tr , ' ') && rm -rf /var/lib/apt/lists/*; }"
    )


def render(recipe: Recipe, inside: str) -> str:
    """The text of the Dockerfile; ``inside`` is where the workspace lies in the container."""
    match recipe.kind:
        case EnvironmentKind.IMAGE:
            return _image(recipe)
        case EnvironmentKind.DOCKERFILE:
            return _own(recipe)
    return "\n".join(
        [*_head(recipe, inside), *_base(recipe), *_packages(recipe), *_source(recipe, inside)]
    )


def _image(recipe: Recipe) -> str:
    if recipe.of_machine:
        return (
            "# Nothing is known of the run's environment: it ran programs of its machine.\n"
            f"# Name an image that has them.\nFROM {recipe.base}\n"
        )
    return f"# The run's environment is this image, as it is.\nFROM {recipe.base}\n"


def _own(recipe: Recipe) -> str:
    path = recipe.image.dockerfile
    lines = [
        "# The environment is built from the project's own Dockerfile. In the restored source:",
        "#",
        f"#     docker build -t run -f {shlex.quote(str(path))} .",
        "#",
        "# When it was recorded, it started from:",
        *(
            f"#     {name} {digest or '(digest not known)'}"
            for name, digest in sorted(recipe.image.bases.items())
        ),
    ]
    if not recipe.image.bases:
        lines.pop()
    if recipe.image.id:
        lines.append(f"# and the image that came out was {recipe.image.id}")
    return "\n".join(lines) + "\n"


def _head(recipe: Recipe, inside: str) -> list[str]:
    folder = (
        "this folder, with the restored source in it as `source`" if recipe.needs_source else ""
    )
    return [
        f"# The environment of a recorded training run: {recipe.summary}.",
        "#",
        "# `repro replay` takes the same steps with uv. By hand, with Docker alone, from",
        f"# {folder or 'this folder'}:",
        "#",
        "#     docker build -t run .",
        f"#     docker run --rm -it --network none -v SOURCE:{inside} -w {inside} run COMMAND",
        "#",
        f"# key: {recipe.key}",
        "",
    ]


def _base(recipe: Recipe) -> list[str]:
    said = "# Its registry digest is not known: the name may stand for another image by now."
    return [
        *([] if recipe.image.digest else [said]),
        f"FROM {recipe.base}",
        "",
        "# Where your packages come from, if not from the public index; give no passwords this way.",
        "ARG PIP_INDEX_URL",
        "ARG PIP_EXTRA_INDEX_URL",
        "",
        *(conda.instructions(recipe.venv) if recipe.conda else _venv(recipe)),
    ]


def _venv(recipe: Recipe) -> list[str]:
    return [
        f"# The run used Python {recipe.python_version}; the build stops where the base has another.",
        f"RUN python3 -c 'import platform as p; assert p.python_version() == "
        f'"{recipe.python_version}", p.python_version()\' \\',
        f" && python3 -m venv {recipe.venv}",
        f"ENV VIRTUAL_ENV={recipe.venv} PATH={recipe.venv}/bin:$PATH",
        "",
    ]


def _packages(recipe: Recipe) -> list[str]:
    lines: list[str] = []
    if recipe.tools:
        lines += [
            "# Programs that the command starts; their versions are those of the day of the build.",
            f"RUN {get(recipe.tools)}",
            "",
        ]
    if recipe.lock:
        lines += [
            "# Every package at its version, checked against the hashes of its files.",
            "COPY requirements.lock /opt/repro/",
            "RUN python -m pip install --no-cache-dir --no-deps --require-hashes "
            "-r /opt/repro/requirements.lock",
            "",
        ]
    if recipe.needs_git:
        lines += ["# For what comes from a git repository.", f"RUN {get(('git',))}", ""]
    if recipe.unhashed:
        lines += [
            "# No hashes are known of these: what is downloaded today may be something else.",
            "COPY requirements-unhashed.txt /opt/repro/",
            "RUN python -m pip install --no-cache-dir --no-deps "
            "-r /opt/repro/requirements-unhashed.txt",
            "",
        ]
    return lines


def _source(recipe: Recipe, inside: str) -> list[str]:
    if not recipe.needs_source:
        return []
    lines = [
        "# Projects of the source itself; when it runs, the source is mounted at the same place.",
        f"COPY source {shlex.quote(inside)}",
    ]
    for path in recipe.local:
        lines.append(f"RUN python -m pip install --no-cache-dir --no-deps {shlex.quote(path)}")
    for path in recipe.editable:
        lines.append(f"RUN python -m pip install --no-cache-dir --no-deps -e {shlex.quote(path)}")
    return [*lines, f"WORKDIR {posixpath.normpath(inside)}", ""]
