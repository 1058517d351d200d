"""Signatures with real keys by the real ssh-keygen; what keeps one from counting."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_keys import Keys

from repro.errors import NotFound, ReproError, UsageError
from repro.signing.envelope import Signature
from repro.signing.nouns import Checked, State, Trust
from repro.signing.ssh import SshKeygen

MESSAGE = b"DSSEv1 1 x 1 y\0\xff"
ADA = "ada@example.org"


def ssh(**changes: str) -> SshKeygen:
    return SshKeygen({**os.environ, **changes})


def check(signature: Signature, trust: Trust, message: bytes = MESSAGE) -> Checked:
    return ssh().check(signature, message, trust)


@pytest.fixture(scope="module")
def by_ada(keys: Keys) -> Signature:
    return ssh().sign(MESSAGE, keys("ada"))


# --- sound signatures -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "ecdsa")])
def test_keys_of_every_kind_sign(keys: Keys, kind: tuple[str, ...]) -> None:
    name = kind[1]
    made = ssh().sign(MESSAGE, keys(name, *kind))
    assert made.keyid == keys.fingerprint(name)
    found = check(made, Trust(keys.allowed(f"{ADA} {name}", name=f"allowed-{name}")))
    assert (found.state, found.identity, found.key) == (State.TRUSTED, ADA, made.keyid)


def test_without_allowed_signers_nobody_vouches(keys: Keys, by_ada: Signature) -> None:
    for trust in (Trust(), Trust(keys.allowed("ben@example.org ben", name="only-ben"))):
        found = check(by_ada, trust)
        assert found.state is State.UNKNOWN and found.identity is None
        assert found.reason == (
            f"good signature by key {by_ada.keyid}, but nobody vouches for whose key it is"
        )
        assert "NAME KEY" in found.remedy


def test_only_who_was_asked_for_counts(keys: Keys, by_ada: Signature) -> None:
    allowed = keys.allowed(f"{ADA} ada", "ben@example.org ben", name="both")
    assert check(by_ada, Trust(allowed, ADA)).state is State.TRUSTED
    found = check(by_ada, Trust(allowed, "ben@example.org"))
    assert found.state is State.OTHER_SIGNER and found.identity == ADA
    assert check(by_ada, Trust(allowed, "ada@example.or")).state is State.OTHER_SIGNER


def test_lines_that_mean_nothing_are_passed_over(keys: Keys, by_ada: Signature) -> None:
    allowed = keys.allowed(f"{ADA} ada", name="with-junk")
    allowed.write_text("# comment\n\nnonsense\n-x -y\n" + allowed.read_text())
    assert check(by_ada, Trust(allowed)).state is State.TRUSTED


def test_a_certificate_of_an_allowed_authority_counts(keys: Keys) -> None:
    keys("holder"), keys("authority")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", keys("authority"), "-I", "id", "-n", ADA, "-V", "+1w",
         f"{keys('holder')}.pub"], check=True,
    )  # fmt: skip
    made = ssh().sign(MESSAGE, f"{keys('holder')}-cert.pub")
    allowed = keys.allowed("*@example.org cert-authority authority", name="authorities")
    assert check(made, Trust(allowed)).identity == ADA
    assert check(made, Trust(keys.allowed(f"{ADA} ada"))).state is State.UNKNOWN


# --- signatures that do not count -----------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ('valid-before="20200101"', State.EXPIRED),
        ('valid-after="20990101"', State.EXPIRED),
        ('namespaces="git"', State.NOT_PERMITTED),
        ('namespaces="git,repro",valid-after="20200101",valid-before="20990101"', State.TRUSTED),
        ("cert-authority", State.UNKNOWN),
    ],
)
def test_options_of_the_allowed_signers_count(
    keys: Keys, by_ada: Signature, options: str, state: State
) -> None:
    allowed = keys.allowed(f"{ADA} {options} ada", name="with-options")
    for trust in (Trust(allowed), Trust(allowed, ADA)):
        assert check(by_ada, trust).state is state


def test_a_second_line_may_permit_what_the_first_does_not(keys: Keys, by_ada: Signature) -> None:
    lines = (f'{ADA} valid-before="20200101" ada', f"{ADA} ada")
    assert check(by_ada, Trust(keys.allowed(*lines, name="twice"))).state is State.TRUSTED


def test_a_revoked_key_does_not_count(keys: Keys, by_ada: Signature, tmp_path: Path) -> None:
    allowed = keys.allowed(f"{ADA} ada", name="revoking")
    plain, krl = tmp_path / "plain", tmp_path / "krl"
    plain.write_text(keys.public("ada") + "\n")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", krl, f"{keys('ada')}.pub"], check=True)
    for revoked in (plain, krl):
        assert check(by_ada, Trust(allowed, revoked=revoked)).state is State.REVOKED
    plain.write_text(keys.public("ben") + "\n")
    assert check(by_ada, Trust(allowed, revoked=plain)).state is State.TRUSTED


def test_nothing_else_is_signed(keys: Keys, by_ada: Signature) -> None:
    trust = Trust(keys.allowed(f"{ADA} ada", name="else"))
    for other in (MESSAGE + b" ", MESSAGE[:-1], b"", MESSAGE.replace(b"y", b"z")):
        found = check(by_ada, trust, other)
        assert found.state is State.BAD and found.key is None


def test_another_namespace_is_something_else(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MESSAGE)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", keys("ada"), tmp_path / "m"], check=True,
        capture_output=True,
    )  # fmt: skip
    found = check(
        Signature("", (tmp_path / "m.sig").read_bytes()),
        Trust(keys.allowed(f"{ADA} ada", name="namespace")),
    )
    assert found.state is State.BAD and "namespace" in found.reason


def test_a_hint_to_another_key_makes_it_bad(keys: Keys, by_ada: Signature) -> None:
    trust = Trust(keys.allowed(f"{ADA} ada", name="hint"))
    assert check(Signature("", by_ada.sig), trust).state is State.TRUSTED
    assert check(Signature(keys.fingerprint("ben"), by_ada.sig), trust).state is State.BAD


def test_every_byte_of_a_signature_counts(keys: Keys, by_ada: Signature) -> None:
    trust = Trust(keys.allowed(f"{ADA} ada", name="bytes"))
    lines = by_ada.sig.splitlines()
    for at in (30, 90, 150, 200, len(by_ada.sig) - 40):
        other = b"A" if by_ada.sig[at : at + 1] != b"A" else b"B"
        sig = by_ada.sig[:at] + other + by_ada.sig[at + 1 :]
        assert check(Signature("", sig), trust).state is State.BAD
    for sig in (b"\n".join(lines[:-1]), b"\n".join([lines[0], lines[-1]]), lines[0],
                by_ada.sig + b"x", by_ada.sig * 2, b"x" + by_ada.sig, by_ada.sig[:50] + b"\0"):  # fmt: skip
        assert check(Signature("", sig), trust).state is State.BAD


@pytest.mark.parametrize("name", ["-x", "--", "", "a b", "a\nb", "a\0b", "a,b", '"a"', "x" * 201])
def test_what_could_be_an_option_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        Trust(identity=name)


# --- keys that cannot sign ------------------------------------------------------------------


def test_a_passphrase_that_cannot_be_asked_for(keys: Keys) -> None:
    key = keys("locked", "-t", "ed25519", passphrase="open sesame")
    script = (
        "import os, sys; from repro.signing.ssh import SshKeygen;"
        "from repro.errors import ReproError\n"
        "try: SshKeygen(dict(os.environ)).sign(b'x', sys.argv[1])\n"
        "except ReproError as error: print(error, error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, key], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, start_new_session=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "DISPLAY"},
    )  # fmt: skip
    assert "has a passphrase" in done.stdout and f"ssh-add {key}" in done.stdout


def test_a_passphrase_is_asked_for_at_a_terminal(keys: Keys) -> None:
    key = keys("locked", "-t", "ed25519", passphrase="open sesame")
    script = (
        "import os, sys; from repro.signing.ssh import SshKeygen;"
        "print(SshKeygen(dict(os.environ)).sign(b'x', sys.argv[1]).keyid)"
    )
    child, terminal = pty.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, "-c", script, key])
    said = b""
    deadline = time.monotonic() + 60
    while b"passphrase" not in said:
        assert time.monotonic() < deadline
        said += os.read(terminal, 1000)
    os.write(terminal, b"open sesame\n")
    try:
        while chunk := os.read(terminal, 1000):
            said += chunk
    except OSError:
        pass  # the other end is closed
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert keys.fingerprint("locked").encode() in said


@pytest.fixture
def agent(keys: Keys, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of an agent that has the key `kept`; the file of its private half is gone."""
    key = Path(keys("kept"))
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            time.sleep(0.01)
        env = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        if key.exists():
            subprocess.run(["ssh-add", "-q", key], env=env, check=True)
            key.rename(tmp_path / "hidden")
        yield {"SSH_AUTH_SOCK": str(socket)}
        (tmp_path / "hidden").rename(key)
        process.terminate()


