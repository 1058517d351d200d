"""What is really installed for an interpreter, read from the disk without starting it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.capturing import conda, distributions
from repro.capturing.distributions import Installed, Pointers, normalised
from repro.capturing.probing import Probe
from repro.manifest import Finding, Package, PackageOrigin, Severity

__all__ = ["Inventory", "inventory", "normalised"]

INDEX_INSTALLERS = frozenset({"pip", "uv", "poetry", "pdm", "flit", "hatch", "pip-sync", "rye"})


@dataclass(frozen=True)
class Inventory:
    """The installed distributions, by name, and what is to be said of them."""

    packages: tuple[Package, ...]
    findings: tuple[Finding, ...] = ()


def inventory(probe: Probe, workspace: Path) -> Inventory:
    """All distributions that the interpreter can import; where two have a name, the one that wins."""
    sites = set(probe.sites)
    pointers = distributions.pointers([path for path in probe.paths if path in sites])
    found: list[Installed] = []
    leftovers: list[str] = []
    for path in probe.paths:
        folder = distributions.read(path, workspace, pointers, is_site=path in sites)
        # importlib.metadata takes any of two; the one installed last owns the files
        by_age = sorted(folder.found, key=lambda item: (-item.changed, item.package.version))
        found += sorted(by_age, key=lambda item: item.package.name)
        leftovers += folder.leftovers
    winners: dict[str, Installed] = {}
    for item in found:
        winners.setdefault(item.package.name, item)
    kept = [winners[name] for name in sorted(winners)]
    findings = (
        *(said for item in kept for said in _origin_findings(item)),
        *_twin_findings(winners, found),
        *_path_findings(probe, pointers, kept, workspace),
        *_installer_findings(kept, probe),
        *_leftover_findings(leftovers),
    )
    return Inventory(tuple(item.package for item in kept), findings)


# --- findings -------------------------------------------------------------------------------


def _said(severity: Severity, message: str, remedy: str = "") -> Finding:
    return Finding(severity, "packages", message, remedy)


def _origin_findings(item: Installed) -> Iterator[Finding]:
    package = item.package
    title = f"{package.name} {package.version}"
    if item.damaged:
        yield _said(
            Severity.RISKS,
            f"{title}: its direct_url.json is damaged, so its origin is not known",
            f"install it again: pip install --force-reinstall {package.name}",
        )
    match package.origin:
        case PackageOrigin.VCS if item.outside and package.location is None:
            yield _said(
                Severity.BREAKS,
                f"{title} was installed from a git repository on this machine: {item.outside}",
                "push it, and install it from the URL that it is pushed to",
            )
        case PackageOrigin.VCS if item.outside:
            yield _said(
                Severity.RISKS,
                f"{title} is an editable checkout in {item.outside}: recorded is its commit "
                f"{str(package.revision)[:12]}, changes that are not committed or not pushed are not",
                "make it a git submodule, or install it from its git URL without -e",
            )
        case PackageOrigin.EDITABLE if item.outside:
            yield _said(
                Severity.BREAKS,
                f"{title} is an editable install of {item.outside}, outside the workspace: "
                "its source is not recorded",
                "make it a git submodule, or install it from an index or a git URL",
            )
        case PackageOrigin.LOCAL if item.outside:
            yield _said(
                Severity.BREAKS,
                f"{title} was installed from {item.outside}, which is not in the workspace",
                "put it into the repository, or install it from an index or a git URL",
            )
        case PackageOrigin.LOCAL if not package.revision:
            yield _said(
                Severity.NOTE,
                f"{title} is a copy of {package.location} as it was when it was installed; "
                "a replay installs the source as it is recorded",
                f"install it editable: pip install -e {package.location}",
            )
        case PackageOrigin.VCS if not package.revision:
            yield _said(
                Severity.RISKS,
                f"{title} was installed from {package.location} and its commit is not known",
                "install it again with a current pip or uv",
            )


def _twin_findings(winners: dict[str, Installed], found: Iterable[Installed]) -> Iterator[Finding]:
    shadowed: list[str] = []
    for item in found:
        winner = winners[item.package.name]
        name, version, other = item.package.name, winner.package.version, item.package.version
        if version == other:
            continue
        if winner.folder == item.folder:
            yield _said(
                Severity.RISKS,
                f"{name} is installed twice in one folder, as {version} and {other}: recorded is "
                f"{version}, which was installed later",
                f"pip install --force-reinstall {name}=={version}",
            )
        else:
            shadowed.append(f"{name} {version} hides {other}")
    if shadowed:
        message = "more than one version is on the search path, the first counts: "
        yield _said(Severity.NOTE, message + ", ".join(sorted(shadowed)))


def _path_findings(
    probe: Probe, pointers: Pointers, kept: Iterable[Installed], workspace: Path
) -> Iterator[Finding]:
    """Folders that are neither site directories nor recorded: PYTHONPATH, a ``.pth`` of one's own."""
    recorded = [Path(item.outside) for item in kept if item.outside]
    known = [workspace, workspace.resolve(), *map(Path, probe.sites), *recorded]
    for entry in probe.paths:
        path = Path(entry)
        if any(path.is_relative_to(item) or path.resolve().is_relative_to(item) for item in known):
            continue
        by = "a .pth file" if entry in pointers.folders else "PYTHONPATH"
        yield _said(
            Severity.RISKS,
            f"{by} puts {entry} on the search path, outside the workspace: what is imported from "
            "there is not recorded",
            "move the code into the repository, or make it a package and install it",
        )


def _installer_findings(kept: Iterable[Installed], probe: Probe) -> Iterator[Finding]:
    """conda and system packages: another build of the version than the one that an index has."""
    prefix = Path(probe.prefix)
    has_system = any(path.endswith("/dist-packages") for path in probe.paths)
    if not has_system and not conda.is_prefix(prefix):
        return
    by: dict[str, list[str]] = {}
    for item in kept:
        if item.package.origin is not PackageOrigin.INDEX:
            continue
        try:
            installer = Path(item.metadata).with_name("INSTALLER").read_text("utf-8").strip()
        except (OSError, ValueError):
            installer = "the system" if item.folder.startswith("/usr/lib/") else "pip"
        if installer and installer not in INDEX_INSTALLERS:
            by.setdefault(installer, []).append(item.package.name)
    if conda.rebuilt(prefix):
        by.pop("conda", None)  # its packages are installed by their very files
    for installer, names in sorted(by.items()):
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        count = "1 package" if len(names) == 1 else f"{len(names)} packages"
        also = "; what it installed beside Python packages is not recorded"
        yield _said(
            Severity.RISKS,
            f"{count} installed by {installer}, not from a package index: {shown}. A replay takes "
            f"the same versions from the index, in other builds{also if installer == 'conda' else ''}",
            "record the run in an image that has the environment: repro run --image REF",
        )


def _leftover_findings(leftovers: Iterable[str]) -> Iterator[Finding]:
    if names := sorted(set(leftovers)):
        message = "left over from an interrupted install, not recorded: "
        yield _said(Severity.NOTE, message + ", ".join(names))
