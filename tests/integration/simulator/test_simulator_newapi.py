"""The wire of a new-api relay: songs, extensions, lyrics and the batch; it never calls back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import TASK_SECONDS, Receiver

Json = dict[str, Any]

SIMPLE = {"mv": "chirp-v6", "gpt_description_prompt": "rain"}
CUSTOM = {"mv": "chirp-v6-wild", "prompt": "la", "tags": "folk", "title": "Rain", "make_instrumental": False}


class Relay:
    def __init__(self, simulator: Simulator, http: httpx.Client, callback_url: str) -> None:
        self.simulator, self.http, self.callback_url = simulator, http, callback_url
        self.base, self.key = simulator.base_url("newapi"), simulator.keys["newapi"]

    def call(self, method: str, path: str, body: Json | None = None, key: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}"}
        return self.http.request(method, self.base + path, json=body, headers=headers)

    def submit(self, body: Json, *faults: str, action: str = "music") -> httpx.Response:
        self.simulator.fail_next("newapi", *faults)
        hook = self.callback_url + "/" + str(len(self.simulator.tasks()))
        return self.call("POST", f"/suno/submit/{action}", {**body, "notify_hook": hook})

    def task(self, body: Json, *faults: str, action: str = "music") -> str:
        reply = self.submit(body, *faults, action=action).json()
        assert reply["code"] == "success", reply
        return str(reply["data"])

    def read(self, task_id: str) -> Json:
        data: Json = self.call("GET", f"/suno/fetch/{task_id}").json()["data"]
        return data


@pytest.fixture
def relay(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Relay:
    return Relay(simulator, http, receiver.url)


def test_a_song_from_submission_to_its_clips(relay: Relay, clock: HandClock, receiver: Receiver) -> None:
    task_id = relay.task(CUSTOM)
    seen = []
    for _ in range(5):
        seen.append(relay.read(task_id))
        clock.advance(TASK_SECONDS / 4)
    assert [task["status"] for task in seen] == ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS"]
    clips = [[clip["status"] for clip in task["data"] or ()] for task in seen]
    assert clips == [[], [], ["streaming"] * 2, ["complete", "streaming"], ["complete"] * 2]
    assert seen[3]["data"][1]["audio_url"].startswith("https://audiopipe.suno.ai/")
    done = seen[4]["data"][0]
    assert (done["model_name"], done["major_model_version"], bool(done["audio_url"])) == ("chirp-hawk", "v6", True)
    assert receiver.bodies.empty()
    assert relay.simulator.tasks()[0]["undocumented_fields"] == []


def test_an_extension_and_lyrics(relay: Relay, clock: HandClock) -> None:
    task_id = relay.task(SIMPLE)
    clock.advance(TASK_SECONDS)
    source = {"task_id": task_id, "continue_clip_id": relay.read(task_id)["data"][0]["id"]}
    assert relay.submit({**CUSTOM, **source}).json()["code"] == "invalid_request"
    extended = relay.task({**CUSTOM, **source, "continue_at": 3})
    lyrics = relay.task({"prompt": "rain"}, action="lyrics")
    assert relay.read(lyrics)["data"] is None
    clock.advance(TASK_SECONDS)
    assert [clip["status"] for clip in relay.read(extended)["data"]] == ["complete"] * 2
    assert relay.read(lyrics)["data"]["text"]
    refused = relay.submit({**CUSTOM, **source, "task_id": "other", "continue_at": 3})
    assert (refused.status_code, refused.json()["code"]) == (400, "task_origin_not_exist")


@pytest.mark.parametrize("wrong", [{"prompt": ""}, {"mv": "V6"}, {"make_instrumental": 1}, {"continue_at": "x"}])
def test_what_breaks_a_rule_is_refused(relay: Relay, wrong: Json) -> None:
    reply = relay.submit({**CUSTOM, **wrong})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_request")
    assert relay.simulator.tasks() == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limited", 429, "too_many_requests"),
        ("quota_exhausted", 403, "insufficient_user_quota"),
        ("maintenance", 503, "fail_to_fetch_task"),
        ("retired_model", 400, "fail_to_fetch_task"),
        ("server_error_after_create", 500, "do_request_failed"),
    ],
)
def test_refused_submissions(relay: Relay, fault: str, status: int, code: str) -> None:
    reply = relay.submit(SIMPLE, fault)
    assert (reply.status_code, reply.json()["code"], reply.json()["data"]) == (status, code, None)


def test_an_error_may_name_the_task(relay: Relay) -> None:
    reply = relay.submit(SIMPLE, "error_names_task")
    assert reply.status_code == 500
    assert relay.read(reply.json()["data"])["status"] == "NOT_START"


def test_tasks_that_fail(relay: Relay, clock: HandClock) -> None:
    failed, cancelled = relay.task(SIMPLE, "failed_task"), relay.task(SIMPLE, "cancelled_task")
    partial, strange = relay.task(SIMPLE, "one_track_failed"), relay.task(SIMPLE, "unknown_status=1")
    clock.advance(TASK_SECONDS)
    assert [relay.read(each)["status"] for each in (failed, cancelled, strange)] == ["FAILURE", "FAIL", "MASTERING"]
    assert relay.read(failed)["fail_reason"]
    clips = relay.read(partial)["data"]
    assert [(clip["status"], clip["metadata"]["error_type"]) for clip in clips] == [
        ("complete", None),
        ("error", "generation_error"),
    ]


def test_reads_of_tasks_that_are_not_there(relay: Relay) -> None:
    first, second = relay.task(SIMPLE), relay.task(SIMPLE)
    assert relay.call("GET", "/suno/fetch/other").json()["code"] == "task_not_exist"
    assert relay.call("GET", f"/suno/fetch/{first}", key="other").status_code == 401
    assert relay.call("GET", "/suno/other").status_code == 404
    assert relay.call("POST", "/suno/other", {}).status_code == 404
    batch = relay.call("POST", "/suno/fetch", {"ids": [first, "other", second], "action": "MUSIC"}).json()
    assert [task["task_id"] for task in batch["data"]] == [second, first]
    assert relay.call("POST", "/suno/fetch", {"ids": ["other"]}).json()["data"] is None
