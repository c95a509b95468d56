"""Check Task: reads the task with our own key and decides what is next. Spends no money, may run at any time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs import telemetry
from suno_jobs.calls import AccountUnusable, GatewayCalls
from suno_jobs.errors import Conflict, ErrorCode, Fault, GatewayUnreachable, JobNotFound, NoSlot
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Accepted, GatewayReply, Reading, TaskReport, TaskStatus, Unread
from suno_jobs.models import Ending, Job, JobView, TrackState
from suno_jobs.receipts import ReceiptSource, ReceiptStore
from suno_jobs.recovery import Recovery, expired, recoverer
from suno_jobs.reports import ENDED, record_report
from suno_jobs.store import JobStore
from suno_jobs.submission import LOST, intent_seconds
from suno_jobs.transitions import JobState, Progress
from suno_jobs.workflow import Pace, Step

NO_AUDIO_CHECKS = 3
"""A success without audio is read again this often, since some gateways set the links a little later."""

CHECK_SECONDS = 60
"""The timeout of the function that checks."""

STORE_SECONDS = 600

HANGING_SECONDS = 10
"""After a request that took so long the gateway is asked nothing more by the same run: a second one might not end in time."""

PROGRESS = {
    TaskStatus.PENDING: Progress.QUEUED,
    TaskStatus.TEXT_READY: Progress.TEXT,
    TaskStatus.FIRST_READY: Progress.FIRST,
}

DEADLINE = Fault(
    ErrorCode.DEADLINE_EXCEEDED,
    "The gateway did not finish before the job's deadline. A song may still come and may have been charged.",
    retryable=True,
)

NEVER_SUBMITTED = Fault(
    ErrorCode.DEADLINE_EXCEEDED, "The job was not submitted before its deadline. Nothing was charged.", retryable=True
)
NO_REASON = Fault(ErrorCode.GENERATION_FAILED, "The gateway gave no reason.", retryable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    jobs: JobStore
    receipts: ReceiptStore
    calls: GatewayCalls
    pace: Pace
    grace_seconds: int
    clock: Callable[[], float]

    def __call__(self, job_id: str) -> Step:
        """Decides from the table and, where there is a task, from the gateway. Repeating it is always safe.

        Raises JobNotFound.
        """
        now = self._now()
        job = self.jobs.begin_check(job_id, now=now, due_at=now + CHECK_SECONDS + self.pace.longest + self.pace.slack)
        if job is None:
            raise JobNotFound(f"no job {job_id}")
        try:
            return self._decide(job)
        except Conflict:
            # Somebody else moved the job on between our read and our write; look again at once.
            return Step(job_id, "wait", 1)

    def _decide(self, job: Job) -> Step:
        try:
            return self._decide_with_slot(job)
        except NoSlot as error:
            # Jobs of one burst have one deadline: the last reading is worth waiting for its turn, though not for ever (I6).
            if self._now() >= job.deadline_at + self.pace.slack:
                return self._conclude(job, JobState.TIMED_OUT, job.fault or DEADLINE, Ending.OPEN)
            return Step(job.job_id, "wait", self.pace.turn(job, error.seconds))

    def _decide_with_slot(self, job: Job) -> Step:
        if job.terminal:
            return self._care(job)
        if job.done:
            return self._conclude(job, JobState.FAILED, job.fault or NO_REASON, Ending.WHOLE)
        if job.verdict:
            return Step(job.job_id, "finish")
        if job.task_id:
            return self._follow(job, self._read(job, job.task_id))
        return self._without_task(job)

    # Without a task

    def _without_task(self, job: Job) -> Step:
        if job.intent_at is not None:
            return self._judge_intent(job, job.intent_at)
        if job.grace_until is not None:
            return self._look_for_task(job, job.grace_until)
        if self._late(job):
            return self._end(job, JobState.TIMED_OUT, LOST if job.resubmitted else job.fault or NEVER_SUBMITTED)
        if (job.submit_after or 0) > self._now():
            return self._wait_until(job, job.submit_after or 0)
        return self._submit(job)

    def _submit(self, job: Job) -> Step:
        """Before a second submission the first one's callback is looked for once more."""
        step = self._adopt_task(job) if job.resubmitted else None
        return step or Step(job.job_id, "submit", self.pace.interval)

    def _judge_intent(self, job: Job, intent_at: int) -> Step:
        """A submission was begun and its end is not recorded: its function may still be at it, or it is dead."""
        dead_at = intent_at + intent_seconds(job)
        if self._now() < dead_at:
            return self._adopt_task(job) or self._wait_until(job, dead_at)
        now = self._now()
        until = min(now + self.grace_seconds, job.deadline_at)
        due_at = until + self.pace.slack
        return self._look_for_task(self.jobs.lose_submission(job, LOST, grace_until=until, now=now, due_at=due_at), until)

    def _look_for_task(self, job: Job, until: int) -> Step:
        """The answer to the submission was lost; a callback to the job's own URL tells which task it made."""
        step = self._adopt_result(job) or self._adopt_task(job)
        if step:
            return step
        if self._now() >= until:
            if job.resubmit and not job.resubmitted and not self._late(job) and not self._called_back(job):
                return self._submit(self.jobs.allow_resubmission(job, now=self._now()))
            return self._end(job, JobState.TIMED_OUT, job.fault or LOST)
        return self._wait_until(job, until)

    def _called_back(self, job: Job) -> bool:
        """A callback that names no task proves all the same that there is one."""
        return any(True for _ in self.receipts.callbacks(job.job_id))

    def _adopt_task(self, job: Job) -> Step | None:
        """Goes on with the task that an authentic callback or our own receipt names; None when there is none.

        The name is only a hint: unless the gateway knows the task, the job waits, at the longest until its deadline.
        """
        unread, begun = None, self._now()
        for task_id in self._named_tasks(job):
            if self._now() >= begun + HANGING_SECONDS:
                break
            reading = self._read(job, task_id)
            if isinstance(reading, TaskReport):
                now = self._now()
                job = self.jobs.accept_task(job, task_id, now=now, due_at=now + self.pace.longest + self.pace.slack)
                return self._follow(job, reading)
            unread = reading
        return self._cannot_read(job, unread) if unread else None

    def _named_tasks(self, job: Job) -> list[str]:
        """An answer that was kept and not recorded names the task as well as a callback does."""
        gateway = GATEWAYS[job.gateway]
        kept = [GatewayReply(status, body) for status, body in self.receipts.submissions(job.job_id)]
        answers = [gateway.read_submission(job.kind, reply) for reply in kept]
        named = {answer.task_id for answer in answers if isinstance(answer, Accepted)}
        named |= {task_id for body in self.receipts.callbacks(job.job_id) if (task_id := gateway.read_callback(body))}
        return sorted(named)

    def _adopt_result(self, job: Job) -> Step | None:
        """A synchronous answer was recorded, and the function died before it said so."""
        view = self.jobs.view(job.job_id)
        if view is None or not (view.tracks or view.result):
            return None
        now = self._now()
        job = self.jobs.accept_task(job, None, now=now, due_at=now + self.pace.slack, done=True)
        # Of several tracks the function may have recorded the first ones only.
        return self._conclude(job, JobState.FAILED, NO_REASON, Ending.SHORT if view.tracks else Ending.WHOLE)

    # With a task

    def _follow(self, job: Job, reading: Reading) -> Step:
        if isinstance(reading, Unread):
            return self._cannot_read(job, reading)
        record_report(self.jobs, job, reading)
        if reading.status in ENDED:
            ending = Ending.SHORT if reading.status is TaskStatus.FAILED else Ending.WHOLE
            fault = reading.fault or NO_REASON
            return self._wait_for_audio(job, reading) or self._conclude(job, JobState.FAILED, fault, ending)
        if self._late(job):
            return self._conclude(job, JobState.TIMED_OUT, DEADLINE, Ending.OPEN)
        self.jobs.advance(job.job_id, PROGRESS[reading.status], now=self._now())
        return self._wait_until(job, self._now() + self.pace.wait(job, self._now()))

    def _read(self, job: Job, task_id: str) -> Reading:
        gateway = GATEWAYS[job.gateway]
        self.calls.take_slot(job)
        try:
            reply = self.calls.send(job, self.calls.account(job), gateway.status_request(job.kind, task_id))
        except AccountUnusable as error:
            return Unread(Fault(ErrorCode.AUTHENTICATION, str(error)))
        except GatewayUnreachable as error:
            fault = Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True)
            self.calls.note(job, fault)
            return Unread(fault)
        reading = gateway.read_status(job.kind, reply)
        self.calls.note(job, reading.fault if isinstance(reading, Unread) else None)
        ended = isinstance(reading, TaskReport) and reading.status in ENDED
        unknown = reading.unknown_words if isinstance(reading, TaskReport) else ()
        if ended or unknown or isinstance(reading, Unread):
            self._keep(job, reply)
        for word in unknown:
            telemetry.count("UnknownStatusWord", gateway=gateway.name)
            telemetry.log.warning("unknown status word", job_id=job.job_id, gateway=gateway.name, word=word)
        return reading

    def _keep(self, job: Job, reply: GatewayReply) -> None:
        """The job matters more than the evidence: one that could not be kept does not stop it."""
        try:
            self.receipts.record(job.job_id, ReceiptSource.STATUS, reply.body, now=self._now(), status=reply.status)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("receipt not kept", job_id=job.job_id, reason=str(error))

    def _cannot_read(self, job: Job, unread: Unread) -> Step:
        if self._late(job):
            message = f"{DEADLINE.message} ({unread.fault.message})"
            fault = replace(unread.fault, message=message, retryable=True)
            return self._conclude(job, JobState.TIMED_OUT, fault, Ending.OPEN)
        # A key that was revoked, an account without money: until somebody mends that, asking often is of no use.
        step = self.pace.step(job) if unread.again else self.pace.longest
        wait = max(step, math.ceil(unread.retry_after_seconds or 0))
        telemetry.log.info("task not read", job_id=job.job_id, gateway=job.gateway, code=unread.fault.code)
        return self._wait_until(job, self._now() + wait)

    def _wait_for_audio(self, job: Job, report: TaskReport) -> Step | None:
        """A success that lacks audio, of one track or of all, is read again a few times: some links come a little later.

        When it is too late to wait, the looks after the end are those times.
        """
        faults = [track.fault for track in report.tracks] if report.status is TaskStatus.SUCCEEDED else [report.fault]
        lacking = next((fault for fault in faults if fault and fault.code is ErrorCode.NO_AUDIO), None)
        if lacking is None or self.jobs.count_no_audio(job.job_id, now=self._now()) >= NO_AUDIO_CHECKS:
            return None
        if self._late(job):
            return self._conclude(job, JobState.TIMED_OUT, lacking, Ending.OPEN)
        return self._wait_until(job, self._now() + self.pace.interval)

    def _conclude(self, job: Job, verdict: JobState, fault: Fault, ending: Ending) -> Step:
        """The gateway will say no more, or it is too late to wait: what can be fetched is stored, whatever the verdict.

        The table is asked, not the last report: a gateway that fails a task may no longer name the track it had finished.
        """
        view = self.jobs.view(job.job_id) or JobView(job)
        wanted = tuple(track.track_id for track in view.tracks if track.unsaved)
        now = self._now()
        due_at = now + STORE_SECONDS + self.pace.slack
        if job.terminal and (wanted or view.result or ending is not Ending.OPEN):
            self.jobs.note_ending(job, ending, now=now, due_at=due_at)
        if wanted or view.result:
            if not job.terminal:
                self.jobs.start_storing(job, ending, now=now, due_at=due_at)
            return Step(job.job_id, "store" if wanted else "finish", self.pace.step(job), wanted)
        if (job.terminal and verdict is job.state) or any(track.state is TrackState.STORED for track in view.tracks):
            return Step(job.job_id, "finish")
        return self._end(job, verdict, fault)

    # After the end

    def _care(self, job: Job) -> Step:
        """The truth may still come in, and a file that was missing may still be fetched; see ``care``.

        The gateway is asked once, and whatever is not there yet is left to the next look.
        """
        finish = Step(job.job_id, "finish")
        if job.event_pending or job.verdict or (job.care_until or 0) <= self._now():
            return finish
        if job.done:
            return self._conclude(job, job.state, NO_REASON, Ending.SHORT if job.incomplete else Ending.WHOLE)
        if job.task_id:
            return self._renew(job) or self._follow(job, self._read(job, job.task_id))
        return self._adopt_result(job) or self._adopt_task(job) or finish

    def _renew(self, job: Job) -> Step | None:
        """Links that died are made anew, where the gateway does that. None: nothing of the kind is needed or possible."""
        gateway = recoverer(job)
        if gateway is None:
            return None
        view = self.jobs.view(job.job_id) or JobView(job)
        if not expired(view):
            return None
        begun = self._now()
        at_work = Recovery(self.jobs, self.calls, self.clock)(view, gateway)
        if at_work:
            return self._wait_until(job, self._now() + self.pace.interval)
        if job.recovery_id or self._now() >= begun + HANGING_SECONDS:
            return self._conclude(job, job.state, NO_REASON, Ending.OPEN)
        return None

    # Ways on

    def _end(self, job: Job, verdict: JobState, fault: Fault) -> Step:
        self.jobs.decide(job, verdict, fault, now=self._now())
        return Step(job.job_id, "finish")

    def _wait_until(self, job: Job, then: int) -> Step:
        """Never past the deadline, and the due time follows, so that the sweep looks soon after a wake-up that never came."""
        now = self._now()
        if job.deadline_at > now:
            then = min(then, job.deadline_at)
        wait = max(1, then - now)
        if wait > self.pace.longest + CHECK_SECONDS:
            self.jobs.postpone(job.job_id, due_at=now + wait + self.pace.slack)
        return Step(job.job_id, "wait", wait)

    def _late(self, job: Job) -> bool:
        return job.terminal or self._now() >= job.deadline_at

    def _now(self) -> int:
        return int(self.clock())
