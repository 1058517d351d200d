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

from repro import canonical
from repro.capturing import secret_rules, source
from repro.capturing.secret_rules import looks_secret
from repro.errors import SecretFound
from repro.manifest import to_document

if TYPE_CHECKING:
    from repro.capturing.ingredients import Ingredients
    from repro.project import Project
    from repro.scanning import Secret, Unscanned

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


def demand_none(parts: Ingredients, project: Project, *, redact: bool = False) -> None:
    """Raises SecretFound where a secret would be written down, or a place could not be looked through.

    ``redact``: what stands in the command line, a variable or a parameter is taken out of the record later,
    and stops nothing, unless the file of the parameter goes along.
    """
    from repro import scanning  # a tenth of a second, which only recording needs to take

    allowed = scanning.parse(list(project.config.allowed_secrets))
    found = [item for item in _scan(parts, project) if not allowed.allows(item)]
    if redact:
        taken = set(source.files(parts.source)) if found else set()
        found = [item for item in found if not _is_redactable(item, parts, taken)]
    hits = list(dict.fromkeys(str(item) for item in found))
    if not hits:
        return
    more = f" and {len(hits) - 5} more" if len(hits) > 5 else ""
    if redact:
        raise SecretFound(
            f"not recorded, because it cannot be redacted: {'; '.join(hits[:5])}{more}",
            "what is in the source is proven by its tree id: let git ignore the file (`git rm --cached` where it"
            " is tracked), or read the secret from a variable; if it is none: `secrets: allow:` in repro.yaml",
        )
    raise SecretFound(
        f"not recorded, because it would put a secret on the disk: {'; '.join(hits[:5])}{more}",
        "pass it in a variable that is not recorded, or in an ignored file; if it is no secret: its"
        " fingerprint (in brackets) under `secrets: allow:` in repro.yaml, or --allow-secrets; or --redact",
    )


def _is_redactable(item: Secret | Unscanned, parts: Ingredients, taken: set[str]) -> bool:
    pointer = getattr(item, "pointer", None)
    if pointer is None:
        return False
    if match := re.fullmatch(r"/definition/params/(\d+)/value", pointer):
        return parts.params[int(match[1])].source not in taken
    return pointer.startswith(("/definition/command/", "/definition/env/"))


def held_by(path: Path) -> tuple[Hit, ...]:
    """What looks like a secret in one file."""
    return tuple(_in_file(path.parent, path.name))


def _scan(parts: Ingredients, project: Project) -> Iterator[Secret | Unscanned]:
    from repro import scanning

    definition = {
        "command": to_document(parts.command),
        "env": dict(parts.env),
        "params": to_document(parts.params),
    }
    yield from scanning.document({"definition": definition})
    for changed in parts.source.changed:
        kind, _, path = changed.partition(" ")
        if "D" in kind:
            continue
        where = f"{'untracked' if kind == '??' else 'changed'} {path}"
        content = _content(project.workspace / path)
        if content is None:
            continue
        if len(content) <= BINARY_CAP:
            found = scanning.text(content, where, path=path)
            yield from (item for item in found if getattr(item, "blocking", True))
        else:
            yield from _in_large(content, where)


def _in_large(content: bytes, where: str) -> Iterator[Secret]:
    """Data rather than code: searched for the formats of keys and tokens alone."""
    from repro import scanning

    for kind, position in secret_rules.forms(content):
        line = content.count(b"\n", 0, position) + 1
        mark = canonical.digest_bytes(content[position : position + 40])[7:19]
        yield scanning.Secret(where, line, kind, "", None, mark)


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
