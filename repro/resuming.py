"""Trains to a step at once, and once more with a stop in the middle: the two have to be the same."""

from __future__ import annotations

from collections.abc import Mapping

from repro import outputs, printed, replaying, yardstick
from repro.comparison import Comparison, unreplayable
from repro.comparison.parts import compare_parts
from repro.errors import Corrupt, NotFound, Unreplayable, UsageError
from repro.process import Sink
from repro.progress import Progress
from repro.project import Project
from repro.replaying import Options
from repro.store import Run


def compared(
    project: Project,
    run: Run,
    steps: int,
    options: Options,
    environ: Mapping[str, str],
    sink: Sink,
    progress: Progress,
) -> Comparison:
    """Twice ``steps`` at once beside ``steps`` and as many more, in the run's environment, with its data.

    Raises UsageError where the project does not say how, EngineError.
    """
    how = project.config.resume
    if how is None:
        raise UsageError(
            "repro.yaml does not say how the training is continued",
            "resume: {start: 'python train.py --steps {steps}', continue: '… --resume'}; see specs/config.md",
        )
    sides = (f"{2 * steps} steps at once", f"{steps} steps and {steps} more")
    try:
        progress.step(f"training {sides[0]}")
        whole = replaying.yielded(
            project, run, options, environ, sink, progress, (how.to(2 * steps),)
        )
        progress.step(f"training {sides[1]}")
        parts = replaying.yielded(
            project, run, options, environ, sink, progress, (how.to(steps), how.on_to(2 * steps))
        )
    except (Unreplayable, NotFound, Corrupt) as error:
        return unreplayable(str(error), remedy=error.hint, sides=sides)
    policy = yardstick.policy_now(project, run.manifest)
    store, rules = project.store, printed.rules(policy)
    return compare_parts(
        printed.taken_in(store, whole, rules),
        printed.taken_in(store, parts, rules),
        policy,
        sides,
        outputs.reader(store),
    )
