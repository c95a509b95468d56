"""Create Task: the only function that spends money, once per job unless its client has allowed a second time (I1).

The intent is written first, on condition that there is no other one. Whatever happens afterwards, the record contains what
is known: a task, a refusal, or that the answer was lost. An invocation that finds the intent of another one submits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.results import Result
from suno_jobs.errors import Conflict, ErrorCode, Fault, GatewayUnreachable, NoPlace, NoSlot
from suno_jobs.gateways.protocol import Accepted, Ambiguous, Done, GatewayReply, GatewayRequest, Refused, Source, Submission
from suno_jobs.gateways.registry import GATEWAYS, gateway_of
from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import Candidate, Idle, Item, Job, JobView
from suno_jobs.jobs.schedule import NextStep, PollingSchedule
from suno_jobs.jobs.states import Charged, JobState, WaitReason
from suno_jobs.lifecycle.ending import end_job
from suno_jobs.lifecycle.later_versions import is_known
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.lost_submission import LOST, SUBMIT_SECONDS, intent_seconds
from suno_jobs.lifecycle.orders import with_order
from suno_jobs.lifecycle.repeats import Repeats, may_repeat, repeat_until
from suno_jobs.lifecycle.task_reports import answer_end, record_report, with_distinct_ids
from suno_jobs.runtime import telemetry
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptSource, ReceiptStore
from suno_jobs.storage.submissions import UNSETTLED
from suno_jobs.traffic.accounts import Account, AccountReadFailed, AccountUnusable
from suno_jobs.traffic.admission import SOONEST_SECONDS, Admission, Turn
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.client import REPLY_SECONDS
from suno_jobs.traffic.rate_limiter import SUBMISSION_AHEAD_SECONDS
from suno_jobs.traffic.sandbox import GRACE_SECONDS, SandboxCalls, sandbox_admission, sandbox_schedule

SYNCHRONOUS_SECONDS = 270
"""How long a synchronous operation may take."""

PATIENCE_SECONDS = 15
"""How long a function waits for the turn of its job. Its next run would begin seconds late, and cost three transitions."""

INTENT_SECONDS = 0.1
"""How far ahead a slot is at least, since the intent is written before the request leaves."""

QUEUE_TOO_LONG = Fault(
    ErrorCode.DEADLINE_EXCEEDED,
    "More jobs wait for the gateway than its rate limit permits before the job's deadline. Nothing was charged.",
    retryable=True,
)


def gateway_order(job: Job, now: int, again_at: int | None) -> list[Candidate]:
    """The gateways that may be asked next, the earliest first; the current one from ``again_at`` on, or never if that is None.

    A resubmission stays at the gateway of the first submission, whose callback may still arrive. A later version may have
    added a gateway that this one cannot ask.
    """
    current = [] if again_at is None else [Candidate(job.gateway, again_at)]
    others = () if job.earlier else [each for each in job.candidates if each.gateway in GATEWAYS]
    return sorted([*others, *current], key=lambda each: max(each.after, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCreator:
    """Submits a job's request to its gateway. ``callback_url`` returns the URL that the gateway calls back."""

    jobs: JobStore
    receipts: ReceiptStore
    calls: GatewayCalls
    admission: Admission
    callback_url: Callable[[str, str], str]
    schedule: PollingSchedule
    grace_seconds: int
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    repeats: Repeats

    def create_task(self, job_id: str) -> NextStep:
        """Submits the job if it is due. Repeating it is always safe. If there is nothing to submit, Check Task runs next."""
        job = self.jobs.get(job_id)
        job = job if job and is_known(job) else None
        repeat = job is not None and may_repeat(job, self._now())
        if job is None or not (repeat or self._may_submit(job)):
            return _leave_to_check(job_id)
        try:
            return self._repeat(job) if repeat else self._submit_once(job)
        except Conflict:
            # Another invocation has the intent, or Check Task was faster than the gateway's answer: it adopted the task
            # that a callback named, or ended the job.
            return _leave_to_check(job_id)
        except NoPlace as error:
            telemetry.log.warning("no place in the queue yet", job_id=job_id, gateway=job.gateway, reason=str(error))
            wait = min(self.schedule.next_try_for_place(job), job.deadline_at - self._now())
            return NextStep(job_id, "wait", max(1, wait))

    def _submit_once(self, job: Job) -> NextStep:
        # A job with a place stays at the account whose queue that is, and its request is read when it is submitted.
        stored = None if job.place else self.jobs.request(job.job_id)
        try:
            job = job if stored is None else self.calls.with_account(job, stored.get("account"))
            account = self.calls.account(job)
        except AccountReadFailed:
            return self._wait_for_key(job)
        except AccountUnusable as error:
            return self._refuse(job, Refused(Fault(ErrorCode.AUTHENTICATION, str(error))))
        job, turn, slot = self._take_turn(job, account)
        if slot is None:
            return self._wait_for_turn(job, turn)
        if not self.admission.enter(job, turn):
            return self._wait_for_turn(job, replace(turn, seconds=SOONEST_SECONDS))
        job, request = self._request(job, stored or self.jobs.request(job.job_id))
        waiting = job
        job, request = self._begin(job, turn, account, request)
        # Not earlier: a slow deletion would delay the intent. If this function dies here, the entry is passed like any other.
        self.admission.queue.leave(waiting)
        try:
            self.calls.wait_for_slot(job, slot, job.deadline_at)
        except NoSlot as error:
            # Nothing was sent, so the intent is taken back, and no task is in flight.
            self.admission.withdraw(job, turn)
            now = self._now()
            return self._skip_gateway(job, gateway_order(job, now, now + math.ceil(error.seconds)), WaitReason.RATE_LIMIT)
        return self._send(job, turn, account, request)

    def _take_turn(self, job: Job, account: Account) -> tuple[Job, Turn, float | None]:
        """The job's slot, or how long it has to wait. If only the rate holds it and its turn is near, the function waits."""
        until = min(self.clock() + PATIENCE_SECONDS, job.deadline_at - 1)
        while True:
            turn, slot = self._ask(job, account.max_tasks)
            held = turn.hold.seconds or turn.room.limit is not None
            if slot is not None or held or self.clock() + turn.seconds > until:
                return job, turn, slot
            job = job if job.place else self._keep_place(job, turn, turn.seconds)
            self.calls.sleep(turn.seconds)

    def _ask(self, job: Job, max_tasks: int | None) -> tuple[Turn, float | None]:
        turn = self.admission.ask(job, max_tasks)
        if turn.seconds:
            return turn, None
        try:
            slot = self.calls.reserve_slot(job, SUBMISSION_AHEAD_SECONDS, job.deadline_at, lead=INTENT_SECONDS)
        except NoSlot as error:
            return replace(turn, seconds=math.ceil(error.seconds)), None
        return turn, slot

    def _repeat(self, job: Job) -> NextStep:
        """The stored request with the same key, on the same account. No answer but a task says anything about the first one."""
        now, wait, until = self._now(), self._next_repeat(job), repeat_until(job) or 0
        try:
            account = self.calls.account(job)
            request = self.repeats.find(job, account)
            if request is None:
                return NextStep(job.job_id, "wait", wait)
            slot = self.calls.reserve_slot(job, until=until, lead=INTENT_SECONDS)
            due_at = self.schedule.overdue_at(job, now + SUBMIT_SECONDS + wait)
            job = self.jobs.submissions.begin_repeat(job, now=now, due_at=due_at)
            self.calls.wait_for_slot(job, slot, until)
        except (AccountUnusable, NoSlot):
            return NextStep(job.job_id, "wait", wait)
        try:
            reply = self.calls.send(job, account, request)
        except GatewayUnreachable as error:
            self.calls.record_outcome(job, Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True))
            return NextStep(job.job_id, "wait", wait)
        submission = gateway_of(job).read_submission(job.kind, reply)
        self.calls.record_outcome(job, submission.fault if isinstance(submission, Refused | Ambiguous) else None)
        if isinstance(submission, Accepted):
            step = self._accept(job, submission.task_id)
            self.calls.concurrency.found(job)
            return step
        self._keep_reply(job, reply)
        if isinstance(submission, Refused | Ambiguous) and submission.retry_after_seconds:
            now, wait = self._now(), self._next_repeat(job, submission.retry_after_seconds)
            self.jobs.signals.postpone(job.job_id, due_at=self.schedule.overdue_at(job, now + wait))
        return NextStep(job.job_id, "wait", wait)

    def _next_repeat(self, job: Job, retry_after: float | None = None) -> int:
        return max(1, min(self.schedule.pause(job, retry_after), job.deadline_at - self._now()))

    def _begin(self, job: Job, turn: Turn, account: Account, request: GatewayRequest) -> tuple[Job, GatewayRequest]:
        """Writes the intent, and before it the request if it may be repeated. Returns the request as it is sent. Raises
        Conflict."""
        now = self._now()
        due_at = self.schedule.overdue_at(job, now + intent_seconds(job))
        intent, terms = self.random_bytes(8).hex(), file_terms(gateway_of(job))
        keyed = self.repeats.keep(job, account, request, intent, now=now)
        repeatable = keyed is not None
        try:
            job = self.jobs.submissions.begin_submission(job, intent, terms, now=now, due_at=due_at, repeatable=repeatable)
        except Conflict:
            # Another invocation may have submitted the job, so only the probe is taken back, not its task in flight.
            self.admission.breaker.withdraw(job, turn.hold)
            raise
        return job, keyed or request

    def _request(self, job: Job, stored: Item) -> tuple[Job, GatewayRequest]:
        """The request to the job's gateway, and the job with the model and the cost of this request."""
        if not stored:
            raise Conflict("the job was deleted")
        job_input = INPUTS[job.kind].model_validate(stored["input"])
        request = gateway_of(job).request(
            job.kind,
            job_input,
            sources=[Source(**source) for source in stored["sources"]],
            callback_url=self.callback_url(job.gateway, job.job_id),
        )
        return with_order(job, job_input), request

    def _wait_for_turn(self, job: Job, turn: Turn) -> NextStep:
        """The job keeps its place in the queue. While a circuit breaker is open, another gateway is asked if that is sooner."""
        now = self._now()
        order = gateway_order(job, now, now + turn.seconds)
        if turn.hold.seconds and order[0].gateway != job.gateway:
            self.admission.queue.leave(job)
            return self._skip_gateway(job, order, WaitReason.CIRCUIT_BREAKER)
        if not job.earlier and self.admission.comes_too_late(job, turn):
            self.admission.queue.leave(job)
            fault = QUEUE_TOO_LONG if job.charged is Charged.NO else job.fault or LOST
            end_job(self.jobs, JobView(job), JobState.TIMED_OUT, fault, now=now)
            return _leave_to_check(job.job_id)
        wait = max(1, min(turn.seconds, self.schedule.slack, job.deadline_at - now))
        self._keep_place(job, turn, wait)
        return NextStep(job.job_id, "wait", wait)

    def _keep_place(self, job: Job, turn: Turn, wait: int) -> Job:
        """The job with its place in the queue."""
        now = self._now()
        place = self.admission.wait(job, turn, now + wait)
        reason = WaitReason.CIRCUIT_BREAKER if turn.hold.seconds else WaitReason.RATE_LIMIT
        if (place, reason) != (job.place, job.wait_reason):
            self.jobs.submissions.take_place(job, place, reason, until=now + wait, now=now)
        return replace(job, place=place, wait_reason=reason)

    def _skip_gateway(self, job: Job, candidates: list[Candidate], reason: WaitReason) -> NextStep:
        """Nothing was sent to this gateway: the first of the candidates is asked."""
        now = self._now()
        then = max(now + 1, min(candidates[0].after, job.deadline_at))
        result, due_at = _result(job, candidates[0]), self.schedule.overdue_at(job, then)
        self.jobs.submissions.skip_gateway(job, candidates, result, reason, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", then - now)

    def _wait_for_key(self, job: Job) -> NextStep:
        """The accounts of all gateways are in one secret, so no other gateway is asked."""
        now, wait = self._now(), self.schedule.backoff(job)
        order = [Candidate(job.gateway, now + wait), *job.candidates]
        due_at = self.schedule.overdue_at(job, now + wait)
        self.jobs.submissions.skip_gateway(job, order, job.expects, WaitReason.GATEWAY_KEY, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", wait)

    def _may_submit(self, job: Job) -> bool:
        if not isinstance(submission := job.submission, Idle) or job.state not in UNSETTLED or job.adopts:
            return False
        return submission.submit_after <= self._now() < job.deadline_at

    def _send(self, job: Job, turn: Turn, account: Account, request: GatewayRequest) -> NextStep:
        """The one paid request. Its outcome is recorded before its receipt, since the job matters more than the evidence."""
        if job.mode is Mode.LIVE:
            telemetry.count("Submissions", gateway=job.gateway)
        try:
            reply = self.calls.send(job, account, request, SYNCHRONOUS_SECONDS if _is_synchronous(job) else REPLY_SECONDS)
        except GatewayUnreachable as error:
            fault = Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True)
            step = self._lose(job, fault) if error.sent else self._refuse(job, Refused(fault, may_retry=True))
            self._record_outcome(job, turn, fault, self._lost_until(job) if error.sent else None)
            return step
        submission = gateway_of(job).read_submission(job.kind, reply)
        recorded = False
        try:
            step = self._record(job, submission)
            recorded = isinstance(submission, Accepted)
            return step
        finally:
            if not recorded:
                self._keep_reply(job, reply)
            failed = submission.fault if isinstance(submission, Refused | Ambiguous) else None
            self._record_outcome(job, turn, failed, self._in_flight_until(job, submission))

    def _keep_reply(self, job: Job, reply: GatewayReply) -> None:
        now, source = self._now(), ReceiptSource.SUBMISSION
        self.receipts.record(job.job_id, source, reply.body, gateway=job.gateway, now=now, status=reply.status)

    def _record_outcome(self, job: Job, turn: Turn, fault: Fault | None, in_flight_until: int | None) -> None:
        self.calls.record_outcome(job, fault)
        self.admission.record(job, turn, fault, in_flight_until=in_flight_until)

    def _in_flight_until(self, job: Job, submission: Submission) -> int | None:
        if isinstance(submission, Ambiguous):
            return self._lost_until(job)
        return job.deadline_at if isinstance(submission, Accepted) else None

    def _lost_until(self, job: Job) -> int:
        """Until when the task of a lost answer counts: then its callback is overdue, so that there probably is none."""
        return min(self._now() + self.schedule.first_check, job.deadline_at)

    def _record(self, job: Job, submission: Submission) -> NextStep:
        if isinstance(submission, Accepted):
            return self._accept(job, submission.task_id)
        if isinstance(submission, Done):
            return self._finish(job, submission)
        if isinstance(submission, Refused):
            return self._refuse(job, self._unless_key_is_old(submission))
        return self._lose(job, submission.fault, submission.retry_after_seconds)

    def _unless_key_is_old(self, refused: Refused) -> Refused:
        """A refused key is final only if the accounts secret still has it after the refusal: it may have been replaced."""
        refused_key = refused.fault.code is ErrorCode.AUTHENTICATION
        return replace(refused, may_retry=True) if refused_key and self.calls.account_renewed() is not False else refused

    def _accept(self, job: Job, task_id: str) -> NextStep:
        now = self._now()
        wait = self.schedule.next_check(job, now, calls_back=gateway_of(job).calls_back)
        due_at = self.schedule.overdue_at(job, now + wait)
        number = len(job.attempts) - 1
        try:
            self.jobs.submissions.accept_task(job, task_id, attempt=number, now=now, due_at=due_at)
        except Conflict:
            # The job ended, got another task or was submitted again while the gateway answered. This task is paid for as well.
            latest = self.jobs.get(job.job_id)
            if latest is None or task_id in latest.tasks:
                raise
            mine = number if latest.attempts[number].lost else None
            self.jobs.submissions.accept_task(latest, task_id, attempt=mine, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", wait)

    def _finish(self, job: Job, done: Done) -> NextStep:
        """The answer is the result and cannot be read again, so it is recorded before anything else."""
        number, report = len(job.attempts) - 1, done.report
        record_report(self.jobs, job, number, with_distinct_ids(self.jobs, job, number, report))
        job = replace(job, cost=report.cost or job.cost)
        now = self._now()
        due_at, end = now + self.schedule.slack, answer_end(report)
        self.jobs.submissions.accept_task(
            job, done.task_id, attempt=number, now=now, due_at=due_at, end=end, fault=report.fault
        )
        return _leave_to_check(job.job_id)

    def _refuse(self, job: Job, refused: Refused) -> NextStep:
        now = self._now()
        wait = self.schedule.jittered(job, self.schedule.pause(job, refused.retry_after_seconds))
        candidates = gateway_order(job, now, now + wait if refused.may_retry else None)
        # Such an operation may have been carried out, and charged, before its gateway answered with an error.
        synchronous = _is_synchronous(job)
        if not candidates or candidates[0].after >= job.deadline_at:
            # This submission certainly created nothing. Whether an earlier one did is unknown.
            state, fault = (JobState.TIMED_OUT, LOST) if job.earlier else (JobState.FAILED, refused.fault)
            known = job.attempts if synchronous else job.earlier
            end_job(self.jobs, JobView(job), state, fault, now=now, attempts=known)
            return _leave_to_check(job.job_id)
        if synchronous and not refused.may_retry:
            job = replace(job, maybe_charged=True)
        then = max(candidates[0].after, now + 1)
        result, due_at = _result(job, candidates[0]), self.schedule.overdue_at(job, then)
        self.jobs.submissions.refuse_submission(job, refused.fault, candidates, result, now=now, due_at=due_at)
        return NextStep(job.job_id, "wait", then - now)

    def _lose(self, job: Job, fault: Fault, retry_after: float | None = None) -> NextStep:
        now = self._now()
        until = min(now + self.grace_seconds, job.deadline_at)
        fault = Fault(LOST.code, f"{LOST.message} ({fault.message})", gateway_code=fault.gateway_code, trace_id=fault.trace_id)
        wait = self._next_repeat(job, retry_after) if repeat_until(job) else max(1, until - now)
        self.jobs.submissions.lose_submission(
            job, fault, grace_until=until, now=now, due_at=self.schedule.overdue_at(job, now + wait)
        )
        return NextStep(job.job_id, "wait", wait)

    def _now(self) -> int:
        return int(self.clock())


def in_sandbox(creator: TaskCreator) -> TaskCreator:
    """The same for jobs in test mode, without a way to a gateway."""
    calls = SandboxCalls(clock=creator.clock, sleep=creator.calls.sleep)
    return replace(
        creator,
        calls=calls,
        admission=sandbox_admission(calls),
        callback_url=lambda _, job_id: job_id,
        schedule=sandbox_schedule(creator.schedule),
        grace_seconds=GRACE_SECONDS,
    )


def _result(job: Job, chosen: Candidate) -> Result:
    return GATEWAYS[chosen.gateway].kinds[job.kind].result


def _is_synchronous(job: Job) -> bool:
    return GATEWAYS[job.gateway].kinds[job.kind].synchronous


def _leave_to_check(job_id: str) -> NextStep:
    return NextStep(job_id, "wait", 1)
