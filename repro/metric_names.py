"""What a metric is called where a person reads of it, or asks for it: its name, and its source if need be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def shown(metrics: Iterable[tuple[str, str]]) -> list[str]:
    """A name for each (source, name): the name alone, or ``source:name`` where another file has it too.

    What a command printed gives way to files: a log that says ``loss`` as well does not rename the
    ``loss`` of metrics.json.
    """
    known = [(source, name, source.startswith("<std")) for source, name in metrics]
    in_files = Counter(name for _, name, printed in known if not printed)
    in_all = Counter(name for _, name, _ in known)
    return [
        f"{source}:{name}" if (in_all if printed else in_files)[name] > 1 else name
        for source, name, printed in known
    ]
