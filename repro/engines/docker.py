"""The real engine: Docker, through docker-py (imported here only).

Environments are built without a builder: a container from the base, the recipe's commands executed in
it with uv and one shared download cache mounted, then a commit. It needs no BuildKit, is several times
faster than `docker build` with pip, and what the build may use (proxies, credentials, certificates)
exists only in the environment of those commands, so no trace of it can stay in the image.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests.exceptions
from docker.models.containers import Container
from docker.types import DeviceRequest, Mount

from repro import process
from repro.capturing import host
from repro.engines import uv as tools
from repro.engines.base import Job, Ready, Site
from repro.environment.recipe import VENV, NoInterpreter, Recipe, relaxed
from repro.errors import EngineError, NotFound, ReproError, Unreplayable
from repro.manifest import EnvironmentKind, Finding, Image, Severity
from repro.process import Execution, Sink
from repro.progress import Progress
from repro.sessions import Session

REPOSITORY = "repro-env"
"""Local name of the environment images; their tag is the recipe's key."""
CACHE_VOLUME = "repro-uv-cache"
UNPRIVILEGED = 1000
"""uid and gid of a replay whose caller is root."""
PROCESS_LIMIT = 8192
STARTING = "start it (systemctl start docker, or Docker Desktop), or replay without isolation: --engine venv"


FACTS = "org.repro.facts"
_ASK = """
import json, os, platform, sysconfig
site = sysconfig.get_paths()["platlib"]
release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
libc = " ".join(platform.libc_ver())
print(json.dumps({
    "distribution": release.get("PRETTY_NAME", "").strip('"') or None,
    "libc": libc or None,
    "python": platform.python_implementation() + " " + platform.python_version(),
    "blas": [
        package + ": " + name
        for package in ("numpy", "scipy", "torch")
        for place in (package + ".libs", package + "/lib")
        if os.path.isdir(os.path.join(site, place))
        for name in os.listdir(os.path.join(site, place))
        if not os.path.islink(os.path.join(site, place, name))
    ],
}))
"""


