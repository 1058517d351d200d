"""The distributions in one folder of a search path, each with its origin, as installers leave them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from repro.manifest import Package, PackageOrigin


@dataclass(frozen=True)
class Installed:
    """One distribution as it lies on the disk."""

    package: Package
    folder: str
    """The entry of the search path that holds it."""
    metadata: str
    """Its file of metadata."""
    changed: int
    """When that was last written, in ns."""
    outside: str | None = None
    """Where it came from, when that is a path outside the workspace: not for the manifest."""
    damaged: bool = False
    """The file that tells its origin cannot be read."""


@dataclass(frozen=True)
class Folder:
    """What one folder holds."""

    found: tuple[Installed, ...]
    leftovers: tuple[str, ...] = ()
    """Names of what an interrupted install left behind."""


@dataclass(frozen=True)
class Pointers:
    """What the ``.pth`` files of the site directories point to."""

    projects: dict[str, str] = field(default_factory=dict)
    """Project by normalised name, where an installer named the file after it."""
    folders: frozenset[str] = frozenset()


def normalised(name: str) -> str:
    """The one form of a project name that may be compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pointers(sites: Sequence[str]) -> Pointers:
    """Read the ``.pth`` files: only they tell of some editable installs."""
    projects: dict[str, str] = {}
    folders: set[str] = set()
    for site in sites:
        for name in _names(site):
            if not name.endswith(".pth"):
                continue
            targets = _targets(site, name)
            folders.update(targets)
            match = re.match(r"_{1,2}editable__[._](.+?)-[^-]+\.pth$", name)
            if match and targets:
                projects[normalised(match.group(1))] = _project_of(targets[0])
    return Pointers(projects, frozenset(folders))


def read(folder: str, workspace: Path, pointers: Pointers, *, is_site: bool) -> Folder:
    """All distributions of one folder. A folder that is no site directory holds source: what lies
    there counts where a ``.pth`` file leads to it."""
    found: list[Installed] = []
    leftovers: list[str] = []
    for name in _names(folder):
        path = f"{folder}/{name}"
        item: Installed | None = None
        if name.endswith(".dist-info"):
            item = None if name[0] == "~" else _dist_info(path, name, workspace, pointers)
            if item is None:
                leftovers.append(name)
        elif name.endswith(".egg-info") and (is_site or folder in pointers.folders):
            item = _egg_info(path, folder, workspace, is_site)
        elif name.endswith(".egg") and is_site:
            item = _egg_info(f"{path}/EGG-INFO", folder, workspace, True)
        elif name.endswith(".egg-link"):
            item = _egg_link(path, folder, workspace)
        if item:
            found.append(item)
    return Folder(tuple(found), tuple(leftovers))


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []


def _targets(site: str, name: str) -> list[str]:
    try:
        lines = Path(site, name).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    words = (line.strip() for line in lines)
    paths = [word for word in words if word and not word.startswith(("#", "import ", "import\t"))]
    return [os.path.normpath(os.path.join(site, path)) for path in paths]  # noqa: PTH118


def _project_of(folder: str) -> str:
    """The folder with the build file: for a ``src`` layout one up from what the path names."""
    for candidate in (Path(folder), Path(folder).parent):
        if any((candidate / name).is_file() for name in ("pyproject.toml", "setup.py")):
            return str(candidate)
    return folder


# --- the kinds of metadata --------------------------------------------------------------------


def _dist_info(path: str, name: str, workspace: Path, pointers: Pointers) -> Installed | None:
    metadata = f"{path}/METADATA"
    try:
        changed = os.stat(metadata).st_mtime_ns  # noqa: PTH116  ten times as fast as a Path
    except OSError:
        return None
    # the name of the folder tells it all, without reading 100 files
    project, _, version = name.removesuffix(".dist-info").partition("-")
    if not version or "-" in version or "_" in version:
        project, version = _headers(metadata)
        if not project:
            return None
    package = Package(normalised(project), version)
    item = Installed(package, os.path.dirname(path), metadata, changed)  # noqa: PTH120
    try:
        with open(f"{path}/direct_url.json", encoding="utf-8") as stream:  # noqa: PTH123
            origin = json.load(stream)
    except FileNotFoundError:
        if location := pointers.projects.get(package.name):
            return _at(item, PackageOrigin.EDITABLE, location, workspace)
        return item
    except (OSError, ValueError):
        return replace(item, damaged=True)
    if not isinstance(origin, dict):
        return replace(item, damaged=True)
    # what conda builds names a folder of the machine that built it, which is nobody's
    if _installer(path) == "conda":
        return item
    return _direct(item, origin, workspace)


