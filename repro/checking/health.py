"""All ingredients of all runs, each question asked once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from repro import restoring
from repro.bundles import carried
from repro.bundles.carried import Carried
from repro.capturing import inputs
from repro.capturing.data_restore import Sources
from repro.capturing.dvc_config import Remote
from repro.capturing.requirements import parse
from repro.checking import commits, files, images, objects
from repro.checking.images import EngineImages, Registry
from repro.checking.nouns import Health, Ingredient, Where, worst
from repro.checking.once import Once
from repro.environment import index
from repro.errors import ReproError
from repro.manifest import Descriptor, EnvironmentKind, Image, Manifest, PackageOrigin
from repro.progress import SILENT, Progress
from repro.project import Project
from repro.store import Run, Store

Pending = Callable[[], Ingredient]
"""An ingredient whose questions have been asked: the answer is waited for."""
_SHOWN = 3
_LOCKS = ("environment/requirements.lock", "environment/requirements-unhashed.txt")


def check(
    project: Project,
    runs: Iterable[Run],
    environ: Mapping[str, str],
    progress: Progress = SILENT,
    registry: Registry | None = None,
) -> tuple[Health, ...]:
    """Where each ingredient of these runs can be had now. Nothing is executed, changed or fetched."""
    asked = registry or EngineImages(environ)
    with tempfile.TemporaryDirectory(prefix="repro-check-") as scratch, Once() as once:
        asker = _Asker(project, environ, Path(scratch), once, asked)
        pending = [
            (run, list(asker.ingredients(run.manifest, carried.of(project.store, run.id))))
            for run in runs
        ]
        found = []
        for run, answers in pending:
            progress.step(f"checking {run.short}")
            found.append(Health(run.id, tuple(answer() for answer in answers)))
    return tuple(found)


@dataclass(frozen=True)
class _Asker:
    project: Project
    environ: Mapping[str, str]
    scratch: Path
    once: Once
    images: Registry

    def ingredients(self, run: Manifest, came_along: Carried) -> Iterator[Pending]:
        yield self._source(run)
        if run.definition.data:
            yield self._data(run, came_along)
        if run.definition.inputs:
            yield lambda: self._inputs(run)
        if run.definition.environment.kind is EnvironmentKind.PACKAGES:
            yield self._packages(run, came_along)
        if image := run.definition.environment.image:
            yield self._image(image, came_along)

    # --- source ---

    def _source(self, run: Manifest) -> Pending:
        commit = run.definition.source.commit
        remotes = run.provenance.remotes
        answers = {
            name: self.once.ask(
                ("commit", url, commit),
                lambda url=url: commits.on_remote(url, commit, self.scratch, self.environ),  # type: ignore[misc]
            )
            for name, url in remotes.items()
            if commit
        }
        return lambda: _of_source(run, self._packs(run), answers)

    def _packs(self, run: Manifest) -> bool:
        """Whether the source is in the store, whole."""
        packs = [item for item in run.contents if item.path.startswith("source/")]
        return all(_is_whole(self.project.store, item) for item in packs)

    # --- data ---

    def _data(self, run: Manifest, came_along: Carried) -> Pending:
        sources = restoring.data_sources(self.project, run, came_along)
        needed = objects.needed(run.definition.data, sources)
        answers = {
            remote: self.once.ask(
                ("objects", remote.url, tuple(needed.paths)),
                lambda remote=remote: objects.on_remote(remote, needed.paths, sources),  # type: ignore[misc]
            )
            for remote in sources.remotes
        }
        return lambda: _of_data(needed, sources, answers)

    def _inputs(self, run: Manifest) -> Ingredient:
        store = self.project.store
        lost: list[str] = []
        elsewhere: list[str] = []
        for item in run.definition.inputs:
            blob = run.content(inputs.role(item.path))
            if blob is not None and _is_whole(store, blob):
                continue
            path = Path(self.project.workspace, os.path.expanduser(item.path))  # noqa: PTH111
            (elsewhere if path.exists() else lost).append(item.path)
        count = len(run.definition.inputs)
        if lost:
            return Ingredient(
                "inputs",
                Where.LOST,
                f"{len(lost)} of {count} not in the store, or damaged there, and gone: {_some(lost)}",
                "put them back, or record with a larger inputs_cap",
            )
        seen = (
            f"{count} in the store" if not elsewhere else f"at their place only: {_some(elsewhere)}"
        )
        return Ingredient("inputs", Where.HERE, seen, "repro export takes them along")

    # --- environment ---

    def _packages(self, run: Manifest, came_along: Carried) -> Pending:
        environment = run.definition.environment
        try:
            lock = "".join(
                self.project.store.read(item).decode("utf-8", "replace")
                for name in _LOCKS
                if (item := run.content(name))
            )
        except ReproError as error:
            seen = f"its lock in the store is damaged or missing: {error}"
            lost = Ingredient("packages", Where.LOST, seen, "take it from a copy of the store")
            return lambda: lost
        interpreter = environment.interpreter
        if interpreter is None:
            return lambda: Ingredient("packages", Where.UNKNOWN, "the interpreter is not recorded")
        sources = index.sources(
            self.environ, projects=[self.project.folder, self.project.workspace]
        )
        # conda's own come from its channels, and the index is not asked for them
        locked = {entry.name for entry in parse(lock)}
        asked = tuple(
            item for item in environment.packages if not environment.conda or item.name in locked
        )
        answer = self.once.ask(
            ("packages", lock, repr(interpreter)),
            lambda: files.standing(asked, lock, interpreter, sources, self.environ),
        )
        of_conda = f"{len(environment.conda)} of conda" if environment.conda else ""
        unasked = tuple(
            f"{item.name} ({item.origin.value})"
            for item in environment.packages
            if item.origin in (PackageOrigin.VCS, PackageOrigin.URL)
            or (item.origin is PackageOrigin.LOCAL and item.location is None)
        )
        if of_conda:
            unasked = (*unasked, of_conda)
        files_here = {
            item.digest
            for item in came_along.below("packages/").values()
            if self.project.store.has(item.digest)
        }
        if not files_here or any(
            not files_here & set(one.hashes) for one in parse(lock) if one.name
        ):
            return lambda: _of_packages(answer.result(), unasked)
        return lambda: _in_store(_of_packages(answer.result(), ()), len(files_here), unasked)

    def _image(self, image: Image, came_along: Carried) -> Pending:
        answer = self.once.ask(
            ("image", image.reference, image.digest, image.id),
            lambda: images.standing(image, self.images),
        )
        if came_along.image is None or not self.project.store.has(came_along.image.digest):
            return answer.result

        def with_bundle() -> Ingredient:
            found = answer.result()
            if found.where is Where.ELSEWHERE:
                return found
            return Ingredient(
                "image", Where.HERE, "the environment's image is in the store", found.remedy
            )

        return with_bundle


def _is_whole(store: Store, item: Descriptor) -> bool:
    try:
        store.verified(item)
    except (ReproError, OSError):
        return False
    return True


def _of_source(
    run: Manifest, packed: bool, answers: Mapping[str, Future[tuple[bool | None, str]]]
) -> Ingredient:
    commit = (run.definition.source.commit or "")[:12]
    found = {name: answer.result() for name, answer in answers.items()}
    having = [name for name, (there, _) in found.items() if there]
    untold = [f"{name}: {why}" for name, (there, why) in found.items() if there is None]
    if not packed:
        if having and not run.provenance.changed:
            seen = f"{commit} is on {', '.join(having)}; damaged or missing in the store"
            return Ingredient("source", Where.UNKNOWN, seen, f"git fetch {having[0]} {commit}")
        return Ingredient(
            "source",
            Where.LOST,
            "its packs in the store are damaged or missing",
            "take them from a copy of the store",
        )
    if having and run.definition.source.submodules:
        seen = f"{commit} is on {', '.join(having)}; the remotes of its submodules were not asked"
        return Ingredient("source", Where.HERE, seen, "repro export takes them along")
    if having and run.provenance.changed:
        count = len(run.provenance.changed)
        seen = f"{commit} is on {', '.join(having)}, {count} uncommitted change{'s' * (count > 1)} only here"
        return Ingredient("source", Where.HERE, seen, "commit and push, or repro export")
    if having:
        return Ingredient("source", Where.ELSEWHERE, f"{commit} is on {', '.join(having)}")
    if untold:
        return Ingredient(
            "source", Where.HERE, f"in the store; {'; '.join(untold)}", "repro export"
        )
    why = f"{commit} is on no remote" if answers else "there is no remote"
    return Ingredient(
        "source", Where.HERE, f"in the store; {why}", "git push, or repro export keeps it elsewhere"
    )


def _of_data(
    needed: objects.Needed,
    sources: Sources,
    answers: Mapping[Remote, Future[tuple[frozenset[str], tuple[str, ...]]]],
) -> Ingredient:
    remote: set[str] = set()
    reasons: list[str] = []
    for answer in answers.values():
        having, why = answer.result()
        remote |= having
        reasons += why
    away = [oid for oid in needed.paths if oid not in remote]
    here = objects.here(away, sources)
    gone = [needed.paths[oid] for oid in away if oid not in here]
    total = len(needed.paths)
    unlisted = [f"the listing of {path}" for path in needed.unlisted]
    if gone or unlisted:
        where = Where.UNKNOWN if reasons else Where.LOST
        seen = f"{len(gone) + len(unlisted)} of {total + len(unlisted)} nowhere: {_some([*unlisted, *gone])}"
        seen += f" ({'; '.join(reasons)})" if reasons else ""
        return Ingredient("data", where, seen, "dvc push it from where it is still in a cache")
    if away:
        seen = (
            f"{len(away)} of {total} files only here: {_some([needed.paths[oid] for oid in away])}"
        )
        seen += f" ({'; '.join(reasons)})" if reasons else ""
        return Ingredient("data", Where.HERE, seen, "dvc push")
    names = ", ".join(remote.name for remote in answers)
    return Ingredient("data", Where.ELSEWHERE, f"{total} file{'s' * (total != 1)} on {names}")


def _in_store(found: Ingredient, count: int, unasked: tuple[str, ...]) -> Ingredient:
    """What the index says of packages whose files the store has: the worst is that only we have them."""
    if unasked:
        seen = f"{count} files in the store; of no index, so not asked: {_some(unasked)}"
        return Ingredient("packages", Where.UNKNOWN, seen, "repro doctor")
    if found.where is Where.ELSEWHERE:
        return found
    seen = f"{count} files in the store, with the recorded hashes; {found.seen}"
    return Ingredient("packages", Where.HERE, seen, "repro export --with packages takes them along")


def _of_packages(found: files.Standing, unasked: tuple[str, ...]) -> Ingredient:
    parts = [
        (Where.LOST, "gone from the index", found.gone),
        (Where.LOST, "other files now than those recorded", found.changed),
        (Where.UNKNOWN, f"not told ({found.why})" if found.why else "not told", found.untold),
        (Where.UNKNOWN, "there, but no hash to compare", found.unhashed),
        (Where.UNKNOWN, "of no index, so not asked", unasked),
    ]
    bad = [(where, f"{what}: {_some(titles)}") for where, what, titles in parts if titles]
    if not bad:
        count = len(found.there)
        return Ingredient(
            "packages", Where.ELSEWHERE, f"{count} on the index, with the recorded hashes"
        )
    where = worst(place for place, _ in bad)
    remedy = (
        "keep their files: repro export --with packages" if where is Where.LOST else "repro doctor"
    )
    return Ingredient("packages", where, "; ".join(text for _, text in bad), remedy)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
