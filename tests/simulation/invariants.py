"""What must be true of every world (design: I1 to I9), said anew here: nothing of the product's own rules is asked.

``watch.py`` looks on all the time; ``violations`` is asked at the end.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from botocore.exceptions import ClientError

from suno_jobs.dynamo import unpack
from suno_jobs.gateways import GATEWAYS
from suno_jobs.vocabulary import Kind
from tests.simulation import network, songs
from tests.simulation.expressions import Item
from tests.simulation.faults import DELAYS, TOKEN, Order
from tests.simulation.lambdas import Invocation
from tests.simulation.watch import ENDS
from tests.simulation.world import API_KEY, CALLBACK_SECRETS, SETTLE_SECONDS, World

HARMLESS: Mapping[str, float] = {
    "audio_404_first": 3,
    "callback_before_answer": inf,
    "disordered_callbacks": inf,
    "doubled_callback": inf,
    "early_callback": inf,
    "garbage_callback": inf,
    "garbled_poll": 3,
    "html_audio": 3,
    "late_callback": inf,
    "lost_callback": inf,
    "maintenance": 3,
    "one_track_failed": inf,
    "poll_not_found": 3,
    "poll_server_error": 3,
    "rate_limited": 3,
    "recovered_as_m4a": inf,
    "slow_task": 300,
    "truncated_audio": 3,
    "unknown_status": 3,
    "wrong_signature": inf,
}
"""Faults with the largest number at which a job succeeds all the same."""

LOSES_ANSWER = frozenset({"garbled_answer", "server_error_after_create", "timeout_on_submit"})
LONGEST_ANSWER_SECONDS = 260
"""An operation that is answered with its result and takes longer loses its answer too."""

LOSES_CALLBACK = frozenset({"garbage_callback", "late_callback", "lost_callback", "slow_task"})
"""Either of these is harmless, but both together leave a task that nobody can find in time. An operation that
is answered with its result has no callback at all."""

VAGUE = frozenset({"acedata", "ttapi"})
"""These have no error of their own for maintenance: it might be anything, so the job waits for a callback."""

SAVED_BY_CALLBACK = frozenset({"callback_before_answer", "disordered_callbacks", "doubled_callback"})
PROMPT_SECONDS = 100
"""With no other fault than these a job ends so soon after its callback: sooner than its first poll would be."""

WAITING_SECONDS = 1300
"""The longest time for which an execution may wait or work, where the deadline is not changed."""

DISTURBED_SECONDS = 700
"""A task that is done so long before the deadline, when mishaps are over, is found by a sweep and then by a poll."""


def violations(world: World) -> list[tuple[str, str]]:
    """Job and what is wrong with it; an empty job id where it is about the whole world."""
    orders = {order.token: order for order in world.plan.orders}
    tasks = _tasks_by_job(world)
    found = list(world.watch.broken)
    for job_id, item in world.jobs().items():
        order = orders[_token(item)]
        job = _Job(world, job_id, unpack(item), order, tasks[job_id])
        found += [(job_id, broken) for check in CHECKS for broken in check(job)]
    found += [(invocation.subject, broken) for invocation, broken in _mistakes(world)]
    found += [("", broken) for check in (_rates, _secrets, _executions) for broken in check(world)]
    return found


def _token(item: Item) -> str:
    return str(item["metadata"]["M"]["order"]["S"])


def _tasks_by_job(world: World) -> defaultdict[str, list[dict[str, Any]]]:
    """By the callback URL, or for one that has none by the order, whose first job it then is. What names no order, such as
    the renewal of links, makes nothing."""
    found = defaultdict(list)
    first: dict[str, str] = {}
    for job_id, item in world.jobs().items():
        first.setdefault(_token(item), job_id)
    for task in world.studio.tasks():
        url = task["callback_url"]
        for token in set(TOKEN.findall(json.dumps(task["request"]))):
            found[url.split("/")[-2] if url else first[token]].append(task)
    return found


@dataclass(frozen=True, slots=True)
class _Job:
    """``tasks`` are those that the gateways made for it."""

    world: World
    job_id: str
    item: dict[str, Any]
    order: Order
    tasks: list[dict[str, Any]]

    @property
    def state(self) -> str:
        return str(self.item["state"])

    def tracks(self) -> list[dict[str, Any]]:
        partition = self.world.jobs_table.items[f"JOB#{self.job_id}"]
        return [unpack(item) for sort, item in partition.items() if sort.startswith("JOB#TRACK#")]

    def wished(self, action: str, *statuses: int) -> bool:
        """Whether a client wanted that, and was answered so."""
        return any((self.job_id, action, status) in self.world.wishes for status in statuses)

    @property
    def called_off(self) -> bool:
        """By a client who was not told that it is too late. A 500 says nothing."""
        return self.wished("cancel", 200, 500)

    def events(self) -> list[dict[str, Any]]:
        return [event["Detail"] for event in self.world.events.taken if event["Detail"]["job_id"] == self.job_id]


CHECKS: list[Callable[[_Job], Iterator[str]]] = []


def _check(invariant: Callable[[_Job], Iterator[str]]) -> Callable[[_Job], Iterator[str]]:
    """An invariant of each job. One that is written and not asked would never be missed."""
    CHECKS.append(invariant)
    return invariant


@_check
def _paid_once(job: _Job) -> Iterator[str]:
    """Unless the client allowed a second submission. Of a job that is done over, the tasks without a callback look alike."""
    alike = any(action == "retry" for _, action, _ in job.world.wishes) and any(not task["callback_url"] for task in job.tasks)
    if len(job.tasks) > 1 + job.order.resubmit + alike:
        yield f"I1: {len(job.tasks)} tasks were paid for"


@_check
def _cancelled(job: _Job) -> Iterator[str]:
    if job.state == "CANCELLED" and not job.called_off:
        yield "CANCELLED, and nobody wanted that"
    if job.state != "CANCELLED" and job.wished("cancel", 200):
        yield f"the client was told that it is cancelled, and it is {job.state}"


@_check
def _ends(job: _Job) -> Iterator[str]:
    if job.state not in ENDS:
        yield f"I6: still {job.state} at the end"
        return
    latest = max(job.item["deadline_at"], job.world.calm_at) + SETTLE_SECONDS
    ended_at = job.world.watch.ends[job.job_id][0][0]
    if ended_at > latest:
        yield f"I6: ended {ended_at - latest:.0f} s too late"
    if "due_at" in job.item and "care_until" not in job.item:
        yield "an ended job is still due"


@_check
def _assets(job: _Job) -> Iterator[str]:
    """I3 and I4. Songs are also compared with what the gateway really made."""
    tracks = job.tracks()
    stored = [track for track in tracks if track["state"] == "stored"]
    if job.state == "SUCCEEDED" and job.item["expects"] in ("tracks", "stems", "files") and not stored:
        yield "I4: SUCCEEDED without a stored track"
    if job.state == "SUCCEEDED" and not job.item["partial"] and len(stored) < len(tracks):
        yield "I4: tracks are missing, and partial is not said"
    for track in stored:
        yield from _files(job, track)


def _files(job: _Job, track: dict[str, Any]) -> Iterator[str]:
    if not track["assets"]:
        yield f"I4: track {track['track_id']} is stored without assets"
    for asset in track["assets"]:
        there = job.world.s3.objects.get(("AssetsBucket", asset["key"]))
        if there is None or (len(there.body), _digest(there.body)) != (asset["bytes"], asset["sha256"]):
            yield f"I4: {asset['key']} is not in the bucket as it was recorded"
        elif asset["kind"] == "audio" and there.body != songs.record(track["track_id"], 0.0).mp3:
            yield f"I4: {asset['key']} is not the song that the gateway made"


@_check
def _stored_once(job: _Job) -> Iterator[str]:
    """I3. A manifest tells of all assets, and so is written again when one is added."""
    mine = {key for _, key in job.world.s3.objects if f"/{job.job_id}/" in key and not key.endswith("/manifest.json")}
    yield from (f"I3: {key} was overwritten" for _, key in job.world.s3.replaced if key in mine)
    if len({key.rpartition(".")[0] for key in mine}) < len(mine):
        yield "I3: a file was stored twice"


@_check
def _announced(job: _Job) -> Iterator[str]:
    ids: dict[str, set[str]] = defaultdict(set)
    for event in job.events():
        ids[event["state"]].add(event["event_id"])
    ends = {end for _, end in job.world.watch.ends[job.job_id]}
    if ids.keys() != ends:
        yield f"I5: ends {sorted(ends)}, but events of {sorted(ids)}"
    if any(len(each) > 1 for each in ids.values()):
        yield f"I5: several ids for one end: {dict(ids)}"


@_check
def _good_is_kept(job: _Job) -> Iterator[str]:
    """What could succeed does, and nothing that was stored is thrown away."""
    stored = [track for track in job.tracks() if track["state"] == "stored"]
    if job.state != "SUCCEEDED" and stored and not job.called_off:
        yield f"{len(stored)} tracks are stored, but the job ended {job.state}"
    made = [len(task["downloads"]) for task in job.tasks]
    if job.state == "SUCCEEDED" and job.item["expects"] == "tracks" and not job.item["partial"] and len(stored) not in made:
        yield f"{len(stored)} tracks are stored of {made}"
    if job.state != "SUCCEEDED" and _can_succeed(job):
        yield f"could have succeeded, but ended {job.state}: {job.item.get('fault')}"


def _can_succeed(job: _Job) -> bool:
    faults = job.order.faults
    harmless = all(HARMLESS.get(name, 0) >= number or name in LOSES_ANSWER for name, number in faults.items())
    if not harmless or job.called_off or ("maintenance" in faults and VAGUE & set(job.order.gateways)):
        return False
    if faults.keys() & LOSES_ANSWER and job.order.kind is not Kind.MUSIC:
        return False
    if faults.get("slow_task", 0) > LONGEST_ANSWER_SECONDS and not all(task["callback_url"] for task in job.tasks):
        return False
    if not job.world.plan.calm_at:
        return not (faults.keys() & LOSES_ANSWER and faults.keys() & LOSES_CALLBACK)
    done_at = max((task["created_at"] + faults.get("slow_task", network.TASK_SECONDS) for task in job.tasks), default=inf)
    return "task_id" in job.item and max(done_at, job.world.calm_at) + DISTURBED_SECONDS < job.item["deadline_at"]


@_check
def _healed(job: _Job) -> Iterator[str]:
    """What came too late is saved in the days after, if the gateway can tell of it."""
    faults = job.order.faults.keys() - {"slow_task"}
    good = all(HARMLESS.get(name, 0) >= job.order.faults[name] for name in faults)
    if job.world.plan.days and good and job.state == "TIMED_OUT" and job.tasks and "task_id" in job.item:
        yield f"never healed: {job.item.get('fault')}"


@_check
def _prompt(job: _Job) -> Iterator[str]:
    """A callback is not only kept, but heard at once."""
    called_back = job.world.called_back.get(job.job_id)
    if job.world.plan.calm_at or called_back is None or job.order.faults.keys() - SAVED_BY_CALLBACK:
        return
    seconds = job.world.watch.ends[job.job_id][0][0] - called_back
    if seconds > PROMPT_SECONDS:
        yield f"ended only {seconds:.0f} s after its first callback"


def _rates(world: World) -> Iterator[str]:
    """I7. Where clocks are off or calls are slow, the requests of a longer span of the budget may meet in one window."""
    slack = 2 * world.plan.chances.skew_seconds + (2 * max(DELAYS) if world.plan.chances.slow else 0.0)
    for gateway, moments in world.network.asked.items():
        rate = GATEWAYS[gateway].rate
        allowed = rate.requests * (1 + slack / rate.seconds)
        for first, moment in enumerate(moments):
            inside = sum(each < moment + rate.seconds for each in moments[first : first + 200])
            if inside > allowed:
                yield f"I7: {inside} requests to {gateway} within {rate.seconds:g} s"
                break


def _secrets(world: World) -> Iterator[str]:
    """I9. Only an answer to a client may hold a link that we signed ourselves."""
    told = {"a log": world.logs.getvalue(), "an event": json.dumps(world.events.taken)}
    secrets = [*network.KEYS.values(), *CALLBACK_SECRETS, *world.macs, API_KEY, "token-", network.ORIGIN]
    for place, text in {**told, "an answer": "\n".join(body for _, body in world.answers)}.items():
        yield from (f"I9: {place} holds {secret}" for secret in secrets if secret in text)
    yield from (f"I9: {place} holds a signed URL" for place, text in told.items() if "X-Amz-Signature" in text)


def _mistakes(world: World) -> Iterator[tuple[Invocation, str]]:
    """A function may fail because AWS does, or by an error that the state machine knows by name, but by no other."""
    known = set(re.findall(r"\w+", json.dumps(world.stack.definition)))
    for invocation, error in world.lambdas.raised:
        for each in error.exceptions if isinstance(error, ExceptionGroup) else (error,):
            if not isinstance(each, ClientError) and type(each).__name__ not in known:
                yield invocation, f"{invocation.function} raised {each!r}"


def _executions(world: World) -> Iterator[str]:
    for execution in world.machine.executions.values():
        if execution.status == "RUNNING" and execution.begun_at < world.settled_at - WAITING_SECONDS:
            yield f"execution {execution.name} still runs, in {execution.state}"


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
