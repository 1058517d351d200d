"""Asks an interpreter, once, what it is and where it finds its packages."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from repro import canonical, process
from repro.errors import UsageError
from repro.manifest import Interpreter

OLDEST = (3, 7)
TIMEOUT = 60.0
MARK = "repro-probe:"

# Goes up when the script below, or the shape of what is kept in the cache, changes.
FORMAT = 2

# Any of these moves the interpreter's search path.
INFLUENCES = (
    "HOME",
    "PYENV_VERSION",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
)

# Reads in every Python from 2.7 to 3.14, so that an old one is told apart from a broken one.
SCRIPT = r"""
import sys
if sys.path and sys.path[0] == '':
    del sys.path[0]  # a json.py in the working directory must not be what is imported below
import json, os
mark = 'repro-probe:'
if sys.version_info < (3, 5):
    print(mark + json.dumps({'old': '.'.join(str(part) for part in sys.version_info[:3])}))
    sys.exit(0)
import platform, site, sysconfig
here = os.path.realpath
stdlib = set(here(p) for p in (sysconfig.get_path('stdlib'), sysconfig.get_path('platstdlib')) if p)
stdlib |= set(os.path.join(p, 'lib-dynload') for p in list(stdlib))
sites = list(getattr(site, 'getsitepackages', list)())
try:
    sites.append(site.getusersitepackages())
except Exception:
    pass
try:
    libc = os.confstr('CS_GNU_LIBC_VERSION')
except Exception:
    libc = None
info = sys.implementation
version = '%d.%d.%d' % info.version[:3]
if info.version.releaselevel != 'final':
    version += info.version.releaselevel[0] + str(info.version.serial)
print(mark + json.dumps({
    'executable': sys.executable,
    'prefix': sys.prefix,
    'base_prefix': getattr(sys, 'base_prefix', getattr(sys, 'real_prefix', sys.prefix)),
    'paths': [p for p in sys.path if p and here(p) not in stdlib and os.path.isdir(p)],
    'sites': [p for p in sites if p],
    'platform': sysconfig.get_platform(),
    'libc': libc,
    'markers': {
        'implementation_name': info.name,
        'implementation_version': version,
        'os_name': os.name,
        'platform_machine': platform.machine(),
        'platform_python_implementation': platform.python_implementation(),
        'platform_release': platform.release(),
        'platform_system': platform.system(),
        'platform_version': platform.version(),
        'python_full_version': platform.python_version(),
        'python_version': '.'.join(platform.python_version_tuple()[:2]),
        'sys_platform': sys.platform,
    },
}))
"""


@dataclass(frozen=True)
class Probe:
    """What one interpreter says of itself."""

    interpreter: Interpreter
    executable: str
    prefix: str
    base_prefix: str
    paths: tuple[str, ...]
    """Its search path without the standard library, in order: where distributions may lie."""
    sites: tuple[str, ...]
    """Its site directories, also those that do not exist yet."""
    platform: str
    """As sysconfig writes it: ``linux-x86_64``."""
    libc: str | None
    markers: dict[str, str] = field(default_factory=dict)
    """Its values of the markers of PEP 508, ``python_version`` and its kin."""


def probe(path: Path, cwd: Path, env: Mapping[str, str], cache: Path) -> Probe:
    """Ask the interpreter at ``path``; a second time the answer comes from ``cache``.

    Raises UsageError where it is too old or does not answer as a Python does.
    """
    entry = cache / f"interpreter-{_key(path, cwd, env)}.json"
    if known := _read(entry):
        return known
    answer = _ask(path, cwd, env)
    found = _from_answer(answer)
    document = asdict(found) | {"watched": _watched(found)}
    canonical.write_bytes(entry, canonical.dumps(document))
    return found


def _ask(path: Path, cwd: Path, env: Mapping[str, str]) -> dict[str, Any]:
    try:
        done = process.run([path, "-c", SCRIPT], cwd=cwd, env=env, timeout=TIMEOUT)
    except process.CommandFailed as error:
        raise UsageError(
            f"the interpreter {path} does not work: {error}",
            "run the same command without repro first; is its virtual environment complete?",
        ) from error
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        # sitecustomize and .pth files may print as well
        if line.startswith(MARK):
            answer: dict[str, Any] = json.loads(line[len(MARK) :])
            return answer
    raise UsageError(f"{path} does not answer as a Python interpreter does")


def _from_answer(answer: dict[str, Any]) -> Probe:
    version = answer.get("old") or answer["markers"]["python_full_version"]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise UsageError(
            f"this is Python {version}: repro records Python {OLDEST[0]}.{OLDEST[1]} and later",
            "run the command with a newer Python",
        )
    return Probe(
        interpreter=Interpreter(version, answer["markers"]["platform_python_implementation"]),
        executable=answer["executable"],
        prefix=answer["prefix"],
        base_prefix=answer["base_prefix"],
        paths=tuple(dict.fromkeys(answer["paths"])),
        sites=tuple(dict.fromkeys(answer["sites"])),
        platform=answer["platform"],
        libc=answer["libc"],
        markers=answer["markers"],
    )


# --- the cache ------------------------------------------------------------------------------


def _key(path: Path, cwd: Path, env: Mapping[str, str]) -> str:
    """Changes whenever the answer might, as far as can be told without starting the interpreter."""
    where = Path(os.path.abspath(cwd / path))  # noqa: PTH100  a venv's python must stay the symlink
    python_path = env.get("PYTHONPATH", "")
    relative = any(not entry.startswith(os.sep) for entry in python_path.split(os.pathsep))
    facts = {
        "format": FORMAT,
        "path": str(where),
        "files": [
            _signature(where.resolve()),
            _signature(where.parent / "pyvenv.cfg"),
            _signature(where.parent.parent / "pyvenv.cfg"),
        ],
        "env": {name: env[name] for name in INFLUENCES if name in env},
        "cwd": str(cwd) if python_path and relative else "",
    }
    return canonical.key(facts)


def _signature(path: Path) -> list[Any] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [str(path), status.st_size, status.st_mtime_ns]


def _watched(found: Probe) -> list[list[Any]]:
    """The ``.pth`` files: an editable install adds one, and with it an entry of the search path."""
    return [[folder, *_pth_files(folder)] for folder in sorted({*found.sites, *found.paths})]


def _pth_files(folder: str) -> Iterable[list[Any]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                [entry.name, entry.stat().st_size, entry.stat().st_mtime_ns]
                for entry in entries
                if entry.name.endswith(".pth")
            )
    except OSError:
        return []


def _read(entry: Path) -> Probe | None:
    try:
        document = canonical.loads(entry.read_bytes())
        watched = document.pop("watched")
        document["interpreter"] = Interpreter(**document["interpreter"])
        document["paths"] = tuple(document["paths"])
        document["sites"] = tuple(document["sites"])
        known = Probe(**document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    present = all(os.path.isdir(path) for path in known.paths)  # noqa: PTH112
    return known if present and watched == _watched(known) else None
