"""Trainings with a known cause each, as repositories (causes.json says which)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from workbench import Project

TRAININGS = Path(__file__).parent / "trainings"
CAUSES: dict[str, dict[str, Any]] = json.loads((TRAININGS / "causes.json").read_text())
IGNORED = "metrics.json\n*.npy\n*.pt\nmodel.json\ncheckpoints/\ncard.md\n__pycache__/\n"


def taken(project: Project, name: str) -> Project:
    """The empty project with the files of that training, committed."""
    shutil.copytree(TRAININGS / name, project.path, dirs_exist_ok=True)
    project.write(".gitignore", IGNORED)
    project.git("init", "--quiet")
    project.commit("As it is")
    return project


def guilty(document: dict[str, Any]) -> set[str]:
    return {item["name"] for item in document["probed"] if item["guilt"] == "guilty"}


def of(document: dict[str, Any], name: str) -> dict[str, Any]:
    (item,) = (item for item in document["probed"] if item["name"] == name)
    return dict(item)
