"""repro in pytest: `pytest --repro` verifies recorded runs, and the fixture `assert_reproduces` one of them.

Every pytest of an environment that has repro loads this file: what it needs is imported when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from repro.project import Project
    from repro.verifying import Chosen, Verified


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("repro", "recorded training runs (repro)")
    group.addoption(
        "--repro",
        action="store_true",
        dest="repro_all",
        help="Replay the project's baselines, and fail where one does not come out the same: an item for "
        "each.",
    )
    group.addoption(
        "--repro-runs",
        action="append",
        default=[],
        metavar="RUN",
        help="Replay this one (what `repro verify` takes); may be given several times.",
    )
    group.addoption(
        "--repro-engine",
        choices=["docker", "venv"],
        default="docker",
        help="What executes them; venv gives no isolation. Default: docker.",
    )
    group.addoption(
        "--repro-replays", type=int, default=1, metavar="N", help="Replays of each run. Default: 1."
    )


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    wanted = config.getoption("repro_runs")
    if not (wanted or config.getoption("repro_all")):
        return
    from repro import asserting, project
    from repro.errors import ReproError

    try:
        found = project.locate(config.rootpath)
        runs = asserting.chosen(found, wanted)
    except ReproError as error:
        raise pytest.UsageError(f"--repro: {asserting.told(error)}") from None
    for at, chosen in enumerate(runs):
        name = (
            chosen.name
            if chosen.name not in {item.name for item in runs[:at]}
            else f"{chosen.name}#{at}"
        )
        items.append(
            ReproItem.from_parent(
                session, name=name, nodeid=f"repro::{name}", project=found, chosen=chosen
            )
        )


class ReproItem(pytest.Item):
    """One run that is replayed."""

    def __init__(self, *, project: Project, chosen: Chosen, **rest: Any) -> None:
        super().__init__(**rest)
        self._project, self._chosen = project, chosen

    def runtest(self) -> None:
        from repro import asserting
        from repro.errors import ReproError

        options = self.config.option
        try:
            found = asserting.verified(
                self._project, self._chosen, options.repro_replays, options.repro_engine
            )
        except ReproError as error:
            raise asserting.NotReproduced(asserting.told(error)) from None
        text = asserting.report.render(found, colour=False, width=asserting.WIDTH)
        _note(self, found.runs[0])
        if found.exit_code:
            raise asserting.NotReproduced(text)
        self.add_report_section("call", "repro", text)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        from repro.asserting import NotReproduced

        if isinstance(excinfo.value, NotReproduced):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, None, f"repro: {self.name}"


@pytest.fixture
def assert_reproduces(request: pytest.FixtureRequest) -> Callable[..., Verified]:
    """Replays a recorded run and fails, with the report, where it does not come out the same:
    ``assert_reproduces("baseline", replays=2, engine="docker", tolerance={"loss": {"relative": 1e-6}})``.

    The project is the one that the test's file is in.
    """

    def check(
        run: str = "latest",
        *,
        replays: int = 1,
        engine: str = "docker",
        tolerance: float | Mapping[str, Any] | None = None,
        project: Path | str | None = None,
    ) -> Verified:
        __tracebackhide__ = True
        from repro import asserting

        found = asserting.assert_reproduces(
            run, project or request.path.parent,
            replays=replays, engine=engine, tolerance=tolerance,
        )  # fmt: skip
        _note(request.node, found)
        return found

    return check


def _note(item: Any, found: Verified) -> None:
    """For --junit-xml and other reports."""
    item.user_properties += [
        ("repro_run", found.chosen.run.id),
        ("repro_verdict", found.verdict.value if found.verdict else "not reached"),
        ("repro_values_compared", found.values),
    ]
