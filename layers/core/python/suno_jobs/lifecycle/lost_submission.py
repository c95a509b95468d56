"""Settling a submission whose answer was lost: finding its task, waiting for it, or giving it up.

It is never blindly submitted again (I1). A task is found by an authentic callback, by a stored reply of the gateway, or by
repeating the submission with its key where the gateway recognises it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.protocol import Accepted, Ambiguous, Done, GatewayReply, ReadFailed, Submission, TaskReport
from suno_jobs.gateways.registry import GATEWAYS, gateway_of
from suno_jobs.jobs.record import FileTerms, InFlight, Job, Lost, TaskEnd
from suno_jobs.jobs.schedule import PollingSchedule, is_given_up
from suno_jobs.lifecycle.orders import as_ordered
from suno_jobs.lifecycle.repeats import may_repeat
from suno_jobs.lifecycle.task_reader import NOT_READ, SLOW_READ_SECONDS, TaskReader
from suno_jobs.lifecycle.task_reports import answer_end, record_report, with_distinct_ids
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.traffic.accounts import AccountUnusable

SUBMIT_SECONDS = 60
"""An older intent counts as lost. If its function is still running after all, its answer is still recorded."""

LONG_SUBMIT_SECONDS = 330
"""The same for a synchronous operation: longer than the function that sends it can run."""

LOST = Fault(
    ErrorCode.AMBIGUOUS,
    "The gateway's answer to the submission was lost. A song may have been generated and charged.",
)


def intent_seconds(job: Job) -> int:
    """How long the answer to this job's intent is awaited."""
    return LONG_SUBMIT_SECONDS if GATEWAYS[job.gateway].kinds[job.kind].synchronous else SUBMIT_SECONDS


@dataclass(frozen=True, slots=True)
class TasksFound:
    """Tasks that only a receipt named, as their gateway reports them, by the number of their attempt in ``job``.

    ``failed``: a further task is named, but could not be read this time.
    """

    job: Job
    reports: Mapping[int, TaskReport]
    failed: ReadFailed | None


@dataclass(frozen=True, slots=True)
class ResultFound:
    """A synchronous operation was answered and its result recorded, but not in the job. ``job`` now has the answer."""

    job: Job


@dataclass(frozen=True, slots=True)
class Undecided:
    """The answer or a callback may still arrive until ``until`` (seconds since 1970)."""

    until: int


@dataclass(frozen=True, slots=True)
class MayRepeat:
    """The gateway recognises a repetition, which cannot be charged again."""

    job: Job


