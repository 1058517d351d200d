"""What conda installed into a prefix, read from its own records: no conda is needed, and none is started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.capturing.distributions import normalised, without_credentials
from repro.manifest import Finding, Severity

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


def explicit_list(packages: Iterable[CondaPackage]) -> str:
    """The text that rebuilds the environment: ``micromamba create -p PREFIX --file THIS``.

    Packages without an address that others can reach are comments in it: see ``findings``.
    """
    listed = sorted(packages, key=lambda item: (item.name, item.version, item.build))
    platforms = sorted({item.subdir for item in listed} - {"", "noarch"})
    return "".join(
        f"{line}\n"
        for line in (
            "# conda packages by their files; micromamba or conda create --file reads it",
            *(f"# platform: {platform}" for platform in platforms),
            "@EXPLICIT",
            *(_line(item) for item in listed),
        )
    )


def findings(packages: Sequence[CondaPackage], prefix: Path | None = None) -> tuple[Finding, ...]:
    """What a rebuild from the explicit list lacks. ``prefix``: names its damaged records too."""
    return tuple(_findings(packages, damaged(prefix) if prefix else ()))


def beyond_pip(packages: Iterable[CondaPackage]) -> tuple[str, ...]:
    """Names of what is no Python distribution: compilers, CUDA, BLAS; pip cannot get it under that name."""
    return tuple(item.name for item in packages if not item.distributions and item.name != "python")


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


def _findings(packages: Sequence[CondaPackage], broken: Sequence[str]) -> Iterator[Finding]:
    here = [f"{item.name} {item.version}" for item in packages if not item.elsewhere]
    if here:
        yield _finding(
            Severity.BREAKS,
            f"of no address that others can reach, so not in the explicit list: {shortened(here)}",
            "install them from a channel, or upload their builds to one",
        )
    bare = [item.name for item in packages if item.elsewhere and not _digest(item)]
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
    return CondaPackage(
        name=name,
        version=version,
        build=_word(record, "build") or _word(record, "build_string"),
        channel=_public(_word(record, "channel")),
        subdir=_word(record, "subdir") or _word(record, "platform"),
        url=_url(record),
        md5=_hex(record, "md5", 32),
        sha256=_hex(record, "sha256", 64),
        distributions=_distributions(record.get("files")),
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


def _distributions(files: Any) -> tuple[str, ...]:
    found = {
        normalised(match[1])
        for path in (files if isinstance(files, list) else ())
        if isinstance(path, str)
        and (
            match := re.search(
                r"site-packages/([^/]+?)-[^/-]+(?:-py[\d.]+)?\.(?:dist|egg)-info(?:/|$)", path
            )
        )
    }
    return tuple(sorted(found))


def _digest(item: CondaPackage) -> str:
    """md5 first: every conda and micromamba reads it, sha256 in a list only the later ones."""
    return item.md5 or (f"sha256:{item.sha256}" if item.sha256 else "")


def _line(item: CondaPackage) -> str:
    if not item.elsewhere:
        return f"# not to be had elsewhere: {item.name}={item.version}={item.build}"
    digest = _digest(item)
    return f"{item.url}#{digest}" if digest else item.url
