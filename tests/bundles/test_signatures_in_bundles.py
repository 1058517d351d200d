"""Signatures on their way: in a file, a folder, a bucket, a registry with and without a list of referrers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bundle_files
import pytest
import ssh_keys
from bundle_files import Parts
from ssh_keys import Keys
from test_pushing_registry import Fake, fake, opened, repository  # noqa: F401

from repro import attesting, canonical, exporting, importing, pushing
from repro.bundles import attachments, layout, referrers, registry
from repro.bundles.layout import Blob
from repro.bundles.refusing import Refused
from repro.errors import Busy, ReproError
from repro.exporting import Options
from repro.project import Project as OpenProject
from repro.project import standalone
from repro.signing.nouns import Trust
from repro.store import Store

ADA = "ada@example.org"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def run_of(store: Store) -> str:
    (identity,) = store.run_ids()
    return identity


def export(project: OpenProject, path: Path, **options: bool) -> exporting.Exported:
    run = project.store.run(run_of(project.store))
    return exporting.export(project, run, path, Options(**options), {})


def push(project: OpenProject, target: str, **options: bool) -> pushing.Pushed:
    run = project.store.run(run_of(project.store))
    return pushing.push(project, run, target, Options(**options), {})


def pulled(tmp_path: Path, target: str) -> tuple[Store, importing.Imported]:
    """Into a store of its own."""
    folder = tmp_path / f"pulled-{os.urandom(4).hex()}"
    folder.mkdir()
    store = Store.open(folder)
    return store, pushing.pull(store, target)


def elsewhere(tmp_path: Path, target: str) -> OpenProject:
    """Somebody else who pulled the run."""
    store, _ = pulled(tmp_path, target)
    return standalone(store.project)


# --- a file ---------------------------------------------------------------------------------


def test_signatures_go_along_in_a_file(opened: OpenProject, keys: Keys, tmp_path: Path) -> None:  # noqa: F811
    plain = export(opened, tmp_path / "plain.tar")
    ids = {ssh_keys.sign(opened.store, keys("ada")), ssh_keys.sign(opened.store, keys("ben"))}
    signed = export(opened, tmp_path / "signed.tar")
    assert signed.digest == plain.digest, "the bundle's manifest stays as it is"
    here = standalone(tmp_path)
    done = importing.import_bundle(here.store, tmp_path / "signed.tar")
    assert done.signatures == 2
    assert set(here.store.signatures(done.run.id)) == ids
    assert here.store.signatures(done.run.id) == opened.store.signatures(done.run.id)
    export(here, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "signed.tar").read_bytes()
    run, contents = importing.signatures_in(tmp_path / "signed.tar")
    assert (run, contents) == (done.run.id, here.store.signatures(run))
    trust = Trust(keys.allowed(f"{ADA} ada"))
    assert attesting.verify(run, contents, trust, os.environ).passed


def test_what_is_signed_later_is_added(opened: OpenProject, keys: Keys, tmp_path: Path) -> None:  # noqa: F811
    here = standalone(tmp_path)
    export(opened, tmp_path / "first.tar")
    importing.import_bundle(here.store, tmp_path / "first.tar")
    mine = ssh_keys.sign(here.store, keys("ben"))
    theirs = ssh_keys.sign(opened.store, keys("ada"))
    export(opened, tmp_path / "second.tar")
    done = importing.import_bundle(here.store, tmp_path / "second.tar")
    assert not done.new and set(here.store.signatures(done.run.id)) == {mine, theirs}


def test_a_damaged_one_stays_here_and_is_said(opened: OpenProject, tmp_path: Path) -> None:  # noqa: F811
    run = run_of(opened.store)
    opened.store.add_signature(run, b"junk")
    done = export(opened, tmp_path / "run.tar")
    assert any("signature" in line for line in done.left_out)
    assert importing.signatures_in(tmp_path / "run.tar")[1] == {}


def test_a_signed_bundle_is_an_ordinary_layout(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    tmp_path: Path,
) -> None:
    identity = ssh_keys.sign(opened.store, keys("ada"))
    done = export(opened, tmp_path / "run.tar")
    subprocess.run(["tar", "-x", "-f", "run.tar"], cwd=tmp_path, check=True)
    index = json.loads((tmp_path / "index.json").read_bytes())
    entry = index["manifests"][-1]
    assert entry["artifactType"] == layout.SIGNATURE_TYPE
    assert entry["annotations"][layout.NAME] == f"signature-{identity}"
    manifest = json.loads((tmp_path / "blobs/sha256" / entry["digest"][7:]).read_bytes())
    assert manifest["subject"]["digest"] == done.digest
    assert manifest["layers"][0]["digest"] == f"sha256:{identity}"
    for blob in (manifest["config"], manifest["layers"][0]):
        assert (tmp_path / "blobs/sha256" / blob["digest"][7:]).stat().st_size == blob["size"]


# --- hostile files --------------------------------------------------------------------------


def with_signature(
    honest: Parts, content: bytes, change: dict[str, Any] | None = None, name: str = ""
) -> bytes:
    """A tar of the bundle with this envelope attached, all digests as they should be."""
    made = bundle_files.changed(honest, lambda parts: None)
    files = made.files()
    entry = json.loads(files["index.json"])["manifests"][0]
    subject = Blob(entry["digest"], entry["size"], entry["mediaType"])
    blob = Blob(canonical.digest_bytes(content), len(content), attachments.MEDIA_TYPE)
    document = json.loads(attachments.dump(attachments.Attachment(subject, blob, "x", "y")))
    manifest = canonical.dumps({**document, **(change or {})})
    for item in (attachments.EMPTY, content, manifest):
        files[f"blobs/sha256/{canonical.digest_bytes(item)[7:]}"] = item
    index = json.loads(files.pop("index.json"))
    index["manifests"].append(
        {"mediaType": layout.MANIFEST_TYPE, "digest": canonical.digest_bytes(manifest),
         "size": len(manifest), "artifactType": layout.SIGNATURE_TYPE,
         "annotations": {layout.NAME: name or f"signature-{blob.digest[7:]}"}}
    )  # fmt: skip
    return bundle_files.packed(files | {"index.json": canonical.dumps(index)})


@pytest.fixture(scope="module")
def envelope_of(honest: Parts, keys: Keys) -> bytes:
    run = canonical.digest_bytes(canonical.dumps(honest.run)).removeprefix("sha256:")
    return ssh_keys.signed(keys("ada"), run=run)


def refused(store: Store, tmp_path: Path, content: bytes, match: str | None = None) -> None:
    (tmp_path / "bad.tar").write_bytes(content)
    with pytest.raises(Refused, match=match) as caught:
        importing.import_bundle(store, tmp_path / "bad.tar")
    assert "\n" not in str(caught.value)
    assert not store.run_ids() and not list((store.root / "blobs/sha256").iterdir())
    assert not (store.root / "signatures").exists()


def test_the_honest_one_is_taken(
    honest: Parts, envelope_of: bytes, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "good.tar").write_bytes(with_signature(honest, envelope_of))
    assert importing.import_bundle(store, tmp_path / "good.tar").signatures == 1


def test_one_about_another_run_is_refused(
    honest: Parts, keys: Keys, store: Store, tmp_path: Path
) -> None:
    content = with_signature(honest, ssh_keys.signed(keys("ada"), run="0" * 64))
    refused(store, tmp_path, content, "about another run")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 60000, b"x" * 70000, b'{"payload":{}}', b"\xff", b'{"a":1,"a":2}',
     b'{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"eA=="}]}'],
)  # fmt: skip
def test_what_is_no_envelope_is_refused(
    honest: Parts, store: Store, tmp_path: Path, content: bytes
) -> None:
    refused(store, tmp_path, with_signature(honest, content))


EMPTY = layout.describe(attachments.EMPTY_BLOB)


@pytest.mark.parametrize(
    "change",
    [
        {"artifactType": "application/x"}, {"artifactType": None}, {"layers": []}, {"layers": None},
        {"layers": [EMPTY]}, {"layers": [EMPTY, EMPTY]}, {"config": None}, {"config": {**EMPTY, "size": 3}},
        {"config": {**EMPTY, "digest": "sha256:" + "0" * 64}}, {"subject": None}, {"subject": "x"},
        {"subject": {**EMPTY, "digest": "../../etc/passwd"}}, {"annotations": {"a": 1}},
        {"layers": [{"digest": "sha256:" + "0" * 64, "size": 1 << 40, "mediaType": attachments.MEDIA_TYPE}]},
        {"layers": [{"digest": "sha256:" + "0" * 64, "size": 10, "mediaType": attachments.MEDIA_TYPE}]},
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(
    honest: Parts, envelope_of: bytes, store: Store, tmp_path: Path, change: dict[str, Any]
) -> None:
    refused(store, tmp_path, with_signature(honest, envelope_of, change))


def test_every_bit_of_a_signature_in_a_bundle_counts(
    honest: Parts, envelope_of: bytes, store: Store, tmp_path: Path
) -> None:
    content = with_signature(honest, envelope_of)
    at = content.index(envelope_of)
    for place in (at, at + len(envelope_of) // 2, at + len(envelope_of) - 1):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        refused(store, tmp_path, changed, "digest")


def test_too_many_are_refused() -> None:
    entry = {"mediaType": layout.MANIFEST_TYPE, "size": 1, "artifactType": layout.SIGNATURE_TYPE}
    entries = [
        {**entry, "digest": f"sha256:{number:064x}"} for number in range(layout.MOST_SIGNATURES + 1)
    ]
    run = {**entry, "digest": "sha256:" + "f" * 64, "artifactType": layout.BUNDLE_TYPE}
    index = {"manifests": [run, *entries[1:]]}
    assert len(layout.load_index(canonical.dumps(index)).signatures) == layout.MOST_SIGNATURES
    with pytest.raises(Refused, match="too many"):
        layout.load_index(canonical.dumps({"manifests": [run, *entries]}))
    with pytest.raises(Refused, match="twice"):
        layout.load_index(canonical.dumps({"manifests": [run, entries[0], entries[0]]}))


# --- a folder, a bucket, a registry ---------------------------------------------------------


@pytest.fixture(params=["folder", "url", "registry"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place of each kind; the registry is one without a list of referrers."""
    if request.param == "folder":
        return str(tmp_path / "shared")
    if request.param == "url":
        return f"memory://repro-{os.urandom(4).hex()}"
    return f"{request.getfixturevalue('fake').host}/a/b:v1"


