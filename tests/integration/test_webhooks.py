"""What clients receive: verified by the reference libraries of Standard Webhooks, at an endpoint that fails in every way."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.stack import LocalStack
from suno_jobs.cli.client.listen import Forwarder, Watcher
from suno_jobs.webhooks import sender
from suno_jobs.webhooks.sender import Outcome, WebhookSender
from suno_jobs.webhooks.signing import signed_headers
from suno_jobs_client import SunoJobs
from tests.integration.test_clients import CLIENTS, NODE
from tests.integration.waiting import wait_for_end
from tests.integration.webhook_receiver import Received, Receiver, serving

Json = dict[str, Any]

SECRETS = tuple(f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in range(3))
SONG: Json = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}
VERIFY = """
const { Webhook } = require("standardwebhooks");
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const secret of given.secrets) new Webhook(secret).verify(given.body, given.headers);
console.log("verified");
"""


def verify(received: Received, *secrets: str) -> Json:
    """By both libraries, with each of the secrets. Returns the event."""
    for secret in secrets:
        Webhook(secret).verify(received.body, dict(received.headers))
    given = json.dumps({"secrets": secrets, "body": received.body.decode(), "headers": dict(received.headers)})
    source = CLIENTS / "typescript"
    done = subprocess.run([NODE, "-e", VERIFY], cwd=source, input=given, capture_output=True, text=True, check=False)
    assert done.stdout == "verified\n", done.stderr
    event: Json = json.loads(received.body)
    assert event["id"] == received.headers["webhook-id"]
    return event


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    with serving(found):
        yield found


@pytest.fixture
def send(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Outcome]:
    monkeypatch.setattr(sender, "TIMEOUT_SECONDS", 0.8)
    trusted = WebhookSender(trusted_origins=frozenset({receiver.origin}))
    return lambda path: trusted.send(f"{receiver.origin}/{path}", {"webhook-id": "e"}, b"{}")


@pytest.mark.parametrize(
    ("path", "status", "ok"),
    [
        ("works", 200, True),
        ("cut_body", 200, True),
        ("fails", 500, False),
        ("refuses", 401, False),
        ("gone", 410, False),
        ("busy", 429, False),
        ("redirects", 307, False),
        ("closes", None, False),
        ("garbage", None, False),
        ("cut_head", None, False),
        ("drips", None, False),
        ("silent", None, False),
    ],
)
def test_each_way_to_answer_is_one_outcome_in_time(
    send: Callable[[str], Outcome], receiver: Receiver, path: str, status: int | None, ok: bool
) -> None:
    outcome = send(path)
    assert (outcome.status, outcome.ok) == (status, ok)
    assert outcome.seconds < 1.5
    assert len(outcome.answer) <= 256
    assert [each.path for each in receiver.received] == [f"/{path}"]
    assert outcome.retry_after == (7.0 if path == "busy" else None)


def test_an_origin_of_this_machine_is_forbidden_where_it_is_not_trusted(receiver: Receiver) -> None:
    outcome = WebhookSender().send(f"{receiver.origin}/works", {}, b"{}")
    assert (outcome.ok, receiver.received) == (False, [])


def test_both_reference_libraries_accept_our_signature_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    import time  # noqa: PLC0415

    body = json.dumps({"id": "e", "word": "ä"}).encode()
    headers = signed_headers(SECRETS[:2], "e", int(time.time()), body)
    verify(Received("/", headers, body), *SECRETS[:2])
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[2]).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(body + b" ", headers)


def test_the_end_of_a_job_reaches_its_webhook_and_its_callback_url(
    stack: LocalStack, as_tenant: Callable[[str], httpx.Client], webhooks: Receiver
) -> None:
    client, origin = as_tenant("hooked"), webhooks.origin
    suno = SunoJobs(stack.api_url, client.headers["Authorization"].removeprefix("Bearer "))
    listening = Watcher(suno)
    created = client.post("/v1/webhooks", json={"url": f"{origin}/hooked"}).json()
    default = client.post("/v1/webhooks/default/rotate").json()
    rotated = client.post(f"/v1/webhooks/{created['webhook_id']}/rotate").json()
    job_id = client.post("/v1/jobs", json=SONG | {"callback_url": f"{origin}/one?secret=1"}).json()["job_id"]
    job = wait_for_end(client, job_id, stack.logs)
    event = verify(webhooks.wait("/hooked")[0], rotated["secret"], created["secret"])
    once = verify(webhooks.wait("/one?secret=1")[0], default["secret"])
    assert event == once
    # What a developer gets on a machine that no service can reach.
    with suno:
        [found] = listening.look()
    assert Forwarder(f"{origin}/laptop", SECRETS[0]).forward(found) == "forwarded: 200"
    assert verify(webhooks.wait("/laptop")[0], SECRETS[0]) == event
    assert (found.event_id, found.event_type, json.loads(found.body)) == (event["id"], event["type"], event)
    assert (event["id"], event["type"]) == (f"{job_id}.succeeded", "job.succeeded")
    assert event["data"]["tracks"][0]["track_id"] == job["tracks"][0]["track_id"]
    path = event["data"]["tracks"][0]["assets"][0]["url"]
    assert client.get(path, follow_redirects=False).status_code == 307


def test_a_delivery_that_failed_is_tried_again_listed_and_sent_anew(
    as_tenant: Callable[[str], httpx.Client], webhooks: Receiver
) -> None:
    client = as_tenant("failing")
    webhooks.failing.add("/broken")
    webhook_id = client.post("/v1/webhooks", json={"url": f"{webhooks.origin}/broken"}).json()["webhook_id"]
    sent = client.post(f"/v1/webhooks/{webhook_id}/test").json()
    webhooks.wait("/broken")
    webhooks.failing.clear()
    # The second attempt follows after five seconds, by the delay of the queue.
    assert len({each.headers["webhook-id"] for each in webhooks.wait("/broken", 2)}) == 1
    path = f"/v1/webhooks/{webhook_id}/deliveries"
    client.post(f"{path}/{sent['delivery_id']}/retry")
    webhooks.wait("/broken", 3)
    listed = client.get(path).json()["deliveries"]
    assert [each["status"] for each in listed[0]["attempts"]][:2] == [500, 200]
    assert client.get(f"/v1/webhooks/{webhook_id}").json()["failing_since"] is None


def test_the_progress_of_a_job_reaches_an_endpoint_that_asks_for_it(
    stack: LocalStack, as_tenant: Callable[[str], httpx.Client], webhooks: Receiver
) -> None:
    client = as_tenant("impatient")
    hook = {"url": f"{webhooks.origin}/progress", "events": ["job.progress"]}
    webhook_id = client.post("/v1/webhooks", json=hook).json()["webhook_id"]
    song = {"gateway": "sunoapi", "kind": "music", "input": {"prompt": "rain [fault:slow_task=4]"}}
    wait_for_end(client, client.post("/v1/jobs", json=song).json()["job_id"], stack.logs)
    assert json.loads(webhooks.wait("/progress")[0].body)["type"] == "job.progress"
    assert client.delete(f"/v1/webhooks/{webhook_id}").status_code == 204
