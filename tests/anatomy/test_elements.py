"""Elements of tensors: the same with numpy and without."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.anatomy import elements
from repro.anatomy.elements import KINDS, Kind, Tally

NUMERIC = sorted(name for name in KINDS)


def tally(kinds: tuple[Kind, Kind], a: bytes, b: bytes, how: str) -> Tally:
    found = Tally()
    if how == "numpy":
        library = elements.library()
        assert library, "numpy comes with scikit-learn, which the tests have"
        elements._together(library, found, kinds, a, b, 0)
    else:
        elements._one_by_one(found, kinds, a, b, 0)
    return found


def figures(found: Tally) -> str:
    # as text, so that NaN is itself
    fields = (
        found.compared,
        found.differing,
        found.first,
        found.absolute,
        found.relative,
        found.ulp,
    )
    return repr(fields)


def both(name: str, a: bytes, b: bytes) -> Tally:
    kinds = KINDS[name], KINDS[name]
    ours = tally(kinds, a, b, "numpy")
    assert figures(ours) == figures(tally(kinds, a, b, "none"))
    return ours


@pytest.mark.parametrize("name", NUMERIC)
@settings(deadline=None)
@given(data=st.data())
def test_with_numpy_and_without_it_is_the_same(name, data):
    size = KINDS[name].size
    count = data.draw(st.integers(1, 20))
    content = st.binary(min_size=size * count, max_size=size * count)
    a, b = data.draw(content), data.draw(content)
    both(name, a, b)
    assert both(name, a, a).differing == 0


@pytest.mark.parametrize(
    "one, other", [("int32", "float32"), ("float64", "float32"), ("bool", "uint8")]
)
@settings(deadline=None)
@given(data=st.data())
def test_two_types_too(one, other, data):
    count = data.draw(st.integers(1, 10))
    kinds = KINDS[one], KINDS[other]
    a, b = (
        data.draw(st.binary(min_size=kind.size * count, max_size=kind.size * count))
        for kind in kinds
    )
    assert figures(tally(kinds, a, b, "numpy")) == figures(tally(kinds, a, b, "none"))


def doubles(*values: float) -> bytes:
    return struct.pack(f"={len(values)}d", *values)


def test_the_figures():
    found = both("float64", doubles(1.0, 2.0, -4.0), doubles(1.0, 2.5, -3.0))
    assert (found.compared, found.differing, found.first) == (3, 2, (1, 2.0, 2.5))
    assert (found.absolute, found.relative) == (1.0, 0.25)


@pytest.mark.parametrize(
    "a, b, ulp",
    [
        (1.0, math.nextafter(1.0, 2), 1),
        (5e-324, -5e-324, 2),
        (-1.0, math.nextafter(-1.0, 0), 1),
        (math.inf, 1.7976931348623157e308, 1),
    ],
)
def test_steps_between_floats(a, b, ulp):
    assert both("float64", doubles(a), doubles(b)).ulp == ulp
    assert both("float64", doubles(b), doubles(a)).ulp == ulp


def test_nan_is_itself_whatever_its_bits_and_zero_has_no_sign():
    other_nan = struct.pack("=Q", 0x7FF8000000000001)
    assert both("float64", doubles(math.nan), other_nan).differing == 0
    assert both("float64", doubles(0.0), doubles(-0.0)).differing == 0


def test_what_has_no_distance_differs_without_one():
    for a, b in ((math.nan, 1.0), (math.inf, -math.inf)):
        found = both("float64", doubles(a), doubles(b))
        assert (found.differing, found.absolute, found.relative) == (1, None, None)
    assert both("float64", doubles(math.nan), doubles(1.0)).ulp is None


def test_integers_do_not_overflow():
    a, b = struct.pack("=q", -(2**63)), struct.pack("=q", 2**63 - 1)
    assert both("int64", a, b).absolute == float(2**64 - 1)
    near = struct.pack("=Q", 2**64 - 1), struct.pack("=Q", 2**64 - 2)
    assert both("uint64", *near).absolute == 1.0


def test_small_floats():
    table = elements._small_floats
    assert table("float8_e4m3fn")[0x38] == 1.0 and table("float8_e4m3fn")[0x7E] == 448.0
    assert table("float8_e5m2")[0x3C] == 1.0 and table("float8_e5m2")[0x7C] == math.inf
    assert table("float8_e5m2")[0x01] == 2.0**-16 and table("float8_e4m3fn")[0x81] == -(2.0**-9)


def test_the_parts_of_a_complex_number_are_one_element():
    a, b = struct.pack("=4f", 1, 2, 3, 4), struct.pack("=4f", 1, 2, 5, 6)
    found = both("complex64", a, b)
    assert (found.compared, found.differing, found.first) == (2, 1, (1, 3 + 4j, 5 + 6j))


def test_bytes_in_the_other_order():
    content = struct.pack(">2f", 1.5, -2.0)
    turned = elements.swapped(content, KINDS["float32"], big=True)
    assert elements.numbers(turned, KINDS["float32"]) == [1.5, -2.0]
