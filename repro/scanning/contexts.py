"""Secrets that are known by what stands around them: keys in files, headers, addresses, logins.

Each rule has a mark in small letters; where it stands, the rule looks at a bounded piece of content.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from repro.capturing import secret_rules
from repro.expressions import compiled
from repro.scanning import stand_ins
from repro.scanning.nouns import Span


def _real(match: re.Match[bytes]) -> bool:
    value = match["v"].decode("latin-1")
    return not stand_ins.is_stand_in(value) and not stand_ins.is_reference(value)


def _drawn(match: re.Match[bytes]) -> bool:
    value = match["v"].decode("latin-1")
    return stand_ins.is_drawn(value, 6) and not stand_ins.is_filled_in(value)


def _random(match: re.Match[bytes]) -> bool:
    return _real(match) and secret_rules.is_random(match["v"].decode("latin-1"))


def _login(match: re.Match[bytes]) -> bool:
    """Docker's ``auth``: a name and a password, in base64."""
    return b":" in _unpacked(match["v"])


def _packed_key(match: re.Match[bytes]) -> bool:
    return b"PRIVATE KEY" in _unpacked(match["v"][:120])


def _unpacked(content: bytes) -> bytes:
    try:
        return base64.b64decode(content + b"=" * (-len(content) % 4))
    except (binascii.Error, ValueError):
        return b""


_Q = r"\\?[\"']?"
_TABLE: tuple[tuple[str, str, str, Callable[[re.Match[bytes]], bool]], ...] = (
    # what it is; the mark; the form, from the mark on, with the value as v; what else must be true of it
    (
        "a private key",
        "-----begin",
        r"(?P<v>-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"[^-\x00]{0,400}?[A-Za-z0-9+/]{20}[A-Za-z0-9+/=\s\\]{0,8000})",
        _drawn,
    ),
    (
        "a private key",
        "---- begin",
        r"(?P<v>---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----[^-\x00]{20,8000})",
        _drawn,
    ),
    (
        "a private key",
        "putty-user-key-file",
        r"(?P<v>PuTTY-User-Key-File-\d: [^\x00]{40,8000})",
        _drawn,
    ),
    (
        "a private key in base64",
        "ls0tls1crudjti",
        r"(?P<v>LS0tLS1CRUdJTi[A-Za-z0-9+/]{60,12000})",
        _packed_key,
    ),
    (
        "a Google service account",
        "private_key_id",
        rf"private_key_id{_Q}\s{{0,4}}[:=]\s{{0,4}}{_Q}(?P<v>[0-9a-f]{{40}})(?![0-9a-f])",
        _drawn,
    ),
    (
        "a password in a URL",
        "://",
        r"(?<!github)(?<!models)://[^\x00-\x20/:@'\"<>{}$\\]{0,100}:"
        r"(?!\$|\{|%[s(]|\*+@|[xX.]+@|[A-Z_]+@|\d+[^\w@])(?P<v>[^\x00-\x20/'\"<>\\]{3,200})@[\w\[]",
        _real,
    ),
    ("credentials in a URL", "://", r"://(?P<v>[A-Za-z0-9_-]{20,200})@[\w\[]", _random),
    (
        "an Azure key",
        "accountkey=",
        r"(?i:accountkey=)(?P<v>[A-Za-z0-9+/]{40,100}={0,2})",
        _drawn,
    ),
    ("an Azure key", "accesskey=", r"(?i:accesskey=)(?P<v>[A-Za-z0-9+/]{40,100}={0,2})", _drawn),
    (
        "a signature that grants access",
        "sig=",
        r"(?i:sig=)(?P<v>[A-Za-z0-9%+/_-]{40,120}(?:=|%3[dD]){0,2})",
        _random,
    ),
    (
        "a signature that grants access",
        "signature=",
        r"(?i:signature=)(?P<v>[A-Za-z0-9%+/_-]{40,600}(?:=|%3[dD]){0,2})",
        _random,
    ),
    ("an Azure client secret", "8q~", r"8Q~(?P<v>[\w~.-]{31,34})(?![\w~.-])", _drawn),
    (
        "credentials in a header",
        "authorization",
        rf"(?i:authorization){_Q}\]?\s{{0,4}}(?:[:=,]|=>)\s{{0,4}}[fb]?{_Q}(?i:bearer|basic|token|apikey|api-key)"
        r"[\s:=]{1,3}(?P<v>[A-Za-z0-9._~+/=-]{16,4000})",
        _random,
    ),
    (
        "a password in a connection string",
        "pwd=",
        rf"(?i:pwd=){_Q}(?P<v>[^;\s\"'(){{}}]{{3,200}});",
        _real,
    ),
    (
        "a password for a machine",
        "machine",
        r"machine\s+\S{1,255}\s+(?:login\s+\S{1,255}\s+)?(?:account\s+\S{1,255}\s+)?password\s+(?P<v>[^\s]{1,1000})",
        _real,
    ),
    (
        "a registry's login",
        'auth"',
        r"auth\"\s{0,4}:\s{0,4}\"(?P<v>[A-Za-z0-9+/]{6,4000}={0,2})\"",
        _login,
    ),
    (
        "a package registry's token",
        "_auth",
        r"(?:(?<=:)_auth|_authToken)\s{0,4}=\s{0,4}[\"']?(?P<v>[A-Za-z0-9+/=_.-]{8,400})",
        _drawn,
    ),
    (
        "a Weights & Biases key",
        "wandb",
        r"(?i:wandb[ _.-]?(?:login|api[ _-]?key|key))[^\n]{0,80}?(?<![0-9a-f])(?P<v>[0-9a-f]{40})"
        r"(?![0-9a-f])",
        _drawn,
    ),
    (
        "a Kaggle key",
        '"username"',
        r"(?i:\"username\")\s{0,4}:\s{0,4}\"[^\"\n]{1,200}\"\s{0,4},\s{0,8}\"key\"\s{0,4}:\s{0,4}\"(?P<v>[0-9a-f]{32})\"",
        _drawn,
    ),
    (
        "a Mailgun key",
        "mailgun",
        r"(?i:mailgun)[^\n]{0,60}?(?P<v>key-[0-9a-f]{32})(?![0-9a-f])",
        _drawn,
    ),
    (
        "a password for a login",
        "sshpass",
        r"sshpass\s{1,4}-p\s{0,4}[\"']?(?P<v>[^\s\"'$]{3,200})",
        _real,
    ),
    (
        "a password for a login",
        "docker login",
        r"docker login[^\n]{0,100}?\s(?:-p|--password)[ =][\"']?(?P<v>[^\s\"'$]{3,200})",
        _real,
    ),
    (
        "a name and a password for curl",
        "curl",
        r"curl\s[^\n]{0,200}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{1,100}:(?P<v>[^\s\"'$]{3,200})",
        _real,
    ),
)
_RULES: dict[bytes, list[tuple[str, bytes, Callable[[re.Match[bytes]], bool]]]] = {}
for _kind, _mark, _form, _check in _TABLE:
    _RULES.setdefault(_mark.encode(), []).append((_kind, _form.encode(), _check))

