"""What is installed, from real environments and from metadata as installers have left it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench import quickest

from repro.capturing import interpreter, packages
from repro.capturing.probing import Probe
from repro.manifest import Finding, Interpreter, Package, PackageOrigin, Severity

PYENV = Path.home() / ".pyenv" / "versions"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "env" / "lib" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def probe_of(*paths: Path, sites: tuple[Path, ...] | None = None, prefix: str = "/env") -> Probe:
    return Probe(
        Interpreter("3.11.7"),
        executable=f"{prefix}/bin/python",
        prefix=prefix,
        base_prefix="/usr",
        paths=tuple(map(str, paths)),
        sites=tuple(map(str, paths if sites is None else sites)),
        platform="linux-x86_64",
        libc=None,
    )


def install(site: Path, name: str, direct: object = None, installer: str = "pip") -> Path:
    folder = site / f"{name}.dist-info"
    folder.mkdir(parents=True)
    project, _, version = name.partition("-")
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
    )
    (folder / "INSTALLER").write_text(f"{installer}\n")
    if direct is not None:
        (folder / "direct_url.json").write_text(
            direct if isinstance(direct, str) else json.dumps(direct)
        )
    return folder


def only(site: Path, workspace: Path) -> tuple[Package, tuple[Finding, ...]]:
    found = packages.inventory(probe_of(site), workspace)
    assert len(found.packages) == 1
    return found.packages[0], found.findings


# --- names and versions ---------------------------------------------------------------------


def test_names_are_normalised_and_sorted(site: Path, workspace: Path) -> None:
    for name in ("zope.interface-5.0", "Flask_Cors-4.0.1", "torch-2.13.0+cpu"):
        install(site, name)
    found = packages.inventory(probe_of(site), workspace)
    assert [(item.name, item.version) for item in found.packages] == [
        ("flask-cors", "4.0.1"),
        ("torch", "2.13.0+cpu"),
        ("zope-interface", "5.0"),
    ]
    assert {item.origin for item in found.packages} == {PackageOrigin.INDEX}
    assert found.findings == ()


def test_an_ambiguous_folder_name_is_settled_by_the_metadata(site: Path, workspace: Path) -> None:
    folder = install(site, "a")
    (folder / "METADATA").write_text("Name: a-b\nVersion: 1.0-1\n\nName: other\n")
    folder.rename(site / "a-b-1.0_1.dist-info")
    assert only(site, workspace)[0] == Package("a-b", "1.0-1")


def test_egg_info_as_a_file_and_as_a_folder(site: Path, workspace: Path) -> None:
    (site / "old-1.2-py3.7.egg-info").write_text("Metadata-Version: 1.0\nName: Old\nVersion: 1.2\n")
    egg = site / "packed-3.0-py3.7.egg" / "EGG-INFO"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Name: packed\nVersion: 3.0\n")
    found = packages.inventory(probe_of(site), workspace)
    assert found.packages == (Package("old", "1.2"), Package("packed", "3.0"))


def test_leftovers_of_an_interrupted_install_are_named(site: Path, workspace: Path) -> None:
    install(site, "good-1.0")
    (site / "~umpy-1.0.dist-info").mkdir()
    (site / "half-2.0.dist-info").mkdir()
    package, (finding,) = only(site, workspace)
    assert package.name == "good"
    assert finding.severity is Severity.NOTE
    assert "half-2.0.dist-info, ~umpy-1.0.dist-info" in finding.message


# --- origins --------------------------------------------------------------------------------


@pytest.mark.parametrize(("inner", "location"), [("", "."), ("libs/core", "libs/core")])
def test_an_editable_install_inside_the_workspace_is_relative(
    inner: str, location: str, site: Path, workspace: Path
) -> None:
    url = (workspace / inner).as_uri()
    install(site, "core-1.0", {"url": url, "dir_info": {"editable": True}})
    package, findings = only(site, workspace)
    assert (package.origin, package.location) == (PackageOrigin.EDITABLE, location)
    assert findings == ()


def test_a_workspace_behind_a_symlink(site: Path, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(workspace)
    url = (tmp_path / "link").as_uri()
    install(site, "core-1.0", {"url": url, "dir_info": {"editable": True}})
    assert only(site, workspace)[0].location == "."


def test_an_editable_install_outside_breaks_a_replay_and_its_path_is_not_recorded(
    site: Path, workspace: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "elsewhere").as_uri()
    install(site, "core-1.0", {"url": url, "dir_info": {"editable": True}})
    package, (finding,) = only(site, workspace)
    assert package == Package("core", "1.0", PackageOrigin.EDITABLE)
    assert finding.severity is Severity.BREAKS
    assert "elsewhere" in finding.message
    assert finding.remedy


def test_an_editable_checkout_outside_is_recorded_by_its_commit(
    site: Path, workspace: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "env" / "src" / "core"
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(clone))
    subprocess.run(("git", "init", "-q", str(clone)), check=True)
    subprocess.run((*git, "commit", "-q", "--allow-empty", "-m", "one"), check=True)
    url = "https://me:secret@example.org/core.git"
    subprocess.run((*git, "remote", "add", "origin", url), check=True)
    commit = subprocess.run((*git, "rev-parse", "HEAD"), check=True, capture_output=True, text=True)
    where = (clone / "python").as_uri()
    install(site, "core-1.0", {"url": where, "dir_info": {"editable": True}})
    expected = Package(
        "core",
        "1.0",
        PackageOrigin.VCS,
        "git+https://example.org/core.git#subdirectory=python",
        commit.stdout.strip(),
    )
    package, (finding,) = only(site, workspace)
    assert package == expected
    assert finding.severity is Severity.RISKS
    subprocess.run((*git, "pack-refs", "--all"), check=True)
    assert only(site, workspace)[0] == expected


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://user:token@example.org/a/b.git", "git+https://example.org/a/b.git"),
        ("ssh://git@example.org/a/b.git", "git+ssh://git@example.org/a/b.git"),
    ],
)
def test_vcs_without_credentials(url: str, location: str, site: Path, workspace: Path) -> None:
    commit = "a" * 40
    info = {"vcs": "git", "commit_id": commit, "requested_revision": "main"}
    install(site, "b-1.0", {"url": url, "vcs_info": info, "subdirectory": "python"})
    package, findings = only(site, workspace)
    inner = f"{location}#subdirectory=python"
    assert package == Package("b", "1.0", PackageOrigin.VCS, inner, commit)
    assert findings == ()


def test_a_repository_of_this_machine_breaks_a_replay(site: Path, workspace: Path) -> None:
    info = {"vcs": "git", "commit_id": "a" * 40}
    install(site, "b-1.0", {"url": "file:///home/me/b", "vcs_info": info})
    package, (finding,) = only(site, workspace)
    assert package.location is None
    assert finding.severity is Severity.BREAKS


@pytest.mark.parametrize(
    "archive",
    [{"hash": f"sha256={'b' * 64}"}, {"hashes": {"sha256": "b" * 64}, "hash": f"md5={'c' * 32}"}],
)
def test_a_url_with_its_hash(archive: dict[str, Any], site: Path, workspace: Path) -> None:
    url = "https://u:p@example.org/b-1.0-py3-none-any.whl?sig=abc"
    install(site, "b-1.0", {"url": url, "archive_info": archive})
    assert only(site, workspace)[0] == Package(
        "b",
        "1.0",
        PackageOrigin.URL,
        "https://example.org/b-1.0-py3-none-any.whl",
        "sha256:" + "b" * 64,
    )


def test_a_wheel_of_the_workspace(site: Path, workspace: Path) -> None:
    url = (workspace / "vendor" / "b-1.0-py3-none-any.whl").as_uri()
    install(site, "b-1.0", {"url": url, "archive_info": {"hash": f"sha256={'b' * 64}"}})
    package, findings = only(site, workspace)
    assert package.location == "vendor/b-1.0-py3-none-any.whl"
    assert package.origin is PackageOrigin.LOCAL
    assert findings == ()


@pytest.mark.parametrize(
    "origin",
    [
        {"dir_info": {}, "url": "file:///home/conda/feedstock_root/build_artifacts/b_17/work"},
        {
            "archive_info": {"hash": f"sha256={'b' * 64}"},
            "url": "file:///home/conda/feedstock_root/b-1.0-cp311-cp311-linux_x86_64.whl",
        },
    ],
)
def test_the_folder_in_which_conda_built_it_is_nobodys(
    origin: dict[str, Any], site: Path, workspace: Path
) -> None:
    install(site, "b-1.0", origin, installer="conda")
    assert only(site, workspace) == (Package("b", "1.0"), ())


def test_a_wheel_of_this_machine_breaks_a_replay(site: Path, workspace: Path) -> None:
    install(site, "b-1.0", {"url": "file:///home/me/b-1.0-py3-none-any.whl", "archive_info": {}})
    package, (finding,) = only(site, workspace)
    assert package == Package("b", "1.0", PackageOrigin.LOCAL)
    assert finding.severity is Severity.BREAKS


def test_a_copy_of_the_source_is_said_to_be_one(site: Path, workspace: Path) -> None:
    install(site, "b-1.0", {"url": workspace.as_uri(), "dir_info": {}})
    package, (finding,) = only(site, workspace)
    assert (package.origin, package.location) == (PackageOrigin.LOCAL, ".")
    assert finding.severity is Severity.NOTE


@pytest.mark.parametrize("content", ["{", "[]", '"x"'])
def test_a_damaged_direct_url_is_named(content: str, site: Path, workspace: Path) -> None:
    install(site, "b-1.0", content)
    package, (finding,) = only(site, workspace)
    assert package == Package("b", "1.0")
    assert "damaged" in finding.message


def test_develop_installs_are_found_by_their_egg_link(site: Path, workspace: Path) -> None:
    source = workspace / "src"
    (source / "core.egg-info").mkdir(parents=True)
    (source / "core.egg-info" / "PKG-INFO").write_text("Name: core\nVersion: 0.3\n")
    (workspace / "setup.py").touch()
    (site / "core.egg-link").write_text(f"{source}\n../")
    (site / "easy-install.pth").write_text(f"{source}\n")
    found = packages.inventory(probe_of(site, source, sites=(site,)), workspace)
    assert found.packages == (Package("core", "0.3", PackageOrigin.EDITABLE, "."),)
    assert found.findings == ()


def test_a_pth_of_a_modern_editable_install_without_a_direct_url(
    site: Path, workspace: Path
) -> None:
    (workspace / "src").mkdir()
    (workspace / "pyproject.toml").touch()
    install(site, "core-0.3")
    (site / "__editable__.core-0.3.pth").write_text(f"{workspace}/src\n")
    probe = probe_of(site, workspace / "src", sites=(site,))
    found = packages.inventory(probe, workspace)
    assert found.packages == (Package("core", "0.3", PackageOrigin.EDITABLE, "."),)


def test_metadata_beside_source_on_pythonpath_is_not_installed(site: Path, workspace: Path) -> None:
    (workspace / "core.egg-info").mkdir()
    (workspace / "core.egg-info" / "PKG-INFO").write_text("Name: core\nVersion: 0.3\n")
    install(site, "b-1.0")
    found = packages.inventory(probe_of(workspace, site, sites=(site,)), workspace)
    assert found.packages == (Package("b", "1.0"),)


# --- several of one name --------------------------------------------------------------------


def test_the_first_on_the_search_path_wins(site: Path, workspace: Path, tmp_path: Path) -> None:
    second = tmp_path / "system"
    install(site, "b-1.0")
    install(second, "b-2.0")
    found = packages.inventory(probe_of(site, second), workspace)
    assert found.packages == (Package("b", "1.0"),)
    (finding,) = found.findings
    assert finding.severity is Severity.NOTE
    assert "b 1.0 hides 2.0" in finding.message


def test_two_in_one_folder_the_later_one_counts(site: Path, workspace: Path) -> None:
    for name, age in (("b-2.0", 100), ("b-1.0", 50), ("b-3.0", 200)):
        metadata = install(site, name) / "METADATA"
        then = time.time() - age
        os.utime(metadata, (then, then))
    package, findings = only(site, workspace)
    assert package.version == "1.0"
    assert {item.severity for item in findings} == {Severity.RISKS}
    assert any("1.0 and 2.0" in item.message for item in findings)


# --- what is beside the packages --------------------------------------------------------------


def test_code_on_pythonpath_outside_the_workspace_is_named(
    site: Path, workspace: Path, tmp_path: Path
) -> None:
    library, pointed = tmp_path / "library", tmp_path / "pointed"
    library.mkdir()
    pointed.mkdir()
    (site / "mine.pth").write_text(f"import os\n# no\n{pointed}\n")
    probe = probe_of(library, workspace, site, pointed, sites=(site,))
    found = packages.inventory(probe, workspace)
    assert [item.severity for item in found.findings] == [Severity.RISKS, Severity.RISKS]
    assert f"PYTHONPATH puts {library}" in found.findings[0].message
    assert f"a .pth file puts {pointed}" in found.findings[1].message


def test_packages_of_conda_are_named(site: Path, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "env" / "conda-meta").mkdir()
    install(site, "numpy-1.26.0", installer="conda")
    install(site, "six-1.17.0")
    found = packages.inventory(probe_of(site, prefix=str(tmp_path / "env")), workspace)
    (finding,) = found.findings
    assert finding.severity is Severity.RISKS
    assert "1 package installed by conda" in finding.message
    assert "numpy" in finding.message
    assert "six" not in finding.message


# --- real environments ------------------------------------------------------------------------


def run(*words: object, cwd: Path | None = None) -> None:
    subprocess.run([str(word) for word in words], cwd=cwd, check=True, capture_output=True)


def project(folder: Path, backend: str = "") -> None:
    (folder / "src" / "core").mkdir(parents=True)
    (folder / "src" / "core" / "__init__.py").touch()
    (folder / "setup.py").write_text(
        "from setuptools import setup\n"
        "setup(name='Core_Lib', version='0.4', package_dir={'': 'src'}, packages=['core'])\n"
    )
    if backend:
        (folder / "pyproject.toml").write_text(backend)


BACKEND = "[build-system]\nrequires=['setuptools']\nbuild-backend='setuptools.build_meta'\n"

Inventory = Callable[[Path], packages.Inventory]


@pytest.fixture
def take(workspace: Path, tmp_path: Path) -> Inventory:
    def inventory(venv: Path) -> packages.Inventory:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        found = interpreter.probe(venv / "bin" / "python", workspace, env, tmp_path / "cache")
        return packages.inventory(found, workspace)

    return inventory


@pytest.mark.network
@pytest.mark.parametrize(
    ("version", "backend"), [("3.7", ""), ("3.12", BACKEND)], ids=["3.7-develop", "3.12-pyproject"]
)
def test_a_real_editable_install_by_pip(
    version: str, backend: str, workspace: Path, tmp_path: Path, take: Inventory
) -> None:
    pythons = sorted(PYENV.glob(f"{version}.*/bin/python"))
    if not pythons:
        pytest.skip(f"no Python {version} in {PYENV}")
    project(workspace / "libs" / "core", backend)
    venv = tmp_path / "venv"
    run(pythons[-1], "-m", "venv", venv)
    pip = (venv / "bin" / "python", "-m", "pip", "install", "--no-deps")
    run(*pip, "-e", workspace / "libs" / "core")
    run(*pip, "six==1.16.0")
    found = take(venv)
    by_name = {item.name: item for item in found.packages}
    assert by_name["core-lib"] == Package("core-lib", "0.4", PackageOrigin.EDITABLE, "libs/core")
    assert by_name["six"] == Package("six", "1.16.0")
    assert "pip" in by_name
    assert found.findings == ()


@pytest.mark.network
def test_a_real_editable_install_by_uv(workspace: Path, tmp_path: Path, take: Inventory) -> None:
    import uv

    project(workspace, BACKEND)
    program, venv = uv.find_uv_bin(), tmp_path / "venv"
    run(program, "venv", "-q", venv)
    run(program, "pip", "install", "-q", "--python", venv / "bin/python", "-e", workspace)
    found = take(venv)
    assert found.packages == (Package("core-lib", "0.4", PackageOrigin.EDITABLE, "."),)
    assert found.findings == ()


def test_a_hundred_packages_are_read_in_no_time(site: Path, workspace: Path) -> None:
    for number in range(105):
        install(site, f"package_{number}-1.{number}")
    probe = probe_of(site)
    found = packages.inventory(probe, workspace)
    assert quickest(lambda: packages.inventory(probe, workspace)) < 0.06
    assert len(found.packages) == 105
