"""An environment of conda's, recorded and made again from the very files, in each engine."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import conda_channel
import pytest
from conda_channel import PLACEHOLDER, SITE
from workbench import Project

from repro.environment import conda
from repro.manifest import CondaFile

pytestmark = [pytest.mark.network]
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
    done = trained.replay(engine=engine).expect(0)
    assert done.verdict == "identical"
    said = json.dumps(done.document)
    assert "conda's packages were installed anew by py-rattler" in said
