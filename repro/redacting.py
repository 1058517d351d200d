"""Takes the values of secrets out of a manifest, says where, and what that means for a replay.

Only what is no key to anything else can be taken out: words of the command, variables, parameters, and what is
there for people. A secret in a path, in code or in an output cannot: the digests that prove them would be of
something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro import canonical
from repro.errors import Unreplayable, UsageError
from repro.manifest import (
    REDACTED,
    Definition,
    Finding,
    Manifest,
    Redaction,
    Severity,
    dumps,
    from_document,
)

if TYPE_CHECKING:
    from repro.scanning import Allowed, Secret

_VALUES = re.compile(
    r"/definition/(?:command/.+|env/[^/]+|params/\d+/value)"
    r"|/result/uncompared/\d+/example|/provenance/(?:subject|remotes/[^/]+)|/findings/\d+/(?:message|remedy)"
)
"""JSON pointers to what may be taken out."""
_ROUNDS = 4
"""Once a value is gone, another may be seen that it hid."""


@dataclass(frozen=True)
class Redacted:
    """A manifest without secrets. ``left`` are those that cannot be taken out."""

    manifest: Manifest
    redactions: tuple[Redaction, ...]
    left: tuple[Secret, ...]


def is_value(pointer: str | None) -> bool:
    """Whether what a pointer leads to may be taken out."""
    return pointer is not None and _VALUES.fullmatch(pointer) is not None


def redacted(run: Manifest, allowed: Allowed) -> Redacted:
    """The manifest with ``<redacted>`` in place of what looks like a secret, with findings on what that means."""
    from repro import scanning

    document = canonical.loads(dumps(run))
    found: dict[str, Redaction] = {}
    left: dict[Secret, None] = {}
    for _ in range(_ROUNDS):
        secrets = [one for one in scanning.document(document) if not allowed.allows(one)]
        left = dict.fromkeys(one for one in secrets if not is_value(one.pointer))
        new = {
            one.pointer: Redaction(one.pointer, one.kind, one.name)
            for one in secrets
            if one.pointer and is_value(one.pointer) and one.pointer not in found
        }
        if not new:
            break
        document = scanning.redacted(document, list(new))
        found |= new
    again = from_document(Manifest, document, "the redacted manifest")
    return Redacted(again, tuple(found[place] for place in sorted(found)), tuple(left))


def findings(run: Manifest, redactions: tuple[Redaction, ...]) -> Iterator[Finding]:
    """What it means for a replay that these values are not in the record."""
    if names := redacted_variables(run.definition):
        listed = ", ".join(names)
        yield Finding(
            Severity.RISKS,
            "env",
            f"redacted, so a replay has to be given it anew, and nobody can tell whether it is the same: {listed}",
            "repro replay RUN " + " ".join(f"--env {name}" for name in names),
        )
    if is_redacted_command(run.definition):
        yield Finding(
            Severity.BREAKS,
            "command",
            "a word of the command line was redacted: it cannot be replayed as it was recorded",
            "let the training take the secret from a variable (`env:` in repro.yaml), and record again",
        )
    if names := tuple(
        f"{item.source}:{item.name}" for item in run.definition.params if item.value == REDACTED
    ):
        yield Finding(
            Severity.RISKS,
            "params",
            f"redacted; the file that it stands in is no part of the source: {', '.join(names)}",
            "give it to the training in a variable, and record again",
        )
    if others := [one for one in redactions if not one.place.startswith(("/definition/", "log/"))]:
        yield Finding(
            Severity.NOTE,
            "metrics",
            f"redacted: {', '.join(one.place for one in others[:5])}",
        )


def redacted_variables(definition: Definition) -> tuple[str, ...]:
    """The variables that are recorded without their values."""
    return tuple(name for name, value in sorted(definition.env.items()) if value == REDACTED)


def is_redacted_command(definition: Definition) -> bool:
    """Whether a word of what is to be executed is not recorded."""
    command = definition.command
    words = [*command.argv, *(line for stage in command.stages for line in stage.commands)]
    return REDACTED in words


def given(text: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, str]:
    """Variables from ``NAME`` (its value is taken from here) and ``NAME=VALUE``. Raises UsageError."""
    found = {}
    for item in text:
        name, equals, value = item.partition("=")
        if not name or "\0" in item:
            raise UsageError(f"--env {item!r} names no variable", "--env NAME, or --env NAME=VALUE")
        if not equals and name not in environ:
            raise UsageError(f"--env {name}: it is not set here", f"set it first: {name}=… repro …")
        found[name] = value if equals else environ[name]
    return found


def demand_wanted(definitions: Sequence[Definition], values: Mapping[str, str]) -> None:
    """Raises UsageError for a variable that none of these runs lacks."""
    wanted = sorted({name for item in definitions for name in redacted_variables(item)})
    if others := sorted(values.keys() - set(wanted)):
        raise UsageError(
            f"--env {others[0]}: only what was redacted can be given anew"
            + (f": {', '.join(wanted)}" if wanted else ", and nothing of these variables was"),
            "a replay uses the recorded values of all others; record another run to change one",
        )


def meant_for(definition: Definition, values: Mapping[str, str]) -> dict[str, str]:
    """Of values that several runs were given, those that this one lacks: the others are none of its business."""
    return {name: values[name] for name in redacted_variables(definition) if name in values}


def said_of(names: Iterable[str]) -> str:
    """What it means that these were given."""
    listed = ", ".join(sorted(names))
    return f"redacted in the record and given anew; whether it is the same is not known: {listed}"


def restored(definition: Definition, values: Mapping[str, str], name: str) -> dict[str, str]:
    """The recorded variables, with values for those that were redacted. ``name`` is that of the run.

    Raises UsageError for a variable that has its recorded value, Unreplayable where something lacks.
    """
    wanted = redacted_variables(definition)
    demand_wanted([definition], values)
    if is_redacted_command(definition):
        raise Unreplayable(
            "a word of its command line was redacted when it was recorded or exported",
            "record again, with the secret in a variable (`env:` in repro.yaml)",
        )
    if lacking := [item for item in wanted if item not in values]:
        raise Unreplayable(
            f"redacted when it was recorded or exported: {', '.join(lacking)}",
            f"give it anew: repro replay {name} "
            + " ".join(f"--env {item}" for item in lacking)
            + " (repro verify, noise and probe take it too)",
        )
    return {**definition.env, **values}
