"""Check Task: reads the task with our own key and decides what comes next. It spends no money and may run at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from suno_jobs.errors import Conflict, ErrorCode, Fault, JobNotFound, LaterVersion, NoSlot
from suno_jobs.gateways.protocol import ReadFailed, Reading, TaskReport
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.record import Accepted, Attempt, Idle, Job, JobView, TaskEnd, TrackState
from suno_jobs.jobs.schedule import NEW_KEY_SECONDS, NextStep, PollingSchedule, is_given_up
from suno_jobs.jobs.states import LEGAL, Cause, JobState, Progress, WaitReason
from suno_jobs.lifecycle.adoption import Adoption, NotAdopted, TakenOver
from suno_jobs.lifecycle.attempt_reader import AttemptReader, Readings
from suno_jobs.lifecycle.ending import end_job
from suno_jobs.lifecycle.last_resort import with_last_resort
from suno_jobs.lifecycle.later_versions import is_known
from suno_jobs.lifecycle.link_renewal import LinkRenewer, attempt_to_renew, link_renewal_gateway
from suno_jobs.lifecycle.lost_submission import (
    LOST,
    Evidence,
    GivenUp,
    LostSubmissions,
    MayRepeat,
    MayResubmit,
    ResultFound,
    Undecided,
)
from suno_jobs.lifecycle.recovery import has_song, next_recovery_at, refused_until
from suno_jobs.lifecycle.resuming import hand_over
from suno_jobs.lifecycle.task_reader import SLOW_READ_SECONDS, TaskReader
from suno_jobs.lifecycle.task_reports import PROGRESS, answer_end, record_report, with_distinct_ids
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.executions import Executions, TaskTokens
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.sandbox import GRACE_SECONDS, SandboxCalls, sandbox_schedule

NO_AUDIO_SECONDS = 300
"""How long a job with some audio waits for the links of its other tracks, which some gateways set later."""

CHECK_SECONDS = 60
"""The timeout of the Check Task function."""

STORE_SECONDS = 600

DEADLINE = Fault(
    ErrorCode.DEADLINE_EXCEEDED,
    "The gateway did not finish before the job's deadline. A song may still arrive and may have been charged.",
    retryable=True,
)

NEVER_SUBMITTED = Fault(
    ErrorCode.DEADLINE_EXCEEDED, "The job was not submitted before its deadline. Nothing was charged.", retryable=True
)
NO_REASON = Fault(ErrorCode.GENERATION_FAILED, "The gateway gave no reason.", retryable=True)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reading means: how the task ended, or, without an end, in how many seconds it is read again if there is time.

    ``fault`` is the job's if it ends without a song.
    """

    fault: Fault
    end: TaskEnd | None = None
    wait: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChecker:
    jobs: JobStore
    calls: GatewayCalls
    attempts: AttemptReader
    lost_submissions: LostSubmissions
    adoption: Adoption
    schedule: PollingSchedule
    executions: Executions
    on_progress: Callable[[str, Progress], None]
    clock: Callable[[], float]

    def check_task(self, job_id: str, execution: str | None = None) -> NextStep:
        """Decides from the table and, if there is a task, from the gateway. Repeating it is always safe. A deleted job is only
        left to Finish Job. ``execution`` is the name of the execution that asks; None: the current one.

        Raises JobNotFound, and LaterVersion if a later version has to continue with the job.
        """
        now = self._now()
        due_at = now + CHECK_SECONDS + self.schedule.longest + self.schedule.slack
        job = self.jobs.begin_check(job_id, now=now, due_at=due_at)
        if job is None:
            if self.jobs.deletions.tombstone(job_id):
                return NextStep(job_id, "finish")
            raise JobNotFound(f"no job {job_id}")
        if not is_known(job):
            raise LaterVersion(f"{job_id} is {job.state}: {job.kind} at {job.gateway}")
        if hand_over(self.jobs.signals, self.executions, job, execution, due_at=now + CHECK_SECONDS):
            return NextStep(job_id, "leave")
        if not job.terminal and job.deadline_at < due_at:
            # If the execution dies now, the sweep finds the job at its deadline, or after this check (I6).
            self.jobs.signals.postpone(job_id, due_at=max(job.deadline_at, now + CHECK_SECONDS))
        try:
            return self._decide_within_rate(job)
        except Conflict:
            # Another invocation changed the job between our read and our write: check again at once.
            return NextStep(job_id, "wait", 1)

    def _decide_within_rate(self, job: Job) -> NextStep:
        try:
            return self._decide(job)
        except NoSlot as error:
            # Jobs of one burst share a deadline: the last read is worth waiting for a slot, but not for ever (I6). A job in
            # recovery waits too. Otherwise, of the jobs that one sweep resumes, the same ones could lose every time.
            if not job.terminal and self._now() >= job.deadline_at + self.schedule.slack:
                ends = {number: TaskEnd.UNFINISHED for number, attempt in enumerate(job.attempts) if attempt.open}
                return self._conclude(job, JobState.TIMED_OUT, job.fault or DEADLINE, ends)
            if job.cause is Cause.STAGE:
                # The task is still running, and no slot is idle.
                return self._wait_until(job, self._now() + self.schedule.next_check(job, self._now()))
            return NextStep(job.job_id, "wait", self.schedule.next_try_for_slot(job, error.seconds))

    def _decide(self, job: Job) -> NextStep:
        if job.terminal:
            return self._recover(job)
        if job.adopts and not job.attempts:
            return self._adopt_from_elsewhere(job, job.adopts)
        match job.submission:
            case Accepted() if is_given_up(job, self._now()):
                return self._give_up(job)
            case Accepted():
                return self._follow(*self.attempts.read_tasks(job))
            case Idle(submit_after):
                return self._submit_when_due(job, submit_after)
        return self._settle_lost_submission(job)

    # Without a task

    def _adopt_from_elsewhere(self, job: Job, task_id: str) -> NextStep:
        found = self.adoption.take_over(job, task_id)
        if isinstance(found, TakenOver):
            return self._follow(found.job, {0: found.report})
        if isinstance(found, NotAdopted):
            return self._end(JobView(job), found.state, found.fault)
        return self._wait_until(job, self._now() + found.wait)

    def _submit_when_due(self, job: Job, submit_after: int) -> NextStep:
        if self._late(job):
            lost = job.lost or job.unread_callbacks
            return self._end(JobView(job), JobState.TIMED_OUT, LOST if lost else job.fault or NEVER_SUBMITTED)
        if submit_after > self._now():
            return self._wait_until(job, submit_after)
        return self._submit(job)

    def _submit(self, job: Job) -> NextStep:
        """Before each further submission, the tasks of the earlier ones are searched for, also of those that were refused."""
        is_first = job.state is JobState.ACCEPTED and not job.unread_callbacks
        found = None if is_first else self.lost_submissions.find_tasks(job)
        return self._adopt(found) if found else NextStep(job.job_id, "submit", self.schedule.interval)

    def _settle_lost_submission(self, job: Job) -> NextStep:
        match self.lost_submissions.settle(job):
            case Undecided(until):
                return self._wait_until(job, until)
            case MayRepeat(job):
                return NextStep(job.job_id, "submit", self.schedule.interval)
            case MayResubmit(job):
                return self._submit(job)
            case GivenUp(job):
                return self._end(JobView(job), JobState.TIMED_OUT, job.fault or LOST)
            case found:
                return self._adopt(found)

    def _adopt(self, found: Evidence) -> NextStep:
        if isinstance(found, ResultFound):
            return self._follow(found.job, {})
        return self._follow(found.job, found.reports, found.failed)

    # With a task

    def _give_up(self, job: Job) -> NextStep:
        """Settles the job from the table, since no check that read its tasks has come to an end in time."""
        ends = {number: attempt.end or TaskEnd.UNFINISHED for number, attempt in enumerate(job.attempts)}
        state = JobState.TIMED_OUT if TaskEnd.UNFINISHED in ends.values() else JobState.FAILED
        return self._conclude(job, state, job.fault or DEADLINE, ends)

    def _follow(self, job: Job, readings: Readings, failed: ReadFailed | None = None) -> NextStep:
        """``failed``: a task that no attempt has, but that a receipt names, could not be read."""
        if job.terminal and (until := refused_until((*readings.values(), failed), self._now())):
            self.jobs.hold_recovery(job, until=until, now=self._now())
        findings = {number: self._examine(job, number, reading) for number, reading in readings.items()}
        costs = [reading.cost for reading in readings.values() if isinstance(reading, TaskReport) and reading.cost]
        job = replace(job, cost=costs[-1]) if costs and not job.adopts else job
        named = [self._examine_failed(job, failed)] if failed else []
        still_open = [finding for finding in (*findings.values(), *named) if finding.end is None]
        ended = any(finding.end for finding in findings.values()) or any(attempt.answered for attempt in job.attempts)
        if still_open and not self._late(job) and not (ended and self._has_yield(job)):
            refused_key = any(finding.fault.code is ErrorCode.AUTHENTICATION for finding in still_open)
            self._record_wait(job, WaitReason.GATEWAY_KEY if refused_key else None)
            return self._wait_until(job, self._now() + min(finding.wait for finding in still_open))
        ends = {number: finding.end or TaskEnd.UNFINISHED for number, finding in findings.items()}
        unfinished = [finding.fault for finding in (*findings.values(), *named) if finding.end in (None, TaskEnd.UNFINISHED)]
        if unfinished or job.lost:
            return self._conclude(job, JobState.TIMED_OUT, next(iter(unfinished), LOST), ends)
        reason = next((finding.fault for finding in findings.values()), job.fault or NO_REASON)
        return self._conclude(job, JobState.FAILED, reason, ends)

    def _examine(self, job: Job, number: int, reading: Reading) -> Finding:
        if isinstance(reading, ReadFailed):
            return self._examine_failed(job, reading)
        if reading.status.ended:
            self.calls.concurrency.end(job)
        elif not (job.adopts or self._late(job)):
            self.calls.concurrency.found(job)
        report = with_distinct_ids(self.jobs, job, number, reading)
        report = with_last_resort(self.jobs, job, report, now=self._now())
        record_report(self.jobs, job, number, report)
        if report.status.ended:
            return self._lacking_audio(job, report) or Finding(report.fault or NO_REASON, answer_end(report))
        if not self._late(job):
            stage = PROGRESS[report.status]
            if self.jobs.advance(job.job_id, stage, now=self._now()):
                self.on_progress(job.job_id, stage)
        calls_back = gateway_of(job).calls_back and job.adopts is None
        return Finding(DEADLINE, wait=self.schedule.next_check(job, self._now(), calls_back=calls_back))

    def _examine_failed(self, job: Job, failed: ReadFailed) -> Finding:
        pause = self.schedule.pause(job, failed.retry_after_seconds, may_retry=failed.may_retry)
        wait = NEW_KEY_SECONDS if failed.key_replaced else pause
        if not self._late(job):
            telemetry.log.info("task not read", job_id=job.job_id, gateway=job.gateway, code=failed.fault.code)
        message = f"{DEADLINE.message} ({failed.fault.message})"
        return Finding(replace(failed.fault, message=message, retryable=True), wait=wait)

    def _record_wait(self, job: Job, reason: WaitReason | None) -> None:
        if job.wait_reason is not reason:
            self.jobs.record_wait(job, reason, now=self._now())

    def _lacking_audio(self, job: Job, report: TaskReport) -> Finding | None:
        """A success without audio, of one track or of all, is read again: some links arrive later, some minutes later. So is a
        failure that names a track with a stream.

        If no track has audio, the job waits until its deadline. If some have, they are stored after ``NO_AUDIO_SECONDS``.
        Afterwards recovery makes these reads, so a song that was finished without a link is never given up as FAILED.
        """
        faults = (report.fault, *(track.fault for track in report.tracks))
        lacking = next((fault for fault in faults if fault and fault.code is ErrorCode.NO_AUDIO), None)
        if lacking is None:
            return None
        since = self.jobs.record_no_audio(job.job_id, now=self._now())
        too_late = self._now() >= since + NO_AUDIO_SECONDS and has_song(self._view(job))
        return Finding(lacking, TaskEnd.UNFINISHED if too_late else None, self.schedule.backoff(job))

    def _has_yield(self, job: Job) -> bool:
        """Whether the job can succeed by what is recorded."""
        view = self._view(job)
        return bool(view.result) or any(track.unsaved or track.state is TrackState.STORED for track in view.tracks)

    def _conclude(self, job: Job, state: JobState, fault: Fault, ends: Mapping[int, TaskEnd]) -> NextStep:
        """The task has ended, or it is too late to wait: every available file is stored, however the job ends.

        The table decides, not the last report: a gateway that fails a task may no longer name a track that it had finished.
        """
        view = self._view(job)
        wanted = tuple(track.track_id for track in view.tracks if track.unsaved)
        now, attempts = self._now(), job.with_ends(ends)
        due_at = now + STORE_SECONDS + self.schedule.slack
        if job.terminal and (wanted or view.result or {*ends.values()} - {TaskEnd.UNFINISHED}):
            job = self.jobs.record_task_ends(job, attempts, now=now, due_at=due_at)
        if wanted or view.result:
            if not job.terminal:
                self.jobs.start_storing(job, attempts, now=now, due_at=due_at)
                if job.progress is not Progress.COMPLETE:
                    self.on_progress(job.job_id, Progress.COMPLETE)
            return NextStep(job.job_id, "store" if wanted else "finish", self.schedule.backoff(job), wanted)
        settled = job.terminal and state not in LEGAL[job.state]
        if settled or any(track.state is TrackState.STORED for track in view.tracks):
            return NextStep(job.job_id, "finish")
        return self._end(replace(view, job=job), state, fault, attempts)

    # After the end

    def _recover(self, job: Job) -> NextStep:
        """The result may still arrive, and a missing file may still be fetched; see ``lifecycle.recovery``.

        The gateway is asked once. The next run of recovery fetches what is not available yet.
        """
        finish = NextStep(job.job_id, "finish")
        if job.event_pending or (job.recoverable_until or 0) <= self._now():
            return finish
        if next_run := next_recovery_at(job, self._now()):
            # Before anything is read: a read that never returns is repeated in the next run of recovery, not by each sweep.
            self.jobs.signals.postpone(job.job_id, due_at=next_run)
        view = self._view(job)
        if JobState.SUCCEEDED in LEGAL[job.state] and any(track.state is TrackState.STORED for track in view.tracks):
            # A function that stored it was stopped before Finish Job: no read is needed, and one may never return.
            return finish
        if isinstance(job.submission, Accepted):
            return self._renew_links(view) or self._follow(*self.attempts.read_tasks(job))
        found = self.lost_submissions.find(job)
        return self._adopt(found) if found else finish

    def _renew_links(self, view: JobView) -> NextStep | None:
        """Renews expired links where the gateway can. None: no link has expired, or the gateway cannot renew links."""
        job = view.job
        gateway, attempt = link_renewal_gateway(job), attempt_to_renew(view)
        if gateway is None or attempt is None:
            return None
        began = self._now()
        if LinkRenewer(self.jobs, self.calls, self.clock).renew_links(view, attempt, gateway):
            return self._wait_until(job, self._now() + self.schedule.interval)
        if (job.renewal and job.renewal.renewal_id) or self._now() >= began + SLOW_READ_SECONDS:
            ends = {number: TaskEnd.UNFINISHED for number in range(len(job.attempts)) if not view.is_whole(number)}
            return self._conclude(job, job.state, NO_REASON, ends)
        return None

    # Next steps

    def _end(self, view: JobView, state: JobState, fault: Fault, attempts: Sequence[Attempt] | None = None) -> NextStep:
        end_job(self.jobs, view, state, fault, now=self._now(), attempts=attempts)
        return NextStep(view.job.job_id, "finish")

    def _wait_until(self, job: Job, then: int) -> NextStep:
        """Never past the deadline. The due time moves along, so that the sweep finds the job if its wake-up is lost."""
        now = self._now()
        if job.deadline_at > now:
            then = min(then, job.deadline_at)
        wait = max(1, then - now)
        if wait > self.schedule.longest + CHECK_SECONDS:
            self.jobs.signals.postpone(job.job_id, due_at=self.schedule.overdue_at(job, now + wait))
        return NextStep(job.job_id, "wait", wait)

    def _view(self, job: Job) -> JobView:
        """``job`` with its tracks and its result as they are now."""
        return replace(self.jobs.view(job.job_id) or JobView(job), job=job)

    def _late(self, job: Job) -> bool:
        return job.terminal or self._now() >= job.deadline_at

    def _now(self) -> int:
        return int(self.clock())


