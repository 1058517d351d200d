"""`repro check --fix`: what is saved stands in for places that are gone, and nothing is claimed that is not so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import workbench
from workbench import ROOT, Project

from repro import exporting, runs, saving
from repro import project as projects
from repro.bundles import carried
from repro.store import Run

NOWHERE = "http://127.0.0.1:9"
CUT_OFF = {
    "PIP_INDEX_URL": f"{NOWHERE}/simple", "UV_DEFAULT_INDEX": f"{NOWHERE}/simple",
    "PIP_FIND_LINKS": None, "UV_FIND_LINKS": None, "REPRO_BASE_IMAGE": "127.0.0.1:9/none:{version}",
    "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "UV_OFFLINE": "1",
}  # fmt: skip


def opened(project: Project) -> tuple[projects.Project, Run]:
    located = projects.locate(project.path)
    return located, runs.resolve(located, "latest", project.path)


def data_only(
    project: Project, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str] | None = None
) -> saving.Saved:
    """Saved, but for the image, which needs an engine."""
    located, run = opened(project)
    whole = saving.savable
    monkeypatch.setattr(
        saving, "savable", lambda *words: tuple(item for item in whole(*words) if item != "image")
    )
    (done,) = saving.save(located, [run], environ or project.repro.environment())
    monkeypatch.setattr(saving, "savable", whole)
    return done


def without_origins(project: Project) -> None:
    shutil.rmtree(project.path / ".dvc" / "cache")
    shutil.rmtree(next(project.path.parent.glob("*-remote")) / "files")
    (project.path / "data/points.csv").unlink()


def test_data_outlives_cache_and_remote(
    dvc_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc_project.record("python", "train.py")
    located, run = opened(dvc_project)
    assert "data" in saving.savable(located, run)
    done = data_only(dvc_project, monkeypatch)
    assert done.counts == {"data": 1} and done.size > 100 and not done.failed
    assert "data" not in saving.savable(located, run)
    without_origins(dvc_project)
    assert dvc_project.replay(engine="venv").expect(0).verdict == "identical"
    again = data_only(dvc_project, monkeypatch)
    assert again.counts == {} and again.size == 0


def test_a_saved_run_is_no_foreign_one(
    dvc_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc_project.record("python", "train.py")
    located, run = opened(dvc_project)
    data_only(dvc_project, monkeypatch)
    assert carried.of(located.store, run.id).own
    assert not carried.is_foreign(located.store, run.id)


def test_gc_keeps_what_was_saved(dvc_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    dvc_project.record("python", "train.py")
    data_only(dvc_project, monkeypatch)
    without_origins(dvc_project)
    dvc_project.repro("gc", cwd=dvc_project.path).expect(0)
    located, run = opened(dvc_project)
    assert "data" not in saving.savable(located, run)
    for item in carried.of(located.store, run.id).contents:
        located.store.verified(item)


def test_data_that_is_gone_is_said_and_stops_nothing(
    dvc_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc_project.write("data/more.csv", "x\n1\n")
    dvc_project.dvc("add", "data/more.csv")
    dvc_project.commit()
    dvc_project.record("python", "train.py")
    md5 = next(
        line.split()[-1]
        for line in (dvc_project.path / "data/more.csv.dvc").read_text().splitlines()
        if "md5:" in line
    )
    gone = dvc_project.path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    gone.chmod(0o644)
    gone.unlink()
    done = data_only(dvc_project, monkeypatch)
    assert done.counts == {"data": 1}
    (line,) = done.failed
    assert line.startswith("the data data/more.csv: ")
    located, run = opened(dvc_project)
    assert "data" in saving.savable(located, run)


def test_a_damaged_object_is_not_saved(
    dvc_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc_project.record("python", "train.py")
    located, run = opened(dvc_project)
    places = [dvc_project.path / ".dvc/cache", next(dvc_project.path.parent.glob("*-remote"))]
    for top in places:
        for path in (top / "files").rglob("*"):
            if path.is_file():
                path.chmod(0o644)
                path.write_bytes(b"something else")
    blobs = set((located.store.root / "blobs/sha256").iterdir())
    done = data_only(dvc_project, monkeypatch)
    assert done.counts == {} and len(done.failed) == 1
    assert set((located.store.root / "blobs/sha256").iterdir()) == blobs
    assert "data" in saving.savable(located, run)


def test_an_interrupt_leaves_nothing_half(
    dvc_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc_project.record("python", "train.py")
    located, _ = opened(dvc_project)
    names = {str(path.relative_to(located.store.root)) for path in located.store.root.rglob("*")}

    def interrupted(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(saving.pieces, "copied", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data_only(dvc_project, monkeypatch)
    left = {str(path.relative_to(located.store.root)) for path in located.store.root.rglob("*")}
    assert {name for name in left - names if not name.startswith(("cache", "locks"))} == set()


def test_packages_are_saved_and_known_to_the_check(
    rates: object, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install = rates
    install("1.0")  # type: ignore[operator]
    project.commit()
    project.record("python", "train.py")
    located, run = opened(project)
    assert "packages" in saving.savable(located, run)
    done = data_only(project, monkeypatch)
    assert done.counts == {"packages": 1}, done
    assert "packages" not in saving.savable(located, run)
    shutil.rmtree(tmp_path / "wheels")
    said = project.repro("check", "--json", cwd=project.path)
    jsonschema.validate(said.document, json.loads((ROOT / "specs/check.schema.json").read_text()))
    (health,) = said.document["runs"]
    (packages,) = (item for item in health["ingredients"] if item["kind"] == "packages")
    assert packages["where"] == "here" and "1 files in the store" in packages["seen"]
    assert health["savable"] == ["image"]


def test_the_command_says_what_it_saved_and_what_not(dvc_project: Project) -> None:
    dvc_project.record("python", "train.py")
    plain = dvc_project.repro("check", cwd=dvc_project.path)
    assert "(--fix saves what can still be had): data of 1 run, image of" in plain.out
    env = {"DOCKER_HOST": "tcp://127.0.0.1:9"}
    done = dvc_project.repro("check", "--fix", cwd=dvc_project.path, env=env)
    assert "1 data file (" in done.out and "not saved: the image: " in done.out
    assert "can still be had): image of 1 run" in done.out
    said = dvc_project.repro("check", "--fix", "--json", cwd=dvc_project.path, env=env)
    jsonschema.validate(said.document, json.loads((ROOT / "specs/check.schema.json").read_text()))
    assert said.document["saved"][0]["counts"] == {}


@pytest.mark.docker
def test_a_run_outlives_cache_remote_index_and_image(
    dvc_project: Project, own_environment: None, forget: list[str]
) -> None:
    run = dvc_project.record("python", "train.py")
    image = workbench.environment_image(dvc_project, run["id"])
    done = dvc_project.repro("check", "--fix", cwd=dvc_project.path)
    assert "1 data file, 1 package, the image (" in done.out and "not saved" not in done.out, done
    located, found = opened(dvc_project)
    assert saving.savable(located, found) == ()
    came = carried.image_of(located.store, found.id)
    assert came is not None
    without_origins(dvc_project)
    workbench.docker("rmi", "--force", image)
    subprocess.run(["docker", "rmi", "--force", came.name], capture_output=True, check=False)
    forget += [image, came.name]
    dvc_project.repro("gc", cwd=dvc_project.path).expect(0)
    begin = workbench.now()
    replayed = dvc_project.replay(env=CUT_OFF).expect(0)
    assert replayed.verdict == "identical"
    # others may have built that image in the meantime; this replay had no network to build with
    assert workbench.networks_since(begin, dvc_project.repro.pids) == {"none"}


@pytest.mark.docker
def test_an_image_of_two_runs_is_copied_once(
    dvc_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc_project.record("python", "train.py")
    dvc_project.record("python", "train.py", "3")
    located = projects.locate(dvc_project.path)
    taken: list[str] = []
    monkeypatch.setattr(
        exporting.images,
        "unpack",
        _counting(exporting.images.unpack, taken),  # type: ignore[attr-defined]
    )
    done = saving.save(
        located, runs.all_of(located), {**os.environ, "PATH": dvc_project.repro.path}
    )
    assert [item.counts["image"] for item in done] == [1, 1] and len(taken) == 1


def _counting(function, taken):  # type: ignore[no-untyped-def]
    def counted(*words):  # type: ignore[no-untyped-def]
        taken.append("taken")
        return function(*words)

    return counted
