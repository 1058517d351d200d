"""What a shell text runs, as far as that can be told without being a shell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro.capturing import launchers

_CONTROL = "if then else elif fi do done while until for case esac in { } ! [[ ]]"
CONTROL = frozenset(_CONTROL.split())
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)$", re.DOTALL)
_BUILTINS = """
source . set echo eval true false exit trap ulimit test [ printf read return shift umask unset wait
alias popd module
"""
BUILTINS = frozenset(_BUILTINS.split())


@dataclass(frozen=True)
class Scene:
    """Where a command is looked at: what a shell would know at that point."""

    cwd: Path
    env: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    """Of the script that is being read: ``$1``, ``$@``."""
    depth: int = 0

    def setting(self, **env: str) -> Scene:
        return replace(self, env={**self.env, **env}) if env else self

    def first_on_path(self, folder: Path, **env: str) -> Scene:
        """As activating an environment does."""
        path = os.pathsep.join((str(folder), self.env.get("PATH", os.defpath)))
        return self.setting(PATH=path, **env)

    def which(self, word: str) -> Path | None:
        """As execvp finds it: by PATH, unless there is a slash in it."""
        if "/" in word:
            path = self.cwd / word
            return path if path.is_file() and os.access(path, os.X_OK) else None
        for folder in self.env.get("PATH", os.defpath).split(os.pathsep):
            path = self.cwd / (folder or ".") / word
            if os.access(path, os.X_OK) and path.is_file():
                return path
        return None


Commands = Iterator[tuple[tuple[str, ...], Scene]]


def commands(text: str, scene: Scene) -> Commands:
    """The simple commands of a shell text, each with its scene.

    Follows cd, exported variables and activated environments on the way; branches are all taken.
    """
    for line in re.sub(r"\\\n", " ", text).splitlines():
        for words in _split(line):
            while words and words[0] in CONTROL:
                words.pop(0)
            exported = words[:1] == ["export"]
            words = words[1:] if exported else words
            assigned: dict[str, str] = {}
            while words and (match := ASSIGNMENT.match(words[0])):
                assigned[match.group(1)] = expand(match.group(2), scene)
                words.pop(0)
            if exported or not words:
                scene = scene.setting(**assigned)
                continue
            argv = _expanded(words, scene)
            changed = _changed(argv, scene) if argv else scene
            if changed is not None:
                scene = changed
            elif argv[0] not in BUILTINS:
                yield argv, scene.setting(**assigned)


def make_commands(text: str, scene: Scene) -> Commands:
    """The same of a makefile: its variables, and the lines of its rules."""
    lines = []
    # make writes its variables as a shell writes what it runs: $(NAME); and $$ for the shell's own
    text = re.sub(r"\$\((\w+)\)", r"${\1}", text).replace("$$", "$")
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.startswith("\t"):
            lines.append(line.lstrip("\t @-+"))
        elif match := re.match(r"(?:export\s+)?([A-Za-z_]\w*)\s*(\?|:{1,3})?=\s*(.*)$", line):
            name, kind, value = match.groups()
            if not (kind == "?" and name in scene.env):
                lines.append(f"export {name}={shlex.quote(value.strip())}")
    return commands("\n".join(lines), scene)


def just_commands(text: str, scene: Scene) -> Commands:
    """The same of a justfile or a Taskfile: its indented lines."""
    lines = [line.strip().lstrip("@-").strip() for line in text.splitlines() if line[:1].isspace()]
    return commands("\n".join(line.removeprefix("cmd:").strip(" '\"") for line in lines), scene)


def dvc_commands(text: str, scene: Scene) -> Commands:
    """The same of a dvc.yaml: what its ``cmd`` keys say."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        key = re.match(r"\s*(?:-\s+)?([\w-]+):(?:\s+[>|][+-]?\s*$|\s+(.*)$|$)", line)
        if key:
            inside = key.group(1) == "cmd"
        if inside:
            said = key.group(2) or "" if key else line.strip().removeprefix("- ")
            lines.append(said.strip("'\" "))
    return commands("\n".join(lines), scene)


def _changed(argv: tuple[str, ...], scene: Scene) -> Scene | None:
    """The scene after a command that changes it; None where the command changes nothing."""
    match argv:
        case ("cd" | "pushd", folder, *_):
            return replace(scene, cwd=scene.cwd / folder)
        case ("source" | ".", file, *_) if Path(file).name.startswith("activate"):
            place = (scene.cwd / file).parent
            return scene.first_on_path(place, VIRTUAL_ENV=str(place.parent))
        case ("conda" | "mamba" | "micromamba" | "source" | ".", "activate", name, *_):
            prefix = launchers.conda_prefix(name, scene.env)
            if prefix is None:
                return scene
            return scene.first_on_path(prefix / "bin", CONDA_PREFIX=str(prefix))
    return None


def _split(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    try:
        for token in lexer:
            if skip:
                skip = False
            elif token and set(token) <= set(";&|()"):
                yield words
                words = []
            elif token and set(token) <= set("<>&"):
                skip = True
            else:
                words.append(token)
    except ValueError:
        # a quote that ends on another line: what was read so far is still good
        pass
    yield words


_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")


def expand(word: str, scene: Scene) -> str:
    """The word with the variables that are known put in; others are empty, as in a shell."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        if name.isdigit():
            index = int(name) - 1
            return scene.arguments[index] if 0 <= index < len(scene.arguments) else ""
        return scene.env.get(name) or match.group(3) or ""

    return _VARIABLE.sub(value, word)


def _expanded(words: list[str], scene: Scene) -> tuple[str, ...]:
    found: list[str] = []
    for position, word in enumerate(words):
        if word in ("$@", "$*"):
            found += scene.arguments
        elif position == 0:
            # a variable at the front may stand for several words: RUN="python -u"
            found += expand(word, scene).split()
        else:
            found.append(expand(word, scene))
    return tuple(found)
