"""Links that expire, recovery, and signed callbacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import TASK_SECONDS, Client, Receiver


@pytest.fixture(params=["sunoapi", "kie"])
def recovering(request: pytest.FixtureRequest, simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Client:
    return Client(simulator, request.param, http, receiver.url)


@pytest.mark.parametrize(("fault", "status"), [("expired_links", 403), ("expired_links=404", 404), ("expired_links=410", 410)])
def test_links_expire_until_they_are_asked_for_again(
    client: Client, clock: HandClock, http: httpx.Client, fault: str, status: int
) -> None:
    task_id = client.task_id(fault, "lost_callback")
    clock.advance(TASK_SECONDS)
    field = client.wire.audio_field
    url = client.tracks(task_id)[0][field]
    assert client.tracks(task_id)[0][field] == url, "nobody has noticed yet"
    assert http.get(url).status_code == status
    again = client.tracks(task_id)[0][field]
    if client.gateway in ("sunoapi", "kie"):
        assert again == url, "only recovery helps"
        assert http.get(url).status_code == status
    else:
        assert again != url
        assert (http.get(again).status_code, http.get(url).status_code) == (200, status)


def recover(client: Client, clock: HandClock, task_id: str, *faults: str) -> tuple[list[Any], Any]:
    """The replies while it runs and at the end, and the callback."""
    if faults:
        client.simulator.fail_next(client.gateway, *faults)
    client.callback_url += "/recovery"
    body = {"sunoTaskId": task_id, "callBackUrl": client.callback_url}
    renewal_id = client.post("/api/v1/suno/recovery", body).json()["data"]["taskId"]
    seen = []
    for seconds in (0, TASK_SECONDS):
        clock.advance(seconds)
        seen.append(client.get("/api/v1/suno/recovery/record-info", task_id=renewal_id))
    return seen, renewal_id


def test_recovery(recovering: Client, clock: HandClock, http: httpx.Client, receiver: Receiver) -> None:
    task_id = recovering.task_id("expired_links", "lost_callback")
    clock.advance(TASK_SECONDS)
    tracks = recovering.tracks(task_id)
    (running, done), renewal_id = recover(recovering, clock, task_id)
    assert (running["code"], running["data"]) == (201, None)
    assert done["code"] == 200
    assert [(item["id"], item["status"], item["error"]) for item in done["data"]] == [
        (track["id"], "success", None) for track in tracks
    ]
    assert [http.get(item["audio_url"]).status_code for item in done["data"]] == [200, 200]
    posted = receiver.body()
    assert (posted["task_id"], posted["code"], posted["data"]) == (renewal_id, 200, done["data"])


@pytest.mark.parametrize(
    ("fault", "code", "statuses"),
    [("one_track_failed", 200, ["success", "failed"]), ("failed_task", 500, ["failed", "failed"])],
)
def test_recovery_can_fail_track_by_track(
    recovering: Client, clock: HandClock, fault: str, code: int, statuses: list[str]
) -> None:
    task_id = recovering.task_id("lost_callback")
    clock.advance(TASK_SECONDS)
    (_, done), _ = recover(recovering, clock, task_id, fault)
    assert (done["code"], [item["status"] for item in done["data"]]) == (code, statuses)
    assert [item["error"] for item in done["data"]] == [None if word == "success" else "clip_error" for word in statuses]


def test_recovery_can_give_m4a_files(recovering: Client, clock: HandClock, http: httpx.Client) -> None:
    task_id = recovering.task_id("lost_callback")
    clock.advance(TASK_SECONDS)
    (_, done), _ = recover(recovering, clock, task_id, "recovered_as_m4a")
    files = [http.get(item["audio_url"]) for item in done["data"]]
    assert {file.headers["content-type"] for file in files} == {"audio/mp4"}
    assert all(file.content[4:11] == b"ftypM4A" for file in files)
    assert files[0].content != files[1].content


def test_recovery_of_what_was_never_made(recovering: Client) -> None:
    reply = recovering.post("/api/v1/suno/recovery", {"sunoTaskId": "unknown"}).json()
    assert reply["code"] == (404 if recovering.gateway == "kie" else 400)


SIGNATURE = "X-Webhook-Signature"


@pytest.mark.parametrize(("fault", "right"), [("slow_task=10", True), ("wrong_signature", False)])
def test_kie_signs_the_task_id_and_the_time(
    receiver: Receiver,
    http: httpx.Client,
    fault: str,
    right: bool,
) -> None:
    clock = HandClock()
    with Simulator(clock=clock, task_seconds=TASK_SECONDS, audio_seconds=(1.0, 2.0), webhook_keys={"kie": "k"}) as simulator:
        task_id = Client(simulator, "kie", http, receiver.url).task_id(fault)
        clock.advance(TASK_SECONDS)
        seen = receiver.headers.get(timeout=5)
    digest = hmac.new(b"k", f"{task_id}.{int(clock.now())}".encode(), hashlib.sha256).digest()
    assert seen["X-Webhook-Timestamp"] == str(int(clock.now()))
    assert (seen[SIGNATURE] == base64.b64encode(digest).decode()) is right


def test_without_a_key_nothing_is_signed_and_others_never_sign(
    simulator: Simulator, receiver: Receiver, http: httpx.Client, clock: HandClock
) -> None:
    Client(simulator, "kie", http, receiver.url).task_id()
    clock.advance(TASK_SECONDS)
    assert SIGNATURE not in receiver.headers.get(timeout=5)
    with pytest.raises(ValueError, match="webhook keys may be given for kie"):
        Simulator(webhook_keys={"sunoapi": "k"})
