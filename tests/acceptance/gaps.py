"""What a rung does not promise: cases that are not run there, with the reason. One table for all rungs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .case import Case

_ACCIDENTS = "against accidents only"
_SLOW = "slow, and no matter of the rung"
_DANGEROUS = "no bound, it would endanger the machine"
_COLD = "it has no warm process"
_ONE = "one job at a time, so that the two never meet"
_CAPABILITIES = (
    "privilege: setuid, capabilities, uid maps",
    "operation: student code is not uid 0 for the kernel",
)
_BOUNDING = (
    "an ordinary user cannot empty the set of capabilities that programs may get; with no new privileges none does"
)
_ALONE = "a job is one process; starting others, and sockets, are refused"

#: What a neighbour answers otherwise than everywhere else, by rung.
UNABLE: Mapping[str, Mapping[str, object]] = {"landlock": {"echo": "refused"}}

#: By rung; then a whole group, or one case by its id. A case's own entry counts more; an empty reason means: it runs.
GAPS: Mapping[str, Mapping[str, str]] = {
    "ns": {
        "memory: buffers of sockets": "the kernel's own memory is counted only with a cgroup",
    },
    "fresh": {
        "memory: buffers of sockets": "the kernel's own memory is counted only with a cgroup",
        "disk: 200,000 files": "bubblewrap bounds the bytes of a folder in memory, and not the number of files",
        "operation: a warm process that is killed is replaced": _COLD,
    },
    "container": {
        "disk: 200,000 files": "engines bound the bytes of a folder in memory, and not the number of files",
        "privilege: mknod, devices": "engines show the container a terminal and message queues of its own",
        "operation: a warm process that is killed is replaced": _COLD,
    },
    "landlock": {
        "memory: memory and files in memory together": "its folder lies on the disk",
        "disk": "each file is limited, but not their number: the folder lies on the disk",
        "disk: a sparse file of 100 GB": "",
        "disk: /dev/shm": "the case asks how large the host's /dev/shm is; nothing can be written there",
        "memory: 12 children, each under the limit": _ALONE,
        "output: endless stdout from a child": _ALONE,
        "reading: a sibling's token and the host's secret in its own memory": _ONE,
        "reading: shared memory and descriptors of another job": _ONE,
        "network: another job's port and abstract socket": _ONE,
        "processes: daemon by double fork": _ALONE,
        "working: DataLoader with workers": _ALONE,
        "working: scikit-learn and joblib with n_jobs": _ALONE,
        "working: multiprocessing and threads": _ALONE,
        "working: subprocesses, files, loopback, SQLite": _ALONE,
        "working: a notebook with magics, shell and await": _ALONE,
        "operation: a supervisor that ends leaves no process (SIGKILL)": _ALONE,
        "operation: a supervisor that ends leaves no process (SIGINT)": _ALONE,
        "operation: a warm process that is killed is replaced": _COLD,
        **({} if os.geteuid() == 0 else dict.fromkeys(_CAPABILITIES, _BOUNDING)),
    },
    "selfcheck": {
        "reading": _ACCIDENTS,
        "writing": _ACCIDENTS,
        "network": _ACCIDENTS,
        "privilege": _ACCIDENTS,
        "processes": _DANGEROUS,
        "processes: daemon by double fork": "",
        "processes: SIGSTOP to itself": "",
        "processes: SIGSTOP to itself in a notebook": "",
        "processes: segmentation fault": "",
        "processes: segmentation fault in a notebook": "",
        "processes: os._exit(0) is no success": "",
        "processes: os._exit(0) in a notebook": "",
        "processes: sys.exit(0)": "",
        "processes: sys.exit(0) in a notebook": "",
        "processes: output and sleep at exit": "",
        "processes: another program in its place": "",
        "processes: every descriptor closed": "",
        "processes: kill the process group": "",
        "memory: memory and files in memory together": _ACCIDENTS,
        "memory: memfd": _ACCIDENTS,
        "memory: memfd_secret": _ACCIDENTS,
        "memory: System V segments that no process maps": _ACCIDENTS,
        "memory: buffers of pipes": _ACCIDENTS,
        "memory: buffers of sockets": _ACCIDENTS,
        "disk": _DANGEROUS,
        "writing: a working folder that is hard to remove": "",
        "working: DataLoader with workers": _SLOW,
        "working: training": _SLOW,
        "working: scikit-learn and joblib with n_jobs": _SLOW,
        "operation: student code is not uid 0 for the kernel": _ACCIDENTS,
        "operation: a supervisor that ends leaves no process (SIGKILL)": (
            "what has left the tree of a job into a session of its own outlives a supervisor that cannot clean up"
        ),
        "operation: a warm process that is killed is replaced": _COLD,
    },
}


def gap(rung: str, case: Case) -> str:
    """Return why ``rung`` does not run ``case``, empty if it does."""
    return named_gap(rung, case.id, case.group)


def named_gap(rung: str, case_id: str, group: str) -> str:
    """Return why ``rung`` does not run the case of this id, empty if it does."""
    known = GAPS.get(rung, {})
    return known.get(case_id, known.get(group, ""))
