"""Where a run is pushed to and pulled from, told from the words of a command line: pure.

./runs, /mnt/team/runs, ~/runs      a folder
s3://bucket/runs                    anything that fsspec knows
registry.example:5000/team/runs:v1  a registry
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from repro.errors import UsageError

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?")
HINT = (
    "a folder is written with its path (./runs), a URL with its scheme (s3://bucket/runs),"
    " a registry as HOST/REPOSITORY:TAG"
)


@dataclass(frozen=True)
class Folder:
    """A folder on this machine; ``run`` is an id, its beginning or a name, empty for the newest."""

    path: str
    run: str = ""


@dataclass(frozen=True)
class Url:
    """A folder that fsspec reaches."""

    url: str
    run: str = ""

    @property
    def shown(self) -> str:
        """Without what may be a password."""
        return re.sub(r"//[^/@]*@", "//", self.url)


@dataclass(frozen=True)
class Registry:
    """A repository of an OCI registry; one of ``tag`` and ``digest`` may be given."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def base(self) -> str:
        """The API's address. Without TLS on this machine only, as Docker does it."""
        scheme = "http" if _LOOPBACK.fullmatch(self.host) else "https"
        return f"{scheme}://{self.host}/v2/{self.repository}"

    @property
    def shown(self) -> str:
        name = f"{self.host}/{self.repository}"
        return (
            f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag}" if self.tag else name
        )


Reference = Folder | Url | Registry


def parse(text: str, is_folder: Callable[[str], bool], *, with_run: bool) -> Reference:
    """What the words mean; ``with_run``: a folder may be followed by ``:RUN``. Raises UsageError."""
    if "://" in text:
        scheme, _, rest = text.partition("://")
        path, run = _split(rest) if with_run else (rest, "")
        if not scheme or "::" in scheme or not path.strip("/"):
            raise UsageError(f"{text!r} is no URL of a folder", HINT)
        return Url(f"{scheme}://{path}", run)
    if is_folder(text):
        return Folder(text)
    path, run = _split(text) if with_run else (text, "")
    if path and is_folder(path):
        return Folder(path, run)
    if text in (".", "..", "~") or text.startswith(("./", "../", "/", "~")):
        return Folder(path, run)
    return _registry(text)


def _split(text: str) -> tuple[str, str]:
    """A path, and the run behind its last colon."""
    path, colon, run = text.rpartition(":")
    return (path, run) if colon and _RUN.fullmatch(run) else (text, "")


def _registry(text: str) -> Registry:
    host, _, rest = text.partition("/")
    rest, at, digest = rest.partition("@")
    repository, colon, tag = rest.partition(":")
    sound = (
        _HOST.fullmatch(host)
        and ("." in host or ":" in host or host == "localhost")
        and len(repository) <= 255
        and _REPOSITORY.fullmatch(repository)
        and (not colon or _TAG.fullmatch(tag))
        and (not at or _DIGEST.fullmatch(digest))
    )
    if not sound:
        raise UsageError(f"{text!r} is neither a folder nor a repository of a registry", HINT)
    return Registry(host, repository, "" if digest else tag, digest)
