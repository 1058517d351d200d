"""Which Python runs a given command: told from the command line, without running it."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shlex
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Env
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from repro.capturing import launchers, shell, shims, wrappers
from repro.capturing.probing import Probe, probe
from repro.capturing.shell import Commands, Scene
from repro.errors import NotFound

__all__ = ["Found", "Probe", "find", "probe"]

PYTHON = re.compile(r"(python|pypy)(\d+(\.\d+)*)?[a-z]?(\.exe)?$")
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"})
DEPTH = 12

# Scripts with a Python of their own that stand beside the training in many shell scripts.
BYSTANDERS = frozenset({"pip", "pip3", "git", "dvc", "aws", "gsutil", "tee", "mlflow", "wandb"})

LISTS: dict[str, tuple[tuple[str, ...], Callable[[str, Scene], Commands]]] = {
    "dvc": (("dvc.yaml",), shell.dvc_commands),
    "gmake": (("GNUmakefile", "makefile", "Makefile"), shell.make_commands),
    "just": (("justfile", "Justfile", ".justfile"), shell.just_commands),
    "make": (("GNUmakefile", "makefile", "Makefile"), shell.make_commands),
    "task": (("Taskfile.yml", "Taskfile.yaml"), shell.just_commands),
}
"""Programs that run commands from a file: the names it may have, and how it is read."""


@dataclass(frozen=True)
class Found:
    """The interpreter of a command, in words how it was found, and whether that is beyond doubt."""

    path: Path | None
    how: str
    certain: bool


def find(argv: Sequence[str], cwd: Path, env: Env[str, str]) -> Found:
    """The Python that ``argv`` ends up running, started in ``cwd`` with ``env``.

    ``path`` is None where it runs none, or none that can be told. Raises NotFound where the command
    itself does not exist.
    """
    scene = Scene(cwd, env)
    if not argv or not argv[0]:
        raise NotFound("no command was given", "name the training command, e.g. python train.py")
    if scene.which(argv[0]) is None:
        raise _not_found(argv[0], scene)
    return _follow(tuple(argv), scene)


def _follow(argv: tuple[str, ...], scene: Scene) -> Found:
    """One step: what ``argv[0]`` is, and whether it stands for another command."""
    if not argv:
        return Found(None, "there is no command behind it", False)
    if scene.depth > DEPTH:
        return Found(None, f"{argv[0]}: commands nested too deeply to follow", False)
    scene = replace(scene, depth=scene.depth + 1)
    name = Path(argv[0]).name
    if wrapped := wrappers.unwrap(name, argv, scene.cwd):
        inner = replace(scene.setting(**wrapped.env), cwd=wrapped.cwd)
        return _follow(_first_that_exists(wrapped.argv, inner), inner)
    path = scene.which(argv[0])
    if path is None:
        return Found(None, f"{argv[0]} is not on PATH", False)
    if PYTHON.match(name):
        return _python(path, scene)
    if launcher := launchers.LAUNCHERS.get(name):
        return _launched(launcher(argv, path, scene.cwd, scene.env), scene)
    if name in SHELLS:
        return _shell(argv, scene)
    if name in LISTS:
        return _list(name, path, argv, scene)
    return _file(path, argv, scene)


def _first_that_exists(argv: tuple[str, ...], scene: Scene) -> tuple[str, ...]:
    """Past the value of an option that the wrapper has and we do not know."""
    if argv and scene.which(argv[0]) is None and argv[0] not in wrappers.WRAPPERS:
        for index, word in enumerate(argv):
            if scene.which(word) and (PYTHON.match(Path(word).name) or "/" not in word):
                return argv[index:]
    return argv


def _python(path: Path, scene: Scene) -> Found:
    if shim := shims.behind(path, scene.cwd, scene.env):
        return Found(shim.path, shim.how, shim.path is not None)
    return Found(path, "argv[0] is an interpreter", True)


def _launched(place: launchers.Place, scene: Scene) -> Found:
    """A command of an environment: the environment's folder stands first on PATH for it."""
    if place.bin is None:
        return Found(None, place.how, False)
    inner = replace(scene, cwd=place.cwd).first_on_path(place.bin)
    if not place.argv:
        return Found(inner.which("python"), place.how, False)
    found = _follow(place.argv, inner)
    how = place.how
    if found.path is None or found.path.parent != place.bin:
        how = f"{place.how}, but the command brings its own: {found.how}"
    return Found(found.path, how, found.certain and place.certain)


# --- files ----------------------------------------------------------------------------------


def _file(path: Path, argv: tuple[str, ...], scene: Scene) -> Found:
    if PYTHON.match(path.resolve().name):
        return Found(path, f"{path} is an interpreter", True)
    if shim := shims.behind(path, scene.cwd, scene.env):
        if shim.path is None:
            return Found(None, shim.how, False)
        path = shim.path
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        return Found(None, f"{path} cannot be read: {error.strerror}", False)
    if head.startswith(b"#!"):
        return _shebang(path, os.fsdecode(head), argv, scene)
    if b"\0" in head:
        return Found(None, f"{path} is a binary, not a Python program", False)
    return _script(path, argv[1:], scene)


# pip writes it where the interpreter's path is too long, or has a blank, for a shebang
_TRAMPOLINE = re.compile(r"""'''exec' (.+?) "\$0" "\$@"$""")


