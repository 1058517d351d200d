"""What a command connected to is named: a replay has no network."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from repro.capturing import network
from repro.manifest import Severity

FAR = "93.184.216.34:443"


def said(*connections: str, still: tuple[int, ...] = (), known: tuple[int, ...] = ()) -> list[str]:
    return [item.message for item in network.findings(connections, still, known, allowed=False)]


@pytest.mark.parametrize("address", [FAR, "10.0.0.5:80", "[2606:2800:220:1::1]:443"])
def test_another_machine(address: str) -> None:
    (message,) = said(address)
    assert address in message


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1:53", "[::1]:9000", "127.0.0.1:9000", "[::ffff:127.0.0.1]:9000", "0.0.0.0:80", "8.8.8.8:0",
     "unix:/run/x", "unix:@abstract", "", "nowhere", "host:80", "1.2.3.4:port"],
)  # fmt: skip
def test_names_servers_of_its_own_and_what_is_no_address(address: str) -> None:
    assert said(address) == []


def test_a_service_of_this_machine_is_one_that_still_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port in network.listening()
    address = f"127.0.0.1:{port}"
    assert len(said(address, still=(port,))) == 1
    assert said(address, still=(port,), known=(port,)) == []


def test_many_are_counted_and_an_allowed_network_is_a_note() -> None:
    many = [f"10.0.0.{number}:80" for number in range(2, 8)]
    assert "and 3 more" in said(*many)[0]
    (finding,) = network.findings([FAR], (), (), allowed=True)
    assert finding.severity is Severity.NOTE


def test_tables_that_are_missing_or_no_tables(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text("  sl  local_address\n\nshort line\n 0: 0100007F:1F90 00000000:0000 0A x\n")
    assert network.listening((str(tmp_path / "none"), str(table))) == {8080}
