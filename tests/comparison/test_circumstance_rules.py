"""Circumstances: what differs around the run, the likeliest cause first."""

from dataclasses import replace

from side_by_side import compared, scalars

from repro.comparison import Circumstance, isolation_words
from repro.comparison.circumstances import compare_hosts
from repro.manifest import GPU, Host

A = Host(
    system="Linux",
    kernel="6.1",
    distribution="Debian 12",
    libc="glibc 2.36",
    architecture="x86_64",
    cpu="Xeon",
    cpus=8,
    cpu_flags="sha256:1 avx512",
    memory=16 << 30,
    gpus=(GPU("H100", 80 << 30, "535"),),
    cuda="12.2",
    blas=("openblas 0.3",),
    threads={"OMP_NUM_THREADS": "8"},
    python="3.11.7",
    engine="docker 24",
    isolation="container",
)
B = Host(
    system="Darwin",
    kernel="6.2",
    distribution="Debian 13",
    libc="glibc 2.41",
    architecture="arm64",
    cpu="M3",
    cpus=4,
    cpu_flags="sha256:2 neon",
    memory=8 << 30,
    gpus=(),
    cuda="12.4",
    blas=("accelerate",),
    threads={"MKL_NUM_THREADS": "1"},
    python="3.12.0",
    engine="venv",
    isolation="none",
)


def names(a, b, **options):
    return [item.name for item in compare_hosts(a, b, **options)]


def test_the_same_host_has_none():
    assert names(A, A) == []
    assert names(Host(), Host()) == []


def test_every_field_is_compared_in_the_order_of_likelihood():
    assert names(A, B) == [
        "architecture",
        "GPUs",
        "CUDA",
        "MKL_NUM_THREADS",
        "OMP_NUM_THREADS",
        "CPUs",
        "CPU instructions",
        "BLAS",
        "CPU",
        "Python",
        "libc",
        "system",
        "isolation",
        "engine",
        "distribution",
        "kernel",
        "memory",
    ]


def test_no_field_of_the_host_is_forgotten():
    for field in A.__dataclass_fields__:
        assert names(A, replace(A, **{field: getattr(B, field)})), field


def test_in_words():
    texts = {item.name: (item.a, item.b) for item in compare_hosts(A, B)}
    assert texts["GPUs"] == ("H100 (80.0 GiB, driver 535)", "none")
    assert texts["OMP_NUM_THREADS"] == ("8", "not set")
    assert texts["isolation"] == ("in a container", "not isolated")
    assert texts["memory"] == ("16.0 GiB", "8.0 GiB")
    assert isolation_words(None) is None
    assert isolation_words("gVisor") == "gVisor"


def test_not_known_on_one_side_is_said_only_where_it_could_matter():
    less = replace(A, kernel=None, cpus=None)
    assert compare_hosts(A, less) == (Circumstance("CPUs", "8", None),)
    assert names(A, less, unknown=False) == []
    assert names(replace(less, python="3.9"), A) == ["Python", "CPUs"], "what is known comes first"


def test_memory_that_differs_by_what_the_kernel_keeps_is_the_same():
    assert names(A, replace(A, memory=(16 << 30) - 4096)) == []


def test_beside_the_verdict():
    equal = compared(
        replace(scalars(m=1), host=A), replace(scalars(m=1), host=replace(A, cpus=None))
    )
    assert equal.circumstances == (), "nothing to explain"
    other = compared(
        replace(scalars(m=1), host=A), replace(scalars(m=2), host=replace(A, cpus=None))
    )
    assert other.circumstances == (Circumstance("CPUs", "8", None),)


def test_not_isolated_on_both_sides_is_a_note():
    bare = replace(scalars(m=1), host=Host(isolation="none"))
    assert compared(bare, bare).notes == (
        "not isolated: both ran on their machine as it was, with its own system libraries",
    )


def test_another_day_is_named_last_and_is_not_what_to_rule_out_first() -> None:
    from side_by_side import metric, result

    from repro.comparison import compare_results
    from repro.manifest import Policy

    a = result(metric("loss", 1.0), started="2026-01-15T23:59:59Z")
    b = result(metric("loss", 2.0), started="2026-01-16T00:00:01Z")
    for one, other in ((a, b), (b, a)):
        found = compare_results(one, other, Policy())
        assert [item.name for item in found.circumstances] == ["clock"]
        assert "clock" not in found.next_step
    assert compare_results(a, replace(b, metrics=a.metrics), Policy()).circumstances == ()
    assert compare_results(a, replace(b, started=None), Policy()).circumstances == ()
