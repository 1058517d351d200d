"""Packages that have to be compiled: the compiler is had once, and what is built is kept."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import workbench
from workbench import Project

pytestmark = [pytest.mark.docker, pytest.mark.network]

# A build backend that needs gcc, where an environment of repro's is built.
BACKEND = """\
import os, shutil, sys, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    if os.path.exists("/repro/in") and not shutil.which("gcc"):
        print("error: command 'gcc' failed: No such file or directory", file=sys.stderr)
        sys.exit(1)
    name = "repro_test_compiled-@VERSION@-py3-none-any.whl"
    about = "repro_test_compiled-@VERSION@.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("repro_test_compiled.py", "RATE = 0.5\\n")
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: repro-test-compiled\\nVersion: @VERSION@\\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(about + "RECORD", "repro_test_compiled.py,,\\n" + about + "METADATA,,\\n" + about + "WHEEL,,\\n" + about + "RECORD,,\\n")
    return name
"""  # noqa: E501


def sdist(folder: Path, version: str) -> None:
    name = f"repro_test_compiled-{version}"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: repro-test-compiled\nVersion: {version}\n",
        "backend.py": BACKEND.replace("@VERSION@", version),
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        f'backend-path = ["."]\n[project]\nname = "repro-test-compiled"\nversion = "{version}"\n',
    }
    folder.mkdir()
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def test_a_package_without_a_wheel_is_compiled(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    use_venv: Callable[[Path], None],
) -> None:
    version = f"1.{time.time_ns()}"
    sources, venv = tmp_path / "sources", tmp_path / "venv"
    sdist(sources, version)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(sources))
    workbench.uv("venv", "--no-project", "--python", sys.executable, str(venv))
    workbench.uv(
        "pip", "install", "--python", str(venv / "bin/python"), "--no-index",
        "--find-links", str(sources), f"repro-test-compiled=={version}",
    )  # fmt: skip
    use_venv(venv)
    project.write(
        "train.py",
        "import json, repro_test_compiled\n"
        "json.dump({'rate': repro_test_compiled.RATE}, open('metrics.json', 'w'))\n",
    )
    run = project.record("python", "train.py")
    done = project.replay().expect(0)
    assert done.verdict == "identical"
    (stored,) = (project.path / ".repro/replays" / run["id"]).iterdir()
    said = [item["message"] for item in json.loads(stored.read_bytes())["findings"]]
    assert any("had to be compiled" in item for item in said)
    workbench.docker("image", "rm", workbench.environment_image(project, run["id"]))
