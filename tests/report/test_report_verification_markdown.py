"""The Markdown of a verification: for people, within GitHub's limit, and nobody can write into it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import renderings as r
import verifications as v

from repro.report import verification_markdown as report
from repro.verifying import Verification


def test_a_green_one_is_a_table_and_no_more() -> None:
    text = report.render(v.GREEN)
    assert text.startswith("## ✅ repro verify: 1 of 1 run passed")
    assert "| `baseline 111111111111` | identical | 2 of 2 | 10 | 25.0 |  |" in text
    assert "###" not in text


def test_each_run_that_did_not_pass_has_its_section() -> None:
    text = report.render(v.ALL)
    assert text.startswith("## ❌")
    for name, word in (("candidate", "different"), ("unseeded", "different"), ("broken", "failed"),
                       ("later", "not reached"), ("halfway", "partly: identical"),
                       ("lost", "unreplayable"), ("empty", "different")):  # fmt: skip
        assert any(line.startswith(f"### `{name} ") and line.endswith(f": {word}")
                   for line in text.split("\n")), name  # fmt: skip
    assert "first at step 1" in text and "**next:** docker pull it" in text
    assert "### `baseline" not in text


def test_a_self_test_that_stays_green_is_red() -> None:
    text = report.render(v.verification(v.IDENTICAL, self_tests=(*v.CAUGHT, *v.MISSED)))
    assert text.startswith("## ❌") and "❌ self-test of baseline" in text
    assert "✅ self-test of baseline" in text


def test_nothing_verified_is_red() -> None:
    assert report.render(v.verification()).startswith("## ❌")


def test_nothing_of_a_stranger_is_markup() -> None:
    text = report.render(v.evil())
    assert not re.search(r"(?<!\\)<img|(?<!\\)`<", text)
    assert "@all" not in text and "\x1b" not in text
    assert "https://x.y" not in text


def large(count: int) -> Verification:
    many = tuple(r.metric(f"metric.{at:06}.with.a.long.name", at / 7) for at in range(count))
    other = tuple(replace(item, value=-1.0 - at) for at, item in enumerate(many))
    result, recorded = (replace(r.RECORDED, metrics=some) for some in (other, many))
    return v.verification(
        v.verified("one", "a", result, recorded=recorded),
        v.verified("two", "b", result, recorded=recorded),
        v.DIFFERENT,
    )


@pytest.mark.parametrize("limit", [report.LIMIT, 20_000, 2_000, 500])
def test_it_is_cut_at_the_limit_and_says_so(limit: int) -> None:
    text = report.render(large(6000), limit)
    assert len(text.encode()) <= limit
    assert "**Cut, there is no room for all of it" in text
    assert text.count("<details>") == text.count("</details>")


def test_without_any_room_it_still_says_that_it_is_cut() -> None:
    assert "**Cut" in report.render(v.ALL, 0)
