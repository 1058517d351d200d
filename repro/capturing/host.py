"""The machine and its settings: no part of what a run is, and the usual cause of a difference."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from repro import canonical, process
from repro.capturing.probing import Probe
from repro.manifest import GPU, Host

if TYPE_CHECKING:
    import xml.etree.ElementTree as xml

TIMEOUT = 10.0
"""Seconds that a driver may take to answer."""

# Whatever changes how many threads compute, or in which order they add up.
THREADS = (
    "BLIS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "JULIA_NUM_THREADS",
    "KMP_AFFINITY",
    "LOKY_MAX_CPU_COUNT",
    "MKL_CBWR",
    "MKL_DYNAMIC",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_DYNAMIC",
    "OMP_NUM_THREADS",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "OMP_SCHEDULE",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TORCH_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

# Narrowest first. Other flags come and go with the kernel's version, and compute nothing.
VECTORS = ("sse2", "ssse3", "sse4_2", "avx", "avx2", "avx512f", "avx10", "amx_tile",
           "neon", "asimd", "sve", "sve2")  # fmt: skip
COMPUTING = re.compile(
    r"(sse|ssse|avx|amx|fma|f16c|bmi|abm|popcnt|aes|vaes|pclmul|vpclmul|sha|gfni|asimd|sve|fp|neon"
    r"|bf16|i8mm|sme|dot)"
)


class Runner(Protocol):
    """Runs a small program that tells something of the machine; returns its output."""

    def __call__(self, argv: Sequence[str]) -> bytes: ...


def run(argv: Sequence[str]) -> bytes:
    """The real one. Raises CommandFailed."""
    return process.run(argv, timeout=TIMEOUT).stdout


def describe(
    env: Mapping[str, str],
    *,
    probe: Probe | None = None,
    cpus: int | None = None,
    engine: str | None = None,
    isolation: str | None = None,
    root: Path = Path("/"),
    ask: Runner = run,
) -> Host:
    """This machine as a command started with ``env`` sees it.

    ``probe`` is the interpreter whose BLAS is meant; ``cpus`` is how many the engine lets through,
    None: all that this process may use. ``root`` and ``ask`` stand for the machine.
    """
    gpus, cuda = _gpus(env, root, ask)
    model, flags = _cpu(root, ask)
    return Host(
        system=platform.system() or None,
        kernel=platform.release() or None,
        distribution=_distribution(root),
        libc=_libc(probe),
        architecture=platform.machine() or None,
        cpu=model,
        cpus=usable_cpus(cpus),
        cpu_flags=flags,
        memory=_memory(root, ask),
        gpus=gpus,
        cuda=cuda,
        blas=blas(probe) if probe else None,
        threads={name: env[name] for name in THREADS if env.get(name)},
        python=f"{probe.interpreter.implementation} {probe.interpreter.version}" if probe else None,
        engine=engine,
        isolation=isolation,
    )


def usable_cpus(wanted: int | None = None) -> int | None:
    """How many CPUs a command may be scheduled on, at most ``wanted``; None: not known.

    The scheduler's answer, not the cgroup's quota: that one slows threads down, and does not change
    how many of them a library starts.
    """
    if hasattr(os, "sched_getaffinity"):
        here: int | None = len(os.sched_getaffinity(0))
    else:
        here = os.cpu_count()
    if wanted is None or here is None:
        return here if wanted is None else wanted
    return min(here, wanted)


# --- system ---------------------------------------------------------------------------------


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _distribution(root: Path) -> str | None:
    for place in ("etc/os-release", "usr/lib/os-release"):
        if found := re.search(r'^PRETTY_NAME="?([^"\n]+)', _text(root / place), re.MULTILINE):
            return found.group(1)
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return None


def _libc(probe: Probe | None) -> str | None:
    if probe and probe.libc:
        return probe.libc
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def _cpu(root: Path, ask: Runner) -> tuple[str | None, str | None]:
    text = _text(root / "proc/cpuinfo").partition("\n\n")[0]
    facts = dict(re.findall(r"^([^\t:]+?)\s*:\s*(.*)$", text, re.MULTILINE))
    model = facts.get("model name") or facts.get("Model") or facts.get("cpu")
    if not model and facts.get("CPU part"):
        model = f"implementer {facts.get('CPU implementer')}, part {facts['CPU part']}"
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    if not text and sys.platform == "darwin":
        model = _sysctl("machdep.cpu.brand_string", ask)
        flags = (_sysctl("machdep.cpu.features", ask) or "").lower().split()
    return model or None, _flags(flags)


def _flags(flags: Sequence[str]) -> str | None:
    computing = sorted({flag for flag in flags if COMPUTING.match(flag)})
    if not computing:
        return None
    widest = [name for name in VECTORS if name in computing]
    digest = canonical.digest_bytes(" ".join(computing).encode())
    return " ".join([*widest[-1:], digest[: len("sha256:") + 12]])


def _sysctl(name: str, ask: Runner) -> str | None:
    try:
        return ask(("sysctl", "-n", name)).decode("utf-8", "replace").strip() or None
    except process.CommandFailed:
        return None


def _memory(root: Path, ask: Runner) -> int | None:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    if found:
        return min([int(found.group(1)) * 1024, *_memory_limits(root)])
    said = _sysctl("hw.memsize", ask) if sys.platform == "darwin" else None
    return int(said) if said and said.isdigit() else None


def _memory_limits(root: Path) -> Iterator[int]:
    """What the control groups of this process allow, versions 1 and 2; parents' limits count too."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            top, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            limit = _text(folder / name).strip()
            # version 1 says "no limit" with a number near 2^63
            if limit.isdigit() and int(limit) < 1 << 60:
                yield int(limit)
            if folder == top:
                break


