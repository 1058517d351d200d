"""The text beside a number, and the name it makes."""

from __future__ import annotations

import functools
import re

from repro.log_metrics.words import words

LONGEST = 120
"""Characters of a name."""

_BREAK = re.compile(
    r"[\t|;│┃║]|,(?:\s|$)|\s[-–—]+(?:\s|$)|(?<![:=\s])\s{3,}|\.{3,400}|(?<=\w{4})[.!?]\s+(?=[A-Z])|(?<=[)\]%])[.!?]\s+(?=[A-Z])|\s>+\s"
)
_BEFORE = " \t\n.,:;=)]}>*#•·→✓✔✗ℹ⚠!?/\\\"'`%━─═<{-"
_BEHIND = " \t\n:=~≈<>({[\"'`→⇒$£€|,\\-"
_AND = re.compile(r"(?:and|but|while)\s+")
_JOINS = re.compile(
    r"(?:\b(?:np\.|numpy\.|torch\.|jnp\.|tf\.)?"
    r"(?:tensor|array|Array|DeviceArray|Tensor|float\d\d|float|int\d\d|int|c)\("
    r"|\s(?:is|was|are|were|of|equals?|reached|got|being|approx|about)|\.{2,40})\Z"
)
_SEPARATED = re.compile(r"(?:[:=→⇒~≈]|->|=>|\bis\b|\bwas\b)[\s\"'([{$]*$")
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_BLANKS = re.compile(r"\s+")

_COUNTERS = words(
    "epoch step iter iteration it round batch minibatch trial fold episode update ep "
    "generation gen idx itr boosting_round tree repeat rep run cv"
)
_NO_COUNTERS = words(
    "best per total max maximum last final early stop stopping warmup n num min minimum "
    "every size optimal selected chosen from at after until"
)
_OF = re.compile(r"([A-Za-z]{1,20}) ?\((\w{1,20})\)")
_ORDINAL = words("number no num idx id index nr")
_VERBS = words("using use with found loaded loading read processed detected")
SPLITS = words(
    "validate evaluate evaluation train training val valid validation test testing eval evaluation dev holdout oof"
)
_STOPWORDS = words(
    "to from at in with and of vs versus on for by than or the a an out over into after "
    "is was between until -"
)


@functools.lru_cache(maxsize=16384)
def cleaned(text: str) -> str:
    """The text without what only joins it to a number: separators, brackets, ``is``, quotes."""
    text = _without_front(_without_end(text.strip()))
    if ")" in text and "(" not in text:
        text = text[text.rindex(")") + 1 :]
    if "]" in text and "[" not in text:
        text = text[text.rindex("]") + 1 :]
    if text.count("(") == text.count(")") + 1:
        text = text.replace(" (", " ", 1)
    if text.startswith("[") and "]" in text:
        text = text[1:].replace("]", " ", 1) if not text.endswith("]") else text[1:-1]
    text = _BLANKS.sub(" ", text.replace("`", "")).strip(" \"'")
    return text.lstrip("([{<") if _open(text) else text


def _without_end(text: str) -> str:
    while True:
        if (match := _JOINS.search(text, max(0, len(text) - 60))) or len(text) != len(
            text.rstrip(_BEHIND)
        ):
            text = text[: match.start()] if match else text.rstrip(_BEHIND)
        else:
            return text


def _without_front(text: str) -> str:
    text = text.lstrip(_BEFORE)
    while match := _AND.match(text):
        text = text[match.end() :].lstrip(_BEFORE)
    return text


def _open(text: str) -> bool:
    return text[:1] in "([{<" and not any(mark in text for mark in ")]}>")


def segments(gap: str) -> list[str]:
    """The text between two numbers, cut where one statement ends and the next begins."""
    return _BREAK.split(gap) if gap else [""]


def in_front(gap: str) -> str:
    """What stands in front of all statements of a line: ``Validation - loss: 0.3``."""
    match = _BREAK.search(gap)
    if (
        not match
        or match.group().strip(" \t") not in ("", "-", "–", "—", "|", "│")
        or (match.group().isspace() and "\t" not in match.group())
    ):
        return ""
    context = cleaned(gap[: match.start()])
    return context if len(context) <= 40 and ":" not in context else ""


def counts(label: str) -> bool:
    """Whether the label's last word is that of a counter, whatever stands before it."""
    return label.rpartition(" ")[2].lower() in _COUNTERS


def without_stopwords(label: str) -> str:
    """The label without what leads on to the next thing: ``images`` of ``images at``."""
    parts = label.split(" ")
    while parts and parts[-1].lower() in _STOPWORDS:
        parts.pop()
    return " ".join(parts)


def takes_object(label: str) -> bool:
    """Whether the label is a verb that needs what stands behind its number: ``Using 8 workers``."""
    return label.lower() in _VERBS


def separated(gap: str) -> bool:
    """Whether a sign of equality stands between the text and the number that follows it."""
    return _SEPARATED.search(gap) is not None


@functools.lru_cache(maxsize=8192)
def counter(label: str) -> tuple[str, str] | None:
    """(name, what else the label says) where it counts the training's steps; else None."""
    if match := _OF.fullmatch(label):
        found = counter(match[1])
        return (found[0], match[2]) if found else None
    parts = _WORDS.findall(label)
    lowered = [word.lower() for word in parts]
    while lowered and lowered[-1] in _ORDINAL and len(lowered) > 1:
        lowered.pop()
    if not lowered or lowered[-1] not in _COUNTERS or set(lowered) & _NO_COUNTERS:
        return None
    rest = [word for word in parts[: len(lowered) - 1] if word.lower() in SPLITS]
    if len(lowered) > 4:
        return None
    joined = "_" in label and " " not in label
    return (label if joined else parts[len(lowered) - 1]), " ".join(rest)


def empty(label: str) -> bool:
    """Whether the label says nothing by itself: ``to``, ``from``, ``in the``."""
    return all(word.lower() in _STOPWORDS for word in label.split())


def leading_split(label: str) -> str:
    """``train`` of ``train Loss``: it holds for what follows on the line as well."""
    first, _, rest = label.partition(" ")
    return first if rest and first.lower().strip(":") in SPLITS and not first.endswith(":") else ""


def named(context: str, label: str) -> str:
    """The name of a metric: the context in front, unless it already is."""
    name = label
    if context and not label.startswith(context):
        name = f"{context}: {label}" if label else context
    return name[:LONGEST]


def last(gap: str) -> str:
    """The last statement in a text that ends within brackets: the one that the brackets belong to."""
    opened = min((at for at in (gap.find("("), gap.find("[")) if at >= 0), default=len(gap))
    ends = [match.end() for match in _BREAK.finditer(gap, 0, opened) if match.group().strip()]
    return gap[ends[-1] :] if ends else gap


def whole(text: str) -> str:
    """A name with its brackets, but without what joins it to the number."""
    text = text.rstrip(" \t\"'$[(")
    for joint in ("->", "=>", " is", ":", "=", "→"):
        text = text.removesuffix(joint).rstrip()
    return _BLANKS.sub(" ", _without_front(text)).strip()
