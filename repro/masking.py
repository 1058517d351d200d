"""Takes secrets out of a log before it is stored, and never a number that a comparison reads from it.

What is masked: the values of this process' secret variables, and what looks like a secret to the scanner.
A log's metrics are read from the stored log, so each log is read as it was and as it would be stored: where the
two readings differ, the lines that make the difference stay as they are, and that is said.
"""

from __future__ import annotations

import io
import mmap
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from repro.errors import ReproError
from repro.log_metrics import Rules, read
from repro.log_metrics.lines import CAP as READ
from repro.manifest import REDACTED, Finding, MetricType, Redaction, Severity

CAP = 32 * 1000**2
"""Bytes of one stream that the scanner looks through, 20 to 30 MB/s; the rest is searched for known values."""
EXACT, AROUND = 4 << 20, 4 << 10
"""Bytes up to which a log is read whole to see whether masking changes anything; of a longer one so many before
and after each place, as long as no secret has a sign in it that begins or ends something."""
MOST = 100_000
"""Places of one stream that are masked."""
LINES, LINES_WITH_PATTERNS = 20_000, 100
"""Lines that are looked at one by one, where masking all of them would change what is read."""
_SHOWN = 5
_PLAIN = re.compile(rb"[\w.~+/@!$-]+")
_NUMBER = re.compile(rb"[-+]?[\d.,_]*\d[\d.,_]*(?:[eE][-+]?\d+)?%?|(?i:[-+]?(?:nan|inf|infinity))")


@dataclass(frozen=True, order=True)
class Place:
    """A secret in a log, by its bytes."""

    start: int
    end: int
    kind: str
    name: str = ""
    """The variable whose value it is, or what the log calls it."""
    line: int = 0