def test_a_push_after_signing_sends_the_signature(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    target: str,
    tmp_path: Path,
) -> None:
    first = push(opened, target)
    assert not first.signatures
    mine = ssh_keys.sign(opened.store, keys("ada"))
    second = push(opened, target)
    assert (second.digest, second.signatures) == (first.digest, 1)
    assert 0 < second.sent <= 3, "the envelope, what attaches it and the empty blob"
    assert push(opened, target).sent == 0
    store, done = pulled(tmp_path, target)
    assert set(store.signatures(done.run.id)) == {mine} and done.signatures == 1
    assert not done.notes


def test_everybody_adds_and_nobody_takes_away(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    target: str,
    tmp_path: Path,
) -> None:
    """Ada pushes; Ben pulls, replays, signs and pushes; Ada, who knows nothing of it, pushes other parts."""
    first = ssh_keys.sign(opened.store, keys("ada"))
    push(opened, target)
    ben = elsewhere(tmp_path, target)
    replay = ssh_keys.sign(ben.store, keys("ben"), ssh_keys.replayed())
    push(ben, target)
    assert set(opened.store.signatures(run_of(opened.store))) == {first}
    assert push(opened, target, data=True).digest != push(ben, str(tmp_path / "other")).digest
    store, done = pulled(tmp_path, target)
    assert done.data and set(store.signatures(done.run.id)) == {first, replay}
    trust = Trust(keys.allowed(f"{ADA} ada", "ben@example.org ben"))
    found = attesting.verify(done.run.id, store.signatures(done.run.id), trust, os.environ)
    assert found.passed and sorted(item.word for item in found.found) == ["manifest", "replay"]


