"""From the installed packages to a lock: every version pinned, with the hashes of its files.

The hashes come from uv, asked for exactly the versions that are installed. What uv cannot find is
pinned without a hash and named, and costs the others nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from repro import canonical, process
from repro.capturing.requirements import parse
from repro.environment.index import PackageSources, without_credentials
from repro.errors import EngineError
from repro.manifest import Finding, Interpreter, Package, PackageOrigin, Severity, to_document

# Goes up when the same packages would give another text.
FORMAT = 1
TIMEOUT = 180.0
"""Seconds that all questions to uv about one lock may take together."""

Hashes = dict[str, tuple[str, ...]]

PASSED_ON = ("PATH", "HOME", "USER", "TMPDIR", "XDG_CACHE_HOME", "LANG", "SYSTEMROOT", "APPDATA")


@dataclass(frozen=True)
class Lock:
    """The lock in requirements format, and what it lacks."""

    text: str
    findings: tuple[Finding, ...] = ()
    complete: bool = True
    """False: an index could not be asked, so a later attempt may know more."""


@dataclass
class _Answer:
    """What one set of sources knows of the pins."""

    hashes: Hashes = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    """Not there, said a source that answered."""
    trouble: dict[str, str] = field(default_factory=dict)
    """Not told, and why: no network, a build that failed."""


def make_lock(
    packages: Sequence[Package],
    python: Path | Interpreter,
    sources: PackageSources,
    cache: Path,
    *,
    env: Mapping[str, str] | None = None,
    offline: bool = False,
) -> Lock:
    """The lock of these packages. ``python`` is the interpreter's path, or what is known of it.

    Editable projects, and what is installed from a folder or file in the workspace, are not in it:
    the recipe installs them from the source. Raises EngineError where uv itself is not there.
    """
    entry = cache / f"lock-{_key(packages, python, sources)}.json"
    if known := _read(entry):
        return known
    pins = {item.name: item for item in packages if item.origin is PackageOrigin.INDEX}
    ask = _Asking(python, os.environ if env is None else env, offline)
    with ThreadPoolExecutor(2) as pool:
        # two questions, because the hashes of a folder here must not hide those that others can use
        asked = [sources.elsewhere, sources] if sources.local else [sources]
        answers = [item.result() for item in [pool.submit(ask, pins, one) for one in asked]]
    everywhere, here = answers[0], answers[-1]
    hashes = _merged(everywhere.hashes, here.hashes)
    for name, package in pins.items():
        if name not in here.absent and not hashes.get(name):
            hashes[name] = _local_hashes(package, sources.folders, cache)
    text = "".join(f"{line}\n" for line in _lines(packages, hashes))
    findings = tuple(_findings(pins, hashes, everywhere, here))
    lock = Lock(text, findings, complete=not (everywhere.trouble or here.trouble))
    if lock.complete:
        document = {"text": text, "findings": to_document(findings)}
        canonical.write_bytes(entry, canonical.dumps(document))
    return lock


# --- the text -------------------------------------------------------------------------------


def _lines(packages: Sequence[Package], hashes: Hashes) -> Iterator[str]:
    for package in sorted(packages, key=lambda item: item.name):
        match package.origin:
            case PackageOrigin.INDEX:
                digests = hashes.get(package.name, ())
                yield _joined(f"{package.name}=={package.version}", digests)
            case PackageOrigin.VCS if package.location:
                url, _, inner = package.location.partition("#")
                at = f"@{package.revision}" if package.revision else ""
                yield f"{package.name} @ {url}{at}{'#' + inner if inner else ''}"
            case PackageOrigin.URL if package.location:
                digests = (package.revision,) if package.revision else ()
                yield _joined(f"{package.name} @ {package.location}", digests)
            case PackageOrigin.LOCAL if package.location is None and package.revision:
                # its folder is no one else's; but whatever source has this very file will do
                yield _joined(f"{package.name}=={package.version}", (package.revision,))


def _joined(pin: str, digests: Iterable[str]) -> str:
    return " \\\n    ".join([pin, *(f"--hash={digest}" for digest in sorted(digests))])


def _merged(*several: Hashes) -> Hashes:
    names = {name for one in several for name in one}
    return {
        name: tuple(sorted({digest for one in several for digest in one.get(name, ())}))
        for name in names
    }


def _local_hashes(package: Package, folders: Iterable[Path], cache: Path) -> tuple[str, ...]:
    """Of the files of that version in a find-links folder, which has no list of hashes itself."""
    stem = re.compile(
        rf"{re.escape(package.name).replace('-', '[-_.]+')}-{re.escape(package.version)}"
        r"(-[^/]*\.whl|\.tar\.gz|\.zip)$",
        re.IGNORECASE,
    )
    found: set[str] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(folder) if stem.match(name)]
            found.update(_file_hash(folder / name, cache) for name in names)
    return tuple(sorted(found))


def _file_hash(path: Path, cache: Path) -> str:
    status = path.stat()
    key = canonical.digest_bytes(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    entry = cache / f"file-{key[7:39]}"
    with contextlib.suppress(OSError):
        return entry.read_text("ascii")
    digest = canonical.digest_file(path)
    canonical.write_bytes(entry, digest.encode())
    return digest


# --- asking uv ------------------------------------------------------------------------------


class _Asking:
    """Asks uv for hashes; leaves out, one by one, the pins that keep it from answering."""

    def __init__(self, python: Path | Interpreter, env: Mapping[str, str], offline: bool) -> None:
        # found here and not in a thread: sysconfig, which uv's package asks, does not bear that
        self._uv, self._offline = _uv(), offline
        if isinstance(python, Path):
            self._target = ("--python", str(python))
        else:
            # any interpreter will do to ask with; this one is certainly here
            self._target = ("--python", sys.executable, "--python-version", python.version)
        self._env = {name: env[name] for name in (*PASSED_ON, "UV_CACHE_DIR") if name in env}
        self._deadline = time.monotonic() + TIMEOUT

    def __call__(self, pins: Mapping[str, Package], sources: PackageSources) -> _Answer:
        answer = _Answer()
        self._ask(dict(pins), sources, answer, self._offline)
        return answer

    def _ask(
        self, pins: dict[str, Package], sources: PackageSources, answer: _Answer, offline: bool
    ) -> None:
        while pins:
            hashes, said = self._run(pins, sources, offline)
            if hashes is not None:
                answer.hashes |= hashes
                return
            guilty = _named(said, pins)
            if _no_network(said):
                if offline:
                    answer.trouble |= dict.fromkeys(pins, said)
                    return
                # uv's own cache may know them, from the day when they were installed
                reason = said
                self._ask(pins, sources, answer, offline=True)
                for name in pins.keys() - answer.hashes.keys():
                    answer.trouble[name] = reason
                return
            if guilty is None:
                self._halve(pins, sources, answer, offline, said)
                return
            if _absent(said) and not offline:
                answer.absent.add(guilty)
            else:
                answer.trouble[guilty] = said
            del pins[guilty]

    def _halve(
        self,
        pins: dict[str, Package],
        sources: PackageSources,
        answer: _Answer,
        offline: bool,
        said: str,
    ) -> None:
        """The message names nobody: the two halves on their own, down to the one who is to blame."""
        names = sorted(pins)
        if len(names) == 1 or time.monotonic() > self._deadline:
            answer.trouble |= dict.fromkeys(names, said)
            return
        for half in (names[: len(names) // 2], names[len(names) // 2 :]):
            self._ask({name: pins[name] for name in half}, sources, answer, offline)

    def _run(
        self, pins: Mapping[str, Package], sources: PackageSources, offline: bool
    ) -> tuple[Hashes | None, str]:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            return None, f"uv had no answer within {TIMEOUT:g} s"
        argv = [
            self._uv, "pip", "compile", "-", "--quiet", "--no-config", "--no-deps",
            "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header",
            "--no-annotate", "--no-strip-extras", "--no-strip-markers", "--prerelease=allow",
            *self._target,
            *(["--offline"] if offline else []),
        ]  # fmt: skip
        lines = "".join(f"{item.name}=={item.version}\n" for item in pins.values())
        env = {"UV_HTTP_RETRIES": "1", **self._env, **sources.env, "UV_PYTHON_DOWNLOADS": "never"}
        if no_index := env.pop("UV_NO_INDEX", None):
            argv += ["--no-index"] if no_index else []
        try:
            done = process.run(argv, stdin=lines.encode(), env=env, timeout=remaining, check=False)
        except process.CommandFailed as error:
            if isinstance(error.__cause__, OSError):
                raise EngineError(f"uv cannot be started: {error}", "pip install uv") from error
            return None, str(error)
        if done.exit_code:
            return None, without_credentials(done.stderr.decode("utf-8", "replace").strip())
        entries = parse(done.stdout.decode("utf-8", "replace"))
        return {entry.name: entry.hashes for entry in entries}, ""


def _uv() -> str:
    try:
        import uv
    except ImportError as error:
        raise EngineError("uv is not installed beside repro", "pip install uv") from error
    try:
        return os.fsdecode(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise EngineError(
            f"uv is incomplete: {error}", "pip install --force-reinstall uv"
        ) from error


def _named(said: str, pins: Mapping[str, Package]) -> str | None:
    """The package that uv's message is about: the pin it spells out, or a name it quotes."""
    for name, package in pins.items():
        pattern = rf"(?<![\w.-]){re.escape(name)}==v?{re.escape(package.version)}(?![\w.+-])"
        if re.search(pattern, said, re.IGNORECASE):
            return name
    quoted = re.findall(r"`([A-Za-z0-9._-]+?)(?:==[^`]*| @[^`]*)?`", said)
    return next((name for name in quoted if name in pins), None)