@dataclass
class Cover:
    """Masks the streams of one execution; knows in the end what it did."""

    environ: Mapping[str, str]
    """The variables whose values are looked for, by the rules for names."""
    allowed: tuple[str, ...] = ()
    """What ``secrets: allow:`` lists."""
    rules: Rules = field(default_factory=Rules)
    words: tuple[str, ...] = ()
    """The command line, whose secrets are looked for as well."""
    values: tuple[str, ...] = ()
    """Texts that are secrets, whatever they look like."""
    keep_names: bool = False
    """Leave what would change a metric's name: the other side of the comparison has it unmasked."""
    redactions: list[Redaction] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def covered(self, stream: str, path: Path) -> Path:
        """The file to store in place of ``path``: itself, where nothing is masked. Raises OSError."""
        if not path.stat().st_size:
            return path
        try:
            found = self._places(stream, path)
        except ReproError as error:
            self._note(Severity.RISKS, f"{stream} was not looked through for secrets: {error}")
            return path
        masked, left = _agreed(path, found, self.rules, self.keep_names)
        self._tell(stream, masked, left)
        if not masked:
            return path
        target = path.with_name(f"{path.name}.masked")
        with path.open("rb") as source, target.open("wb") as out:
            _write(source, out, masked)
        return target

    def uncovered(self, stream: str, path: Path) -> Path:
        """The file as it is: somebody said that secrets may be kept."""
        return path

    def _places(self, stream: str, path: Path) -> list[Place]:
        """In order, without overlaps, each with its line."""
        from repro import scanning  # a tenth of a second, which recording has taken already

        allowed = scanning.parse(list(self.allowed))
        known = scanning.secret_values(self.environ, self.words)
        with path.open("rb") as opened:
            spans = scanning.places(opened, cap=CAP)
        size = path.stat().st_size
        if spans is None:
            self._note(
                Severity.RISKS, f"{stream} is in no encoding that can be looked through for secrets"
            )
            return []
        if size > CAP:
            self._note(
                Severity.NOTE,
                f"the last {(size - CAP) / 1e6:,.0f} MB of {stream} were searched for the values of secret "
                f"variables only",
            )
        with (
            path.open("rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            found = [Place(one.start, one.end, one.kind, one.name) for one in spans]
            values = {bytes(content[one.start : one.end]): one for one in spans}
            for value, name in known.items():
                packed = value.encode("utf-8", "surrogateescape")
                kind = "the value of a secret variable"
                kind = kind if name in self.environ else "a secret of the command line"
                found += _again(content, packed, kind, name)
            for value in filter(scanning.is_telling, self.values):
                packed = value.encode("utf-8", "surrogateescape")
                found += _again(content, packed, "a value that was redacted", "")
            for packed, one in values.items():
                if scanning.is_telling(packed.decode("utf-8", "replace")):
                    found += _again(content, packed, one.kind, one.name)
            apart = list(_apart(found))
            if len(apart) > MOST:
                self._note(
                    Severity.RISKS,
                    f"{stream} has more than {MOST} places that look like secrets: the later ones are not masked",
                )
            lined = list(_lined(content, apart[:MOST]))
            return [
                one
                for one in lined
                if not allowed.allows(
                    scanning.Secret(
                        f"log {stream}", one.line, one.kind, one.name, None,
                        scanning.fingerprint(bytes(content[one.start : one.end])),
                    )
                )
            ]  # fmt: skip

    def _tell(self, stream: str, masked: list[Place], left: list[Place]) -> None:
        lines: dict[tuple[int, str, str], None] = {}
        for one in masked:
            lines.setdefault((one.line, one.kind, one.name))
        self.redactions += [
            Redaction(f"log/{stream}", kind, name, line) for line, kind, name in lines
        ]
        if masked:
            self._note(
                Severity.NOTE,
                f"masked in {stream}, because it looks like a secret: {_lines(masked)}",
            )
        if left:
            self._note(
                Severity.RISKS,
                f"looks like a secret and stays in {stream}, because what a comparison reads there would change: "
                f"{_lines(left)}",
                "let the training print no secret on such a line; an export refuses what looks like one",
            )

    def _note(self, severity: Severity, message: str, remedy: str = "") -> None:
        self.notes.append(Finding(severity, "log", message, remedy))


def _lines(places: list[Place]) -> str:
    """``line 3: a GitHub token; line 7: …``"""
    said = [f"line {one.line}: {one.kind}{f' {one.name}' if one.name else ''}" for one in places]
    listed = list(dict.fromkeys(said))
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return "; ".join(listed[:_SHOWN]) + more


def _again(content: mmap.mmap, value: bytes, kind: str, name: str) -> Iterator[Place]:
    at, count = content.find(value), 0
    while at >= 0 and count <= MOST:
        yield Place(at, at + len(value), kind, name)
        at, count = content.find(value, at + len(value)), count + 1


def _apart(places: Iterable[Place]) -> Iterator[Place]:
    """In order; what overlaps becomes one, called as the first of them."""
    last: Place | None = None
    for one in sorted(places, key=lambda one: (one.start, -one.end)):
        if last is None or one.start >= last.end:
            if last:
                yield last
            last = one
        elif one.end > last.end:
            last = Place(last.start, one.end, last.kind, last.name)
    if last:
        yield last


def _lined(content: mmap.mmap, places: Iterable[Place]) -> Iterator[Place]:
    line, counted = 1, 0
    for one in places:
        while counted < one.start:
            step = min(one.start, counted + (1 << 20))
            line += content[counted:step].count(b"\n")
            counted = step
        yield Place(one.start, one.end, one.kind, one.name, line)


# --- what a comparison reads must stay ------------------------------------------------------


def _agreed(
    path: Path, places: list[Place], rules: Rules, keep_names: bool
) -> tuple[list[Place], list[Place]]:
    """What may be masked, and what has to stay."""
    if not places:
        return [], []
    with path.open("rb") as stream:
        content = stream.read(READ)
    numbers = [one for one in places if _is_number(content, one)]
    masked = [one for one in places if one not in set(numbers)] if numbers else places
    if not _reads_alike(*_near(content, masked), rules, keep_names):
        masked = _telling_lines(content, masked, rules, keep_names)
        if not _reads_alike(*_near(content, masked), rules, keep_names):
            masked = [one for one in masked if one.start >= READ]
    kept = set(masked)
    return masked, [one for one in places if one not in kept]


def _near(content: bytes, places: list[Place]) -> tuple[bytes, list[Place]]:
    """The part of a long log that a reader has to see to tell: the places, and the lines around them."""
    inside = [one for one in places if one.end <= len(content)]
    plain = all(_PLAIN.fullmatch(content[one.start : one.end]) for one in inside)
    if len(content) <= EXACT or not plain:
        return content, inside
    parts: list[bytes] = []
    moved: list[Place] = []
    end = size = 0
    for one in inside:
        begin = max(end, content.rfind(b"\n", 0, max(0, one.start - AROUND)) + 1)
        if one.end > end:
            stop = content.find(b"\n", one.end + AROUND)
            stop = stop + 1 if stop >= 0 else len(content)
            parts.append(content[begin:stop])
            size, end = size + stop - begin, stop
        shift = end - size
        moved.append(Place(one.start - shift, one.end - shift, one.kind))
    return b"".join(parts), moved


def _telling_lines(
    content: bytes, places: list[Place], rules: Rules, keep_names: bool
) -> list[Place]:
    """Without those on lines that read otherwise when they are masked."""
    by_line: dict[int, list[Place]] = {}
    for one in places:
        by_line.setdefault(content.rfind(b"\n", 0, one.start) + 1, []).append(one)
    kept: list[Place] = []
    if len(by_line) > (LINES_WITH_PATTERNS if rules.patterns else LINES):
        return kept
    for begin, group in by_line.items():
        end = content.find(b"\n", group[-1].end)
        line = content[begin : end if end >= 0 else len(content)]
        moved = [Place(one.start - begin, one.end - begin, one.kind) for one in group]
        if begin >= READ or _reads_alike(line, moved, rules, keep_names):
            kept += group
    return kept


def _is_number(content: bytes, place: Place) -> bool:
    """Also where it is part of a longer one."""
    around = content[max(0, place.start - 1) : place.end + 1]
    value = content[place.start : place.end]
    return bool(_NUMBER.fullmatch(value) or (around != value and _NUMBER.fullmatch(around.strip())))


def _reads_alike(content: bytes, places: list[Place], rules: Rules, keep_names: bool) -> bool:
    inside = [one for one in places if one.end <= len(content)]
    secrets = {content[one.start : one.end].decode("utf-8", "replace") for one in inside}
    without = io.BytesIO()
    _write(io.BytesIO(content), without, inside)
    as_it_was = _reading(content, rules, keep_names, secrets)
    return as_it_was == _reading(without.getvalue(), rules, keep_names, set())


def _reading(content: bytes, rules: Rules, keep_names: bool, secrets: set[str]) -> Counter[object]:
    """All metrics, with the secrets in texts taken out: a text that is one is no metric."""

    def plain(value: object) -> object:
        if not isinstance(value, str):
            return (type(value).__name__, value if value == value else "nan")
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return value

    return Counter(
        (
            metric.name if keep_names else "",
            metric.type,
            plain(metric.value),
            tuple(map(plain, metric.steps)),
            tuple(map(plain, metric.values)),
        )
        for metric in read(content, "<stdout>", rules).metrics
        if not (metric.type is MetricType.TEXT and plain(metric.value) == REDACTED)
    )


# --- writing --------------------------------------------------------------------------------


def _write(source: IO[bytes], target: IO[bytes], places: list[Place]) -> None:
    """Copy, with the mask in place of each; a secret of several lines leaves as many behind."""
    at = 0
    for one in places:
        _copy(source, target, one.start - at)
        value = source.read(one.end - one.start)
        target.write(REDACTED.encode() + b"\n" * value.count(b"\n"))
        at = one.end
    _copy(source, target, None)


def _copy(source: IO[bytes], target: IO[bytes], size: int | None) -> None:
    """So many bytes; None: all that is left."""
    while size is None or size > 0:
        chunk = source.read(1 << 20 if size is None else min(1 << 20, size))
        if not chunk:
            return
        target.write(chunk)
        size = None if size is None else size - len(chunk)
