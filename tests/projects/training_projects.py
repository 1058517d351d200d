"""What the tests of this folder ask of a project: recorded, replayed in Docker, the right things compared."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench import Project, Repro

HERE = Path(__file__).parent
Document = dict[str, Any]


def taken(name: str, folder: Path, repro: Repro, **places: str) -> Project:
    """A repository with the files of that project. ``places`` stand where a file says ``@NAME@``."""
    path = folder / name
    shutil.copytree(HERE / name, path, ignore=shutil.ignore_patterns("__pycache__"))
    for file in path.rglob("*"):
        if file.is_file():
            text = file.read_text()
            for place, value in places.items():
                text = text.replace(f"@{place}@", value)
            file.write_text(text)
        if file.name == "gitignore":
            # under its own name it would keep the project's files out of repro's repository
            file.rename(file.with_name(".gitignore"))
    repro.folder = path
    project = Project(path, repro)
    project.git("init", "--quiet")
    project.commit("As it is")
    return project


def ran(project: Project, *words: str, env: Mapping[str, str | None] | None = None) -> str:
    """A command that is no part of the recorded run, in the project's folder and environment."""
    done = subprocess.run(
        words,
        cwd=project.path,
        env=project.repro.environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def metrics(document: Document, *statuses: str) -> set[str]:
    """`SOURCE:NAME` of the metrics with one of these statuses; all without."""
    return {
        f"{item['source']}:{item['name']}"
        for item in document["metrics"]
        if not statuses or item["status"] in statuses
    }


def outputs(document: Document) -> dict[str, str]:
    return {item["path"]: item["status"] for item in document["outputs"]}


def findings(run: Document) -> str:
    """What the capture has to say, one finding a line."""
    return "\n".join(
        f"{item['severity']} {item['subject']}: {item['message']}"
        for item in run["manifest"].get("findings", ())
    )


def comes_out_identical(
    project: Project, expected: set[str], run: str = "latest", *, exactly: bool = True
) -> Document:
    """The replay's document, once it is identical and these metrics, and no others where ``exactly``,
    were compared."""
    document: Document = project.replay(run).expect(0).document
    assert document["verdict"] == "identical", document["reasons"]
    assert metrics(document) == metrics(document, "equal")
    assert metrics(document) == expected if exactly else metrics(document) >= expected
    assert document["metrics_compared"] == len(metrics(document))
    return document


def goes_red(project: Project, expected: set[str], run: str = "latest") -> Document:
    """The replay's document, once it is different and names exactly these metrics."""
    document: Document = project.replay(run).expect(1).document
    assert document["verdict"] == "different"
    assert metrics(document, "different") == expected
    if expected:
        assert any(name.split(":", 1)[1] in document["reasons"][0] for name in expected)
    return document


def differ(project: Project, a: str, b: str) -> Document:
    """`repro diff --json` of two runs whose results differ."""
    done = project.repro("diff", a, b, "--json", cwd=project.path).expect(1)
    document: Document = done.document["comparison"]
    assert document["verdict"] == "different"
    return document


Take = Callable[..., Project]
