"""The report for a terminal: the verdict first, nothing cut that matters, nothing that escapes."""

import re
from dataclasses import replace

import pytest
import renderings as r
from hypothesis import given
from hypothesis import strategies as st

from repro.comparison import MetricDifference, Status, compare_results, unreplayable
from repro.manifest import MetricType, Policy, Tolerance
from repro.report import Heading, Side, layout, text, words

WIDTHS = (20, 44, 60, 80, 100, 120, 200)
ALL = (r.IDENTICAL, r.EQUIVALENT, r.DIFFERENT, r.OTHER_DEFINITION, unreplayable("no image"))


def test_identical_is_short():
    assert text.render(r.IDENTICAL, r.HEADING) == (
        "identical: 4 metrics equal, 2 outputs bit for bit the same\n"
        "\n"
        "  recorded  3f2a91c0 baseline, 2024-05-01T12:03:11Z, docker 24.0.7, in a\n"
        "            container\n"
        "  replayed  77b0d21e, 2024-05-01T12:03:11Z, docker 24.0.7, in a container\n"
        "\n"
        "metrics of metrics.json, compared exactly\n"
        "  name                    recorded            replayed  status\n"
        "  accuracy      0.9736842105263158  0.9736842105263158  equal\n"
        "  history.loss             3 steps             3 steps  equal\n"
        "  loss                      0.0781              0.0781  equal\n"
        "  time                        12.5                12.5  equal\n"
        "\n"
        "outputs\n"
        "  path            recorded    replayed  status\n"
        "  metrics.json   300 bytes   300 bytes  equal\n"
        "  model.pkl     3044 bytes  3044 bytes  equal\n"
    )


def test_different_at_80_columns():
    assert text.render(r.DIFFERENT) == (
        "different: 2 of 3 metrics differ: accuracy, history.loss\n"
        "\n"
        "metrics of metrics.json\n"
        "  name                    recorded            replayed  status\n"
        "  history.loss                 0.3                0.31  different\n"
        "      absolute 0.010000000000000009, relative 0.03225806451612906\n"
        "      1 of 3 steps differs, first at step 1, largest absolute difference\n"
        "        0.010000000000000009\n"
        "  accuracy      0.9736842105263158  0.9649122807017544  different\n"
        "      absolute 0.00877192982456143, relative 0.009009009009009037\n"
        "  time                        12.5               13.75  ignored\n"
        "      absolute 1.25, relative 0.09090909090909091\n"
        "      differs\n"
        "  loss                      0.0781              0.0781  equal\n"
        "\n"
        "outputs\n"
        "  path            recorded    replayed  status\n"
        "  metrics.json   300 bytes   300 bytes  different\n"
        "      JSON: first at $.accuracy: 0.9736842105263158 -> 0.9649122807017544\n"
        "      3 of 6 values differ; at most 1.25 absolute, 0.0909 relative apart\n"
        "      also in $.time, $.history.loss[1]\n"
        "  model.pkl     3044 bytes  3044 bytes  equal\n"
        "\n"
        "what differs around the run\n"
        "  CPUs  8 -> 4\n"
        "\n"
        "notes\n"
        "  - 1 metric not compared, as the policy says: time\n"
        "\n"
        "next: around the run CPUs differs (8 -> 4): rule it out first\n"
    )


def test_a_wide_terminal_has_all_numbers_in_one_table():
    lines = text.render(r.DIFFERENT, width=140).splitlines()
    header = next(line for line in lines if "absolute" in line)
    row = next(line for line in lines if line.strip().startswith("accuracy"))
    assert header.split() == [
        "name",
        "recorded",
        "replayed",
        "absolute",
        "relative",
        "tolerance",
        "status",
    ]
    assert row.split() == [
        "accuracy",
        "0.9736842105263158",
        "0.9649122807017544",
        "0.00877192982456143",
        "0.009009009009009037",
        "exact",
        "different",
    ]
    end = header.index("recorded") + len("recorded")
    assert row[:end].endswith("0.9736842105263158"), "numbers stand right-aligned under their name"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("comparison", ALL)
