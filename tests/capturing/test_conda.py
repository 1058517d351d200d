"""What conda installed, from its own records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repro.capturing import conda
from repro.capturing.conda import CondaPackage, explicit, rebuilt
from repro.capturing.locks import conda_explicit
from repro.environment import conda as lists
from repro.manifest import CondaFile, Severity

CHANNEL = "https://index.example/conda-forge"


def record(prefix: Path, name: str, **changed: Any) -> None:
    document = {
        "name": name,
        "version": "1.0",
        "build": "h_0",
        "channel": CHANNEL,
        "subdir": "linux-64",
        "url": f"{CHANNEL}/linux-64/{name}-1.0-h_0.conda",
        "md5": "a" * 32,
        "sha256": "b" * 64,
        "files": [f"lib/lib{name}.so"],
    } | changed
    (prefix / "conda-meta").mkdir(exist_ok=True)
    (prefix / "conda-meta" / f"{name}-1.0-h_0.json").write_text(json.dumps(document))


def test_a_prefix_that_is_not_condas(tmp_path: Path) -> None:
    assert not conda.is_prefix(tmp_path)
    assert explicit(tmp_path) == ()
    assert conda.damaged(tmp_path) == ()


def test_the_list_and_its_reader_agree(tmp_path: Path) -> None:
    record(tmp_path, "zlib")
    record(
        tmp_path,
        "tzdata",
        subdir="noarch",
        url=f"{CHANNEL}/noarch/tzdata-1.0-h_0.tar.bz2",
        md5=None,
    )
    site = "lib/python3.11/site-packages"
    record(
        tmp_path,
        "numpy",
        files=[f"{site}/numpy-1.0.dist-info/METADATA", f"{site}/Old_Name-1-py3.11.egg-info"],
    )
    found = explicit(tmp_path)
    assert [item.name for item in found] == ["numpy", "tzdata", "zlib"]
    assert found[0].distributions == ("numpy", "old-name")
    record(tmp_path, "python")
    found = explicit(tmp_path)
    text = lists.explicit(reversed(rebuilt(tmp_path)))
    assert text.splitlines() == [
        "@EXPLICIT",
        f"{CHANNEL}/linux-64/numpy-1.0-h_0.conda#{'a' * 32}",
        f"{CHANNEL}/linux-64/python-1.0-h_0.conda#{'a' * 32}",
        f"{CHANNEL}/noarch/tzdata-1.0-h_0.tar.bz2#sha256:{'b' * 64}",
        f"{CHANNEL}/linux-64/zlib-1.0-h_0.conda#{'a' * 32}",
    ]
    entries = conda_explicit.read(text, tmp_path).entries
    assert [(item.name, item.version, item.build) for item in entries] == [
        (item.name, item.version, item.build) for item in found
    ]
    assert conda.findings(found, tmp_path) == ()
    assert conda.beyond_pip(found) == ("tzdata", "zlib")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@index.example/c/linux-64/a-1.0-h_0.conda",
        "https://index.example/t/secret-token/c/linux-64/a-1.0-h_0.conda",
        "https://user:secret@index.example/t/secret/c/linux-64/a-1.0-h_0.conda?token=secret",
    ],
)
def test_no_credentials(url: str, tmp_path: Path) -> None:
    record(tmp_path, "a", url=url, channel=url)
    (found,) = explicit(tmp_path)
    assert "secret" not in repr(found)
    assert found.url == "https://index.example/c/linux-64/a-1.0-h_0.conda"


def test_what_others_cannot_have_is_named_and_no_line(tmp_path: Path) -> None:
    record(tmp_path, "own", url="file:///home/me/conda-bld/linux-64/own-1.0-h_0.conda")
    record(tmp_path, "bare", md5=None, sha256="")
    record(tmp_path, "unknown", url=None)
    found = explicit(tmp_path)
    (first, second) = conda.findings(found, tmp_path)
    assert first.severity is Severity.BREAKS
    assert "own 1.0, unknown 1.0" in first.message
    assert (second.severity, "bare" in second.message) == (Severity.RISKS, True)
    assert rebuilt(tmp_path) == ()  # no Python of conda's: it is no environment to be made again
    record(tmp_path, "python")
    lines = lists.explicit(rebuilt(tmp_path)).splitlines()
    assert lines[1:] == [
        f"{CHANNEL}/linux-64/bare-1.0-h_0.conda",
        "# not to be had elsewhere: own=1.0=h_0",
        f"{CHANNEL}/linux-64/python-1.0-h_0.conda#{'a' * 32}",
        "# not to be had elsewhere: unknown=1.0=h_0",
    ]
    assert "own 1.0, unknown 1.0" in lists.in_the_way(rebuilt(tmp_path), "x86_64")


@pytest.mark.parametrize("content", ["", "[]", "{", "7", '{"name": 1, "version": 2}', "[" * 9999])
def test_a_damaged_record_is_named(content: str, tmp_path: Path) -> None:
    record(tmp_path, "a")
    (tmp_path / "conda-meta" / "b-1-0.json").write_text(content)
    (tmp_path / "conda-meta" / "history").write_text("==> x <==")
    found = explicit(tmp_path)
    assert [item.name for item in found] == ["a"]
    assert conda.damaged(tmp_path) == ("b-1-0.json",)
    (finding,) = conda.findings(found, tmp_path)
    assert "b-1-0.json" in finding.message
    # it may be the Python itself: nothing is made again without it
    assert "b-1-0.json" in lists.in_the_way(rebuilt(tmp_path), "x86_64")


def test_nothing_in_a_record_becomes_a_line_of_its_own(tmp_path: Path) -> None:
    evil = f"{CHANNEL}/linux-64/a-1.0-h_0.conda\nhttps://index.example/evil-1-0.conda"
    record(
        tmp_path,
        "a",
        url=evil,
        md5="a" * 31 + "\n",
        build="x\ny",
        subdir="linux\n@EXPLICIT",
        files=3,
    )
    (found,) = explicit(tmp_path)
    assert (found.url, found.md5, found.build, found.subdir) == ("", None, "", "")
    record(tmp_path, "python")
    assert len(lists.explicit(rebuilt(tmp_path)).splitlines()) == 3


def test_long_lists_end_in_a_count() -> None:
    here = [CondaPackage(f"p{i:02}", "1") for i in range(20)]
    (finding,) = conda.findings(here)
    assert finding.message.endswith("p07 1 and 12 more")


def test_what_no_index_has_is_named() -> None:
    assert conda.not_rebuilt(()) == ()
    beyond = CondaPackage("mkl", "2024.0")
    (finding,) = conda.not_rebuilt([beyond])
    assert "1 package of conda is none of Python's (mkl)" in finding.message
    assert "--image" in finding.remedy


def test_which_distributions_came_with_a_package(tmp_path: Path) -> None:
    site = "lib/python3.11/site-packages"
    record(tmp_path, "numpy", files=[f"{site}/numpy-1.26.0.dist-info/METADATA"])
    record(tmp_path, "old", files=[f"{site}/Old_Name-1.0_1-py3.11.egg-info/PKG-INFO", 7, None])
    brought = conda.provides(explicit(tmp_path))
    assert conda.is_provided("numpy", "1.26.0", brought)
    assert conda.is_provided("old-name", "1.0-1", brought)
    # pip put another in its place
    assert not conda.is_provided("numpy", "2.0.0", brought)
    assert not conda.is_provided("six", "1.0", brought)


def test_scripts_of_activation_are_named(tmp_path: Path) -> None:
    assert conda.activation(tmp_path) == ()
    folder = tmp_path / "etc/conda/activate.d"
    folder.mkdir(parents=True)
    assert conda.activation(tmp_path) == ()
    (folder / "gdal-activate.sh").touch()
    (finding,) = conda.activation(tmp_path)
    assert finding.severity is Severity.NOTE
    assert "gdal-activate.sh" in finding.message


@pytest.mark.parametrize(
    ("url", "machine", "why"),
    [
        (f"{CHANNEL}/linux-64/a-1.0-h_0.conda", "x86_64", ""),
        (f"{CHANNEL}/linux-64/a-1.0-h_0.conda", "amd64", ""),
        (f"{CHANNEL}/linux-aarch64/a-1.0-h_0.conda", "arm64", ""),
        (f"{CHANNEL}/linux-ppc64le/a-1.0-h_0.conda", "ppc64le", ""),
        (f"{CHANNEL}/noarch/a-1.0-h_0.tar.bz2", "aarch64", ""),
        (f"{CHANNEL}/linux-64/a-1.0-h_0.conda", "aarch64", "are for linux-64, and this is"),
        (f"{CHANNEL}/osx-arm64/a-1.0-h_0.conda", "aarch64", "are for osx-arm64"),
        (f"{CHANNEL}/win-64/a-1.0-h_0.conda", "x86_64", "are for win-64"),
        ("https://index.example/odd/a-1.0-h_0.conda", "x86_64", ""),
        (None, "x86_64", "no address"),
    ],
)
def test_what_stands_in_the_way_of_making_it_again(url: str | None, machine: str, why: str) -> None:
    python = CondaFile("python", "3.11.7", "h_0", f"{CHANNEL}/noarch/python-3.11.7-h_0.conda")
    said = lists.in_the_way([CondaFile("a", "1.0", "h_0", url), python], machine)
    assert (why in said) if why else said == ""


def test_without_a_python_the_bases_own_would_run() -> None:
    alone = CondaFile("a", "1.0", "h_0", f"{CHANNEL}/noarch/a-1.0-h_0.conda")
    assert "no Python" in lists.in_the_way([alone], "x86_64")
