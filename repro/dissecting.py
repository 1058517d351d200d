"""Opens the outputs that differ, and says where: here what carries no code, the rest in the replay's own
container, without network. It never changes a verdict; what cannot be opened is compared as bytes, and
that is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from repro import anatomy, outputs
from repro.anatomy import ContentDifference, Place, naming
from repro.comparison import Comparison, OutputDifference, Status
from repro.dissecting_inside import Pair
from repro.errors import ReproError
from repro.manifest import Descriptor
from repro.project import Project

FILES = 50
"""Outputs that are opened for one comparison."""
BYTES = 16 << 30
"""Of both sides together."""

Find = Callable[[Descriptor], "Path | None"]
"""Where the content of an output lies, as it was recorded; None: nowhere."""
Inside = Callable[["list[Pair]"], "dict[str, ContentDifference]"]
"""Opens pairs in a container; by path."""


def dissected(
    project: Project, comparison: Comparison, a: Find, b: Find, inside: Inside | None = None
) -> Comparison:
    """The comparison, with what is different inside of outputs whose bytes differ."""
    differing = [item for item in comparison.outputs if _is_worth_it(item)]
    if not differing:
        return comparison
    found = _Work(project, a, b, inside).done(differing)
    return replace(
        comparison,
        outputs=tuple(
            _with(item, found[item.path], comparison) if item.path in found else item
            for item in comparison.outputs
        ),
    )


def _is_worth_it(item: OutputDifference) -> bool:
    if item.status is not Status.DIFFERENT or item.a is None or item.b is None:
        return False
    return item.a.link is None and item.b.link is None and item.a.digest != item.b.digest


def _with(
    item: OutputDifference, content: ContentDifference, comparison: Comparison
) -> OutputDifference:
    lines = anatomy.summary(content, comparison.sides)
    before = [part for part in item.detail.split("; ") if part.startswith("executable: ")]
    detail = "; ".join((*before, lines[0])) if lines else item.detail
    return replace(item, detail=detail, content=content)


@dataclass(frozen=True)
class _Work:
    project: Project
    a: Find
    b: Find
    inside: Inside | None

    def done(self, differing: list[OutputDifference]) -> dict[str, ContentDifference]:
        found: dict[str, ContentDifference] = {}
        waiting: list[Pair] = []
        left, files = BYTES, FILES
        for item in differing:
            assert item.a and item.b
            if files == 0 or left < item.a.size + item.b.size:
                found[item.path] = ContentDifference(
                    _format(item.path),
                    reason="other outputs were opened before it, up to the limit",
                )
                continue
            pair = self._pair(item, found)
            if pair is None:
                continue
            left, files = left - item.a.size - item.b.size, files - 1
            self._open(pair, found, waiting)
        if waiting and self.inside:
            found |= self.inside(waiting)
        return found

    def _pair(self, item: OutputDifference, found: dict[str, ContentDifference]) -> Pair | None:
        assert item.a and item.b
        ours, theirs = self.a(item.a), self.b(item.b)
        if ours and theirs:
            return Pair(item.path, _format(item.path), ours, theirs)
        if naming.is_known(item.path):
            lost = item.a if ours is None else item.b
            found[item.path] = self._not_kept(lost, "recorded" if ours is None else "other")
        return None

    def _not_kept(self, lost: Descriptor, which: str) -> ContentDifference:
        cap = outputs.limit(lost, self.project.config.outputs_cap)
        size = (
            f"{_megabytes(lost.size)}, kept are up to {_megabytes(cap)}" if lost.size > cap else ""
        )
        return ContentDifference(
            _format(lost.path),
            reason=f"the {which} file was not kept{f' ({size})' if size else ''}: only digests can be "
            "compared",
            remedy="set outputs_cap in repro.yaml higher, and record the run again"
            if size
            else "record the run again",
        )

    def _open(self, pair: Pair, found: dict[str, ContentDifference], waiting: list[Pair]) -> None:
        places = [anatomy.place_of(pair.path, path) for path in (pair.a, pair.b)]
        if places[0] != places[1] or places[0][0] is not Place.INSIDE:
            found[pair.path] = anatomy.compare(pair.path, pair.a, pair.b)
        elif self.inside:
            waiting.append(replace(pair, form=places[0][1]))
        else:
            found[pair.path] = anatomy.compare_bytes(
                pair.a,
                pair.b,
                f"this format ({places[0][1]}) is opened in a replay's own container only",
                "replay the run with --engine docker",
            )


def _format(path: str) -> str:
    return naming.by_name(path) or "bytes"


def _megabytes(size: int) -> str:
    return f"{size / 1000**2:.3g} MB"


def recorded(project: Project, listed: Iterable[Descriptor] = ()) -> Find:
    """Finds outputs of a run: in the store, or where they were written if they lie there unchanged.
    ``listed``: its outputs under their own names, where a comparison has them under another run's."""
    return _find(project, project.workspace, listed)


def written(project: Project, workspace: Path, listed: Iterable[Descriptor] = ()) -> Find:
    """Finds outputs of a replay, in its workspace or in the store; ``listed`` as for ``recorded``."""
    return _find(project, workspace, listed)


def _find(project: Project, workspace: Path, listed: Iterable[Descriptor]) -> Find:
    own = {item.digest: item for item in listed}

    def find(item: Descriptor) -> Path | None:
        try:
            return outputs.find(project.store, own.get(item.digest, item), workspace)
        except (OSError, ReproError):
            return None

    return find
