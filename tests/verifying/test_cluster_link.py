"""Which scheduler is meant, and what is said where there is none."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.errors import UsageError
from repro.verifying.cluster_link import Address, Link, Unreachable


@pytest.mark.parametrize(
    "text, address",
    [
        ("dask://host:8786", "tcp://host:8786"),
        ("dask://host:8786/", "tcp://host:8786"),
        ("dask+tls://10.0.0.1:8786", "tls://10.0.0.1:8786"),
        ("dask+wss://[::1]:443", "wss://[::1]:443"),
        ("dask:///shared/scheduler.json", "/shared/scheduler.json"),
        ("dask://./scheduler.json", "./scheduler.json"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    found = Address.of(text)
    assert (found.text, found.is_file) == (address, address.endswith(".json"))


@pytest.mark.parametrize(
    "text", ["", "dask", "dask://", "dask://host", "dask://host:port", "ray://host:1", "host:8786",
             "dask://a b:1", "dask+TLS://host:1", "dask+file:///x"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="names no scheduler"):
        Address.of(text)


def test_without_dask_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as caught:
        Link.open(Address.of("dask://host:1"))
    assert "distributed" in str(caught.value) and "repro-engine[dask]" in caught.value.hint


@pytest.fixture
def nothing_half_made() -> Iterator[None]:
    """Dask's client that could not connect stops its loop when it is collected. Where that happens while
    another one starts its own, in one thread, they wait for one lock for ever."""
    gc.collect()
    yield
    gc.collect()


@pytest.mark.usefixtures("nothing_half_made")
@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"address": 3}', '{"address": "tcp://127.0.0.1:1"}']
)
def test_a_scheduler_file_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "scheduler.json").write_text(content)
    with pytest.raises(Unreachable):
        Link.open(Address(str(tmp_path / "scheduler.json"), is_file=True))
