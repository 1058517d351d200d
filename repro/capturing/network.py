"""Did the command reach for something beyond its machine, or for a service on it? A replay has neither."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from repro.manifest import Finding, Severity

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENS = "0A"
_NAMES = 53
"""The port on which names are asked for: that alone fetches nothing."""
_SHOWN = 3


def listening(tables: Iterable[str] = _TABLES) -> frozenset[int]:
    """TCP ports of this machine on which somebody waits; empty where the kernel does not tell."""
    ports = set()
    for table in tables:
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if len(words) > 3 and words[3] == _LISTENS:
                ports.add(int(words[1].rpartition(":")[2], 16))
    return frozenset(ports)


def findings(
    connections: Iterable[str], still: Collection[int], known: Collection[int], allowed: bool
) -> Iterator[Finding]:
    """That what came from there is not recorded.

    ``connections``: as they were seen, ``127.0.0.1:5000``. ``still``: ports on which somebody waits after
    the run: a server of the run's own is gone by then. ``known``: ports of services for which a replay has a
    stand-in; their addresses are often names, and a connection has none.
    ``allowed``: a replay has a network.
    """
    reached = sorted(address for address in connections if _counts(address, still, known))
    if not reached:
        return
    more = f" and {len(reached) - _SHOWN} more" if len(reached) > _SHOWN else ""
    where = ", ".join(reached[:_SHOWN]) + more
    if allowed:
        yield Finding(
            Severity.NOTE,
            "network",
            f"the command connected to {where}: what came from there is no part of the record, and a replay "
            "may be given something else",
        )
        return
    yield Finding(
        Severity.RISKS,
        "network",
        f"the command connected to {where}: what came from there is no part of the record, and a replay has no "
        "network",
        "if it was downloaded into a cache, record once more: then it is read from there, and taken along; "
        "or allow it: `network: true` in repro.yaml",
    )


def _counts(address: str, still: Collection[int], known: Collection[int]) -> bool:
    host, _, port = address.rpartition(":")
    try:
        where, number = ipaddress.ip_address(host.strip("[]")), int(port)
    except ValueError:
        return False  # a socket of this machine's own
    if number in known:
        return False
    mapped = getattr(where, "ipv4_mapped", None)
    if (mapped or where).is_loopback:
        return number in still
    return number not in (0, _NAMES) and not where.is_unspecified
