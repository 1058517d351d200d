"""What is said in a statement; a statement that contradicts itself is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
import ssh_keys
from ssh_keys import RECORDED, RUN

from repro.errors import Corrupt
from repro.manifest import GPU, Tolerance
from repro.signing import reading, statement
from repro.signing.envelope import Envelope, Signature, dumps
from repro.signing.statement import Compared, EnvironmentImage, Machine, Recorded, Replayed

WHOLE = ssh_keys.replayed(
    "equivalent",
    compared=Compared(
        3, 2, {"equal": 2, "within": 1}, {"different": 2}, {"equal": 1}, (Tolerance("loss", 0.1),)
    ),
    engine_version="Docker 1",
    image=EnvironmentImage("sha256:1", "sha256:2"),
    machine=Machine("Linux", "x86_64", "CPU", "sha256:3", 2, (GPU("H100"),), "12"),
)


@pytest.mark.parametrize("said", [RECORDED, ssh_keys.replayed(), WHOLE], ids=["1", "2", "3"])
def test_it_is_read_as_it_was_written(said: Recorded | Replayed) -> None:
    made = statement.about(RUN, said)
    assert statement.loads(statement.dumps(made)) == made


def document(said: Recorded | Replayed = WHOLE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(statement.dumps(statement.about(RUN, said)))
    return found


def loaded(made: Any) -> statement.Statement:
    return statement.loads(json.dumps(made).encode())


def test_another_kind_of_statement_is_kept_and_says_nothing() -> None:
    found = loaded(
        {**document(), "predicateType": "https://slsa.dev/provenance/v1", "predicate": 7}
    )
    assert (found.word, found.predicate, found.created) == ("other", None, None)


def test_fields_that_are_not_known_are_ignored() -> None:
    made = document()
    made["predicate"]["later"] = made["later"] = [1]
    assert loaded(made) == statement.about(RUN, WHOLE)


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"}, {"_type": None},
        {"subject": []}, {"subject": None}, {"subject": [None]}, {"subject": [{}]},
        {"subject": [{"digest": {"sha256": RUN}}] * 2},
        {"subject": [{"digest": {"sha512": RUN}}]}, {"subject": [{"digest": {"sha256": RUN.upper()}}]},
        {"subject": [{"digest": {"sha256": RUN + "\n"}}]}, {"subject": [{"digest": RUN}]},
        {"predicateType": ""}, {"predicateType": None}, {"predicateType": "x" * 301},
        {"predicate": None}, {"predicate": []}, {"predicate": {}},
    ],
)  # fmt: skip
def test_what_is_no_statement_is_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(Corrupt) as caught:
        loaded({**document(), **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "perfect"}, {"verdict": "IDENTICAL"}, {"verdict": None}, {"verdict": True},
        {"created": "yesterday"}, {"replayed": "2026-01-15"}, {"created": WHOLE.created + "\n"},
        {"comparison": "sha256:1"}, {"record": None}, {"compared": None}, {"compared": {"metrics": 3}},
        {"compared": {"metrics": -1, "outputs": 9}}, {"compared": {"metrics": 1.5, "outputs": 1}},
        {"compared": {"metrics": True, "outputs": 1}}, {"compared": {"metrics": "3", "outputs": 1}},
        {"compared": {"metrics": 1 << 60, "outputs": 1}},
        {"compared": {"metrics": 1, "outputs": 1, "metrics_by_status": {"equal": -1}}},
        {"engine": 7}, {"machine": []}, {"image": "x"}, {"machine": {"gpus": ["H100"]}},
    ],
)  # fmt: skip
def test_a_predicate_of_other_types_is_refused(change: dict[str, Any]) -> None:
    made = document()
    made["predicate"] |= change
    with pytest.raises(Corrupt):
        loaded(made)


@pytest.mark.parametrize(
    ("verdict", "compared"),
    [
        ("identical", Compared(0, 0)),
        ("equivalent", Compared(0, 0, {"equal": 4})),
        ("identical", Compared(3, 2, {"within": 1})),
        ("identical", Compared(3, 2, {}, {"different": 1})),
        ("identical", Compared(3, 2, {}, {"cosmetic": 1})),
        *(("equivalent", Compared(3, 2, {status: 1}))
          for status in ("different", "missing", "new", "type")),
        *(("equivalent", Compared(3, 2, {}, {status: 1})) for status in ("missing", "new", "absent")),
        *(("equivalent", Compared(3, 2, {}, {}, {status: 1}))
          for status in ("different", "missing", "new", "absent")),
    ],
)  # fmt: skip
def test_a_verdict_that_its_own_counts_contradict_is_refused(
    verdict: str, compared: Compared
) -> None:
    with pytest.raises(Corrupt, match=f"claims {verdict}"):
        loaded(document(ssh_keys.replayed(verdict, compared=compared)))
    # red is never doubted
    assert loaded(document(ssh_keys.replayed("different", compared=compared)))


def test_one_about_another_run_is_refused() -> None:
    content = dumps(
        Envelope(statement.dumps(statement.about(RUN, RECORDED)), (Signature("", b"x"),))
    )
    assert reading.read(content, RUN)[1].run == RUN
    with pytest.raises(Corrupt, match="another run"):
        reading.read(content, "0" * 64)
