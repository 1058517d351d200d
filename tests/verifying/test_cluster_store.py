"""Where a worker has the run: at hand in the asker's store, or in its own."""

from __future__ import annotations

from workbench import Project

from repro import project as projects
from repro import sessions
from repro.verifying.cluster_store import shares


def test_a_store_is_shared_only_while_its_session_is_held_and_seen(project: Project) -> None:
    project.record("python", "train.py")
    store = projects.locate(project.path).store
    with sessions.session(store) as session:
        assert shares(store.root, session.name)
        assert not shares(store.root, "1-other")
        assert not shares(store.root, "../runs")
        assert not shares(store.root, "")
        assert not shares(project.path / "nowhere", session.name)
        # as where locks do not hold across machines: there, and nobody seems to hold it
        lock = store.root / "locks" / session.name
        lock.rename(lock.with_name("aside"))
        lock.touch()
        assert not shares(store.root, session.name)
        lock.with_name("aside").replace(lock)
    assert not shares(store.root, session.name)