def test_a_key_in_the_agent_signs(keys: Keys, agent: dict[str, str]) -> None:
    public = Path(keys.folder / "kept.pub")
    for key in (str(public), public.read_text().strip()):
        made = ssh(**agent).sign(MESSAGE, key)
        allowed = keys.folder / "allowed-kept"
        allowed.write_text(f"{ADA} {public.read_text()}")
        assert check(made, Trust(allowed)).state is State.TRUSTED
        with pytest.raises(ReproError, match=r"neither beside it nor in the agent"):
            ssh().sign(MESSAGE, key)


def test_keys_that_are_none_are_one_line(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "-f").write_text("hello")
    for path in (tmp_path / "text", tmp_path / "-f"):
        with pytest.raises(ReproError, match="is no SSH key"):
            ssh().sign(MESSAGE, str(path))
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(NotFound, match="there is no key"):
            ssh().sign(MESSAGE, str(path))
    open_to_all = Path(keys("readable"))
    open_to_all.chmod(0o644)
    with pytest.raises(ReproError, match="others may read"):
        ssh().sign(MESSAGE, str(open_to_all))


# --- ssh-keygen -----------------------------------------------------------------------------


def program(folder: Path, text: str) -> str:
    path = folder / "ssh-keygen"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(folder)


def test_no_ssh_keygen_is_one_line(keys: Keys, by_ada: Signature, tmp_path: Path) -> None:
    for call in (
        lambda: ssh(PATH=str(tmp_path)).sign(MESSAGE, keys("ada")),
        lambda: ssh(PATH=str(tmp_path)).check(by_ada, MESSAGE, Trust()),
    ):
        with pytest.raises(NotFound, match="ssh-keygen is not installed") as caught:
            call()
        assert "openssh-client" in caught.value.hint