@dataclass(frozen=True, slots=True)
class MayResubmit:
    """Nothing arrived in time, and the client has allowed a second submission."""

    job: Job


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Nothing arrived in time."""

    job: Job


Evidence = TasksFound | ResultFound
Settlement = Evidence | Undecided | MayRepeat | MayResubmit | GivenUp


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSubmissions:
    jobs: JobStore
    receipts: ReceiptStore
    reader: TaskReader
    schedule: PollingSchedule
    grace_seconds: int
    clock: Callable[[], float]

    def settle(self, job: Job) -> Settlement:
        """Settles a submission that is in flight or lost. May be repeated. Raises Conflict and NoSlot."""
        now = self._now()
        if isinstance(submission := job.submission, InFlight):
            # The function that wrote the intent may still be running, or it has died.
            lost_at = submission.since + intent_seconds(job)
            if now < lost_at:
                return self.find_tasks(job) or Undecided(lost_at)
            until = min(now + self.grace_seconds, job.deadline_at)
            due_at = self.schedule.overdue_at(job, until)
            job = self.jobs.submissions.lose_submission(job, LOST, grace_until=until, now=now, due_at=due_at)
        return self.find(job) or self._without_evidence(job)

    def _without_evidence(self, job: Job) -> Undecided | MayRepeat | MayResubmit | GivenUp:
        now = self._now()
        if may_repeat(job, now):
            return MayRepeat(job)
        if isinstance(submission := job.submission, Lost) and now < submission.grace_until:
            return Undecided(submission.grace_until)
        if job.resubmit and len(job.attempts) == 1 and now < job.deadline_at and not self._called_back(job):
            return MayResubmit(self.jobs.submissions.allow_resubmission(job, now=now))
        return GivenUp(job)

    def _called_back(self, job: Job) -> bool:
        """Even a callback that names no task proves that there is one."""
        return any(gateway == job.gateway for gateway, _ in self.receipts.callbacks(job.job_id))

    def find(self, job: Job) -> Evidence | None:
        return self._find_result(job) or self.find_tasks(job)

    def _find_result(self, job: Job) -> ResultFound | None:
        """The result of a synchronous operation that the job does not know yet.

        Either the function recorded it and died before it updated the job, or it stored only the reply.
        """
        view = self.jobs.view(job.job_id)
        done = next((answer for answer in self._answers(job) if isinstance(answer, Done)), None)
        if done:
            number = job.next_attempt
            record_report(self.jobs, job, number, with_distinct_ids(self.jobs, job, number, done.report))
        elif view is None or not (view.tracks or view.result):
            return None
        # Of several tracks, a function that died may have recorded only the first ones.
        end = answer_end(done.report) if done else TaskEnd.INCOMPLETE if view and view.tracks else TaskEnd.COMPLETE
        now = self._now()
        task_id, fault = (done.task_id, done.report.fault) if done else (None, None)
        due_at = now + self.schedule.slack
        return ResultFound(self.jobs.submissions.accept_task(job, task_id, now=now, due_at=due_at, end=end, fault=fault))

    def _answers(self, job: Job) -> list[Submission]:
        """What the stored replies to the job's submissions say."""
        replies = [GatewayReply(status, body) for status, body in self.receipts.submissions(job.job_id, job.gateway)]
        return [gateway_of(job).read_submission(job.kind, reply) for reply in replies]

    def find_tasks(self, job: Job, *, began: int | None = None) -> TasksFound | None:
        """The tasks that an authentic callback or a stored reply names and that are not known yet; None when there are none.
        Once each of them was read, no callback is unread.

        The name is only a hint (I8): the gateway has to know the task. Each is recorded before the next one is read. None is
        read once the check that ``began`` at that time is slow. Of a job that is given up, recovery reads the tasks.
        """
        reports: dict[int, TaskReport] = {}
        failed: ReadFailed | None = None
        began = self._now() if began is None else began
        if is_given_up(job, began):
            return None
        before = job
        for gateway, task_id in self._named_tasks(job):
            if job.attempts and gateway != job.gateway:
                # All attempts of a job are at one gateway.
                continue
            if self._now() >= began + SLOW_READ_SECONDS:
                failed = failed or NOT_READ
                break
            there = job if job.attempts else self._as_ordered(job, gateway)
            reading = self.reader.read_task(there, task_id)
            if isinstance(reading, ReadFailed):
                failed, job = reading, self._awaited_at(job, there.file_terms)
                continue
            reports[job.next_attempt] = reading
            now = self._now()
            due_at = self.schedule.overdue_at(job, now + self.schedule.longest)
            job = self.jobs.submissions.accept_task(there, task_id, now=now, due_at=due_at)
        # As it was read before the receipts: the count of a later reading may include a callback that was not among them.
        if failed is None and before.unread_callbacks and self.jobs.submissions.mark_callbacks_read(before, now=self._now()):
            job = replace(job, unread_callbacks=None)
        return TasksFound(job, reports, failed) if reports or failed else None

    def _as_ordered(self, job: Job, gateway: str) -> Job:
        """A job whose submissions were all refused, with the account and the terms that it has at one of their gateways."""
        stored = self.jobs.request(job.job_id)
        job = replace(job, gateway=gateway)
        with suppress(AccountUnusable):
            job = self.reader.calls.with_account(job, stored.get("account"))
        return as_ordered(job, stored)

    def _awaited_at(self, job: Job, terms: FileTerms) -> Job:
        """A task that is named but could not be read is looked for as long as its gateway keeps files: after refusals, another
        gateway may have been asked last."""
        longer = replace(job, file_terms=terms).tasks_kept_until > job.tasks_kept_until
        if job.attempts or not longer:
            return job
        return self.jobs.submissions.extend_file_terms(job, terms, now=self._now())

    def _named_tasks(self, job: Job) -> list[tuple[str, str]]:
        """Gateway and id."""
        answers = self._answers(job)
        named = {(job.gateway, each.task_id) for each in answers if isinstance(each, Accepted | Ambiguous) and each.task_id}
        for gateway, body in self.receipts.callbacks(job.job_id):
            if task_id := GATEWAYS[gateway].read_callback(body):
                named.add((gateway, task_id))
        return sorted(each for each in named if each[1] not in job.tasks)

    def _now(self) -> int:
        return int(self.clock())
