"""What a rung is known not to do, by the name of the case, with the reason. A gap that is none any more is an error."""

from __future__ import annotations

from collections.abc import Mapping

_ACCIDENTS = "against accidents only: it runs as the user who grades, among that user's files and processes"
_ONE_PROCESS = "a job is one process, so that none can leave it; starting others is refused"

GAPS: Mapping[str, Mapping[str, str]] = {
    "container": {"says_how_much_memory_it_took": "only the engine sees into the container"},
    "landlock": {
        "starts_processes": _ONE_PROCESS,
        "its_files_together_are_bounded": "each file is limited, but not their number: the folder lies on the disk",
        "names_outside_are_hidden": "Landlock governs what is opened, and not whether a path is there",
        "its_own_loopback_works": "it has no network of its own; sockets are refused altogether",
    },
    "selfcheck": {
        "a_secret_cannot_be_read": _ACCIDENTS,
        "nothing_outside_can_be_written": _ACCIDENTS,
        "names_outside_are_hidden": _ACCIDENTS,
        "no_network_and_no_sockets_of_others": _ACCIDENTS,
        "other_processes_are_out_of_reach": _ACCIDENTS,
        "privileges_are_gone": _ACCIDENTS,
        "root_becomes_nobody": "it runs as the user who grades, root included",
        "processes_are_limited": _ACCIDENTS,
        "nothing_outlives_a_grader_that_is_killed": "a process may refuse to end with the one that started it",
        "its_files_together_are_bounded": "each file is limited, but not their number: the folder lies on the disk",
    },
}
