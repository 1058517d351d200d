"""Regular expressions of long tables, compiled when one is first needed."""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(form: bytes) -> re.Pattern[bytes]:
    """A rule's form. A table has dozens, whose marks hardly ever stand in what is searched, and to compile
    them all takes longer than to search it."""
    return re.compile(form)
