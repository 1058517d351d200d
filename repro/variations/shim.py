# ruff: noqa: PTH100, PTH109, PTH118, PTH120, RUF005, SIM105
"""The file that a probe's replays put into their Python interpreters, as ``sitecustomize``.

It changes what an interpreter sees of its surroundings: the order of files, the clock, random numbers that
nobody seeded, the number of CPUs, data-loader workers, the umask. What is not asked for is left alone; in a
control it changes nothing. It hides as the watching hook does, whose code lies beside it, and it may land in any
Python 3, hence the old syntax.

``CONFIG`` is filled in where the file is written:
order ``sorted``, ``reversed``, ``backwards`` (sorted the other way round); clock ``{"offset": seconds}`` or
``{"from": seconds, "step": seconds}``; entropy, a number; cpu_count; umask; ordered; workers;
cudnn_benchmark; trace; workspace, the absolute path of the project.
"""

import os
import sys

MYPY = False
if MYPY:
    pass

CONFIG = {}  # type: ignore
BESIDE = {}  # type: ignore
FOLDER = os.path.dirname(os.path.abspath(__file__))


def tell(*words):
    # type: (*str) -> None
    """A line in this process's log; nothing that goes wrong here may reach the training."""
    try:
        line = "\t".join(word.replace("\t", " ").replace("\n", " ") for word in words) + "\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        number = os.open(FOLDER + "/logs/" + str(os.getpid()), flags, 0o666)
        try:
            os.write(number, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(number)
    except Exception:
        pass


# --- the order of files -----------------------------------------------------------------------


def _arrange(names, key, order):  # type: ignore
    if order == "reversed":
        return names[::-1]
    return sorted(names, key=key, reverse=order == "backwards")


class _Entries(object):  # noqa: UP004
    """What os.scandir gives: an iterator that can be closed."""

    def __init__(self, entries):  # type: ignore
        self._entries = iter(entries)

    def __iter__(self):  # type: ignore
        return self

    def __next__(self):  # type: ignore
        return next(self._entries)

    def __enter__(self):  # type: ignore
        return self

    def __exit__(self, *error):  # type: ignore
        self.close()

    def close(self):  # type: ignore
        self._entries = iter(())


def arrange_files(order):  # type: ignore
    listdir, scandir = os.listdir, os.scandir

    def listed(*args, **named):  # type: ignore
        return _arrange(listdir(*args, **named), None, order)

    def scanned(*args, **named):  # type: ignore
        with scandir(*args, **named) as found:
            entries = list(found)
        return _Entries(_arrange(entries, lambda entry: entry.name, order))

    listed.__name__, scanned.__name__ = "listdir", "scandir"
    os.listdir, os.scandir = listed, scanned


# --- who draws random numbers that nobody seeded -------------------------------------------------


NOTED = set()  # type: ignore


def note_site(what, kind="drawn"):  # type: ignore
    """The line of the project that drew a number that nobody seeded, once each. What a package draws for
    itself while it is imported says nothing, nor do names of temporary files."""
    if not CONFIG.get("trace"):
        return
    frame = sys._getframe(2)  # type: Any  # type: ignore
    while frame is not None:
        path = frame.f_code.co_filename
        if path.endswith("/tempfile.py") or ("importlib" in path and path.startswith("<frozen")):
            return
        if not path.startswith(("/", "<")):
            path = os.path.join(os.getcwd(), path)
        inside = path.startswith(CONFIG.get("workspace", "/") + "/")
        if inside and "/site-packages/" not in path:
            if (path, frame.f_lineno, what) not in NOTED:
                NOTED.add((path, frame.f_lineno, what))
                tell(kind, what, path, str(frame.f_lineno))
            return
        frame = frame.f_back


# --- what is changed in a library once it is there ---------------------------------------------


def _numpy_random(module):  # type: ignore
    owner = getattr(module.shuffle, "__self__", None)
    if owner is not None:
        BESIDE["entropy"].note_global(module, owner, "numpy.random", note_site)


def _sklearn_validation(module):  # type: ignore
    original = module.check_random_state

    def check_random_state(seed):  # type: ignore
        if seed is None:
            note_site("random_state=None of scikit-learn")
        return original(seed)

    check_random_state.__doc__ = original.__doc__
    module.check_random_state = check_random_state


def _pool(module):  # type: ignore
    def imap_unordered(self, func, iterable, chunksize=1):  # type: ignore
        note_site("Pool.imap_unordered", "unordered")
        return self.imap(func, iterable, chunksize)

    module.Pool.imap_unordered = imap_unordered


def _futures(module):  # type: ignore
    def as_completed(fs, timeout=None):  # type: ignore
        note_site("as_completed", "unordered")
        futures = list(fs)
        for future in futures:
            module.wait([future], timeout)
            if not future.done():
                raise module.TimeoutError("a future did not finish")
            yield future

    module.as_completed = as_completed


def _torch_loader(module):  # type: ignore
    original, at = module.DataLoader.__init__, 5

    def made(self, *args, **named):  # type: ignore
        given = args[at] if len(args) > at else named.get("num_workers", 0)
        wanted = given + 1 if given else CONFIG["workers"]
        tell("workers", str(given), str(wanted))
        if len(args) > at:
            args = args[:at] + (wanted,) + args[at + 1 :]
        else:
            named["num_workers"] = wanted
        original(self, *args, **named)

    module.DataLoader.__init__ = made


def _torch(module):  # type: ignore
    if "cudnn_benchmark" in CONFIG:
        module.backends.cudnn.benchmark = bool(CONFIG["cudnn_benchmark"])


def _torch_random(module):  # type: ignore
    """torch.seed() asks the system's random device by itself."""

    def seed():  # type: ignore
        note_site("torch.seed()")
        number = CONFIG["entropy"]
        module.manual_seed(number)
        return number

    module.seed = seed


class _After(object):  # noqa: UP004
    """Finds what others find, and changes it when it is loaded."""

    def __init__(self, changes):  # type: ignore
        self.changes = changes

    def find_spec(self, name, path=None, target=None):  # type: ignore
        change = self.changes.get(name)
        if change is None:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._wrap(spec.loader, change)
                return spec
        return None

    def _wrap(self, loader, change):  # type: ignore
        original = getattr(loader, "exec_module", None)
        if original is None:
            return

        def exec_module(module):  # type: ignore
            original(module)
            try:
                change(module)
            except Exception as error:
                tell("failed", getattr(module, "__name__", "?"), repr(error))

        try:
            loader.exec_module = exec_module
        except AttributeError:
            pass


def change_libraries():  # type: ignore
    changes = {}
    if "workers" in CONFIG:
        changes["torch.utils.data.dataloader"] = _torch_loader
    if "cudnn_benchmark" in CONFIG:
        changes["torch"] = _torch
    if "entropy" in CONFIG:
        changes["torch.random"] = _torch_random
    if CONFIG.get("ordered"):
        changes["multiprocessing.pool"] = _pool
        changes["concurrent.futures._base"] = _futures
    if CONFIG.get("trace") and "entropy" in CONFIG:
        changes["numpy.random"] = _numpy_random
        changes["sklearn.utils.validation"] = _sklearn_validation
    if changes:
        sys.meta_path.insert(0, _After(changes))


def begin():  # type: ignore
    import repro_hook

    if "entropy" in CONFIG:
        import repro_probe_entropy

        BESIDE["entropy"] = repro_probe_entropy
    if "clock" in CONFIG:
        import repro_probe_clock

        BESIDE["clock"] = repro_probe_clock
    repro_hook.hide(FOLDER)
    for name in ("repro_hook", "repro_probe_entropy", "repro_probe_clock"):
        sys.modules.pop(name, None)
    tell("begin", sys.executable or "")
    repro_hook.pass_on(FOLDER)
    if "umask" in CONFIG:
        os.umask(CONFIG["umask"])
    if "cpu_count" in CONFIG:
        os.cpu_count = lambda: CONFIG["cpu_count"]
        if hasattr(os, "process_cpu_count"):
            os.process_cpu_count = os.cpu_count
    if "order" in CONFIG:
        arrange_files(CONFIG["order"])
    if "entropy" in CONFIG:
        BESIDE["entropy"].hold(CONFIG["entropy"], note_site, bool(CONFIG.get("trace")))
    if "clock" in CONFIG:
        BESIDE["clock"].set_clock(CONFIG["clock"])
    change_libraries()


if __name__ == "sitecustomize":
    try:
        begin()
    except Exception as problem:
        tell("failed", "begin", repr(problem))
    sys.modules.pop("sitecustomize", None)
    # the one that would have run without us; where there is none this fails as it would have failed
    import sitecustomize  # noqa: F401
