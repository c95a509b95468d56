"""Check Task: reads the task with our own key and decides what comes next. It spends no money and may run at any time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.errors import Conflict, ErrorCode, Fault, JobNotFound, NoSlot
from suno_jobs.gateways.protocol import ReadFailed, Reading, TaskReport, TaskStatus
from suno_jobs.jobs.record import Job, JobView, TaskEnd, TrackState
from suno_jobs.jobs.schedule import NextStep, PollingSchedule
from suno_jobs.jobs.states import JobState, Progress
from suno_jobs.lifecycle.link_renewal import LinkRenewer, has_expired_links, link_renewal_gateway
from suno_jobs.lifecycle.lost_submission import (
    LOST,
    Evidence,
    GivenUp,
    LostSubmissions,
    MayResubmit,
    ResultFound,
    TaskFound,
    Undecided,
)
from suno_jobs.lifecycle.task_reader import SLOW_READ_SECONDS, TaskReader
from suno_jobs.lifecycle.task_reports import record_report
from suno_jobs.runtime import telemetry
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.traffic.calls import GatewayCalls

NO_AUDIO_CHECKS = 3
"""How often a success without audio is read again, since some gateways set the links a little later."""

CHECK_SECONDS = 60
"""The timeout of the Check Task function."""

STORE_SECONDS = 600

PROGRESS = {
    TaskStatus.PENDING: Progress.QUEUED,
    TaskStatus.TEXT_READY: Progress.TEXT,
    TaskStatus.FIRST_READY: Progress.FIRST,
}

DEADLINE = Fault(
    ErrorCode.DEADLINE_EXCEEDED,
    "The gateway did not finish before the job's deadline. A song may still arrive and may have been charged.",
    retryable=True,
)

NEVER_SUBMITTED = Fault(
    ErrorCode.DEADLINE_EXCEEDED, "The job was not submitted before its deadline. Nothing was charged.", retryable=True
)
NO_REASON = Fault(ErrorCode.GENERATION_FAILED, "The gateway gave no reason.", retryable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChecker:
    jobs: JobStore
    calls: GatewayCalls
    reader: TaskReader
    lost_submissions: LostSubmissions
    schedule: PollingSchedule
    clock: Callable[[], float]

    def check_task(self, job_id: str) -> NextStep:
        """Decides from the table and, if there is a task, from the gateway. Repeating it is always safe.

        Raises JobNotFound.
        """
        now = self._now()
        due_at = now + CHECK_SECONDS + self.schedule.longest + self.schedule.slack
        job = self.jobs.begin_check(job_id, now=now, due_at=due_at)
        if job is None:
            raise JobNotFound(f"no job {job_id}")
        try:
            return self._decide_within_rate(job)
        except Conflict:
            # Another invocation changed the job between our read and our write: check again at once.
            return NextStep(job_id, "wait", 1)

    def _decide_within_rate(self, job: Job) -> NextStep:
        try:
            return self._decide(job)
        except NoSlot as error:
            # Jobs of one burst share a deadline: the last read is worth waiting for a slot, though not for ever (I6).
            if self._now() >= job.deadline_at + self.schedule.slack:
                return self._conclude(job, JobState.TIMED_OUT, job.fault or DEADLINE, TaskEnd.UNFINISHED)
            return NextStep(job.job_id, "wait", self.schedule.next_try_for_slot(job, error.seconds))

    def _decide(self, job: Job) -> NextStep:
        if job.terminal:
            return self._recover(job)
        if job.done:
            return self._conclude(job, JobState.FAILED, job.fault or NO_REASON, TaskEnd.COMPLETE)
        if job.verdict:
            return NextStep(job.job_id, "finish")
        if job.task_id:
            return self._follow(job, self.reader.read_task(job, job.task_id))
        if job.intent_at is not None or job.grace_until is not None:
            return self._settle_lost_submission(job)
        return self._submit_when_due(job)

    # Without a task

    def _submit_when_due(self, job: Job) -> NextStep:
        if self._late(job):
            return self._end(job, JobState.TIMED_OUT, LOST if job.resubmitted else job.fault or NEVER_SUBMITTED)
        if (job.submit_after or 0) > self._now():
            return self._wait_until(job, job.submit_after or 0)
        return self._submit(job)

    def _submit(self, job: Job) -> NextStep:
        """Before a second submission, the task of the first one is searched for again."""
        found = self.lost_submissions.find_task(job) if job.resubmitted else None
        return self._adopt(found) if found else NextStep(job.job_id, "submit", self.schedule.interval)

    def _settle_lost_submission(self, job: Job) -> NextStep:
        match self.lost_submissions.settle(job):
            case Undecided(until):
                return self._wait_until(job, until)
            case MayResubmit(job):
                return self._submit(job)
            case GivenUp(job):
                return self._end(job, JobState.TIMED_OUT, job.fault or LOST)
            case found:
                return self._adopt(found)

    def _adopt(self, found: Evidence) -> NextStep:
        match found:
            case TaskFound(job, report):
                return self._follow(job, report)
            case ResultFound(job, has_tracks):
                # Of several tracks, the function may have recorded only the first ones.
                return self._conclude(job, JobState.FAILED, NO_REASON, TaskEnd.INCOMPLETE if has_tracks else TaskEnd.COMPLETE)
            case _:
                return self._after_failed_read(found.job, found.failed)

    # With a task

    def _follow(self, job: Job, reading: Reading) -> NextStep:
        if isinstance(reading, ReadFailed):
            return self._after_failed_read(job, reading)
        record_report(self.jobs, job, reading)
        if reading.status.ended:
            end = TaskEnd.INCOMPLETE if reading.status is TaskStatus.FAILED else TaskEnd.COMPLETE
            fault = reading.fault or NO_REASON
            return self._wait_for_audio(job, reading) or self._conclude(job, JobState.FAILED, fault, end)
        if self._late(job):
            return self._conclude(job, JobState.TIMED_OUT, DEADLINE, TaskEnd.UNFINISHED)
        self.jobs.advance(job.job_id, PROGRESS[reading.status], now=self._now())
        return self._wait_until(job, self._now() + self.schedule.next_check(job, self._now()))

    def _after_failed_read(self, job: Job, failed: ReadFailed) -> NextStep:
        if self._late(job):
            message = f"{DEADLINE.message} ({failed.fault.message})"
            fault = replace(failed.fault, message=message, retryable=True)
            return self._conclude(job, JobState.TIMED_OUT, fault, TaskEnd.UNFINISHED)
        # With a revoked key or an empty account, frequent reads are useless until the operator corrects that.
        interval = self.schedule.backoff(job) if failed.may_retry else self.schedule.longest
        wait = max(interval, math.ceil(failed.retry_after_seconds or 0))
        telemetry.log.info("task not read", job_id=job.job_id, gateway=job.gateway, code=failed.fault.code)
        return self._wait_until(job, self._now() + wait)

    def _wait_for_audio(self, job: Job, report: TaskReport) -> NextStep | None:
        """A success without audio, of one track or of all, is read again a few times: some links arrive a little later.

        After the deadline, recovery makes these reads.
        """
        faults = [track.fault for track in report.tracks] if report.status is TaskStatus.SUCCEEDED else [report.fault]
        lacking = next((fault for fault in faults if fault and fault.code is ErrorCode.NO_AUDIO), None)
        if lacking is None or self.jobs.count_no_audio(job.job_id, now=self._now()) >= NO_AUDIO_CHECKS:
            return None
        if self._late(job):
            return self._conclude(job, JobState.TIMED_OUT, lacking, TaskEnd.UNFINISHED)
        return self._wait_until(job, self._now() + self.schedule.interval)

    def _conclude(self, job: Job, verdict: JobState, fault: Fault, end: TaskEnd) -> NextStep:
        """The task has ended, or it is too late to wait: every available file is stored, whatever the verdict.

        The table decides, not the last report: a gateway that fails a task may no longer name a track that it had finished.
        """
        view = self.jobs.view(job.job_id) or JobView(job)
        wanted = tuple(track.track_id for track in view.tracks if track.unsaved)
        now = self._now()
        due_at = now + STORE_SECONDS + self.schedule.slack
        if job.terminal and (wanted or view.result or end is not TaskEnd.UNFINISHED):
            self.jobs.record_task_end(job, end, now=now, due_at=due_at)
        if wanted or view.result:
            if not job.terminal:
                self.jobs.start_storing(job, end, now=now, due_at=due_at)
            return NextStep(job.job_id, "store" if wanted else "finish", self.schedule.backoff(job), wanted)
        if (job.terminal and verdict is job.state) or any(track.state is TrackState.STORED for track in view.tracks):
            return NextStep(job.job_id, "finish")
        return self._end(job, verdict, fault)

    # After the end

    def _recover(self, job: Job) -> NextStep:
        """The result may still arrive, and a missing file may still be fetched; see ``lifecycle.recovery``.

        The gateway is asked once. The next run of recovery fetches what is not available yet.
        """
        finish = NextStep(job.job_id, "finish")
        if job.event_pending or job.verdict or (job.recoverable_until or 0) <= self._now():
            return finish
        if job.done:
            return self._conclude(job, job.state, NO_REASON, TaskEnd.INCOMPLETE if job.incomplete else TaskEnd.COMPLETE)
        if job.task_id:
            return self._renew_links(job) or self._follow(job, self.reader.read_task(job, job.task_id))
        found = self.lost_submissions.find(job)
        return self._adopt(found) if found else finish

    def _renew_links(self, job: Job) -> NextStep | None:
        """Renews expired links where the gateway can. None: no link has expired, or the gateway cannot renew links."""
        gateway = link_renewal_gateway(job)
        if gateway is None:
            return None
        view = self.jobs.view(job.job_id) or JobView(job)
        if not has_expired_links(view):
            return None
        began = self._now()
        if LinkRenewer(self.jobs, self.calls, self.clock).renew_links(view, gateway):
            return self._wait_until(job, self._now() + self.schedule.interval)
        if job.renewal_id or self._now() >= began + SLOW_READ_SECONDS:
            return self._conclude(job, job.state, NO_REASON, TaskEnd.UNFINISHED)
        return None

    # Next steps

    def _end(self, job: Job, verdict: JobState, fault: Fault) -> NextStep:
        self.jobs.decide(job, verdict, fault, now=self._now())
        return NextStep(job.job_id, "finish")

    def _wait_until(self, job: Job, then: int) -> NextStep:
        """Never past the deadline. The due time moves along, so that the sweep finds the job if its wake-up is lost."""
        now = self._now()
        if job.deadline_at > now:
            then = min(then, job.deadline_at)
        wait = max(1, then - now)
        if wait > self.schedule.longest + CHECK_SECONDS:
            self.jobs.postpone(job.job_id, due_at=now + wait + self.schedule.slack)
        return NextStep(job.job_id, "wait", wait)

    def _late(self, job: Job) -> bool:
        return job.terminal or self._now() >= job.deadline_at

    def _now(self) -> int:
        return int(self.clock())


def make_task_checker(
    *,
    jobs: JobStore,
    receipts: ReceiptStore,
    calls: GatewayCalls,
    schedule: PollingSchedule,
    grace_seconds: int,
    clock: Callable[[], float],
) -> TaskChecker:
    reader = TaskReader(receipts=receipts, calls=calls, clock=clock)
    lost_submissions = LostSubmissions(
        jobs=jobs, receipts=receipts, reader=reader, schedule=schedule, grace_seconds=grace_seconds, clock=clock
    )
    return TaskChecker(jobs=jobs, calls=calls, reader=reader, lost_submissions=lost_submissions, schedule=schedule, clock=clock)
