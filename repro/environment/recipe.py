"""From a definition to the steps that build its environment: pure, nothing is started here.

The steps exist twice with one meaning: as commands for an engine (uv, one download cache, seconds),
and as a Dockerfile for a person who has Docker and nothing else.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from repro import canonical
from repro.capturing.requirements import parse
from repro.environment import conda, dockerfile
from repro.errors import ReproError
from repro.manifest import (
    CondaFile,
    Definition,
    EnvironmentKind,
    Finding,
    Image,
    Interpreter,
    Package,
    PackageOrigin,
    Severity,
)

# Part of the key: goes up when the same recipe would be built in another way.
VERSION = 1

Words = tuple[str, ...]

VENV = "/opt/repro/venv"
WORKSPACE = "/workspace"
BASE = "python:{version}-slim"


class NoInterpreter(ReproError):
    """The base has not the Python that the recipe asks for; ``relaxed`` asks for less."""


@dataclass(frozen=True)
class Recipe:
    """How an environment is built. ``key``, by which it is known, is the digest of all that goes in."""

    kind: EnvironmentKind
    image: Image
    """What it starts from; for kind ``image`` it is the environment."""
    key: str
    python_version: str | None = None
    lock: str = ""
    """The lines with hashes, requirements format: installed with --require-hashes."""
    unhashed: str = ""
    """The lines without."""
    editable: tuple[str, ...] = ()
    """Absolute paths, inside, of projects that are installed editable."""
    tools: tuple[str, ...] = ()
    """Programs that are installed with the system's own package manager where the base lacks them."""
    local: tuple[str, ...] = ()
    """Absolute paths, inside, of wheels and projects that are installed as copies."""
    conda: tuple[CondaFile, ...] = ()
    """What conda installs, Python with it; the other lines are what pip installed on top."""
    of_machine: bool = False
    """Nothing is known of it: the command ran programs of its machine, no Python, and no image is named."""
    files: dict[str, str] = field(default_factory=dict)
    """What lies in the folder that is built from, by name."""

    @property
    def base(self) -> str:
        """The image to start from, as it is written behind FROM."""
        return pinned(self.image)

    @property
    def dockerfile(self) -> str:
        return self.files.get("Dockerfile", "")

    @property
    def needs_source(self) -> bool:
        """Whether the workspace must be there while it is built."""
        return bool(self.editable or self.local)

    @property
    def needs_git(self) -> bool:
        """Whether a package comes from a git repository; slim images have no git."""
        return "git+" in self.lock + self.unhashed

    @property
    def venv(self) -> str:
        """Where the packages lie inside."""
        return VENV

    @property
    def variables(self) -> dict[str, str]:
        """What the image sets; ``$PATH`` is the base image's own."""
        if self.kind is not EnvironmentKind.PACKAGES:
            return {}
        kind = "CONDA_PREFIX" if self.conda else "VIRTUAL_ENV"
        return {kind: VENV, "PATH": f"{VENV}/bin:$PATH"}

    @property
    def summary(self) -> str:
        """For a person: one line."""
        match self.kind:
            case EnvironmentKind.IMAGE:
                return f"image {self.image.reference}"
            case EnvironmentKind.DOCKERFILE:
                return f"image built from {self.image.dockerfile}"
        count = len(parse(self.lock)) + len(parse(self.unhashed))
        count += len(self.editable) + len(self.local)
        noun = "package" if count == 1 else "packages"
        if self.conda:
            noun = f"{noun} on top of {len(self.conda)} of conda"
        return f"Python {self.python_version}, {count} {noun} on {self.image.reference}"

    def commands(
        self,
        *,
        uv: str = "/repro/uv",
        folder: str = "/repro/in",
        venv: str = VENV,
        micromamba: str | None = None,
        cache: str = "/repro/cache/conda",
    ) -> tuple[Words, ...]:
        """The steps for an engine, in order. ``folder`` holds ``files``.

        The default ``venv`` is inside a container. There git is installed where it is needed.
        ``micromamba`` installs conda's packages; None: py-rattler does, with its files in ``cache``.
        """
        contained = venv == VENV
        install: Words = (uv, "pip", "install", "--python", f"{venv}/bin/python", "--no-deps")
        steps: list[Words] = [
            (uv, "venv", "--no-project", "--python", self.python_version or "3", venv)
        ]
        if self.conda and micromamba:
            steps = [conda.by_micromamba(micromamba, folder, venv)]
        elif self.conda:
            steps = [conda.by_rattler(uv, folder, venv, cache)]
        if self.lock:
            steps.append((*install, "--require-hashes", "-r", f"{folder}/requirements.lock"))
        if self.needs_git and contained:
            steps.append(("/bin/sh", "-c", dockerfile.get(("git",))))
        if self.unhashed:
            steps.append((*install, "-r", f"{folder}/requirements-unhashed.txt"))
        steps += [(*install, path) for path in self.local]
        steps += [(*install, "--editable", path) for path in self.editable]
        return tuple(steps)


