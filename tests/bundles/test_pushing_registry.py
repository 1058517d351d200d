"""Runs pushed to a real registry and pulled from it; answers of registries that are not what they should be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import workbench
from workbench import Project

from repro import canonical, importing, pushing
from repro.bundles import carried, pieces, registry, registry_session
from repro.errors import Corrupt, NotFound, ReproError, UsageError
from repro.exporting import Options
from repro.project import Project as OpenProject
from repro.project import standalone
from repro.store import Store


@pytest.fixture
def repository() -> str:
    """One of the real registry, never used before."""
    host = os.environ.get("REPRO_TEST_REGISTRY", "")
    return f"{host}/repro-test-pushed/x{os.urandom(6).hex()}"


@pytest.fixture
def opened(exported: Path, tmp_path: Path) -> OpenProject:
    """A project whose store has one run, with its data."""
    folder = tmp_path / "origin"
    folder.mkdir()
    project = standalone(folder)
    importing.import_bundle(project.store, exported)
    return project


def push(project: OpenProject, target: str, *, data: bool = True) -> pushing.Pushed:
    (identity,) = project.store.run_ids()
    return pushing.push(project, project.store.run(identity), target, Options(data=data), {})


@pytest.mark.docker
@pytest.mark.registry
def test_a_complete_run_through_a_registry(
    dvc_project: Project, own_environment: None, tmp_path: Path, repository: str
) -> None:
    project, tool = dvc_project, dvc_project.repro
    run = project.record("python", "train.py")
    image = workbench.environment_image(project, run["id"])
    reference = tool("push", "latest", f"{repository}:v1", "--complete", cwd=project.path).expect(0)
    assert reference.out.strip() == f"{repository}:v1"
    shutil.rmtree(project.path)
    shutil.rmtree(project.path.with_name(project.path.name + "-remote"))
    workbench.docker("rmi", "--force", image)
    here = tmp_path / "elsewhere"
    here.mkdir()
    names = [f"{repository}:v1-image", image]
    try:
        assert tool("pull", f"{repository}:v1", cwd=here).expect(0).out.strip() == run["id"]
        assert not (here / ".repro/cache/pulls").exists()
        carried_image = carried.image_of(Store(here / ".repro"), run["id"])
        assert carried_image
        names.append(carried_image.name)
        done = tool("replay", "latest", "--engine", "docker", "--json", cwd=here).expect(0)
        assert done.verdict == "identical"
        workbench.docker("pull", "--quiet", names[0])
        assert (
            workbench.docker("run", "--rm", names[0], "python", "-c", "print(6 * 7)").strip()
            == "42"
        )
    finally:
        for name in names:
            subprocess.run(["docker", "rmi", "--force", name], capture_output=True, check=False)


@pytest.mark.registry
def test_a_second_push_sends_what_is_new(
    opened: OpenProject, repository: str, tmp_path: Path
) -> None:
    first = push(opened, f"{repository}:a", data=False)
    assert first.sent and not first.there
    second = push(opened, f"{repository}:b")
    assert second.there >= first.sent - 1 and 0 < second.sent < first.sent
    third = push(opened, repository)
    (identity,) = opened.store.run_ids()
    assert third.sent == 0 and third.reference == f"{repository}:{identity[:12]}"
    for name in (f"{repository}:b", f"{repository}@{second.digest}", third.reference):
        store = Store.open(tmp_path)
        assert pushing.pull(store, name).run.id == identity
        shutil.rmtree(store.root)


@pytest.mark.registry
def test_what_is_not_there_is_one_line(repository: str, tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(NotFound):
        pushing.pull(store, f"{repository}:none")
    with pytest.raises(UsageError, match="names no run"):
        pushing.pull(store, repository)


# --- a registry of our own ------------------------------------------------------------------


class Fake:
    """A registry in memory that does as told. ``change`` gets each answer before it is sent."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.change: Callable[
            [str, str, int, bytes, dict[str, str]], tuple[int, bytes, dict[str, str]]
        ]
        self.change = lambda method, path, status, content, headers: (status, content, headers)
        self.host = ""
        self.cut = ""
        """Of answers whose path ends so only half is sent."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if method == "POST":
            return 202, b"", {"Location": "/v2/a/b/blobs/uploads/1?state=x"}
        if method == "PUT" and "digest=" in path:
            digest = re.search(r"digest=sha256(?:%3A|:)([0-9a-f]{64})", path)
            assert digest and canonical.digest_bytes(body) == f"sha256:{digest[1]}"
            self.blobs[f"sha256:{digest[1]}"] = body
            return 201, b"", {}
        name = path.rpartition("/")[2]
        if method == "PUT":
            self.manifests |= {name: body, canonical.digest_bytes(body): body}
            return 201, b"", {}
        found = (self.manifests if "/manifests/" in path else self.blobs).get(name)
        return (404, b"", {}) if found is None else (200, found, {})


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fake]:
    monkeypatch.setattr(registry_session, "PAUSE", 0.0)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    made = Fake()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_all(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.requests.append(f"{self.command} {self.path} {self.headers.get('Authorization')}")
            found = made.answer(self.command, self.path, body)
            status, content, headers = made.change(self.command, self.path, *found)
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if made.cut and self.path.endswith(made.cut):
                content = content[: len(content) // 2]
                self.close_connection = True
            if self.command != "HEAD":
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_all

        def log_message(self, *parts: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.host = f"127.0.0.1:{server.server_address[1]}"
        yield made
        server.shutdown()


def test_push_and_pull(opened: OpenProject, fake: Fake, tmp_path: Path) -> None:
    done = push(opened, f"{fake.host}/a/b:v1")
    assert fake.requests[-1].startswith("PUT /v2/a/b/manifests/v1")
    assert canonical.digest_bytes(fake.manifests["v1"]) == done.digest
    store = Store.open(tmp_path)
    assert pushing.pull(store, f"{fake.host}/a/b:v1").new
    assert not (store.cache / "pulls").exists()


def test_a_pull_that_breaks_off_goes_on(opened: OpenProject, fake: Fake, tmp_path: Path) -> None:
    push(opened, f"{fake.host}/a/b:v1")
    last = json.loads(fake.manifests["v1"])["layers"][-1]["digest"]
    fake.cut = last
    store = Store.open(tmp_path)
    with pytest.raises(ReproError, match="broke off"):
        pushing.pull(store, f"{fake.host}/a/b:v1")
    assert not store.run_ids() and list((store.cache / "pulls").iterdir())
    fake.cut = ""
    fake.requests.clear()
    pushing.pull(store, f"{fake.host}/a/b:v1")
    assert [line.split()[1] for line in fake.requests if "/blobs/" in line] == [
        f"/v2/a/b/blobs/{last}"
    ]


def test_what_was_kept_and_is_damaged_is_fetched_again(
    opened: OpenProject, fake: Fake, tmp_path: Path
) -> None:
    push(opened, f"{fake.host}/a/b:v1")
    store = Store.open(tmp_path)
    (store.cache / "pulls").mkdir()
    for digest, content in fake.blobs.items():
        (store.cache / "pulls" / digest[7:]).write_bytes(bytes(len(content)))
    assert pushing.pull(store, f"{fake.host}/a/b:v1").new


def test_what_the_store_has_is_not_fetched(opened: OpenProject, fake: Fake) -> None:
    push(opened, f"{fake.host}/a/b:v1", data=False)
    fake.requests.clear()
    pushing.pull(opened.store, f"{fake.host}/a/b:v1")
    fetched = {line.split()[1].rpartition("/")[2] for line in fake.requests if "/blobs/" in line}
    assert fetched and not [digest for digest in fetched if opened.store.has(digest)]


def test_every_blob_that_is_bad_is_refused(opened: OpenProject, fake: Fake, tmp_path: Path) -> None:
    push(opened, f"{fake.host}/a/b:v1")
    for digest, content in list(fake.blobs.items()):
        other = bytes([content[0] ^ 1]) + content[1:]
        for bad in (None, content[:-1], content + b"x", other, b""):
            fake.blobs.pop(digest, None)
            if bad is not None:
                fake.blobs[digest] = bad
            store = Store.open(tmp_path)
            with pytest.raises(Corrupt):
                pushing.pull(store, f"{fake.host}/a/b:v1")
            assert not store.run_ids()
        fake.blobs[digest] = content
        shutil.rmtree(tmp_path / ".repro")


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"{}", b"[" * 9000, b"\xff", b"x" * (9 << 20),
                b'{"schemaVersion":2,"manifests":[]}'],
)  # fmt: skip
def test_no_such_manifest(fake: Fake, tmp_path: Path, content: bytes) -> None:
    fake.manifests["v1"] = content
    with pytest.raises(Corrupt):
        pushing.pull(Store.open(tmp_path), f"{fake.host}/a/b:v1")


def test_a_manifest_of_another_digest_is_refused(
    opened: OpenProject, fake: Fake, tmp_path: Path
) -> None:
    digest = push(opened, f"{fake.host}/a/b:v1").digest
    fake.manifests[digest] += b" "
    with pytest.raises(Corrupt, match="another digest"):
        pushing.pull(Store.open(tmp_path), f"{fake.host}/a/b@{digest}")
    fake.change = lambda method, path, status, content, headers: (
        status, content, {"Docker-Content-Digest": "sha256:" + "0" * 64})  # fmt: skip
    with pytest.raises(Corrupt, match="another digest"):
        pushing.pull(Store.open(tmp_path), f"{fake.host}/a/b:v1")


@pytest.mark.parametrize("status", [204, 307, 401, 403, 404, 413, 503])
@pytest.mark.parametrize("way", ["push", "pull"])
def test_any_answer_is_one_line(
    opened: OpenProject, fake: Fake, tmp_path: Path, status: int, way: str
) -> None:
    fake.change = lambda *answer: (status, b"<html>", {})
    with pytest.raises(ReproError) as caught:
        if way == "push":
            push(opened, f"{fake.host}/a/b:v1")
        else:
            pushing.pull(Store.open(tmp_path), f"{fake.host}/a/b:v1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "challenge",
    ["", "Bearer", 'Bearer realm="x"', 'Bearer realm="file:///etc/passwd"', "Basic", "Digest x",
     'Bearer realm="http://127.0.0.1:9/t",service="s",scope="repository:a/b:pull"'],
)  # fmt: skip
def test_any_challenge_is_one_line(fake: Fake, tmp_path: Path, challenge: str) -> None:
    fake.change = lambda *answer: (401, b"", {"Www-Authenticate": challenge})
    with pytest.raises(ReproError, match=r"401|log in"):
        pushing.pull(Store.open(tmp_path), f"{fake.host}/a/b:v1")


def test_a_failure_that_passes_is_waited_for(opened: OpenProject, fake: Fake) -> None:
    seen: set[str] = set()

    def change(method: str, path: str, status: int, content: bytes, headers: dict[str, str]):  # type: ignore[no-untyped-def]
        first = f"{method} {path}" not in seen
        seen.add(f"{method} {path}")
        return (503, b"", {}) if first else (status, content, headers)

    fake.change = change
    push(opened, f"{fake.host}/a/b:v1")


def test_nobody_there_is_one_line(tmp_path: Path, fake: Fake) -> None:
    with pytest.raises(ReproError, match="cannot be reached"):
        pushing.pull(Store.open(tmp_path), "127.0.0.1:9/a/b:v1")


# --- who we are -----------------------------------------------------------------------------


def log_in(tmp_path: Path, document: object) -> None:
    (tmp_path / "home/.docker").mkdir()
    (tmp_path / "home/.docker/config.json").write_text(json.dumps(document))


def demand(fake: Fake, token: str) -> None:
    """A registry that gives another token for pushing than for pulling."""

    def change(method: str, path: str, status: int, content: bytes, headers: dict[str, str]):  # type: ignore[no-untyped-def]
        said = fake.requests[-1].split(" ", 2)[2]
        if path.startswith("/token"):
            scope = "push" if "push" in path else "pull"
            right = said == f"Basic {token}"
            return (200, json.dumps({"token": scope}).encode(), {}) if right else (401, b"", {})
        scope = "pull" if method in ("GET", "HEAD") else "push"
        if said in (f"Bearer {scope}", "Bearer push"):
            return status, content, headers
        realm = (
            f'Bearer realm="http://{fake.host}/token",service="s",scope="repository:a/b:{scope}"'
        )
        return 401, b"", {"Www-Authenticate": realm}

    fake.change = change


def test_credentials_of_docker_are_used(opened: OpenProject, fake: Fake, tmp_path: Path) -> None:
    log_in(tmp_path, {"auths": {fake.host: {"auth": "bWU6c2VjcmV0"}}})
    demand(fake, "bWU6c2VjcmV0")
    push(opened, f"{fake.host}/a/b:v1")
    assert pushing.pull(Store.open(tmp_path), f"{fake.host}/a/b:v1").new


def test_settings_of_docker_may_lie_elsewhere(
    opened: OpenProject, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(tmp_path, {"auths": {fake.host: {"auth": "d3Jvbmc6eA=="}}})
    (tmp_path / "set").mkdir()
    settings = {"auths": {fake.host: {"auth": "bWU6c2VjcmV0"}}}
    (tmp_path / "set/config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "set"))
    demand(fake, "bWU6c2VjcmV0")
    push(opened, f"{fake.host}/a/b:v1")


def test_a_credential_helper_is_asked(
    opened: OpenProject, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "bin" / "docker-credential-mine"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\necho \'{"Username": "me", "Secret": "secret"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
    log_in(tmp_path, {"credHelpers": {fake.host: "mine"}})
    demand(fake, "bWU6c2VjcmV0")
    push(opened, f"{fake.host}/a/b:v1")


def test_without_credentials_the_hint_says_how(
    opened: OpenProject, fake: Fake, capfd: pytest.CaptureFixture[str]
) -> None:
    demand(fake, "bWU6c2VjcmV0")
    with pytest.raises(ReproError) as caught:
        push(opened, f"{fake.host}/a/b:v1")
    assert caught.value.hint == f"docker login {fake.host}"
    said = capfd.readouterr()
    assert said.out + said.err == ""


@pytest.mark.parametrize("document", [[], None, {"auths": 5}, {"auths": {}, "credsStore": "gone"}])
def test_settings_of_docker_that_are_broken(
    opened: OpenProject, fake: Fake, tmp_path: Path, document: object
) -> None:
    log_in(tmp_path, document)
    with contextlib.suppress(ReproError):
        push(opened, f"{fake.host}/a/b:v1")


def test_a_token_stays_with_its_registry(opened: OpenProject, fake: Fake, tmp_path: Path) -> None:
    """An upload that is sent elsewhere goes there without it."""
    log_in(tmp_path, {"auths": {fake.host: {"auth": "bWU6c2VjcmV0"}}})
    demand(fake, "bWU6c2VjcmV0")
    before = fake.change
    port = fake.host.rpartition(":")[2]

    def change(method: str, path: str, *rest):  # type: ignore[no-untyped-def]
        if "digest=" in path:
            return rest
        status, content, headers = before(method, path, *rest)
        if status == 202:
            headers = {"Location": f"http://localhost:{port}/v2/a/b/blobs/uploads/1"}
        return status, content, headers

    fake.change = change
    push(opened, f"{fake.host}/a/b:v1")
    assert {line.split(" ", 2)[2] for line in fake.requests if "digest=" in line} == {"None"}


def test_too_many_files_are_refused_before_anything_is_sent(
    opened: OpenProject, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LARGEST_MANIFEST", 1000)
    with pytest.raises(ReproError, match="too many files"):
        push(opened, f"{fake.host}/a/b:v1")
    assert not fake.requests


def test_the_size_of_a_manifest_is_told_before(opened: OpenProject, fake: Fake) -> None:
    push(opened, f"{fake.host}/a/b:v1")
    layers = json.loads(fake.manifests["v1"])["layers"]
    found = [
        pieces.Piece(
            item["annotations"]["org.opencontainers.image.title"].removesuffix(".zst"),
            item["size"], (), item["mediaType"].removesuffix("+zstd"))
        for item in layers
    ]  # fmt: skip
    packed = {item.path for item, layer in zip(found, layers) if "+zstd" in layer["mediaType"]}
    told = registry.manifest_size(found, lambda piece: piece.path in packed)
    assert 0 <= told - len(fake.manifests["v1"]) < 200