def test_another_runs_signatures_stay_its_own(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    tmp_path: Path,
) -> None:
    target = str(tmp_path / "shared")
    mine = ssh_keys.sign(opened.store, keys("ada"))
    push(opened, target)
    index = json.loads((tmp_path / "shared/index.json").read_bytes())
    run = run_of(opened.store)
    other = {
        **index["manifests"][-1],
        "annotations": {layout.NAME: f"{'0' * 64}-signature-{'1' * 64}"},
    }
    index["manifests"].insert(0, other)
    (tmp_path / "shared/index.json").write_bytes(canonical.dumps(index))
    push(opened, target)
    names = [item["annotations"][layout.NAME] for item in
             json.loads((tmp_path / "shared/index.json").read_bytes())["manifests"]]  # fmt: skip
    assert names == [f"{'0' * 64}-signature-{'1' * 64}", f"{run}-signature-{mine}", run]


def test_junk_in_a_folder_is_passed_over_and_said(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    tmp_path: Path,
) -> None:
    target = tmp_path / "shared"
    mine = ssh_keys.sign(opened.store, keys("ada"))
    other = ssh_keys.sign(opened.store, keys("ben"))
    push(opened, str(target))
    (target / "blobs/sha256" / other).write_bytes(b"junk")
    store, done = pulled(tmp_path, str(target))
    assert set(store.signatures(done.run.id)) == {mine}
    (note,) = done.notes
    assert "a signature that is attached was not taken" in note
    (target / "blobs/sha256" / other).unlink()
    assert "was not taken" in pulled(tmp_path, str(target))[1].notes[0]


