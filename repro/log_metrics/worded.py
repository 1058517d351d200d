"""Results that are told in words: which model was best, what was predicted, a digest of the weights.

Only where the name says that it is a result: most of what a program prints in words is of the machine, or the
same in any case.
"""

from __future__ import annotations

import functools
import re
from pathlib import PurePosixPath

from repro.log_metrics import labels, numbers
from repro.log_metrics.items import Counter, Item
from repro.log_metrics.words import words

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_HINT = re.compile(
    r"(?i)best|predict|selected|chosen|winn|champion|optimal|recommended|converge|diverge|decision|verdict|conclusion"
    r"|answer|passed|significant|solved|label|class|regressor|estimator|algorithm|generated|translation|caption"
    r"|transcription|hypothesis|response|^[0-9a-f]{32,128} "
)
_FIRST = words("best predicted selected chosen winning optimal recommended")
_LAST = words(
    "prediction predictions winner champion class classes label labels converged diverged decision verdict"
    " conclusion answer passed significant solved classifier regressor estimator algorithm generated translation"
    " caption transcription hypothesis response"
)
_OF_THE_RUN = words(
    "path paths dir directory folder file files filename saved saving save checkpoint checkpoints ckpt time date"
    " device devices gpu cuda cpu host url uri id ids uuid location written writing loading loaded load cache"
    " version at to in from run runs job session experiment worker node backend engine logger storage"
)
_SIGN = re.compile(r"[:=>→]\s{0,40}[\[(]?['\"]?[^\W\d]|^[0-9a-f]{32}")
"""Before a word."""
_DIGESTS = words("sha md crc adler blake xxhash checksum checksums digest digests fingerprint")
_HASHES = words("hash hashes hashed")
_HASHED = words(
    "weight weights model state param params parameter parameters output outputs prediction predictions dataset"
    " data tensor tensors embedding embeddings result results logits"
)
_OF_NO_CONTENT = words(
    "git commit revision rev run session cache image container docker environment env job build experiment trial"
    " object config key"
)
_BETWEEN = re.compile(r"(?<=\S)[,;|]\s+|\t+")
_STATED = re.compile(
    r"[\s>*#•|-]{0,60}(?P<name>[^\W\d_][^:=→\n]{0,60}?)\s{0,20}(?:=>|->|[:=→])\s{0,40}(?P<value>\S[^\n]{0,200}?)\s*"
)
_NO_WORD = re.compile(r"[/\\@]|\.{3}$|…$|:$|^[{(]")
_SUM = re.compile(r"(?P<digest>[0-9a-f]{32,128}) [ *](?P<path>\S.{0,200})")
"""As ``sha256sum`` writes it."""


def read(text: str, beside: bool, counters: tuple[Counter, ...] = ()) -> tuple[Item, ...]:
    """The results of a line that are no numbers. ``beside``: it has numbers with a name as well, so that a
    comma ends a statement."""
    if not (_SIGN.search(text) and _HINT.search(text)):
        return ()
    if found := _SUM.fullmatch(text.strip()):
        name = PurePosixPath(found["path"]).name  # the folder may be one for a while
        return (Item(f"digest of {name}"[: labels.LONGEST], found["digest"], counters),)
    parts = _BETWEEN.split(text) if beside else [text]
    stated = [match for part in parts if (match := _STATED.fullmatch(part))]
    return tuple(
        Item(match["name"].strip(), match["value"].strip(), counters)
        for match in stated
        if is_result(match["name"]) and is_word(match["value"])
    )


@functools.lru_cache(maxsize=4096)
def is_result(name: str) -> bool:
    """Whether what is called so is a result, also where it is a word."""
    parts = [word.lower() for word in _WORDS.findall(name)]
    if not parts or set(parts) & _OF_THE_RUN:
        return False
    return parts[0] in _FIRST or parts[-1] in _LAST


@functools.lru_cache(maxsize=4096)
def is_digest(name: str) -> bool:
    """Whether what is called so is made from a content, and not drawn: the same content has the same."""
    known = {word.lower() for word in _WORDS.findall(name)}
    if known & _OF_NO_CONTENT:
        return False
    return bool(known & _DIGESTS or (known & _HASHES and known & _HASHED))


def is_word(value: str) -> bool:
    """Whether it is a text without numbers, dates, paths and addresses: these are read, or vary."""
    return (
        any(map(str.isalnum, value))
        and _NO_WORD.search(value) is None
        and not any(numbers.tokens(value))
    )
