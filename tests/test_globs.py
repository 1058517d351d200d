"""Paths by pattern."""

from __future__ import annotations

import re
import string
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro import globs


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("metrics.json", ["metrics.json"], ["a/metrics.json", "metrics.jsonl", "metricsxjson"]),
        ("models", ["models", "models/a.pkl", "models/x/y"], ["models2", "models2/x", "a/models"]),
        ("models/", ["models/a.pkl", "models"], ["models2/x"]),
        ("*.pkl", ["a.pkl", ".pkl", "a.pkl/inside"], ["a/b.pkl", "a.pkl2"]),
        ("models/*", ["models/a", "models/a/b"], ["models", "other/a"]),
        ("models/*.pkl", ["models/a.pkl"], ["models/x/a.pkl", "models/a.pk"]),
        ("**/*.pkl", ["a.pkl", "x/a.pkl", "x/y/a.pkl"], ["a.pk", "xa.pkl.txt"]),
        ("models/**/best.pt", ["models/best.pt", "models/1/2/best.pt"], ["models/xbest.pt"]),
        ("logs/**", ["logs/a", "logs/a/b"], ["log", "logs2/a"]),
        ("**", ["a", "a/b/c"], []),
        ("run?.csv", ["run1.csv", "runä.csv"], ["run.csv", "run12.csv", "run/.csv"]),
        ("run[0-9].csv", ["run1.csv"], ["runx.csv", "run10.csv"]),
        ("run[!0-9].csv", ["runx.csv"], ["run1.csv"]),
        ("[]a].csv", ["].csv", "a.csv"], ["b.csv"]),
        ("[!]a].csv", ["b.csv"], ["].csv", "a.csv"]),
        ("[^a].csv", ["^.csv", "b.csv"], ["a.csv"]),
        ("[a^].csv", ["^.csv", "a.csv"], ["b.csv"]),
        ("[z-a].csv", [], ["b.csv", "z.csv"]),
        ("a[!b]c[/]d", [], ["a/c/d", "axc/d"]),
        ("[-&&~~||[]", ["-", "&", "~", "|", "["], ["/", "a"]),
        ("a[.csv", ["a[.csv"], ["a.csv"]),
        ("a[]", ["a[]"], ["a"]),
        ("a+(1)$.{x}^|.txt", ["a+(1)$.{x}^|.txt"], ["aa1.txt"]),
        ("a\\d", ["a\\d"], ["a1"]),
        ("[\\d]", ["\\", "d"], ["1"]),
        ("a*b*c", ["abc", "aXbYc"], ["ab", "a/b/c"]),
        ("é.txt", ["é.txt"], ["e.txt"]),
        ("x\udcff*", ["x\udcff.bin"], ["x.bin"]),
        ("a\nb", ["a\nb", "a\nb/c"], ["a\nb\n"]),
        ("*", ["a\nb"], []),
    ],
)
def test_a_pattern_matches_what_a_reader_of_gitignore_expects(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    for path in matching:
        assert globs.matches(path, pattern), path
    for path in others:
        assert not globs.matches(path, pattern), path


@given(st.text(string.ascii_letters + "/.-+()$^|{}\\ \n", min_size=1, max_size=12))
def test_a_path_without_marks_matches_itself_and_what_lies_below(path: str) -> None:
    path = path.strip("/") or "x"
    assert not globs.is_glob(path)
    assert globs.matches(path, path)
    assert globs.matches(f"{path}/below", path)
    assert not globs.matches(f"{path}x", path)


@given(st.text("ab*?[]!-/\\.", max_size=10), st.text("ab!-/.", max_size=8))
def test_no_pattern_is_an_error(pattern: str, path: str) -> None:
    globs.matches(path, pattern)


@given(st.text("ab*?[]!-/\\.", max_size=12), st.text("ab!-/.", max_size=10))
@example("a*/**/*b", "a/b/b")
@example("**/a*", "b/ab/a")
@example("****/*a", "/a")
@example("*" * 9, "a/b")
@example("*" * 8 + "/b", "b")
def test_all_ways_at_once_come_to_the_same(pattern: str, path: str) -> None:
    compiled = globs._compiled(pattern.rstrip("/"))
    assert compiled.matches_at_once(path) == bool(compiled._regex.match(path))


@given(st.text("ab*?/", max_size=10), st.text("ab/", max_size=8))
def test_no_wild_part_is_lost_where_another_stands_beside_it(pattern: str, path: str) -> None:
    whole = "(?s:" + "".join(globs._tokens(pattern.rstrip("/"))) + ")(?:/.*)?\\Z"
    assert globs.matches(path, pattern) == bool(re.match(whole, path))


HOSTILE = """\
import resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from repro import globs
from repro.comparison.metrics import tolerance_for
from repro.log_metrics import Rules
from repro.manifest import Metric, MetricType, Policy, Tolerance
for path in ("a" * 4095 + "b", "a/" * 2047 + "b", "a" * 60 + "b"):
    for part in ("*a", "**a", "**/a", "*a*", "*?", "**/*a", "*[ab]", "*" * 40 + "a"):
        pattern = (part * 4096)[:4094] + "xc"
        assert not globs.matches(path, pattern), (path[:9], part)
        assert not globs.matches(path, pattern[-60:]), (path[:9], part)
    metric = Metric("m.json", path.replace("/", ""), MetricType.NUMBER, 1)
    assert tolerance_for(metric, Policy((Tolerance("*a" * 2048 + "c"),))) is None
    assert not Rules((), ("*a" * 2048 + "c",)).ignores(path)
"""


def test_a_hostile_pattern_comes_to_an_end() -> None:
    """By the system's own word: a process that takes more than 20 s of a processor is ended."""
    words = [sys.executable, "-c", HOSTILE]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_one_of_several_is_enough() -> None:
    assert globs.any_matches("a.pkl", ("*.csv", "*.pkl"))
    assert not globs.any_matches("a.txt", ("*.csv", "*.pkl"))
    assert not globs.any_matches("a.txt", ())


@pytest.mark.parametrize("pattern", ["*", "a?", "[a]"])
def test_what_is_a_glob(pattern: str) -> None:
    assert globs.is_glob(pattern)
