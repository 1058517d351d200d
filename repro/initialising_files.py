"""The files of a training, told from their names and contents: parameters, metrics, models."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from repro import config, globs, plain_yaml
from repro.capturing import params as parameters
from repro.capturing import readers, secrets
from repro.initialising_entry import MOST, Entry, listed
from repro.initialising_survey import Survey
from repro.manifest import MetricType

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


def params(look: Survey) -> Entry:
    why = (
        f"Files with the run's parameters. Those of dvc.yaml, and {', '.join(parameters.USUAL)} beside"
        " this file, are read without being named."
    )
    known = {path for path, _ in look.declared.params} | set(parameters.USUAL)
    named = [path for path in look.visible if path not in known and _is_params(path)]
    unnamed = [path for path in sorted(known) if path in look.visible]
    usable = [path for path in named if _safe_params(look, path)]
    if usable and len(usable) <= MOST:
        return Entry.found(tuple(usable), why, listed([*unnamed, *usable]))
    return Entry.example(("config.yaml",), why, listed([*unnamed, *usable]))


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


def metrics(look: Survey) -> Entry:
    why = (
        "Files with the run's metrics: JSON, YAML, TOML, CSV or TSV. A named one must be written by the"
        " run. Those of dvc.yaml, and files that are called so (metrics.json), are found without."
    )
    found = _metric_files(look)
    seen = [f"{path} (dvc.yaml)" for path in look.declared.metrics] + found
    if found and len(found) <= MOST:
        return Entry.found(tuple(found), why, listed(seen))
    return Entry.example(("metrics.json", "reports/*.csv"), why, listed(seen))


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


def outputs(look: Survey) -> Entry:
    why = (
        "Files and folders that the run must write: a replay without them is different. Whatever else"
        " it writes is recorded and compared as well, without being named."
    )
    found = _model_places(look)
    seen = [f"{path} (dvc.yaml)" for path in look.declared.outputs] + found
    if found and len(found) <= MOST:
        return Entry.found(tuple(found), why, listed(seen))
    ignored = [name for name in look.ignored_folders if not globs.any_matches(name, look.data)]
    example = f"{ignored[0]}/" if ignored else "models/model.pkl"
    words = [*seen, *(f"{name}/ (ignored by git, nothing in it yet)" for name in ignored)]
    return Entry.example((example,), why, listed(words))


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


def ignore_outputs(look: Survey) -> Entry:
    why = "Files that are no result, though the run writes them: they are neither recorded nor compared."
    found = [
        name
        for name, pattern in BOOKKEEPING.items()
        if any(globs.matches(path, pattern) for path in look.made)
    ]
    if found:
        patterns = tuple(BOOKKEEPING[name] for name in found)
        return Entry.found(
            patterns, f"{why} A tracker's names and times differ in every run.", listed(found)
        )
    return Entry.example(("logs/", "**/*.tmp"), why)


def tolerances(look: Survey) -> Entry:
    why = (
        "How far a metric may be off, by name or glob; the last that fits counts. Every other one"
        " has to be exactly equal."
    )
    names: list[str] = []
    for path in (*look.declared.metrics, *_metric_files(look)):
        names += [name for name, kind in _values(look, path).items() if kind is MetricType.NUMBER]
    # brackets mean something in a glob
    measured = [name for name in names if re.fullmatch(r"[\w./ -]+", name)][:1]
    return Entry.example(
        {
            plain_yaml.scalar("*loss"): "{relative: 1e-6}",
            plain_yaml.scalar("*seconds"): "ignore",
            **{plain_yaml.scalar(name): "{absolute: 0.001}" for name in measured},
        },
        why,
    )


def untracked_cap(look: Survey) -> Entry:
    cap = config.UNTRACKED_CAP
    large = [
        path for path in look.visible if path not in look.tracked and look.sizes.get(path, 0) > cap
    ]
    why = "Files that are neither committed nor ignored are recorded with the code, up to this size each."
    seen = f"larger, so left out: {listed(large)}; dvc add, or ignore them" if large else ""
    return Entry.example("50 MB", why, seen)
