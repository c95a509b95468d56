"""The jobs table. One conditional write per intent; DynamoDB's errors are translated here and nowhere else.

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suno_jobs.dynamo import Change, pack, unpack
from suno_jobs.errors import Conflict, Fault
from suno_jobs.models import Asset, Item, Job, JobView, Track, TrackState
from suno_jobs.transitions import TERMINAL, JobState, Progress, may_become

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RESULT_BYTES = 350_000
"""Packed, with room for the rest of an item of at most 400 KB."""

DUE_SHARDS = 4
"""Partitions of the due index: enough for thousands of index writes per second, few enough for a sweep to read them all."""

JOB = "JOB"
REQUEST = "REQUEST"
RESULT = "JOB#RESULT"
TRACK = "JOB#TRACK#"
LYRICS = "LYRICS#"
NOT_DUE = ("due_shard", "due_at")
INTENT = ("intent", "intent_at")
OPEN = frozenset(JobState) - TERMINAL


def key(job_id: str, sort: str) -> Item:
    return {"pk": f"JOB#{job_id}", "sk": sort}


def track_key(job_id: str, track_id: str) -> Item:
    return key(job_id, f"{TRACK}{track_id}")


def due(job_id: str, at: int) -> Item:
    """The attributes that put a job into the sparse index of due work."""
    return {"due_shard": f"DUE#{zlib.crc32(job_id.encode()) % DUE_SHARDS}", "due_at": at}


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


class JobStore:
    """Reads and changes jobs. Each method may be repeated: it takes effect once, or raises Conflict."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    # Reading

    def get(self, job_id: str) -> Job | None:
        item = self._get(key(job_id, JOB))
        return Job.from_item(item) if item else None

    def request(self, job_id: str) -> Item:
        """``input`` as it was validated, and ``sources``."""
        return self._get(key(job_id, REQUEST)) or {}

    def view(self, job_id: str) -> JobView | None:
        """The job with its result and its tracks in their order, or None."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=pack({":pk": key(job_id, JOB)["pk"], ":prefix": JOB}),
            ConsistentRead=True,
        )
        items = {item["sk"]: item for page in pages for item in map(unpack, page["Items"])}
        if JOB not in items:
            return None
        tracks = [Track.from_item(item) for sort, item in items.items() if sort.startswith(TRACK)]
        tracks.sort(key=lambda track: (track.position, track.track_id))
        result = json.loads(zlib.decompress(items[RESULT]["body"])) if RESULT in items else None
        return JobView(Job.from_item(items[JOB]), tuple(tracks), result)

    def due_jobs(self, now: int) -> Iterator[str]:
        """Ids of jobs whose due time has passed, shard by shard, longest overdue first."""
        for shard in range(DUE_SHARDS):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression="due_shard = :shard AND due_at <= :now",
                ExpressionAttributeValues=pack({":shard": f"DUE#{shard}", ":now": now}),
                PaginationConfig={"PageSize": 50},
            )
            for page in pages:
                for item in page["Items"]:
                    yield str(unpack(item)["pk"]).removeprefix("JOB#")

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

    def begin_submission(self, job_id: str, intent: str, *, now: int, due_at: int) -> Job:
        """Writes the intent, before the gateway is called (I1). Conflict: a submission is under way, or is settled.

        ``intent`` is new for every attempt. May be repeated with the same one, as the AWS client does after a lost answer.
        """
        times = {"intent_at": now, "submitted_at": now}
        change = Change(
            sets={"state": JobState.SUBMITTING, "intent": intent, **times, **due(job_id, due_at)}, removes=("submit_after",)
        )
        change.require_one_of("state", (JobState.ACCEPTED, JobState.SUBMITTING)).require_absent("verdict")
        change.require("attribute_not_exists(#intent) OR #intent = :mine", "intent", mine=intent)
        return self._change(job_id, change, now)

    def accept_task(
        self, job_id: str, task_id: str | None, *, now: int, due_at: int, done: bool = False, fault: Fault | None = None
    ) -> Job:
        """Records the task of a submission that was accepted, or that a callback brought to light.

        ``done``: it was answered with its result, which is recorded already, or with a ``fault``.
        """
        known = {"task_id": task_id, "fault": fault}
        sets = {"state": JobState.GENERATING, "done": done, **{name: value for name, value in known.items() if value}}
        change = Change(
            sets={**sets, **due(job_id, due_at)},
            removes=(*INTENT, "grace_until", *(() if fault else ("fault",))),
        )
        return self._change(job_id, change.require_one_of("state", may_become(JobState.GENERATING)), now)

    def refuse_submission(self, job: Job, fault: Fault, *, submit_after: int, now: int, due_at: int) -> Job:
        """Takes the job's intent back: the gateway certainly created nothing, and may be asked again after ``submit_after``."""
        change = Change(sets={"fault": fault, "submit_after": submit_after, **due(job.job_id, due_at)}, removes=INTENT)
        change.require_one_of("state", (JobState.SUBMITTING,))
        return self._change(job.job_id, _same_intent(change, job), now)

    def lose_submission(self, job: Job, fault: Fault, *, grace_until: int, now: int, due_at: int) -> Job:
        """The answer to the job's intent was lost: from here only a callback, or the end of the grace time, leads on."""
        change = Change(
            sets={"state": JobState.SUBMIT_UNKNOWN, "fault": fault, "grace_until": grace_until, **due(job.job_id, due_at)},
            removes=INTENT,
        )
        change.require_one_of("state", may_become(JobState.SUBMIT_UNKNOWN))
        return self._change(job.job_id, _same_intent(change, job), now)

    # Signals and checks

    def signal(self, job_id: str, *, now: int) -> Signalled | None:
        """Leaves a signal and takes the token of whoever waits, so that only one caller gets to wake it. None: no such job."""
        change = Change(sets={"signalled": now}, removes=("task_token",)).require("attribute_exists(pk)")
        try:
            item = self._update(key(job_id, JOB), change, "ALL_OLD")
        except Conflict:
            return None
        return Signalled(Job.from_item(item), item.get("task_token"))

    def begin_check(self, job_id: str, *, now: int, due_at: int) -> Job | None:
        """Takes the signal away and reads the job in one write; a later signal ends the next wait. None: no such job."""
        change = Change(sets=due(job_id, due_at), adds={"checks": 1}, removes=("signalled", "task_token"))
        try:
            return self._change(job_id, change.require_one_of("state", OPEN), now)
        except Conflict:
            return self.get(job_id)

    def decide(self, job: Job, verdict: JobState, fault: Fault, *, now: int) -> Job:
        """Notes how the job will end, and leaves a signal so that nobody waits any more. The first verdict stands.

        Conflict: a submission began or ended since ``job`` was read, or the job has ended.
        """
        change = Change(sets={"verdict": verdict, "fault": fault, "signalled": now}, removes=(*INTENT, "submit_after"))
        change.require_one_of("state", OPEN).require_absent("verdict")
        return self._change(job.job_id, _same_intent(change, job), now)

    def advance(self, job_id: str, progress: Progress, *, now: int) -> None:
        """Progress only grows: a stage that lies behind changes nothing."""
        earlier = [stage for stage in Progress if stage.rank < progress.rank]
        if earlier:
            change = Change(sets={"progress": progress}).require_one_of("progress", earlier)
            self._unless_conflict(job_id, change.require_one_of("state", OPEN), now)

    def count_no_audio(self, job_id: str, *, now: int) -> int:
        """Counts a success that held no audio; returns how many there were."""
        change = Change(adds={"no_audio": 1}).require_one_of("state", OPEN)
        return self._change(job_id, change, now).no_audio

    # Tracks

    def start_storing(self, job_id: str, *, incomplete: bool, now: int, due_at: int) -> Job:
        """Raises Conflict when the job is not GENERATING; a job that is STORING already stays so."""
        sets = {"state": JobState.STORING, "progress": Progress.COMPLETE, "incomplete": incomplete}
        change = Change(sets={**sets, **due(job_id, due_at)}, removes=("fault",))
        return self._change(job_id, change.require_one_of("state", {JobState.STORING, *may_become(JobState.STORING)}), now)

    def record_track(self, job_id: str, track: Track) -> None:
        """Writes what the gateway says of a track.

        One that is stored, or was refused for good by the gate, is never touched (I3); one that is ready only gives way to a
        newer link, for a gateway that fails a task may no longer name the track that it had finished.
        """
        item = track.to_item()
        told: Item = {
            name: item[name] for name in ("position", "state", "title", "model", "duration_seconds", "fault") if name in item
        }
        change = Change(
            sets=told,
            defaults={"track_id": track.track_id, "assets": []},
            removes=() if track.fault else ("fault",),
        )
        open_to = "attribute_not_exists(#state) OR (#state = :failed AND attribute_not_exists(#links))"
        if track.state is TrackState.READY:
            change.sets = {**told, "links": item["links"]}
            change.require(f"{open_to} OR #state = :ready", "state", "links", failed=TrackState.FAILED, ready=TrackState.READY)
        else:
            change.require(open_to, "state", "links", failed=TrackState.FAILED)
        self._unless_conflict_at(track_key(job_id, track.track_id), change)

    def store_track(
        self, job_id: str, track_id: str, assets: Sequence[Asset], missing: Mapping[str, Fault], duration_seconds: float | None
    ) -> None:
        """The assets lie in the bucket and passed the gate. The duration is the one measured in the audio."""
        measured = {} if duration_seconds is None else {"duration_seconds": duration_seconds}
        change = Change(
            sets={"state": TrackState.STORED, "assets": list(assets), "missing": missing, **measured}, removes=("fault",)
        )
        change.require("#state <> :stored", "state", stored=TrackState.STORED)
        self._unless_conflict_at(track_key(job_id, track_id), change)

    def fail_track(self, job_id: str, track_id: str, fault: Fault, assets: Sequence[Asset] = (), *, final: bool) -> None:
        """Records why a track could not be stored, and what of it is; unless ``final`` it stays ready and is tried again."""
        state = TrackState.FAILED if final else TrackState.READY
        change = Change(sets={"fault": fault, "state": state, "assets": list(assets)})
        change.require("#state <> :stored", "state", stored=TrackState.STORED)
        self._unless_conflict_at(track_key(job_id, track_id), change)

    def record_lyrics(self, job_id: str, track_id: str, lyrics: str) -> None:
        """Keeps what is sung, packed and apart from the track, which is read and written more often. The first word stands."""
        change = Change(sets={"body": zlib.compress(lyrics.encode())}).require_absent("body")
        self._unless_conflict_at(key(job_id, f"{LYRICS}{track_id}"), change)

    def lyrics(self, job_id: str) -> dict[str, str]:
        """By track id."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=pack({":pk": key(job_id, JOB)["pk"], ":prefix": LYRICS}),
        )
        items = [unpack(item) for page in pages for item in page["Items"]]
        return {item["sk"].removeprefix(LYRICS): zlib.decompress(item["body"]).decode() for item in items}

    def record_result(self, job_id: str, result: Mapping[str, Any]) -> None:
        """Keeps what the task yields beside files, packed: the words of a long song are many. The first result stands."""
        body = zlib.compress(json.dumps(result).encode())
        if len(body) > RESULT_BYTES:
            # Nothing that a gateway makes of a song; what it really said lies whole in a receipt.
            body = zlib.compress(json.dumps({"too_large": len(body)}).encode())
        change = Change(sets={"body": body}).require_absent("body")
        self._unless_conflict_at(key(job_id, RESULT), change)

    # End and sweep

    def finish(self, job_id: str, state: JobState, fault: Fault | None, *, partial: bool, now: int) -> Job:
        """The one write that ends a job. It stays due until its event is sent."""
        change = Change(
            sets={"state": state, "partial": partial, "event_pending": True, **({"fault": fault} if fault else {})},
            removes=("task_token", "verdict", *INTENT, "submit_after", "grace_until", *(() if fault else ("fault",))),
        )
        return self._change(job_id, change.require_one_of("state", may_become(state)), now)

    def event_sent(self, job_id: str, state: JobState, *, now: int) -> None:
        """Takes an ended job out of the due index, unless it has another end by now, which is still to be announced."""
        change = Change(sets={"event_pending": False}, removes=NOT_DUE)
        self._unless_conflict(job_id, change.require_one_of("state", (state,)), now)

    def postpone(self, job_id: str, *, due_at: int) -> None:
        """Moves a job on in the due index; one that has left it stays out."""
        change = Change(sets={"due_at": due_at}).require("attribute_exists(#due_shard)", "due_shard")
        self._unless_conflict_at(key(job_id, JOB), change)

    def claim_execution(self, job_id: str, *, before: int, number: int, due_at: int) -> None:
        """Reserves the number of the next execution. Conflict: another sweep was faster, or the job left the index."""
        change = Change(sets={"execution": number, "due_at": due_at})
        change.require("#execution = :before", "execution", before=before)
        self._update(key(job_id, JOB), change.require("attribute_exists(#due_shard)", "due_shard"), "NONE")

    # The wire

    def _get(self, item_key: Item) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=pack(item_key), ConsistentRead=True)
        return unpack(answer["Item"]) if "Item" in answer else None

    def _change(self, job_id: str, change: Change, now: int) -> Job:
        change.sets = {**change.sets, "updated_at": now}
        return Job.from_item(self._update(key(job_id, JOB), change, "ALL_NEW"))

    def _unless_conflict(self, job_id: str, change: Change, now: int) -> None:
        change.sets = {**change.sets, "updated_at": now}
        self._unless_conflict_at(key(job_id, JOB), change)

    def _unless_conflict_at(self, item_key: Item, change: Change) -> None:
        try:
            self._update(item_key, change, "NONE")
        except Conflict:
            return

    def _update(self, item_key: Item, change: Change, returned: Any) -> Item:
        try:
            answer = self._client.update_item(
                TableName=self._table, Key=pack(item_key), ReturnValues=returned, **change.arguments()
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict(f"the condition of a write to {item_key['sk']} did not hold") from error
        return unpack(answer.get("Attributes", {}))
