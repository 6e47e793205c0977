"""Finding out whether a rung can be used here, by really confining an empty job."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from grader.errors import SandboxError
from grader.model import Limits, Probe
from grader.sandbox.base import ClosableSandbox, Confined, ProcessEndedError, Sandbox
from grader.sandbox.wire import read_observation

_ANSWER_SECONDS = 60.0
_MAX_FAULTS_BYTES = 16 * 1024
_LIMITS = Limits()
_EMPTY_MODULE: dict[str, object] = {
    "form": "module", "name": "empty", "source": "", "runner": "", "seed": 0, "files": [],
    "output_bytes": 0, "value_bytes": _MAX_FAULTS_BYTES,
}  # fmt: skip


def why_no_job(make: Callable[[], ClosableSandbox], look: str = "", limits: Limits = _LIMITS) -> str:
    """Return why the sandbox that ``make`` returns confines no job here, empty if it does.

    ``look`` is the source of a module that looks around from inside and binds ``faults`` to a list of texts.
    """
    try:
        with closing(make()) as sandbox:
            return why_none_in(sandbox, look, limits)
    except (SandboxError, OSError) as error:
        return str(error)


def why_none_in(sandbox: Sandbox, look: str = "", limits: Limits = _LIMITS) -> str:
    """Return why ``sandbox`` confines no job, empty if it does; ``look`` as for :func:`why_no_job`."""
    try:
        with sandbox.launch(limits) as box:
            try:
                return look_around(box, look, limits)
            except ProcessEndedError as error:
                raise SandboxError(f"setup failed: {error}; {box.exit_words()}") from error
    except (SandboxError, OSError) as error:
        return str(error)


def look_around(box: Confined, look: str, limits: Limits) -> str:
    """Return what is wrong with a confined process, or what ``look`` finds. Raises SandboxError for no answer."""
    box.channel.send("load", _EMPTY_MODULE | {"source": look, "memory_bytes": limits.memory_bytes})
    fields = box.channel.receive(_ANSWER_SECONDS, 0).fields
    if fields.get("loaded") is not True:
        return f"setup failed: {fields.get('refused')}"
    return _faults(box) if look else ""


def _faults(box: Confined) -> str:
    """Return what the module that looks around found."""
    box.channel.send("run", {"seconds": _ANSWER_SECONDS, "max_bytes": 0})
    fields = box.channel.receive(_ANSWER_SECONDS, 0).fields
    if fields.get("errors"):
        return f"setup failed: looking around inside ended with {fields['errors']}"
    wanted = {"kind": "value", "name": "faults", "max_bytes": _MAX_FAULTS_BYTES, "seconds": _ANSWER_SECONDS}
    box.channel.send("observe", wanted)
    answer = box.channel.receive(_ANSWER_SECONDS, _MAX_FAULTS_BYTES)
    found = read_observation(Probe("value", "faults"), dict(answer.fields), answer.blob).value
    if not isinstance(found, list):
        return f"setup failed: looking around inside gave {found}"
    return "; ".join(map(str, found))
