"""From the installed packages to a lock: every version pinned, with the hashes of its files.

The hashes come from uv, asked for exactly the versions that are installed. What uv cannot find is
pinned without a hash and named, and costs the others nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from repro import canonical
from repro.environment import asking
from repro.environment.asking import Answer, Hashes
from repro.environment.index import PackageSources
from repro.manifest import Finding, Interpreter, Package, PackageOrigin, Severity, to_document

# Goes up when the same packages would give another text.
FORMAT = 2


@dataclass(frozen=True)
class Lock:
    """The lock in requirements format, and what it lacks."""

    text: str
    findings: tuple[Finding, ...] = ()
    complete: bool = True
    """False: an index could not be asked, so a later attempt may know more."""


def make_lock(
    packages: Sequence[Package],
    python: Path | Interpreter,
    sources: PackageSources,
    cache: Path,
    *,
    env: Mapping[str, str] | None = None,
    offline: bool = False,
) -> Lock:
    """The lock of these packages. ``python`` is the interpreter's path, or what is known of it.

    Editable projects, and what is installed from a folder or file in the workspace, are not in it:
    the recipe installs them from the source. Raises EngineError where uv itself is not there.
    """
    entry = cache / f"lock-{_key(packages, python, sources)}.json"
    if known := _read(entry):
        return known
    invalid = tuple(item for item in packages if not _is_version(item.version))
    packages = [item for item in packages if item not in invalid]
    pins = {item.name: item for item in packages if _has_to_be_asked(item)}
    question = asking.Question(python, os.environ if env is None else env, offline)
    with ThreadPoolExecutor(2) as pool:
        # two questions, because the hashes of a folder here must not hide those that others can use
        asked = [sources.elsewhere, sources] if sources.local else [sources]
        answers = [
            item.result() for item in [pool.submit(question.ask, pins, one) for one in asked]
        ]
    everywhere, here = answers[0], answers[-1]
    hashes = _merged(everywhere.hashes, here.hashes)
    for name, package in pins.items():
        in_folder = package.origin is PackageOrigin.INDEX
        if in_folder and name not in here.absent and not hashes.get(name):
            hashes[name] = _local_hashes(package, sources.folders, cache)
    text = "".join(f"{line}\n" for line in _lines(packages, hashes))
    findings = (*_invalid(invalid), *_findings(pins, hashes, everywhere, here))
    lock = Lock(text, findings, complete=not (everywhere.trouble or here.trouble))
    if lock.complete:
        document = {"text": text, "findings": to_document(findings)}
        canonical.write_bytes(entry, canonical.dumps(document))
    return lock


def _has_to_be_asked(package: Package) -> bool:
    if package.origin is PackageOrigin.URL:
        return bool(package.location) and not package.revision
    return package.origin is PackageOrigin.INDEX


# --- the text -------------------------------------------------------------------------------


def _lines(packages: Sequence[Package], hashes: Hashes) -> Iterator[str]:
    for package in sorted(packages, key=lambda item: item.name):
        match package.origin:
            case PackageOrigin.INDEX:
                digests = hashes.get(package.name, ())
                yield _joined(f"{package.name}=={package.version}", digests)
            case PackageOrigin.VCS if package.location:
                url, _, inner = package.location.partition("#")
                at = f"@{package.revision}" if package.revision else ""
                yield f"{package.name} @ {url}{at}{'#' + inner if inner else ''}"
            case PackageOrigin.URL if package.location:
                # pip writes the hash down, uv does not
                digests = (package.revision,) if package.revision else hashes.get(package.name, ())
                yield _joined(f"{package.name} @ {package.location}", digests)
            case PackageOrigin.LOCAL if package.location is None and package.revision:
                # its folder is no one else's; but whatever source has this very file will do
                yield _joined(f"{package.name}=={package.version}", (package.revision,))


def _joined(pin: str, digests: Iterable[str]) -> str:
    return " \\\n    ".join([pin, *(f"--hash={digest}" for digest in sorted(digests))])


def _merged(*several: Hashes) -> Hashes:
    names = {name for one in several for name in one}
    return {
        name: tuple(sorted({digest for one in several for digest in one.get(name, ())}))
        for name in names
    }


def _local_hashes(package: Package, folders: Iterable[Path], cache: Path) -> tuple[str, ...]:
    """Of the files of that version in a find-links folder, which has no list of hashes itself."""
    stem = re.compile(
        rf"{'[-_.]+'.join(map(re.escape, package.name.split('-')))}-{re.escape(package.version)}"
        r"(-[^/]*\.whl|\.tar\.gz|\.zip)$",
        re.IGNORECASE,
    )
    found: set[str] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            files = [path for path in folder.iterdir() if stem.match(path.name)]
            found.update(_file_hash(path, cache) for path in files)
    return tuple(sorted(found))


def _file_hash(path: Path, cache: Path) -> str:
    status = path.stat()
    key = canonical.digest_bytes(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    entry = cache / f"file-{key[7:39]}"
    with contextlib.suppress(OSError):
        return entry.read_text("ascii")
    digest = canonical.digest_file(path)
    canonical.write_bytes(entry, digest.encode())
    return digest


# --- findings -------------------------------------------------------------------------------


def _is_version(version: str) -> bool:
    """Whether pip and uv of today accept it (PEP 440), or it would spoil the whole lock."""
    try:
        from packaging.version import InvalidVersion, Version
    except ImportError:
        return bool(re.fullmatch(r"v?(\d+!)?\d+(\.\d+)*[\w.+-]*", version))
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True


def _invalid(packages: Iterable[Package]) -> Iterator[Finding]:
    for package in packages:
        yield Finding(
            Severity.BREAKS,
            "packages",
            f"{package.name} has the version {package.version!r}, which pip and uv refuse: it is "
            "not in the lock",
            f"install a later version of {package.name}",
        )


def _findings(
    pins: Mapping[str, Package], hashes: Hashes, everywhere: Answer, here: Answer
) -> Iterator[Finding]:
    troubled: dict[str, list[str]] = {}
    for name, package in sorted(pins.items()):
        title = f"{name} {package.version}"
        if name in here.absent and not hashes.get(name):
            local = "+" in package.version
            yield Finding(
                Severity.BREAKS,
                "packages",
                f"{title} is installed, and none of the package sources of this machine has it",
                "name the index it came from: PIP_EXTRA_INDEX_URL or UV_INDEX"
                if local
                else "install a version that an index has, or add the index it came from",
            )
        elif not hashes.get(name):
            reason = here.trouble.get(name) or everywhere.trouble.get(name) or ""
            troubled.setdefault(_short(reason), []).append(title)
        elif name in everywhere.absent:
            yield Finding(
                Severity.RISKS,
                "packages",
                f"{title} is in a folder of this machine only, in no index that others can reach",
                "publish it in an index, or name one that has it: PIP_EXTRA_INDEX_URL or UV_INDEX",
            )
    for reason, titles in sorted(troubled.items()):
        why = f" ({reason})" if reason else ": their source has no list of hashes"
        yield Finding(
            Severity.RISKS,
            "packages",
            f"pinned without a hash: {', '.join(titles)}{why}",
            "capture again when the package index can be reached" if reason else "",
        )


def _short(said: str) -> str:
    """The first line that says something, for a person."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith("warning:")] or lines
    if not useful:
        return ""
    if asking.no_network(said):
        return "the package index could not be reached"
    return re.sub(r"^error: ", "", useful[0])[:200]


# --- the cache ------------------------------------------------------------------------------


def _key(packages: Sequence[Package], python: Path | Interpreter, sources: PackageSources) -> str:
    facts = {
        "format": FORMAT,
        "packages": sorted(canonical.dumps(to_document(item)).decode() for item in packages),
        "python": str(python),
        # a digest, so that no credentials come to the disk
        "sources": sorted(f"{name}={value}" for name, value in sources.env.items()),
    }
    return canonical.key(facts)


def _read(entry: Path) -> Lock | None:
    try:
        document = json.loads(entry.read_bytes())
        findings = tuple(
            Finding(
                Severity(item["severity"]), item["subject"], item["message"], item.get("remedy", "")
            )
            for item in document["findings"]
        )
        return Lock(document["text"], findings)
    except (OSError, ValueError, TypeError, KeyError):
        return None
