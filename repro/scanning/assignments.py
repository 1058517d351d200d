"""Names and their values in text: settings, code, command lines in scripts, what a log prints.

How sure a name and a value must be depends on where they stand: in a file that people keep secrets in
everything counts, in settings what is one word, in code what is in quotes and no word of a language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import PurePosixPath

from repro.capturing import secret_rules
from repro.scanning import names, stand_ins
from repro.scanning.marks import tree
from repro.scanning.nouns import BY_NAME, Span


class Manner(Enum):
    """How the text writes down a name and its value."""

    VAULT = "a file that is made for secrets"
    SETTINGS = "settings"
    CODE = "code"
    PROSE = "a log, or anything else"


_VAULTS = re.compile(
    r"(?i)\.env(?:\.(?!example$|sample$|template$|dist$)[\w.-]+)?|[\w.-]+\.env|\.envrc|\.pypirc|\.npmrc"
    r"|\.yarnrc|\.?credentials(?:\.\w+)?|\.?(?:my)?secrets?\.\w+|\.my\.cnf|\.s3cfg|\.boto|\.databrickscfg"
)
_TEMPLATES = re.compile(r"(?i).*[._-](?:example|sample|template|dist|tmpl|tpl|j2)(?:\.\w+)?")
_SETTINGS = re.compile(
    r"\.(?:ya?ml|toml|ini|cfg|conf|config|properties|tfvars|cnf|env|json[c5]?|xml|[bzk]?a?sh|slurm|sbatch|mk)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\.(?:pyi?|[jt]sx?|java|scala|kt|go|rs|[ch]|cc|[ch]pp|cu|cs|rb|php|r|jl|lua|pl|swift|svg|css)",
    re.IGNORECASE,
)


def manner(path: str) -> Manner:
    """How a file of this name writes down a name and its value."""
    name = PurePosixPath(path).name
    suffix = PurePosixPath(name).suffix
    if _CODE.fullmatch(suffix) or _TEMPLATES.fullmatch(name):
        return Manner.CODE
    if _VAULTS.fullmatch(name):
        return Manner.VAULT
    return Manner.SETTINGS if _SETTINGS.fullmatch(suffix) else Manner.PROSE


_ENDING = tree(
    b"password passwd passphrase passcode passwort kennwort contrasena senha pwd pass secret credential"
    b" token key sas pat connectionstring connection_string webhookurl webhook_url".split()
)
_TAIL = rb"(?:_?(?:prod|production|dev|staging|test|live|value|plain|base|\d{1,3}))?s?"
# "name": · name = · name := · environ["name"] = · name: type = "value" · name => · ("name", "value")
# · <name>value · name:, and the value alone on the next line · PASSWORD 'value'
_SEPARATOR = (
    rb"(?:[\\\"'`\]]{0,4}[ \t]{0,16}"
    rb"(?:: {0,2}[a-z_][\w.\[\]| ]{0,40}= {0,2}(?=[\"'])|:=|=>|={1,3}|:(?!:))[ \t]{0,16}"
    rb"(?:[>|]?-?\r?\n[ \t]{1,40}(?=[^\s#{\[-][^\s]{0,200}[^\s:,({\[]\r?(?:\n|\Z)))?"
    rb"|\\?[\"'][ \t]{0,4},[ \t]{0,4}(?=\\?[\"'])|>(?=[^<\s])| (?='))"
)
_HINT = re.compile(_ENDING + _TAIL + _SEPARATOR)
_OPTION = re.compile(rb"--([a-z][\w.-]{1,60})[ \t]{1,4}(?=[^\s-])")
_ENV = re.compile(rb"env[ \t]{1,4}([a-z_]\w{1,80})[ \t]{1,4}(?=[^\s=])")
# one expression each: Python looks for what both begin with ten times as slowly
_PAIRS = tuple(
    re.compile(
        word + rb"[\\\"']{0,3}\s{0,4}[:=]\s{0,4}[\\\"']{0,3}([\w.-]{1,80})[\\\"']{0,3},?\s{0,40}"
        rb"[\\\"']{0,3}value[\\\"']{0,3}\s{0,4}[:=]\s{0,4}"
    )
    for word in (b"name", b"key")
)
_BEFORE = re.compile(rb"[A-Za-z_][\w.-]{0,99}\Z")
_VALUE = re.compile(
    rb"[@fbru]{0,2}(?:(\\?[\"'`])((?:(?!\1)[^\n]){1,1024})\1|\\?[\"'`]?([^\s\"'`<>\\]{1,1024}))"
)
_NAMED = re.compile(r"\w*[a-z]_\w*|[A-Z0-9_]+|\w*(?i:pass(?:word|phrase|wd))\w*")
"""An identifier of several words, or a word for a password: what code calls it, not the password."""
_COUNT = re.compile(rb"\d{1,7}[,\s}]")
_CALL = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*[(\[]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")
_END = re.compile(r"[,;)}\]&]")
"""What ends a value without quotes, where it may stand among others."""


def found(content: bytes, lowered: bytes, start: int, end: int, how: Manner) -> Iterator[Span]:
    """The secrets among the assignments whose names end between two positions."""
    passed = start
    for match in _HINT.finditer(lowered, start):
        if match.start() >= end:
            break
        if match.start() < passed:
            continue  # within a value
        # the ending without its separator, and what stands before it
        last = re.match(rb"[\w]+", content[match.start() : match.end()])
        before = _BEFORE.search(content, max(0, match.start() - 100), match.start())
        name = (before[0] if before else b"") + (last[0] if last else b"")
        first = match.start() - (len(before[0]) if before else 0)
        if match[0].endswith((b'": ', b'":')) and _COUNT.match(content, match.end()):
            continue  # a number of a word, in a vocabulary
        # of two texts in a list the first is a name only as a whole
        listed = b"," in match[0]
        if listed and content[max(0, first - 1) : first] not in (b'"', b"'"):
            continue
        for span in _valued(content, name, match.end(), how):
            if listed and not stand_ins.is_mixed(
                content[span.start : span.end].decode("utf-8", "replace")
            ):
                continue  # a list of words
            passed = span.end
            yield span
    for pattern in (_OPTION, _ENV, *_PAIRS):
        for match in pattern.finditer(lowered, start):
            if match.start() >= end:
                break
            yield from _valued(content, content[match.start(1) : match.end(1)], match.end(), how)


def _valued(content: bytes, name: bytes, position: int, how: Manner) -> Iterator[Span]:
    called = name.decode("latin-1")
    if names.strength(called) < 0:
        return
    match = _VALUE.match(content, position)
    if match is None:
        return
    quoted = match[2] is not None
    value = (match[2] if quoted else match[3]).decode("utf-8", "surrogateescape")
    start = match.start(2 if quoted else 3)
    # password=x within a text, as in a connection's
    closed = (
        not quoted
        and content[position - 1 : position] == b"="
        and content[match.end() : match.end() + 1] in (b'"', b"'")
        and not re.search(r"[][(){}<>]", value)
    )
    if not quoted:
        value = (
            value.rstrip(",;}])")
            if how in (Manner.VAULT, Manner.SETTINGS)
            else _END.split(value)[0]
        )
    if value and is_assigned(called, value, quoted or closed, how):
        yield Span(start, start + len(value.encode("utf-8", "surrogateescape")), BY_NAME, called)


def is_assigned(name: str, value: str, quoted: bool, how: Manner) -> bool:
    """Whether a text that gives the name this value gives away a secret."""
    if not names.is_secret(name, value, bare=how is Manner.VAULT):
        return False
    if how is Manner.VAULT:
        return True
    rank = names.strength(name)
    if any(map(str.isspace, value)) or (rank == 0 and not name.isupper() and _is_hex(value)):
        return False
    if how is Manner.SETTINGS:
        # of letters alone: a word of another language, as in a list of translations
        return rank != 1 or stand_ins.is_mixed(value)
    if not quoted and (how is Manner.CODE or _CALL.match(value)):
        return False
    if rank == 0:
        return is_machine_made(value)
    if _is_code(value) or name.lower() == "pass":
        return False
    if rank == 2:
        return len(value) >= 6 and (
            stand_ins.is_mixed(value) or (quoted and not _NAMED.fullmatch(value))
        )
    return len(value) >= 10 and stand_ins.is_drawn(value) and stand_ins.is_mixed(value)


def is_machine_made(value: str) -> bool:
    """Whether no person thought it up: one long word of letters and digits, or all sorts of both."""
    if secret_rules.is_random(value):
        return True
    sorts = (any(map(sort, value)) for sort in (str.isupper, str.islower, str.isdigit))
    return len(value) >= 16 and stand_ins.is_drawn(value, 10) and all(sorts) and not _is_code(value)


def _is_hex(value: str) -> bool:
    return re.fullmatch(r"[0-9a-f-]+|[0-9A-F-]+", value) is not None


def _is_code(value: str) -> bool:
    """A pattern or a template, by its brackets."""
    return len(re.findall(r"[(){}\[\]|<>^]", value)) > 1
