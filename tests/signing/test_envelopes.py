"""The envelope: what is signed, what is read, what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from repro.errors import Corrupt
from repro.signing import envelope
from repro.signing.envelope import Envelope, Signature

WHOLE = Envelope(b'{"a":1}', (Signature("SHA256:x", b"sig"), Signature("", b"\xff\xfe\xfb")))


def test_it_is_read_as_it_was_written() -> None:
    assert envelope.loads(envelope.dumps(WHOLE)) == WHOLE


def test_what_is_signed_is_dsse() -> None:
    # the example of DSSE's own specification
    assert envelope.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert envelope.pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_other_forms_of_the_same_json_are_read() -> None:
    document = json.loads(envelope.dumps(WHOLE))
    document["more"] = {"nobody": ["knows"]}
    for item in document["signatures"]:
        item["sig"] = item["sig"].replace("+", "-").replace("/", "_")
    assert envelope.loads(json.dumps(document, indent=3).encode()) == WHOLE


def changed(change: dict[str, Any]) -> bytes:
    return json.dumps({**json.loads(envelope.dumps(WHOLE)), **change}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b"{" * 5000, b"[" * 60000,
        b'{"payloadType":NaN}', b'{"payload":"","payload":""}', b"x" * (envelope.LARGEST + 1),
        envelope.dumps(WHOLE)[:-1], envelope.dumps(WHOLE) + b"x",
        changed({"payloadType": "application/json"}), changed({"payloadType": None}),
        changed({"payload": None}), changed({"payload": "e30"}), changed({"payload": "e3 0="}),
        changed({"payload": "é"}), changed({"payload": 7}), changed({"payload": ["e30="]}),
        changed({"signatures": []}), changed({"signatures": None}), changed({"signatures": {}}),
        changed({"signatures": [None]}), changed({"signatures": [{"sig": ""}]}),
        changed({"signatures": [{"keyid": "x"}]}), changed({"signatures": [{"keyid": 1, "sig": "eA=="}]}),
        changed({"signatures": [{"keyid": "x" * 300, "sig": "eA=="}]}),
        changed({"signatures": [{"keyid": "", "sig": "eA=="}] * 17}),
    ],
)  # fmt: skip
def test_what_is_no_envelope_is_one_line(content: bytes) -> None:
    with pytest.raises(Corrupt) as caught:
        envelope.loads(content)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_number_too_long_for_python_is_no_traceback() -> None:
    with pytest.raises(Corrupt):
        envelope.loads(b'{"payload": ' + b"9" * 9000 + b"}")


def test_every_byte_of_type_and_payload_is_signed() -> None:
    messages = {
        Envelope(payload, (), kind).message
        for payload, kind in ((b"1 x", "a"), (b"x", "a 1"), (b"1 x", "a "), (b" x", "a"))
    }
    assert len(messages) == 4


def test_base64_is_what_anybody_writes() -> None:
    document = json.loads(envelope.dumps(WHOLE))
    assert base64.b64decode(document["payload"]) == WHOLE.payload
