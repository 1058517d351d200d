"""What a watched run read and wrote beside the files that are recorded anyway."""

from __future__ import annotations

import os
import posixpath
import stat
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro import globs, watching
from repro.capturing import data, dvc_config, earlier, inputs, links, results, secrets, variables
from repro.capturing.earlier import Earlier
from repro.capturing.files import Changes, Scan
from repro.capturing.inputs import Inputs, Read
from repro.capturing.probing import Probe
from repro.manifest import Descriptor, Finding, Service, Severity
from repro.project import Project
from repro.sessions import Session
from repro.watching import Folded, Seen

TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
TOOLS_FOLDERS = frozenset(
    (
        "CUDA_CACHE_PATH",
        "IPYTHONDIR",
        "JUPYTER_CONFIG_DIR",
        "MPLCONFIGDIR",
        "NUMBA_CACHE_DIR",
        "PIP_CACHE_DIR",
        "PYTHONPYCACHEPREFIX",
        "TRITON_CACHE_DIR",
        "UV_CACHE_DIR",
        "UV_PYTHON_INSTALL_DIR",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    )
)
"""Variables that name a folder in which tools keep their own."""
CACHES = frozenset(
    (
        "HF_DATASETS_CACHE",
        "HF_HOME",
        "HF_HUB_CACHE",
        "KERAS_HOME",
        "TORCH_HOME",
        "TRANSFORMERS_CACHE",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    )
)
"""Variables that name a folder in which libraries keep data: read it is an input, written it is no output."""
DVC_OWN = ("/var/cache/dvc", "/var/lib/dvc", "~/.cache/dvc", "~/.config/dvc", "~/.local/share/dvc")
"""Where DVC keeps its own state: nothing of the training's."""


@dataclass(frozen=True)
class Observed:
    """For the manifest: inputs, outputs outside of the workspace, programs, and what is to be said."""

    inputs: Inputs = field(default_factory=Inputs)
    outputs: tuple[Descriptor, ...] = ()
    tools: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    findings: tuple[Finding, ...] = ()
    method: str = ""
    installed: bool = False
    """Whether the run changed which packages there are."""
    source_read: tuple[str, ...] = ()
    """Recorded files that it read; empty where not all could be seen."""


@dataclass(frozen=True)
class Scene:
    """One run, as far as it bears on what its accesses mean."""

    project: Project
    session: Session
    probe: Probe | None
    environ: Mapping[str, str]
    allowed: Mapping[str, str]
    """The variables that are recorded."""
    shell_line: str
    """What a shell was given to execute; empty where none was."""
    recorded: Collection[str]
    """Paths that are part of the record already, relative to the workspace."""
    before: Scan
    moved: Changes
    started: float
    """Seconds since the epoch."""
    earlier: Earlier = field(default_factory=Earlier)
    """What some of the files held before."""


def observe(seen: Seen, scene: Scene) -> Observed:
    """Take what the run read, describe what it wrote elsewhere."""
    severity = Severity.RISKS if seen.method == watching.PARTLY else Severity.NOTE
    limits = tuple(Finding(severity, "inputs", said) for said in seen.limits)
    if seen.method == "none":
        return Observed(findings=limits)
    watched = _watched(scene)
    folded = watching.fold(seen, watched)
    programs = watching.tools(seen, watched.interpreters, watched.workspace)
    taken = inputs.take(
        scene.project.store, _read(folded, scene), scene.project.config.inputs_cap, scene.started
    )
    outputs, concerns = _outputs(folded, scene)
    return Observed(
        taken,
        outputs,
        tuple(dict.fromkeys(posixpath.basename(path) for path in programs)),
        seen.connections,
        (),
        (
            *taken.findings,
            *_appended(folded, scene, taken),
            *concerns,
            *_variables(folded, scene),
            *_environments(folded),
            *limits,
        ),
        seen.method,
        bool(folded.installed),
        tuple(path for path in folded.inside if path in scene.recorded)
        if seen.method in watching.SEES_ALL and not seen.limits
        else (),
    )


def _appended(folded: Folded, scene: Scene, taken: Inputs) -> Iterator[Finding]:
    """What an earlier run left, and this one wrote on, and which was not taken along as it was before."""
    along = {item.path for item in taken.items}
    left = [
        path
        for path in folded.appended
        if path not in scene.recorded
        and path not in along
        and path in scene.before.files
        and scene.before.files[path].size
    ]
    if left:
        yield Finding(
            Severity.RISKS,
            "inputs",
            f"the run appended to what an earlier one left, and a replay begins without that: {_listed(left)}",
            "delete it before a run that is to be replayed, or commit it; or have each run write to a file "
            "of its own",
        )


def _environments(folded: Folded) -> Iterator[Finding]:
    """What tox and nox make for themselves: packages that are not those of the recorded environment."""
    if folded.environments:
        first = folded.environments[0]
        yield Finding(
            Severity.RISKS,
            "packages",
            f"the run used another environment of the project, whose packages are no part of the record: "
            f"{_listed(folded.environments)}",
            f"record the command that runs in it: repro run -- {first}/bin/python …",
        )


