"""One line of text: which of its numbers has which name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from repro.log_metrics import asides, labels, numbers, worded
from repro.log_metrics.items import Counter, Found, Item, SetAside
from repro.log_metrics.numbers import Token
from repro.manifest import Aside

_BAR = re.compile(
    r"(\d{1,3}%)\|[^|]{0,200}\| {0,4}([\d.]{1,12})[kMGTB]?i?B?/[\d.?]{1,12}[kMGTB]?i?B?"
    r" {0,2}\[[\d:<?. ]{1,40}(?:, {0,2}[\d.?]{1,12} {0,2}[\w/]{1,20})?(?:, )?"
)
_COUNT_BAR = re.compile(
    r"^\s*(?:[\w ]{0,20}: {0,2})?(\d{1,9})it \[[\d:]{1,20}, {0,2}[\d.?]{1,12} {0,2}[\w/]{1,20}(?:, )?"
)
_KERAS = re.compile(
    r"^\s*(\d{1,9}) ?/ ?(\d{1,9}|Unknown)\s+(?:\[[=>.\s-]{1,200}\]|[━╸╺─ ]{3,200}|-(?=\s\d{1,6}m?s\b))"
)
_RICH = re.compile(r"[━╸╺]{3,200}\s{1,4}\d{1,3}%(?:\s{1,4}(?:\d{1,3}(?::\d\d){1,2}|-:--:--))?")
_BATCH = re.compile(r"^\s*\[\s*(\d{1,9}),\s+(\d{1,9})\](?=\s)")
_FRACTION = re.compile(
    r"\[\s{0,8}(\d{1,12})\s{0,3}/\s{0,8}(\d{1,12})(?:\s{0,3}\(\s{0,4}[\d.]{1,8}%\s?\))?\s{0,3}\]"
)
_ROUND = re.compile(r"^\s*\[(\d{1,9})\](?=\s|:|\t)")
_LEADING_STEP = re.compile(r"^\s*(\d{1,9})(?::\s|\t|\s{2,}|\s\|\s|\s-\s)(?=\s*[A-Za-z_])")
_R_INDEX = re.compile(r"^\s{0,8}\[\d{1,9}\] +(?=[\"'\d.+-]|NaN|Inf|NA)")
_SPREAD = re.compile(r"\s*\(?\s*(?:±|\+/-|\+-|\+\\-|\(\+/-\))\s*")
_CLOSES = re.compile(r"^[^()\[\]\d]{0,60}[)\]]\s*(?:[:=]|is\b|->|→)[\s\[(\"'$]*$")
_LED = re.compile(r"\s(?:at|in|after|on|for|over|with|by)\s+[A-Za-z]")
_FAR = 12
"""Numbers that a bracket in a name may hold."""
_RIGHT = re.compile(
    r"^[\s)%]{0,3}((?:[A-Za-z][\w@^/'-]{0,40}[ ]?){1,6})(?=\s*(?:$|[,;|.()\[\]\t!]))"
)
_METRIC_OF_TIME = re.compile(
    r"(?i)rmse|mae\b|mse\b|loss|err(?:or)?\b|mape|medae|bias\b"
    r"|\b(?:predicted|forecast(?:ed)?) (?!in$|took$|time$)\w"
)
_IN_METRES = re.compile(
    r"(?i)\b(?:[af]de|ate|rpe|dist(?:ance)?|height|width|length|depth|radius|chamfer|hausdorff|offset|displacement"
    r"|translation|altitude|elevation|position)\b"
)


@dataclass(frozen=True)
class Placed:
    """What a line says, and where in it each value stands; None: in no place that can be told."""

    found: Found
    items: tuple[tuple[int, str] | None, ...] = ()
    counters: tuple[tuple[int, str] | None, ...] = ()


@dataclass
class _Line:
    """A line while it is read from left to right."""

    text: str
    items: list[tuple[str, Token]] = field(default_factory=list)
    asides: list[SetAside] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)
    counted: list[Token] = field(default_factory=list)
    """The counters' tokens."""
    offset: int | None = 0
    """Of the text in the line as it was; None: it was put together anew."""
    context: str = ""
    split: str = ""
    base: str = ""
    """Name of the number before, which numbers without one continue."""
    follows: int = 0
    begun: bool = False
    """Whether a number took the name already."""
    array: bool = False
    of_counter: bool = False
    last: int = 0
    """Where the last number ends."""
    listed: bool = False
    """Whether it is one of a list of features, whose names say nothing of their numbers."""
    kept: list[tuple[int, str, str]] = field(default_factory=list)
    """By token: how many items there were before it, and in which context."""


