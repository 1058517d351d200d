"""repro init."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.cli import terminal

if TYPE_CHECKING:
    from repro.initialising import Proposal
    from repro.manifest import Manifest
    from repro.project import Project


@click.command("init", context_settings={"allow_interspersed_args": False})
@click.option("--print", "only_print", is_flag=True, help="Print it, and write nothing.")
@click.option("--force", is_flag=True, help="Replace a repro.yaml that is there.")
@click.option("--here", is_flag=True,
              help="For the current folder, even where a project is found above it.")  # fmt: skip
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def init_command(only_print: bool, force: bool, here: bool, command: tuple[str, ...]) -> int:
    """Look at the project and write a commented repro.yaml with what was found.

    With COMMAND it is executed first and recorded as `repro run` does; what it read, wrote and printed
    goes into the file: repro init -- python train.py

    It goes into the project's folder: the nearest one, from here upwards, that has a repro.yaml, a DVC
    repository or files like requirements.txt; else into the current folder. Nothing else changes,
    but git's own list of ignored files, which gets `.repro/`.
    """
    from repro import canonical, config, initialising
    from repro.capturing import revisions
    from repro.errors import UsageError
    from repro.project import exclude_from_git

    project = initialising.project_at(Path.cwd(), here=here)
    path = project.folder / config.NAME
    if not (only_print or force) and os.path.lexists(path):
        other = (
            "" if project.folder == Path.cwd().resolve() else ", or --here for one in this folder"
        )
        raise UsageError(f"{path} is there already", f"--force replaces it{other}")
    run = _recorded(project, command) if command else None
    proposal = initialising.propose(project, run)
    text = initialising.render(proposal)
    if only_print:
        click.echo(text, nl=False)
        return 0
    exclude_from_git(revisions.git_folder(project.workspace))
    canonical.write_bytes(path, text.encode())
    click.echo(terminal.printable(_summary(proposal, path)), nl=False)
    return 0


def _recorded(project: Project, command: tuple[str, ...]) -> Manifest:
    """The run of the command, once it has ended well."""
    from repro import recording
    from repro.capturing import revisions
    from repro.errors import UsageError
    from repro.project import exclude_from_git
    from repro.store import Store

    exclude_from_git(revisions.git_folder(project.workspace))
    project = replace(project, store=Store.open(project.folder))
    request = recording.Request(command, Path.cwd(), dict(os.environ))
    run = recording.record(
        project,
        request,
        terminal.Onward(all_to_stderr=True),
        terminal.Lines(verbose=False, quiet=False),
    )
    result = run.manifest.result
    if result.exit_code:
        raise UsageError(
            f"the command ended with exit code {result.exit_code}: it is recorded as {run.short}, and no"
            " repro.yaml was written",
            f"repro show {run.short} --log",
        )
    return run.manifest


def _summary(proposal: Proposal, path: Path) -> str:
    """What was found, set or only mentioned, and the command to go on with."""
    from repro.report import layout

    colour = terminal.use_colour(sys.stdout)
    shown = os.path.relpath(path)
    keys = ", ".join(entry.key for entry in proposal.entries if entry.set)
    lines = [
        f"wrote {shown if len(shown) < len(str(path)) else path}: "
        + (f"it sets {keys}; the other keys are examples" if keys else "every key is an example")
    ]
    found = [entry for entry in proposal.entries if entry.seen]
    label = max((len(entry.key) for entry in found), default=0)
    for entry in found:
        head = f"  {entry.key:{label}}  "
        lines += layout.wrap(entry.seen, terminal.width(), head, " " * len(head))
    lines.append(f"next: {layout.paint(shlex.join(proposal.next), 'bold', colour)}")
    return "\n".join(lines) + "\n"
