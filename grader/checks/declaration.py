"""The kind ``declaration``: the willingness to present, exercise by exercise."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Literal, cast

from pydantic import Field

from grader.checks.case import Case, Standing, StandsAlone, Verdict, verdict
from grader.checks.handed_in import UnreadableError, read_settings, texts
from grader.course import CheckOptions
from grader.model import CheckResult, Probe, Status
from grader.reference import Evaluation


class DeclarationOptions(CheckOptions):
    """Judges whether the group declared itself willing to present an exercise that it handed in.

    The check's points are what the declaration is worth; usually half of the exercise's.

    - ``declaration``: the id of the exercise.
    - ``file``: the YAML file that was filled in.
    - ``key``: the key in it, under which a list of exercises stands, or a mapping from each to yes or no.
    - ``aliases``: other names for the exercise, such as its number on the sheet.
    - ``basis``: ``nominal`` gives all points; ``earned`` gives the share that the exercise itself earned.
    - ``alone``: judge the declaration by itself where the exercise is not graded with it, as bundles for students do.

    A declaration without a solution earns nothing. Who declares nothing earns nothing either, and may be asked to
    present all the same: no message promises otherwise.
    """

    declaration: str
    file: str
    key: str = "willing"
    aliases: list[str] = Field(default_factory=list)
    basis: Literal["nominal", "earned"] = "nominal"
    alone: bool = False

    @property
    def subject(self) -> str:
        """The exercise."""
        return self.declaration


class DeclarationKind(StandsAlone):
    """Judges a declaration against what was handed in."""

    name = "declaration"
    options: type[CheckOptions] = DeclarationOptions
    uses_context = True

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the file."""
        del truth
        return (Probe("file", cast("DeclarationOptions", options).file),)

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict; owed where the exercise itself was not graded, or its points are not settled."""
        checked = cast("DeclarationOptions", options)
        try:
            declared = _declared(read_settings(case, checked.file), checked)
        except UnreadableError as error:
            return verdict(self.name, options, 0.0, str(error))
        if declared is not True:
            return verdict(self.name, options, 0.0, declared)
        others = case.context.others
        if others is None or checked.declaration not in others:
            if checked.alone:
                return verdict(self.name, options, 1.0, "Declared. It counts if a solution of it is handed in as well.")
            return _owed(checked, "It counts with the exercise itself, which was not graded in the same go.")
        return self._weighed(checked, others[checked.declaration])

    def _weighed(self, options: DeclarationOptions, standing: Standing) -> Verdict:
        if not standing.handed_in:
            return verdict(self.name, options, 0.0, "Declared, but no solution of this exercise was handed in.")
        if options.basis == "nominal":
            return verdict(self.name, options, 1.0)
        if standing.pending:
            return _owed(options, "It counts by the points of the exercise, which are not settled yet.")
        share = standing.points / standing.max_points if standing.max_points else 0.0
        message = (
            f"Counts by the share that the exercise earned: {standing.points:g} of {standing.max_points:g} points."
        )
        return verdict(self.name, options, share, "" if share >= 1 else message)


DECLARATION = DeclarationKind()


def _owed(options: DeclarationOptions, message: str) -> Verdict:
    return Verdict(CheckResult(options.id or options.subject, "declaration", Status.ERROR, 0.0, message), {})


def _declared(settings: dict[str, Any], options: DeclarationOptions) -> Literal[True] | str:
    """Return True, or the sentence that says why this exercise is not declared."""
    names = {name.casefold() for name in (options.declaration, *options.aliases)}
    value = settings.get(options.key)
    if isinstance(value, dict):
        answers = {str(key).strip().casefold(): _is_yes(answer) for key, answer in value.items()}
        declared, known = {key for key, yes in answers.items() if yes}, set(answers)
    else:
        declared = known = {text.casefold() for text in texts(value)}
    if names & declared:
        return True
    near = [] if names & known else get_close_matches(options.declaration.casefold(), sorted(known), n=1)
    hint = f" (`{near[0]}` is not one of its names)" if near else ""
    return f"Not declared under `{options.key}` in `{options.file}`{hint}."


def _is_yes(answer: object) -> bool:
    return answer is True or (isinstance(answer, str) and answer.strip().casefold() in {"yes", "true", "ja", "x", "1"})
