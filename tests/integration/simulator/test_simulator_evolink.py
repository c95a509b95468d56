"""EvoLink's wire: songs, personas, tasks and the batch."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import TASK_SECONDS, Receiver

Json = dict[str, Any]

SIMPLE = {"model": "suno-v6-beta", "custom_mode": False, "instrumental": False, "prompt": "rain"}
CUSTOM = {**SIMPLE, "custom_mode": True, "prompt": "la", "style": "folk", "title": "Rain"}


class EvoLink:
    def __init__(self, simulator: Simulator, http: httpx.Client, callback_url: str) -> None:
        self.simulator, self.http, self.callback_url = simulator, http, callback_url
        self.base, self.key = simulator.base_url("evolink"), simulator.keys["evolink"]

    def call(self, method: str, path: str, body: Json | None = None, key: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}"}
        return self.http.request(method, self.base + path, json=body, headers=headers)

    def submit(self, body: Json, *faults: str) -> Json:
        self.simulator.fail_next("evolink", *faults)
        given = {**body, "callback_url": self.callback_url + "/" + str(len(self.simulator.tasks()))}
        reply: Json = self.call("POST", "/v1/audios/generations", given).json()
        return reply

    def read(self, task_id: str) -> Json:
        task: Json = self.call("GET", f"/v1/tasks/{task_id}").json()
        return task


@pytest.fixture
def evolink(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> EvoLink:
    return EvoLink(simulator, http, receiver.url)


def test_a_song_from_submission_to_callback(evolink: EvoLink, clock: HandClock, receiver: Receiver) -> None:
    submitted = evolink.submit(CUSTOM)
    assert submitted["id"].startswith("task-unified-")
    assert (submitted["status"], submitted["usage"]["credits_reserved"]) == ("pending", 10)
    seen = []
    for _ in range(3):
        seen.append(evolink.read(submitted["id"])["status"])
        clock.advance(TASK_SECONDS / 2)
    assert seen == ["pending", "processing", "completed"]
    done = evolink.read(submitted["id"])
    assert [bool(song["audio_url"]) for song in done["result_data"]] == [True, True]
    assert done["results"] == [song["audio_url"] for song in done["result_data"]]
    assert done["usage"]["cost"] == {"credits": 10, "usd": 0.147}
    assert receiver.body() == done
    assert evolink.simulator.tasks()[0]["undocumented_fields"] == []


def test_a_persona_is_made_once_of_a_result(evolink: EvoLink, clock: HandClock) -> None:
    task_id = evolink.submit(SIMPLE)["id"]
    clock.advance(TASK_SECONDS)
    result_id = evolink.read(task_id)["result_data"][0]["result_id"]
    params = {"source_task_id": task_id, "result_id": result_id, "name": "Ann", "description": "calm"}
    persona = {"model": "suno-persona", "model_params": {**params, "vocal_start": 5, "vocal_end": 20}}
    made = evolink.submit(persona)["id"]
    clock.advance(TASK_SECONDS)
    assert evolink.read(made)["result_data"]["persona_id"]
    assert evolink.submit(persona)["error"]["code"] == "invalid_request"
    for wrong in ({"vocal_start": 5}, {"vocal_start": 5, "vocal_end": 50}, {"name": ""}, {"result_id": "unknown"}):
        refused = evolink.submit({"model": "suno-persona", "model_params": {**params, **wrong}})
        assert refused["error"]["code"] in ("invalid_request", "resource_not_found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "V6"},
        {"custom_mode": "yes"},
        {"prompt": "x" * 5001},
        {"style": ""},
        {"title": "x" * 81},
        {"negative_tags": "x" * 201},
        {"vocal_gender": "female"},
        {"style_weight": 2},
        {"model": "suno-v5-beta", "duration": 60},
        {"model": "suno-v4-beta", "style": "x" * 201},
        {"persona_model": "style_persona"},
        {"callback_url": "ftp://x"},
    ],
)
def test_what_breaks_a_rule_is_refused(evolink: EvoLink, wrong: Json) -> None:
    reply = evolink.call("POST", "/v1/audios/generations", {**CUSTOM, **wrong})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
    assert evolink.simulator.tasks() == []


def test_a_callback_url_has_a_maximum_length(evolink: EvoLink) -> None:
    long = {**CUSTOM, "callback_url": "https://x.example/" + "x" * 2048}
    assert evolink.call("POST", "/v1/audios/generations", long).status_code == 400


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limited", 429, "rate_limit_exceeded"),
        ("quota_exhausted", 402, "insufficient_quota"),
        ("maintenance", 503, "service_unavailable"),
        ("server_error_after_create", 500, "service_error"),
    ],
)
def test_refused_submissions(evolink: EvoLink, fault: str, status: int, code: str) -> None:
    evolink.simulator.fail_next("evolink", fault)
    reply = evolink.call("POST", "/v1/audios/generations", SIMPLE)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_an_error_may_name_the_task(evolink: EvoLink) -> None:
    evolink.simulator.fail_next("evolink", "error_names_task")
    reply = evolink.call("POST", "/v1/audios/generations", SIMPLE)
    assert reply.status_code == 500
    assert evolink.read(reply.json()["id"])["status"] == "pending"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("failed_task", "failed", "generation_failed_no_content"),
        ("content_rejected", "failed", "content_policy_violation"),
        ("cancelled_task", "cancelled", "generation_failed_no_content"),
    ],
)
def test_failed_tasks(evolink: EvoLink, clock: HandClock, fault: str, status: str, code: str) -> None:
    task_id = evolink.submit(SIMPLE, fault)["id"]
    clock.advance(TASK_SECONDS)
    task = evolink.read(task_id)
    assert (task["status"], task["error"]["code"]) == (status, code)


def test_reads_of_tasks_that_are_not_there(evolink: EvoLink) -> None:
    task_id = evolink.submit(SIMPLE, "unknown_status=1")["id"]
    assert evolink.read(task_id)["status"] == "mastering"
    assert evolink.call("GET", "/v1/tasks/other").json()["error"]["code"] == "invalid_task_id"
    assert evolink.call("GET", "/v1/tasks/task-unified-other").status_code == 404
    assert evolink.call("GET", f"/v1/tasks/{task_id}", key="other").status_code == 401
    assert evolink.call("GET", "/v1/other").status_code == 404
    batch = evolink.call("POST", "/v1/tasks/batch", {"task_ids": [task_id, "task-unified-other"]}).json()
    assert [task["id"] for task in batch["data"]] == [task_id]


def test_a_repetition_with_the_same_key_gets_the_first_task(evolink: EvoLink) -> None:
    evolink.simulator.fail_next("evolink", "garbled_answer", "outcome_unknown")

    def submit(key: str, body: Json) -> httpx.Response:
        headers = {"authorization": f"Bearer {evolink.key}", "idempotency-key": key}
        return evolink.http.post(evolink.base + "/v1/audios/generations", json=body, headers=headers)

    assert "text/html" in submit("0123456789abcdef", SIMPLE).headers["content-type"]
    assert submit("0123456789abcdef", SIMPLE).json()["error"]["code"] == "paid_outcome_unknown"
    replayed = submit("0123456789abcdef", SIMPLE)
    [task] = evolink.simulator.tasks()
    assert replayed.json()["id"].endswith(task["task_id"])
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert submit("0123456789abcdef", CUSTOM).json()["error"]["code"] == "idempotency_conflict"
    assert submit("too short", SIMPLE).status_code == 400
    other = submit("fedcba9876543210", SIMPLE)
    assert other.json()["id"] != replayed.json()["id"]
    assert "Idempotency-Replayed" not in other.headers
    assert len(evolink.simulator.tasks()) == 2
