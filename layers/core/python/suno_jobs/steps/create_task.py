"""Create Task: the only function that spends money, at most once per job (I1).

The intent is written first, on condition that there is no other one. Whatever happens afterwards, the record contains what
is known: a task, a refusal, or that the answer was lost. An invocation that finds the intent of another one submits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.results import Result
from suno_jobs.errors import Conflict, ErrorCode, Fault, GatewayUnreachable, NoSlot
from suno_jobs.gateways.protocol import Accepted, Ambiguous, Done, GatewayRequest, Refused, Source, Submission
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Candidate, Idle, Job
from suno_jobs.jobs.schedule import NextStep, PollingSchedule
from suno_jobs.jobs.states import JobState, WaitReason
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.lost_submission import LOST, intent_seconds
from suno_jobs.lifecycle.orders import with_order
from suno_jobs.lifecycle.task_reports import answer_end, record_report, with_distinct_ids
from suno_jobs.storage.jobs import UNSETTLED, JobStore
from suno_jobs.storage.receipts import ReceiptSource, ReceiptStore
from suno_jobs.traffic.accounts import Account, AccountReadFailed, AccountUnusable
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.circuit_breaker import CircuitBreaker
from suno_jobs.traffic.client import REPLY_SECONDS

YIELD_SECONDS = 1
"""A refused job tries this much later than the jobs that wait for the circuit breaker. Otherwise a request that is always
refused could be the probe of every round."""

SYNCHRONOUS_SECONDS = 270
"""How long a synchronous operation may take."""


def gateway_order(job: Job, now: int, again_at: int | None) -> list[Candidate]:
    """The gateways that may be asked next, the earliest first; the current one from ``again_at`` on, or never if that is None.

    A resubmission stays at the gateway of the first submission, whose callback may still arrive.
    """
    current = [] if again_at is None else [Candidate(job.gateway, again_at)]
    others = () if job.earlier else job.candidates
    return sorted([*others, *current], key=lambda each: max(each.after, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCreator:
    """Submits a job's request to its gateway. ``callback_url`` returns the URL that the gateway calls back."""

    jobs: JobStore
    receipts: ReceiptStore
    calls: GatewayCalls
    breaker: CircuitBreaker
    callback_url: Callable[[str, str], str]
    schedule: PollingSchedule
    grace_seconds: int
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def create_task(self, job_id: str) -> NextStep:
        """Submits the job if it is due. Repeating it is always safe. If there is nothing to submit, Check Task runs next."""
        job = self.jobs.get(job_id)
        if job is None or not self._may_submit(job):
            return _leave_to_check(job_id)
        try:
            return self._submit_once(job)
        except NoSlot as error:
            return NextStep(job_id, "wait", self.schedule.next_try_for_slot(job, error.seconds))
        except Conflict:
            # Another invocation has the intent, or Check Task was faster than the gateway's answer: it adopted the task
            # that a callback named, or ended the job.
            return _leave_to_check(job_id)

    def _submit_once(self, job: Job) -> NextStep:
        if wait := self.breaker.wait(job.gateway):
            return self._skip_gateway(job, wait)
        try:
            account = self.calls.account(job)
        except AccountReadFailed:
            return self._wait_for_key(job)
        except AccountUnusable as error:
            return self._refuse(job, Refused(Fault(ErrorCode.AUTHENTICATION, str(error))))
        stored = self.jobs.request(job.job_id)
        job_input = INPUTS[job.kind].model_validate(stored["input"])
        request = GATEWAYS[job.gateway].request(
            job.kind,
            job_input,
            sources=[Source(**source) for source in stored["sources"]],
            callback_url=self.callback_url(job.gateway, job.job_id),
        )
        self.calls.take_slot(job)
        if not self.breaker.enter(job.gateway):
            return self._skip_gateway(job, self.breaker.open_seconds)
        now = self._now()
        due_at = now + intent_seconds(job) + self.schedule.slack
        intent, terms = self.random_bytes(8).hex(), file_terms(job.gateway)
        job = self.jobs.begin_submission(with_order(job, job_input), intent, terms, now=now, due_at=due_at)
        return self._send(job, account, request)

    def _skip_gateway(self, job: Job, wait: int) -> NextStep:
        """This gateway's circuit breaker is open: another gateway is asked, or this one after the wait."""
        now = self._now()
        candidates = gateway_order(job, now, now + wait + (YIELD_SECONDS if job.fault else 0))
        then = max(now + 1, min(candidates[0].after, job.deadline_at))
        result, due_at = _result(job, candidates[0]), then + self.schedule.slack
        self.jobs.skip_gateway(job, candidates, result, WaitReason.CIRCUIT_BREAKER, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", then - now)

    def _wait_for_key(self, job: Job) -> NextStep:
        """The accounts of all gateways are in one secret, so no other gateway is asked."""
        now, wait = self._now(), self.schedule.backoff(job)
        order = [Candidate(job.gateway, now + wait), *job.candidates]
        due_at = now + wait + self.schedule.slack
        self.jobs.skip_gateway(job, order, job.expects, WaitReason.GATEWAY_KEY, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", wait)

    def _may_submit(self, job: Job) -> bool:
        if not isinstance(submission := job.submission, Idle) or job.verdict or job.state not in UNSETTLED:
            return False
        return submission.submit_after <= self._now() < job.deadline_at

    def _send(self, job: Job, account: Account, request: GatewayRequest) -> NextStep:
        """The one paid request. Its outcome is recorded before its receipt, since the job matters more than the evidence."""
        try:
            reply = self.calls.send(job, account, request, SYNCHRONOUS_SECONDS if _is_synchronous(job) else REPLY_SECONDS)
        except GatewayUnreachable as error:
            fault = Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True)
            step = self._lose(job, fault) if error.sent else self._refuse(job, Refused(fault, may_retry=True))
            self._record_outcome(job, fault)
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
            self._record_outcome(job, submission.fault if isinstance(submission, Refused | Ambiguous) else None)

    def _record_outcome(self, job: Job, fault: Fault | None) -> None:
        self.calls.record_outcome(job, fault)
        self.breaker.record(job.gateway, fault)

    def _record(self, job: Job, submission: Submission) -> NextStep:
        if isinstance(submission, Accepted):
            return self._accept(job, submission.task_id)
        if isinstance(submission, Done):
            return self._finish(job, submission)
        if isinstance(submission, Refused):
            return self._refuse(job, submission)
        return self._lose(job, submission.fault)

    def _accept(self, job: Job, task_id: str) -> NextStep:
        now = self._now()
        wait = self.schedule.next_check(job, now, calls_back=GATEWAYS[job.gateway].calls_back)
        due_at = now + wait + self.schedule.slack
        number = len(job.attempts) - 1
        try:
            self.jobs.accept_task(job, task_id, attempt=number, now=now, due_at=due_at)
        except Conflict:
            # The job ended, got another task or was submitted again while the gateway answered. This task is paid for as well.
            latest = self.jobs.get(job.job_id)
            if latest is None or task_id in latest.tasks or not latest.attempts[number].lost:
                raise
            self.jobs.accept_task(latest, task_id, attempt=number, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", wait)

    def _finish(self, job: Job, done: Done) -> NextStep:
        """The answer is the result and cannot be read again, so it is recorded before anything else."""
        number, report = len(job.attempts) - 1, done.report
        record_report(self.jobs, job, number, with_distinct_ids(self.jobs, job, number, report))
        job = replace(job, cost=report.cost or job.cost)
        now = self._now()
        due_at, end = now + self.schedule.slack, answer_end(report)
        self.jobs.accept_task(job, done.task_id, attempt=number, now=now, due_at=due_at, end=end, fault=report.fault)
        return _leave_to_check(job.job_id)

    def _refuse(self, job: Job, refused: Refused) -> NextStep:
        now = self._now()
        wait = max(self.schedule.backoff(job), math.ceil(refused.retry_after_seconds or 0)) + YIELD_SECONDS
        # If the key was just replaced, the next submission uses the new one.
        again = refused.may_retry or (refused.fault.code is ErrorCode.AUTHENTICATION and self.calls.account_renewed())
        candidates = gateway_order(job, now, now + wait if again else None)
        if not candidates or candidates[0].after >= job.deadline_at:
            # This submission certainly created nothing. Whether an earlier one did is unknown.
            verdict, fault = (JobState.TIMED_OUT, LOST) if job.earlier else (JobState.FAILED, refused.fault)
            # A synchronous operation may have been carried out, and charged, before its gateway answered with an error.
            known = job.attempts if _is_synchronous(job) else job.earlier
            self.jobs.decide(job, verdict, fault, now=now, attempts=known)
            return _leave_to_check(job.job_id)
        then = max(candidates[0].after, now + 1)
        result, due_at = _result(job, candidates[0]), then + self.schedule.slack
        self.jobs.refuse_submission(job, refused.fault, candidates, result, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", then - now)

    def _lose(self, job: Job, fault: Fault) -> NextStep:
        now = self._now()
        until = min(now + self.grace_seconds, job.deadline_at)
        fault = Fault(LOST.code, f"{LOST.message} ({fault.message})", gateway_code=fault.gateway_code, trace_id=fault.trace_id)
        self.jobs.lose_submission(job, fault, grace_until=until, now=now, due_at=until + self.schedule.slack)
        return NextStep(job.job_id, "wait", max(1, until - now))

    def _now(self) -> int:
        return int(self.clock())


def _result(job: Job, chosen: Candidate) -> Result:
    return GATEWAYS[chosen.gateway].kinds[job.kind].result


def _is_synchronous(job: Job) -> bool:
    return GATEWAYS[job.gateway].kinds[job.kind].synchronous


def _leave_to_check(job_id: str) -> NextStep:
    return NextStep(job_id, "wait", 1)
