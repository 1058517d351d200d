"""What conda, conda-lock, pixi and renv write down: by their own names, versions and builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.capturing.locks import conda_words, reading, renv
from repro.capturing.locks.comparing import compare_conda, compare_r
from repro.capturing.locks.reaching import expected
from repro.capturing.requirements import Manager, Requirements

LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.11"}
MAC = {"sys_platform": "darwin", "platform_machine": "arm64", "python_version": "3.11"}
CHANNEL = "https://index.example/conda-forge"


def read(folder: Path, name: str, text: str) -> Requirements:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return reading.read(path)


def shown(found: Requirements, markers: dict[str, str]) -> list[tuple[str, str, str | None]]:
    entries = expected(found.entries, found.roots, markers)
    return [(item.manager.value, item.name, item.version) for item in entries if not item.optional]


# --- environment.yml ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "name", "version", "build", "specifier"),
    [
        ("numpy", "numpy", None, None, ""),
        ("numpy=1.26", "numpy", None, None, "=1.26"),
        ("numpy==1.26.4", "numpy", "1.26.4", None, "==1.26.4"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy", "1.26.4", "py311h64a7726_0", "==1.26.4"),
        ("conda-forge::numpy >=1.26,<2", "numpy", None, None, ">=1.26,<2"),
        ("numpy >= 1.26 , < 2", "numpy", None, None, ">=1.26,<2"),
        ("numpy 1.26.*", "numpy", None, None, "1.26.*"),
        ("numpy 1.26.4", "numpy", "1.26.4", None, "==1.26.4"),
        ("numpy 1.26.4 py311_0", "numpy", "1.26.4", "py311_0", "==1.26.4"),
        ("pytorch=2.1=*cuda*", "pytorch", "2.1", None, "==2.1"),
        ("numpy[version='>=1.26,<2', build=py311_0]", "numpy", None, "py311_0", ">=1.26"),
        ("numpy[version='1.26.*']", "numpy", None, None, "1.26.*"),
    ],
)
def test_specifications(
    spec: str, name: str, version: str | None, build: str | None, specifier: str
) -> None:
    found = conda_words.from_spec(spec)
    assert found is not None
    assert (found.name, found.version, found.build) == (name, version, build)
    assert found.specifier.startswith(specifier)


@pytest.mark.parametrize("spec", ["", "a b c d", "== 1", "name/with/slash"])
def test_no_specifications(spec: str) -> None:
    assert conda_words.from_spec(spec) is None


@pytest.mark.parametrize(
    ("specifier", "version", "admitted"),
    [
        ("", "1", True),
        ("*", "1", True),
        ("=1.2", "1.2.9", True),
        ("=1.2", "1.20", False),
        ("1.2.*", "1.2", True),
        ("1.2*", "1.3", False),
        ("==1.2", "1.2.0", True),
        (">=1.2,<2", "1.9", True),
        (">=1.2,<2", "2.0", False),
        ("1.2.*|1.4.*", "1.4.1", True),
        ("1.2.*|1.4.*", "1.3", False),
        ("!=1.5", "1.5", False),
        (">=9e", "9f", None),
        (">=1.1.1w", "3.0", None),
    ],
)
def test_what_condas_words_leave(specifier: str, version: str, admitted: bool | None) -> None:
    assert conda_words.admits(specifier, version) is admitted


def test_environment_with_pip(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("six==1.16\n")
    found = read(
        tmp_path,
        "environment.yml",
        "name: train\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - numpy>=1.26\n"
        "  - a b c d\n  - pip\n  - pip:\n    - Click==8.1\n    - -r more.txt\n    - -r gone.txt\n",
    )
    assert not found.complete
    assert shown(found, LINUX) == [
        ("conda", "python", None),
        ("conda", "numpy", None),
        ("conda", "pip", None),
        ("python", "click", "8.1"),
        ("python", "six", "1.16"),
    ]
    assert len(found.unread) == 2
    assert "gone.txt" in found.unread[1]


def test_an_export_is_complete(tmp_path: Path) -> None:
    text = "dependencies:\n- python=3.11.7=hab00c5b_1_cpython\n- openssl=3.2.0=hd590300_1\n"
    assert read(tmp_path, "environment.yml", text).complete
    assert not read(tmp_path, "environment.yml", text + "- numpy\n").complete


# --- explicit lists -------------------------------------------------------------------------------


def test_explicit(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "explicit.txt",
        "# platform: linux-64\n@EXPLICIT\n"
        f"{CHANNEL}/linux-64/ld_impl_linux-64-2.40-h41732ed_0.conda#{'a' * 32}\n"
        f"{CHANNEL}/noarch/tzdata-2023c-h71feb2d_0.tar.bz2#sha256:{'b' * 64}\n"
        f"{CHANNEL}/noarch/odd.conda\n"
        f"# pip click @ https://index.example/click-8.1-py3-none-any.whl --hash=sha256:{'c' * 64}\n",
    )
    assert found.complete
    assert shown(found, LINUX) == [
        ("conda", "ld_impl_linux-64", "2.40"),
        ("conda", "tzdata", "2023c"),
        ("python", "click", "8.1"),
    ]
    assert shown(found, MAC) == [("python", "click", "8.1")]
    assert [item.hashes[0][:8] for item in found.entries] == ["md5:aaaa", "sha256:b", "sha256:c"]
    assert found.unread == (f"'{CHANNEL}/noarch/odd.conda' is no file of a package",)


def test_a_list_of_condas_may_have_the_name_of_pips(tmp_path: Path) -> None:
    found = read(tmp_path, "requirements.txt", f"@EXPLICIT\n{CHANNEL}/linux-64/a-1-0.conda\n")
    assert [item.manager for item in found.entries] == [Manager.CONDA]


# --- conda-lock.yml, pixi.lock ----------------------------------------------------------------------

CONDA_LOCK = f"""
version: 1
metadata: {{platforms: [linux-64, osx-arm64]}}
package:
- name: numpy
  version: 1.26.4
  manager: conda
  platform: linux-64
  dependencies: {{python: '>=3.11'}}
  url: {CHANNEL}/linux-64/numpy-1.26.4-py311h64a7726_0.conda
  hash: {{md5: {"a" * 32}, sha256: {"b" * 64}}}
  category: main
  optional: false