def render(
    definition: Definition,
    lock_text: str = "",
    *,
    workspace: str = WORKSPACE,
    source_digest: str = "",
    env: Mapping[str, str] | None = None,
) -> Recipe:
    """The recipe of a run's environment.

    ``workspace`` is where the source will lie inside. ``source_digest`` is of what editable and local
    installs read (at the least the files that ``build_files`` names), and part of the key where there
    are any. ``env`` may name the base image, when the definition has none (REPRO_BASE_IMAGE).
    """
    environment = definition.environment
    interpreter = environment.interpreter or Interpreter("3")
    image = environment.image or Image(default_base(interpreter, env or {}))
    recipe = Recipe(
        kind=environment.kind,
        image=image,
        key="",
        python_version=environment.interpreter.version if environment.interpreter else None,
        of_machine=environment.kind is EnvironmentKind.IMAGE and environment.image is None,
    )
    if lock_text or environment.kind is EnvironmentKind.PACKAGES:
        recipe = _with_packages(recipe, environment.packages, lock_text, workspace)
        recipe = replace(recipe, tools=environment.tools, conda=environment.conda)
    tree = definition.source.tree if environment.kind is EnvironmentKind.DOCKERFILE else ""
    recipe = replace(recipe, key=_key(recipe, source_digest if recipe.needs_source else "", tree))
    return replace(recipe, files=_files(recipe, workspace))


def default_base(interpreter: Interpreter, env: Mapping[str, str]) -> str:
    """The image to start from: REPRO_BASE_IMAGE with ``{version}`` filled in, else Docker's own."""
    template = env.get("REPRO_BASE_IMAGE") or BASE
    return template.replace("{version}", interpreter.version)


def base_findings(interpreter: Interpreter, env: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is to be said where no default image has this interpreter."""
    if interpreter.implementation == "CPython" or env.get("REPRO_BASE_IMAGE"):
        return ()
    return (
        Finding(
            Severity.BREAKS,
            "image",
            f"the run used {interpreter.implementation} {interpreter.version}; the default base "
            "image has CPython, so a replay runs another interpreter",
            "name an image that has it: `image:` in repro.yaml, or REPRO_BASE_IMAGE",
        ),
    )


def relaxed(recipe: Recipe) -> tuple[Recipe, Finding]:
    """For a base that has another patch release: the same with ``X.Y``, under a key of its own."""
    wanted = recipe.python_version or "3"
    version = ".".join(wanted.split(".")[:2])
    # by its own key, so that it can never pass for the exact one
    key = canonical.digest_bytes(f"{recipe.key} with python {version}".encode())
    found = Finding(
        Severity.RISKS,
        "image",
        f"the base image has no Python {wanted}; another release of {version} was used",
        "record and replay with a base image of the same release: REPRO_BASE_IMAGE",
    )
    return replace(recipe, python_version=version, key=key), found


def tools(programs: Iterable[str]) -> tuple[str, ...]:
    """Those of the programs that can be put into an image whose package index is Debian's."""
    return tuple(sorted({name for name in programs if name in dockerfile.PROVIDED_BY}))


def build_files() -> tuple[str, ...]:
    """The files of a project that an editable install reads: what ``source_digest`` must cover."""
    return ("MANIFEST.in", "pyproject.toml", "setup.cfg", "setup.py")


def pinned(image: Image) -> str:
    """The image by digest where a registry knows it, else by its name."""
    if not image.digest:
        return image.reference
    name = image.reference.partition("@")[0]
    return f"{name}@{image.digest}"


# --- parts ----------------------------------------------------------------------------------


def _with_packages(
    recipe: Recipe, packages: tuple[Package, ...], lock_text: str, inside: str
) -> Recipe:
    entries = parse(lock_text)
    hashed = [_line(entry.text, entry.hashes) for entry in entries if entry.hashes]
    unhashed = [entry.text for entry in entries if not entry.hashes]

    def at(origin: PackageOrigin) -> tuple[str, ...]:
        found = {
            posixpath.normpath(posixpath.join(inside, item.location))
            for item in packages
            if item.origin is origin and item.location is not None
        }
        return tuple(sorted(found))

    return replace(
        recipe,
        lock="".join(f"{line}\n" for line in sorted(hashed)),
        unhashed="".join(f"{line}\n" for line in sorted(unhashed)),
        editable=at(PackageOrigin.EDITABLE),
        local=at(PackageOrigin.LOCAL),
    )


def _line(pin: str, hashes: tuple[str, ...]) -> str:
    return " \\\n    ".join([pin, *(f"--hash={digest}" for digest in sorted(hashes))])


def _key(recipe: Recipe, source_digest: str, tree: str) -> str:
    facts = {
        "version": VERSION,
        "kind": recipe.kind.value,
        "image": recipe.image.digest or recipe.image.id or recipe.image.reference,
        "dockerfile": recipe.image.dockerfile or "",
        "bases": recipe.image.bases,
        "tree": tree,
        "python": recipe.python_version or "",
        "lock": recipe.lock,
        "unhashed": recipe.unhashed,
        "editable": recipe.editable,
        "local": recipe.local,
        "source": source_digest,
    }
    if recipe.tools:  # without any, the key is that of earlier versions
        facts["tools"] = recipe.tools
    if recipe.conda:
        facts["conda"] = conda.explicit(recipe.conda)
    return canonical.digest_bytes(canonical.dumps(facts))


def _files(recipe: Recipe, inside: str) -> dict[str, str]:
    files = {
        "Dockerfile": dockerfile.render(recipe, inside),
        "requirements.lock": recipe.lock,
        "requirements-unhashed.txt": recipe.unhashed,
        conda.LIST: conda.explicit(recipe.conda),
        conda.SCRIPT: conda.script() if recipe.conda else "",
    }
    return {name: content for name, content in sorted(files.items()) if content}
