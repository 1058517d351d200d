"""What logging writes in front of every message: a time, a level, a logger's name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from repro.log_metrics.items import SetAside
from repro.manifest import Aside

_LEVEL = r"(?:TRACE|DEBUG|INFO|SUCCESS|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|info|warning|debug|error|D|I|W|E)"
_DATE = (
    r"\d{4}[-/]\d\d[-/]\d\d(?:[T _]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)?(?:Z|\s?[+-]\d\d:?\d\d|\s?UTC)?"
    r"|\d\d/\d\d/(?:\d{4}|\d\d)[ ,]{1,2}\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: [AP]M)?"
    r"|\d\d/\d\d \d\d:\d\d:\d\d"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?: [A-Z]{3,4})?(?: \d{4})?"
)
_PLACE = r"(?:[\w.<>]{1,60}:)?[\w./<>-]{1,80}(?:\.py)?:(?:[\w<>]{1,60}:)?\d{1,6}"

_ABSL = re.compile(
    # before it is initialised, Abseil's own library writes seconds since 1970: TensorFlow, XLA
    r"\s*[IWEFD]\d{4} \d\d:\d\d:(?:\d\d|\d{10})\.\d{1,6}\s+\d{1,20} [^\s\]]{1,120}:\d{1,6}\]\s?"
)
_BASIC = re.compile(rf"\s*{_LEVEL}:[\w.\-/]{{1,80}}:\s?")
_START = re.compile(
    rf"\s*(?:\[\d{{1,3}}\.?\d{{0,9}}s?\]\s*)?[\[(<]{{0,2}}(?:{_DATE})(?![\d:])[^\S\n]*[\])>]{{0,2}}"
)
_LEVELLED = re.compile(
    rf"[\s|:\-]{{0,6}}(?P<between>[^\n|]{{0,80}}?[\s\[(|:\-])?(?P<level>{_LEVEL})(?=[\s\])|:\-])"
    r"\s{0,10}[\])]?[\s|:\-]{0,6}"
)
_SAID = re.compile(
    r"(?<![\w.])[-+]?\d*\.\d+(?![\w.])"
    r"|(?:^|\s)(?!(?:pid|tid|rank|line|thread|process|worker)\b)[A-Za-z_][\w/%]*(?:\s*=\s*|:?\s+)[-+]?\.?\d"
)
"""A number with a name, or with a fraction: what is said already, and no prefix."""
_FRACTION = re.compile(r"^[.,]\d{1,9}(?=:)")
"""Of the second, where a colon stands behind it."""
_IN_BRACKETS = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>")
_PLAIN_LEVEL = re.compile(
    r"\s*(?:\[(?:TRACE|DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\]|(?:TRACE|DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)(?=[\s:|]))[\s:|\-]{0,6}"
)
_BARE_PLACE = (
    r"(?:[\w.<>/-]{1,80}:[\w<>.]{1,80}|[\w./<>-]{0,79}[./<>][\w./<>-]{0,79})(?:\.py)?:"
    r"(?:[\w<>]{1,60}:)?\d{1,6}"
)
"""Without brackets it has a function or a suffix: ``hits:5 | misses:3`` begins with no place."""
_WHERE = re.compile(
    rf"(?:\[[\w./-]{{1,60}}\.py:\d{{1,6}}\]|\({_PLACE}\)|\[{_PLACE}\]|{_BARE_PLACE}(?=\s+[-|\]>:]|\]))[\s:|>\]\-]{{0,6}}"
)
_RANK = re.compile(
    r"\s*(?:\[?rank ?(?P<rank>\d{1,5})\]?:"
    # [rank 0], [RANK 0/2], [GPU0], torchrun's [default0]:, Open MPI's [1,0]<stdout>:
    r"|\[(?:(?:local|global)?[ _]?rank|gpu|default)[ _:=]{0,2}(?P<member>\d{1,5})(?:/\d{1,5})?\]:?(?=\s|\w)"
    r"|\[\d{1,5},(?P<number>\d{1,5})\]<std(?:out|err)>:"
    r"|\((?:\w{1,40} )?pid=\d{1,9}(?:, ip=[\d.]{1,20})?\))\s?",
    re.IGNORECASE,
)
_NAMED = re.compile(r" [\w.]{1,80}\]:?\s?")
_LOGGER = re.compile(r"[A-Za-z_]\w{0,40}(?:\.\w{1,40}){1,8}\s{0,4}(?:[-|]\s|:\s)\s{0,4}(?=\S)")
_PROCESS = re.compile(r"\[(\d{1,9})\][\s:|\-]{1,6}(?=\S)")
_NUMBER = re.compile(r"[\d.,]*\d")
_ENDED = re.compile(r"[\s:|\-]{0,6}")
_OF_A_RUN = re.compile(
    r"(?:[\w.\[\]]{1,80} - )?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12} - (?:\d{1,9} - )?"
)
"""The job, the run's id and the process, as Dagster writes them behind the level."""
_SOURCE_LINE = re.compile(r"(?:/|[A-Za-z]:\\)[^\s:]{1,300}\.pyx?:\d{1,6}: ")
"""As the ``warnings`` module writes it; a library may leave the warning's category out."""


