"""Reading the tasks of all submissions of a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from suno_jobs.errors import NoSlot
from suno_jobs.gateways.protocol import ReadFailed, Reading, TaskReport, TaskStatus
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.lifecycle.lost_submission import LostSubmissions
from suno_jobs.lifecycle.task_reader import NOT_READ, SLOW_READ_SECONDS, TaskReader
from suno_jobs.storage.jobs import JobStore

Readings = Mapping[int, Reading]
"""What was read of the tasks, by the number of their attempt."""


@dataclass(frozen=True, slots=True)
class AttemptReader:
    jobs: JobStore
    reader: TaskReader
    lost_submissions: LostSubmissions
    clock: Callable[[], float]

    def read_tasks(self, job: Job) -> tuple[Job, Readings, ReadFailed | None]:
        """What is read of the known tasks and, before the job ends without a song, of every task that a receipt names.

        While an attempt is lost or a callback is unread, every other check begins with the receipts: at a slow gateway, one
        check reads one task.
        """
        began = int(self.clock())
        search_first = bool(job.lost or job.unread_callbacks) and job.checks % 2 == 1
        found = self.lost_submissions.find_tasks(job) if search_first else None
        if found:
            job = found.job
        readings = self._read_known_tasks(job, found.reports if found else {}, began)
        failed = any(isinstance(each, TaskReport) and each.status is TaskStatus.FAILED for each in readings.values())
        unknown = job.lost or job.unread_callbacks
        if search_first or not (failed or unknown or job.terminal or int(self.clock()) >= job.deadline_at):
            return job, readings, found.failed if found else None
        try:
            found = self.lost_submissions.find_tasks(job, began=began)
        except NoSlot:
            return job, readings, NOT_READ
        return (found.job, {**readings, **found.reports}, found.failed) if found else (job, readings, None)

    def _read_known_tasks(self, job: Job, known: Readings, began: int) -> Readings:
        """``known``, and those that may still yield something. Each check begins with another one, so that none is the last
        one every time."""
        numbers = [number for number, attempt in enumerate(job.attempts) if attempt.task_id and not attempt.answered]
        if len(job.attempts) > 1:
            view = self.jobs.view(job.job_id) or JobView(job)
            unsaved = {track.attempt for track in view.tracks if track.unsaved}
            numbers = [number for number in numbers if number in unsaved or not view.is_whole(number)]
            numbers.sort(key=lambda number: (number + job.checks) % len(job.attempts))
        readings = dict(known)
        for number in [number for number in numbers if number not in known]:
            try:
                slow = int(self.clock()) >= began + SLOW_READ_SECONDS
                readings[number] = NOT_READ if slow else self.reader.read_task(job, job.attempts[number].task_id or "")
            except NoSlot:
                if not readings:
                    raise
                readings[number] = NOT_READ
        return readings
