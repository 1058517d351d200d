"""What is said of runs and replays, and which of what is said counts."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import ssh_keys
from ssh_keys import RECORDED, RUN, Keys

from repro import attesting, canonical
from repro.attesting import Verified
from repro.errors import Corrupt, NotFound, UsageError
from repro.manifest import Tolerance
from repro.signing import envelope, statement
from repro.signing.envelope import Envelope
from repro.signing.nouns import State, Trust
from repro.signing.statement import Replayed
from repro.store import Store

ADA, BEN = "ada@example.org", "ben@example.org"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def trust(keys: Keys) -> Trust:
    return Trust(keys.allowed(f"{ADA} ada", f"{BEN} ben"))


def verify(trust: Trust, *contents: bytes, run: str = RUN) -> Verified:
    named = {f"{number:064x}": content for number, content in enumerate(contents)}
    return attesting.verify(run, named, trust, os.environ)


def states(found: Verified) -> list[State]:
    return [item.checked.state for item in found.found]


# --- what counts ----------------------------------------------------------------------------


def test_no_signature_is_no_pass(trust: Trust) -> None:
    assert not verify(trust).passed


def test_who_is_trusted_vouches(keys: Keys, trust: Trust) -> None:
    found = verify(trust, ssh_keys.signed(keys("ada")))
    assert found.passed and found.found[0].vouches
    assert not verify(Trust(), ssh_keys.signed(keys("ada"))).passed
    assert not verify(trust, ssh_keys.signed(keys("stranger"))).passed


@pytest.mark.parametrize(
    ("verdict", "alone", "beside"),
    [
        ("identical", True, True),
        ("equivalent", True, True),
        ("different", False, False),
        ("failed", False, False),
        ("unreplayable", False, True),
    ],
)
def test_the_verdict_that_is_claimed_counts(
    keys: Keys, trust: Trust, verdict: str, alone: bool, beside: bool
) -> None:
    replay = ssh_keys.signed(keys("ben"), ssh_keys.replayed(verdict))
    assert verify(trust, replay).passed is alone
    assert verify(trust, replay, ssh_keys.signed(keys("ada"))).passed is beside
    # asked about one signer only, what the other says does not count
    assert verify(Trust(trust.allowed, ADA), replay, ssh_keys.signed(keys("ada"))).passed


def test_what_strangers_attach_changes_nothing(keys: Keys, trust: Trust) -> None:
    good = ssh_keys.signed(keys("ada"))
    others = [
        ssh_keys.signed(keys("stranger"), ssh_keys.replayed("different")),
        ssh_keys.signed(keys("ada"), run="0" * 64),
        good.replace(b'"sig":"', b'"sig":"AAAA'),
        b"junk",
    ]
    found = verify(trust, *others, good)
    assert found.passed
    assert states(found) == [
        State.TRUSTED, State.UNKNOWN, State.FOREIGN, State.UNREADABLE, State.UNREADABLE,
    ]  # fmt: skip
    assert not verify(trust, *others).passed


def test_one_over_another_run_is_refused(keys: Keys, trust: Trust) -> None:
    found = verify(trust, ssh_keys.signed(keys("ada"), run="0" * 64))
    assert not found.passed and states(found) == [State.FOREIGN]
    assert "refused" in found.found[0].checked.reason


def test_a_payload_that_was_changed_is_bad(keys: Keys, trust: Trust) -> None:
    signed = envelope.loads(ssh_keys.signed(keys("ben"), ssh_keys.replayed("different")))
    better = statement.dumps(statement.about(RUN, ssh_keys.replayed("identical")))
    found = verify(trust, envelope.dumps(Envelope(better, signed.signatures)))
    assert not found.passed and states(found) == [State.BAD]


def test_signatures_cannot_be_swapped(keys: Keys, trust: Trust) -> None:
    ada = envelope.loads(ssh_keys.signed(keys("ada")))
    ben = envelope.loads(ssh_keys.signed(keys("ben"), ssh_keys.replayed("different")))
    for payload, other in ((ada.payload, ben), (ben.payload, ada)):
        swapped = envelope.dumps(Envelope(payload, other.signatures))
        assert states(verify(trust, swapped)) == [State.BAD]
    # each in the other's place and its own beside it: one of the two is good, and says what it says
    both = envelope.dumps(Envelope(ada.payload, (*ben.signatures, *ada.signatures)))
    found = verify(trust, both)
    assert states(found) == [State.TRUSTED, State.BAD] and found.passed
    assert found.found[0].checked.identity == ADA


def test_no_change_of_a_byte_makes_it_say_something_else(keys: Keys, trust: Trust) -> None:
    content = ssh_keys.signed(keys("ada"), ssh_keys.replayed("equivalent"))
    said = statement.loads(envelope.loads(content).payload)
    for number in range(60):
        at = (number * 7919) % len(content)
        changed = content[:at] + bytes([content[at] ^ (1 << number % 7)]) + content[at + 1 :]
        found = verify(trust, changed)
        assert all(item.statement == said for item in found.found if item.counts), at


def test_two_signers_of_one_statement(keys: Keys, trust: Trust) -> None:
    ada, ben = (envelope.loads(ssh_keys.signed(keys(name))) for name in ("ada", "ben"))
    found = verify(trust, envelope.dumps(Envelope(ada.payload, (*ada.signatures, *ben.signatures))))
    assert states(found) == [State.TRUSTED] * 2
    assert {item.checked.identity for item in found.found} == {ADA, BEN}


def test_a_statement_of_another_kind_counts_for_nothing(keys: Keys, trust: Trust) -> None:
    said = statement.about(RUN, RECORDED)
    payload = statement.dumps(said).replace(b"predicate:recorded", b"predicate:applauded")
    scheme_made = attesting.schemes.make("ssh", os.environ)
    signature = scheme_made.sign(Envelope(payload, ()).message, keys("ada"))
    found = verify(trust, envelope.dumps(Envelope(payload, (signature,))))
    assert states(found) == [State.TRUSTED]
    assert not found.passed and not found.found[0].vouches


def test_a_signature_of_no_known_scheme_is_unreadable(trust: Trust) -> None:
    payload = statement.dumps(statement.about(RUN, RECORDED))
    content = envelope.dumps(Envelope(payload, (envelope.Signature("", b"-----BEGIN PGP"),)))
    found = verify(trust, content)
    assert states(found) == [State.UNREADABLE] and not found.passed


# --- what is said of a replay ---------------------------------------------------------------

METRIC = {"status": "equal", "tolerance": None}
LOOSE = {"pattern": "loss", "absolute": 0.0, "relative": 0.5, "ignore": False}
RECORD: dict[str, Any] = {
    "schema": "repro/replay/v1",
    "run": RUN,
    "created": "2026-01-15T12:30:00.000Z",
    "engine": "docker",
    "isolation": "container",
    "environment": {"reused": True, "build_seconds": 0.0, "image": {"digest": None, "id": "sha256:1"}},
    "result": {
        "observed": True, "outcome": "finished", "exit_code": 0, "started": None, "ended": None,
        "duration": 1.0, "peak_memory": None,
        "host": {"system": "Linux", "architecture": "x86_64", "kernel": "6.1.0-ada-laptop",
                 "engine": "Docker 28", "gpus": [{"name": "H100"}], "threads": {"OMP": "1"}},
    },
    "findings": [],
    "comparison": {
        "verdict": "equivalent", "metrics_compared": 3, "outputs_compared": 1,
        "metrics": [METRIC, METRIC, {"status": "within", "tolerance": LOOSE},
                    {"status": "equal", "tolerance": {**LOOSE, "pattern": "unused"}}],
        "outputs": [{"status": "different"}], "sources": [{"status": "equal"}],
        "notes": [{"float": "nan"}],
    },
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path)


def add(store: Store, record: Any = RECORD) -> str:
    return store.add_replay(RUN, canonical.dumps(record))


def test_a_replay_is_summed_up(store: Store) -> None:
    identity = add(store)
    said = attesting.replayed(store, RUN, "latest")
    assert (said.verdict, said.engine, said.isolation) == ("equivalent", "docker", "container")
    assert (said.record, said.replayed) == (f"sha256:{identity}", RECORD["created"])
    assert said.comparison == canonical.digest_bytes(canonical.dumps(RECORD["comparison"]))
    assert said.compared.metrics_by_status == {"equal": 3, "within": 1}
    assert said.compared.tolerances == (Tolerance("loss", relative=0.5),)
    assert said.image and said.image.id == "sha256:1"
    assert said.machine and said.machine.gpus and said.machine.gpus[0].name == "H100"
    assert b"laptop" not in statement.dumps(statement.about(RUN, said))


def test_a_replay_that_could_not_be_executed(store: Store) -> None:
    nothing = {"verdict": "unreplayable", "metrics_compared": 0, "outputs_compared": 0,
               "metrics": [], "outputs": [], "sources": []}  # fmt: skip
    environment = {"reused": False, "build_seconds": 0.0}
    add(store, {**RECORD, "result": None, "comparison": nothing, "environment": environment})
    said = attesting.replayed(store, RUN, "latest")
    assert (said.verdict, said.machine, said.image) == ("unreplayable", None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"manifest": {"schema": "repro/manifest/v1"}},
        {"result": {**RECORD["result"], "outcome": "interrupted"}},
        {"comparison": {**RECORD["comparison"], "reasons": ["the first 3 steps: 1 metric equal"]}},
    ],
)
def test_a_beginning_and_another_source_are_not_vouched_for(store: Store, change: Any) -> None:
    add(store, {**RECORD, **change})
    with pytest.raises(UsageError, match="says nothing of the run"):
        attesting.replayed(store, RUN, "latest")


def test_which_replay_is_meant(store: Store) -> None:
    with pytest.raises(NotFound, match="no replay of run"):
        attesting.replayed(store, RUN, "latest")
    ids = [add(store, {**RECORD, "created": f"2026-01-1{n}T12:30:00.000Z"}) for n in (5, 7, 6)]
    assert attesting.replayed(store, RUN, "latest").record == f"sha256:{ids[1]}"
    assert attesting.replayed(store, RUN, ids[0][:20]).record == f"sha256:{ids[0]}"
    for wanted in ("", "g", "0" * 64):
        with pytest.raises(NotFound):
            attesting.replayed(store, RUN, wanted)
    for number in range(20):
        add(store, {**RECORD, "number": number})
    with pytest.raises(UsageError, match="is the beginning of"):
        by_first = [item[0] for item in store.replay_ids_of(RUN)]
        attesting.replayed(store, RUN, max(by_first, key=by_first.count))


@pytest.mark.parametrize(
    "change",
    [
        {"run": "0" * 64}, {"comparison": None}, {"comparison": {}}, {"engine": None, "created": 7},
        {"environment": None}, {"result": {"observed": 1}}, {"schema": "repro/other/v1"},
        {"comparison": {**RECORD["comparison"], "metrics": [None]}},
        {"comparison": {**RECORD["comparison"], "verdict": "splendid"}},
        {"comparison": {**RECORD["comparison"], "metrics_compared": 0, "outputs_compared": 0}},
    ],
)  # fmt: skip
def test_a_record_that_is_not_sound_is_not_signed(
    store: Store, keys: Keys, change: dict[str, Any]
) -> None:
    add(store, {**RECORD, **change})
    with pytest.raises(Corrupt):
        attesting.sign(
            store, RUN, attesting.replayed(store, RUN, "latest"), keys("ada"), os.environ
        )
    assert not store.signatures(RUN)


def test_a_record_that_was_changed_is_not_signed(store: Store) -> None:
    path = store.root / "replays" / RUN / add(store)
    path.write_bytes(path.read_bytes().replace(b"equivalent", b"identical"))
    with pytest.raises(Corrupt):
        attesting.replayed(store, RUN, "latest")


# --- beside the run -------------------------------------------------------------------------


def test_what_is_signed_lies_beside_the_run(store: Store, keys: Keys, trust: Trust) -> None:
    made = attesting.sign(store, RUN, RECORDED, keys("ada"), os.environ)
    assert made.key == keys.fingerprint("ada")
    again = attesting.sign(store, RUN, ssh_keys.replayed(), keys("ben"), os.environ)
    found = store.signatures(RUN)
    assert set(found) == {made.id, again.id}
    assert attesting.verify(RUN, found, trust, os.environ).passed
    for identity, content in found.items():
        assert canonical.digest_bytes(content) == f"sha256:{identity}"


def test_claims_are_shown_as_claims(store: Store, keys: Keys) -> None:
    attesting.sign(store, RUN, ssh_keys.replayed("different"), keys("ada"), os.environ)
    store.add_signature(RUN, b"junk")
    replay, junk = attesting.summaries(store, RUN)
    assert replay.startswith("replay: different, 3 metrics and 2 outputs compared")
    assert keys.fingerprint("ada") in replay and junk.startswith("unreadable")


def test_garbage_keeps_what_is_signed(store: Store, keys: Keys) -> None:
    from repro import collecting

    made = attesting.sign(store, RUN, RECORDED, keys("ada"), os.environ)
    path = store.root / "signatures" / RUN / made.id
    (garbage,) = collecting.survey(store).garbage
    assert garbage.kind == "signatures of runs that are gone"
    (store.root / "runs" / RUN).write_bytes(b"{}")
    found = collecting.collect(store)
    assert path.exists() and ("signatures", 1) in [(item.kind, item.count) for item in found.held]
    (store.root / "runs" / RUN).unlink()
    collecting.collect(store)
    assert not path.exists()


# --- the specification ----------------------------------------------------------------------


def test_the_example_of_the_specification_is_signed(keys: Keys, tmp_path: Path) -> None:
    import workbench
    from test_specs import MARKED

    text = (workbench.ROOT / "specs" / "signatures.md").read_text("utf-8")
    shown = [(name, json.loads(body)) for name, body in MARKED.findall(text)]
    (enveloped,) = (body for name, body in shown if name == "envelope.schema.json")
    (said,) = (body for name, body in shown if "replayed" in str(body.get("predicateType")))
    key = next(line for line in text.split("`") if line.startswith("ssh-ed25519 AAAA"))
    (tmp_path / "allowed").write_text(f"{ADA} {key}\n")
    content = json.dumps(enveloped).encode()
    assert json.loads(envelope.loads(content).payload) == said
    assert verify(Trust(tmp_path / "allowed"), content).passed
    assert isinstance(statement.loads(canonical.dumps(said)).predicate, Replayed)


@pytest.mark.skipif(not shutil.which("jq"), reason="the page uses jq")
@pytest.mark.parametrize("wrong", ["", "payload", "manifest", "signer"])
def test_by_hand(store: Store, keys: Keys, trust: Trust, tmp_path: Path, wrong: str) -> None:
    import subprocess

    import workbench
    from test_specs import BY_HAND

    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(b'{"a":"run"}')
    run = canonical.digest_bytes(b'{"a":"run"}').removeprefix("sha256:")
    content = ssh_keys.signed(keys("ada"), ssh_keys.replayed(), run)
    if wrong == "payload":
        payload = statement.dumps(statement.about(run, ssh_keys.replayed("equivalent")))
        content = envelope.dumps(Envelope(payload, envelope.loads(content).signatures))
    if wrong == "manifest":
        manifest.write_bytes(b'{"a":"run" }')
    (tmp_path / "envelope").write_bytes(content)
    values = {
        "ENVELOPE": tmp_path / "envelope", "MANIFEST": manifest, "SIGNERS": trust.allowed,
        "SIGNER": BEN if wrong == "signer" else ADA,
    }  # fmt: skip
    (block,) = BY_HAND.findall((workbench.ROOT / "specs" / "signatures.md").read_text("utf-8"))
    script = "\n".join(["set -e", *(f"{name}={value}" for name, value in values.items()), block])
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (wrong == ""), done.stdout + done.stderr
    if not wrong:
        assert 'Good "repro" signature for ada@example.org' in done.stdout
        assert '"verdict": "identical"' in done.stdout
