"""A job as its owner sees it: in the API and in the event that announces its end."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from suno_jobs.errors import Fault
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Asset, Job, JobView, Track
from suno_jobs.jobs.states import JobState
from suno_jobs.runtime.executions import execution_name

Json = dict[str, Any]
MakeUrl = Callable[[str, str], str]
"""Returns a URL for an object's key and the file name under which it is saved."""

_TITLE_CHARACTERS = 60
_PLAIN_NAMES = frozenset({"audio", "wav", "image", "video"})
"""Kinds of asset whose extension is enough to tell them apart."""


def job_view(view: JobView, *, url: MakeUrl | None = None) -> Json:
    """Without ``url`` the view contains keys only. A gateway's own link is never shown."""
    job = view.job
    return {
        "job_id": job.job_id,
        "gateway": job.gateway,
        "kind": job.kind,
        "state": job.state,
        "progress": job.progress,
        "partial": job.partial,
        "task_id": job.task_id,
        "metadata": dict(job.metadata or {}),
        "created_at": iso_time(job.created_at),
        "updated_at": iso_time(job.updated_at),
        "deadline_at": iso_time(job.deadline_at),
        "recoverable_until": iso_time(job.recoverable_until) if job.recoverable_until else None,
        "retry_of": job.retry_of,
        "retried_as": job.retried_as,
        "error": error_view(job.fault),
        "tracks": [_track_view(track, view.tracks, url) for track in view.tracks],
        "manifest": _manifest_view(job, url) if job.state is JobState.SUCCEEDED else None,
        "result": view.result,
    }


def events_view(job: Job) -> list[Json]:
    return [
        {
            "at": iso_time(entry.at),
            "state": entry.state,
            "cause": entry.cause,
            "execution": execution_name(job.job_id, entry.execution),
            "gateway": entry.gateway,
            "error": entry.code,
        }
        for entry in map(Entry.read, job.history)
    ]


def etag(view: Json) -> str:
    """A weak validator of the view. URLs are left out: they are signed again for each reader and lead to the same files."""
    tracks = [{**track, "assets": [{**asset, "url": None} for asset in track["assets"]]} for track in view["tracks"]]
    bare = {**view, "tracks": tracks, "manifest": view["manifest"] and view["manifest"]["key"]}
    return f'W/"{hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:24]}"'


def asset_file_name(asset: Asset, track: Track, tracks: Sequence[Track]) -> str:
    """A readable name that is valid on every file system: title, number if there are several tracks, and stem."""
    title = " ".join(re.sub(r"[^\w.() -]+", " ", track.title or "").split()).strip(". ")[:_TITLE_CHARACTERS].rstrip()
    number = f" {track.position + 1}" if title and len(tracks) > 1 else ""
    kind = "" if asset.kind in _PLAIN_NAMES else f" ({asset.kind})"
    return f"{title or track.track_id}{number}{kind}.{asset.key.rpartition('.')[2]}"


def _track_view(track: Track, tracks: Sequence[Track], url: MakeUrl | None) -> Json:
    return {
        "track_id": track.track_id,
        "title": track.title,
        "model": track.model,
        "duration_seconds": track.duration_seconds,
        "state": track.state,
        "error": error_view(track.fault),
        "identical_to": identical_to(track, tracks),
        "assets": [
            _asset_view(asset) | ({"url": url(asset.key, asset_file_name(asset, track, tracks))} if url else {})
            for asset in track.assets
        ],
        "missing": {name: error_view(fault) for name, fault in track.missing.items()},
    }


def _asset_view(asset: Asset) -> Json:
    return asdict(asset) | {"stored_at": None if asset.stored_at is None else iso_time(asset.stored_at)}


def identical_to(track: Track, tracks: Sequence[Track]) -> str | None:
    """The first earlier track whose audio has the same bytes.

    Both are kept: whether that is worth a new job is the client's decision.
    """
    own = _audio_digests(track)
    return next((each.track_id for each in tracks if each.position < track.position and own & _audio_digests(each)), None)


def _audio_digests(track: Track) -> set[tuple[str, str]]:
    """Tracks may share their cover, so images do not count."""
    return {(asset.kind, asset.sha256) for asset in track.assets if asset.content_type.startswith("audio/")}


def manifest_key(job: Job) -> str:
    return f"{job.tenant}/{job.job_id}/manifest.json"


def manifest_file_name(job: Job) -> str:
    return f"{job.job_id}.json"


def _manifest_view(job: Job, url: MakeUrl | None) -> Json:
    key = manifest_key(job)
    return {"key": key, **({"url": url(key, manifest_file_name(job))} if url else {})}


def error_view(fault: Fault | None) -> Json | None:
    return {"gateway_code": None, "trace_id": None, **fault.to_item()} if fault else None


def iso_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
