"""Command lines as people write them: words, or text for a shell."""

from __future__ import annotations

import re
import shlex

_QUOTED = re.compile(r"""'[^']*'|"[^"$`\\]*"|\\.""")
_SHELL = re.compile(r"[;&|<>$`*?~]|^\s*\w+=")
"""What only a shell understands; between double quotes it reads `$` too."""


def command_words(text: str) -> tuple[str, ...]:
    """The words of a command line, or those that have a shell read it. Raises ValueError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"not a command line: {str(error).lower()}") from error
    if "\n" in text.strip() or _SHELL.search(_QUOTED.sub("_", text)):
        return shell_line(text)
    return tuple(words)


def shell_line(text: str) -> tuple[str, ...]:
    """The words that have a shell read the text; of several lines each must end well for the next."""
    return ("sh", "-ec" if "\n" in text.strip() else "-c", text.strip())
