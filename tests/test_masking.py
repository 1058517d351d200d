"""Secrets are taken out of a log, and no number that is read from it ever changes."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import Project

from repro.log_metrics import Rules, read
from repro.manifest import REDACTED, MetricType
from repro.masking import EXACT, Cover, Place, _near

TOKEN = "ghp_" + "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=36))
PASSWORD = "correct-horse-7"
CORPUS = sorted((Path(__file__).parent / "log_metrics" / "corpus").glob("*.log"))


def masked(
    folder: Path, text: str | bytes, environ: dict[str, str] | None = None, **settings: object
) -> tuple[str, Cover]:
    path = folder / "stdout"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    cover = Cover(environ or {}, **settings)  # type: ignore[arg-type]
    return cover.covered("stdout", path).read_bytes().decode("utf-8", "replace"), cover


def numbers(text: str | bytes, rules: Rules = Rules()) -> list[str]:  # noqa: B008
    content = text if isinstance(text, bytes) else text.encode()
    return sorted(
        repr((item.type, item.value, item.steps, item.values))
        for item in read(content, "<stdout>", rules).metrics
        if item.type is not MetricType.TEXT
    )


def test_tokens_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    text = f"start\nusing {TOKEN} now\nepoch 1 loss 0.5\nagain {TOKEN}, {TOKEN}\n"
    clean, cover = masked(tmp_path, text)
    assert clean == text.replace(TOKEN, REDACTED)
    assert [(item.place, item.line, item.kind) for item in cover.redactions] == [
        ("log/stdout", 2, "a GitHub token"),
        ("log/stdout", 4, "a GitHub token"),
    ]
    (note,) = cover.notes
    assert note.severity.value == "note" and note.message.startswith("masked in stdout")
    assert "line 2: a GitHub token" in note.message and TOKEN not in repr(cover)


def test_the_value_of_a_secret_variable_is_masked(tmp_path: Path) -> None:
    environ = {"DB_PASSWORD": PASSWORD, "HOME": "/home/somebody", "SHORT_PASSWORD": "abc"}
    clean, cover = masked(tmp_path, f"login with {PASSWORD}! abc /home/somebody\n", environ)
    assert clean == f"login with {REDACTED}! abc /home/somebody\n"
    assert cover.redactions[0].name == "DB_PASSWORD"


def test_the_password_of_an_address_in_a_variable_is_masked(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"postgres://me:{PASSWORD}@db.example.org/x"}
    clean, _ = masked(tmp_path, f"pw is {PASSWORD}\n", environ)
    assert PASSWORD not in clean


def test_a_log_without_secrets_is_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    path.write_text("epoch 1 loss 0.5\n")
    cover = Cover({"DB_PASSWORD": PASSWORD})
    assert cover.covered("stdout", path) is path and not cover.notes and not cover.redactions


def test_what_is_allowed_stays(tmp_path: Path) -> None:
    from repro.scanning import fingerprint

    for entry in (fingerprint(TOKEN), "log stdout"):
        clean, cover = masked(tmp_path, f"using {TOKEN}\n", allowed=(entry,))
        assert TOKEN in clean and not cover.notes


@pytest.mark.parametrize("value", ["12345678", "0.12345678", "1e-12345", "314159265358979"])
def test_a_number_is_never_masked(tmp_path: Path, value: str) -> None:
    text = f"loss {value}\naccuracy 0.{value.replace('.', '').replace('e-', '')}1\n"
    clean, cover = masked(tmp_path, text, {"DB_PASSWORD": value})
    assert clean == text and not cover.redactions
    assert "stays in stdout" in cover.notes[0].message and cover.notes[0].severity.value == "risks"


def test_a_number_in_a_secret_that_a_pattern_reads_stays(tmp_path: Path) -> None:
    rules = Rules((r"id=\w+?(?P<value>\d+)\b",))
    text = "token id=abcdefgh1234567\nloss 0.5\n"
    clean, cover = masked(tmp_path, text, {"API_TOKEN": "abcdefgh1234567"}, rules=rules)
    assert numbers(clean, rules) == numbers(text, rules)
    assert clean == text and "stays in stdout" in cover.notes[0].message


def test_only_the_lines_that_matter_stay(tmp_path: Path) -> None:
    rules = Rules((r"id=\w+?(?P<value>\d+)\b",))
    text = "id=abcdefgh1234567\nplain abcdefgh1234567 here\nloss 0.5\n"
    clean, _ = masked(tmp_path, text, {"API_TOKEN": "abcdefgh1234567"}, rules=rules)
    assert clean.splitlines()[0] == "id=abcdefgh1234567"
    assert clean.splitlines()[1] == f"plain {REDACTED} here"


def test_a_name_stays_where_the_other_side_has_it(tmp_path: Path) -> None:
    text = f"login {TOKEN} loss 0.5\n"
    assert masked(tmp_path, text)[0] == text.replace(TOKEN, REDACTED)
    clean, cover = masked(tmp_path, text, keep_names=True)
    assert clean == text and "stays in stdout" in cover.notes[0].message


def test_a_private_key_leaves_its_lines_behind(tmp_path: Path) -> None:
    body = "\n".join(
        "".join(random.Random(at).choices(string.ascii_letters, k=64)) for at in range(5)
    )
    text = f"a\n-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\nloss 0.25\n"
    clean, _ = masked(tmp_path, text)
    assert body.splitlines()[2] not in clean and clean.count("\n") == text.count("\n")
    assert clean.splitlines()[-1] == "loss 0.25"


@pytest.mark.parametrize("edge", [(1 << 20) - 20, (1 << 20) + 5, (1 << 20) - 16384 - 10])
def test_a_secret_at_the_edge_of_a_piece_is_masked(tmp_path: Path, edge: int) -> None:
    text = "x" * (edge - 1) + "\n" + TOKEN + "\n" + "y z\n" * 300_000 + TOKEN + "\n"
    clean, cover = masked(tmp_path, text)
    assert TOKEN not in clean and clean.count(REDACTED) == 2
    assert [item.line for item in cover.redactions] == [2, 300_003]


def test_past_the_cap_only_known_values_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.masking.CAP", 10_000)
    text = "word\n" * 5000 + f"{TOKEN}\n{PASSWORD}\n"
    clean, cover = masked(tmp_path, text, {"DB_PASSWORD": PASSWORD})
    assert TOKEN in clean and PASSWORD not in clean
    assert "searched for the values of secret variables only" in cover.notes[0].message


def test_more_places_than_are_masked_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.masking.MOST", 10)
    clean, cover = masked(tmp_path, f"{TOKEN}\n" * 30)
    assert clean.count(REDACTED) == 10 and "more than 10 places" in cover.notes[0].message


def test_an_encoding_that_cannot_be_masked_is_said(tmp_path: Path) -> None:
    content = f"using {TOKEN}\n".encode("utf-16")
    path = tmp_path / "stdout"
    path.write_bytes(content)
    cover = Cover({})
    assert cover.covered("stdout", path).read_bytes() == content
    assert "no encoding" in cover.notes[0].message


@pytest.mark.parametrize("content", [b"", b"\0", b"\n", b"\xff" * 9000, b"\r\x08\x1b[A" * 100])
def test_any_bytes_pass(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "stdout"
    path.write_bytes(content)
    assert Cover({"DB_PASSWORD": PASSWORD}).covered("stdout", path).read_bytes() == content


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_no_metric_of_a_real_log_changes(path: Path, tmp_path: Path) -> None:
    """With secrets on every seventh line, among the numbers."""
    draw = random.Random(path.stem)
    lines = path.read_text("utf-8", "replace").split("\n")
    for at in range(0, len(lines), 7):
        words = lines[at].split(" ")
        words.insert(draw.randrange(len(words) + 1), draw.choice([TOKEN, PASSWORD]))
        lines[at] = " ".join(words)
    text = "\n".join(lines)
    clean, _ = masked(tmp_path, text, {"DB_PASSWORD": PASSWORD})
    assert numbers(clean) == numbers(text)


WORDS = st.sampled_from(
    [TOKEN, PASSWORD, "loss", "=", ":", "0.5", "1e-3", "|", ",", "\n", "\n", '{"a": 1, "b": "', '"}',
     "epoch", "12345678", "x12345678", "password=", "---", "\t", "[1, 2]", "\r"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=30), st.sampled_from([" ", ""]))
def test_no_metric_of_any_log_changes(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], joint: str
) -> None:
    text = joint.join(words)
    environ = {"DB_PASSWORD": PASSWORD, "API_KEY": "12345678"}
    clean, _ = masked(tmp_path_factory.mktemp("log"), text, environ)
    assert numbers(clean) == numbers(text)


@pytest.mark.parametrize("path", CORPUS[:12], ids=lambda path: path.stem)
def test_no_metric_of_a_long_log_changes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the lines around each secret are looked at."""
    monkeypatch.setattr("repro.masking.EXACT", 100)
    monkeypatch.setattr("repro.masking.AROUND", 200)
    lines = path.read_text("utf-8", "replace").split("\n")
    for at in range(3, len(lines), 11):
        lines[at] += f" {TOKEN}"
    text = "\n".join(lines)
    clean, _ = masked(tmp_path, text)
    assert numbers(clean) == numbers(text)


