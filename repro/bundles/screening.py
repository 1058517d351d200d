"""Is a manifest from elsewhere one that may be replayed here?

A replay takes names out of it: of files to put somewhere, of folders to make, of places to mount. A
manifest that was recorded has only clean ones; whatever else is refused, before any of it is used.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from repro import canonical
from repro.bundles.refusing import refused
from repro.environment.conda import SCHEMES
from repro.environment.dockerfile import PROVIDED_BY
from repro.errors import Corrupt, NewerSchema
from repro.manifest import Descriptor, EnvironmentKind, Manifest, loads
from repro.strict_json import shown

LARGEST = 1 << 28
"""Bytes of a manifest."""
_PRIVILEGES = frozenset(
    (
        *("binds", "bind_mounts", "cap_add", "capabilities", "cgroup_parent", "cgroupns"),
        *("device_requests", "devices", "host_config", "ipc_mode", "mounts", "network_mode"),
        *("pid_mode", "privileged", "privileges", "runtime", "security_opt", "sysctls"),
        *("userns_mode", "volumes", "volumes_from"),
    )
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ROLES = re.compile(
    r"source/(submodules/.+/)?(commit|worktree)\.pack|data/listings/.+|data/files/[0-9a-f]{32}(\.dir)?"
    r"|inputs/(workspace|home|root)/.+"
    r"|environment/(Dockerfile|requirements\.lock|requirements-unhashed\.txt|conda-explicit\.txt|conda_install\.py)"
)
_LOGS = re.compile(r"log/(stdout|stderr)")


def read(content: bytes) -> Manifest:
    """The manifest, once nothing in it asks for more than a replay gives. Raises Refused, and
    NewerSchema where a later repro wrote it."""
    try:
        manifest = loads(content, "the run's manifest")
    except NewerSchema:
        raise
    except (Corrupt, RecursionError) as error:
        raise refused(shown(str(error)).strip("'\"")) from None
    document = canonical.loads(content)
    if canonical.dumps(document) != content:
        raise refused("the run's manifest is not in its canonical form")
    _no_privileges(document)
    _roles(manifest)
    for where, path in _paths(manifest):
        _check(where, path)
    for where, path in _names(manifest):
        _check_inside(where, path)
    _check_links(manifest)
    _check_places(manifest)
    _check_words(manifest)
    _check_services(manifest)
    _check_conda(manifest)
    _check_patterns(manifest)
    return manifest


def _no_privileges(document: Mapping[str, Any]) -> None:
    """No version of the manifest has such fields; one that has them hopes for a reader that obeys."""
    definition, policy = document.get("definition"), document.get("policy")
    for name, part in (("definition", definition), ("policy", policy)):
        if isinstance(part, dict):
            _search(part, name)


def _search(part: Mapping[str, Any], where: str) -> None:
    if asked := sorted(_PRIVILEGES & part.keys()):
        raise refused(f"its manifest asks for {asked[0]} in its {where}")
    for name in ("command", "environment", "image", "stages"):
        inner = part.get(name)
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, dict):
                _search(item, name)


def _roles(manifest: Manifest) -> None:
    """Every blob has a role that the specification knows, none twice, with a digest and a size."""
    seen: set[str] = set()
    for items, known in ((manifest.contents, _ROLES), (manifest.result.logs, _LOGS)):
        for item in items:
            if not known.fullmatch(item.path) or item.path in seen:
                raise refused(f"its manifest has a blob with the role {shown(item.path)}")
            seen.add(item.path)
            _check("a role", item.path)
    for item in (*manifest.contents, *manifest.result.logs, *manifest.result.outputs,
                 *manifest.definition.inputs):  # fmt: skip
        _blob(item)


def _blob(item: Descriptor) -> None:
    if not _DIGEST.fullmatch(item.digest) or not 0 <= item.size < 1 << 50:
        raise refused(f"its manifest has no digest and size for {shown(item.path)}")


def _paths(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Every path of the manifest that a replay may put something at."""
    definition, result = manifest.definition, manifest.result
    yield from (("a submodule", item.path) for item in definition.source.submodules)
    yield from (("data", item.path) for item in definition.data)
    yield from (("an input", _outside(item.path)) for item in definition.inputs)
    yield from (("an output", _outside(item.path)) for item in result.outputs)


