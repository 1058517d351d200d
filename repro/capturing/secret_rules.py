"""What a secret looks like: by its form, or by the name that it is given. Pure.

Few rules, each precise: a false alarm stops somebody's training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repro.expressions import compiled

_FORMS: tuple[tuple[str, tuple[bytes, ...], bytes], ...] = (
    # kind; what any such text contains, to pass over most of a file at once; the form itself
    ("a private key", (b"PRIVATE KEY",), rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("an AWS access key", (b"AKIA", b"ASIA"), rb"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    (
        "an AWS secret key",
        (b"aws_secret_access_key", b"AWS_SECRET_ACCESS_KEY"),
        rb"(?i:aws_secret_access_key)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    ),
    (
        "a GitHub token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b",
    ),
    ("a GitLab token", (b"glpat-",), rb"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Hugging Face token", (b"hf_",), rb"\bhf_[A-Za-z0-9]{30,}\b"),
    (
        "an OpenAI or Anthropic key",
        (b"sk-",),
        rb"\bsk-(?:[A-Za-z0-9]{32,}\b|(?:proj|svcacct|admin|ant|or|lf)-[A-Za-z0-9_-]{32,})",
    ),
    (
        "a Slack token",
        (b"xox", b"xapp-", b"hooks.slack.com"),
        rb"\bxox[abeprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{20,}"
        rb"|hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}",
    ),
    ("a Google API key", (b"AIza",), rb"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("a package index token", (b"pypi-AgE",), rb"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    ("an npm token", (b"npm_",), rb"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a Docker Hub token", (b"dckr_pat_",), rb"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
    ("an Azure storage key", (b"AccountKey=",), rb"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    ("a Stripe key", (b"k_live_",), rb"\b[rs]k_live_[A-Za-z0-9]{20,}\b"),
    (
        "a Weights & Biases key",
        (b"wandb",),
        rb"\bwandb\.login\([^)\n]{0,200}[\"'][0-9a-f]{40}[\"']|\bwandb_v1_[A-Za-z0-9_]{40,}",
    ),
    (
        "a Kaggle key",
        (b'"username"',),
        rb"\"username\"\s*:\s*\"[^\"\n]+\"\s*,\s*\"key\"\s*:\s*\"[0-9a-f]{32}\"",
    ),
    (
        "a signed token",
        (b".eyJ",),
        rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    ),
    (
        "credentials in a header",
        (b"uthorization", b"UTHORIZATION"),
        rb"(?i:authorization)[\"']?\s*[:=,]\s*[\"']?(?i:bearer|basic|token)\s+[A-Za-z0-9._~+/-]{16,}",
    ),
    (
        "a password for a machine",
        (b"password",),
        rb"\bmachine\s+\S+\s+login\s+\S+\s+password\s+\S+",
    ),
    (
        "a password in a URL",
        (b"://",),
        rb"://[^\x00-\x20/:@'\"<>{}$]{0,100}:(?!\$|\{|%[s(]|\*+@|[xX.]+@|[A-Z_]+@|\d+[^\w@])"
        rb"[^\x00-\x20/'\"<>]{3,200}@[\w\[]",
    ),
)


def forms(content: bytes) -> Iterator[tuple[str, int]]:
    """(kind, position) of all that is a secret by its form."""
    for kind, marks, form in _FORMS:
        if any(mark in content for mark in marks):
            yield from ((kind, match.start()) for match in compiled(form).finditer(content))


# --- names ------------------------------------------------------------------------------------

_NO_SECRET = re.compile(
    r"^(?:no|ask|prompt|use|with|has|show|hide|reset|require|skip|allow|check|disable|enable)_"
    r"|(?:^|_)(?:cls|pad|padding|eos|bos|sos|eot|unk|unknown|mask|sep|separator|special|additional|extra|"
    r"start|end|stop|begin|image|img|audio|video|text|prompt|class|dist|distill|register|next|last|first|"
    r"max|min|total|per|each|num|word|sub|oov|newline|space|blank|query|summary|language|lang|task|pooling|pool|"
    r"control|placeholder|trigger|assistant|turn|position|patch|visual|latent|memory|learnable)_token$"
)
"""Switches, and what a tokenizer or a transformer calls its tokens."""
_SECRET = re.compile(
    r"(?:password|passwd|passphrase)$|[a-z0-9]_pwd$"
    r"|(?:^|_)(?:(?:db|smtp|ftp|e?mail|ssh|sudo|root|admin|user|login|auth|proxy|pg|mysql|redis)_?pass"
    r"|secret|credentials?|connection_string"
    r"|(?:api|access|private|secret|signing|encryption|account|storage|auth|master|service|license"
    r"|openai|anthropic|wandb|neptune|comet|aws|azure)_?key"
    r"|(?:auth|access|api|bearer|session|refresh|personal|deploy|bot|slack|registry|pypi|npm|vault|jwt|csrf"
    r"|hf|hub|huggingface|github|gitlab|wandb|neptune|comet|mlflow|kaggle|secret)_?token)$"
)
_BARE_TOKEN = re.compile(r"(?:^|_)token$")


def looks_secret(name: str) -> bool:
    """Whether a variable or a parameter of this name holds a secret."""
    return _is_named_secret(name) or _BARE_TOKEN.search(_plain(name)) is not None


def _is_named_secret(name: str) -> bool:
    return _SECRET.search(_plain(name)) is not None


def _plain(name: str) -> str:
    """In small letters, its words parted by underscores; nothing where it is a tokenizer's token."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return "" if _NO_SECRET.search(words) else words


