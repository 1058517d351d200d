"""detect-secrets' opinion on single lines. It is loaded (0.2 s) when a line gives reason to ask it.

Only ``analyze_string`` of chosen plugins is called: expressions over the text. Never ``analyze_line``
or a scan, which ask the services over the network whether a secret is valid. Left out are the plugins that take
every random text for a secret (entropy), every address (public IP) or every value of a name with "secret" in
it (keyword): names and random values are judged by names.py, where a false alarm stops nobody's training.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from repro.errors import ReproError
from repro.scanning import stand_ins
from repro.scanning.nouns import Span

PLUGINS: dict[str, tuple[str, str, str]] = {
    # the plugin's module: its class, what it finds, the marks in small letters
    "aws": ("AWSKeyDetector", "an AWS key", "aws"),
    "cloudant": ("CloudantDetector", "Cloudant credentials", "cloudant"),
    "gitlab_token": ("GitLabTokenDetector", "a GitLab token", "gr1348941"),
    "ibm_cloud_iam": ("IbmCloudIamDetector", "an IBM Cloud key", "ibm"),
    "ibm_cos_hmac": ("IbmCosHmacDetector", "an IBM Cloud key", "secret_access_key cos_hmac"),
    "mailchimp": ("MailchimpDetector", "a Mailchimp key", ""),
    "npm": ("NpmDetector", "an npm token", ":_authtoken"),
    "openai": ("OpenAIDetector", "an OpenAI or Anthropic key", "t3blbkfj"),
    "pypi_token": ("PypiTokenDetector", "a package index token", "pypi-"),
    "sendgrid": ("SendGridDetector", "a SendGrid key", "sendgrid"),
    "slack": ("SlackDetector", "a Slack token", "slack"),
    "softlayer": ("SoftlayerDetector", "SoftLayer credentials", "softlayer"),
    "square_oauth": ("SquareOAuthDetector", "a Square token", "sq0csp-"),
    "discord": ("DiscordBotTokenDetector", "a Discord token", ""),
    "telegram_token": ("TelegramBotTokenDetector", "a Telegram token", ""),
}
_BY_MARK: dict[bytes, str] = {
    mark.encode(): module for module, row in PLUGINS.items() for mark in row[2].split()
}
_SHAPES = (
    # tokens without a mark of their own: the end of one, as a shape
    ("discord", re.compile(rb"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}")),
    ("mailchimp", re.compile(rb"-us\d(?<=[0-9a-z]{32}-us\d)")),
    ("telegram_token", re.compile(rb":[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
)
_AROUND, _ONCE = 1000, 500
"""Bytes of a line before and after the mark that are looked at; once for so many bytes of it."""


def marks() -> tuple[bytes, ...]:
    """What gives reason to ask, in small letters."""
    return tuple(_BY_MARK)


def at(content: bytes, position: int, mark: bytes) -> Iterator[Span]:
    """What the plugin of this mark finds in the line where it stands."""
    first = max(
        content.rfind(b"\n", position - position % _ONCE, position) + 1, position - position % _ONCE
    )
    # a line that repeats the mark is not looked at again for each of them
    if mark in content[first:position].lower():
        return iter(())
    return _asked(_BY_MARK[mark], content, position)


def shaped(content: bytes, start: int, end: int) -> Iterator[Span]:
    """The tokens that have no mark."""
    for module, shape in _SHAPES:
        for match in shape.finditer(content, start):
            if match.start() >= end:
                break
            yield from _asked(module, content, match.start())


def _asked(module: str, content: bytes, position: int) -> Iterator[Span]:
    first = max(content.rfind(b"\n", max(0, position - _AROUND), position) + 1, position - _AROUND)
    newline = content.find(b"\n", position, position + _AROUND)
    line = content[first : newline if newline >= 0 else position + _AROUND].decode("latin-1")
    for value in plugin(module).analyze_string(line):
        at = line.find(value)
        if at < 0 or _is_within_a_word(line, at, at + len(value)) or stand_ins.is_filled_in(value):
            continue
        if stand_ins.is_drawn(value):
            yield Span(first + at, first + at + len(value), PLUGINS[module][1])


def _is_within_a_word(line: str, start: int, end: int) -> bool:
    """The plugins' expressions have no boundaries: a piece of a digest or of base64 is no token."""
    before, after = line[start - 1 : start], line[end : end + 1]
    return before.isalnum() or after.isalnum() or after in ("_", "-")


@functools.cache
def plugin(module: str) -> Any:
    """One of the plugins. Raises ReproError where the installed library has none of that name: what was
    not looked for must not count as not there."""
    try:
        from detect_secrets import plugins

        return getattr(import_module(f"{plugins.__name__}.{module}"), PLUGINS[module][0])()
    except (ImportError, AttributeError) as error:
        raise ReproError(
            f"detect-secrets cannot be asked for {PLUGINS[module][1]}: {error}",
            "nothing was written down; install the version of it that repro needs",
        ) from error
