# ruff: noqa: F401, PTH100, PTH110, PTH118, PTH120, PTH123, RUF005, SIM105, UP031, UP035
"""The file that PythonWatch puts into other interpreters, as their ``sitecustomize``.

It tells what the interpreter opens, and must change nothing else: it hides itself from ``sys.path``,
``os.environ`` and ``sys.modules``, runs the ``sitecustomize`` that would have run without it, and lets no
error of its own out. It may land in any Python there is, hence the old syntax; imported as part of
repro it does nothing.
"""

import os
import sys

try:
    from _thread import get_ident as _ident
except ImportError:  # Python 2
    pass

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Optional, Set

EMPTY = "pythonpath-was-empty"
"""A file beside this one: PYTHONPATH was set, to nothing."""

try:
    _getcwd, _stat, _access, _getpid = os.getcwd, os.stat, os.access, os.getpid
    _open, _write, _close = os.open, os.write, os.close
    _WRITING = os.O_WRONLY | os.O_RDWR
except AttributeError:  # no POSIX system
    pass


def quoted(text):
    # type: (str) -> bytes
    """Without blanks and line ends; any bytes survive."""
    raw = os.fsencode(text)
    for char in (b"%", b" ", b"\n", b"\r"):
        raw = raw.replace(char, ("%%%02x" % ord(char)).encode("ascii"))
    return raw


def unquoted(word):
    # type: (bytes) -> str
    """The inverse; ValueError where it is not something quoted."""
    first, rest = word.split(b"%")[0], word.split(b"%")[1:]
    return os.fsdecode(first + b"".join(bytes((int(part[:2], 16),)) + part[2:] for part in rest))


class Watcher:
    """Writes down what the audit hook hears, each thing once per process."""

    def __init__(self, logs):
        # type: (str) -> None
        import time

        self._logs = logs
        self._known = set()  # type: Set[Any]
        # the system's clock, one for all processes
        self._moment = time.monotonic_ns if hasattr(time, "monotonic_ns") else None
        self._busy = set()  # type: Set[int]

    def hear(self, event, args):
        # type: (str, Any) -> None
        handler = _HANDLERS.get(event)
        if handler is None:
            return
        thread = _ident()
        if thread in self._busy:
            return  # what is called here raises events too
        self._busy.add(thread)
        try:
            handler(self, args)
        except BaseException:
            pass
        finally:
            self._busy.discard(thread)

    def tell(self, kind, *words):
        # type: (str, *str) -> None
        """A line in this process's file. Opened each time: a descriptor that is kept may be closed by
        the training, and its number be given to a file of the training's."""
        moment = self._moment() if self._moment else 0
        line = b" ".join([str(moment).encode(), kind.encode()] + [quoted(word) for word in words])
        name = self._logs + "/" + str(_getpid())
        number = _open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write(number, line + b"\n")
        finally:
            _close(number)

    def opened(self, args):
        # type: (Any) -> None
        path, _, flags = args
        if isinstance(path, int) or path is None:
            return
        path = _absolute(path)
        writing = flags & _WRITING
        only_more = bool(writing and flags & os.O_APPEND and not flags & os.O_TRUNC)
        key = (path, bool(writing), only_more)
        if key in self._known:
            return
        there = _is_there(path)
        if there is None or (not there and not flags & os.O_CREAT):
            return
        if not writing:
            if not there:
                return
            self._known.add(key)
            self.tell("read", path)
            return
        if not _access(path if there else os.path.dirname(path), os.W_OK):
            return
        self._known.add(key)
        if writing == os.O_RDWR and there and not flags & os.O_TRUNC:
            self.tell("read", path)
        self.tell("append" if only_more and there else "write", path)
        if writing == os.O_RDWR:
            self.tell("read", path)

    def base(self, args):
        # type: (Any) -> None
        """A database of sqlite's, read and written."""
        path = args[0]
        path = os.fsdecode(path) if not isinstance(path, str) else path
        if path.startswith("file:"):
            path = path[5:].split("?")[0]
            while path.startswith("//"):
                path = path[1:]
        if path and path != ":memory:":
            self.opened((path, None, os.O_RDWR | os.O_CREAT))

    def moved(self, args):
        # type: (Any) -> None
        if _is_there(_absolute(args[0])) is not False:
            self.tell("move", _absolute(args[0]), _absolute(args[1]))

    def linked(self, args):
        # type: (Any) -> None
        if _is_there(_absolute(args[0])):
            self.tell("link", _absolute(args[0]), _absolute(args[1]))

    def linked_to(self, args):
        # type: (Any) -> None
        self.tell("symlink", _absolute(args[1]))

    def truncated(self, args):
        # type: (Any) -> None
        if not isinstance(args[0], int) and _is_there(_absolute(args[0])):
            self.tell("write", _absolute(args[0]))

    def started(self, args):
        # type: (Any) -> None
        program, words = args[0], args[1] if len(args) > 1 else None
        if program is None and words:
            program = words if isinstance(words, (str, bytes)) else words[0]
        found = _found(os.fsdecode(program))
        if found and ("run", found) not in self._known:
            self._known.add(("run", found))
            self.tell("run", found)

    def shell(self, args):
        # type: (Any) -> None
        self.started(("/bin/sh",))

    def connected(self, args):
        # type: (Any) -> None
        where = args[1]
        if isinstance(where, tuple):
            host, port = str(where[0]), str(where[1])
            said = "[" + host + "]:" + port if ":" in host else host + ":" + port
        else:
            said = os.fsdecode(where)
            said = "unix:" + ("@" + said[1:] if said.startswith("\0") else said)
        if said not in self._known:
            self._known.add(said)
            self.tell("connect", said)


