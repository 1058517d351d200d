"""Reads repro.yaml: what the project says about itself, checked key by key (specs/config.md)."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from repro import plain_yaml, sizes
from repro.errors import UsageError
from repro.log_metrics import Rules
from repro.manifest import Tolerance
from repro.watching.nouns import Mode

NAME = "repro.yaml"
UNTRACKED_CAP = 50 * 1000**2
"""Bytes: larger untracked files are left out of the source, and named."""

INPUTS_CAP = 500 * 1000**2
"""Bytes: of the files that a run read and that neither git nor DVC tracks, as much is taken along."""

SHOWN = 60
"""Characters of a wrong value that a message shows."""

ENV_DEFAULT = (
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
    "PYTHONPATH",
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


@dataclass(frozen=True)
class Resume:
    """How a training is begun for a number of steps, and continued from what it left."""

    start: tuple[str, ...]
    """``{steps}`` in it stands for the step to train to."""
    go_on: tuple[str, ...]

    def to(self, steps: int) -> tuple[str, ...]:
        """The words that train from the beginning to that step."""
        return _filled(self.start, steps)

    def on_to(self, steps: int) -> tuple[str, ...]:
        """Those that continue to that step."""
        return _filled(self.go_on, steps)


def _filled(words: tuple[str, ...], steps: int) -> tuple[str, ...]:
    return tuple(word.replace("{steps}", str(steps)) for word in words)


@dataclass(frozen=True)
class Config:
    """repro.yaml. Paths are relative to the project, as they are written."""

    path: Path | None = None
    command: tuple[str, ...] = ()
    working_directory: str | None = None
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ignored_outputs: tuple[str, ...] = ()
    lockfile: str | None = None
    image: str | None = None
    dockerfile: str | None = None
    env: tuple[str, ...] = ()
    network: bool = False
    tolerances: tuple[Tolerance, ...] = ()
    log: Rules = field(default_factory=Rules)
    allowed_secrets: tuple[str, ...] = ()
    """What looks like a secret and is none: fingerprints, and globs over places and names."""
    untracked_cap: int = UNTRACKED_CAP
    inputs_cap: int = INPUTS_CAP
    outputs_cap: int | None = None
    """Bytes: larger outputs are not kept; None: as ``outputs.limit`` says."""
    watch: Mode = Mode.AUTO
    resume: Resume | None = None


def load(project: Path) -> Config:
    """The project's configuration; the defaults where it has none. Raises UsageError."""
    path = project / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if path.with_suffix(".yml").exists():
            # it would be passed over, and nobody would be told
            raise UsageError(
                f"{path.with_suffix('.yml')} is not read: the file is called {NAME}",
                f"mv {path.with_suffix('.yml').name} {NAME}",
            ) from None
        return Config()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    return parse(content, path)


def parse(content: bytes, path: Path) -> Config:
    """A configuration from the bytes of a repro.yaml; ``path`` is for messages."""
    try:
        document = plain_yaml.load(content)
    except ValueError as error:
        raise UsageError(f"{path.name} is not YAML: {error}", f"see {path}") from error
    if document is None:
        return Config(path=path)
    if not isinstance(document, dict):
        raise UsageError(f"{path.name}: expected keys and values, found {_kind(document)}")
    config = Config(path=path)
    for key, value in document.items():
        if key not in _KEYS:
            raise UsageError(f"{path.name}: unknown key {_kind(key)}", _nearest(str(key)))
        try:
            config = _KEYS[key](config, value)
        except ValueError as error:
            raise UsageError(f"{path.name}: {key}: {error}", "see specs/config.md") from error
    return config


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"the keys are: {', '.join(sorted(_KEYS))}"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()}"
        case dict():
            return "keys and values"
        case list():
            return "a list"
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."


_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")


def _text(value: Any, expected: str = "text") -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected {expected}, found {_kind(value)}")
    if _CONTROL.search(value):
        raise ValueError(f"expected {expected} in one line, found {_kind(value)}")
    return value


def _texts(value: Any, expected: str = "text", many: str = "a list") -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value, expected),)
    if not isinstance(value, list):
        raise ValueError(f"expected {many}, found {_kind(value)}")
    return tuple(_text(item, expected) for item in value)


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or path.parts[:1] == ("~",):
        raise ValueError(f"{_kind(value)} is outside the project; paths are relative to {NAME}")
    return path.as_posix()


def _path(value: Any) -> str:
    path = _inside(_text(value, "a path"))
    if path == ".":
        raise ValueError("expected a path inside the project, found the project itself")
    return path


def _places(value: Any) -> tuple[str, ...]:
    """Paths inside the project, or absolute ones: what a run writes elsewhere is an output too."""
    return tuple(
        item if PurePosixPath(item).is_absolute() and ".." not in item.split("/") else _path(item)
        for item in _texts(value, "a path", "a path, or a list of paths")
    )


def _paths(value: Any) -> tuple[str, ...]:
    return tuple(_path(item) for item in _texts(value, "a path", "a path, or a list of paths"))


def _command(config: Config, value: Any) -> Config:
    if isinstance(value, list) and value:
        return replace(config, command=tuple(_word(item) for item in value))
    text = value.strip() if isinstance(value, str) else value
    expected = "a command line, or a list of its words"
    # a block scalar (`command: |`) has lines; a tab separates words as a blank does
    _text(re.sub(r"[\t\n]", " ", text) if isinstance(text, str) else text, expected)
    assert isinstance(text, str)
    return replace(config, command=command_words(text))


