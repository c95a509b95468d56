"""Jobs, webhooks and limits of a tenant that has used the service for a while: what the pictures of the console show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from local.demo import SONGS
from local.simulator import Simulator
from local.stack import LocalStack
from tests.integration.waiting import wait_for_end
from tests.integration.webhook_receiver import Receiver

Json = dict[str, Any]

PARAMETERS = {
    "FirstCheckSeconds": "3",
    "CheckIntervalSeconds": "1",
    "MaxCheckIntervalSeconds": "2",
    "AmbiguousSubmitGraceSeconds": "4",
    "JobDeadlineSeconds": "900",
}
FAILING: dict[str, Json] = {
    "kie": {"title": "Someone Else's Voice", "lyrics": "[Verse]\nOh", "style": "a famous singer [fault:rejected_artist]"},
    "sunoapi": {"title": "Town without a Map", "lyrics": "[Verse]\nOh", "style": "anthem [fault:failed_task]"},
}
RUNNING: Json = {"title": "Night Train to the Coast", "lyrics": "[Verse]\nOh", "style": "slow waltz [fault:slow_task=600]"}


def stack(receiver: Receiver) -> LocalStack:
    simulator = Simulator(task_seconds=1.0, audio_seconds=(20.0, 30.0), seed=7)
    return LocalStack(PARAMETERS, simulator=simulator, audio_origins=[receiver.origin])


@dataclass(frozen=True)
class Scene:
    """What to look at."""

    job_id: str
    webhook_id: str


def populate(running: LocalStack, receiver: Receiver) -> Scene:
    headers = {"Authorization": f"Bearer {running.api_key}"}
    with httpx.Client(base_url=running.api_url, headers=headers, timeout=40, trust_env=False) as client:
        webhooks = add_webhooks(client, receiver)
        songs = [*FAILING.items(), *SONGS.items()]
        ended = [submit(client, gateway, song, order) for order, (gateway, song) in enumerate(songs)]
        jobs = [wait_for_end(client, job_id, running.logs) for job_id in ended]
        submit(client, "evolink", RUNNING, len(ended))
        cancelled = submit(client, "ttapi", RUNNING, len(ended) + 1)
        client.post(f"/v1/jobs/{cancelled}/cancel").raise_for_status()
        submit(client, "acedata", RUNNING, len(ended) + 2)
    # The videos of the simulator are too short to play.
    shown = next(job for job in jobs if job["tracks"] and not any(map(has_video, job["tracks"])))
    return Scene(shown["job_id"], webhooks[0])


def has_video(track: Json) -> bool:
    return any(asset["content_type"].startswith("video/") for asset in track["assets"])


def submit(client: httpx.Client, gateway: str, song: Json, order: int) -> str:
    body = {"gateway": gateway, "kind": "music", "input": song, "metadata": {"order": str(1041 + order)}}
    job: str = client.post("/v1/jobs", json=body).raise_for_status().json()["job_id"]
    return job


def add_webhooks(client: httpx.Client, receiver: Receiver) -> list[str]:
    receiver.failing.add("/billing")
    urls = [f"{receiver.origin}{path}" for path in ("/songs", "/billing")]
    return [client.post("/v1/webhooks", json={"url": url}).raise_for_status().json()["webhook_id"] for url in urls]
