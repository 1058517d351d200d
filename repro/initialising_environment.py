"""What a training is executed in, as far as a project's files say it: lock, image, variables."""

from __future__ import annotations

from pathlib import Path

from repro import globs, plain_yaml
from repro.capturing import lockfile as locks
from repro.capturing import secrets, variables
from repro.initialising_entry import MOST, Entry, listed
from repro.initialising_survey import Survey, is_text

PACKAGE_SIGNS = ("pyproject.toml", "setup.py", "requirements*.txt", "Pipfile", "environment.y*ml")


def lockfile(look: Survey) -> Entry:
    why = (
        "The lock that the environment was installed from. What is installed is recorded in any case,"
        " with hashes; where the two differ, repro says so."
    )
    found = locks.find(look.folder)
    path = None
    if found and Path(found.path).is_relative_to(look.folder):
        path = Path(found.path).relative_to(look.folder).as_posix()
    if path and is_text(path):
        return Entry.found(path, why, path)
    loose = [name for name in look.visible if globs.any_matches(name, ("requirements*.txt",))]
    return Entry.example(
        "requirements.lock", why, f"{listed(loose)}, which leaves versions open" if loose else ""
    )


def image(look: Survey) -> Entry:
    why = (
        "The image that the environment is built on, else the official Python image of the same version;"
        " or the project's own Dockerfile: then the run itself happens in the image that it makes."
    )
    patterns = ("Dockerfile", "docker/Dockerfile", "Dockerfile.*", "*.Dockerfile")
    found = [path for path in look.visible if globs.any_matches(path, patterns)]
    found = [path for path in found if not path.endswith((".dockerignore", ".md"))]
    if not found:
        return Entry.example({"dockerfile": "Dockerfile"}, why)
    value = {"dockerfile": plain_yaml.scalar(found[0])}
    if len(found) == 1 and not look.has(*PACKAGE_SIGNS) and locks.find(look.folder) is None:
        return Entry.found(value, why, f"{found[0]}, and nothing else that says what to install")
    # it may serve the model as well as train it, and it moves the run away from this machine
    return Entry.example(value, why, f"{listed(found)}, not used: the run stays on this machine")


def env(look: Survey) -> Entry:
    why = (
        "Environment variables, by name or glob, that the run depends on: recorded with their values"
        " and set in a replay. Seeds, threads, locale and the like are let through without."
    )
    scripts = [path for path in look.visible if path.endswith(".py") and "test" not in path.lower()]
    unknown = sorted(
        name
        for name in variables.asked(look.folder, scripts[:300]) - variables.OF_THE_MACHINE
        if not globs.any_matches(name, variables.UNASKED) and not secrets.looks_secret(name)
    )
    seen = f"read by the code: {listed(unknown)}" if unknown else ""
    return Entry.example(tuple(unknown[:MOST]) or ("DATA_VERSION", "MYPROJECT_*"), why, seen)
