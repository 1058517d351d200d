"""What specs/ promises: examples against schemas, documents against both, and the replay by hand."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing.jsonschema
import workbench
from workbench import Project

from repro import canonical, manifest
from repro.index import Row
from repro.report import list as list_report

SPECS = workbench.ROOT / "specs"
SCHEMAS = sorted(SPECS.glob("*.schema.json"))
PROSE = sorted(SPECS.glob("*.md"))
MARKED = re.compile(r"^<!-- schema: (\S+) -->\n```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BY_HAND = re.compile(r"^<!-- by hand -->\n```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def schema(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SPECS / name).read_text("utf-8"))
    return document


REGISTRY: Any = referencing.Registry().with_resources(
    (path.name, referencing.Resource.from_contents(schema(path.name),
     default_specification=referencing.jsonschema.DRAFT202012))
    for path in SCHEMAS
)  # fmt: skip


def validate(document: Any, name: str) -> None:
    jsonschema.Draft202012Validator(schema(name), registry=REGISTRY).validate(document)


# --- schemas and prose ----------------------------------------------------------------------


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_every_schema_is_one(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(path.name))


def examples() -> list[Any]:
    found = []
    for path in PROSE:
        for match in MARKED.finditer(path.read_text("utf-8")):
            found.append(
                pytest.param(match[1], match[2], id=f"{path.name}-{match[1]}-{len(found)}")
            )
    return found


@pytest.mark.parametrize(("name", "text"), examples())
def test_every_example_of_the_prose_is_valid(name: str, text: str) -> None:
    document = json.loads(text)
    validate(document, name)
    if name == "run.schema.json":
        manifest.loads(canonical.dumps(document["manifest"]))
        assert manifest.run_id(canonical.dumps(document["manifest"])) == document["id"]


def test_there_is_an_example_of_every_document() -> None:
    shown = {match[1] for path in PROSE for match in MARKED.finditer(path.read_text("utf-8"))}
    for name in ("run", "list", "diff", "replay", "verification", "history"):
        assert f"{name}.schema.json" in shown


PAGES = [*PROSE, *sorted((workbench.ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", there.read_text("utf-8"), re.MULTILINE)
            assert anchor in {as_anchor(title) for title in titles}, target


def as_anchor(title: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


# --- the manifest ---------------------------------------------------------------------------

NOUNS = {
    "manifest": manifest.Manifest, "descriptor": manifest.Descriptor,
    "definition": manifest.Definition, "source": manifest.Source, "submodule": manifest.Submodule,
    "data": manifest.Data, "environment": manifest.Environment, "image": manifest.Image,
    "interpreter": manifest.Interpreter, "package": manifest.Package, "command": manifest.Command,
    "conda_file": manifest.CondaFile,
    "stage": manifest.Stage, "service": manifest.Service,
    "stage_run": manifest.StageRun, "param": manifest.Param, "result": manifest.Result,
    "metric": manifest.Metric, "metric_source": manifest.MetricSource, "host": manifest.Host,
    "gpu": manifest.GPU, "provenance": manifest.Provenance, "data_places": manifest.DataPlaces,
    "policy": manifest.Policy, "uncompared": manifest.Uncompared,
    "tolerance": manifest.Tolerance, "redaction": manifest.Redaction, "finding": manifest.Finding,
}  # fmt: skip


def part(name: str) -> dict[str, Any]:
    whole = schema("manifest.schema.json")
    found: dict[str, Any] = whole if name == "manifest" else whole["$defs"][name]
    return found


def table(title: str) -> dict[str, list[str]]:
    """The rows of the table under a heading of manifest.md: type, left out when, means."""
    text = (SPECS / "manifest.md").read_text("utf-8")
    match = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert match, title
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", match[1], re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


def test_every_noun_of_the_manifest_is_specified() -> None:
    classes = {
        item
        for item in vars(manifest).values()
        if dataclasses.is_dataclass(item) and item.__module__ == manifest.__name__
    }
    assert classes == set(NOUNS.values())


@pytest.mark.parametrize("name", NOUNS)
def test_schema_and_prose_have_the_fields_of_the_code(name: str) -> None:
    fields = dataclasses.fields(NOUNS[name])
    always = {
        item.name
        for item in fields
        if "always" in item.metadata
        or (item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING)
    }
    if name == "manifest":
        always.add("definition_id")
    titles = {"manifest": "The manifest", "gpu": "GPU"}
    rows = table(titles.get(name, name.capitalize().replace("_", " ")))
    assert set(rows) == set(part(name)["properties"]) == {item.name for item in fields}
    assert (
        {row for row in rows if not rows[row][1]} == set(part(name).get("required", ())) == always
    )


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("data", "kind", manifest.DataKind),
        ("environment", "kind", manifest.EnvironmentKind),
        ("package", "origin", manifest.PackageOrigin),
        ("result", "outcome", manifest.Outcome),
        ("metric", "type", manifest.MetricType),
        ("uncompared", "reason", manifest.Aside),
        ("metric_source", "state", manifest.SourceState),
        ("finding", "severity", manifest.Severity),
    ],
)
def test_schema_has_the_words_of_the_code(name: str, field: str, words: type[Enum]) -> None:
    assert part(name)["properties"][field]["enum"] == [word.value for word in words]


def test_the_example_is_a_manifest() -> None:
    content = (SPECS / "examples" / "manifest.json").read_bytes()
    validate(json.loads(content), "manifest.schema.json")
    assert canonical.dumps(json.loads(content)) == manifest.dumps(manifest.loads(content))
    for word in ("127.0.0.1", "localhost", "/work", "/tmp", str(Path.home())):
        assert word not in content.decode(), word


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "repro/manifest/v2"},
        {"definition_id": "sha256:1"},
        {"created": "2026-01-15 12:00"},
        {"contents": [{"path": "/etc/passwd", "digest": "sha256:" + "0" * 64, "size": 1}]},
        {"contents": [{"path": "a/../b", "digest": "sha256:" + "0" * 64, "size": 1}]},
        {"result": {}},
        {"findings": [{"severity": "bad", "subject": "", "message": ""}]},
    ],
)
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    document = json.loads((SPECS / "examples" / "manifest.json").read_bytes())
    with pytest.raises(jsonschema.ValidationError):
        validate({**document, **change}, "manifest.schema.json")


# --- what the commands print ----------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(shared_project: Project) -> dict[str, list[Any]]:
    """Documents of the real commands, by schema: a plain run, one of everything, one that fails."""
    project = shared_project
    workbench.with_dvc(project)
    first = project.record("python", "train.py", options=("--name", "first"))
    project.write("params.json", json.dumps({**workbench.PARAMS, "seed": 8}))
    project.write("data/points.csv", workbench.POINTS + "3.0,6.1\n")
    project.write("un\udce4tracked.txt", "x")
    project.write("repro.yaml", "tolerances: {'*': {relative: 1e-6}}\nmetrics: [gone.json]\n")
    project.write("train.py", workbench.TRAIN + "Path('nan.json').write_text('{\"m\": NaN}')\n")
    second = project.record("python", "train.py")
    failed = project.record("python", "-c", "raise SystemExit(3)", code=3)
    captured = project.repro("capture", "--json", "--", "python", "train.py").expect(0).document
    comparisons = [
        project.replay(run["id"], engine="venv").document for run in (first, second, failed)
    ]

    def diff(a: dict[str, Any], b: dict[str, Any]) -> Any:
        return project.repro("diff", a["id"], b["id"], "--json").document

    diffs = [diff(first, second), diff(second, failed), diff(first, first)]
    blobs = project.path / ".repro" / "blobs" / "sha256"
    (pack,) = (item for item in first["manifest"]["contents"] if "commit.pack" in item["path"])
    (blobs / pack["digest"].removeprefix("sha256:")).write_bytes(b"")
    comparisons.append(project.replay("first", engine="venv").expect(3).document)
    diffs.append(diff(first, second))
    replays = [
        json.loads(path.read_bytes())
        for path in (project.path / ".repro" / "replays").rglob("*")
        if path.is_file()
    ]
    shown = [
        project.repro("show", "--json", name).expect(0).document for name in ("first", "latest")
    ]
    lists = [
        project.repro("list", "--json", *words).expect(0).document
        for words in ((), ("-n", "1"), ("--where", "outcome=failed"))
    ]
    runs = [first, second, failed, captured, *shown]
    return {
        "run": runs,
        "manifest": [run["manifest"] for run in runs],
        "list": lists,
        "diff": diffs,
        "comparison": comparisons,
        "replay": replays,
    }


@pytest.mark.parametrize("name", ["run", "manifest", "list", "diff", "comparison", "replay"])
def test_what_the_commands_print_is_valid(printed: dict[str, list[Any]], name: str) -> None:
    assert len(printed[name]) >= 3
    for document in printed[name]:
        validate(document, f"{name}.schema.json")
        assert document["schema"] == f"repro/{name}/v1"


def test_nothing_is_printed_that_is_not_specified(printed: dict[str, list[Any]]) -> None:
    for name in ("run", "list", "diff", "replay"):
        known = schema(f"{name}.schema.json")
        for document in printed[name]:
            assert document.keys() == known["properties"].keys() == set(known["required"])
    for run in printed["list"][0]["runs"]:
        assert run.keys() == schema("list.schema.json")["$defs"]["run"]["properties"].keys()
    for difference in printed["diff"]:
        for item in difference["data"]:
            assert item.keys() == schema("diff.schema.json")["$defs"]["data"]["properties"].keys()
    assert printed["diff"][0]["data"] and printed["diff"][0]["code"]["files"]
    assert printed["diff"][-1]["code"] is None and printed["diff"][-1]["notes"]


def test_a_row_of_the_list_has_all_that_the_index_knows() -> None:
    row = Row("0" * 64, "2026-01-15T12:00:00.000Z", "finished", "x", None, False, None)
    (document,) = json.loads(list_report.as_json([row], 1))["runs"]
    assert document.keys() == {item.name for item in dataclasses.fields(Row)}


# --- by hand --------------------------------------------------------------------------------


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index on loopback with one package."""
    folder = tmp_path / "index" / "simple" / "repro-test-scale"
    folder.mkdir(parents=True)
    wheel = folder / "repro_test_scale-1.0-py3-none-any.whl"
    files = {
        "repro_test_scale.py": "FACTOR = 3\n",
        "repro_test_scale-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: repro-test-scale\n"
        "Version: 1.0\n",
        "repro_test_scale-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "repro_test_scale-1.0.dist-info/RECORD"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(record, "".join(f"{name},,\n" for name in (*files, record)))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "index.html").write_text(f'<a href="{wheel.name}#sha256={digest}">{wheel.name}</a>')
    (folder.parent / "index.html").write_text('<a href="repro-test-scale/">repro-test-scale</a>')
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "index")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        server.shutdown()


