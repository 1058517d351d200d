"""Dictionaries and lists as Python, JSON and their pretty-printers write them, over several lines too.

A parser of its own, because what is printed is neither: ``nan``, ``tensor(0.3)``, ``np.float64(0.9)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from repro.log_metrics import asides, labels, numbers, pairs, prefixes, worded
from repro.log_metrics.items import Counter, Found, Item, SetAside
from repro.manifest import Aside, Scalar

_DEEPEST = 40
LINES = 5000
"""Lines that one document may have."""
_START = re.compile(
    r"[{\[(]*\{\s*(?:['\"][^'\"\n]{0,200}['\"]\s*:|[A-Za-z_][\w.]{0,80}\s*:\s|-?\d{1,12}\s*:\s|$)|\[\s*$"
)
_TOKEN = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
    r"|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])|[-+]?(?:Infinity|inf|nan|NaN|Inf)\b"
    r"|[^\W\d][\w.]*|[{}\[\]():,]|[^\s\w{}\[\]():,\"']+|\d[\w.]*"
)
_BRACKETS = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|[{}\[\]()]")
_MESSAGES = frozenset(["message", "msg", "event", "text", "log", "line", "info"])
_CONTEXTS = frozenset(
    ["split", "mode", "phase", "stage", "set", "subset", "dataset", "partition", "prefix", "tag"]
)
_TIMES = frozenset(
    ["time", "times", "timing", "timings", "runtime", "durations", "system", "memory"]
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|NaN|Infinity)")


@dataclass
class _Frame:
    """A bracket that is open."""

    closer: str
    path: str
    key: str | None = None
    index: int = 0
    call: bool = False
    """``tensor(0.3, device=...)``: the first argument is the value, the rest is not read."""


@dataclass
class _Document:
    items: list[tuple[str, Scalar, bool]] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)
    asides: list[SetAside] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    """Texts without a number; a result only under a name that says so."""
    messages: list[str] = field(default_factory=list)
    context: str = ""


def start(line: str) -> int:
    """Where a document begins in the line; -1: nowhere."""
    if "{" not in line and not line.endswith("["):
        return -1
    match = _START.search(line)
    return match.start() if match else -1


def gathered(texts: list[str], at: int, begin: int) -> tuple[int, int] | None:
    """(lines, where in the last of them) the document ends that begins there; None: it does not."""
    depth = 0
    for count, text in enumerate(texts[at : at + LINES]):
        for match in _BRACKETS.finditer(text, begin if count == 0 else 0):
            mark = match.group()
            if mark in "{[(":
                depth += 1
            elif mark in "}])":
                depth -= 1
                if depth <= 0:
                    return count, match.end()
    return None


def read(before: str, text: str, after: str) -> Found | None:
    """The numbers in a document, under their keys joined by dots; None where it is none."""
    document = _Document()
    if not _parse(document, text):
        return None
    beside = [pairs.read(part) for part in (before, after, *document.messages) if part.strip()]
    last = max((token.end for token in numbers.tokens(before)), default=0)
    label = labels.cleaned(labels.segments(before[last:])[-1]) if before.strip() else ""
    if any(map(str.isdigit, label)):
        label = ""
    counters = tuple(counter for found in beside for counter in found.counters)
    counters += tuple(document.counters)
    items = tuple(
        Item(_named(label, document.context, name), value, counters, weak=weak)
        for name, value, weak in document.items
    )
    named = [(_named(label, document.context, name), text) for name, text in document.words]
    items += tuple(Item(name, text, counters) for name, text in named if worded.is_result(name))
    if not (items or document.counters or document.asides or document.messages):
        return None
    more = tuple(item for found in beside for item in found.items)
    told = tuple(aside for found in beside for aside in found.asides)
    return Found(items + more, told + tuple(document.asides), counters)


def _named(label: str, context: str, name: str) -> str:
    if label:
        name = f"{label}{name}" if name.startswith("[") else f"{label}.{name}"
    return labels.named(context, name)


def _parse(document: _Document, text: str) -> bool:
    marks = _TOKEN.findall(text)
    stack: list[_Frame] = []
    for at, mark in enumerate(marks):
        following = marks[at + 1] if at + 1 < len(marks) else ""
        if mark in "{[(":
            if len(stack) >= _DEEPEST:
                return False
            call = (
                mark == "(" and at > 0 and (marks[at - 1][0].isalpha() or marks[at - 1][0] == "_")
            )
            stack.append(_Frame(mark, _path(stack), call=call))
        elif mark in "}])":
            if stack:
                stack.pop()
        elif mark == ",":
            if stack:
                stack[-1].index += 1
                stack[-1].key = None
        elif mark == ":":
            continue
        elif stack and stack[-1].closer == "{" and following == ":" and stack[-1].key is None:
            stack[-1].key = _unquoted(mark)
        elif stack and following != "(" and not any(frame.call and frame.index for frame in stack):
            _value(document, stack, mark)
    told = document.items or document.counters or document.asides or document.messages
    return bool(told or document.words)


def _path(stack: list[_Frame]) -> str:
    """The place of the next value."""
    if not stack:
        return ""
    frame = stack[-1]
    if frame.call:
        return frame.path
    if frame.key is not None:
        return f"{frame.path}.{frame.key}" if frame.path else frame.key
    return f"{frame.path}[{frame.index}]"


def _unquoted(mark: str) -> str:
    return mark[1:].removesuffix(mark[0]) if mark[0] in "\"'" else mark


def _value(document: _Document, stack: list[_Frame], mark: str) -> None:
    path, text = _path(stack), _unquoted(mark)
    top = len(stack) == 1 and stack[0].key is not None
    leaf = path.rpartition(".")[2] if path else ""
    key = stack[-1].key or leaf
    if _NUMBER.fullmatch(text):
        value = numbers.parse(text)
        reason = _reason(path, key)
        if reason:
            document.asides.append(SetAside(path, reason, f"{path}: {text}"[:80]))
        elif top and (found := labels.counter(key)):
            document.counters.append(Counter(found[0], value))
        else:
            document.items.append((path, value, False))
    elif text in ("None", "null"):
        document.items.append((path, None, True))
    elif mark in ("True", "true", "False", "false"):
        document.items.append((path, mark in ("True", "true"), not worded.is_result(path)))
    elif mark[0] in "\"'":
        _text(document, path, key, text, top)


def _reason(path: str, key: str) -> Aside | None:
    for word in path.lower().split(".")[:-1]:
        if word in _TIMES:
            return asides.by_name(word)
    return asides.by_name(key)


def _text(document: _Document, path: str, key: str, text: str, top: bool) -> None:
    """A text among the values: a message, a number with a unit, a word that says which split."""
    if top and key.lower() in _MESSAGES:
        document.messages.append(prefixes.stripped(text)[0])
        return
    if top and key.lower() in _CONTEXTS and text and not any(map(str.isdigit, text)):
        document.context = text
        return
    found = list(numbers.tokens(text[:200]))
    if len(found) != 1 or found[0].start or found[0].end != len(text):
        if worded.is_word(text):
            document.words.append((path, text))
        if found and found[0].reason:
            document.asides.append(SetAside(path, found[0].reason, f"{path}: {text}"[:80]))
        return
    token = found[0]
    reason = token.reason or _reason(path, key)
    if reason is Aside.IDENTIFIER and worded.is_digest(path):
        document.items.append((path, text, False))
    elif reason:
        document.asides.append(SetAside(path, reason, f"{path}: {text}"[:80]))
    else:
        document.items.append((path, token.value, token.value is None))
