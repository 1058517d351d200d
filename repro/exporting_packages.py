"""The packages of a run as files: each verified against the hashes that the run's lock has."""

from __future__ import annotations

import platform as machine
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from repro.bundles import carried
from repro.bundles.pieces import Piece
from repro.capturing.requirements import parse
from repro.engines import uv
from repro.environment import fetching, index, wheels
from repro.environment.wheels import PackageFile, Platform
from repro.errors import ReproError
from repro.manifest import PackageOrigin
from repro.progress import Progress
from repro.project import Project
from repro.sessions import Session
from repro.store import Run

WHEEL = "application/zip"
_AT_ONCE = 6


def collect(
    project: Project, run: Run, environ: Mapping[str, str], session: Session, progress: Progress
) -> tuple[tuple[Piece, ...], list[str]]:
    """The wheels and sdists, and a line for each package that cannot be had as a file."""
    lock = run.manifest.content("environment/requirements.lock")
    environment = run.manifest.definition.environment
    known = carried.of(project.store, run.id).below("packages/")
    found = {
        name: Piece(
            f"packages/{name}", item.size, (project.store.verified(item),), WHEEL, item.digest
        )
        for name, item in known.items()
    }
    lines = [
        f"the package {item.name}: it is installed from {item.location or 'a folder'}, not from an index"
        for item in environment.packages
        if item.origin in (PackageOrigin.VCS, PackageOrigin.LOCAL)
    ]
    if environment.conda:
        lines.append(
            f"the {len(environment.conda)} packages of conda: they come from their channels; --with image "
            "takes them along"
        )
    if not lock or not environment.interpreter:
        return tuple(found.values()), lines
    text = project.store.read(lock).decode("utf-8")
    have = {item.digest for item in known.values()}
    if all(have & set(entry.hashes) for entry in parse(text) if entry.name):
        return tuple(found.values()), lines
    progress.step("asking for the packages' files")
    sources = index.sources(environ, projects=[project.folder, project.workspace])
    here = Platform(environment.interpreter.version, machine.machine())
    wanted, missing = wheels.files(uv.executable(), text, here, sources, environ)
    wanted = tuple(file for file in wanted if file.digest not in have)
    missing = {
        entry.name: missing[entry.name]
        for entry in parse(text)
        if entry.name in missing and not have & set(entry.hashes)
    }
    lines += [f"the package {name}: {why}" for name, why in sorted(missing.items())]
    progress.step(f"fetching {len(wanted)} packages")
    folder = session.folder("packages")

    def fetched(file: PackageFile) -> Piece | str:
        target = folder / file.name
        try:
            fetching.fetch(file, target, sources)
        except ReproError as error:
            return f"the package {error}"
        path, size = f"packages/{file.name}", target.stat().st_size
        return Piece(path, size, (target,), WHEEL, file.digest)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(fetched, wanted))
    made = tuple(item for item in done if isinstance(item, Piece))
    return (*found.values(), *made), lines + [item for item in done if isinstance(item, str)]