# --- registries -----------------------------------------------------------------------------


@pytest.mark.registry
def test_through_a_real_registry(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    repository: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    first = ssh_keys.sign(opened.store, keys("ada"))
    pushed = push(opened, f"{repository}:v1")
    ben = elsewhere(tmp_path, f"{repository}@{pushed.digest}")
    replay = ssh_keys.sign(ben.store, keys("ben"), ssh_keys.replayed())
    push(ben, f"{repository}:v1")
    push(opened, f"{repository}:v1", data=True)
    store, done = pulled(tmp_path, f"{repository}:v1")
    assert set(store.signatures(done.run.id)) == {first, replay}
    assert not done.notes


class Listing:
    """What a registry with a list of referrers adds to the fake one. ``pages``: entries on each."""

    def __init__(self, fake: Fake, pages: int = 100) -> None:  # noqa: F811
        self._answer, self._fake, self._pages = fake.answer, fake, pages
        fake.answer = self.answer  # type: ignore[method-assign]

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        match = re.fullmatch(r"/v2/a/b/referrers/(sha256:[0-9a-f]+)\?(.*)", path)
        if not match:
            return self._answer(method, path, body)
        found = []
        for name, content in self._fake.manifests.items():
            document = json.loads(content)
            subject = document.get("subject") or {}
            if name.startswith("sha256:") and subject.get("digest") == match[1]:
                kind = document["artifactType"]
                found.append({"mediaType": layout.MANIFEST_TYPE, "digest": name,
                              "size": len(content), "artifactType": kind})  # fmt: skip
        start = int((re.search(r"from=(\d+)", match[2]) or [0, 0])[1])
        headers = {}
        if start + self._pages < len(found):
            headers["Link"] = (
                f'</v2/a/b/referrers/{match[1]}?from={start + self._pages}>; rel="next"'
            )
        index = {"schemaVersion": 2, "manifests": found[start : start + self._pages]}
        return 200, canonical.dumps(index), headers


@pytest.mark.parametrize("pages", [100, 1])
def test_a_registry_that_lists_them(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
    pages: int,
) -> None:
    Listing(fake, pages)
    mine = {ssh_keys.sign(opened.store, keys(name)) for name in ("ada", "ben", "eve")}
    push(opened, f"{fake.host}/a/b:v1")
    assert not [name for name in fake.manifests if name.startswith("sha256-")]
    store, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert set(store.signatures(done.run.id)) == mine and not done.notes


def test_a_registry_that_only_says_so_gets_the_tag(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
) -> None:
    fake.change = lambda method, path, status, content, headers: (
        (200, b"<html>not found</html>", {}) if "/referrers/" in path
        else (status, content, {**headers, "OCI-Subject": "sha256:0"})
    )  # fmt: skip
    mine = ssh_keys.sign(opened.store, keys("ada"))
    digest = push(opened, f"{fake.host}/a/b:v1").digest
    assert digest.replace(":", "-") in fake.manifests
    store, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert set(store.signatures(done.run.id)) == {mine}


def test_what_others_have_in_the_tag_is_kept(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
) -> None:
    digest = push(opened, f"{fake.host}/a/b:v1").digest
    tag = digest.replace(":", "-")
    theirs = {"mediaType": layout.MANIFEST_TYPE, "digest": "sha256:" + "1" * 64, "size": 5,
              "artifactType": "application/vnd.example.sbom", "annotations": {"a": "b"}}  # fmt: skip
    document = {"schemaVersion": 2, "mediaType": layout.INDEX_TYPE, "manifests": [theirs]}
    fake.manifests[tag] = canonical.dumps(document)
    mine = ssh_keys.sign(opened.store, keys("ada"))
    push(opened, f"{fake.host}/a/b:v1")
    entries = json.loads(fake.manifests[tag])["manifests"]
    assert entries[0] == theirs and len(entries) == 2
    store, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert set(store.signatures(done.run.id)) == {mine} and not done.notes


def test_a_push_in_between_loses_nothing(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
) -> None:
    digest = push(opened, f"{fake.host}/a/b:v1").digest
    tag = digest.replace(":", "-")
    other = {"mediaType": layout.MANIFEST_TYPE, "digest": "sha256:" + "2" * 64, "size": 5}
    index = {"schemaVersion": 2, "mediaType": layout.INDEX_TYPE, "manifests": [other]}
    answer, seen = fake.answer, []

    def answered(method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        found = answer(method, path, body)
        if method == "PUT" and path.endswith(tag) and not seen:
            seen.append(path)
            fake.manifests[tag] = canonical.dumps(index)  # somebody else's, who read before us
        return found

    fake.answer = answered  # type: ignore[method-assign]
    ssh_keys.sign(opened.store, keys("ada"))
    push(opened, f"{fake.host}/a/b:v1")
    assert len(json.loads(fake.manifests[tag])["manifests"]) == 2


def test_a_tag_that_never_keeps_anything_is_said(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
) -> None:
    answer = fake.answer

    def answered(method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if method == "PUT" and "/manifests/sha256-" in path:
            return 201, b"", {}
        return answer(method, path, body)

    fake.answer = answered  # type: ignore[method-assign]
    ssh_keys.sign(opened.store, keys("ada"))
    with pytest.raises(Busy):
        push(opened, f"{fake.host}/a/b:v1")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"null", b"[" * 60000, b'{"manifests":7}', b"x" * (5 << 20),
                b'{"manifests":[null,7,{},{"artifactType":"application/vnd.repro.signature.v1"}]}'],
)  # fmt: skip
def test_a_tag_that_is_no_list_keeps_nobody_from_pulling(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
    content: bytes,
) -> None:
    digest = push(opened, f"{fake.host}/a/b:v1").digest
    fake.manifests[digest.replace(":", "-")] = content
    _, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert done.new and done.notes and not done.signatures
    ssh_keys.sign(opened.store, keys("ada"))
    with pytest.raises(ReproError):
        push(opened, f"{fake.host}/a/b:v1")


@pytest.mark.parametrize("bad", ["gone", "other", "manifest", "manifest gone", "of another run"])
def test_hostile_attachments_are_passed_over_and_said(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
    bad: str,
) -> None:
    good, evil = (ssh_keys.sign(opened.store, keys(name)) for name in ("ada", "eve"))
    digest = push(opened, f"{fake.host}/a/b:v1").digest
    (attached,) = [
        name for name, content in fake.manifests.items()
        if name.startswith("sha256:") and evil in content.decode() and b'"layers"' in content
    ]  # fmt: skip
    match bad:
        case "gone":
            del fake.blobs[f"sha256:{evil}"]
        case "other":
            fake.blobs[f"sha256:{evil}"] = bytes(len(fake.blobs[f"sha256:{evil}"]))
        case "manifest":
            fake.manifests[attached] = b"{}"
        case "manifest gone":
            del fake.manifests[attached]
        case "of another run":
            content = ssh_keys.signed(keys("ada"), run="0" * 64)
            blob = Blob(canonical.digest_bytes(content), len(content), attachments.MEDIA_TYPE)
            subject = Blob(digest, 1, layout.MANIFEST_TYPE)
            made = attachments.dump(attachments.Attachment(subject, blob, "x", "y"))
            fake.blobs[blob.digest] = content
            fake.manifests[canonical.digest_bytes(made)] = made
            tag = json.loads(fake.manifests[digest.replace(":", "-")])
            for entry in tag["manifests"]:
                if entry["digest"] == attached:
                    entry |= {"digest": canonical.digest_bytes(made), "size": len(made)}
            fake.manifests[digest.replace(":", "-")] = canonical.dumps(tag)
    store, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert set(store.signatures(done.run.id)) == {good}
    assert len(done.notes) == 1 and "\n" not in done.notes[0]


def test_a_flood_is_cut_off_and_said(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [ssh_keys.sign(opened.store, keys(name)) for name in ("ada", "ben", "eve")]
    push(opened, f"{fake.host}/a/b:v1")
    monkeypatch.setattr(registry, "MOST_LISTED", 2)
    store, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert len(store.signatures(done.run.id).keys() & set(ids)) == 2
    assert done.notes == ("1 of 3 signatures that are attached were left",)
    monkeypatch.undo()
    monkeypatch.setattr(layout, "MOST_SIGNATURES", 2)
    _, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert done.signatures == 2 and "more than 2 signatures" in done.notes[0]


def test_a_list_leads_to_no_other_server(
    opened: OpenProject,  # noqa: F811
    fake: Fake,  # noqa: F811
    tmp_path: Path,
) -> None:
    push(opened, f"{fake.host}/a/b:v1")
    fake.change = lambda method, path, status, content, headers: (
        (200, b'{"manifests":[]}', {"Link": '<http://127.0.0.2:9/x>; rel="next"'})
        if "/referrers/" in path else (status, content, headers)
    )  # fmt: skip
    _, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert done.new and any("goes on" in line for line in done.notes)


def test_a_list_without_end_ends(opened: OpenProject, fake: Fake, tmp_path: Path) -> None:  # noqa: F811
    push(opened, f"{fake.host}/a/b:v1")
    fake.change = lambda method, path, status, content, headers: (
        (200, b'{"manifests":[]}', {"Link": f'<{path}>; rel="next"'})
        if "/referrers/" in path else (status, content, headers)
    )  # fmt: skip
    fake.requests.clear()
    _, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert done.new and any("goes on" in line for line in done.notes)
    asked = [line for line in fake.requests if "/referrers/" in line]
    assert len(asked) == referrers.MOST_PAGES


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_however_a_registry_says_that_it_has_no_list(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
    status: int,
) -> None:
    fake.change = lambda method, path, found, content, headers: (
        (status, b"", {}) if "/referrers/" in path else (found, content, headers)
    )
    mine = ssh_keys.sign(opened.store, keys("ada"))
    push(opened, f"{fake.host}/a/b:v1")
    store, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert set(store.signatures(done.run.id)) == {mine} and not done.notes


def test_a_list_that_cannot_be_had_keeps_nobody_from_pulling(
    opened: OpenProject,  # noqa: F811
    fake: Fake,  # noqa: F811
    tmp_path: Path,
) -> None:
    push(opened, f"{fake.host}/a/b:v1")
    fake.change = lambda method, path, found, content, headers: (
        (500, b"", {}) if "/referrers/" in path else (found, content, headers)
    )
    _, done = pulled(tmp_path, f"{fake.host}/a/b:v1")
    assert done.new and any("cannot be told" in line for line in done.notes)


def test_a_tag_of_another_run_brings_nothing_along(
    opened: OpenProject,  # noqa: F811
    keys: Keys,
    fake: Fake,  # noqa: F811
    tmp_path: Path,
) -> None:
    for content in (b"junk", b"{}", b'{"schemaVersion":2,"manifests":[]}'):
        fake.manifests["v1"] = content
        push(opened, f"{fake.host}/a/b:v1")
        assert pulled(tmp_path, f"{fake.host}/a/b:v1")[1].signatures == 0
    shutil.rmtree(opened.store.root / "signatures", ignore_errors=True)
