"""Puts what a run was made of back on disk: the inverse of recording it."""

from __future__ import annotations

import os
from pathlib import Path

from repro import canonical, packing
from repro.bundles.carried import NOTHING, Carried
from repro.capturing import data, dvc_config
from repro.environment import recipe
from repro.manifest import Definition, Finding, Manifest, PackageOrigin, Severity
from repro.project import Project
from repro.store import remove_tree


def restore_source(project: Project, manifest: Manifest, workspace: Path) -> None:
    """Make ``workspace`` the repository that was recorded, proven by its tree id.

    Raises NotFound, Corrupt, Unreplayable.
    """
    provenance = manifest.provenance
    packing.restore(
        manifest.definition.source,
        manifest.contents,
        project.store,
        workspace,
        branch=provenance.branch,
        remotes=provenance.remotes,
        tags=provenance.tags,
    )


def restore_data(
    project: Project, manifest: Manifest, workspace: Path, came_along: Carried = NOTHING
) -> tuple[Finding, ...]:
    """Put the data where it was: from the store, DVC's cache or a DVC remote, each file verified.

    ``came_along`` is what a bundle brought. Raises Unreplayable, naming what is missing and the places
    tried.
    """
    if not manifest.definition.data:
        return ()
    sources = data_sources(project, manifest, came_along)
    report = data.restore(manifest.definition.data, workspace, sources)
    return tuple(
        Finding(Severity.RISKS, "data", f"a damaged copy was passed over: {path}", "dvc fetch")
        for path in report.corrupt
    )


def data_sources(
    project: Project, manifest: Manifest, came_along: Carried = NOTHING
) -> data.Sources:
    """Where the run's data may be had."""
    store = project.store
    blobs = {item.path: item for item in (*came_along.contents, *manifest.contents)}

    def blob(md5: str) -> Path | None:
        item = blobs.get(f"data/files/{md5}")
        return store.verified(item) if item else None

    dvc = data.find_dvc(project.folder, project.workspace)
    settings = dvc_config.read_config(dvc) if dvc else None
    remotes = dict(settings.remotes) if settings else {}
    # the project may have moved on: what was its remote when the run was recorded counts as well
    for places in manifest.provenance.data.values():
        if places.remote and places.remote_url and places.remote not in remotes:
            remotes[places.remote] = dvc_config.remote_at(places.remote, places.remote_url)
    return data.Sources(
        blob,
        {
            item.path: store.read(blobs[role])
            for item in manifest.definition.data
            if (role := f"data/listings/{item.path}") in blobs
        },
        caches=(settings.cache,) if settings else (),
        remotes=tuple(remotes.values()),
        dvc=dvc,
        download=store.cache / "downloads",
    )


def clear_stage_outputs(definition: Definition, workspace: Path) -> None:
    """As DVC does before a stage runs, so that nothing left over can pass for its output."""
    inputs = {item.path for item in definition.data}
    for stage in definition.command.stages:
        for output in stage.outputs:
            path = workspace / output
            if output in inputs or not path.resolve().is_relative_to(workspace.resolve()):
                continue
            if path.is_dir() and not path.is_symlink():
                remove_tree(path)
            else:
                path.unlink(missing_ok=True)


def link_environment(manifest: Manifest, workspace: Path, environment: str | None) -> None:
    """Where the recorded environment lay inside the project (`.venv`), scripts may name it: it leads to
    the replay's own."""
    prefix, recorded = manifest.provenance.prefix, manifest.provenance.workspace
    if environment is None or not prefix or not recorded:
        return
    relative = os.path.relpath(prefix, recorded)
    if relative.startswith("..") or relative == ".":
        return
    link = workspace / relative
    if not link.parent.resolve().is_relative_to(workspace.resolve()):
        return  # through a link of the source: it may lead anywhere
    if not link.exists() and not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(environment)


def source_digest(manifest: Manifest, workspace: Path) -> str:
    """What an editable or local install reads, so that its environment is known again: the projects'
    build files; a project whose setup.py does more than declare counts whole."""
    locations = [
        package.location or "."
        for package in manifest.definition.environment.packages
        if package.origin in (PackageOrigin.EDITABLE, PackageOrigin.LOCAL)
    ]
    if any(item.origin is PackageOrigin.LOCAL for item in manifest.definition.environment.packages):
        return manifest.definition.source.tree
    found = {}
    for location in locations:
        folder = workspace / location
        if (folder / "setup.py").exists():
            return manifest.definition.source.tree
        for name in recipe.build_files():
            if (folder / name).is_file():
                found[f"{location}/{name}"] = canonical.digest_file(folder / name)
    return canonical.digest_bytes(canonical.dumps(found))
