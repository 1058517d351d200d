"""repro sign and repro verify-signature."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repro.cli import terminal
from repro.cli.opening import open_project


@click.command("sign")
@click.argument("run")
@click.option("--key", metavar="FILE",
              help="An SSH key; a .pub file where the agent has the private half. Default: git's"
              " user.signingkey with gpg.format=ssh, else a key in ~/.ssh.")  # fmt: skip
@click.option("--replay", is_flag=False, flag_value="latest", metavar="[ID]",
              help="Sign what a replay of the run came to (default: the latest), not its manifest.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was signed as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
def sign_command(run: str, key: str | None, replay: str | None, as_json: bool, quiet: bool) -> int:
    """Vouch for RUN with your SSH key: for its manifest, or with --replay for what a replay came to.

    The signature is kept beside the run, and goes along when the run is exported or pushed. Prints its id.
    """
    from repro import attesting, runs
    from repro.report import signatures as report
    from repro.signing import settings

    project = open_project()
    found = runs.resolve(project, run, Path.cwd())
    if replay is None:
        said: attesting.Recorded | attesting.Replayed = attesting.recorded()
    else:
        said = attesting.replayed(project.store, found.id, replay)
    chosen = settings.key(project.workspace, os.environ, key)
    if not quiet and settings.may_want_a_touch(chosen):
        terminal.tell("repro: signing with a security key: touch it when it blinks")
    done = attesting.sign(project.store, found.id, said, chosen, os.environ)
    if not quiet and not as_json:
        terminal.tell(
            f"repro: signed {attesting.described(done.statement)} of run {found.short}"
            f" with key {done.key}"
        )
    click.echo(report.signed_as_json(found.id, done) if as_json else f"{done.id}\n", nl=False)
    return 0


@click.command("verify-signature")
@click.argument("run", metavar="RUN|FILE")
@click.option("--allowed-signers", metavar="FILE",
              help="Who may sign, as ssh-keygen reads it. Default: git's gpg.ssh.allowedSignersFile.")  # fmt: skip
@click.option("--identity", metavar="NAME", help="Only signatures of this signer count.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def verify_signature_command(
    run: str, allowed_signers: str | None, identity: str | None, as_json: bool
) -> int:
    """Say who signed what about RUN, or about the run in the bundle FILE, and what it is worth.

    Ends with 0 when a signer whom you allow vouches for exactly this manifest, or for a replay that came
    out the same, and no allowed signer says otherwise; else with 1. Of a bundle only the manifest is looked
    at: `repro import` verifies the rest.
    """
    from repro import attesting, importing, runs
    from repro.report import signatures as report
    from repro.signing import settings

    if importing.is_bundle(Path(run)):
        name, contents = importing.signatures_in(Path(run))
        folder = Path.cwd()
        terminal.tell(
            "repro: looking at the manifest alone: repro import verifies the rest of a bundle"
        )
    else:
        project = open_project()
        name = runs.resolve(project, run, Path.cwd()).id
        contents, folder = project.store.signatures(name), project.workspace
    trust = settings.trust(folder, allowed_signers, identity)
    done = attesting.verify(name, contents, trust, os.environ)
    if as_json:
        click.echo(report.as_json(done), nl=False)
    else:
        colour = terminal.use_colour(sys.stdout)
        click.echo(report.render(done, colour=colour, width=terminal.width()), nl=False)
    return 0 if done.passed else 1
