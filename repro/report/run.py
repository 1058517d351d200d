"""One run for a person (after recording, and `repro show`), and as a JSON document."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from repro import canonical, grade
from repro.manifest import (
    EnvironmentKind,
    Finding,
    Manifest,
    MetricType,
    Scalar,
    Severity,
    to_document,
)
from repro.report import layout
from repro.report.layout import clean, paint
from repro.store import Run

_GRADE_STYLE = {"portable": "bold green", "fragile": "bold yellow", "local": "bold red"}
_SEVERITY_STYLE = {Severity.BREAKS: "red", Severity.RISKS: "yellow", Severity.NOTE: ""}


def as_json(run: Run) -> str:
    """``{"schema": "repro/run/v1", "id", "grade", "manifest"}``, one line; specs/documents.md."""
    document = {
        "schema": "repro/run/v1",
        "id": run.id,
        "grade": grade.of(run.manifest.findings),
        "manifest": to_document(run.manifest) | {"definition_id": run.manifest.definition_id},
    }
    return canonical.dumps(document).decode() + "\n"


def recorded(run: Run, *, colour: bool, width: int, all: bool = False) -> str:
    """What `repro run` says at its end: what was recorded, the grade, what would break a replay."""
    manifest = run.manifest
    result = manifest.result
    word = {"finished": "recorded", "failed": "recorded as failed"}.get(
        result.outcome.value, f"recorded as {result.outcome.value}"
    )
    parts = [f"{len(result.metrics)} metrics", f"{len(result.outputs)} outputs"]
    if result.duration is not None:
        parts.insert(0, f"{result.duration:.1f} s")
    if result.exit_code:
        parts.insert(0, f"exit code {result.exit_code}")
    lines = [f"repro: {word} {run.short}: {', '.join(_singular(part) for part in parts)}"]
    lines += grade_lines(manifest.findings, colour=colour, width=width, all=all)
    lines.append(f"repro: next: repro replay {run.short}{_engine(manifest)}")
    return "\n".join(lines) + "\n"


def _engine(manifest: Manifest) -> str:
    """The option without which the next step would fail: no container is known to have the programs."""
    environment = manifest.definition.environment
    unknown = environment.kind is EnvironmentKind.IMAGE and environment.image is None
    return " --engine venv" if unknown else ""


def _singular(text: str) -> str:
    return text[:-1] if text.startswith("1 ") and text.endswith("s") and text != "1 s" else text


def grade_lines(
    findings: tuple[Finding, ...], *, colour: bool, width: int, all: bool
) -> Iterable[str]:
    """The grade, and the findings that it rests on, worst first, each with its remedy."""
    word = grade.of(findings)
    yield f"repro: grade {paint(word, _GRADE_STYLE[word], colour)}: {grade.MEANING[word]}"
    notes = 0
    for finding in findings:
        if finding.severity is Severity.NOTE and not all:
            notes += 1
            continue
        label = paint(f"{finding.severity.value:6}", _SEVERITY_STYLE[finding.severity], colour)
        text = f"{finding.subject}: {clean(finding.message)}"
        yield from layout.wrap(text, width, f"  {label} ", " " * 9)
        if finding.remedy:
            yield from layout.wrap(clean(finding.remedy), width, " " * 9 + "-> ", " " * 12)
    if notes:
        yield f"  {notes} note{'s' * (notes > 1)} more: repro show shows them"


def show(
    run: Run,
    replays: list[str],
    names: list[str],
    signatures: list[str] | None = None,
    *,
    colour: bool,
    width: int,
    all: bool = False,
) -> str:
    """One run, whole, for a person. ``signatures``: what each of them claims, none verified."""
    manifest = run.manifest
    rows = [
        ("run", run.id + (f"  ({', '.join(names)})" if names else "")),
        *_what(manifest),
        *_came_out(manifest),
    ]
    if replays:
        rows.append(("replays", ", ".join(replays)))
    rows += [("signature", f"not verified: {text}") for text in signatures or ()]
    if signatures:
        rows.append(("", f"what they are worth: repro verify-signature {run.short}"))
    label = max(len(name) for name, _ in rows)
    lines = []
    for name, value in rows:
        head = f"{paint(name, 'bold', colour)}{' ' * (label - len(name))}  "
        lines += layout.wrap(clean(value), width, head, " " * (label + 2))
    sections = [lines, _metrics(manifest, all), _uncompared(manifest, all)]
    sections += [_params(manifest, all), _outputs(manifest, all)]
    sections.append(list(grade_lines(manifest.findings, colour=colour, width=width, all=True)))
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _stage(name: str, manifest: Manifest) -> str:
    for item in manifest.result.stages:
        if item.name == name:
            return (
                f"{name} (not executed)"
                if item.seconds is None
                else f"{name} ({item.seconds:.1f} s)"
            )
    return name


def _what(manifest: Manifest) -> Iterable[tuple[str, str]]:
    definition, provenance = manifest.definition, manifest.provenance
    command = definition.command
    where = f" in {definition.working_directory}/" if definition.working_directory else ""
    yield "command", shlex.join(command.argv) + where
    if command.stages:
        yield "stages", ", ".join(_stage(stage.name, manifest) for stage in command.stages)
    commit = (definition.source.commit or "no commit")[:12]
    on = f" on {provenance.branch}" if provenance.branch else ""
    subject = f": {provenance.subject}" if provenance.subject else ""
    yield "commit", f"{commit}{on}{subject}"
    if provenance.changed:
        yield "changed", _some(provenance.changed, 8)
    for item in definition.data:
        files = f", {item.files} files" if item.files != 1 else ""
        yield "data", f"{item.path}  {item.hash}  {size(item.size)}{files}"
    environment = definition.environment
    if environment.interpreter:
        python = environment.interpreter
        conda = f", {len(environment.conda)} of conda's" if environment.conda else ""
        yield (
            "python",
            f"{python.implementation} {python.version}, {len(environment.packages)} packages{conda}",
        )
    if environment.image:
        pinned = environment.image.digest or environment.image.id or "not pinned"
        yield "image", f"{environment.image.reference}  {pinned}"
    if definition.env:
        yield "env", _some(tuple(f"{name}={value}" for name, value in definition.env.items()), 8)


def _came_out(manifest: Manifest) -> Iterable[tuple[str, str]]:
    result = manifest.result
    if not result.observed:
        yield "result", "not observed: read from the disk afterwards"
    else:
        code = f" with exit code {result.exit_code}" if result.exit_code else ""
        took = f" after {result.duration:.1f} s" if result.duration is not None else ""
        peak = f", peak memory {size(result.peak_memory)}" if result.peak_memory else ""
        yield "result", f"{result.outcome.value}{code}{took}{peak}, {result.started}"
    host = result.host
    parts = [host.distribution, host.cpu, f"{host.cpus} CPUs" if host.cpus else None]
    parts += [gpu.name for gpu in host.gpus or ()]
    yield "host", ", ".join(part for part in parts if part) or "not known"
    yield "definition", manifest.definition_id


def _metrics(manifest: Manifest, all: bool) -> list[str]:
    rows = []
    for metric in manifest.result.metrics:
        value = scalar(metric.value)
        if metric.type is MetricType.SERIES:
            value = _last(metric.values)
        rows.append((f"{metric.name}", value, metric.source))
    return _table("metrics", rows, all)


def _last(values: tuple[Scalar, ...]) -> str:
    """The last value there is: a logger leaves the cells of a table empty where it measured nothing."""
    filled = [value for value in values if value is not None]
    if len(filled) in (0, len(values)):
        return f"{scalar(values[-1]) if values else '-'}  (last of {len(values)} steps)"
    return f"{scalar(filled[-1])}  (last of {len(filled)} values in {len(values)} steps)"


def _uncompared(manifest: Manifest, all: bool) -> list[str]:
    rows = [
        (item.name, item.reason.value, f"{item.example}  {item.source}")
        for item in manifest.result.uncompared
    ]
    return _table("printed, and not compared", rows, all)


def _params(manifest: Manifest, all: bool) -> list[str]:
    rows = [(item.name, scalar(item.value), item.source) for item in manifest.definition.params]
    return _table("params", rows, all)


def _outputs(manifest: Manifest, all: bool) -> list[str]:
    rows = [(item.path, item.digest[:19], size(item.size)) for item in manifest.result.outputs]
    return _table("outputs", rows, all)


def _table(title: str, rows: list[tuple[str, str, str]], all: bool) -> list[str]:
    if not rows:
        return []
    shown = rows if all else rows[:40]
    cells = [tuple(clean(cell) for cell in row) for row in shown]
    widths = [max(layout.width(row[at]) for row in cells) for at in range(2)]
    lines = [title]
    for name, value, last in cells:
        lines.append(
            f"  {layout.pad(name, widths[0])}  {layout.pad(value, widths[1])}  {last}".rstrip()
        )
    if len(shown) < len(rows):
        lines.append(f"  and {len(rows) - len(shown)} more (--all)")
    return lines


def scalar(value: Scalar) -> str:
    """A value at full precision, as JSON would write it but for NaN and infinities."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return value
    return repr(value)


def size(count: int | None) -> str:
    """Bytes for a person."""
    if count is None:
        return "?"
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return str(count)


def _some(names: tuple[str, ...], most: int) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
