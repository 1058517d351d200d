"""Finds secrets before they reach the disk: in the command line, the variables, the parameters, and
the files that the snapshot would take along though they are not committed.

Few rules, each precise: a false alarm stops somebody's training. It fails closed, names the place and
never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.errors import SecretFound

if TYPE_CHECKING:
    from repro.capturing.ingredients import Ingredients
    from repro.project import Project

FILE_CAP = 2 * 1000**2
"""Bytes: larger uncommitted files are data, not code, and are not searched."""

_TOKENS = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}\b",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "an OpenAI or Anthropic key": r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}\b",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "a package index token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}\b",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]*://[^/\s:@'\"<>{}$]+:[^/\s:@'\"<>{}$]{3,}@[\w.-]+",
}
_ASSIGNED = re.compile(
    r"(?i)(?:^|[\s;,{(\"'.-])"
    r"([A-Za-z0-9_.-]*(?:password|passwd|api[_-]?key|secret[_-]?key|secret|access[_-]?token|auth[_-]?token))"
    r"[\"']?\s*(?:=|:|\s)\s*[\"']?([^\s\"',;)}]{8,})"
)
_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:password|passwd|secret|api_?key|access_?key|private_?key|credentials?|(?:auth|access|api|bearer|hf|github|gitlab|wandb|neptune|comet)_?token|token)$"
)
_TOKEN_PATTERN = re.compile(
    "|".join(f"(?P<t{at}>{rule})" for at, rule in enumerate(_TOKENS.values()))
)
_KINDS = tuple(_TOKENS)


@dataclass(frozen=True)
class Hit:
    """Something that looks like a secret: where, and what it looks like. Never its value."""

    place: str
    kind: str


def demand_none(parts: Ingredients, project: Project) -> None:
    """Raises SecretFound where a secret would be written down."""
    hits = list(dict.fromkeys(_scan(parts, project)))
    if not hits:
        return
    shown = "; ".join(f"{hit.kind} in {hit.place}" for hit in hits[:5])
    more = f" and {len(hits) - 5} more" if len(hits) > 5 else ""
    raise SecretFound(
        f"not recorded, because it would put a secret on the disk: {shown}{more}",
        "pass it in a variable that is not recorded, or in an ignored file; "
        "if it is no secret: --allow-secrets",
    )


def _scan(parts: Ingredients, project: Project) -> Iterator[Hit]:
    line = "the command line"
    yield from _in_text(" ".join(parts.command.argv), line, assigned=True, numbered=False)
    for name, value in parts.env.items():
        if looks_secret(name) and value:
            yield Hit(f"the environment variable {name}", "a secret by its name")
        yield from _in_text(value, f"the environment variable {name}", numbered=False)
    for param in parts.params:
        if isinstance(param.value, str):
            place = f"{param.source}, parameter {param.name}"
            if looks_secret(param.name.rpartition(".")[2]) and len(param.value) >= 8:
                yield Hit(place, "a secret by its name")
            yield from _in_text(param.value, place, numbered=False)
    for changed in parts.source.changed:
        kind, _, path = changed.partition(" ")
        if "D" not in kind:
            yield from _in_file(project, path)


def looks_secret(name: str) -> bool:
    """Whether a variable or a parameter of this name holds a secret."""
    return _SECRET_NAME.search(name.replace("-", "_")) is not None


def _in_file(project: Project, path: str) -> Iterator[Hit]:
    absolute = project.workspace / path
    try:
        if absolute.is_symlink() or not absolute.is_file() or absolute.stat().st_size > FILE_CAP:
            return
        content = absolute.read_bytes()
    except OSError:
        return
    if b"\0" not in content[:8000]:
        yield from _in_text(content.decode("utf-8", "replace"), path)


def _in_text(
    text: str, place: str, *, assigned: bool = False, numbered: bool = True
) -> Iterator[Hit]:
    for match in _TOKEN_PATTERN.finditer(text):
        kind = _KINDS[int(str(match.lastgroup)[1:])]
        where = f"{place}:{text.count(chr(10), 0, match.start()) + 1}" if numbered else place
        yield Hit(where, kind)
    if assigned:
        for match in _ASSIGNED.finditer(text):
            if not re.match(r"[$%{]|/", match[2]):
                yield Hit(place, f"a value for {match[1].lstrip('-')!r}")
