"""What DVC tracks, with the real DVC beside it: its command line makes every repository here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repro.capturing import (
    data,
    data_restore,
    dvc_config,
    dvc_files,
    dvc_folders,
    dvc_remote,
    dvc_templates,
)
from repro.capturing.data import DataSnapshot, Sources
from repro.capturing.digests import Digests
from repro.errors import Corrupt, ReproError, Unreplayable, UsageError
from repro.manifest import Data, DataKind, Finding, Severity

DVC = Path(sys.executable).with_name("dvc")
BREAKS, RISKS, NOTE = Severity.BREAKS, Severity.RISKS, Severity.NOTE


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables that keep DVC and git away from the real home."""
    home = tmp_path_factory.mktemp("home")
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "xdg"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "system"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }


@pytest.fixture(autouse=True)
def environ(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in home.items():
        monkeypatch.setenv(name, value)


def run(folder: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, (words, done.stdout, done.stderr)
    return done.stdout


def dvc(folder: Path, *words: str, check: bool = True) -> str:
    return run(folder, str(DVC), *words, check=check)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, home: dict[str, str]) -> Path:
    """A repository with a file and a folder on a default remote, made once; ``project`` copies it."""
    top = tmp_path_factory.mktemp("made")
    before = dict(os.environ)
    os.environ.update(home)
    try:
        work = top / "work"
        work.mkdir()
        run(work, "git", "init", "-q", "-b", "main")
        dvc(work, "init", "-q")
        (work / "train.csv").write_bytes(b"a,b\n1,2\n")
        for name, content in FOLDER.items():
            (work / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (work / "images" / name).write_bytes(content)
        dvc(work, "add", "-q", "train.csv", "images")
        dvc(work, "remote", "add", "-q", "--default", "store", "../remote")
        dvc(work, "push", "-q")
        run(work, "git", "add", "-A")
        run(work, "git", "commit", "-qm", "data")
    finally:
        os.environ.clear()
        os.environ.update(before)
    return top


FOLDER = {
    "a.png": b"A",
    "b.png": b"BB",
    "sub/c.png": b"CCC",
    "ünï code.png": b"D",
    "same.png": b"A",
}


@pytest.fixture
def work(made: Path, tmp_path: Path) -> Path:
    """The workspace of a copy of that repository; its remote lies beside it."""
    shutil.copytree(made, tmp_path / "top", symlinks=True)
    return tmp_path / "top" / "work"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A DVC repository without anything, not even a remote."""
    work = tmp_path / "top" / "work"
    work.mkdir(parents=True)
    run(work, "git", "init", "-q", "-b", "main")
    dvc(work, "init", "-q")
    return work


def snap(work: Path, project: Path | None = None, **options: object) -> DataSnapshot:
    with Digests(work.parent / "digests.sqlite") as digests:
        return data.snapshot(work, project or work, digests, **options)  # type: ignore[arg-type]


def changed(snapshot: DataSnapshot, work: Path) -> tuple[str, ...]:
    with Digests(work.parent / "digests.sqlite") as digests:
        return data.unchanged_since(snapshot, work, digests)


def item(snapshot: DataSnapshot, path: str) -> Data:
    return next(one for one in snapshot.items if one.path == path)


def about(snapshot: DataSnapshot, path: str) -> list[tuple[Severity, str]]:
    return [(one.severity, one.message) for one in snapshot.findings if path in one.message]


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def recorded(path: Path) -> str:
    document = dvc_files.load(path)
    return f"md5:{document['outs'][0]['md5']}"


def caches(work: Path, *, empty: bool = False) -> Sources:
    """The places of that repository, as a replay on this machine would name them."""
    found = dvc_files.read(work, work)
    assert found is not None
    return Sources(
        caches=() if empty else (found.config.cache,),
        remotes=tuple(found.config.remotes.values()),
        dvc=work / ".dvc",
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def object_of(store: Path, oid: str) -> Path:
    return store / "files" / "md5" / oid[:2] / oid[2:]


def remove_object(store: Path, oid: str) -> None:
    path = object_of(store, oid)
    path.parent.chmod(0o755)
    path.unlink()


# --- snapshot -------------------------------------------------------------------------------


def test_hashes_are_those_of_dvc_add(work: Path) -> None:
    found = snap(work)
    assert [one.path for one in found.items] == ["images", "train.csv"]
    assert item(found, "train.csv") == Data(
        "train.csv", DataKind.FILE, recorded(work / "train.csv.dvc"), 8, 1
    )
    folder = item(found, "images")
    assert folder == Data("images", DataKind.DIRECTORY, recorded(work / "images.dvc"), 8, 5)
    oid = folder.hash.removeprefix("md5:")
    assert found.listings == {"images": object_of(work / ".dvc/cache", oid).read_bytes()}
    assert found.own == ()
    assert found.findings == ()
    places = found.places["images"]
    assert places.declared_in == "images.dvc"
    assert places.recorded == folder.hash
    assert (places.cache, places.remote, places.on_remote) == (True, "store", True)
    assert places.remote_url == str(work.parent / "remote")


def test_a_project_without_dvc_has_no_data(tmp_path: Path) -> None:
    run(tmp_path, "git", "init", "-q")
    assert snap(tmp_path) == DataSnapshot()
    assert data.find_dvc(tmp_path, tmp_path) is None
    assert data.pipeline(tmp_path, tmp_path) == ()
    assert data.declared(tmp_path, tmp_path) == data.Declared()


def test_the_library_of_dvc_is_not_imported(work: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from repro.capturing import data\n"
        "from repro.capturing.digests import Digests\n"
        "work = Path(sys.argv[1])\n"
        "with Digests(work.parent / 'x.sqlite') as digests:\n"
        "    found = data.snapshot(work, work, digests)\n"
        "assert len(found.items) == 2\n"
        "data.pipeline(work, work), data.declared(work, work)\n"
        "assert not {'dvc', 'dvc_data', 'pathspec', 'click'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(work)], check=True)


def test_nothing_is_written_to_the_workspace(work: Path) -> None:
    def everything() -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode)
            for path in work.parent.rglob("*")
            if path.name != "digests.sqlite" and path != work.parent
        }

    before = everything()
    snapshot = snap(work)
    changed(snapshot, work)
    assert everything() == before


def test_changed_data_is_recorded_as_it_is(work: Path) -> None:
    (work / "train.csv").unlink()
    (work / "train.csv").write_bytes(b"a,b\n1,3\n")
    found = snap(work)
    assert (
        item(found, "train.csv").hash == f"md5:{md5(b'a,b' + bytes([10]) + b'1,3' + bytes([10]))}"
    )
    places = found.places["train.csv"]
    assert places.recorded == recorded(work / "train.csv.dvc") != item(found, "train.csv").hash
    assert (places.cache, places.on_remote) == (False, False)
    assert [(own.path, own.size) for own in found.own] == [(str(work / "train.csv"), 8)]
    assert found.own[0].md5 == item(found, "train.csv").hash.removeprefix("md5:")
    ((severity, message),) = about(found, "train.csv")
    assert severity is RISKS
    assert "changed since DVC recorded it" in message


def test_a_folder_with_added_removed_and_changed_files(work: Path) -> None:
    before = snap(work)
    (work / "images" / "new.png").write_bytes(b"NEW")
    (work / "images" / "b.png").unlink()
    (work / "images" / "sub/c.png").unlink()
    (work / "images" / "sub/c.png").write_bytes(b"XXX")
    assert changed(before, work) == ("images/b.png", "images/new.png", "images/sub/c.png")
    found = snap(work)
    assert sorted(own.path for own in found.own) == [
        str(work / "images/new.png"),
        str(work / "images/sub/c.png"),
    ]
    assert item(found, "images").files == 5
    dvc(work, "add", "-q", "images")
    assert item(found, "images").hash == recorded(work / "images.dvc")
    assert changed(found, work) == ()
    assert about(snap(work), "images") == [
        (BREAKS, "images: nowhere but in this machine's DVC cache, not on the remote")
    ]


def test_a_run_that_replaces_or_removes_its_input_is_seen(work: Path) -> None:
    before = snap(work)
    assert changed(before, work) == ()
    shutil.rmtree(work / "images")
    (work / "train.csv").unlink()
    assert changed(before, work) == ("images", "train.csv")
    (work / "images").write_bytes(b"a file now")
    (work / "train.csv").mkdir()
    assert changed(before, work) == ("images", "train.csv")


def test_a_rewrite_of_equal_size_and_time_is_seen(work: Path) -> None:
    path = work / "train.csv"
    stat = path.stat()
    before = snap(work)
    path.chmod(0o644)
    path.write_bytes(b"a,b\n9,9\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert changed(before, work) == ("train.csv",)


def test_no_remote_at_all(bare: Path) -> None:
    (bare / "x.bin").write_bytes(b"x")
    dvc(bare, "add", "-q", "x.bin")
    found = snap(bare)
    places = found.places["x.bin"]
    assert (places.cache, places.remote, places.on_remote) == (True, None, False)
    (finding,) = found.findings
    assert finding.severity is BREAKS
    assert "no DVC remote is configured" in finding.message
    assert "dvc remote add" in finding.remedy


def test_data_that_is_only_in_the_cache(work: Path) -> None:
    (work / "new.bin").write_bytes(b"new")
    dvc(work, "add", "-q", "new.bin")
    found = snap(work)
    assert found.own == ()
    assert found.places["new.bin"].on_remote is False
    (finding,) = found.findings
    assert (finding.severity, finding.remedy) == (BREAKS, "dvc push new.bin")
    assert "nowhere but in this machine's DVC cache" in finding.message


def test_one_file_of_a_folder_that_the_remote_lost_is_missed(work: Path) -> None:
    remove_object(work.parent / "remote", md5(b"CCC"))
    found = snap(work)
    assert found.places["images"].on_remote is False
    assert about(found, "images")[0][0] is BREAKS


def test_objects_of_a_large_folder_are_found_by_listing_the_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dvc_folders, "WORTH_LISTING", 2)
    oids = [md5(str(number).encode()) for number in range(2000)]
    place = dvc_folders.Place(str(tmp_path))
    assert place.missing_names(oids) == set(oids)
    for number, oid in enumerate(oids[5:]):
        path = tmp_path / ("" if number % 7 == 0 else "files/md5") / oid[:2] / oid[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert place.missing_names(oids) == set(oids[:5])


def test_a_truncated_object_of_the_cache_does_not_count(work: Path) -> None:
    path = object_of(work / ".dvc/cache", md5(b"CCC"))
    path.chmod(0o644)
    path.write_bytes(b"C")
    assert snap(work).places["images"].cache is False


def test_a_cache_that_was_cleared(work: Path) -> None:
    shutil.rmtree(work / ".dvc/cache")
    found = snap(work)
    assert not any(places.cache for places in found.places.values())
    assert (found.own, found.findings) == ((), ())  # the remote still has everything
    shutil.rmtree(work.parent / "remote")
    found = snap(work)
    assert len(found.own) == 5  # two of the six files are the same
    assert {one.severity for one in found.findings} == {NOTE}
    assert all("in no DVC cache: repro's store keeps it" in one.message for one in found.findings)


def test_data_that_is_not_in_the_workspace(work: Path) -> None:
    before = snap(work)
    (work / "train.csv").unlink()
    shutil.rmtree(work / "images")
    found = snap(work)
    assert found.items == before.items
    assert found.absent == {"images", "train.csv"}
    assert found.listings == before.listings
    assert [(one.severity, "not in the workspace" in one.message) for one in found.findings] == [
        (NOTE, True)
    ]
    assert changed(found, work) == ()
    (work / "train.csv").write_bytes(b"a,b\n1,2\n")
    assert changed(found, work) == ()
    (work / "train.csv").write_bytes(b"other")
    assert changed(found, work) == ("train.csv",)


def test_data_that_is_nowhere(work: Path) -> None:
    shutil.rmtree(work / ".dvc/cache")
    shutil.rmtree(work.parent / "remote")
    shutil.rmtree(work / "images")
    (work / "train.csv").unlink()
    found = snap(work)
    (finding,) = found.findings
    assert finding.severity is BREAKS
    assert finding.message.startswith("images, train.csv: neither in the workspace")
    assert item(found, "images").files == 5
    with pytest.raises(Unreplayable) as caught:
        data.restore(found.items, work.parent / "target", caches(work))
    message = str(caught.value)
    assert "\n" not in message
    assert "train.csv" in message and md5(b"a,b\n1,2\n") in message
    assert str(work / ".dvc/cache") in message and "remote store" in message
    assert caught.value.hint


def test_named_remotes(work: Path) -> None:
    dvc(work, "remote", "add", "-q", "Other", str(work.parent / "elsewhere"))
    (work / "named.bin").write_bytes(b"named")
    (work / "lost.bin").write_bytes(b"lost")
    dvc(work, "add", "-q", "named.bin", "lost.bin")
    with (work / "named.bin.dvc").open("a") as stream:
        stream.write("  remote: Other\n")
    dvc(work, "push", "-q", "named.bin")
    with (work / "lost.bin.dvc").open("a") as stream:
        stream.write("  remote: nobody\n")
    found = snap(work)
    places = found.places["named.bin"]
    assert (places.remote, places.on_remote) == ("other", True)
    assert places.remote_url == str(work.parent / "elsewhere")
    (finding,) = found.findings
    assert finding.severity is BREAKS
    assert "lost.bin: the DVC remote that is named for it is not configured" in finding.message


def test_data_pushed_to_another_than_the_default_remote_is_found(work: Path) -> None:
    dvc(work, "remote", "add", "-q", "second", str(work.parent / "second"))
    (work / "x.bin").write_bytes(b"x")
    dvc(work, "add", "-q", "x.bin")
    dvc(work, "push", "-q", "-r", "second", "x.bin")
    found = snap(work)
    assert (found.places["x.bin"].remote, found.places["x.bin"].on_remote) == ("second", True)
    assert found.findings == ()


def test_a_remote_that_is_no_folder_is_not_asked(work: Path) -> None:
    dvc(work, "remote", "modify", "-q", "store", "url", "https://user:secret@example.org/data")
    (work / "x.bin").write_bytes(b"x")
    dvc(work, "add", "-q", "x.bin")
    found = snap(work)
    places = found.places["x.bin"]
    assert places.on_remote is None
    assert places.remote_url == "https://example.org/data"
    assert [(one.severity, one.remedy) for one in found.findings] == [(NOTE, "dvc status --cloud")]
    shutil.rmtree(work / ".dvc/cache")
    found = snap(work)
    assert len(found.own) == 6  # whether the remote has them is not known


def test_a_push_that_is_switched_off(work: Path) -> None:
    (work / "x.bin").write_bytes(b"x")
    dvc(work, "add", "-q", "x.bin")
    with (work / "x.bin.dvc").open("a") as stream:
        stream.write("  push: false\n")
    (finding,) = snap(work).findings
    assert finding.severity is BREAKS and "push: false" in finding.message


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_links_into_the_cache_are_followed(work: Path, kind: str) -> None:
    before = snap(work)
    dvc(work, "config", "cache.type", kind)
    dvc(work, "checkout", "-q", "--relink")
    assert (work / "images/a.png").is_symlink() is (kind == "symlink")
    found = snap(work)
    assert (found.items, found.findings) == (before.items, ())
    target = work.parent / "target"
    data.restore(found.items, target, caches(work))
    assert contents(target / "images") == FOLDER
    for path in target.rglob("*.png"):
        assert not path.is_symlink() and path.stat().st_nlink == 1
        assert path.stat().st_mode & 0o200


def test_names_that_are_not_utf8_and_an_empty_folder(bare: Path) -> None:
    folder = bare / "odd"
    folder.mkdir()
    (folder / 'quote"\n\\.bin').write_bytes(b"2")
    (folder / "\U0001f600.bin").write_bytes(b"3")
    (bare / "empty").mkdir()
    dvc(bare, "add", "-q", "odd", "empty")
    found = snap(bare)
    assert item(found, "odd").hash == recorded(bare / "odd.dvc")
    assert item(found, "empty") == Data(
        "empty", DataKind.DIRECTORY, recorded(bare / "empty.dvc"), 0, 0
    )
    # which `dvc add` ends in a traceback for
    (folder / os.fsdecode(b"\xff\xfe.bin")).write_bytes(b"1")
    found = snap(bare)
    store = {own.md5: Path(own.path) for own in found.own}
    assert list(store) == [md5(b"1")]
    target = bare.parent / "target"
    sources = Sources(blob=store.get, listings=found.listings, caches=(bare / ".dvc/cache",))
    data.restore(found.items, target, sources)
    assert contents(target / "odd") == contents(folder)
    assert len(contents(folder)) == 3
    assert list((target / "empty").iterdir()) == []
    assert changed(found, bare) == ()


def test_dvcignore(bare: Path) -> None:
    (bare / ".dvcignore").write_text("# comment\n*.tmp\n/images/skip\n!keep.tmp\n.DS_Store\n")
    (bare / "images/skip").mkdir(parents=True)
    (bare / "images/deep/skip").mkdir(parents=True)
    for name in ("a.png", "b.tmp", "keep.tmp", "skip/x", "deep/skip/y", ".DS_Store", "deep/z.tmp"):
        (bare / "images" / name).write_bytes(name.encode())
    dvc(bare, "add", "-q", "images")
    found = snap(bare)
    assert item(found, "images").hash == recorded(bare / "images.dvc")
    assert sorted(entry["relpath"] for entry in json.loads(found.listings["images"])) == [
        "a.png",
        "deep/skip/y",
        "keep.tmp",
    ]
    (bare / "images/c.tmp").write_bytes(b"ignored as well")
    assert changed(found, bare) == ()


def test_what_dvc_does_not_track_in_a_tracked_folder_is_named(work: Path) -> None:
    (work / "elsewhere").mkdir()
    (work / "images/link").symlink_to(work / "elsewhere")
    (work / "images/broken").symlink_to("nowhere")
    os.mkfifo(work / "images/pipe")
    found = snap(work)
    ((severity, message),) = about(found, "images")
    assert severity is RISKS
    assert message.startswith("images/broken, images/link, images/pipe:")
    assert item(found, "images").hash == recorded(work / "images.dvc")


def test_a_tracked_folder_that_is_a_link_itself(work: Path) -> None:
    shutil.move(work / "images", work.parent / "disk")
    (work / "images").symlink_to(work.parent / "disk")
    assert item(snap(work), "images").hash == recorded(work / "images.dvc")


def test_wdir_yaml_words_and_numbers_are_paths(bare: Path) -> None:
    (bare / "sub/data").mkdir(parents=True)
    for name in ("no", "12:30", "1e5", "null.bin"):
        (bare / "sub/data" / name).write_bytes(name.encode())
        outs = dvc(bare, "add", "-q", f"sub/data/{name}")
        assert outs == ""
    moved = (bare / "sub/data/no.dvc").read_text()
    (bare / "sub/data/no.dvc").unlink()
    (bare / "moved.dvc").write_text(f"wdir: sub/data\n{moved}")
    found = snap(bare)
    assert [one.path for one in found.items] == [
        "sub/data/12:30",
        "sub/data/1e5",
        "sub/data/no",
        "sub/data/null.bin",
    ]
    assert not [one for one in found.findings if one.severity is RISKS]
    assert found.places["sub/data/no"].declared_in == "moved.dvc"


def test_excluded_outputs_are_left_out(work: Path) -> None:
    assert [one.path for one in snap(work, exclude=frozenset({"images"})).items] == ["train.csv"]


def test_outs_outside_of_the_workspace_and_twice(bare: Path) -> None:
    (bare / "data").mkdir()
    (bare / "data/x").write_bytes(b"x")
    (bare / "data.dvc").write_text("outs:\n- path: data\n  hash: md5\n")
    (bare / "x.dvc").write_text("outs:\n- path: data/x\n  hash: md5\n  md5: " + md5(b"x") + "\n")
    (bare / "s3.dvc").write_text("outs:\n- path: s3://bucket/key\n  etag: abc\n")
    (bare / "up.dvc").write_text("outs:\n- path: ../../up\n  md5: " + md5(b"x") + "\n")
    (bare / "gone.dvc").write_text("outs:\n- path: gone\n  hash: md5\n")
    (bare / "git.dvc").write_text("outs:\n- path: plain\n  cache: false\n")
    found = snap(bare)
    assert [one.path for one in found.items] == ["data"]
    said = {
        one.message.partition(":")[0]: one for one in found.findings if "://" not in one.message
    }
    assert "tracked twice" in said["data/x"].message
    assert "without a recorded hash" in said["gone"].message
    assert said["plain"].severity is NOTE
    external = next(one for one in found.findings if "s3://bucket/key" in one.message)
    assert "../../up" in external.message and external.severity is RISKS


def test_repositories_below_and_above_are_not_mixed_in(work: Path) -> None:
    sub = work / "sub"
    sub.mkdir()
    dvc(sub, "init", "-q", "--subdir")
    (sub / "own.bin").write_bytes(b"own")
    dvc(sub, "add", "-q", "own.bin")
    outer = snap(work)
    assert [one.path for one in outer.items] == ["images", "train.csv"]
    assert about(outer, "sub:")[0][0] is RISKS
    inner = snap(work, sub)
    assert [one.path for one in inner.items] == ["sub/own.bin"]
    assert inner.places["sub/own.bin"].declared_in == "sub/own.bin.dvc"
    assert about(inner, "sub/own.bin")[0] == (
        BREAKS,
        "sub/own.bin: nowhere but in this machine's DVC cache, and no DVC remote is configured",
    )
    assert data.find_dvc(sub, work) == sub / ".dvc"
    assert data.find_dvc(work / "images", work) == work / ".dvc"
    assert data.find_dvc(sub, sub) == sub / ".dvc"


def test_dvc_files_that_git_ignores_are_not_read(work: Path) -> None:
    (work / "old").mkdir()
    (work / "old/broken.dvc").write_text("outs: [")
    with pytest.raises(UsageError, match=r"broken\.dvc is not YAML"):
        snap(work)
    with (work / ".gitignore").open("a") as stream:
        stream.write("/old\n")
    assert len(snap(work).items) == 2


def test_an_import_needs_the_other_repository(work: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run(other, "git", "init", "-q", "-b", "main")
    dvc(other, "init", "-q")
    dvc(other, "import", "-q", str(work), "images", "-o", "imported")
    found = snap(other)
    assert item(found, "imported").hash == recorded(work / "images.dvc")
    places = found.places["imported"]
    assert (places.cache, places.remote_url, places.on_remote) == (True, str(work), None)
    (finding,) = found.findings
    assert finding.severity is NOTE and "imported from another repository" in finding.message
    assert {own.md5 for own in found.own} == {md5(content) for content in FOLDER.values()}
    shutil.rmtree(other / "imported")
    again = snap(other)
    assert {(own.md5, own.size) for own in again.own} == {(own.md5, own.size) for own in found.own}
    assert all(str(other / ".dvc/cache") in own.path for own in again.own)
    assert [one.severity for one in again.findings] == [NOTE, NOTE]


def test_many_paths_make_one_finding(bare: Path) -> None:
    for number in range(6):
        (bare / f"{number}.bin").write_bytes(bytes([number]))
    dvc(bare, "add", "-q", *(f"{number}.bin" for number in range(6)))
    (finding,) = snap(bare).findings
    assert finding.message.startswith("0.bin, 1.bin, 2.bin and 3 more: nowhere")


# --- DVC 2 ----------------------------------------------------------------------------------


def make_legacy(bare: Path, files: dict[str, bytes]) -> None:
    """What DVC 2 left: no ``hash: md5``, CRLF hashed as LF, objects right below the cache."""

    def keep(oid: str, content: bytes) -> None:
        path = bare / ".dvc/cache" / oid[:2] / oid[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    entries = []
    for name, content in files.items():
        (bare / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (bare / "data" / name).write_bytes(content)
        text = content.replace(b"\r\n", b"\n")
        keep(md5(text), content)
        entries.append({"md5": md5(text), "relpath": name})
    listing = json.dumps(sorted(entries, key=lambda one: one["relpath"]), sort_keys=True).encode()
    keep(f"{md5(listing)}.dir", listing)
    (bare / "data.dvc").write_text(f"outs:\n- md5: {md5(listing)}.dir\n  nfiles: 2\n  path: data\n")
    # by DVC's own word it is unchanged
    assert "up to date" in dvc(bare, "status")


def test_legacy_data(bare: Path) -> None:
    make_legacy(bare, {"a.txt": b"one\n", "b.bin": b"\0\1"})
    found = snap(bare)
    assert item(found, "data").hash == recorded(bare / "data.dvc")
    assert found.places["data"].cache is True
    assert found.own == ()
    target = bare.parent / "target"
    data.restore(found.items, target, caches(bare))
    assert contents(target / "data") == contents(bare / "data")


def test_legacy_data_with_crlf_is_unchanged_and_kept_exactly(bare: Path) -> None:
    make_legacy(bare, {"a.txt": b"one\r\n", "b.txt": b"two\n"})
    found = snap(bare)
    assert item(found, "data").hash != recorded(bare / "data.dvc")
    assert found.places["data"].recorded == recorded(bare / "data.dvc").replace(
        "md5:", "md5-dos2unix:"
    )
    assert [own.path for own in found.own] == [str(bare / "data/a.txt")]
    assert not any("changed since" in one.message for one in found.findings)
    store = {own.md5: Path(own.path) for own in found.own}
    target = bare.parent / "target"
    data.restore(
        found.items,
        target,
        Sources(blob=store.get, listings=found.listings, caches=(bare / ".dvc/cache",)),
    )
    assert (target / "data/a.txt").read_bytes() == b"one\r\n"


def test_legacy_data_that_is_not_in_the_workspace(bare: Path) -> None:
    make_legacy(bare, {"a.txt": b"one\r\n", "b.txt": b"two\n"})
    before = contents(bare / "data")
    shutil.rmtree(bare / "data")
    found = snap(bare)
    assert item(found, "data").hash.startswith("md5-dos2unix:")
    target = bare.parent / "target"
    data.restore(found.items, target, caches(bare))
    assert contents(target / "data") == before


# --- restore --------------------------------------------------------------------------------


def test_round_trip(work: Path) -> None:
    found = snap(work)
    target = work.parent / "target"
    seen: list[tuple[str, int]] = []
    report = data.restore(
        found.items, target, caches(work), lambda path, size: seen.append((path, size))
    )
    assert contents(target) == {
        **{f"images/{k}": v for k, v in FOLDER.items()},
        "train.csv": b"a,b\n1,2\n",
    }
    assert (report.files, report.size) == (6, 16)
    assert report.origins == {"cache": 6}
    assert sorted(path for path, _ in seen) == sorted(contents(target))
    with Digests(work.parent / "digests.sqlite") as digests:
        assert data.unchanged_since(found, target, digests) == ()


def test_round_trip_of_changed_data_through_the_store(work: Path) -> None:
    (work / "images/new.png").write_bytes(b"NEW")
    found = snap(work)
    store = {own.md5: Path(own.path) for own in found.own}
    (work.parent / "store").mkdir()
    for oid, path in store.items():
        store[oid] = Path(shutil.copy(path, work.parent / "store" / oid))
    shutil.rmtree(work / "images")
    target = work.parent / "target"
    sources = Sources(blob=store.get, listings=found.listings, caches=(work / ".dvc/cache",))
    report = data.restore(found.items, target, sources)
    assert contents(target / "images") == {**FOLDER, "new.png": b"NEW"}
    assert report.origins == {"cache": 6, "store": 1}


def test_restore_from_the_remote_only(work: Path) -> None:
    found = snap(work)
    shutil.rmtree(work / ".dvc/cache")
    target = work.parent / "target"
    report = data.restore(found.items, target, caches(work))
    assert contents(target / "images") == FOLDER
    assert report.origins == {"remote": 6}
    assert not (work / ".dvc/cache").exists()


def test_a_corrupt_object_is_named_and_the_next_place_is_tried(work: Path) -> None:
    found = snap(work)
    for oid in (md5(b"CCC"), item(found, "images").hash.removeprefix("md5:")):
        path = object_of(work / ".dvc/cache", oid)
        path.chmod(0o644)
        path.write_bytes(b"XXX")
    target = work.parent / "target"
    report = data.restore(found.items, target, caches(work))
    assert contents(target / "images") == FOLDER
    assert report.origins == {"cache": 5, "remote": 1}
    assert len(report.corrupt) == 2
    shutil.rmtree(work.parent / "remote")
    with pytest.raises(Unreplayable, match=r"corrupt: .*/files/md5/"):
        data.restore(found.items, work.parent / "again", caches(work))
    assert not (work.parent / "again/images/sub/c.png").exists()


def test_all_that_is_missing_is_counted_and_five_are_listed(work: Path) -> None:
    found = snap(work)
    with pytest.raises(Unreplayable) as caught:
        data.restore(found.items, work.parent / "target", Sources(listings=found.listings))
    message = str(caught.value)
    assert message.startswith("6 data files could not be had: images/a.png (md5 ")
    assert " and 1 more; tried repro's store" in message


def test_what_stands_in_the_way_is_replaced_but_no_link_is_followed(
    work: Path, tmp_path: Path
) -> None:
    found = snap(work)
    target = work.parent / "target"
    (target / "images").mkdir(parents=True)
    (target / "images/left over").write_bytes(b"")
    (tmp_path / "precious").write_bytes(b"precious")
    (target / "train.csv").symlink_to(tmp_path / "precious")
    data.restore(found.items, target, caches(work))
    assert contents(target / "images") == FOLDER
    assert (tmp_path / "precious").read_bytes() == b"precious"
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "link").symlink_to(outside)
    stray = Data("link/x", DataKind.FILE, item(found, "train.csv").hash, 8, 1)
    with pytest.raises(Unreplayable, match="link is no folder"):
        data.restore([stray], target, caches(work))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//b", "", "a/./b", "x\0"])
def test_a_path_that_leads_out_is_refused(work: Path, path: str) -> None:
    good = f"md5:{md5(b'x')}"
    with pytest.raises(Corrupt):
        data.restore([Data(path, DataKind.FILE, good, 1, 1)], work.parent / "target", Sources())
    listing = json.dumps([{"md5": md5(b"x"), "relpath": path}]).encode()
    folder = Data("d", DataKind.DIRECTORY, f"md5:{dvc_folders.listing_hash(listing)}", 1, 1)
    with pytest.raises(Corrupt):
        data.restore([folder], work.parent / "target", Sources(listings={"d": listing}))


def test_a_hash_that_is_none_is_refused(work: Path) -> None:
    for hash_ in ("md5:../../../../etc/passwd", "sha1:abc", "md5:"):
        with pytest.raises(Corrupt):
            data.restore([Data("x", DataKind.FILE, hash_, 1, 1)], work.parent / "target", Sources())


def test_a_listing_with_another_hash_is_not_used(work: Path) -> None:
    found = snap(work)
    wrong = {"images": b"[]"}
    with pytest.raises(Unreplayable, match="images"):
        data.restore(found.items[:1], work.parent / "target", Sources(listings=wrong))


def test_five_thousand_small_files_are_restored_fast(bare: Path) -> None:
    cache, listing = bare / ".dvc/cache", {}
    for number in range(5000):
        content = f"{number}".encode()
        path = object_of(cache, md5(content))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        listing[f"{number % 50}/{number}"] = md5(content)
    content = dvc_folders.listing(listing)
    folder = Data("d", DataKind.DIRECTORY, f"md5:{dvc_folders.listing_hash(content)}", 1, 5000)
    began = time.monotonic()
    report = data.restore(
        [folder], bare.parent / "target", Sources(listings={"d": content}, caches=(cache,))
    )
    assert report.files == 5000
    assert time.monotonic() - began < 20  # 0.4 s on an idle machine


# --- remotes through DVC's library ----------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(work: Path) -> Iterator[str]:
    """The remote's folder over HTTP: a remote that is no folder."""
    handler = partial(Quiet, directory=str(work.parent / "remote"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_restore_through_the_library(work: Path, server: str) -> None:
    found = snap(work)
    shutil.rmtree(work / ".dvc/cache")
    shutil.rmtree(work / ".dvc/tmp", ignore_errors=True)
    dvc_config_before = (work / ".dvc/config").read_bytes()
    download = work.parent / "download"
    remote = dvc_config.Remote("store", server)
    sources = Sources(remotes=(remote,), dvc=work / ".dvc", download=download)
    report = data.restore(found.items, work.parent / "target", sources)
    assert contents(work.parent / "target/images") == FOLDER
    assert report.origins == {"remote": 6}
    assert (work / ".dvc/config").read_bytes() == dvc_config_before
    assert not (work / ".dvc/cache").exists() and not (work / ".dvc/tmp").exists()
    assert not (Path(os.environ["DVC_SITE_CACHE_DIR"]) / "index").exists()
    assert not [path for path in download.rglob("*") if path.name.startswith(".download-")]


def test_what_the_server_lacks_or_garbles_is_said(work: Path, server: str) -> None:
    remove_object(work.parent / "remote", md5(b"BB"))
    garbled = object_of(work.parent / "remote", md5(b"CCC"))
    garbled.chmod(0o644)
    garbled.write_bytes(b"XXX")
    found = snap(work)
    remote = dvc_config.Remote("store", server)
    sources = Sources(remotes=(remote,), download=work.parent / "download", listings=found.listings)
    with pytest.raises(Unreplayable) as caught:
        data.restore(found.items, work.parent / "target", sources)
    message = str(caught.value)
    assert message.startswith("2 data files could not be had: images/b.png")
    assert f"remote store ({server})" in message
    assert "is corrupt" in message


def test_a_server_that_does_not_answer_is_said_in_one_line(work: Path) -> None:
    found = snap(work)
    remote = dvc_config.Remote("store", "http://127.0.0.1:9")
    outcome = dvc_remote.fetch(remote, [md5(b"A"), md5(b"BB")], work.parent / "download")
    assert outcome.fetched == frozenset()
    assert len(outcome.reasons) >= 1
    assert "127.0.0.1" in outcome.reasons[0]
    sources = Sources(remotes=(remote,), download=work.parent / "download")
    with pytest.raises(Unreplayable, match=r"127\.0\.0\.1"):
        data.restore(found.items, work.parent / "target", sources)


def test_a_remote_whose_plugin_is_not_installed(work: Path) -> None:
    remote = dvc_config.Remote("store", "oss://bucket/path")
    outcome = dvc_remote.fetch(remote, [md5(b"A")], work.parent / "download")
    assert "dvc-oss" in outcome.reasons[0]


def test_which_remotes_can_be_reached(work: Path, server: str) -> None:
    for name, url in (
        ("http", server),
        ("empty", f"{server}/nothing"),
        ("dead", "http://127.0.0.1:9"),
        ("gone", str(work.parent / "gone")),
    ):
        dvc(work, "remote", "add", "-q", name, url)
    states = {state.remote.name: state for state in dvc_remote.reachable(work, work)}
    assert {name: state.reachable for name, state in states.items()} == {
        "store": True,
        "http": True,
        "empty": None,
        "dead": False,
        "gone": False,
    }
    assert [name for name, state in states.items() if state.default] == ["store"]
    assert states["dead"].detail


# --- configuration --------------------------------------------------------------------------


def test_the_configuration_is_the_one_that_dvc_reads(work: Path) -> None:
    dvc(work, "remote", "add", "-q", "with#hash", "/data/with#hash")
    dvc(work, "remote", "add", "-q", "base", "https://example.org/srv")
    dvc(work, "remote", "add", "-q", "nested", "remote://base/deeper")
    dvc(work, "remote", "add", "-q", "--local", "mine", "relative/folder")
    dvc(work, "remote", "add", "-q", "--global", "everywhere", "~/store")
    dvc(work, "remote", "modify", "-q", "base", "user", "me")
    dvc(work, "cache", "dir", "--local", "../shared cache")
    dvc(work, "config", "cache.type", "copy,symlink")
    try:
        config = dvc_config.read_config(work / ".dvc")
        program = (
            "import json, sys; from dvc.config import Config; from dvc.fs import get_fs_config\n"
            "config = Config(sys.argv[1])\n"
            "urls = {name: get_fs_config(config, name=name)['url'] for name in config['remote']}\n"
            "print(json.dumps([config['core'], config['cache'], urls]))"
        )
        theirs = json.loads(run(work, sys.executable, "-c", program, str(work / ".dvc")))
        core, cache, urls = theirs
        assert config.default == core["remote"]
        assert str(config.cache) == cache["dir"]
        assert {name: remote.url for name, remote in config.remotes.items()} == urls
        assert config.remotes["base"].folder is None
        assert config.remotes["mine"].folder == work / "relative/folder" or config.remotes[
            "mine"
        ].folder == Path(urls["mine"])
    finally:
        dvc(work, "remote", "remove", "-q", "--global", "everywhere")


def test_a_cache_in_another_place(work: Path) -> None:
    shutil.move(work / ".dvc/cache", work.parent / "shared")
    dvc(work, "cache", "dir", "--local", str(work.parent / "shared"))
    assert snap(work).places["images"].cache is True


# --- pipelines ------------------------------------------------------------------------------

PIPELINE = """
stages:
  train:
    cmd: python train.py --lr ${lr}
    deps: [data/prepared, train.py]
    params: [lr, model.depth, other.yaml: [seed]]
    outs: [model.pkl]
    metrics: [metrics.json: {cache: false}]
    plots: [loss.csv: {x: step}]
  prepare:
    wdir: data
    cmd: [cp raw prepared, echo done]
    deps: [raw]
    outs: [prepared]
metrics: [top.json]
plots:
- curve:
    y: {a.csv: loss, b.csv: loss}
- c.csv
"""


def write_pipeline(work: Path) -> None:
    (work / "data").mkdir()
    (work / "data/raw").write_bytes(b"raw")
    (work / "train.py").write_text(
        "open('model.pkl', 'w').write('m'); open('metrics.json', 'w').write('{}')\n"
        "open('loss.csv', 'w').write('step,loss\\n1,2\\n')\n"
    )
    (work / "params.yaml").write_text("lr: 0.10\nmodel: {depth: 3}\n")
    (work / "other.yaml").write_text("seed: 1\n")
    (work / "dvc.yaml").write_text(PIPELINE)


def test_a_pipeline_in_order(work: Path) -> None:
    write_pipeline(work)
    prepare, train = data.pipeline(work, work)
    assert prepare.name == "prepare"
    assert prepare.commands == ("cp raw prepared", "echo done")
    assert prepare.working_directory == "data"
    assert (prepare.inputs, prepare.outputs) == (("data/raw",), ("data/prepared",))
    assert train.commands == ("python train.py --lr 0.1",)
    assert train.working_directory == ""
    assert train.inputs == ("data/prepared", "train.py", "params.yaml", "other.yaml")
    assert train.outputs == ("model.pkl", "metrics.json", "loss.csv")


def test_the_lock_does_not_outlive_the_definition(work: Path) -> None:
    write_pipeline(work)
    dvc(work, "repro", "-q")
    before = data.pipeline(work, work)
    (work / "params.yaml").write_text("lr: 0.5\nmodel: {depth: 3}\n")
    assert "--lr 0.5" in data.pipeline(work, work)[1].commands[0]
    (work / "dvc.yaml").write_text(PIPELINE.replace("${lr}", "7"))
    assert data.pipeline(work, work)[1].commands == ("python train.py --lr 7",)
    assert before[1].commands == ("python train.py --lr 0.1",)


def test_what_a_pipeline_leaves_is_data(work: Path) -> None:
    write_pipeline(work)
    before = snap(work)
    assert [one.path for one in before.items] == ["images", "train.csv"]
    dvc(work, "repro", "-q")
    dvc(work, "push", "-q")
    found = snap(work)
    paths = [one.path for one in found.items]
    assert paths == ["data/prepared", "images", "loss.csv", "model.pkl", "train.csv"]
    assert found.places["data/prepared"].declared_in == "dvc.lock"
    assert found.findings == ()
    made = data.declared(work, work).made
    assert [one.path for one in snap(work, exclude=frozenset(made)).items] == [
        "images",
        "train.csv",
    ]
    (work / "model.pkl").unlink()
    (work / "model.pkl").write_text("other")
    assert [own.path for own in snap(work).own] == [str(work / "model.pkl")]
    (work / "dvc.yaml").write_text("stages: {}\n")
    assert [one.path for one in snap(work).items] == ["images", "train.csv"]


def test_outputs_that_the_lock_does_not_know_are_named(work: Path) -> None:
    (work / "dvc.yaml").write_text("stages: {make: {cmd: echo, outs: [made.bin, absent.bin]}}\n")
    (work / "made.bin").write_bytes(b"made")
    found = snap(work)
    ((severity, message),) = about(found, "made.bin")
    assert severity is RISKS and "dvc.lock does not know" in message
    assert "absent.bin" not in message
    assert snap(work, exclude=frozenset({"made.bin"})).findings == ()


def test_inputs_from_outside_are_named(work: Path) -> None:
    outside = work.parent / "outside.bin"
    outside.write_bytes(b"outside")
    (work / "dvc.yaml").write_text(f"stages: {{go: {{cmd: 'true', deps: ['{outside}']}}}}\n")
    dvc(work, "repro", "-q")
    ((severity, message),) = about(snap(work), "outside.bin")
    assert severity is RISKS and "outside of the workspace" in message


def test_declared(work: Path) -> None:
    write_pipeline(work)
    found = data.declared(work, work)
    assert found.metrics == ("metrics.json", "top.json")
    assert found.plots == ("a.csv", "b.csv", "c.csv", "loss.csv")
    assert found.outputs == ("data/prepared", "model.pkl")
    assert found.params == (("other.yaml", ("seed",)), ("params.yaml", ("lr", "model.depth")))
    assert found.made == ("data/prepared", "loss.csv", "metrics.json", "model.pkl")


def test_declared_in_folders(work: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub/dvc.yaml").write_text("metrics: [m.json]\nparams: [p.yaml]\n")
    (work / "dvc.yaml").write_text("metrics: [top.json]\nparams: [{x: 1}]\n")
    assert data.declared(work, work).metrics == ("sub/m.json", "top.json")
    assert data.declared(work, work / "sub").metrics == ("sub/m.json",)
    assert data.declared(work, work / "sub").params == (("sub/p.yaml", None),)
    (work / "empty").mkdir()
    assert data.declared(work, work / "empty").metrics == ("top.json",)


GENERATED = """
vars: [{root: out}, settings.yaml]
stages:
  each:
    foreach: {a: {n: 1}, b: {n: 2}}
    do:
      wdir: ${root}
      cmd: echo ${item.n} > ${key}.txt
      outs: ['${key}.txt']
  grid:
    matrix: {model: [x, y], lr: [0.1, 1e-3]}
    cmd: run ${item.model} ${item.lr} ${flag} ${nothing}
    params: ['${names[0]}']
    metrics: ['m/${item.model}-${item.lr}.json']
"""


def test_generated_stages(work: Path) -> None:
    (work / "out").mkdir()
    (work / "settings.yaml").write_text("flag: true\nnothing: null\nnames: [p, q]\n")
    (work / "dvc.yaml").write_text(GENERATED)
    stages = {stage.name: stage for stage in data.pipeline(work, work)}
    listed = dvc(work, "stage", "list", "--name-only").split()
    assert sorted(stages) == sorted(listed)
    assert stages["each@a"].commands == ("echo 1 > a.txt",)
    assert stages["each@a"].working_directory == "out"
    assert stages["each@b"].outputs == ("out/b.txt",)
    assert stages["grid@x-0.1"].commands == ("run x 0.1 true None",)
    declared = data.declared(work, work)
    assert declared.metrics == tuple(
        sorted(f"m/{model}-{lr}.json" for model in "xy" for lr in ("0.1", "0.001"))
    )
    assert declared.params == (("params.yaml", ("p",)),)
    dvc(work, "repro", "-q", "each")
    assert {one.path for one in snap(work).items} >= {"out/a.txt", "out/b.txt"}


TEMPLATES = [
    GENERATED,
    "stages: {a: {cmd: 'x ${lr} ${model.depth} ${list[1]} ${yes}', outs: ['${name}/o']}}",
    "stages: {a: {cmd: 'x ${model}'}}",
    "stages: {a: {cmd: 'x \\${lr} ${lr}'}}",
    "stages: {a: {cmd: 'x ${big} ${small} ${word} ${date} ${octal} ${under}'}}",
    "stages: {a: {foreach: '${list}', do: {cmd: 'x ${item}'}}}",
    "stages: {a: {foreach: [{n: 1}, {n: 2}], do: {cmd: 'x ${item.n}'}}}",
    "stages: {a: {foreach: '${model}', do: {cmd: 'x ${key} ${item}'}}}",
    "stages: {a: {foreach: [true, 1.50, null, x], do: {cmd: 'x ${item}'}}}",
    "stages: {a: {matrix: {m: [{n: 1}, 2], l: '${list}'}, cmd: 'x ${item.m} ${key}'}}",
    "stages: {a: {matrix: {m: [{n: 1}], l: '${list}'}, cmd: 'x ${item.m.n} ${key}'}}",
    "stages: {a: {cmd: 'x ${v}', vars: [{v: 1}]}}",
    "vars: [{v: 2}, {w: {a: 1}}, {w: {b: 2}}]\nstages: {a: {cmd: 'x ${v} ${w.a} ${w.b}'}}",
    "vars: [settings.yaml, 'settings.yaml']\nstages: {a: {cmd: 'x ${flag}'}}",
    "vars: ['settings.yaml:flag']\nstages: {a: {cmd: 'x ${flag}'}}",
    "vars: [{lr: 2}]\nstages: {a: {cmd: 'x ${lr}'}}",
    "metrics: ['${name}/m.json']\nparams: ['${name}.yaml']\nplots: [{'${name}': {x: '${name}'}}]",
    "stages: {a: {cmd: ['x ${lr}', 'y ${ lr }'], params: ['${name}', {'${name}.yaml': [k]}]}}",
    "stages: {a: {cmd: 'x ${list}'}}",
    "stages: {a: {cmd: 'x ${missing}'}}",
    "stages: {a: {cmd: 'x ${list[7]}'}}",
    "stages: {a: {cmd: 'x ${lr.deep}'}}",
    "stages: {a: {cmd: 'x ${'}}",
    "stages: {a: {cmd: 'x ${a b}'}}",
    "stages: {a: {cmd: 'x', outs: [{'${name}.bin': {cache: '${yes}'}}]}}",
    "stages: {a: {cmd: 'x ${7}', wdir: '${name}'}}",
    "stages: {a: {foreach: {1: x}, do: {cmd: 'x ${item}'}}}",
]


@pytest.mark.parametrize("document", TEMPLATES)
def test_templates_are_resolved_as_dvc_resolves_them(bare: Path, document: str) -> None:
    (bare / "params.yaml").write_text(
        "lr: 1e-3\nmodel: {depth: 3, wide: true}\nlist: [a, b]\nyes: true\nname: out\n"
        "big: 123456789012345678901\nsmall: 1.50e-7\nword: no\n7: seven\n"
    )
    if "${date}" in document:
        with (bare / "params.yaml").open("a") as stream:
            stream.write("date: '2020-01-01'\noctal: 0o17\nunder: 1_000\n")
    (bare / "settings.yaml").write_text("flag: true\nnothing: null\nnames: [p, q]\n")
    path = bare / "dvc.yaml"
    path.write_text(document)
    try:
        theirs = dvc_templates._as_text(dvc_templates._resolve_with_dvc(path, bare / ".dvc"))
    except UsageError:
        with pytest.raises(UsageError):
            dvc_templates.resolve(path, bare / ".dvc")
    else:
        assert dvc_templates.resolve(path, bare / ".dvc") == theirs


def test_usual_templates_do_not_need_the_library(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pipeline(work)
    (work / "settings.yaml").write_text("flag: true\nnothing: null\nnames: [p, q]\n")
    monkeypatch.setattr(dvc_templates, "_resolve_with_dvc", None)
    assert len(data.pipeline(work, work)) == 2
    (work / "dvc.yaml").write_text(GENERATED)
    assert len(data.pipeline(work, work)) == 6


def test_a_template_that_cannot_be_resolved(work: Path) -> None:
    (work / "dvc.yaml").write_text("stages: {a: {cmd: 'echo ${missing}'}}\n")
    with pytest.raises(UsageError, match="missing"):
        data.pipeline(work, work)


def test_a_cycle_is_named(work: Path) -> None:
    (work / "dvc.yaml").write_text(
        "stages:\n"
        "  a: {cmd: a, deps: [z], outs: [x]}\n"
        "  b: {cmd: b, deps: [x], outs: [y]}\n"
        "  c: {cmd: c, deps: [y], outs: [z]}\n"
    )
    with pytest.raises(ReproError, match="cycle: a -> b -> c -> a"):
        data.pipeline(work, work)


def test_stages_of_other_folders_and_frozen_ones(work: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub/dvc.yaml").write_text(
        "stages:\n  make: {cmd: make, outs: [made]}\n  unrelated: {cmd: un, outs: [un]}\n"
    )
    (work / "dvc.yaml").write_text(
        "stages:\n"
        "  use: {cmd: use, deps: [sub/made, ice], outs: [used]}\n"
        "  freeze: {cmd: freeze, outs: [ice], frozen: true}\n"
    )
    assert [stage.name for stage in data.pipeline(work, work)] == ["sub/dvc.yaml:make", "use"]
    assert [stage.name for stage in data.pipeline(work, work / "sub")] == ["make", "unrelated"]
    assert "ice" not in data.declared(work, work).made


def test_a_stage_in_a_file_of_its_own(work: Path) -> None:
    (work / "make.dvc").write_text(
        "cmd: make it\ndeps:\n- path: train.csv\nouts:\n- path: made\n  metric: true\n"
    )
    (work / "dvc.yaml").write_text("stages: {use: {cmd: use, deps: [made]}}\n")
    assert [(one.name, one.commands) for one in data.pipeline(work, work)] == [
        ("make.dvc", ("make it",)),
        ("use", ("use",)),
    ]


def test_findings_are_sorted_worst_first(work: Path) -> None:
    (work / "new.bin").write_bytes(b"new")
    dvc(work, "add", "-q", "new.bin")
    (work / "train.csv").unlink()
    (work / "images/x.png").write_bytes(b"x")
    found: tuple[Finding, ...] = snap(work).findings
    assert [one.severity for one in found] == [BREAKS, RISKS, NOTE]


def test_a_reflink_that_the_file_system_refuses_falls_back_to_bytes(work: Path) -> None:
    from repro.capturing.copying import Copier, Mismatch

    source = work / "train.csv"
    copier = Copier()
    target = work.parent / "copied"
    assert copier.copy(str(source), str(target), md5(source.read_bytes())) == 8
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(FileExistsError):
        copier.copy(str(source), str(target), md5(source.read_bytes()))
    with pytest.raises(Mismatch):
        copier.copy(str(source), str(work.parent / "wrong"), md5(b"other"))
    assert not (work.parent / "wrong").exists()


def test_an_object_that_cannot_be_written_is_an_error_with_words(work: Path) -> None:
    found = snap(work)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    work_ = data_restore._Work("/dev", caches(work), None)
    with pytest.raises(ReproError):
        work_.local([data_restore._File("full", found.items[1].hash.removeprefix("md5:"), "md5")])
