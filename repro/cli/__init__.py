"""The command line: parse, one call into the core, render. ``main`` maps errors to exit codes.

Exit codes: 0 done, or the verdict passed; 1 the verdict is `different`; 2 usage or bad input; 3 failed,
unreplayable, or the engine is not there; 70 a bug in repro; 130 interrupted. `repro run` ends with the
command's own code.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from gc import freeze, set_threshold

import click

from repro import interrupts
from repro.cli import streams
from repro.errors import ReproError

# name -> (module, one line); a command's module, and what it needs, is imported only when it is called
COMMANDS = {
    "init": ("repro.cli.init", "Look at the project and write a commented repro.yaml."),
    "run": ("repro.cli.run", "Execute a training command and record it."),
    "capture": ("repro.cli.run", "Record a run that has already happened."),
    "replay": ("repro.cli.replay", "Rebuild a run's environment, run it again, compare."),
    "probe": ("repro.cli.probe", "Find out what a run depends on that it should not."),
    "diff": ("repro.cli.diff", "Show what differs between two runs."),
    "show": ("repro.cli.show", "Show one run."),
    "list": ("repro.cli.list", "List the runs, newest first."),
    "check": ("repro.cli.check", "Ask whether what runs need is still to be had."),
    "gc": ("repro.cli.gc", "Show what the store holds; remove what nothing refers to."),
    "export": ("repro.cli.export", "Write a run into one file that outlives this machine."),
    "import": ("repro.cli.export", "Take a run out of such a file."),
    "push": ("repro.cli.push", "Bring a run to a folder, a bucket or a registry."),
    "pull": ("repro.cli.push", "Take a run from there."),
    "verify": ("repro.cli.verify", "Replay runs several times; all must say the same."),
    "history": ("repro.cli.history", "Show a run's replays over time, and what changed."),
    "accept": ("repro.cli.accept", "Take a replay as the new baseline, and say why."),
    "noise": ("repro.cli.noise", "Measure how far a run scatters; propose tolerances."),
    "sign": ("repro.cli.sign", "Vouch for a run, or for what a replay of it came to."),
    "verify-signature": (
        "repro.cli.sign",
        "Say who signed what about a run, and what it is worth.",
    ),
    "doctor": ("repro.cli.doctor", "Check that this machine and project are ready."),
}
BUG = 70
GARBAGE = 50_000
"""New objects after which Python looks for garbage among them; its own default is 700 to 2,000."""


class _Lazy(click.Group):
    """Commands by name, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        found: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        import repro

        click.echo(f"repro {repro.__version__}")
        ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version and exit.",
)  # fmt: skip
def cli() -> None:
    """Record a training run, replay it in Docker, and say truthfully whether the same came out.

    \b
      repro run -- python train.py    record a run
      repro replay latest             run it again and compare
    """


def main(args: list[str] | None = None) -> None:
    """Entry point of the command line; ends the process with the documented code."""
    # hundreds of modules are loaded and stay: to look for garbage among them again and again takes a tenth
    # of a short command's time
    set_threshold(GARBAGE)
    streams.prepare()
    if threading.current_thread() is threading.main_thread():
        # a cancelled CI job, a batch system's limit and a lost connection clear up as Ctrl-C does
        for number in interrupts.heard()[1:]:
            signal.signal(number, _interrupt)
    try:
        code = _run(args)
        _settle()
    except KeyboardInterrupt:
        # in the few lines that are left when all is done, or said
        code = 130
        _settle()
    sys.exit(code)


def _settle() -> None:
    """What is said and stored stands: Ctrl-C while the interpreter winds up must not deny it."""
    freeze()  # nor does it look at all that was loaded once more
    if threading.current_thread() is threading.main_thread():
        for number in interrupts.heard():
            signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: object) -> None:
    if number == interrupts.HANGUP:
        signal.signal(number, signal.SIG_IGN)  # it comes twice, from the shell and from the kernel
    raise KeyboardInterrupt


def _run(args: list[str] | None) -> int:
    try:
        code = cli.main(args=args, prog_name="repro", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Abort:
        return _say("interrupted", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        return _say(error.format_message(), 2, f"{context.command_path} --help" if context else "")
    except ReproError as error:
        return _say(str(error), error.exit_code, error.hint)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except Exception as error:
        return _unforeseen(error)


def _say(message: str, code: int, hint: str = "") -> int:
    from repro.cli.terminal import complain

    complain(message, hint)
    return code


def _unforeseen(error: Exception) -> int:
    from repro import bugs

    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return _say("the current folder does not exist any more", 2, "cd into the project")
    if refused := bugs.refusal(error):
        return _say(refused[0], 2, refused[1])
    return _say(bugs.said(error), BUG, bugs.hint(bugs.kept(error)))


def _is_nowhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return True
    return False
