"""A quick round of fuzzing.py: no bundle makes anything but a bundle or an error of repro's own."""

from __future__ import annotations

from pathlib import Path

import bundle_files
import fuzzing
import test_images_in_bundles as images
import workbench
from bundle_files import Parts, changed, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro import importing
from repro.errors import ReproError
from repro.store import Store


def test_whatever_is_opened_is_a_bundle_or_refused(honest: Parts) -> None:
    honest = changed(honest, lambda parts: images.sealed(parts, images.with_image(parts)))

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(fuzzing.bundles(honest))
    def check(content: bytes) -> None:
        fuzzing.outcome(content)

    check()


def test_no_group_makes_anything_else() -> None:
    honest = bundle_files.read(workbench.ROOT / "specs/compat/v1/bundle-groups.tar")

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(fuzzing.group_files(honest))
    def check(content: bytes) -> None:
        fuzzing.outcome(content)

    assert fuzzing.outcome(packed(changed(honest, lambda parts: None).files())) == "taken"
    check()


def test_the_honest_bundle_is_one(honest: Parts) -> None:
    assert fuzzing.outcome(packed(changed(honest, lambda parts: None).files())) == "taken"


def test_whatever_is_imported_stays_in_the_store(store: Store, honest: Parts) -> None:
    above = store.project.parent
    beside = above / "beside"
    beside.mkdir()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(fuzzing.documents(honest), fuzzing.frames(honest)))
    def check(content: bytes) -> None:
        file = above / "fuzzed.tar"
        file.write_bytes(content)
        try:
            run = importing.import_bundle(store, file).run
            assert run.id in store.run_ids()
        except ReproError:
            pass
        assert sorted(path.name for path in above.iterdir()) == ["beside", "fuzzed.tar", "here"]
        assert not list(beside.iterdir()) and not list((store.root / "tmp").iterdir())
        assert [path.name for path in Path(store.project).iterdir()] == [".repro"]

    check()