def test_numbers_are_whole_at_any_width(comparison, width):
    shown = text.render(comparison, r.HEADING, width=width)
    for metric in comparison.metrics:
        for value in (metric.a, metric.b):
            assert value is None or repr(value) in shown
        assert words.number_text(metric.absolute) in shown or not metric.absolute


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("comparison", ALL)
def test_no_line_is_wider_than_the_terminal(comparison, width):
    for line in text.render(comparison, r.HEADING, width=width).splitlines():
        assert layout.width(line) <= width or " " not in line.strip()


def test_a_long_name_loses_its_middle():
    name = "evaluation.validation.per_class.malignant.precision_at_recall_of_95_percent.f1_score"
    run = r.result(r.metric(name, 0.1), r.metric("n", 1))
    other = r.result(r.metric(name, 0.2), r.metric("n", 1))
    shown = text.render(r.compared(run, other), width=80)
    row = next(line for line in shown.splitlines() if line.endswith("different"))
    assert re.match(r"  evaluation\.\S*\.\.\.\S*f1_score ", row)
    assert len(row) <= 80
    assert name in text.render(r.compared(run, other), width=200)


def test_a_long_value_is_never_cut_and_does_not_spoil_the_table():
    run = r.result(r.metric("text", "x" * 200), r.metric("loss", 0.5))
    other = r.result(r.metric("text", "y" * 200), r.metric("loss", 0.5))
    lines = text.render(r.compared(run, other)).splitlines()
    assert f'      recorded  "{"x" * 200}"' in lines
    assert f'      replayed  "{"y" * 200}"' in lines
    assert any(re.match(r"  loss +0\.5 +0\.5 .*equal$", line) for line in lines)


def test_many_equal_rows_are_counted_and_others_never_hidden():
    names = [f"m{index:03}" for index in range(100)]
    a = r.result(*(r.metric(name, 1) for name in names))
    b = r.result(*(r.metric(name, 1 if index % 2 else 2) for index, name in enumerate(names)))
    shown = text.render(r.compared(a, b))
    assert shown.count("different\n") == 50
    assert shown.count("equal\n") == 20 + 1
    assert "  and 30 more equal\n" in shown
    everything = text.render(r.compared(a, b), all=True)
    assert everything.count(" equal\n") == 50 and "more equal" not in everything
    assert "and 80 more equal" in text.render(r.compared(a, a))


def test_worst_first():
    a = r.result(*(r.metric(name, 1.0) for name in "abcde"), r.metric("lost", 1))
    b = r.result(
        r.metric("a", 1.0),
        r.metric("b", 1.1),
        r.metric("c", 9.0),
        r.metric("d", "1"),
        r.metric("e", 1.0001),
        r.metric("new", 1),
    )
    shown = text.render(r.compared(a, b, Tolerance("e", relative=0.1)))
    rows = [
        line.split()[0] for line in shown.splitlines() if re.match(r"  \S+ +\S+ +\S+ +\S+$", line)
    ]
    assert rows == ["name", "c", "b", "d", "lost", "new", "e", "a"]


def test_the_file_is_named_where_there_is_more_than_one():
    run = r.result(r.metric("m", 1, "a.json"), r.metric("m", 1, "b.json"))
    shown = text.render(r.compared(run, run))
    assert "a.json:m" in shown and "b.json:m" in shown
    assert "metrics of m.json" not in shown


def test_what_went_in():
    shown = text.render(r.OTHER_DEFINITION)
    assert shown.startswith(
        "identical: 4 metrics equal, 2 outputs bit for bit the same\n"
        "           but what went in differs: source tree, params params.yaml:lr\n"
    )
    assert "\nwhat went in differs\n" in shown
    assert "  params params.yaml:lr  0.1 -> 0.01\n" in shown
    assert "      first run   " + "d" * 40 + "\n      second run  " + "e" * 40 in shown


