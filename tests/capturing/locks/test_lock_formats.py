"""The locks of Python's tools: what each pins, and what of that one interpreter is expected to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.capturing.locks import reading
from repro.capturing.locks.reaching import expected
from repro.capturing.requirements import Requirement, Requirements
from repro.manifest import PackageOrigin

OLD = {"python_version": "3.10", "python_full_version": "3.10.4", "sys_platform": "linux"}
NEW = {"python_version": "3.12", "python_full_version": "3.12.1", "sys_platform": "linux"}
SHA = "sha256:" + "a" * 64
COMMIT = "1234567890abcdef1234567890abcdef12345678"


def read(folder: Path, name: str, text: str) -> Requirements:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return reading.read(path)


def needed(found: Requirements, markers: dict[str, str]) -> list[str]:
    """What must be installed there, as ``name version``."""
    entries = expected(found.entries, found.roots, markers)
    return [f"{item.name} {item.version}" for item in entries if not item.optional]


def entry(found: Requirements, name: str) -> Requirement:
    (item,) = [item for item in found.entries if item.name == name]
    return item


# --- pylock.toml --------------------------------------------------------------------------------

PYLOCK = f"""
lock-version = "1.0"
created-by = "some tool"
requires-python = ">=3.10"
extras = ["gpu"]
dependency-groups = ["dev"]

[[packages]]
name = "Click"
version = "8.1"
index = "https://index.example/simple"
sdist = {{ url = "https://index.example/click-8.1.tar.gz", hashes = {{ sha256 = "{"b" * 64}" }} }}
wheels = [{{ url = "https://index.example/click-8.1-py3-none-any.whl", hashes = {{ sha256 = "{"a" * 64}" }} }}]

[[packages]]
name = "numpy"
version = "1.26.4"
marker = "python_version < '3.11'"

[[packages]]
name = "numpy"
version = "2.1.0"
marker = "python_version >= '3.11'"

[[packages]]
name = "six"
version = "1.16"
marker = "'gpu' in extras"

[[packages]]
name = "pytest"
version = "8"
marker = "'dev' in dependency_groups"

[[packages]]
name = "ours"
vcs = {{ type = "git", url = "https://index.example/ours.git", commit-id = "{COMMIT}" }}

[[packages]]
name = "own"
directory = {{ path = ".", editable = true }}

[[packages]]
name = "copied"
directory = {{ path = "vendor/copied" }}

[[packages]]
name = "archived"
version = "2"
archive = {{ url = "https://index.example/archived-2.zip", hashes = {{ sha256 = "{"a" * 64}" }} }}
"""


def test_pylock(tmp_path: Path) -> None:
    found = read(tmp_path, "pylock.train.toml", PYLOCK)
    assert found.complete
    assert needed(found, OLD)[:2] == ["click 8.1", "numpy 1.26.4"]
    assert needed(found, NEW)[:2] == ["click 8.1", "numpy 2.1.0"]
    assert entry(found, "click").hashes == ("sha256:" + "b" * 64, SHA)
    assert entry(found, "six").optional and entry(found, "pytest").optional
    origins = {item.name: (item.origin, item.url, item.revision) for item in found.entries[5:]}
    assert origins == {
        "ours": (PackageOrigin.VCS, "https://index.example/ours.git", COMMIT),
        "own": (PackageOrigin.EDITABLE, ".", None),
        "copied": (PackageOrigin.LOCAL, "vendor/copied", None),
        "archived": (PackageOrigin.URL, "https://index.example/archived-2.zip", None),
    }


def test_an_extra_that_was_asked_for_may_be_there(tmp_path: Path) -> None:
    found = read(tmp_path, "pylock.toml", PYLOCK)
    names = [item.name for item in expected(found.entries, (), NEW)]
    assert "six" in names and "pytest" in names


# --- uv.lock ------------------------------------------------------------------------------------

UV = f"""
version = 1
revision = 3
requires-python = ">=3.10"

[manifest]
members = ["app", "part"]

