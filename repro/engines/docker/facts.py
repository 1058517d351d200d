"""What the inside of an environment image says of itself: asked once, kept as a label of the image."""

from __future__ import annotations

import json
from typing import Any

from docker.models.containers import Container

from repro.capturing import host
from repro.environment.recipe import VENV

LABEL = "org.repro.facts"
_ASK = """
import json, os, platform, sysconfig
site = sysconfig.get_paths()["platlib"]
release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
libc = " ".join(platform.libc_ver())
print(json.dumps({
    "distribution": release.get("PRETTY_NAME", "").strip('"') or None,
    "libc": libc or None,
    "python": platform.python_implementation() + " " + platform.python_version(),
    "blas": [
        package + ": " + name
        for package in ("numpy", "scipy", "torch")
        for place in (package + ".libs", package + "/lib")
        if os.path.isdir(os.path.join(site, place))
        for name in os.listdir(os.path.join(site, place))
        if not os.path.islink(os.path.join(site, place, name))
    ],
}))
"""


def asked(container: Container) -> dict[str, Any]:
    """What the inside says of itself, for setting beside the recorded host; nothing where it cannot."""
    code, said = container.exec_run([f"{VENV}/bin/python", "-c", _ASK])
    if code:
        return {}
    try:
        answer = json.loads(said)
        return {**answer, "blas": host.blas_named(answer.pop("blas"))}
    except (ValueError, KeyError, TypeError):
        return {}


def stated(label: str) -> dict[str, Any]:
    """What a label says of its image, which may come from anybody: texts under the names that are asked."""
    try:
        said = json.loads(label)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    texts = {
        name: said[name]
        for name in ("distribution", "libc", "python")
        if isinstance(said.get(name), str)
    }
    blas = said.get("blas")
    if isinstance(blas, list) and all(isinstance(item, str) for item in blas):
        return {**texts, "blas": tuple(blas)}
    return texts
