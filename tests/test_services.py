"""A server that a command logged to: what is recorded of it, and what stands in for it. A real MLflow server
is recorded and replayed in tests/projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from repro import services
from repro.engines.base import Job
from repro.errors import Unreplayable
from repro.manifest import Package, Service, Severity, SourceState
from repro.services import StandIn, used

HAS_MLFLOW = (Package("mlflow", "3.0"),)
NOBODY = "http://127.0.0.1:9"


def job(folder: Path, **env: str) -> Job:
    return Job(("python", "train.py"), folder, "/w", cast("Any", None), env=env)


def test_nobody_is_asked_where_mlflow_is_not_installed() -> None:
    assert used(["127.0.0.1:9"], {services.VARIABLE: NOBODY}, (), 0.0) == services.Used()


def test_a_server_that_does_not_answer_is_said_without_its_password() -> None:
    environ = {services.VARIABLE: "http://me:secret@127.0.0.1:9"}
    (finding,) = used((), environ, HAS_MLFLOW, 0.0).findings
    assert finding.severity is Severity.RISKS
    assert "http://127.0.0.1:9 could not be read" in finding.message
    assert "secret" not in repr(finding)


@pytest.mark.parametrize("uri", ["", "sqlite:///mlflow.db", "mlruns", "databricks", "file:///w"])
def test_what_is_no_server_is_left_to_the_files(uri: str) -> None:
    assert used((), {services.VARIABLE: uri}, HAS_MLFLOW, 0.0) == services.Used()


def test_connections_to_other_things_are_none_to_mlflow() -> None:
    seen = ["127.0.0.1:9", "10.0.0.1:5000", "unix:/run/x", "unix:@y", "[::1]:9", "nonsense"]
    assert used(seen, {}, HAS_MLFLOW, 0.0) == services.Used()


def test_on_loopback_it_stands_in_at_the_same_address(tmp_path: Path) -> None:
    at = StandIn(Service("mlflow", "http://127.0.0.1:5055"), tmp_path, services.INSIDE)
    wrapped = at.around(job(tmp_path, A="1"))
    assert wrapped.argv[-2:] == ("python", "train.py") and "5055" in wrapped.argv
    assert wrapped.mounts == {services.INSIDE: tmp_path}
    assert wrapped.env == {"A": "1"}, "the code names the address itself"


def test_elsewhere_the_variable_leads_to_what_stands_in(tmp_path: Path) -> None:
    service = Service("mlflow", "https://mlflow.example/team", services.VARIABLE)
    wrapped = StandIn(service, tmp_path, str(tmp_path)).around(job(tmp_path))
    assert wrapped.env == {services.VARIABLE: "http://127.0.0.1:5000"}
    assert not wrapped.mounts, "the command sees this machine as it is"


def test_an_address_elsewhere_that_the_code_names_has_no_stand_in(tmp_path: Path) -> None:
    at = StandIn(Service("mlflow", "https://mlflow.example"), tmp_path, services.INSIDE)
    with pytest.raises(Unreplayable, match=r"https://mlflow\.example") as caught:
        at.around(job(tmp_path))
    assert services.VARIABLE in caught.value.hint


def test_a_server_that_did_not_stand_makes_it_unreplayable(tmp_path: Path) -> None:
    at = StandIn(Service("mlflow", NOBODY), tmp_path, services.INSIDE)
    (tmp_path / "failure.txt").write_text("only mlflow-skinny is installed in the environment")
    with pytest.raises(Unreplayable, match="only mlflow-skinny"):
        at.logged(0.0)


def test_what_was_never_logged_is_no_reading(tmp_path: Path) -> None:
    at = StandIn(Service("mlflow", NOBODY), tmp_path, services.INSIDE)
    source, metrics = at.logged(0.0)
    assert source.state is SourceState.UNREADABLE and source.detail
    assert metrics == ()


def test_only_mlflow_is_known(tmp_path: Path) -> None:
    assert services.stand_in((), tmp_path, isolated=True) is None
    found = services.stand_in([Service("mlflow", NOBODY)], tmp_path, isolated=False)
    assert found and found.inside == str(tmp_path)
