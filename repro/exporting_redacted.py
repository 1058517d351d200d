"""A run as it may leave this machine without its secrets: another manifest, masked logs, fewer outputs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro import canonical, redacting
from repro.bundles.pieces import Piece
from repro.errors import SecretFound
from repro.log_metrics import Rules
from repro.manifest import REDACTED, Descriptor, Manifest, dumps, run_id
from repro.masking import Cover
from repro.project import Project
from repro.scanning import Allowed, Secret, Unscanned, parse, text
from repro.sessions import Session
from repro.store import Run

_SHOWN = 5
_TEXTS = ("text/", "application/json", "application/yaml", "application/toml", "application/xml")


@dataclass(frozen=True)
class Rewritten:
    """What is exported in place of a run."""

    run: Run
    """With the id of the run in the store, where what came along with it is found."""
    content: bytes
    """The new manifest: the id of the exported run is its digest."""
    values: tuple[str, ...] = ()
    """What was taken out of the manifest, which nothing that goes along may have."""

    @property
    def id(self) -> str:
        return run_id(self.content)


def rewritten(
    project: Project, run: Run, environ: Mapping[str, str], session: Session
) -> Rewritten:
    """The run without what looks like a secret. Raises SecretFound where some of it cannot be taken out.

    Fields that this version does not know are not taken over: nobody has looked through them.
    """
    allowed = parse(list(project.config.allowed_secrets))
    done = redacting.redacted(run.manifest, allowed)
    values = _values(run.manifest, done.manifest)
    allowances = project.config.allowed_secrets
    cover = Cover(environ, allowances, _rules(run.manifest), values=values)
    logs = tuple(_masked(project, item, cover, session) for item in done.manifest.result.logs)
    manifest = replace(
        done.manifest,
        result=replace(done.manifest.result, logs=logs),
        redacted=(*run.manifest.redacted, *done.redactions, *cover.redactions),
        findings=(
            *done.manifest.findings,
            *redacting.findings(done.manifest, done.redactions),
            *cover.notes,
        ),
    )
    if not done.redactions and not cover.redactions:
        manifest = run.manifest
    stuck = [*map(str, done.left), *map(str, _left(project, manifest, values, allowed))]
    if stuck:
        more = f" and {len(stuck) - _SHOWN} more" if len(stuck) > _SHOWN else ""
        raise SecretFound(
            f"not exported, because it cannot be redacted: {'; '.join(stuck[:_SHOWN])}{more}",
            "record again without it; if it is none: its fingerprint (in brackets) under `secrets: allow:` in"
            " repro.yaml",
        )
    content = (
        (project.store.root / "runs" / run.id).read_bytes()
        if manifest is run.manifest
        else dumps(manifest)
    )
    return Rewritten(Run(run.id, manifest), content, values)


def sifted(
    project: Project, found: Rewritten, pieces: Iterable[Piece]
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """The pieces without outputs that look like they hold a secret, wherever they lie; a line on each of these."""
    allowed = parse(list(project.config.allowed_secrets))
    kept, lines = [], []
    for piece in pieces:
        if not piece.path.startswith("outputs/") or not piece.media_type.startswith(_TEXTS):
            kept.append(piece)
            continue
        path = piece.path.partition("/")[2].removeprefix("workspace/").removeprefix("root")
        if any(
            hit
            for place in piece.sources
            for hit in _found(place, f"output {path}", path, found.values, allowed)
        ):
            lines.append(f"the output {path}: it looks like it holds a secret")
        else:
            kept.append(piece)
    return tuple(kept), tuple(lines)


def _rules(run: Manifest) -> Rules:
    return Rules(run.policy.log_patterns, run.policy.log_ignored)


def _values(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """What was taken out."""
    found: dict[str, None] = {}
    left: list[tuple[Any, Any]] = [tuple(canonical.loads(dumps(item)) for item in (before, after))]  # type: ignore[list-item]
    while left:
        ours, theirs = left.pop()
        if isinstance(ours, dict):
            left += [(ours[key], theirs[key]) for key in ours]
        elif isinstance(ours, list):
            left += list(zip(ours, theirs))
        elif theirs == REDACTED and isinstance(ours, str) and ours != REDACTED:
            found[ours] = None
    return tuple(found)


def _masked(project: Project, item: Descriptor, cover: Cover, session: Session) -> Descriptor:
    """The log in the store as it may leave; the same one where nothing is to be masked."""
    stream = item.path.partition("/")[2]
    path = session.folder(f"masking-{stream}") / stream
    shutil.copyfile(project.store.verified(item), path)
    covered = cover.covered(stream, path)
    return item if covered == path else project.store.put_file(covered, item.path, item.media_type)


def _left(
    project: Project, run: Manifest, values: tuple[str, ...], allowed: Allowed
) -> Iterator[Secret | Unscanned]:
    """What looks like a secret in the logs all the same, and in the recipe."""
    recipe = [item for item in run.contents if item.path.startswith("environment/")]
    for item in (*run.result.logs, *recipe):
        yield from _found(
            project.store.verified(item), item.path.replace("/", " "), "", values, allowed
        )


def _found(
    path: Path, where: str, name: str, values: tuple[str, ...], allowed: Allowed
) -> Iterator[Secret | Unscanned]:
    with path.open("rb") as stream:
        for item in text(stream, where, path=name, known=values):
            blocks = not isinstance(item, Unscanned) or item.blocking
            if blocks and not allowed.allows(item):
                yield item