def command_words(text: str) -> tuple[str, ...]:
    """The words of a command line, or those that have a shell read it. Raises ValueError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"not a command line: {str(error).lower()}") from error
    if "\n" in text.strip() or _SHELL.search(_QUOTED.sub("_", text)):
        return shell_line(text)
    return tuple(words)


def shell_line(text: str) -> tuple[str, ...]:
    """The words that have a shell read the text; of several lines each must end well for the next."""
    return ("sh", "-ec" if "\n" in text.strip() else "-c", text.strip())


def _word(value: Any) -> str:
    """A word may be empty, or have several lines: sh -c takes such ones."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"expected words as text, numbers in quotes, found {_kind(value)}")
    return value


_QUOTED = re.compile(r"""'[^']*'|"[^"$`\\]*"|\\.""")
_SHELL = re.compile(r"[;&|<>$`*?~]|^\s*\w+=")
"""What only a shell understands; between double quotes it reads `$` too."""


def _image(config: Config, value: Any) -> Config:
    if isinstance(value, dict):
        if set(value) != {"dockerfile"}:
            raise ValueError("expected an image reference, or 'dockerfile: PATH'")
        return replace(config, dockerfile=_path(value["dockerfile"]))
    reference = _text(value, "an image reference, or 'dockerfile: PATH'")
    if re.search(r"\s", reference):
        raise ValueError(f"expected an image reference, found {_kind(value)}")
    return replace(config, image=reference)


def _network(config: Config, value: Any) -> Config:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {_kind(value)}")
    return replace(config, network=value)


def _tolerances(config: Config, value: Any) -> Config:
    if not isinstance(value, dict):
        raise ValueError(f"expected a tolerance per metric, found {_kind(value)}")
    return replace(
        config, tolerances=tuple(_tolerance(_metric(glob), item) for glob, item in value.items())
    )


def _metric(glob: Any) -> str:
    """A metric may be called 1; of other scalars nobody could tell how they were written."""
    if isinstance(glob, int) and not isinstance(glob, bool):
        return str(glob)
    return _text(glob, "the name of a metric, or a glob")


def _tolerance(pattern: str, value: Any) -> Tolerance:
    if value == "ignore":
        return Tolerance(pattern, ignore=True)
    if not isinstance(value, dict) or not value or set(value) - {"absolute", "relative"}:
        raise ValueError(f"{pattern!r}: expected 'ignore', or 'absolute: N' and 'relative: N'")
    for name, number in value.items():
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or not 0 <= number < 1e308
        ):
            raise ValueError(
                f"{pattern!r}: {name}: expected a number of 0 or more, found {_kind(number)}"
            )
    return Tolerance(pattern, float(value.get("absolute", 0)), float(value.get("relative", 0)))


def _log(config: Config, value: Any) -> Config:
    if not isinstance(value, dict) or not value or set(value) - {"patterns", "ignore"}:
        raise ValueError(f"expected 'patterns' or 'ignore', found {_kind(value)}")
    patterns = _texts(value.get("patterns", []), "a regular expression")
    Rules.check(patterns)
    return replace(
        config, log=Rules(patterns, _texts(value.get("ignore", []), "a name, or a glob"))
    )


def _watch(config: Config, value: Any) -> Config:
    # of YAML 1.1 some remember `off` as false
    wanted = "off" if value is False else value
    known = [mode.value for mode in Mode]
    if wanted not in known:
        raise ValueError(f"expected one of {', '.join(known)}, found {_kind(value)}")
    return replace(config, watch=Mode(wanted))


def _resume(config: Config, value: Any) -> Config:
    if not isinstance(value, dict) or value.keys() != {"start", "continue"}:
        raise ValueError(f"expected the keys start and continue, found {_kind(value)}")
    start, go_on = (_command(config, value[key]).command for key in ("start", "continue"))
    if not any("{steps}" in word for word in start):
        raise ValueError("start: expected {steps} where the number of steps goes")
    return replace(config, resume=Resume(start, go_on))


def size(value: Any) -> int:
    """Bytes from ``1000``, ``"50 MB"`` or ``"1GiB"``. Raises ValueError."""
    try:
        return sizes.size(value)
    except ValueError as error:
        raise ValueError(f"{error}, found {_kind(value)}") from error


def _secrets(config: Config, value: Any) -> Config:
    if not isinstance(value, dict) or value.keys() != {"allow"}:
        raise ValueError(f"expected the key allow, found {_kind(value)}")
    from repro import scanning  # it takes a while, and few projects need it

    entries = [value["allow"]] if isinstance(value["allow"], str) else value["allow"]
    scanning.parse(entries)
    return replace(config, allowed_secrets=tuple(entries or ()))


_NAMES = "a list of variables' names"

_KEYS: dict[str, Callable[[Config, Any], Config]] = {
    "command": _command,
    "working_directory": lambda c, v: replace(c, working_directory=_inside(_text(v, "a folder"))),
    "params": lambda c, v: replace(c, params=_paths(v)),
    "metrics": lambda c, v: replace(c, metrics=_paths(v)),
    "outputs": lambda c, v: replace(c, outputs=_paths(v)),
    "ignore_outputs": lambda c, v: replace(c, ignored_outputs=_places(v)),
    "lockfile": lambda c, v: replace(c, lockfile=_path(v)),
    "image": _image,
    "env": lambda c, v: replace(c, env=_texts(v, "a variable's name, or a glob", _NAMES)),
    "network": _network,
    "tolerances": _tolerances,
    "log": _log,
    "secrets": _secrets,
    "untracked_cap": lambda c, v: replace(c, untracked_cap=size(v)),
    "inputs_cap": lambda c, v: replace(c, inputs_cap=size(v)),
    "outputs_cap": lambda c, v: replace(c, outputs_cap=size(v)),
    "watch": _watch,
    "resume": _resume,
}