def read(text: str, listed: bool = False) -> Found:
    """The numbers of a line, each with its name, or with the reason why it is no metric. ``listed``: what
    names them is a feature's, as ``duration``."""
    return placed(text, listed).found


def placed(text: str, listed: bool = False) -> Placed:
    """The same, with the values' places."""
    line = _Line(text, listed=listed)
    text = _without_bars(line)
    if match := _R_INDEX.match(text):
        text = text[match.end() :]
        line.offset = None if line.offset is None else line.offset + match.end()
    line.text = text
    found = _tokens(line)
    previous, line.last = 0, found[-1].end if found else 0
    for at, token in enumerate(found):
        following = found[at + 1].start if at + 1 < len(found) else len(text)
        gap, after = text[previous : token.start], text[token.end : following]
        line.kept.append((len(line.items), line.context, line.split))
        if at and _CLOSES.match(text[found[at - 1].end : token.start]):
            if label := _around(line, found, at):
                _start(line, label, token)
                previous = token.end
                continue
        elif at + 1 < len(found) and _is_inner(token, gap, after, found[at + 1]):
            continue  # it stays in the text, as part of the next one's name
        _take(line, gap, after, token)
        previous = token.end
    _load_times(line)
    counters = tuple(line.counters)
    items = tuple(
        Item(name, token.value, counters, weak=token.value is None) for name, token in line.items
    )
    found_all = Found(items, tuple(line.asides), counters)
    if line.offset is None:
        return Placed(found_all)
    return Placed(
        found_all,
        tuple(_place(line.offset, token) for _, token in line.items),
        tuple(_place(line.offset, token) for token in line.counted),
    )


def _place(offset: int, token: Token) -> tuple[int, str] | None:
    if isinstance(token.value, str):
        return None
    if token.at >= 0:
        return offset + token.at, str(token.value)
    return offset + token.start, token.text


def _load_times(line: _Line) -> None:
    """``Data`` beside ``Time`` is the time that loading took."""
    if not any(aside.name.lower() == "time" for aside in line.asides):
        return
    for name, token in [
        item for item in line.items if item[0].partition(" (")[0].lower() == "data"
    ]:
        line.items.remove((name, token))
        line.asides.append(SetAside(name, Aside.DURATION, _example(line, token)))


def _without_bars(line: _Line) -> str:
    """The text with a progress bar taken out; what was written beside it stays."""
    text = line.text
    bar = _BAR.search(text) if "%|" in text else _COUNT_BAR.search(text) if "it [" in text else None
    if bar:
        line.asides.append(SetAside("progress bar", Aside.PROGRESS, bar.group().strip()[:80]))
        line.offset = None
        rest = text[bar.end() :].strip()
        rest = rest[:-1] if rest.endswith("]") and "[" not in rest else rest.replace("]", " ", 1)
        return f"{text[: bar.start()].rstrip(' :')} | {rest}"
    if "━" in text and (bar := _RICH.search(text)):
        line.asides.append(SetAside("progress bar", Aside.PROGRESS, bar.group().strip()[-80:]))
        line.offset = None
        return f"{text[: bar.start()].rstrip()} | {text[bar.end() :].strip()}"
    if bar := _KERAS.search(text):
        line.asides.append(SetAside("progress bar", Aside.PROGRESS, bar.group().strip()[:80]))
        line.offset = bar.end()
        return text[bar.end() :]
    return text


