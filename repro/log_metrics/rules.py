"""What a project says of its log: ``log:`` in repro.yaml."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Rules:
    """Patterns that read metrics where the reader would not, and names that are not compared."""

    patterns: tuple[str, ...] = ()
    """Regular expressions, searched in every line. Group ``value`` is the number; ``name`` its name,
    else the text of the match before the value; ``step`` the step, if there is one."""
    ignore: tuple[str, ...] = ()
    """Globs over a metric's name."""

    @staticmethod
    def check(patterns: tuple[str, ...]) -> None:
        """Raises ValueError, in one line, for a pattern that cannot be used."""
        for pattern in patterns:
            try:
                groups = compiled(pattern).groupindex
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
            if "value" not in groups:
                raise ValueError(f"{pattern!r} has no group named value: write (?P<value>...)")

    def ignores(self, name: str) -> bool:
        """Whether a metric of that name is not compared."""
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready for use."""
    return re.compile(pattern)
