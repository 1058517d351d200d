"""Where the files that say what to install contradict what is installed, or each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from repro.capturing import conda
from repro.capturing.conda import shortened
from repro.capturing.distributions import normalised
from repro.capturing.locks.comparing import by_name, is_needed
from repro.capturing.locks.ranges import admits, exclude_each_other
from repro.capturing.locks.survey import Stated, survey
from repro.capturing.probing import Probe
from repro.capturing.requirements import Manager, Requirement, Requirements
from repro.manifest import Finding, Package, Severity

# Where conda's name of a project is not the index's.
INDEX_NAMES = {
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pytables": "tables",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "tensorflow-gpu": "tensorflow",
}

OTHER_THINGS = frozenset({"ffmpeg", "graphviz", "snappy", "xz", "zstd"})
"""A program or library of conda's, where the index has a Python package of that name."""


@dataclass(frozen=True)
class Judged:
    """One file beside what is installed, by package."""

    file: Stated
    right: tuple[str, ...]
    wrong: dict[str, str]
    """By name what is installed and what the file says: ``torch 2.1 (<2)``."""
    missing: tuple[str, ...]

    @property
    def fit(self) -> int:
        return len(self.right) - len(self.wrong) - len(self.missing)


def findings(
    folders: Sequence[Path],
    installed: Sequence[Package],
    probe: Probe,
    lock: Path | None = None,
    known: Mapping[Path, Requirements] | None = None,
) -> tuple[Finding, ...]:
    """What is to be said of all files in these folders: the project's, and that of the command.

    ``lock``: the one that counts as the project's lock, and is compared elsewhere. ``known``: files
    that were read already. The installed packages are recorded whatever the files say.
    """
    files = survey(folders, folders[0], probe, known)
    said = any(
        item.unread or any(entry.name != "python" for entry in item.entries) for item in files
    )
    nothing = () if said else (_nothing(installed),)
    have = _versions(installed, probe)
    judged = [_judge(item, have) for item in files]
    return (*nothing, *_findings(judged, lock))


def _nothing(installed: Sequence[Package]) -> Finding:
    count = "1 package" if len(installed) == 1 else f"{len(installed)} packages"
    return Finding(
        Severity.NOTE,
        "packages",
        f"no file of the project says what to install: the {count} that are installed are recorded, "
        "and this record is the only one",
        "keep a list beside the code: uv pip freeze > requirements.txt",
    )


def _versions(installed: Sequence[Package], probe: Probe) -> dict[tuple[Manager, str], str]:
    prefix = Path(probe.prefix)
    found = {(Manager.PYTHON, item.name): item.version for item in installed}
    if conda.is_prefix(prefix):
        found |= {(Manager.CONDA, item.name): item.version for item in conda.explicit(prefix)}
    else:
        # conda's names where the index's are the same, or known
        same = [item for item in installed if item.name not in OTHER_THINGS]
        found |= {(Manager.CONDA, item.name): item.version for item in same}
        found |= {
            (Manager.CONDA, name): found[Manager.PYTHON, index]
            for name, index in INDEX_NAMES.items()
            if (Manager.PYTHON, index) in found
        }
    for manager in Manager:
        found[manager, "python"] = probe.interpreter.version
    return found


def _judge(file: Stated, have: Mapping[tuple[Manager, str], str]) -> Judged:
    right: list[str] = []
    wrong: dict[str, str] = {}
    missing: list[str] = []
    for name, items in by_name(file.entries).items():
        version = have.get((items[0].manager, name))
        if version is None:
            # conda's other packages are not known outside of its environments
            if is_needed(items) and items[0].manager is Manager.PYTHON and not file.aside:
                missing.append(name)
        elif all(admits(item, version) is False for item in items):
            wrong[name] = f"{name} {version} ({' or '.join(map(_words, items))})"
        elif is_needed(items) and name != "python":
            right.append(name)
    return Judged(file, tuple(right), wrong, tuple(missing))


def _words(entry: Requirement) -> str:
    return entry.specifier or (f"=={entry.version}" if entry.version else "any")


def _findings(judged: Sequence[Judged], lock: Path | None) -> Iterator[Finding]:
    others = [item for item in judged if item.file.path != lock]
    excluding = list(_exclusions([item.file for item in judged]))
    best = _best(judged, lock)
    if len(judged) > 1 and best and (excluding or any(item.wrong for item in judged)):
        yield _effective(judged, best, lock)
    for item in others:
        if item.wrong:
            yield Finding(
                Severity.NOTE,
                "packages",
                f"{item.file.name} excludes what is installed: {shortened(list(item.wrong.values()))}",
                f"correct {item.file.name}, or install what it says",
            )
        if item.missing and item is best:
            yield Finding(
                Severity.NOTE,
                "packages",
                f"{item.file.name} names what is not installed: {shortened(item.missing)}",
                f"install it, or take it out of {item.file.name}",
            )
    yield from excluding
    for item in others:
        if item.file.unread:
            yield Finding(
                Severity.NOTE,
                "packages",
                f"{item.file.name}: could not be read: {shortened(item.file.unread)}",
            )


def _best(judged: Sequence[Judged], lock: Path | None) -> Judged | None:
    """The one that fits what is installed best; of equals the lock that counts, then any lock."""
    fitting = [item for item in judged if item.right and not item.file.aside]
    return max(
        fitting, key=lambda item: (item.fit, item.file.path == lock, item.file.lock), default=None
    )


def _effective(judged: Sequence[Judged], best: Judged, lock: Path | None) -> Finding:
    total = len(best.right) + len(best.wrong) + len(best.missing)
    names = ", ".join(item.file.name for item in judged)
    counts = next((item.file.name for item in judged if item.file.path == lock), best.file.name)
    but = "" if counts == best.file.name else f", although {counts} counts as the project's lock"
    return Finding(
        Severity.NOTE,
        "packages",
        f"{len(judged)} files say what to install ({names}); {best.file.name} fits what is installed best "
        f"({len(best.right)} of {total}){but}",
        "keep one of them, and make the others from it or delete them",
    )


def _exclusions(files: Sequence[Stated]) -> Iterator[Finding]:
    sides = [(item, by_index_name(item.entries)) for item in files]
    for (one, mine), (other, theirs) in combinations(sides, 2):
        named = [
            f"{name} ({_words(items[0])} against {_words(theirs[name][0])})"
            for name, items in mine.items()
            if name in theirs and _are_apart(items, theirs[name])
        ]
        if named:
            yield Finding(
                Severity.NOTE,
                "packages",
                f"{one.name} and {other.name} exclude each other: {shortened(named)}",
                "correct the one that is out of date",
            )


def by_index_name(entries: Iterable[Requirement]) -> dict[str, list[Requirement]]:
    """Under one name what conda and the index have both: with the same versions but for a few."""
    found: dict[str, list[Requirement]] = {}
    for item in entries:
        if item.manager is not Manager.CONDA:
            found.setdefault(item.name, []).append(item)
        elif item.name not in OTHER_THINGS:
            found.setdefault(normalised(INDEX_NAMES.get(item.name, item.name)), []).append(item)
    return found


def _are_apart(ones: Sequence[Requirement], others: Sequence[Requirement]) -> bool:
    return all(exclude_each_other(one, other) for one in ones for other in others)