class DockerEngine:
    """A Docker Engine, as DOCKER_HOST or the current docker context names it."""

    name = "docker"
    isolation = "container"

    def __init__(self, environ: Mapping[str, str]) -> None:
        try:
            self._client = docker.DockerClient(**_address(environ), timeout=600)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise EngineError(
                f"the Docker Engine does not answer: {_short(error)}", STARTING
            ) from error

    def version(self) -> str:
        with _explained("asking for its version"):
            about = self._client.version()
        return f"Docker {about.get('Version', '?')} (API {about.get('ApiVersion', '?')})"

    # --- images ---

    def resolve(self, reference: str, *, pull: bool = False) -> Image:
        """What a reference stands for now: its registry digest and, where it is here, its id.

        Raises NotFound where neither the engine nor the registry knows it.
        """
        try:
            found = self._client.images.get(reference)
        except docker.errors.ImageNotFound:
            if not pull:
                return Image(reference, digest=self._registry_digest(reference))
            found = self._pull(reference)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise EngineError(
                f"cannot look up image {reference}: {_short(error)}", STARTING
            ) from error
        return Image(reference, digest=_digest_of(found, reference), id=found.id)

    def _registry_digest(self, reference: str) -> str:
        try:
            return str(self._client.images.get_registry_data(reference).id)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise NotFound(
                f"image {reference} is neither in the engine nor to be had from its registry: {_short(error)}",
                "check the name, `docker login` where the registry is private, or build it first",
            ) from error

    def _pull(self, reference: str) -> Any:
        try:
            pulled = self._client.images.pull(reference)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise NotFound(
                f"image {reference} is not in the engine and cannot be pulled: {_short(error)}",
                "check the name, `docker login` where the registry is private, or build it first",
            ) from error
        return pulled[0] if isinstance(pulled, list) else pulled

    def bases(self, dockerfile: Path) -> dict[str, str | None]:
        """The images that a Dockerfile starts from, each with its digest where that can be told."""
        try:
            text = dockerfile.read_text("utf-8", "replace")
        except OSError as error:
            raise NotFound(f"there is no Dockerfile {dockerfile.name}: {error.strerror}") from error
        stages = {name.lower() for name in re.findall(r"(?im)^\s*FROM\s+\S+\s+AS\s+(\S+)", text)}
        found: dict[str, str | None] = {}
        for name in re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)", text):
            if name.lower() in stages or name == "scratch" or "$" in name:
                continue
            try:
                found[name] = self.resolve(name).digest
            except NotFound:
                found[name] = None
        return found

    # --- environments ---

    def place(self, workspace: Path, recorded: str) -> str:
        return recorded

    def adopt(self, workspace: Path) -> None:
        """A replay of root's is not root inside, and must be able to write into its workspace."""
        _give_all(workspace)

    def prepare(self, recipe: Recipe, site: Site, progress: Progress) -> Ready:
        clock = time.monotonic()
        match recipe.kind:
            case EnvironmentKind.IMAGE:
                image = self._base(recipe.image, progress)
                return Ready(str(image.id), True, time.monotonic() - clock, image)
            case EnvironmentKind.DOCKERFILE:
                image, reused = self._from_dockerfile(recipe, site, progress)
                findings = _moved(recipe, image)
            case EnvironmentKind.PACKAGES:
                image, reused, findings = self._from_packages(recipe, site, progress)
        seconds = time.monotonic() - clock
        facts = self._known_facts(image)
        environment = VENV if recipe.kind is EnvironmentKind.PACKAGES else None
        return Ready(str(image.id), reused, seconds, image, findings, environment, facts)

    def _base(self, wanted: Image, progress: Progress) -> Image:
        """The image that was recorded, by id, by digest, and only then by its name."""
        tried = []
        for reference in _references(wanted):
            try:
                found = self._client.images.get(reference)
            except docker.errors.ImageNotFound:
                tried.append(reference)
                continue
            except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
                raise EngineError(
                    f"cannot look up {reference}: {_short(error)}", STARTING
                ) from error
            return Image(wanted.reference, _digest_of(found, wanted.reference), found.id)
        reference = _pinned(wanted)
        progress.detail(f"pulling {reference}")
        try:
            return Image(wanted.reference, wanted.digest, self._pull(reference).id)
        except NotFound as error:
            raise Unreplayable(
                f"the image {wanted.reference} could not be had: tried "
                f"{', '.join([*tried, f'pulling {reference}'])}",
                error.hint,
            ) from error

    def _from_packages(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool, tuple[Finding, ...]]:
        if known := self._known(recipe):
            return known, True, ()
        base = self._base(recipe.image, progress)
        try:
            return self._built(recipe, base, site, progress), False, ()
        except NoInterpreter:
            plan, finding = relaxed(recipe)
        progress.detail(finding.message)
        if known := self._known(plan):
            return known, True, (finding,)
        try:
            return self._built(plan, base, site, progress), False, (finding,)
        except NoInterpreter as error:
            raise Unreplayable(
                f"the base image {recipe.image.reference} has no Python {plan.python_version}, and none "
                "could be downloaded into it",
                "name an image that has it: `image:` in repro.yaml, or REPRO_BASE_IMAGE",
            ) from error

    def _known(self, recipe: Recipe) -> Image | None:
        tag = f"{REPOSITORY}:{_tag(recipe.key)}"
        try:
            with _explained("looking up the environment"):
                return Image(tag, id=self._client.images.get(tag).id)
        except docker.errors.ImageNotFound:
            return None

    def _built(self, recipe: Recipe, base: Image, site: Site, progress: Progress) -> Image:
        tag = f"{REPOSITORY}:{_tag(recipe.key)}"
        progress.step(f"building the environment: {recipe.summary}")
        with self._container(site.session, **self._build_options(recipe, site, base)) as container:
            container.start()
            for command in recipe.commands(uv="/repro/uv", folder="/repro/in"):
                progress.detail(" ".join(command))
                self._exec(container, command, tools.build_environment(site.sources))
            facts = self._facts(container)
            with _explained("committing the environment"):
                made = self._client.api.commit(
                    container.id,
                    repository=REPOSITORY,
                    tag=_tag(recipe.key),
                    pause=False,
                    changes=[
                        *(f"ENV {name}={value}" for name, value in recipe.variables.items()),
                        *self._as_in(base),
                        f"LABEL org.repro.key={recipe.key}",
                        f"LABEL {FACTS}={json.dumps(json.dumps(facts))}",
                    ],
                )
        return Image(tag, id=made["Id"])

    def _as_in(self, base: Image) -> tuple[str, ...]:
        """Instructions that give the environment its base's own start, not that of the build."""
        config = self._config(base)
        return (
            # an empty one would leave that of the build's container in place
            *(f"ENTRYPOINT {json.dumps(start)}" for start in [config.get("Entrypoint")] if start),
            f"CMD {json.dumps(config.get('Cmd') or ['python3'])}",
            f"USER {config.get('User') or 'root'}",
        )

    def _facts(self, container: Container) -> dict[str, Any]:
        """What the inside says of itself, for setting beside the recorded host."""
        code, said = container.exec_run([f"{VENV}/bin/python", "-c", _ASK])
        if code:
            return {}
        try:
            answer = json.loads(said)
            return {**answer, "blas": host.blas_named(answer.pop("blas"))}
        except (ValueError, KeyError, TypeError):
            return {}

    def _known_facts(self, image: Image) -> dict[str, Any]:
        label = (self._config(image).get("Labels") or {}).get(FACTS)
        found: dict[str, Any] = json.loads(label) if label else {}
        if isinstance(found.get("blas"), list):
            found["blas"] = tuple(found["blas"])
        return {"distribution": None, "libc": None, "blas": None, **found}

    def _config(self, image: Image) -> dict[str, Any]:
        found: dict[str, Any] = self._client.images.get(image.id).attrs.get("Config") or {}
        return found

    def _build_options(self, recipe: Recipe, site: Site, base: Image) -> dict[str, Any]:
        folder = site.session.folder(f"recipe-{os.urandom(3).hex()}")
        for name, content in recipe.files.items():
            (folder / name).write_text(content, "utf-8")
        mounts = [
            Mount(
                "/repro/uv",
                str(tools.linux_uv(self._client.info().get("Architecture", ""))),
                type="bind",
                read_only=True,
            ),
            Mount("/repro/in", str(folder), type="bind", read_only=True),
            Mount("/repro/cache", CACHE_VOLUME, type="volume"),
        ]
        mounts += [
            Mount(str(path), str(path), type="bind", read_only=True) for path in site.sources.mounts
        ]
        if site.sources.ca_bundle:
            mounts.append(
                Mount(tools.CA_INSIDE, str(site.sources.ca_bundle), type="bind", read_only=True)
            )
        if recipe.needs_source:
            mounts.append(Mount(site.inside, str(site.workspace), type="bind"))
        return {
            "image": base.id,
            **(
                {"entrypoint": ["sleep"], "command": ["86400"]}
                if self._config(base).get("Entrypoint")
                else {"command": ["sleep", "86400"]}
            ),
            "user": "0:0",
            "mounts": mounts,
            "network_mode": "host" if tools.uses_loopback(site.sources) else "bridge",
        }

    def _exec(self, container: Container, command: tuple[str, ...], env: dict[str, str]) -> None:
        with _explained("building the environment"):
            code, output = container.exec_run(list(command), environment=env)
        if code and command[1] == "venv":
            raise NoInterpreter(_telling(output))
        if code:
            raise Unreplayable(
                f"the environment could not be built: `{' '.join(command[:4])} …` failed: "
                f"{_telling(output)}",
                "the whole output is above with --verbose; `repro doctor` checks index and network",
            )

    def _from_dockerfile(
        self, recipe: Recipe, site: Site, progress: Progress
    ) -> tuple[Image, bool]:
        wanted = recipe.image
        with contextlib.suppress(docker.errors.DockerException):
            if wanted.id:
                return Image(wanted.reference, id=self._client.images.get(wanted.id).id), True
        tag = f"{REPOSITORY}:{_tag(recipe.key)}"
        with (
            contextlib.suppress(docker.errors.ImageNotFound),
            _explained("looking up the environment"),
        ):
            return Image(wanted.reference, id=self._client.images.get(tag).id), True
        return self.build_dockerfile(
            site.workspace, str(wanted.dockerfile), tag, site, progress
        ), False

    def build_dockerfile(
        self, context: Path, dockerfile: str, tag: str, site: Site, progress: Progress
    ) -> Image:
        """Build the project's own Dockerfile; the context is a restored source, never the work tree."""
        progress.step(f"building {dockerfile}")
        proxies = {
            name: value
            for name, value in site.sources.env.items()
            if name.lower().endswith("_proxy")
        }
        try:
            for line in self._client.api.build(
                path=str(context), dockerfile=dockerfile, tag=tag, rm=True, forcerm=True, decode=True,
                buildargs=proxies, network_mode="host" if tools.uses_loopback(site.sources) else None,
            ):  # fmt: skip
                if "error" in line:
                    raise Unreplayable(
                        f"{dockerfile} could not be built: {line['error'].strip()}",
                        f"build it by hand to see more: docker build -f {dockerfile} .",
                    )
                if text := line.get("stream", "").strip():
                    progress.detail(text)
            return Image(dockerfile, id=self._client.images.get(tag).id, dockerfile=dockerfile)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise Unreplayable(f"{dockerfile} could not be built: {_short(error)}") from error

    # --- execution ---

    def execute(self, ready: Ready, job: Job, sink: Sink) -> Execution:
        with self._container(job.session, **self._run_options(ready, job)) as container:
            return _Running(self._client, container).to_end(sink)

    def _run_options(self, ready: Ready, job: Job) -> dict[str, Any]:
        user, group = _identity(job)
        home = job.session.folder(f"home-{os.urandom(3).hex()}")
        _give(home, user, group)
        mounts = [
            Mount(job.inside, str(job.workspace), type="bind"),
            Mount("/repro/home", str(home), type="bind"),
        ]
        if user != 0 and job.inside.startswith("/root/"):
            # only root may enter the image's /root, and the recorded path lies below it
            above = job.session.folder(f"above-{os.urandom(3).hex()}")
            above.chmod(0o755)
            mounts.insert(0, Mount("/root", str(above), type="bind"))
        env = {"HOME": "/repro/home", "USER": "repro", "LOGNAME": "repro", **job.env}
        options: dict[str, Any] = {
            "image": ready.handle,
            "command": list(job.argv),
            "user": f"{user}:{group}",
            "working_dir": f"{job.inside}/{job.working_directory}".rstrip("/"),
            "environment": env,
            "mounts": mounts,
            "network_mode": "bridge" if job.network else "none",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": PROCESS_LIMIT,
            "shm_size": _shared_memory(),
            "init": True,
            "stdin_open": False,
        }
        if job.cpus is not None:
            options["cpuset_cpus"] = ",".join(map(str, self._cpus(job.cpus)))
        if job.memory is not None:
            options["mem_limit"] = job.memory
        if job.gpus:
            options["device_requests"] = [DeviceRequest(count=-1, capabilities=[["gpu"]])]
        return options

    def _cpus(self, wanted: int) -> list[int]:
        if platform.system() == "Linux":
            return sorted(os.sched_getaffinity(0))[:wanted]
        return list(range(min(wanted, int(self._client.info().get("NCPU", wanted)))))

    @contextlib.contextmanager
    def _container(self, session: Session, **options: Any) -> Iterator[Container]:
        """A created container, gone when the block ends."""
        session.expect_containers()
        name = f"repro-{session.name}-{os.urandom(3).hex()}"
        try:
            with _explained("creating a container"):
                container = self._client.containers.create(name=name, **options)
            yield container
        finally:
            with _uninterrupted(), contextlib.suppress(docker.errors.NotFound):
                self._client.api.remove_container(name, force=True, v=True)

    def remove_containers(self, session_name: str) -> None:
        """Remove what a killed repro left: the containers that carry its session's name."""
        with _explained("removing containers"):
            pattern = re.compile(rf"/repro-{re.escape(session_name)}-")
            for found in self._client.api.containers(all=True):
                if any(pattern.match(name) for name in found.get("Names") or ()):
                    with contextlib.suppress(docker.errors.NotFound):
                        self._client.api.remove_container(found["Id"], force=True, v=True)


