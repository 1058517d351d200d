"""Which of the executed programs must a replay's image have, that a slim one has not?"""

from __future__ import annotations

import re

from repro.watching.nouns import Seen

_INTERPRETER = re.compile(
    r"(python|pypy)[0-9.]*(-config)?|uv|uvx|pip[0-9.]*|conda|mamba|poetry|pdm"
)
"""Also what puts Python into an environment: a replay has its environment without."""
_COREUTILS = """
[ arch b2sum base32 base64 basename basenc cat chcon chgrp chmod chown chroot cksum comm cp csplit cut date
dd df dir dircolors dirname du echo env expand expr factor false fmt fold groups head hostid id install join
link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pinky pr
printenv printf ptx pwd readlink realpath rm rmdir runcon seq sha1sum sha224sum sha256sum sha384sum sha512sum
shred shuf sleep sort split stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort
tty uname unexpand uniq unlink users vdir wc who whoami yes
"""
_ESSENTIAL = """
sh bash dash rbash grep egrep fgrep sed awk mawk nawk find xargs diff cmp diff3 sdiff tar gzip gunzip zcat
hostname perl which tempfile run-parts flock getopt setsid taskset ionice chrt nsenter unshare more lsblk
lscpu lsipc logger mount umount mountpoint su dmesg fallocate rev renice script ipcs ipcrm locale localedef
getconf getent iconv ldd ldconfig tput tset clear reset infocmp dpkg
"""
SLIM = frozenset({*_COREUTILS.split(), *_ESSENTIAL.split()})
"""In every image of Debian's, the slim ones too: its essential packages."""
_HELPERS = ("/usr/lib/", "/usr/lib64/", "/usr/libexec/", "/lib/", "/lib64/")
"""Where programs keep what they start themselves; whoever brings the program brings these."""
_SHARED = frozenset({"/", "/usr", "/usr/local"})
"""Prefixes of an interpreter that hold everything else too."""


def tools(seen: Seen, interpreters: tuple[str, ...] = (), workspace: str = "") -> tuple[str, ...]:
    """Absolute paths, the first of each name, in the order of their execution.

    Left out: what a slim image has, and what lies in an environment (``interpreters``, prefixes) or in
    the project, which come along anyway.
    """
    brought = [
        f"{prefix}/" for prefix in (*interpreters, workspace) if prefix not in (*_SHARED, "")
    ]
    found: dict[str, str] = {}
    for path in seen.programs:
        name = path.rpartition("/")[2]
        if name in SLIM or _INTERPRETER.fullmatch(name):
            continue
        if path.startswith((*_HELPERS, *brought)):
            continue
        found.setdefault(name, path)
    return tuple(found.values())
