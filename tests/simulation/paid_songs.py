"""Invariants of what was paid for: at most once (I1), never given up while it can be fetched (I11), and never called free.

A claim is made only where the world is reasonable: see ``_FETCHABLE``. Nothing here asks the product what it believes, except
for what it shows to its client.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any

from local.simulator import words
from local.simulator.faults import FAILURES
from local.simulator.gateways import WIRES
from suno_jobs.gateways.parsing import is_uuid
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.jobs.views import job_view
from suno_jobs.lifecycle.asset_files import SMALL_PER_FILE
from tests.simulation.elsewhere import UNKNOWN_READS
from tests.simulation.job_evidence import JobEvidence
from tests.simulation.media_pool import genuine

DAY_SECONDS = 86_400
ASSUMED_DAYS = 3.0
"""How long files are expected to be kept where a gateway documents nothing."""

PATIENCE_SECONDS = 26 * 3600
"""A song that can be fetched for longer is stored: recovery looks at least once a day."""

LONGEST_GAP_SECONDS = 2 * 3600
"""Between two looks of recovery shortly before the files are gone. Files that their gateway keeps for less than that after they
appear may be missed: recovery looks at least once an hour and a half then, and sweeps have intervals of their own."""

REPORTED_GAP_SECONDS = 13 * 3600
"""The same for a task that was reported as failed: it is read again a few times only, since most of them have failed. Nothing
tells that such a song will come, so none is claimed that is kept for less than the longest time between these reads."""

TWINS_SECONDS = 6 * 3600
"""How long the file of a second song waits for the first one, whose bytes it may have."""

SKEW_SECONDS = 5
"""More than the clocks of two functions differ."""

SLOW_SECONDS = 120
"""From a look at the receipts to a submission, with slow calls and functions that are killed."""

_FETCHABLE: Mapping[str, float] = {
    "audio_404_first": 100,
    "damaged_audio": 100,
    "html_audio": 100,
    "image_audio": 100,
    "late_first_file": DAY_SECONDS,
    "one_file_for_both": DAY_SECONDS,
    "truncated_audio": 100,
    "unknown_status": 100,
}
"""Faults, each with the largest number at which the files of a task can be fetched at all."""

_SOON: Mapping[str, float] = {
    "audio_404_first": 8,
    "cdn_times": 8,
    "damaged_audio": 8,
    "garbled_poll": 3,
    "html_audio": 8,
    "image_audio": 8,
    "poll_not_found": 3,
    "poll_rate_limited": 3,
    "poll_server_error": 3,
    "stream_first": 3,
    "truncated_audio": 8,
    "unknown_status": 3,
}
"""Faults, each with the largest number of attempts that a client makes within a day, also days after the task was created."""

_FAMILY = frozenset({"anyint", "kie", "sunoapi"})
"""At these gateways a song of two tracks fails when one of them does."""


def at_most_one_payment(job: JobEvidence) -> Iterator[str]:
    """Two if the client allowed a resubmission. A retry is a job of its own, with tasks of its own."""
    paid = [task for task in job.tasks if not (_refused_in_its_answer(task) or _named_too_late(job, task))]
    if len(paid) > 1 + job.order.resubmit:
        yield f"I1: {len(paid)} tasks were paid for"


def nothing_is_forgotten(job: JobEvidence) -> Iterator[str]:
    """I11. What can be fetched is stored, or its job is open or in recovery; after a day it is stored in any case."""
    now = job.world.loop.now
    for task in job.tasks:
        if not _known(job, task) or not _fetchable(task) or not (missing := _missing(job, task)):
            continue
        kept_until = job.item["deadline_at"] + _days_kept(task) * DAY_SECONDS
        since = _fetchable_since(job, task, missing.values())
        soon = all(_SOON.get(name, inf) >= number for name, number in task["faults"].items()) and not job.in_silence
        gap = REPORTED_GAP_SECONDS if "failed_then_success" in task["faults"] else LONGEST_GAP_SECONDS
        soon = soon and since + gap < kept_until
        if job.forgotten and (soon or now < kept_until):
            yield f"I11: {job.state} and forgotten, but {_named(task)} has {missing}"
        elif soon and now > since + PATIENCE_SECONDS:
            yield f"I11: {job.state}, but {_named(task)} has had {missing} for a day"


def every_receipt_is_read(job: JobEvidence) -> Iterator[str]:
    """No job ends for good although a receipt names a task that was never read, or contains a result that is not recorded.

    That the job has the song of another task is no excuse: each of them was paid for.
    """
    if not job.forgotten or job.result or job.in_silence:
        return
    for task in job.tasks:
        if _is_elsewhere(job, task):
            continue
        if task["polls"] == 0 and not (task["waits"] and job.state == "SUCCEEDED") and named_in_receipt(job, task):
            yield f"I11: {job.state}, but a receipt names {_named(task)}, which was never read"
        if job.state != "SUCCEEDED" and _result_in_receipt(job, task):
            yield f"I11: {job.state}, but a receipt contains the result of {_named(task)}"


def a_task_is_never_called_free(job: JobEvidence) -> Iterator[str]:
    """Unless its gateway gave the money back. A client sees it in the job and in each event of its ends."""
    paid = [task for task in job.tasks if not (_refunded(task) or job.order.adopts or _is_hidden(job, task))]
    shown: dict[str, Any] = {"the job": job_view(JobView(Job.from_item(job.item)))}
    if not all(task["refused"] for task in paid):
        shown |= {f"the event of {event['state']}": event for event in job.events()}
    for place, view in shown.items() if paid else ():
        if view["charged"] == "no" or (view["error"] or {}).get("charged") == "no":
            yield f"charged is no in {place}, but {_named(paid[0])} was created"


def only_the_gateway_fails_a_job(job: JobEvidence) -> Iterator[str]:
    """FAILED means that the gateway reported so, or that every submission was refused."""
    if job.order.adopts and (job.order.faults.get("poll_not_found", 0) >= UNKNOWN_READS or job.world.plan.faults_until):
        # Its gateway may have answered so often that it does not know the task.
        return
    tasks = [task for task in job.tasks if not task["refused"]]
    if job.state == "FAILED" and tasks and not any(_reported_as_failed(task) for task in job.tasks):
        yield f"FAILED, but {_named(tasks[0])} was not reported as failed: {job.item.get('fault')}"


def refused_bytes_are_kept(job: JobEvidence) -> Iterator[str]:
    """I11. Once for each track, in the bucket and in the job. A function that died, or that AWS refused, may keep nothing."""
    listed = [each for each in job.quarantine() if not _in_bucket(job, each)]
    yield from (f"I11: {each['sha256']} is listed in quarantine, but not there" for each in listed)
    known = {asset["sha256"] for track in job.tracks() for asset in track["assets"]}
    known |= {each["sha256"] for each in job.quarantine()}
    for served in job.world.network.served:
        if served.to.subject != job.job_id or served.to.dead or served.to.refused:
            continue
        track_id = served.path.rpartition("/")[2].partition(".")[0].removesuffix("-large")
        full = sum(each["track_id"] == track_id for each in job.quarantine()) >= SMALL_PER_FILE
        if not full and served.body not in genuine(track_id) and hashlib.sha256(served.body).hexdigest() not in known:
            yield f"I11: {len(served.body)} bytes of {served.path} were refused and are not in quarantine"


def _in_bucket(job: JobEvidence, listed: Mapping[str, Any]) -> bool:
    key = f"quarantine/{job.item['tenant']}/{job.job_id}/{listed['track_id']}/{listed['sha256']}"
    stored = job.world.s3.objects.get(("AssetsBucket", key))
    return stored is not None and hashlib.sha256(stored.body).hexdigest() == listed["sha256"]


def no_figure_refuses_a_song(job: JobEvidence) -> Iterator[str]:
    """I8. The length that a gateway reports costs a final file at most a mark, and the mark has both figures."""
    reported = job.order.faults.get("wrong_length", 0.0)
    for track in job.tracks():
        final = not any(link["provisional"] for link in track.get("links", ()))
        if final and "the gateway reports" in track.get("fault", {}).get("message", ""):
            yield f"I8: track {track['track_id']} was refused: {track['fault']['message']}"
        audio = track["assets"][0] if track["state"] == "stored" else None
        if audio and audio["content_type"] == "audio/mpeg" and not is_last_resort(job, track, audio):
            seconds = track["duration_seconds"]
            doubtful = 0 < reported < DAY_SECONDS and not reported * 0.95 - 0.1 <= seconds <= reported * 1.5 + 0.1
            if track.get("reported_seconds") != (reported if doubtful else None):
                yield f"I8: {seconds} s instead of {reported} s, but doubtful is {track.get('reported_seconds')}"


def another_clip_is_marked(job: JobEvidence) -> Iterator[str]:
    """A stored song whose file names another clip than the gateway did has the mark, and every other one has not."""
    for track in job.tracks():
        audio = track["assets"][0] if track["state"] == "stored" else {}
        is_song = audio.get("content_type") == "audio/mpeg" and not audio.get("released")
        other = "wrong_song" in job.order.faults or (is_song and is_last_resort(job, track, audio))
        expected = "mismatch" if other else "match"
        if is_song and is_uuid(track["track_id"]) and track.get("identity") != expected:
            yield f"track {track['track_id']} has the identity {track.get('identity')} instead of {expected}"


PAID_SONGS: tuple[Callable[[JobEvidence], Iterator[str]], ...] = (
    at_most_one_payment,
    nothing_is_forgotten,
    every_receipt_is_read,
    a_task_is_never_called_free,
    only_the_gateway_fails_a_job,
    refused_bytes_are_kept,
    no_figure_refuses_a_song,
    another_clip_is_marked,
)


def _refunded(task: Mapping[str, Any]) -> bool:
    """EvoLink documents that it refunds every failed task."""
    failed = task["faults"].keys() & (FAILURES - {"cancelled_task"} | {"failed_then_success"})
    return "refunded_task" in task["faults"] or (task["gateway"] == "evolink" and bool(failed))


def _named(task: Mapping[str, Any]) -> str:
    return f"task {task['task_id']} at {task['gateway']}"


def _refused_in_its_answer(task: Mapping[str, Any]) -> bool:
    """TTAPI answers a synchronous operation that fails with the same documented refusal as one that it never began.

    It cannot be counted as a payment: the reply is all that the product will ever learn, and it is what every definite refusal
    looks like. To treat it as lost would keep every job that TTAPI refuses from being submitted elsewhere. Nothing was made.
    """
    return task["gateway"] == "ttapi" and bool(task["waits"]) and bool(task["faults"].keys() & FAILURES)


def named_in_receipt(job: JobEvidence, task: Mapping[str, Any]) -> bool:
    name = task["task_id"].encode()
    return any(name in body for source in ("submission", "callback") for body in job.receipts(source))


def _is_elsewhere(job: JobEvidence, task: Mapping[str, Any]) -> bool:
    """Whether its gateway denied it, so that the job went on to another one, which took it. All its attempts are there."""
    return bool(task["refused"]) and task["gateway"] != job.item["gateway"] and bool(job.item["attempts"])


def _is_hidden(job: JobEvidence, task: Mapping[str, Any]) -> bool:
    """Whether its gateway denied it, and nothing that the job can read has named it since."""
    return bool(task["refused"]) and (_is_elsewhere(job, task) or not named_in_receipt(job, task))


def _named_too_late(job: JobEvidence, task: Mapping[str, Any]) -> bool:
    """Whether its gateway denied it, and no callback named it before the job was submitted again."""
    later = [each["created_at"] for each in job.tasks if each["created_at"] > task["created_at"]]
    name = task["task_id"].encode()
    named_at = min((at for at, body in job.dated_receipts("callback") if name in body), default=inf)
    slow = SLOW_SECONDS if job.world.plan.faults_until else SKEW_SECONDS
    return bool(task["refused"]) and (not later or named_at > min(later) - slow)


def _result_in_receipt(job: JobEvidence, task: Mapping[str, Any]) -> bool:
    """Of an operation that is answered with its result: an id, or lyrics."""
    if not task["waits"]:
        return False
    texts = (json.dumps(words.lyrics(task["words"], track_id))[1:-1] for track_id in task["ready_at"])
    signs = (*task["ready_at"], *texts)
    return any(sign.encode() in body for sign in signs for body in job.receipts("submission"))


def _known(job: JobEvidence, task: Mapping[str, Any]) -> bool:
    """Whether the product could learn of the task: after a lost answer and a lost callback it cannot."""
    named = task["task_id"] in job.known_tasks() or named_in_receipt(job, task)
    return named and not _is_elsewhere(job, task)


def _fetchable(task: Mapping[str, Any]) -> bool:
    """Whether a client that asks often enough gets the files of an ended task."""
    faults = task["faults"]
    if task["waits"] or not all(_FETCHABLE.get(name, inf) >= number for name, number in faults.items()):
        return False
    if "dying_links" not in faults and "expired_links" not in faults:
        return True
    # A link that has died comes back by itself at some gateways; others renew one that is gone for good.
    return WIRES[task["gateway"]].renews_links or faults.get("expired_links") == 410


def _fetchable_since(job: JobEvidence, task: Mapping[str, Any], ready_at: Iterable[float]) -> float:
    late = (float(task["faults"].get(name, 0.0)) for name in ("stale_links", "late_first_file", "one_file_for_both"))
    return max(*ready_at, job.world.faults_end) + sum(late)


def is_last_resort(job: JobEvidence, track: Mapping[str, Any], asset: Mapping[str, Any]) -> bool:
    """Whether a second track may have the bytes of the first one: no later look would certainly have found its own song.

    Either its gateway may keep no file until the next look of recovery. Or the first song was not stored for hours, so that
    nothing showed whose bytes they were.
    """
    if track["position"] == 0 or "one_file_for_both" not in job.order.faults:
        return False
    earlier = [each for each in job.tracks() if (each["attempt"], each["position"]) == (track["attempt"], 0)]
    stored_at = [each["stored_at"] for first in earlier for each in first["assets"] if each["kind"] == asset["kind"]]
    days = GATEWAYS[job.item["gateway"]].link_days["*"] or ASSUMED_DAYS
    last_look = asset["stored_at"] + 2 * LONGEST_GAP_SECONDS > job.item["deadline_at"] + days * DAY_SECONDS
    same = asset["sha256"] in {hashlib.sha256(body).hexdigest() for first in earlier for body in genuine(first["track_id"])}
    waited = asset["stored_at"] >= _storing_since(job) + TWINS_SECONDS - SKEW_SECONDS
    return same and (last_look or (waited and not any(at <= asset["stored_at"] for at in stored_at)))


def _storing_since(job: JobEvidence) -> float:
    """When the job first had a file to fetch. It ended before if it learned that in recovery only."""
    began = [line.partition(" ")[0] for line in job.item["history"] if " STORING " in line]
    return float(began[0]) if began else job.world.monitor.ends[job.job_id][0][0]


def _missing(job: JobEvidence, task: Mapping[str, Any]) -> dict[str, float]:
    """What a report of the task contains and is not stored, with the time since when it does."""
    now = job.world.loop.now
    ready = {track_id: at for track_id, at in task["ready_at"].items() if at is not None and at <= now}
    if job.item["expects"] not in ("tracks", "stems", "files"):
        return {} if job.result else ready
    stored = {track["track_id"] for track in job.tracks() if track["state"] == "stored"}
    return {track_id: at for track_id, at in ready.items() if track_id not in stored}


def _days_kept(task: Mapping[str, Any]) -> float:
    return GATEWAYS[task["gateway"]].link_days["*"] or ASSUMED_DAYS


def _reported_as_failed(task: Mapping[str, Any]) -> bool:
    faults = task["faults"].keys()
    if task["gateway"] == "acedata" and {"one_track_failed", "success_without_audio"} <= faults:
        # Each of the two tracks is reported as failed: the reply has a success without audio for each, of which one never had
        # a link. Without a state of the whole task, no client can tell this from a reported failure, so it has to count as one.
        return True
    return bool(faults & (FAILURES | {"failed_then_success"}) or (task["gateway"] in _FAMILY and "one_track_failed" in faults))
