"""A complete bundle is replayed where nothing else is left of the run: the heart of it all."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import workbench
from workbench import Project

NOWHERE = "http://127.0.0.1:9"
CUT_OFF = {
    # an index and a registry that are gone, whatever this machine is set to use
    "PIP_INDEX_URL": f"{NOWHERE}/simple", "UV_DEFAULT_INDEX": f"{NOWHERE}/simple",
    "PIP_FIND_LINKS": None, "UV_FIND_LINKS": None, "REPRO_BASE_IMAGE": "127.0.0.1:9/none:{version}",
    "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "UV_OFFLINE": "1",
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An empty folder, in no git repository."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.mark.docker
def test_a_complete_bundle_outlives_project_remote_and_images(
    dvc_project: Project, own_environment: None, here: Path, forget: list[str]
) -> None:
    project, tool = dvc_project, dvc_project.repro
    project.write("data/extra.csv", "untracked\n")
    project.write("train.py", workbench.TRAIN + "\nprint('not committed')\n")
    run = project.record("python", "train.py")
    image = workbench.environment_image(project, run["id"])
    file = here.parent / "run.tar"
    exported = tool("export", "latest", str(file), "--complete", cwd=project.path).expect(0)
    again = here.parent / "again.tar"
    assert tool("export", "latest", str(again), "--complete", cwd=project.path).out == exported.out
    assert again.read_bytes() == file.read_bytes()
    # now all of it goes: the packages, the project, DVC's cache and remote, the images
    for folder in ("wheels", "venv"):
        shutil.rmtree(here.parent / folder)
    shutil.rmtree(project.path)
    shutil.rmtree(project.path.with_name(project.path.name + "-remote"))
    workbench.docker("rmi", "--force", image)
    (carried,) = _carried_names(tool("import", str(file), cwd=here).expect(0).out, here)
    forget += [image, carried]
    subprocess.run(["docker", "rmi", "--force", carried], capture_output=True, check=False)
    tool("show", cwd=here).expect(0)
    begin = workbench.now()
    replayed = tool("replay", "latest", "--json", cwd=here, env=CUT_OFF).expect(0)
    assert workbench.networks_since(begin, tool.pids) == {"none"}, "it had a network to build with"
    assert replayed.verdict == "identical"
    assert {item["path"] for item in run["manifest"]["result"]["outputs"]} >= workbench.OUTPUTS
    assert "loading the image that came with the run" in replayed.err
    assert "building" not in replayed.err
    # what was imported can be handed on: the same bytes again
    third = here.parent / "third.tar"
    tool("export", "latest", str(third), "--complete", cwd=here, env=CUT_OFF).expect(0)
    assert third.read_bytes() == file.read_bytes()
    # and straight from the file
    empty = here.parent / "empty"
    empty.mkdir()
    straight = tool("replay", str(file), "--json", cwd=empty, env=CUT_OFF).expect(0)
    assert straight.verdict == "identical"
    assert [path.name for path in empty.iterdir()] == [".repro"]


def _carried_names(run_id: str, here: Path) -> list[str]:
    """What the engine will call the image that came along."""
    from repro.bundles import carried
    from repro.store import Store

    image = carried.image_of(Store(here / ".repro"), run_id.strip())
    return [image.name] if image else []
