"""specs/bundle.md, followed to the letter: a bundle is replayed without repro."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from hashlib import md5
from pathlib import Path

import pytest
import workbench
from bundle_files import Parts
from workbench import Project

BY_HAND = re.compile(r"^<!-- by hand -->\n```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROSE = (workbench.ROOT / "specs" / "bundle.md").read_text("utf-8")

needs_skopeo = pytest.mark.skipif(not shutil.which("skopeo"), reason="no skopeo on the PATH")


@pytest.mark.docker
def test_a_complete_bundle_is_replayed_by_hand(dvc_project: Project, tmp_path: Path) -> None:
    project = dvc_project
    small = {f"data/set/{n % 3}/{n}.txt": f"{n}\n" * n for n in range(1, 80)}
    for name, content in small.items():
        project.write(name, content)
    project.dvc("add", "data/set")
    project.commit("Many small files")
    project.write("train.py", workbench.TRAIN + "print('not committed')\n" + "# long\n" * 2000)
    run = project.record("python", "train.py")
    definition = run["manifest"]["definition"]
    file = tmp_path / "run.tar"
    project.repro("export", "latest", str(file), "--complete", cwd=project.path).expect(0)
    here = tmp_path / "by-hand"
    here.mkdir()
    data = {"data/points.csv": workbench.POINTS, **small}
    (here / "data.md5").write_text(
        "".join(f"{md5(content.encode()).hexdigest()} {path}\n" for path, content in data.items())
    )
    variables = "".join(f"{name}={value}\n" for name, value in definition.get("env", {}).items())
    (here / "variables").write_text(variables)
    shutil.rmtree(project.path.with_name(f"{project.path.name}-remote"))
    shutil.move(project.path, tmp_path / "gone")
    tag = f"repro-test-bundle-{os.getpid()}"
    values = {
        "FILE": file,
        "COMMIT": definition["source"]["commit"],
        "TREE": definition["source"]["tree"],
        "FORMAT": "sha1",
        "WORKSPACE": run["manifest"]["provenance"]["workspace"],
        "FOLDER": definition.get("working_directory", ""),
    }
    script = [
        "set -eu",
        *(f"{name}={shlex.quote(str(value))}" for name, value in values.items()),
        f"set -- {shlex.join(definition['command']['argv'])}",
        *(block.replace("by-hand", tag) for block in BY_HAND.findall(PROSE)),
    ]
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)], cwd=here, capture_output=True, text=True, check=False
    )
    subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)
    shutil.move(tmp_path / "gone", project.path)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in workbench.OUTPUTS:
        assert f"{path}: OK" in done.stdout
    assert done.stdout.count(": OK") == len(workbench.OUTPUTS) + len(data)
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=here / "source", capture_output=True, check=True
    )
    assert b" M train.py" in status.stdout


@needs_skopeo
def test_skopeo_reads_a_bundle(exported: Path, honest: Parts, tmp_path: Path) -> None:
    said = subprocess.run(
        ["skopeo", "inspect", "--raw", f"oci-archive:{exported}"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout) == honest.bundle
    config = subprocess.run(
        ["skopeo", "inspect", "--raw", "--config", f"oci-archive:{exported}"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(config.stdout) == honest.run


@needs_skopeo
def test_without_raw_skopeo_says_that_it_is_no_image(exported: Path) -> None:
    """specs/bundle.md says so; where a later skopeo prints something, it has to say so."""
    said = subprocess.run(
        ["skopeo", "inspect", f"oci-archive:{exported}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0 or "artifact with type" in said.stderr


@needs_skopeo
def test_what_skopeo_copied_is_imported(exported: Path, tmp_path: Path) -> None:
    from repro import importing
    from repro.store import Store

    copy = tmp_path / "copy.tar"
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", f"oci-archive:{exported}", f"oci-archive:{copy}"],
        capture_output=True, check=True,
    )  # fmt: skip
    folder = tmp_path / "here"
    folder.mkdir()
    assert importing.import_bundle(Store.open(folder), copy).new


@pytest.mark.docker
@needs_skopeo
def test_skopeo_takes_the_image_out(dvc_project: Project, tmp_path: Path) -> None:
    dvc_project.record("python", "train.py")
    file = tmp_path / "run.tar"
    dvc_project.repro("export", "latest", str(file), "--complete", cwd=dvc_project.path).expect(0)
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", f"oci-archive:{file}:image", f"dir:{tmp_path / 'x'}"],
        capture_output=True, check=True,
    )  # fmt: skip
    said = subprocess.run(
        ["skopeo", "inspect", f"oci-archive:{file}:image"], capture_output=True, check=True
    )
    assert json.loads(said.stdout)["Os"] == "linux"
