"""How conda names things: files of packages, platforms, and which versions a specification leaves."""

from __future__ import annotations

import re

from repro.capturing.requirements import Manager, Requirement

SYSTEMS = {"linux": "linux", "osx": "darwin", "win": "win32"}
MACHINES = {
    "64": ("x86_64", "AMD64", "amd64"),
    "32": ("i386", "i686", "x86"),
    "aarch64": ("aarch64",),
    "arm64": ("arm64", "ARM64"),
    "ppc64le": ("ppc64le",),
    "s390x": ("s390x",),
    "riscv64": ("riscv64",),
}

_FILE = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.(?:tar\.bz2|conda)$")
_SPEC = re.compile(
    r"(?:(?P<channel>[^:\s]+)::)?(?P<name>[A-Za-z0-9_.-]+)(?:\s*(?P<version>[=<>!~*\d][^\[\s]*))?"
    r"(?:\s+(?P<build>[^\[\s]+))?\s*(?:\[(?P<keys>.*)\])?$"
)


def marker(platform: str) -> str:
    """A platform of conda as a marker; empty for ``noarch``, one that never holds for an unknown one."""
    if platform in ("", "noarch"):
        return ""
    system, _, machine = platform.partition("-")
    if system not in SYSTEMS or machine not in MACHINES:
        return "sys_platform == 'unknown'"
    either = " or ".join(f"platform_machine == '{name}'" for name in MACHINES[machine])
    return f"sys_platform == '{SYSTEMS[system]}' and ({either})"


def from_file(address: str, platform: str = "", hashes: tuple[str, ...] = ()) -> Requirement | None:
    """The package that a URL of a package's file names; None where it has not that form."""
    match = _FILE.match(address.split("#")[0].rstrip("/").rpartition("/")[2])
    if not match:
        return None
    name, version, build = match.group("name", "version", "build")
    return Requirement(
        name=name,
        text=f"{name}={version}={build}",
        version=version,
        hashes=hashes,
        marker=marker(platform),
        url=address.split("#")[0],
        manager=Manager.CONDA,
        build=build,
    )


def from_spec(text: str) -> Requirement | None:
    """What one line of an ``environment.yml`` asks for; None where it has not that form."""
    found = _SPEC.match(re.sub(r"\s*([,|<>=!~])\s*", r"\1", text.strip()))
    if not found:
        return None
    version, build = found.group("version") or "", found.group("build") or ""
    exact = re.fullmatch(r"==?([^=<>!~*|,]+)=([^=]+)", version)
    if exact:
        version, build = f"=={exact.group(1)}", exact.group(2)
    keys = dict(re.findall(r"(\w+)\s*=\s*['\"]?([^'\",\]]+)", found.group("keys") or ""))
    version, build = str(keys.get("version", version)), str(keys.get("build", build))
    # a version without a comparison, behind a blank, is that very one
    if re.fullmatch(r"[0-9][^=<>!~*|,]*", version):
        version = f"=={version}"
    pin = re.fullmatch(r"==([^=<>!~*|,]+)", version)
    return Requirement(
        name=found.group("name").lower(),
        text=text.strip(),
        version=pin.group(1) if pin else None,
        specifier=version,
        manager=Manager.CONDA,
        build=build if build and "*" not in build else None,
    )


def admits(specifier: str, version: str) -> bool | None:
    """Whether conda's words leave that version; None where this cannot be told."""
    if not specifier or specifier == "*":
        return True
    answers = [_all(part.split(","), version) for part in specifier.split("|")]
    if True in answers:
        return True
    return None if None in answers else False


def _all(clauses: list[str], version: str) -> bool | None:
    answers = [_clause(clause.strip(), version) for clause in clauses if clause.strip()]
    if False in answers:
        return False
    return None if None in answers else True


def _clause(clause: str, version: str) -> bool | None:
    prefix = re.fullmatch(r"=?([^=<>!~*]+?)(\.?\*)?", clause)
    if prefix:  # =1.2, 1.2.* and 1.2* leave 1.2 and all that begins so
        start = prefix.group(1)
        return version == start or version.startswith(f"{start}.")
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(clause).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None
