"""Known differences from the yardstick: of the shell runner, and of a forked kernel. Each with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """In ``case``, exactly the ``aspects`` (as ``outcomes.differences`` names them) differ, because of ``reason``."""

    case: str
    aspects: tuple[str, ...]
    reason: str


KNOWN: tuple[Known, ...] = (
    Known(
        "lone_surrogates",
        ("errors", "cell 2 outputs", "cell 2 traces"),
        "ipykernel cannot send a traceback with a lone surrogate, loses it, and reports its own UnicodeEncodeError; "
        "the shell runner keeps the student's exception.",
    ),
    Known(
        "a_large_value_is_cut",
        ("cell 3 outputs",),
        "The shell runner caps an exception's message at 2,000 characters in the output, too; "
        "the kernel's is capped only as part of the whole notebook.",
    ),
    Known(
        "nested_exceptions",
        ("cell 2 traces", "cell 3 traces", "cell 7 traces"),
        "IPython finds no file under the names that ipykernel gives to cells, and then shows, for an exception that "
        "was handled, the line that handled it, and every frame of a recursion. In the shell runner it finds the "
        "source: the line is right, and similar frames are skipped.",
    ),
    Known(
        "exceptions_of_ones_own",
        ("cell 2 outputs", "cell 2 traces"),
        "An exception whose __str__ raises: ipykernel shows the second exception alone; "
        "the shell runner shows the first under its name, then the second.",
    ),
    Known(
        "shell_commands",
        ("cell 1 outputs", "cell 3 outputs", "cell 5 outputs", "cell 7 outputs"),
        "ipykernel runs a command under a pseudo terminal, where lines end in CR LF; "
        "a confined job has no terminals, and lines end in LF.",
    ),
    Known(
        "debugging",
        ("cell 4 outputs", "cell 4 traces"),
        "breakpoint() enters ipykernel's debugger there and Python's own here; both end at the refused input().",
    ),
)

KNOWN_OF_FORKED: tuple[Known, ...] = (
    Known(
        "nested_exceptions",
        ("cell 7 traces",),
        "A kernel that was forked runs below the calls that led to the fork, so that an endless recursion ends some "
        "calls earlier, and its traceback is so much shorter.",
    ),
)
