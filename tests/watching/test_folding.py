"""What of the seen is an input or an output: by name, and by what came first."""

from __future__ import annotations

import pytest

from repro.watching import Access, Folded, Scene, Seen, fold, tools
from repro.watching.folding import source_of

SCENE = Scene(
    workspace="/home/ann/project",
    interpreters=("/home/ann/project/.venv", "/opt/python3.11", "/usr"),
    home="/home/ann",
    temporary=("/tmp", "/scratch/tmp"),
    ours=("/home/ann/project/.repro",),
    known=("/srv/dvc-cache",),
)
W = SCENE.workspace


def folded(*accesses: tuple[str, str], scene: Scene = SCENE) -> Folded:
    """Of paths with ``r``, ``w``, ``rw`` or ``wr``."""
    found = [
        Access(path, "r" in did, "w" in did, "read" if did[0] == "r" else "write")
        for path, did in accesses
    ]
    return fold(Seen("strace", tuple(sorted(found, key=lambda item: item.path))), scene)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (f"{W}/data/x.csv", "inside"),
        (f"{W}/.env", "inside"),
        (f"{W}/lib/x.so", "inside"),
        (f"{W}/.dvc/config", "inside"),
        (f"{W}/.gitignore", "inside"),
        (f"{W}/.git/HEAD", ""),
        (f"{W}/sub/.git/HEAD", ""),
        (f"{W}/.git", ""),
        (f"{W}/.dvc/cache/files/md5/ab/cd", ""),
        (f"{W}/.dvc/tmp/lock", ""),
        (f"{W}/.repro/runs/x", ""),
        (f"{W}/.venv/lib/python3.11/site-packages/numpy/x.py", ""),
        (f"{W}/other-env/lib/python3.9/os.py", ""),
        (f"{W}/node_modules/x/index.js", ""),
        (f"{W}2/x.csv", "home"),
        ("/home/ann/scikit_learn_data/x.pkz", "home"),
        ("/home/ann/.cache/torch/hub/x.pth", "home"),
        ("/home/ann/.cache/huggingface/x", "home"),
        ("/home/ann/.keras/keras.json", "home"),
        ("/home/ann/.config/matplotlib/matplotlibrc", ""),
        ("/home/ann/.cache/matplotlib/fontlist.json", ""),
        ("/home/ann/.cache/pip/http/x", ""),
        ("/home/ann/.netrc", ""),
        ("/home/ann/.bashrc", ""),
        ("/home/ann/.ssh/id", ""),
        ("/home/ann/.pyenv/versions/3.9/lib/python3.9/os.py", ""),
        ("/home/annabel/x.csv", "outside"),
        ("/data/x.csv", "outside"),
        ("/mnt/x.csv", "outside"),
        ("/opt/data/x.csv", "outside"),
        ("/opt/python3.11/lib/python3.11/os.py", ""),
        ("/opt/tool/libx.so.1.2", ""),
        ("/var/lib/datasets/x", "outside"),
        ("/var/cache/fontconfig/x", ""),
        ("/app/x", "outside"),
        ("/x.csv", "outside"),
        ("/tmp/x.csv", "outside"),
        ("/scratch/tmp/x.csv", "outside"),
        ("/usr/share/dict/words", ""),
        ("/usr/share/zoneinfo/UTC", ""),
        ("/etc/passwd", ""),
        ("/lib/x86_64-linux-gnu/libc.so.6", ""),
        ("/library/x", "outside"),
        ("/proc/cpuinfo", ""),
        ("/dev/urandom", ""),
        ("/sys/fs/x", ""),
        ("/srv/dvc-cache/files/md5/ab/cd", ""),
        ("/srv/other/x", "outside"),
    ],
)
def test_where_an_input_lies(path: str, place: str) -> None:
    found = folded((path, "r"))
    wanted = {} if not place else {place: (path[len(W) + 1 :] if place == "inside" else path,)}
    assert found == Folded(**wanted)


def test_what_was_written_first_is_no_input() -> None:
    found = folded((f"{W}/out", "wr"), ("/data/out", "wr"), ("/tmp/x", "wr"), ("/home/ann/x", "w"))
    assert found == Folded(written_outside=("/data/out",), written_home=("/home/ann/x",))


def test_an_input_that_is_changed_is_both() -> None:
    found = folded((f"{W}/state", "rw"), ("/data/state", "rw"), ("/tmp/lock", "rw"))
    assert found == Folded(
        inside=("state",), outside=("/data/state",), written_outside=("/data/state",)
    )


def test_what_is_appended_to_inside_is_told() -> None:
    paths = (f"{W}/rows.csv", f"{W}/.git/log", "/tmp/x", "/home/ann/.history")
    seen = Seen("strace", tuple(Access(path, False, True, "write", True) for path in paths))
    assert fold(seen, SCENE).appended == ("rows.csv",)
    read_before = Access(f"{W}/rows.csv", True, True, "read", True)
    assert fold(Seen("strace", (read_before,)), SCENE).appended == ()


