"""What differs between two definitions: what went into the runs, named so that it can be mended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from repro.comparison.nouns import TWO_RUNS, IngredientDifference, Sides
from repro.comparison.pairing import count, pairs, some
from repro.manifest import (
    REDACTED,
    Command,
    CondaFile,
    Data,
    Definition,
    Descriptor,
    Environment,
    Image,
    Package,
    PackageOrigin,
    Param,
    Provenance,
    Source,
    Stage,
    Submodule,
    definition_id,
)

_Values = tuple["str | None", "str | None"]


def compare_definitions(
    a: Definition, b: Definition, ids: _Values = (None, None), sides: Sides = TWO_RUNS
) -> tuple[IngredientDifference, ...]:
    """Everything that differs, from the code outward to the settings around it.

    ``ids`` are the definition_ids that the manifests state. Two definitions with another id never
    come out without a difference: what no rule here names is named ``definition``.
    """
    found = tuple(_differences(a, b))
    ours, theirs = definition_id(a), definition_id(b)
    if not found and ours == theirs and ids[0] and ids[1]:
        ours, theirs = ids[0], ids[1]  # a later repro's manifest may hold more than is read here
    if found or ours == theirs:
        return found
    detail = "in the order of its parts, or in something that this version of repro does not know"
    return (IngredientDifference("definition", "definition_id", ours, theirs, detail),)


def changed_files(a: Provenance, b: Provenance, sides: Sides = TWO_RUNS) -> str:
    """Which files differed from the commit in only one of the runs."""
    return "; ".join(
        f"changed since its commit only in {side}: {some(sorted(only), 5)}"
        for side, only in (
            (sides[0], set(a.changed) - set(b.changed)),
            (sides[1], set(b.changed) - set(a.changed)),
        )
        if only
    )


def _differences(a: Definition, b: Definition) -> Iterator[IngredientDifference]:
    yield from _source(a.source, b.source)
    yield from _data(a.data, b.data)
    yield from _inputs(a.inputs, b.inputs)
    yield from _params(a.params, b.params)
    yield from _command(a.command, b.command)
    yield from _environment(a.environment, b.environment)
    yield from _changed(
        "working directory", "", a.working_directory or ".", b.working_directory or "."
    )
    yield from _mapping("env", a.env, b.env)
    yield from _redacted(a, b)


def _redacted(a: Definition, b: Definition) -> Iterator[IngredientDifference]:
    """What has no value on either side: that nothing differs there says nothing."""
    both = [("env", name) for name in sorted(a.env.keys() & b.env.keys())
            if a.env[name] == b.env[name] == REDACTED]  # fmt: skip
    for (source, name), _, ours, theirs in pairs(
        a.params, b.params, lambda it: (it.source, it.name)
    ):
        if ours and theirs and ours.value == theirs.value == REDACTED:
            both.append(("params", f"{source}:{name}"))
    if REDACTED in a.command.argv and a.command.argv == b.command.argv:
        both.append(("command", "argv"))
    theirs_by_name = {stage.name: stage.commands for stage in b.command.stages}
    for stage in a.command.stages:
        if REDACTED in stage.commands and theirs_by_name.get(stage.name) == stage.commands:
            both.append(("command", f"stage {stage.name}: commands"))
    detail = "redacted in both: whether it is the same is not known"
    yield from (IngredientDifference(kind, name, REDACTED, REDACTED, detail) for kind, name in both)


def _changed(
    ingredient: str, name: str, a: str | None, b: str | None, detail: str = ""
) -> Iterator[IngredientDifference]:
    if a != b:
        yield IngredientDifference(ingredient, name, a, b, detail)


def _mapping(
    ingredient: str, a: Mapping[str, str | None], b: Mapping[str, str | None], prefix: str = ""
) -> Iterator[IngredientDifference]:
    for key in sorted({*a, *b}):
        if (key in a) is (key in b) is True and a[key] == b[key]:
            continue
        yield IngredientDifference(ingredient, prefix + key, _entry(a, key), _entry(b, key))


def _entry(mapping: Mapping[str, str | None], key: str) -> str | None:
    if key not in mapping:
        return None
    value = mapping[key]
    return "not known" if value is None else value


# --- source and data ------------------------------------------------------------------------


def _source(a: Source, b: Source) -> Iterator[IngredientDifference]:
    same_files = "the files are the same: their tree agrees" if a.tree == b.tree else ""
    yield from _changed("source", "commit", a.commit, b.commit, same_files)
    uncommitted = "the same commit with other uncommitted changes" if a.commit == b.commit else ""
    yield from _changed("source", "tree", a.tree, b.tree, uncommitted)
    yield from _changed("source", "object format", a.object_format, b.object_format)
    for (path,), _, ours, theirs in pairs(a.submodules, b.submodules, lambda item: (item.path,)):
        if ours != theirs:
            name = f"submodule {path}"
            yield IngredientDifference("source", name, _submodule(ours), _submodule(theirs))
    yield from _mapping("source", a.settings, b.settings, "setting ")


def _submodule(submodule: Submodule | None) -> str | None:
    if submodule is None:
        return None
    return f"{submodule.commit or 'no commit'}, tree {submodule.tree}"


def _data(a: Iterable[Data], b: Iterable[Data]) -> Iterator[IngredientDifference]:
    for (path,), _, ours, theirs in pairs(a, b, lambda data: (data.path,)):
        if ours == theirs:
            continue
        detail = "" if ours and theirs else "added" if theirs else "removed"
        if ours and theirs and (ours.size, ours.files) == (theirs.size, theirs.files):
            detail = "other content of the same size"
        yield IngredientDifference("data", path, _datum(ours), _datum(theirs), detail)


def _datum(data: Data | None) -> str | None:
    if data is None:
        return None
    return f"{data.hash} ({data.kind.value}, {data.size} bytes, {count(data.files, 'file')})"


def _inputs(a: Iterable[Descriptor], b: Iterable[Descriptor]) -> Iterator[IngredientDifference]:
    for (path,), _, ours, theirs in pairs(a, b, lambda item: (item.path,)):
        if ours == theirs:
            continue
        detail = (
            ""
            if ours and theirs
            else "read by the second only"
            if theirs
            else "read by the first only"
        )
        if ours and theirs and ours.size == theirs.size and ours.link == theirs.link:
            detail = "other content of the same size"
        yield IngredientDifference("inputs", path, _input(ours), _input(theirs), detail)


def _input(item: Descriptor | None) -> str | None:
    if item is None:
        return None
    if item.link is not None:
        return f"a link to {item.link}"
    return f"{item.digest} ({item.size} bytes{', executable' if item.executable else ''})"


# --- command and params ---------------------------------------------------------------------


def _params(a: Iterable[Param], b: Iterable[Param]) -> Iterator[IngredientDifference]:
    for (source, name), _, ours, theirs in pairs(a, b, lambda param: (param.source, param.name)):
        yield from _changed("params", f"{source}:{name}", _value(ours), _value(theirs))


def _value(param: Param | None) -> str | None:
    """As JSON, so that 1, 1.0, true and "1" stay four things."""
    return None if param is None else json.dumps(param.value, ensure_ascii=False)


def _command(a: Command, b: Command) -> Iterator[IngredientDifference]:
    yield from _changed("command", "argv", _arguments(a.argv), _arguments(b.argv))
    order = tuple(stage.name for stage in a.stages), tuple(stage.name for stage in b.stages)
    if sorted(order[0]) == sorted(order[1]):
        yield from _changed("command", "order of stages", *map(_arguments, order))
    for (name,), _, ours, theirs in pairs(a.stages, b.stages, lambda stage: (stage.name,)):
        if ours is None or theirs is None:
            yield IngredientDifference("command", f"stage {name}", _stage(ours), _stage(theirs))
            continue
        for part in ("commands", "inputs", "outputs"):
            texts = (_arguments(getattr(stage, part)) for stage in (ours, theirs))
            yield from _changed("command", f"stage {name}: {part}", *texts)
        folders = (stage.working_directory or "." for stage in (ours, theirs))
        yield from _changed("command", f"stage {name}: working directory", *folders)


def _stage(stage: Stage | None) -> str | None:
    return _arguments(stage.commands) if stage else None


def _arguments(argv: Iterable[str]) -> str:
    """As JSON: where one argument ends and the next begins is part of it."""
    return json.dumps(list(argv), ensure_ascii=False)


# --- environment ----------------------------------------------------------------------------


def _environment(a: Environment, b: Environment) -> Iterator[IngredientDifference]:
    yield from _changed("environment", "kind", a.kind.value, b.kind.value)
    yield from _packages(a.packages, b.packages)
    yield from _changed("environment", "tools", _words(a.tools), _words(b.tools))
    yield from _conda(a.conda, b.conda)
    for part in ("implementation", "version"):
        ours, theirs = (getattr(side.interpreter, part, None) for side in (a, b))
        yield from _changed("interpreter", part, ours, theirs)
    yield from _image(a.image, b.image)


def _words(names: tuple[str, ...]) -> str | None:
    return " ".join(names) or None


def _packages(a: Iterable[Package], b: Iterable[Package]) -> Iterator[IngredientDifference]:
    for (name,), _, ours, theirs in pairs(a, b, lambda package: (package.name,)):
        if ours == theirs:
            continue
        detail = "" if ours and theirs else "added" if theirs else "removed"
        if ours and theirs and ours.version == theirs.version:
            detail = "the same version from another origin"
        yield IngredientDifference("packages", name, _package(ours), _package(theirs), detail)


def _conda(a: Iterable[CondaFile], b: Iterable[CondaFile]) -> Iterator[IngredientDifference]:
    for (name,), _, ours, theirs in pairs(a, b, lambda package: (package.name,)):
        if ours == theirs:
            continue
        detail = "" if ours and theirs else "added" if theirs else "removed"
        if ours and theirs and (ours.version, ours.build) == (theirs.version, theirs.build):
            detail = "the same build by its name, from another file"
        name = f"conda {name}"
        yield IngredientDifference("packages", name, _built(ours), _built(theirs), detail)


def _built(package: CondaFile | None) -> str | None:
    return f"{package.version} {package.build}".strip() if package else None


def _package(package: Package | None) -> str | None:
    if package is None:
        return None
    origin = [] if package.origin is PackageOrigin.INDEX else [package.origin.value]
    origin += [part for part in (package.location, package.revision) if part is not None]
    return f"{package.version} ({' '.join(origin)})" if origin else package.version


def _image(a: Image | None, b: Image | None) -> Iterator[IngredientDifference]:
    if a is None or b is None:
        yield from _changed("image", "", _image_text(a), _image_text(b))
        return
    for part in ("reference", "digest", "id", "dockerfile"):
        yield from _changed("image", part, getattr(a, part), getattr(b, part))
    yield from _mapping("image", a.bases, b.bases, "base ")


def _image_text(image: Image | None) -> str | None:
    if image is None:
        return None
    return image.digest or image.id or image.reference
