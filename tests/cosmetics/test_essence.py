"""One content has one essence whatever its cosmetics, and no other content has it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import SAMPLES, Sample

from repro.cosmetics import CANDIDATES, Essence, described, essence, is_candidate
from repro.cosmetics.forms import UNREADABLE


def of(path: str, content: bytes) -> Essence | None:
    return essence(path, io.BytesIO(content), len(content))


@pytest.fixture(params=SAMPLES, ids=str)
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


def test_other_cosmetics_same_essence(sample: Sample) -> None:
    first, second = sample.make(0, 0.5), sample.make(1, 0.5)
    assert first != second
    found = of(sample.path, first)
    assert found is not None
    assert found == of(sample.path, second)
    assert "unknown" not in described(found.form)


def test_other_content_other_essence(sample: Sample) -> None:
    assert of(sample.path, sample.make(0, 0.5)) != of(sample.path, sample.make(0, 0.7))
    assert of(sample.path, sample.make(0, 0.5)) != of(sample.path, sample.make(1, 0.7))


def test_a_flipped_byte_is_seen_or_means_nothing(sample: Sample) -> None:
    """The heart of it: each byte in turn, in four ways. An independent reader says what counts."""
    for which in (0, 1):
        content = sample.make(which, 0.5)
        expected, meaning = of(sample.path, content), sample.meaning(content)
        for place in range(len(content)):
            for flip in (0x01, 0x04, 0x20, 0x80):
                changed = bytearray(content)
                changed[place] ^= flip
                if of(sample.path, bytes(changed)) == expected:
                    assert sample.meaning(bytes(changed)) == meaning, (which, place, flip)


def test_a_removed_or_added_byte_is_seen(sample: Sample) -> None:
    content = sample.make(0, 0.5)
    expected, meaning = of(sample.path, content), sample.meaning(content)
    for place in range(len(content) + 1):
        shorter, longer = (
            content[:place] + content[place + 1 :],
            content[:place] + b"0" + content[place:],
        )
        for changed in (shorter, longer):
            if changed != content and of(sample.path, changed) == expected:
                assert sample.meaning(changed) == meaning, place


def test_cut_off_anywhere_is_seen(sample: Sample) -> None:
    content = sample.make(0, 0.5)
    expected = of(sample.path, content)
    for end in range(len(content)):
        if of(sample.path, content[:end]) == expected:
            assert sample.meaning(content[:end]) == sample.meaning(content), end


@pytest.mark.parametrize("tail", [b"\0", b"x", b"PK\x05\x06" + bytes(18), b"%%EOF\n"])
def test_trailing_garbage_is_seen(sample: Sample, tail: bytes) -> None:
    content = sample.make(0, 0.5)
    found = of(sample.path, content + tail)
    if sample.path == "out.tar" and tail == b"\0":
        return  # padding, of which a tar may have any amount
    assert found is None or found != of(sample.path, content)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(sorted(SAMPLES)), st.integers(0, 400))
def test_no_bytes_raise(garbage: bytes, name: str, place: int) -> None:
    sample = SAMPLES[name]
    content = sample.make(0, 0.5)
    of(sample.path, garbage)
    of(sample.path, content[:place] + garbage)
    of(sample.path, content[:place] + garbage + content[place:])


def test_forms_are_never_equal_across(sample: Sample) -> None:
    others = {of(s.path, s.make(0, 0.5)) for s in SAMPLES.values() if s is not sample}
    assert of(sample.path, sample.make(0, 0.5)) not in others


@pytest.mark.parametrize("path", ["a.pkl", "a.joblib", "a.csv", "a.npy", "a.h5", "a.parquet", "a"])
def test_what_is_no_candidate_is_not_opened(path: str) -> None:
    assert not is_candidate(path)
    assert essence(path, None, 5) is None  # type: ignore[arg-type]


def test_empty_files_and_wrong_sizes() -> None:
    for suffix in CANDIDATES:
        assert of("a" + suffix, b"") is None
    content = SAMPLES["zip"].make(0, 0.5)
    assert essence("a.zip", io.BytesIO(content), len(content) - 1) is None
    assert essence("a.zip", io.BytesIO(content), len(content) + 1) is None


def test_a_file_that_cannot_be_read() -> None:
    class Broken(io.BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            raise OSError("the disk is gone")

    content = SAMPLES["zip"].make(0, 0.5)
    assert essence("a.zip", Broken(content), len(content)) is None
    assert OSError in UNREADABLE


def test_a_form_of_a_later_repro() -> None:
    assert "zip/9" in described("zip/9")
