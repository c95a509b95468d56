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
from suno_jobs.models import Asset, JobView, Track

Json = dict[str, Any]
MakeUrl = Callable[[str, str], str]
"""From an object's key, and the name that it is to be saved under, to a link."""

_TITLE_CHARACTERS = 60
_PLAIN_NAMES = frozenset({"audio", "wav", "image", "video"})
"""Kinds of asset that their extension tells apart."""


def job_view(view: JobView, *, url: MakeUrl | None = None) -> Json:
    """Without ``url`` the view holds keys only. Never shows a gateway's own link."""
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
        "error": error_view(job.fault),
        "tracks": [_track_view(track, view.tracks, url) for track in view.tracks],
        "result": view.result,
    }


def etag(view: Json) -> str:
    """A weak validator of the view. Links are left out: they are signed anew at each reading and mean the same."""
    bare = {**view, "tracks": [{**track, "assets": [{**a, "url": None} for a in track["assets"]]} for track in view["tracks"]]}
    return f'W/"{hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:24]}"'


def asset_file_name(asset: Asset, track: Track, tracks: Sequence[Track]) -> str:
    """A name that a person can read and no file system stumbles over: title, number if there are several tracks, and stem."""
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
        "assets": [
            asdict(asset) | ({"url": url(asset.key, asset_file_name(asset, track, tracks))} if url else {})
            for asset in track.assets
        ],
        "missing": {name: error_view(fault) for name, fault in track.missing.items()},
    }


def error_view(fault: Fault | None) -> Json | None:
    return {"gateway_code": None, "trace_id": None, **fault.to_item()} if fault else None


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
