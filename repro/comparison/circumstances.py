"""What differs around two runs: the machine and its settings, the likeliest cause first."""

from __future__ import annotations

from collections.abc import Iterator

from repro.comparison.nouns import Circumstance
from repro.manifest import GPU, Host

_ISOLATION = {"none": "not isolated", "container": "in a container"}

CLOCK = "clock"
"""Nearly always differs, and is seldom the cause."""

_NUMERIC = ("architecture", "GPUs", "CUDA", "CPU instructions", "CPUs", "CPU", "BLAS")
"""What changes the order or the width of arithmetic: here "not known" is worth saying."""


def compare_hosts(a: Host, b: Host, unknown: bool = True) -> tuple[Circumstance, ...]:
    """Only what differs, the likeliest cause of a difference first, what is not known last.

    Not known on one side is not different. With ``unknown`` it is listed where it could explain a
    difference; not known on both sides never is.
    """
    found = [Circumstance(*field) for field in _fields(a, b) if field[1] != field[2]]
    known = [item for item in found if item.a is not None and item.b is not None]
    others = [item for item in found if item not in known and item.name in _NUMERIC]
    return tuple(known + others if unknown else known)


def compare_clocks(a: str | None, b: str | None) -> tuple[Circumstance, ...]:
    """The days on which two runs began, where they are not the same one: a program may look at the date."""
    if a is None or b is None or a[:10] == b[:10]:
        return ()
    return (Circumstance(CLOCK, a[:10], b[:10]),)


def isolation_words(isolation: str | None) -> str | None:
    """What stood between the command and the machine, in words; None where it is not known."""
    return None if isolation is None else _ISOLATION.get(isolation, isolation)


def _fields(a: Host, b: Host) -> Iterator[tuple[str, str | None, str | None]]:
    """Every field of the host, as text, in the order in which they usually are the cause."""
    yield "architecture", a.architecture, b.architecture
    yield "GPUs", _gpus(a.gpus), _gpus(b.gpus)
    yield "CUDA", a.cuda, b.cuda
    for name in sorted({*a.threads, *b.threads}):
        yield name, a.threads.get(name, "not set"), b.threads.get(name, "not set")
    yield "CPUs", _text(a.cpus), _text(b.cpus)
    yield "CPU instructions", a.cpu_flags, b.cpu_flags
    yield "BLAS", _listed(a.blas), _listed(b.blas)
    yield "CPU", a.cpu, b.cpu
    yield "Python", a.python, b.python
    yield "libc", a.libc, b.libc
    yield "system", a.system, b.system
    yield "isolation", isolation_words(a.isolation), isolation_words(b.isolation)
    yield "engine", a.engine, b.engine
    yield "distribution", a.distribution, b.distribution
    yield "kernel", a.kernel, b.kernel
    yield "memory", _memory(a.memory), _memory(b.memory)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _listed(values: tuple[str, ...] | None) -> str | None:
    return None if values is None else ", ".join(values) or "none"


def _gpus(gpus: tuple[GPU, ...] | None) -> str | None:
    return _listed(None if gpus is None else tuple(map(_gpu, gpus)))


def _gpu(gpu: GPU) -> str:
    details = [
        text for text in (_memory(gpu.memory), gpu.driver and f"driver {gpu.driver}") if text
    ]
    return f"{gpu.name} ({', '.join(details)})" if details else gpu.name


def _memory(value: int | None) -> str | None:
    """In tenths of a GiB: two machines of the same size differ by what the kernel keeps."""
    return None if value is None else f"{value / (1 << 30):.1f} GiB"