TRAIN = """\
import json, os, pathlib
from repro_test_scale import FACTOR

numbers = [int(path.read_text()) for path in sorted(pathlib.Path("../images").rglob("*.txt"))]
total = FACTOR * sum(numbers) + int(pathlib.Path("../one number.txt").read_text())
extra = pathlib.Path("../untracked.txt").read_text()
pathlib.Path("model.bin").write_bytes(bytes(numbers))
metrics = {"total": total, "extra": extra, "seed": os.environ["PYTHONHASHSEED"]}
pathlib.Path("metrics.json").write_text(json.dumps(metrics))
print("total", total)
"""


@pytest.mark.docker
def test_a_run_can_be_replayed_by_hand(project: Project, index: str, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    workbench.uv("venv", "--no-project", "--python", sys.executable, str(venv))
    python = str(venv / "bin" / "python")
    workbench.uv("pip", "install", "--default-index", index, "--python", python, "repro-test-scale")
    project.repro.path = os.pathsep.join([str(venv / "bin"), project.repro.path])
    # data: a file, and a folder of which one file was changed since `dvc add`
    project.write("one number.txt", "5")
    for name, number in (("a", "1"), ("deep/b", "2"), ("deep/c", "3")):
        project.write(f"images/{name}.txt", number)
    project.dvc("init")
    remote = tmp_path / "remote"
    project.dvc("remote", "add", "--default", "storage", str(remote))
    project.dvc("add", "images", "one number.txt")
    project.dvc("push")
    project.write("sub/train.py", "print('not committed yet')\n")
    project.commit()
    project.write("images/deep/b.txt", "20")
    # source: a changed file and one that git does not track
    project.write("sub/train.py", TRAIN)
    project.write("untracked.txt", "extra")
    env = {"UV_DEFAULT_INDEX": index, "PIP_CONFIG_FILE": os.devnull, "PYTHONHASHSEED": "0"}
    run = project.record("python", "train.py", cwd=project.path / "sub", env=env)
    definition = run["manifest"]["definition"]
    # from here on without repro: what specs/store.md says, in an empty folder
    here = tmp_path / "by-hand"
    here.mkdir()
    for item in definition["data"]:
        if item["kind"] == "file":
            with (here / "data.md5").open("a") as stream:
                stream.write(f"{item['hash'].removeprefix('md5:')} {item['path']}\n")
    variables = "".join(f"{name}={value}\n" for name, value in definition["env"].items())
    (here / "variables").write_text(variables)
    values = {
        "STORE": project.path / ".repro",
        "RUN": run["id"],
        "COMMIT": definition["source"]["commit"],
        "TREE": definition["source"]["tree"],
        "FORMAT": "sha1",
        "WORKSPACE": run["manifest"]["provenance"]["workspace"],
        "FOLDER": definition["working_directory"],
        "CACHE": tmp_path / "no-cache",
        "REMOTE": remote,
        "BUILD": f"--network host --build-arg PIP_INDEX_URL={index}",
    }
    blocks = BY_HAND.findall((SPECS / "store.md").read_text("utf-8"))
    assert len(blocks) == 7
    folders = [item["path"] for item in definition["data"] if item["kind"] == "directory"]
    blocks.insert(3, "".join(f"folder {shlex.quote(path)} >>data.md5\n" for path in folders))
    tag = f"repro-test-by-hand-{os.getpid()}"
    script = [
        "set -eu",
        *(f"{name}={shlex.quote(str(value))}" for name, value in values.items()),
        f"set -- {shlex.join(definition['command']['argv'])}",
        *(block.replace("by-hand", tag) for block in blocks),
    ]
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)], cwd=here, capture_output=True, text=True, check=False
    )
    subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in ("sub/metrics.json", "sub/model.bin"):
        assert f"{path}: OK" in done.stdout
        assert (here / "source" / path).read_bytes() == (project.path / path).read_bytes()
    assert (here / "stdout").read_text() == f"total {3 * 24 + 5}\n"
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=here / "source", capture_output=True, check=True
    )
    lines = status.stdout.decode().splitlines()
    assert {" M sub/train.py", "?? untracked.txt"} <= set(lines)