def stripped(line: str) -> tuple[str, tuple[SetAside, ...]]:
    """The message without its prefix; what the prefix was, if it had a number."""
    if (place := _SOURCE_LINE.match(line)) and "Warning: " not in line:
        return line[place.end() :], (SetAside("line of a source", Aside.PATH, place[0][:80]),)
    end = _end(line)
    if not end:
        return line, ()
    prefix = line[:end]
    if not any(map(str.isdigit, prefix)):
        return line[end:], ()
    only_rank = (first := _RANK.match(line)) and first.end() == end
    reason = Aside.SETTING if only_rank else Aside.DATE
    return line[end:], (SetAside("log prefix", reason, prefix.strip()[:80]),)


def rank(line: str) -> int | None:
    """The number of the process among those that train together, where the line begins with it."""
    found = _RANK.match(line) or _RANK.match(line, _front(line))
    number = found and (found["rank"] or found["member"] or found["number"])
    return int(number) if number else None


def without_process(lines: Sequence[str], messages: Sequence[str]) -> tuple[str, list[str]]:
    """The number of the process that logging writes behind its prefix (``INFO [4711] loss=0.3``), empty for
    none, and the messages without it.

    A step stands in such brackets too. It is the process only where every line behind a prefix has the
    same number, and either the first of them has no other or two say the same thing: no training has made
    the step that all else is of when it says that it begins, nor tells one step's loss twice.
    """
    behind = [
        message
        for line, message in zip(lines, messages)
        if len(message) < len(line) and message.strip()
    ]
    found = [match for message in behind if (match := _PROCESS.match(message))]
    numbers = {match[1] for match in found}
    if len(found) < len(behind) or len(found) < 2 or len(numbers) > 1:
        return "", list(messages)
    rest = [_NUMBER.sub("#", match.string[match.end() :]) for match in found]
    if "#" in rest[0] and len(set(rest)) == len(rest):
        return "", list(messages)
    cut = [
        _PROCESS.sub("", message) if len(message) < len(line) else message
        for line, message in zip(lines, messages)
    ]
    return found[0][0].strip(), cut


def _end(line: str) -> int:
    end = _front(line)
    return behind.end() if end and (behind := _RANK.match(line, end)) else end


def _front(line: str) -> int:
    end = first.end() if (first := _RANK.match(line)) else 0
    if match := _ABSL.match(line, end) or _BASIC.match(line, end):
        return match.end()
    if match := _START.match(line, end):
        end = match.end()
        if (level := _LEVELLED.match(line, end)) and _is_front(level):
            end = level.end()
        elif line[:end].lstrip().startswith("[") and (named := _NAMED.match(line, end)):
            end = named.end()
        elif blank := _ENDED.match(line, end):
            end = blank.end()
    elif match := _PLAIN_LEVEL.match(line, end):
        end = match.end()
    else:
        return end
    where = _WHERE.match(line, end) or _OF_A_RUN.match(line, end) or _LOGGER.match(line, end)
    return where.end() if where else end


def _is_front(level: re.Match[str]) -> bool:
    """Whether it is the level of a log's line. ``10:00:00 loss 0.5, test error: 0.2`` has none: what stands
    between is a message already, and so is what leads to a word that is no capitals."""
    between = _FRACTION.sub("", _IN_BRACKETS.sub(" ", level["between"] or "")).strip(" |:-[](")
    if between and (level["level"].islower() or len(level["level"]) == 1):
        return False
    return _SAID.search(between) is None