def _names(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Every path and glob that a replay looks at, runs in or clears; `a/../b` is one of them."""
    definition, result, policy = manifest.definition, manifest.result, manifest.policy
    yield "a working directory", definition.working_directory
    yield "the project's folder", manifest.provenance.project
    yield from (("a param's file", item.source) for item in definition.params)
    for stage in definition.command.stages:
        yield "a stage's folder", stage.working_directory
        yield from (("a stage's file", path) for path in (*stage.inputs, *stage.outputs))
    yield from (("a metrics file", item.path) for item in result.metric_sources)
    several = (result.missing_outputs, result.deleted, result.modified_inputs)
    yield from (("a file", _outside(path)) for paths in several for path in paths)
    patterns = (policy.metrics, policy.outputs, map(_outside, policy.ignored_outputs))
    yield from (("a pattern", path) for paths in patterns for path in paths)
    if definition.environment.image:
        yield "a Dockerfile", definition.environment.image.dockerfile or ""


def _outside(path: str) -> str:
    """Without what says that it lies outside of the workspace: the rest has to be as clean."""
    return path[2:] if path.startswith("~/") else path.removeprefix("/")


def _check(where: str, path: str) -> None:
    if len(path) > 4096 or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise refused(f"its manifest has {where} at a path that is not allowed: {shown(path)}")


def _check_inside(where: str, path: str) -> None:
    plain = posixpath.normpath(path)
    if len(path) > 4096 or "\0" in path or plain.startswith("/") or plain.split("/")[0] == "..":
        raise refused(f"its manifest has {where} at a path that is not allowed: {shown(path)}")


def _check_links(manifest: Manifest) -> None:
    """Only the workspace has inputs that are links: what is mounted into a container must be none."""
    for item in manifest.definition.inputs:
        if item.link is not None:
            if item.path.startswith(("/", "~")):
                raise refused(f"its manifest has an input that is a link: {shown(item.path)}")
            _check("a link", item.link.removeprefix("/"))


def _check_places(manifest: Manifest) -> None:
    """The absolute paths that stand for places of the recording machine."""
    where = manifest.provenance
    for name, path in (("workspace", where.workspace), ("prefix", where.prefix)):
        if path is not None:
            if not path.startswith("/") or path == "/":
                raise refused(f"its manifest has a {name} that is no absolute path: {shown(path)}")
            _check(f"its {name}", path[1:])
    if where.workspace and where.workspace.split("/")[1] in ("proc", "sys", "dev"):
        raise refused(f"its manifest has its workspace in {shown(where.workspace)}")


def _check_words(manifest: Manifest) -> None:
    """Texts that become words of commands, variables or files."""
    definition = manifest.definition
    _no_nul("a command", definition.command.argv)
    _no_nul("a command", (line for stage in definition.command.stages for line in stage.commands))
    if not definition.command.argv and not definition.command.stages:
        raise refused("its manifest has no command")
    for name, value in definition.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise refused(f"its manifest sets a variable that cannot be: {shown(name)}")
    words = (
        *definition.environment.tools,
        *manifest.provenance.tags,
        manifest.provenance.branch or "x",
    )
    remotes = manifest.provenance.remotes
    for word in (*words, *remotes, *remotes.values()):
        if word.startswith("-") or re.search(r"[\0-\x1f\x7f]", word):
            raise refused(f"its manifest has a name that is not allowed: {shown(word)}")
    image = definition.environment.image
    if image is None and definition.environment.kind is not EnvironmentKind.PACKAGES:
        return
    if image and not re.fullmatch(r"[\w./:@{}+-]{1,500}", image.reference):
        raise refused(f"its manifest names an image that cannot be: {shown(image.reference)}")


def _check_patterns(manifest: Manifest) -> None:
    """Globs over names of metrics, each of which is held against each name."""
    policy = manifest.policy
    for pattern in (*(item.pattern for item in policy.tolerances), *policy.log_ignored):
        if len(pattern) > 4096:
            raise refused(f"its manifest has a pattern that is too long: {shown(pattern)}")


def _check_services(manifest: Manifest) -> None:
    """Servers that a replay puts others in place of, and programs that it installs."""
    for item in manifest.definition.services:
        plain = re.fullmatch(
            r"https?://[\w.\-]{1,200}(:\d{1,5})?(/[\w./~-]{0,200})?|http://\[[0-9a-f:]{2,40}\](:\d{1,5})?/?",
            item.url,
        )
        if item.name != "mlflow" or not plain or item.variable not in (None, "MLFLOW_TRACKING_URI"):
            raise refused(f"its manifest names a server that cannot be: {shown(item.url)}")
    for name in manifest.definition.environment.tools:
        if name not in PROVIDED_BY:
            raise refused(
                f"its manifest wants a program installed that is not known: {shown(name)}"
            )


def _check_conda(manifest: Manifest) -> None:
    """Each becomes a line of a list that an installer reads."""
    for item in manifest.definition.environment.conda:
        words = (item.name, item.version, item.build)
        plain = all(re.fullmatch(r"[\w.+!~-]{0,300}", word, re.ASCII) for word in words)
        reachable = item.url is None or (
            item.url.startswith(SCHEMES)
            and re.fullmatch(r"[!-~]{1,2000}\.(conda|tar\.bz2)", item.url)
            and "#" not in item.url
        )
        digests = ((item.md5, 32), (item.sha256, 64))
        told = all(not word or re.fullmatch(f"[0-9a-f]{{{size}}}", word) for word, size in digests)
        if not (item.name and plain and reachable and told):
            raise refused(f"its manifest has a package of conda that cannot be: {shown(item.name)}")


def _no_nul(what: str, words: Iterable[str]) -> None:
    for word in words:
        if "\0" in word:
            raise refused(f"its manifest has {what} with a NUL character: {shown(word)}")
