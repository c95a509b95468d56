"""A job as its owner sees it: in the API and in the event that announces its end."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.errors import Fault
from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.record import Asset, Job, JobView, QuarantinedFile, Track
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.jobs.waiting import waiting_for
from suno_jobs.runtime.executions import execution_name

if TYPE_CHECKING:
    from suno_jobs.jobs.answers import (
        AssetAnswer,
        CostAnswer,
        DoubtAnswer,
        FaultAnswer,
        JobAnswer,
        JobEventAnswer,
        JobSummary,
        ManifestAnswer,
        QuarantinedAnswer,
        RecordedRequest,
        ResultAnswer,
        TrackAnswer,
        WaitAnswer,
    )

Json = dict[str, Any]
MakeUrl = Callable[[str, str], str]
"""Returns a URL for an object's key and the file name under which it is saved."""

# The query is optional, so that every URL is matched and none of its characters is read again: the time is linear in the text.
_URL = re.compile(r"(https?://[^\s?#]+)(?:[?#]\S*)?", re.IGNORECASE)
_TITLE_CHARACTERS = 60
_PLAIN_NAMES = frozenset({"audio", "wav", "image", "video"})
"""Kinds of asset whose extension is enough to tell them apart."""


def job_view(view: JobView, *, url: MakeUrl | None = None) -> JobAnswer:
    """Without ``url`` the view contains keys only. A gateway's own link is never shown."""
    job = view.job
    return {
        **summary_view(job),
        "partial": view.partial,
        "tracks": [_track_view(track, view, url) for track in view.tracks],
        "manifest": _manifest_view(job, url) if job.state is JobState.SUCCEEDED else None,
        "result": cast("ResultAnswer | None", view.result),
        "request": _request_view(view),
        "quarantine": [_quarantined_view(each) for each in view.quarantine],
    }


def summary_view(job: Job) -> JobSummary:
    """The job as a list shows it: what its hot record contains."""
    return {
        "job_id": job.job_id,
        "mode": job.mode,
        "gateway": job.gateway,
        "kind": job.kind,
        "requested_model": job.requested_model.name if job.requested_model else None,
        "requested_gateway_model": job.requested_model.gateway_name if job.requested_model else None,
        "state": job.state,
        "progress": job.progress,
        "task_id": job.task_id,
        "metadata": dict(job.metadata or {}),
        "created_at": iso_time(job.created_at),
        "updated_at": iso_time(job.updated_at),
        "deadline_at": iso_time(job.deadline_at),
        "recoverable_until": iso_time(job.recoverable_until) if job.recoverable_until else None,
        "retry_of": job.retry_of,
        "retried_as": job.retried_as,
        "waiting_for": wait_view(waiting_for(job)),
        "charged": job.charged,
        "cost": cost_view(job),
        "error": error_view(job.fault, job.charged),
    }


def _request_view(view: JobView) -> RecordedRequest | None:
    """The request under the names of the body that created the job."""
    job, request = view.job, view.request
    if not request:
        return None
    shown: RecordedRequest = {"gateway": request["gateway"], "kind": job.kind, "metadata": dict(job.metadata or {})}
    if "callback_url" in request:
        shown["callback_url"] = without_queries(request["callback_url"])
    if "adopt" in request:
        return {**shown, "adopt": request["adopt"]}
    policy: Literal["fail", "resubmit"] = "resubmit" if job.resubmit else "fail"
    return {**shown, "input": without_queries(request["input"]), "ambiguous_submit": policy}


