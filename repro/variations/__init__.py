"""What a training should not depend on, each with a way to vary it, a way to hold it, and its remedy."""

from repro.variations.catalogue import ALL, named
from repro.variations.nouns import Conditions, Held, Scene, Seen, Trial, Variation, together

__all__ = ["ALL", "Conditions", "Held", "Scene", "Seen", "Trial", "Variation", "named", "together"]
