"""Asks uv which files, by hash, belong to pinned versions. One pin that fails costs the others
nothing, and no code of a package runs."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repro import process
from repro.capturing.requirements import parse
from repro.environment.index import PackageSources, without_credentials
from repro.errors import EngineError
from repro.manifest import Interpreter, Package, PackageOrigin

TIMEOUT = 180.0
"""Seconds that all of one question may take."""

_PASSED_ON = """
PATH HOME USER TMPDIR LANG XDG_CACHE_HOME UV_CACHE_DIR SYSTEMROOT APPDATA LOCALAPPDATA
"""
PASSED_ON = _PASSED_ON.split()

Hashes = dict[str, tuple[str, ...]]


@dataclass
class Answer:
    """What one set of sources knows of the pins."""

    hashes: Hashes = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    """Not there, said the sources."""
    trouble: dict[str, str] = field(default_factory=dict)
    """Not told, and why: no network, a build that failed."""
    unreachable: bool = False
    """An extra index did not answer."""


class Question:
    """For an interpreter, or for what is known of one that is not here."""

    def __init__(
        self, python: Path | Interpreter, env: Mapping[str, str], offline: bool = False
    ) -> None:
        # found here and not in a thread: sysconfig, which uv's package asks, does not bear that
        self._uv, self._offline, self._refresh = _uv(), offline, False
        if isinstance(python, Path):
            self._target: tuple[str, ...] = ("--python", str(python))
        else:
            # any interpreter will do to ask with; this one is certainly here
            self._target = ("--python", sys.executable, "--python-version", python.version)
        self._env = {name: env[name] for name in PASSED_ON if name in env}
        self._deadline = time.monotonic() + TIMEOUT

    def ask(
        self, pins: Mapping[str, Package], sources: PackageSources, *, anew: bool = False
    ) -> Answer:
        """What these sources know of the pins, which are given by name. ``anew``: what they know now,
        whatever they said before."""
        answer = Answer()
        if not pins:
            return answer
        self._refresh = anew
        # uv's own cache often knows, from the day when the packages were installed: no network then
        hashes, _ = (None, "") if anew else self._run(pins, sources, offline=True)
        if hashes is not None:
            answer.hashes = hashes
        else:
            self._ask(dict(pins), sources, answer, self._offline)
        return answer

    def _ask(
        self, pins: dict[str, Package], sources: PackageSources, answer: Answer, offline: bool
    ) -> None:
        while pins:
            hashes, said = self._run(pins, sources, offline)
            if hashes is not None:
                answer.hashes |= hashes
                return
            if no_network(said) and not offline and (fewer := sources.without(said)):
                # one index that is down must not hide what the others have
                sources, answer.unreachable = fewer, True
                continue
            if no_network(said) and not offline and self._refresh:
                answer.trouble |= dict.fromkeys(pins, "the package index could not be reached")
                return
            if no_network(said) and not offline:
                self._ask(pins, sources, answer, offline=True)
                answer.trouble |= dict.fromkeys(answer.trouble.keys() & pins.keys(), said)
                return
            guilty = _named(said, pins)
            if guilty is None:
                self._halve(pins, sources, answer, offline, said)
                return
            if _absent(said) and not offline and not answer.unreachable:
                answer.absent.add(guilty)
            elif _absent(said) and answer.unreachable:
                answer.trouble[guilty] = "an extra package index could not be reached"
            else:
                answer.trouble[guilty] = said
            pins = {name: package for name, package in pins.items() if name != guilty}

    def _halve(
        self,
        pins: dict[str, Package],
        sources: PackageSources,
        answer: Answer,
        offline: bool,
        said: str,
    ) -> None:
        """The message names nobody: each half on its own, down to the one who is to blame."""
        names = sorted(pins)
        if len(names) == 1 or time.monotonic() > self._deadline:
            answer.trouble |= dict.fromkeys(names, said)
            return
        for half in (names[: len(names) // 2], names[len(names) // 2 :]):
            self._ask({name: pins[name] for name in half}, sources, answer, offline)

    def _run(
        self, pins: Mapping[str, Package], sources: PackageSources, offline: bool
    ) -> tuple[Hashes | None, str]:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            return None, f"uv had no answer within {TIMEOUT:g} s"
        env = {"UV_HTTP_RETRIES": "1", **self._env, **sources.env, "UV_PYTHON_DOWNLOADS": "never"}
        argv = [
            self._uv, "pip", "compile", "-", "--quiet", "--no-deps",
            "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header",
            "--no-annotate", "--prerelease=allow", *self._target,
            *(["--offline"] if offline else []),
            *(["--refresh"] if self._refresh and not offline else []),
            *(["--no-index"] if env.pop("UV_NO_INDEX", None) else []),
        ]  # fmt: skip
        lines = "".join(f"{_asked(item)}\n" for item in pins.values())
        try:
            with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as config:
                config.write(_no_dependencies(pins))
                config.flush()
                argv += ["--config-file", config.name]
                done = process.run(
                    argv, stdin=lines.encode(), env=env, timeout=remaining, check=False
                )
        except process.CommandFailed as error:
            if isinstance(error.__cause__, OSError):
                raise EngineError(f"uv cannot be started: {error}", "pip install uv") from error
            return None, str(error)
        if done.exit_code:
            return None, without_credentials(done.stderr.decode("utf-8", "replace").strip())
        entries = parse(done.stdout.decode("utf-8", "replace"))
        return {entry.name: entry.hashes for entry in entries}, ""


def _asked(item: Package) -> str:
    if item.origin is PackageOrigin.URL:
        return f"{item.name} @ {item.location}"
    return f"{item.name}=={item.version}"


def _no_dependencies(pins: Mapping[str, Package]) -> str:
    """uv's settings: their dependencies are told, so that uv need not download a wheel's metadata, or
    build a source distribution, only to learn what is not asked for."""
    known = "".join(
        f"  {{ name = {json.dumps(item.name)}, version = {json.dumps(item.version)}, "
        "requires-dist = [] },\n"
        for item in pins.values()
    )
    return f"dependency-metadata = [\n{known}]\n"


def no_network(said: str) -> bool:
    """Whether uv says that it could not reach an index."""
    signs = ("error sending request", "Failed to fetch", "dns error", "Connection refused")
    return any(sign in said for sign in signs)


def _uv() -> str:
    try:
        import uv
    except ImportError as error:
        raise EngineError("uv is not installed beside repro", "pip install uv") from error
    try:
        return os.fsdecode(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise EngineError(
            f"uv is incomplete: {error}", "pip install --force-reinstall uv"
        ) from error


def _named(said: str, pins: Mapping[str, Package]) -> str | None:
    """The package that uv's message is about: the pin it spells out, or a name it mentions."""
    for name, package in pins.items():
        pattern = rf"(?<![\w.-]){re.escape(name)}==v?{re.escape(package.version)}(?![\w.+-])"
        if re.search(pattern, said, re.IGNORECASE):
            return name
    mentioned = re.findall(r"`([A-Za-z0-9._-]+?)(?:==[^`]*| @[^`]*)?`", said)
    mentioned += re.findall(r"Because ([\w.-]+) was not found", said)
    return next((name for name in mentioned if name in pins), None)


def _absent(said: str) -> bool:
    return "was not found in the" in said or "there is no version of" in said
