"""The requirements format, and the project's lockfile beside what is installed."""

from __future__ import annotations

import json
from dataclasses import replace
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


@pytest.mark.parametrize(
    "name", ["uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "renv.lock"]
)
def test_a_lock_that_cannot_be_read_is_still_the_one_and_that_is_said(
    name: str, tmp_path: Path
) -> None:
    touch(tmp_path, name, text="whatever")
    (finding,) = lockfile.findings(find(tmp_path), tmp_path, (Package("a", "1"),), PROBE)
    assert finding.message.startswith(f"{name} could not be read, what is installed counts: ")


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


# --- other formats beside what is installed -------------------------------------------------------

COMMIT = "1234567890abcdef1234567890abcdef12345678"
UV = f"""
version = 1
[[package]]
name = "own"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [{{ name = "a" }}, {{ name = "b" }}, {{ name = "c" }}, {{ name = "d" }}]
[package.dev-dependencies]
dev = [{{ name = "pytest" }}]
[[package]]
name = "a"
version = "1.0"
source = {{ registry = "https://index.example/simple" }}
[[package]]
name = "b"
version = "2.0"
source = {{ git = "https://index.example/b?rev=main#{COMMIT}" }}
[[package]]
name = "c"
version = "3.0"
source = {{ registry = "https://index.example/simple" }}
[[package]]
name = "d"
version = "4.0"
source = {{ editable = "d" }}
[[package]]
name = "pytest"
version = "8"
source = {{ registry = "https://index.example/simple" }}
"""


def said(folder: Path, *installed: Package, probe: Probe = PROBE) -> list[str]:
    return [item.message for item in lockfile.findings(find(folder), folder, installed, probe)]


def git(version: str = "2.0", commit: str = COMMIT) -> Package:
    return Package("b", version, PackageOrigin.VCS, "git+https://index.example/b", commit)


D = Package("d", "4.0", PackageOrigin.EDITABLE, "d")


def test_a_development_group_that_is_not_installed_is_no_finding(tmp_path: Path) -> None:
    touch(tmp_path, "uv.lock", text=UV)
    assert said(tmp_path, Package("a", "1.0"), git(), Package("c", "3.0"), D) == []


def test_every_way_in_which_a_lock_is_out_of_step(tmp_path: Path) -> None:
    touch(tmp_path, "uv.lock", text=UV)
    local = Package("c", "3.0", PackageOrigin.LOCAL, "vendor/c")
    installed = (
        Package("a", "1.1"),
        git(commit="f" * 40),
        local,
        Package("pytest", "7"),
        Package("x", "1"),
    )
    assert said(tmp_path, *installed) == [
        "uv.lock names what is not installed: d 4.0",
        "installed in another version than uv.lock says: a 1.1 (locked: 1.0), pytest 7 (locked: 8)",
        "installed from elsewhere than uv.lock says: "
        "b from git+https://index.example/b at ffffffffffff (locked: https://index.example/b at 1234567890ab), "
        "c from vendor/c (locked: an index)",
        "1 package is installed that uv.lock does not name, recorded too: x",
    ]


def test_the_very_file_of_the_lock_installed_by_hand_is_the_same(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    touch(tmp_path, "requirements.txt", text=f"c==3.0 --hash={digest}\n")
    assert said(tmp_path, Package("c", "3.0", PackageOrigin.LOCAL, None, digest)) == []


def test_several_versions_for_other_places(tmp_path: Path) -> None:
    text = UV.replace('name = "c"\nversion = "3.0"', 'name = "a"\nversion = "1.0+cpu"')
    touch(tmp_path, "uv.lock", text=text)
    messages = said(tmp_path, Package("a", "2"), git(), D)
    assert "a 2 (locked: 1.0 or 1.0+cpu)" in messages[0]
    assert said(tmp_path, Package("a", "1.0+cpu"), git(), D) == []


def test_a_lock_of_conda_outside_of_conda_is_not_compared_and_that_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "environment.yml", text="dependencies: [python=3.11.7=h_0, openssl=3=h_1]\n")
    (message,) = said(tmp_path, Package("a", "1"))
    assert "in no environment of conda" in message


def test_a_lock_of_conda_in_its_environment(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    (prefix / "conda-meta").mkdir(parents=True)
    for name, version in (("numpy", "1.26.4"), ("openssl", "3.1")):
        record = {"name": name, "version": version, "build": "h_0"}
        record["files"] = [f"lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"]
        (prefix / "conda-meta" / f"{name}.json").write_text(json.dumps(record))
    text = "dependencies:\n- numpy=1.26.4=h_0\n- openssl=3.2=h_0\n- pip: [six==1.16]\n"
    touch(tmp_path, "environment.yml", text=text)
    probe = replace(PROBE, prefix=str(prefix))
    assert said(tmp_path, Package("numpy", "1.26.4"), Package("six", "1.15"), probe=probe) == [
        "installed in another version than environment.yml says: openssl 3.1=h_0 (locked: openssl=3.2=h_0)",
        "installed in another version than environment.yml says: six 1.15 (locked: 1.16)",
    ]


def test_of_several_environments_of_pixi_that_of_the_command_counts(tmp_path: Path) -> None:
    url = "https://index.example"
    text = "version: 6\npackages: []\nenvironments:\n" + "".join(
        f"  {name}:\n    packages:\n      linux-64:\n      - pypi: {url}/a-{version}-py3-none-any.whl\n"
        for name, version in (("default", "1.0"), ("gpu", "2.0"))
    )
    touch(tmp_path, "pixi.lock", text=text)
    markers = {**MARKERS, "platform_machine": "x86_64"}
    gpu = replace(PROBE, prefix="/x/.pixi/envs/gpu", markers=markers)
    plain = replace(PROBE, prefix="/x/venv", markers=markers)
    assert said(tmp_path, Package("a", "2.0"), probe=gpu) == []
    assert said(tmp_path, Package("a", "1.0"), probe=plain) == []
    assert "a 1.0 (locked: 2.0)" in said(tmp_path, Package("a", "1.0"), probe=gpu)[0]


def test_a_lock_of_r_without_its_library(tmp_path: Path) -> None:
    text = '{"Packages": {"dplyr": {"Package": "dplyr", "Version": "1.1.4"}}}'
    touch(tmp_path, "renv.lock", text=text)
    (message,) = said(tmp_path, Package("a", "1"))
    assert (
        message == "renv.lock locks packages of R, and renv/library holds none: it is not compared"
    )


def test_long_lists_end_in_a_count(tmp_path: Path) -> None:
    touch(tmp_path, "requirements.txt", text="".join(f"p{i:03}==1.0\n" for i in range(200)))
    assert said(tmp_path)[0].endswith("p007 1.0 and 192 more")
