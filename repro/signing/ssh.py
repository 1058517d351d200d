"""Signatures with SSH keys, made and checked by ssh-keygen: the keys that people have for git already.

ssh-keygen gets fixed arguments; names and paths are words of their own, in which no option can hide. What
it says on stderr is in English whatever the locale, and is only used to explain: its exit code decides.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro import process
from repro.errors import NotFound, ReproError
from repro.process import Completed
from repro.signing.envelope import Signature
from repro.signing.nouns import Checked, State, Trust, is_identity

NAMESPACE = "repro"
"""What keeps a signature over a run from being taken for one over a commit, and the other way round."""
PROGRAM = "ssh-keygen"
OLDEST = "8.2"
_ARMOR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\r?\n[A-Za-z0-9+/=\r\n]{1,32768}-----END SSH SIGNATURE-----\s*"
)
_GOOD = re.compile(
    r'Good "repro" signature (?:for \S+ )?with (\S{1,40}) key (SHA256:[A-Za-z0-9+/]{43})'
)
_PASSED_ON = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY",
              "WAYLAND_DISPLAY", "SSH_SK_PROVIDER", "SYSTEMROOT", "USERPROFILE", "TMPDIR", "TEMP")  # fmt: skip
_SECONDS = 60.0
"""For a check; signing waits for a person."""


@dataclass(frozen=True)
class SshKeygen:
    """The scheme ``ssh``."""

    environ: Mapping[str, str]
    name: str = "ssh"

    # --- signing ---

    def sign(self, message: bytes, key: str) -> Signature:
        """``key``: the path of a private key, or of a public one whose private half the agent has; or
        the public key itself."""
        with tempfile.TemporaryDirectory(prefix="repro-signing-") as scratch:
            path = _key_file(key, Path(scratch))
            file = Path(scratch) / "statement"
            file.write_bytes(message)
            done = self._run("-Y", "sign", "-n", NAMESPACE, "-f", str(path), str(file), ask=True)
            made = file.with_name("statement.sig")
            if done.exit_code or not made.is_file():
                raise _not_signed(key, done)
            sig = made.read_bytes()
            sound = _good(self._looked_at(sig, message, Path(scratch)))
        if sound is None:
            raise ReproError(f"{PROGRAM} made a signature with {key} that it does not take itself")
        return Signature(sound[1], sig)

    # --- checking ---

    def recognises(self, sig: bytes) -> bool:
        return sig.lstrip().startswith(b"-----BEGIN SSH SIGNATURE-----")

    def check(self, signature: Signature, message: bytes, trust: Trust) -> Checked:
        if not _ARMOR.fullmatch(signature.sig):
            return Checked(State.BAD, "the signature is damaged")
        with tempfile.TemporaryDirectory(prefix="repro-signing-") as scratch:
            done = self._looked_at(signature.sig, message, Path(scratch))
            sound = _good(done)
            if sound is None:
                return Checked(State.BAD, _why_bad(_said(done)))
            key_type, key = sound
            if signature.keyid not in ("", key):
                return Checked(State.BAD, f"it says that it is by another key than {key}")
            found = self._owner(Path(scratch) / "sig", message, trust)
        if found.state is State.UNKNOWN:
            found = _unknown(key, trust)
        return replace(found, key=key, key_type=key_type)

    def _looked_at(self, sig: bytes, message: bytes, scratch: Path) -> Completed:
        """Is it a signature over this message, whoever made it? It is in ``scratch/sig`` then."""
        (scratch / "sig").write_bytes(sig)
        words = ("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(scratch / "sig"))
        return self._run(*words, message=message)

    def _owner(self, sig: Path, message: bytes, trust: Trust) -> Checked:
        """Whose signature it is, as the allowed signers know them."""
        if trust.allowed is None:
            return Checked(State.UNKNOWN, "")
        found = self._run("-Y", "find-principals", "-s", str(sig), "-f", str(trust.allowed))
        names, said = _names(found), _said(found)
        for name in [trust.identity] if trust.identity else names:
            done = self._verified(name, sig, message, trust)
            if _good(done):
                return Checked(State.TRUSTED, f"by {name}", identity=name)
            if trust.revoked and _good(
                self._verified(name, sig, message, replace(trust, revoked=None))
            ):
                return Checked(State.REVOKED, f"the key of {name} was revoked", identity=name)
            said += _said(done)
        return _turned_down(said, names, trust)

    def _verified(self, name: str, sig: Path, message: bytes, trust: Trust) -> Completed:
        words = [
            "-Y",
            "verify",
            "-n",
            NAMESPACE,
            "-f",
            str(trust.allowed),
            "-I",
            name,
            "-s",
            str(sig),
        ]
        words += ["-r", str(trust.revoked)] if trust.revoked else []
        return self._run(*words, message=message)

    def _run(self, *words: str, message: bytes | None = None, ask: bool = False) -> Completed:
        """ssh-keygen with these words. Raises NotFound where it is not there, ReproError where it is too
        old for them."""
        program = shutil.which(PROGRAM, path=self.environ.get("PATH"))
        if program is None:
            raise NotFound(
                f"{PROGRAM} is not installed, or not on the PATH",
                f"install OpenSSH's client, {OLDEST} or later: apt install openssh-client",
            )
        env = {name: self.environ[name] for name in _PASSED_ON if name in self.environ}
        done = process.run(
            [program, *words],
            env=env | {"LC_ALL": "C"},
            stdin=message if message is not None else None if ask else b"",
            timeout=None if ask else _SECONDS,
            check=False,
            interactive=ask,
        )
        if done.exit_code and re.search(
            r"(unknown|illegal) option|Unsupported operation", _said(done)
        ):
            raise ReproError(
                f"{program} is too old to sign and to check signatures",
                f"install OpenSSH's client, {OLDEST} or later",
            )
        return done


def _good(done: Completed) -> tuple[str, str] | None:
    """Type and fingerprint of the key, where it took the signature for good; the exit code decides."""
    match = _GOOD.fullmatch(done.stdout.decode("utf-8", "replace").strip())
    match = match if done.exit_code == 0 else None
    return (match[1], match[2]) if match else None


def _names(found: Completed) -> list[str]:
    """Those that the allowed signers have for a key, as far as they can be words of a command."""
    if found.exit_code:
        return []
    lines = found.stdout.decode("utf-8", "replace").splitlines()
    return [name for line in lines if is_identity(name := line.strip())]


def _why_bad(said: str) -> str:
    if "namespace does not match" in said:
        return "it was made for something else (another namespace)"
    if "incorrect signature" in said:
        return "it is not over this statement: one of the two was changed"
    return "the signature is damaged"


def _key_file(key: str, scratch: Path) -> Path:
    """The file of a key; one that is written out is put into a file, for the agent to sign with."""
    if "\n" in key or "\0" in key:
        raise ReproError("a key is one line")
    if re.match(r"(ssh-|ecdsa-|sk-)\S+ \S", key):
        path = scratch / "key.pub"
        path.write_text(key + "\n", "utf-8")
        return path
    path = Path(key).absolute()
    if not path.is_file():
        raise NotFound(f"there is no key {key}", "name one: repro sign RUN --key ~/.ssh/id_ed25519")
    return path


def _not_signed(key: str, done: Completed) -> ReproError:
    said = _said(done)
    if "passphrase" in said:
        return ReproError(
            f"the key {key} has a passphrase, which could not be asked for or was not the right one",
            f"ssh-add {key}, then sign again; or sign at a terminal",
        )
    if "UNPROTECTED PRIVATE KEY" in said:
        return ReproError(f"others may read the private key {key}", f"chmod 600 {key}")
    if "No private key found" in said:
        return ReproError(
            f"the private half of {key} is neither beside it nor in the agent",
            "ssh-add the private key, or name it: --key FILE",
        )
    if "load public key" in said:
        return ReproError(f"{key} is no SSH key", "ssh-keygen -t ed25519 makes one")
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    return ReproError(f"{PROGRAM} did not sign with {key}: {last[0][:200]}")


def _turned_down(said: str, names: list[str], trust: Trust) -> Checked:
    """Why no allowed signer stands for a sound signature, from what was said while looking for one."""
    if "not permitted for use in signature namespace" in said:
        return Checked(
            State.NOT_PERMITTED,
            "the allowed signers let the key sign other things only",
            f'add "{NAMESPACE}" to its namespaces in {trust.allowed}',
        )
    if re.search(
        r"key has expired|key is not yet valid|[Cc]ertificate.*(expired|not yet valid)", said
    ):
        return Checked(
            State.EXPIRED,
            "the key is not valid now; when it really signed, nobody can tell",
            "have it signed again with a key that is valid",
        )
    if names:
        who = f"it is by {', '.join(names)}"
        asked = f", and {trust.identity} was asked for" if trust.identity else ""
        return Checked(State.OTHER_SIGNER, who + asked, identity=names[0])
    return Checked(State.UNKNOWN, "")


def _unknown(key: str, trust: Trust) -> Checked:
    reason = f"good signature by key {key}, but nobody vouches for whose key it is"
    where = trust.allowed or "a file, and name that: --allowed-signers FILE"
    remedy = (
        f"ask the signer for the public key with this fingerprint, and put `NAME KEY` into {where}"
    )
    return Checked(State.UNKNOWN, reason, remedy)


def _said(done: Completed) -> str:
    return (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace").replace("\r", "")
