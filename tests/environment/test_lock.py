"""The lock of what is installed: with the real uv, an index of our own, and the machine's index."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from pathlib import Path

import pytest
from workbench import quickest

from repro import process
from repro.capturing.requirements import parse
from repro.environment import index
from repro.environment.index import PackageSources
from repro.environment.lock import Lock, make_lock
from repro.manifest import Interpreter, Package, PackageOrigin, Severity

PYTHON = Interpreter("3.11.7")
DEAD = "http://127.0.0.1:9/simple"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def wheel(
    folder: Path, name: str, version: str, tag: str = "py3-none-any", content: str = ""
) -> str:
    """A wheel that can be installed; returns its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"# {tag} {content}\n")
        headers = (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: absent\n"
        )
        archive.writestr(f"{info}/METADATA", headers)
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def simple_index(root: Path, *projects: tuple[str, str], content: str = "") -> str:
    """An index on disk with one wheel for each project and version; returns its address."""
    for name, version in projects:
        add(root, name, version, content=content)
    return (root / "simple").as_uri()


def add(root: Path, name: str, version: str, tag: str = "py3-none-any", content: str = "") -> None:
    digest = wheel(root / "files", name, version, tag, content).replace(":", "=")
    page = root / "simple" / name / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    file = f"{name}-{version}-{tag}.whl"
    before = page.read_text() if page.exists() else ""
    page.write_text(f'{before}<a href="../../files/{file}#{digest}">{file}</a>\n')


def at(default: str, tmp_path: Path, **env: str) -> PackageSources:
    """Sources that hold to the given default index, and a uv cache of their own."""
    return index.sources(
        {
            "HOME": str(tmp_path),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_DEFAULT_INDEX": default,
            **env,
        }
    )


def lock(
    packages: tuple[Package, ...], sources: PackageSources, tmp_path: Path, **more: bool
) -> Lock:
    env = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0"}
    return make_lock(packages, PYTHON, sources, tmp_path / "cache", env=env, **more)


def test_pins_with_all_hashes_sorted_and_without_addresses(tmp_path: Path) -> None:
    root = tmp_path / "index"
    address = simple_index(root, ("beta", "1.0"), ("alpha", "2.0"), ("alpha", "1.0"))
    add(root, "alpha", "1.0", "cp39-cp39-win_amd64")
    made = lock((Package("beta", "1.0"), Package("alpha", "1.0")), at(address, tmp_path), tmp_path)
    entries = parse(made.text)
    assert [(item.name, item.version, len(item.hashes)) for item in entries] == [
        ("alpha", "1.0", 2),
        ("beta", "1.0", 1),
    ]
    assert made.complete
    for word in ("file:", str(tmp_path), "http", "absent"):
        assert word not in made.text
    first = entries[0].text
    assert made.text.startswith(f"{first} \\\n    --hash=sha256:")


def test_one_missing_package_costs_the_others_nothing(tmp_path: Path) -> None:
    address = simple_index(tmp_path / "index", ("alpha", "1.0"), ("beta", "1.0"))
    packages = (
        Package("alpha", "1.0"),
        Package("beta", "9.9"),
        Package("gone", "1.0"),
        Package("local", "1.0+abc"),
    )
    made = lock(packages, at(address, tmp_path), tmp_path)
    assert {item.name: len(item.hashes) for item in parse(made.text)} == {
        "alpha": 1,
        "beta": 0,
        "gone": 0,
        "local": 0,
    }
    missing = [item for item in made.findings if item.severity is Severity.BREAKS]
    assert [item.message.split(" is ")[0] for item in missing] == [
        "beta 9.9",
        "gone 1.0",
        "local 1.0+abc",
    ]


def test_a_wheel_folder_has_no_hashes_so_they_are_computed(tmp_path: Path) -> None:
    digest = wheel(tmp_path / "wheels", "torch", "2.0+cpu")
    wheel(tmp_path / "wheels", "torch", "2.0")
    address = simple_index(tmp_path / "index", ("alpha", "1.0"))
    sources = at(address, tmp_path, UV_FIND_LINKS=str(tmp_path / "wheels"))
    made = lock((Package("torch", "2.0+cpu"), Package("alpha", "1.0")), sources, tmp_path)
    torch = next(item for item in parse(made.text) if item.name == "torch")
    assert torch.hashes == (digest,)


def test_what_only_this_machine_has_is_a_risk(tmp_path: Path) -> None:
    mirror = simple_index(tmp_path / "mirror", ("private", "1.0"))
    sources = at(DEAD, tmp_path, UV_INDEX=mirror, UV_NO_INDEX="")
    # the default index answers, and has nothing
    (tmp_path / "empty").mkdir()
    sources = PackageSources(
        {**sources.env, "UV_DEFAULT_INDEX": (tmp_path / "empty").as_uri()},
        local=(mirror,),
    )
    made = lock((Package("private", "1.0"),), sources, tmp_path)
    assert len(parse(made.text)[0].hashes) == 1
    (finding,) = made.findings
    assert finding.severity is Severity.RISKS
    assert "folder of this machine only" in finding.message


def test_hashes_of_all_sources_are_joined(tmp_path: Path) -> None:
    one = simple_index(tmp_path / "one", ("alpha", "1.0"))
    two = simple_index(tmp_path / "two", ("alpha", "1.0"), content="another build")
    sources = PackageSources({**at(one, tmp_path).env, "UV_INDEX": two}, local=(two,))
    made = lock((Package("alpha", "1.0"),), sources, tmp_path)
    assert len(parse(made.text)[0].hashes) == 2
    assert made.findings == ()


