"""Hostile and unusual archives: what hides in one is seen, what is too much ends."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from samples import SAMPLES, document, gzipped, pdf, png, tarred, zipped

from repro.cosmetics import Essence, essence, nouns
from repro.cosmetics import gzips as gzip_rule


def of(path: str, content: bytes) -> Essence | None:
    return essence(path, io.BytesIO(content), len(content))


def archive(*members: tuple[str, bytes], comment: bytes = b"", year: int = 2024) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as out:
        out.comment = comment
        for name, content in members:
            out.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return held.getvalue()


# --- zip ------------------------------------------------------------------------------------


def test_the_order_of_members_counts() -> None:
    a, b = ("a", b"1"), ("b", b"2")
    assert of("x.zip", archive(a, b)) != of("x.zip", archive(b, a))


def test_the_names_and_the_number_of_members_count() -> None:
    assert of("x.zip", archive(("a", b"1"))) != of("x.zip", archive(("b", b"1")))
    assert of("x.zip", archive(("a", b"1"))) != of("x.zip", archive(("a", b"1"), ("b", b"")))
    assert of("x.zip", archive()) != of("x.zip", archive(("", b"")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_has_no_essence() -> None:
    assert of("x.zip", archive(("a", b"1"), ("a", b"2"))) is None


def test_anything_before_the_members_has_no_essence() -> None:
    plain = archive(("a", b"1"))
    assert of("x.zip", b"PK\x03\x04#!" + plain) is None
    held = io.BytesIO(b"PK\x03\x04 before")
    held.seek(0, io.SEEK_END)
    with zipfile.ZipFile(held, "a") as out:
        out.writestr("a", b"1")
    assert of("x.zip", held.getvalue()) is None


def test_a_comment_has_no_essence() -> None:
    assert of("x.zip", archive(("a", b"1"), comment=b"seed 3")) is None


def test_a_member_that_the_directory_does_not_name_has_no_essence() -> None:
    both, position = archive(("a", b"1"), ("b", b"2")), 0
    found = []
    start = both.index(b"PK\x01\x02")
    for _ in range(2):
        position = both.index(b"PK\x01\x02", position + 1)
        found.append(position)
    end = both.index(b"PK\x05\x06")
    entry = both[start : found[1]]
    tail = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), start, 0)
    hidden = both[:start] + entry + tail
    assert zipfile.ZipFile(io.BytesIO(hidden)).namelist() == ["a"]
    assert of("x.zip", hidden) is None
    assert end > start


def test_an_encrypted_member_has_no_essence() -> None:
    content = bytearray(archive(("a", b"1")))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert of("x.zip", bytes(content)) is None


def test_a_mode_counts() -> None:
    held = []
    for mode in (0o644, 0o755):
        stream, info = io.BytesIO(), zipfile.ZipInfo("a")
        info.external_attr = mode << 16
        with zipfile.ZipFile(stream, "w") as out:
            out.writestr(info, b"1")
        held.append(of("x.zip", stream.getvalue()))
    assert held[0] != held[1]


def test_written_to_a_pipe() -> None:
    """The sizes then stand behind the members."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("a pipe")

    found = []
    for year in (2024, 2025):
        held = Pipe()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr(zipfile.ZipInfo("a", (year, 1, 1, 0, 0, 0)), b"1" * 99)
            out.writestr(zipfile.ZipInfo("b", (year, 1, 1, 0, 0, 0)), b"2" * 99)
        found.append(of("x.zip", held.getvalue()))
    assert found[0] is not None
    assert found[0] == found[1]


# --- nesting --------------------------------------------------------------------------------


def test_what_is_cosmetic_in_a_member_is_so_in_the_archive() -> None:
    for name, make in (("m.json", document), ("p.pdf", pdf), ("p.png", png), ("t.tar", tarred)):
        first, second = (archive((name, make(which, 0.5)), year=2024 + which) for which in (0, 1))
        assert of("x.zip", first) == of("x.zip", second) is not None
        assert of("x.zip", first) != of("x.zip", archive((name, make(0, 0.7))))


def test_a_member_in_another_form_counts_byte_by_byte() -> None:
    first, second = (archive(("m.dat", document(which, 0.5))) for which in (0, 1))
    assert of("x.zip", first) != of("x.zip", second)


def test_too_deep_counts_byte_by_byte() -> None:
    def nested(which: int, times: int) -> bytes:
        content = archive(("m.json", document(which, 0.5)))
        for _ in range(times):
            content = archive(("in.zip", content))
        return content

    assert of("x.zip", nested(0, 1)) == of("x.zip", nested(1, 1)) is not None
    assert of("x.zip", nested(0, 2)) != of("x.zip", nested(1, 2))
    assert of("x.zip", nested(0, 40)) is not None


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz"])
def test_a_tar_in_a_gzip(name: str) -> None:
    first, second, other = (
        gzip.compress(tarred(which, value), mtime=which)
        for which, value in ((0, 0.5), (1, 0.5), (0, 0.7))
    )
    assert of(name, first) == of(name, second) is not None
    assert of(name, first) != of(name, other)
    assert of(name, gzip.compress(tarred(0, 0.5) + b"x")) is None
    assert of(name, first[:-1]) is None


