"""With which key to sign, and whom to trust, where the command line does not say: git's own settings for
signing with SSH, then the keys that ssh itself would take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from repro.capturing.git import Git
from repro.errors import NotFound
from repro.signing.nouns import Trust

KEYS = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")
"""In ~/.ssh, the best first."""


def key(folder: Path, environ: Mapping[str, str], named: str | None = None) -> str:
    """A path, or a public key itself. Raises NotFound. ``folder``: the work tree whose settings count."""
    if named is not None:
        return str(_absolute(Path.cwd(), named))
    if _git(folder, "gpg.format") == "ssh" and (found := _git(folder, "user.signingkey")):
        literal = found.removeprefix("key::")
        is_literal = literal != found or found.startswith(("ssh-", "ecdsa-", "sk-"))
        return literal if is_literal else str(_absolute(folder, found))
    home = _home(environ)
    for name in KEYS:
        for path in (home / ".ssh" / name, home / ".ssh" / f"{name}.pub"):
            if path.is_file():
                return str(path)
    raise NotFound(
        f"there is no SSH key to sign with, neither in git's settings nor in {home / '.ssh'}",
        "name one: --key FILE; or make one: ssh-keygen -t ed25519",
    )


def may_want_a_touch(key: str) -> bool:
    """Whether it is one of a security key, which waits for its owner and shows nothing meanwhile."""
    return key.startswith("sk-") or "_sk" in Path(key).name


def trust(
    folder: Path,
    named: str | None = None,
    identity: str | None = None,
) -> Trust:
    """Whose signatures count. Raises NotFound where a file that is named is not there."""
    found = named if named is not None else _git(folder, "gpg.ssh.allowedSignersFile")
    base = folder if named is None else Path.cwd()
    allowed = _there(base, found, "allowed signers") if found else None
    revoked = _git(folder, "gpg.ssh.revocationFile")
    return Trust(allowed, identity, _there(folder, revoked, "revoked keys") if revoked else None)


def _there(base: Path, name: str, what: str) -> Path:
    path = _absolute(base, name)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise NotFound(
            f"cannot read the file of {what} {path}: {error.strerror}",
            "name another: --allowed-signers FILE",
        ) from error


def _git(folder: Path, name: str) -> str:
    """The setting; empty where there is none. ``~`` is expanded as git does it."""
    found = Git(folder).attempt("config", "--type=path", "--get", name)
    return os.fsdecode(found.stdout).rstrip("\n") if found.exit_code == 0 else ""


def _absolute(base: Path, name: str) -> Path:
    return Path(os.path.normpath(base / os.path.expanduser(name)))  # noqa: PTH111  Path's own raises where a user is not known


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())
