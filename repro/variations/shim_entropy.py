# ruff: noqa: SIM102
"""Random numbers that nobody seeded, the same in every replay of a probe; lies beside its shim as
``repro_probe_entropy``. ``note`` is told who draws them."""

import os


def hold(seed, note, trace):  # type: ignore
    """One stream instead of the system's random bytes; a forked child gets one of its own."""
    import random

    source = random.Random(seed)
    forks = [0]

    def before():  # type: ignore
        forks[0] += 1

    def in_child():  # type: ignore
        source.seed(str(seed) + ":" + str(forks[0]) + ":" + str(source.getrandbits(64)))

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_child=in_child)

    def drawn(size, flags=0):  # type: ignore
        note("os.urandom")
        return source.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    os.urandom = drawn
    random._urandom = drawn  # type: ignore
    if hasattr(os, "getrandom"):
        os.getrandom = drawn
    original = random.Random.seed

    def seeded(self, a=None, *args, **named):  # type: ignore
        if a is None and self is not source:
            note("random.seed()")
            a = source.getrandbits(256)
        return original(self, a, *args, **named)

    random.Random.seed = seeded  # type: ignore
    random.seed = random._inst.seed  # type: ignore
    random.seed(source.getrandbits(256))
    if trace:
        note_global(random, random._inst, "random", note)


def note_global(module, owner, name, note):  # type: ignore
    """Notes who draws from a module's own generator as long as nobody has seeded it."""
    seeded = []  # type: ignore

    def seed(*args, **named):  # type: ignore
        if (args and args[0] is not None) or any(item is not None for item in named.values()):
            seeded.append(True)
        return owner.seed(*args, **named)

    def noting(function, called):  # type: ignore
        def drawing(*args, **named):  # type: ignore
            if not seeded:
                note(called)
            return function(*args, **named)

        drawing.__name__ = called.rpartition(".")[2]
        return drawing

    for word in dir(module):
        function = getattr(module, word)
        if word == "seed":
            module.seed = seed
        elif getattr(function, "__self__", None) is owner and not word.startswith("_"):
            if word not in ("get_state", "set_state", "getstate", "setstate"):
                setattr(module, word, noting(function, name + "." + word))
