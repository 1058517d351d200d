"""The machine's description, from invented machines and from this one."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from workbench import quickest

from repro.capturing import host
from repro.capturing.probing import Probe
from repro.manifest import GPU, Interpreter
from repro.process import CommandFailed

SMI = b"""<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
  <driver_version>550.54.15</driver_version>
  <cuda_version>12.4</cuda_version>
  <attached_gpus>2</attached_gpus>
  <gpu id="00000000:17:00.0">
    <product_name>NVIDIA A100-SXM4-80GB</product_name>
    <uuid>GPU-aaaa-1</uuid>
    <fb_memory_usage><total>81920 MiB</total><used>1 MiB</used></fb_memory_usage>
  </gpu>
  <gpu id="00000000:65:00.0">
    <product_name>NVIDIA T4</product_name>
    <uuid>GPU-bbbb-2</uuid>
    <fb_memory_usage><total>N/A</total></fb_memory_usage>
  </gpu>
</nvidia_smi_log>
"""
A100 = GPU("NVIDIA A100-SXM4-80GB", 81920 << 20, "550.54.15")
T4 = GPU("NVIDIA T4", None, "550.54.15")


class Fake:
    """Stands for programs that tell of the machine."""

    def __init__(self, said: bytes | None = None) -> None:
        self.said, self.asked = said, 0

    def __call__(self, argv: Sequence[str]) -> bytes:
        self.asked += 1
        if self.said is None:
            raise CommandFailed("no driver", "")
        return self.said


def machine(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def smi(root: Path) -> dict[str, str]:
    program = root / "bin" / "nvidia-smi"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    return {"PATH": str(program.parent)}


# --- this machine -----------------------------------------------------------------------------


def test_this_machine() -> None:
    here = host.describe(dict(os.environ))
    assert here.system == platform.system()
    assert here.architecture == platform.machine()
    assert here.cpus
    assert here.memory
    assert here.memory > 1 << 28
    assert here.python is None
    assert here.blas is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_takes_no_time() -> None:
    host.describe({})
    assert quickest(lambda: host.describe({})) < 0.02


# --- invented machines ------------------------------------------------------------------------


def test_an_empty_machine_is_unknown_and_no_crash(tmp_path: Path) -> None:
    found = host.describe({}, root=tmp_path, ask=Fake())
    assert (found.distribution, found.cpu, found.cpu_flags) == (None, None, None)
    assert found.gpus == ()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_cpu_and_distribution(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        proc__cpuinfo="processor\t: 0\nmodel name\t: AMD EPYC 7\nflags\t\t: fpu sse2 avx avx2 fma\n\n"
        "processor\t: 1\nmodel name\t: other\n",
        proc__meminfo="MemTotal:       1000 kB\n",
    )
    (root / "etc").mkdir()
    (root / "etc" / "os-release").write_text('NAME="X"\nPRETTY_NAME="Debian 12 (bookworm)"\n')
    found = host.describe({}, root=root, ask=Fake())
    assert found.cpu == "AMD EPYC 7"
    assert found.cpu_flags is not None
    assert found.cpu_flags.startswith("avx2 sha256:")
    assert found.distribution == "Debian 12 (bookworm)"
    assert found.memory == 1_024_000


def test_flags_of_the_kernel_do_not_change_the_digest(tmp_path: Path) -> None:
    def flags(text: str, name: str) -> str | None:
        root = machine(tmp_path / name, proc__cpuinfo=f"flags : {text}\n")
        return host.describe({}, root=root, ask=Fake()).cpu_flags

    assert flags("avx sse2 ibrs stibp", "a") == flags("sse2 avx", "b")
    assert flags("avx sse2 avx512f", "c") != flags("sse2 avx", "d")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("group", "place", "text"),
    [
        ("0::/a/b\n", "sys__fs__cgroup__a__memory.max", "512000\n"),
        ("4:memory:/a\n0::/\n", "sys__fs__cgroup__memory__a__memory.limit_in_bytes", "512000\n"),
    ],
)
def test_a_limit_of_the_control_group(group: str, place: str, text: str, tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        proc__meminfo="MemTotal: 1000 kB\n",
        proc__self__cgroup=group,
        **{place: text, "sys__fs__cgroup__memory.max": "max\n"},
    )
    assert host.describe({}, root=root, ask=Fake()).memory == 512000


def test_cpus_are_what_the_scheduler_gives() -> None:
    here = host.usable_cpus()
    assert here is not None
    assert host.usable_cpus(1) == 1
    assert host.usable_cpus(here + 5) == here
    assert host.describe({}, cpus=1).cpus == 1


def test_thread_settings_in_force() -> None:
    env = {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "", "HOME": "/x", "MKL_CBWR": "AVX2"}
    assert host.describe(env).threads == {"MKL_CBWR": "AVX2", "OMP_NUM_THREADS": "4"}


# --- GPUs -------------------------------------------------------------------------------------


def test_gpus(tmp_path: Path) -> None:
    env = smi(tmp_path)
    found = host.describe(env, root=tmp_path, ask=Fake(SMI))
    assert found.gpus == (A100, T4)
    assert found.cuda == "12.4"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("", ()),
        ("-1", ()),
        ("1", (T4,)),
        ("1,0", (T4, A100)),
        ("0,7,1", (A100,)),
        ("GPU-bbbb", (T4,)),
    ],
)
def test_the_gpus_that_the_command_sees(
    visible: str, expected: tuple[GPU, ...], tmp_path: Path
) -> None:
    env = {**smi(tmp_path), "CUDA_VISIBLE_DEVICES": visible}
    assert host.describe(env, root=tmp_path, ask=Fake(SMI)).gpus == expected


def test_no_program_and_no_driver_is_no_gpu_and_nothing_is_asked(tmp_path: Path) -> None:
    fake = Fake(SMI)
    assert host.describe({"PATH": ""}, root=tmp_path, ask=fake).gpus == ()
    assert fake.asked == 0


@pytest.mark.parametrize("said", [None, b"", b"Failed to initialize NVML"])
def test_a_driver_that_does_not_answer_is_unknown(said: bytes | None, tmp_path: Path) -> None:
    env = smi(tmp_path)
    (tmp_path / "proc" / "driver" / "nvidia").mkdir(parents=True)
    assert host.describe(env, root=tmp_path, ask=Fake(said)).gpus is None
    assert host.describe({"PATH": ""}, root=tmp_path, ask=Fake(SMI)).gpus is None


# --- the interpreter's libraries --------------------------------------------------------------


def test_blas_by_file_name(tmp_path: Path) -> None:
    site, prefix = tmp_path / "site", tmp_path / "prefix"
    for path in (
        site / "numpy.libs" / "libscipy_openblas64_-ff65.so",
        site / "numpy.libs" / "libgfortran-04.so",
        site / "torch" / "lib" / "libtorch_cpu.so",
        prefix / "lib" / "libmkl_rt.so.2",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (prefix / "lib" / "libmkl_rt.so").symlink_to("libmkl_rt.so.2")
    probe = Probe(
        Interpreter("3.12.1"), "", str(prefix), "", (str(site),), (), "linux", "glibc 2.31"
    )
    found = host.describe({}, probe=probe)
    assert found.blas == ("libmkl_rt.so.2", "numpy: libscipy_openblas64_-ff65.so")
    assert found.python == "CPython 3.12.1"
    assert found.libc == "glibc 2.31"
