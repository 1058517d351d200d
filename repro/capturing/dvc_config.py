"""DVC's settings: where its cache is, which remotes there are. Read without importing dvc."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True)
class Remote:
    """A DVC remote. ``url`` is absolute; ``folder`` is set where it is a folder of this machine."""

    name: str
    url: str
    folder: Path | None = None
    versioned: bool = False
    """Keeps files under their own names (version_aware, worktree), not under their hashes."""

    @property
    def public_url(self) -> str:
        """The URL without user name and password."""
        parts = urlsplit(self.url)
        if not parts.scheme or "@" not in parts.netloc:
            return self.url
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True)
class Config:
    """The settings of a DVC repository that matter here, all its config files merged."""

    root: Path
    cache: Path
    remotes: dict[str, Remote]
    default: str | None
    """Name of the default remote; it may name one that does not exist."""

    def remote(self, name: str | None) -> Remote | None:
        """The named remote, or the default one."""
        wanted = name or self.default
        return None if wanted is None else self.remotes.get(wanted.lower())


def read_config(dvc: Path) -> Config:
    """The machine's, the user's, the repository's and the local settings; the later ones win."""
    merged: dict[str, dict[str, str]] = {}
    for path in (*_outer_configs(), dvc / "config", dvc / "config.local"):
        with contextlib.suppress(OSError):
            for section, values in parse_config(path.read_text("utf-8", "replace")).items():
                for key, value in values.items():
                    merged.setdefault(section, {})[key] = _resolved(
                        path.parent, section, key, value
                    )
    remotes = {
        match[1]: values
        for section, values in merged.items()
        if (match := re.fullmatch(r'\s*remote\s*"(.*)"\s*', section))
    }
    default = merged.get("core", {}).get("remote")
    return Config(
        root=dvc.parent,
        cache=Path(merged.get("cache", {}).get("dir") or dvc / "cache"),
        remotes={name: _remote(name, remotes) for name in sorted(remotes)},
        default=default.lower() if default else None,
    )


def parse_config(content: str) -> dict[str, dict[str, str]]:
    """The dialect of ini that DVC writes (configobj): quoted names and values, ``#`` comments."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = sections.setdefault("", {})
    for line in content.splitlines():
        line = line.strip().removeprefix("\ufeff")
        if match := re.fullmatch(r"\[\s*(.*?)\s*\]\s*(?:#.*)?", line):
            section = sections.setdefault(_unquoted(match[1]).lower(), {})
        elif not line.startswith("#") and "=" in line:
            key, _, value = line.partition("=")
            section[_unquoted(key.strip()).lower()] = _value(value.strip())
    return sections


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


def _value(written: str) -> str:
    if match := re.match(r"(\"[^\"]*\"|'[^']*')\s*(?:#.*)?$", written):
        return match[1][1:-1]
    return written.partition("#")[0].strip()


def _resolved(folder: Path, section: str, key: str, value: str) -> str:
    paths = (section == "cache" and key == "dir") or (section.startswith("remote") and key == "url")
    if not paths or re.match(r"\w+://", value):
        return value
    return os.path.abspath(folder / os.path.expanduser(value))  # noqa: PTH100, PTH111


def _remote(name: str, remotes: Mapping[str, Mapping[str, str]]) -> Remote:
    settings = dict(remotes[name])
    url = settings.get("url", "")
    seen = {name}
    # remote://other/path: a place on another remote
    while (parts := urlsplit(url)).scheme == "remote" and parts.netloc.lower() not in seen:
        seen.add(parts.netloc.lower())
        base = remotes.get(parts.netloc.lower())
        if base is None:
            break
        settings = {**base, **settings}
        url = base.get("url", "").rstrip("/") + "/" + parts.path.lstrip("/")
    versioned = any(
        settings.get(key, "").lower() == "true" for key in ("version_aware", "worktree")
    )
    return remote_at(name, url, versioned)


def remote_at(name: str, url: str, versioned: bool = False) -> Remote:
    """A remote by its absolute URL, as ``DataPlaces`` of a manifest has it."""
    scheme = urlsplit(url).scheme
    local = url and (not scheme or scheme in ("file", "local") or len(scheme) == 1)
    folder = Path(re.sub(r"^(?:file|local)://", "", url)) if local else None
    return Remote(name, url.rstrip("/"), folder, versioned)


def _outer_configs() -> tuple[Path, Path]:
    """The machine's and the user's config, where platformdirs has DVC look for them."""
    env = os.environ.get
    if sys.platform == "darwin":
        system = "/Library/Application Support/dvc"
        user = "~/Library/Application Support/dvc"
    elif sys.platform == "win32":
        system = os.path.join(env("PROGRAMDATA", "C:\\ProgramData"), "iterative", "dvc")  # noqa: PTH118
        user = os.path.join(env("LOCALAPPDATA", "~"), "iterative", "dvc")  # noqa: PTH118
    else:
        first = (env("XDG_CONFIG_DIRS", "") or "/etc/xdg").split(os.pathsep)[0]
        system = f"{first}/dvc"
        user = f"{env('XDG_CONFIG_HOME', '') or '~/.config'}/dvc"
    system = env("DVC_SYSTEM_CONFIG_DIR") or system
    user = env("DVC_GLOBAL_CONFIG_DIR") or user
    return Path(system) / "config", Path(user).expanduser() / "config"