- name: numpy
  version: 1.26.3
  manager: conda
  platform: osx-arm64
  url: {CHANNEL}/osx-arm64/numpy-1.26.3-py311_0.conda
  hash: {{md5: {"a" * 32}}}
  category: main
  optional: false
- name: Click
  version: '8.1'
  manager: pip
  platform: linux-64
  url: https://index.example/click-8.1-py3-none-any.whl
  hash: {{sha256: {"c" * 64}}}
  category: main
  optional: false
- name: pytest
  version: 7.10
  manager: conda
  platform: linux-64
  url: {CHANNEL}/noarch/pytest-7.10-h_0.conda
  category: dev
  optional: true
"""


def test_conda_lock(tmp_path: Path) -> None:
    found = read(tmp_path, "conda-lock.yml", CONDA_LOCK)
    assert shown(found, LINUX) == [("conda", "numpy", "1.26.4"), ("python", "click", "8.1")]
    assert shown(found, MAC) == [("conda", "numpy", "1.26.3")]
    assert found.entries[0].hashes == (f"md5:{'a' * 32}", f"sha256:{'b' * 64}")
    assert found.entries[0].build == "py311h64a7726_0"
    assert found.entries[3].optional


def pixi(version: int) -> str:
    kind = version < 6
    return f"""
version: {version}
environments:
  default:
    channels: [{{url: {CHANNEL}}}]
    packages:
      linux-64:
      - conda: {CHANNEL}/linux-64/numpy-1.26.4-py311h64a7726_0.conda
      - pypi: https://index.example/click-8.1-py3-none-any.whl
      - pypi: ./
      osx-arm64:
      - conda: {CHANNEL}/osx-arm64/numpy-1.26.3-py311_0.conda
  gpu:
    packages:
      p1:
      - conda: {CHANNEL}/linux-64/numpy-2.0.0-py311_0.conda
