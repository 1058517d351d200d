"""What a project says is no secret: ``secrets: allow:`` in repro.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from repro import globs
from repro.scanning.nouns import FINGERPRINT, Secret, Unscanned

_SHOWN = 60
"""Characters of a wrong entry that a message shows."""
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT}}}")
_KINDS = ("untracked ", "changed ", "log ", "params ", "environment variable ")


@dataclass(frozen=True)
class Allowed:
    """Fingerprints of values, and globs over places or names, that are let through."""

    fingerprints: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    def allows(self, found: Secret | Unscanned) -> bool:
        """Whether it is on the list: by its value, by its place with or without the first word
        (``untracked notes/keys.txt``, ``notes/*.txt``), or by its name (``name db_*``)."""
        places = {found.where, *(found.where.removeprefix(kind) for kind in _KINDS)}
        if isinstance(found, Secret):
            if found.fingerprint in self.fingerprints:
                return True
            places |= {f"name {found.name}"} if found.name else set()
        return any(globs.any_matches(place, self.patterns) for place in places)


def parse(entries: Any) -> Allowed:
    """The list as YAML gives it. Raises ValueError, in one line, where it is not one of fingerprints
    (12 hex digits) and globs, or where a glob would let everything through."""
    if entries is None:
        return Allowed()
    if not isinstance(entries, list):
        raise ValueError("must be a list of fingerprints and globs")
    checked = [_checked(entry) for entry in entries]
    hexed = frozenset(entry for entry in checked if _FINGERPRINT.fullmatch(entry))
    return Allowed(hexed, tuple(entry for entry in checked if entry not in hexed))


def _checked(entry: Any) -> str:
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        raise ValueError(f"{entry} is a number to YAML: a fingerprint of digits needs quotes")
    if not isinstance(entry, str) or not entry.strip():
        raise ValueError(f"{str(entry)[:_SHOWN]!r} is neither a fingerprint nor a glob")
    if re.fullmatch(r"[0-9a-fA-F]{6,}", entry) and not _FINGERPRINT.fullmatch(entry):
        raise ValueError(
            f"{entry[:_SHOWN]!r} is no fingerprint: {FINGERPRINT} hex digits in small letters"
        )
    bare = entry
    for kind in (*_KINDS, "name "):
        bare = bare.removeprefix(kind)
    if not re.search(r"[^*?/.\[\]! ]", bare):
        raise ValueError(
            f"{entry[:_SHOWN]!r} lets everything through; name a place, or use --allow-secrets"
        )
    return entry
