"""Numbers as they are printed: where they stand in a line, what their unit says of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from repro.manifest import Aside

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:[ ]?[AP]M\b)?"
_ZONE = r"(?:[ ]?(?:Z\b|UTC|GMT|CES?T|[A-Z]{2,4}T\b|[+-]\d{2}:?\d{2}\b))?"

TOKEN = re.compile(
    rf"""
    (?P<date>
        (?<![\w.])\d{{4}}([-/.])\d{{1,2}}\2\d{{1,2}}(?:[T\ _-]{{1,2}}\d{{1,2}}[:h-]\d{{2}}(?:[:m-]\d{{2}}(?:[.,]\d{{1,9}})?)?{_ZONE})?(?![\w])
      | (?<![\w.])\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}\b(?:,?[ ]{_CLOCK})?|\d{{2}},?[ ]{_CLOCK})
      | \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},?[ ])?{_MONTH}[ ]{{1,2}}\d{{1,2}},?[ ](?:\d{{4}},?[ ])?{_CLOCK}{_ZONE}(?:[ ](?:19|20)\d\d\b)?
      | (?<![\w.])\d{{1,2}}[\ -]{_MONTH}[\ -]\d{{4}}\b(?:[ ]{_CLOCK}{_ZONE})?
      | (?<![\d.])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[_T-]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?![\w.])
      | (?<![\w.])\d{{1,2}}/\d{{1,2}}[ ]{_CLOCK}
      | [IWEF]\d{{4}}[ ]{_CLOCK}
    )
  | (?P<clock>(?<![\w.:])(?:\d{{1,4}}[ ]days?,?[ ])?(?:{_CLOCK}|\d{{2,3}}:\d{{2}}(?:\.\d{{1,6}})?)(?![\w:]))
  | (?P<path>
        [A-Za-z][A-Za-z0-9+]{{1,15}}://[^\s'"<>)\]]{{1,500}}
      | (?<![\w/.\])}}])(?:~|\.{{1,2}})?/(?=[A-Za-z_.~])[\w.@=~+-]{{1,200}}(?:/[\w.@=~+-]{{1,200}}){{1,40}}/?
      | (?<![\w/.-])\d{{1,12}}(?:/[A-Za-z_][\w.@=+-]{{0,200}}){{3,40}}/?  # the rest of one, wrapped
      | (?<![\w/.])[A-Za-z]:\\[^\s'"]{{1,400}}
      | (?<![\w/.-])\w[\w.=+-]{{0,200}}(?:/[\w.=+-]{{1,200}}){{0,40}}\.(?:pth?|pkl|pickle|joblib|ckpt|h5|hdf5|keras|onnx|bin|safetensors|npy|npz|csv|tsv|jsonl?|ya?ml|toml|txt|log|png|jpe?g|pdf|svg|html|parquet|feather|zip|gz|tar|xz|model|cbm|gguf|py|ipynb|R|rds|db|sqlite|tfevents|tflite|cc|cpp|cu|hpp|java|go|rs|js|ts|pb|weights|arrow|whl|mp4|wav)\b(?:[:\[]\d{{1,6}}\b)?
    )
  | (?P<id>
        0x[0-9a-fA-F]{{1,32}}\b
      | \b[0-9a-fA-F]{{8}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{12}}\b
      | (?<![\w.])(?!\d{{1,30}}e\d)(?=\d{{0,63}}[a-f])(?=[a-f]{{0,63}}\d)[0-9a-f]{{7,64}}(?![\w.])
      | (?<![\w.])\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}(?::\d{{1,5}})?(?![\w.])
      | (?<![\w/.-])[12]\d{{15}}/[A-Za-z_]\w{{0,60}}(?:/\d{{1,9}})?(?![\w.])  # Metaflow's runs, by their microsecond
      | \blocalhost:\d{{1,5}}\b
    )
  | (?P<version>(?<![\w.])v?\d{{1,6}}(?:\.\d{{1,6}}){{2,5}}(?:[.+-]?[a-z][\w.]{{0,20}})?(?![\w]))
  | (?P<word>(?<![\w.])[^\W\d]\w{{0,60}}-\d{{1,6}}(?![\w.]))
  | (?P<num>
        (?:(?<![\w.@^]))[-+−]?(?:Infinity|infinity|INF|Inf|inf|NaN|NAN|nan)(?![\w(])
      | (?:(?<![\w.@^])[-+−]|(?<![\w.@^])(?<![^\W\d][/-])|(?<=[^\W\d][/-])(?=\d{{1,40}}\.\d))
        (?:\d{{1,3}}(?:,\d{{3}}){{1,10}}(?![\d])|\d{{1,400}}|(?=\.\d))
        (?:\.\d{{1,400}}|\.(?=[eE][-+]?\d))?
        (?:[eE][-+]?\d{{1,5}}(?!\d))?
    )
  | (?P<none>(?<=[:=\s])(?:None|null|N/A|NA|n/a|<NA>|undefined)(?![\w/]))
""",
    re.VERBOSE,
)

_DURATION = (
    r"(?:n|u|µ|μ|m|milli|micro|nano)?s(?:ec(?:ond)?s?)?|secs?|mins?|minutes?|h|hrs?|hours?|days?"
)
_THING = r"(?:its?|iters?|iterations?|steps?|samples?|examples?|ex|imgs?|images?|tokens?|tok|words?|wps|batch(?:es)?|epochs?|seq(?:uence)?s?|frames?|rows?|records?|docs?|sentences?|sents?|pairs?|req|files?|queries|B|[kKMGT]i?B|[kKMG]?FLOPs?|[A-Za-z]{1,12})"
_RATE = re.compile(
    rf" ?(?:[a-z]{{1,12}} )?[kKMGT]?{_THING} ?(?:/|per) ?(?:s|sec|secs|second|min|minute|ms|h|hour)(?![\w])"
    r"| ?(?:it|fps|FPS|wps|[kKMGT]?FLOPS|[kKMG]?[HV]z)(?![\w/])| ?/ ?(?:s|sec|second)(?![\w])"
)
_TIME = re.compile(
    rf" ?(?:{_DURATION}) ?(?:/|per) ?{_THING}(?![\w])"
    rf"|(?:{_DURATION}|m(?=\s?\d|\b)|d(?=\s?\d))(?![\w/])"
    r"| (?:ms|s|secs?|seconds?|msecs?|milliseconds?|us|µs|μs|ns|minutes?|mins?(?= *(?:$|[,;)\].]|\d+(?:\.\d+)? ?s))|hours?|hrs?|days?)(?![\w/=:])(?! *[=:])"
)
_MEMORY = re.compile(r" ?(?:[KMGT]i?B|[kKMG]b|bytes|Bytes|[kMG]B)(?![\w/])")
_SCALE = re.compile(r"[kKMGTB](?![\w])| [kKMB](?=\s{2}|\s*(?:\||$))")
_MAYBE = re.compile(r"\d|[nN][aA][nN]|[iI][nN][fF]|None|null|N/A|NA|n/a|undefined")
_GIVEN = re.compile(r"[:=]\s{0,8}\Z")
_WORD = re.compile(r"[^\W\d]")
_HUGE = re.compile(r"[-+]?[\d.]{1,40}[eE]\+?(\d{1,5})")
_MOST_DIGITS = 4000
"""Python writes no number down that has more than 4300."""
_GROUPED = re.compile(r"[-+−]?\d{1,3}(?:,\d{3})+")


@dataclass(frozen=True, slots=True)
class Token:
    """A number in a line, or what looks like one and is set aside."""

    start: int
    end: int
    """Behind the unit, where there is one."""
    text: str
    value: int | float | str | None
    """A text where one that is no number counts all the same."""
    reason: Aside | None = None
    unit: str = ""
    at: int = -1
    """Where the number itself begins, if not at the start."""


_REASONS = {
    "date": Aside.DATE,
    "clock": Aside.DURATION,
    "path": Aside.PATH,
    "id": Aside.IDENTIFIER,
    "version": Aside.IDENTIFIER,
}


def tokens(line: str) -> Iterator[Token]:
    """What stands in the line, from left to right."""
    if not _MAYBE.search(line):
        return
    for match in TOKEN.finditer(line):
        kind = match.lastgroup or ""
        start, end = match.span()
        if kind == "num":
            if token := _number(line, start, end):
                yield token
        elif kind == "none":
            yield Token(start, end, match.group(), None)
        elif kind == "word" or (kind == "path" and not any(map(str.isdigit, match.group()))):
            continue
        else:
            yield Token(start, end, match.group(), None, _REASONS[kind])


def _number(line: str, start: int, end: int) -> Token | None:
    text = line[start:end]
    value = parse(text)
    if line[end : end + 1] == "%":
        return Token(start, end + 1, text, value, unit="%")
    for pattern, reason in ((_RATE, Aside.RATE), (_TIME, Aside.DURATION), (_MEMORY, Aside.MEMORY)):
        if unit := pattern.match(line, end):
            return Token(start, unit.end(), text, value, reason, unit.group().strip())
    if unit := _SCALE.match(line, end):
        return Token(start, unit.end(), text, value, unit=unit.group())
    if (
        _WORD.match(line, end)
        and isinstance(value, int)
        and not _GIVEN.search(line[max(0, start - 9) : start])
    ):
        return None  # a word that begins with a digit: 2D, 5th, 10x
    return Token(start, end, text, value)


def parse(text: str) -> int | float:
    """The number that the text is; an integer too long for Python's own limit becomes a float."""
    text = text.replace("−", "-")
    if _GROUPED.match(text):
        text = text.replace(",", "")
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if math.isinf(number) and (match := _HUGE.fullmatch(text)) and int(match[1]) <= _MOST_DIGITS:
        return int(Decimal(text))  # 1e400 and 1e500 are not the same
    return number


def finite(value: object) -> bool:
    """Whether it is a number that is neither NaN nor infinite."""
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
