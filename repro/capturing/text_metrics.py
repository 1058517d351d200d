"""Metrics in files that a person would read: ``metrics.txt``, a report, an INI file."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from repro import log_metrics
from repro.capturing import flattening, readers
from repro.manifest import Metric

LARGEST = 1 << 20
"""Bytes; a longer text lists predictions, or is a log."""


def reader_of(path: str) -> Callable[[bytes, str], tuple[Metric, ...]] | None:
    """The reader for a file of this name; None where it is neither text nor INI."""
    match PurePosixPath(path).suffix.lower():
        case ".txt" | ".md":
            return read_text
        case ".ini" | ".cfg":
            return read_ini
    return None


def read_text(content: bytes, source: str) -> tuple[Metric, ...]:
    """The numbers with a name, as in a log. A number that is all there is is called like the file.

    Raises ValueError where it is no text.
    """
    text = readers.decoded(content)
    if len(content) > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes of text")
    stem = PurePosixPath(source).stem
    try:
        return (Metric(source, stem, flattening.type_of(value := float(text)), value),)
    except ValueError:
        pass
    return tuple(
        replace(item, name=item.name.replace("(unnamed)", stem))
        for item in log_metrics.read(content, source).metrics
    )


def read_ini(content: bytes, source: str) -> tuple[Metric, ...]:
    """The keys of an INI file by ``section.key``, numbers as numbers.

    Raises ValueError where it is none.
    """
    parser = configparser.RawConfigParser(default_section="", strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # the case of keys counts
    try:
        parser.read_string(readers.decoded(content))
    except configparser.Error as error:
        raise ValueError(f"no INI file: {str(error).splitlines()[0]}") from error
    document = {
        section: {key: readers.cell(value) for key, value in parser.items(section)}
        for section in parser.sections()
    }
    return flattening.flatten(document, source) if document else ()
