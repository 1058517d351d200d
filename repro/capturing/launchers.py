"""Programs that run a command in an environment of theirs: uv run, poetry run, conda run …"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import process
from repro.capturing import scripts

TIMEOUT = 30.0

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """The folder of commands that a launcher puts first on PATH, and the command that follows."""

    bin: Path | None
    how: str
    argv: Argv
    cwd: Path
    certain: bool = True


Launcher = Callable[[Argv, Path, Path, Mapping[str, str]], Place]


def options(words: list[str], valued: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Takes the leading options off ``words``; yields each with its value, or an empty one."""
    while words and words[0].startswith("-") and words[0] != "-":
        option = words.pop(0)
        if option == "--":
            return
        name, equals, value = option.partition("=")
        if equals:
            yield name, value
        elif name in valued and words:
            yield name, words.pop(0)
        elif option[:2] in valued and not option.startswith("--"):
            yield option[:2], option[2:]
        else:
            yield name, ""


def above(folder: Path) -> tuple[Path, ...]:
    """The folder and all that hold it."""
    return (folder, *folder.parents)


def _venv(folder: Path) -> Path | None:
    return folder / "bin" if (folder / "bin" / "python").exists() else None


_UV_VALUED = """
--allow-insecure-host --cache-dir --color --config-file --config-setting --default-index
--directory --env-file --exclude-newer --extra --extra-index-url --find-links --group --index
--index-strategy --index-url --keyring-provider --link-mode --no-binary-package
--no-build-isolation-package --no-build-package --no-extra --no-group --only-group --package
--prerelease --project --python --python-platform --refresh-package --reinstall-package
--resolution --upgrade-package --with --with-editable --with-requirements -C -P -f -i -p -w
"""
UV_VALUED = frozenset(_UV_VALUED.split())
PROJECT_VALUED = frozenset({"-C", "--directory", "-P", "--project", "-p", "-e", "--env"})
CONDA_VALUED = frozenset({"-n", "--name", "-p", "--prefix", "--cwd"})
PIXI_VALUED = frozenset({"-e", "--environment", "--manifest-path"})


def _uv(argv: Argv, path: Path, cwd: Path, env: Mapping[str, str]) -> Place:
    words = list(argv[1:])
    found = list(options(words, UV_VALUED))
    if Path(argv[0]).name == "uvx" or words[:1] == ["tool"]:
        return Place(None, "uv tool: an environment of its own, gone afterwards", (), cwd)
    if words[:1] != ["run"]:
        return Place(None, f"uv {' '.join(words[:1])} runs no command", (), cwd)
    words.pop(0)
    found += options(words, UV_VALUED)
    given = dict(found)
    cwd = cwd / given.get("--directory", "")
    argv = tuple(words)
    if {"-m", "--module"} & given.keys():
        argv = ("python", "-m", *argv)
    elif argv and argv[0].endswith((".py", ".pyw")):
        if "# /// script" in _head(cwd / argv[0]):
            how = f"uv run: {argv[0]} states its own packages (PEP 723)"
            return Place(None, f"{how}, which uv keeps in an environment of its own", (), cwd)
        argv = ("python", *argv)
    place = _uv_place(given, argv, cwd, env)
    doubts = [
        f"{name} changes it for this run only"
        for name in ("--with", "-w", "--with-requirements", "--with-editable", "--isolated")
        if name in given
    ]
    if wanted := given.get("--python") or given.get("-p"):
        doubts.append(f"--python {wanted} may replace it")
    if doubts:
        return Place(place.bin, f"{place.how}; {', '.join(doubts)}", argv, cwd, certain=False)
    return place


def _uv_place(given: Mapping[str, str], argv: Argv, cwd: Path, env: Mapping[str, str]) -> Place:
    active = env.get("VIRTUAL_ENV")
    if "--no-project" not in given:
        start = cwd / given.get("--project", "")
        projects = [item for item in above(start) if (item / "pyproject.toml").is_file()]
        if projects:
            # in a uv workspace the environment is that of the topmost member that declares it
            roots = [item for item in projects if "[tool.uv.workspace]" in _text_of(item)]
            root = roots[0] if roots else projects[0]
            folder = root / env.get("UV_PROJECT_ENVIRONMENT", ".venv")
            if "--active" in given and active:
                folder = Path(active)
            if bin_folder := _venv(folder):
                return Place(bin_folder, f"uv run: project environment {folder}", argv, cwd)
            how = f"uv run: the project environment {folder} does not exist yet (run `uv sync`)"
            return Place(None, how, argv, cwd, certain=False)
    for folder in [Path(active)] if active else [item / ".venv" for item in above(cwd)]:
        if bin_folder := _venv(folder):
            return Place(bin_folder, f"uv run: environment {folder}", argv, cwd)
    return Place(None, "uv run: no project and no environment here", argv, cwd, certain=False)


def _text_of(project: Path) -> str:
    return (project / "pyproject.toml").read_text("utf-8", "replace")


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(1 << 14)
    except OSError:
        return ""


