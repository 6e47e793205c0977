"""The kind ``files``: what must be handed in beside the code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.checks.handed_in import UnreadableError, is_named, read_settings, texts
from grader.course import CheckOptions
from grader.model import Failure, Plain, Probe
from grader.reference import Evaluation


class FilesOptions(CheckOptions):
    """Judges what was handed in: documents, names, people, sources and the time.

    Each option that is set is one demand; the fraction is the share of demands that are met.

    - ``files``: a name for the check.
    - ``pdfs``: how many PDF files there must be, at any depth.
    - ``max_pages``: of each PDF.
    - ``settings``: the YAML file in which the group says who it is, under ``people``.
    - ``names``: every person in ``settings`` stands on the first page of a PDF, by all words of the name.
    - ``most_people``: how many people may hand in together, by ``settings``, and by the LMS where it says.
    - ``required``: patterns, as in ``*.py``; each needs a file. Alternatives are written ``*.py|*.ipynb``.
    - ``documented``: a key of ``settings`` under which extra steps are described (``none`` is an answer).
    - ``deadline``: report the time against the assignment's deadline. Being late is told and costs nothing here.
    - ``time_zone``: in which the time is told.

    The text of a PDF is read in the sandbox. Scanned pages hold no text: names on them are not found, and the message
    says so.
    """

    files: str
    pdfs: int | None = Field(default=None, ge=0)
    max_pages: int | None = Field(default=None, ge=1)
    settings: str = ""
    names: bool = False
    most_people: int | None = Field(default=None, ge=1)
    required: list[str] = Field(default_factory=list)
    documented: str = ""
    deadline: bool = False
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no time zone {name!r}; write one as in Europe/Berlin") from None
        return name

    @property
    def subject(self) -> str:
        """The check's name."""
        return self.files


@dataclass(frozen=True, slots=True)
class _Demand:
    met: bool
    message: str


def _unmet(message: str) -> _Demand:
    return _Demand(met=False, message=message)


class FilesKind(StandsAlone):
    """Judges what must be handed in."""

    name = "files"
    options: type[CheckOptions] = FilesOptions
    uses_context = True

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the list of files, and what else the demands look at."""
        del truth
        checked = cast("FilesOptions", options)
        needs_text = checked.pdfs is not None or checked.max_pages is not None or checked.names
        more = [Probe("pdf", "")] if needs_text else []
        more += [Probe("file", checked.settings)] if checked.settings else []
        return (Probe("files", ""), *more)

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict: the share of demands that are met, and what is missing."""
        checked = cast("FilesOptions", options)
        demands = list(_demands(checked, case))
        fraction = sum(demand.met for demand in demands) / len(demands) if demands else 1.0
        return verdict(self.name, options, fraction, "\n".join(one.message for one in demands if one.message))


FILES = FilesKind()


def _demands(options: FilesOptions, case: Case) -> Iterator[_Demand]:
    documents = _documents(case)
    if options.pdfs is not None:
        yield _count_of_pdfs(options.pdfs, documents)
    if options.max_pages is not None:
        for one in documents:
            pages = one.get("pages", 0)
            message = f"`{one['name']}` has {pages} pages; at most {options.max_pages} are read."
            yield _Demand(pages <= options.max_pages, "" if pages <= options.max_pages else message)
    if options.names or options.most_people is not None or options.documented:
        yield from _of_settings(options, case, documents)
    sizes = case.seen(Probe("files", ""))
    names = list(sizes) if isinstance(sizes, dict) else []
    for pattern in options.required:
        there = any(fnmatch(PurePosixPath(name).name, one) for name in names for one in pattern.split("|"))
        yield _Demand(there, "" if there else f"No file {pattern.replace('|', ' or ')} was handed in.")
    if options.deadline:
        yield _Demand(met=True, message=_time(options, case))


def _documents(case: Case) -> list[dict[str, Any]]:
    found: Plain | Failure = case.seen(Probe("pdf", ""))
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _count_of_pdfs(wanted: int, documents: list[dict[str, Any]]) -> _Demand:
    broken = [f"`{one['name']}`: {one['problem']}." for one in documents if "problem" in one]
    if len(documents) == wanted:
        return _Demand(not broken, "\n".join(broken))
    listed = f" ({', '.join(str(one['name']) for one in documents[:5])})" if documents else ""
    plural = "PDF" if wanted == 1 else "PDFs"
    return _unmet(f"Expected {wanted} {plural}, found {len(documents)}{listed}.")


def _of_settings(options: FilesOptions, case: Case, documents: list[dict[str, Any]]) -> Iterator[_Demand]:
    try:
        settings = read_settings(case, options.settings)
    except UnreadableError as error:
        yield _unmet(str(error))
        return
    people = texts(settings.get("people"))
    if options.names or options.most_people is not None:
        if not people:
            yield _unmet(f"`{options.settings}` names nobody under `people`.")
            return
        if options.most_people is not None:
            count = max(len(people), len(case.context.people))
            few = count <= options.most_people
            yield _Demand(few, "" if few else f"{count} people handed in together; at most {options.most_people} may.")
        if options.names:
            yield _names(people, documents)
    if options.documented:
        there = bool(texts(settings.get(options.documented)))
        message = (
            f"`{options.settings}` says nothing under `{options.documented}`; write `none` where there is nothing."
        )
        yield _Demand(there, "" if there else message)


def _names(people: list[str], documents: list[dict[str, Any]]) -> _Demand:
    pages = [str(one["first_page"]) for one in documents if "first_page" in one]
    if not any(page.strip() for page in pages):
        why = "holds no text that can be read (is it a scan?)" if pages else "was not found"
        return _unmet(f"The first page of a PDF {why}, so that no name could be looked for.")
    missing = [name for name in people if not any(is_named(name, page) for page in pages)]
    return _Demand(not missing, f"Not on the first page: {', '.join(missing)}." if missing else "")


def _time(options: FilesOptions, case: Case) -> str:
    received, deadline = case.context.received, case.context.deadline
    if deadline is None:
        return ""
    if received is None:
        return "It is not known when this was handed in."
    zone = ZoneInfo(options.time_zone)
    told = f"Handed in {received.astimezone(zone):%Y-%m-%d %H:%M} {options.time_zone}"
    minutes = (received - deadline).total_seconds() / 60
    due = f"the deadline {deadline.astimezone(zone):%Y-%m-%d %H:%M}"
    if minutes <= 0:
        return f"{told}, before {due}."
    hours, rest = divmod(int(minutes), 60)
    return f"{told}, {hours} h {rest} min after {due}."
