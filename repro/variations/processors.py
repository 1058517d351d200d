"""What is varied about processors: threads, CPUs, workers, instruction sets, the GPU's own choices."""

from __future__ import annotations

from collections.abc import Mapping

from repro.variations.nouns import Conditions, Held, Scene, Variation

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""torch takes its number from OMP's and MKL's."""

PLAIN_INSTRUCTIONS = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "ATEN_CPU_CAPABILITY": "default",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD",
}
"""As on a processor of 2009, library by library; x86 only."""
NUMPY_FEATURES = (
    "AVX FMA3 AVX2 F16C AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR "
    "X86_V3 X86_V4"
)

GPU_VARIED = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "NCCL_ALGO": "Tree",
    "NCCL_PROTO": "Simple",
    "CUBLAS_WORKSPACE_CONFIG": ":16:8",
}


def _threads(count: int, scene: Scene) -> Mapping[str, str]:
    return {name: str(count) for name in THREAD_VARIABLES if name not in scene.env}


def _vary_threads(scene: Scene, attempt: int) -> Conditions | Held:
    if "OMP_NUM_THREADS" in scene.env:
        return Held(f"the run itself sets OMP_NUM_THREADS={scene.env['OMP_NUM_THREADS']}")
    usual = 1 if scene.held else scene.cpus
    return Conditions(env=_threads(max(2, scene.cpus) if usual == 1 else 1, scene))


def _hold_threads(scene: Scene) -> Conditions:
    return Conditions(env={} if "OMP_NUM_THREADS" in scene.env else _threads(1, scene))


def _vary_cpus(scene: Scene, attempt: int) -> Conditions | Held:
    """Fewer CPUs with as many threads as before, so that threads are not blamed on CPUs."""
    if scene.cpus > 1:
        wanted = max(1, scene.cpus // 2)
    elif scene.machine_cpus > 1:
        wanted = 2
    else:
        return Held("this machine has one CPU")
    threads = {} if scene.held or "OMP_NUM_THREADS" in scene.env else _threads(scene.cpus, scene)
    return Conditions(threads, cpus=wanted, shim={"cpu_count": wanted})


def _vary_workers(scene: Scene, attempt: int) -> Conditions:
    return Conditions(shim={"workers": 2 + attempt})


def _vary_instructions(scene: Scene, attempt: int) -> Conditions | Held:
    if not scene.x86:
        return Held("the settings for it are those of x86 processors")
    values = {**PLAIN_INSTRUCTIONS, "NPY_DISABLE_CPU_FEATURES": NUMPY_FEATURES}
    return Conditions(env={name: text for name, text in values.items() if name not in scene.env})


def _vary_gpu(scene: Scene, attempt: int) -> Conditions | Held:
    if not scene.gpus:
        return Held("the run had no GPU")
    env = {name: text for name, text in GPU_VARIED.items() if name not in scene.env}
    return Conditions(env=env, shim={"cudnn_benchmark": True})


def _vary_parallelism(scene: Scene, attempt: int) -> Conditions | Held:
    if scene.held:
        return Conditions()  # released
    return Held("it differs in each replay by itself: the control pair has varied it")


THREADS = Variation(
    "threads",
    "the number of threads that sums are split among (OpenMP, MKL, OpenBLAS, torch)",
    _vary_threads,
    "fix the number: `OMP_NUM_THREADS=1 repro run -- ...` (or another number) records it; in code "
    "torch.set_num_threads(1), or nthread=1 / n_jobs=1 of the model",
    "with one thread the training takes up to as many times longer as there were CPUs; a fixed higher "
    "number costs nothing on machines that have that many",
    _hold_threads,
)
CPUS = Variation(
    "cpus",
    "the number of CPUs",
    _vary_cpus,
    "take the number of workers, shards or jobs from the configuration in place of os.cpu_count(), "
    "len(os.sched_getaffinity(0)) or n_jobs=-1",
    "nothing where that many CPUs are there; on a smaller machine the parts take turns",
)
PARALLELISM = Variation(
    "parallelism",
    "which of the threads or processes that work at the same time comes first",
    _vary_parallelism,
    "put results in a fixed order before they are added up (pool.map or sorted() in place of "
    "imap_unordered or as_completed), let no two threads update the same values, or work with one: "
    "n_jobs=1",
    "a fixed order: nothing to speak of; one thread or process: as many times longer as there were",
    lambda scene: Conditions(shim={"ordered": True, "trace": True, "workspace": scene.inside}),
    python_only=True,
)
ALONE = Conditions(cpus=1, shim={"cpu_count": 1})
"""Under which nothing works at the same time."""
WORKERS = Variation(
    "workers",
    "the number of data-loader workers (torch)",
    _vary_workers,
    "give every sample random numbers of its own in place of every worker: a generator seeded from the "
    "sample's index in Dataset.__getitem__; split an IterableDataset by get_worker_info(); or fix "
    "num_workers",
    "nothing to speak of",
    python_only=True,
)
INSTRUCTIONS = Variation(
    "instructions",
    "the instruction set that BLAS, oneDNN, numpy, torch and the C library choose by the processor",
    _vary_instructions,
    "fix it for all machines: MKL_CBWR=COMPATIBLE, OPENBLAS_CORETYPE=Nehalem, ONEDNN_MAX_CPU_ISA=SSE41, "
    "ATEN_CPU_CAPABILITY=default, set before `repro run`, which records them (ATEN_CPU_CAPABILITY and "
    "NPY_DISABLE_CPU_FEATURES where repro.yaml names them under `env:`); or allow for the last digits "
    "under `tolerances:`",
    "without AVX a training that computes much on the CPU takes two to four times as long; a tolerance "
    "costs nothing",
)
GPU = Variation(
    "gpu",
    "what the GPU's libraries choose: TF32, cuDNN's search for the fastest algorithm, NCCL's algorithm",
    _vary_gpu,
    "torch.backends.cuda.matmul.allow_tf32 = False, torch.backends.cudnn.benchmark = False, "
    "torch.use_deterministic_algorithms(True) with CUBLAS_WORKSPACE_CONFIG=:4096:8, NCCL_ALGO=Ring",
    "TF32 off: matrix products up to several times slower on Ampere and later; deterministic algorithms: "
    "a tenth to a third slower, some have none and raise an error",
)