def _variables(folded: Folded, scene: Scene) -> Iterator[Finding]:
    """Variables that are set here and that the code which was read asks for, and a replay would not have."""
    asked = variables.asked(scene.project.workspace, folded.inside)
    asked |= variables.asked_by_line(scene.shell_line)
    here = {name for name in scene.environ if globs.any_matches(name, tuple(asked))}
    given = here - scene.allowed.keys() - variables.OF_THE_MACHINE
    hidden = sorted(name for name in given if secrets.looks_secret(name))
    if open_names := sorted(given.difference(hidden)):
        yield Finding(
            Severity.RISKS,
            "env",
            f"the code asks for {_listed(open_names)}, which {_is(open_names)} set here and not recorded:"
            " a replay runs without",
            f"if the result depends on it, into repro.yaml: env: [{', '.join(open_names[:8])}]",
        )
    if hidden:
        yield Finding(
            Severity.NOTE,
            "env",
            f"the code asks for {_listed(hidden)}: taken for a secret, not recorded; a replay runs without",
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _watched(scene: Scene) -> watching.Scene:
    project, home = scene.project, scene.environ.get("HOME", "")
    probe = scene.probe
    interpreters = [sys.prefix, sys.base_prefix]
    if probe:
        # not its whole search path: a PYTHONPATH elsewhere holds code that goes into the run
        interpreters += [probe.prefix, probe.base_prefix, *probe.sites]
    temporary = (*TEMPORARY, *filter(None, [scene.environ.get("TMPDIR")]))
    own = tuple(path.replace("~", home, 1) for path in DVC_OWN if home or path[0] == "/")
    return watching.Scene(
        workspace=str(project.workspace),
        interpreters=_real(interpreters),
        home=os.path.realpath(home) if home else "",
        temporary=_real(temporary),
        ours=_real((project.store.root, scene.session.path, *own, *_named(scene, TOOLS_FOLDERS))),
        caches=_real(_named(scene, CACHES)),
        known=_real(_caches(project)),
    )


def _named(scene: Scene, variables: Collection[str]) -> tuple[str, ...]:
    """The folders that these variables name; one that holds the project is none."""
    found = (scene.environ.get(name, "") for name in sorted(variables))
    inside = str(scene.project.workspace)
    return tuple(
        path
        for path in found
        if path.startswith("/") and not f"{inside}/".startswith(f"{path.rstrip('/')}/")
    )


def _real(paths: Collection[str | Path]) -> tuple[str, ...]:
    """As the kernel names them; a name that leads elsewhere stands for both places."""
    found = [name for path in paths for name in (str(path), os.path.realpath(path))]
    return tuple(dict.fromkeys(name for name in found if name.startswith("/") and name != "/"))


def _caches(project: Project) -> tuple[Path, ...]:
    dvc = data.find_dvc(project.folder, project.workspace)
    return (dvc_config.read_config(dvc).cache,) if dvc else ()


def _read(folded: Folded, scene: Scene) -> Read:
    """What was there before, and is in no other part of the record."""
    before, rewritten = scene.before, set(scene.moved.written) | set(scene.moved.deleted)
    inside = [
        path
        for path in folded.inside
        if path not in scene.recorded
        and path in before.files
        and not any(path.startswith(f"{folder}/") for folder in before.environments)
    ]
    leading = links.leading(
        scene.project.workspace, _links(scene, folded), folded.inside, folded.home, *folded.outside
    )
    home = set(folded.home) - leading.beyond
    changed = {path for path in inside if path in rewritten}
    added = earlier.added_to(
        scene.earlier, scene.project.workspace, scene.moved.written, scene.moved.deleted
    )
    of_before = changed | {path for path in added if path not in scene.recorded}
    copies = scene.earlier.copies
    return Read(
        scene.project.workspace,
        Path(os.path.realpath(scene.environ.get("HOME", "/"))),
        tuple(path for path in inside if path not in rewritten),
        tuple(sorted(home)),
        tuple(sorted({*folded.outside, *leading.beyond} - home)),
        tuple(sorted(changed - copies.keys())),
        {path: copies[path] for path in sorted(of_before & copies.keys())},
        {
            path: target
            for path, target in leading.targets.items()
            if path not in scene.recorded and path not in rewritten
        },
    )


def _links(scene: Scene, folded: Folded) -> list[str]:
    """The links that were there before; the recorded ones matter only where they may lead to the home
    folder, and there can be thousands."""
    return [
        path
        for path, stamp in scene.before.files.items()
        if stat.S_ISLNK(stamp.mode) and (folded.home or path not in scene.recorded)
    ]


def _outputs(folded: Folded, scene: Scene) -> tuple[tuple[Descriptor, ...], tuple[Finding, ...]]:
    """Files written outside of the workspace, as they are now; those below HOME are none."""
    found, gone = [], []
    for path in folded.written_outside:
        try:
            if Path(path).is_file():
                found.append(results.describe(Path("/"), path, cache_links=False))
        except OSError:
            gone.append(path)
    findings = []
    if gone:
        findings.append(
            Finding(
                Severity.RISKS,
                "outputs",
                f"written outside of the project, and unreadable now: {', '.join(gone[:5])}",
                "what the run wrote there is not recorded; check the permissions",
            )
        )
    if folded.written_environment:
        count = len(folded.written_environment)
        findings.append(
            Finding(
                Severity.NOTE,
                "outputs",
                f"written into the Python environment, and no output: {folded.written_environment[0]}"
                + (f" and {count - 1} more" if count > 1 else ""),
                "write what counts into the project",
            )
        )
    if folded.written_home:
        shown = ", ".join(folded.written_home[:3])
        more = f" and {len(folded.written_home) - 3} more" if len(folded.written_home) > 3 else ""
        findings.append(
            Finding(
                Severity.NOTE,
                "outputs",
                f"written below the home folder, and taken for a cache, not an output: {shown}{more}",
                "write what counts into the project; a replay has a home folder of its own",
            )
        )
    return tuple(found), tuple(findings)
