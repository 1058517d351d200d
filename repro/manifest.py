"""The nouns: what a run is made of, and the document that describes it (specs/manifest.md).

Everything here is frozen and plain: no I/O, no third-party nouns. Paths are relative to the workspace
(the top of the git repository), POSIX, as ``os.fsdecode`` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from repro import canonical
from repro.errors import Corrupt, NewerSchema

SCHEMA = "repro/manifest/v1"
REPLAY_SCHEMA = "repro/replay/v1"

REDACTED = "<redacted>"
"""What stands where a secret was taken out."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Descriptor:
    """A piece of content: where it stands, what it is, how large it is (bytes).

    An output's path begins with ``/`` where it lies outside of the workspace."""

    path: str
    digest: str
    size: int
    media_type: str = "application/octet-stream"
    executable: bool = False
    link: str | None = None
    """Target, where the path is a symbolic link; the digest is then that of the target's text."""
    form: str | None = None
    """The format as which it was read to take out what is cosmetic, with a version: ``pdf/1``."""
    content: str | None = None
    """Digest of what is left then: dates, member times and generated ids do not count in it."""


# --- definition: what went in ---------------------------------------------------------------


@dataclass(frozen=True)
class Submodule:
    """A git repository inside the source, with its own commit and its own dirty state."""

    path: str
    commit: str | None
    tree: str


