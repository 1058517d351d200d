"""Names of a package that are loaded when they are first used: who needs one of them does not wait for all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def names(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The package's ``__getattr__``. ``places``: a name's module, relative to the package."""

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{package}.{places[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return find
