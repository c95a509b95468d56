"""The invariants of every world (I1 to I9), stated independently of the product's own rules.

``state_monitor.py`` checks every write; ``violations`` checks the world at the end.
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

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.storage.attribute_values import unpack
from tests.simulation import media_pool, network
from tests.simulation.expressions import Item
from tests.simulation.faults import DELAYS, TOKEN, Order
from tests.simulation.lambdas import Invocation
from tests.simulation.state_monitor import ENDS
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
"""Faults, each with the largest number at which a job still succeeds."""

LOSES_ANSWER = frozenset({"garbled_answer", "server_error_after_create", "timeout_on_submit"})
LONGEST_ANSWER_SECONDS = 260
"""An operation that answers with its result and takes longer also loses its answer."""

LOSES_CALLBACK = frozenset({"garbage_callback", "late_callback", "lost_callback", "slow_task"})
"""Losing either the answer or the callback is harmless; losing both leaves a task that cannot be found in time. An operation
that answers with its result has no callback."""

WITHOUT_MAINTENANCE_ERROR = frozenset({"acedata", "ttapi"})
"""These gateways have no specific error for maintenance, so it is ambiguous and the job waits for a callback."""

SAVED_BY_CALLBACK = frozenset({"callback_before_answer", "disordered_callbacks", "doubled_callback"})
PROMPT_SECONDS = 100
"""Without other faults a job ends within this time after its callback, which is before its first poll."""

WAITING_SECONDS = 1300
"""The longest time that an execution may run with the default deadline."""

DISTURBED_SECONDS = 700
"""A task that is done this long before the deadline, after the faults have ended, is found by a sweep and then by a poll."""


def violations(world: World) -> list[tuple[str, str]]:
    """The violations as pairs of job id and description; the job id is empty for those of the whole world."""
    orders = {order.token: order for order in world.plan.orders}
    tasks = _tasks_by_job(world)
    found = list(world.monitor.broken)
    for job_id, item in world.jobs().items():
        order = orders[_token(item)]
        job = _Job(world, job_id, unpack(item), order, tasks[job_id])
        found += [(job_id, broken) for check in CHECKS for broken in check(job)]
    found += [(invocation.subject, broken) for invocation, broken in _unexpected_errors(world)]
    found += [("", broken) for check in (_rates, _secrets, _executions) for broken in check(world)]
    return found


def _token(item: Item) -> str:
    return str(item["metadata"]["M"]["order"]["S"])


def _tasks_by_job(world: World) -> defaultdict[str, list[dict[str, Any]]]:
    """The job of a task is in its callback URL. A task without one belongs to the first job of the order that it names. Tasks
    that name no order, such as renewals of links, create nothing."""
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
    """``tasks`` are those that the gateways created for the job."""

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

    def requested(self, action: str, *statuses: int) -> bool:
        """Whether a client requested that action and received one of these statuses."""
        return any((self.job_id, action, status) in self.world.client_actions for status in statuses)

    @property
    def cancel_requested(self) -> bool:
        """Whether a cancellation may have taken effect; after a 500 this is unknown."""
        return self.requested("cancel", 200, 500)

    def events(self) -> list[dict[str, Any]]:
        return [event["Detail"] for event in self.world.events.taken if event["Detail"]["job_id"] == self.job_id]


CHECKS: list[Callable[[_Job], Iterator[str]]] = []


def _check(invariant: Callable[[_Job], Iterator[str]]) -> Callable[[_Job], Iterator[str]]:
    """Registers an invariant of each job, so that none is forgotten."""
    CHECKS.append(invariant)
    return invariant


@_check
def _paid_once(job: _Job) -> Iterator[str]:
    """One paid task, or two if the client allowed it. Tasks without a callback URL may belong to a retry of the job."""
    from_retry = any(action == "retry" for _, action, _ in job.world.client_actions) and any(
        not task["callback_url"] for task in job.tasks
    )
    if len(job.tasks) > 1 + job.order.resubmit + from_retry:
        yield f"I1: {len(job.tasks)} tasks were paid for"


@_check
def _cancelled(job: _Job) -> Iterator[str]:
    if job.state == "CANCELLED" and not job.cancel_requested:
        yield "CANCELLED without a request of the client"
    if job.state != "CANCELLED" and job.requested("cancel", 200):
        yield f"the API answered that the job is cancelled, but it is {job.state}"


@_check
def _ends(job: _Job) -> Iterator[str]:
    if job.state not in ENDS:
        yield f"I6: still {job.state} at the end"
        return
    latest = max(job.item["deadline_at"], job.world.faults_end) + SETTLE_SECONDS
    ended_at = job.world.monitor.ends[job.job_id][0][0]
    if ended_at > latest:
        yield f"I6: ended {ended_at - latest:.0f} s too late"
    if "due_at" in job.item and "recoverable_until" not in job.item:
        yield "an ended job is still due"


@_check
def _assets(job: _Job) -> Iterator[str]:
    """I3 and I4. Songs are also compared with the files of the gateway."""
    tracks = job.tracks()
    stored = [track for track in tracks if track["state"] == "stored"]
    if job.state == "SUCCEEDED" and job.item["expects"] in ("tracks", "stems", "files") and not stored:
        yield "I4: SUCCEEDED without a stored track"
    if job.state == "SUCCEEDED" and not job.item["partial"] and len(stored) < len(tracks):
        yield "I4: tracks are missing, but partial is false"
    for track in stored:
        yield from _files(job, track)


def _files(job: _Job, track: dict[str, Any]) -> Iterator[str]:
    if not track["assets"]:
        yield f"I4: track {track['track_id']} is stored without assets"
    for asset in track["assets"]:
        stored = job.world.s3.objects.get(("AssetsBucket", asset["key"]))
        if stored is None or (len(stored.body), _digest(stored.body)) != (asset["bytes"], asset["sha256"]):
            yield f"I4: {asset['key']} in the bucket differs from its record"
        elif asset["kind"] == "audio" and stored.body != media_pool.record(track["track_id"], 0.0).mp3:
            yield f"I4: {asset['key']} is not the song of the gateway"


@_check
def _stored_once(job: _Job) -> Iterator[str]:
    """I3. A manifest lists all assets, so it is written again when one is added."""
    mine = {key for _, key in job.world.s3.objects if f"/{job.job_id}/" in key and not key.endswith("/manifest.json")}
    yield from (f"I3: {key} was overwritten" for _, key in job.world.s3.replaced if key in mine)
    if len({key.rpartition(".")[0] for key in mine}) < len(mine):
        yield "I3: a file was stored twice"


@_check
def _announced(job: _Job) -> Iterator[str]:
    ids: dict[str, set[str]] = defaultdict(set)
    for event in job.events():
        ids[event["state"]].add(event["event_id"])
    ends = {end for _, end in job.world.monitor.ends[job.job_id]}
    if ids.keys() != ends:
        yield f"I5: ends {sorted(ends)}, but events of {sorted(ids)}"
    if any(len(each) > 1 for each in ids.values()):
        yield f"I5: several ids for one end: {dict(ids)}"


@_check
def _successes_are_kept(job: _Job) -> Iterator[str]:
    """A job that can succeed does, and no stored track is lost."""
    stored = [track for track in job.tracks() if track["state"] == "stored"]
    if job.state != "SUCCEEDED" and stored and not job.cancel_requested:
        yield f"{len(stored)} tracks are stored, but the job ended {job.state}"
    generated = [len(task["downloads"]) for task in job.tasks]
    if (
        job.state == "SUCCEEDED"
        and job.item["expects"] == "tracks"
        and not job.item["partial"]
        and len(stored) not in generated
    ):
        yield f"{len(stored)} tracks are stored of {generated}"
    if job.state != "SUCCEEDED" and _can_succeed(job):
        yield f"could have succeeded, but ended {job.state}: {job.item.get('fault')}"


def _can_succeed(job: _Job) -> bool:
    faults = job.order.faults
    harmless = all(HARMLESS.get(name, 0) >= number or name in LOSES_ANSWER for name, number in faults.items())
    if (
        not harmless
        or job.cancel_requested
        or ("maintenance" in faults and WITHOUT_MAINTENANCE_ERROR & set(job.order.gateways))
    ):
        return False
    if faults.keys() & LOSES_ANSWER and job.order.kind is not Kind.MUSIC:
        return False
    if faults.get("slow_task", 0) > LONGEST_ANSWER_SECONDS and not all(task["callback_url"] for task in job.tasks):
        return False
    if not job.world.plan.faults_until:
        return not (faults.keys() & LOSES_ANSWER and faults.keys() & LOSES_CALLBACK)
    done_at = max((task["created_at"] + faults.get("slow_task", network.TASK_SECONDS) for task in job.tasks), default=inf)
    return "task_id" in job.item and max(done_at, job.world.faults_end) + DISTURBED_SECONDS < job.item["deadline_at"]


@_check
def _recovered(job: _Job) -> Iterator[str]:
    """A late result is recovered in the following days, if the gateway can report it."""
    faults = job.order.faults.keys() - {"slow_task"}
    recoverable = all(HARMLESS.get(name, 0) >= job.order.faults[name] for name in faults)
    if job.world.plan.days and recoverable and job.state == "TIMED_OUT" and job.tasks and "task_id" in job.item:
        yield f"never recovered: {job.item.get('fault')}"


@_check
def _prompt(job: _Job) -> Iterator[str]:
    """A callback is not only stored but has an effect at once."""
    first_callback_at = job.world.first_callback_at.get(job.job_id)
    if job.world.plan.faults_until or first_callback_at is None or job.order.faults.keys() - SAVED_BY_CALLBACK:
        return
    seconds = job.world.monitor.ends[job.job_id][0][0] - first_callback_at
    if seconds > PROMPT_SECONDS:
        yield f"ended only {seconds:.0f} s after its first callback"


def _rates(world: World) -> Iterator[str]:
    """I7. With inaccurate clocks or slow calls, requests of a longer span of the rate limit may fall into one window."""
    slack = 2 * world.plan.probabilities.skew_seconds + (2 * max(DELAYS) if world.plan.probabilities.slow else 0.0)
    for gateway, moments in world.network.request_times.items():
        rate = GATEWAYS[gateway].rate
        allowed = rate.requests * (1 + slack / rate.seconds)
        for first, moment in enumerate(moments):
            inside = sum(each < moment + rate.seconds for each in moments[first : first + 200])
            if inside > allowed:
                yield f"I7: {inside} requests to {gateway} within {rate.seconds:g} s"
                break


def _secrets(world: World) -> Iterator[str]:
    """I9. Only an answer to a client may contain a URL that we signed."""
    published = {"a log": world.logs.getvalue(), "an event": json.dumps(world.events.taken)}
    secrets = [*network.KEYS.values(), *CALLBACK_SECRETS, *world.macs, API_KEY, "token-", network.ORIGIN]
    for place, text in {**published, "an answer": "\n".join(body for _, body in world.answers)}.items():
        yield from (f"I9: {place} contains {secret}" for secret in secrets if secret in text)
    yield from (f"I9: {place} contains a signed URL" for place, text in published.items() if "X-Amz-Signature" in text)


def _unexpected_errors(world: World) -> Iterator[tuple[Invocation, str]]:
    """A function may raise errors of AWS, and errors that the state machine names, but no others."""
    known = set(re.findall(r"\w+", json.dumps(world.stack.definition)))
    for invocation, error in world.lambdas.raised:
        for each in error.exceptions if isinstance(error, ExceptionGroup) else (error,):
            if not isinstance(each, ClientError) and type(each).__name__ not in known:
                yield invocation, f"{invocation.function} raised {each!r}"


def _executions(world: World) -> Iterator[str]:
    for execution in world.state_machine.executions.values():
        if execution.status == "RUNNING" and execution.started_at < world.settled_at - WAITING_SECONDS:
            yield f"execution {execution.name} still runs, in {execution.state}"


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
