"""Deliver Webhook: tries one delivery to one endpoint, and decides when it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suno_jobs.errors import Conflict
from suno_jobs.jobs.identifiers import Mode, mode_of, tenant_name
from suno_jobs.jobs.views import without_queries
from suno_jobs.lifecycle.announcing import EventBus
from suno_jobs.lifecycle.webhook_bodies import event_body
from suno_jobs.runtime import telemetry
from suno_jobs.storage.update_expressions import Change
from suno_jobs.webhooks.deliveries import (
    LEASE_SECONDS,
    Attempt,
    Delivery,
    DeliveryKey,
    DeliveryState,
    EventBody,
)
from suno_jobs.webhooks.endpoint_table import tenant_partition
from suno_jobs.webhooks.endpoints import DEFAULT, DISABLED_EVENT, DisabledBy, Endpoint
from suno_jobs.webhooks.outbox import Outbox, WebhookEvent
from suno_jobs.webhooks.retry_schedule import next_attempt_at
from suno_jobs.webhooks.sender import Outcome, WebhookSender
from suno_jobs.webhooks.signing import signed_headers

FAILING_SECONDS = 5 * 86_400
"""An endpoint that fails for so long is disabled."""
SLOW_SECONDS = 3.0
"""An endpoint that takes longer is slow."""
TURNS = 3
"""Deliveries to a slow endpoint that may be in flight at the same time."""
TURN_SECONDS = 20
"""A turn ends with its attempt, and after this if the function dies. Longer than an attempt."""
BODY_GONE = "the body of the event is gone: its job was deleted, or 30 days have passed"
_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliverer:
    """``random`` is from 0 to 1."""

    outbox: Outbox
    sender: WebhookSender
    bus: EventBus
    clock: Callable[[], float]
    random: Callable[[], float]

    def deliver_webhook(self, key: DeliveryKey) -> DeliveryState | None:
        """The state after it; None: the message was repeated or is out of date, and nothing was sent.

        The request may be sent again after any error: by SQS, or by the sweep after LEASE_SECONDS.
        """
        delivery = self.outbox.deliveries.find(key.partition, key.delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PENDING or delivery.due_at != key.due_at:
            return None
        endpoint = self.outbox.endpoints.find(delivery.tenant, delivery.endpoint_id)
        event = self.outbox.events.find(delivery.source, delivery.event_id)
        if endpoint is not None and endpoint.event_pending:
            self._announce(endpoint)
        try:
            if endpoint is None or endpoint.disabled_at is not None:
                reason = "the webhook was deleted" if endpoint is None else "the webhook is disabled"
                return self.outbox.deliveries.give_up(delivery, DeliveryState.SKIPPED, reason).state
            if event is None:
                return self.outbox.deliveries.give_up(delivery, DeliveryState.FAILED, BODY_GONE).state
            return self._attempt(delivery, endpoint, event)
        except Conflict:
            return None

    def _attempt(self, delivery: Delivery, endpoint: Endpoint, event: EventBody) -> DeliveryState:
        turn = self._take_turn(endpoint) if endpoint.slow else None
        if endpoint.slow and turn is None:
            later = self.outbox.deliveries.postpone(delivery, int(self.clock() + 10 + 50 * self.random()))
            self.outbox.queue.send(later.key, self.clock())
            return later.state
        try:
            return self._send(delivery, endpoint, event)
        finally:
            if turn:
                self._release_turn(endpoint, *turn)

    def _send(self, delivery: Delivery, endpoint: Endpoint, event: EventBody) -> DeliveryState:
        began = int(self.clock())
        leased = self.outbox.deliveries.postpone(delivery, max(began, delivery.due_at or 0) + LEASE_SECONDS)
        headers = signed_headers(endpoint.secrets(began), delivery.event_id, began, event.body)
        outcome = self.sender.send(endpoint.url or event.url or "", headers, event.body)
        return self._settle(leased, endpoint, outcome, began)

    def _take_turn(self, endpoint: Endpoint) -> tuple[str, int] | None:
        """The name and the end of a turn that was free; None: all are taken."""
        first = int(self.random() * TURNS)
        for number in range(first, first + TURNS):
            now, turn = int(self.clock()), f"turn_{number % TURNS}"
            change = Change(sets={turn: now + TURN_SECONDS})
            change.require(f"attribute_not_exists(#{turn}) OR #{turn} <= :now", turn, now=now)
            try:
                self.outbox.endpoints.change(endpoint, change)
            except Conflict:
                continue
            return turn, now + TURN_SECONDS
        return None

    def _release_turn(self, endpoint: Endpoint, turn: str, until: int) -> None:
        """Does nothing if the turn has ended meanwhile, and another delivery has it."""
        self._change(endpoint, Change(removes=(turn,)).require(f"#{turn} = :until", turn, until=until))

    def _settle(self, delivery: Delivery, endpoint: Endpoint, outcome: Outcome, began: int) -> DeliveryState:
        now = self.clock()
        attempt = Attempt(began, outcome.status, int(outcome.seconds * 1000), outcome.answer)
        if outcome.ok:
            state, due_at = DeliveryState.DELIVERED, None
        else:
            failures = delivery.failures + 1
            due_at = next_attempt_at(delivery.event_type, failures, now, outcome.retry_after, self.random)
            if outcome.status == _GONE:
                due_at = None
            state = DeliveryState.FAILED if due_at is None else DeliveryState.PENDING
        self._note_health(endpoint, outcome, int(now))
        settled = self.outbox.deliveries.record_attempt(delivery, attempt, state, due_at)
        if mode_of(endpoint.tenant) is Mode.LIVE:
            _count_attempt(outcome, now - delivery.recorded_at)
        if due_at is not None:
            self.outbox.queue.send(settled.key, now)
        return state

    def _note_health(self, endpoint: Endpoint, outcome: Outcome, now: int) -> None:
        """Writes only what changes, so that an endpoint that works costs no write. Raises EventNotSent."""
        slow = outcome.seconds >= SLOW_SECONDS
        since = None if outcome.ok else endpoint.failing_since or now
        gone = outcome.status == _GONE
        if endpoint.endpoint_id != DEFAULT and (gone or (since is not None and now - since >= FAILING_SECONDS)):
            self._disable(endpoint, DisabledBy.GONE if gone else DisabledBy.FAILING, since or now, now)
        elif (slow, since) != (endpoint.slow, endpoint.failing_since):
            # Nothing that was only read: a success may have ended it meanwhile.
            change = Change(sets={} if slow == endpoint.slow else {"slow": slow})
            if since is None:
                change.removes = ("failing_since",)
            elif since != endpoint.failing_since:
                change.sets = {**change.sets, "failing_since": since}
            self._change(endpoint, change.require_as_read("url", endpoint.url))

    def _disable(self, endpoint: Endpoint, by: DisabledBy, since: int, now: int) -> None:
        """Of concurrent attempts, one does. None does if the client has another URL or has disabled it itself, or if a delivery
        succeeded meanwhile."""
        change = Change(sets={"disabled_at": now, "disabled_by": by, "failing_since": since, "event_pending": True})
        change.require_absent("disabled_at").require_as_read("failing_since", endpoint.failing_since)
        if disabled := self._change(endpoint, change.require_as_read("url", endpoint.url)):
            if mode_of(endpoint.tenant) is Mode.LIVE:
                telemetry.count("WebhooksDisabled", scope="bundle")
            self._announce(disabled)

    def _announce(self, endpoint: Endpoint) -> None:
        """May be repeated: the event has the time that is stored, and an id made of it. If it fails, the delivery stays
        pending, and its next message repeats it. Raises EventNotSent."""
        at = endpoint.disabled_at or 0
        event_id = f"{endpoint.endpoint_id}.disabled.{at}"
        owner = {"tenant": tenant_name(endpoint.tenant), "mode": mode_of(endpoint.tenant)}
        known = {"webhook_id": endpoint.endpoint_id, "url": without_queries(endpoint.url)}
        data = {**known, "disabled_by": endpoint.disabled_by, **owner}
        event = WebhookEvent(
            event_id=event_id,
            event_type=DISABLED_EVENT,
            at=at,
            tenant=endpoint.tenant,
            source=tenant_partition(endpoint.tenant),
            make_body=lambda: event_body(event_id, DISABLED_EVENT, at, data),
        )
        self.outbox.put(event, lambda each: each.endpoint_id != endpoint.endpoint_id)
        self.bus.send(DISABLED_EVENT, {"event_id": event_id, **data}, endpoint.endpoint_id)
        self._change(endpoint, Change(removes=("event_pending",)).require_as_read("disabled_at", endpoint.disabled_at))

    def _change(self, endpoint: Endpoint, change: Change) -> Endpoint | None:
        """None: it was deleted, or it is not as it was read, or its turn is another delivery's."""
        try:
            return self.outbox.endpoints.change(endpoint, change)
        except Conflict:
            return None


def _count_attempt(outcome: Outcome, age: float) -> None:
    if outcome.ok:
        telemetry.seconds("WebhookSeconds", max(0.0, age), scope="bundle")
    telemetry.count("WebhookFailures", int(not outcome.ok), scope="bundle")
