"""A run that holds a secret does not leave this machine unasked."""

from __future__ import annotations

import json
import random
import re
import string
from pathlib import Path

import pytest
from workbench import Project

TOKEN = "ghp_" + "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=36))


@pytest.mark.parametrize("where", ["log", "output"])
def test_a_secret_in_what_came_out_stops_the_export(
    project: Project, tmp_path: Path, where: str
) -> None:
    printing = "print(token)" if where == "log" else "open('notes.txt', 'w').write(token)"
    code = (
        "import pathlib; token = pathlib.Path('local/token').read_text(); "
        f"{printing}; open('metrics.json', 'w').write('{{\"a\": 1}}')"
    )
    project.write("local/token", TOKEN)
    project.record("python", "-c", code, options=("--allow-secrets",))
    target = tmp_path / "run.tar"
    done = project.repro("export", "latest", str(target), cwd=project.path)
    place = "log stdout:1" if where == "log" else "output notes.txt:1"
    done.complains(2, f"{place}: a GitHub token", "secrets: allow:")
    assert not target.exists() and TOKEN not in done.err
    (mark,) = re.findall(r"\(([0-9a-f]{12})\)", done.err)
    project.write("repro.yaml", json.dumps({"secrets": {"allow": [mark]}}))
    project.repro("export", "latest", str(target), cwd=project.path).expect(0)
    target.unlink()
    project.write("repro.yaml", "")
    project.repro("export", "latest", str(target), "--allow-secrets", cwd=project.path).expect(0)


@pytest.mark.parametrize("command", ["export", "push"])
def test_a_secret_in_an_output_that_only_the_workspace_has(
    project: Project, tmp_path: Path, command: str
) -> None:
    project.write("repro.yaml", "outputs_cap: 100\n")
    project.write("local/token", TOKEN)
    code = (
        "import pathlib; token = pathlib.Path('local/token').read_text(); "
        "open('table.csv', 'w').write('row\\n' * 1000 + token); "
        "open('metrics.json', 'w').write('{\"a\": 1}')"
    )
    project.record("python", "-c", code, options=("--allow-secrets",))
    target = tmp_path / "there"
    words = (command, "latest", str(target))
    project.repro(*words, cwd=project.path).expect(0)
    if command == "export":
        target.unlink()
    done = project.repro(*words, "--with", "outputs", cwd=project.path)
    done.complains(2, f"not {command}ed", "output table.csv:1001: a GitHub token")
    assert TOKEN not in done.err
    assert command == "push" or not target.exists()
    # what lies there is no longer what the run wrote: it does not go along, and stops nothing
    project.write("table.csv", f"another {TOKEN}\n")
    said = project.repro(*words, "--with", "outputs", cwd=project.path).expect(0)
    assert "the output table.csv: what the run wrote is no longer there" in said.err
