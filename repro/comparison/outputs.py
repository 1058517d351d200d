"""Outputs set side by side: bit for bit by digest, and where two contents first differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repro import globs
from repro.comparison import contents
from repro.comparison.nouns import (
    RECORD_AND_REPLAY,
    OutputDifference,
    Read,
    Sides,
    Status,
)
from repro.comparison.pairing import pairs
from repro.cosmetics import described
from repro.errors import ReproError
from repro.manifest import Descriptor, Policy, Result

LARGEST = 8 << 20
"""Bytes; a larger output is not opened to say where it differs."""
BUDGET = 64 << 20
"""Bytes that one comparison opens in all."""
_MARKERS = (".gitignore", "CACHEDIR.TAG")


def nothing_to_read(_: Descriptor) -> bytes | None:
    """For when only the manifests are at hand."""
    return None


def compare_outputs(
    a: Result,
    b: Result,
    policy: Policy,
    read: Read = nothing_to_read,
    sides: Sides = RECORD_AND_REPLAY,
) -> tuple[OutputDifference, ...]:
    """One difference for every output of either side, by path; with those declared but missing."""
    opener = _Opener(read, sides)
    found = [
        _difference(ours, theirs, policy, opener)
        for _, _, ours, theirs in pairs(a.outputs, b.outputs, lambda output: (output.path,))
    ]
    missing = _missing(a, b, policy, found, sides)
    known = {item.path for item in missing}
    others = [
        _if_known(output, a, b, policy, sides) for output in found if output.path not in known
    ]
    return tuple(sorted([*others, *missing], key=lambda output: output.path))


def _if_known(
    output: OutputDifference, a: Result, b: Result, policy: Policy, sides: Sides
) -> OutputDifference:
    """A side that was not observed knows of what is declared alone: that it lacks another output
    says nothing."""
    if output.status not in (Status.MISSING, Status.NEW):
        return output
    lacking, side = (b, sides[1]) if output.status is Status.MISSING else (a, sides[0])
    if lacking.observed or globs.any_matches(output.path, (*policy.outputs, *policy.metrics)):
        return output
    detail = f"not compared: {side} was not observed, and this output is not declared"
    return replace(output, status=Status.UNKNOWN, detail=detail)


def is_ignored(path: str, policy: Policy) -> bool:
    """Whether a glob of the policy fits the path, or a folder that it lies in."""
    return globs.any_matches(path, policy.ignored_outputs)


def _is_marker(path: str, policy: Policy) -> bool:
    """Whether it only keeps git or a backup out of a folder: joblib, tox and their like write it where it is
    not there yet, so that a second run does not, and a replay of that run does."""
    known = path.rpartition("/")[2] in _MARKERS
    return known and not globs.any_matches(path, (*policy.outputs, *policy.metrics))


def same(a: Descriptor, b: Descriptor) -> bool:
    """Bit for bit, and with the same executable bit and link target."""
    return (a.digest, a.size, a.executable, a.link) == (b.digest, b.size, b.executable, b.link)


def held_the_same(a: Descriptor, b: Descriptor) -> bool:
    """Whether the two hold the same, though not with the same bytes."""
    known = a.form is not None and a.content is not None
    return known and (a.form, a.content, a.executable, a.link) == (
        b.form,
        b.content,
        b.executable,
        b.link,
    )


def _difference(
    a: Descriptor | None, b: Descriptor | None, policy: Policy, opener: _Opener
) -> OutputDifference:
    present = a or b
    assert present
    ignored = is_ignored(present.path, policy)
    if a is None or b is None:
        status = Status.MISSING if a else Status.NEW
        if _is_marker(present.path, policy):
            detail = "what a tool writes once into a folder of its own, and no result"
            return OutputDifference(present.path, Status.IGNORED, a, b, detail)
        return OutputDifference(present.path, Status.IGNORED if ignored else status, a, b)
    if same(a, b):
        return OutputDifference(a.path, Status.IGNORED if ignored else Status.EQUAL, a, b)
    if ignored:
        return OutputDifference(a.path, Status.IGNORED, a, b, "differs")
    if held_the_same(a, b):
        detail = f"same content, cosmetic difference: {described(str(a.form))}"
        return OutputDifference(a.path, Status.COSMETIC, a, b, detail)
    return OutputDifference(a.path, Status.DIFFERENT, a, b, "; ".join(_details(a, b, opener)))


def _missing(
    a: Result, b: Result, policy: Policy, found: list[OutputDifference], sides: Sides
) -> list[OutputDifference]:
    """What was declared and not written. That word of the result counts, also where a file of that
    name is listed: it is then one that the run found there and left alone."""
    differences = []
    by_path = {output.path: output for output in found}
    for path in sorted({*a.missing_outputs, *b.missing_outputs}):
        lacking = (path in a.missing_outputs, path in b.missing_outputs)
        listed = by_path.get(path)
        status = Status.ABSENT if all(lacking) else Status.NEW if lacking[0] else Status.MISSING
        detail = "declared, but not written by " + (
            "either run" if all(lacking) else sides[0] if lacking[0] else sides[1]
        )
        differences.append(
            OutputDifference(
                path,
                Status.IGNORED if is_ignored(path, policy) else status,
                listed.a if listed else None,
                listed.b if listed else None,
                detail,
            )
        )
    return differences + [
        OutputDifference(
            pattern,
            Status.ABSENT,
            None,
            None,
            "declared, but neither run looked for it: record the run again",
        )
        for pattern in sorted(set(policy.outputs))
        if pattern not in {*a.missing_outputs, *b.missing_outputs}
        and not any(
            output.path == pattern or globs.matches(output.path, pattern) for output in found
        )
    ]


def _details(a: Descriptor, b: Descriptor, opener: _Opener) -> Iterable[str]:
    if a.link != b.link:
        yield f"link: {_link(a)} -> {_link(b)}"
    if a.executable != b.executable:
        yield f"executable: {_yes(a.executable)} -> {_yes(b.executable)}"
    if a.link is None and b.link is None and (a.digest, a.size) != (b.digest, b.size):
        yield opener.first_difference(a, b)


def _link(descriptor: Descriptor) -> str:
    return "not a link" if descriptor.link is None else contents.quoted(descriptor.link)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


class _Opener:
    """Opens outputs that differ, within bounds: a detail is a help, no reason to read gigabytes."""

    def __init__(self, read: Read, sides: Sides) -> None:
        self._read, self._sides, self._left = read, sides, BUDGET

    def first_difference(self, a: Descriptor, b: Descriptor) -> str:
        sizes = f"{a.size} -> {b.size} bytes" if a.size != b.size else f"both {a.size} bytes"
        if max(a.size, b.size) > LARGEST:
            return f"{sizes}; not opened: larger than {LARGEST >> 20} MiB"
        if a.size + b.size > self._left:
            return f"{sizes}; not opened: {BUDGET >> 20} MiB of other outputs were opened before it"
        self._left -= a.size + b.size
        ours, theirs = self._content(a), self._content(b)
        if ours is None or theirs is None:
            return f"{sizes}; not opened: the content is not at hand"
        if ours == theirs:
            return f"{sizes}; the stored contents are the same, so one is not what its digest says"
        return contents.first_difference(a.path, ours, theirs, self._sides)

    def _content(self, descriptor: Descriptor) -> bytes | None:
        try:
            return self._read(descriptor)
        except (OSError, ReproError):
            return None
