"""Keys for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssh_keys import Keys


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path
