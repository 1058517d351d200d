"""Parameters: what is read, what is selected, and what is said of files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.capturing import params
from repro.manifest import Finding, Scalar, Severity

NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
PARAMS = """\
seed: 7
train: {lr: 1e-3, layers: [64, 32], optimizer: {name: adam}}
trainer: x
flag: true
empty: {}
none: []
nothing: null
a.b: dotted
"""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


def values(top: Path, *declared: tuple[str, tuple[str, ...] | None]) -> dict[str, Scalar]:
    found, findings = params.read(top, declared, ())
    assert findings == ()
    return {item.name: item.value for item in found}


def only(findings: tuple[Finding, ...]) -> Finding:
    (finding,) = findings
    return finding


def test_all_values_of_a_file_by_dotted_name_sorted(top: Path) -> None:
    assert list(values(top, ("params.yaml", None)).items()) == [
        (r"a\.b", "dotted"),
        ("empty", "{}"),
        ("flag", True),
        ("none", "[]"),
        ("nothing", None),
        ("seed", 7),
        ("train.layers.0", 64),
        ("train.layers.1", 32),
        ("train.lr", 0.001),
        ("train.optimizer.name", "adam"),
        ("trainer", "x"),
    ]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("seed",), {"seed"}),
        (("train.lr", "seed"), {"train.lr", "seed"}),
        (("train.optimizer",), {"train.optimizer.name"}),
        (("train.layers",), {"train.layers.0", "train.layers.1"}),
        (("train.layers.1",), {"train.layers.1"}),
        (("train",), {"train.lr", "train.layers.0", "train.layers.1", "train.optimizer.name"}),
        (("empty", "nothing"), {"empty", "nothing"}),
    ],
)
def test_a_name_selects_what_is_nested_below_it_and_no_other_that_begins_alike(
    top: Path, names: tuple[str, ...], found: set[str]
) -> None:
    assert set(values(top, ("params.yaml", names))) == found


def test_selections_of_several_stages_add_up(top: Path) -> None:
    found = values(top, ("params.yaml", ("seed",)), ("params.yaml", ("train.lr",)))
    assert set(found) == {"seed", "train.lr"}


def test_the_same_names_in_two_files_are_two_parameters(top: Path) -> None:
    (top / "conf").mkdir()
    (top / "conf/model.toml").write_text("seed = 8\nstart = 2024-01-02\n")
    found, _ = params.read(top, [("params.yaml", ("seed",)), ("conf/model.toml", None)], ())
    assert [(item.source, item.name, item.value) for item in found] == [
        ("conf/model.toml", "seed", 8),
        ("conf/model.toml", "start", "2024-01-02"),
        ("params.yaml", "seed", 7),
    ]


def test_the_usual_files_are_read_where_they_are(top: Path) -> None:
    (top / "params.json").write_text('{"depth": 3}')
    found, findings = params.read(top, (), params.USUAL)
    assert {item.source for item in found} == {"params.json", "params.yaml"}
    assert findings == ()


def test_nothing_named_and_nothing_usual_is_no_parameter(tmp_path: Path) -> None:
    assert params.read(tmp_path, (), params.USUAL) == ((), ())


def test_a_parameter_that_dvc_yaml_names_and_nobody_sets_is_told(top: Path) -> None:
    found, findings = params.read(top, [("params.yaml", ("seed", "train.momentum"))], ())
    assert [item.name for item in found] == ["seed"]
    finding = only(findings)
    assert (finding.severity, finding.subject) == (Severity.NOTE, "params")
    assert finding.message == "params.yaml has no parameter 'train.momentum'"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p.yaml", b"a: [", "expected"),
        ("p.yaml", b"a: 1\na: 2\n", "stands twice"),
        ("p.json", b"\xff", "not UTF-8"),
        ("p.json", b"[" * 100_000, "nested too deeply"),
        ("p.toml", b"a = " + b"[" * 100_000, "nested too deeply"),
        ("p.yaml", b"a: 0x" + b"f" * 5000, "digits"),
        ("p.py", b"lr = 1\n", "format is not known"),
        ("p", b"lr: 1\n", "format is not known"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding_and_the_others_are_read(
    top: Path, name: str, content: bytes, reason: str
) -> None:
    (top / name).write_bytes(content)
    found, findings = params.read(top, [(name, None), ("params.yaml", ("seed",))], ())
    assert [item.name for item in found] == ["seed"]
    finding = only(findings)
    assert (finding.severity, finding.subject) == (Severity.RISKS, "params")
    assert finding.message.startswith(f"the parameters of {name} could not be read: ")
    assert reason in finding.message
    assert finding.remedy


@pytest.mark.parametrize("name", ["gone.yaml", "folder.yaml", "loop.yaml", "closed/p.yaml"])
def test_a_file_that_is_not_there_is_a_finding(top: Path, name: str) -> None:
    (top / "folder.yaml").mkdir()
    (top / "loop.yaml").symlink_to("loop.yaml")
    found, findings = params.read(top, [(name, ("lr",))], ())
    assert found == ()
    assert f"the parameters of {name} could not be read: " in only(findings).message


@NOT_ROOT
def test_a_file_without_permission_is_a_finding(top: Path) -> None:
    (top / "params.yaml").chmod(0)
    _, findings = params.read(top, (), params.USUAL)
    assert "Permission denied" in only(findings).message


def test_a_file_that_may_not_be_opened_is_a_finding(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_bytes(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    _, findings = params.read(top, (), params.USUAL)
    assert "Permission denied" in only(findings).message


@pytest.mark.timeout(20)
@pytest.mark.parametrize("declared", [True, False])
def test_a_pipe_does_not_hang(tmp_path: Path, declared: bool) -> None:
    os.mkfifo(tmp_path / "params.yaml")
    (tmp_path / "params.json").symlink_to("/dev/zero")
    named = [("params.yaml", None), ("params.json", None)] if declared else []
    found, findings = params.read(tmp_path, named, params.USUAL)
    assert found == ()
    assert len(findings) == len(named)
