"""All that is varied, in the order in which it is reported."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from repro.errors import UsageError
from repro.variations import processors
from repro.variations.nouns import Conditions, Held, Scene, Variation

LATER = 400 * 86400.0 + 7 * 3600.0 + 1234.0
"""Seconds: another year, month, day of the week and hour."""
EPOCH = 1_600_000_000.0
TICK = 0.01
"""Seconds that a held clock moves whenever it is asked: a loop that waits for it must end."""


def _env(values: Mapping[str, str], scene: Scene) -> Conditions | Held:
    """These variables, unless the run itself has set one of them."""
    pinned = sorted(values.keys() & scene.env.keys())
    if pinned:
        return Held(f"the run itself sets {', '.join(f'{n}={scene.env[n]}' for n in pinned)}")
    return Conditions(env=values)


def _hash_seed(scene: Scene, attempt: int) -> Conditions | Held:
    return _env({"PYTHONHASHSEED": str(1 + 4242 * attempt)}, scene)


def _hold_hash_seed(scene: Scene) -> Conditions:
    return Conditions(env={} if "PYTHONHASHSEED" in scene.env else {"PYTHONHASHSEED": "0"})


def _files(scene: Scene, attempt: int) -> Conditions:
    # in a control the order is the file system's, which may be any of these but the first
    order = "backwards" if scene.held else ("reversed", "backwards", "sorted")[attempt % 3]
    return Conditions(shim={"order": order})


def _clock(scene: Scene, attempt: int) -> Conditions:
    return Conditions(shim={"clock": {"offset": LATER * (attempt + 1)}})


def _hold_clock(scene: Scene) -> Conditions:
    return Conditions(shim={"clock": {"from": EPOCH, "step": TICK}})


def _entropy(scene: Scene, attempt: int) -> Conditions:
    return Conditions(shim={"entropy": 1001 + attempt})


def _hold_entropy(scene: Scene) -> Conditions:
    return Conditions(shim={"entropy": 1, "trace": True, "workspace": scene.inside})


def _zone(scene: Scene, attempt: int) -> Conditions | Held:
    # as a rule, not as a name: a slim image may have no table of zones
    return _env({"TZ": ("<+1345>-13:45", "<-0930>9:30")[attempt % 2]}, scene)


def _locale(scene: Scene, attempt: int) -> Conditions | Held:
    # one without UTF-8: the only other one that every image has. LANG is every shell's, so a run that has it
    # has not pinned anything by it
    own = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    asked = {name: text for name, text in own.items() if name not in scene.env}
    return Conditions(env={"LC_ALL": "C", "LANG": "C", **asked})


def _hostname(scene: Scene, attempt: int) -> Conditions:
    return Conditions(hostname=("another-machine", "node-7")[attempt % 2])


def _hold_hostname(scene: Scene) -> Conditions:
    return Conditions(hostname="repro")


def _user(scene: Scene, attempt: int) -> Conditions | Held:
    env = {"USER": "somebody", "LOGNAME": "somebody"}
    if scene.env.keys() & env.keys():
        return _env(env, scene)
    return Conditions(env=env, home="/srv/somebody", user=4711 if scene.root else None)


def _path(scene: Scene, attempt: int) -> Conditions | Held:
    if not scene.movable:
        return Held("packages of the environment are installed from the workspace's path")
    name = posixpath.basename(scene.inside) or "workspace"
    return Conditions(inside=f"/srv/elsewhere/a-longer-path-{attempt}/{name}")


def _umask(scene: Scene, attempt: int) -> Conditions:
    return Conditions(shim={"umask": 0o027})


def _process(scene: Scene, attempt: int) -> Conditions:
    return Conditions(first_process=True)


def _addresses(scene: Scene, attempt: int) -> Conditions | Held:
    if scene.held:
        return Conditions()  # released
    return Held("they differ in each replay by themselves: the control pair has varied them")


def _leftovers(scene: Scene, attempt: int) -> Conditions | Held:
    if scene.leftovers is None:
        return Held("the control wrote no files")
    return Conditions(leftovers=scene.leftovers)


ALL: tuple[Variation, ...] = (
    Variation(
        "hash-seed",
        "the order in which Python's hashes put the members of sets",
        _hash_seed,
        "sort what comes out of a set before it is used: `for name in sorted(names)`; or set "
        "PYTHONHASHSEED=0 before Python starts: `PYTHONHASHSEED=0 repro run -- ...` records it",
        "sorting: nothing to speak of; a fixed hash seed gives up a protection that only servers need",
        _hold_hash_seed,
    ),
    Variation(
        "entropy",
        "random numbers that nobody seeded",
        _entropy,
        "seed every generator before it is used: random.seed(0), numpy.random.seed(0) or "
        "numpy.random.default_rng(0), torch.manual_seed(0), random_state=0 in scikit-learn",
        "nothing",
        _hold_entropy,
        python_only=True,
    ),
    Variation(
        "clock",
        "the date and the time",
        _clock,
        "take the seed, and whatever else is computed with, from a constant or the configuration in "
        "place of time.time() or datetime.now(); end a training after a number of steps, not of seconds; "
        "keep times out of metrics (tolerances: {pattern: '*seconds*', ignore: true})",
        "nothing",
        _hold_clock,
        python_only=True,
    ),
    Variation(
        "file-order",
        "the order in which a folder lists its files",
        _files,
        "sort it: `sorted(os.listdir(folder))`, `sorted(Path(folder).glob('*'))`, "
        "`sorted(glob.glob(pattern))`",
        "nothing to speak of",
        lambda scene: Conditions(shim={"order": "sorted"}),
        python_only=True,
    ),
    Variation(
        "leftovers",
        "files that an earlier run left in the workspace",
        _leftovers,
        "let the training begin anew unless it is told otherwise: read a checkpoint only with a flag such "
        "as --resume, open what it writes with mode 'w', or remove the output folder at the start",
        "nothing, but for a training that is resumed on purpose: that one needs its checkpoint recorded",
    ),
    # threads after CPUs: where both are varied, the number of threads is the former's
    processors.CPUS,
    processors.THREADS,
    processors.WORKERS,
    processors.INSTRUCTIONS,
    processors.GPU,
    processors.PARALLELISM,
    Variation(
        "time-zone",
        "the time zone",
        _zone,
        "compute in UTC: datetime.now(timezone.utc), time.gmtime(); or set TZ=UTC: `TZ=UTC repro run -- ...` "
        "records it",
        "nothing",
        lambda scene: Conditions(env={} if "TZ" in scene.env else {"TZ": "UTC"}),
    ),
    Variation(
        "locale",
        "the locale and the encoding that comes with it",
        _locale,
        "name the encoding wherever text is read or written: `open(path, encoding='utf-8')`; or set "
        "PYTHONUTF8=1 and record it: `env: [PYTHONUTF8]` in repro.yaml; parse numbers without "
        "`locale`",
        "nothing",
    ),
    Variation(
        "host-name",
        "the name of the machine",
        _hostname,
        "keep socket.gethostname() and platform.node() out of seeds, of paths and of what is written; "
        "a file that should carry it goes under `outputs: {ignore: [...]}` in repro.yaml",
        "nothing",
        _hold_hostname,
    ),
    Variation(
        "user",
        "the user and the home folder",
        _user,
        "keep getpass.getuser(), Path.home() and os.getuid() out of what is computed and written; read "
        "what lies in the home folder from a path inside the project",
        "nothing",
    ),
    Variation(
        "path",
        "the path of the work tree",
        _path,
        "write paths relative to the project: `path.relative_to(root)`; hash names, not absolute paths",
        "nothing",
    ),
    Variation(
        "umask",
        "the mode that new files get",
        _umask,
        "set it where it matters: os.umask(0o022) at the start, or path.chmod(0o644)",
        "nothing",
        python_only=True,
    ),
    Variation(
        "process-id",
        "the number of the process",
        _process,
        "take seeds and names from the configuration in place of os.getpid()",
        "nothing",
    ),
    Variation(
        "addresses",
        "memory addresses (ASLR): the order of sets of objects, id(), hash() of objects",
        _addresses,
        "give objects that are put into sets a __hash__ and an __eq__ of their values, or sort them by "
        "one; do not sort or seed by id()",
        "nothing to speak of",
        # a run from elsewhere keeps the engine's own confinement, which forbids it
        lambda scene: Conditions(fixed_addresses=not scene.foreign),
    ),
)


def named(names: Iterable[str]) -> frozenset[str]:
    """The names, once each is one. Raises UsageError."""
    known = [item.name for item in ALL]
    wanted = frozenset(names)
    for name in sorted(wanted - set(known)):
        raise UsageError(f"there is nothing called {name!r} to vary", f"one of {', '.join(known)}")
    return wanted
