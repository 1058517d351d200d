# ruff: noqa: RUF005
"""The clock that a probe's shim shows to a Python interpreter; lies beside it as ``repro_probe_clock``.

Only what Python asks: compiled code, and the times of files, have the real one.
"""


def set_clock(settings):  # type: ignore
    """Another date, running; or with ``from`` one that only moves when it is asked, and by sleeping."""
    import datetime
    import time

    real_time, real_sleep = time.time, time.sleep
    moment = [settings.get("from", 0.0), 0.0]
    if "offset" in settings:

        def now():  # type: ignore
            return real_time() + settings["offset"]

    else:

        def now():  # type: ignore
            moment[0] += settings["step"]
            return moment[0]

        def counted():  # type: ignore
            return now() - settings["from"]

        def sleep(seconds):  # type: ignore
            real_sleep(seconds)
            moment[0] += seconds

        time.sleep = sleep
        for name in ("perf_counter", "process_time", "thread_time"):
            setattr(time, name, counted)
            setattr(time, name + "_ns", lambda: int(counted() * 1e9))
    time.time = now
    time.time_ns = lambda: int(now() * 1e9)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _dated(getattr(time, name), now))
    for name in ("strftime", "asctime"):
        setattr(time, name, _formatted(getattr(time, name), time))
    _set_dates(datetime, now)


def _dated(original, now):  # type: ignore
    def dated(seconds=None):  # type: ignore
        return original(now() if seconds is None else seconds)

    return dated


def _formatted(original, time):  # type: ignore
    needs = 1 if original.__name__ == "strftime" else 0

    def formatted(*args):  # type: ignore
        return original(*(args if len(args) > needs else args + (time.localtime(),)))

    return formatted


def _set_dates(module, now):  # type: ignore
    """``datetime`` and ``date`` that ask our clock; what they make are the real ones."""
    import copyreg

    real_datetime, real_date = module.datetime, module.date

    def made(real, methods):  # type: ignore
        class Kind(type):
            def __instancecheck__(cls, item):  # type: ignore
                return isinstance(item, real)

            def __subclasscheck__(cls, other):  # type: ignore
                return issubclass(other, real)

        def new(cls, *args, **named):  # type: ignore
            return real.__new__(real if cls is fake else cls, *args, **named)

        body = dict(methods, __new__=new, __module__="datetime", __doc__=real.__doc__)
        fake = Kind(real.__name__, (real,), body)

        def reduced(item):  # type: ignore
            # pickle looks the class up by its name, where it finds ours
            return (fake,) + item.__reduce_ex__(2)[1:]

        copyreg.pickle(real, reduced)
        return fake

    def today(cls):  # type: ignore
        return real_datetime.fromtimestamp(now())

    def at(cls, tz=None):  # type: ignore
        return real_datetime.fromtimestamp(now(), tz)

    def utc(cls):  # type: ignore
        found = real_datetime.fromtimestamp(now(), module.timezone.utc)
        return found.replace(tzinfo=None)

    def day(cls):  # type: ignore
        return real_datetime.fromtimestamp(now()).date()

    module.datetime = made(
        real_datetime,
        {"now": classmethod(at), "today": classmethod(today), "utcnow": classmethod(utc)},
    )
    module.date = made(real_date, {"today": classmethod(day)})
