"""Signals: the handshake between a caller that has news for a job and the execution that waits for it.

A signal is the attribute ``signalled`` with its cause; the last one counts. Await Signal stores its task token only while
there is none, so a signal ends either the current wait or the next one.

A caller that signals takes the task token, and marks it as taken (``token_taken``). The token stays in the job until the check
that follows: if the answer to the write is lost, the AWS client repeats the write, and gets the token from the repetition.

This module is all that the callback function needs of the jobs table besides receipts, so it does not load the job record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from suno_jobs.errors import Conflict
from suno_jobs.jobs.states import TERMINAL, Cause, JobState
from suno_jobs.runtime import log_context
from suno_jobs.storage.due_index import due
from suno_jobs.storage.table import JOB, Table, key
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Item, StageWords


TOKEN = ("task_token", "token_taken")


class Signalled:
    """What a signal found: the number of the job's execution, the task token of the one that was waiting, if there was one,
    whether the job has ended, and whether it is in recovery. An earlier signal may have taken the same token."""

    def __init__(self, execution: int, task_token: str | None, *, ended: bool, in_recovery: bool) -> None:
        self.execution = execution
        self.task_token = task_token
        self.ended = ended
        self.in_recovery = in_recovery


class CalledBack:
    """A job about which a gateway calls back. ``deleted``: only its tombstone is left.

    ``stage_words`` are empty unless it waits for tasks that are all known: before, a callback of any stage reveals the task.
    """

    def __init__(self, item: Item) -> None:
        attempts = item.get("attempts", ())
        waits = item.get("state") == JobState.GENERATING and all("task_id" in attempt for attempt in attempts)
        self._tasks = [attempt["task_id"] for attempt in attempts if "task_id" in attempt]
        self.deleted = "deleted_at" in item
        self.gateway: str = item.get("gateway", "")
        self.account: str = item.get("account", "")
        self.stage_words: StageWords = item.get("stage_words", {}) if waits else {}

    def names_known_task(self, body: bytes) -> bool:
        """Whether the body contains the id of a task of the job."""
        return any(task_id.encode() in body for task_id in self._tasks)


class SignalStore(Table):
    """Each method may be repeated: it takes effect once, or raises Conflict."""

    def called_back(self, job_id: str) -> CalledBack | None:
        """None: no such job."""
        item = self._get(key(job_id, JOB))
        if item:
            log_context.note(tenant=item["tenant"], gateway=item.get("gateway"))
        return CalledBack(item) if item else None

    def signal(self, job_id: str, cause: Cause, *, unread: bool = False) -> Signalled | None:
        """Leaves a signal and takes the waiting execution's token. None: there is no such job, or it was deleted.

        ``unread``: a callback is stored that names no known task of the job.
        """
        change = Change(sets={"signalled": cause, "token_taken": True}, adds={"unread_callbacks": 1} if unread else {})
        try:
            # A tombstone has no state.
            item = self._update(key(job_id, JOB), change.require("attribute_exists(#state)", "state"), "ALL_OLD")
        except Conflict:
            return None
        ended, in_recovery = item["state"] in TERMINAL, "recoverable_until" in item
        return Signalled(item["execution"], item.get("task_token"), ended=ended, in_recovery=in_recovery)

    def reopen(self, job_id: str, *, until: int, due_at: int) -> None:
        """Begins the recovery of an ended job with unread callbacks; Finish Job decides how long it lasts. A job in recovery
        stays as it is."""
        change = Change(sets={"recoverable_until": until, **due(job_id, due_at)})
        change.require_one_of("state", TERMINAL).require_absent("recoverable_until")
        self._unless_conflict_at(key(job_id, JOB), change.require("attribute_exists(#unread_callbacks)", "unread_callbacks"))

    def signal_stage(self, job_id: str) -> str | None:
        """Takes the token of an execution that waits, for news that may be lost. None: none waits, and no signal is left."""
        change = Change(sets={"signalled": Cause.STAGE, "token_taken": True})
        change.require("attribute_exists(#task_token)", "task_token")
        # The second part holds for a repetition of this write.
        change.require(
            "attribute_not_exists(#token_taken) OR #signalled = :stage", "token_taken", "signalled", stage=Cause.STAGE
        )
        try:
            item = self._update(key(job_id, JOB), change, "ALL_OLD")
        except Conflict:
            return None
        return str(item["task_token"])

    def postpone(self, job_id: str, *, due_at: int, overdue_at: int | None = None) -> None:
        """Moves a job to a later time in the due index. A job that has left the index stays out.

        ``overdue_at``: only if it was due by then.
        """
        change = Change(sets={"due_at": due_at})
        change.require("attribute_exists(#due_shard) AND attribute_exists(#state)", "due_shard", "state")
        if overdue_at is not None:
            change.require("#due_at <= :overdue_at", "due_at", overdue_at=overdue_at)
        self._unless_conflict_at(key(job_id, JOB), change)

    def claim_execution(self, job_id: str, cause: Cause, *, before: int, number: int, due_at: int) -> None:
        """Claims the number of the next execution, which finds a signal and so checks at once.

        Conflict: another caller was faster, or the job has left the index.
        """
        sets = {"execution": number, "due_at": due_at, "signalled": cause}
        change = Change(sets=sets, copies={"checks_before": ("checks", 0)}, removes=TOKEN)
        change.require("#execution = :before", "execution", before=before)
        self._update(key(job_id, JOB), change.require("attribute_exists(#due_shard)", "due_shard"), "NONE")
