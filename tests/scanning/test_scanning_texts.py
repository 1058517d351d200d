"""Texts of any size, encoding and content are looked through whole, or it is said that they were not."""

from __future__ import annotations

import gzip
import io
import random
import socket
import subprocess
import sys
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_secrets import FILES, TOKENS

from repro import scanning
from repro.errors import ReproError
from repro.scanning import contexts, formats, library, reading
from repro.scanning.marks import tree

TOKEN = TOKENS["GitHub classic"]
KEY = next(one for one in FILES if one.kind == "RSA key").content


def found(content: str | bytes | IO[bytes], path: str = "", **given: int) -> list[scanning.Secret]:
    return [
        one
        for one in scanning.text(content, "log stdout", path, **given)
        if isinstance(one, scanning.Secret)
    ]


def unscanned(content: bytes | IO[bytes], **given: int) -> list[scanning.Unscanned]:
    return [
        one
        for one in scanning.text(content, "log stdout", **given)
        if isinstance(one, scanning.Unscanned)
    ]


def test_a_secret_says_where_it_stands_and_what_it_is_called() -> None:
    (secret,) = found(f"\nx\nAPI_KEY = 'a1{TOKEN[4:]}'\n", "a.py")
    assert str(secret) == f"log stdout:3: a secret by its name, API_KEY ({secret.fingerprint})"
    assert secret.fingerprint == scanning.fingerprint(f"a1{TOKEN[4:]}")
    assert len(secret.fingerprint) == 12


def test_each_value_is_told_once() -> None:
    other = TOKENS["GitLab"]
    assert [one.line for one in found(f"{TOKEN} {TOKEN}\n{TOKEN}\n{other}\n")] == [1, 3]


