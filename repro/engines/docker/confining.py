"""What a container may ask of the kernel where Docker's own profile forbids too much."""

from __future__ import annotations

import json

_NEW_USER = 0x10000000
"""The flag of clone() that makes a user namespace."""
_FORBIDDEN = (
    "acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module fanotify_init "
    "finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register "
    "io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr "
    "move_mount nfsservctl open_by_handle_at open_tree perf_event_open pivot_root process_vm_readv "
    "process_vm_writev ptrace query_module quotactl reboot request_key setdomainname sethostname setns "
    "settimeofday swapoff swapon syslog umount umount2 unshare userfaultfd vhangup vmsplice"
)
"""What a training has no need of, and what opens the kernel to attacks. Docker's own profile lists what is
allowed instead; that list is long and of its version, this one only serves a probe."""


def _profile() -> dict[str, object]:
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": _FORBIDDEN.split(), "action": "SCMP_ACT_ERRNO"},
            {
                "names": ["clone"],
                "action": "SCMP_ACT_ERRNO",
                "args": [
                    {
                        "index": 0,
                        "value": _NEW_USER,
                        "valueTwo": _NEW_USER,
                        "op": "SCMP_CMP_MASKED_EQ",
                    }
                ],
            },
            # its flags lie where a filter cannot see them; glibc falls back to clone
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        ],
    }


WITH_PERSONALITY = f"seccomp={json.dumps(_profile())}"
"""A security option: personality() is allowed, by which a process switches address randomisation off."""