def test_office_properties() -> None:
    text = '<a><dcterms:created xsi:type="dcterms:W3CDTF">{}</dcterms:created>{}</a>'
    made = [
        archive(("docProps/core.xml", text.format(*fill).encode()))
        for fill in (("2024-01-01T00:00:00Z", ""), ("2025-01-01T00:00:01Z", ""),
                     ("2024-01-01T00:00:00Z", "x"), ("tomorrow", ""))
    ]  # fmt: skip
    found = [of("b.xlsx", content) for content in made]
    assert found[0] == found[1] is not None
    assert len(set(found)) == 3


# --- too much -------------------------------------------------------------------------------


def test_a_bomb_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nouns.Allowance.__init__, "__defaults__", (4 << 20,))
    zeros = bytes(5 << 20)
    assert of("x.zip", archive(("a", zeros))) is None
    assert of("x.zip", archive(*((str(n), zeros[: 1 << 20]) for n in range(5)))) is None
    assert of("x.gz", gzip.compress(zeros)) is None
    assert of("x.tar.gz", gzip.compress(zeros)) is None
    # nested it counts byte by byte, and then the allowance of the whole is spent
    nested, other = (("a.gz", gzip.compress(zeros, mtime=at)) for at in (0, 1))
    assert of("x.zip", archive(nested)) != of("x.zip", archive(other))
    assert of("x.zip", archive(nested, ("b", b"1"))) is None


def test_a_picture_that_is_a_bomb_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nouns.Allowance.__init__, "__defaults__", (4 << 20,))
    monkeypatch.setattr("samples.zlib.compress", lambda rows, level: BOMB)
    assert of("x.png", png(0, 0.5)) is None


BOMB = zlib.compress(bytes(5 << 20))


def test_too_many_members_of_a_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    content = gzip.compress(b"a") * 5
    assert of("x.gz", content) is not None
    monkeypatch.setattr(gzip_rule, "_MOST_MEMBERS", 4)
    assert of("x.gz", content) is None


# --- gzip and tar ---------------------------------------------------------------------------


def test_members_of_a_gzip_are_one_content() -> None:
    whole, halves = gzip.compress(b"ab"), gzip.compress(b"a") + gzip.compress(b"b")
    assert of("x.gz", whole) == of("x.gz", halves) is not None


def test_a_comment_in_a_gzip_has_no_essence() -> None:
    content = bytearray(gzipped(0, 0.5))
    content[3] |= 0x10
    assert of("x.gz", bytes(content)) is None


def test_larger_than_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip_rule, "HELD", 10)
    made = [
        gzip.compress(content, mtime=at)
        for at, content in enumerate([b"ab" * 9, b"ab" * 9, b"ba" * 9])
    ]
    found = [of("x.csv.gz", content) for content in made]
    assert found[0] == found[1] is not None
    assert found[0] != found[2]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_both_ways_of_writing_a_tar(form: int) -> None:
    first, second = tarred(0, 0.5, form), tarred(1, 0.5, form)
    assert of("x.tar", first) == of("x.tar", second) is not None


def test_what_stands_behind_a_tar_has_no_essence() -> None:
    assert of("x.tar", tarred(0, 0.5) + tarred(0, 0.5)) is None
    content = tarred(0, 0.5)
    end = content.rstrip(b"\0") + b"\0" * (512 - len(content.rstrip(b"\0")) % 512)
    assert of("x.tar", end) is None
    assert of("x.tar", end + bytes(512)) is None
    assert of("x.tar", end + bytes(1024)) == of("x.tar", content) is not None


def test_a_torch_checkpoint_called_tar_is_a_zip() -> None:
    found = of("model.pth.tar", zipped(0, 0.5))
    assert found == of("model.pth.tar", zipped(1, 0.5))
    assert found is not None and found.form == "zip/1"


# --- png ------------------------------------------------------------------------------------


def test_a_hidden_chunk_in_a_picture_counts() -> None:
    from samples import chunk

    found = of("a.png", png(0, 0.5, chunk(b"prVt", b"seed")))
    assert found is not None
    assert found != of("a.png", png(0, 0.5))
    assert of("a.png", png(0, 0.5, chunk(b"tEXt", b"Software"))) not in (
        None,
        of("a.png", png(0, 0.5)),
    )


def test_two_pictures_in_one_have_no_essence() -> None:
    from samples import chunk

    more = chunk(b"IDAT", zlib.compress(b"other"))
    assert of("a.png", png(0, 0.5, more)) is None
    assert of("a.png", png(0, 0.5, chunk(b"tEXt", b"a\0b") + more)) is None
    assert of("a.png", png(0, 0.5, chunk(b"IEND", b""))) is None


def test_every_sample_survives_being_nested() -> None:
    for sample in SAMPLES.values():
        first, second = (archive((sample.path, sample.make(which, 0.5))) for which in (0, 1))
        assert of("x.zip", first) == of("x.zip", second) is not None