def in_sandbox(checker: TaskChecker) -> TaskChecker:
    """The same for jobs in test mode, without a way to a gateway."""
    return make_task_checker(
        jobs=checker.jobs,
        receipts=checker.lost_submissions.receipts,
        calls=SandboxCalls(clock=checker.clock, sleep=checker.calls.sleep),
        schedule=sandbox_schedule(checker.schedule),
        grace_seconds=GRACE_SECONDS,
        executions=checker.executions,
        on_progress=checker.on_progress,
        clock=checker.clock,
    )


def report_step(tokens: TaskTokens, task_token: str, step: NextStep) -> None:
    """Tells the state Check Task what comes next. May be repeated.

    A decision is reported as a failure of its name, which the state machine catches, since reading it in a state of its own
    would cost a transition more.
    """
    if step.decision is None:
        tokens.succeed(task_token, step.to_payload())
    else:
        tokens.fail(task_token, step.decision, str(step.wait_seconds))


def make_task_checker(  # noqa: PLR0913 - the parts of one checker
    *,
    jobs: JobStore,
    receipts: ReceiptStore,
    calls: GatewayCalls,
    schedule: PollingSchedule,
    grace_seconds: int,
    executions: Executions,
    on_progress: Callable[[str, Progress], None],
    clock: Callable[[], float],
) -> TaskChecker:
    reader = TaskReader(receipts=receipts, calls=calls, clock=clock)
    lost = LostSubmissions(
        jobs=jobs, receipts=receipts, reader=reader, schedule=schedule, grace_seconds=grace_seconds, clock=clock
    )
    adoption = Adoption(jobs, reader, schedule, clock)
    return TaskChecker(
        jobs=jobs,
        calls=calls,
        attempts=AttemptReader(jobs, reader, lost, clock),
        lost_submissions=lost,
        adoption=adoption,
        schedule=schedule,
        executions=executions,
        on_progress=on_progress,
        clock=clock,
    )
