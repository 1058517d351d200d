"""What a record says that its replays will lack is said again where one comes out otherwise."""

from __future__ import annotations

from workbench import Project

TRAINS = """\
import os
given = dict(line.split("=", 1) for line in open(".env").read().split()) if os.path.exists(".env") else {}
steps = int(given.get("STEPS", 0))
print("loss", 1 / steps if FAILS else 1 / (steps + 1))
"""


def written(project: Project, fails: bool) -> None:
    project.write("train.py", TRAINS.replace("FAILS", str(fails)))
    project.write(".gitignore", ".env\n")
    project.commit()
    project.write(".env", "STEPS=5\nWANDB_API_KEY=" + "0123456789abcdef" * 2 + "01234567\n")


def test_a_failed_replay_names_the_settings_that_were_withheld(project: Project) -> None:
    written(project, True)
    project.record("python", "train.py")
    done = project.repro("replay", "latest", "--engine", "venv", cwd=project.path).expect(3)
    assert "it looks like a secret: .env" in done.out + done.err


def test_so_does_one_that_differs(project: Project) -> None:
    written(project, False)
    project.record("python", "train.py")
    done = project.repro("replay", "latest", "--engine", "venv", cwd=project.path).expect(1)
    assert "it looks like a secret: .env" in done.out + done.err