_HANDLERS = {
    "open": Watcher.opened,
    "sqlite3.connect": Watcher.base,
    "os.rename": Watcher.moved,
    "os.link": Watcher.linked,
    "os.symlink": Watcher.linked_to,
    "os.truncate": Watcher.truncated,
    "subprocess.Popen": Watcher.started,
    "os.exec": Watcher.started,
    "os.posix_spawn": Watcher.started,
    "os.spawn": lambda self, args: self.started(args[1:]),
    "os.system": Watcher.shell,
    "socket.connect": Watcher.connected,
}  # type: Dict[str, Callable[[Watcher, Any], None]]


def _absolute(path):
    # type: (Any) -> str
    path = os.fsdecode(path)
    return path if path.startswith("/") else _getcwd() + "/" + path


def _is_there(path):
    # type: (str) -> Optional[bool]
    """None: something is, and it is no file."""
    try:
        mode = _stat(path).st_mode
    except (OSError, ValueError):
        return False
    return True if mode & 0o170000 == 0o100000 else None


def _found(name):
    # type: (str) -> Optional[str]
    """As the system finds a program; None where it does not."""
    if "/" in name:
        return _absolute(name) if _access(name, os.X_OK) else None
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or ".", name)
        if _is_there(path) and _access(path, os.X_OK):
            return _absolute(path)
    return None


def hide(folder):
    # type: (str) -> Optional[str]
    """Out of sight: sys.path, and PYTHONPATH as os.environ shows it. What PYTHONPATH was before."""
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    sys.path_importer_cache.pop(folder, None)
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    before = os.pathsep.join(entries[1:]) if entries[:1] == [folder] else None
    if entries[:1] == [folder] and hasattr(os.environ, "_data"):
        # only in this view of it: the system's own copy is what children inherit
        key = os.environ.encodekey("PYTHONPATH")  # type: ignore[attr-defined]
        if before or os.path.exists(folder + "/" + EMPTY):
            os.environ._data[key] = os.environ.encodevalue(before or "")  # type: ignore
        else:
            del os.environ._data[key]  # type: ignore[attr-defined]
    return before


def pass_on(folder):
    # type: (str) -> None
    """Children that are given an environment of their own, mostly a copy of os.environ, get us too."""
    ours = os.fsencode(folder)

    def with_us(pairs):
        # type: (List[bytes]) -> List[bytes]
        name = b"PYTHONPATH="
        theirs = [pair for pair in pairs if pair.startswith(name)]
        if any(pair[len(name) :].split(b":")[0] == ours for pair in theirs):
            return pairs
        before = theirs[0][len(name) :] if theirs else b""
        value = name + ours + (b":" + before if before else b"")
        return [pair for pair in pairs if not pair.startswith(name)] + [value]

    def in_mapping(env):
        # type: (Any) -> Any
        try:
            pairs = [os.fsencode(key) + b"=" + os.fsencode(env[key]) for key in env]
            return dict(tuple(pair.split(b"=", 1)) for pair in with_us(pairs))  # type: ignore
        except Exception:
            return env  # the original says what is wrong with it

    import _posixsubprocess

    fork_exec = _posixsubprocess.fork_exec
    at = 5  # of the arguments: the environment, a list of bytes or None

    def forked(*args):
        # type: (*Any) -> Any
        try:
            env = args[at]
            if env is None and os.environ.get("PYTHONPATH"):
                env = [os.fsencode(key + "=" + os.environ[key]) for key in os.environ]
            if isinstance(env, (list, tuple)):
                args = args[:at] + (with_us(list(env)),) + args[at + 1 :]
        except Exception:
            pass
        return fork_exec(*args)

    _posixsubprocess.fork_exec = forked  # type: ignore[assignment]

    def wrapping(original, position):
        # type: (Any, int) -> Any
        def started(*args, **named):
            # type: (*Any, **Any) -> Any
            if len(args) > position:
                args = args[:position] + (in_mapping(args[position]),) + args[position + 1 :]
            elif "env" in named:
                named["env"] = in_mapping(named["env"])
            return original(*args, **named)

        started.__name__, started.__doc__ = original.__name__, original.__doc__
        return started

    for name in ("execve", "posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            setattr(os, name, wrapping(getattr(os, name), 2))


def begin():
    # type: () -> None
    folder = os.path.dirname(os.path.abspath(__file__))
    watcher = Watcher(folder + "/logs")
    hide(folder)
    if not hasattr(sys, "addaudithook"):
        with open(folder + "/logs/" + str(os.getpid()), "a") as log:
            log.write("0 old\n")
        return
    watcher.tell("begin", sys.executable or "")
    sys.addaudithook(watcher.hear)
    pass_on(folder)


if __name__ == "sitecustomize":
    try:
        begin()
    except Exception:
        pass
    del sys.modules["sitecustomize"]
    # the one that would have run without us; where there is none this fails as it would have failed
    import sitecustomize
