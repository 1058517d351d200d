"""Replays in Docker with options, in images of one's own, and under limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import workbench
from workbench import Project

from repro.manifest import GPU
from repro.store import Store

pytestmark = pytest.mark.docker


# --- environments ---------------------------------------------------------------------------


@pytest.fixture
def new_version() -> str:
    """A version of the package that no other test has built an environment for."""
    import time

    return f"1.{time.time_ns()}"


def test_an_environment_is_built_once_and_then_reused(
    project: Project, rates: Callable[[str], None], new_version: str
) -> None:
    rates(new_version)
    run = project.record("python", "train.py")["id"]
    first, second = (project.replay(run).expect(0) for _ in range(2))
    assert "building the environment" in first.err
    assert "building the environment" not in second.err
    records = [
        json.loads(path.read_bytes()) for path in (project.path / ".repro/replays" / run).iterdir()
    ]
    assert sorted(record["environment"]["reused"] for record in records) == [False, True]
    # another run with the same packages: the same environment
    project.write("train.py", (project.path / "train.py").read_text() + "# a remark\n")
    other = project.record("python", "train.py")["id"]
    assert workbench.environment_image(project, other) == workbench.environment_image(project, run)
    assert "building the environment" not in project.replay(other).expect(0).err
    workbench.docker("image", "rm", workbench.environment_image(project, run))


def test_another_package_version_is_another_environment(
    project: Project, rates: Callable[[str], None], new_version: str
) -> None:
    names = []
    for version in (new_version, f"{new_version}1"):
        rates(version)
        names.append(
            workbench.environment_image(project, project.record("python", "train.py")["id"])
        )
    assert names[0] != names[1]


def test_proxies_credentials_and_certificates_leave_no_trace(
    project: Project, rates: Callable[[str], None], new_version: str
) -> None:
    """They are used by the build, and neither the image nor the store remembers them."""
    rates(new_version)
    secret = "s3cr3t-pa55w0rd"
    env = {
        "HTTPS_PROXY": f"http://user:{secret}@127.0.0.1:9",
        "https_proxy": f"http://user:{secret}@127.0.0.1:9",
        "UV_INDEX_CORP_USERNAME": "somebody",
        "UV_INDEX_CORP_PASSWORD": secret,
        "UV_INDEX": f"corp=https://somebody:{secret}@index.invalid/simple",
        "UV_NO_INDEX": "1",
    }
    run = project.record("python", "train.py", env=env)["id"]
    assert project.replay(run, env=env).expect(0).verdict == "identical"
    image = workbench.environment_image(project, run)
    about = workbench.docker("image", "inspect", image)
    about += workbench.docker("history", "--no-trunc", image)
    config = json.loads(workbench.docker("image", "inspect", image))[0]["Config"]
    names = {item.partition("=")[0] for item in config["Env"]}
    for name in names:
        assert not name.lower().endswith("_proxy") and "CERT" not in name and "UV_" not in name
    assert secret not in about and "127.0.0.1:9" not in about and "index.invalid" not in about
    look = (
        f"grep -rl {secret} /opt /root /tmp /etc /repro 2>/dev/null; find /repro -type f -size +0"
    )
    found = workbench.docker(
        "run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", f"{look}; true"
    )
    assert found == ""
    stored = [path for path in (project.path / ".repro").rglob("*") if path.is_file()]
    assert not [path for path in stored if secret.encode() in path.read_bytes()]
    workbench.docker("image", "rm", image)


def test_the_environment_starts_as_its_base_does(project: Project) -> None:
    run = project.record("python", "train.py")["id"]
    project.replay(run).expect(0)
    config, base = (
        json.loads(workbench.docker("image", "inspect", name))[0]["Config"]
        for name in (workbench.environment_image(project, run), workbench.base_image())
    )
    assert config["Cmd"] == base["Cmd"] and config["Entrypoint"] == base["Entrypoint"]
    assert config["User"] in ("", "root") and not config.get("Volumes")


# --- images of one's own --------------------------------------------------------------------


def test_a_run_recorded_in_an_image_is_replayed_in_it(project: Project) -> None:
    base = workbench.base_image()
    run = project.record("python3", "train.py", options=("--image", base))
    environment = run["manifest"]["definition"]["environment"]
    assert environment["kind"] == "image" and environment["image"]["reference"] == base
    assert "sha256:" in str(environment["image"].get("digest") or environment["image"].get("id"))
    owner = project.path.stat().st_uid
    for path in ("metrics.json", "models/model.bin", "models"):
        assert (project.path / path).stat().st_uid == owner, "what it wrote is the caller's"
    document = project.replay(run["id"]).expect(0).document
    assert document["verdict"] == "identical"
    # recorded and replayed in the same environment: nothing around the run differs
    assert "isolation" not in {item["name"] for item in document["circumstances"]}


def test_a_run_in_an_image_that_fails_ends_with_its_code(project: Project) -> None:
    words = (
        "run",
        "--image",
        workbench.base_image(),
        "--",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 5",
    )
    done = project.repro(*words).expect(5)
    assert done.out == "out\n" and "err\n" in done.err
    assert project.runs()[0]["outcome"] == "failed"


def test_a_command_that_the_image_lacks(project: Project) -> None:
    words = ("run", "--image", workbench.base_image(), "--", "no-such-trainer")
    done = project.repro(*words)
    done.complains(3, "no-such-trainer", "image")
    assert project.runs() == []


def test_a_projects_own_dockerfile_is_built_and_recorded(project: Project) -> None:
    base = workbench.base_image()
    project.write("Dockerfile", f"FROM {base}\nENV MODE=from-dockerfile\nCOPY params.json /opt/\n")
    project.write("repro.yaml", "image: {dockerfile: Dockerfile}\n")
    project.write(
        "train.py",
        "import json, os\nassert os.path.exists('/opt/params.json')\n"
        "json.dump({'mode': os.environ['MODE']}, open('metrics.json', 'w'))\n",
    )
    project.commit()
    run = project.record("python3", "train.py")
    environment = run["manifest"]["definition"]["environment"]
    assert environment["kind"] == "dockerfile"
    assert environment["image"]["id"].startswith("sha256:")
    assert list(environment["image"]["bases"]) == [base]
    assert str(environment["image"]["bases"][base]).startswith("sha256:") or "/" not in base
    # what lies around in the work tree, ignored by git, is not part of the build
    assert project.replay(run["id"]).expect(0).verdict == "identical"
    workbench.docker("image", "rm", "--force", environment["image"]["id"])
    done = project.replay(run["id"])
    assert done.expect(0).verdict == "identical"
    assert "building Dockerfile" in done.err


def test_a_dockerfile_that_does_not_build(project: Project) -> None:
    project.write("Dockerfile", f"FROM {workbench.base_image()}\nRUN exit 7\n")
    project.write("repro.yaml", "image: {dockerfile: Dockerfile}\n")
    project.commit()
    project.repro("run", "--", "true").complains(3, "Dockerfile could not be built", "docker build")
    assert project.runs() == []


# --- limits and options ---------------------------------------------------------------------


def test_a_training_that_runs_out_of_memory_is_said_so(project: Project) -> None:
    project.write(
        "train.py",
        "import os\nif os.path.exists('local/here'):\n    size = 1\nelse:\n    size = 600\n"
        "block = [bytearray(2**20) for _ in range(size)]\nopen('out.txt', 'w').write('x')\n",
    )
    project.write("local/here", "")
    project.record("python", "train.py")
    done = project.repro("replay", "--memory", "128 MB").expect(3)
    assert done.out.startswith("failed:")
    assert "exit code 137" in done.out
    assert "memory" in done.out, "the verdict says why, not only the log"


def test_a_limit_that_is_enough_changes_nothing(project: Project) -> None:
    project.record("python", "train.py")
    assert project.replay("latest", "--memory", "512 MB").expect(0).verdict == "identical"


@pytest.mark.parametrize("size", ["much", "-1", "8 XB"])
def test_a_limit_that_is_no_size_is_a_usage_error(project: Project, size: str) -> None:
    project.repro("replay", f"--memory={size}").complains(2, "memory")


def test_keep_keeps_the_workspace_and_says_where(project: Project) -> None:
    project.record("python", "train.py")
    done = project.repro("replay", "--keep").expect(0)
    (line,) = (line for line in done.out.splitlines() if line.startswith("workspace kept: "))
    workspace = Path(line.removeprefix("workspace kept: "))
    assert (workspace / "models/model.bin").is_file() and (workspace / ".git").is_dir()
    project.repro("list").expect(0)
    assert workspace.is_dir(), "the next command leaves it alone"
    project.repro("replay").expect(0)
    assert workspace.is_dir() and len(project.sessions()) == 1


def test_peak_memory_and_duration_are_recorded(project: Project) -> None:
    change = "import time\nblock = bytearray(200 * 2**20)\ntime.sleep(2.2)"
    project.write("train.py", workbench.forked(change))
    project.write("local/here", "")
    run = project.record("python", "train.py")["id"]
    project.replay(run).expect(0)
    (path,) = (project.path / ".repro/replays" / run).iterdir()
    result = json.loads(path.read_bytes())["result"]
    assert 2.0 < result["duration"] < 60
    assert result["peak_memory"] > 150 * 2**20


# --- GPUs -----------------------------------------------------------------------------------


def with_gpu(project: Project, run: str) -> str:
    """The same run, as if it had been recorded on a machine with a GPU."""
    store = Store(project.path / ".repro")
    manifest = store.run(run).manifest
    host = replace(manifest.result.host, gpus=(GPU("NVIDIA Test", 8 << 30, "550.1"),))
    return store.add(replace(manifest, result=replace(manifest.result, host=host))).id


def test_a_run_with_a_gpu_asks_for_one_and_says_what_to_do_without(project: Project) -> None:
    info = workbench.docker("info", "--format", "{{json .Runtimes}}")
    if "nvidia" in info:
        pytest.xfail("this engine can give a GPU")
    run = with_gpu(project, project.record("python", "train.py")["id"])
    document: dict[str, Any] = project.replay(run).expect(3).document
    assert document["verdict"] == "unreplayable"
    text = " ".join(document["reasons"]) + document["next_step"] + " ".join(document["notes"])
    assert "GPU" in text and "--no-gpus" in text
    assert project.replay(run, "--no-gpus").expect(0).verdict == "identical"


def test_no_container_is_known_to_have_a_machine_s_own_programs(project: Project) -> None:
    project.record("sh", "-c", "echo loss: 0.5")
    document = project.replay().expect(3).document
    assert document["verdict"] == "unreplayable"
    assert "programs of its machine" in document["reasons"][0]
    assert "--engine venv" in document["next_step"] and "--image" in document["next_step"]
