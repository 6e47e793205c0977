"""Archives that somebody handed in: what one holds takes its place, as if it were a folder of that name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader.errors import Problem, UsageError
from grader.importers.archives import is_archive
from grader.importers.folders import MAX_BYTES, read_submission
from grader.importers.handins import Delivery, HandIn, Intake, Piece
from grader.importers.unpacking import Unpacked, unpack
from grader.model import Origin, SourceFile, Submission


def opened(intake: Intake, delivery: Delivery) -> Intake:
    """Return the intake with the files in archives, unpacked below the delivery's store, but not archives in these.

    What cannot be read is listed. Raises GradeError when the disk does not take it.
    """
    problems = list(intake.problems)
    submissions = tuple(_opened(one, delivery, problems) for one in intake.submissions)
    return replace(intake, submissions=submissions, problems=tuple(problems))


def _opened(submission: Submission, delivery: Delivery, problems: list[Problem]) -> Submission:
    files = list(submission.files)
    for archive in [file for file in files if file.sha256 and is_archive(Path(file.name))]:
        where = delivery.shown(archive.path)
        if sum(file.size_bytes for file in files) > MAX_BYTES:
            message = f"was not unpacked, because the hand-in holds more than {MAX_BYTES // 1024**2} MB already"
            problems.append(Problem(where, message))
            continue
        try:
            unpacked = unpack(archive.path, delivery.store, one_hand_in=True)
        except UsageError as error:
            reason = error.__cause__ or error
            problems.append(Problem(where, f"cannot be read as an archive ({reason}); ask for another one"))
            continue
        problems += unpacked.problems(where)
        held = _files(submission, unpacked, archive, Delivery(unpacked.folder, where, delivery.store), problems)
        place = files.index(archive)
        files[place : place + 1] = held or [archive]  # an empty one is still something that was handed in
    return replace(submission, files=tuple(files))


def _files(
    submission: Submission, unpacked: Unpacked, archive: SourceFile, inside: Delivery, problems: list[Problem]
) -> list[SourceFile]:
    refused = tuple(one.name for one in unpacked.refused)
    origin = submission.origin or Origin("folders", submission.id, submission.id)
    hand_in = HandIn(submission.id, submission.people, inside.source, (Piece(unpacked.folder),), origin)
    read, unreadable = read_submission(hand_in, replace(inside, refused=refused), submission.assignment)
    problems += unreadable
    return [replace(file, name=f"{archive.name}/{file.name}") for file in read.files]
