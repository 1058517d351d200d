"""The engine without isolation: a fresh venv, a cleaned environment, this machine.

It replays where no Docker Engine is; what the machine has (system libraries, files, network) shows
through, and the words "not isolated" stand beside its verdicts.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from repro import process
from repro.engines import conda, uv
from repro.engines.base import Job, Ready, Site
from repro.environment.recipe import NoInterpreter, Recipe, relaxed
from repro.errors import EngineError, Unreplayable
from repro.manifest import EnvironmentKind, Finding, Severity
from repro.process import CommandFailed, Execution, Sink
from repro.progress import Progress

PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR")
"""What a command cannot do without; everything else comes from the definition."""
_MACHINE = ""
"""The handle of an environment that is the machine itself."""
_OWN_PROGRAMS = Finding(
    Severity.RISKS,
    "packages",
    "the command runs no Python that could be found: it ran with the programs that this machine has now, "
    "and whether they are those of the record is not known",
    "run it in an image (repro run --image REF), or name a Dockerfile in repro.yaml",
)


class VenvEngine:
    """uv and this machine's interpreters."""

    name = "venv"
    isolation = "none"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def version(self) -> str:
        try:
            said = process.run([uv.executable(), "--version"], timeout=20).stdout
        except (CommandFailed, FileNotFoundError) as error:
            raise EngineError(f"uv does not answer: {error}", "pip install uv") from error
        return said.decode("utf-8", "replace").split("(")[0].strip()

    def place(self, workspace: Path, recorded: str) -> str:
        return workspace.as_posix()

    def adopt(self, workspace: Path, user: int | None = None) -> None:
        """The command runs as the caller, whose it is already."""

    def prepare(self, recipe: Recipe, site: Site, progress: Progress) -> Ready:
        clock = time.monotonic()
        if recipe.of_machine:
            return Ready(_MACHINE, True, 0.0, findings=(_OWN_PROGRAMS,))
        if recipe.kind is not EnvironmentKind.PACKAGES:
            raise Unreplayable(
                "the run's environment is an image, which the venv engine cannot stand in for",
                "replay it with --engine docker",
            )
        conda.check_here(recipe)
        findings: tuple[Finding, ...] = ()
        if recipe.conda:
            findings = (conda.on_machine(self._environ).finding,)
        progress.step(f"building the environment: {recipe.summary}")
        folder = site.session.folder("venv-recipe")
        for name, content in recipe.files.items():
            (folder / name).write_text(content, "utf-8")
        target = site.session.path / "venv"
        try:
            self._build_all(recipe, folder, target, site)
        except NoInterpreter:
            plan, finding = relaxed(recipe)
            findings = (finding,)
            try:
                self._build_all(plan, folder, target, site)
            except NoInterpreter as error:
                raise Unreplayable(
                    f"this machine has no Python {plan.python_version}, and none could be downloaded",
                    "install it (uv python install), or replay with --engine docker",
                ) from error
        seconds = time.monotonic() - clock
        return Ready(str(target), False, seconds, findings=findings, environment=str(target))

    def _build_all(self, recipe: Recipe, folder: Path, target: Path, site: Site) -> None:
        installer = conda.on_machine(self._environ)
        steps = recipe.commands(
            uv=str(uv.executable()),
            folder=str(folder),
            venv=str(target),
            micromamba=installer.micromamba,
            cache=str(uv.user_cache() / "conda"),
        )
        for at, command in enumerate(steps):
            try:
                self._build(uv.told(command, site.sources), site)
            except Unreplayable as error:
                if at == 0 and recipe.conda:
                    raise conda.failed(installer, str(error.__cause__)) from error
                raise

    def _build(self, command: tuple[str, ...], site: Site) -> None:
        env = {
            **{name: self._environ[name] for name in ("PATH", "HOME") if name in self._environ},
            **site.sources.env,
            "UV_CACHE_DIR": str(uv.user_cache() / "uv"),
            "UV_NO_PROGRESS": "1",
            "UV_NO_CONFIG": "1",
            "MAMBA_ROOT_PREFIX": str(uv.user_cache() / "micromamba"),
        }
        env["PATH"] = os.pathsep.join(
            [env.get("PATH", os.defpath), *_pyenv_versions(self._environ)]
        )
        if site.sources.ca_bundle:
            env["SSL_CERT_FILE"] = str(site.sources.ca_bundle)
        try:
            process.run(command, cwd=site.workspace, env=env, timeout=3600)
        except CommandFailed as error:
            if command[1] == "venv":
                raise NoInterpreter(str(error)) from error
            raise Unreplayable(
                f"the environment could not be built: {error}",
                "`repro doctor` checks index, network and interpreters",
            ) from error

    def execute(self, ready: Ready, job: Job, sink: Sink) -> Execution:
        home = job.home or job.session.folder(f"home-{os.urandom(3).hex()}")
        env = {name: self._environ[name] for name in PASSED_ON if name in self._environ}
        env |= {"HOME": str(home), **job.env}
        env["PATH"] = job.env.get("PATH") or env.get("PATH", os.defpath)
        if ready.handle != _MACHINE:
            venv = Path(ready.handle)
            kind = "CONDA_PREFIX" if (venv / "conda-meta").is_dir() else "VIRTUAL_ENV"
            env |= {kind: str(venv), **job.env}
            env["PATH"] = f"{venv / 'bin'}{os.pathsep}{env['PATH']}"
        if job.uv:
            env |= uv.run_environment(ready.handle)
        argv, here = list(job.argv), job.workspace / job.working_directory
        if not shutil.which(argv[0], path=env["PATH"]) and not (here / argv[0]).exists():
            raise Unreplayable(
                f"the command {argv[0]!r} is neither in the environment nor on this machine",
                "replay it with --engine docker",
            )
        argv[0] = shutil.which(argv[0], path=env["PATH"]) or argv[0]
        return process.execute(argv, cwd=here, env=env, sink=sink, stop=job.stop, fed=False)


def _pyenv_versions(environ: Mapping[str, str]) -> list[str]:
    """The interpreters that pyenv keeps: uv sees only the one that is selected."""
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME", ""), ".pyenv")  # noqa: PTH118
    return sorted(map(str, Path(root).glob("versions/*/bin")))