@dataclass(frozen=True)
class Source:
    """The code as git knows it. ``tree`` is the id of the work tree as it was, dirty state included."""

    commit: str | None
    """HEAD; None on a branch without commits."""
    tree: str
    object_format: str = "sha1"
    submodules: tuple[Submodule, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    """git settings that change what a checkout writes (core.autocrlf, core.eol, …)."""


class DataKind(str, Enum):
    FILE = "file"
    DIRECTORY = "directory"


@dataclass(frozen=True)
class Data:
    """One DVC output as it was when the run began: a file, or a folder with a listing."""

    path: str
    kind: DataKind
    hash: str
    """``md5:<hex>``, for a folder ``md5:<hex>.dir``: DVC's hash of what lies in the workspace."""
    size: int
    files: int


class PackageOrigin(str, Enum):
    INDEX = "index"
    EDITABLE = "editable"
    VCS = "vcs"
    URL = "url"
    LOCAL = "local"


@dataclass(frozen=True)
class Package:
    """One installed distribution. ``location`` is the path, URL or repository it came from."""

    name: str
    version: str
    origin: PackageOrigin = PackageOrigin.INDEX
    location: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs the command, not repro's own."""

    version: str
    implementation: str = "CPython"


class EnvironmentKind(str, Enum):
    PACKAGES = "packages"
    """A base image with the recorded packages installed on top."""
    IMAGE = "image"
    """An image that is the whole environment."""
    DOCKERFILE = "dockerfile"
    """An image built from the project's own Dockerfile."""


@dataclass(frozen=True)
class Image:
    """A container image. ``digest`` is what a registry knows it by, ``id`` what one engine does."""

    reference: str
    digest: str | None = None
    id: str | None = None
    dockerfile: str | None = None
    """Path of the project's own Dockerfile, when the image is built from it."""
    bases: dict[str, str | None] = field(default_factory=dict)
    """The images that the Dockerfile starts from, each with its digest where it is known."""


@dataclass(frozen=True)
class CondaFile:
    """One package of conda as it is installed: the file that it is made again from."""

    name: str
    version: str
    build: str = ""
    url: str | None = None
    """Of its file, without credentials; None: none that others can reach."""
    md5: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Environment:
    kind: EnvironmentKind
    image: Image | None
    interpreter: Interpreter | None = None
    packages: tuple[Package, ...] = ()
    tools: tuple[str, ...] = ()
    """Programs that the command starts and that a slim image lacks: make, git, gcc."""
    conda: tuple[CondaFile, ...] = ()
    """All that conda installed, where the interpreter is one of conda's; ``packages`` has those of Python
    among it too."""


@dataclass(frozen=True)
class Stage:
    """One stage of a DVC pipeline, in the order of execution."""

    name: str
    commands: tuple[str, ...]
    working_directory: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """What was executed: an argument vector, or the stages of a pipeline."""

    argv: tuple[str, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Param:
    """One hyperparameter: the file it stands in, its dotted name, its value."""

    source: str
    name: str
    value: Scalar


@dataclass(frozen=True)
class Service:
    """A server that the command used, for which one stands in at a replay."""

    name: str
    """``mlflow``."""
    url: str
    """Without password."""
    variable: str | None = None
    """Environment variable that the command took the address from."""


@dataclass(frozen=True)
class Definition:
    """What went in. Its identity is ``definition_id``; nothing in it tells who, when or where."""

    source: Source
    data: tuple[Data, ...]
    environment: Environment
    command: Command
    working_directory: str = ""
    env: dict[str, str] = field(default_factory=dict)
    params: tuple[Param, ...] = ()
    inputs: tuple[Descriptor, ...] = ()
    """Files that the run read and that neither git nor DVC tracks. A path that begins with ``/`` is one
    of the machine, with ``~/`` one of the home folder."""
    services: tuple[Service, ...] = ()


# --- result: what came out ------------------------------------------------------------------


class MetricType(str, Enum):
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    NULL = "null"
    EMPTY_OBJECT = "empty object"
    EMPTY_ARRAY = "empty array"
    SERIES = "series"


@dataclass(frozen=True)
class Metric:
    """One measured value, or a series of them by step."""

    source: str
    """Path of the file it was read from."""
    name: str
    """Key in that file; nested keys are joined by dots, a dot in a key is written ``\\.``."""
    type: MetricType
    value: Scalar = None
    steps: tuple[Scalar, ...] = ()
    values: tuple[Scalar, ...] = ()
    """For a series: as many as there are steps, in the file's order."""


class SourceState(str, Enum):
    """What became of a place where metrics were expected."""

    READ = "read"
    EMPTY = "empty"
    """There, but with no value in it."""
    UNREADABLE = "unreadable"
    """There, but not in the format its name promises."""
    MISSING = "missing"
    """Not there after the run."""
    STALE = "stale"
    """There, but left over: this run did not write it."""


@dataclass(frozen=True)
class MetricSource:
    path: str
    state: SourceState
    declared: bool = True
    """Named by repro.yaml or dvc.yaml; False when it was found among the outputs."""
    detail: str = ""
    runs: tuple[str, ...] = ()
    """MLflow's ids of the runs that they were logged to."""


class Aside(str, Enum):
    """Why a number that was printed is no metric."""

    DURATION = "duration"
    RATE = "rate"
    DATE = "date"
    PATH = "path"
    IDENTIFIER = "identifier"
    MEMORY = "memory"
    PROGRESS = "progress"
    SETTING = "setting"
    """Of the machine, or a count of it: a port, a process id, a number of workers."""
    IGNORED = "ignored"
    """By the project's own ``log: ignore``."""
    UNREAD = "unread"
    """Past the length up to which a log is read."""


@dataclass(frozen=True)
class Uncompared:
    """A number in a log that was recognised and is not compared, once per name."""

    source: str
    name: str
    reason: Aside
    example: str = ""
    """As it was printed the first time, at most 80 characters."""
    count: int = 1


@dataclass(frozen=True)
class GPU:
    name: str
    memory: int | None = None
    """Bytes."""
    driver: str | None = None


@dataclass(frozen=True)
class Host:
    """The machine and its settings: what usually explains a difference. None: not known."""

    system: str | None = None
    kernel: str | None = None
    distribution: str | None = None
    libc: str | None = None
    architecture: str | None = None
    cpu: str | None = None
    cpus: int | None = None
    """Visible to the command, not those in the machine."""
    cpu_flags: str | None = None
    """Digest of the instruction sets the CPU offers, and the widest vector one."""
    memory: int | None = None
    """Bytes."""
    gpus: tuple[GPU, ...] | None = None
    cuda: str | None = None
    blas: tuple[str, ...] | None = None
    threads: dict[str, str] = field(default_factory=dict)
    """Thread settings in force: OMP_NUM_THREADS and its kin."""
    python: str | None = None
    engine: str | None = None
    isolation: str | None = None
    """``container``, ``none``; what stood between the command and the machine."""


class Outcome(str, Enum):
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class StageRun:
    """What became of one stage of a pipeline."""

    name: str
    seconds: float | None = None
    """How long it took; None: DVC did not execute it, since nothing it depends on had changed."""


@dataclass(frozen=True)
class Result:
    """What one execution yielded. Times are UTC, ISO 8601; durations in seconds; memory in bytes."""

    observed: bool
    """False: read from the disk afterwards, nothing was executed."""
    outcome: Outcome
    exit_code: int | None
    started: str | None
    ended: str | None
    duration: float | None
    peak_memory: int | None
    host: Host
    metrics: tuple[Metric, ...] = ()
    metric_sources: tuple[MetricSource, ...] = ()
    outputs: tuple[Descriptor, ...] = ()
    missing_outputs: tuple[str, ...] = ()
    """Declared, and not written by this run."""
    deleted: tuple[str, ...] = ()
    """Files that were there before and are gone after."""
    modified_inputs: tuple[str, ...] = ()
    """Data and tracked files that the run itself rewrote."""
    logs: tuple[Descriptor, ...] = ()
    uncompared: tuple[Uncompared, ...] = ()
    """What the log's reader saw and did not take for a metric."""
    stages: tuple[StageRun, ...] = ()
    """Of a pipeline, in the order of their execution."""
    watched: str = ""
    """What watched its file accesses: ``seccomp``, ``strace``, ``python``, ``partly`` (not to the end);
    empty: nothing did."""
    source_read: tuple[str, ...] = ()
    """Files of the source that it read, relative to the workspace; empty where not all could be seen."""


# --- the documents --------------------------------------------------------------------------


class Severity(str, Enum):
    """How bad a finding is for a replay elsewhere."""

    BREAKS = "breaks"
    RISKS = "risks"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Something that could not be captured, pinned or compared: what it means, and its remedy."""

    severity: Severity
    subject: str
    """Ingredient: source, data, packages, image, params, env, metrics, outputs, host, command."""
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Redaction:
    """A secret that was taken out, and ``<redacted>`` put in its place."""

    place: str
    """JSON pointer to the value in the manifest; or the role of the log that it stood in."""
    kind: str
    """What it looked like: ``a GitHub token``."""
    name: str = ""
    """The name that the value was given."""
    line: int | None = None
    """Of the log, counted from 1."""


@dataclass(frozen=True)
class Tolerance:
    """How far a metric may move. ``pattern`` is a glob over its name, or over ``file:name``."""

    pattern: str
    absolute: float = 0.0
    relative: float = 0.0
    ignore: bool = False


@dataclass(frozen=True)
class Policy:
    """What the project asks of a comparison and of a replay; not part of the definition."""

    tolerances: tuple[Tolerance, ...] = ()
    metrics: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ignored_outputs: tuple[str, ...] = ()
    network: bool = False
    log_patterns: tuple[str, ...] = ()
    """Regular expressions that read metrics out of the log."""
    log_ignored: tuple[str, ...] = ()
    """Globs over names of metrics in the log that are not compared."""


@dataclass(frozen=True)
class Provenance:
    """Where the source came from: for people, and for finding it again. No part of the identity."""

    project: str = ""
    """The project's folder inside the workspace."""
    workspace: str | None = None
    """Absolute path of the workspace when it was recorded: the path a replay gives it inside."""
    branch: str | None = None
    remotes: dict[str, str] = field(default_factory=dict)
    """URLs without credentials."""
    pushed: bool | None = None
    """Whether a remote-tracking branch holds the commit; None: there is no remote to ask."""
    subject: str | None = None
    tags: tuple[str, ...] = ()
    """Tags on the commit, for training code that asks for `git describe`."""
    changed: tuple[str, ...] = ()
    """Files that differ from the commit, as ``git status`` marks them: ``M path``."""
    skipped: tuple[str, ...] = ()
    """Untracked files that were left out by the size cap."""
    data: dict[str, DataPlaces] = field(default_factory=dict)
    lockfile: str | None = None
    """The project's own lockfile, when it has one."""
    interpreter: str | None = None
    """Path of the Python that ran the command."""
    interpreter_found: str | None = None
    """How it was found, in words."""
    prefix: str | None = None
    """Its virtual environment, absolute; None for an interpreter outside of any."""


@dataclass(frozen=True)
class DataPlaces:
    """Where a DVC output can be had, as known at capture."""

    declared_in: str
    recorded: str | None
    """The hash that DVC has on record; other than the data's own when that was changed since."""
    cache: bool
    remote: str | None = None
    remote_url: str | None = None
    on_remote: bool | None = None
    """None: not asked."""


@dataclass(frozen=True)
class Manifest:
    """One run, whole. Its run id is the digest of its canonical JSON."""

    definition: Definition
    result: Result
    created: str
    provenance: Provenance = field(default_factory=Provenance)
    policy: Policy = field(default_factory=Policy)
    findings: tuple[Finding, ...] = ()
    contents: tuple[Descriptor, ...] = ()
    """The blobs that a replay needs, by role: ``source/…``, ``data/…``, ``environment/…``."""
    redacted: tuple[Redaction, ...] = ()
    """What was taken out of the manifest and of its logs: there "equal" says nothing."""
    tool: str = ""
    definition_id: str = ""
    """Identity of the definition; ``dumps`` writes it, ``loads`` verifies it."""
    schema: str = field(default=SCHEMA, metadata={"always": True})

    def content(self, role: str) -> Descriptor | None:
        """The descriptor of the blob with that role."""
        return next((item for item in self.contents if item.path == role), None)


def definition_id(definition: Definition) -> str:
    """``sha256:<hex>`` of the definition's canonical JSON: the same thing has the same id."""
    return canonical.digest_bytes(canonical.dumps(to_document(definition)))


def run_id(content: bytes) -> str:
    """The run's id, from its manifest's bytes: 64 hex digits; any unique prefix names the run."""
    return canonical.digest_bytes(content).removeprefix("sha256:")


def dumps(manifest: Manifest) -> bytes:
    """The manifest as canonical JSON, its ``definition_id`` filled in."""
    document = to_document(manifest)
    document["definition_id"] = canonical.digest_bytes(canonical.dumps(document["definition"]))
    return canonical.dumps(document)


def loads(content: bytes, name: str = "manifest") -> Manifest:
    """The inverse of ``dumps``; ``name`` is what error messages call the document.

    Raises Corrupt where it is not a manifest, NewerSchema where a later repro wrote it.
    """
    document = parse(content, SCHEMA, name)
    # over the document as it stands, so that a field this version does not know counts too
    found = canonical.digest_bytes(canonical.dumps(document.get("definition")))
    if document.get("definition_id") != found:
        raise Corrupt(f"{name}: its definition does not have the definition_id that it states")
    return from_document(Manifest, document, name)


def parse(content: bytes, schema: str, name: str) -> dict[str, Any]:
    """The JSON object, once its ``schema`` is one that this version reads."""
    try:
        document = canonical.loads(content)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{name} is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise Corrupt(f"{name} is not a document of repro: it names no schema")
    family, _, version = schema.rpartition("/")
    theirs, _, their_version = document["schema"].rpartition("/")
    if theirs != family:
        raise Corrupt(f"{name} has schema {document['schema']!r} where {schema!r} was expected")
    if their_version != version:
        raise NewerSchema(
            f"{name} has schema {document['schema']!r}, this repro reads {schema!r}",
            "update repro: pip install -U repro-engine",
        )
    return document


def to_document(noun: Any) -> Any:
    """Plain dicts and lists. A field at its default is left out, so that a later version can add
    fields without changing the identity of what is described."""
    if is_dataclass(noun) and not isinstance(noun, type):
        return {
            item.name: to_document(value)
            for item in fields(noun)
            if not _is_default(item, value := getattr(noun, item.name))
        }
    if isinstance(noun, Enum):
        return noun.value
    if isinstance(noun, Mapping):
        return {key: to_document(value) for key, value in noun.items()}
    if isinstance(noun, tuple | list):
        return [to_document(value) for value in noun]
    return noun


def _is_default(item: Field[Any], value: Any) -> bool:
    if "always" in item.metadata:
        return False
    if item.default is not MISSING:
        return type(value) is type(item.default) and bool(value == item.default)
    return item.default_factory is not MISSING and value == item.default_factory()


Noun = TypeVar("Noun")


def from_document(kind: type[Noun], document: Any, name: str) -> Noun:
    """A noun from plain dicts and lists. Unknown fields are ignored; a wrong type is Corrupt."""
    import msgspec  # 8 ms, which recording a run and asking for help need not wait for

    try:
        return msgspec.convert(document, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        # the latter: a lone surrogate where one of a list of words should stand
        raise Corrupt(f"{name} is not valid: {error}") from error
