"""DSSE, the envelope around a statement: what exactly is signed, written and read. Pure.

What is read here comes from anybody: every field is checked before it is used.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from repro import canonical, strict_json
from repro.errors import Corrupt
from repro.strict_json import shown

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
LARGEST = 1 << 16
"""Bytes of an envelope: a statement has some 2 kB, a signature less."""
MOST_SIGNATURES = 16
_LARGEST_KEYID = 256


@dataclass(frozen=True)
class Signature:
    """One signature over the payload. ``keyid`` is only a hint, and may be empty."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A payload with its signatures. The payload's exact bytes are what was signed."""

    payload: bytes
    signatures: tuple[Signature, ...]
    payload_type: str = PAYLOAD_TYPE

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: type and content, each with its length in front."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def dumps(envelope: Envelope) -> bytes:
    """The envelope as canonical JSON: the same content has the same digest."""
    return canonical.dumps(
        {
            "payload": _encoded(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [
                {"keyid": item.keyid, "sig": _encoded(item.sig)} for item in envelope.signatures
            ],
        }
    )


def loads(content: bytes) -> Envelope:
    """The inverse of ``dumps``; takes any JSON form of an envelope. Raises Corrupt."""
    if len(content) > LARGEST:
        raise Corrupt(f"a signature has {len(content)} bytes, and {LARGEST} are the most")
    document = read_object(content, "a signature")
    kind = document.get("payloadType")
    if kind != PAYLOAD_TYPE:
        raise Corrupt(f"a signature is over something of the type {shown(kind)}")
    found = document.get("signatures")
    if not isinstance(found, list) or not 0 < len(found) <= MOST_SIGNATURES:
        raise Corrupt("an envelope has no signature, or too many")
    payload = _decoded(document.get("payload"), "the payload")
    return Envelope(payload, tuple(_signature(item) for item in found))


def _signature(document: Any) -> Signature:
    entry = document if isinstance(document, dict) else {}
    keyid = entry.get("keyid", "")
    if not isinstance(keyid, str) or len(keyid) > _LARGEST_KEYID:
        raise Corrupt("a signature's keyid is no short text")
    sig = _decoded(entry.get("sig"), "the signature")
    if not sig:
        raise Corrupt("a signature is empty")
    return Signature(keyid, sig)


def read_object(content: bytes, name: str) -> dict[str, Any]:
    """A JSON object. Raises Corrupt."""
    try:
        return strict_json.table(content)
    except ValueError as error:
        raise Corrupt(f"{name} is {error}") from None


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decoded(text: Any, what: str) -> bytes:
    """Both alphabets of base64 are DSSE's; nothing else may stand between."""
    if not isinstance(text, str):
        raise Corrupt(f"{what} of an envelope is not there")
    try:
        plain = text.replace("-", "+").replace("_", "/")
        return base64.b64decode(plain.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise Corrupt(f"{what} of an envelope is not base64") from None
