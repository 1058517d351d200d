"""TensorBoard's records, read without TensorBoard."""

from __future__ import annotations

import io
import math

import pytest
from samples import event, events

from repro.cosmetics import essence
from repro.cosmetics.events import _masked

NAME = "events.out.tfevents.1700000000.host.1.0"


def test_the_checksum_is_castagnolis() -> None:
    crc = 0xE3069283  # of "123456789", in the standard
    assert _masked(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("wall", [0.0, -1.0, math.nan, math.inf, 1e300])
def test_a_time_of_no_clock_has_no_essence(wall: float) -> None:
    content = event(wall, b"\x10\x01")
    assert essence(NAME, io.BytesIO(content), len(content)) is None


def test_the_number_and_the_order_of_events_count() -> None:
    content = events(0, 0.5)
    first = event(1.7e9, b"\x10\x01") + event(1.7e9, b"\x10\x02")
    second = event(1.7e9, b"\x10\x02") + event(1.7e9, b"\x10\x01")
    found = {essence(NAME, io.BytesIO(c), len(c)) for c in (content, content * 2, first, second)}
    assert len(found) == 4
    assert None not in found


def test_catboosts_own_have_no_time_in_their_name() -> None:
    one, other = event(1.7e9, b"\x10\x01"), event(1.8e9, b"\x10\x01")
    name = "catboost_info/learn/events.out.tfevents"
    assert essence(name, io.BytesIO(one), len(one)) == essence(name, io.BytesIO(other), len(other))
    assert essence(f"{name}x", io.BytesIO(one), len(one)) is None
