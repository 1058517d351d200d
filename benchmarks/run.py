"""Measures what repro costs, against the same thing done without it. Started by `make bench`.

    python benchmarks/run.py [--only NAME]... [--quick] [--json FILE]

benchmarks/README.md says what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import answering
import building
import memory
import packing
import recording
import replaying
import verifying
import watching
from ground import CHECKOUT, Ground, prepared
from timing import Row

MEASURES: dict[str, Callable[[Ground], Iterator[Row]]] = {
    "recording": recording.small,
    "recording-10000": recording.large,
    "replaying": replaying.known,
    "verifying": verifying.beside,
    "building": building.new,
    "help": answering.help_text,
    "list": answering.list_runs,
    "memory": memory.flat,
    "packing": packing.packed,
    "watching": watching.small,
}
NEED_ENGINE = ("replaying", "verifying", "building")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what repro costs.")
    parser.add_argument(
        "--only", action="append", choices=MEASURES, metavar="NAME", help="one of: %(choices)s"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no docker build")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    options = parser.parse_args()
    # ended by a signal, it clears up as well
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = _machine()
    print(_described(machine))
    rows: list[tuple[str, Row]] = []
    with prepared(options.quick) as ground:
        for name in options.only or MEASURES:
            if name in NEED_ENGINE and not ground.has_engine:
                print(f"{name}: left out, no Docker engine: make engine", file=sys.stderr)
                continue
            print(f"{name} ", end="", file=sys.stderr, flush=True)
            start = time.monotonic()
            rows += ((name, row) for row in MEASURES[name](ground))
            print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    print(f"\n{table([row for _, row in rows])}")
    if options.json:
        options.json.write_text(json.dumps(_document(machine, rows), indent=2) + "\n")


def table(rows: list[Row]) -> str:
    """The rows, aligned."""
    header = ("what", "repro", "against", "", "difference (min to max)", "target", "met")
    lines = [header, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    right = (1, 3, 4, 5)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: ""}[row.met]
    sign = "≥" if row.at_least else "≤"
    return (
        row.what,
        _amount(row.ours, row.unit),
        row.comparator,
        _amount(row.theirs, row.unit),
        f"{_value(row, row.value)} ({_value(row, row.low)} to {_value(row, row.high)})",
        "" if row.target is None else f"{sign} {_value(row, row.target, short=True)}",
        met,
    )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.0f} {unit}" if unit == "MB" else f"{value:.3f} {unit}"


def _value(row: Row, value: float, *, short: bool = False) -> str:
    match row.kind:
        case "over":
            return f"+{value:g} s" if short else f"{value:+.3f} s"
        case "ratio":
            return f"{value:g} ×" if short else f"{value:.2f} ×"
        case "faster":
            return f"{value:g} × faster" if short else f"{value:.1f} × faster"
    return f"{value:g} {row.unit}" if short else f"{value:.3f} {row.unit}"


def _machine() -> dict[str, Any]:
    found = re.search(r"^model name\s*: (.*)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    head = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), cwd=CHECKOUT, capture_output=True, text=True
    )
    return {
        "commit": head.stdout.strip(),
        "cpu": found[1] if found else platform.processor(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _described(machine: dict[str, Any]) -> str:
    return (
        f"{machine['cpus']} CPUs ({machine['cpu']}), load {machine['load']:.1f}, "
        f"Python {machine['python']}, commit {machine['commit']}"
    )


def _document(machine: dict[str, Any], rows: list[tuple[str, Row]]) -> dict[str, Any]:
    return {
        "schema": "repro/benchmarks/v1",
        "machine": machine,
        "rows": [{"measure": name, **asdict(row), "met": row.met} for name, row in rows],
    }


if __name__ == "__main__":
    main()
