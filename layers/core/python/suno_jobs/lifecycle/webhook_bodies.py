"""The body of a webhook: the event, with the job as ``GET`` shows it."""

from __future__ import annotations

import json
from typing import Any

from suno_jobs.jobs.record import JobView
from suno_jobs.jobs.views import Json, iso_time, job_view

BODY_BYTES = 20_000
"""The recommendation of Standard Webhooks."""
_LARGE = ("request", "result", "quarantine", "tracks")


def job_body(view: JobView, event_id: str, event_type: str, at: int) -> bytes:
    """JSON of less than BODY_BYTES."""
    return shown_job_body({**job_view(view)}, event_id, event_type, at)


def shown_job_body(job: Json, event_id: str, event_type: str, at: int) -> bytes:
    """Of a job as ``GET`` shows it, which is changed. Files have the paths of their routes instead of presigned URLs, which
    would end between retries. Of a larger job, the largest parts are left out; ``truncated`` names them, and ``url`` leads to
    the whole job."""
    data: Json = {**job, "url": f"/v1/jobs/{job['job_id']}", "truncated": []}
    for track in data["tracks"]:
        for asset in track["assets"]:
            asset["url"] = f"{data['url']}/tracks/{track['track_id']}/{asset['kind']}"
    if data["manifest"]:
        data["manifest"]["url"] = f"{data['url']}/manifest"
    parts = sorted(_LARGE, key=lambda name: len(json.dumps(data[name])))
    while parts and len(body := event_body(event_id, event_type, at, data)) >= BODY_BYTES:
        part = parts.pop()
        data[part] = [] if isinstance(data[part], list) else None
        data["truncated"].append(part)
    return body if parts else event_body(event_id, event_type, at, data)


def event_body(event_id: str, event_type: str, at: int, data: Any) -> bytes:
    """The form of every event."""
    return json.dumps({"id": event_id, "type": event_type, "timestamp": iso_time(at), "data": data}).encode()
