"""What is known of a signature once it was looked at, and whom the user trusts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from repro.errors import UsageError
from repro.signing.envelope import Signature
from repro.strict_json import shown


class State(str, Enum):
    """What became of one signature, the best first."""

    TRUSTED = "trusted"
    """Sound, over exactly this manifest, by an allowed signer."""
    OTHER_SIGNER = "other signer"
    """Likewise, but by another than the one that was asked for."""
    UNKNOWN = "unknown"
    """Sound, and nobody vouches for whose key it is."""
    EXPIRED = "expired"
    """Sound, by a key that is not valid at this time."""
    NOT_PERMITTED = "not permitted"
    """Sound, by a key that may not sign this."""
    REVOKED = "revoked"
    """Sound, by a key that was revoked."""
    BAD = "bad"
    """Not a signature over this statement."""
    FOREIGN = "other run"
    """Over a statement about another manifest."""
    UNREADABLE = "unreadable"
    """No signature that this version can read."""


@dataclass(frozen=True)
class Checked:
    """One signature, looked at. ``key`` is the fingerprint that the check itself found, never a hint."""

    state: State
    reason: str
    remedy: str = ""
    key: str | None = None
    key_type: str | None = None
    identity: str | None = None
    """As the allowed signers call the key's owner."""


@dataclass(frozen=True)
class Trust:
    """Whose signatures count. Paths are absolute."""

    allowed: Path | None = None
    """A file in the format of ssh-keygen's ALLOWED SIGNERS; None: nobody is known."""
    identity: str | None = None
    """The only one whose signature counts."""
    revoked: Path | None = None

    def __post_init__(self) -> None:
        if self.identity is not None:
            check_identity(self.identity)


class Scheme(Protocol):
    """A way to sign. Chosen from ``schemes.SCHEMES``. Raises ReproError where its tools are not there."""

    @property
    def name(self) -> str: ...

    def sign(self, message: bytes, key: str) -> Signature:
        """Sign with the user's key. ``key`` is what the scheme calls one."""

    def recognises(self, sig: bytes) -> bool:
        """Whether it is a signature of this scheme, good or bad."""

    def check(self, signature: Signature, message: bytes, trust: Trust) -> Checked:
        """What the signature is worth."""


_LONGEST = 200


def is_identity(name: str) -> bool:
    """Whether it can be the name of a signer, and cannot be taken for an option."""
    fits = 0 < len(name) <= _LONGEST and not name.startswith("-")
    return fits and not re.search(r"[\0-\x20\x7f,\"]", name)


def check_identity(name: str) -> None:
    """Raises UsageError where it cannot."""
    if not is_identity(name):
        raise UsageError(
            f"{shown(name)} cannot be the name of a signer",
            "a name as it stands in front of the key in the allowed signers: ada@example.org",
        )
