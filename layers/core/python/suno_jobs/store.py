"""The jobs table. One conditional write per intent.

The items of a job share the partition ``JOB#{job_id}``:

    JOB                         the hot record, about half a KB beside the client's metadata
    JOB#RESULT                  what the task yields beside files, written once
    JOB#TRACK#{track_id}        one per track
    LYRICS#{track_id}           what is sung in one track, packed, written once
    RECEIPT#{source}#{sha256}   see ``receipts``
    REQUEST                     the validated input, and the gateway's ids of what it refers to, written once

so that one query for the prefix ``JOB`` reads a job as its owner sees it, without receipts and request.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from suno_jobs.due import NOT_DUE, DueIndex, due
from suno_jobs.dynamo import Change, pack
from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.history import Cause, Entry
from suno_jobs.models import Candidate, Ending, Item, Job, JobView, Track
from suno_jobs.table import key
from suno_jobs.tracks import RESULT, TRACK, TrackStore
from suno_jobs.transitions import TERMINAL, JobState, Progress, may_become
from suno_jobs.vocabulary import Result

LONG_HISTORY = 200
ANNOUNCED_SECONDS = 120
"""After this an end whose event was not sent is due again."""

JOB = "JOB"
REQUEST = "REQUEST"
INTENT = ("intent", "intent_at")
OPEN = frozenset(JobState) - TERMINAL
UNSETTLED = frozenset({JobState.ACCEPTED, JobState.SUBMITTING, JobState.SUBMIT_UNKNOWN})


def _told(
    change: Change, job: Job, state: JobState, now: int, code: ErrorCode | None = None, cause: Cause | None = None
) -> Change:
    """The change with its line in the job's history. A history that grew very long tells of changes of the state alone."""
    if state is job.state and len(job.history) >= LONG_HISTORY:
        return change
    change.appends = {"history": Entry(now, state, cause or job.cause, job.execution, job.gateway, code).line()}
    return change


def _ended(ending: Ending) -> Item:
    return {"incomplete": ending is Ending.SHORT, "unfinished": ending is Ending.OPEN}


def _not_over(change: Change, now: int) -> Change:
    """The job has not ended, or is looked after still."""
    return change.require("attribute_not_exists(#ended_at) OR #care_until > :now", "ended_at", "care_until", now=now)


def _same_intent(change: Change, job: Job) -> Change:
    """What is decided about a submission holds for the one that was read, never for one that began meanwhile."""
    if job.intent is None:
        return change.require_absent("intent")
    return change.require("#intent = :mine", "intent", mine=job.intent)


@dataclass(frozen=True, slots=True)
class Signalled:
    """What a signal found: the job as it was, and the task token of the execution that was waiting, if one was."""

    job: Job
    task_token: str | None


