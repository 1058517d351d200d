"""The course of a probe over a training that is a function of its conditions: no engine, no replays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from repro.errors import Interrupted
from repro.manifest import Descriptor, Host, Metric, MetricType, Outcome, Policy, Result
from repro.probes import differences
from repro.probes.nouns import Guilt, Probe
from repro.probes.probing import ALL_OF_THEM, Choice, _Work
from repro.probes.trials import Tried
from repro.variations import Conditions, Seen

Training = Callable[[Conditions, int], "dict[str, float] | None"]
"""Metrics from the conditions and the number of the replay; None: it fails."""


def result(metrics: dict[str, float] | None, model: bool) -> Result:
    outcome = Outcome.FAILED if metrics is None else Outcome.FINISHED
    return Result(
        observed=True, outcome=outcome, exit_code=int(metrics is None), started=None, ended=None,
        duration=1.0, peak_memory=None, host=Host(),
        metrics=tuple(Metric("metrics.json", name, MetricType.NUMBER, value)
                      for name, value in (metrics or {}).items()),
        outputs=(Descriptor("model", f"sha256:{'0' * 64}", 1),) if model and metrics else (),
    )  # fmt: skip


class Trials:
    """Stands in for replays."""

    def __init__(
        self,
        training: Training,
        env: dict[str, str],
        interpreters: int = 1,
        model: bool = True,
        foreign: bool = False,
        jobs: int = 1,
    ) -> None:
        self.jobs = jobs
        self.made: list[tuple[Conditions, Tried]] = []
        self.in_vain = 0
        self.together: list[int] = []
        """How many were made beside each other, each time."""
        self._training, self._interpreters, self._model = training, interpreters, model
        self.count = self.loaders = 0
        self.failures = {"begin: no such thing": None} if interpreters > 1 else {}
        self.conditions: list[Conditions] = []
        definition = SimpleNamespace(env=env, environment=SimpleNamespace(packages=()))
        manifest = SimpleNamespace(
            definition=definition,
            result=SimpleNamespace(host=Host(cpus=2)),
            provenance=SimpleNamespace(workspace="/home/a/project"),
        )
        self.run = SimpleNamespace(id="1" * 64, manifest=manifest)
        self.options = SimpleNamespace(cpus=None, gpus=None, env={})
        self.engine = SimpleNamespace(name="docker")
        self.is_foreign = foreign

    def take(self, what: str, conditions: Conditions, keep: Path | None = None) -> Tried:
        if keep:
            (keep / "model").touch()
        self.count += 1
        self.conditions.append(conditions)
        done = result(self._training(conditions, self.count), self._model)
        return Tried(done, "", "", Seen(interpreters=self._interpreters), True)

    def foresee(self, wanted: list[tuple[str, Conditions]]) -> None:
        assert len(wanted) <= self.jobs
        if self.jobs > 1:
            known = [conditions for conditions, _ in self.made]
            new = [item for item in wanted if item[1] not in known]
            self.made += [(conditions, self.take(what, conditions)) for what, conditions in new]
            self.together.append(len(new))

    def foreseen(self, what: str, conditions: Conditions) -> Tried:
        for number, (given, tried) in enumerate(self.made):
            if given == conditions:
                del self.made[number]
                return tried
        return self.take(what, conditions)

    def forget(self) -> None:
        self.in_vain += len(self.made)
        self.made = []

    def changes(self, a: Result, b: Result, leave_out: Any = ()) -> Any:
        return differences.changes(a, b, Policy(), lambda descriptor: None, leave_out)

    def give_time(self, control: Result) -> None:
        pass


@pytest.fixture
def probed(tmp_path: Path) -> Callable[..., Probe]:
    def run(
        training: Training,
        env: dict[str, str] | None = None,
        choice: Choice = ALL_OF_THEM,
        **more: Any,
    ) -> Probe:
        trials: Any = Trials(training, env or {}, **more)
        work = _Work(trials, choice, tmp_path)
        try:
            work.through()
        except Interrupted:
            work.interrupted = True
        assert not trials.made, "each is asked for, or forgotten"
        said = work.said()
        return replace(said, replays=said.replays - trials.in_vain)

    return run


def guilty(found: Probe) -> set[str]:
    return {item.name for item in found.guilty}


def of(found: Probe, name: str) -> Any:
    (item,) = (item for item in found.probed if item.name == name)
    return item


def test_what_depends_on_nothing_is_harmless_after_four_replays(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": 1.0})
    assert guilty(found) == set() and found.exit_code == 0 and found.replays == 4
    assert of(found, "hash-seed").guilt is Guilt.HARMLESS
    assert of(found, "gpu").guilt is Guilt.NOT_VARIED
    assert of(found, "workers").why == "the training made no data loader of torch's"


def test_the_one_cause_is_named_with_what_it_moves(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": 1.0 + ("TZ" in given.env), "rows": 4})
    assert guilty(found) == {"time-zone"} and found.exit_code == 1
    (change,) = of(found, "time-zone").changes
    assert (change.name, change.a, change.b) == ("metrics.json:loss", 1.0, 2.0)
    assert of(found, "time-zone").remedy and of(found, "time-zone").cost


def test_a_cause_that_two_values_do_not_show_is_found_with_a_third(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": float(given.hostname == "node-7")})
    assert guilty(found) == {"host-name"}


def test_a_variation_that_makes_it_fail_is_guilty(probed: Any) -> None:
    found = probed(lambda given, n: None if given.env.get("LC_ALL") == "C" else {"loss": 1.0})
    assert guilty(found) == {"locale"}
    assert of(found, "locale").changes[0].name == "exit code"


def test_what_the_run_has_pinned_is_not_varied(probed: Any) -> None:
    env = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "TZ": "UTC"}
    found = probed(lambda given, n: {"loss": float("TZ" in given.env)}, env)
    assert guilty(found) == set()
    for name in ("hash-seed", "threads", "time-zone"):
        assert of(found, name).guilt is Guilt.NOT_VARIED
        assert "the run itself sets" in of(found, name).why


def test_cpus_are_told_from_the_threads_that_come_with_them(probed: Any) -> None:
    def training(given: Conditions, n: int) -> dict[str, float]:
        threads = int(given.env.get("OMP_NUM_THREADS", given.cpus or 2))
        return {"loss": float(min(threads, given.cpus or 2))}

    found = probed(training)
    assert guilty(found) == {"threads"}
    assert "only by way of the number of threads" in of(found, "cpus").why


def test_without_an_interpreter_the_shims_part_is_not_varied(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": 1.0}, interpreters=0)
    assert of(found, "clock").guilt is Guilt.NOT_VARIED
    assert of(found, "path").guilt is Guilt.HARMLESS


# --- trainings that do not repeat themselves ----------------------------------------------------


def test_a_clock_as_seed_is_found_by_holding_it(probed: Any) -> None:
    def training(given: Conditions, n: int) -> dict[str, float]:
        return {"loss": 0.0 if "from" in given.shim.get("clock", {}) else float(n), "rows": 4}

    found = probed(training)
    assert guilty(found) == {"clock"} and found.held
    assert [item.name for item in found.unstable] == ["metrics.json:loss"]
    assert found.unexplained == ()


def test_hash_order_that_yields_the_same_now_and_then(probed: Any) -> None:
    by_seed = {"0": 0.0, "1": 0.0, "4243": 1.0}

    def training(given: Conditions, n: int) -> dict[str, float]:
        seed = given.env.get("PYTHONHASHSEED")
        return {"loss": float(n % 2) if seed is None else by_seed.get(seed, 2.0)}

    assert guilty(probed(training)) == {"hash-seed"}


def test_what_cannot_be_held_is_not_explained_and_nothing_is_blamed(probed: Any) -> None:
    counter = itertools.count()
    found = probed(lambda given, n: {"loss": float(next(counter)), "rows": 4})
    assert guilty(found) == set() and found.exit_code == 1
    assert [item.name for item in found.unexplained] == ["metrics.json:loss"]


def test_beside_what_is_not_explained_the_rest_is_searched(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": float(n), "days": float("TZ" in given.env
                                     and given.env["TZ"] != "UTC")})  # fmt: skip
    assert guilty(found) == {"time-zone"}
    assert [item.name for item in found.unexplained] == ["metrics.json:loss"]
    assert any("left out of the search" in note for note in found.notes)


def test_what_depends_on_addresses_is_blamed_on_nothing_else(probed: Any) -> None:
    def training(given: Conditions, n: int) -> dict[str, float]:
        # fixed addresses still move with every variable and path
        return {"loss": float(hash(repr(given)) % 1009) if given.fixed_addresses else float(-n)}

    found = probed(training)
    assert guilty(found) == {"addresses"}
    assert of(found, "path").guilt is Guilt.HARMLESS, "to the model"
    assert found.notes == ("left out of the search, as it differs anyway: metrics.json:loss",)


def test_with_nothing_left_to_compare_nothing_is_called_harmless(probed: Any) -> None:
    counter = itertools.count()
    found = probed(lambda given, n: {"loss": float(next(counter))}, model=False)
    assert of(found, "path").guilt is Guilt.UNSETTLED
    assert "nothing to compare" in of(found, "path").why


def test_threads_that_race_on_more_than_one_cpu(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": 0.0 if given.cpus == 1 else float(n)})
    assert "parallelism" in guilty(found) and found.unexplained == ()


def test_threads_that_race_where_there_is_a_cpu_for_each(probed: Any) -> None:
    """Varied together with the number of CPUs they take turns, and nothing is to be seen."""

    def training(given: Conditions, n: int) -> dict[str, float]:
        threads = int(given.env.get("OMP_NUM_THREADS", 2))
        return {"loss": float(n) if min(threads, given.cpus or 2) > 1 else 0.0}

    found = probed(training)
    assert guilty(found) == {"threads"} and found.unexplained == ()


def test_a_training_that_wavers_late_has_nothing_harmless_blamed(probed: Any) -> None:
    """The control pair agrees by chance; from the third replay on it is noise."""
    found = probed(lambda given, n: {"loss": 0.0 if n < 3 else float(n)})
    assert guilty(found) == set() and found.exit_code == 1
    assert [item.name for item in found.unexplained] == ["metrics.json:loss"]


def test_where_a_held_clock_lets_it_fail_the_rest_is_held(probed: Any) -> None:
    def training(given: Conditions, n: int) -> dict[str, float] | None:
        if "from" in given.shim.get("clock", {}) or given.fixed_addresses:
            return None
        return {"loss": 0.0 if given.shim.get("entropy") == 1 else float(n)}

    found = probed(training)
    assert guilty(found) == {"entropy"}
    assert found.notes[0] == "could not be held here: addresses, clock"


# --- the ends -----------------------------------------------------------------------------------


def test_a_training_that_fails_is_not_probed(probed: Any) -> None:
    found = probed(lambda given, n: None)
    assert found.exit_code == 3 and found.replays == 1 and found.probed == ()
    assert "does not finish" in found.unreplayable


@pytest.mark.parametrize("end", range(1, 12))
def test_interrupted_it_says_what_it_had(probed: Any, end: int) -> None:
    def training(given: Conditions, n: int) -> dict[str, float]:
        if n == end:
            raise Interrupted("Ctrl-C")
        return {"loss": float("TZ" in given.env)}

    found = probed(training)
    assert found.interrupted == (end <= found.replays) and found.exit_code in (130, 1)
    assert not found.unreplayable
    assert guilty(found) <= {"time-zone"}


def test_what_the_shim_could_not_do_is_said(probed: Any) -> None:
    found = probed(lambda given, n: {"loss": 1.0}, interpreters=2)
    assert found.notes == ("not varied or held: begin: no such thing",)


def test_only_and_skip(probed: Any) -> None:
    def training(given: Conditions, n: int) -> dict[str, float]:
        return {"loss": float("TZ" in given.env), "path": float(given.inside is not None)}

    found = probed(training, choice=Choice(only=frozenset({"path", "user"})))
    assert guilty(found) == {"path"}
    assert of(found, "time-zone").why == "left out by --only or --skip"
    assert guilty(probed(training, choice=Choice(skip=frozenset({"path"})))) == {"time-zone"}


def test_a_run_from_elsewhere_keeps_the_engines_confinement(probed: Any) -> None:
    seen: list[Conditions] = []

    def training(given: Conditions, n: int) -> dict[str, float]:
        seen.append(given)
        return {"loss": float(-n)}

    found = probed(training, foreign=True)
    assert not any(given.fixed_addresses for given in seen)
    assert any("addresses were not held" in note for note in found.notes)
    assert "addresses" not in guilty(found)


def _threads(given: Conditions, n: int) -> dict[str, float]:
    threads = int(given.env.get("OMP_NUM_THREADS", given.cpus or 2))
    return {"loss": float(min(threads, given.cpus or 2))}


REPEATING: dict[str, Training] = {
    "none": lambda given, n: {"loss": 1.0},
    "one": lambda given, n: {"loss": 1.0 + ("TZ" in given.env), "rows": 4},
    "another value": lambda given, n: {"loss": float(given.hostname == "node-7")},
    "a failure": lambda given, n: None if given.env.get("LC_ALL") == "C" else {"loss": 1.0},
    "three": lambda given, n: {
        "a": float("TZ" in given.env),
        "b": float(given.env.get("PYTHONHASHSEED", "0")),
        "c": float(given.inside is not None),
    },
    "two together": lambda given, n: {"a": float("TZ" in given.env and given.hostname is not None)},
    "threads": _threads,
}


@pytest.mark.parametrize("jobs", [2, 3, 5])
@pytest.mark.parametrize("name", REPEATING)
def test_beside_each_other_they_say_the_same(probed: Any, name: str, jobs: int) -> None:
    """With as many replays, but for those that were begun ahead and not asked for."""
    assert name != "none" or probed(REPEATING[name], jobs=jobs).replays == 4
    assert probed(REPEATING[name], jobs=jobs) == probed(REPEATING[name])


def test_a_training_that_does_not_repeat_itself_is_never_beside_another(tmp_path: Path) -> None:
    class Alone(Trials):
        def foresee(self, wanted: list[tuple[str, Conditions]]) -> None:
            raise AssertionError("its threads may meet otherwise")

    trials: Any = Alone(lambda given, n: {"loss": float(n if not given.shim else 1)}, {}, jobs=4)
    work = _Work(trials, ALL_OF_THEM, tmp_path)
    work.through()
    assert work.said().unstable