class _Running:
    """A container from its start to its end: output, interrupt, peak memory."""

    def __init__(self, client: docker.DockerClient, container: Container) -> None:
        self._client, self._container = client, container
        self._peak: int | None = None

    def to_end(self, sink: Sink) -> Execution:
        api = self._client.api
        # attached before the start, so that no line can be missed
        stream = api.attach(self._container.id, stream=True, demux=True, stdout=True, stderr=True)
        started, clock = time.time(), time.monotonic()
        try:
            self._container.start()
        except docker.errors.APIError as error:
            raise _not_started(error) from error
        threading.Thread(target=self._watch_memory, daemon=True).start()
        interrupted = self._pump(stream, sink)
        with _explained("waiting for the container"):
            status = api.wait(self._container.id)
        state = api.inspect_container(self._container.id)["State"]
        duration = _seconds(state) or time.monotonic() - clock
        if state.get("OOMKilled"):
            sink.stderr(b"repro: the container was ended because it ran out of memory\n")
        return Execution(int(status["StatusCode"]), started, duration, self._peak, interrupted)

    def _pump(self, stream: Iterator[tuple[bytes | None, bytes | None]], sink: Sink) -> bool:
        interrupted = False
        while True:
            try:
                for out, err in stream:
                    if out:
                        sink.stdout(out)
                    if err:
                        sink.stderr(err)
                return interrupted
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                with _uninterrupted(), contextlib.suppress(docker.errors.APIError):
                    self._container.kill("SIGINT")
                threading.Timer(process.GRACE, self._kill).start()
                return interrupted

    def _kill(self) -> None:
        with contextlib.suppress(
            docker.errors.DockerException, requests.exceptions.RequestException
        ):
            self._container.kill()

    def _watch_memory(self) -> None:
        # sampled about once a second: the engine keeps no peak that outlives the container
        with contextlib.suppress(Exception):
            for sample in self._container.stats(stream=True, decode=True):
                usage = sample.get("memory_stats", {})
                seen = max(usage.get("max_usage") or 0, usage.get("usage") or 0)
                if seen:
                    self._peak = max(self._peak or 0, seen)


