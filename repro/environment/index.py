"""Where this host gets packages from: pip's and uv's settings, translated for one uv."""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from repro.environment import project_index
from repro.environment.project_index import Named

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PUBLIC = re.compile(r"https://pypi\.[a-z]+/simple/?")
"""The default of pip and of uv: named again in some project files, and no extra index then."""
CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class PackageSources:
    """What a uv needs to be told to get packages from where this host gets them.

    ``env`` may hold credentials: it is handed to a process, never stored, never printed.
    """

    env: dict[str, str] = field(default_factory=dict, repr=False)
    mounts: tuple[Path, ...] = ()
    """Folders and files of this host that ``env`` names; to be mounted where they are."""
    ca_bundle: Path | None = None
    """The certificates that this host trusts; ``env`` has it as SSL_CERT_FILE."""
    local: tuple[str, ...] = ()
    """Those of the sources that nobody else has: folders of this host, as ``env`` names them."""
    offline: bool = False
    """All that is needed lies in a folder of ours: a build needs no network for its packages."""

    @property
    def elsewhere(self) -> PackageSources:
        """The same without the folders of this host: what another machine can have too."""
        env = dict(self.env)
        for name, separator in (("UV_INDEX", " "), ("UV_FIND_LINKS", ",")):
            kept = [item for item in env.pop(name, "").split(separator) if item]
            if kept := [item for item in kept if item not in self.local]:
                env[name] = separator.join(kept)
        if env.get("UV_DEFAULT_INDEX") in self.local:
            env.pop("UV_DEFAULT_INDEX")
            env["UV_NO_INDEX"] = "1"
        return PackageSources(env, (), self.ca_bundle)

    def without(self, said: str) -> PackageSources | None:
        """The same without the extra index that an error message speaks of; None where it is none."""
        extra = self.env.get("UV_INDEX", "").split()
        kept = [item for item in extra if without_credentials(_bare(item)).rstrip("/") not in said]
        if len(kept) == len(extra):
            return None
        env = {name: value for name, value in self.env.items() if name != "UV_INDEX"}
        if kept:
            env["UV_INDEX"] = " ".join(kept)
        return replace(self, env=env)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The local folders of wheels (find-links)."""
        links = [item for item in self.env.get("UV_FIND_LINKS", "").split(",") if item]
        return tuple(path for item in links if (path := local_path(item)))


def sources(
    env: Mapping[str, str],
    prefix: str | None = None,
    *,
    projects: Sequence[Path] = (),
    foreign: bool = False,
) -> PackageSources:
    """This host's package sources, from the environment and the configuration files of pip and uv.

    ``prefix`` is that of the interpreter whose packages are meant: pip has a file there as well.
    ``projects`` are folders whose own files may name indexes too; those come last. ``foreign``: they are
    somebody else's, and may name no folder of this host, which a build would then see. What uv itself is
    told (UV_*, uv.toml) goes before what pip is told.
    """
    pip, uv = _Pip(env, prefix), _Uv(env)
    own = [project_index.read(folder) for folder in projects]
    if foreign:
        own = [Named(_elsewhere(item.indexes), _elsewhere(item.links)) for item in own]
    told: dict[str, str] = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    default = uv.default or pip.first("index-url")
    if default:
        told["UV_DEFAULT_INDEX"] = _address(default)
    named = [
        *uv.extra,
        *pip.words("extra-index-url"),
        *(one for item in own for one in item.indexes),
    ]
    extra = [item for item in _distinct(named) if item != default and not PUBLIC.fullmatch(item)]
    if extra:
        told["UV_INDEX"] = " ".join(extra)
    links = _distinct(
        [*uv.links, *pip.words("find-links"), *(one for item in own for one in item.links)]
    )
    if links:
        told["UV_FIND_LINKS"] = ",".join(links)
    if uv.no_index or pip.flag("no-index"):
        told["UV_NO_INDEX"] = "1"
    if hosts := _distinct([*uv.insecure, *pip.words("trusted-host")], address=False):
        told["UV_INSECURE_HOST"] = " ".join(hosts)
    if (
        timeout := env.get("UV_HTTP_TIMEOUT")
        or pip.first("timeout")
        or pip.first("default-timeout")
    ):
        told["UV_HTTP_TIMEOUT"] = timeout
    told |= _proxies(env, pip.first("proxy"))
    told |= _credentials(env, pip.first("client-cert"))
    ca = _ca_bundle(env, pip.first("cert"))
    if ca:
        told["SSL_CERT_FILE"] = str(ca)
    # a default index on this host's disk is as local as an extra one
    everything = [item for item in (told.get("UV_DEFAULT_INDEX"), *extra, *links) if item]
    local = tuple(item for item in everything if local_path(item))
    return PackageSources(told, tuple(_mounts(local, told)), ca, local)


def _elsewhere(addresses: Sequence[str]) -> tuple[str, ...]:
    return tuple(item for item in addresses if local_path(item) is None)


def with_folder(sources: PackageSources, folder: Path, *, alone: bool) -> PackageSources:
    """The same with a folder of wheels of ours; ``alone``: nothing else is asked."""
    if alone:
        env = {
            name: value
            for name, value in sources.env.items()
            if name not in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS")
        }
        env |= {"UV_FIND_LINKS": str(folder), "UV_NO_INDEX": "1"}
        return PackageSources(env, (folder,), sources.ca_bundle, (str(folder),), offline=True)
    links = [str(folder), *filter(None, sources.env.get("UV_FIND_LINKS", "").split(","))]
    return replace(
        sources,
        env={**sources.env, "UV_FIND_LINKS": ",".join(links)},
        mounts=(folder, *sources.mounts),
        local=(str(folder), *sources.local),
    )


def _distinct(items: Sequence[str], *, address: bool = True) -> list[str]:
    return list(dict.fromkeys(_address(item) if address else item for item in items))


def without_credentials(text: str) -> str:
    """The text, with the user part of every URL in it taken out."""
    return re.sub(r"(\w+://)[^/\s@`]+@", r"\1", text)


def local_path(address: str) -> Path | None:
    """The folder that an index or find-links address names on this host; None for a remote one."""
    parts = urlsplit(_bare(address))
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(address).expanduser() if not parts.scheme else None


def _bare(address: str) -> str:
    """uv's indexes may carry a name: name=https://…"""
    return re.sub(r"^[\w.-]+=(?=\w+://)", "", address)