[[package]]
name = "app"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "part", extra = ["fast"] }},
    {{ name = "numpy", version = "1.26.4", marker = "python_full_version < '3.11'" }},
    {{ name = "numpy", version = "2.1.0", marker = "python_full_version >= '3.11'" }},
    {{ name = "pywin32", marker = "sys_platform == 'win32'" }},
]
[package.optional-dependencies]
gpu = [{{ name = "cuda" }}]
[package.dev-dependencies]
dev = [{{ name = "pytest" }}]

[[package]]
name = "part"
version = "0.2"
source = {{ editable = "part" }}
[package.optional-dependencies]
fast = [{{ name = "speed" }}]

[[package]]
name = "numpy"
version = "1.26.4"
source = {{ registry = "https://index.example/simple" }}
resolution-markers = ["python_full_version < '3.11'"]
sdist = {{ url = "https://index.example/numpy-1.26.4.tar.gz", hash = "{SHA}" }}

[[package]]
name = "numpy"
version = "2.1.0"
source = {{ registry = "https://index.example/simple" }}
resolution-markers = ["python_full_version >= '3.12'", "python_full_version == '3.11.*'"]

[[package]]
name = "speed"
version = "3"
source = {{ git = "https://index.example/speed?rev=main#{COMMIT}" }}
dependencies = [{{ name = "part" }}]

[[package]]
name = "pywin32"
version = "300"
source = {{ registry = "https://index.example/simple" }}

[[package]]
name = "cuda"
version = "12"
source = {{ url = "https://index.example/cuda-12.whl" }}

[[package]]
name = "pytest"
version = "8"
source = {{ path = "../wheels/pytest-8.whl" }}
"""


def test_uv(tmp_path: Path) -> None:
    found = read(tmp_path, "uv.lock", UV)
    assert found.complete
    assert needed(found, OLD) == ["part 0.2", "numpy 1.26.4", "speed 3"]
    assert needed(found, NEW) == ["part 0.2", "numpy 2.1.0", "speed 3"]
    assert entry(found, "part").origin is PackageOrigin.EDITABLE
    speed = entry(found, "speed")
    assert (speed.origin, speed.url, speed.revision) == (
        PackageOrigin.VCS,
        "https://index.example/speed",
        COMMIT,
    )
    assert entry(found, "cuda").origin is PackageOrigin.URL
    assert entry(found, "pytest").origin is PackageOrigin.LOCAL


def test_extras_that_exclude_each_other_are_not_expected(tmp_path: Path) -> None:
    """uv writes such conflicts as markers over extras that exist nowhere else."""
    text = UV.replace('{ name = "part", extra = ["fast"] },',
                      '{ name = "cuda", marker = "extra == \'extra-3-app-cu12\'" },')  # fmt: skip
    assert "cuda 12" not in needed(read(tmp_path, "uv.lock", text), NEW)


# --- poetry.lock --------------------------------------------------------------------------------

POETRY_2 = f"""
[[package]]
name = "click"
version = "8.1"
optional = false
python-versions = ">=3.7"
groups = ["main", "dev"]
markers = {{ main = "python_version < '3.11'" }}
files = [{{ file = "click-8.1-py3-none-any.whl", hash = "{SHA}" }}]

[[package]]
name = "numpy"
version = "2.1.0"
optional = false
groups = ["main"]
markers = "python_version >= '3.11'"
files = []

[[package]]
name = "pytest"
version = "8"
optional = false
groups = ["dev"]
files = []

[[package]]
name = "gpu"
version = "1"
optional = true
groups = ["main"]
files = []

[[package]]
name = "ours"
version = "0.1"
optional = false
groups = ["main"]
files = []
[package.source]
type = "git"
url = "https://index.example/ours.git"
reference = "main"
resolved_reference = "{COMMIT}"

