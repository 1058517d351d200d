"""What installs conda's packages on this machine, or in a container of it: a micromamba, where there is one."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import canonical
from repro.environment import conda
from repro.environment.conda_install import REFUSED
from repro.environment.recipe import Recipe
from repro.errors import EngineError, Unreplayable
from repro.manifest import Finding, Severity

VARIABLE = "REPRO_MICROMAMBA"
INSIDE = "/repro/micromamba"
"""Where a build container sees this machine's."""
_ELF_MACHINES = {"x86_64": 62, "aarch64": 183}


@dataclass(frozen=True)
class Installer:
    """``micromamba``: its path, None where py-rattler installs. ``said``: which it is, for a person."""

    micromamba: str | None
    said: str

    @property
    def finding(self) -> Finding:
        return Finding(
            Severity.NOTE, "packages", f"conda's packages were installed anew by {self.said}"
        )


RATTLER = Installer(None, conda.RATTLER.replace("==", " "))


def of_machine(environ: Mapping[str, str]) -> Path | None:
    """micromamba as REPRO_MICROMAMBA or PATH has it. Raises EngineError where the variable names none."""
    if named := environ.get(VARIABLE):
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise EngineError(
                f"{VARIABLE} is {named}, which is no program",
                "name the program itself, or unset it",
            )
        return Path(named)
    found = shutil.which("micromamba", path=environ.get("PATH", os.defpath))
    return Path(found) if found else None


def on_machine(environ: Mapping[str, str]) -> Installer:
    """The installer for an environment of this machine itself."""
    found = of_machine(environ)
    return RATTLER if found is None else Installer(str(found), described(found))


def for_containers(environ: Mapping[str, str], machine: str) -> Path | None:
    """This machine's micromamba where a Linux container of ``machine`` can run it."""
    found = of_machine(environ)
    return found if found and _runs_on(found, machine) else None


def described(micromamba: Path) -> str:
    digest = canonical.digest_bytes(micromamba.read_bytes())
    return f"this machine's micromamba ({digest})"


def _runs_on(path: Path, machine: str) -> bool:
    with path.open("rb") as file:
        head = file.read(20)
    if head.startswith(b"#!"):
        return True
    wanted = _ELF_MACHINES.get({"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine))
    return head.startswith(b"\x7fELF") and int.from_bytes(head[18:20], "little") == wanted


def check(recipe: Recipe, machine: str) -> None:
    """Raises Unreplayable where conda's packages cannot be had on Linux of that machine."""
    why = conda.in_the_way(recipe.conda, machine) if recipe.conda else ""
    if why:
        raise Unreplayable(
            f"the environment cannot be made again: {why}",
            "upload what is missing to a channel and record again, or record in an image that has it: "
            "repro run --image REF",
        )


def check_here(recipe: Recipe) -> None:
    """The same for this machine itself."""
    if recipe.conda and platform.system() != "Linux":
        raise Unreplayable(
            "an environment of conda's is made again on Linux only",
            "replay it with --engine docker",
        )
    check(recipe, platform.machine())


def failed(installer: Installer, said: str) -> Unreplayable:
    """What is to be said where the installer did not come to its end."""
    *_, why = said.partition(REFUSED)
    if installer.micromamba or why:
        return Unreplayable(
            f"conda's packages could not be installed by {installer.said}: {why or said}",
            "are the channels still there that the run names, and can they be reached from here?",
        )
    return Unreplayable(
        f"conda's packages cannot be installed: there is no micromamba, and {installer.said} could not be "
        f"had or used: {said}",
        f"name a micromamba in {VARIABLE}, or a base image that has one: `image:` in repro.yaml",
    )
