"""Which Python runs a command, and what it says of itself."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from repro import process
from repro.capturing import interpreter
from repro.capturing.interpreter import Found
from repro.errors import NotFound, UsageError

PYENV = Path.home() / ".pyenv" / "versions"


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real virtual environment without pip."""
    folder = tmp_path_factory.mktemp("interpreters") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


@pytest.fixture
def env(venv: Path, tmp_path: Path) -> dict[str, str]:
    """The venv is active; nothing of the caller's environment shows through."""
    return {"PATH": f"{venv / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def script(path: Path, text: str, *, executable: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    if executable:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def other_python(folder: Path) -> Path:
    """An environment that is told apart by its path alone."""
    target = folder / "bin" / "python"
    target.parent.mkdir(parents=True)
    target.symlink_to(sys.executable)
    (folder / "bin" / "python3").symlink_to("python")
    return target


# --- the interpreter itself -----------------------------------------------------------------


@pytest.mark.parametrize("words", [("python", "train.py"), ("python3", "-m", "train")])
def test_a_name_is_looked_up_on_path(
    words: tuple[str, ...], venv: Path, env: dict[str, str], work: Path
) -> None:
    assert interpreter.find(words, work, env) == Found(
        venv / "bin" / words[0], "argv[0] is an interpreter", True
    )


def test_a_path_stays_as_it_is_also_where_it_is_a_symlink(
    venv: Path, env: dict[str, str], work: Path
) -> None:
    found = interpreter.find((f"{venv}/bin/python", "train.py"), work, env)
    assert found.path == venv / "bin" / "python"


def test_a_relative_path_counts_from_the_working_directory(env: dict[str, str], work: Path) -> None:
    python = other_python(work / ".venv")
    assert interpreter.find((".venv/bin/python", "x.py"), work, env).path == python


def test_an_interpreter_under_another_name(env: dict[str, str], work: Path) -> None:
    (work / "trainer").symlink_to(sys.executable)
    assert interpreter.find(("./trainer", "x.py"), work, env).path == work / "trainer"


# --- scripts with a shebang -----------------------------------------------------------------


@pytest.mark.parametrize("form", ["{python}", "/usr/bin/env python", "/usr/bin/env -S python -u"])
def test_shebang(form: str, venv: Path, env: dict[str, str], work: Path) -> None:
    path = script(
        work / "bin" / "train", f"#!{form.format(python=venv / 'bin/python')}\nimport x\n"
    )
    found = interpreter.find((str(path), "--fast"), work, env)
    assert (found.path, found.certain) == (venv / "bin" / "python", True)
    assert found.how == f"shebang of {path}"


def test_the_trampoline_for_a_path_with_blanks(env: dict[str, str], tmp_path: Path) -> None:
    python = other_python(tmp_path / "with blanks" / "env")
    text = f"""#!/bin/sh\n'''exec' "{python}" "$0" "$@"\n' '''\nimport sys\n"""
    path = script(tmp_path / "train", text)
    assert interpreter.find((str(path),), tmp_path, env) == Found(
        python, f"shebang of {path}", True
    )


def test_the_trampoline_that_pip_really_writes(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    found = interpreter.find((f"{folder}/bin/pip",), tmp_path, {"PATH": "/usr/bin"})
    assert found.path is not None
    assert found.path.parent == folder / "bin"


def test_a_shebang_to_an_interpreter_that_is_gone(env: dict[str, str], work: Path) -> None:
    path = script(work / "train", "#!/nowhere/bin/python\n")
    found = interpreter.find(("./train",), work, env)
    assert (found.path, found.certain) == (None, False)
    assert "/nowhere/bin/python does not exist" in found.how
    assert path.exists()


# --- wrappers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "env SEED=1 python x.py",
        "env -u FOO SEED=1 python x.py",
        "nice -n 10 python x.py",
        "nohup python x.py",
        "timeout -k 5 100 python x.py",
        "timeout --signal=INT 100 python x.py",
        "nice nohup timeout 9 python x.py",
        "taskset 0x3 python x.py",
    ],
)
def test_wrappers(words: str, venv: Path, env: dict[str, str], work: Path) -> None:
    path = env["PATH"]
    script(work / "tools" / "taskset", "#!/bin/sh\n")
    env["PATH"] = f"{path}:{work / 'tools'}"
    found = interpreter.find(words.split(), work, env)
    assert (found.path, found.certain) == (venv / "bin" / "python", True)


