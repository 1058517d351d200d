"""Packages whose names are loaded when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PACKAGES = ["repro", "repro.anatomy", "repro.cosmetics", "repro.log_metrics", "repro.watching"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_that_is_offered_is_there(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is getattr(module, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_any_other_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'nothing'"):
        _ = importlib.import_module(package).nothing
    with pytest.raises(ImportError):
        exec(f"from {package} import nothing")


def loaded(module: str) -> set[str]:
    """What a new interpreter has loaded once it imported this one."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["repro.cli.opening", "repro.cli.list, repro.report.list"])
def test_to_open_a_project_or_to_list_its_runs_no_output_or_log_is_looked_into(module: str) -> None:
    found = loaded(module)
    assert "repro.project" in found
    for needless in (
        "anatomy.comparing",
        "comparison",
        "cosmetics",
        "log_metrics.reading",
        "watching.choosing",
    ):
        assert f"repro.{needless}" not in found