def _address(item: str) -> str:
    """A local path is made absolute, because a build runs elsewhere; a URL stays as it is."""
    if "://" in item:
        return item
    return os.path.abspath(Path(item).expanduser())  # noqa: PTH100


def _mounts(local: Sequence[str], told: Mapping[str, str]) -> Iterator[Path]:
    seen: set[Path] = set()
    for address in local:
        path = local_path(address)
        if path is None or not path.exists():
            continue
        # a simple index links to files beside it: ../../files/x.whl
        if path.name == "simple" and path.parent.parent != path.parent:
            path = path.parent
        if path not in seen:
            seen.add(path)
            yield path
    for name in ("NETRC", "SSL_CLIENT_CERT"):
        if name in told and Path(told[name]).is_file():
            yield Path(told[name])


def _ca_bundle(env: Mapping[str, str], from_pip: str | None) -> Path | None:
    named = [env.get("SSL_CERT_FILE"), from_pip, *(env.get(name) for name in CERTIFICATES[1:])]
    return next((Path(item) for item in named if item and Path(item).is_file()), None)


def _proxies(env: Mapping[str, str], from_pip: str | None) -> dict[str, str]:
    found = {name: env[name] for low in PROXIES for name in (low, low.upper()) if env.get(name)}
    if from_pip:
        proxy = from_pip if "://" in from_pip else f"http://{from_pip}"
        found |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    return found


