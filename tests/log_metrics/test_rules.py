"""What a project says of its log."""

from __future__ import annotations

import pytest

from repro.log_metrics import Rules, read
from repro.manifest import Aside
from tests.log_metrics.test_reading import asides, metrics


@pytest.mark.parametrize(
    ("pattern", "said"), [("(", "no regular expression"), ("loss: (.*)", "no group named value")]
)
def test_a_pattern_that_cannot_be_used_is_refused_in_one_line(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        Rules.check((pattern,))
    assert "\n" not in str(raised.value)


def test_a_pattern_that_can_be_used_is_not_refused() -> None:
    Rules.check((r"(?P<name>\w+) -- (?P<value>\S+)",))


def test_what_a_pattern_matches_is_a_metric_though_it_looks_like_a_timing() -> None:
    rules = Rules(patterns=(r"(?P<name>latency): (?P<value>[\d.]+)s",))
    assert metrics("latency: 1.5s") == {}
    assert metrics("latency: 1.5s", rules) == {"latency": 1.5}
    assert asides("latency: 1.5s", rules) == set()


def test_a_pattern_without_a_name_is_named_by_the_text_before_the_value() -> None:
    rules = Rules(patterns=(r"took epoch \d+: (?P<value>[\d.]+)",))
    assert metrics("took epoch 1: 3.5\ntook epoch 2: 4.5\n", rules) == {
        "took epoch #": {0: 3.5, 1: 4.5}
    }


def test_a_pattern_gives_the_steps() -> None:
    rules = Rules(patterns=(r"<(?P<step>\d+)> (?P<name>\w) (?P<value>\S+)",))
    assert metrics("<5> a 0.5\n<7> a 0.7\n", rules) == {"a": {5: 0.5, 7: 0.7}}


def test_what_no_pattern_took_is_read_as_ever() -> None:
    rules = Rules(patterns=(r"(?P<name>a) (?P<value>\d) b", r"a \d (?P<name>b) (?P<value>\d)"))
    assert metrics("a 1 b 2, loss: 0.5", rules) == {"a": 1, "b": 2, "loss": 0.5}


def test_a_pattern_reads_text_as_text() -> None:
    rules = Rules(patterns=(r"verdict: (?P<value>\w+)",))
    assert metrics("verdict: good", rules) == {"verdict": "good"}


def test_a_value_that_a_pattern_took_is_not_read_twice() -> None:
    rules = Rules(patterns=(r"(?P<name>loss) (?P<value>\S+)", r"(?P<name>los)s (?P<value>\S+)"))
    assert metrics("loss 0.5", rules) == {"loss": 0.5}


def test_an_optional_value_that_is_not_there_is_no_metric() -> None:
    assert metrics("loss", Rules(patterns=(r"loss(?: (?P<value>\d+))?",))) == {}


def test_an_ignored_metric_is_listed() -> None:
    rules = Rules(ignore=("lr*", "x"))
    assert metrics("loss: 0.5\nlr: 0.1\nlr: 0.2\n", rules) == {"loss": 0.5}
    (aside,) = read(b"loss: 0.5\nlr: 0.1\nlr: 0.2\n", "<stdout>", rules).uncompared
    assert (aside.name, aside.reason, aside.example, aside.count) == ("lr", Aside.IGNORED, "0.1", 2)
