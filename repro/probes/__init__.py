"""What a training depends on that it should not: replays that differ in one thing, compared with each other."""

from repro.probes.nouns import Change, Guilt, Probe, Probed
from repro.probes.probing import probe

__all__ = ["Change", "Guilt", "Probe", "Probed", "probe"]
