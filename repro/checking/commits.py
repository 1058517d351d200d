"""Does a remote still have a commit?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repro import canonical, process

PATIENCE = 30.0
"""Seconds that a remote has for its answer."""
_ABSENT = ("not our ref", "couldn't find remote ref", "unadvertised object", "no such remote ref")


def on_remote(
    url: str, commit: str, scratch: Path, environ: Mapping[str, str]
) -> tuple[bool | None, str]:
    """Whether the commit can be fetched from there; None where that was not told, and why.

    Only the commit itself is asked for, into a repository of its own below ``scratch``.
    """
    folder = scratch / canonical.digest_bytes(f"{url} {commit}".encode())[7:23]
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    env = {**environ, **quiet}
    try:
        process.run(["git", "init", "--quiet", "--bare", folder], env=env, timeout=PATIENCE)
        words = ["fetch", "--quiet", "--no-tags", "--depth=1", "--filter=tree:0", "--", url, commit]
        done = process.run(
            ["git", "-C", folder, "-c", "protocol.version=2", *words],
            env=env,
            timeout=PATIENCE,
            check=False,
        )
    except process.CommandFailed as error:
        return None, str(error)
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.exit_code == 0:
        return True, ""
    if any(sign in said for sign in _ABSENT):
        return False, ""
    return None, next((line for line in reversed(said.splitlines()) if line.strip()), "no answer")
