"""What the signatures of a run are worth: for a person, and as JSON."""

from __future__ import annotations

from typing import Any

from repro import attesting, canonical
from repro.attesting import Found, Signed, Verified
from repro.manifest import to_document
from repro.report import layout
from repro.report.layout import clean, paint
from repro.signing.nouns import State

_WORDS = {
    State.TRUSTED: "good",
    State.FOREIGN: "REFUSED",
    State.BAD: "BAD",
    State.REVOKED: "REVOKED",
}
_STYLE = {
    State.TRUSTED: "green",
    State.BAD: "bold red",
    State.FOREIGN: "bold red",
    State.REVOKED: "bold red",
}
_INDENT = " " * 17


def signed_as_json(run: str, done: Signed) -> str:
    """``repro/signature/v1``, one line; specs/signatures.md."""
    document = {
        "schema": "repro/signature/v1",
        "id": done.id,
        "run": run,
        "key": done.key,
        **_statement(done.statement),
    }
    return canonical.dumps(document).decode() + "\n"


def as_json(verified: Verified) -> str:
    """``repro/signatures/v1``, one line; specs/signatures.md."""
    document = {
        "schema": "repro/signatures/v1",
        "run": verified.run,
        "passed": verified.passed,
        "signatures": [_document(item) for item in verified.found],
    }
    return canonical.dumps(document).decode() + "\n"


def _document(item: Found) -> dict[str, Any]:
    checked = item.checked
    return {
        "id": item.id,
        "state": checked.state.value,
        "reason": checked.reason,
        "remedy": checked.remedy,
        "key": checked.key,
        "key_type": checked.key_type,
        "identity": checked.identity,
        "vouches": item.vouches,
        "contradicts": item.contradicts,
        **_statement(item.statement),
    }


def _statement(said: attesting.Statement | None) -> dict[str, Any]:
    """What is said in it; null where it cannot be read, or is of a kind that is not known."""
    return {
        "kind": said.word if said else None,
        "type": said.kind if said else None,
        "statement": to_document(said.predicate) if said and said.predicate else None,
    }


def render(verified: Verified, *, colour: bool, width: int) -> str:
    """Each signature: what it is worth, what it says, by whom; and whether that is enough."""
    lines = [f"run {verified.run}"]
    for item in verified.found:
        lines += _lines(item, colour, width)
    lines += ["", _summary(verified, colour)]
    return "\n".join(lines) + "\n"


def _lines(item: Found, colour: bool, width: int) -> list[str]:
    checked = item.checked
    word = layout.pad(_WORDS.get(checked.state, checked.state.value), 13)
    head = f"  {paint(word, _STYLE.get(checked.state, 'yellow'), colour)}  "
    said = attesting.described(item.statement) if item.statement else f"signature {item.id[:12]}"
    lines = layout.wrap(clean(said), width, head, _INDENT)
    key = f" (key {checked.key}, {checked.key_type})" if checked.key else ""
    shown = "" if checked.key and checked.key in checked.reason else key
    lines += layout.wrap(clean(checked.reason + shown), width, _INDENT, _INDENT)
    if checked.remedy:
        lines += layout.wrap(clean(checked.remedy), width, f"{_INDENT}-> ", f"{_INDENT}   ")
    return lines


def _summary(verified: Verified, colour: bool) -> str:
    if not verified.found:
        text = f"no signature: ask who made it to sign it (repro sign {verified.run[:12]})"
        return paint(text, "yellow", colour)
    if against := _names([item for item in verified.found if item.contradicts]):
        return paint(
            f"{against} replayed this run, and it did not come out the same", "bold red", colour
        )
    vouching = [item for item in verified.found if item.vouches]
    said = {
        word: _names([item for item in vouching if item.word == word])
        for word in ("manifest", "replay")
    }
    parts = [f"{said['manifest']} vouches for this manifest"] if said["manifest"] else []
    parts += [f"{said['replay']} replayed it, and it came out the same"] if said["replay"] else []
    if parts:
        return paint("; ".join(parts), "green", colour)
    return paint("nobody whom you trust vouches for this run", "yellow", colour)


def _names(found: list[Found]) -> str:
    return clean(", ".join(sorted({item.checked.identity or "?" for item in found})))
