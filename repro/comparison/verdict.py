"""The verdict: the word that a comparison ends in, and why. Pure and symmetric.

Every rule of the verdict stands here, in the order in which it counts: failed before different,
different before equivalent, equivalent before identical.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from repro.comparison import nature
from repro.comparison.nouns import (
    MetricDifference,
    OutputDifference,
    Sides,
    SourceDifference,
    Status,
    Verdict,
)
from repro.comparison.pairing import count, some
from repro.manifest import MetricType, Outcome, Result


def decide(
    a: Result,
    b: Result,
    metrics: tuple[MetricDifference, ...],
    sources: tuple[SourceDifference, ...],
    outputs: tuple[OutputDifference, ...],
    sides: Sides,
) -> tuple[Verdict, list[str]]:
    """The verdict, and why: each reason a clause that names what it is about."""
    compared = [metric for metric in metrics if is_compared(metric)]
    matched = [output for output in outputs if is_matched(output)]
    failures = list(_failures(a, b, sides))
    reds = [
        *_red_metrics(metrics, len(compared), sides),
        *(f"{source.path}: {source.message}" for source in sources if source.status.red),
        *_red_outputs(outputs, matched, any(map(vouches, compared)), sides),
    ]
    if not compared and not any(map(_holds_something, matched)) and not reds:
        reds = [_nothing(metrics, outputs)]
    if failures:
        return Verdict.FAILED, failures + reds
    if reds:
        return Verdict.DIFFERENT, reds
    return _pass(compared, matched)


_COMPARED = (Status.EQUAL, Status.WITHIN, Status.DIFFERENT, Status.TYPE)


def is_compared(metric: MetricDifference) -> bool:
    """Whether two values stood beside each other and counted."""
    return metric.status in _COMPARED and metric.has_values


def is_matched(output: OutputDifference) -> bool:
    return output.status in (Status.EQUAL, Status.COSMETIC, Status.DIFFERENT)


def _holds_something(output: OutputDifference) -> bool:
    """An empty file that both wrote, a mark that something is done, says nothing."""
    return any(side is not None and side.size > 0 for side in (output.a, output.b))


_MEASURE = re.compile(
    r"acc|auc|auroc|bleu|bpc|bpb|cost|corr|(?<![a-z])cer|dice|elbo|entropy|err|f1|fid|gini|iou|kappa|"
    r"likelihood|logloss|loss|(?<![a-z])[ab]ic(?![a-z])|brier|calinski|concordance|davies|deviance|"
    r"explained.variance|(?<![a-z])f0\.5|(?<![a-z])f2|fbeta|finished with value|"
    r"hamming|hits?@|inertia|jaccard|objective|"
    r"pearson|r.squared|regret|residual|spearman|trial with value|"
    r"(?<![a-z])mae|(?<![a-z])map|mape|mcc|metric|mrr|mse|ndcg|nll|perplexity|"
    r"ppl|precision|psnr|r2|r\^2|r²|recall|reward|rmse|rouge|score|sensitivity|silhouette|specificity|"
    r"ssim|(?<![a-z])wer|^(?:best|final|objective|best trial|trial)?[ _.]?value$",
    re.IGNORECASE,
)
"""Names that speak of how good a model is, or how far from it."""


_NO_MEASURE = re.compile(
    r"(?i)accum\w*|accel\w*|access\w*|account\w*|vacc\w*|mapp\w*|corrupt\w*|(?:trans|re|pre|in|de)ferr\w*"
    r"|interr\w*|terr[ai]\w*|lossless|loss.?scal\w*"
)
"""Words that only hold the letters of one."""
_DIGEST = re.compile(r"(?:0x)?[0-9a-f]{32,128}")


def vouches(metric: MetricDifference) -> bool:
    """Whether it can stand for outputs that differ in bytes. What a program says by the way, such as how
    many rows it has read, its seed or how long it took, is compared, but it says nothing of the model that
    was written; neither does a word, unless it is the digest of a content."""
    kinds = {metric.type_a, metric.type_b}
    if not kinds & {MetricType.NUMBER, MetricType.SERIES}:
        return any(
            isinstance(side, str) and _DIGEST.fullmatch(side) for side in (metric.a, metric.b)
        )
    if metric.source.startswith("<std"):
        return bool(_MEASURE.search(_NO_MEASURE.sub("", metric.name)))
    return not nature.is_by_the_way(metric.name)


_KILLED = (-9, 137)


def _failures(a: Result, b: Result, sides: Sides) -> Iterator[str]:
    for result, side in ((a, sides[0]), (b, sides[1])):
        if result.outcome is Outcome.INTERRUPTED:
            yield f"{side} was interrupted"
        elif result.exit_code not in (0, None):
            killed = ", killed: often for want of memory" if result.exit_code in _KILLED else ""
            yield f"{side} ended with exit code {result.exit_code}{killed}"
        elif result.outcome is not Outcome.FINISHED:
            yield f"{side} did not finish"


def _red_metrics(metrics: Iterable[MetricDifference], compared: int, sides: Sides) -> Iterator[str]:
    by_status: dict[Status, list[str]] = {}
    for metric in metrics:
        by_status.setdefault(metric.status, []).append(metric.name)
    if names := by_status.get(Status.DIFFERENT):
        yield f"{_of(len(names), compared, 'metric')} {_verb(names, 'differ')}: {some(names)}"
    if names := by_status.get(Status.TYPE):
        yield f"{count(len(names), 'metric')} {_have(names)} another type: {some(names)}"
    for status, side in ((Status.MISSING, sides[1]), (Status.NEW, sides[0])):
        if names := by_status.get(status):
            yield f"{count(len(names), 'metric')} {_is(names)} missing in {side}: {some(names)}"


def _red_outputs(
    outputs: Iterable[OutputDifference],
    matched: list[OutputDifference],
    vouched: bool,
    sides: Sides,
) -> Iterator[str]:
    """Outputs may differ in bytes where a metric vouches for them; without one, they may not."""
    by_status: dict[Status, list[str]] = {}
    for output in outputs:
        by_status.setdefault(output.status, []).append(output.path)
    for status, side in ((Status.MISSING, sides[1]), (Status.NEW, sides[0])):
        if paths := by_status.get(status):
            yield f"{count(len(paths), 'output')} {_is(paths)} missing in {side}: {some(paths)}"
    if paths := by_status.get(Status.ABSENT):
        yield (
            f"{count(len(paths), 'output')} {_is(paths)} declared, but written by neither run: "
            f"{some(paths)}"
        )
    if not vouched and (paths := by_status.get(Status.DIFFERENT)):
        yield (
            f"{_of(len(paths), len(matched), 'output')} {_verb(paths, 'differ')} in bytes, and no "
            f"metric was compared that could vouch for them: {some(paths)}"
        )


def _nothing(metrics: tuple[MetricDifference, ...], outputs: tuple[OutputDifference, ...]) -> str:
    statuses = [*(metric.status for metric in metrics), *(output.status for output in outputs)]
    ignored, unknown = statuses.count(Status.IGNORED), statuses.count(Status.UNKNOWN)
    why = "no metric and no output was recorded"
    if any(map(is_matched, outputs)):
        why = "no metric was recorded, and the only outputs are empty files"
    elif ignored:
        why = f"all that was recorded is ignored, by the policy or by its nature ({ignored} in number)"
    elif unknown:
        why = "nothing is declared, so what was not observed cannot be compared"
    elif metrics:
        why = "no metric has a value, and no output was recorded"
    return f"nothing was compared: {why}"


def _pass(
    compared: list[MetricDifference], matched: list[OutputDifference]
) -> tuple[Verdict, list[str]]:
    near = [metric.name for metric in compared if metric.status is Status.WITHIN]
    other = [output.path for output in matched if output.status is Status.DIFFERENT]
    reasons = []
    if equal := len(compared) - len(near):
        reasons.append(f"{count(equal, 'metric')} equal")
    if near:
        reasons.append(f"{count(len(near), 'metric')} within tolerance: {some(near)}")
    cosmetic = [output.path for output in matched if output.status is Status.COSMETIC]
    if alike := len(matched) - len(other) - len(cosmetic):
        reasons.append(f"{count(alike, 'output')} bit for bit the same")
    if cosmetic:
        reasons.append(
            f"{count(len(cosmetic), 'output')} with the same content and a cosmetic difference: "
            f"{some(cosmetic)}"
        )
    if other:
        reasons.append(
            f"{count(len(other), 'output')} {_verb(other, 'differ')} in bytes: {some(other)}"
        )
    if not compared:
        reasons.append("no metric was compared, the verdict rests on outputs alone")
    if not matched:
        reasons.append("no output was compared")
    return (Verdict.EQUIVALENT if near or other or cosmetic else Verdict.IDENTICAL), reasons


# --- grammar --------------------------------------------------------------------------------


def _of(part: int, whole: int, noun: str) -> str:
    return f"{part} of {count(whole, noun)}" if part <= whole else count(part, noun)


def _verb(names: list[str], verb: str) -> str:
    return verb + "s" if len(names) == 1 else verb


def _have(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
