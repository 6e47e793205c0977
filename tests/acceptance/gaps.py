"""What a rung does not promise: cases that are not run there, with the reason. One table for all rungs."""

from __future__ import annotations

from collections.abc import Mapping

from .case import Case

_ACCIDENTS = "against accidents only"
_SLOW = "slow, and no matter of the rung"
_DANGEROUS = "no bound, it would endanger the machine"

#: By rung; then a whole group, or one case by its id. A case's own entry counts more; an empty reason means: it runs.
GAPS: Mapping[str, Mapping[str, str]] = {
    "ns": {
        "memory: buffers of sockets": "the kernel's own memory is counted only with a cgroup",
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
        "operation: a warm process that is killed is replaced": "it has no warm process",
    },
}


def gap(rung: str, case: Case) -> str:
    """Return why ``rung`` does not run ``case``, empty if it does."""
    return named_gap(rung, case.id, case.group)


def named_gap(rung: str, case_id: str, group: str) -> str:
    """Return why ``rung`` does not run the case of this id, empty if it does."""
    known = GAPS.get(rung, {})
    return known.get(case_id, known.get(group, ""))
