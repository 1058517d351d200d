"""The code is laid out as docs/architecture.md says: layers, arrows, libraries, files."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ROOT / "repro"
PROSE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
STANDARD = sys.stdlib_module_names - {"subprocess"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(CODE.rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """What a module imports anywhere, but for what only type checkers read."""
    tree = ast.parse(path.read_text("utf-8"))
    passed_over = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    return {
        found for node in ast.walk(tree) if id(node) not in passed_over for found in imported(node)
    }


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0 and node.module, "relative imports are not used"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if whole in MODULES else node.module


@cache
def all_imports() -> dict[str, set[str]]:
    """Of every module. Asked by the tests, not on import: that would hold up all who collect them."""
    return {name: imports(path) for name, path in MODULES.items()}


def unit_of(module: str) -> str:
    """The module or folder of repro/ that it belongs to; empty for the package itself."""
    unit = module.removeprefix("repro").removeprefix(".").partition(".")[0]
    for family in ("config", "initialising", "diagnosis", "exporting"):
        if unit.startswith(f"{family}_"):
            return family
    return unit


def rows(header: str) -> list[list[str]]:
    """The cells below a header of a table."""
    table = PROSE.split(f"{header}\n", 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


LAYERS = {
    name: (int(layer), names(siblings))
    for layer, unit, siblings in rows("| layer | unit | imports of its own layer |")
    for name in names(unit)
}


def test_every_unit_has_a_layer() -> None:
    assert {unit_of(name) for name in MODULES} - {""} == set(LAYERS)


@pytest.mark.parametrize("unit", LAYERS)
def test_imports_point_down_or_along_the_arrows(unit: str) -> None:
    layer, siblings = LAYERS[unit]
    found = {
        unit_of(target)
        for name, targets in all_imports().items()
        if unit_of(name) == unit
        for target in targets
        if target.split(".")[0] == "repro"
    }
    beside = {other for other in found - {unit, ""} if LAYERS[other][0] >= layer}
    assert {other: LAYERS[other][0] for other in beside} == dict.fromkeys(siblings, layer)


def test_no_two_modules_import_each_other_by_any_detour() -> None:
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in done:
            return
        for target in all_imports()[name] & MODULES.keys():
            follow(target, (*way, name))
        done.add(name)

    for name in MODULES:
        follow(name, ())


def test_every_library_has_its_place() -> None:
    allowed = {
        library: names(places)
        for libraries, places in rows("| library | only in |")
        for library in names(libraries)
    }
    found: dict[str, set[str]] = {}
    for name, targets in all_imports().items():
        path = MODULES[name].relative_to(CODE).as_posix()
        for library in {target.split(".")[0] for target in targets} - STANDARD - {"repro"}:
            places = allowed.get(library, set())
            within = {place for place in places if path == place or path.startswith(place)}
            assert within, f"{path} imports {library}"
            found.setdefault(library, set()).update(within)
    if sys.version_info >= (3, 11):
        found.setdefault("tomli", allowed["tomli"])
    if sys.version_info >= (3, 14):
        found.setdefault("compression", allowed["compression"])
    assert found == allowed


@pytest.mark.parametrize(
    "library", ["distributed", "docker", "dvc", "fsspec", "git", "msgspec", "oras", "uv"]
)
def test_heavy_libraries_are_imported_where_they_are_needed(library: str) -> None:
    """At the top of no module, but of those of one folder that is itself imported late."""
    for name, path in MODULES.items():
        if name.startswith("repro.engines.docker"):
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            tops = {target.split(".")[0] for target in imported(node)}
            assert library not in tops, f"{name} imports {library} at its top"
            assert "repro.engines.docker" not in set(imported(node)), name


def test_every_file_has_its_line() -> None:
    listed = {
        path
        for line in PROSE.splitlines()
        if (match := re.match(r"\| `([\w/]+\.py)` \| .*\S \|$", line))
        for path in [match[1]]
    }
    there = {
        path.relative_to(CODE).as_posix()
        for path in MODULES.values()
        # an __init__ that is empty, or only hands on the names of its folder, has no subject
        if path.name != "__init__.py" or path.relative_to(CODE).as_posix() in listed
    }
    assert listed == there


def test_files_have_one_subject() -> None:
    """A long file has two; the manifest's nouns are one document."""
    long = {
        path.relative_to(CODE).as_posix(): count
        for path in MODULES.values()
        if (count := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert set(long) <= {"manifest.py"}, long


def test_every_file_that_is_named_is_there() -> None:
    for name in names(PROSE):
        if re.fullmatch(r"[\w/]+(\.(py|md|json)|/)|[\w.]+\.schema\.json", name):
            assert any((top / name).exists() for top in (ROOT, CODE)), name
