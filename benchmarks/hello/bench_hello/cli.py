"""Hello, world."""

import click


@click.command()
def main() -> None:
    """Say hello."""
    click.echo("Hello, world!")