# --- values -----------------------------------------------------------------------------------

_PASSWORD = re.compile(r"(?:password|passwd|passphrase|_pwd|_pass)$")
_REFERENCE = re.compile(
    r"\$|--|[{<%\[(]|\*+$|~?/|\.{1,2}/|(?i:true|false|yes|no|none|null|on|off)$"
)
_RANDOM = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}")


def is_secret(name: str, value: str) -> bool:
    """Whether a value of this name is a secret, and neither a reference to one nor a file with one."""
    if not value or _REFERENCE.match(value):
        return False
    if not _is_named_secret(name):
        return looks_secret(name) and is_random(value)
    return len(value) >= (1 if _PASSWORD.search(_plain(name)) else 6)


def is_random(value: str) -> bool:
    """Whether it looks drawn by a machine: letters and digits in one long word, and various ones."""
    return any(len(set(match[0])) >= 8 for match in _RANDOM.finditer(value))


# --- assignments ------------------------------------------------------------------------------

_IN_SCRIPT = re.compile(
    r"(?:^|[\s;,{(\"'])(?:--?([A-Za-z][\w.-]*)[=\s]\s*|([A-Za-z_][\w.-]*)[\"']?\s*[=:]\s*)([\"']?)([^\s\"',;)}]+)"
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[\[(]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")


def in_script(text: str) -> Iterator[tuple[str, str]]:
    """(name, value) of what a line of shell or Python sets; not what it calls or looks up."""
    for match in _IN_SCRIPT.finditer(text):
        if match[3] or not _DOTTED.match(match[4]):
            yield match[1] or match[2], match[4]


_LINE = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?[\"']?([A-Za-z_][\w.-]*)[\"']?[ \t]*[=:][ \t]*[\"']?([^\s\"',]+)",
    re.MULTILINE,
)
_QUOTED = re.compile(rb"[:=]\s{0,4}[\"']([A-Za-z0-9+/_=.-]{16,200})[\"']")
_BEFORE = re.compile(rb"([A-Za-z_][\w.-]*)[\"']?\s{0,4}\Z")


def in_settings(content: bytes) -> Iterator[tuple[str, int]]:
    """(name, position) of the secrets in a file that is made for them, such as ``.env``."""
    for match in _LINE.finditer(content):
        name, value = match[1].decode("ascii"), match[2].decode("utf-8", "replace")
        if is_secret(name.rpartition(".")[2], value):
            yield name, match.start(1)


def in_code(content: bytes) -> Iterator[tuple[str, int]]:
    """(name, position) of random text in quotes that is given the name of a secret."""
    for match in _QUOTED.finditer(content):
        before = _BEFORE.search(content, max(0, match.start() - 80), match.start())
        if before and is_random(match[1].decode("ascii")):
            name = before[1].decode("ascii").rpartition(".")[2]
            if _is_named_secret(name):  # a bare `token` is an identifier in many a data set
                yield name, before.start(1)
