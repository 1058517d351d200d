"""Which files a lock's packages are, and where each can be had: uv is asked, no package's code runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from repro import process
from repro.capturing.locks import document
from repro.capturing.requirements import Requirement, parse
from repro.environment.index import PackageSources, without_credentials

TIMEOUT = 180.0
"""Seconds for one question."""
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "UV_CACHE_DIR")


@dataclass(frozen=True)
class PackageFile:
    """A wheel or an sdist."""

    name: str
    place: str
    """URL, or absolute path."""
    digest: str
    """``sha256:…``; one of those in the lock."""


@dataclass(frozen=True)
class Platform:
    """What a replay's container is."""

    python: str
    """``3.11.7``"""
    machine: str = "x86_64"


def files(
    uv: Path, lock: str, platform: Platform, sources: PackageSources, env: Mapping[str, str]
) -> tuple[tuple[PackageFile, ...], dict[str, str]]:
    """The wheel of each pinned package that fits the platform, its sdist where none does; and, by name,
    why there is none of the others."""
    entries = [item for item in parse(lock) if item.name]
    told = {name: env[name] for name in _PASSED_ON if name in env} | sources.env
    answer, said = _asked(uv, entries, platform, told)
    if answer is None and len(entries) > 1:
        parts = [_asked(uv, [item], platform, told) for item in entries]
        answer = [row for rows, _ in parts for row in rows or ()]
        reasons = {item.name: why for item, (_, why) in zip(entries, parts) if why}
    else:
        reasons = dict.fromkeys((item.name for item in entries), said) if said else {}
    rows = {document.text(row.get("name")): row for row in answer or ()}
    found, missing = [], {}
    for item in entries:
        mine = [one for one in _offered(rows.get(item.name, {})) if one.digest in item.hashes]
        if not item.hashes:
            missing[item.name] = "no hash of it is recorded"
        elif not mine:
            missing[item.name] = reasons.get(item.name) or "no file with a recorded hash fits"
        wheels = [one for one in mine if one.name.endswith(".whl")]
        found += wheels or mine[:1]
    return tuple(found), missing


def _asked(
    uv: Path, entries: Sequence[Requirement], platform: Platform, env: dict[str, str]
) -> tuple[list[Mapping[str, Any]] | None, str]:
    """uv's answer, in the words of pylock.toml; None, and what it said, where it has none."""
    argv: list[str | Path] = [
        uv, "pip", "compile", "-", "--quiet", "--no-deps", "--generate-hashes", "--no-header",
        "--no-annotate", "--prerelease=allow", "--format", "pylock.toml", "--no-config",
        "--python-version", platform.python, "--python-platform",
        f"{platform.machine}-manylinux_2_40",
        *(["--no-index"] if env.get("UV_NO_INDEX") else []),
    ]  # fmt: skip
    env = {name: value for name, value in env.items() if name != "UV_NO_INDEX"}
    lines = "".join(f"{item.text}\n" for item in entries)
    try:
        done = process.run(argv, stdin=lines.encode(), env=env, timeout=TIMEOUT)
        found = document.toml(done.stdout.decode("utf-8", "replace"))
    except (process.CommandFailed, ValueError) as error:
        return None, without_credentials(str(error))[:300]
    return list(document.rows(found.get("packages"))), ""


def _offered(row: Mapping[str, Any]) -> list[PackageFile]:
    """The files of a package, wheels first."""
    several = [*document.rows(row.get("wheels"))]
    several += [row[key] for key in ("sdist", "archive") if isinstance(row.get(key), dict)]
    found = []
    for item in several:
        place = document.text(item.get("url")) or document.text(item.get("path"))
        digest = document.text(document.table(item.get("hashes")).get("sha256"))
        name = posixpath.basename(unquote(urlsplit(place).path))
        if re.fullmatch(r"[\w.+!-]{1,200}", name, re.ASCII) and digest:
            found.append(PackageFile(name, place, f"sha256:{digest}"))
    return found
