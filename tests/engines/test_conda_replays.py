"""An environment of conda's, recorded and made again from the very files, in each engine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import conda_channel
import pytest
import workbench
from conda_channel import PLACEHOLDER
from workbench import Done, Project

from repro import process
from repro.environment import conda
from repro.environment.recipe import default_base, render
from repro.manifest import (
    Command,
    Definition,
    Environment,
    EnvironmentKind,
    Image,
    Interpreter,
    Source,
)
from repro.store import Store

pytestmark = [pytest.mark.network]
PYTHON = Interpreter(platform.python_version())
TRAIN = """\
import json, os, sys
import numeric
answer = open(os.path.join(sys.prefix, "share", "answer.txt")).read().split()
assert answer[1] == sys.prefix, answer
json.dump({"rate": numeric.RATE, "answer": float(answer[0])}, open("metrics.json", "w"))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return conda_channel.python(tmp_path_factory.mktemp("python"))


@pytest.fixture
def channel(python: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder and the address of a channel: a Python, a library that is none, a noarch package."""
    folder = tmp_path / "channel"
    conda_channel.copied(python, folder)
    answer = {"share/answer.txt": f"0.75 {PLACEHOLDER}\n".encode()}
    conda_channel.package(folder, "libanswer", "2.1", answer, prefixed=answer)
    conda_channel.package(
        folder, "numeric", "1.0", conda_channel.distribution("numeric", "1.0", "RATE = 0.5\n"),
        noarch=True, depends=["python"],
    )  # fmt: skip
    with conda_channel.served(folder) as address:
        yield folder, address


@pytest.fixture
def trained(
    project: Project,
    channel: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    use_venv: Callable[[Path], None],
) -> Project:
    """A training in an environment that conda made."""
    prefix = tmp_path / "env"
    conda_channel.install(conda_channel.listed(*channel), prefix, tmp_path / "made")
    use_venv(prefix)
    monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    project.write("train.py", TRAIN)
    project.commit()
    return project


def refused(done: Done, *parts: str) -> None:
    """The replay could not be made, and says so in a sentence that has these parts."""
    said = " ".join(done.expect(3).out.split())
    assert said.startswith("unreplayable: "), done
    for part in parts:
        assert part in said, f"expected {part!r}: {done}"


@pytest.mark.parametrize("engine", ["venv", pytest.param("docker", marks=pytest.mark.docker)])
def test_it_is_made_again_from_the_very_files(engine: str, trained: Project) -> None:
    run = trained.record("python", "train.py")["manifest"]
    files = {item["name"]: item for item in run["definition"]["environment"]["conda"]}
    assert set(files) == {"libanswer", "numeric", "python"}
    assert all(item["url"] and item["md5"] for item in files.values())
    roles = {item["path"] for item in run["contents"]}
    # numeric is on no index: nothing but conda's own file can have brought it
    assert "environment/requirements.lock" not in roles
    assert f"environment/{conda.LIST}" in roles
    assert "1 packages, 3 of conda's" in trained.repro("show").expect(0).out
    said = trained.repro("replay", "--engine", engine).expect(0).out
    assert said.startswith("identical")
    assert "conda's packages were installed anew by py-rattler" in said


@pytest.mark.docker
def test_the_image_is_known_by_the_packages(trained: Project, channel: tuple[Path, str]) -> None:
    trained.record("python", "train.py")
    assert "building the environment" in trained.replay().expect(0).err
    shutil.rmtree(channel[0])  # nothing is asked any more
    again = trained.replay().expect(0)
    assert again.verdict == "identical"
    assert "building the environment" not in again.err


def test_what_pip_put_on_top_comes_from_the_index(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    workbench.wheel(wheels, "3.0", 0.1)
    links = f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    monkeypatch.setenv("PIP_FIND_LINKS", links)
    into = ("pip", "install", "--python", str(tmp_path / "env/bin/python"))
    workbench.uv(*into, "--find-links", str(wheels), "--no-index", "repro-test-rates==3.0")
    run = trained.record("python", "train.py")["manifest"]
    packages = {item["name"] for item in run["definition"]["environment"]["packages"]}
    assert packages == {"numeric", "repro-test-rates"}
    (kept,) = (item for item in run["contents"] if "requirements" in item["path"])
    text = Store(trained.path / ".repro").blob_path(kept["digest"]).read_text()
    assert "repro-test-rates==3.0" in text
    assert "numeric" not in text
    assert trained.replay(engine="venv").expect(0).verdict == "identical"


MICROMAMBA = """\
#!/bin/sh
# stands in for micromamba, which no index has: it takes the words that micromamba would be given
echo "$@" >>'{log}'
test "$1 $2 $3 $4 $5 $7" = "create --yes --quiet --no-rc --prefix --file" || exit 9
exec {words} "$8" "$6" '{cache}'
"""


def stand_in(folder: Path) -> Path:
    folder.mkdir()
    script = folder / conda.SCRIPT
    script.write_text(conda.script())
    *words, _, _, _, _ = conda.by_rattler(conda_channel.uv_program(), "", "", "")
    made = folder / "micromamba"
    made.write_text(
        MICROMAMBA.format(
            log=folder / "log", words=shlex.join([*words, str(script)]), cache=folder / "cache"
        )
    )
    made.chmod(0o755)
    return made


def test_a_micromamba_of_this_machine_is_taken_first(trained: Project, tmp_path: Path) -> None:
    trained.record("python", "train.py")
    micromamba = stand_in(tmp_path / "bin")
    env = {"REPRO_MICROMAMBA": str(micromamba)}
    done = trained.repro("replay", "--engine", "venv", env=env).expect(0)
    digest = hashlib.sha256(micromamba.read_bytes()).hexdigest()
    assert f"by this machine's micromamba (sha256:{digest})" in " ".join(done.out.split())
    assert (tmp_path / "bin/log").read_text().startswith("create --yes")


def test_a_variable_that_names_no_program(trained: Project, tmp_path: Path) -> None:
    trained.record("python", "train.py")
    env = {"REPRO_MICROMAMBA": str(tmp_path / "nothing")}
    done = trained.repro("replay", "--engine", "venv", env=env)
    done.complains(3, "REPRO_MICROMAMBA", "no program")


def test_a_micromamba_that_fails_is_named(trained: Project, tmp_path: Path) -> None:
    trained.record("python", "train.py")
    broken = tmp_path / "micromamba"
    broken.write_text("#!/bin/sh\necho error    libmamba no such channel >&2\nexit 1\n")
    broken.chmod(0o755)
    done = trained.repro("replay", "--engine", "venv", env={"REPRO_MICROMAMBA": str(broken)})
    refused(done, "no such channel")


@pytest.mark.parametrize("engine", ["venv", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_channel_that_has_another_file_now(
    engine: str, trained: Project, channel: tuple[Path, str]
) -> None:
    trained.record("python", "train.py")
    path = channel[0] / conda_channel.SUBDIR / "libanswer-2.1-h_0.tar.bz2"
    path.unlink()
    files = {"share/answer.txt": f"0.25 {PLACEHOLDER}\n".encode()}
    conda_channel.package(channel[0], "libanswer", "2.1", files, prefixed=files)
    done = trained.repro("replay", "--engine", engine)
    refused(done, "is not the file that was recorded")
    path.unlink()
    done = trained.repro("replay", "--engine", engine)
    refused(done, "could not be downloaded")


def test_a_package_that_nobody_else_can_have(trained: Project, tmp_path: Path) -> None:
    (path,) = (tmp_path / "env/conda-meta").glob("libanswer-*.json")
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "url": "file:///home/me/libanswer-2.1-h_0.tar.bz2"}))
    run = trained.record("python", "train.py")["manifest"]
    assert any("no address" in item["message"] for item in run["findings"])
    done = trained.repro("replay", "--engine", "venv")
    refused(done, "no address that others can reach: libanswer 2.1")


def test_a_damaged_record_is_not_left_out(trained: Project, tmp_path: Path) -> None:
    (path,) = (tmp_path / "env/conda-meta").glob("libanswer-*.json")
    path.write_text("{")
    trained.record("python", "train.py")
    refused(trained.repro("replay", "--engine", "venv"), "no address", "libanswer")


@pytest.mark.docker
def test_another_platform_is_refused_before_anything_is_built(
    trained: Project, tmp_path: Path
) -> None:
    for path in (tmp_path / "env/conda-meta").glob("*.json"):
        path.write_text(path.read_text().replace(f"/{conda_channel.SUBDIR}/", "/osx-arm64/"))
    trained.record("python", "train.py")
    refused(trained.repro("replay"), "are for osx-arm64, and this is linux-")


@pytest.mark.docker
def test_the_dockerfile_builds_by_hand(channel: tuple[Path, str], tmp_path: Path) -> None:
    """By Docker alone, as a person would do it."""
    folder, address = channel
    index = folder / "simple" / "py-rattler"
    process.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", index,
         conda.RATTLER], timeout=300,
    )  # fmt: skip
    made = render(
        Definition(
            Source(None, "t"),
            (),
            Environment(
                EnvironmentKind.PACKAGES,
                Image(default_base(PYTHON, os.environ)),
                PYTHON,
                conda=conda_channel.listed(folder, address),
            ),
            Command(("python", "x")),
        )
    )
    (tmp_path / "recipe").mkdir()
    for name, content in made.files.items():
        (tmp_path / "recipe" / name).write_text(content)
    tag = f"repro-test-conda-by-hand:{os.getpid()}"
    build = ("--network", "host", "--build-arg", f"PIP_INDEX_URL={address}/simple")
    try:
        process.run(("docker", "build", *build, "-t", tag, tmp_path / "recipe"), timeout=500)
        look = "import sys, numeric; print(numeric.RATE, open(sys.prefix + '/share/answer.txt').read())"
        said = workbench.docker("run", "--rm", "--network", "none", tag, "python", "-c", look)
    finally:
        subprocess.run(("docker", "rmi", "-f", tag), capture_output=True, check=False)
    assert said.split() == ["0.5", "0.75", "/opt/repro/venv"]