def test_not_isolated_is_said():
    bare = replace(r.RECORDED, host=replace(r.RECORDED.host, isolation="none"))
    comparison = r.compared(r.RECORDED, bare)
    heading = Heading(Side.of(r.RECORDED, "recorded"), Side.of(bare, "replayed"))
    shown = text.render(comparison, heading, width=100)
    assert "isolation  in a container -> not isolated" in shown
    assert re.search(r"replayed .*, not isolated\n", shown)


def test_unreplayable():
    comparison = unreplayable("python:3.11 could not be pulled", ["docker pull"], "push it")
    assert text.render(comparison) == (
        "unreplayable: python:3.11 could not be pulled\n"
        "\n"
        "notes\n"
        "  - tried: docker pull\n"
        "\n"
        "next: push it\n"
    )


def test_colours_only_when_asked_for():
    assert not any("\x1b" in text.render(comparison, r.HEADING) for comparison in ALL)
    assert text.render(r.IDENTICAL, colour=True).startswith("\x1b[1;32midentical:\x1b[0m ")
    assert text.render(r.DIFFERENT, colour=True).startswith("\x1b[1;31mdifferent:\x1b[0m ")
    assert "\x1b[31mdifferent\x1b[0m" in text.render(r.DIFFERENT, colour=True)


@pytest.mark.parametrize("comparison", ALL)
@pytest.mark.parametrize("width", WIDTHS)
def test_colours_change_nothing_else(comparison, width):
    painted = text.render(comparison, r.HEADING, colour=True, width=width)
    assert re.sub(r"\x1b\[[\d;]+m", "", painted) == text.render(comparison, r.HEADING, width=width)


def test_an_output_that_differs_under_a_green_verdict_is_not_red():
    painted = text.render(r.EQUIVALENT, colour=True)
    assert "\x1b[33mdifferent\x1b[0m" in painted
    assert "\x1b[31m" not in painted


def test_the_page_is_ascii_where_the_names_are():
    assert all(text.render(comparison, r.HEADING).isascii() for comparison in ALL)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_of_a_stranger_reaches_the_terminal(width):
    comparison, heading = r.hostile()
    shown = text.render(comparison, heading, width=width, all=True)
    assert all(line.isprintable() for line in shown.split("\n"))
    shown.encode("utf-8")
    assert "\\x1b[31m\\x07 \\u202egnp\\n\\r\\x9b2J" in shown
    assert shown.startswith("different: ")


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 200))
def test_any_name_and_value(name, value, width):
    comparison = r.compared(r.result(r.metric(name, value)), r.result(r.metric(name, value + "x")))
    shown = text.render(comparison, width=width)
    assert all(line.isprintable() for line in shown.split("\n"))


@given(st.text(max_size=40), st.integers(5, 30))
def test_a_shortened_name_fits(name, columns):
    shown = layout.shorten(words.clean(name), columns)
    assert layout.width(shown) <= columns
    assert layout.width(layout.pad(shown, columns)) == columns


def test_wide_characters_keep_the_columns_straight():
    run = r.result(r.metric("损失", 1), r.metric("e\u0301", 1), r.metric("loss", 1))
    lines = text.render(r.compared(run, run)).splitlines()
    ends = {layout.width(line) for line in lines if line.endswith("1  equal")}
    assert len(ends) == 1


def test_numbers_that_python_does_not_print():
    big = 10**5000
    comparison = r.compared(r.result(r.metric("m", big)), r.result(r.metric("m", -big)))
    assert hex(big) in text.render(comparison)


def test_a_read_that_has_nothing_is_no_trouble():
    comparison = compare_results(r.RECORDED, r.REPLAYED, Policy(), lambda _: None)
    assert "not opened: the content is not at hand" in text.render(comparison)


def test_steps_that_neither_side_has_in_common_are_counted_and_not_of_a_whole():
    metric = MetricDifference(
        "history.jsonl", "loss", Status.DIFFERENT, MetricType.SERIES, MetricType.SERIES,
        steps_a=1, steps_b=1, differing_steps=2, first_step=0,
    )  # fmt: skip
    assert "2 steps differ, first at step 0" in words.metric_details(metric)[0]
