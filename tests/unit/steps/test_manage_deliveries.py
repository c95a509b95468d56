"""What was delivered can be listed and sent again, always with the same id."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import DeliveryNotFound, InvalidRequest, WebhookNotFound
from suno_jobs.jobs.views import iso_time
from suno_jobs.steps import manage_deliveries
from suno_jobs.steps.manage_deliveries import REPLAYED_AT_ONCE, DeliveryManager
from suno_jobs.webhooks.deliveries import Attempt, Delivery, DeliveryState
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT
from suno_jobs.webhooks.outbox import Outbox, WebhookEvent
from tests.builders import event, handler
from tests.unit.webhooks.test_outbox import an_endpoint, deliveries
from tests.world import TABLE, World


@pytest.fixture
def manager(world: World) -> DeliveryManager:
    return DeliveryManager(outbox=world.outbox(), clock=world.clock, random_bytes=bytes)


def put(world: World, number: int, *, ends: DeliveryState | None = DeliveryState.FAILED) -> Delivery:
    """A delivery of an event ``number`` seconds from now."""
    outbox = world.outbox()
    [delivery] = outbox.put(
        WebhookEvent(
            event_id=f"job_{number}.failed",
            event_type="job.failed",
            at=world.now + number,
            tenant="acme",
            source="JOB#1",
            make_body=lambda: b"{}",
        )
    )
    if ends:
        outbox.deliveries.record_attempt(delivery, Attempt(world.now, 500, 12, "oops"), ends, None)
    return delivery


def states(world: World) -> list[str]:
    return [each.state.value for each in deliveries(world)]


def test_pages_have_the_newest_event_first(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world)
    for number in range(5):
        put(world, number)
    found, query, pages = [], "limit=2", 0
    while query:
        page, headers = manager.list_deliveries("acme", "we_1", query)
        found += [each["event_id"] for each in page["deliveries"]]
        query, pages = (f"limit=2&cursor={page['next']}" if page["next"] else ""), pages + 1
        link = f'</v1/webhooks/we_1/deliveries?limit=2&cursor={page["next"]}>; rel="next"'
        assert headers == ({"Link": link} if page["next"] else {})
    assert (found, pages) == ([f"job_{number}.failed" for number in (4, 3, 2, 1, 0)], 3)


def test_a_delivery_shows_its_attempts(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world)
    delivery = put(world, 0)
    [shown] = manager.list_deliveries("acme", "we_1", "")[0]["deliveries"]
    assert shown == {
        "delivery_id": delivery.delivery_id,
        "event_id": "job_0.failed",
        "type": "job.failed",
        "state": "failed",
        "reason": None,
        "created_at": iso_time(world.now),
        "next_attempt_at": None,
        "attempts": [{"at": iso_time(world.now), "status": 500, "milliseconds": 12, "answer": "oops"}],
    }


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "cursor=", "before=1", "limit=1&limit=2"])
def test_a_wrong_query_is_refused(world: World, manager: DeliveryManager, query: str) -> None:
    an_endpoint(world)
    with pytest.raises(InvalidRequest):
        manager.list_deliveries("acme", "we_1", query)


@pytest.mark.parametrize("ends", [DeliveryState.FAILED, DeliveryState.DELIVERED, None])
def test_a_retry_begins_the_attempts_anew(world: World, manager: DeliveryManager, ends: DeliveryState | None) -> None:
    an_endpoint(world)
    delivery = put(world, 0, ends=ends)
    world.sqs.sent.clear()
    shown = manager.retry_delivery("acme", "we_1", delivery.delivery_id)
    assert (shown["state"], shown["next_attempt_at"]) == ("pending", iso_time(world.now))
    [restarted] = deliveries(world)
    assert (restarted.failures, restarted.event_id) == (0, delivery.event_id)
    assert world.sqs.sent == [(restarted.key._asdict(), 0)]


def test_a_replay_concerns_its_range_and_what_was_not_delivered(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world)
    for number in range(4):
        put(world, number)
    put(world, 4, ends=DeliveryState.DELIVERED)
    put(world, 5, ends=None)
    body = {"since": iso_time(world.now + 1), "until": iso_time(world.now + 2)}
    assert manager.replay("acme", "we_1", body) == {"replayed": 2, "next": None}
    assert states(world) == ["pending", "delivered", "failed", "pending", "pending", "failed"]
    assert manager.replay("acme", "we_1", {"since": iso_time(world.now), "delivered": True})["replayed"] == 3
    assert set(states(world)) == {"pending"}


def test_a_large_replay_is_continued_with_its_cursor(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world)
    for number in range(REPLAYED_AT_ONCE + 3):
        put(world, number)
    body: dict[str, Any] = {"since": iso_time(0)}
    first = manager.replay("acme", "we_1", body)
    assert first["replayed"] == REPLAYED_AT_ONCE
    assert manager.replay("acme", "we_1", body | {"cursor": first["next"]}) == {"replayed": 3, "next": None}


def test_a_replay_that_finds_much_to_leave_alone_is_continued_too(
    world: World, manager: DeliveryManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manage_deliveries, "READ_AT_ONCE", 2)
    an_endpoint(world)
    put(world, 0, ends=DeliveryState.DELIVERED)
    last = put(world, 1, ends=DeliveryState.DELIVERED)
    put(world, 2)
    body = {"since": iso_time(world.now), "until": iso_time(world.now + 2)}
    assert manager.replay("acme", "we_1", body) == {"replayed": 0, "next": last.delivery_id}
    assert manager.replay("acme", "we_1", body | {"cursor": last.delivery_id}) == {"replayed": 1, "next": None}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/since"}),
        ({"since": "yesterday", "until": "2026-11-22T00:00:00"}, {"/since", "/until"}),
        ({"since": "2026-11-22T00:00:00Z", "cursor": "x", "all": True}, {"/cursor", "/all"}),
        ({"since": "2026-11-22T00:00:00Z", "until": "2026-11-21T23:59:59Z"}, {"/until"}),
        ({"since": "2026-11-22T00:00:00Z", "cursor": "1000000000.e"}, {"/cursor"}),
        ({"since": "2026-11-22T00:00:00Z", "until": "2026-11-22T00:00:00Z", "cursor": "1999999999.e"}, {"/cursor"}),
    ],
)
def test_a_wrong_replay_is_refused(world: World, manager: DeliveryManager, body: Any, pointers: set[str]) -> None:
    an_endpoint(world)
    with pytest.raises(InvalidRequest) as refused:
        manager.replay("acme", "we_1", body)
    assert {each["pointer"] for each in refused.value.members["errors"]} == pointers


def test_a_test_event_reaches_its_endpoint_only_whatever_it_wants(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world, events=("job.failed",))
    an_endpoint(world, "we_2")
    shown = manager.send_test("acme", "we_1")
    assert (shown["type"], shown["state"]) == ("webhook.test", "pending")
    [delivery] = deliveries(world)
    stored = world.outbox().events.find(delivery.source, delivery.event_id)
    assert stored
    assert json.loads(stored.body)["data"] == {"webhook_id": "we_1"}
    assert deliveries(world, "we_2") == []


def test_the_default_record_cannot_be_tested(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world, DEFAULT, url=None)
    with pytest.raises(InvalidRequest):
        manager.send_test("acme", DEFAULT)


def test_an_endpoint_that_is_deleted_meanwhile_gets_no_test(world: World, manager: DeliveryManager) -> None:
    endpoint = an_endpoint(world)
    table = EndpointTable(world.dynamodb, TABLE)
    late = SimpleNamespace(find=lambda *_: endpoint, of_tenant=table.of_tenant)
    table.delete(endpoint)
    outbox = manager.outbox
    stale = Outbox(
        endpoints=late,  # type: ignore[arg-type]
        events=outbox.events,
        deliveries=outbox.deliveries,
        queue=outbox.queue,
        clock=outbox.clock,
    )
    with pytest.raises(WebhookNotFound):
        DeliveryManager(outbox=stale, clock=manager.clock, random_bytes=bytes).send_test("acme", "we_1")


def test_what_belongs_to_another_tenant_is_unknown(world: World, manager: DeliveryManager) -> None:
    an_endpoint(world)
    delivery = put(world, 0)
    with pytest.raises(WebhookNotFound):
        manager.list_deliveries("zenith", "we_1", "")
    with pytest.raises(WebhookNotFound):
        manager.retry_delivery("zenith", "we_1", delivery.delivery_id)
    with pytest.raises(DeliveryNotFound):
        manager.retry_delivery("acme", "we_1", "1800000000.job_9.failed")


@pytest.mark.parametrize("name", ["list", "retry", "replay", "test"])
def test_the_routes_of_an_unknown_webhook(deployed: SimpleNamespace, name: str) -> None:
    answer = handler("manage_deliveries")(event(f"manage_deliveries/{name}"))
    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (404, "/v1/problems/webhook-not-found")
