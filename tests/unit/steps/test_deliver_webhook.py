"""One attempt of one delivery: what is sent, when it is tried again, and when the endpoint is given up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import EventNotSent
from suno_jobs.jobs.identifiers import sandbox_of
from suno_jobs.lifecycle.announcing import EventBus
from suno_jobs.steps.deliver_webhook import FAILING_SECONDS, TURN_SECONDS, TURNS, WebhookDeliverer
from suno_jobs.storage.update_expressions import Change
from suno_jobs.webhooks.deliveries import (
    LEASE_SECONDS,
    MAX_ATTEMPTS_SHOWN,
    Delivery,
    DeliveryKey,
    DeliveryState,
    DeliveryTable,
    partition_of,
)
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT, DisabledBy, Endpoint, ReplacedSecret
from suno_jobs.webhooks.outbox import WebhookEvent
from suno_jobs.webhooks.sender import Outcome
from suno_jobs.webhooks.signing import signed_headers
from tests.builders import event, handler
from tests.unit.webhooks.test_outbox import an_endpoint, deliveries
from tests.world import TABLE, World

OK = Outcome(204, "", 0.1)
BROKEN = Outcome(500, "oops", 0.1)
TIMEOUT = Outcome(None, "no answer within 15 s", 15.0)
SONG = f"job_{'0' * 26}.succeeded"


@dataclass
class FakeSender:
    """Answers in order, the last one for ever. ``meanwhile`` runs during the request."""

    outcomes: list[Outcome]
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    meanwhile: Any = None

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        self.sent.append((url, headers, body))
        if self.meanwhile:
            self.meanwhile()
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender([OK])


@pytest.fixture
def deliverer(world: World, sender: FakeSender) -> WebhookDeliverer:
    return WebhookDeliverer(
        outbox=world.outbox(),
        sender=sender,  # type: ignore[arg-type]
        bus=EventBus(world.bus, "bus"),  # type: ignore[arg-type]
        clock=world.clock,
        random=lambda: 0.0,
    )


def put(world: World, name: str = SONG, *, url: str | None = None, tenant: str = "acme") -> None:
    world.outbox().put(
        WebhookEvent(
            event_id=name,
            event_type="job.succeeded",
            at=world.now,
            tenant=tenant,
            source="JOB#1",
            make_body=lambda: b'{"a": 1}',
            callback_url=url,
        )
    )


def key_of(delivery: Delivery) -> DeliveryKey:
    return delivery.key


def run(world: World, deliverer: WebhookDeliverer, endpoint_id: str = "we_1") -> Delivery:
    """One attempt at what is pending, at its time."""
    [delivery] = deliveries(world, endpoint_id)
    assert delivery.due_at
    world.clock.now = max(world.clock.now, delivery.due_at)
    deliverer.deliver_webhook(delivery.key)
    return deliveries(world, endpoint_id)[0]


def endpoint_of(world: World, endpoint_id: str = "we_1") -> Endpoint:
    found = EndpointTable(world.dynamodb, TABLE).find("acme", endpoint_id)
    assert found
    return found


def test_of_thirty_threads_with_one_message_one_makes_the_attempt(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    key = key_of(deliveries(world)[0])
    together = Barrier(30)

    def deliver(_: int) -> DeliveryState | None:
        together.wait()
        return deliverer.deliver_webhook(key)

    with ThreadPoolExecutor(30) as pool:
        states = list(pool.map(deliver, range(30)))
    assert len(sender.sent) == 1
    assert sorted(states, key=str) == [None] * 29 + [DeliveryState.DELIVERED]


def test_a_success_is_signed_recorded_and_never_sent_again(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    endpoint = an_endpoint(world, replaced=(ReplacedSecret("whsec_BBBB", 2**40),))
    put(world)
    message, _ = world.sqs.sent[0]
    key = DeliveryKey(**message)
    assert deliverer.deliver_webhook(key) is DeliveryState.DELIVERED
    assert deliverer.deliver_webhook(key) is None
    secrets = ("whsec_AAAA", "whsec_BBBB")
    assert sender.sent == [(endpoint.url, signed_headers(secrets, SONG, world.now, b'{"a": 1}'), b'{"a": 1}')]
    [delivery] = deliveries(world)
    assert (delivery.state, delivery.due_at, len(delivery.attempts)) == (DeliveryState.DELIVERED, None, 1)
    assert endpoint_of(world) == endpoint


def test_every_attempt_has_the_same_id_and_body_until_it_is_given_up(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    sender.outcomes = [BROKEN]
    started, states = world.now, list[DeliveryState]()
    while not states or states[-1] is DeliveryState.PENDING:
        states.append(run(world, deliverer).state)
    assert states == [*[DeliveryState.PENDING] * 9, DeliveryState.FAILED]
    assert {(headers["webhook-id"], body) for _, headers, body in sender.sent} == {(SONG, b'{"a": 1}')}
    assert 75 * 3600 < world.now - started < 76 * 3600
    assert endpoint_of(world).failing_since == started


def test_a_short_wait_is_a_delay_of_the_queue_and_a_long_one_is_left_to_the_sweep(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    sender.outcomes = [BROKEN]
    for _ in range(4):
        run(world, deliverer)
    assert [delay for _, delay in world.sqs.sent] == [0, 6, 301]
    world.clock.now += 3 * 3600
    world.outbox().send_due(lambda: True)
    assert world.sqs.sent[-1][0] == deliveries(world)[0].key._asdict()


def test_a_repeated_message_is_dropped_while_an_attempt_is_made(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    key, repeated = deliveries(world)[0].key, []
    sender.meanwhile = lambda: repeated.append(deliverer.deliver_webhook(key))
    assert deliverer.deliver_webhook(key) is DeliveryState.DELIVERED
    assert (repeated, len(sender.sent)) == ([None], 1)


def test_after_a_crash_the_delivery_is_due_again_after_its_lease(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    sender.meanwhile = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        deliverer.deliver_webhook(deliveries(world)[0].key)
    [delivery] = deliveries(world)
    assert (delivery.state, delivery.due_at) == (DeliveryState.PENDING, world.now + LEASE_SECONDS)
    world.clock.now += LEASE_SECONDS
    sender.meanwhile = None
    world.outbox().send_due(lambda: True)
    assert deliverer.deliver_webhook(DeliveryKey(**world.sqs.sent[-1][0])) is DeliveryState.DELIVERED


def test_an_attempt_that_outlived_its_lease_changes_nothing(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    key = deliveries(world)[0].key

    def another() -> None:
        sender.meanwhile = None
        deliverer.deliver_webhook(deliveries(world)[0].key)

    sender.meanwhile, sender.outcomes = another, [OK, BROKEN]
    assert deliverer.deliver_webhook(key) is None
    assert deliveries(world)[0].state is DeliveryState.DELIVERED


def test_410_disables_the_endpoint_and_the_others_and_the_bus_learn_of_it(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    for name in ("we_1", "we_2", DEFAULT):
        an_endpoint(world, name)
    put(world)
    sender.outcomes = [Outcome(410, "", 0.1)]
    [delivery] = deliveries(world)
    assert deliverer.deliver_webhook(delivery.key) is DeliveryState.FAILED
    disabled = endpoint_of(world)
    assert (disabled.disabled_by, disabled.disabled_at) == (DisabledBy.GONE, world.now)
    [announced] = world.bus.events
    assert (announced["DetailType"], announced["Detail"]["webhook_id"]) == ("webhook.disabled", "we_1")
    types = [each.event_type for each in deliveries(world, "we_2")]
    assert sorted(types) == ["job.succeeded", "webhook.disabled"]
    assert [len(deliveries(world, name)) for name in ("we_1", DEFAULT)] == [1, 0]


def test_an_endpoint_that_fails_for_five_days_is_disabled_and_a_success_begins_anew(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world, failing_since=world.now - FAILING_SECONDS + 10)
    put(world)
    sender.outcomes = [BROKEN, OK, BROKEN]
    assert run(world, deliverer).state is DeliveryState.PENDING
    assert endpoint_of(world).disabled_at is None
    assert run(world, deliverer).state is DeliveryState.DELIVERED
    assert endpoint_of(world).failing_since is None
    EndpointTable(world.dynamodb, TABLE).change(endpoint_of(world), Change(sets={"failing_since": world.now - FAILING_SECONDS}))
    put(world, "job_2.succeeded")
    newest = deliveries(world)[0]
    assert deliverer.deliver_webhook(newest.key) is DeliveryState.PENDING
    assert endpoint_of(world).disabled_by is DisabledBy.FAILING
    assert deliverer.deliver_webhook(deliveries(world)[0].key) is DeliveryState.SKIPPED
    assert deliveries(world)[0].reason == "the webhook is disabled"


def test_the_default_record_is_never_disabled_and_sends_to_the_url_of_the_job(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world, DEFAULT, url=None)
    put(world, url="https://one.example/off")
    sender.outcomes = [Outcome(410, "", 0.1)]
    assert run(world, deliverer, DEFAULT).state is DeliveryState.FAILED
    assert sender.sent[0][0] == "https://one.example/off"
    assert endpoint_of(world, DEFAULT).disabled_at is None


def test_an_announcement_that_is_not_sent_is_repeated(world: World, deliverer: WebhookDeliverer, sender: FakeSender) -> None:
    an_endpoint(world)
    put(world)
    sender.outcomes = [Outcome(410, "", 0.1)]
    world.bus.refusals = 1
    with pytest.raises(EventNotSent):
        deliverer.deliver_webhook(deliveries(world)[0].key)
    disabled_at = world.now
    assert (endpoint_of(world).disabled_at, endpoint_of(world).event_pending) == (disabled_at, True)
    assert run(world, deliverer).state is DeliveryState.SKIPPED
    assert (endpoint_of(world).disabled_at, endpoint_of(world).event_pending) == (disabled_at, False)
    assert [each["Detail"]["event_id"] for each in world.bus.events] == [f"we_1.disabled.{disabled_at}"]


GONE = Outcome(410, "", 0.1)


def change(world: World, **sets: Any) -> None:
    EndpointTable(world.dynamodb, TABLE).change(endpoint_of(world), Change(sets=sets))


@pytest.mark.parametrize("outcome", [GONE, BROKEN])
@pytest.mark.parametrize(
    "meanwhile",
    [
        {"url": "https://b.example/x"},
        {"failing_since": 2**31},
        {"disabled_at": 7, "disabled_by": "client"},
    ],
    ids=["another URL", "a success and a failure", "disabled by the client"],
)
def test_an_attempt_whose_view_is_out_of_date_disables_nothing(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender, outcome: Outcome, meanwhile: dict[str, Any]
) -> None:
    an_endpoint(world, failing_since=world.now - FAILING_SECONDS)
    put(world)
    sender.outcomes, sender.meanwhile = [outcome], lambda: change(world, **meanwhile)
    before = replace(endpoint_of(world), **meanwhile)
    run(world, deliverer)
    assert endpoint_of(world) == before
    assert world.bus.events == []


def test_of_concurrent_answers_410_one_disables_and_announces(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    an_endpoint(world, "we_2")
    put(world)
    put(world, "job_2.succeeded")
    sender.outcomes = [GONE]
    first, second = deliveries(world)

    def another() -> None:
        sender.meanwhile = None
        deliverer.deliver_webhook(second.key)
        world.clock.now += 1

    sender.meanwhile = another
    assert deliverer.deliver_webhook(first.key) is DeliveryState.FAILED
    assert [each["DetailType"] for each in world.bus.events] == ["webhook.disabled"]
    assert [each.event_type for each in deliveries(world, "we_2")].count("webhook.disabled") == 1


@pytest.mark.parametrize(("endpoint_id", "url"), [("we_1", "https://shop.example/hooks"), (DEFAULT, None)])
def test_a_failure_at_an_earlier_url_is_not_one_of_the_present(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender, endpoint_id: str, url: str | None
) -> None:
    an_endpoint(world, endpoint_id, url=url)
    put(world, url="https://one.example/off")
    sender.outcomes = [BROKEN]
    if url:
        sender.meanwhile = lambda: change(world, url="https://b.example/x")
    run(world, deliverer, endpoint_id)
    assert (endpoint_of(world, endpoint_id).failing_since is None) is (url is not None)


def test_a_slow_failure_does_not_bring_back_failures_before_a_success(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world, failing_since=world.now - 60)
    put(world)
    succeeded = Change(removes=("failing_since",))
    sender.outcomes = [TIMEOUT]
    sender.meanwhile = lambda: EndpointTable(world.dynamodb, TABLE).change(endpoint_of(world), succeeded)
    run(world, deliverer)
    assert (endpoint_of(world).slow, endpoint_of(world).failing_since) == (True, None)


def test_what_others_learn_of_a_url_has_no_query(world: World, deliverer: WebhookDeliverer, sender: FakeSender) -> None:
    an_endpoint(world, url="https://shop.example/hooks?token=secret")
    an_endpoint(world, "we_2")
    put(world)
    sender.outcomes = [GONE]
    run(world, deliverer)
    [told] = [each for each in deliveries(world, "we_2") if each.event_type == "webhook.disabled"]
    body = world.outbox().events.find(told.source, told.event_id)
    assert body
    urls = [json.loads(body.body)["data"]["url"], world.bus.events[0]["Detail"]["url"]]
    assert urls == ["https://shop.example/hooks"] * 2


@pytest.mark.parametrize(
    ("tenant", "names"),
    [("acme", {"WebhookSeconds", "WebhookFailures", "WebhooksDisabled"}), (sandbox_of("acme"), set())],
)
def test_webhooks_of_the_sandbox_are_in_no_metric(
    world: World,
    deliverer: WebhookDeliverer,
    sender: FakeSender,
    capsys: pytest.CaptureFixture[str],
    tenant: str,
    names: set[str],
) -> None:
    EndpointTable(world.dynamodb, TABLE).create(replace(an_endpoint(world, "we_9"), endpoint_id="we_1", tenant=tenant))
    put(world, tenant=tenant)
    put(world, "job_2.succeeded", tenant=tenant)
    sender.outcomes = [OK, GONE]
    capsys.readouterr()
    for delivery in DeliveryTable(world.dynamodb, TABLE).newest(partition_of(tenant, "we_1"), 9, None):
        assert deliverer.deliver_webhook(delivery.key)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    found = [group["Metrics"] for line in lines for group in line["_aws"]["CloudWatchMetrics"]]
    assert {each["Name"] for metrics in found for each in metrics} == names


def test_a_slow_endpoint_has_few_turns_and_a_fast_answer_makes_it_fast_again(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world)
    put(world)
    sender.outcomes = [TIMEOUT, OK]
    run(world, deliverer)
    assert endpoint_of(world).slow
    table = EndpointTable(world.dynamodb, TABLE)
    busy = {f"turn_{number}": world.now + 60 for number in range(TURNS)}
    table.change(endpoint_of(world), Change(sets=busy))
    world.sqs.sent.clear()
    delivery = run(world, deliverer)
    assert (delivery.state, len(sender.sent), delivery.failures) == (DeliveryState.PENDING, 1, 1)
    assert delivery.due_at
    assert world.sqs.sent == [(delivery.key._asdict(), delivery.due_at - world.now)]
    world.clock.now += 60 + TURN_SECONDS
    assert run(world, deliverer).state is DeliveryState.DELIVERED
    assert not endpoint_of(world).slow


def test_the_turn_of_a_slow_endpoint_ends_with_its_attempt(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    an_endpoint(world, slow=True)
    sender.outcomes = [Outcome(204, "", 3.1)]
    for number in range(TURNS + 2):
        put(world, f"job_{number}.succeeded")
        assert deliverer.deliver_webhook(deliveries(world)[0].key) is DeliveryState.DELIVERED


def test_the_turn_of_an_attempt_that_breaks_ends_with_it(world: World, deliverer: WebhookDeliverer, sender: FakeSender) -> None:
    an_endpoint(world, slow=True)
    put(world)
    sender.meanwhile = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        deliverer.deliver_webhook(deliveries(world)[0].key)
    assert turns(world) == {}


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_a_slow_endpoint_has_as_many_attempts_in_flight_as_there_are_turns(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender, chance: float
) -> None:
    an_endpoint(world, slow=True)
    for number in range(TURNS + 1):
        put(world, f"job_{number}.succeeded")
    left = [each.key for each in deliveries(world)]
    chosen = replace(deliverer, random=lambda: chance)
    sender.meanwhile = lambda: chosen.deliver_webhook(left.pop())
    sender.outcomes = [Outcome(204, "", 3.1)]
    chosen.deliver_webhook(left.pop())
    assert len(sender.sent) == TURNS
    assert sorted(each.state for each in deliveries(world)) == [*[DeliveryState.DELIVERED] * TURNS, DeliveryState.PENDING]


def test_a_turn_that_another_delivery_has_meanwhile_stays(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    endpoint = an_endpoint(world, slow=True)
    put(world)
    later = Change(sets={"turn_0": world.now + 2 * TURN_SECONDS})
    sender.meanwhile = lambda: EndpointTable(world.dynamodb, TABLE).change(endpoint, later)
    assert run(world, deliverer).state is DeliveryState.DELIVERED
    assert turns(world) == {"turn_0": {"N": str(world.now + 2 * TURN_SECONDS)}}


def turns(world: World) -> dict[str, Any]:
    """Those that are taken, as they are stored."""
    key = {"pk": {"S": "WEBHOOKS#acme"}, "sk": {"S": "ENDPOINT#we_1"}}
    item = world.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    return {name: value for name, value in item.items() if name.startswith("turn_")}


def test_what_is_deleted_is_dropped(world: World, deliverer: WebhookDeliverer, sender: FakeSender) -> None:
    endpoint = an_endpoint(world)
    put(world)
    EndpointTable(world.dynamodb, TABLE).delete(endpoint)
    assert run(world, deliverer).reason == "the webhook was deleted"
    an_endpoint(world)
    put(world, "job_2.succeeded")
    [newest, _] = deliveries(world)
    world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "JOB#1"}, "sk": {"S": "EVENT#job_2.succeeded"}})
    assert deliverer.deliver_webhook(newest.key) is DeliveryState.FAILED
    assert deliveries(world)[0].reason == "the body of the event is gone: its job was deleted, or 30 days have passed"
    assert sender.sent == []


def test_an_endpoint_that_is_deleted_meanwhile_is_no_error(
    world: World, deliverer: WebhookDeliverer, sender: FakeSender
) -> None:
    endpoint = an_endpoint(world)
    put(world)
    sender.outcomes, sender.meanwhile = [BROKEN], lambda: EndpointTable(world.dynamodb, TABLE).delete(endpoint)
    assert run(world, deliverer).state is DeliveryState.PENDING


def test_a_message_about_nothing_is_dropped(deliverer: WebhookDeliverer) -> None:
    assert deliverer.deliver_webhook(DeliveryKey(partition_of("acme", "we_9"), "1", 1)) is None


def test_a_delivery_keeps_its_latest_attempts(world: World, deliverer: WebhookDeliverer, sender: FakeSender) -> None:
    an_endpoint(world, DEFAULT, url=None)
    put(world, url="https://one.example/off")
    sender.outcomes = [BROKEN]
    table = DeliveryTable(world.dynamodb, TABLE)
    for _ in range(3):
        while run(world, deliverer, DEFAULT).state is DeliveryState.PENDING:
            pass
        table.restart(deliveries(world, DEFAULT)[0], world.now)
    assert len(deliveries(world, DEFAULT)[0].attempts) == MAX_ATTEMPTS_SHOWN


@pytest.mark.usefixtures("deployed")
def test_the_function_tries_what_its_message_names(deployed: SimpleNamespace) -> None:
    assert handler("deliver_webhook")(event("deliver_webhook/delivery")) == {"states": [None], "batchItemFailures": []}
    assert json.loads(event("deliver_webhook/delivery")["Records"][0]["body"]).keys() == set(DeliveryKey._fields)