def _installer(path: str) -> str:
    try:
        with open(f"{path}/INSTALLER", encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            return stream.read(80).strip()
    except OSError:
        return ""


def _egg_info(path: str, folder: str, workspace: Path, is_site: bool) -> Installed | None:
    metadata = path if os.path.isfile(path) else f"{path}/PKG-INFO"  # noqa: PTH113
    item = _headed(metadata, folder)
    if item is None or is_site:
        return item
    return _at(item, PackageOrigin.EDITABLE, _project_of(folder), workspace)


def _egg_link(path: str, folder: str, workspace: Path) -> Installed | None:
    """``setup.py develop``: the folder with the egg-info, and the way from there to setup.py."""
    try:
        lines = [line.strip() for line in Path(path).read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    source, up = [*lines, "", ""][:2]
    infos = [name for name in _names(source) if name.endswith(".egg-info")]
    item = _headed(f"{source}/{infos[0]}/PKG-INFO", folder) if infos else None
    if item is None:
        return None
    return _at(item, PackageOrigin.EDITABLE, os.path.normpath(f"{source}/{up}"), workspace)


def _headed(metadata: str, folder: str) -> Installed | None:
    project, version = _headers(metadata)
    if not project:
        return None
    changed = os.stat(metadata).st_mtime_ns  # noqa: PTH116
    return Installed(Package(normalised(project), version), folder, metadata, changed)


def _headers(path: str) -> tuple[str, str]:
    from email.parser import HeaderParser  # 10 ms: here they pass while the command runs already

    try:
        with open(path, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            headers = HeaderParser().parse(stream, headersonly=True)
    except OSError:
        return "", ""
    return headers.get("Name", ""), headers.get("Version", "")


# --- origins ----------------------------------------------------------------------------------


def _direct(item: Installed, origin: dict[str, Any], workspace: Path) -> Installed:
    """The origin that the installer wrote down (PEP 610)."""
    url = str(origin.get("url", ""))
    path = unquote(urlsplit(url).path) if url.startswith("file:") else None
    inner = str(origin.get("subdirectory") or "")
    info, directory = origin.get("vcs_info"), origin.get("dir_info")
    if isinstance(info, dict) and path:
        package = replace(item.package, origin=PackageOrigin.VCS, revision=info.get("commit_id"))
        return replace(item, package=package, outside=path)
    if isinstance(info, dict):
        location = f"{info.get('vcs', 'git')}+{without_credentials(url)}"
        return _from(item, PackageOrigin.VCS, location, inner, info.get("commit_id"))
    if path and isinstance(directory, dict) and directory.get("editable"):
        return _at(item, PackageOrigin.EDITABLE, path, workspace)
    if path:
        return _at(item, PackageOrigin.LOCAL, path, workspace, _archive_hash(origin))
    return _from(item, PackageOrigin.URL, without_credentials(url), inner, _archive_hash(origin))


def _from(
    item: Installed, origin: PackageOrigin, location: str, inner: str, revision: str | None
) -> Installed:
    location += f"#subdirectory={inner}" if inner else ""
    package = replace(item.package, origin=origin, location=location, revision=revision)
    return replace(item, package=package)


def _at(
    item: Installed,
    origin: PackageOrigin,
    path: str,
    workspace: Path,
    revision: str | None = None,
) -> Installed:
    """From a path: relative inside the workspace; outside it is a checkout, or nobody else's."""
    inside = _inside(path, workspace)
    # `pip install -e git+…` clones into the environment, also when that lies in the workspace
    cloned = inside not in (None, ".") and Path(path, ".git").is_dir()
    if origin is PackageOrigin.EDITABLE and (inside is None or cloned):
        checkout = _checkout(Path(path))
        if checkout:
            return replace(_from(item, PackageOrigin.VCS, *checkout), outside=path)
    package = replace(item.package, origin=origin, revision=revision, location=inside)
    return replace(item, package=package, outside=path if inside is None else None)


def _inside(path: str, workspace: Path) -> str | None:
    """The path from the workspace; None where it lies outside."""
    for base, target in ((workspace, Path(path)), (workspace.resolve(), Path(path).resolve())):
        if target.is_relative_to(base):
            return target.relative_to(base).as_posix()
    return None


def _checkout(path: Path) -> tuple[str, str, str] | None:
    """URL, subdirectory and commit of the git checkout around a folder; None where there is none."""
    top = next((item for item in (path, *path.parents) if (item / ".git").is_dir()), None)
    if top is None:
        return None
    git = top / ".git"
    try:
        url = re.search(
            r'\[remote "origin"\][^\[]*?\burl\s*=\s*(\S+)', (git / "config").read_text("utf-8")
        )
        head = (git / "HEAD").read_text("utf-8").strip()
        if head.startswith("ref: "):
            ref = head.removeprefix("ref: ")
            loose = git / ref
            packed = git / "packed-refs"
            text = f"{loose.read_text('utf-8').strip()} {ref}" if loose.is_file() else ""
            text = text or packed.read_text("utf-8")
            match = re.search(rf"^([0-9a-f]{{40,64}}) {re.escape(ref)}$", text, re.MULTILINE)
            head = match.group(1) if match else ""
    except (OSError, ValueError):
        return None
    if not url or not re.fullmatch(r"[0-9a-f]{40,64}", head):
        return None
    address = _as_url(url.group(1))
    if address is None:
        return None
    inner = path.relative_to(top).as_posix()
    return f"git+{without_credentials(address)}", "" if inner == "." else inner, head


def _as_url(remote: str) -> str | None:
    """git's short form of an ssh address as a URL; None for a path of this machine."""
    if "://" in remote:
        return None if remote.startswith("file:") else remote
    short = re.fullmatch(r"([\w.-]+@)?([\w.-]+):(?!/)(.+)", remote)
    return f"ssh://{short.group(1) or ''}{short.group(2)}/{short.group(3)}" if short else None


def _archive_hash(origin: dict[str, Any]) -> str | None:
    info = origin.get("archive_info") or {}
    hashes = dict(info.get("hashes") or {})
    algorithm, _, value = str(info.get("hash", "")).partition("=")
    hashes.setdefault(algorithm, value)
    return f"sha256:{hashes['sha256']}" if hashes.get("sha256") else None


_SECRET = re.compile(r"(token|key|sig|secret|auth|password|credential)", re.IGNORECASE)


def without_credentials(url: str) -> str:
    """The URL without user, password, and a query that looks like either."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if parts.scheme.endswith("ssh") and user and ":" not in user:
        # the user of an ssh address is part of the address, and no secret
        host = parts.netloc
    query = "" if _SECRET.search(parts.query) else parts.query
    return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))
