"""Whether a stored replay says something of its run as it was recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from repro.manifest import Outcome

_BEGINNING = re.compile(r"the first \d+ step")


def says_nothing(record: Mapping[str, Any]) -> str:
    """Why this replay record is none of the run as a whole; empty where it is one."""
    if record.get("manifest"):
        return "it was executed with another source"
    stopped = (record.get("result") or {}).get("outcome") == Outcome.INTERRUPTED.value
    reasons = record["comparison"].get("reasons") or ()
    # one that ended before it could be stopped is told by its reason
    if stopped or any(_BEGINNING.match(str(reason)) for reason in reasons):
        return "only its first steps were compared"
    return ""
