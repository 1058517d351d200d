"""Reads repro.yaml: what the project says about itself, checked key by key (specs/config.md)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repro import config_values as values
from repro import plain_yaml, shell_words
from repro.errors import UsageError
from repro.log_metrics import Rules
from repro.manifest import Tolerance
from repro.watching.nouns import Mode

NAME = "repro.yaml"
UNTRACKED_CAP = 50 * 1000**2
"""Bytes: larger untracked files are left out of the source, and named."""

INPUTS_CAP = 500 * 1000**2
"""Bytes: of the files that a run read and that neither git nor DVC tracks, as much is taken along."""


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
        raise UsageError(f"{path.name}: expected keys and values, found {values.kind(document)}")
    config = Config(path=path)
    for key, value in document.items():
        if key not in _KEYS:
            raise UsageError(f"{path.name}: unknown key {values.kind(key)}", _nearest(str(key)))
        try:
            config = _KEYS[key](config, value)
        except ValueError as error:
            raise UsageError(f"{path.name}: {key}: {error}", "see specs/config.md") from error
    return config


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"the keys are: {', '.join(sorted(_KEYS))}"


def _command(config: Config, value: Any) -> Config:
    if isinstance(value, list) and value:
        return replace(config, command=tuple(values.word(item) for item in value))
    text = value.strip() if isinstance(value, str) else value
    expected = "a command line, or a list of its words"
    # a block scalar (`command: |`) has lines; a tab separates words as a blank does
    values.text(re.sub(r"[\t\n]", " ", text) if isinstance(text, str) else text, expected)
    assert isinstance(text, str)
    return replace(config, command=shell_words.command_words(text))


def _image(config: Config, value: Any) -> Config:
    if isinstance(value, dict):
        if set(value) != {"dockerfile"}:
            raise ValueError("expected an image reference, or 'dockerfile: PATH'")
        return replace(config, dockerfile=values.path(value["dockerfile"]))
    reference = values.text(value, "an image reference, or 'dockerfile: PATH'")
    if re.search(r"\s", reference):
        raise ValueError(f"expected an image reference, found {values.kind(value)}")
    return replace(config, image=reference)


def _network(config: Config, value: Any) -> Config:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {values.kind(value)}")
    return replace(config, network=value)


def _tolerances(config: Config, value: Any) -> Config:
    if not isinstance(value, dict):
        raise ValueError(f"expected a tolerance per metric, found {values.kind(value)}")
    return replace(
        config, tolerances=tuple(_tolerance(_metric(glob), item) for glob, item in value.items())
    )


def _metric(glob: Any) -> str:
    """A metric may be called 1; of other scalars nobody could tell how they were written."""
    if isinstance(glob, int) and not isinstance(glob, bool):
        return str(glob)
    return values.text(glob, "the name of a metric, or a glob")


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
                f"{pattern!r}: {name}: expected a number of 0 or more, found {values.kind(number)}"
            )
    if value.get("relative", 0) >= 1:
        raise ValueError(
            f"{pattern!r}: relative: {value['relative']} would let any two numbers of one sign pass; 5 % is 0.05, "
            "and 'ignore' leaves a metric out"
        )
    return Tolerance(pattern, float(value.get("absolute", 0)), float(value.get("relative", 0)))


def _log(config: Config, value: Any) -> Config:
    if not isinstance(value, dict) or not value or set(value) - {"patterns", "ignore"}:
        raise ValueError(f"expected 'patterns' or 'ignore', found {values.kind(value)}")
    patterns = values.texts(value.get("patterns", []), "a regular expression")
    Rules.check(patterns)
    return replace(
        config, log=Rules(patterns, values.texts(value.get("ignore", []), "a name, or a glob"))
    )


def _watch(config: Config, value: Any) -> Config:
    # of YAML 1.1 some remember `off` as false
    wanted = "off" if value is False else value
    known = [mode.value for mode in Mode]
    if wanted not in known:
        raise ValueError(f"expected one of {', '.join(known)}, found {values.kind(value)}")
    return replace(config, watch=Mode(wanted))


def _resume(config: Config, value: Any) -> Config:
    if not isinstance(value, dict) or value.keys() != {"start", "continue"}:
        raise ValueError(f"expected the keys start and continue, found {values.kind(value)}")
    start, go_on = (_command(config, value[key]).command for key in ("start", "continue"))
    if not any("{steps}" in word for word in start):
        raise ValueError("start: expected {steps} where the number of steps goes")
    return replace(config, resume=Resume(start, go_on))


def _secrets(config: Config, value: Any) -> Config:
    if not isinstance(value, dict) or value.keys() != {"allow"}:
        raise ValueError(f"expected the key allow, found {values.kind(value)}")
    from repro import scanning  # it takes a while, and few projects need it

    entries = [value["allow"]] if isinstance(value["allow"], str) else value["allow"]
    scanning.parse(entries)
    return replace(config, allowed_secrets=tuple(entries or ()))


_NAMES = "a list of variables' names"

_KEYS: dict[str, Callable[[Config, Any], Config]] = {
    "command": _command,
    "working_directory": lambda c, v: replace(c, working_directory=values.folder(v)),
    "params": lambda c, v: replace(c, params=values.paths(v)),
    "metrics": lambda c, v: replace(c, metrics=values.paths(v)),
    "outputs": lambda c, v: replace(c, outputs=values.paths(v)),
    "ignore_outputs": lambda c, v: replace(c, ignored_outputs=values.places(v)),
    "lockfile": lambda c, v: replace(c, lockfile=values.path(v)),
    "image": _image,
    "env": lambda c, v: replace(c, env=values.texts(v, "a variable's name, or a glob", _NAMES)),
    "network": _network,
    "tolerances": _tolerances,
    "log": _log,
    "secrets": _secrets,
    "untracked_cap": lambda c, v: replace(c, untracked_cap=values.size(v)),
    "inputs_cap": lambda c, v: replace(c, inputs_cap=values.size(v)),
    "outputs_cap": lambda c, v: replace(c, outputs_cap=values.size(v)),
    "watch": _watch,
    "resume": _resume,
}
