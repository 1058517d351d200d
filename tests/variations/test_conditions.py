"""What is varied and held, and how that reaches a job and a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro import sessions
from repro.engines.base import Job
from repro.errors import UsageError
from repro.store import Store
from repro.variations import ALL, Conditions, Held, Scene, applying, named, together


def scene(**more: Any) -> Scene:
    fields: dict[str, Any] = {
        "env": {}, "inside": "/home/a/project", "cpus": 2, "machine_cpus": 2, "gpus": True,
        "root": True, "movable": True, "leftovers": Path("/left"), **more,
    }  # fmt: skip
    return Scene(**fields)


@pytest.fixture
def job(tmp_path: Path) -> Any:
    (tmp_path / "workspace").mkdir()
    with sessions.session(Store.open(tmp_path)) as session:
        yield Job(("python", "a.py"), tmp_path / "workspace", "/w", session, env={"A": "1"})


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.name)
def test_each_says_what_it_is_its_remedy_and_its_cost(item: Any) -> None:
    assert item.subject and item.remedy and item.cost


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.name)
@pytest.mark.parametrize("attempt", range(3))
def test_what_is_varied_differs_from_what_is_held(item: Any, attempt: int) -> None:
    for held in (False, True):
        found = item.vary(scene(held=held), attempt)
        if isinstance(found, Held):
            assert found.why
        elif held and item.hold:
            assert found != item.hold(scene(held=True))
        else:
            assert found != Conditions()


def test_conditions_add_up_and_the_later_counts() -> None:
    one = Conditions(env={"A": "1", "B": "1"}, cpus=2, shim={"umask": 1})
    two = Conditions(env={"B": "2"}, hostname="x", shim={"order": "sorted"})
    assert together([one, two]) == Conditions(
        env={"A": "1", "B": "2"}, cpus=2, hostname="x", shim={"umask": 1, "order": "sorted"}
    )
    assert together([]) == Conditions()


def test_all_of_them_together_fit_one_job(job: Any, tmp_path: Path) -> None:
    (tmp_path / "shim").mkdir()
    found = [item.vary(scene(), 0) for item in ALL]
    conditions = together(item for item in found if isinstance(item, Conditions))
    made = applying.applied(conditions, job, tmp_path / "shim")
    assert made.env["OMP_NUM_THREADS"] == "1" and made.cpus == 1, "threads are not those of CPUs"
    assert made.env["A"] == "1" and made.env["PYTHONPATH"] == applying.INSIDE
    assert (made.hostname, made.user, made.init) == ("another-machine", 4711, False)
    assert made.argv == job.argv and not made.fixed_addresses


def test_held_addresses_put_a_word_before_the_command(job: Any, tmp_path: Path) -> None:
    (tmp_path / "shim").mkdir()
    made = applying.applied(Conditions(fixed_addresses=True), job, tmp_path / "shim")
    assert made.argv == ("setarch", "-R", "python", "a.py") and made.fixed_addresses


def test_a_path_of_the_runs_own_stays_behind_the_shim(job: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "shim").mkdir()
    job = replace(job, env={"PYTHONPATH": "src"})
    made = applying.applied(Conditions(), job, tmp_path / "shim")
    assert made.env["PYTHONPATH"] == f"{applying.INSIDE}:src"


def test_leftovers_come_back_and_go_through_no_link(tmp_path: Path) -> None:
    workspace, kept, elsewhere = (tmp_path / name for name in ("workspace", "kept", "elsewhere"))
    for folder in (workspace / "out/deep", kept, elsewhere):
        folder.mkdir(parents=True)
    (workspace / "out/deep/model").write_text("1")
    (workspace / "out/link").symlink_to("deep/model")
    applying.keep_leftovers(workspace, ("out/deep/model", "out/link", "gone"), kept)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    applying.put_leftovers(kept, fresh)
    assert (fresh / "out/deep/model").read_text() == "1" and (fresh / "out/link").is_symlink()
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / "out").symlink_to(elsewhere)
    applying.put_leftovers(kept, hostile)
    assert list(elsewhere.iterdir()) == []


def test_names_are_checked() -> None:
    assert named(["path", "path", "clock"]) == {"path", "clock"}
    with pytest.raises(UsageError, match="'hash'"):
        named(["hash"])