_PER_LINE = {
    ".pgpass": re.compile(rb"(?m)^[^#\n:][^\n:]*:[^\n:]*:[^\n:]*:[^\n:]*:(?P<v>[^\n]{1,1000})$"),
    "pgpass.conf": re.compile(
        rb"(?m)^[^#\n:][^\n:]*:[^\n:]*:[^\n:]*:[^\n:]*:(?P<v>[^\n]{1,1000})$"
    ),
    ".htpasswd": re.compile(rb"(?m)^[^#\n:]{1,200}:(?P<v>[^\n]{1,1000})$"),
    "_netrc": re.compile(rb"(?m)\bpassword[ \t]+(?P<v>\S{1,1000})"),
    ".netrc": re.compile(rb"(?m)\bpassword[ \t]+(?P<v>\S{1,1000})"),
}
"""Files with nothing but logins in them, by name."""


def marks() -> tuple[bytes, ...]:
    """What the rules begin with, in small letters."""
    return tuple(_RULES)


def at(content: bytes, position: int, mark: bytes) -> Iterator[Span]:
    """The secrets whose surroundings begin with this mark, at the position where it stands."""
    for kind, form, check in _RULES[mark]:
        match = compiled(form).match(content, position)
        if match and check(match):
            yield Span(match.start("v"), match.end("v"), kind)


def in_file(content: bytes, start: int, end: int, path: str) -> Iterator[Span]:
    """The logins in a file that has nothing else in it."""
    form = _PER_LINE.get(PurePosixPath(path).name.lower())
    for match in form.finditer(content, start) if form else ():
        if match.start() >= end:
            break
        if _real(match):
            yield Span(match.start("v"), match.end("v"), "a password")
