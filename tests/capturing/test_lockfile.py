"""The requirements format, and the project's lockfile beside what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.capturing import lockfile, requirements
from repro.capturing.lockfile import compare_lock, find, same_version
from repro.capturing.probing import Probe
from repro.capturing.requirements import parse
from repro.errors import NotFound
from repro.manifest import Interpreter, Package, PackageOrigin

MARKERS = {"python_version": "3.7", "sys_platform": "linux", "python_full_version": "3.7.16"}
PROBE = Probe(Interpreter("3.7.16"), "", "", "", (), (), "linux-x86_64", None, MARKERS)


# --- the format -----------------------------------------------------------------------------


def test_what_uv_writes_is_read() -> None:
    (entry,) = parse(
        "# This file was made by uv\n"
        "cloudpickle==3.1.2 \\\n"
        "    --hash=sha256:7f \\\n"
        "    --hash=sha256:9a\n"
        "    # via joblib\n"
    )
    assert (entry.name, entry.version, entry.hashes) == (
        "cloudpickle",
        "3.1.2",
        ("sha256:7f", "sha256:9a"),
    )
    assert entry.where.endswith(":2")


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("Foo_Bar==1.0", "foo-bar", "1.0"),
        ("foo [a,b] == 1.0 ; python_version < '3'  # why", "foo", "1.0"),
        ("foo===1.0+local", "foo", "1.0+local"),
        ("foo (==1.0)", "foo", "1.0"),
        ("foo>=1.0,<2", "foo", None),
        ("foo==1.*", "foo", None),
        ("foo", "foo", None),
        ("./wheels/foo_bar-1.0-py3-none-any.whl", "foo-bar", "1.0"),
        ("https://h/foo-1.0.tar.gz#egg=foo", "", None),
    ],
)
def test_names_and_pins(line: str, name: str, version: str | None) -> None:
    (entry,) = parse(line)
    assert (entry.name, entry.version) == (name, version)


def test_urls_and_editables() -> None:
    one, two, three = parse(
        "a @ git+https://h/a@abc#subdirectory=x ; sys_platform == 'win32'\n"
        "-e .\n"
        "--editable git+https://h/b#egg=B_b\n"
    )
    assert (one.name, one.url, one.marker) == (
        "a",
        "git+https://h/a@abc#subdirectory=x",
        "sys_platform == 'win32'",
    )
    assert (two.editable, two.url) == (True, ".")
    assert (three.editable, three.name) == (True, "b-b")


def test_options_are_no_packages() -> None:
    text = "-i https://h/simple\n--extra-index-url=https://h\n--pre\n-f ./wheels\nsix==1.0\n"
    assert [entry.name for entry in parse(text)] == ["six"]


def test_markers() -> None:
    old, new, bad = parse("a==1; python_version < '3.8'\nb==1; python_version >= '3.8'\nc; what?")
    assert [item.applies(MARKERS) for item in (old, new, bad)] == [True, False, None]


def test_includes_are_followed_once_and_missing_ones_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("-r sub/b.txt\n-c c.txt\n-r gone.txt\nx==1\n")
    (tmp_path / "sub" / "b.txt").write_text("y==2\n-r ../a.txt\n")
    (tmp_path / "c.txt").write_text("z==3\n")
    found = requirements.read(tmp_path / "a.txt")
    assert [(item.name, item.constraint) for item in found.entries] == [
        ("y", False),
        ("z", True),
        ("x", False),
    ]
    assert found.unread == ("a.txt:3: gone.txt (No such file or directory)",)


# --- which file it is -------------------------------------------------------------------------


def touch(folder: Path, *names: str, text: str = "six==1.0\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("requirements.lock", "requirements.txt", "uv.lock"), "requirements.lock"),
        (("uv.lock", "requirements.txt"), "uv.lock"),
        (("requirements.txt",), "requirements.txt"),
        (("requirements/train.txt",), "requirements/train.txt"),
        (("conda-lock.yml",), "conda-lock.yml"),
        (("pylock.train.toml",), "pylock.train.toml"),
        (("other.txt",), None),
    ],
)
def test_detection(names: tuple[str, ...], expected: str | None, tmp_path: Path) -> None:
    touch(tmp_path, *names)
    found = find(tmp_path)
    assert (found and found.path) == (expected and str(tmp_path / expected))


def test_a_list_of_wishes_is_no_lock(tmp_path: Path) -> None:
    touch(tmp_path, "requirements.txt", text="numpy\nsix==1.0\n")
    assert find(tmp_path) is None


def test_the_configured_file_counts_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "requirements.lock", "env/pins.txt")
    found = find(tmp_path, "env/pins.txt")
    assert found is not None
    assert found.path == str(tmp_path / "env/pins.txt")
    with pytest.raises(NotFound, match=r"no gone\.txt"):
        find(tmp_path, "gone.txt")


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"])
def test_other_formats_are_recognised_and_that_is_said(name: str, tmp_path: Path) -> None:
    touch(tmp_path, name, text="whatever")
    (finding,) = lockfile.findings(find(tmp_path), tmp_path, (), PROBE)
    assert finding.message == f"{name} is recognised, not read: what is installed counts"


# --- the comparison ---------------------------------------------------------------------------


def test_no_difference_no_finding() -> None:
    installed = (Package("six", "1.0.0"), Package("pip", "23.0"))
    editable = Package("own", "1", PackageOrigin.EDITABLE, ".")
    assert compare_lock((*installed, editable), parse("Six==1.0\n"), MARKERS) == ()


def test_every_difference_is_named() -> None:
    installed = (Package("a", "1.0"), Package("b", "2.0"), Package("x", "1"), Package("y", "1"))
    locked = parse("a==1.0\nb==2.1\nc==3.0\nd==1; python_version >= '3.8'\n")
    messages = [item.message for item in compare_lock(installed, locked, MARKERS, "r.lock")]
    assert messages == [
        "r.lock names what is not installed: c 3.0",
        "installed in another version than r.lock says: b 2.0 (locked: 2.1)",
        "2 packages are installed that r.lock does not name, recorded too: x, y",
    ]


def test_constraints_want_nothing_installed() -> None:
    entry = parse("c==3.0")[0]
    constraint = requirements.Requirement(entry.name, entry.text, entry.version, constraint=True)
    assert compare_lock((), (constraint,), MARKERS) == ()


@pytest.mark.parametrize(
    ("installed", "locked", "same"),
    [
        ("1.0", "1.0.0", True),
        ("2.1+cpu", "2.1", True),
        ("2.1", "2.1+cpu", False),
        ("1.0rc1", "1.0-rc.1", True),
        ("1.0.post1", "1.0", False),
        ("1.10", "1.1", False),
        ("odd version", "odd version", True),
    ],
)
def test_same_version(installed: str, locked: str, same: bool) -> None:
    assert same_version(installed, locked) is same