def _address(environ: Mapping[str, str]) -> dict[str, Any]:
    if environ.get("DOCKER_HOST"):
        return docker.utils.kwargs_from_env(environment=dict(environ))
    if platform.system() != "Windows" and not Path("/var/run/docker.sock").exists():
        # Docker Desktop, Colima and rootless engines are reached through a context
        with contextlib.suppress(Exception):
            context = docker.ContextAPI.get_current_context()
            if context and context.Host:
                return {"base_url": context.Host, "tls": context.TLSConfig}
    return {}


def _identity(job: Job) -> tuple[int, int]:
    """uid and gid inside: the caller's; never root, but for recording in an image as the owner."""
    if platform.system() != "Linux":
        return UNPRIVILEGED, UNPRIVILEGED  # Docker Desktop maps file ownership by itself
    if job.as_owner:
        status = job.workspace.stat()
        return status.st_uid, status.st_gid
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    return UNPRIVILEGED, UNPRIVILEGED


def _give(path: Path, user: int, group: int) -> None:
    if platform.system() == "Linux" and os.getuid() == 0:
        os.chown(path, user, group, follow_symlinks=False)


def _give_all(folder: Path) -> None:
    if platform.system() != "Linux" or os.getuid() != 0:
        return
    user = group = UNPRIVILEGED
    os.chown(folder, user, group)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), user, group, follow_symlinks=False)  # noqa: PTH118


