"""The rules: which one reads a file, and what each takes for cosmetic."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from repro.cosmetics import (
    candidates,
    documents,
    events,
    gzips,
    html,
    notebooks,
    office,
    pdf,
    png,
    pyc,
    svg,
    tars,
    texts,
    zips,
)
from repro.cosmetics.nouns import Essence, Part, Unfit

UNREADABLE = (
    Unfit, OSError, ValueError, LookupError, ArithmeticError, EOFError,
    RecursionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What hostile bytes make the readers raise."""


@dataclass(frozen=True)
class Rule:
    """How one form is read. ``digest`` raises Unfit where the content is not of that form."""

    form: str
    digest: Callable[[Part], str]
    cosmetic: str
    """In words: what the digest leaves out."""
    magic: tuple[bytes, ...] = (b"",)
    """How the content begins."""


_ARCHIVED = "and what is cosmetic in the files within"
ZIP = Rule(
    zips.FORM, zips.digest,
    f"times, owners and compression in a zip archive, {_ARCHIVED}", zips.MAGIC,
)  # fmt: skip
GZIP = Rule(
    gzips.FORM, gzips.digest,
    f"name, time and compression in a gzip file, {_ARCHIVED}", gzips.MAGIC,
)  # fmt: skip
TAR = Rule(tars.FORM, tars.digest, f"times and owners in a tar archive, {_ARCHIVED}")
PDF = Rule(pdf.FORM, pdf.digest, "dates and document ids of a PDF", pdf.MAGIC)
PNG = Rule(
    png.FORM, png.digest, "date, writing program and compression of a PNG picture", png.MAGIC
)
SVG = Rule(svg.FORM, svg.digest, "date and generated ids of an SVG picture")
HTML = Rule(html.FORM, html.digest, "generated ids of the charts in an HTML page")
NOTEBOOK = Rule(
    notebooks.FORM, notebooks.digest, "execution times, cell ids and addresses in a notebook"
)
JSON = Rule(documents.FORM, documents.digest, "run ids and times of writing in JSON")
LINES = Rule(documents.FORM_LINES, documents.digest_lines, "run ids and times of writing in JSON")
YAML = Rule(texts.FORM_YAML, texts.digest_yaml, "run ids and times of writing in YAML")
TEXT = Rule(texts.FORM, texts.digest, "addresses of objects in text")
LOG = Rule(texts.FORM_LOG, texts.digest_log, "times of lines and addresses of objects in a log")
OFFICE = Rule(office.FORM, office.digest, "dates in an office document's properties")
PYC = Rule(pyc.FORM, pyc.digest, "the source's time in compiled Python")
EVENTS = Rule(events.FORM, events.digest, "wall times of TensorBoard events")

_ALL = (
    ZIP, GZIP, TAR, PDF, PNG, SVG, HTML, NOTEBOOK, JSON, LINES, YAML, TEXT, LOG, OFFICE, PYC, EVENTS,
)  # fmt: skip
_BY_FORM = {rule.form: rule for rule in _ALL}
_BY_SUFFIX: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(candidates.ZIPS, (ZIP,)),
    **dict.fromkeys(candidates.GZIPS, (GZIP,)),
    **dict.fromkeys(candidates.TARS, (ZIP, TAR)),  # torch's checkpoints are called .pth.tar
    **dict.fromkeys(candidates.JSONS, (LINES,)),
    **dict.fromkeys(candidates.YAMLS, (YAML,)),
    ".json": (JSON,),
    ".txt": (TEXT,),
    ".log": (LOG,),
    ".pdf": (PDF,),
    ".png": (PNG,),
    ".svg": (SVG,),
    ".html": (HTML,),
    ".htm": (HTML,),
    ".ipynb": (NOTEBOOK,),
    ".pyc": (PYC,),
}


def described(form: str) -> str:
    """What is cosmetic in that form, in words; for a form of a later repro, that it is not known."""
    rule = _BY_FORM.get(form)
    return rule.cosmetic if rule else f"what the unknown form {form} leaves out"


def look(part: Part) -> Essence | None:
    """The part's essence; None where no rule reads it exactly and completely. Never raises."""
    try:
        start = part.file.tell()
        head = part.file.read(16)
        for rule in _rules(part.path):
            if head.startswith(rule.magic):
                part.file.seek(start)
                return Essence(rule.form, rule.digest(part))
    except UNREADABLE:
        pass
    return None


def _rules(path: str) -> tuple[Rule, ...]:
    name = PurePosixPath(path).name
    if candidates.EVENTS.match(name):
        return (EVENTS,)
    if name == "MLmodel":
        return (YAML,)
    if path == candidates.PROPERTIES:
        return (OFFICE,)
    return _BY_SUFFIX.get(candidates.suffix(path), ())