[metadata]
lock-version = "2.1"
python-versions = ">=3.10"
content-hash = "x"
"""

POETRY_1 = """
[[package]]
name = "click"
version = "8.1"
description = ""
category = "main"
optional = false
python-versions = "*"
[package.dependencies]
colorama = {version = "*", markers = "sys_platform == \\"win32\\""}
Helper_Lib = ">=1"
socks = {version = "*", optional = true}
[package.extras]
proxy = ["socks (>=1)"]

[[package]]
name = "colorama"
version = "0.4"
category = "main"
optional = false

[[package]]
name = "helper-lib"
version = "1.5"
optional = false

[[package]]
name = "socks"
version = "3"
optional = false

[[package]]
name = "pytest"
version = "6"
category = "dev"
optional = false

[[package]]
name = "black"
version = "22"
optional = false

[metadata]
lock-version = "1.1"
content-hash = "x"
[metadata.files]
click = [{file = "click-8.1.tar.gz", hash = "sha256:ccc"}]
"""


def test_poetry_2(tmp_path: Path) -> None:
    found = read(tmp_path, "poetry.lock", POETRY_2)
    assert needed(found, NEW) == ["numpy 2.1.0", "ours 0.1"]
    assert needed(found, OLD) == ["click 8.1", "ours 0.1"]
    assert entry(found, "click").hashes == (SHA,)
    assert entry(found, "ours").revision == COMMIT
    assert entry(found, "ours").origin is PackageOrigin.VCS


def test_poetry_1_with_the_project_beside_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.poetry.dependencies]\npython = "^3.8"\nclick = "^8"\n'
        '[tool.poetry.group.dev.dependencies]\nblack = "*"\n'
    )
    found = read(tmp_path, "poetry.lock", POETRY_1)
    assert needed(found, NEW) == ["click 8.1", "helper-lib 1.5"]
    assert entry(found, "click").hashes == ("sha256:ccc",)


def test_poetry_1_alone_expects_all_but_what_it_calls_aside(tmp_path: Path) -> None:
    found = read(tmp_path, "poetry.lock", POETRY_1)
    assert "pytest 6" not in needed(found, NEW)
    assert "black 22" in needed(found, NEW)


# --- pdm.lock, Pipfile.lock ------------------------------------------------------------------------

PDM = f"""
[metadata]
groups = ["default", "dev"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[package]]
name = "anyio"
version = "4.9.0"
groups = ["default", "dev"]
dependencies = ["exceptiongroup>=1.0.2; python_version < \\"3.11\\""]
files = [{{file = "anyio-4.9.0.tar.gz", hash = "{SHA}"}}]

[[package]]
name = "exceptiongroup"
version = "1.2"
groups = ["default"]
marker = "python_version < \\"3.11\\""

[[package]]
name = "pytest"
version = "8"
groups = ["dev"]

[[package]]
name = "ours"
version = "0.1"
git = "https://index.example/ours.git"
ref = "main"
revision = "{COMMIT}"
groups = ["default"]