def _absent(said: str) -> bool:
    return "was not found in the" in said or "there is no version of" in said


def _no_network(said: str) -> bool:
    signs = ("error sending request", "Failed to fetch", "dns error", "Connection refused")
    return any(sign in said for sign in signs)


# --- findings -------------------------------------------------------------------------------


def _findings(
    pins: Mapping[str, Package], hashes: Hashes, everywhere: _Answer, here: _Answer
) -> Iterator[Finding]:
    troubled: dict[str, list[str]] = {}
    for name, package in sorted(pins.items()):
        title = f"{name} {package.version}"
        if name in here.absent and not hashes.get(name):
            local = "+" in package.version
            yield Finding(
                Severity.BREAKS,
                "packages",
                f"{title} is installed, and none of the package sources of this machine has it",
                "name the index it came from: PIP_EXTRA_INDEX_URL or UV_INDEX"
                if local
                else "install a version that an index has, or add the index it came from",
            )
        elif not hashes.get(name):
            reason = here.trouble.get(name) or everywhere.trouble.get(name) or ""
            troubled.setdefault(_short(reason), []).append(title)
        elif name in everywhere.absent:
            yield Finding(
                Severity.RISKS,
                "packages",
                f"{title} is in a folder of this machine only, in no index that others can reach",
                "publish it in an index, or name one that has it: PIP_EXTRA_INDEX_URL or UV_INDEX",
            )
    for reason, titles in sorted(troubled.items()):
        why = f" ({reason})" if reason else ": their source has no list of hashes"
        yield Finding(
            Severity.RISKS,
            "packages",
            f"pinned without a hash: {', '.join(titles)}{why}",
            "capture again when the package index can be reached" if reason else "",
        )


def _short(said: str) -> str:
    """The first line that says something, for a person."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith("warning:")] or lines
    if not useful:
        return ""
    if _no_network(said):
        return "the package index could not be reached"
    return re.sub(r"^error: ", "", useful[0])[:200]


# --- the cache ------------------------------------------------------------------------------


def _key(packages: Sequence[Package], python: Path | Interpreter, sources: PackageSources) -> str:
    facts = {
        "format": FORMAT,
        "packages": sorted(canonical.dumps(to_document(item)).decode() for item in packages),
        "python": str(python),
        # a digest, so that no credentials come to the disk
        "sources": sorted(f"{name}={value}" for name, value in sources.env.items()),
    }
    return canonical.digest_bytes(canonical.dumps(facts)).removeprefix("sha256:")[:32]


def _read(entry: Path) -> Lock | None:
    try:
        document = json.loads(entry.read_bytes())
        findings = tuple(
            Finding(
                Severity(item["severity"]), item["subject"], item["message"], item.get("remedy", "")
            )
            for item in document["findings"]
        )
        return Lock(document["text"], findings)
    except (OSError, ValueError, TypeError, KeyError):
        return None
