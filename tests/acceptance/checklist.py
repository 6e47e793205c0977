"""What the suite must hold at the least: every attack that confinement was designed against, and the cases that are it.

The words are those of the design. A case may serve for several.
"""

from __future__ import annotations

from collections.abc import Mapping

#: By group: the attack, and names of cases.
ATTACKS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "time": {
        "endless loop": ("endless loop", "endless loop in a notebook"),
        "catastrophic regex in C": ("catastrophic regular expression", "C code that never looks up"),
        "sleep for ever": ("sleep for ever",),
        "all signals ignored and BaseException swallowed": (
            "every signal ignored, BaseException swallowed", "every signal ignored in a notebook", "signals blocked",
        ),
        "busy threads left behind": ("busy threads left behind",),
    },
    "processes": {
        "fork bomb": ("fork bomb", "5,000 processes"),
        "thread bomb": ("thread bomb",),
        "double-fork daemon": ("daemon by double fork",),
        "kill parent": ("kill the parent",),
        "kill 1": ("kill process 1",),
        "kill -1": ("kill -1",),
        "kill group 0": ("kill the process group",),
        "kill every pid": ("kill every number", "stop every process in sight"),
        "SIGSTOP self": ("SIGSTOP to itself", "SIGSTOP to itself in a notebook"),
        "segfault through ctypes": ("segmentation fault", "segmentation fault in a notebook"),
        "os._exit(0)": ("os._exit(0) is no success", "os._exit(0) in a notebook"),
        "sys.exit(0)": ("sys.exit(0)", "sys.exit(0) in a notebook"),
        "atexit output": ("output and sleep at exit",),
    },
    "memory": {
        "100 GB bytearray": ("bytearray of 100 GB",),
        "growing list": ("growing list", "growing list in a notebook"),
        "shared mmap": ("shared mmap",),
        "memfd": ("memfd", "memfd_secret"),
        "12 children": ("12 children, each under the limit",),
        "torch.ones(1e11)": ("torch.ones(1e11)",),
        "recursion in Python": ("recursion in Python",),
        "recursion in C": ("recursion in C",),
    },
    "disk": {
        "10 GB file": ("10 GB file", "10 GB file in temporary folders"),
        "1,000 x 16 MB": ("1,000 files of 16 MB",),
        "200,000 inodes": ("200,000 files",),
        "/dev/shm": ("/dev/shm",),
    },
    "output": {
        "endless stdout": ("endless stdout", "endless stdout from C", "endless stdout in a notebook"),
        "endless stderr": ("endless stderr",),
        "100 MB of display data": ("100 MB of display data",),
        "a million cells' worth of outputs": ("a million outputs",),
    },
    "reading": {
        "/proc of others": ("/proc of others",),
        "environment": ("the environment, its own and of others",),
        "memory of others (ptrace, process_vm_readv)": ("memory of others",),
        "SysV and POSIX shared memory": (
            "shared memory of the host, SysV and POSIX", "shared memory and descriptors of another job",
        ),
        "rubric and reference by path": ("files by path: secret, rubric, reference, the course",),
        "by walking": ("files by walking",),
        "through /proc/*/root": ("files through /proc/*/root and cwd",),
        "through inherited descriptors": ("files through inherited descriptors",),
        "a sibling's token in own memory": ("a sibling's token and the host's secret in its own memory",),
    },
    "writing": {
        "outside the work folder": ("outside the work folder", "the host's files"),
        "files for the next job": ("files and changed libraries for the next job",),
    },
    "network": {
        "TCP out": ("TCP to another address",),
        "DNS": ("DNS",),
        "metadata address": ("metadata address",),
        "host loopback": ("the host's loopback",),
        "another job's port": ("another job's port and abstract socket",),
        "abstract and path sockets": ("the host's abstract socket", "the host's path socket"),
        "VSOCK, ALG, packet": ("VSOCK, ALG, packet and other families",),
    },
    "privilege": {
        "unshare": ("unshare, clone",),
        "mount": ("mount, pivot_root, chroot",),
        "setns": ("setns",),
        "io_uring": ("io_uring",),
        "bpf": ("bpf, perf",),
        "keyctl": ("keyctl",),
        "setuid": ("setuid, capabilities, uid maps", "set-user-id programs"),
        "mknod": ("mknod, devices",),
        "raising rlimits": ("raising rlimits",),
        "TIOCSTI": ("TIOCSTI, terminals",),
    },
    "forgery": {
        "frame before the request": ("frame before the request",),
        "4 GB header": ("header of 4 GB",),
        "garbage": ("garbage",),
        "deep JSON": ("deep JSON with the right nonce",),
        "__eq__ always true; str and ndarray subclasses; object arrays with __reduce__": (
            "equal to everything; subclasses; __reduce__",
        ),
        "NaN, infinities and big integers exact; lone surrogates": (
            "NaN, infinities and large integers are exact",
        ),
        "cyclic and huge results": ("cyclic, deep and huge values",),
        "patched numpy.allclose, math.isclose, builtins": ("patched allclose, isclose and built-ins",),
        "patched encoder": ("patched encoder",),
        "stack, gc and settrace hunts for the expected value": ("hunts for the expected value: stack, gc, trace",),
        "AST and input transformers": ("input and syntax tree transformers",),
    },
    "working": {
        "DataLoader workers": ("DataLoader with workers",),
        "scikit-learn with n_jobs": ("scikit-learn and joblib with n_jobs",),
        "subprocesses": ("subprocesses, files, loopback, SQLite", "multiprocessing and threads"),
        "matplotlib": ("matplotlib",),
        "training": ("training",),
    },
}  # fmt: skip

#: The tests that are the rest of it: attacks on intake and operation need no program, or more than one.
TESTS: Mapping[str, Mapping[str, str]] = {
    "test_intake": {
        "zip bomb, lying sizes, too many members, paths, links, collisions": "test_an_archive_gives_what_is_good_and_nothing_else",
        "absolute, drive and backslash paths, right-to-left name": "test_odd_names_are_read_as_names",
        "../ and absolute names in a job": "test_a_jobs_file_cannot_leave_the_working_folder",
        "symlink, fifo": "test_what_is_no_file_is_a_problem_and_the_rest_is_read",
        "hard link": "test_a_hard_link_is_a_file_like_any_other",
        "device": "test_a_device_is_a_problem",
        "case collision": "test_two_people_who_differ_by_case_or_unicode_form_are_graded_by_a_person",
        "malformed and deep notebooks": "test_a_malformed_notebook_is_refused_in_one_sentence",
    },
    "test_hidden": {
        "hard-coded visible answers": "test_an_answer_for_the_visible_input_is_wrong_for_a_hidden_one",
        "hidden inputs printed": "test_a_hidden_input_that_is_printed_is_not_shown",
    },
    "test_operation": {
        "uid 0 refused": "test_uid_0_is_refused",
        "never under kernel uid 0": "test_student_code_is_not_uid_0_for_the_kernel",
        "set-up failure refused": "test_a_machine_that_lacks_something_is_refused_or_confines_fully",
        "supervisor killed with no survivors": "test_a_supervisor_that_ends_leaves_no_process",
        "and what it could not clean up is swept": "test_what_a_killed_supervisor_left_is_swept_by_the_next",
    },
}
