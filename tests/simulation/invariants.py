"""The invariants of every world (I1 to I9, I11, I12), stated independently of the product's own rules.

``state_monitor.py`` checks every write; ``violations`` checks the world at the end. ``paid_songs.py`` has the invariants of
what was paid for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any

from botocore.exceptions import ClientError

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.identifiers import Mode, mode_of_job
from suno_jobs.storage.attribute_values import unpack
from suno_jobs.traffic.callback_urls import mac
from suno_jobs.traffic.rate_limiter import AHEAD_SECONDS
from tests.secrets_in_logs import secrets_in
from tests.simulation import media_pool, network
from tests.simulation.deletions import broken_deletions
from tests.simulation.elsewhere import ADOPTIONS, UNKNOWN_READS
from tests.simulation.fair_turns import FAILING, PROBE_SECONDS, fair_shares, fair_turns
from tests.simulation.job_evidence import JobEvidence, order_token, tasks_by_job
from tests.simulation.lambdas import Invocation
from tests.simulation.message_queue import QueuedMessage
from tests.simulation.paid_songs import PAID_SONGS, is_last_resort
from tests.simulation.sandbox_jobs import ends_as_its_marker_says, nothing_left_the_sandbox
from tests.simulation.state_monitor import ENDS
from tests.simulation.tenant_usage import broken_usage, counts_its_cost
from tests.simulation.waiting_clients import broken_waits
from tests.simulation.webhook_receivers import broken_webhooks
from tests.simulation.world import CALLBACK_SECRETS, World, api_key

OF_EXECUTIONS = ("CreateTaskFunction", "CheckTaskFunction", "StoreTrackFunction", "FinishJobFunction")

HARMLESS: Mapping[str, float] = {
    "audio_404_first": 3,
    "cdn_status": inf,
    "cdn_times": 3,
    "callback_before_answer": inf,
    "damaged_audio": 3,
    "disordered_callbacks": inf,
    "doubled_callback": inf,
    "early_callback": inf,
    "error_names_task": inf,
    "garbage_callback": inf,
    "garbled_poll": 3,
    "html_audio": 3,
    "image_audio": 3,
    "json_in_strings": inf,
    "late_callback": inf,
    "late_first_file": 200,
    "late_links": 200,
    "late_second_link": 200,
    "lost_callback": inf,
    "maintenance": 3,
    "one_file_for_both": inf,
    "one_track_failed": inf,
    "outcome_unknown": 3,
    "poll_not_found": 3,
    "poll_rate_limited": 3,
    "poll_server_error": 3,
    "rate_limited": 3,
    "recovered_as_m4a": inf,
    "repetition_rate_limited": 3,
    "retry_after": 60,
    "slow_task": 300,
    "stale_links": inf,
    "stream_first": 3,
    "truncated_audio": 3,
    "unknown_status": 3,
    "wrong_length": inf,
    "wrong_song": inf,
    "wrong_signature": inf,
}
"""Faults, each with the largest number at which a job still succeeds."""

LOSES_ANSWER = frozenset({"garbled_answer", "server_error_after_create", "timeout_on_submit"})
LONGEST_ANSWER_SECONDS = 260
"""An operation that answers with its result and takes longer also loses its answer."""

LOSES_CALLBACK = frozenset({"garbage_callback", "late_callback", "lost_callback", "slow_task"})
"""Losing either the answer or the callback is harmless; losing both leaves a task that cannot be found in time. An operation
that answers with its result has no callback."""

RECOGNISES_REPETITIONS = frozenset({"evolink"})
"""At these gateways a submission whose answer was lost is repeated with its key, which is answered with the first task."""

WITHOUT_MAINTENANCE_ERROR = frozenset({"acedata", "evolink", "newapi", "ttapi"})
"""These gateways have no specific error for maintenance, so it is ambiguous and the job waits for a callback."""

SAVED_BY_CALLBACK = frozenset({"callback_before_answer", "disordered_callbacks", "doubled_callback"})
NEXT_TRY_SECONDS = 180
"""From a submission to the next one after a refusal, with slow calls."""

REFUSING = frozenset({"maintenance", "rate_limited"})
SLOT_SECONDS = 20
"""While a gateway refuses submissions for now, as when it takes no more tasks, one is sent so often."""

PROMPT_SECONDS = 100
"""Without other faults a job ends within this time after its callback, which is before its first poll."""

WAITING_SECONDS = 1300
"""The longest time that an execution may run with the default deadline."""

LONGEST_DUE_SECONDS = 720
"""After storing began, an execution that has died is due after this time."""

SILENT_SECONDS = 250
"""From the deadline until the last read that never returns is over, and its execution with it."""

CHECK_SECONDS = 60
CHECK_DUE_SECONDS = 240
"""The same after a check: before the deadline, a job is due at the deadline at the latest, but not while the check may run."""

MOST_EVENTS = 20_000

WHOLE_SECOND = 1
"""Functions compare whole seconds."""

RESUMED_SECONDS = 120
"""For the work of the execution that a sweep starts."""

DISTURBED_SECONDS = 700
"""A task that is done this long before the deadline, after the faults have ended, is found by a sweep and then by a poll."""


def violations(world: World) -> list[tuple[str, str]]:
    """The violations as pairs of job id and description; the job id is empty for those of the whole world."""
    orders = {order.token: order for order in world.plan.orders}
    tasks = tasks_by_job(world)
    found = list(world.monitor.broken)
    found += broken_deletions(world, tasks)
    found += broken_waits(world)
    found += broken_webhooks(world)
    found += broken_usage(world)
    for job_id, item in world.jobs().items():
        if job_id in world.deletions.deletions:
            continue
        order = orders[order_token(item)]
        job = JobEvidence(world, job_id, unpack(item), order, tasks[job_id])
        checks: tuple[Callable[[JobEvidence], Iterator[str]], ...] = (
            (_cancelled, _ends, _stored_once, _announced, ends_as_its_marker_says, counts_its_cost)
            if mode_of_job(job_id) is Mode.TEST
            else (*CHECKS, *PAID_SONGS, *ADOPTIONS, fair_turns, fair_shares, counts_its_cost)
        )
        found += [(job_id, broken) for check in checks for broken in check(job)]
    found += [(invocation.subject, broken) for invocation, broken in _unexpected_errors(world)]
    found += [(invocation.subject, broken) for invocation, broken in _timeouts(world)]
    checks_of_world = (_rates, _secrets, _executions, _histories, _callbacks, _log_lines, nothing_left_the_sandbox)
    found += [("", broken) for check in checks_of_world for broken in check(world)]
    return found


CHECKS: list[Callable[[JobEvidence], Iterator[str]]] = []


def _check(invariant: Callable[[JobEvidence], Iterator[str]]) -> Callable[[JobEvidence], Iterator[str]]:
    """Registers an invariant of each job, so that none is forgotten."""
    CHECKS.append(invariant)
    return invariant


@_check
def _cancelled(job: JobEvidence) -> Iterator[str]:
    if job.state == "CANCELLED" and not job.cancel_requested:
        yield "CANCELLED without a request of the client"
    if job.state != "CANCELLED" and job.requested("cancel", 200):
        yield f"the API answered that the job is cancelled, but it is {job.state}"


@_check
def _ends(job: JobEvidence) -> Iterator[str]:
    if job.state not in ENDS:
        yield f"I6: still {job.state} at the end"
        return
    ended_at, latest = job.world.monitor.ends[job.job_id][0][0], _latest_end(job)
    if ended_at > latest:
        yield f"I6: ended {ended_at - latest:.0f} s too late"
    if "due_at" in job.item and "recoverable_until" not in job.item:
        yield "an ended job is still due"


def _latest_end(job: JobEvidence) -> float:
    """The deadline plus one sweep, if nothing disturbed the functions since long before. Otherwise, that sweep may only come
    when the job is due again. If its gateway answers nothing any more, it may be the one after the last read."""
    deadline, disturbed_until = float(job.item["deadline_at"]), job.world.disturbed_until
    sweep = job.world.stack.schedules["ReconcileJobsFunction"]
    last_read_until = deadline + SILENT_SECONDS if job.in_silence else deadline
    if disturbed_until + DISTURBED_SECONDS < deadline:
        return last_read_until + sweep
    if any(" STORING " in line for line in job.item["history"]):
        return max(deadline, disturbed_until) + LONGEST_DUE_SECONDS + sweep + RESUMED_SECONDS
    due_in = CHECK_SECONDS if disturbed_until < deadline else CHECK_DUE_SECONDS
    return max(last_read_until, disturbed_until + due_in) + sweep + RESUMED_SECONDS


@_check
def _assets(job: JobEvidence) -> Iterator[str]:
    """I3 and I4. Songs are also compared with the files of the gateway."""
    tracks = job.tracks()
    stored = [track for track in tracks if track["state"] == "stored"]
    if job.state == "SUCCEEDED" and job.item["expects"] in ("tracks", "stems", "files") and not stored:
        yield "I4: SUCCEEDED without a stored track"
    missing = {track["attempt"] for track in tracks if track["state"] != "stored"}
    if job.state == "SUCCEEDED" and stored and not job.partial and {track["attempt"] for track in stored} <= missing:
        yield "I4: tracks are missing, but partial is false"
    for track in stored:
        yield from _files(job, track)


def _files(job: JobEvidence, track: dict[str, Any]) -> Iterator[str]:
    if not track["assets"]:
        yield f"I4: track {track['track_id']} is stored without assets"
    for asset in track["assets"]:
        stored = job.world.s3.objects.get(("AssetsBucket", asset["key"]))
        if stored is None or (len(stored.body), _digest(stored.body)) != (asset["bytes"], asset["sha256"]):
            yield f"I4: {asset['key']} in the bucket differs from its record"
        elif (
            asset["kind"] == "audio"
            and not asset.get("released")
            and stored.body != media_pool.genuine(track["track_id"])["wrong_song" in job.order.faults]
            and not is_last_resort(job, track, asset)
        ):
            yield f"I4: {asset['key']} is not the song of the gateway"


def _song(track: dict[str, Any]) -> bytes:
    return media_pool.record(track["track_id"], 0.0).mp3


@_check
def _stored_once(job: JobEvidence) -> Iterator[str]:
    """I3. A manifest lists all assets, so it is written again when one is added."""
    mine = {
        key
        for _, key in job.world.s3.objects
        if key.startswith(f"{job.order.tenant}/{job.job_id}/") and not key.endswith("/manifest.json")
    }
    yield from (f"I3: {key} was overwritten" for _, key in job.world.s3.replaced if key in mine)
    if len({key.rpartition(".")[0] for key in mine}) < len(mine):
        yield "I3: a file was stored twice"


@_check
def _announced(job: JobEvidence) -> Iterator[str]:
    ids: dict[str, set[str]] = defaultdict(set)
    for event in job.events():
        ids[event["state"]].add(event["event_id"])
    ends = {end for _, end in job.world.monitor.ends[job.job_id]}
    if ids.keys() != ends:
        yield f"I5: ends {sorted(ends)}, but events of {sorted(ids)}"
    stages = job.stages()
    if len(stages) != len(set(stages)) and not job.world.plan.probabilities.repeated:
        yield f"a stage was announced twice: {stages}"
    if any(len(each) > 1 for each in ids.values()):
        yield f"I5: several ids for one end: {dict(ids)}"


@_check
def _successes_are_kept(job: JobEvidence) -> Iterator[str]:
    """A job that can succeed does, and no stored track is lost. The execution that has stored one makes its job SUCCEEDED."""
    stored = [track for track in job.tracks() if track["state"] == "stored"]
    if job.state != "SUCCEEDED" and stored and not (job.cancel_requested or job.executing):
        yield f"{len(stored)} tracks are stored, but the job ended {job.state}"
    generated = {len(task["downloads"]) for task in job.tasks}
    by_attempt = Counter(track["attempt"] for track in stored)
    if (
        job.state == "SUCCEEDED"
        and job.item["expects"] == "tracks"
        and not job.partial
        and not generated & {*by_attempt.values()}
    ):
        yield f"{dict(by_attempt)} tracks of each attempt are stored of {generated}"
    if job.state != "SUCCEEDED" and _can_succeed(job):
        yield f"could have succeeded, but ended {job.state}: {job.item.get('fault')}"


@_check
def _keys_are_renewed(job: JobEvidence) -> Iterator[str]:
    """A job does not fail because of a key that was replaced in time. At random, a gateway may refuse any key.

    A job that was submitted only just before its deadline has no time for another try with the new key.
    """
    plan = job.world.plan
    changes = [plan.troubles.keys[name] for name in job.order.gateways if name in plan.troubles.keys]
    refused = job.state == "FAILED" and job.item.get("fault", {}).get("code") == "authentication"
    submitted_at = max((float(line.split()[0]) for line in job.item["history"] if " SUBMITTING " in line), default=0.0)
    refused = refused and submitted_at + NEXT_TRY_SECONDS < job.item["deadline_at"]
    if refused and not plan.probabilities.gateway and all(change.always_valid for change in changes):
        yield "FAILED because of its key, although the secret had a valid one all the time"


def _can_succeed(job: JobEvidence) -> bool:
    faults = job.order.faults
    harmless = all(HARMLESS.get(name, 0) >= number or name in LOSES_ANSWER for name, number in faults.items())
    if (
        not harmless
        or job.cancel_requested
        or job.in_silence
        or ("maintenance" in faults and WITHOUT_MAINTENANCE_ERROR & set(job.order.gateways))
        # Tasks of others may take all places of the gateway until the deadline.
        or job.world.plan.most_tasks
    ):
        return False
    if job.order.adopts and (faults.get("poll_not_found", 0) >= UNKNOWN_READS or job.world.plan.faults_until):
        return False
    if job.order.adopts in ("unknown", "taken"):
        return False
    if faults.keys() & LOSES_ANSWER and job.order.kind is not Kind.MUSIC:
        return False
    if faults.get("slow_task", 0) > LONGEST_ANSWER_SECONDS and not all(task["callback_url"] for task in job.tasks):
        return False
    if not (job.tasks or job.order.adopts) and job.item["created_at"] + _seconds_of_turns(job) > job.item["deadline_at"]:
        return False
    if not job.world.plan.faults_until:
        loses_callback = faults.keys() & LOSES_CALLBACK or not all(GATEWAYS[name].calls_back for name in job.order.gateways)
        # AnyInt does not call back for a failure, and here no earlier stage either.
        unannounced = "anyint" in job.order.gateways and faults.keys() >= {"early_callback", "one_track_failed"}
        loses_callback = loses_callback or unannounced
        loses_answer = faults.keys() & LOSES_ANSWER and not RECOGNISES_REPETITIONS.issuperset(job.order.gateways)
        return not (loses_answer and loses_callback)
    done_at = max((task["created_at"] + faults.get("slow_task", network.TASK_SECONDS) for task in job.tasks), default=inf)
    return bool(job.known_tasks()) and max(done_at, job.world.faults_end) + DISTURBED_SECONDS < job.item["deadline_at"]


def _seconds_of_turns(job: JobEvidence) -> float:
    """How long the orders at its gateways take at most to get a turn each, if the gateways refuse any of them."""
    orders = [order for order in job.world.plan.orders if set(order.gateways) & set(job.order.gateways)]
    if not any(order.faults.keys() & (FAILING | REFUSING) for order in orders):
        return 0.0
    return sum(PROBE_SECONDS if order.faults.keys() & FAILING else SLOT_SECONDS for order in orders)


@_check
def _recovered(job: JobEvidence) -> Iterator[str]:
    """A late result is recovered in the following days, if the gateway can report it."""
    faults = job.order.faults.keys() - {"slow_task"}
    recoverable = all(HARMLESS.get(name, 0) >= job.order.faults[name] for name in faults)
    recoverable = recoverable and not job.in_silence
    if job.world.plan.days and recoverable and job.state == "TIMED_OUT" and job.tasks and job.known_tasks():
        yield f"never recovered: {job.item.get('fault')}"


@_check
def _prompt(job: JobEvidence) -> Iterator[str]:
    """A callback is not only stored but has an effect at once."""
    first_callback_at = job.world.first_callback_at.get(job.job_id)
    if (
        job.world.plan.faults_until
        or job.in_silence
        or first_callback_at is None
        or job.order.faults.keys() - SAVED_BY_CALLBACK
    ):
        return
    seconds = job.world.monitor.ends[job.job_id][0][0] - first_callback_at
    if seconds > PROMPT_SECONDS:
        yield f"ended only {seconds:.0f} s after its first callback"


@_check
def _waits_as_asked(job: JobEvidence) -> Iterator[str]:
    """After Retry-After, the job sends no request of the same purpose before that time. A callback, a cancellation and the
    deadline are reasons to read a task at once. The callback may have come while the refused read waited for its slot."""
    world = job.world
    if world.plan.faults_until or job.cancel_requested:
        return
    sent = [each for each in world.network.sent[job.job_id] if each.at < job.item["deadline_at"]]
    called_back = [message.sent_at for message in world.callback_queue.sent if message.subject == job.job_id]
    for refused in (each for each in sent if each.retry_at):
        until = min(
            (refused.retry_at or 0.0) - WHOLE_SECOND,
            *(moment for moment in called_back if moment > refused.at - AHEAD_SECONDS),
            inf,
        )
        for each in sent:
            same = each.gateway == refused.gateway and _purpose(job, each) == _purpose(job, refused)
            if same and refused.at < each.at < until:
                yield f"a request to {each.gateway} left {until - each.at:.0f} s before its Retry-After"


def _purpose(job: JobEvidence, request: network.Sent) -> str:
    """The first task of the job that the request is about; empty for a submission."""
    text = f"{request.request.path} {request.request.query} {request.request.body!r}"
    return next((task["task_id"] for task in job.tasks if task["task_id"] in text), "")


def _rates(world: World) -> Iterator[str]:
    """I7. With inaccurate clocks, requests of a longer span of the rate limit may leave in one window."""
    slack = 2 * world.plan.probabilities.skew_seconds
    for (gateway, account), moments in world.network.request_times.items():
        rate = GATEWAYS[gateway].rate
        allowed = rate.requests * (1 + slack / rate.seconds)
        for first, moment in enumerate(moments):
            inside = sum(each < moment + rate.seconds for each in moments[first : first + 200])
            if inside > allowed:
                yield f"I7: {inside} requests to {gateway} ({account}) within {rate.seconds:g} s"
                break


def _secrets(world: World) -> Iterator[str]:
    """I9. Only an answer to a client may contain a URL that we signed."""
    published = {"a log": world.logs.getvalue(), "an event": json.dumps(world.events.taken)}
    secrets = [
        *network.KEYS.values(),
        *CALLBACK_SECRETS,
        *world.macs,
        *map(api_key, world.plan.tenants),
        *(each.secret for each in world.plan.receivers),
        "token-",
        network.ORIGIN,
    ]
    answers = "\n".join(body for _, body in world.answers)
    yield from (f"I9: {place} contains {found}" for place, text in published.items() for found in secrets_in(text, secrets))
    yield from (f"I9: an answer contains {secret}" for secret in secrets if secret in answers)
    for place, text in {**published, "an answer": answers}.items():
        if "s3.amazonaws.com/quarantine" in text:
            yield f"{place} contains a link to a file in quarantine"


def _log_lines(world: World) -> Iterator[str]:
    """Every line about a job can be found by it, and every function that worked on a job has one.

    The end of an invocation is a line, so a job without one was left out by a function. One that was killed has no end.
    """
    lines = [json.loads(line) for line in world.logs.getvalue().splitlines() if line.startswith("{")]
    logged = [line for line in lines if "_aws" not in line and "job_id" in line]
    found: dict[str, set[str]] = defaultdict(set)
    for line in logged:
        found[line["job_id"]] |= line.keys()
        lacking = {"function_request_id"} - line.keys()
        if line["message"] == "invocation ended" and "request_id" not in line and "execution" not in line:
            lacking.add("request_id or execution")
        if lacking:
            yield f"a log line about {line['job_id']} lacks {', '.join(lacking)}: {line['message']}"
    began = [each for function in OF_EXECUTIONS for each in world.lambdas.begun[function]]
    executed = {each.subject for each in began if each.calls and not each.dead}
    for job_id, item in world.jobs().items():
        if job_id in world.deletions.deletions:
            continue
        named = " STORING " in str(item["history"]) and any("task_id" in each for each in item.get("attempts", ()))
        wanted = {"job_id", "tenant", "gateway"} | ({"task_id"} if named else set())
        wanted |= {"execution"} if job_id in executed else set()
        if wanted - found[job_id]:
            yield f"the logs about {job_id} lack {', '.join(sorted(wanted - found[job_id]))}"


def _unexpected_errors(world: World) -> Iterator[tuple[Invocation, str]]:
    """A function may raise errors of AWS, errors that the state machine names, and those of Finish Job that are retried."""
    known = {*re.findall(r"\w+", json.dumps(world.stack.definition)), "EventNotSent", "ManifestNotWritten"}
    for invocation, error in world.lambdas.raised:
        for each in error.exceptions if isinstance(error, ExceptionGroup) else (error,):
            if not isinstance(each, ClientError) and type(each).__name__ not in known:
                yield invocation, f"{invocation.function} raised {each!r}"


def _timeouts(world: World) -> Iterator[tuple[Invocation, str]]:
    """No reply of a gateway or a CDN, however slow, keeps a function busy until Lambda stops it."""
    for invocations in world.lambdas.begun.values():
        for each in invocations:
            if each.timed_out and not each.disturbed and not each.stuck:
                yield each, f"{each.function} #{each.number} was stopped at its timeout"


def _executions(world: World) -> Iterator[str]:
    for execution in world.state_machine.executions.values():
        if execution.status == "RUNNING" and execution.started_at < world.settled_at - WAITING_SECONDS:
            yield f"execution {execution.name} still runs, in {execution.state}"


def _histories(world: World) -> Iterator[str]:
    """AWS ends an execution with 25,000 events, and its job would wait for a sweep."""
    for execution in world.state_machine.executions.values():
        if execution.events >= MOST_EVENTS:
            yield f"execution {execution.name} has {execution.events} events"


def _callbacks(world: World) -> Iterator[str]:
    """What was answered with success and is authentic is stored, unless its job was deleted, or it is a dead letter."""
    for message in world.callback_queue.sent:
        job_id = message.attributes["job_id"]["StringValue"]
        if job_id in world.deletions.deletions or message in world.callback_queue.dead or _is_expired(world, message):
            continue
        if message.deleted_at is None:
            yield f"a callback of {job_id} was neither stored nor kept"
        elif f"RECEIPT#callback#{_digest(message.body.encode())}" not in world.jobs_table.items[f"JOB#{job_id}"]:
            yield f"a callback of {job_id} was lost"


def _is_expired(world: World, message: QueuedMessage) -> bool:
    """Whether the secret of its MAC was replaced twice."""
    given = {name: each["StringValue"] for name, each in message.attributes.items()}
    accepted = filter(None, world.callback_secret.values())
    return all(mac(each, given["gateway"], given["job_id"]) != given["mac"] for each in accepted)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