def _shared_memory() -> int:
    """Bytes of /dev/shm: half the machine, as on a host; Docker's 64 MB break data loaders."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 2 << 30


def _references(image: Image) -> list[str]:
    """How the engine may know the image, most exact first; a bare name only when nothing pins it."""
    found = [image.id] if image.id else []
    if image.digest:
        found.append(_pinned(image))
    return found or [image.reference]


def _pinned(image: Image) -> str:
    if not image.digest:
        return image.reference
    return f"{_repository(image.reference)}@{image.digest}"


def _repository(reference: str) -> str:
    name = reference.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def _digest_of(image: Any, reference: str) -> str | None:
    wanted = _repository(reference)
    digests = dict(item.split("@", 1) for item in image.attrs.get("RepoDigests") or ())
    return digests.get(wanted)


def _moved(recipe: Recipe, image: Image) -> tuple[Finding, ...]:
    if recipe.kind is EnvironmentKind.DOCKERFILE and recipe.image.id not in (None, image.id):
        return (
            Finding(
                Severity.RISKS,
                "image",
                f"{recipe.image.dockerfile} was built anew: image {str(image.id)[:19]}, recorded "
                f"{str(recipe.image.id)[:19]}",
                "a Dockerfile that installs without pins builds something else each time",
            ),
        )
    return ()


def _tag(key: str) -> str:
    return key.removeprefix("sha256:")[:32]


def _seconds(state: Mapping[str, Any]) -> float | None:
    try:
        started, ended = (_moment(state[name]) for name in ("StartedAt", "FinishedAt"))
    except (KeyError, ValueError):
        return None
    return max(0.0, ended - started)


def _moment(text: str) -> float:
    from datetime import datetime

    whole, _, fraction = text.rstrip("Z").partition(".")
    base = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return base + float(f"0.{re.sub(r'[^0-9].*', '', fraction) or 0}")


def _telling(output: bytes) -> str:
    """The line of a failed build that says most."""
    lines = [
        line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()
    ]
    telling = [line for line in lines if re.search(r"error|fail|no solution|not found", line, re.I)]
    return " ".join((telling or lines or ["no output"])[-3:])[:600]


def _not_started(error: docker.errors.APIError) -> ReproError:
    text = _short(error)
    if re.search(r"executable file not found|no such file or directory", text, re.I):
        return Unreplayable(
            f"the command is not in the image: {text}", "check the command and the image"
        )
    if re.search(r"could not select device driver|nvidia", text, re.I):
        return Unreplayable(
            f"the run had a GPU, and this engine cannot give one: {text}",
            "install the NVIDIA Container Toolkit, or replay on the CPU: --no-gpu",
        )
    return EngineError(f"the container could not be started: {text}")


def _short(error: BaseException) -> str:
    text = getattr(error, "explanation", None) or str(error)
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if "FileNotFoundError" in text or ("No such file" in text and "sock" in text):
        return "no engine is running (its socket is not there)"
    if "Connection refused" in text or "ConnectionRefused" in text:
        return "connection refused"
    if "Permission denied" in text:
        return "permission denied on its socket (are you in the group `docker`?)"
    return " ".join(str(text).split())[:400]


@contextlib.contextmanager
def _explained(doing: str) -> Iterator[None]:
    try:
        yield
    except docker.errors.ImageNotFound:
        raise
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise EngineError(
            f"the Docker Engine failed while {doing}: {_short(error)}", STARTING
        ) from error


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Clearing up goes to its end: a second Ctrl-C waits until it is done."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
