"""A job as its owner sees it: in the API and in the event that announces its end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from suno_jobs.errors import Fault
from suno_jobs.history import Entry
from suno_jobs.models import Asset, Job, JobView, Track
from suno_jobs.workflow import Executions

Json = dict[str, Any]


def job_view(view: JobView, *, url: Callable[[Asset, Track], str] | None = None) -> Json:
    """``url`` makes a link for a stored asset; without it the view holds keys only. Never shows a gateway's own link."""
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
        "created_at": _time(job.created_at),
        "updated_at": _time(job.updated_at),
        "deadline_at": _time(job.deadline_at),
        "looked_after_until": _time(job.care_until) if job.care_until else None,
        "retry_of": job.retry_of,
        "retried_as": job.retried_as,
        "error": _error(job.fault),
        "tracks": [_track_view(track, url) for track in view.tracks],
        "result": view.result,
    }


def events_view(job: Job) -> list[Json]:
    return [
        {
            "at": _time(entry.at),
            "state": entry.state,
            "cause": entry.cause,
            "execution": Executions.name(job.job_id, entry.execution),
            "gateway": entry.gateway,
            "error": entry.code,
        }
        for entry in map(Entry.read, job.history)
    ]


def etag(view: Json) -> str:
    """A weak validator of the view. Links are left out: they are signed anew at each reading and mean the same."""
    bare = {**view, "tracks": [{**track, "assets": [{**a, "url": None} for a in track["assets"]]} for track in view["tracks"]]}
    return f'W/"{hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:24]}"'


def _track_view(track: Track, url: Callable[[Asset, Track], str] | None) -> Json:
    return {
        "track_id": track.track_id,
        "title": track.title,
        "model": track.model,
        "duration_seconds": track.duration_seconds,
        "state": track.state,
        "error": _error(track.fault),
        "assets": [asdict(asset) | ({"url": url(asset, track)} if url else {}) for asset in track.assets],
        "missing": {name: _error(fault) for name, fault in track.missing.items()},
    }


def _error(fault: Fault | None) -> Json | None:
    return {"gateway_code": None, "trace_id": None, **fault.to_item()} if fault else None


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
