"""Puts tolerances into repro.yaml, between the lines of whoever wrote it, and each with what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from repro import canonical, config, plain_yaml
from repro.errors import UsageError
from repro.manifest import Tolerance

_KEY = re.compile(rb"tolerances:[ \t]*(#.*)?\r?", re.ASCII)


def written(path: Path, tolerances: Sequence[Tolerance], evidence: str) -> tuple[str, ...]:
    """Add them at the end of ``tolerances:``, where later ones count. Returns the lines that were added.

    Raises UsageError, with the lines, where the file is written in a way that cannot be added to; it is
    then as it was.
    """
    before = path.read_bytes() if path.exists() else b""
    known = config.parse(before, path).tolerances if before else ()
    missing = [item for item in tolerances if item not in known]
    if not missing:
        return ()
    after, lines = _added(before, missing, evidence)
    try:
        found = config.parse(after, path).tolerances
    except UsageError:
        found = ()
    wanted = [item for item in known if item.pattern not in {new.pattern for new in missing}]
    if (
        not after
        or [item for item in found if item in wanted] != wanted
        or not all(item in found for item in missing)
    ):
        raise UsageError(
            f"{path} cannot be added to as it is written; put this below its tolerances: "
            + " / ".join(line.strip() for line in lines if not line.lstrip().startswith("#")),
            "write `tolerances:` on a line of its own, with each tolerance on a line below it",
        )
    canonical.write_bytes(path, after)
    return lines


def _added(
    before: bytes, tolerances: Sequence[Tolerance], evidence: str
) -> tuple[bytes, tuple[str, ...]]:
    lines = before.split(b"\n")
    at = next((n for n, line in enumerate(lines) if _KEY.fullmatch(line)), None)
    if at is None:
        block = tuple(_lines(tolerances, evidence, "  "))
        if re.search(rb"^tolerances\s*:", before, re.M):
            return b"", block
        gap = b"" if not before or before.endswith(b"\n") else b"\n"
        return before + gap + "\n".join(["tolerances:", *block, ""]).encode(), block
    end = at + 1
    last = at
    while end < len(lines) and (not lines[end].strip() or lines[end][:1] in b" \t#"):
        if lines[end][:1] in b" \t" and lines[end].strip():
            last = end
        end += 1
    below = [line for line in lines[at + 1 : last + 1] if line.strip()]
    inner = next((line for line in below if not line.lstrip().startswith(b"#")), b"  x")
    indent = inner[: len(inner) - len(inner.lstrip())].decode("ascii", "replace")
    patterns = {item.pattern for item in tolerances}
    kept = [line for line in lines[at + 1 : last + 1] if _pattern_of(line) not in patterns]
    block = tuple(_lines(tolerances, evidence, indent))
    new = [*lines[: at + 1], *kept, *(line.encode() for line in block), *lines[last + 1 :]]
    return b"\n".join(new), block


def _pattern_of(line: bytes) -> str | None:
    """The pattern of a tolerance that stands on one line whole."""
    try:
        found = plain_yaml.load(line.strip())
    except ValueError:
        return None
    if isinstance(found, dict) and len(found) == 1 and isinstance(next(iter(found.values())), dict):
        return str(next(iter(found)))
    return None


def _lines(tolerances: Sequence[Tolerance], evidence: str, indent: str) -> Iterator[str]:
    yield f"{indent}# {plain_yaml.comment(evidence)}"
    for item in tolerances:
        kind, value = ("relative", item.relative) if item.relative else ("absolute", item.absolute)
        yield f"{indent}{_quoted(item.pattern)}: {{{kind}: {value!r}}}"


def _quoted(pattern: str) -> str:
    found = plain_yaml.scalar(pattern)
    return found if found.startswith('"') else f'"{found}"'