[[package]]
name = "near"
version = "0.1"
path = "./near"
editable = true
groups = ["default"]
"""


def test_pdm(tmp_path: Path) -> None:
    found = read(tmp_path, "pdm.lock", PDM)
    assert needed(found, NEW) == ["anyio 4.9.0", "ours 0.1", "near 0.1"]
    assert needed(found, OLD)[1] == "exceptiongroup 1.2"
    assert entry(found, "anyio").hashes == (SHA,)
    assert entry(found, "ours").revision == COMMIT
    assert entry(found, "near").origin is PackageOrigin.EDITABLE


def test_pdm_without_inherited_metadata_starts_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["anyio"]\n')
    text = PDM.replace('"inherit_metadata"', "").replace(
        'marker = "python_version < \\"3.11\\""', ""
    )
    found = read(tmp_path, "pdm.lock", text)
    assert needed(found, NEW) == ["anyio 4.9.0"]
    assert needed(found, OLD) == ["anyio 4.9.0", "exceptiongroup 1.2"]


PIPFILE = f"""{{
  "_meta": {{"hash": {{"sha256": "x"}}, "pipfile-spec": 6, "requires": {{}}, "sources": []}},
  "default": {{
    "Click": {{"hashes": ["{SHA}"], "index": "own", "version": "==8.1", "markers": "python_version >= '3.11'"}},
    "open": {{"version": "*"}},
    "ours": {{"git": "https://index.example/ours.git", "ref": "{COMMIT}"}},
    "near": {{"path": "./near", "editable": true}},
    "odd": "1.0"
  }},
  "develop": {{"pytest": {{"version": "==8"}}}},
  "docs": {{"sphinx": {{"version": "==7"}}}}
}}"""


def test_pipfile(tmp_path: Path) -> None:
    found = read(tmp_path, "Pipfile.lock", PIPFILE)
    assert needed(found, NEW) == ["click 8.1", "open None", "ours None", "near None"]
    assert needed(found, OLD)[0] == "open None"
    assert entry(found, "click").hashes == (SHA,)
    assert entry(found, "ours").origin is PackageOrigin.VCS
    assert entry(found, "pytest").optional and entry(found, "sphinx").optional
    assert found.unread == ("default: odd is no table",)


# --- what no reader may do ------------------------------------------------------------------------

NAMES = (
    "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml",
    "renv.lock", "environment.yml", "explicit.txt", "conda-linux-64.lock", "pyproject.toml",
    "Pipfile", "setup.py", "setup.cfg", "requirements.txt",
)  # fmt: skip
HOSTILE = {
    "empty": "",
    "text": "whatever, this is",
    "binary": "\0\1\2\ufffd",
    "a list": "[]",
    "a number": "7",
    "json": '{"version": 1, "package": 7, "_meta": {"pipfile-spec": 6}, "default": [1], "Packages": {"x": 1}}',
    "toml": 'version = 1\nlock-version = "1"\npackage = [{name = 1}, 3]\npackages = "x"\n'
    '[metadata]\nlock-version = 2\nlock_version = "4"\n[project]\ndependencies = 3\n',
    "yaml": "version: 1\npackage:\n- 1\n- name: {a: 1}\ndependencies: [1, {pip: 3}, {x: 1}]\n",
    "pixi": "version: 6\nenvironments: {default: {packages: {linux-64: [{conda: 1}, {pypi: x y}]}}}\n",
    "deep": "[" * 5000,
    "deep table": "{" * 5000,
    "to come": 'version = 99\nlock-version = "9.0"\n[metadata]\nlock-version = "9"\nlock_version = "9"\n',
}


@pytest.mark.parametrize("content", HOSTILE)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(
    name: str, content: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(HOSTILE[content], encoding="utf-8")
    try:
        found = reading.read(path)
    except ValueError as error:
        assert str(error)
        return
    assert all(isinstance(item.name, str) for item in expected(found.entries, found.roots, NEW))


def test_entries_without_a_name_are_counted(tmp_path: Path) -> None:
    text = 'version = 1\n[[package]]\nversion = "1"\n[[package]]\nname = "a"\nversion = "1"\n'
    found = read(tmp_path, "uv.lock", text)
    assert [item.name for item in found.entries] == ["a"]
    assert found.unread == ("1 of its entries have no name",)


def test_a_marker_that_nobody_understands_leaves_it_open(tmp_path: Path) -> None:
    text = 'lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1"\nmarker = "what?"\n'
    (item,) = read(tmp_path, "pylock.toml", text).entries
    assert item.applies(NEW) is None


def test_a_graph_that_bites_its_tail_ends(tmp_path: Path) -> None:
    text = "version = 1\n" + "".join(
        f'[[package]]\nname = "p{i}"\nversion = "1"\nsource = {{ {"virtual" if i == 0 else "registry"} = "." }}\n'
        f'dependencies = [{{ name = "p{(i + 1) % 3000}" }}]\n'
        for i in range(3000)
    )
    assert len(needed(read(tmp_path, "uv.lock", text), NEW)) == 2999


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    with path.open("wb") as stream:
        stream.truncate(reading.LARGEST + 1)
    with pytest.raises(ValueError, match="bytes"):
        reading.read(path)