class JobStore(TrackStore, DueIndex):
    """Reads and changes jobs. Each method may be repeated: it takes effect once, or raises Conflict."""

    # Reading

    def get(self, job_id: str) -> Job | None:
        item = self._get(key(job_id, JOB))
        return Job.from_item(item) if item else None

    def request(self, job_id: str) -> Item:
        """``input`` as it was validated, ``sources``, and the ``gateways`` that it was accepted for."""
        item = self._get(key(job_id, REQUEST)) or {}
        return {name: value for name, value in item.items() if name not in ("pk", "sk")}

    def view(self, job_id: str) -> JobView | None:
        """The job with its result and its tracks in their order, or None."""
        items = {item["sk"]: item for item in self._items(job_id, JOB)}
        if JOB not in items:
            return None
        tracks = [Track.from_item(item) for sort, item in items.items() if sort.startswith(TRACK)]
        tracks.sort(key=lambda track: (track.position, track.track_id))
        result = json.loads(zlib.decompress(items[RESULT]["body"])) if RESULT in items else None
        return JobView(Job.from_item(items[JOB]), tuple(tracks), result)

    # Submission

    def create(self, job: Job, request: Item, *, due_at: int) -> bool:
        """Writes job and request together; False when the job exists already. Raises Conflict while another creates it."""
        items = {JOB: job.to_item() | due(job.job_id, due_at), REQUEST: request}
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": pack(key(job.job_id, sort) | item),
                            "ConditionExpression": "attribute_not_exists(pk)",
                        }
                    }
                    for sort, item in items.items()
                ]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" in reasons:
                return False
            if "TransactionConflict" in reasons:
                raise Conflict("another request is creating this job") from error
            raise
        return True

    def begin_submission(self, job: Job, intent: str, *, now: int, due_at: int) -> Job:
        """Writes the intent, before the gateway is called (I1). Conflict: a submission is under way, or is settled.

        ``intent`` is new for every attempt. May be repeated with the same one, as the AWS client does after a lost answer.
        """
        # As long as the end of a first submission is unknown, a second one makes it no better known.
        unknown = job.state is JobState.SUBMIT_UNKNOWN
        state = JobState.SUBMIT_UNKNOWN if unknown else JobState.SUBMITTING
        times = {"intent_at": now, "submitted_at": now}
        change = Change(sets={"state": state, "intent": intent, **times, **due(job.job_id, due_at)}, removes=("submit_after",))
        change.require_one_of("state", {state} if unknown else {JobState.ACCEPTED, state})
        change.require_absent("verdict", "grace_until")
        change.require("#gateway = :gateway", "gateway", gateway=job.gateway)
        # As it was read: a refusal that came meanwhile has its own time to wait for.
        then = "attribute_not_exists(#submit_after)" if job.submit_after is None else "#submit_after = :then"
        values = {"mine": intent} if job.submit_after is None else {"mine": intent, "then": job.submit_after}
        change.require(f"#intent = :mine OR (attribute_not_exists(#intent) AND {then})", "intent", "submit_after", **values)
        return self._change(job.job_id, _told(change, job, state, now), now)

    def accept_task(
        self, job: Job, task_id: str | None, *, now: int, due_at: int, done: bool = False, fault: Fault | None = None
    ) -> Job:
        """Records the task of a submission that was accepted, or that a callback brought to light.

        ``done``: it was answered with its result, which is recorded already, or with a ``fault``. A job that has timed out
        stays so, and only learns which task is its own.
        """
        late = job.state is JobState.TIMED_OUT
        known = {"task_id": task_id, **({} if late else {"fault": fault, "state": JobState.GENERATING})}
        change = Change(
            sets={"done": done, **{name: value for name, value in known.items() if value}, **due(job.job_id, due_at)},
            removes=(*INTENT, "grace_until", *(() if late else ("verdict",)), *(() if fault or late else ("fault",))),
        )
        change.require_one_of("state", {JobState.TIMED_OUT} if late else may_become(JobState.GENERATING))
        if not late:
            _told(change, job, JobState.GENERATING, now)
        return self._change(job.job_id, change, now)

    def refuse_submission(
        self, job: Job, fault: Fault, turn: Sequence[Candidate], result: Result, *, now: int, due_at: int
    ) -> Job:
        """Takes the job's intent back: the gateway certainly created nothing.

        The first of ``turn`` is asked next, and yields ``result``; the others are kept for later.
        """
        change = self._turn(job, turn, result, due_at)
        change.sets = {**change.sets, "fault": fault}
        if not job.resubmitted:
            # Of all submissions until now it is certain that they made nothing.
            change.removes = (*change.removes, "submitted_at")
        return self._change(job.job_id, _told(change, job, job.state, now, fault.code), now)

    def pass_over(self, job: Job, turn: Sequence[Candidate], result: Result, *, now: int, due_at: int) -> Job:
        """As ``refuse_submission``, for a gateway that was not even asked."""
        return self._change(job.job_id, self._turn(job, turn, result, due_at), now)

    def _turn(self, job: Job, turn: Sequence[Candidate], result: Result, due_at: int) -> Change:
        chosen, *others = turn
        chosen_sets = {"gateway": chosen.gateway, "expects": result, "submit_after": chosen.after, "candidates": others}
        change = Change(sets={**chosen_sets, **due(job.job_id, due_at)}, removes=INTENT)
        change.require_one_of("state", UNSETTLED).require_absent("verdict", "grace_until")
        change.require("#gateway = :read", "gateway", read=job.gateway)
        change.require("#resubmitted = :before", "resubmitted", before=job.resubmitted)
        return _same_intent(change, job)

    def lose_submission(self, job: Job, fault: Fault, *, grace_until: int, now: int, due_at: int) -> Job:
        """The answer to the job's intent was lost: from here only a callback, or the end of the grace time, leads on."""
        change = Change(
            sets={"state": JobState.SUBMIT_UNKNOWN, "fault": fault, "grace_until": grace_until, **due(job.job_id, due_at)},
            removes=INTENT,
        )
        change.require_one_of("state", {JobState.SUBMITTING, JobState.SUBMIT_UNKNOWN})
        _told(change, job, JobState.SUBMIT_UNKNOWN, now, fault.code)
        return self._change(job.job_id, _same_intent(change, job), now)

    def allow_resubmission(self, job: Job, *, now: int) -> Job:
        """Ends the wait for the task of a lost answer: the job may be submitted once more. Conflict: not, or not any more."""
        change = Change(sets={"resubmitted": True}, removes=("grace_until",))
        change.require_one_of("state", {JobState.SUBMIT_UNKNOWN}).require_absent("verdict")
        change.require("#resubmit = :yes AND #resubmitted = :no", "resubmit", "resubmitted", yes=True, no=False)
        return self._change(job.job_id, change, now)

    # Signals and checks

    def signal(self, job_id: str, cause: Cause, *, now: int) -> Signalled | None:
        """Leaves a signal and takes the token of whoever waits, so that only one caller gets to wake it. None: no such job."""
        change = Change(sets={"signalled": now}, defaults={"signalled_by": cause}, removes=("task_token",))
        try:
            item = self._update(key(job_id, JOB), change.require("attribute_exists(pk)"), "ALL_OLD")
        except Conflict:
            return None
        return Signalled(Job.from_item(item), item.get("task_token"))

    def begin_check(self, job_id: str, *, now: int, due_at: int) -> Job | None:
        """Takes the signal away and reads the job in one write; a later signal ends the next wait. None: no such job.

        A job that has ended and is no longer looked after is read only.
        """
        change = Change(
            sets=due(job_id, due_at),
            adds={"checks": 1},
            copies={"cause": ("signalled_by", Cause.POLL)},
            removes=("signalled", "signalled_by", "task_token"),
        )
        change.require("attribute_exists(pk)")
        try:
            return self._change(job_id, _not_over(change, now), now)
        except Conflict:
            return self.get(job_id)

    def decide(self, job: Job, verdict: JobState, fault: Fault, *, now: int) -> Job:
        """Notes how the job will end, and leaves a signal so that nobody waits any more. The first verdict stands.

        Conflict: a submission began or ended since ``job`` was read, or the job is over.
        """
        change = Change(
            sets={"verdict": verdict, "fault": fault, "signalled": now},
            defaults={"signalled_by": job.cause},
            removes=(*INTENT, "submit_after"),
        )
        change.require_absent("verdict")
        return self._change(job.job_id, _not_over(_same_intent(change, job), now), now)

    def advance(self, job_id: str, progress: Progress, *, now: int) -> None:
        """Progress only grows: a stage that lies behind changes nothing."""
        earlier = [stage for stage in Progress if stage.rank < progress.rank]
        if earlier:
            change = Change(sets={"progress": progress}).require_one_of("progress", earlier)
            self._unless_conflict(job_id, change.require_one_of("state", OPEN), now)

    def count_no_audio(self, job_id: str, *, now: int) -> int:
        """Counts a success that held no audio; returns how many there were."""
        change = Change(adds={"no_audio": 1}).require("attribute_exists(pk)")
        return self._change(job_id, _not_over(change, now), now).no_audio

    def start_storing(self, job: Job, ending: Ending, *, now: int, due_at: int) -> Job:
        """Raises Conflict when the job is not GENERATING; a job that is STORING already stays so."""
        sets = {"state": JobState.STORING, "progress": Progress.COMPLETE, **_ended(ending)}
        change = Change(sets={**sets, **due(job.job_id, due_at)}, removes=("fault",))
        if job.state is not JobState.STORING:
            _told(change, job, JobState.STORING, now)
        change.require_one_of("state", {JobState.STORING, *may_become(JobState.STORING)})
        return self._change(job.job_id, change, now)

    def note_ending(self, job: Job, ending: Ending, *, now: int, due_at: int) -> None:
        """The same of a job that has ended and is looked after: its state stays."""
        change = Change(sets={**_ended(ending), "due_at": due_at}).require("attribute_exists(#due_shard)", "due_shard")
        self._unless_conflict(job.job_id, change.require_one_of("state", {job.state}), now)

    # End and sweep

    def finish(  # noqa: PLR0913 - the parts of one write
        self,
        job: Job,
        state: JobState,
        fault: Fault | None,
        *,
        partial: bool,
        now: int,
        care_until: int | None = None,
        cause: Cause | None = None,
    ) -> Job:
        """The one write that ends a job. It stays due until its event is sent; a signal keeps everybody from waiting for it.

        Conflict: the job has ended, or it is not true any more that it was never submitted.
        """
        sets = {"state": state, "partial": partial, "event_pending": True, "ended_at": now, "signalled": now}
        known = {"fault": fault, "care_until": care_until}
        over = ("verdict", *INTENT, "submit_after", "grace_until", "signalled_by")
        sets |= due(job.job_id, now + ANNOUNCED_SECONDS)
        change = Change(
            sets=sets | {name: value for name, value in known.items() if value is not None},
            removes=(*over, *(name for name, value in known.items() if value is None)),
        )
        if job.submitted_at is None:
            change.require_absent("submitted_at")
        _told(change, job, state, now, fault.code if fault else None, cause)
        return self._change(job.job_id, change.require_one_of("state", may_become(state)), now)

    def put_away(self, job: Job, *, care_until: int | None, due_at: int | None, partial: bool, now: int) -> None:
        """The end of the job is announced: it leaves the due index, or is looked after at ``due_at``.

        It stays due while somebody waits for it, since the sweep has to end that wait; and when it has another end by now,
        which is still to be announced, nothing changes at all.
        """
        placed = due(job.job_id, due_at) if due_at is not None else {}
        cared = {"care_until": care_until} if care_until is not None else {}
        change = Change(
            sets={"event_pending": False, "partial": partial, **cared, **placed},
            removes=(*(() if placed else NOT_DUE), *(() if cared else ("care_until",))),
        )
        announced = Change(sets={"event_pending": False}).require_one_of("state", {job.state})
        try:
            self._change(job.job_id, change.require_one_of("state", {job.state}).require_absent("task_token"), now)
        except Conflict:
            self._unless_conflict(job.job_id, announced, now)

    def note_recovery(self, job: Job, recovery_id: str | None, *, now: int) -> None:
        """Which work on new links is under way; None: it has ended."""
        sets = {"recovery_id": recovery_id, "recovery_at": now} if recovery_id else {}
        change = Change(sets=sets, removes=() if recovery_id else ("recovery_id", "recovery_at"))
        self._change(job.job_id, change.require("attribute_exists(pk)"), now)

    def mark_retried(self, job: Job, new_job_id: str, *, now: int) -> bool:
        """Notes which job does this one over. False: it has not failed, or another job does it over."""
        change = Change(sets={"retried_as": new_job_id})
        change.require_one_of("state", {JobState.FAILED, JobState.TIMED_OUT})
        change.require("attribute_not_exists(#retried_as) OR #retried_as = :new", "retried_as", new=new_job_id)
        try:
            self._change(job.job_id, change, now)
        except Conflict:
            return False
        return True

    def postpone(self, job_id: str, *, due_at: int) -> None:
        """Moves a job on in the due index; one that has left it stays out."""
        change = Change(sets={"due_at": due_at}).require("attribute_exists(#due_shard)", "due_shard")
        self._unless_conflict_at(key(job_id, JOB), change)

    def claim_execution(self, job_id: str, cause: Cause, *, before: int, number: int, now: int, due_at: int) -> None:
        """Reserves the number of the next execution, which finds a signal and so looks at once.

        Conflict: another sweep was faster, or the job left the index.
        """
        change = Change(
            sets={"execution": number, "due_at": due_at, "signalled": now},
            defaults={"signalled_by": cause},
            removes=("task_token",),
        )
        change.require("#execution = :before", "execution", before=before)
        self._update(key(job_id, JOB), change.require("attribute_exists(#due_shard)", "due_shard"), "NONE")

    def _change(self, job_id: str, change: Change, now: int) -> Job:
        change.sets = {**change.sets, "updated_at": now}
        return Job.from_item(self._update(key(job_id, JOB), change, "ALL_NEW"))

    def _unless_conflict(self, job_id: str, change: Change, now: int) -> None:
        change.sets = {**change.sets, "updated_at": now}
        self._unless_conflict_at(key(job_id, JOB), change)
