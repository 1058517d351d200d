"""Whether a value is a secret, by the name that it is given and by what it looks like. Pure.

The names are those that recording goes by (capturing/secret_rules.py), and what is added to them here.
"""

from __future__ import annotations

import functools
import re

from repro.capturing import secret_rules
from repro.scanning import stand_ins

_ADDED = re.compile(
    r"(?:^|_)(?:passcode|passwort|kennwort|contrasena|senha|sas|sas_?token|webhook_?(?:url|secret)"
    r"|(?:shared_?access|subscription|consumer|functions|primary|secondary|db|database|priv|client|jwt"
    r"|groq|cohere|mistral|together|replicate|pinecone|langchain|langsmith|kaggle|roboflow|clearml|dagshub"
    r"|stripe|twilio|sendgrid|mailgun|datadog|dd_api|dd_app|snowflake|databricks|cloudflare|app)_?key"
    r"|(?:git|github|gitlab|gh|azure|ado|devops|airtable|jira)_?pat"
    r"|(?:key|private_key|keystore|truststore|cert|ssl|tls|vault|become|wifi|snowflake|redis)_?pass"
    r"|(?:id|oauth|identity|ci|job|app|sas|webhook|device|push|databricks|dapi|replicate|azure|gcp|aws|vertex|"
    r"session|security|service|account|user|sentry|cloudflare|telegram|discord|twilio|kube|k8s|dockerhub|docker"
    r"|comet|dagshub|kaggle|wandb|openai|anthropic)_?token)\Z"
)
_NEVER = re.compile(
    r"(?:^|_)(?:hash|hashed|digest|checksum|sha\d*|md5|fingerprint|etag|path|file|filename|dir|name|env|id"
    r"|page|cursor|continuation|resume|sync|public|pub|length|len|size|count|type|field|column|header|policy|min|max|regex|prefix|suffix)_?"
    r"(?:key|token|secret|password|pass)?\Z"
)
"""Names that end so tell of a secret, or of something else; they do not hold one."""
_TAIL = re.compile(
    r"_?(?:prod|production|dev|devel|staging|stage|test|live|main|default|old|new|backup|primary|secondary"
    r"|value|plain|plaintext|text|raw|str|string|base|v?\d{1,3})\Z"
)
_PASSWORD = re.compile(
    r"(?:password|passwd|passphrase|passcode|passwort|kennwort|contrasena|senha|(?:^|_)pwd|(?:_|^)pass)\Z"
)
_BENIGN_NUMBER = re.compile(
    r"[+-]?(?:\d{1,7}|\d*\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+)\Z", re.IGNORECASE
)


@functools.lru_cache(maxsize=4096)
def strength(name: str) -> int:
    """2 where the name is that of a password, 1 of another secret, 0 of a bare token (which may be one
    of a text); -1 of something else. Parts of a dotted name count one by one and joined."""
    words = _plain(name)
    return max(map(_one, _ways(words)), default=-1)


def _plain(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9.]+", "_", parted.lower().replace("ñ", "n")).strip("_.")


def _ways(words: str) -> set[str]:
    """The last part alone, with the one before it, and both without a tail: ``wandb.key``."""
    parts = [part for part in words.split(".") if part]
    ways = {parts[-1], "_".join(parts[-2:])} if parts else set()
    return ways | {_TAIL.sub("", way) for way in ways} | {way.removesuffix("s") for way in ways}


def _one(words: str) -> int:
    if not words or _NEVER.search(words):
        return -1
    if _PASSWORD.search(words) and (_is_strong(words) or words in ("pass", "passcode")):
        return 2
    if _is_strong(words) or _ADDED.search(words):
        return 2 if _PASSWORD.search(words) else 1
    return 0 if secret_rules.looks_secret(words) else -1


def _is_strong(words: str) -> bool:
    # of a bare `token` only drawn text is taken for a secret, and this is none
    return secret_rules.is_secret(words, "not drawn")


def is_secret(name: str, value: str, bare: bool = False) -> bool:
    """Whether a value that a person or a program gave this name is a secret.

    ``bare``: also where the name is only a token's and the value is not drawn, as for a variable,
    which is let through one by one.
    """
    rank = strength(name)
    if rank < 0 or stand_ins.is_reference(value) or stand_ins.is_stand_in(value):
        return False
    if rank == 2:
        return True
    if len(value) < 6 or _BENIGN_NUMBER.match(value):
        return False
    return rank == 1 or bare or secret_rules.is_random(value)
