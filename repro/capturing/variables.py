"""Environment variables: which of them count unasked, and which code asks for by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

LARGEST = 2 * 1000**2
"""Bytes of a file that is looked through; scripts are smaller."""
OF_THE_MACHINE = frozenset(
    (
        "CI",
        "COLUMNS",
        "CONDA_PREFIX",
        "DISPLAY",
        "EDITOR",
        "HOME",
        "HOSTNAME",
        "LINES",
        "LOGNAME",
        "MAIL",
        "OLDPWD",
        "PATH",
        "PWD",
        "SHELL",
        "SHLVL",
        "SUDO_USER",
        "TEMP",
        "TERM",
        "TMP",
        "TMPDIR",
        "USER",
        "USERNAME",
        "VIRTUAL_ENV",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    )
)
"""Set in every shell: a replay has its own."""

UNASKED = (
    "BLIS_*",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "DNNL_*",
    "HF_DATASETS_OFFLINE",
    "HF_HUB_OFFLINE",
    "JAX_*",
    "KERAS_BACKEND",
    "KMP_*",
    "LANG",
    "LC_*",
    "MKL_*",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_TRACKING_URI",
    "MPLBACKEND",
    "NCCL_*",
    "NUMBA_*",
    "NUMEXPR_*",
    "OMP_*",
    "ONEDNN_*",
    "OPENBLAS_*",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONUTF8",
    "PYTORCH_*",
    "TF_CPP_*",
    "TF_CUDNN_*",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_*",
    "TF_FORCE_*",
    "TF_GPU_*",
    "TF_NUM_*",
    "TF_USE_*",
    "TF_XLA_FLAGS",
    "TOKENIZERS_PARALLELISM",
    "TORCH_*",
    "TRANSFORMERS_OFFLINE",
    "TZ",
    "VECLIB_MAXIMUM_THREADS",
    "WANDB_MODE",
    "XLA_FLAGS",
)
"""Variables that reach a replay unasked: they change numbers and hold no secrets."""

_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
_PYTHON = re.compile(
    rf"""\b(?:environ(?:\.get\(|\.setdefault\(|\.pop\(|\[)|getenv\()\s*["']{_NAME}["']"""
)
_LIBRARIES = re.compile(
    rf"""\b(?:envvar|env_var)\s*=\s*\[?\s*["']{_NAME}["']"""  # click, typer, configargparse
    rf"""|\benv(?:\.(?:str|int|float|bool|list|path|json))?\(\s*["']{_NAME}["']"""  # environs
    r"""|\bconfig\(\s*["']([A-Z][A-Z0-9_]*)["']"""  # decouple
)
_PREFIX = re.compile(rf"""\b(?:auto_envvar|envvar)_prefix\s*=\s*["']{_NAME}["']""")
"""Of click's and dynaconf's: all variables that begin so, with an underscore behind it."""
_SETTINGS = re.compile(r"\bBaseSettings\b")
_SETTINGS_PREFIX = re.compile(rf"""\benv_prefix["']?\s*[=:]\s*["']{_NAME}["']""")
_FIELD = re.compile(rf"^[ \t]+{_NAME}[ \t]*:[ \t]*[A-Za-z]", re.MULTILINE)
"""Of pydantic's settings: a variable for every field, in upper case or lower."""
_NOTEBOOK = re.compile(
    rf"""\b(?:environ(?:\.get\(|\.setdefault\(|\.pop\(|\[)|getenv\()\s*\\?["']{_NAME}\\?["']"""
)
_SHELL = re.compile(rf"\$(?:{_NAME}|[{{(]{_NAME})")
_R = re.compile(rf"""Sys\.getenv\(\s*["']{_NAME}["']""")
_CONFIG = re.compile(rf"\$\{{(?:oc\.env:|env:)?{_NAME}")
_BY_SUFFIX = {
    ".py": _PYTHON,
    ".ipynb": _NOTEBOOK,
    ".sh": _SHELL,
    ".bash": _SHELL,
    ".mk": _SHELL,
    ".r": _R,
    ".yaml": _CONFIG,
    ".yml": _CONFIG,
    ".toml": _CONFIG,
}


def asked(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    """The names that these files ask for, ``NAME_*`` for all that begin so; ``paths`` are relative to the
    folder. What cannot be read, or is no script, asks for nothing."""
    return frozenset(name for path in paths for name in _asked(folder, path))


def asked_by_line(line: str) -> frozenset[str]:
    """The names that a shell would put values in place of."""
    return frozenset(name for match in _SHELL.finditer(line) for name in match.groups() if name)


def _asked(folder: Path, path: str) -> Iterator[str]:
    place = PurePosixPath(path)
    pattern = _SHELL if place.name in ("Makefile", "makefile") else None
    pattern = pattern or _BY_SUFFIX.get(place.suffix.lower())
    if pattern is None:
        return
    try:
        if (folder / path).stat().st_size > LARGEST:
            return
        text = (folder / path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return
    for match in pattern.finditer(text):
        yield next(name for name in match.groups() if name)
    if pattern is _PYTHON:
        yield from _through_libraries(text)


def _through_libraries(text: str) -> Iterator[str]:
    for match in _LIBRARIES.finditer(text):
        yield next(name for name in match.groups() if name)
    for match in _PREFIX.finditer(text):
        yield f"{match[1]}_*"
    if "Dynaconf(" in text and not _PREFIX.search(text):
        yield "DYNACONF_*"
    if _SETTINGS.search(text):
        prefixes = _SETTINGS_PREFIX.findall(text)
        for field in () if prefixes else _FIELD.findall(text):
            yield from (field, field.upper())
        for prefix in prefixes:
            yield from (f"{prefix}*", f"{prefix.upper()}*")
