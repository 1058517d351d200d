"""YAML and plain text, never parsed: single values are cut out, every other byte counts."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from repro.cosmetics.nouns import Part, Tally, Unfit
from repro.cosmetics.shapes import ADDRESS, CLOCK, DAY, KEYS, ZONE, Names, is_moment, is_run_id

FORM, FORM_LOG, FORM_YAML = "text/1", "log/1", "yaml/1"
LARGEST = 32 << 20

Cut = tuple[int, int, str | int]
"""From where to where, and what stands there: a kind, or the number of a run id."""

_ADDRESS = re.compile(ADDRESS, re.ASCII)
_LINE_TIME = re.compile(
    rf"^(?:\[{DAY}[T ]{CLOCK}(?:[.,]\d{{3,6}})?{ZONE}\]"
    rf"|{DAY}[T ]{CLOCK}(?:[.,]\d{{3,6}})?{ZONE}"
    r"(?= [^\n]{0,60}\b(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b))",
    re.ASCII | re.MULTILINE,
)
"""In brackets, or with a level behind it: a bare time in front of a value is a time series."""
_PAIR = re.compile(
    rf"^(?P<indent> *)(?:- )*(?P<key>{'|'.join(KEYS)}): (?P<quote>['\"]?)"
    r"(?P<value>[0-9A-Za-z:., T@+-]+)(?P=quote)(?=\r?$)",
    re.ASCII | re.MULTILINE,
)

_HYDRAS_OWN = re.compile(
    r"^ +output_dir: \S*?/(?P<time>\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d)(?=(?:/\d+)?\r?$)",
    re.ASCII | re.MULTILINE,
)
"""In ``.hydra/hydra.yaml``: the folder of the run, called by its time."""


def digest(part: Part) -> str:
    """The digest of a text without the addresses of objects. Raises Unfit where it has none."""
    text = part.whole(LARGEST).decode("utf-8")
    return _digest(FORM, text, _addresses(text))


def digest_log(part: Part) -> str:
    """The same for a log, whose lines begin with a time."""
    text = part.whole(LARGEST).decode("utf-8")
    cuts = _addresses(text)
    cuts += [(*match.span(), "time") for match in _LINE_TIME.finditer(text)]
    return _digest(FORM_LOG, text, cuts)


def digest_yaml(part: Part) -> str:
    """The digest of YAML without its run ids and times of writing. Raises Unfit without any."""
    text = part.whole(LARGEST).decode("utf-8")
    one = re.search(r"^(?:---|\.\.\.|- )", text[1:], re.MULTILINE) is None  # no stream, no list
    names = Names()
    cuts: list[Cut] = []
    for match in _PAIR.finditer(text):
        key, value = match["key"], match["value"]
        outermost = one and match.start("key") == match.start()
        if is_run_id(key, value):
            names.add(value)
        elif is_moment(key, value, outermost):
            cuts.append((*match.span("value"), "time"))
    if PurePosixPath(part.path).parts[-2:] == (".hydra", "hydra.yaml"):
        cuts += [(*found.span("time"), "time") for found in _HYDRAS_OWN.finditer(text)]
    if anywhere := names.anywhere():
        cuts += [(*found.span(), names[found.group()]) for found in anywhere.finditer(text)]
    return _digest(FORM_YAML, text, cuts)


def _addresses(text: str) -> list[Cut]:
    return [(*match.span(), "address") for match in _ADDRESS.finditer(text)]


def _digest(form: str, text: str, cuts: list[Cut]) -> str:
    """What stands between the cuts as bytes, the cuts by their kind: the two cannot be confused."""
    if not cuts:
        raise Unfit("nothing cosmetic in it")
    tally, position = Tally(form), 0
    for start, end, kind in sorted(cuts, key=lambda cut: cut[:2]):
        if start < position:
            raise Unfit("cuts that overlap")
        tally.add(text[position:start].encode("utf-8"), kind)
        position = end
    tally.add(text[position:].encode("utf-8"))
    return tally.digest()
