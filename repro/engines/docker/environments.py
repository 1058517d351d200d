"""Environment images: known by the recipe's key, or built and committed.

Packages are installed without a builder: a container from the base, the recipe's commands executed in
it with uv and one shared download cache mounted, then a commit. It needs no BuildKit, is several times
faster than `docker build` with pip, and what the build may use (proxies, credentials, certificates)
exists only in the environment of those commands, so no trace of it can stay in the image.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import docker
from docker.models.containers import Container
from docker.types import Mount

from repro.capturing import host
from repro.engines import conda
from repro.engines import uv as tools
from repro.engines.base import Site
from repro.engines.docker import conda_inside, networks
from repro.engines.docker.client import FAULTS, explained, short, telling
from repro.engines.docker.container import created
from repro.engines.docker.images import Images
from repro.environment import dockerfile
from repro.environment.recipe import VENV, NoInterpreter, Recipe, pinned, relaxed
from repro.errors import Unreplayable
from repro.manifest import EnvironmentKind, Finding, Image, Severity
from repro.progress import Progress

REPOSITORY = "repro-env"
"""Local name of the environment images; their tag is the recipe's key."""
CACHE_VOLUME = "repro-uv-cache"
FACTS = "org.repro.facts"
_ASK = """
import json, os, platform, sysconfig
site = sysconfig.get_paths()["platlib"]
release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
libc = " ".join(platform.libc_ver())
print(json.dumps({
    "distribution": release.get("PRETTY_NAME", "").strip('"') or None,
    "libc": libc or None,
    "python": platform.python_implementation() + " " + platform.python_version(),
    "blas": [
        package + ": " + name
        for package in ("numpy", "scipy", "torch")
        for place in (package + ".libs", package + "/lib")
        if os.path.isdir(os.path.join(site, place))
        for name in os.listdir(os.path.join(site, place))
        if not os.path.islink(os.path.join(site, place, name))
    ],
}))
"""


_C = rb"(?:[\w/-]*-)?(?:gcc|cc|g\+\+|c\+\+)(?:-\d+)?"
_WANTS_COMPILER = re.compile(
    rb"command ['\"]?" + _C + rb"['\"]? failed: No such|unable to execute ['\"]?" + _C
    + rb"|\b" + _C + rb"['\"]?: (?:command )?not found|linker `cc` not found|no acceptable C compiler"
    rb"|No CMAKE_\w+_COMPILER could be found|Unknown compiler\(s\)",
    re.IGNORECASE,
)  # fmt: skip


class _NoCompiler(Unreplayable):
    """A package has only its source, and nothing here compiles it."""


