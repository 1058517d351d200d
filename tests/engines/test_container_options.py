"""What a container is asked for, without an engine: the client is a stand-in that notes the question."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest

from repro import sessions
from repro.engines.base import Job, Ready
from repro.engines.docker import container
from repro.errors import EngineError, Unreplayable
from repro.logs import Silent
from repro.store import Store


class Client:
    """As much of a docker client as is asked before a container is made."""

    def info(self) -> dict[str, Any]:
        return {"Architecture": "x86_64", "NCPU": 2}


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    """The options for a job with these fields."""
    (tmp_path / "workspace").mkdir()
    store = Store.open(tmp_path)
    with sessions.session(store) as session:

        def options(**fields: Any) -> dict[str, Any]:
            inside = fields.pop("inside", "/home/a/project")
            job = Job(("python", "train.py"), tmp_path / "workspace", inside, session, **fields)
            client: Any = Client()
            return container.options(client, Ready("sha256:1", True, 0.0), job)

        yield options


def test_gpus_are_asked_for_where_the_job_has_them(asked: Any) -> None:
    (request,) = asked(gpus=True)["device_requests"]
    assert request["Count"] == -1 and request["Capabilities"] == [["gpu"]]
    assert "device_requests" not in asked(gpus=False)


def test_memory_and_cpus_are_limited_only_where_that_is_asked(asked: Any) -> None:
    assert {"mem_limit", "cpuset_cpus"} & asked().keys() == set()
    assert asked(memory=10**9)["mem_limit"] == 10**9
    assert len(asked(cpus=1)["cpuset_cpus"].split(",")) == 1


def test_the_network_is_off_unless_it_is_asked_for(asked: Any) -> None:
    assert asked()["network_mode"] == "none"
    assert asked(network=True)["network_mode"] == "bridge"


def test_what_is_sealed_can_only_be_read(asked: Any, tmp_path: Path) -> None:
    mounts = asked(sealed={"/repro/files/a": tmp_path}, mounts={"/srv": tmp_path})["mounts"]
    assert {
        mount["Target"]: mount["ReadOnly"] for mount in mounts if mount["Source"] == str(tmp_path)
    } == {
        "/repro/files/a": True,
        "/srv": False,
    }


def test_no_privilege_is_ever_given(asked: Any) -> None:
    options = asked(network=True, gpus=True)
    assert options["cap_drop"] == ["ALL"] and "cap_add" not in options
    assert options["security_opt"] == ["no-new-privileges"]
    assert not options.get("privileged") and options["user"].partition(":")[0] != "0"


def test_a_place_below_root_is_reachable_for_who_is_not_root(asked: Any) -> None:
    targets = [mount["Target"] for mount in asked(inside="/root/project")["mounts"]]
    assert targets.index("/root") < targets.index("/root/project")
    assert "/root" not in [mount["Target"] for mount in asked()["mounts"]]


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ('could not select device driver "" with capabilities: [[gpu]]', Unreplayable, "GPU"),
        ('exec: "trainer": executable file not found in $PATH', Unreplayable, "not in the image"),
        ("something quite different", EngineError, "could not be started"),
    ],
)
def test_a_container_that_does_not_start_is_explained(
    said: str, kind: type[Exception], words: str
) -> None:
    class Api:
        def attach(self, *words: Any, **more: Any) -> list[Any]:
            return []

    class Made:
        id = "c1"

        def start(self) -> None:
            raise docker.errors.APIError("500", explanation=said)

    client: Any = type("Client", (), {"api": Api()})()
    made: Any = Made()
    with pytest.raises(kind, match=words) as caught:
        container.Running(client, made).to_end(Silent())
    if words == "GPU":
        assert "--no-gpus" in getattr(caught.value, "hint", "")


def test_what_a_probe_varies(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container.os, "getuid", lambda: 0)
    monkeypatch.setattr(container.os, "chown", lambda *words, **named: None)
    usual = asked()
    assert "hostname" not in usual and usual["init"] is True and usual["user"] == "1000:1000"
    varied = asked(hostname="x", user=4711, home_inside="/srv/a", init=False)
    assert (varied["hostname"], varied["user"], varied["init"]) == ("x", "4711:4711", False)
    assert varied["environment"]["HOME"] == "/srv/a"
    assert "/srv/a" in {mount["Target"] for mount in varied["mounts"]}


def test_fixed_addresses_come_with_a_profile_and_no_privilege(asked: Any) -> None:
    options = asked(fixed_addresses=True)
    assert options["cap_drop"] == ["ALL"]
    assert "no-new-privileges" in options["security_opt"]
    (profile,) = (word for word in options["security_opt"] if word.startswith("seccomp="))
    rules = json.loads(profile.partition("=")[2])
    forbidden = {name for rule in rules["syscalls"] for name in rule["names"]}
    assert {"mount", "ptrace", "bpf", "keyctl", "unshare", "clone3"} <= forbidden
    assert "personality" not in forbidden
    assert all("seccomp" not in word for word in asked()["security_opt"])


def test_a_container_whose_time_is_up_is_ended_and_says_so() -> None:
    ended, said = threading.Event(), []
    box = SimpleNamespace(kill=ended.set)
    sink = SimpleNamespace(stderr=said.append)
    running = container.Running(Client(), box, 0.01)  # type: ignore[arg-type]
    with running._limited(sink):  # type: ignore[arg-type]
        assert ended.wait(30)
    assert said == [b"repro: the container was ended after 0.01 s\n"]
    ended.clear()
    with container.Running(Client(), box)._limited(sink):  # type: ignore[arg-type]
        pass
    assert not ended.is_set()
