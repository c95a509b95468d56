"""Create Task: the only place that spends money, and it does so at most once (I1).

The intent is written first, on condition that no other intent stands. From then on every end of this code leaves a state that
says what is known: a task, a refusal, or that the answer was lost. Whoever finds the intent of somebody else submits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from suno_jobs.breaker import Breaker
from suno_jobs.calls import AccountUnread, AccountUnusable, GatewayCalls
from suno_jobs.errors import Conflict, ErrorCode, Fault, GatewayUnreachable, NoSlot
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Accepted, Ambiguous, Done, GatewayRequest, Refused, Result, Source, Submission
from suno_jobs.gateways.wire import REPLY_SECONDS, Account
from suno_jobs.kinds import INPUTS
from suno_jobs.models import Candidate, Job
from suno_jobs.receipts import ReceiptSource, ReceiptStore
from suno_jobs.reports import record_report
from suno_jobs.store import UNSETTLED, JobStore
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Pace, Step

YIELD_SECONDS = 1
"""So much later than those who wait for the breaker comes who was refused: one request that is always refused must not be
the probe of every round."""

SUBMIT_SECONDS = 60
"""An intent that is older counts as lost. Should its function live on after all, its answer is still taken."""

LONG_SUBMIT_SECONDS = 330
"""The same for an operation that is answered with its result: longer than the function that makes it can live."""

SYNCHRONOUS_SECONDS = 270
"""How long an operation may take that is answered with its result."""

LOST = Fault(
    ErrorCode.AMBIGUOUS,
    "The gateway's answer to the submission was lost. A song may have been generated and charged.",
)


def turn(job: Job, now: int, again_at: int | None) -> list[Candidate]:
    """The gateways that may be asked next, the one that may be asked first in front; the present one from ``again_at`` on.

    A second submission after a lost one stays where the first one went: its callback may still come.
    """
    present = [] if again_at is None else [Candidate(job.gateway, again_at)]
    others = () if job.resubmitted else job.candidates
    return sorted([*others, *present], key=lambda each: max(each.after, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Submits a job's request to its gateway. ``callback_url`` makes the URL that the gateway is to call."""

    jobs: JobStore
    receipts: ReceiptStore
    calls: GatewayCalls
    breaker: Breaker
    callback_url: Callable[[str, str], str]
    pace: Pace
    grace_seconds: int
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def __call__(self, job_id: str) -> Step:
        """Repeating it is always safe. Where nothing is to be submitted, the step only leads on to the check."""
        job = self.jobs.get(job_id)
        if job is None or not self._may_submit(job):
            return _leave_to_check(job_id)
        try:
            return self._submit_once(job)
        except NoSlot as error:
            return Step(job_id, "wait", self.pace.turn(job, error.seconds))
        except Conflict:
            # Another run of this function holds the intent, or the check was faster than the gateway's answer: it adopted
            # the task that a callback named, or ended the job.
            return _leave_to_check(job_id)

    def _submit_once(self, job: Job) -> Step:
        if wait := self.breaker.wait(job.gateway):
            return self._pass_over(job, wait)
        try:
            account = self.calls.account(job)
        except AccountUnread:
            return Step(job.job_id, "wait", self.pace.step(job))
        except AccountUnusable as error:
            if self.calls.account_renewed():
                return Step(job.job_id, "wait", self.pace.step(job))
            return self._refuse(job, Refused(Fault(ErrorCode.AUTHENTICATION, str(error))))
        stored = self.jobs.request(job.job_id)
        request = GATEWAYS[job.gateway].request(
            job.kind,
            INPUTS[job.kind].model_validate(stored["input"]),
            sources=[Source(**source) for source in stored["sources"]],
            callback_url=self.callback_url(job.gateway, job.job_id),
        )
        self.calls.take_slot(job)
        if not self.breaker.enter(job.gateway):
            return self._pass_over(job, self.breaker.open_seconds)
        now = self._now()
        due_at = now + intent_seconds(job) + self.pace.slack
        job = self.jobs.begin_submission(job, self.random_bytes(8).hex(), now=now, due_at=due_at)
        return self._send(job, account, request)

    def _pass_over(self, job: Job, wait: int) -> Step:
        """The breaker of this gateway is open: another one is asked, or this one when the time has come."""
        now = self._now()
        candidates = turn(job, now, now + wait + (YIELD_SECONDS if job.fault else 0))
        then = max(now + 1, min(candidates[0].after, job.deadline_at))
        result, due_at = _result(job, candidates[0]), then + self.pace.slack
        self.jobs.pass_over(job, candidates, result, now=now, due_at=due_at)
        return Step(job.job_id, "wait", then - now)

    def _may_submit(self, job: Job) -> bool:
        nothing_stands = (job.intent, job.verdict, job.grace_until) == (None, None, None)
        due = (job.submit_after or 0) <= self._now() < job.deadline_at
        return job.state in UNSETTLED and nothing_stands and due

    def _send(self, job: Job, account: Account, request: GatewayRequest) -> Step:
        """The one paid request. What came of it is recorded before its receipt: the job matters more than the evidence."""
        try:
            synchronous = GATEWAYS[job.gateway].kinds[job.kind].synchronous
            reply = self.calls.send(job, account, request, SYNCHRONOUS_SECONDS if synchronous else REPLY_SECONDS)
        except GatewayUnreachable as error:
            fault = Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True)
            step = self._lose(job, fault) if error.sent else self._refuse(job, Refused(fault, again=True))
            self._note(job, fault)
            return step
        submission = GATEWAYS[job.gateway].read_submission(job.kind, reply)
        recorded = False
        try:
            step = self._record(job, submission)
            recorded = isinstance(submission, Accepted)
            return step
        finally:
            if not recorded:
                self.receipts.record(job.job_id, ReceiptSource.SUBMISSION, reply.body, now=self._now(), status=reply.status)
            self._note(job, submission.fault if isinstance(submission, Refused | Ambiguous) else None)

    def _note(self, job: Job, fault: Fault | None) -> None:
        self.calls.note(job, fault)
        self.breaker.note(job.gateway, fault)

    def _record(self, job: Job, submission: Submission) -> Step:
        if isinstance(submission, Accepted):
            return self._accept(job, submission.task_id)
        if isinstance(submission, Done):
            return self._finish(job, submission)
        if isinstance(submission, Refused):
            return self._refuse(job, submission)
        return self._lose(job, submission.fault)

    def _accept(self, job: Job, task_id: str) -> Step:
        now = self._now()
        wait = self.pace.wait(job, now)
        due_at = now + wait + self.pace.slack
        try:
            self.jobs.accept_task(job, task_id, now=now, due_at=due_at)
        except Conflict:
            latest = self.jobs.get(job.job_id)
            if latest is None or latest.state is not JobState.TIMED_OUT or latest.task_id:
                raise
            # This function stood still for so long that the job was given up: the song was paid for all the same.
            self.jobs.accept_task(latest, task_id, now=now, due_at=due_at)
        return Step(job.job_id, "wait", wait)

    def _finish(self, job: Job, done: Done) -> Step:
        """The answer is the result, and cannot be read a second time: it is recorded before anything else."""
        record_report(self.jobs, job, done.report)
        now = self._now()
        due_at = now + self.pace.slack
        self.jobs.accept_task(job, done.task_id, now=now, due_at=due_at, done=True, fault=done.report.fault)
        return _leave_to_check(job.job_id)

    def _refuse(self, job: Job, refused: Refused) -> Step:
        now = self._now()
        wait = max(self.pace.step(job), math.ceil(refused.retry_after_seconds or 0)) + YIELD_SECONDS
        # A key that was just replaced: the next submission goes out with the new one.
        again = refused.again or (refused.fault.code is ErrorCode.AUTHENTICATION and self.calls.account_renewed())
        candidates = turn(job, now, now + wait if again else None)
        if not candidates or candidates[0].after >= job.deadline_at:
            # This submission made nothing for certain; of one before it nobody knows.
            verdict, fault = (JobState.TIMED_OUT, LOST) if job.resubmitted else (JobState.FAILED, refused.fault)
            self.jobs.decide(job, verdict, fault, now=now)
            return _leave_to_check(job.job_id)
        then = max(candidates[0].after, now + 1)
        result, due_at = _result(job, candidates[0]), then + self.pace.slack
        self.jobs.refuse_submission(job, refused.fault, candidates, result, now=now, due_at=due_at)
        return Step(job.job_id, "wait", then - now)

    def _lose(self, job: Job, fault: Fault) -> Step:
        now = self._now()
        until = min(now + self.grace_seconds, job.deadline_at)
        fault = Fault(LOST.code, f"{LOST.message} ({fault.message})", gateway_code=fault.gateway_code, trace_id=fault.trace_id)
        self.jobs.lose_submission(job, fault, grace_until=until, now=now, due_at=until + self.pace.slack)
        return Step(job.job_id, "wait", max(1, until - now))

    def _now(self) -> int:
        return int(self.clock())


def intent_seconds(job: Job) -> int:
    """How long the intent of this job is waited for."""
    return LONG_SUBMIT_SECONDS if GATEWAYS[job.gateway].kinds[job.kind].synchronous else SUBMIT_SECONDS


def _result(job: Job, chosen: Candidate) -> Result:
    return GATEWAYS[chosen.gateway].kinds[job.kind].result


def _leave_to_check(job_id: str) -> Step:
    return Step(job_id, "wait", 1)
