"""The same class as Moodle would give it out: the download of all submissions, and the grading worksheet.

Names are spelled as Moodle spells them: in the archive without the characters that it takes out, in the worksheet in
full. Whoever put nothing into their folder has only a line in the worksheet.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.course import Course
from grader.demo.people import HandIn
from grader.demo.writing import LATE, files_of, received

#: The number of the activity in Moodle, at the end of both files' names.
ACTIVITY = 4711
ARCHIVE = f"ML-Sheet 3-{ACTIVITY}.zip"
WORKSHEET = f"Grades-ML-Sheet 3-{ACTIVITY}.csv"
_HEADER = (
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
)
_TAKEN_OUT = re.compile(r"[\x00-\x1f&<>\"`|':\\/]")


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody of the class, with the number that Moodle knows them by in this activity; ``received`` None: nothing."""

    hand_in: HandIn
    number: int
    name: str
    email: str
    received: datetime | None


def participants() -> list[Participant]:
    """Return the class in the order of its names, which is that of the worksheet."""
    return [_participant(one, 20_301 + 7 * place, moment) for place, (one, moment) in enumerate(received())]


def write_moodle(folder: Path, course: Course, max_points: float) -> tuple[Path, Path]:
    """Write both files, and return their paths. People's numbers hang on their addresses."""
    everybody = participants()
    keys = {one.hand_in.person: one.email for one in everybody}
    folder.mkdir(parents=True, exist_ok=True)
    archive, worksheet = folder / ARCHIVE, folder / WORKSHEET
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for one in everybody:
            label = _TAKEN_OUT.sub("", one.name).replace("_", " ")
            for name, content in files_of(one.hand_in, course, keys).items():
                packed.writestr(f"{label}_{one.number}_assignsubmission_file/{name}", content)
    written = io.StringIO()
    csv.writer(written).writerows([_HEADER, *(_row(one, max_points) for one in everybody)])
    worksheet.write_bytes(written.getvalue().encode("utf-8-sig"))
    return archive, worksheet


def _participant(one: HandIn, number: int, moment: datetime) -> Participant:
    name = unicodedata.normalize("NFC", one.person)
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    address = ".".join(re.findall(r"[a-z]+", plain)) + "@example.org"
    return Participant(one, number, name, address, None if one.files == {} else moment)


def _row(one: Participant, max_points: float) -> list[str]:
    late = LATE.get(one.hand_in.person)
    status = "Submitted for grading" if one.received else "No submission"
    if late:
        hours, minutes = divmod(int(late.total_seconds()) // 60, 60)
        status += f" - {hours} hours {minutes} mins late" if hours else f" - {minutes} mins late"
    modified = _written(one.received) if one.received else "-"
    participant = f"Participant {one.number}"
    return [participant, one.name, one.email, status, "", f"{max_points:.2f}", "Yes", modified, "-", ""]


def _written(moment: datetime) -> str:
    """Return a moment as Moodle in English writes it, such as ``Sunday, 3 May 2026, 9:14 AM``."""
    return f"{moment:%A}, {moment.day} {moment:%B %Y}, {moment:%I}:{moment:%M %p}".replace(", 0", ", ")
