"""The submissions of a job: one conditional write per intent, so that none is paid for twice (I1)."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from suno_jobs.catalog.results import Result
from suno_jobs.errors import Conflict, ErrorCode, Fault, OverBounds
from suno_jobs.jobs.history import Wait
from suno_jobs.jobs.record import Attempt, Candidate, FileTerms, Item, Job, TaskEnd
from suno_jobs.jobs.states import JobState, WaitReason, may_become
from suno_jobs.jobs.waiting import news_of_task
from suno_jobs.storage.attribute_values import pack
from suno_jobs.storage.due_index import due
from suno_jobs.storage.job_changes import JobTable, cost_of, require_same_attempts, require_same_intent, set_order, with_history
from suno_jobs.storage.table import JOB, REQUEST, Pause, key, reasons
from suno_jobs.storage.task_owners import TaskOwners, adoption
from suno_jobs.storage.update_expressions import Change
from suno_jobs.storage.usage import Bounds, creation, job_usage_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

UNSETTLED = frozenset({JobState.ACCEPTED, JobState.SUBMITTING, JobState.SUBMIT_UNKNOWN})


class SubmissionStore(JobTable):
    """Each method may be repeated: it takes effect once or raises Conflict."""

    def __init__(self, client: DynamoDBClient, table: str, pause: Pause | None = None) -> None:
        super().__init__(client, table, pause)
        self._owners = TaskOwners(client, table, pause)

    def create(self, job: Job, request: Item, *, due_at: int, bounds: Bounds = MappingProxyType({})) -> bool:
        """Writes job and request together, the owner of an adopted task, and the usage of the tenant.

        False: the job exists already, or another job owns the task. Raises OverBounds, also if another request is creating the
        same job, and Conflict: another transaction has changed one of the items.
        """
        items = {JOB: job.to_item() | due(job.job_id, due_at), REQUEST: request}
        owner: Any = adoption(self._table, job)
        usage: Any = {"TableName": self._table, "Key": pack(job_usage_key(job)), **creation(job, bounds).arguments()}
        try:
            self._client.transact_write_items(
                TransactItems=[{"Update": usage}]
                + [
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": pack(key(job.job_id, sort) | item),
                            "ConditionExpression": "attribute_not_exists(pk)",
                        }
                    }
                    for sort, item in items.items()
                ]
                + owner
            )
        except self._client.exceptions.TransactionCanceledException as error:
            counted, *created = reasons(error)
            if "ConditionalCheckFailed" in created:
                return False
            if counted == "ConditionalCheckFailed":
                raise OverBounds("the tenant has used too much for another job") from error
            if "TransactionConflict" in (counted, *created):
                raise Conflict("another request of the tenant is creating a job") from error
            raise
        return True

    def begin_submission(
        self, job: Job, intent: str, file_terms: FileTerms, *, now: int, due_at: int, repeatable: bool = False
    ) -> Job:
        """Writes the intent before the gateway is called (I1). Conflict: a submission is in progress or settled, or a callback
        is unread.

        ``intent`` is new for every attempt. ``repeatable``: the request is stored, and the intent is its key. Account, model
        and listed cost of ``job`` are stored too. The call may be repeated with the same intent, as the AWS client does after a
        lost answer.
        """
        # While the outcome of a first submission is unknown, a second one does not change the state.
        unknown = job.state is JobState.SUBMIT_UNKNOWN
        state = JobState.SUBMIT_UNKNOWN if unknown else JobState.SUBMITTING
        begun = {"intent": intent, "attempts": (*job.attempts, Attempt(now, key=intent if repeatable else None))}
        change = Change(
            sets={"state": state, "file_terms": file_terms, **begun, **due(job.job_id, due_at)},
            removes=("submit_after", "wait_reason", "place"),
        )
        set_order(change, job).require_one_of("state", {state} if unknown else {JobState.ACCEPTED, state})
        change.require_absent("grace_until")
        change.require("#gateway = :gateway", "gateway", gateway=job.gateway)
        # As it was read: a refusal recorded since then has set another time.
        then = "attribute_not_exists(#submit_after)" if job.submit_after is None else "#submit_after = :then"
        values = {"mine": intent, "before": job.attempts} | ({} if job.submit_after is None else {"then": job.submit_after})
        # A callback that was not read yet may name a task of an earlier submission.
        first = f"attribute_not_exists(#intent) AND attribute_not_exists(#unread_callbacks) AND #attempts = :before AND {then}"
        names = ("intent", "unread_callbacks", "attempts", "submit_after")
        change.require(f"#intent = :mine OR ({first})", *names, **values)
        return self._change(job.job_id, with_history(change, job, state, now), now)

    def accept_task(  # noqa: PLR0913 - the parts of one write
        self,
        job: Job,
        task_id: str | None,
        *,
        now: int,
        due_at: int,
        attempt: int | None = None,
        end: TaskEnd | None = None,
        fault: Fault | None = None,
    ) -> Job:
        """Records the task of a submission that was accepted, or that a receipt revealed.

        ``attempt`` is the number of the submission; None: it is unknown (``Job.next_attempt``). ``end``: the answer contained
        the result, which is already recorded, or a ``fault``. A job that already has a task or has ended keeps its
        state. Conflict: the attempts or the state have changed since ``job`` was read.
        """
        if task_id is not None:
            # Before the job: if this function dies in between, the task already has its owner.
            self._claim_task(job, task_id)
        attempts, opens = list(job.attempts), job.state in UNSETTLED
        number = job.next_attempt if attempt is None else attempt
        at = attempts[number].at if number < len(attempts) else now
        key_of = attempts[number].key if number < len(attempts) else None
        attempts[number : number + 1] = [Attempt(at, task_id, end, True if end else None, key_of)]
        change = Change(sets={"attempts": attempts, **cost_of(job)})
        if not job.attempts:
            # The last submission, which was refused, may have been one to another gateway.
            set_order(change, job)
            change.sets = {**change.sets, "gateway": job.gateway, "expects": job.expects, "file_terms": job.file_terms}
        if opens or job.terminal:
            change.sets = {**change.sets, **due(job.job_id, due_at)}
        if opens:
            known = {"fault": fault} if fault else {}
            change.sets = {**change.sets, **known, "state": JobState.GENERATING}
            change.removes = (*change.removes, "intent", "grace_until", *(() if fault else ("fault",)))
        change.require_one_of("state", may_become(JobState.GENERATING) if opens else {job.state})
        with_history(change, job, JobState.GENERATING if opens else job.state, now)
        return self._settle(job, require_same_attempts(change, job), now)

    def _claim_task(self, job: Job, task_id: str) -> None:
        if task_id == job.adopts:
            self._owners.confirm_adopted(job, task_id)
        else:
            self._owners.claim_submitted(job, task_id)

    def record_unknown_task(self, job: Job, *, now: int) -> int:
        """Counts a read at which the gateway did not know the task to adopt. Returns how many there were."""
        change = Change(adds={"unknown_reads": 1}).require_one_of("state", UNSETTLED)
        return self._change(job.job_id, change, now).unknown_reads

    def take_place(self, job: Job, place: str, reason: WaitReason, *, until: int, now: int) -> None:
        """Records the job's place in the queue of its gateway account, and why it waits there until that time at the latest.

        The account is recorded with it, since the place is in the queue of that account.

        The history has a wait for a circuit breaker only. If the gateway has changed since ``job`` was read, nothing changes.
        """
        change = Change(sets={"place": place, "account": job.account, "wait_reason": reason}).require_one_of("state", UNSETTLED)
        if reason is WaitReason.CIRCUIT_BREAKER and job.wait_reason is not reason:
            # So that a repeated write adds no second line.
            change.require("attribute_not_exists(#wait_reason) OR #wait_reason <> :reason", "wait_reason", reason=reason)
            with_history(change, job, job.state, now, wait=Wait(reason, until))
        self._unless_conflict(job.job_id, change.require("#gateway = :read", "gateway", read=job.gateway), now)

    def refuse_submission(
        self, job: Job, fault: Fault, order: Sequence[Candidate], result: Result, *, now: int, due_at: int
    ) -> Job:
        """Takes back the job's intent: the gateway says that it created nothing.

        The first of ``order`` is asked next and yields ``result``; the others are kept for later. Conflict: the submission is
        not the one in ``job``, or is settled, or a callback came that may contradict the gateway.
        """
        reason = WaitReason.GATEWAY_KEY if fault.code is ErrorCode.AUTHENTICATION else WaitReason.REFUSAL
        change = self._switch_gateway(job, order, result, reason, due_at)
        change.sets = {**change.sets, "fault": fault, **({"maybe_charged": True} if job.maybe_charged else {})}
        wait = Wait(reason, max(order[0].after, now))
        return self._change(job.job_id, with_history(change, job, job.state, now, fault.code, wait=wait), now)

    def skip_gateway(
        self, job: Job, order: Sequence[Candidate], result: Result, reason: WaitReason, *, now: int, due_at: int
    ) -> Job:
        """As ``refuse_submission``, for a gateway to which nothing was sent. The history has only the first of equal waits."""
        change = self._switch_gateway(job, order, result, reason, due_at)
        if job.wait_reason is not reason:
            # So that a repeated write adds no second line.
            change.require("attribute_not_exists(#wait_reason) OR #wait_reason <> :reason", "wait_reason", reason=reason)
            with_history(change, job, job.state, now, wait=Wait(reason, max(order[0].after, now)))
        return self._change(job.job_id, change, now)

    def _switch_gateway(self, job: Job, order: Sequence[Candidate], result: Result, reason: WaitReason, due_at: int) -> Change:
        chosen, *others = order
        chosen_sets = {"gateway": chosen.gateway, "expects": result, "submit_after": chosen.after, "candidates": others}
        sets = {**chosen_sets, "attempts": job.earlier, "wait_reason": reason, **due(job.job_id, due_at)}
        change = Change(sets=sets, removes=("intent", "place"))
        change.require_one_of("state", UNSETTLED).require_absent("grace_until")
        change.require("#gateway = :read", "gateway", read=job.gateway)
        return require_same_intent(change.require_as_read("unread_callbacks", job.unread_callbacks), job)

    def lose_submission(self, job: Job, fault: Fault, *, grace_until: int, now: int, due_at: int) -> Job:
        """Records that the answer was lost; the grace period begins. Conflict: the submission is not the one in ``job``."""
        change = Change(
            sets={"state": JobState.SUBMIT_UNKNOWN, "fault": fault, "grace_until": grace_until, **due(job.job_id, due_at)},
            removes=("intent",),
        )
        change.require_one_of("state", {JobState.SUBMITTING, JobState.SUBMIT_UNKNOWN})
        wait = Wait(news_of_task(job), grace_until)
        with_history(change, job, JobState.SUBMIT_UNKNOWN, now, fault.code, wait=wait)
        return self._change(job.job_id, require_same_intent(change, job), now)

    def mark_callbacks_read(self, job: Job, *, now: int) -> bool:
        """Records that each task is known that the stored callbacks name. False: since ``job`` was read, another callback came,
        or another check began. Then an equal count may be that of other callbacks."""
        change = Change(removes=("unread_callbacks",)).require_as_read("checks", job.checks)
        try:
            self._change(job.job_id, change.require_as_read("unread_callbacks", job.unread_callbacks), now)
        except Conflict:
            return False
        return True

    def extend_file_terms(self, job: Job, file_terms: FileTerms, *, now: int) -> Job:
        """Records that a task of a job without attempts may be at a gateway that keeps files longer. Conflict: a task is known,
        or a submission is in progress."""
        change = require_same_intent(Change(sets={"file_terms": file_terms}), job)
        return self._change(job.job_id, change.require_one_of("state", {job.state}), now)

    def begin_repeat(self, job: Job, *, now: int, due_at: int) -> Job:
        """Records that the last submission, whose answer was lost, is repeated with its key. Conflict: it is lost no more."""
        change = Change(sets=due(job.job_id, due_at)).require_one_of("state", {JobState.SUBMIT_UNKNOWN})
        change.require("attribute_exists(#grace_until)", "grace_until")
        with_history(change, job, JobState.SUBMIT_UNKNOWN, now)
        return self._change(job.job_id, require_same_intent(change, job), now)

    def allow_resubmission(self, job: Job, *, now: int) -> Job:
        """Ends the wait for the task of a lost answer, so that the job may be submitted once more. Conflict: it may not."""
        change = Change(removes=("grace_until",))
        change.require_one_of("state", {JobState.SUBMIT_UNKNOWN})
        change.require("attribute_exists(#grace_until) AND #resubmit = :yes", "grace_until", "resubmit", yes=True)
        change.require("size(#attempts) = :once", "attempts", once=1)
        return self._change(job.job_id, change, now)