def _tokens(line: _Line) -> list[Token]:
    """The numbers; a fraction in square brackets and a step in front are one each."""
    text = line.text
    whole = [(match.start(), match) for match in _FRACTION.finditer(text)] if "[" in text else []
    for pattern in (_ROUND, _LEADING_STEP):
        if (match := pattern.match(text)) and any(numbers.tokens(text[match.end() :])):
            whole.append((match.start(1), match))
    found = [
        Token(
            start,
            match.end(),
            match.group().strip(),
            int(match[1]),
            Aside.PROGRESS,
            "step",
            match.start(1),
        )
        for start, match in whole
    ]
    if (match := _BATCH.match(text)) and any(numbers.tokens(text[match.end() :])):
        for group in (1, 2):
            start, end = match.span(group)
            found.append(Token(start, end, match[group], int(match[group]), None, "step"))
    ends = sorted((token.start, token.end) for token in found)
    found += [
        token
        for token in numbers.tokens(text)
        if not any(start <= token.start < end for start, end in ends)
    ]
    return sorted(found, key=lambda token: token.start)


def _around(line: _Line, found: list[Token], at: int) -> str:
    """The text of a name that ends in brackets with numbers in them: ``Acc (5 classes)``."""
    text = line.text
    for opener in range(at - 1, max(-1, at - _FAR), -1):
        start = found[opener - 1].end if opener else 0
        between = text[start : found[opener].start]
        if between.rfind("(") > between.rfind(")") or between.rfind("[") > between.rfind("]"):
            if not labels.cleaned(re.sub(r"[(\[].*", "", between)):
                return ""
            kept, line.context, line.split = line.kept[opener]
            del line.items[kept:]
            start += len(between) - len(labels.last(between))
            return labels.whole(_masked(text, start, found[opener : at + 1]))
    return ""


def _masked(text: str, start: int, inner: list[Token]) -> str:
    """The text up to the last of the tokens; those that are set aside vary, and leave a ``#``."""
    out = []
    for token in inner[:-1]:
        out.append(
            text[start : token.start] + ("#" if token.reason else text[token.start : token.end])
        )
        start = token.end
    return "".join(out) + text[start : inner[-1].start]


def _is_inner(token: Token, gap: str, after: str, following: Token) -> bool:
    """Whether an integer belongs to the name of the number that follows: ``on the 10000 images: 78``."""
    if not isinstance(token.value, int) or token.reason or token.unit or labels.separated(gap):
        return False
    before, behind = labels.cleaned(labels.segments(gap)[-1]), after.strip()
    if not before or not after[:1].isspace() or not labels.separated(after):
        return False
    if len(labels.segments(after)) > 1 or labels.counts(before) or not behind[:1].isalpha():
        return False
    return before.count(" ") + 1 >= 2 or labels.cleaned(behind).count(" ") + 1 >= 2


def _take(line: _Line, gap: str, after: str, token: Token) -> None:
    label = "" if _SPREAD.fullmatch(gap) else _label(line, gap)
    if not label and not line.base and not token.reason and not _right(after):
        line.base = _right(line.text[line.last :])
    if token.unit == "step":
        _step(line, label, token)
    elif line.of_counter and not label and gap.strip() == ":" and after.strip() == "/":
        _count(line, ("step", ""), token)
    elif line.of_counter and not label and re.fullmatch(r"\s*(?:/|of)\s*", gap):
        line.of_counter = False
        line.asides.append(SetAside(f"{line.base} (of)", Aside.PROGRESS, _example(line, token)))
    elif not label or (labels.empty(label) and not labels.separated(gap)):
        right = _right(after) if not line.base or label else ""
        if (right and not line.base) or (right and label):
            _start(line, right, token)
        else:
            _continue(line, label, gap, token)
    elif line.begun and not line.of_counter and _LED.match(gap) and len(labels.segments(gap)) == 1:
        _put(line, f"{line.base} {label}", token)
    elif labels.takes_object(label) and (right := _right(after)):
        _start(line, f"{label} {right}", token)
    elif (
        (found := labels.counter(label))
        and isinstance(token.value, int | float)
        and not (token.reason or asides.by_name(label))  # ``time/epoch`` counts no epochs
    ):
        _count(line, found, token)
    else:
        _start(line, label, token)


def _label(line: _Line, gap: str) -> str:
    """The name in the text before a number; sets the line's context where the text has one."""
    parts = labels.segments(gap)
    while len(parts) > 1 and labels.cleaned(f"x {parts[-1]}") == "x":
        parts.pop()
    label = labels.cleaned(parts[-1])
    if len(parts) > 1 and not line.items and not line.base and (context := labels.in_front(gap)):
        line.context = context
    return label


