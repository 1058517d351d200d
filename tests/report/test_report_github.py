"""GitHub's workflow commands: no name can become one, and none can add to one."""

from __future__ import annotations

import re

import pytest
import verifications as v

from repro.comparison import Comparison, Verdict
from repro.report import github
from repro.verifying import Played, Verified

COMMAND = re.compile(r"::(error|notice) ((?:\w+=[^,:\n\r]*,?)+)::([^\n\r]*)")


def named(text: str) -> Verified:
    said = Comparison(Verdict.UNREPLAYABLE, (text,))
    played = (Played(1, said),)
    return Verified(v.chosen(text, "e"), 1, Verdict.UNREPLAYABLE, (text,), played, (), text, text)


@pytest.mark.parametrize("text", [
    "a\n::add-mask::secret", "a\r\n::stop-commands::x", "x::error::y", "a,file=/etc/passwd,line=2",
    "100%", "%0A::error::", "\u2028::error::", "\udcff\x00\x1b[31m", "##[add-path]/tmp", "",
])  # fmt: skip
def test_a_name_stays_a_name(text: str) -> None:
    lines = github.commands(v.verification(named(text)))
    assert len(lines) == 1
    match = COMMAND.fullmatch(lines[0])
    assert match and match[1] == "error"
    assert [part.split("=")[0] for part in match[2].split(",")] == ["file", "line", "title"]
    assert not re.search(r"%(?!25|0A|0D|3A|2C)", lines[0])
    if "%" in text:
        assert "%25" in lines[0]


def test_green_is_a_notice_and_each_red_run_an_error_at_its_script() -> None:
    (line,) = github.commands(v.GREEN)
    assert line.startswith("::notice title=repro verify::1 of 1 run passed")
    lines = github.commands(v.ALL)
    assert len(lines) == 8
    assert lines[0].startswith("::error title=repro verify%3A incomplete::all was verified")
    lines = lines[1:]
    assert lines[0].startswith("::error file=train.py,line=1,title=candidate%3A different::")
    assert "recorded 0.9736842105263158" in lines[0] and "%0A" in lines[0]


def test_of_many_runs_the_last_annotation_names_the_rest() -> None:
    lines = github.commands(v.verification(*[v.DIFFERENT] * 14))
    assert len(lines) == github.MOST
    assert "5 more did not pass: candidate" in lines[-1]


def test_a_self_test_that_stays_green_is_an_error() -> None:
    (line,) = github.commands(v.verification(v.IDENTICAL, self_tests=v.MISSED))
    assert line.startswith("::error title=repro verify%3A not caught::self-test of baseline")
    assert "seed 7 -> 8: as green as before" in line


def test_nothing_verified_is_an_error() -> None:
    assert github.commands(v.verification())[0].startswith("::error")
    found = v.verification(v.IDENTICAL, interrupted=True, stopped="interrupted")
    assert github.commands(found)[0].startswith(
        "::error title=repro verify%3A interrupted::all was verified: interrupted%0A"
    )