def _shebang(path: Path, head: str, argv: tuple[str, ...], scene: Scene) -> Found:
    first, _, rest = head.partition("\n")
    # the kernel passes all behind the first blank as one word; `env -S` splits it
    words = tuple(first[2:].strip().split(None, 1))
    if not words:
        return Found(None, f"{path} has an empty shebang", False)
    how = f"shebang of {path}"
    if trampoline := _TRAMPOLINE.match(rest.partition("\n")[0]):
        words = (shlex.split(trampoline.group(1))[0],)
    if not Path(words[0]).exists():
        return Found(None, f"{how}: {words[0]} does not exist", False)
    name = Path(words[0]).name
    if name in SHELLS:
        return _script(path, argv[1:], scene)
    inner = shlex.split(words[1]) if name == "env" and len(words) > 1 else words[1:]
    if name == "env" and inner and Path(inner[-1]).name in SHELLS:
        return _script(path, argv[1:], scene)
    found = _follow((words[0], *inner, str(path), *argv[1:]), scene)
    return replace(found, how=how if found.path else f"{how}: {found.how}")


# --- shells ---------------------------------------------------------------------------------


def _shell(argv: tuple[str, ...], scene: Scene) -> Found:
    words = list(argv[1:])
    if Path(argv[0]).name == "busybox" and words:
        words.pop(0)
    while words and words[0][:1] in "-+" and words[0] != "--":
        option = words.pop(0)
        if not option.startswith("--") and "c" in option[1:]:
            text, *rest = words or [""]
            inner = replace(scene, arguments=tuple(rest[1:]))
            return _called(f"{Path(argv[0]).name} -c", shell.commands(text, inner))
        if option in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file") and words:
            words.pop(0)
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        return Found(None, f"{argv[0]} reads its commands from standard input", False)
    return _script(scene.cwd / words[0], tuple(words[1:]), scene)


def _script(path: Path, arguments: tuple[str, ...], scene: Scene) -> Found:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        return Found(None, f"{path} cannot be read: {error.strerror}", False)
    inner = replace(scene, arguments=arguments)
    return _called(_short(path, scene), shell.commands(text, inner))


def _list(name: str, path: Path, argv: tuple[str, ...], scene: Scene) -> Found:
    """make and its kin: a file whose commands count as if all of them were run."""
    names, read = LISTS[name]
    for option, value in pairwise(argv):
        if option in ("-C", "--directory"):
            scene = replace(scene, cwd=scene.cwd / value)
        if option in ("-f", "--file", "--makefile", "--justfile", "--taskfile"):
            names = (value,)
    assigned = dict(word.split("=", 1) for word in argv if shell.ASSIGNMENT.match(word))
    for folder in launchers.above(scene.cwd):
        for candidate in (folder / item for item in names):
            with contextlib.suppress(OSError):
                text = candidate.read_text("utf-8", "replace")
                how = f"{name} ({_short(candidate, scene)})"
                return _called(how, read(text, replace(scene.setting(**assigned), cwd=folder)))
        if name in ("make", "gmake", "dvc"):
            break
    other = _file(path, argv, scene)  # taskipy's ``task`` is a script of Python, and Task's is not
    return other if other.path else Found(None, f"{name}: there is no {names[-1]} here", False)


def _short(path: Path, scene: Scene) -> str:
    return os.path.relpath(path, scene.cwd) if path.is_relative_to(scene.cwd) else str(path)


def _called(name: str, commands: Commands) -> Found:
    """The first Python that these commands run; in doubt where they run two different ones."""
    found = [_follow(argv, inner) for argv, inner in commands if _may_run_python(argv, inner)]
    known = [item for item in found if item.path is not None]
    if not known:
        what = found[0].how if found else "no command in it runs Python"
        return Found(None, f"{name}: {what}", False)
    first = known[0]
    others = sorted({str(item.path) for item in known if item.path != first.path})
    how = f"{first.path} called by {name}"
    if "argv[0]" not in first.how and str(first.path) not in first.how:
        how += f" ({first.how})"
    if others:
        how += f"; it calls {', '.join(others)} too"
    return Found(first.path, how, not others and all(item.certain for item in known))


def _may_run_python(argv: tuple[str, ...], scene: Scene) -> bool:
    name = Path(argv[0]).name
    if name in BYSTANDERS:
        return False
    if PYTHON.match(name) or name in SHELLS or name in wrappers.WRAPPERS or name in LISTS:
        return True
    if name in launchers.LAUNCHERS:
        # `uv sync`, `conda install` prepare; they are not what trains
        return name == "uvx" or "run" in argv[1:4]
    path = scene.which(argv[0])
    try:
        return path is not None and path.open("rb").read(2) == b"#!"
    except OSError:
        return False


# --- not found ------------------------------------------------------------------------------


def _not_found(word: str, scene: Scene) -> NotFound:
    path = scene.cwd / word
    runner = "python" if path.suffix == ".py" else "bash"
    if "/" in word and path.is_file():
        hint = f"chmod +x {word}, or run it as: {runner} {word}"
        return NotFound(f"{word} is not executable", hint)
    if "/" in word:
        return NotFound(f"command not found: {word}", f"there is no such file in {scene.cwd}")
    if path.is_file():
        return NotFound(f"command not found: {word}", f"did you mean: {runner} {word}")
    near = difflib.get_close_matches(word, sorted(_names_on_path(scene)), 3, 0.75)
    hint = f"did you mean {' or '.join(near)}?" if near else "it is not on PATH"
    return NotFound(f"command not found: {word}", hint)


def _names_on_path(scene: Scene) -> set[str]:
    names: set[str] = set()
    for folder in scene.env.get("PATH", os.defpath).split(os.pathsep):
        with contextlib.suppress(OSError), os.scandir(scene.cwd / (folder or ".")) as entries:
            names.update(entry.name for entry in entries)
    return names
