"""What conda installed into a prefix, read from its own records: no conda is needed, and none is started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised, without_credentials
from repro.manifest import CondaFile, Finding, Severity

SHOWN = 8
"""Names in a message before the rest becomes a count."""


@dataclass(frozen=True)
class CondaPackage:
    """One installed package of conda. None, or empty: its record does not say."""

    name: str
    version: str
    build: str = ""
    channel: str = ""
    subdir: str = ""
    """The platform it is built for, or ``noarch``."""
    url: str = ""
    """Of its file, without credentials."""
    md5: str | None = None
    sha256: str | None = None
    distributions: tuple[str, ...] = ()
    """The Python distributions in it, normalised: those that the inventory of packages has too."""
    versions: tuple[str, ...] = ()
    """Theirs, in the same order."""

    @property
    def elsewhere(self) -> bool:
        """Whether others can have the very file: it has an address that is not of this machine."""
        return self.url.startswith(("https://", "http://", "s3://", "oci://"))


def is_prefix(prefix: Path) -> bool:
    """Whether conda, mamba or pixi made it."""
    return (prefix / "conda-meta").is_dir()


def explicit(prefix: Path) -> tuple[CondaPackage, ...]:
    """What conda installed there, by name; empty for a prefix that is not conda's.

    A damaged record is left out; ``damaged`` tells which.
    """
    found = [item for path in _records(prefix) if (item := _package(_read(path)))]
    return tuple(sorted(found, key=lambda item: (item.name, item.version, item.build)))


def damaged(prefix: Path) -> tuple[str, ...]:
    """The records that cannot be read, by file name."""
    return tuple(path.name for path in _records(prefix) if _package(_read(path)) is None)


def findings(packages: Sequence[CondaPackage], prefix: Path | None = None) -> tuple[Finding, ...]:
    """What a rebuild from the explicit list lacks. ``prefix``: names its damaged records too."""
    return tuple(_findings(packages, damaged(prefix) if prefix else ()))


def beyond_pip(packages: Iterable[CondaPackage]) -> tuple[str, ...]:
    """Names of what is no Python distribution: compilers, CUDA, BLAS; pip cannot get it under that name."""
    return tuple(item.name for item in packages if not item.distributions and item.name != "python")


def rebuilt(prefix: Path) -> tuple[CondaFile, ...]:
    """What a replay installs again, by name; empty for a prefix whose Python is not conda's.

    What cannot be had elsewhere, or whose record is damaged, is among it without an address: an
    environment that lacks something must not pass for the recorded one.
    """
    packages, broken = explicit(prefix), damaged(prefix)
    if not broken and not any(item.name == "python" for item in packages):
        return ()
    found = [
        CondaFile(
            item.name,
            item.version,
            item.build,
            item.url if item.elsewhere else None,
            item.md5,
            item.sha256,
        )
        for item in packages
    ]
    found += [CondaFile(re.sub(r"[^A-Za-z0-9._-]", "_", name), "") for name in broken]
    return tuple(sorted(found, key=lambda item: (item.name, item.version, item.build)))


def provides(packages: Iterable[CondaPackage]) -> frozenset[tuple[str, str]]:
    """Name and version of the Python distributions that came with conda's packages; one that pip put in the
    place of another is none of them."""
    return frozenset(
        (name, _plain(version))
        for item in packages
        for name, version in zip(item.distributions, item.versions)
    )


def is_provided(name: str, version: str, provided: frozenset[tuple[str, str]]) -> bool:
    return (name, _plain(version)) in provided


def _plain(word: str) -> str:
    """As names of files have it."""
    return re.sub(r"[^A-Za-z0-9.+!~]", "_", word)


def not_rebuilt(packages: Sequence[CondaPackage]) -> tuple[Finding, ...]:
    """What a replay lacks, because it installs from the package index and starts no conda."""
    beyond = beyond_pip(packages)
    if not beyond:
        return ()
    are = "package of conda is" if len(beyond) == 1 else "packages of conda are"
    return (
        _finding(
            Severity.RISKS,
            f"{len(beyond)} {are} none of Python's ({shortened(beyond)}): a replay installs from the package"
            " index, and lacks them",
            "if results depend on them, record in an image that has them: repro run --image REF",
        ),
    )


def activation(prefix: Path) -> tuple[Finding, ...]:
    """Scripts that set variables when the environment is activated: a replay starts none of them."""
    try:
        names = sorted(path.name for path in (prefix / "etc/conda/activate.d").glob("*.sh"))
    except OSError:
        return ()
    if not names:
        return ()
    return (
        _finding(
            Severity.NOTE,
            f"conda's activation runs {shortened(names)}; a replay sets the recorded variables only",
            "name the variables that the training needs under `env` in repro.yaml",
        ),
    )


def _findings(packages: Sequence[CondaPackage], broken: Sequence[str]) -> Iterator[Finding]:
    here = [f"{item.name} {item.version}" for item in packages if not item.elsewhere]
    if here:
        yield _finding(
            Severity.BREAKS,
            f"of no address that others can reach, so not in the explicit list: {shortened(here)}",
            "install them from a channel, or upload their builds to one",
        )
    bare = [item.name for item in packages if item.elsewhere and not (item.md5 or item.sha256)]
    if bare:
        yield _finding(
            Severity.RISKS,
            f"conda recorded no hash of: {shortened(bare)}",
            "install them again with a current conda",
        )
    if broken:
        yield _finding(
            Severity.BREAKS,
            f"records of conda that cannot be read, their packages are not known: {shortened(broken)}",
            "conda install --force-reinstall what they are of",
        )


def _finding(severity: Severity, message: str, remedy: str) -> Finding:
    return Finding(severity, "packages", message, remedy)


def shortened(names: Sequence[str]) -> str:
    """A list for a message: the first, and how many more there are."""
    more = len(names) - SHOWN
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


# --- the records ------------------------------------------------------------------------------


def _records(prefix: Path) -> list[Path]:
    try:
        return sorted((prefix / "conda-meta").glob("*.json"))
    except OSError:
        return []


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _package(record: Any) -> CondaPackage | None:
    if not isinstance(record, dict):
        return None
    name, version = _word(record, "name"), _word(record, "version")
    if not name or not version:
        return None
    found = _distributions(record.get("files"))
    return CondaPackage(
        name=name,
        version=version,
        build=_word(record, "build") or _word(record, "build_string"),
        channel=_public(_word(record, "channel")),
        subdir=_word(record, "subdir") or _word(record, "platform"),
        url=_url(record),
        md5=_hex(record, "md5", 32),
        sha256=_hex(record, "sha256", 64),
        distributions=tuple(name for name, _ in found),
        versions=tuple(version for _, version in found),
    )


def _word(record: Mapping[str, Any], key: str) -> str:
    """Text without a blank or a line break: it goes into lines of a file."""
    value = record.get(key)
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) else ""


def _hex(record: Mapping[str, Any], key: str, length: int) -> str | None:
    value = _word(record, key).lower()
    return value if re.fullmatch(rf"[0-9a-f]{{{length}}}", value) else None


def _url(record: Mapping[str, Any]) -> str:
    url = _public(_word(record, "url"))
    return url if url.endswith((".conda", ".tar.bz2")) else ""


def _public(address: str) -> str:
    """Without a password, and without a token in the path, as private channels have it."""
    if "://" not in address:
        return address
    try:
        return re.sub(r"(?<=/)t/[^/]+/", "", without_credentials(address))
    except ValueError:
        return ""


def _distributions(files: Any) -> tuple[tuple[str, str], ...]:
    found = {
        (normalised(match[1]), match[2])
        for path in (files if isinstance(files, list) else ())
        if isinstance(path, str)
        and (
            match := re.search(
                r"site-packages/([^/]+?)-([^/-]+?)(?:-py[\d.]+)?\.(?:dist|egg)-info(?:/|$)", path
            )
        )
    }
    return tuple(sorted(found))
