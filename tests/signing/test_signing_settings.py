"""Which key signs, and who is trusted, where the command line does not say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ssh_keys import Keys

from repro.errors import NotFound
from repro.signing import settings


def configure(**values: str) -> None:
    for name, value in values.items():
        subprocess.run(["git", "config", "--global", name.replace("_", "."), value], check=True)


@pytest.fixture
def ssh_folder(home: Path) -> Path:
    (home / ".ssh").mkdir()
    return home / ".ssh"


def test_the_first_key_of_ssh(ssh_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no SSH key") as caught:
        settings.key(tmp_path, os.environ)
    assert "ssh-keygen" in caught.value.hint
    for name in ("id_rsa", "id_ecdsa_sk.pub", "id_ed25519"):
        (ssh_folder / name).touch()
        assert settings.key(tmp_path, os.environ) == str(ssh_folder / name)


def test_gits_key(ssh_folder: Path, tmp_path: Path, keys: Keys) -> None:
    (ssh_folder / "id_rsa").touch()
    configure(user_signingkey="ABCDEF")
    assert settings.key(tmp_path, os.environ) == str(ssh_folder / "id_rsa"), "that is one of GPG"
    configure(gpg_format="ssh", user_signingkey="~/.ssh/mine")
    assert settings.key(tmp_path, os.environ) == str(ssh_folder / "mine")
    configure(user_signingkey="keys/mine")
    assert settings.key(tmp_path, os.environ) == str(tmp_path / "keys/mine")
    public = keys.public("ada")
    for value in (public, f"key::{public}"):
        configure(user_signingkey=value)
        assert settings.key(tmp_path, os.environ) == public


def test_a_key_that_is_named_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(gpg_format="ssh", user_signingkey="~/.ssh/mine")
    monkeypatch.chdir(tmp_path)
    assert settings.key(Path("/"), os.environ, "-x") == str(tmp_path / "-x")


def test_gits_allowed_signers(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.trust(tmp_path).allowed is None
    for name in ("mine", "revoked"):
        (home / name).touch()
    configure(gpg_ssh_allowedSignersFile="~/mine", gpg_ssh_revocationFile="~/revoked")
    found = settings.trust(tmp_path)
    assert (found.allowed, found.revoked) == (home / "mine", home / "revoked")
    (tmp_path / "named").touch()
    monkeypatch.chdir(tmp_path)
    assert settings.trust(Path("/"), "named", "ada").allowed == tmp_path / "named"


@pytest.mark.parametrize("name", ["gpg_ssh_allowedSignersFile", "gpg_ssh_revocationFile"])
def test_a_file_that_is_not_there_is_no_empty_one(tmp_path: Path, name: str) -> None:
    configure(**{name: "~/gone"})
    with pytest.raises(NotFound, match="cannot read the file of"):
        settings.trust(tmp_path)
    with pytest.raises(NotFound, match="cannot read the file of allowed signers"):
        settings.trust(tmp_path, str(tmp_path))


def test_keys_that_wait_for_a_finger() -> None:
    assert settings.may_want_a_touch("/home/ada/.ssh/id_ed25519_sk")
    assert settings.may_want_a_touch("sk-ssh-ed25519@openssh.com AAAA")
    assert not settings.may_want_a_touch("/home/disk/.ssh/id_ed25519")