def test_env_can_change_where_python_is_looked_up(env: dict[str, str], work: Path) -> None:
    python = other_python(work / "other")
    found = interpreter.find(("env", f"PATH={work}/other/bin", "python", "x.py"), work, env)
    assert found.path == python


def test_an_unknown_option_of_a_wrapper(venv: Path, env: dict[str, str], work: Path) -> None:
    script(work / "tools" / "mpirun", "#!/bin/sh\n")
    env["PATH"] += f":{work / 'tools'}"
    found = interpreter.find(("mpirun", "--map-by", "slot", "-np", "4", "python"), work, env)
    assert found.path == venv / "bin" / "python"


# --- launchers ------------------------------------------------------------------------------


def tool(work: Path, env: dict[str, str], name: str, text: str = "#!/bin/sh\n") -> Path:
    env["PATH"] += f":{work.parent / 'tools'}"
    return script(work.parent / "tools" / name, text)


def test_uv_run_takes_the_project_environment(env: dict[str, str], work: Path) -> None:
    tool(work, env, "uv")
    (work / "pyproject.toml").write_text("[project]\nname='x'\n")
    python = other_python(work / ".venv")
    (work / "sub").mkdir()
    for words in (
        "uv run python x.py",
        "uv run x.py",
        "uv run -m x",
        "uv run --frozen python x.py",
    ):
        found = interpreter.find(words.split(), work / "sub", env)
        assert (found.path, found.certain) == (python, True), words
        assert found.how == f"uv run: project environment {work}/.venv"


def test_uv_run_in_a_workspace_takes_the_environment_at_its_top(
    env: dict[str, str], work: Path
) -> None:
    tool(work, env, "uv")
    (work / "pyproject.toml").write_text("[tool.uv.workspace]\nmembers = ['member']\n")
    (work / "member").mkdir()
    (work / "member" / "pyproject.toml").write_text("[project]\nname='member'\n")
    python = other_python(work / ".venv")
    assert interpreter.find(("uv", "run", "x.py"), work / "member", env).path == python


def test_uv_run_honours_its_variable(env: dict[str, str], work: Path) -> None:
    tool(work, env, "uv")
    (work / "pyproject.toml").touch()
    python = other_python(work / "elsewhere")
    env["UV_PROJECT_ENVIRONMENT"] = "elsewhere"
    assert interpreter.find(("uv", "run", "python"), work, env).path == python


@pytest.mark.parametrize("option", ["--with numpy", "--python 3.9", "--isolated"])
def test_uv_run_with_changes_for_one_run_is_uncertain(
    option: str, env: dict[str, str], work: Path
) -> None:
    tool(work, env, "uv")
    (work / "pyproject.toml").touch()
    python = other_python(work / ".venv")
    found = interpreter.find(f"uv run {option} python x.py".split(), work, env)
    assert (found.path, found.certain) == (python, False)
    assert option.split()[0] in found.how


def test_uv_run_without_an_environment_says_what_to_do(env: dict[str, str], work: Path) -> None:
    tool(work, env, "uv")
    (work / "pyproject.toml").touch()
    found = interpreter.find(("uv", "run", "x.py"), work, env)
    assert (found.path, found.certain) == (None, False)
    assert "uv sync" in found.how


def test_uv_run_of_a_script_with_packages_of_its_own(env: dict[str, str], work: Path) -> None:
    tool(work, env, "uv")
    (work / "x.py").write_text("# /// script\n# dependencies = ['numpy']\n# ///\n")
    found = interpreter.find(("uv", "run", "x.py"), work, env)
    assert (found.path, found.certain) == (None, False)
    assert "PEP 723" in found.how


def test_uv_run_of_the_real_uv_agrees(work: Path, tmp_path: Path) -> None:
    import uv

    folder = Path(uv.find_uv_bin()).parent
    env = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path), "UV_OFFLINE": "1"}
    (work / "pyproject.toml").write_text(
        "[project]\nname='x'\nversion='1'\nrequires-python='>=3.8'\n[tool.uv]\npackage=false\n"
    )
    ask = ("uv", "run", "--python", sys.executable, "python", "-c", "import sys; print(sys.prefix)")
    said = process.run(ask, cwd=work, env=env).stdout.decode().strip()
    found = interpreter.find(("uv", "run", "python", "x.py"), work, env)
    assert found == Found(
        Path(said) / "bin" / "python", f"uv run: project environment {said}", True
    )


