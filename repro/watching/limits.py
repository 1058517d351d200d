"""What no way of watching can follow, told from the programs that were started."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

_ELSEWHERE = {
    "in containers": (
        *("docker", "podman", "nerdctl", "ctr", "crictl", "kubectl", "enroot", "udocker"),
        *("apptainer", "singularity", "bwrap", "proot", "chroot"),
    ),
    "on other machines": ("ssh", "srun", "sbatch", "qsub", "bsub", "mpirun", "mpiexec", "orterun"),
    "by services": ("systemd-run", "at", "batch"),
}


def of_programs(programs: Sequence[str], *, stripped_by: str) -> tuple[str, ...]:
    """A sentence for each kind of program that works outside of the command's own processes, and one
    for those that need rights which a watched process does not get; ``stripped_by``: the method that
    takes them, empty where none does."""
    said = []
    for where, names in _ELSEWHERE.items():
        used = sorted({name for path in programs if (name := path.rpartition("/")[2]) in names})
        if used:
            said.append(
                f"the command ran {', '.join(used)}: what was read and written {where} is not known"
            )
    raised = [path for path in programs if stripped_by and _raises_rights(path)]
    if raised:
        said.append(
            f"the command ran {', '.join(raised)}, which do not get their owner's rights while watched by "
            f"{stripped_by}: if they failed for that, record with watching by python, or off"
        )
    return tuple(said)


def _raises_rights(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID))  # noqa: PTH116
    except OSError:
        return False
