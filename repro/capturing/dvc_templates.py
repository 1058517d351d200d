"""Templates in ``dvc.yaml``: ``${…}``, ``vars``, ``foreach`` and ``matrix``.

What most projects write is resolved here, in a millisecond. Whatever is the least unusual is left to
DVC's own library, which takes half a second to import: two answers to one question must not differ.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from repro import plain_yaml
from repro.errors import UsageError

SECTIONS = ("metrics", "params", "plots")


def has_templates(node: Any) -> bool:
    """Whether anything in the document has to be resolved."""
    match node:
        case str():
            return "${" in node
        case Mapping():
            if "foreach" in node or "matrix" in node:
                return True
            return any(has_templates(key) or has_templates(value) for key, value in node.items())
        case list():
            return any(has_templates(value) for value in node)
    return False


def resolve(path: Path, dvc: Path) -> Mapping[str, Any]:
    """The document of a ``dvc.yaml``, resolved, every scalar as text.

    ``dvc`` is the ``.dvc`` folder. Raises UsageError where it cannot be resolved.
    """
    try:
        found = _resolve_here(path)
    except _Unusual:
        found = _resolve_with_dvc(path, dvc)
    resolved: Mapping[str, Any] = _as_text(found)
    return resolved


def _as_text(node: Any) -> Any:
    match node:
        case bool():
            return "true" if node else "false"
        case None:
            return ""
        case Mapping():
            return {str(key): _as_text(value) for key, value in node.items()}
        case list() | tuple():
            return [_as_text(value) for value in node]
    return str(node)


def _resolve_with_dvc(path: Path, dvc: Path) -> Mapping[str, Any]:
    from dvc.config import Config
    from dvc.fs import LocalFileSystem
    from dvc.parsing import DataResolver
    from dvc.utils.serialize import parse_yaml

    try:
        document = parse_yaml(path.read_text("utf-8"), str(path))
        # a Repo would write into the user's .dvc; the resolver needs no more of it than this
        repository: Any = SimpleNamespace(fs=LocalFileSystem(), config=Config(str(dvc)))
        resolver = DataResolver(repository, str(path.parent), document)
        return {
            "stages": resolver.resolve()["stages"],
            "metrics": resolver.resolve_metrics(),
            "params": resolver.resolve_params(),
            "plots": resolver.resolve_plots(),
        }
    except Exception as error:
        words = " ".join(str(error).split()).replace(f" '{path.name}':", "")
        raise UsageError(f"{path}: {words}", "dvc stage list shows what DVC makes of it") from error


# --- the usual ------------------------------------------------------------------------------


class _Unusual(Exception):
    """Left to DVC."""


_HOLE = re.compile(r"\$\{(.*?)\}")
_EXPRESSION = re.compile(r"[^.\[\]{}\s]+(?:\.[^.\[\]{}\s]+|\[[^.\[\]{}\s]+\])*")
_ODD = re.compile(rb"(?m)(?:^|[\s\[,:{])[-+]?(?:0[0-9_bBoOxX]|[0-9][0-9_]*_[0-9]|[0-9]{4}-[0-9])")
"""Numbers and dates that one YAML library reads otherwise than another."""


def _resolve_here(path: Path) -> Mapping[str, Any]:
    document = _load(path)
    context = _variables(path, document)
    stages: dict[str, Any] = {}
    for name, definition in _mapping(document.get("stages")).items():
        stages.update(_stages(name, _mapping(definition), context))
    found = {section: _filled(document.get(section) or [], context) for section in SECTIONS}
    return {"stages": stages, **found}


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = path.read_bytes()
        document = plain_yaml.load(content)
    except (OSError, ValueError) as error:
        raise _Unusual from error
    if _ODD.search(content) or b"\\${" in content:
        raise _Unusual
    return _mapping(document)


def _mapping(node: Any) -> Mapping[str, Any]:
    if node is None:
        return {}
    if not isinstance(node, Mapping) or not all(isinstance(key, str) for key in node):
        raise _Unusual
    return node


def _variables(path: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """``params.yaml`` and ``vars``, merged; DVC forbids that one overrides another."""
    context: dict[str, Any] = {}
    files = {"params.yaml"}
    if (path.parent / "params.yaml").exists():
        _merge(context, _load(path.parent / "params.yaml"))
    for item in document.get("vars") or ():
        if has_templates(item):
            raise _Unusual
        if isinstance(item, str):
            name = item.removeprefix("./")
            # part of a file, the same file twice, other formats: rare
            if name in files or not name.endswith((".yaml", ".yml")) or ".." in name:
                raise _Unusual
            files.add(name)
            item = _load(path.parent / name)
        _merge(context, _mapping(item))
    return context


def _merge(into: dict[str, Any], update: Mapping[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(into.get(key), dict) and isinstance(value, Mapping):
            _merge(into[key], _mapping(value))
        elif key in into:
            raise _Unusual
        else:
            into[key] = dict(_mapping(value)) if isinstance(value, Mapping) else value


def _stages(
    name: str, definition: Mapping[str, Any], context: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    if "foreach" in definition:
        for key, scope in _each(_filled(definition["foreach"], context, nested=True)):
            yield f"{name}@{key}", _stage(_mapping(definition["do"]), {**context, **scope})
    elif "matrix" in definition:
        template = {key: value for key, value in definition.items() if key != "matrix"}
        for key, item in _combinations(_filled(definition["matrix"], context, nested=True)):
            yield f"{name}@{key}", _stage(template, {**context, "item": item, "key": key})
    else:
        yield name, _stage(definition, context)


def _stage(template: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    if template.get("vars"):
        raise _Unusual
    return _filled(template, context)


def _each(items: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    match items:
        case Mapping():
            for key, value in _mapping(items).items():
                yield key, {"item": value, "key": key}
        case list():
            composite = any(isinstance(value, list | Mapping) for value in items)
            for number, value in enumerate(items):
                yield str(number) if composite else _word(value), {"item": value}
        case _:
            raise _Unusual


def _combinations(axes: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    axes = _mapping(axes)
    if not all(isinstance(values, list) for values in axes.values()):
        raise _Unusual
    for chosen in itertools.product(*(enumerate(values) for values in axes.values())):
        item = {axis: value for axis, (_, value) in zip(axes, chosen)}
        words = (
            f"{axis}{number}" if isinstance(value, list | Mapping) else _word(value)
            for axis, (number, value) in zip(axes, chosen)
        )
        yield "-".join(words), item


def _filled(node: Any, context: Mapping[str, Any], *, nested: bool = False) -> Any:
    """The node with every template replaced. ``nested``: a value may be a list or a mapping."""
    match node:
        case str() if "${" in node:
            exact = _HOLE.fullmatch(node)
            if exact and "${" not in exact[1]:
                return _selected(exact[1], context, nested=nested)
            return _HOLE.sub(lambda hole: _word(_selected(hole[1], context)), node)
        case Mapping():
            return {
                _filled(key, context): _filled(value, context, nested=nested)
                for key, value in node.items()
            }
        case list():
            return [_filled(value, context, nested=nested) for value in node]
    return node


def _selected(expression: str, context: Any, *, nested: bool = False) -> Any:
    if not _EXPRESSION.fullmatch(expression):
        raise _Unusual
    node = context
    for step in expression.replace("[", ".").replace("]", "").split("."):
        try:
            node = node[int(step)] if isinstance(node, list) else _mapping(node)[step]
        except (LookupError, ValueError) as error:
            raise _Unusual from error
    if isinstance(node, list | Mapping) and not nested:
        raise _Unusual
    return node


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
