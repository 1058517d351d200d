"""A signed statement from elsewhere: is it one, and is it about this run? Whether its signature is good, and
whose it is, is another question, which is asked when somebody wants to know."""

from __future__ import annotations

from repro.errors import Corrupt
from repro.signing import envelope, statement
from repro.signing.envelope import Envelope
from repro.signing.statement import Statement


def read(content: bytes, run_id: str) -> tuple[Envelope, Statement]:
    """Raises Corrupt, also where it is about another run."""
    signed = envelope.loads(content)
    said = statement.loads(signed.payload)
    if said.run != run_id:
        raise Corrupt(f"a signed statement is about another run ({said.run[:12]})")
    return signed, said