def test_an_index_that_is_down_is_said_and_the_lock_is_not_kept(tmp_path: Path) -> None:
    packages = (Package("alpha", "1.0"),)
    made = lock(packages, at(DEAD, tmp_path), tmp_path)
    assert made.text == "alpha==1.0\n"
    assert not made.complete
    (finding,) = made.findings
    assert finding.severity is Severity.RISKS
    assert "could not be reached" in finding.message
    assert "127.0.0.1" not in finding.message
    assert not list((tmp_path / "cache").glob("lock-*"))


def test_an_extra_index_that_is_down_does_not_hide_the_others(tmp_path: Path) -> None:
    address = simple_index(tmp_path / "index", ("alpha", "1.0"))
    sources = at(address, tmp_path, UV_INDEX=DEAD.replace("//", "//user:secret@"))
    made = lock((Package("alpha", "1.0"), Package("beta", "1.0")), sources, tmp_path)
    assert {item.name: len(item.hashes) for item in parse(made.text)} == {"alpha": 1, "beta": 0}
    assert "secret" not in str(made)
    assert not made.complete


def test_other_origins(tmp_path: Path) -> None:
    commit, digest = "a" * 40, "sha256:" + "b" * 64
    packages = (
        Package("own", "1", PackageOrigin.EDITABLE, "."),
        Package("vendored", "1", PackageOrigin.LOCAL, "vendor/vendored-1-py3-none-any.whl"),
        Package("outside", "1", PackageOrigin.LOCAL, None, digest),
        Package("lost", "1", PackageOrigin.LOCAL),
        Package("v", "1", PackageOrigin.VCS, "git+https://h.example/v#subdirectory=s", commit),
        Package("u", "1", PackageOrigin.URL, "https://h.example/u-1.zip", digest),
        Package("old", "not a version"),
    )
    made = lock(packages, at(DEAD, tmp_path), tmp_path)
    assert made.text == (
        f"outside==1 \\\n    --hash={digest}\n"
        f"u @ https://h.example/u-1.zip \\\n    --hash={digest}\n"
        f"v @ git+https://h.example/v@{commit}#subdirectory=s\n"
    )
    (finding,) = made.findings
    assert "old has the version 'not a version'" in finding.message


def test_a_second_time_it_comes_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = simple_index(tmp_path / "index", ("alpha", "1.0"))
    packages, sources = (Package("alpha", "1.0"), Package("gone", "1")), at(address, tmp_path)
    first = lock(packages, sources, tmp_path)
    monkeypatch.setattr(process, "run", None)
    assert lock(packages, sources, tmp_path) == first
    with pytest.raises(TypeError):
        lock((Package("alpha", "1.1"),), sources, tmp_path)


def test_credentials_do_not_come_to_the_disk(tmp_path: Path) -> None:
    address = simple_index(tmp_path / "index", ("alpha", "1.0"))
    sources = at(address, tmp_path, UV_INDEX_OWN_PASSWORD="topsecret")
    lock((Package("alpha", "1.0"),), sources, tmp_path)
    kept = list((tmp_path / "cache").iterdir())
    assert kept
    assert all(b"topsecret" not in path.read_bytes() for path in kept)


def test_offline_asks_no_network(tmp_path: Path) -> None:
    started = time.monotonic()
    made = lock((Package("alpha", "1.0"),), at(DEAD, tmp_path), tmp_path, offline=True)
    assert time.monotonic() - started < 2
    assert made.text == "alpha==1.0\n"
    assert not made.complete


# --- the machine's own index ------------------------------------------------------------------


@pytest.mark.network
@pytest.mark.parametrize(
    ("version", "numpy"), [("3.7.16", "1.21.6"), ("3.12.1", "2.0.0"), ("3.14.0", "2.4.6")]
)
def test_the_real_index(version: str, numpy: str, cache: Path) -> None:
    packages = (
        Package("numpy", numpy),
        Package("antlr4-python3-runtime", "4.9.3"),
        Package("scikit-learn", "1.0.2" if version.startswith("3.7") else "1.9.1"),
    )
    made = make_lock(packages, Interpreter(version), index.sources(os.environ), cache)
    counts = {item.name: len(item.hashes) for item in parse(made.text)}
    assert counts["numpy"] > 10
    assert counts["scikit-learn"] > 5
    assert counts["antlr4-python3-runtime"] >= 1
    assert made.findings == ()
    assert "://" not in made.text


@pytest.mark.network
def test_twenty_packages_with_a_warm_cache_take_less_than_a_second(tmp_path: Path) -> None:
    names = "click==8.1.7 six==1.17.0 idna==3.7 certifi==2024.2.2 attrs==23.2.0 packaging==24.0"
    pairs = (word.split("==") for word in names.split())
    packages = tuple(Package(name, version) for name, version in pairs)
    sources = index.sources(os.environ)
    make_lock(packages, PYTHON, sources, tmp_path / "one")
    made = make_lock(packages, PYTHON, sources, tmp_path / "two")
    anew = iter(("three", "four", "five"))
    assert quickest(lambda: make_lock(packages, PYTHON, sources, tmp_path / next(anew)), 3) < 1
    assert all(item.hashes for item in parse(made.text))