def test_poetry_is_asked_for_an_environment_outside_the_project(
    env: dict[str, str], work: Path
) -> None:
    (work / "pyproject.toml").touch()
    python = other_python(work.parent / "cache" / "x-py3.11")
    tool(work, env, "poetry", f'#!/bin/sh\n[ "$1" = env ] && echo {python.parent.parent}\n')
    found = interpreter.find(("poetry", "run", "python", "x.py"), work, env)
    assert (found.path, found.certain) == (python, True)


def test_a_launcher_that_runs_the_python_of_another_environment(
    env: dict[str, str], work: Path, tmp_path: Path
) -> None:
    tool(work, env, "poetry")
    other_python(work / ".venv")
    (work / "pyproject.toml").touch()
    other = other_python(tmp_path / "other")
    found = interpreter.find(("poetry", "run", str(other), "x.py"), work, env)
    assert found.path == other
    assert "brings its own" in found.how


def test_conda_run_by_name_and_by_path(env: dict[str, str], work: Path) -> None:
    root = work.parent / "miniconda"
    script(root / "bin" / "conda", "#!/bin/sh\n")
    env["PATH"] += f":{root / 'bin'}"
    prefix = root / "envs" / "train"
    python = other_python(prefix)
    (prefix / "conda-meta").mkdir()
    for words in ("conda run -n train python x.py", f"conda run -p {prefix} --live-stream python"):
        assert interpreter.find(words.split(), work, env).path == python, words
    found = interpreter.find(("conda", "run", "-n", "absent", "python"), work, env)
    assert (found.path, found.certain) == (None, False)


# --- pyenv ----------------------------------------------------------------------------------


def pyenv(root: Path) -> Path:
    shim = f'#!/usr/bin/env bash\nexec "{root}/libexec/pyenv" exec "$program" "$@"\n'
    return script(root / "shims" / "python", shim)


def test_a_pyenv_shim_is_followed_without_starting_it(env: dict[str, str], work: Path) -> None:
    root = work.parent / "pyenv"
    pyenv(root)
    first, second = other_python(root / "versions" / "3.9.1"), other_python(root / "versions/3.8.2")
    env["PATH"] = f"{root}/shims:/usr/bin:/bin"
    (root / "version").write_text("3.9.1\n")
    assert interpreter.find(("python", "x.py"), work, env).path == first
    (work / ".python-version").write_text("3.8.2\n")
    found = interpreter.find(("python", "x.py"), work, env)
    assert found == Found(second, "pyenv shim, version 3.8.2", True)
    env["PYENV_VERSION"] = "3.9.1"
    assert interpreter.find(("python", "x.py"), work, env).path == first


def test_pyenv_itself_is_asked_where_the_version_is_not_spelled_out(
    env: dict[str, str], work: Path
) -> None:
    root = work.parent / "pyenv"
    pyenv(root)
    python = other_python(root / "versions" / "3.9.1")
    script(root / "libexec" / "pyenv", f"#!/bin/sh\necho {python}\n")
    env["PATH"] = f"{root}/shims:/usr/bin:/bin"
    (work / ".python-version").write_text("3.9\n")
    assert interpreter.find(("python", "x.py"), work, env).path == python


# --- shells ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "python x.py",
        "cd src && python x.py",
        "echo python3; SEED=1 exec python x.py > log 2>&1",
        "set -e; for i in 1 2; do python x.py $i; done",
        "if python x.py; then echo ok; fi",
        "python a.py | tee log; python b.py",
        "X=python; $X x.py",
        "${PY:-python} x.py",
        "time python x.py",
        "nohup python x.py &",
        "python - <<'END'",
    ],
)
def test_a_shell_text(text: str, venv: Path, env: dict[str, str], work: Path) -> None:
    (work / "src").mkdir()
    found = interpreter.find(("sh", "-c", text), work, env)
    assert (found.path, found.certain) == (venv / "bin" / "python", True)
    assert found.how == f"{venv}/bin/python called by sh -c"


def test_a_shell_script_by_its_name_and_by_its_shell(
    venv: Path, env: dict[str, str], work: Path
) -> None:
    script(
        work / "train.sh", "#!/usr/bin/env bash\nset -e\n# python2 once\nmkdir -p out\npython x\n"
    )
    for words in (("./train.sh",), ("bash", "train.sh"), ("bash", "-eu", "train.sh")):
        found = interpreter.find(words, work, env)
        assert (found.path, found.certain) == (venv / "bin" / "python", True)
        assert found.how == f"{venv}/bin/python called by train.sh"


