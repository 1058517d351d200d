"""Finds secrets before they reach the disk: in the command line, the variables, the parameters, and
the files that the snapshot would take along though they are not committed.

It fails closed, names the place and never the value. What a secret looks like: secret_rules.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from repro.capturing import secret_rules
from repro.capturing.secret_rules import looks_secret
from repro.errors import SecretFound

if TYPE_CHECKING:
    from repro.capturing.ingredients import Ingredients
    from repro.project import Project

__all__ = ["Hit", "demand_none", "looks_secret"]

FILE_CAP = 64 * 1000**2
"""Bytes: larger uncommitted files are data, not code, and are not searched."""
BINARY_CAP = 2 * 1000**2
"""The same for files that are no text, and for rules that look at every line."""

_FOR_SECRETS = re.compile(
    r"\.env(?:\.(?!example$|sample$|template$|dist$)[\w.-]+)?|[\w.-]+\.env|\.envrc|\.pypirc|\.npmrc"
    r"|credentials(?:\.\w+)?|secrets?\.(?:ya?ml|toml|json|ini)"
)
"""Names of files that people keep secrets in, each with a name of its own."""
_PASSWORDS = frozenset((".pgpass", ".htpasswd", ".git-credentials", ".netrc", "_netrc"))
"""Names of files with nothing else in them."""


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


def held_by(path: Path) -> tuple[Hit, ...]:
    """What looks like a secret in one file."""
    return tuple(_in_file(path.parent, path.name))


def _scan(parts: Ingredients, project: Project) -> Iterator[Hit]:
    yield from _in_command(parts.command.argv)
    for name, value in parts.env.items():
        place = f"the environment variable {name}"
        # a file with credentials is named, not written down
        if looks_secret(name) and value and not re.match(r"~?/|\.{1,2}/", value):
            yield Hit(place, "a secret by its name")
        yield from _in_text(value, place)
    for param in parts.params:
        place = f"{param.source}, parameter {param.name}"
        if param.value is None or isinstance(param.value, bool):
            continue
        if secret_rules.is_secret(param.name.rpartition(".")[2], str(param.value)):
            yield Hit(place, "a secret by its name")
        if isinstance(param.value, str):
            yield from _in_text(param.value, place)
    for changed in parts.source.changed:
        kind, _, path = changed.partition(" ")
        if "D" not in kind:
            yield from _in_file(project.workspace, path)


def _in_command(argv: tuple[str, ...]) -> Iterator[Hit]:
    line = "the command line"
    yield from _in_text(" ".join(argv), line)
    yield from (Hit(line, f"a value for {name!r}") for name in secret_rules.in_command(argv))


def _in_text(text: str, place: str) -> Iterator[Hit]:
    content = text.encode("utf-8", "surrogatepass")
    yield from (Hit(place, kind) for kind, _ in secret_rules.forms(content))


def _in_file(workspace: Path, path: str) -> Iterator[Hit]:
    content = _content(workspace / path)
    if content is None:
        return
    found = [*secret_rules.forms(content)]
    if PurePosixPath(path).name in _PASSWORDS and content.strip():
        found.append(("a password", 0))
    if len(content) <= BINARY_CAP:
        rule = _FOR_SECRETS.fullmatch(PurePosixPath(path).name)
        named = secret_rules.in_settings(content) if rule else secret_rules.in_code(content)
        found += [(f"a value for {name!r}", position) for name, position in named]
    for kind, position in sorted(found, key=lambda item: item[1]):
        line = content.count(b"\n", 0, position) + 1
        yield Hit(f"{path}:{line}", kind)


def _content(path: Path) -> bytes | None:
    """What there is to search; None for a link, and for what is too large."""
    try:
        if path.is_symlink() or not path.is_file() or (size := path.stat().st_size) > FILE_CAP:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    return None if size > BINARY_CAP and b"\0" in content[:8000] else content
