"""The ways to sign, by name. Each knows its own signatures when it sees them, so that several can stand
side by side in one store, and in one envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from repro.signing.envelope import Signature
from repro.signing.nouns import Checked, Scheme, State, Trust
from repro.signing.ssh import SshKeygen

SCHEMES: dict[str, Callable[[Mapping[str, str]], Scheme]] = {"ssh": SshKeygen}
"""Made with the environment variables of the user."""


def make(name: str, environ: Mapping[str, str]) -> Scheme:
    """The scheme of that name."""
    return SCHEMES[name](environ)


def check(
    signature: Signature, message: bytes, trust: Trust, environ: Mapping[str, str]
) -> Checked:
    """What a signature of any scheme is worth."""
    for name in SCHEMES:
        scheme = make(name, environ)
        if scheme.recognises(signature.sig):
            return scheme.check(signature, message, trust)
    known = ", ".join(SCHEMES)
    return Checked(State.UNREADABLE, f"it is no signature of a kind that is known here ({known})")
