"""Two results, or two manifests, set side by side: pure, symmetric, without I/O."""

from repro.comparison.circumstances import isolation_words
from repro.comparison.comparing import compare_manifests, compare_results, unreplayable
from repro.comparison.nouns import (
    RECORD_AND_REPLAY,
    TWO_RUNS,
    Circumstance,
    Comparison,
    IngredientDifference,
    MetricDifference,
    OutputDifference,
    Read,
    Sides,
    SourceDifference,
    Status,
    Verdict,
)

__all__ = [
    "RECORD_AND_REPLAY",
    "TWO_RUNS",
    "Circumstance",
    "Comparison",
    "IngredientDifference",
    "MetricDifference",
    "OutputDifference",
    "Read",
    "Sides",
    "SourceDifference",
    "Status",
    "Verdict",
    "compare_manifests",
    "compare_results",
    "isolation_words",
    "unreplayable",
]
