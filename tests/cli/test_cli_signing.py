"""repro sign and repro verify-signature, as a person would use them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import workbench
from ssh_keys import Keys
from test_specs import validate
from workbench import Done, Project

ADA = "ada@example.org"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def replayed(shared_project: Project) -> Project:
    """A run with a replay; nothing of it is signed."""
    shared_project.record("python", "train.py")
    shared_project.replay(engine="venv").expect(0)
    return shared_project


@pytest.fixture
def signing(replayed: Project) -> Project:
    """The same, for tests that sign: what they sign is gone afterwards."""
    shutil.rmtree(replayed.path / ".repro" / "signatures", ignore_errors=True)
    return replayed


def verify(project: Project, *words: str, target: str = "latest") -> Done:
    return project.repro("verify-signature", target, "--json", *words)


def test_signed_and_verified(signing: Project, keys: Keys) -> None:
    signed = signing.repro("sign", "latest", "--key", keys("ada"), "--json").expect(0).document
    validate(signed, "signature.schema.json")
    assert signed["key"] == keys.fingerprint("ada")
    allowed = str(keys.allowed(f"{ADA} ada"))
    done = verify(signing, "--allowed-signers", allowed).expect(0)
    validate(done.document, "signatures.schema.json")
    (found,) = done.document["signatures"]
    assert (found["state"], found["identity"], found["vouches"]) == ("trusted", ADA, True)
    assert found["id"] == signed["id"] and found["statement"] == signed["statement"]
    text = signing.repro("verify-signature", "latest", "--allowed-signers", allowed).expect(0)
    assert f"{ADA} vouches for this manifest" in text.out and not text.err
    verify(signing, "--allowed-signers", allowed, "--identity", ADA).expect(0)
    verify(signing, "--allowed-signers", allowed, "--identity", "ben@example.org").expect(1)


def test_a_good_signature_of_nobody_knows_whom_is_not_enough(signing: Project, keys: Keys) -> None:
    signing.repro("sign", "latest", "--key", keys("ada")).expect(0)
    done = signing.repro("verify-signature", "latest").expect(1)
    words = " ".join(done.out.split())
    assert f"good signature by key {keys.fingerprint('ada')}" in words
    assert "nobody vouches for whose key it is" in words and "--allowed-signers FILE" in words
    assert "nobody whom you trust vouches for this run" in done.out
    document = verify(signing).expect(1).document
    validate(document, "signatures.schema.json")
    assert not document["passed"] and document["signatures"][0]["state"] == "unknown"


def test_no_signature_at_all(signing: Project) -> None:
    done = signing.repro("verify-signature", "latest").expect(1)
    assert "no signature" in done.out and "repro sign" in done.out
    document = verify(signing).expect(1).document
    validate(document, "signatures.schema.json")
    assert document["signatures"] == [] and document["passed"] is False


def test_a_replay_is_signed(signing: Project, keys: Keys) -> None:
    done = signing.repro("sign", "latest", "--replay", "--key", keys("ada"), "--json").expect(0)
    validate(done.document, "signature.schema.json")
    said = done.document["statement"]
    assert (done.document["kind"], said["verdict"]) == ("replay", "identical")
    assert (said["engine"], said["isolation"]) == ("venv", "none")
    assert said["compared"]["metrics"] >= len(workbench.METRICS) and said["machine"]["architecture"]
    (record,) = [item for item in (signing.path / ".repro/replays").rglob("*") if item.is_file()]
    assert said["record"] == f"sha256:{record.name}"
    by_id = signing.repro("sign", "latest", "--replay", record.name[:8], "--key", keys("ada"))
    by_id.expect(0)
    text = json.dumps(said)
    for word in (str(Path.home()), str(signing.path), "tester"):
        assert word not in text
    allowed = str(keys.allowed(f"{ADA} ada"))
    shown = signing.repro("verify-signature", "latest", "--allowed-signers", allowed).expect(0)
    assert "3 outputs compared (venv, isolation none" in " ".join(shown.out.split())
    assert f"{ADA} replayed it, and it came out the same" in shown.out
    listed = signing.repro("show", "latest").expect(0).out
    assert listed.count("not verified: replay: identical") == 2
    assert "repro verify-signature" in listed


def test_in_a_file(signing: Project, keys: Keys, tmp_path: Path) -> None:
    signing.repro("sign", "latest", "--key", keys("ada")).expect(0)
    bundle = str(tmp_path / "run.tar")
    signing.repro("export", "latest", bundle).expect(0)
    words = ("--allowed-signers", str(keys.allowed(f"{ADA} ada")))
    empty = tmp_path / "empty"
    empty.mkdir()
    signing.repro("verify-signature", bundle, *words, cwd=empty).expect(0)
    signing.repro("verify-signature", bundle, cwd=empty).expect(1)
    assert not list(empty.iterdir()), "looking at a file leaves nothing"
    done = signing.repro("import", bundle, cwd=empty).expect(0)
    assert "1 signature (not verified: repro verify-signature)" in done.err
    signing.repro("verify-signature", "latest", *words, cwd=empty).expect(0)
    content = Path(bundle).read_bytes()
    Path(bundle).write_bytes(content.replace(b"vnd.dsse", b"vnd.diss"))
    signing.repro("verify-signature", bundle, *words, cwd=empty).complains(2, "refused")


def test_gits_settings_are_taken(signing: Project, keys: Keys, home: Path) -> None:
    signing.repro("sign", "latest").complains(2, "no SSH key to sign with", "--key FILE")
    with (home / ".gitconfig").open("a") as stream:
        stream.write(f"[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = {keys('ada')}.pub\n")
        stream.write(f'[gpg "ssh"]\n\tallowedSignersFile = {keys.allowed(f"{ADA} ada")}\n')
    signing.repro("sign", "latest").expect(0)
    signing.repro("verify-signature", "latest").expect(0)


def test_what_cannot_be_is_one_line(signing: Project, keys: Keys, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for words, said in (
        (("sign", "latest", "--key", nowhere), "there is no key"),
        (("sign", "latest", "--key", __file__), "is no SSH key"),
        (("sign", "latest", "--replay", "0" * 12, "--key", keys("ada")), "no replay"),
        (("sign", "none", "--key", keys("ada")), "there is no run"),
        (("verify-signature", "none"), "there is no run"),
        (("verify-signature", "latest", "--allowed-signers", nowhere), "cannot read the file"),
        (("verify-signature", "latest", "--identity", "-fsome"), "cannot be the name of a signer"),
        (("verify-signature", "latest", "--identity", "a\nb"), "cannot be the name of a signer"),
    ):
        signing.repro(*words).complains(2, said)


def test_without_ssh_keygen(signing: Project, keys: Keys, tmp_path: Path) -> None:
    signing.repro("sign", "latest", "--key", keys("ada")).expect(0)
    (tmp_path / "bin").mkdir()
    for name in ("git", "python", "python3"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name, path=signing.repro.path) or "")
    env = {"PATH": str(tmp_path / "bin")}
    for words in (("sign", "latest", "--key", keys("ada")), ("verify-signature", "latest")):
        done = signing.repro(*words, env=env)
        done.complains(2, "ssh-keygen is not installed", "install OpenSSH")


def test_a_file_that_was_changed_is_told(signing: Project, keys: Keys) -> None:
    signing.repro("sign", "latest", "--key", keys("ada")).expect(0)
    (path,) = [item for item in (signing.path / ".repro/signatures").rglob("*") if item.is_file()]
    path.write_bytes(b"\x1b[31mjunk")
    done = signing.repro("verify-signature", "latest").expect(1)
    assert "unreadable" in done.out and "\x1b" not in done.out
    assert "unreadable" in signing.repro("show", "latest").expect(0).out


@pytest.mark.docker
def test_the_image_of_a_replay_is_said(project: Project, keys: Keys) -> None:
    run = project.record("python", "train.py")
    project.replay().expect(0)
    done = project.repro("sign", "latest", "--replay", "--key", keys("ada"), "--json").expect(0)
    name = workbench.environment_image(project, run["id"])
    identity = workbench.docker("inspect", "--format", "{{.Id}}", name)
    said = done.document["statement"]
    assert said["image"]["id"] == identity and said["isolation"] == "container"
    assert said["engine_version"].startswith("Docker")
    (record,) = [item for item in (project.path / ".repro/replays").rglob("*") if item.is_file()]
    validate(json.loads(record.read_bytes()), "replay.schema.json")