class Environments:
    """The environment images of one engine."""

    def __init__(
        self, client: docker.DockerClient, images: Images, environ: Mapping[str, str]
    ) -> None:
        self._client, self._images, self._environ = client, images, environ
        self._aside = ThreadPoolExecutor(max_workers=1)
        self._removals: list[Future[None]] = []

    def settle(self) -> None:
        """Wait until the containers of builds are gone: seconds, as they hold thousands of files."""
        while self._removals:
            self._removals.pop().result()

    def from_packages(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool, tuple[Finding, ...]]:
        if known := self._known(recipe):
            return known, True, ()
        conda.check(recipe, self._machine())
        base, concerns = self._images.recorded(recipe.image, progress)
        try:
            image, lacking = self._built(recipe, base, site, progress)
            return image, False, (*concerns, *lacking)
        except NoInterpreter:
            plan, finding = relaxed(recipe)
        progress.detail(finding.message)
        if known := self._known(plan):
            return known, True, (finding,)
        try:
            image, lacking = self._built(plan, base, site, progress)
            return image, False, (*concerns, finding, *lacking)
        except NoInterpreter as error:
            raise Unreplayable(
                f"the base image {recipe.image.reference} has no Python {plan.python_version}, and none "
                "could be downloaded into it",
                "name an image that has it: `image:` in repro.yaml, or REPRO_BASE_IMAGE",
            ) from error

    def has(self, recipe: Recipe) -> bool:
        """Whether the environment is in this engine: nothing has to be pulled or built for it."""
        if recipe.kind is EnvironmentKind.PACKAGES:
            return self._known(recipe) is not None
        names = [recipe.image.id, pinned(recipe.image) if recipe.image.digest else None]
        if recipe.kind is EnvironmentKind.DOCKERFILE:
            names = [recipe.image.id, f"{REPOSITORY}:{_tag(recipe.key)}"]
        return any(self._images.local(name) for name in names if name)

    def _known(self, recipe: Recipe) -> Image | None:
        return self._images.local(f"{REPOSITORY}:{_tag(recipe.key)}")

    def _built(
        self, recipe: Recipe, base: Image, site: Site, progress: Progress
    ) -> tuple[Image, tuple[Finding, ...]]:
        tag = f"{REPOSITORY}:{_tag(recipe.key)}"
        progress.step(f"building the environment: {recipe.summary}")
        options = self._build_options(recipe, site, base)
        with created(self._client, site.session, options, self._later) as container:
            container.start()
            lacking = self._install_tools(container, recipe, site)
            compiled: tuple[Finding, ...] = ()
            env = tools.build_environment(site.sources)
            steps, how = list(recipe.commands()), []
            if recipe.conda:
                chosen = conda_inside.installer(container, self._environ, self._machine())
                first, *steps = recipe.commands(micromamba=chosen.micromamba)
                progress.detail(" ".join(first))
                conda_inside.install(container, chosen, first, env)
                how = [chosen.finding]
            if site.sources.offline:
                networks.cut(self._client, container)
            for command in steps:
                progress.detail(" ".join(command))
                words = tools.told(command, site.sources)
                try:
                    self._exec(container, words, env)
                except _NoCompiler:
                    progress.detail("installing a compiler")
                    compiled = self._get_compiler(container, site, env)
                    self._exec(container, words, env)
            self._compile(container)
            facts = self._facts(container)
            with explained("committing the environment"):
                made = self._client.api.commit(
                    container.id,
                    repository=REPOSITORY,
                    # an image that lacks something must not be found by its key
                    tag=_tag(recipe.key) + ("-lacking" if lacking else ""),
                    pause=False,
                    changes=[
                        *(f"ENV {name}={value}" for name, value in recipe.variables.items()),
                        *self._as_in(base),
                        f"LABEL org.repro.key={recipe.key}",
                        f"LABEL {FACTS}={json.dumps(json.dumps(facts))}",
                    ],
                )
        return Image(tag, id=made["Id"]), (*lacking, *compiled, *how)

    def _machine(self) -> str:
        return str(self._client.info().get("Architecture", ""))

    def _get_compiler(
        self, container: Container, site: Site, env: dict[str, str]
    ) -> tuple[Finding, ...]:
        """For packages of which there is source only; uv keeps what is built, so it is done once."""
        words = ["/bin/sh", "-c", dockerfile.get(("cc", "c++", "make"))]
        reached = site.sources.offline and not tools.uses_loopback(site.sources)
        network = networks.connected(self._client, container) if reached else nullcontext()
        with network, explained("installing a compiler"):
            code, said = container.exec_run(words, environment=env)
        if code:
            raise Unreplayable(
                "a package has to be compiled, the base image has no compiler, and none could be installed: "
                f"{telling(said)}",
                "name an image that has one: `image:` in repro.yaml",
            )
        return (
            Finding(
                Severity.NOTE,
                "packages",
                "a package had to be compiled: what was built depends on the compiler of today",
                "keep its wheel beside the code, or in an index of yours",
            ),
        )

    def _install_tools(
        self, container: Container, recipe: Recipe, site: Site
    ) -> tuple[Finding, ...]:
        """The programs that the base lacks; where they cannot be had the command shows whether it can do
        without."""
        if not recipe.tools:
            return ()
        words = ["/bin/sh", "-c", dockerfile.get(recipe.tools)]
        with explained("installing programs"):
            code, said = container.exec_run(
                words, environment=tools.build_environment(site.sources)
            )
        if code == 0:
            return ()
        return (
            Finding(
                Severity.RISKS,
                "image",
                f"the image lacks programs that the run started ({', '.join(recipe.tools)}), and they "
                f"could not be installed: {telling(said)}",
                "name an image that has them: `image:` in repro.yaml",
            ),
        )

    def _as_in(self, base: Image) -> tuple[str, ...]:
        """Instructions that give the environment its base's own start, not that of the build."""
        config = self._images.config(base)
        return (
            # an empty one would leave that of the build's container in place
            *(f"ENTRYPOINT {json.dumps(start)}" for start in [config.get("Entrypoint")] if start),
            f"CMD {json.dumps(config.get('Cmd') or ['python3'])}",
            f"USER {config.get('User') or 'root'}",
        )

    def _later(self, removal: Callable[[], None]) -> None:
        self._removals.append(self._aside.submit(removal))

    def _compile(self, container: Container) -> None:
        """Bytecode, once: who runs it later cannot write there, and compiled anew each time. The
        packages' own tests, half of all modules, are left out; what does not compile is no error."""
        words = ("-m", "compileall", "-qq", "-j", "0", "-x", "/tests?/", f"{VENV}/lib")
        with explained("compiling the environment"):
            container.exec_run([f"{VENV}/bin/python", *words])

    def _facts(self, container: Container) -> dict[str, Any]:
        """What the inside says of itself, for setting beside the recorded host."""
        code, said = container.exec_run([f"{VENV}/bin/python", "-c", _ASK])
        if code:
            return {}
        try:
            answer = json.loads(said)
            return {**answer, "blas": host.blas_named(answer.pop("blas"))}
        except (ValueError, KeyError, TypeError):
            return {}

    def facts_of(self, image: Image) -> dict[str, Any]:
        label = (self._images.config(image).get("Labels") or {}).get(FACTS)
        found = _facts(label) if label else {}
        return {"distribution": None, "libc": None, "blas": None, **found}

    def _build_options(self, recipe: Recipe, site: Site, base: Image) -> dict[str, Any]:
        folder = site.session.folder(f"recipe-{os.urandom(3).hex()}")
        for name, content in recipe.files.items():
            (folder / name).write_text(content, "utf-8")
        mounts = [
            Mount(
                "/repro/uv",
                str(tools.linux_uv(self._machine())),
                type="bind",
                read_only=True,
            ),
            Mount("/repro/in", str(folder), type="bind", read_only=True),
            Mount("/repro/cache", CACHE_VOLUME, type="volume"),
        ]
        mounts += [
            Mount(str(path), str(path), type="bind", read_only=True) for path in site.sources.mounts
        ]
        if site.sources.ca_bundle:
            mounts.append(
                Mount(tools.CA_INSIDE, str(site.sources.ca_bundle), type="bind", read_only=True)
            )
        if recipe.conda:
            mounts += conda_inside.mounts(self._environ, self._machine())
        if recipe.needs_source:
            mounts.append(Mount(site.inside, str(site.workspace), type="bind"))
        return {
            "image": base.id,
            **(
                {"entrypoint": ["sleep"], "command": ["86400"]}
                if self._images.config(base).get("Entrypoint")
                else {"command": ["sleep", "86400"]}
            ),
            "user": "0:0",
            "mounts": mounts,
            "network_mode": networks.mode(
                offline=site.sources.offline,
                loopback=tools.uses_loopback(
                    site.sources, *(item.url or "" for item in recipe.conda)
                ),
                # packages of conda do not come along: they are fetched as programs are
                programs=bool(recipe.tools or recipe.conda),
            ),
        }

    def _exec(self, container: Container, command: tuple[str, ...], env: dict[str, str]) -> None:
        with explained("building the environment"):
            code, output = container.exec_run(list(command), environment=env)
        if code and command[1] == "venv":
            raise NoInterpreter(telling(output))
        if code and _WANTS_COMPILER.search(output):
            raise _NoCompiler(
                f"the environment could not be built for want of a compiler: {telling(output)}",
                "name an image that has one: `image:` in repro.yaml",
            )
        if code:
            raise Unreplayable(
                f"the environment could not be built: `{' '.join(command[:4])} …` failed: "
                f"{telling(output)}",
                "the whole output is above with --verbose; `repro doctor` checks index and network",
            )

    def from_dockerfile(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool, tuple[Finding, ...]]:
        """The image of the project's own Dockerfile: the very one, or one from the same source."""
        wanted, tag = recipe.image, f"{REPOSITORY}:{_tag(recipe.key)}"
        for name in filter(None, (wanted.id, tag)):
            if known := self._images.local(name):
                image = Image(wanted.reference, id=known.id)
                return image, True, _moved(recipe, image)
        image = self._build_dockerfile(str(wanted.dockerfile), tag, site, progress)
        return image, False, _moved(recipe, image)

    def _build_dockerfile(self, dockerfile: str, tag: str, site: Site, progress: Progress) -> Image:
        # the context is a restored source, never the work tree with all that lies around in it
        progress.step(f"building {dockerfile}")
        proxies = {
            name: value
            for name, value in site.sources.env.items()
            if name.lower().endswith("_proxy")
        }
        try:
            for line in self._client.api.build(
                path=str(site.workspace), dockerfile=dockerfile, tag=tag, rm=True, forcerm=True, decode=True,
                buildargs=proxies, network_mode="host" if tools.uses_loopback(site.sources) else None,
            ):  # fmt: skip
                if "error" in line:
                    raise Unreplayable(
                        f"{dockerfile} could not be built: {line['error'].strip()}",
                        f"build it by hand to see more: docker build -f {dockerfile} .",
                    )
                if text := line.get("stream", "").strip():
                    progress.detail(text)
            return Image(dockerfile, id=self._client.images.get(tag).id, dockerfile=dockerfile)
        except FAULTS as error:
            raise Unreplayable(f"{dockerfile} could not be built: {short(error)}") from error


def _moved(recipe: Recipe, image: Image) -> tuple[Finding, ...]:
    if recipe.image.id not in (None, image.id):
        return (
            Finding(
                Severity.RISKS,
                "image",
                f"{recipe.image.dockerfile} was built anew: image {str(image.id)[:19]}, recorded "
                f"{str(recipe.image.id)[:19]}",
                "a Dockerfile that installs without pins builds something else each time",
            ),
        )
    return ()


def _facts(label: str) -> dict[str, Any]:
    """What a label says of its image, which may come from anybody: texts under the names that are asked."""
    try:
        stated = json.loads(label)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(stated, dict):
        return {}
    texts = {
        name: stated[name]
        for name in ("distribution", "libc", "python")
        if isinstance(stated.get(name), str)
    }
    blas = stated.get("blas")
    if isinstance(blas, list) and all(isinstance(item, str) for item in blas):
        return {**texts, "blas": tuple(blas)}
    return texts


def _tag(key: str) -> str:
    return key.removeprefix("sha256:")[:32]