@pytest.mark.parametrize("size", [0, 1, reading.PIECE, reading.PIECE * 2])
@pytest.mark.parametrize("value", [TOKEN, KEY])
def test_a_secret_at_the_edge_of_a_piece_is_found_once(size: int, value: str) -> None:
    for before in {
        max(0, size + shift) for shift in (-reading.AFTER, -20, -1, 0, 1, 7, reading.AFTER)
    }:
        content = b"x y\n" * (before // 4) + b" " * (before % 4) + value.encode()
        (secret,) = found(io.BytesIO(content + b"\n" + b"z " * reading.AFTER))
        assert secret.line == before // 4 + 1


def test_a_line_may_be_as_long_as_it_likes() -> None:
    content = b'{"image": "' + b"QUJD" * 700_000 + b'", "token": "' + TOKEN.encode() + b'"}'
    assert [one.line for one in found(content, "a.ipynb")] == [1]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
def test_a_text_of_any_encoding_is_searched(encoding: str) -> None:
    content = f"é line\n{TOKEN}\n".encode(encoding)
    assert [one.line for one in found(content)] == [2]
    assert unscanned(content) == []


class Trickle(io.BytesIO):
    """A pipe: gives little at once, and cannot seek."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 7) if size and size > 0 else size)

    def seekable(self) -> bool:
        return False


def test_a_pipe_is_read_to_its_end() -> None:
    assert [one.line for one in found(Trickle(f"x\n{TOKEN}\n".encode()))] == [2]


# --- fails closed -------------------------------------------------------------------------------


def test_what_is_past_the_cap_is_said() -> None:
    content = b"x\n" * 50_000 + TOKEN.encode()
    assert found(content, cap=60_000) == []
    (one,) = unscanned(content, cap=60_000)
    assert one.blocking and str(one) == "log stdout: only its first 60000 bytes were looked through"
    assert unscanned(content, cap=len(content)) == []


def test_binary_content_is_said_and_searched_for_formats() -> None:
    content = b"\0\x80\xff" + TOKEN.encode() + b"\0password = 'hunter2-x'"
    assert [one.kind for one in found(content)] == ["a GitHub token"]
    (one,) = unscanned(content)
    assert not one.blocking and one.reason.startswith("binary: ")


def test_packed_content_is_said() -> None:
    (one,) = unscanned(gzip.compress(TOKEN.encode()))
    assert not one.blocking and one.reason.startswith("packed: ")


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error", TOKEN)


def test_a_stream_that_cannot_be_read_is_said() -> None:
    (one,) = unscanned(Broken())
    assert one.blocking and one.reason == "could not be read: Input/output error"
    closed = io.BytesIO()
    closed.close()
    assert unscanned(closed)[0].reason == "could not be read: ValueError"


def test_more_secrets_than_are_told_are_said() -> None:
    draw = random.Random(1)
    lines = [f"password = '{draw.getrandbits(64):x}'" for _ in range(250)]
    content = "\n".join(lines).encode()
    assert len(found(content)) == 200
    (one,) = unscanned(content)
    assert one.blocking and one.reason == "more than 200 secrets, the rest is not told"


# --- whatever is in it --------------------------------------------------------------------------

PIECES = st.sampled_from(
    [mark.decode() for mark in (*formats.marks(), *contexts.marks(), *library.marks())]
    + [
        "password",
        "api_key",
        "name: x",
        "value:",
        "=",
        ": ",
        '"',
        "'",
        "\\",
        "\n",
        "\0",
        "-----",
        "é",
    ]
)


@given(st.one_of(st.binary(), st.text(), st.lists(st.one_of(PIECES, st.text())).map("".join)))
def test_any_text_is_scanned(content: bytes | str) -> None:
    for path in ("", "a.py", "a.json", ".env", ".pgpass"):
        for one in scanning.text(content, "log", path):
            assert str(one)


@given(st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_any_value_is_scanned(name: str, value: str | int | float | bool | None) -> None:
    for bare in (True, False):
        assert scanning.named(name, value, bare=bare) is None or str(value) not in ("", "None")


@given(st.binary(max_size=40_000), st.integers(1, 50_000))
def test_the_pieces_make_up_the_content(content: bytes, cap: int) -> None:
    stream = io.BytesIO(content)
    every = [*reading.pieces(stream, reading.head_of(stream), "", cap)]
    joined = b"".join(one.content[one.start : one.end] for one in every)
    assert joined == content[:cap]


@pytest.mark.parametrize(
    "unit",
    [
        "password=", "password='", "--api-key ", "name: a value: ", "://a:b", "://", "wandb key ",
        "-----BEGIN PRIVATE KEY-----", "curl -u ", "machine a ", "eyJ", "sk-", "authorization: bearer ",
        '"auth": "', "api_key", "(", "a.", "\\n", "aws", "x" * 99 + "-us1", ":" + "a" * 35, "pwd=",
    ],
)  # fmt: skip
def test_hostile_repetition_takes_no_longer_than_its_length(unit: str) -> None:
    """Bounded by the test's own limit: what backtracks over all of it would not end."""
    content = unit * (300_000 // len(unit))
    assert list(scanning.text(content, "log")) is not None


# --- the library --------------------------------------------------------------------------------


def test_nothing_is_asked_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    every = "\n".join(TOKENS.values())
    assert len(found(every)) >= len(TOKENS)


def test_the_library_is_loaded_when_a_line_gives_reason() -> None:
    code = (
        "import sys; from repro import scanning\n"
        "assert not [*scanning.text('epoch 3 loss=0.5\\n' * 99, 'log')]\n"
        "assert 'detect_secrets' not in sys.modules and 'requests' not in sys.modules\n"
        "[*scanning.text('aws key', 'log')]\n"
        "assert 'detect_secrets' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", library.PLUGINS)
def test_every_plugin_that_is_asked_is_there(module: str) -> None:
    assert list(library.plugin(module).analyze_string("nothing")) == []


@given(st.lists(st.binary(min_size=1, max_size=4), min_size=1), st.binary(max_size=8))
def test_a_tree_of_marks_matches_the_longest(marks: list[bytes], content: bytes) -> None:
    import re

    match = re.compile(tree(set(marks)), re.DOTALL).match(content)
    longest = max((mark for mark in marks if content.startswith(mark)), key=len, default=None)
    assert (match[0] if match else None) == longest


def test_a_library_without_a_plugin_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    library.plugin.cache_clear()
    monkeypatch.setitem(library.PLUGINS, "aws", ("NoSuchDetector", "an AWS key", "aws"))
    with pytest.raises(ReproError, match="cannot be asked for an AWS key"):
        found("aws key")
    library.plugin.cache_clear()
