"""The shim in real interpreters: it does what it is asked for, nothing else, and hides."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro import sessions
from repro.engines.base import Job
from repro.store import Store
from repro.variations import Conditions, applying


class Shim:
    """Runs code under conditions of the shim, as a replay does."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self._folder, self._count = folder, 0
        self.shim = folder

    def __call__(self, code: str, env: dict[str, str] | None = None, **settings: Any) -> str:
        self._count += 1
        self.shim = self._folder / f"shim-{self._count}"
        self.shim.mkdir()
        store = Store.open(self._folder)
        with sessions.session(store) as session:
            job = Job(("python",), self.work, str(self.work), session)
            applying.applied(Conditions(shim=settings), job, self.shim)
        (self.work / "train.py").write_text(code)
        variables = {**os.environ, "PYTHONPATH": str(self.shim), **(env or {})}
        done = subprocess.run(
            [sys.executable, "train.py"],
            cwd=self.work,
            env=variables,
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stderr
        assert not self.seen.failures
        return done.stdout.strip()

    @property
    def seen(self) -> Any:
        return applying.reported(self.shim, str(self.work))


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(tmp_path)


def test_asked_for_nothing_it_only_says_that_it_was_there(shim: Shim) -> None:
    code = (
        "import os, sys\n"
        "print(os.environ.get('PYTHONPATH'), 'sitecustomize' in sys.modules,\n"
        "      [name for name in sys.modules if name.startswith('repro')], [p for p in sys.path if 'shim' in p])\n"
        "print(os.listdir.__module__, os.cpu_count.__module__)\n"
    )
    told = shim(code)
    assert told.splitlines() == ["None False [] []", "posix posix"]
    assert shim.seen.interpreters == 1


def test_children_have_it_too_and_with_an_environment_of_their_own(shim: Shim) -> None:
    code = (
        "import subprocess, sys\n"
        "for env in (None, {'A': 'b'}):\n"
        "    subprocess.run([sys.executable, '-c', 'import os; print(os.cpu_count())'], env=env)\n"
    )
    assert shim(code, cpu_count=77).split() == ["77", "77"]
    assert shim.seen.interpreters == 3


LISTINGS = """\
import glob, os
from pathlib import Path
found = [
    os.listdir("data"), [e.name for e in os.scandir("data")], next(os.walk("data"))[2],
    [Path(p).name for p in glob.glob("data/*")], [p.name for p in Path("data").iterdir()],
    [p.name for p in Path("data").glob("*.csv")],
]
with os.scandir("data") as entries:
    found.append([next(entries).name, *(e.name for e in entries)])
os.scandir("data").close()
print(found == [found[0]] * 7, *found[0])
"""


@pytest.mark.parametrize(("order", "expected"), [("sorted", "a b c"), ("backwards", "c b a")])
def test_files_come_in_the_order_that_is_asked_for(shim: Shim, order: str, expected: str) -> None:
    (shim.work / "data").mkdir()
    for name in "bca":
        (shim.work / "data" / f"{name}.csv").touch()
    assert shim(LISTINGS, order=order).replace(".csv", "") == f"True {expected}"


def test_reversed_is_the_other_way_round_whatever_the_file_system_does(shim: Shim) -> None:
    (shim.work / "data").mkdir()
    for number in range(9):
        (shim.work / "data" / f"{number}.csv").touch()
    usual = shim(LISTINGS).split()[1:]
    assert shim(LISTINGS, order="reversed").split()[1:] == usual[::-1]


def test_a_held_clock_is_the_same_each_time(shim: Shim) -> None:
    code = (
        "import datetime, time, pickle\n"
        "a = datetime.datetime.now()\n"
        "time.sleep(0.01)\n"
        "print(time.time(), time.time_ns(), time.perf_counter(), a, datetime.date.today(),\n"
        "      datetime.datetime.now(datetime.timezone.utc), time.strftime('%Y-%m-%d'), time.ctime())\n"
        "print(isinstance(a, datetime.datetime), isinstance(a, datetime.date), type(a).__name__,\n"
        "      pickle.loads(pickle.dumps(a)) == a, datetime.datetime(2020, 1, 2) - a < datetime.timedelta(0))\n"
        "class Own(datetime.datetime): pass\n"
        "print(type(Own(2020, 1, 2)).__name__, datetime.datetime.fromisoformat('2020-01-02').year)\n"
        "print(issubclass(datetime.datetime, datetime.date), datetime.date(2020, 1, 2).isoformat())\n"
    )
    clock = {"from": 1_600_000_000.0, "step": 0.01}
    first, second = shim(code, clock=clock), shim(code, clock=clock)
    assert first == second
    assert "2020-09-13" in first and "True True datetime True True" in first
    assert "Own 2020" in first and "True 2020-01-02" in first


def test_a_held_clock_moves_so_that_waiting_ends(shim: Shim) -> None:
    code = "import time\nstart = time.time()\nwhile time.time() < start + 60: pass\nprint('done')\n"
    assert shim(code, clock={"from": 0.0, "step": 0.01}) == "done"


def test_another_date_runs_on(shim: Shim) -> None:
    code = "import datetime, time\nprint(datetime.datetime.now().year, int(time.time() // 3e7))"
    usual, later = shim(code).split(), shim(code, clock={"offset": 20 * 365.25 * 86400}).split()
    assert int(later[0]) == int(usual[0]) + 20
    assert int(later[1]) == int(usual[1]) + 21


ENTROPY = """\
import os, random, secrets, uuid
generator = random.Random()
seeded = random.Random(3)
print(random.random(), os.urandom(4), secrets.token_hex(4), uuid.uuid4(), generator.random())
random.seed()
print(random.random(), seeded.random(), random.SystemRandom().random())
"""


def test_random_numbers_without_a_seed_are_held_and_those_with_one_are_left_alone(
    shim: Shim,
) -> None:
    one, same, other = (shim(ENTROPY, entropy=seed) for seed in (1, 1, 2))
    assert one == same != other
    assert shim(ENTROPY) != shim(ENTROPY)
    code = "import random\nrandom.seed(5)\nprint(random.random(), random.Random(6).random())"
    assert shim(code, entropy=1) == shim(code)


def test_forked_children_draw_other_numbers_the_same_each_time(shim: Shim) -> None:
    code = (
        "import os\n"
        "for n in range(2):\n"
        "    if os.fork() == 0:\n"
        "        print(os.urandom(4).hex(), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    first = shim(code, entropy=1)
    assert first == shim(code, entropy=1)
    assert len(set(first.split())) == 2


def test_it_names_the_line_that_draws(shim: Shim) -> None:
    code = "import random\nimport uuid\ndef shuffle(x):\n    random.shuffle(x)\nshuffle([1, 2])\nuuid.uuid4()\n"
    shim(code, entropy=1, trace=True, workspace=str(shim.work))
    drawn = set(shim.seen.drawn)
    assert ("random.shuffle", "train.py", 4) in drawn
    assert ("os.urandom", "train.py", 6) in drawn
    assert not any(line in (1, 2) for _, _, line in drawn), "an import draws nothing"


def test_who_seeds_is_not_named(shim: Shim) -> None:
    code = (
        "import random, tempfile\nrandom.seed(4)\nrandom.shuffle([1, 2])\nrandom.Random(3).random()\n"
        "tempfile.TemporaryDirectory().cleanup()\n"
    )
    shim(code, entropy=1, trace=True, workspace=str(shim.work))
    assert shim.seen.drawn == ()


def test_results_come_in_order(shim: Shim) -> None:
    code = (
        "import time\n"
        "from concurrent.futures import ThreadPoolExecutor, as_completed\n"
        "from multiprocessing.pool import ThreadPool\n"
        "def work(n):\n"
        "    time.sleep(0.2 / (n + 1))\n"
        "    return n\n"
        "if __name__ == '__main__':\n"
        "    print(list(ThreadPool(4).imap_unordered(work, range(4))))\n"
        "    with ThreadPoolExecutor(4) as pool:\n"
        "        print([f.result() for f in as_completed([pool.submit(work, n) for n in range(4)])])\n"
    )
    told = shim(code, ordered=True, trace=True, workspace=str(shim.work))
    assert told.splitlines() == ["[0, 1, 2, 3]"] * 2
    assert {what for what, _, _ in shim.seen.unordered} == {"Pool.imap_unordered", "as_completed"}


def test_the_umask(shim: Shim) -> None:
    shim("open('new', 'w').close()", umask=0o077)
    assert (shim.work / "new").stat().st_mode & 0o777 == 0o600


def test_what_the_training_writes_into_its_log_is_only_text(shim: Shim) -> None:
    shim("pass")
    logs = shim.shim / "logs"
    (logs / "1").write_bytes(
        b"drawn\tx\t/y\tNaN\nbegin\n\xff\xfe\ndrawn\ta\n\nunordered\ta\tb\t1\n"
    )
    (logs / "2").symlink_to("/etc/passwd")
    (logs / "3").mkdir()
    (logs / "4").write_bytes(b"begin\t" + b"x" * 100_000)
    seen = shim.seen
    assert seen.drawn == () and seen.unordered == (("a", "b", 1),)
