"""What stands where a secret would: a reference to one, a stand-in from a template, a path. Pure."""

from __future__ import annotations

import re

_REFERENCE = re.compile(
    r"\$(?:[{(]|[A-Za-z_]\w*\Z)|%\w+%|%[({]|--[a-z]|<.*>|\{.*\}|\[.*\]|!(?:ENV|Ref|Sub|secret|vault)\b"
    r"|(?:env|vault|secret|file|ref|op)[:(]|os\.(?:environ|getenv)|process\.env|secrets\.[A-Za-z]"
    # a key in base64 may begin with a slash too
    r"|(?:~|\.{1,2})/|/(?![A-Za-z0-9+/]{39}\Z|[A-Za-z0-9+/]+={1,2}\Z)|[A-Za-z]:\\"
)
"""How a value begins that says where the secret is: a variable, a template, a path."""
_MASKED = re.compile(r"(.)\1*|[*x.•#_-]{3,}|.{0,8}(?:\*{3,}|x{6,}|\.{3,}|…).{0,6}")
"""One character again and again, and what is left of a value that somebody masked."""
_WORD = re.compile(
    r"true|false|yes|no|on|off|none|null|nil|undefined|nan|unset|empty|todo|tbd|fixme|n/?a"
    r"|string|str|int|bool|bytes|text|optional|required|change[-_ ]?(?:it|me)|replace[-_ ]?me|insert[-_ ]?here"
    r"|(?:my|your|the|some|a)?[-_ ]?(?:passwords?|passwd|pass|pwd|passphrase|secrets?|token|credentials?"
    r"|(?:api|access|secret)?[-_ ]?key)|user(?:name)?|login|dummy|fake|placeholder|example|sample|foo|bar|foobar"
    # what a form asks for, in other languages
    r"|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|пароль|密码|密碼|パスワード|geheimnis"
    r"|redacted|hidden|masked|removed|censored|anonymous"
)
_PHRASE = re.compile(
    r"\b(?:your|insert|enter|replace|change|put|fill|add|paste)[ _-]?(?:me\b|this|your|my|the|own|in|an?|here"
    r"|api|key|token|secret|pass|hf|wandb|access)|not[-_ ]?(?:a[-_ ])?(?:real|secret)"
    r"|(?:goes|key|token|secret|password)[-_ ]?here"
)
_STAND_IN = re.compile(r"\bexample\b|placeholder|redacted|dummy|changeme")


def is_reference(value: str) -> bool:
    """Whether it says where a secret is to be had instead of being one."""
    return _REFERENCE.match(value) is not None


def is_stand_in(value: str) -> bool:
    """Whether it is no secret to anybody: a word that every template has, or a masked value."""
    plain = value.strip().lower()
    if not plain or _WORD.fullmatch(plain) or _STAND_IN.search(plain):
        return True
    return is_filled_in(plain)


def is_filled_in(value: str) -> bool:
    """Whether somebody is told to put the secret here, or it was taken out: of a token, whose format
    alone says that it is one, a word like "example" says nothing."""
    plain = value.lower()
    return bool(_MASKED.fullmatch(plain) or _PHRASE.search(plain))


def is_drawn(value: str, distinct: int = 8) -> bool:
    """Whether it has as many different characters as only drawn text of its length has."""
    return len(set(value)) >= distinct


def is_mixed(value: str) -> bool:
    """Whether letters stand beside digits, or beside signs that no identifier or path has."""
    letters = any(letter.isalpha() for letter in value)
    digits = any(letter.isdigit() for letter in value)
    signs = any(not letter.isalnum() and letter not in "-_./: \t" for letter in value)
    return letters + digits + signs >= 2
