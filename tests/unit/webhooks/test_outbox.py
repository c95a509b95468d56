"""The end of a job becomes one delivery for each endpoint, before the job forgets that it has to be announced (I5)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.jobs.listing import Listing
from suno_jobs.jobs.record import JobView, Track, TrackState
from suno_jobs.jobs.states import JobState, Progress
from suno_jobs.lifecycle.webhook_bodies import BODY_BYTES, job_body
from suno_jobs.storage.job_list import JobList
from suno_jobs.webhooks import outbox
from suno_jobs.webhooks.deliveries import Delivery, DeliveryState, DeliveryTable, EventTable, partition_of
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT, SUBSCRIBED, Endpoint
from suno_jobs.webhooks.outbox import WebhookEvent
from tests.builders import AUDIO, always, cancel
from tests.unit.steps.test_event_size import LARGEST
from tests.world import PACE, TABLE, World

THROTTLED = AwsError({"Error": {"Code": "ThrottlingException"}}, "SendMessage")


def an_endpoint(world: World, endpoint_id: str = "we_1", **changes: Any) -> Endpoint:
    known = {"url": "https://shop.example/hooks", "events": SUBSCRIBED, "secret": "whsec_AAAA", "recorded_at": 1}
    endpoint = Endpoint(endpoint_id=endpoint_id, tenant="acme", **{**known, **changes})
    EndpointTable(world.dynamodb, TABLE).create(endpoint)
    return endpoint


def deliveries(world: World, endpoint_id: str = "we_1") -> list[Delivery]:
    return DeliveryTable(world.dynamodb, TABLE).newest(partition_of("acme", endpoint_id), 100, None)


def an_event(world: World, name: str) -> None:
    known: dict[str, Any] = {"event_id": name, "event_type": "job.failed", "at": world.now, "tenant": "acme", "source": "JOB#1"}
    world.outbox().put(WebhookEvent(**known, make_body=lambda: b"{}"))


def overdue(world: World) -> str:
    job_id = world.accept()
    world.clock.sleep(PACE.slack + 1)
    return job_id


def stored_deliveries(world: World) -> list[Any]:
    items = world.dynamodb.scan(TableName=TABLE)["Items"]
    return [item for item in items if item["pk"]["S"] == partition_of("acme", "we_1")]


def ended(world: World) -> str:
    job_id = world.generating()
    cancel(world, job_id)
    return job_id


def test_i5_the_end_of_a_job_is_delivered_to_every_endpoint_that_wants_it(world: World) -> None:
    for number, events in enumerate([SUBSCRIBED, ("job.cancelled",), ("job.succeeded",)]):
        an_endpoint(world, f"we_{number}", events=events)
    job_id = ended(world)
    world.job_finisher().finish_job(job_id)
    assert [len(deliveries(world, f"we_{number}")) for number in range(3)] == [1, 1, 0]
    [delivery] = deliveries(world, "we_0")
    assert delivery.delivery_id == f"{world.now}.{job_id}.cancelled"
    assert (delivery.event_type, delivery.state, delivery.due_at) == ("job.cancelled", DeliveryState.PENDING, world.now)
    assert [(message["delivery_id"], delay) for message, delay in world.sqs.sent] == [(delivery.delivery_id, 0)] * 2
    event = EventTable(world.dynamodb, TABLE).find(delivery.source, delivery.event_id)
    assert event
    body = json.loads(event.body)
    assert (body["id"], body["type"], body["data"]["job_id"]) == (f"{job_id}.cancelled", "job.cancelled", job_id)


def test_what_is_stored_for_webhooks_is_in_no_list_of_jobs(world: World) -> None:
    an_endpoint(world)
    job_id = ended(world)
    world.clock.sleep(1)
    world.job_finisher().finish_job(job_id)
    assert len(deliveries(world)) == 1
    newest, _ = JobList(world.dynamodb, TABLE).page("acme", Listing(), None, 1)
    assert [job.job_id for job in newest] == [job_id]


def test_i5_the_event_stays_pending_until_its_deliveries_are_recorded(world: World) -> None:
    an_endpoint(world)
    job_id = ended(world)
    world.bus.refusals = 1
    with pytest.raises(Exception, match="ThrottlingException"):
        world.job_finisher().finish_job(job_id)
    assert world.job(job_id).event_pending
    [first] = deliveries(world)
    world.job_finisher().finish_job(job_id)
    assert deliveries(world) == [first]
    assert len(world.sqs.sent) == 2
    assert not world.job(job_id).event_pending


def test_the_first_body_of_an_event_stays(world: World) -> None:
    """The job may have changed when Finish Job is repeated."""
    an_endpoint(world)
    known: dict[str, Any] = {"event_id": "e", "event_type": "job.failed", "at": world.now, "tenant": "acme", "source": "JOB#1"}
    world.outbox().put(WebhookEvent(**known, make_body=lambda: b"first"))
    world.outbox().put(WebhookEvent(**known, make_body=lambda: b"second"))
    event = world.outbox().events.find("JOB#1", "e")
    assert event
    assert event.body == b"first"


def test_a_tenant_without_an_endpoint_has_nothing_written(world: World) -> None:
    job_id = ended(world)
    world.job_finisher().finish_job(job_id)
    assert world.sqs.sent == []
    view = world.view(job_id)
    assert EventTable(world.dynamodb, TABLE).find(f"JOB#{view.job.job_id}", f"{job_id}.cancelled") is None


def test_a_message_that_cannot_be_sent_is_left_to_the_sweep(world: World) -> None:
    an_endpoint(world)
    world.sqs.broken = THROTTLED
    world.job_finisher().finish_job(ended(world))
    world.sqs.broken = None
    world.job_reconciler().reconcile_jobs(lambda: True)
    assert [message["delivery_id"] for message, _ in world.sqs.sent] == [deliveries(world)[0].delivery_id]


def test_a_sweep_without_time_sends_nothing(world: World) -> None:
    an_endpoint(world)
    world.job_finisher().finish_job(ended(world))
    world.sqs.sent.clear()
    world.outbox().send_due(lambda: False)
    assert world.sqs.sent == []


def test_a_queue_that_hangs_delays_no_job_and_is_asked_once(world: World) -> None:
    an_endpoint(world)
    for number in range(2):
        an_event(world, f"e{number}")
    world.clock.sleep(PACE.slack + 1)
    job_id = overdue(world)
    world.executions.states.clear()
    asked: list[list[tuple[str, int]]] = []

    def hang(**_: Any) -> None:
        asked.append(list(world.executions.states))
        world.clock.sleep(27)
        raise THROTTLED

    world.sqs.send_message = hang  # type: ignore[method-assign]
    world.job_reconciler().reconcile_jobs(always)
    assert asked == [[(job_id, 0)]]


def test_a_message_that_is_refused_at_once_keeps_no_other_from_being_sent(world: World) -> None:
    an_endpoint(world)
    for number in range(3):
        an_event(world, f"e{number}")
    world.clock.sleep(PACE.slack + 1)
    asked: list[str] = []

    def refuse(**message: Any) -> None:
        asked.append(message["MessageBody"])
        raise THROTTLED

    world.sqs.send_message = refuse  # type: ignore[method-assign]
    world.job_reconciler().reconcile_jobs(always)
    assert len(set(asked)) == 3


def test_webhooks_are_sent_before_a_gateway_is_asked(world: World) -> None:
    """A request that never returns ends the sweep at its timeout."""
    an_endpoint(world)
    an_event(world, "e")
    world.clock.sleep(PACE.slack + 1)
    sent: list[int] = []

    def ask(_: Any) -> Any:
        sent.append(len(world.sqs.sent))
        return iter(())

    world.sqs.sent.clear()
    replace(world.job_reconciler(), find_running=ask).reconcile_jobs(always)
    assert sent == [1]


def test_webhooks_do_not_wait_for_step_functions(world: World) -> None:
    an_endpoint(world)
    an_event(world, "e")
    overdue(world)
    world.executions.describable = 0
    world.sqs.sent.clear()
    assert not world.job_reconciler().reconcile_jobs(always).complete
    assert [message["delivery_id"] for message, _ in world.sqs.sent] == [deliveries(world)[0].delivery_id]


def test_a_backlog_in_one_shard_does_not_hide_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    an_endpoint(world)
    for number in range(40):
        an_event(world, f"e{number}")
    shards = {item["sk"]["S"]: item["due_shard"]["S"] for item in stored_deliveries(world)}
    world.sqs.sent.clear()
    monkeypatch.setattr(outbox, "SWEPT_AT_ONCE", 8)
    world.outbox().send_due(lambda: True)
    swept = Counter(shards[message["delivery_id"]] for message, _ in world.sqs.sent)
    assert swept == dict.fromkeys(shards.values(), 2)
    monkeypatch.setattr(outbox, "SWEPT_AT_ONCE", 40)
    world.sqs.sent.clear()
    world.outbox().send_due(lambda: True)
    assert {message["delivery_id"] for message, _ in world.sqs.sent} == set(shards)


def test_a_disabled_endpoint_gets_nothing_and_the_event_can_be_replayed(world: World) -> None:
    an_endpoint(world, disabled_at=1, disabled_by="client")
    world.job_finisher().finish_job(ended(world))
    [delivery] = deliveries(world)
    assert (delivery.state, delivery.due_at, world.sqs.sent) == (DeliveryState.SKIPPED, None, [])
    world.outbox().send_due(lambda: True)
    assert world.sqs.sent == []


def test_progress_goes_to_those_who_ask_for_it(world: World) -> None:
    an_endpoint(world)
    an_endpoint(world, "we_2", events=("job.progress",))
    an_endpoint(world, DEFAULT, url=None)
    job_id = world.generating()
    world.progress_announcer().note(job_id, Progress.FIRST)
    world.progress_announcer().announce_noted()
    assert [len(deliveries(world, name)) for name in ("we_1", "we_2", DEFAULT)] == [0, 1, 0]


def test_the_callback_url_of_a_job_gets_its_end(world: World) -> None:
    an_endpoint(world, DEFAULT, url=None)
    submitter, url = world.job_submitter(), "https://shop.example/one"
    for body in (
        {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}, "callback_url": url},
        {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}},
    ):
        job_id = submitter.submit_job("acme", body, None)[0].job.job_id
        cancel(world, job_id)
        world.job_finisher().finish_job(job_id)
        world.clock.now += 1
    [delivery] = deliveries(world, DEFAULT)
    event = world.outbox().events.find(delivery.source, delivery.event_id)
    assert event
    assert event.url == url


def test_the_body_of_a_job_has_paths_and_no_presigned_url(world: World) -> None:
    job_id = world.generating()
    world.start_storing(job_id)
    view = world.view(job_id)
    stored = Track(track_id="m-1", position=0, state=TrackState.STORED, assets=(AUDIO,))
    done = JobView(replace(view.job, state=JobState.SUCCEEDED), (stored,), {"lyrics": "la"}, (), view.request)
    body = json.loads(job_body(done, "e", "job.succeeded", 0))
    assert (body["type"], body["timestamp"]) == ("job.succeeded", "1970-01-01T00:00:00Z")
    data = body["data"]
    assert data["tracks"][0]["assets"][0]["url"] == f"/v1/jobs/{job_id}/tracks/m-1/audio"
    assert data["manifest"]["url"] == f"/v1/jobs/{job_id}/manifest"
    assert (data["result"], data["truncated"], data["url"]) == ({"lyrics": "la"}, [], f"/v1/jobs/{job_id}")


def test_the_largest_parts_of_a_large_job_are_left_out_first(world: World) -> None:
    view = JobView(
        world.view(world.generating()).job, result={"lyrics": "x" * BODY_BYTES}, request={"gateway": "auto", "input": {}}
    )
    data = json.loads(job_body(view, "e", "job.succeeded", 0))["data"]
    assert (data["result"], data["truncated"]) == (None, ["result"])
    assert data["request"]


def test_the_largest_job_fits() -> None:
    body = job_body(LARGEST, "e" * 60, "job.succeeded", 0)
    assert len(body) < BODY_BYTES


def test_nothing_has_an_id_that_is_too_long_for_the_table() -> None:
    unused: Any = None
    assert EndpointTable(unused, TABLE).find("acme", "x" * 2000) is None
    assert DeliveryTable(unused, TABLE).find(partition_of("acme", "we_1"), "x" * 2000) is None
