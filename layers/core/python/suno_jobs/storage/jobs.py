"""The jobs table. One conditional write per intent.

The items of a job share the partition ``JOB#{job_id}``:

    JOB                         the hot record, about half a KB besides the client's metadata
    JOB#RESULT                  what the task yields besides files, written once
    JOB#REQUEST                 the validated input, and the gateway's ids of its sources, written once
    JOB#TRACK#{track_id}        one per track
    JOB#QUARANTINE#{track_id}#{sha256}  one per refused file that is kept
    SENT#{key}                  a submission that may be repeated, see ``sent_requests``
    LYRICS#{track_id}           the lyrics of one track, compressed, written once
    RECEIPT#{source}#{sha256}   see ``receipts``

One query for the prefix ``JOB`` reads a job as its owner sees it, without receipts.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from suno_jobs.errors import Conflict, Fault
from suno_jobs.jobs.record import Attempt, Item, Job, JobView, QuarantinedFile, Renewal, Track
from suno_jobs.jobs.states import TERMINAL, Cause, JobState, Progress, WaitReason, may_become
from suno_jobs.storage.deletions import DeletionStore, Tombstone, is_tombstone
from suno_jobs.storage.due_index import NOT_DUE, DueIndex, due
from suno_jobs.storage.job_changes import (
    JobTable,
    cost_of,
    noted,
    require_job,
    require_open_or_recoverable,
    require_same_attempts,
    require_same_intent,
    with_history,
)
from suno_jobs.storage.signals import TOKEN, SignalStore
from suno_jobs.storage.submissions import SubmissionStore
from suno_jobs.storage.table import JOB, REQUEST, Pause, key
from suno_jobs.storage.task_owners import TaskOwners
from suno_jobs.storage.tracks import QUARANTINE, RESULT, TRACK, TrackStore
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ANNOUNCED_SECONDS = 120
"""After this a job whose event was not sent is due again."""

OPEN = frozenset(JobState) - TERMINAL


def _without_key(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in ("pk", "sk")}


class JobStore(JobTable):
    """Reads, checks and ends jobs; its parts change what else the table has of a job. Times are in seconds.

    Each method may be repeated: it takes effect once or raises Conflict.
    """

    submissions: SubmissionStore
    signals: SignalStore
    tracks: TrackStore
    due_index: DueIndex
    deletions: DeletionStore
    owners: TaskOwners

    def __init__(self, client: DynamoDBClient, table: str, pause: Pause | None = None) -> None:
        super().__init__(client, table, pause)
        self.submissions = SubmissionStore(client, table, pause)
        self.signals = SignalStore(client, table, pause)
        self.tracks = TrackStore(client, table, pause)
        self.due_index = DueIndex(client, table, pause)
        self.deletions = DeletionStore(client, table, pause)
        self.owners = TaskOwners(client, table, pause)

    # Reading

    def get(self, job_id: str) -> Job | None:
        """None: there is no such job, or it was deleted."""
        found = self.get_any(job_id)
        return None if isinstance(found, Tombstone) else found

    def get_any(self, job_id: str) -> Job | Tombstone | None:
        """The job as ``get`` returns it, or what a deletion has left of it."""
        item = self._get(key(job_id, JOB))
        if item and is_tombstone(item):
            return Tombstone.from_item(item)
        return noted(Job.from_item(item)) if item else None

    def request(self, job_id: str) -> Item:
        """``gateway`` as requested, ``input`` as validated, ``sources`` and their ``account``, and the ``gateways`` that it was
        accepted for."""
        return _without_key(self._get(key(job_id, REQUEST)) or {})

    def view(self, job_id: str) -> JobView | None:
        """The job with its request, its result and its tracks in their order. None: there is none, or it was deleted."""
        found = self.read(job_id)
        return None if isinstance(found, Tombstone) else found

    def read(self, job_id: str) -> JobView | Tombstone | None:
        """The job as ``view`` returns it, or what a deletion has left of it."""
        items = {item["sk"]: item for item in self._items(job_id, JOB)}
        if JOB not in items:
            return None
        if is_tombstone(items[JOB]):
            return Tombstone.from_item(items[JOB])
        tracks = [Track.from_item(item) for sort, item in items.items() if sort.startswith(TRACK)]
        tracks.sort(key=lambda track: (track.attempt, track.position, track.track_id))
        result = json.loads(zlib.decompress(items[RESULT]["body"])) if RESULT in items else None
        kept = [QuarantinedFile.from_item(item) for sort, item in items.items() if sort.startswith(QUARANTINE)]
        kept.sort(key=lambda each: each.stored_at)
        request = _without_key(items.get(REQUEST, {}))
        return JobView(noted(Job.from_item(items[JOB])), tuple(tracks), result, tuple(kept), request)

    # Checks

    def begin_check(self, job_id: str, *, now: int, due_at: int) -> Job | None:
        """Clears the signal and reads the job in one write; a later signal ends the next wait. None: no such job, or deleted.

        A job whose recovery is over is only read.
        """
        change = Change(
            sets=due(job_id, due_at),
            adds={"checks": 1},
            copies={"cause": ("signalled", Cause.POLL), "changed_before": ("updated_at", now)},
            removes=("signalled", *TOKEN),
        )
        try:
            return self._change(job_id, require_open_or_recoverable(require_job(change), now), now)
        except Conflict:
            return self.get(job_id)

    def advance(self, job_id: str, progress: Progress, *, now: int) -> bool:
        """Records a later stage of progress. False: it is no later one, or the job has ended, and nothing has changed."""
        earlier = [stage for stage in Progress if stage.rank < progress.rank]
        if not earlier:
            return False
        change = Change(sets={"progress": progress}).require_one_of("progress", earlier)
        try:
            self._change(job_id, change.require_one_of("state", OPEN), now)
        except Conflict:
            return False
        return True

    def record_wait(self, job: Job, reason: WaitReason | None, *, now: int) -> None:
        """Records why the task of an open job cannot be read, or with None that it can be read again."""
        change = Change(sets={"wait_reason": reason} if reason else {}, removes=() if reason else ("wait_reason",))
        self._unless_conflict(job.job_id, change.require_one_of("state", {job.state}), now)

    def record_no_audio(self, job_id: str, *, now: int) -> int:
        """Records a success without audio and returns when the first one was reported. Conflict: the job's recovery is over."""
        change = require_job(Change(defaults={"no_audio_since": now}))
        return self._change(job_id, require_open_or_recoverable(change, now), now).no_audio_since or now

    def start_storing(self, job: Job, attempts: Sequence[Attempt], *, now: int, due_at: int) -> Job:
        """``attempts`` are those of the job with their ends. Conflict: its state or its attempts have changed since it was
        read. So of several checks, one begins to store and announces that."""
        sets = {"state": JobState.STORING, "progress": Progress.COMPLETE, "attempts": attempts, **cost_of(job)}
        change = Change(sets={**sets, **due(job.job_id, due_at)}, removes=("fault",))
        if job.state is not JobState.STORING:
            with_history(change, job, JobState.STORING, now)
        change.require_one_of("state", {job.state} & may_become(JobState.STORING) or {JobState.STORING})
        return self._change(job.job_id, require_same_attempts(change, job), now)

    def record_task_ends(self, job: Job, attempts: Sequence[Attempt], *, now: int, due_at: int) -> Job:
        """Records the same for a job in recovery, whose state does not change. Conflict: it changed, or recovery is over."""
        change = Change(sets={"attempts": attempts, **cost_of(job), "due_at": due_at}).require(
            "attribute_exists(#due_shard)", "due_shard"
        )
        return self._settle(job, require_same_attempts(change.require_one_of("state", {job.state}), job), now)

    # End and sweep

    def finish(  # noqa: PLR0913 - the parts of one write
        self,
        job: Job,
        state: JobState,
        fault: Fault | None,
        *,
        now: int,
        attempts: Sequence[Attempt] | None = None,
        recoverable_until: int | None = None,
        cause: Cause | None = None,
    ) -> Job:
        """The one write that ends a job, also in the usage of its tenant.

        It stays due until its event is sent; its signal ends any wait for it.

        ``attempts`` replace those of the job. Conflict: since the job was read, it has ended, or a submission of it began or
        was settled, or a callback came that names another task.
        """
        if job.state not in may_become(state):
            raise Conflict(f"a job that is {job.state} cannot become {state}")
        sets = {"state": state, "event_pending": True, "ended_at": now, "signalled": cause or job.cause}
        sets |= {**cost_of(job), **({} if attempts is None else {"attempts": attempts})}
        known = {"fault": fault, "recoverable_until": recoverable_until}
        obsolete = ("intent", "submit_after", "place", "grace_until")
        sets |= due(job.job_id, now + ANNOUNCED_SECONDS)
        change = Change(
            sets=sets | {name: value for name, value in known.items() if value is not None},
            removes=(*obsolete, *(name for name, value in known.items() if value is None)),
        )
        require_same_intent(change.require_as_read("unread_callbacks", job.unread_callbacks), job)
        with_history(change, job, state, now, fault.code if fault else None, cause=cause)
        # As it was read: a concurrent end has an event of its own, which has to be sent before the next one.
        return self._settle(job, change.require_one_of("state", {job.state}), now)

    def mark_announced(self, job: Job, *, recoverable_until: int | None, due_at: int | None, now: int) -> None:
        """Records that the end was announced: the job leaves the due index, or recovery checks it at ``due_at``.

        It stays due while an execution waits for it whose task token no signal has taken, since the sweep has to end that wait,
        and if another callback came that is unread.
        If the job has ended differently since ``job`` was read, nothing changes.
        """
        placed = due(job.job_id, due_at) if due_at is not None else {}
        recovery = {"recoverable_until": recoverable_until} if recoverable_until is not None else {}
        change = Change(
            sets={"event_pending": False, **recovery, **placed},
            removes=(*(() if placed else NOT_DUE), *(() if recovery else ("recoverable_until",)), *TOKEN),
        )
        change.require("attribute_not_exists(#task_token) OR attribute_exists(#token_taken)", *TOKEN)
        change.require_as_read("unread_callbacks", job.unread_callbacks)
        announced = Change(sets={"event_pending": False}).require_one_of("state", {job.state})
        try:
            self._change(job.job_id, change.require_one_of("state", {job.state}), now)
        except Conflict:
            self._unless_conflict(job.job_id, announced, now)

    def reopen(self, job: Job, *, until: int, now: int) -> None:
        """Makes a job due at once. If it has ended, recovery continues at least until ``until``. Conflict: it has changed."""
        recovery = {"recoverable_until": max(until, job.recoverable_until or 0)} if job.terminal else {}
        self._change(job.job_id, Change(sets={**due(job.job_id, now), **recovery}).require_one_of("state", {job.state}), now)

    def hold_recovery(self, job: Job, *, until: int, now: int) -> None:
        """Records that the gateway wants no request for an ended job before ``until``."""
        held = Change(sets={"refused_until": until}).require_one_of("state", {job.state})
        self._unless_conflict(job.job_id, held, now)

    def record_link_renewal(self, job: Job, renewal: Renewal, *, now: int) -> None:
        """Records the renewal of links that is in progress, or that has ended."""
        self._change(job.job_id, require_job(Change(sets={"renewal": renewal})), now)

    def mark_retried(self, job: Job, new_job_id: str, *, now: int) -> bool:
        """Records which job repeats this one. False: this one has not failed, or another job repeats it."""
        change = Change(sets={"retried_as": new_job_id})
        change.require_one_of("state", {JobState.FAILED, JobState.TIMED_OUT})
        change.require("attribute_not_exists(#retried_as) OR #retried_as = :new", "retried_as", new=new_job_id)
        try:
            self._change(job.job_id, change, now)
        except Conflict:
            return False
        return True