def _right(after: str) -> str:
    """The name behind a number that has none in front: ``10000 training samples``."""
    parts = labels.segments(after.lstrip())
    if len(parts) == 1 and labels.separated(after):
        return ""
    match = _RIGHT.match(parts[0])
    return labels.without_stopwords(labels.cleaned(match[1])) if match else ""


def _start(line: _Line, label: str, token: Token) -> None:
    """A number with a name of its own."""
    context, colon, last = label.rpartition(": ")
    if colon and last and context and not token.reason:
        line.context, label = context, last
    elif split := labels.leading_split(label):
        line.split = split
    elif line.split and not set(re.findall(r"[a-z]+", label.lower())) & labels.SPLITS:
        label = f"{line.split} {label}"
    line.base, line.follows, line.begun, line.of_counter = label, 0, True, False
    _put(line, label, token)


def _continue(line: _Line, label: str, gap: str, token: Token) -> None:
    """A number that goes with the one before: ``9900/10000``, ``0.9 (0.8)``, ``0.9 +/- 0.1``."""
    stem = line.base
    if token.reason and gap.strip(" ,-|(:") == "":
        _put(line, "" if token.unit else stem, token)
        return
    if label and stem:
        _put(line, f"{labels.without_stopwords(stem)} {label}", token)
        return
    suffix = _suffix(line, gap, token) if line.begun else ""
    line.follows += line.begun
    line.begun = True
    _put(line, f"{stem}{suffix}".strip(), token)


def _suffix(line: _Line, gap: str, token: Token) -> str:
    joiner = gap.strip()
    if joiner in ("/", "of", "out of"):
        return " (of)"
    if any(mark in joiner for mark in ("±", "+/-", "+-")):
        return " (+/-)"
    if token.unit == "%":
        return " (%)"
    return f" ({line.follows + 2})"


def _step(line: _Line, label: str, token: Token) -> None:
    """``[640/60000 (1%)]`` or ``[12]``: where in the training the line stands."""
    if found := labels.counter(label):
        _count(line, found, token)
        if "/" in token.text:
            line.asides.append(SetAside(f"{found[0]} (of)", Aside.PROGRESS, token.text[:80]))
        return
    same = sum(counter.name.startswith("step") for counter in line.counters)
    name = f"step ({same + 1})" if same else "step"
    line.counters.append(Counter(name, token.value, told="/" not in token.text))
    line.counted.append(token)
    if "/" in token.text:
        line.asides.append(SetAside(name, Aside.PROGRESS, token.text[:80]))


def _count(line: _Line, found: tuple[str, str], token: Token) -> None:
    name, rest = found
    line.counters.append(Counter(name, token.value))
    line.counted.append(token)
    line.base, line.of_counter, line.follows, line.begun = name, True, 0, True
    if rest:
        line.context = rest


def _put(line: _Line, label: str, token: Token) -> None:
    """A metric, or an aside where the unit or the name says so."""
    reason = token.reason if line.listed else _reason(label, token)
    if _is_told(label, reason):
        line.items.append((labels.named(line.context, label), replace(token, value=token.text)))
        return
    if reason and (token.value is not None or token.reason):
        line.asides.append(
            SetAside(label or token.unit or reason.value, reason, _example(line, token))
        )
        return
    line.items.append((labels.named(line.context, label), token))


def _is_told(label: str, reason: Aside | None) -> bool:
    """Whether it counts as a text: the digest of a content, a day that was predicted."""
    if reason is Aside.IDENTIFIER:
        return worded.is_digest(label)
    return reason is Aside.DATE and _METRIC_OF_TIME.search(label) is not None


def _reason(label: str, token: Token) -> Aside | None:
    if token.reason in (Aside.DURATION, Aside.RATE, Aside.MEMORY) and _METRIC_OF_TIME.search(label):
        return None if token.value is not None else token.reason
    if token.unit == "m" and _IN_METRES.search(label):
        return None
    return token.reason or (asides.by_name(label) if label else None)


def _example(line: _Line, token: Token) -> str:
    """The number with some of the text before it."""
    return line.text[max(0, token.start - 30) : token.end].strip()[:80]
