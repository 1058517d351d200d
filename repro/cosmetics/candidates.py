"""Which files are worth opening, by name alone."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

ZIPS = frozenset(
    (
        ".zip", ".npz", ".pt", ".pth", ".ckpt", ".bin", ".whl", ".egg", ".jar", ".docx", ".xlsx",
        ".pptx", ".odt", ".ods", ".keras", ".mar", ".mlmodel", ".skops",
    )
)  # fmt: skip
GZIPS = frozenset((".gz", ".tgz", ".svgz", ".rds", ".rda", ".rdata"))
TARS = frozenset((".tar", ".nemo"))
JSONS = frozenset((".json", ".jsonl", ".ndjson"))
YAMLS = frozenset((".yaml", ".yml"))
TEXTS = frozenset((".txt", ".log"))

CANDIDATES = (
    frozenset((".pdf", ".png", ".svg", ".html", ".htm", ".ipynb", ".pyc"))
    | ZIPS
    | GZIPS
    | TARS
    | JSONS
    | YAMLS
    | TEXTS
)
"""Suffixes in lower case. Files whose name alone tells (``MLmodel``) are in ``is_candidate``."""

PROPERTIES = "docProps/core.xml"
"""In every office document, with the date of its making."""
EVENTS = re.compile(r"events\.out\.tfevents(?:\.\d{10}\b|$)")
"""With the time behind it, and without as CatBoost calls its own."""


def is_candidate(path: str) -> bool:
    """Whether a file of this name may have an essence; cheap, the file is not opened."""
    name = PurePosixPath(path).name
    known = suffix(path) in CANDIDATES or name == "MLmodel" or path == PROPERTIES
    return known or EVENTS.match(name) is not None


def suffix(path: str) -> str:
    """The last suffix in lower case, with its dot; ``""`` where there is none."""
    return PurePosixPath(path).suffix.lower()
