"""Which command lines are words, and which need a shell."""

from __future__ import annotations

import pytest

from repro.shell_words import command_words, shell_line


@pytest.mark.parametrize(
    "text, words",
    [
        ("python train.py --name 'a b'", ("python", "train.py", "--name", "a b")),
        ("python train.py --glob '*.csv'", ("python", "train.py", "--glob", "*.csv")),
        ("", ()),
    ],
)
def test_words_need_no_shell(text: str, words: tuple[str, ...]) -> None:
    assert command_words(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "a && b",
        "a | b",
        "a > b",
        "cat *.csv",
        "echo $HOME",
        'echo "$HOME"',
        "SEED=1 a",
        "a `b`",
        "cd ~",
    ],
)
def test_what_only_a_shell_understands_goes_to_one(text: str) -> None:
    assert command_words(text) == shell_line(text) == ("sh", "-c", text)


def test_of_several_lines_the_first_that_fails_is_the_last() -> None:
    assert command_words("a\nb\n") == ("sh", "-ec", "a\nb")


def test_a_quote_that_does_not_end_is_no_command_line() -> None:
    with pytest.raises(ValueError, match="not a command line"):
        command_words("python 'train.py")
