"""What looks like a secret in a run that is about to leave this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repro import canonical
from repro.errors import ReproError, SecretFound
from repro.manifest import Descriptor
from repro.project import Project
from repro.scanning import Secret, Unscanned, manifest, parse, text
from repro.store import Run

_SHOWN = 5
_TEXTS = ("text/", "application/json", "application/yaml", "application/toml", "application/xml")


def demand_none(
    project: Project, run: Run, done: str = "exported", *, large_outputs: bool = False
) -> None:
    """Raises SecretFound where the manifest, the log or an output that goes along has one, or could not be
    looked through. The source was searched when it was recorded. ``done`` is the word for what is not done
    then: ``exported``, ``pushed``. ``large_outputs``: those that only the workspace has go along as well."""
    allowed = parse(list(project.config.allowed_secrets))
    every = _scan(project, run, large_outputs)
    found = [str(item) for item in every if not allowed.allows(item)]
    hits = list(dict.fromkeys(found))
    if not hits:
        return
    more = f" and {len(hits) - _SHOWN} more" if len(hits) > _SHOWN else ""
    raise SecretFound(
        f"not {done}, because a secret would go along: {'; '.join(hits[:_SHOWN])}{more}",
        "if it is no secret: its fingerprint (in brackets) under `secrets: allow:` in repro.yaml, or"
        " --allow-secrets; else record again without it, and change it, as it is on this disk",
    )


def _scan(project: Project, run: Run, large_outputs: bool) -> Iterator[Secret | Unscanned]:
    yield from manifest(run.manifest)
    result = run.manifest.result
    for item in result.logs:
        yield from _in_blob(project, item, item.path.replace("/", " "), "")
    for item in result.outputs:
        if item.link is not None or not item.media_type.startswith(_TEXTS):
            continue
        if project.store.has(item.digest):
            yield from _in_blob(project, item, f"output {item.path}", item.path)
        elif large_outputs:
            yield from _in_workspace(project, item)


def _in_blob(
    project: Project, item: Descriptor, where: str, path: str
) -> Iterator[Secret | Unscanned]:
    if not project.store.has(item.digest):
        return  # it does not go along either
    try:
        yield from _in_file(project.store.verified(item), where, path)
    except (OSError, ReproError) as error:
        yield Unscanned(where, f"could not be read: {error}")


def _in_workspace(project: Project, item: Descriptor) -> Iterator[Secret | Unscanned]:
    place, where = project.workspace / item.path, f"output {item.path}"
    try:
        if not place.is_file():
            return
        found = list(_in_file(place, where, item.path))
        if found and canonical.digest_file(place) == item.digest:  # another file does not go along
            yield from found
    except OSError as error:
        yield Unscanned(where, f"could not be read: {error.strerror}")


def _in_file(place: Path, where: str, path: str) -> Iterator[Secret | Unscanned]:
    with place.open("rb") as stream:
        for found in text(stream, where, path=path):
            if not isinstance(found, Unscanned) or found.blocking:
                yield found
