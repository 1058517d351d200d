"""Regular expressions of a project, or of somebody else, applied in a process that can be stopped.

Python's expressions can take longer than the age of the world, on a line of a few characters
(``(a+)+$``), and nothing within the process ends that. So they are compiled and searched in another one, which
has a limit of time. One process takes all lines of a log: 20 ms.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import NamedTuple

from repro import process

PATIENCE = 10.0
"""Seconds that any log has."""
PER_MEGABYTE = 0.5
"""Seconds more for each million characters, and each pattern."""
MOST = 2_000_000
"""Matches of one log."""

_ENDLESS: dict[tuple[str, ...], str] = {}
"""Patterns that did not come to an end in this process: not tried again on the next log."""

_WORKER = """
import json, re, sys
asked = json.load(sys.stdin)
found, count = [], 0
patterns = [re.compile(text) for text in asked["patterns"]]
for line, text in enumerate(asked["texts"]):
    for number, pattern in enumerate(patterns):
        for match in pattern.finditer(text):
            count += 1
            if count > asked["most"]:
                json.dump({"trouble": "they match more than %d times" % asked["most"]}, sys.stdout)
                sys.exit()
            spans = {name: match.span(name) for name in ("value", "name", "step") if name in pattern.groupindex}
            found.append((line, number, match.start(), spans))
json.dump({"found": found}, sys.stdout)
"""


class Match(NamedTuple):
    """Where a pattern matched, by positions in the line."""

    pattern: str
    start: int
    spans: dict[str, tuple[int, int]]
    """Of the groups ``value``, ``name`` and ``step``, as far as the pattern has them; (-1, -1): not matched."""


@dataclass(frozen=True)
class Searched:
    """The matches by number of line, in the order of the patterns; or why there are none."""

    lines: dict[int, list[Match]]
    trouble: str = ""


def search(texts: list[str], patterns: tuple[str, ...]) -> Searched:
    """All that the patterns match, line by line. Never raises, and ends within a bounded time."""
    if patterns in _ENDLESS:
        return Searched({}, _ENDLESS[patterns])
    limit = PATIENCE + PER_MEGABYTE * sum(map(len, texts)) / 1e6 * len(patterns)
    asked = json.dumps({"patterns": patterns, "texts": texts, "most": MOST}).encode("ascii")
    try:
        done = process.run(
            [sys.executable, "-I", "-S", "-c", _WORKER], stdin=asked, timeout=limit, check=False
        )
        answer = json.loads(done.stdout) if done.exit_code == 0 else {}
    except (process.CommandFailed, ValueError):
        _ENDLESS[patterns] = f"the log's patterns did not come to an end within {limit:.0f} s"
        return Searched({}, _ENDLESS[patterns])
    if "found" not in answer:
        reason = answer.get("trouble") or _last_line(done.stderr)
        return Searched({}, f"the log's patterns could not be used: {reason}")
    lines: dict[int, list[Match]] = {}
    for line, number, start, spans in answer["found"]:
        placed = {name: (span[0], span[1]) for name, span in spans.items()}
        lines.setdefault(line, []).append(Match(patterns[number], start, placed))
    return Searched(lines)


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "no answer"