def without_queries(value: Any) -> Any:
    """Without the query of any URL. A client's ``audio_url`` may be signed, and the signature is in the query."""
    if isinstance(value, str):
        return _URL.sub(r"\1", value)
    if isinstance(value, Mapping):
        return {name: without_queries(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [without_queries(member) for member in value]
    return value


def events_view(job: Job) -> list[JobEventAnswer]:
    """The event of a submission names its task, once that is known."""
    tasks = {attempt.at: attempt.task_id for attempt in job.attempts}
    return [
        {
            "at": iso_time(entry.at),
            "state": entry.state,
            "cause": entry.cause,
            "execution": execution_name(job.job_id, entry.execution),
            "gateway": entry.gateway,
            "task_id": tasks.get(entry.at) if entry.submits else None,
            "error": entry.code,
            "waiting_for": wait_view(entry.wait),
        }
        for entry in map(Entry.read, job.history)
    ]


def wait_view(wait: Wait | None) -> WaitAnswer | None:
    return {"reason": wait.reason, "until": iso_time(wait.until)} if wait else None


def etag(view: Mapping[str, Any]) -> str:
    """A weak validator of the view. URLs are left out: they are signed again for each reader and lead to the same files."""
    tracks = [{**track, "assets": [{**asset, "url": None} for asset in track["assets"]]} for track in view["tracks"]]
    bare = {**view, "tracks": tracks, "manifest": view["manifest"] and view["manifest"]["key"]}
    return f'W/"{hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:24]}"'


def asset_file_name(asset: Asset, track: Track, tracks: Sequence[Track]) -> str:
    """A readable name that is valid on every file system: title, number if there are several tracks, and stem."""
    title = " ".join(re.sub(r"[^\w.() -]+", " ", track.title or "").split()).strip(". ")[:_TITLE_CHARACTERS].rstrip()
    earlier = sum(each.attempt < track.attempt for each in tracks)
    number = f" {earlier + track.position + 1}" if title and len(tracks) > 1 else ""
    kind = "" if asset.kind in _PLAIN_NAMES else f" ({asset.kind})"
    return f"{title or track.track_id}{number}{kind}.{asset.key.rpartition('.')[2]}"


def _track_view(track: Track, view: JobView, url: MakeUrl | None) -> TrackAnswer:
    tracks, charged = view.tracks, view.job.charged
    return {
        "track_id": track.track_id,
        "title": track.title,
        "model": track.model,
        "gateway_model": track.gateway_model,
        "duration_seconds": track.duration_seconds,
        "doubtful": _doubt_view(track),
        "identity": track.identity,
        "state": track.state,
        "error": error_view(track.fault, charged),
        "identical_to": identical_to(track, tracks),
        "source": ((view.request or {}).get("input") or {}).get("source"),
        "assets": [_asset_view(asset, url and url(asset.key, asset_file_name(asset, track, tracks))) for asset in track.assets],
        "missing": {name: error_view(fault, charged) for name, fault in track.missing.items()},
    }


def _asset_view(asset: Asset, url: str | None) -> AssetAnswer:
    shown: AssetAnswer = {
        "kind": asset.kind,
        "key": asset.key,
        "content_type": asset.content_type,
        "bytes": asset.bytes,
        "sha256": asset.sha256,
        "source_host": asset.source_host,
        "stored_at": None if asset.stored_at is None else iso_time(asset.stored_at),
        "released": bool(asset.released),
    }
    return shown if url is None else {**shown, "url": url}


def _doubt_view(track: Track) -> DoubtAnswer | None:
    if track.reported_seconds is None:
        return None
    return {"reported_seconds": track.reported_seconds, "measured_seconds": track.duration_seconds}


def _quarantined_view(file: QuarantinedFile) -> QuarantinedAnswer:
    """Never with a URL: these bytes are for operators."""
    return {
        "track_id": file.track_id,
        "kind": file.kind,
        "reason": file.reason,
        "message": file.message,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "source_host": file.source_host,
        "stored_at": iso_time(file.stored_at),
        "released": file.released_at is not None,
    }


def identical_to(track: Track, tracks: Sequence[Track]) -> str | None:
    """The first earlier track whose audio has the same bytes.

    Both are kept: whether that is worth a new job is the client's decision.
    """
    own = _audio_digests(track)
    place = (track.attempt, track.position)
    earlier = (each for each in tracks if (each.attempt, each.position) < place)
    return next((each.track_id for each in earlier if own & _audio_digests(each)), None)


def _audio_digests(track: Track) -> set[tuple[str, str]]:
    """Tracks may share their cover, so images do not count."""
    return {(asset.kind, asset.sha256) for asset in track.assets if asset.content_type.startswith("audio/")}


def manifest_key(job: Job) -> str:
    return f"{job.tenant}/{job.job_id}/manifest.json"


def manifest_file_name(job: Job) -> str:
    return f"{job.job_id}.json"


def _manifest_view(job: Job, url: MakeUrl | None) -> ManifestAnswer:
    key = manifest_key(job)
    return {"key": key, "url": url(key, manifest_file_name(job))} if url else {"key": key}


def error_view(fault: Fault | None, charged: Charged) -> FaultAnswer | None:
    """``retryable`` means that repeating the request cannot be paid for twice."""
    if fault is None:
        return None
    return {
        "code": fault.code,
        "message": fault.message,
        "retryable": fault.retryable and charged is Charged.NO,
        "charged": charged,
        "gateway_code": fault.gateway_code,
        "trace_id": fault.trace_id,
    }


def cost_view(job: Job) -> CostAnswer | None:
    """What the job has cost, or nothing if that is unknown. A refund leaves 0."""
    if job.cost is None or job.submitted_at is None:
        return None
    shown = estimate_view(job.cost)
    return {**shown, "amount": 0, "source": CostSource.REPORTED} if job.charged is Charged.NO else shown


def estimate_view(cost: Cost) -> CostAnswer:
    return {"amount": cost.amount, "unit": cost.unit, "source": cost.source}


def iso_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
