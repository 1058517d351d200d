"""The recipe: the same definition gives the same steps, the same text and the same key."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from repro.environment import conda, recipe
from repro.environment.recipe import Recipe, default_base, pinned, relaxed, render
from repro.manifest import (
    Command,
    CondaFile,
    Definition,
    Environment,
    EnvironmentKind,
    Image,
    Interpreter,
    Package,
    PackageOrigin,
    Severity,
    Source,
)

DIGEST = "sha256:" + "d" * 64
BASE = Image("registry.example/library/python:3.11.7-slim", digest=DIGEST)
HASH = "--hash=sha256:" + "a" * 64
LOCK = f"b==2.0 \\\n    {HASH}\na==1.0 \\\n    {HASH}\n"
GIT = "c @ git+https://h.example/c@" + "1" * 40 + "\n"
PYTHON = Interpreter("3.11.7")
PACKAGES = (Package("a", "1.0"), Package("b", "2.0"))


def definition(
    packages: tuple[Package, ...] = PACKAGES,
    kind: EnvironmentKind = EnvironmentKind.PACKAGES,
    image: Image | None = BASE,
    tree: str = "t1",
    interpreter: Interpreter = PYTHON,
) -> Definition:
    environment = Environment(kind, image, interpreter, packages)
    return Definition(Source("c", tree), (), environment, Command(("python", "train.py")))


def test_the_steps() -> None:
    made = render(definition(), LOCK)
    assert made.commands(uv="UV", folder="IN") == (
        ("UV", "venv", "--no-project", "--python", "3.11.7", "/opt/repro/venv"),
        ("UV", "pip", "install", "--python", "/opt/repro/venv/bin/python", "--no-deps",
         "--require-hashes", "-r", "IN/requirements.lock"),
    )  # fmt: skip
    assert made.files["requirements.lock"].startswith(f"a==1.0 \\\n    {HASH}\nb==2.0")
    assert list(made.files) == ["Dockerfile", "requirements.lock"]


def test_lines_without_hashes_are_a_step_of_their_own() -> None:
    made = render(definition(), LOCK + GIT + "torch==2.0+cpu\n")
    assert made.files["requirements-unhashed.txt"] == GIT + "torch==2.0+cpu\n"
    assert "c @" not in made.files["requirements.lock"]
    *_, git, last = made.commands()
    assert "git" in git[-1]
    assert last[-2:] == ("-r", "/repro/in/requirements-unhashed.txt")
    assert "--require-hashes" not in last


def test_outside_a_container_nothing_of_the_machine_is_changed() -> None:
    made = render(definition(), LOCK + GIT)
    commands = made.commands(uv="uv", folder="f", venv="/tmp/venv")
    assert all(words[0] == "uv" for words in commands)
    assert all("/opt/repro" not in word for words in commands for word in words)


def test_projects_of_the_source_come_last_and_from_their_place_inside() -> None:
    own = (
        Package("own", "1", PackageOrigin.EDITABLE, "."),
        Package("core", "1", PackageOrigin.EDITABLE, "libs/core"),
        Package("vendored", "1", PackageOrigin.LOCAL, "vendor/vendored-1-py3-none-any.whl"),
        Package("elsewhere", "1", PackageOrigin.EDITABLE),
    )
    made = render(definition(own), LOCK, workspace="/home/x/w")
    assert made.editable == ("/home/x/w", "/home/x/w/libs/core")
    assert made.local == ("/home/x/w/vendor/vendored-1-py3-none-any.whl",)
    assert made.needs_source
    assert [words[-1] for words in made.commands()[-3:]] == [*made.local, *made.editable]
    assert not render(definition(), LOCK).needs_source


def test_what_changes_the_key() -> None:
    first = render(definition(), LOCK)
    own = (Package("own", "1", PackageOrigin.EDITABLE, "."),)
    keys = {
        first.key,
        render(definition(), LOCK.replace("2.0", "2.1")).key,
        render(definition(), LOCK + GIT).key,
        render(definition(image=replace(BASE, digest="sha256:" + "e" * 64)), LOCK).key,
        render(definition(interpreter=Interpreter("3.11.8")), LOCK).key,
        render(definition(own), LOCK).key,
        render(definition(own), LOCK, source_digest="x").key,
        render(definition(own), LOCK, workspace="/w").key,
        relaxed(first)[0].key,
    }
    assert len(keys) == 9
    assert all(key.startswith("sha256:") for key in keys)


def test_what_does_not_change_the_key() -> None:
    first = render(definition(), LOCK)
    reordered = "".join(f"{line}\n" for line in reversed([f"a==1.0 {HASH}", f"b==2.0 {HASH}"]))
    assert render(definition(), reordered) == first
    assert render(definition(tree="t2"), LOCK).key == first.key
    assert render(definition(), LOCK, workspace="/elsewhere").key == first.key
    assert render(definition(), LOCK, source_digest="x").key == first.key
    renamed = replace(BASE, reference="mirror.example/python:3.11.7-slim", id="sha256:1")
    assert render(definition(image=renamed), LOCK).key == first.key


def test_the_base_image() -> None:
    assert default_base(Interpreter("3.9.1"), {}) == "python:3.9.1-slim"
    named = {"REPRO_BASE_IMAGE": "127.0.0.1:5000/python:{version}-slim"}
    assert default_base(Interpreter("3.9.1"), named) == "127.0.0.1:5000/python:3.9.1-slim"
    assert pinned(BASE) == f"registry.example/library/python:3.11.7-slim@{DIGEST}"
    assert pinned(Image("x@sha256:old", digest=DIGEST)) == f"x@{DIGEST}"
    assert pinned(Image("local:tag", id="sha256:1")) == "local:tag"


def test_another_implementation_is_named() -> None:
    pypy = Interpreter("3.9.1", "PyPy")
    (finding,) = recipe.base_findings(pypy, {})
    assert finding.severity is Severity.BREAKS
    assert recipe.base_findings(pypy, {"REPRO_BASE_IMAGE": "pypy:{version}"}) == ()
    assert recipe.base_findings(Interpreter("3.9.1"), {}) == ()


def test_another_patch_release_is_a_finding() -> None:
    first = render(definition(), LOCK)
    other, finding = relaxed(first)
    assert other.commands()[0][4] == "3.11"
    assert other.key != first.key
    assert finding.severity is Severity.RISKS
    assert "3.11.7" in finding.message


def test_an_image_is_the_environment() -> None:
    made = render(definition((), EnvironmentKind.IMAGE, BASE))
    assert made.dockerfile.endswith(f"FROM registry.example/library/python:3.11.7-slim@{DIGEST}\n")
    assert made.variables == {}
    assert list(made.files) == ["Dockerfile"]


def test_a_dockerfile_of_the_project_depends_on_the_source() -> None:
    image = Image("run", id="sha256:1", dockerfile="docker/Dockerfile", bases={"debian:12": DIGEST})
    made = render(definition((), EnvironmentKind.DOCKERFILE, image))
    assert "docker build -t run -f docker/Dockerfile ." in made.dockerfile
    assert f"debian:12 {DIGEST}" in made.dockerfile
    other = render(definition((), EnvironmentKind.DOCKERFILE, image, tree="t2"))
    assert other.key != made.key


def test_the_dockerfile_reads_like_a_recipe() -> None:
    own = (*PACKAGES, Package("own", "1", PackageOrigin.EDITABLE, "."))
    made = render(definition(own), LOCK + GIT, workspace="/home/x/w")
    lines = made.dockerfile.splitlines()
    assert lines[0].startswith("# The environment of a recorded training run: Python 3.11.7, 4 pac")
    assert f"FROM registry.example/library/python:3.11.7-slim@{DIGEST}" in lines
    assert any("--require-hashes -r /opt/repro/requirements.lock" in line for line in lines)
    assert "COPY source /home/x/w" in lines
    steps = [line.split()[0] for line in lines if line and line[0].isupper()]
    assert steps == ["FROM", "ARG", "ARG", "RUN", "ENV", "COPY", "RUN", "RUN", "COPY", "RUN",
                     "COPY", "RUN", "WORKDIR"]  # fmt: skip
    assert made.key in made.dockerfile


def test_a_recipe_is_frozen_and_pure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    made = render(definition(), LOCK)
    assert isinstance(made, Recipe)
    with pytest.raises(AttributeError):
        made.key = "x"  # type: ignore[misc]


# --- conda ----------------------------------------------------------------------------------

OF_CONDA = (
    CondaFile(
        "python", "3.11.7", "h_0", "https://c.example/f/linux-64/python-3.11.7-h_0.conda", "a" * 32
    ),
    CondaFile(
        "mkl", "2024.0", "h_0", "https://c.example/f/linux-64/mkl-2024.0-h_0.conda", "b" * 32
    ),
)


def with_conda(*files: CondaFile) -> Definition:
    made = definition()
    return replace(made, environment=replace(made.environment, conda=files))


def test_condas_packages_come_first_and_pips_on_top() -> None:
    made = render(with_conda(*OF_CONDA), LOCK)
    by_rattler, install = made.commands(uv="UV", folder="IN", cache="CACHE")
    assert by_rattler == (
        "UV", "run", "--no-project", "--isolated", "--python", ">=3.10", "--with", conda.RATTLER,
        "python", "IN/conda_install.py", "IN/conda-explicit.txt", "/opt/repro/venv", "CACHE",
    )  # fmt: skip
    assert install[-2:] == ("-r", "IN/requirements.lock")
    first, again = made.commands(micromamba="/bin/mm", folder="IN")
    assert first == (
        "/bin/mm", "create", "--yes", "--quiet", "--no-rc",
        "--prefix", "/opt/repro/venv", "--file", "IN/conda-explicit.txt",
    )  # fmt: skip
    assert again[1:3] == ("pip", "install")
    assert made.variables == {
        "CONDA_PREFIX": "/opt/repro/venv",
        "PATH": "/opt/repro/venv/bin:$PATH",
    }
    assert "2 packages on top of 2 of conda" in made.summary


def test_the_explicit_list_is_sorted_and_part_of_the_key() -> None:
    made = render(with_conda(*OF_CONDA))
    assert made.files["conda-explicit.txt"].splitlines() == [
        "@EXPLICIT",
        "https://c.example/f/linux-64/mkl-2024.0-h_0.conda#" + "b" * 32,
        "https://c.example/f/linux-64/python-3.11.7-h_0.conda#" + "a" * 32,
    ]
    assert render(with_conda(*reversed(OF_CONDA))).key == made.key
    other = replace(OF_CONDA[1], md5="c" * 32)
    keys = {made.key, render(definition()).key, render(with_conda(OF_CONDA[0], other)).key}
    assert len(keys) == 3
    # without any, the key is that of earlier versions
    assert "conda" not in "".join(render(definition(), LOCK).files)


def test_the_dockerfile_of_a_conda_environment() -> None:
    text = render(with_conda(*OF_CONDA), LOCK).dockerfile
    assert "COPY conda-explicit.txt conda_install.py /opt/repro/" in text
    assert "micromamba create" in text
    assert conda.RATTLER in text
    assert "ENV CONDA_PREFIX=/opt/repro/venv PATH=/opt/repro/venv/bin:$PATH" in text
    assert "python3 -m venv /opt/repro/venv" not in text
    assert text.index("micromamba") < text.index("requirements.lock")