@pytest.mark.parametrize(
    "said", ["unknown option -- Y", "illegal option -- Y", 'Unsupported operation for -Y: "verify"']
)
def test_an_old_ssh_keygen_is_one_line(
    keys: Keys, by_ada: Signature, tmp_path: Path, said: str
) -> None:
    path = program(tmp_path, f"echo '{said}' >&2; echo usage: ssh-keygen >&2; exit 1")
    for call in (
        lambda: ssh(PATH=path).sign(MESSAGE, keys("ada")),
        lambda: ssh(PATH=path).check(by_ada, MESSAGE, Trust()),
    ):
        with pytest.raises(ReproError, match="too old"):
            call()


@pytest.mark.parametrize(
    "text",
    ["exit 0", "exit 1", "kill -9 $$", "echo good; exit 0",
     # says so, and ends with another code
     f'echo \'Good "repro" signature with ED25519 key SHA256:{"a" * 43}\'; exit 1',
     f'echo \'Good "repro" signature with ED25519 key SHA256:{"a" * 43}\' >&2; exit 0'],
)  # fmt: skip
def test_whatever_else_it_says_is_not_good(
    keys: Keys, by_ada: Signature, tmp_path: Path, text: str
) -> None:
    path = program(tmp_path, text)
    found = ssh(PATH=f"{path}:/bin:/usr/bin").check(
        by_ada, MESSAGE, Trust(keys.allowed(f"{ADA} ada"))
    )
    assert found.state is State.BAD
