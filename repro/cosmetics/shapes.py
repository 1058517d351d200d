"""The shapes of what changes from run to run: ids, times, addresses."""

from __future__ import annotations

import re

HEX = "[0-9a-f]"
UUID = f"{HEX}{{8}}-{HEX}{{4}}-[1-8]{HEX}{{3}}-[89ab]{HEX}{{3}}-{HEX}{{12}}"
RUN_ID = f"(?:m-)?{HEX}{{32}}|{UUID}"
DAY = r"(?:20\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
ZONE = r"(?:Z|[+-]\d\d:?\d\d)?"
MOMENT = rf"{DAY}[T @]{CLOCK}(?:[.,]\d{{1,9}})?{ZONE}"
FINE_MOMENT = rf"{DAY}[T ]{CLOCK}\.(?!0+(?!\d))\d{{3,9}}{ZONE}"
"""With a fraction of a second that is not zero: what a clock shows, and data hardly ever."""
ADDRESS = r"(?P<address>(?<= at )0x[0-9a-f]{6,16}(?=>))"
"""As Python prints an object: ``<Model object at 0x7f0c2a3b4d50>``."""

_RUN_KEYS = {
    **dict.fromkeys(("run_id", "run_uuid", "runId", "model_uuid"), RUN_ID),
    "model_id": f"m-{HEX}{{32}}|{UUID}",  # of 32 digits alone it may be a digest of the model
}
_MOMENT_KEYS = dict.fromkeys(("utc_time_created", "date_saved"), MOMENT)
"""MLflow's and Keras's: when a model was written."""
_TOP_KEYS = dict.fromkeys(
    (
        "timestamp", "datetime", "start_time", "end_time", "started_at", "finished_at",
        "ended_at", "generated_at", "saved_at", "created_at", "updated_at",
    ),
    FINE_MOMENT,
)  # fmt: skip
"""Only in the outermost object: further in these are data."""
KEYS = (*_RUN_KEYS, *_MOMENT_KEYS, *_TOP_KEYS)


def _compiled(shapes: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {key: re.compile(shape, re.ASCII) for key, shape in shapes.items()}


_RUN_IDS, _MOMENTS = _compiled(_RUN_KEYS), _compiled(_MOMENT_KEYS)
_OUTERMOST_MOMENTS = _compiled({**_MOMENT_KEYS, **_TOP_KEYS})


def is_run_id(key: str, value: str) -> bool:
    """Whether the value under this key names a run, or what a run made."""
    shape = _RUN_IDS.get(key)
    return shape is not None and shape.fullmatch(value) is not None


def is_moment(key: str, value: str, outermost: bool) -> bool:
    """Whether the value under this key is when something was written."""
    shape = (_OUTERMOST_MOMENTS if outermost else _MOMENTS).get(key)
    return shape is not None and shape.fullmatch(value) is not None


class Names:
    """Numbers for ids in the order in which they come: the same id, the same number."""

    MOST = 1000

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def add(self, name: str) -> None:
        self._numbers.setdefault(name, len(self._numbers))

    def __getitem__(self, name: str) -> int:
        return self._numbers[name]

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def anywhere(self) -> re.Pattern[str] | None:
        """What finds them in a text, not as a part of a longer word; None where there are none."""
        if not 0 < len(self) <= self.MOST:
            return None
        words = "|".join(map(re.escape, self._numbers))
        return re.compile(f"(?<![0-9A-Za-z])(?:{words})(?![0-9A-Za-z])")