def _credentials(env: Mapping[str, str], client: str | None) -> dict[str, str]:
    found = {
        name: value
        for name, value in env.items()
        if re.fullmatch(r"UV_INDEX_\w+_(USERNAME|PASSWORD)", name) or name == "UV_KEYRING_PROVIDER"
    }
    for name, value in (("NETRC", env.get("NETRC")), ("SSL_CLIENT_CERT", client)):
        if (path := env.get(name) or value) and Path(path).is_file():
            found[name] = path
    home = env.get("HOME")
    if "NETRC" not in found and home and (netrc := Path(home) / ".netrc").is_file():
        found["NETRC"] = str(netrc)
    return found


class _Pip:
    """pip's settings: its files in their order, then PIP_* variables; each name counts whole."""

    def __init__(self, env: Mapping[str, str], prefix: str | None) -> None:
        self._values: dict[str, str] = {}
        for path in _pip_files(env, prefix):
            parser = configparser.RawConfigParser()
            try:
                parser.read_string(path.read_text("utf-8", "replace"))
            except (OSError, configparser.Error):
                continue
            for section in ("global", "install"):
                if parser.has_section(section):
                    named = {key.replace("_", "-"): value for key, value in parser[section].items()}
                    self._values |= named
        for name, value in env.items():
            if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
                self._values[name[4:].lower().replace("_", "-")] = value

    def words(self, name: str) -> list[str]:
        return self._values.get(name, "").split()

    def first(self, name: str) -> str | None:
        return self._values.get(name, "").strip() or None

    def flag(self, name: str) -> bool:
        return self._values.get(name, "").strip().lower() in ("1", "true", "yes", "on")


def _pip_files(env: Mapping[str, str], prefix: str | None) -> Iterator[Path]:
    special = env.get("PIP_CONFIG_FILE", "")
    if special == os.devnull:
        return
    home = Path(env["HOME"]) if env.get("HOME") else None
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/pip/pip.conf")
    for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    if home:
        yield home / ".pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library/Application Support/pip/pip.conf"
        yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    if prefix:
        yield Path(prefix) / "pip.conf"
    if special:
        yield Path(special)


class _Uv:
    """uv's own settings: UV_* variables before uv.toml of the user and of the system."""

    def __init__(self, env: Mapping[str, str]) -> None:
        document = _uv_toml(env)
        indexes = [item for item in document.get("index", []) if isinstance(item, dict)]
        defaults = [str(item["url"]) for item in indexes if item.get("default") and "url" in item]
        self.default = (
            env.get("UV_DEFAULT_INDEX")
            or env.get("UV_INDEX_URL")
            or next(iter(defaults), None)
            or document.get("index-url")
        )
        listed = env.get("UV_INDEX", "").split() + env.get("UV_EXTRA_INDEX_URL", "").split()
        configured = [_named(item) for item in indexes if not item.get("default") and "url" in item]
        self.extra = listed or [*configured, *document.get("extra-index-url", [])]
        told = [item for item in env.get("UV_FIND_LINKS", "").split(",") if item]
        self.links: list[str] = told or document.get("find-links", [])
        told = env.get("UV_INSECURE_HOST", "").split()
        self.insecure: list[str] = told or document.get("allow-insecure-host", [])
        no_index = env.get("UV_NO_INDEX", "").lower() in ("1", "true")
        self.no_index = no_index or bool(document.get("no-index"))


def _named(index: Mapping[str, Any]) -> str:
    # the name is what UV_INDEX_<NAME>_PASSWORD refers to
    return f"{index['name']}={index['url']}" if index.get("name") else str(index["url"])


def _uv_toml(env: Mapping[str, str]) -> dict[str, Any]:
    places = [Path("/etc/uv/uv.toml")]
    if env.get("HOME"):
        base = env.get("XDG_CONFIG_HOME") or Path(env["HOME"]) / ".config"
        places.append(Path(base) / "uv" / "uv.toml")
    if env.get("UV_CONFIG_FILE"):
        places = [Path(env["UV_CONFIG_FILE"])]
    merged: dict[str, Any] = {}
    for place in places:
        try:
            document = tomllib.loads(place.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        merged |= {**document.get("pip", {}), **document}
    return merged
