"""Programs that run the rest of their command line as it stands: env, nice, nohup, timeout …"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Wrapped:
    """The command behind a wrapper, and what the wrapper changes for it."""

    argv: Argv
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)


# name: (options that take a value in the next word, words before the command)
WRAPPERS: dict[str, tuple[frozenset[str], int]] = {
    "caffeinate": (frozenset({"-t", "-w"}), 0),
    "catchsegv": (frozenset(), 0),
    "chrt": (frozenset({"-T", "-P", "-D"}), 1),
    "command": (frozenset(), 0),
    "env": (frozenset({"-u", "--unset", "-C", "--chdir", "-a", "--argv0"}), 0),
    "exec": (frozenset({"-a"}), 0),
    "ionice": (frozenset({"-c", "-n", "--class", "--classdata"}), 0),
    "mpiexec": (frozenset({"-n", "-np", "-host", "-H", "-hostfile", "-f", "-ppn", "-x"}), 0),
    "mpirun": (frozenset({"-n", "-np", "-host", "-H", "--hostfile", "-hostfile", "-x"}), 0),
    "nice": (frozenset({"-n", "--adjustment"}), 0),
    "nohup": (frozenset(), 0),
    "numactl": (frozenset({"-N", "-m", "-C", "-i", "-p", "-l"}), 0),
    "setsid": (frozenset(), 0),
    "setarch": (frozenset(), 1),
    "srun": (frozenset({"-n", "-N", "-p", "-c", "-t", "-J", "-A", "-G", "-w", "-o", "-e"}), 0),
    "stdbuf": (frozenset({"-i", "-o", "-e", "--input", "--output", "--error"}), 0),
    "sudo": (frozenset({"-u", "-g", "-C", "-D", "-h", "-p", "-r", "-t", "-U"}), 0),
    "taskset": (frozenset(), 1),
    "time": (frozenset({"-f", "-o", "--format", "--output"}), 0),
    "timeout": (frozenset({"-k", "-s", "--kill-after", "--signal"}), 1),
    "unbuffer": (frozenset(), 0),
    "xvfb-run": (frozenset({"-n", "-e", "-f", "-p", "-s", "-w"}), 0),
}


def unwrap(name: str, argv: Argv, cwd: Path) -> Wrapped | None:
    """The command behind a wrapper; None where ``name`` is not one."""
    if name not in WRAPPERS:
        return None
    valued, positional = WRAPPERS[name]
    words, env = list(argv[1:]), {}
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        if name == "env" and option in ("-S", "--split-string") and words:
            words = shlex.split(words.pop(0)) + words
        elif name == "env" and option.startswith("-S"):
            words = shlex.split(option[2:]) + words
        elif name == "env" and option in ("-C", "--chdir") and words:
            cwd = cwd / words.pop(0)
        elif option in valued and words:
            words.pop(0)
    while name in ("env", "sudo") and words and re.match(r"[A-Za-z_]\w*=", words[0]):
        key, _, value = words.pop(0).partition("=")
        env[key] = value
    return Wrapped(tuple(words[positional:]), cwd, env)
