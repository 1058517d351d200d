"""Single values of repro.yaml; what each key takes is in test_config.py."""

from __future__ import annotations

import math
from typing import Any

import pytest

from repro import config_values


def test_a_size_that_is_no_number_of_this_world_is_refused() -> None:
    for value in (math.inf, math.nan, "1e3", "0x10", "1,5 MB"):
        with pytest.raises(ValueError, match="expected a size"):
            config_values.size(value)


@pytest.mark.parametrize("value", ["..", "a/../b", "/a", "~/a", "", " ", 5, None, ["a"], "a\nb"])
def test_a_folder_is_inside_the_project(value: Any) -> None:
    with pytest.raises(ValueError):
        config_values.folder(value)
    with pytest.raises(ValueError):
        config_values.path(value)


def test_the_project_itself_is_a_folder_and_no_path() -> None:
    assert config_values.folder("./") == "."
    assert config_values.folder("./a//b/") == config_values.path("a/b") == "a/b"
    with pytest.raises(ValueError, match="the project itself"):
        config_values.path(".")


def test_a_wrong_value_is_shown_short() -> None:
    assert config_values.kind("x" * 1000) == f"'{'x' * 59}..."
    found = [config_values.kind(item) for item in (None, True, {}, [], 1.5)]
    assert found == ["nothing", "true", "keys and values", "a list", "1.5"]