def test_a_script_that_activates_an_environment(env: dict[str, str], work: Path) -> None:
    python = other_python(work / ".venv")
    script(work / "train.sh", "source .venv/bin/activate\npython x.py\n")
    assert interpreter.find(("bash", "train.sh"), work, env).path == python


def test_a_script_that_exports_a_path(env: dict[str, str], work: Path) -> None:
    python = other_python(work / "own")
    script(work / "train.sh", f'export PATH="{work}/own/bin:$PATH"\npython x.py\n')
    assert interpreter.find(("bash", "train.sh"), work, env).path == python


def test_a_script_that_runs_its_arguments(venv: Path, env: dict[str, str], work: Path) -> None:
    script(work / "with.sh", '#!/bin/bash\nexport A=1\nexec "$@"\n')
    found = interpreter.find(("./with.sh", "python", "x.py"), work, env)
    assert found.path == venv / "bin" / "python"


def test_two_interpreters_in_one_script_are_a_doubt(
    venv: Path, env: dict[str, str], work: Path
) -> None:
    other = other_python(work / "other")
    script(work / "train.sh", "python prepare.py\nother/bin/python train.py\n")
    found = interpreter.find(("bash", "train.sh"), work, env)
    assert (found.path, found.certain) == (venv / "bin" / "python", False)
    assert str(other) in found.how


def test_make(venv: Path, env: dict[str, str], work: Path) -> None:
    tool(work, env, "make")
    (work / "Makefile").write_text(
        "PYTHON ?= python\nall: x\n\t@$(PYTHON) train.py \\\n\t  --fast\n"
    )
    assert interpreter.find(("make", "all"), work, env).path == venv / "bin" / "python"
    other = other_python(work / "other")
    assert interpreter.find(("make", "PYTHON=other/bin/python"), work, env).path == other


def test_dvc_reads_the_commands_of_its_stages(venv: Path, env: dict[str, str], work: Path) -> None:
    tool(work, env, "dvc")
    (work / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: python src/train.py\n    deps:\n    - src/train.py\n"
        "  two:\n    cmd:\n    - mkdir -p out\n    - python src/two.py\n"
    )
    found = interpreter.find(("dvc", "repro"), work, env)
    assert (found.path, found.certain) == (venv / "bin" / "python", True)


# --- no Python, no command ------------------------------------------------------------------


def test_a_binary_is_no_python(env: dict[str, str], work: Path) -> None:
    found = interpreter.find(("ls",), work, env)
    assert (found.path, found.certain) == (None, False)
    assert "binary" in found.how


def test_a_shell_text_without_python(env: dict[str, str], work: Path) -> None:
    found = interpreter.find(("sh", "-c", "ls | wc -l"), work, env)
    assert found == Found(None, "sh -c: no command in it runs Python", False)


@pytest.mark.parametrize("words", ["sh", "env", "nice", "uv", "uv run", "bash -c", "make", "xargs"])
def test_half_a_command_is_no_crash(words: str, env: dict[str, str], work: Path) -> None:
    for name in ("uv", "make"):
        tool(work, env, name)
    assert interpreter.find(words.split(), work, env).path is None


def test_a_command_that_is_not_there(env: dict[str, str], work: Path) -> None:
    with pytest.raises(NotFound, match="command not found: pyhton") as error:
        interpreter.find(("pyhton", "x.py"), work, env)
    assert "python" in error.value.hint


def test_a_file_that_is_not_executable(env: dict[str, str], work: Path) -> None:
    script(work / "train.py", "", executable=False)
    with pytest.raises(NotFound, match="not executable") as error:
        interpreter.find(("./train.py",), work, env)
    assert "python ./train.py" in error.value.hint
    with pytest.raises(NotFound) as error:
        interpreter.find(("train.py",), work, env)
    assert error.value.hint == "did you mean: python train.py"


def test_no_command(work: Path) -> None:
    with pytest.raises(NotFound):
        interpreter.find((), work, {})


# --- the probe ------------------------------------------------------------------------------


def test_probe(venv: Path, env: dict[str, str], work: Path, tmp_path: Path) -> None:
    found = interpreter.probe(venv / "bin" / "python", work, env, tmp_path / "cache")
    assert found.interpreter.version == ".".join(map(str, sys.version_info[:3]))
    assert found.interpreter.implementation == "CPython"
    assert found.prefix == str(venv)
    assert found.base_prefix == sys.base_prefix
    assert found.executable == str(venv / "bin" / "python")
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert found.paths == (str(venv / "lib" / minor / "site-packages"),)
    assert found.markers["python_version"] == minor.removeprefix("python")


