"""What an environment image says of its inside: a label, which may come from anybody."""

from __future__ import annotations

import pytest

from repro.engines.docker import facts


@pytest.mark.parametrize(
    "label",
    ["[]", "null", "5", "not JSON", "[" * 9000, '{"mode": 1}', '{"python": 5, "blas": "x"}',
     '{"libc": ["x"], "blas": [1]}'],
)  # fmt: skip
def test_a_label_of_an_image_is_not_believed(label: str) -> None:
    assert facts.stated(label) == {}


def test_of_a_label_the_texts_and_libraries_are_taken() -> None:
    label = '{"python": "CPython 3.11.7", "libc": null, "blas": ["numpy: openblas"], "more": 1}'
    assert facts.stated(label) == {"python": "CPython 3.11.7", "blas": ("numpy: openblas",)}
