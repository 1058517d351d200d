"""The Prometheus textfile, read by the library's own parser."""

from __future__ import annotations

import subprocess
import sys

import pytest
import verifications as v

from repro.report import prometheus
from repro.verifying import Verification

client = pytest.importorskip("prometheus_client")


def series(found: Verification) -> dict[tuple[str, tuple[str, ...]], float]:
    from prometheus_client.parser import text_string_to_metric_families as parse

    text = prometheus.render(found, 1e9).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def test_every_run_has_its_verdict_and_every_other_is_zero() -> None:
    found = series(v.ALL)
    assert found["repro_verification_passed", ()] == 0
    assert found["repro_verification_timestamp_seconds", ()] == 1e9
    for item in v.ALL.runs:
        own = (item.chosen.name, item.chosen.run.id)
        words = {key[1][-1]: value for key, value in found.items()
                 if key[0] == "repro_run_verdict" and own[0] in key[1]}  # fmt: skip
        assert sum(words.values()) == 1 and len(words) == 6
        assert words[item.verdict.value if item.verdict else "not_reached"] == 1
    passed = {key[1]: value for key, value in found.items() if key[0] == "repro_run_passed"}
    assert sum(passed.values()) == 1 and len(passed) == len(v.ALL.runs)


def test_green_and_empty() -> None:
    assert series(v.GREEN)["repro_verification_passed", ()] == 1
    assert series(v.verification())["repro_verification_passed", ()] == 0


def test_names_of_strangers_stay_labels_and_a_run_may_come_twice() -> None:
    assert len(series(v.evil())) == len(series(v.GREEN))
    assert series(v.verification(v.IDENTICAL, v.IDENTICAL))


def test_without_the_library_it_is_one_clear_line() -> None:
    script = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from repro.report import prometheus\n"
        "from repro.errors import UsageError\n"
        "try: prometheus.library()\n"
        "except UsageError as error: print(error, '|', error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("--prometheus needs prometheus_client | pip install")
