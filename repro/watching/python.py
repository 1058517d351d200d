"""Watching with an audit hook in every Python interpreter that the command starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from repro.watching import hook
from repro.watching.ledger import Ledger
from repro.watching.limits import of_programs
from repro.watching.nouns import Seen

ALWAYS = (
    "watched by Python's audit hook: files that were opened by compiled code (a library's own readers, as in "
    "pyarrow, XGBoost or PyTorch), by programs other than Python, or by an interpreter that ignores PYTHONPATH "
    "(-I, -E, -S) were not seen; install strace to see them"
)


class PythonWatch:
    """One command, watched from inside its interpreters."""

    method = "python"

    def __init__(self, folder: Path, why: str = "") -> None:
        """``why``: the reason that it is not strace."""
        self._hook, self._logs, self._why = folder / "hook", folder / "hook" / "logs", why

    def wrapped(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[list[str], dict[str, str]]:
        self._logs.mkdir(parents=True, exist_ok=True)
        source = Path(hook.__file__).read_bytes()
        (self._hook / "sitecustomize.py").write_bytes(source)
        before = env.get("PYTHONPATH")
        if before == "":
            (self._hook / hook.EMPTY).touch()
        ours = str(self._hook)
        return list(argv), {**env, "PYTHONPATH": f"{ours}:{before}" if before else ours}

    def seen(self) -> Seen:
        reading = _Reading()
        for _, kind, words in sorted(self._lines(reading), key=lambda line: line[0]):
            reading.take(kind, words)
        programs = tuple(reading.programs)
        limits = [ALWAYS]
        if self._why:
            limits.insert(0, self._why)
        if not reading.interpreters:
            limits.append(
                "no Python interpreter reported: the command starts none, or one that ignores PYTHONPATH "
                "(-I, -E, -S); nothing of what it read is known"
            )
        if reading.old:
            limits.append(
                "an interpreter older than Python 3.8 has no audit hooks and was not seen"
            )
        if reading.damaged:
            limits.append(f"{reading.damaged} lines of the hook's could not be read")
        limits.extend(of_programs(programs, stripped_by=""))
        accesses = reading.ledger.accesses()
        return Seen(
            self.method, accesses, programs, tuple(sorted(reading.connections)), tuple(limits)
        )

    def _lines(self, reading: _Reading) -> Iterator[tuple[int, str, list[str]]]:
        for path in sorted(self._logs.iterdir()) if self._logs.is_dir() else ():
            for line in path.read_bytes().split(b"\n")[:-1]:
                try:
                    moment, kind, *words = (hook.unquoted(word) for word in line.split(b" "))
                    yield int(moment), kind, words
                except ValueError:
                    reading.damaged += 1


class _Reading:
    """The hooks' lines, put together."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.programs: dict[str, None] = {}
        self.connections: set[str] = set()
        self.interpreters = 0
        self.old = False
        self.damaged = 0
        self._real: dict[str, str] = {}

    def take(self, kind: str, words: list[str]) -> None:
        match kind, words:
            case "begin", [executable]:
                self.interpreters += 1
                self.programs.setdefault(self._place(executable))
            case "old", _:
                self.interpreters += 1
                self.old = True
            case "read", [path]:
                self.ledger.read(os.path.realpath(path))
            case "write", [path]:
                self.ledger.written(os.path.realpath(path))
            case "append", [path]:
                self.ledger.appended(os.path.realpath(path))
            case "move", [source, target]:
                self.ledger.moved(self._place(source), self._place(target))
            case "link", [source, target]:
                self.ledger.read(os.path.realpath(source))
                self.ledger.written(self._place(target))
            case "symlink", [target]:
                self.ledger.written(self._place(target))
            case "run", [path]:
                self.programs.setdefault(self._place(path))
            case "connect", [address]:
                self.connections.add(address)
            case _:
                self.damaged += 1

    def _place(self, path: str) -> str:
        """The links in its folder resolved, itself not."""
        parent, _, last = path.rpartition("/")
        if parent not in self._real:
            self._real[parent] = os.path.realpath(parent or "/")
        return f"{self._real[parent].rstrip('/')}/{last}"
