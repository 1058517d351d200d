"""specs/compat: what earlier versions wrote is read, keeps its identity, and is replayed."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import workbench
from workbench import Repro

from repro import importing, manifest
from repro.comparison.comparing import compare_results
from repro.comparison.nouns import Verdict
from repro.store import Store

COMPAT = workbench.ROOT / "specs" / "compat"
VERSIONS = sorted(path for path in COMPAT.iterdir() if path.is_dir())
KEPT = sorted(path for version in VERSIONS for path in version.iterdir())
MANIFESTS = [path for path in KEPT if path.suffix == ".json" and path.name != "expected.json"]
BUNDLES = [path for path in KEPT if path.suffix == ".tar"]


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def expected(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path.parent / "expected.json").read_text("utf-8"))
    return dict(found[path.name])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
def test_nothing_is_missing_added_or_edited(version: Path) -> None:
    stated = json.loads((version / "expected.json").read_text("utf-8"))
    assert set(stated) == {path.name for path in KEPT if path.parent == version} - {"expected.json"}
    for file, facts in stated.items():
        assert sha256(version / file) == facts.get("file", facts["run"])


@pytest.mark.parametrize("path", MANIFESTS, ids=name)
def test_a_manifest_is_read_and_keeps_its_identity(path: Path) -> None:
    content, stated = path.read_bytes(), expected(path)
    run = manifest.loads(content)
    assert manifest.run_id(content) == stated["run"]
    assert run.definition_id == stated["definition_id"]
    # what this version understands of it is all that its identity is made of
    assert manifest.definition_id(run.definition) == stated["definition_id"]


@pytest.mark.parametrize("path", MANIFESTS, ids=name)
def test_a_manifest_is_compared(path: Path) -> None:
    run = manifest.loads(path.read_bytes())
    ended = Verdict.FAILED if run.result.exit_code else Verdict.IDENTICAL
    assert compare_results(run.result, run.result, run.policy).verdict is ended


@pytest.mark.parametrize("path", BUNDLES, ids=name)
def test_a_bundle_is_imported(path: Path, tmp_path: Path) -> None:
    stated = expected(path)
    done = importing.import_bundle(Store.open(tmp_path), path)
    assert done.new and done.run.id == stated["run"]
    assert done.run.manifest.definition_id == stated["definition_id"]
    files = sum(item.files or 1 for item in done.run.manifest.definition.data)
    folders = sum(item.kind.value != "file" for item in done.run.manifest.definition.data)
    assert done.data >= files - folders


@pytest.mark.docker
@pytest.mark.parametrize("path", BUNDLES, ids=name)
def test_a_bundle_is_replayed(path: Path, tmp_path: Path, repro: Repro) -> None:
    run = importing.import_bundle(Store.open(tmp_path / "look"), path).run.manifest
    image, interpreter = run.definition.environment.image, run.definition.environment.interpreter
    assert image and interpreter
    here = workbench.base_image()
    base = here.replace(here.rpartition(":")[2], f"{interpreter.version}-slim")
    if subprocess.run(
        ["docker", "pull", "--quiet", base], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"no base image with Python {interpreter.version} here")
    known = subprocess.run(
        ["docker", "image", "inspect", image.reference], capture_output=True, check=False
    )
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    if known.returncode:
        workbench.docker("tag", base, image.reference)
    try:
        done = repro("replay", path, "--json", cwd=folder)
    finally:
        if known.returncode:
            workbench.docker("rmi", image.reference)
    assert done.expect(0).verdict == "identical"