def test_a_second_probe_starts_no_process(
    venv: Path,
    env: dict[str, str],
    work: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = tmp_path / "cache"
    first = interpreter.probe(venv / "bin" / "python", work, env, cache)
    with monkeypatch.context() as patched:
        patched.setattr(process, "run", None)
        assert interpreter.probe(venv / "bin" / "python", work, env, cache) == first
    elsewhere = interpreter.probe(
        venv / "bin" / "python", work, {**env, "PYTHONPATH": str(work)}, cache
    )
    assert elsewhere.paths == (str(work), *first.paths)


def test_a_new_pth_file_is_seen(
    venv: Path, env: dict[str, str], work: Path, tmp_path: Path
) -> None:
    python, cache = venv / "bin" / "python", tmp_path / "cache"
    before = interpreter.probe(python, work, env, cache)
    pointer = Path(before.paths[0]) / "added.pth"
    try:
        pointer.write_text(f"{work}\n")
        assert interpreter.probe(python, work, env, cache).paths == (*before.paths, str(work))
    finally:
        pointer.unlink()
    assert interpreter.probe(python, work, env, cache) == before


def test_two_venvs_of_one_python_are_told_apart(
    venv: Path, env: dict[str, str], work: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", second], check=True)
    for folder in (venv, second):
        found = interpreter.probe(folder / "bin" / "python", work, env, tmp_path / "cache")
        assert found.prefix == str(folder)


def test_a_damaged_cache_is_no_harm(
    venv: Path, env: dict[str, str], work: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = interpreter.probe(venv / "bin" / "python", work, env, cache)
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert interpreter.probe(venv / "bin" / "python", work, env, cache) == first


def test_files_in_the_working_directory_do_not_disturb_the_probe(
    venv: Path, env: dict[str, str], work: Path, tmp_path: Path
) -> None:
    for name in ("json.py", "platform.py", "site.py", "sysconfig.py"):
        (work / name).write_text("raise SystemExit('wrong module')\n")
    found = interpreter.probe(venv / "bin" / "python", work, env, tmp_path / "cache")
    assert found.prefix == str(venv)


def test_what_else_the_interpreter_prints_does_no_harm(
    venv: Path, env: dict[str, str], work: Path, tmp_path: Path
) -> None:
    (work / "sitecustomize.py").write_text("print('hello')\n")
    noisy = {**env, "PYTHONPATH": str(work)}
    assert interpreter.probe(venv / "bin/python", work, noisy, tmp_path / "c").prefix == str(venv)


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.9", "3.10", "3.12", "3.13"])
def test_other_versions(version: str, work: Path, tmp_path: Path) -> None:
    python = _pyenv_python(version)
    found = interpreter.probe(python, work, dict(os.environ), tmp_path / "cache")
    assert found.interpreter.version.startswith(f"{version}.")
    assert found.paths
    assert all("site-packages" in path for path in found.paths)


@pytest.mark.parametrize("version", ["2.7", "3.6"])
def test_versions_that_are_too_old(version: str, work: Path, tmp_path: Path) -> None:
    python = _pyenv_python(version)
    with pytest.raises(UsageError, match=rf"Python {version}\.\d+: repro records Python 3.7"):
        interpreter.probe(python, work, dict(os.environ), tmp_path / "cache")


def test_something_that_is_no_python(work: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not answer"):
        interpreter.probe(Path("/bin/echo"), work, {}, tmp_path / "cache")
    with pytest.raises(UsageError, match="does not work"):
        interpreter.probe(Path("/bin/false"), work, {}, tmp_path / "cache")


def _pyenv_python(version: str) -> Path:
    found = sorted(PYENV.glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} in {PYENV}")
    return found[-1]


def test_a_script_called_like_a_program_with_a_list_of_commands(
    venv: Path, env: dict[str, str], work: Path
) -> None:
    """taskipy's `task` is one of Python's, and has no Taskfile."""
    script = venv / "bin/task"
    script.write_text(f"#!{venv}/bin/python\n")
    script.chmod(0o755)
    try:
        assert interpreter.find(["task", "train"], work, env).path == venv / "bin/python"
        (work / "Taskfile.yml").write_text("tasks:\n  train:\n    cmds:\n      - /bin/true\n")
        assert interpreter.find(["task", "train"], work, env).path is None
    finally:
        script.unlink()
