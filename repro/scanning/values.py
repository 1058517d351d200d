"""One value with its name: a variable, a parameter, what an option of a command is given."""

from __future__ import annotations

from collections.abc import Mapping

from repro.manifest import Scalar
from repro.scanning import documents, names, searching
from repro.scanning.assignments import Manner
from repro.scanning.nouns import BY_NAME, Secret, fingerprint


def named(
    name: str, value: Scalar, where: str = "", pointer: str | None = None, bare: bool = False
) -> Secret | None:
    """The secret that a value of this name is, or has in it; None where there is none.

    ``where`` is what it is called, by default ``value of NAME``; the fingerprint is that of all of it.
    With ``bare`` any value of a name that ends in "token" counts, not only one that looks drawn: for a
    variable that is let through by name.
    """
    if value is None or isinstance(value, bool):
        return None
    content = str(value)
    packed = content.encode("utf-8", "surrogatepass")
    found = searching.spans(packed, Manner.PROSE) if isinstance(value, str) else []
    if not found and not names.is_secret(name, content, bare):
        return None
    shown = searching.sanitized(name)
    place = searching.sanitized(where) if where else f"value of {shown}"
    kind = found[0].kind if found else BY_NAME
    return Secret(place, None, kind, shown, pointer, fingerprint(content))


def secret_values(environ: Mapping[str, str], words: tuple[str, ...] = ()) -> dict[str, str]:
    """The values of variables that are secrets, or hold one, by value: the name of the variable; and those that
    a command line gives to its options. Without those that are too short, or too usual, to be looked for
    elsewhere."""
    found: dict[str, str] = {}
    for packed, name in documents.in_words(words):
        if searching.is_telling(value := packed.decode("utf-8", "surrogateescape")):
            found[value] = name
    for name, value in sorted(environ.items()):
        packed = value.encode("utf-8", "surrogateescape")
        inner = [packed[span.start : span.end] for span in searching.spans(packed, Manner.PROSE)]
        values = [item.decode("utf-8", "surrogateescape") for item in inner]
        if names.is_secret(name, value, bare=True):
            values.append(value)
        for item in values:
            if searching.is_telling(item):
                found.setdefault(item, name)
    return found
