"""The keys of repro.yaml, one by one: what a project says of each, or an example."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from repro import config, globs, plain_yaml
from repro.capturing import lockfile, params, readers, secrets, variables
from repro.initialising_survey import Survey, is_text
from repro.manifest import MetricType

Value = str | tuple[str, ...] | Mapping[str, str]
"""What stands behind a key: text, a list, or keys and values (already written as YAML)."""

PACKAGE_SIGNS = ("pyproject.toml", "setup.py", "requirements*.txt", "Pipfile", "environment.y*ml")

SCRIPT = re.compile(r"(?:^|[_-])train(?:ing)?(?:[_-]|$)")
SCRIPT_FOLDERS = ("", "src", "scripts", "code", "bin")
PARAM_FILE = re.compile(r"(?:^|[_-])(?:config|hparams|hyper_?param(?:eter)?s|params)(?:[_-]|$)")
PARAM_FOLDERS = ("", "conf", "config", "configs")
METRIC_FILE = re.compile(
    r"(?:^|[-_.])(?:metrics?|scores?|results?|eval|evaluation|history|losses|accuracy)(?:[-_.]|$)",
    re.IGNORECASE,
)
_SUFFIXES = """
.bst .cbm .ckpt .gguf .h5 .hdf5 .joblib .keras .model .msgpack .npz .onnx .pb .pickle .pkl .pt .pth
.safetensors .skops .tflite .ubj .weights
"""
MODEL_SUFFIXES = frozenset(_SUFFIXES.split())
BOOKKEEPING = {
    "wandb": "wandb",
    "mlruns": "mlruns",
    "tensorboard": "**/events.out.tfevents.*",
}
"""Folders and files of trackers: times and random names in them differ from run to run."""
MOST = 8
"""More than this of a kind, and nobody could have meant them one by one."""


@dataclass(frozen=True)
class Entry:
    """One key of repro.yaml: what to write, whether it is set or an example, and why."""

    key: str
    value: Value
    set: bool
    why: str
    seen: str = ""
    """What was found in the project, for the comment and the summary."""


def _found(value: Value, why: str, seen: str) -> Entry:
    return Entry("", value, True, why, seen)


def _example(value: Value, why: str, seen: str = "") -> Entry:
    return Entry("", value, False, why, seen)


def _command(look: Survey) -> Entry:
    why = "What `repro run` executes when it is given no command."
    scripts = [path for path in look.visible if _is_script(path)]
    python = "python" if not look.has("uv.lock") else "uv run python"
    example = f"{python} {shlex.quote(scripts[0]) if scripts else 'train.py'}"
    if look.stages:
        names = _listed(look.stages)
        return _example(
            example,
            f"{why} Without one, the pipeline of dvc.yaml.",
            f"the pipeline of dvc.yaml: {names}",
        )
    if look.trouble:
        return _example(example, why, f"dvc.yaml could not be read: {look.trouble}")
    if "dvc.yaml" in look.visible:
        return _example(example, why, "dvc.yaml, and no DVC repository: dvc init")
    if len(scripts) == 1:
        return _found(example, why, scripts[0])
    return _example(example, why, f"several scripts: {_listed(scripts)}" if scripts else "")


def _is_script(path: str) -> bool:
    place = PurePosixPath(path)
    folder = "" if place.parent.as_posix() == "." else place.parent.as_posix()
    in_place = folder in SCRIPT_FOLDERS
    return place.suffix == ".py" and in_place and SCRIPT.search(place.stem) is not None


def _working_directory(look: Survey) -> Entry:
    return _example("src", "Where the command starts, relative to this file; else beside it.")


def _params(look: Survey) -> Entry:
    why = (
        f"Files with the run's parameters. Those of dvc.yaml, and {', '.join(params.USUAL)} beside"
        " this file, are read without being named."
    )
    known = {path for path, _ in look.declared.params} | set(params.USUAL)
    named = [path for path in look.visible if path not in known and _is_params(path)]
    unnamed = [path for path in sorted(known) if path in look.visible]
    usable = [path for path in named if _safe_params(look, path)]
    if usable and len(usable) <= MOST:
        return _found(tuple(usable), why, _listed([*unnamed, *usable]))
    return _example(("config.yaml",), why, _listed([*unnamed, *usable]))


def _is_params(path: str) -> bool:
    place = PurePosixPath(path)
    folder = "" if place.parent.as_posix() == "." else place.parent.as_posix()
    if folder not in PARAM_FOLDERS or place.suffix.lower() not in (
        ".yaml",
        ".yml",
        ".json",
        ".toml",
    ):
        return False
    return bool(PARAM_FILE.search(place.stem)) or bool(folder)


def _safe_params(look: Survey, path: str) -> bool:
    """Whether there are parameters in it, and none that looks like a secret: those are recorded."""
    values = _values(look, path)
    return bool(values) and not any(
        secrets.looks_secret(name.rpartition(".")[2]) for name in values
    )


def _values(look: Survey, path: str) -> dict[str, MetricType]:
    """The names in a file of parameters or metrics; none where it cannot be read as such."""
    reader = readers.reader_of(path)
    content = look.read(path)
    if reader is None or not content:
        return {}
    try:
        return {item.name: item.type for item in reader(content, path)}
    except ValueError:
        return {}


def _metrics(look: Survey) -> Entry:
    why = (
        "Files with the run's metrics: JSON, YAML, TOML, CSV or TSV. A named one must be written by the"
        " run. Those of dvc.yaml, and files that are called so (metrics.json), are found without."
    )
    found = _metric_files(look)
    seen = [f"{path} (dvc.yaml)" for path in look.declared.metrics] + found
    if found and len(found) <= MOST:
        return _found(tuple(found), why, _listed(seen))
    return _example(("metrics.json", "reports/*.csv"), why, _listed(seen))


def _metric_files(look: Survey) -> list[str]:
    """Files that hold numbers and are called like metrics, and that some run has probably written."""
    known = (*look.declared.metrics, *look.declared.plots, *look.declared.outputs, *look.data)
    return [
        path
        for path in sorted({*look.visible, *look.made})
        if _is_called_metrics(path)
        and (path not in look.tracked or path.endswith(".json"))
        and not globs.any_matches(path, known)
        and {MetricType.NUMBER, MetricType.SERIES} & set(_values(look, path).values())
    ]


def _is_called_metrics(path: str) -> bool:
    place = PurePosixPath(path)
    hidden = any(part.startswith(".") for part in place.parts)
    return len(place.parts) <= 3 and not hidden and METRIC_FILE.search(place.stem) is not None


def _outputs(look: Survey) -> Entry:
    why = (
        "Files and folders that the run must write: a replay without them is different. Whatever else"
        " it writes is recorded and compared as well, without being named."
    )
    found = _model_places(look)
    seen = [f"{path} (dvc.yaml)" for path in look.declared.outputs] + found
    if found and len(found) <= MOST:
        return _found(tuple(found), why, _listed(seen))
    ignored = [name for name in look.ignored_folders if not globs.any_matches(name, look.data)]
    example = f"{ignored[0]}/" if ignored else "models/model.pkl"
    words = [*seen, *(f"{name}/ (ignored by git, nothing in it yet)" for name in ignored)]
    return _example((example,), why, _listed(words))


def _model_places(look: Survey) -> list[str]:
    """Folders, or files at the top, with models that some run has probably written."""
    known = (*look.data, *look.declared.outputs)
    places: dict[str, None] = {}
    for path in look.made:
        place = PurePosixPath(path)
        is_model = place.suffix.lower() in MODEL_SUFFIXES and "pretrained" not in path.lower()
        if not is_model or globs.any_matches(path, known) or path.startswith("."):
            continue
        if len(place.parts) == 1:
            places[path] = None
        else:
            deep = len(place.parts) > 3  # by date or by run: another name each time
            places[f"{place.parts[0] if deep else place.parent.as_posix()}/"] = None
    return [
        name
        for name in places
        if not any(name != other and name.startswith(other) for other in places)
    ]


def _ignore_outputs(look: Survey) -> Entry:
    why = "Files that are no result, though the run writes them: they are neither recorded nor compared."
    found = [
        name
        for name, pattern in BOOKKEEPING.items()
        if any(globs.matches(path, pattern) for path in look.made)
    ]
    if found:
        patterns = tuple(BOOKKEEPING[name] for name in found)
        return _found(
            patterns, f"{why} A tracker's names and times differ in every run.", _listed(found)
        )
    return _example(("logs/", "**/*.tmp"), why)


def _lockfile(look: Survey) -> Entry:
    why = (
        "The lock that the environment was installed from. What is installed is recorded in any case,"
        " with hashes; where the two differ, repro says so."
    )
    found = lockfile.find(look.folder)
    path = None
    if found and Path(found.path).is_relative_to(look.folder):
        path = Path(found.path).relative_to(look.folder).as_posix()
    if path and is_text(path):
        return _found(path, why, path)
    loose = [name for name in look.visible if globs.any_matches(name, ("requirements*.txt",))]
    return _example(
        "requirements.lock", why, f"{_listed(loose)}, which leaves versions open" if loose else ""
    )


def _image(look: Survey) -> Entry:
    why = (
        "The image that the environment is built on, else the official Python image of the same version;"
        " or the project's own Dockerfile: then the run itself happens in the image that it makes."
    )
    patterns = ("Dockerfile", "docker/Dockerfile", "Dockerfile.*", "*.Dockerfile")
    found = [path for path in look.visible if globs.any_matches(path, patterns)]
    found = [path for path in found if not path.endswith((".dockerignore", ".md"))]
    if not found:
        return _example({"dockerfile": "Dockerfile"}, why)
    value = {"dockerfile": plain_yaml.scalar(found[0])}
    if len(found) == 1 and not look.has(*PACKAGE_SIGNS) and lockfile.find(look.folder) is None:
        return _found(value, why, f"{found[0]}, and nothing else that says what to install")
    # it may serve the model as well as train it, and it moves the run away from this machine
    return _example(value, why, f"{_listed(found)}, not used: the run stays on this machine")


def _env(look: Survey) -> Entry:
    why = (
        "Environment variables, by name or glob, that the run depends on: recorded with their values"
        " and set in a replay. Seeds, threads, locale and the like are let through without."
    )
    scripts = [path for path in look.visible if path.endswith(".py") and "test" not in path.lower()]
    unknown = sorted(
        name
        for name in variables.asked(look.folder, scripts[:300]) - variables.OF_THE_MACHINE
        if not globs.any_matches(name, variables.UNASKED) and not secrets.looks_secret(name)
    )
    seen = f"read by the code: {_listed(unknown)}" if unknown else ""
    return _example(tuple(unknown[:MOST]) or ("DATA_VERSION", "MYPROJECT_*"), why, seen)


def _network(look: Survey) -> Entry:
    return _example("true", "Whether a replay may reach the network. Not, unless it is said here.")


def _tolerances(look: Survey) -> Entry:
    why = (
        "How far a metric may be off, by name or glob; the last that fits counts. Every other one"
        " has to be exactly equal."
    )
    names: list[str] = []
    for path in (*look.declared.metrics, *_metric_files(look)):
        names += [name for name, kind in _values(look, path).items() if kind is MetricType.NUMBER]
    # brackets mean something in a glob
    measured = [name for name in names if re.fullmatch(r"[\w./ -]+", name)][:1]
    return _example(
        {
            plain_yaml.scalar("*loss"): "{relative: 1e-6}",
            plain_yaml.scalar("*seconds"): "ignore",
            **{plain_yaml.scalar(name): "{absolute: 0.001}" for name in measured},
        },
        why,
    )


def _log(look: Survey) -> Entry:
    why = (
        "Metrics are read out of what the run prints as well; times, rates, paths and the like are set"
        " aside, and listed. This says it otherwise, by name or glob, or by a pattern of one's own."
    )
    return _example({"ignore": "[lr, throughput*]"}, why)


def _secrets(look: Survey) -> Entry:
    why = (
        "What looks like a secret stops the recording. What is none: its fingerprint, which the refusal"
        " shows, or a glob over the place."
    )
    return _example({"allow": '["tests/fixtures/*"]'}, why)


def _watch(look: Survey) -> Entry:
    why = (
        "How to see which files the run reads and writes, to take along what git and DVC do not track:"
        " seccomp, strace, python, off, or auto."
    )
    return _example("auto", why)


def _inputs_cap(look: Survey) -> Entry:
    return _example("500 MB", "Of such files, so much is taken along; of the rest, the digests.")


def _resume(look: Survey) -> Entry:
    why = (
        "How the training is begun for so many steps, and continued from its checkpoint: for"
        " `repro verify --resume`, which holds two parts to the whole."
    )
    start = "python train.py --steps {steps}"
    return _example(
        {"start": plain_yaml.scalar(start), "continue": plain_yaml.scalar(f"{start} --resume")}, why
    )


def _outputs_cap(look: Survey) -> Entry:
    why = "Outputs up to this size are kept, so that a report can say where two of them differ."
    return _example("16 MB", why)


def _untracked_cap(look: Survey) -> Entry:
    cap = config.UNTRACKED_CAP
    large = [
        path for path in look.visible if path not in look.tracked and look.sizes.get(path, 0) > cap
    ]
    why = "Files that are neither committed nor ignored are recorded with the code, up to this size each."
    seen = f"larger, so left out: {_listed(large)}; dvc add, or ignore them" if large else ""
    return _example("50 MB", why, seen)


KEYS: dict[str, Callable[[Survey], Entry]] = {
    "command": _command,
    "working_directory": _working_directory,
    "params": _params,
    "metrics": _metrics,
    "outputs": _outputs,
    "ignore_outputs": _ignore_outputs,
    "tolerances": _tolerances,
    "lockfile": _lockfile,
    "image": _image,
    "env": _env,
    "network": _network,
    "log": _log,
    "secrets": _secrets,
    "resume": _resume,
    "watch": _watch,
    "inputs_cap": _inputs_cap,
    "outputs_cap": _outputs_cap,
    "untracked_cap": _untracked_cap,
}
"""In the order in which they are written."""


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(plain_yaml.comment(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
