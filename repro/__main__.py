"""The command line's first lines, as `repro` and as `python -m repro`: while the rest is loaded an interrupt is
heard as well."""

from __future__ import annotations

import sys


def main() -> None:
    """Ends the process with the documented code."""
    try:
        from repro.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