def test_what_is_near_is_the_same_secrets() -> None:
    text = b"".join(b"line %d\n" % at for at in range(400_000))
    first, last = text.index(b"line 70000"), text.index(b"line 399999")
    places = [Place(at + 5, at + 10, "a") for at in (first, first + 11, last)]
    assert len(text) > EXACT
    near, moved = _near(text, places)
    assert len(near) < 200_000 and near.startswith(b"line ")
    assert [near[one.start : one.end] for one in moved] == [
        text[one.start : one.end] for one in places
    ]


# --- in a project ---------------------------------------------------------------------------

PRINTING = """\
import json, os
token = os.environ.get("HF_TOKEN", "none")
print("using", token)
print("loss: 0.5")
json.dump({"a": 1}, open("metrics.json", "w"))
"""


def test_a_recorded_log_is_masked_and_said(project: Project) -> None:
    project.write("train.py", PRINTING)
    run = project.record("python", "train.py", env={"HF_TOKEN": PASSWORD})
    (log,) = run["manifest"]["result"]["logs"]
    stored = (project.path / ".repro/blobs/sha256" / log["digest"][7:]).read_text()
    assert stored == f"using {REDACTED}\nloss: 0.5\n"
    assert run["manifest"]["redacted"] == [
        {
            "kind": "the value of a secret variable",
            "line": 1,
            "name": "HF_TOKEN",
            "place": "log/stdout",
        }
    ]
    assert any(item["subject"] == "log" for item in run["manifest"]["findings"])
    for path in (project.path / ".repro").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
    assert project.replay(engine="venv").expect(0).verdict in ("identical", "equivalent")
    project.repro("export", "latest", "run.tar", cwd=project.path).expect(0)


def test_two_masked_texts_are_not_called_equal(project: Project) -> None:
    code = PRINTING.replace('print("using", token)', 'print(f"key={token}")')
    project.write("train.py", code)
    project.write("repro.yaml", json.dumps({"log": {"patterns": [r"key=(?P<value>\S+)"]}}))
    project.commit()
    for value in (PASSWORD, "another-horse-8"):
        project.record("python", "train.py", env={"HF_TOKEN": value})
    said = project.repro("diff", "latest~1", "latest", cwd=project.path)
    text = " ".join(said.out.split())
    assert "printed and not compared" in text and "identifier: key" in text


def test_what_may_be_kept_is_kept(project: Project) -> None:
    project.write("train.py", PRINTING)
    run = project.record(
        "python", "train.py", options=("--allow-secrets",), env={"HF_TOKEN": PASSWORD}
    )
    (log,) = run["manifest"]["result"]["logs"]
    stored = (project.path / ".repro/blobs/sha256" / log["digest"][7:]).read_text()
    assert PASSWORD in stored