def test_written_into_the_system_or_an_environment() -> None:
    found = folded(
        ("/etc/x", "w"),
        ("/dev/null", "w"),
        ("/opt/python3.11/lib/python3.11/site-packages/x.py", "w"),
        ("/opt/python3.11/lib/python3.11/__pycache__/x.cpython-311.pyc", "w"),
        ("/opt/python3.11/lib/python3.11/site-packages/x-1.0.dist-info/RECORD", "w"),
    )
    record = "/opt/python3.11/lib/python3.11/site-packages/x-1.0.dist-info/RECORD"
    module = "/opt/python3.11/lib/python3.11/site-packages/x.py"
    assert found == Folded(
        written_outside=("/etc/x",), written_environment=(record, module), installed=(record,)
    )


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/a/__pycache__/m.cpython-311.pyc", "/a/m.py"),
        ("/a/__pycache__/m.cpython-311.opt-2.pyc", "/a/m.py"),
        ("/a/__pycache__/m.n.pypy39.pyc", "/a/m.n.py"),
        ("/a/__pycache__/other", "/a/__pycache__/other"),
        ("/a/m.pyc", "/a/m.pyc"),
    ],
)
def test_bytecode_stands_for_its_source(path: str, source: str) -> None:
    assert source_of(path) == source


def test_modules() -> None:
    found = folded(
        (f"{W}/src/__pycache__/mine.cpython-311.pyc", "r"),
        ("/shared/code/__pycache__/theirs.cpython-311.pyc", "r"),
        ("/shared/code/other.py", "r"),
        ("/shared/code/__pycache__/other.cpython-311.pyc", "w"),
        ("/home/ann/lib/home.py", "r"),
        (f"{W}/__pycache__/generated.cpython-311.pyc", "rw"),
        (f"{W}/generated.py", "wr"),
    )
    assert found.inside == ("src/mine.py",)
    assert found.outside == ("/shared/code/other.py", "/shared/code/theirs.py")
    assert found.home == ("/home/ann/lib/home.py",)
    assert found.modules == ("/home/ann/lib/home.py", *found.outside)
    assert found.written_outside == ()


def test_an_environment_that_is_the_project_s_folder() -> None:
    scene = Scene("/p", ("/p",), "/root", ("/tmp",), ("/p/.repro",))
    found = folded(("/p/train.py", "r"), ("/p/lib/python3.11/x.py", "r"), ("/p/bin/python", "r"),
                   ("/p/pyvenv.cfg", "r"), scene=scene)  # fmt: skip
    assert found == Folded(inside=("train.py",))


def test_a_project_in_an_environment_s_folder() -> None:
    scene = Scene("/conda/lib/p", ("/conda",), "/root", ("/tmp",), ())
    found = folded(("/conda/lib/p/lib/x.txt", "r"), ("/conda/lib/x.txt", "r"), scene=scene)
    assert found == Folded(inside=("lib/x.txt",))


def test_a_home_that_is_everything_is_none() -> None:
    scene = Scene("/p", (), "/", ("/tmp",), ())
    assert folded(("/data/x", "r"), scene=scene) == Folded(outside=("/data/x",))


def test_a_home_below_the_temporary_folder_and_the_other_way_round() -> None:
    scene = Scene("/p", (), "/tmp/home", ("/tmp", "/tmp/home/tmp"), ())
    found = folded(("/tmp/home/x", "rw"), ("/tmp/home/tmp/y", "rw"), scene=scene)
    assert found == Folded(home=("/tmp/home/x",), written_home=("/tmp/home/x",))


def test_nothing() -> None:
    assert folded() == Folded()


def test_tools() -> None:
    seen = Seen(
        "strace",
        programs=(
            *(
                "/usr/bin/make",
                "/bin/sh",
                "/usr/bin/cat",
                f"{W}/.venv/bin/python",
                "/usr/bin/python3.11",
            ),
            *(
                f"{W}/.venv/bin/accelerate",
                f"{W}/run.sh",
                "/usr/bin/git",
                "/usr/lib/git-core/git-gc",
            ),
            *("/usr/bin/env", "/usr/local/bin/Rscript", "/bin/git", "/usr/bin/pythonic"),
        ),
    )
    assert tools(seen, SCENE.interpreters, W) == (
        *("/usr/bin/make", "/usr/bin/git", "/usr/local/bin/Rscript", "/usr/bin/pythonic"),
    )
    assert tools(Seen("none")) == ()


def test_another_environment_of_the_project() -> None:
    """As tox and nox make them, each with packages of its own."""
    tox = f"{W}/.tox/train/lib/python3.11/site-packages/tabulate/__init__.py"
    nox = f"{W}/.nox/a/lib/python3.9/site-packages/x.py"
    found = folded(
        (tox, "r"),
        (nox, "wr"),
        (f"{W}/.venv/lib/python3.11/site-packages/numpy/x.py", "r"),
        ("/home/ann/.local/pipx/venvs/tox/lib/python3.11/site-packages/tox/run.py", "r"),
        (f"{W}/lib/python3.11/os.py", "r"),
    )
    assert found.environments == (".nox/a", ".tox/train")
