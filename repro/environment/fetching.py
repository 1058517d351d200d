"""Gets a package's file from where an index has it, verified while it is written."""

from __future__ import annotations

import base64
import hashlib
import netrc
import re
import ssl
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from repro import canonical
from repro.environment.index import PackageSources, local_path, without_credentials
from repro.environment.wheels import PackageFile
from repro.errors import ReproError

TIMEOUT = 60.0
"""Seconds without an answer."""


class NotFetched(ReproError):
    """It could not be had, or is not what was recorded."""


def fetch(file: PackageFile, target: Path, sources: PackageSources) -> None:
    """Write the file. Raises NotFetched."""
    state = hashlib.sha256()
    try:
        with _opened(file.place, sources) as stream, canonical.writing(target) as out:
            while chunk := stream.read(canonical.CHUNK):
                state.update(chunk)
                out.write(chunk)
    except (OSError, ValueError) as error:
        raise NotFetched(f"{file.name}: {without_credentials(str(error))[:300]}") from error
    if "sha256:" + state.hexdigest() != file.digest:
        target.unlink()
        raise NotFetched(f"{file.name}: the index has another file than was recorded")


def _opened(place: str, sources: PackageSources) -> IO[bytes]:
    if path := local_path(place):
        return path.open("rb")
    parts = urlsplit(place)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{parts.scheme} is no way to get a package")
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)))
    if login := _login(place, sources):
        request.add_unredirected_header("Authorization", f"Basic {login}")
    names = ("http_proxy", "https_proxy")
    told = {name.lower(): value for name, value in sources.env.items()}
    proxies = {name.partition("_")[0]: told[name] for name in names if told.get(name)}
    context = ssl.create_default_context(cafile=sources.ca_bundle)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({} if _direct(host, told.get("no_proxy", "")) else proxies),
        urllib.request.HTTPSHandler(context=context),
    )
    answer: IO[bytes] = opener.open(request, timeout=TIMEOUT)
    return answer


def _direct(host: str, exceptions: str) -> bool:
    name = host.partition(":")[0]
    kept = [item.strip().lstrip(".") for item in exceptions.split(",") if item.strip()]
    return any(item == "*" or name == item or name.endswith(f".{item}") for item in kept)


def _login(place: str, sources: PackageSources) -> str | None:
    """Name and password for the host: of the URL, of an index there, of netrc."""
    host = urlsplit(place).hostname
    told = f"{place} {sources.env.get('UV_DEFAULT_INDEX', '')} {sources.env.get('UV_INDEX', '')}"
    for word in told.split():
        parts = urlsplit(re.sub(r"^[\w.-]+=(?=\w+://)", "", word))  # uv's indexes may carry a name
        if parts.hostname == host and parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            return base64.b64encode(pair.encode()).decode()
    try:
        found = netrc.netrc(sources.env["NETRC"]).authenticators(host or "")
    except (KeyError, OSError, netrc.NetrcParseError):
        return None
    return base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode() if found else None