def _project_tool(
    name: str, question: Argv, lockfile: str, own: Callable[[Path], Path | None]
) -> Launcher:
    """poetry, pipenv, pdm, hatch: ``NAME run COMMAND`` in an environment that ``NAME`` knows."""

    def launch(argv: Argv, path: Path, cwd: Path, env: Mapping[str, str]) -> Place:
        words = list(argv[1:])
        given = dict(options(words, PROJECT_VALUED))
        if words[:1] != ["run"]:
            return Place(None, f"{name} {' '.join(words[:1])} runs no command", (), cwd)
        words.pop(0)
        given |= dict(options(words, PROJECT_VALUED))
        folder = cwd / (given.get("-C") or given.get("--directory") or "")
        if (active := env.get("VIRTUAL_ENV")) and name != "hatch":  # which always takes its own
            how, found = f"{name} run: active environment {active}", _venv(Path(active))
        else:
            project = next((item for item in above(folder) if (item / lockfile).is_file()), folder)
            found = own(project)
            how = f"{name} run: project environment"
            if found is None:
                found = _venv_said(path, question, folder, env)
        if found is None:
            return Place(None, f"{name} run: it names no environment for {folder}", (), cwd, False)
        command = scripts.behind(name, words, above(folder)) or tuple(words)
        return Place(found, f"{how} {found.parent}", command, folder)

    return launch


def _venv_said(path: Path, question: Argv, cwd: Path, env: Mapping[str, str]) -> Path | None:
    try:
        done = process.run([path, *question], cwd=cwd, env=env, timeout=TIMEOUT)
    except process.CommandFailed:
        return None
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return _venv(Path(lines[-1].strip())) if lines else None


def _dot_venv(project: Path) -> Path | None:
    return _venv(project / ".venv")


def _pdm_venv(project: Path) -> Path | None:
    pointer = project / ".pdm-python"
    if pointer.is_file():
        python = Path(pointer.read_text("utf-8").strip())
        return python.parent if python.exists() else None
    return _dot_venv(project)


def conda_prefix(name: str, env: Mapping[str, str], root: Path | None = None) -> Path | None:
    """The folder of a conda environment, by its name or its path; None where it is not known."""
    if "/" in name:
        return Path(name)
    roots = [root] if root else []
    if executable := env.get("CONDA_EXE") or env.get("MAMBA_EXE"):
        roots.append(Path(executable).parent.parent)
    if mamba := env.get("MAMBA_ROOT_PREFIX"):
        roots.append(Path(mamba))
    if name == "base":
        return roots[0] if roots else None
    folders = [item / "envs" for item in roots]
    for variable in ("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS"):
        folders += [Path(item) for item in env.get(variable, "").split(os.pathsep) if item]
    prefixes = [folder / name for folder in folders]
    if home := env.get("HOME"):
        listed = _head(Path(home) / ".conda" / "environments.txt").splitlines()
        prefixes += [Path(line) for line in listed if Path(line).name == name]
    return next((item for item in prefixes if (item / "conda-meta").is_dir()), None)


def _conda(argv: Argv, path: Path, cwd: Path, env: Mapping[str, str]) -> Place:
    tool, words = Path(argv[0]).name, list(argv[1:])
    if words[:1] != ["run"]:
        return Place(None, f"{tool} {' '.join(words[:1])} runs no command", (), cwd)
    words.pop(0)
    given = dict(options(words, CONDA_VALUED))
    cwd = cwd / given.get("--cwd", "")
    name = given.get("-n") or given.get("--name")
    asked = given.get("-p") or given.get("--prefix")
    root = path.resolve().parent.parent
    if asked:
        prefix: Path | None = cwd / asked
    elif name:
        prefix = conda_prefix(name, env, root)
    else:
        prefix = Path(env.get("CONDA_PREFIX", root))
    if prefix is None or not (prefix / "bin" / "python").exists():
        what = f"environment {name or asked} was not found, or has no Python"
        return Place(None, f"{tool} run: {what}", tuple(words), cwd, certain=False)
    return Place(prefix / "bin", f"{tool} run: environment {prefix}", tuple(words), cwd)


def _pixi(argv: Argv, path: Path, cwd: Path, env: Mapping[str, str]) -> Place:
    words = list(argv[1:])
    if words[:1] != ["run"]:
        return Place(None, f"pixi {' '.join(words[:1])} runs no command", (), cwd)
    words.pop(0)
    given = dict(options(words, PIXI_VALUED))
    name = given.get("-e") or given.get("--environment") or "default"
    for folder in above(cwd):
        if found := _venv(folder / ".pixi" / "envs" / name):
            return Place(found, f"pixi run: environment {found.parent}", tuple(words), cwd)
    return Place(None, f"pixi run: environment {name} is not installed", (), cwd, certain=False)


LAUNCHERS: dict[str, Launcher] = {
    "conda": _conda,
    "hatch": _project_tool("hatch", ("env", "find"), "pyproject.toml", lambda folder: None),
    "mamba": _conda,
    "micromamba": _conda,
    "pdm": _project_tool("pdm", ("info", "--packages"), "pyproject.toml", _pdm_venv),
    "pipenv": _project_tool("pipenv", ("--venv",), "Pipfile", _dot_venv),
    "pixi": _pixi,
    "poetry": _project_tool("poetry", ("env", "info", "--path"), "pyproject.toml", _dot_venv),
    "rye": _project_tool("rye", ("--version",), "pyproject.toml", _dot_venv),
    "uv": _uv,
    "uvx": _uv,
}
