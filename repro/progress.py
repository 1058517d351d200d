"""Progress of long work: an object with a silent default, passed in."""

from __future__ import annotations


class Progress:
    """Says nothing. The command line passes one that prints (cli/terminal.py)."""

    def step(self, text: str) -> None:
        """A new stage of the work begins, e.g. ``restoring 3 data items``."""

    def detail(self, text: str) -> None:
        """Something worth seeing inside the stage; may come often."""


SILENT = Progress()
