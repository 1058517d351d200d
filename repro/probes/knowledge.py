"""What is known of each variation while a probe is at work."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from repro.probes.nouns import Change, Guilt, Kind, Probed
from repro.variations import ALL, Seen, Variation

BY_NAME: Mapping[str, Variation] = {item.name: item for item in ALL}
_BY_THE_WAY = ("os.urandom", "random.seed()")


class Knowledge:
    """Names, each with its guilt once that is settled."""

    def __init__(self) -> None:
        self._known: dict[str, Probed] = {}
        self.seen = Seen()
        """Of the replay in which everything was held: where the project draws random numbers."""

    def settle(
        self, name: str, guilt: Guilt, why: str = "", changes: tuple[Change, ...] = ()
    ) -> None:
        item = BY_NAME[name]
        guilty = guilt is Guilt.GUILTY
        self._known[name] = Probed(
            name,
            item.subject,
            guilt,
            why,
            changes,
            item.remedy if guilty else "",
            item.cost if guilty else "",
            self._evidence(name) if guilty else (),
        )

    def of(self, name: str) -> Guilt | None:
        return self._known[name].guilt if name in self._known else None

    def guilty(self) -> set[str]:
        return {name for name, item in self._known.items() if item.guilt is Guilt.GUILTY}

    def moved_by(self, names: set[str]) -> frozenset[tuple[Kind, str]]:
        """The metrics and outputs that these have moved."""
        found = (item for item in self._known.values() if item.name in names)
        return frozenset(change.key for item in found for change in item.changes)

    def forget_moved(self, keys: Collection[tuple[Kind, str]]) -> None:
        """Who has moved nothing but these is not guilty of it, and who is harmless has to show it again."""
        for name in self.guilty() - {"addresses"}:
            if self.moved_by({name}) <= set(keys):
                del self._known[name]

    def reopen(self) -> None:
        """What was harmless may move something with other values; but for fewer CPUs, on which threads take
        turns, so that they can hide what more threads would do."""
        for name in [*self._known]:
            if self.of(name) is Guilt.HARMLESS and name != "cpus":
                del self._known[name]

    def said(self, loaders: int) -> tuple[Probed, ...]:
        """All of it, in the order of the catalogue; ``loaders`` of torch's were given other workers."""
        return tuple(self._said(item, loaders) for item in ALL)

    def _said(self, item: Variation, loaders: int) -> Probed:
        known = self._known.get(item.name)
        if known is None:
            why = "the probe ended before"
            return Probed(item.name, item.subject, Guilt.UNSETTLED, why)
        if item.name == "workers" and known.guilt is Guilt.HARMLESS and not loaders:
            why = "the training made no data loader of torch's"
            return Probed(item.name, item.subject, Guilt.NOT_VARIED, why)
        return known

    def _evidence(self, name: str) -> tuple[str, ...]:
        seen = {"entropy": self.seen.drawn, "parallelism": self.seen.unordered}.get(name, ())
        # a library's own draws, by way of the project's line, stand behind those of the project's own
        ordered = sorted(seen, key=lambda site: (site[0] in _BY_THE_WAY, site[1], site[2], site[0]))
        return tuple(f"{path}:{line}: {what}" for what, path, line in ordered)