platforms: [{{name: p1, subdir: linux-64}}]
packages:
- {"kind: conda" if kind else f"conda: {CHANNEL}/linux-64/numpy-1.26.4-py311h64a7726_0.conda"}
  {f"url: {CHANNEL}/linux-64/numpy-1.26.4-py311h64a7726_0.conda" if kind else "license: BSD"}
  sha256: {"b" * 64}
- {"kind: pypi" if kind else "pypi: https://index.example/click-8.1-py3-none-any.whl"}
  {"url: https://index.example/click-8.1-py3-none-any.whl" if kind else "requires_dist: []"}
  name: Click
  version: '8.1'
  sha256: {"c" * 64}
- {"kind: pypi" if kind else "pypi: ./"}
  {"path: ./" if kind else "requires_dist: []"}
  name: own
  version: 0.1.0
  editable: true
"""


@pytest.mark.parametrize("version", [4, 5, 6, 7])
def test_pixi(version: int, tmp_path: Path) -> None:
    found = read(tmp_path, "pixi.lock", pixi(version))
    by_group = {
        (item.group, item.name, item.version) for item in expected(found.entries, (), LINUX)
    }
    assert by_group == {
        ("default", "numpy", "1.26.4"),
        ("default", "click", "8.1"),
        ("default", "own", "0.1.0"),
        ("gpu", "numpy", "2.0.0"),
    }
    assert found.entries[0].hashes == (f"sha256:{'b' * 64}",)


# --- the comparison by conda's and R's names --------------------------------------------------------


def test_other_versions_and_builds_are_named(tmp_path: Path) -> None:
    from repro.capturing.conda import CondaPackage

    found = read(tmp_path, "conda-lock.yml", CONDA_LOCK)
    here = [CondaPackage("numpy", "1.26.4", "py311_other"), CondaPackage("openssl", "3", "h_0")]
    messages = [
        item.message for item in compare_conda(here, found.entries, LINUX, "x.yml", complete=True)
    ]
    assert messages == [
        "installed in another version than x.yml says: numpy 1.26.4=py311_other (locked: numpy=1.26.4)",
        "installed, and x.yml does not name it: openssl",
    ]
    right = [CondaPackage("numpy", "1.26.4", "py311h64a7726_0")]
    assert compare_conda(right, found.entries, LINUX, "x.yml", complete=True) == ()


RENV = """{"R": {"Version": "4.3.2", "Repositories": []}, "Packages": {
 "dplyr": {"Package": "dplyr", "Version": "1.1.4", "Source": "Repository", "Hash": "abc"},
 "R6": {"Package": "R6", "Version": "2.5.1", "Source": "GitHub", "RemoteSha": "123"},
 "odd": 7}}"""


def test_renv_and_its_library(tmp_path: Path) -> None:
    found = read(tmp_path, "renv.lock", RENV)
    assert [(item.name, item.version, item.manager) for item in found.entries] == [
        ("dplyr", "1.1.4", Manager.R),
        ("R6", "2.5.1", Manager.R),
    ]
    assert found.unread == ("odd is no table",)
    cache = tmp_path / "cache" / "dplyr"
    cache.mkdir(parents=True)
    (cache / "DESCRIPTION").write_text("Package: dplyr\nTitle: x\nVersion: 1.1.0\n")
    library = tmp_path / "renv" / "library" / "R-4.3" / "x86_64-pc-linux-gnu"
    library.mkdir(parents=True)
    (library / "dplyr").symlink_to(cache)
    assert renv.installed(tmp_path) == {"dplyr": "1.1.0"}
    messages = [item.message for item in compare_r({"dplyr": "1.1.0"}, found.entries, "renv.lock")]
    assert messages == [
        "renv.lock names what is not installed: R6 2.5.1",
        "installed in another version than renv.lock says: dplyr 1.1.0 (locked: dplyr 1.1.4)",
    ]
