"""The file that builds conda packages into a prefix where no micromamba is: it is run by another Python, with
py-rattler, which is no dependency of repro. As part of repro it does nothing.

    python conda_install.py LIST PREFIX CACHE

Every file is verified against the hash in the list before anything of it is looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

LINE = re.compile(
    r"(?P<url>\S+/(?P<file>[^/\s#]+\.(?:conda|tar\.bz2)))"
    r"(?:#(?P<hash>[0-9a-f]{32}|sha256:[0-9a-f]{64}))?"
)

REFUSED = "refused: "
"""Before a sentence that says what of the list cannot be had."""


class Refused(Exception):
    """What the list says cannot be had; a sentence."""


def entries(text: str) -> list[tuple[str, str, str]]:
    """URL, name of the file and hash (or nothing) of each package of an explicit list."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#") or line == "@EXPLICIT":
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise Refused(f"not a line of an explicit list: {line[:200]}")
        found.append((match["url"], match["file"], match["hash"] or ""))
    return found


def matches(path: Path, wanted: str) -> bool:
    """Whether the file is the one; True where the list has no hash of it."""
    if not wanted:
        return True
    kind, _, digest = wanted.rpartition(":")
    seen = hashlib.new(kind or "md5", usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            seen.update(chunk)
    return seen.hexdigest() == digest


async def fetched(client: Any, url: str, name: str, wanted: str, cache: Path) -> Path:
    """The package's file, verified; one that is in the cache is not fetched again."""
    from rattler.package_streaming import download_to_path

    folder = cache / hashlib.sha256(f"{url}#{wanted}".encode()).hexdigest()[:32]
    kept = folder / name
    if wanted and kept.is_file() and matches(kept, wanted):
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    try:
        await download_to_path(client, url, part)
    except Exception as error:
        raise Refused(f"{url} could not be downloaded: {str(error).splitlines()[0]}") from None
    if not matches(part, wanted):
        part.unlink()
        raise Refused(f"{url} is not the file that was recorded: its hash is another")
    part.replace(kept)
    return kept


def record(path: Path, scratch: Path) -> Any:
    """The package as its own index says it is, and the file that it lies in."""
    from rattler import PackageRecord, RepoDataRecord
    from rattler.package_streaming import extract

    sha256, md5 = extract(path, scratch)
    about = PackageRecord.from_index_json(
        scratch / "info" / "index.json", path.stat().st_size, sha256.hex(), md5.hex()
    )
    return RepoDataRecord(about, path.name, path.as_uri(), path.parent.as_uri())


async def install(listed: list[tuple[str, str, str]], prefix: Path, cache: Path) -> None:
    import rattler

    client = rattler.Client()
    cache.mkdir(parents=True, exist_ok=True)
    paths = [await fetched(client, *entry, cache) for entry in listed]
    # unpacked for this prefix alone: what is linked into it must be nobody else's
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        records = [record(path, Path(folder, str(at))) for at, path in enumerate(paths)]
        await rattler.install(
            records,
            prefix,
            cache_dir=Path(folder, "unpacked"),
            execute_link_scripts=True,
            show_progress=False,
        )
    named(prefix / "conda-meta", {path.as_uri(): url for path, (url, _, _) in zip(paths, listed)})


def named(records: Path, addresses: dict[str, str]) -> None:
    """The packages' own addresses into the prefix's records, in the place of those of the files here."""
    for path in records.glob("*.json"):
        document = json.loads(path.read_bytes())
        if url := addresses.get(document.get("url")):
            # the folder of a platform is no part of a channel's name
            document |= {"url": url, "channel": url.rsplit("/", 2)[0]}
            path.write_text(json.dumps(document, indent=2), "utf-8")


def main() -> None:
    import asyncio  # 10 ms, and whoever prepares this script imports it too

    text, prefix, cache = (Path(word) for word in sys.argv[1:4])
    asyncio.run(install(entries(text.read_text("utf-8")), prefix.absolute(), cache.absolute()))


def leave(code: int) -> NoReturn:
    """End without winding up the interpreter: py-rattler's threads may still be about to call into it, and a
    crash would stand in the place of what was said."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        print(f"error: {REFUSED}{error}", file=sys.stderr)
        leave(1)
    except BaseException:
        traceback.print_exc()
        leave(1)
    leave(0)