# --- GPUs -----------------------------------------------------------------------------------


def _gpus(
    env: Mapping[str, str], root: Path, ask: Runner
) -> tuple[tuple[GPU, ...] | None, str | None]:
    """The GPUs that the command sees, and the CUDA version of their driver. None: not known."""
    driver = (root / "proc/driver/nvidia").exists()
    program = next(
        (
            path
            for folder in env.get("PATH", os.defpath).split(os.pathsep)
            if os.access(path := Path(folder) / "nvidia-smi", os.X_OK)
        ),
        None,
    )
    if program is None:
        return (None if driver else ()), None
    import xml.etree.ElementTree as xml  # few machines need it

    try:
        document = xml.fromstring(ask((str(program), "-q", "-x")))
    except (process.CommandFailed, xml.ParseError):
        # without a driver the program is a leftover; with one this is trouble, not "no GPU"
        return (None if driver else ()), None
    found = [(item.findtext("uuid") or "", _gpu(item, document)) for item in document.iter("gpu")]
    return tuple(_visible(found, env)), document.findtext("cuda_version")


def _gpu(item: xml.Element, document: xml.Element) -> GPU:
    memory = re.match(r"(\d+) MiB", item.findtext("fb_memory_usage/total") or "")
    return GPU(
        name=item.findtext("product_name") or "unknown",
        memory=int(memory.group(1)) << 20 if memory else None,
        driver=document.findtext("driver_version"),
    )


def _visible(found: Sequence[tuple[str, GPU]], env: Mapping[str, str]) -> Iterable[GPU]:
    """As CUDA reads CUDA_VISIBLE_DEVICES: indices or beginnings of uuids, up to a bad one."""
    if "CUDA_VISIBLE_DEVICES" not in env:
        return [gpu for _, gpu in found]
    chosen: list[GPU] = []
    for word in env["CUDA_VISIBLE_DEVICES"].split(","):
        word = word.strip()
        by_index = [found[int(word)][1]] if word.isdigit() and int(word) < len(found) else []
        by_uuid = [gpu for uuid, gpu in found if word.startswith("GPU-") and uuid.startswith(word)]
        if not (match := by_index or by_uuid):
            break
        chosen += match
    return chosen


# --- BLAS -----------------------------------------------------------------------------------

_BLAS = re.compile(r"lib(scipy_openblas|openblas|mkl_rt|mkl_core|blis|atlas|cblas|nvpl_blas)", re.I)


def blas(probe: Probe) -> tuple[str, ...]:
    """The BLAS libraries beside the packages, by file name: it carries version and build."""
    found: set[str] = set()
    for folder in probe.paths:
        for package in ("numpy", "scipy", "torch"):
            for place in (f"{package}.libs", f"{package}/.dylibs", f"{package}/lib"):
                found.update(f"{package}: {name}" for name in _libraries(Path(folder, place)))
    # conda, and the mkl package of the index, put theirs into the environment's own lib
    if probe.prefix != "/usr":
        found.update(_libraries(Path(probe.prefix, "lib")))
    return tuple(sorted(found))


def blas_named(libraries: Iterable[str]) -> tuple[str, ...]:
    """Those of ``package: file name`` that are BLAS libraries, as ``blas`` names them."""
    return tuple(sorted(item for item in libraries if _BLAS.match(item.rpartition(": ")[2])))


def _libraries(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _BLAS.match(entry.name) and not entry.is_symlink():
                yield entry.name
