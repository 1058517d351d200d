"""Keys for a pipeline's caches: the same for the same needs, another for others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from repro import caching
from repro.manifest import (
    Command,
    Data,
    DataKind,
    Definition,
    Environment,
    EnvironmentKind,
    Image,
    Interpreter,
    Manifest,
    Package,
    PackageOrigin,
    Source,
)
from repro.store import Run, Store

BASE = Definition(
    Source("c" * 40, "d" * 40),
    (Data("data", DataKind.FILE, "md5:1", 1, 1),),
    Environment(EnvironmentKind.PACKAGES, Image("python:3.11"), Interpreter("3.11.7")),
    Command(("python", "train.py")),
)


def run(store: Store, definition: Definition, lock: str = "numpy==1 --hash=sha256:1\n") -> Run:
    result: Any = SimpleNamespace()
    descriptor = store.put_bytes(lock.encode(), "environment/requirements.lock")
    return Run("0" * 64, Manifest(definition, result, "2026", contents=(descriptor,)))


def test_only_what_is_needed_counts(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    project: Any = SimpleNamespace(store=store)

    def keys(*definitions: Definition, **more: str) -> caching.Keys:
        return caching.keys(project, [run(store, item, **more) for item in definitions])

    base = keys(BASE)
    assert re.fullmatch(r"environments=[0-9a-f]{32}\ndata=[0-9a-f]{32}\nimages=\n", base.lines)
    source = replace(BASE, source=Source("e" * 40, "f" * 40), command=Command(("x",)))
    assert keys(source) == base == keys(BASE, BASE) == keys(BASE, source)
    image = replace(BASE, environment=replace(BASE.environment, image=Image("python:3.12")))
    data = replace(BASE, data=(replace(BASE.data[0], hash="md5:2"),))
    assert keys(image).environments != base.environments and keys(image).data == base.data
    assert keys(data).environments == base.environments and keys(data).data != base.data
    assert keys(BASE, lock="numpy==2 --hash=sha256:2\n").environments != base.environments
    assert keys(BASE, image, data) == keys(data, image, BASE) != base


def test_of_packages_that_are_installed_from_the_source_all_of_it_counts(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    project: Any = SimpleNamespace(store=store)
    own = Package("own", "1", PackageOrigin.EDITABLE, ".")
    first = replace(BASE, environment=replace(BASE.environment, packages=(own,)))
    second = replace(first, source=Source("e" * 40, "f" * 40))
    assert caching.keys(project, [run(store, first)]) != caching.keys(project, [run(store, second)])


def test_the_image_of_an_environment_is_named_as_the_engine_does(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    project: Any = SimpleNamespace(store=store)
    found = run(store, BASE)
    text = f"# a recipe\n# key: sha256:{'ab' * 32}\nFROM x\n# key: sha256:short\n".encode()
    recorded = store.put_bytes(text, "environment/Dockerfile")
    with_recipe = replace(
        found, manifest=replace(found.manifest, contents=(*found.manifest.contents, recorded))
    )
    names = caching.keys(project, [with_recipe, with_recipe, found]).images
    assert names == (f"repro-env:{'ab' * 16}",)
