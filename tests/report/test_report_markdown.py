"""The report for a pull request: tables that hold, and no markup that a stranger wrote."""

import re

import pytest
import renderings as r

from repro.comparison import unreplayable
from repro.report import markdown

ALL = (r.IDENTICAL, r.EQUIVALENT, r.DIFFERENT, r.OTHER_DEFINITION, unreplayable("no image"))


def tables(page):
    """The tables of a page, as rows of cells split the way GitHub splits them."""
    for block in re.findall(r"(?:^\|.*\|$\n?)+", page, re.MULTILINE):
        yield [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()]


def test_different():
    assert markdown.render(r.DIFFERENT) == (
        "## ❌ different\n"
        "\n"
        "- 2 of 3 metrics differ: accuracy, history.loss\n"
        "\n"
        "### metrics\n"
        "\n"
        "| metric | recorded | replayed | absolute | relative | tolerance | status | note |\n"
        "| --- | --: | --: | --: | --: | --- | --- | --- |\n"
        "| `history.loss` | `0.3` | `0.31` | `0.010000000000000009` | `0.03225806451612906` "
        "| exact | **different** | 1 of 3 steps differs, first at step 1, largest absolute "
        "difference 0.010000000000000009 |\n"
        "| `accuracy` | `0.9736842105263158` | `0.9649122807017544` | `0.00877192982456143` "
        "| `0.009009009009009037` | exact | **different** |  |\n"
        "| `time` | `12.5` | `13.75` | `1.25` | `0.09090909090909091` | ignored | ignored "
        "| differs |\n"
        "\n"
        "<details><summary>1 equal</summary>\n"
        "\n"
        "| metric | recorded | replayed | absolute | relative | tolerance | status | note |\n"
        "| --- | --: | --: | --: | --: | --- | --- | --- |\n"
        "| `loss` | `0.0781` | `0.0781` | `0` | `0` | exact | equal |  |\n"
        "\n"
        "</details>\n"
        "\n"
        "### outputs\n"
        "\n"
        "| output | recorded | replayed | status | where |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `metrics.json` | `aaaaaaaaaaaa` 300 bytes | `cccccccccccc` 300 bytes "
        "| **different** | JSON: first at <span>$</span>.accuracy: 0.9736842105263158 -\\> 0.9649122807017544"
        "<br>3 of 6 values differ; at most 1.25 absolute, 0.0909 relative apart"
        "<br>also in <span>$</span>.time, <span>$</span>.history.loss\\[1\\] |\n"
        "\n"
        "<details><summary>1 equal</summary>\n"
        "\n"
        "| output | recorded | replayed | status | where |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `model.pkl` | `bbbbbbbbbbbb` 3044 bytes | `bbbbbbbbbbbb` 3044 bytes | equal |  |\n"
        "\n"
        "</details>\n"
        "\n"
        "### what differs around the run\n"
        "\n"
        "|  | recorded | replayed |\n"
        "| --- | --- | --- |\n"
        "| `CPUs` | `8` | `4` |\n"
        "\n"
        "### notes\n"
        "\n"
        "- 1 metric not compared, as the policy says: time\n"
        "\n"
        "**next:** around the run CPUs differs (8 -\\> 4): rule it out first\n"
    )


@pytest.mark.parametrize(
    "comparison, title",
    [
        (r.IDENTICAL, "## ✅ identical"),
        (r.EQUIVALENT, "## ✅ equivalent"),
        (r.DIFFERENT, "## ❌ different"),
        (r.OTHER_DEFINITION, "## ❌ identical"),
        (unreplayable("x"), "## ❌ unreplayable"),
    ],
)
def test_the_verdict_is_the_heading(comparison, title):
    assert markdown.render(comparison).startswith(title + "\n\n- ")


def test_the_sides():
    page = markdown.render(r.IDENTICAL, r.HEADING)
    assert "| recorded | `3f2a91c0` | `baseline` | `2024-05-01T12:03:11Z` |" in page


@pytest.mark.parametrize("comparison", [*ALL, r.hostile()[0]])
def test_every_row_has_as_many_cells_as_its_header(comparison):
    page = markdown.render(comparison, r.hostile()[1])
    assert list(tables(page))
    for table in tables(page):
        assert len({len(row) for row in table}) == 1, table


def test_every_fold_is_closed():
    for comparison in ALL:
        page = markdown.render(comparison)
        assert page.count("<details>") == page.count("</details>")


def test_nothing_of_a_stranger_is_markup():
    comparison, heading = r.hostile()
    page = markdown.render(comparison, heading)
    assert all(line.isprintable() for line in page.split("\n"))
    page.encode("utf-8")
    outside = re.sub(r"<code>[^<]*</code>", "", page)
    for tag in re.findall(r"(?<!\\)<[^>]*>", outside):
        assert tag in ("<!-- -->", "<details>", "</details>", "<summary>", "</summary>") or (
            tag in ("<span>", "</span>")
        ), tag
    assert not re.search(r"@(?!<!-- -->)", outside), "nobody is mentioned"
    assert not re.search(r"(?<![#&])#(?=\d)", outside), "no issue is linked"
    assert "://" not in outside and "www." not in outside, "nothing is linked"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("val_loss", "`val_loss`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("</code>", "<code>&#60;&#47;code&#62;</code>"),
        ("a\\|b", "<code>a&#92;&#124;b</code>"),
        ("a\nb", "<code>a&#92;nb</code>"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_code(text, expected):
    assert markdown.code(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("val_loss", r"val\_loss"),
        ("a|b", r"a\|b"),
        ("<b>*x*</b>", r"\<b\>\*x\*\</b\>"),
        ("@all", "@<!-- -->all"),
        ("#12", "#<!-- -->12"),
        ("http://x.y", "http:<!-- -->//x.y"),
        ("www.x.y", "www<!-- -->.x.y"),
        ("$x$", "<span>$</span>x<span>$</span>"),
    ],
)
def test_prose(text, expected):
    assert markdown.prose(text) == expected
