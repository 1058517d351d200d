"""Does the index still have the very files of the recorded packages?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repro.capturing.requirements import parse
from repro.environment.asking import Answer, Question
from repro.environment.index import PackageSources
from repro.errors import EngineError
from repro.manifest import Interpreter, Package, PackageOrigin


@dataclass(frozen=True)
class Standing:
    """What the index says of a run's packages."""

    there: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """The version is not there any more."""
    changed: tuple[str, ...] = ()
    """It is there, and none of its files is one of those that were recorded."""
    unhashed: tuple[str, ...] = ()
    """It is there; which files it had is not recorded."""
    untold: tuple[str, ...] = ()
    why: str = ""


def standing(
    packages: Iterable[Package],
    lock: str,
    interpreter: Interpreter,
    sources: PackageSources,
    environ: Mapping[str, str],
) -> Standing:
    """What the index has of these packages now; no answer of an earlier day counts."""
    pins = {item.name: item for item in packages if item.origin is PackageOrigin.INDEX}
    recorded = {entry.name: frozenset(entry.hashes) for entry in parse(lock)}
    try:
        answer = Question(interpreter, environ).ask(pins, sources, anew=True)
    except EngineError as error:
        return Standing(untold=tuple(sorted(pins)), why=str(error))
    return _judged(pins, recorded, answer)


def _judged(
    pins: Mapping[str, Package], recorded: Mapping[str, frozenset[str]], answer: Answer
) -> Standing:
    found: dict[str, list[str]] = {}
    for name, package in sorted(pins.items()):
        title = f"{name} {package.version}"
        have = frozenset(answer.hashes.get(name, ()))
        wanted = recorded.get(name, frozenset())
        if name in answer.absent:
            found.setdefault("gone", []).append(title)
        elif name not in answer.hashes:
            found.setdefault("untold", []).append(title)
        elif not wanted or not have:
            found.setdefault("unhashed", []).append(title)
        else:
            found.setdefault("there" if have & wanted else "changed", []).append(title)
    why = next(iter(answer.trouble.values()), "")
    return Standing(**{key: tuple(titles) for key, titles in found.items()}, why=_short(why))


def _short(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0][:200] if lines else ""
