"""The outbox: an event becomes one delivery for each endpoint that wants it, before the job's `event_pending` is removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.runtime import telemetry
from suno_jobs.webhooks.deliveries import (
    KEPT_SECONDS,
    Delivery,
    DeliveryKey,
    DeliveryState,
    DeliveryTable,
    EventBody,
    EventTable,
)
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT, PROGRESS, Endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient

LONGEST_DELAY = 900
"""The longest delay of a message in SQS. What is due later is left to the sweep."""
HUNG_SECONDS = 5
SWEPT_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """``at`` is when it happened. ``source`` is the partition that keeps its body; ``make_body`` makes it if it is needed."""

    event_id: str
    event_type: str
    at: int
    tenant: str
    source: str
    make_body: Callable[[], bytes]
    callback_url: str | None = None

    def delivery_to(self, endpoint: Endpoint, now: int) -> Delivery:
        skipped = endpoint.disabled_at is not None
        return Delivery(
            delivery_id=f"{self.at:010}.{self.event_id}",
            endpoint_id=endpoint.endpoint_id,
            tenant=self.tenant,
            event_id=self.event_id,
            event_type=self.event_type,
            source=self.source,
            state=DeliveryState.SKIPPED if skipped else DeliveryState.PENDING,
            reason="the webhook was disabled" if skipped else None,
            recorded_at=now,
            expires_at=now + KEPT_SECONDS,
            due_at=None if skipped else now,
        )


@dataclass(frozen=True, slots=True)
class DeliveryQueue:
    """The queue of the deliveries to be tried. The table decides: if a message is lost, the sweep sends another."""

    client: Callable[[], SQSClient]
    url: str

    def send(self, key: DeliveryKey, now: float) -> bool:
        """False if it failed. What is due too late for the queue counts as sent."""
        delay = max(0, key.due_at - int(now))
        if delay > LONGEST_DELAY:
            return True
        try:
            self.client().send_message(QueueUrl=self.url, MessageBody=json.dumps(key._asdict()), DelaySeconds=delay)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("webhook left to the sweep", reason=str(error))
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """A tenant without an endpoint costs one read for each event, and no write."""

    endpoints: EndpointTable
    events: EventTable
    deliveries: DeliveryTable
    queue: DeliveryQueue
    clock: Callable[[], float]

    def put(self, event: WebhookEvent, chosen: Callable[[Endpoint], bool] = lambda _: True) -> list[Delivery]:
        """Records a delivery for each endpoint that wants the event, among those that are ``chosen``.

        May be repeated: each takes effect once, and the same bytes are sent. An error of AWS is raised; then repeat the call.
        """
        wanting = [each for each in self.endpoints.of_tenant(event.tenant) if _wants(each, event) and chosen(each)]
        if not wanting:
            return []
        now = int(self.clock())
        self.events.record(event.source, event.event_id, EventBody(event.make_body(), event.callback_url), now)
        return [self._deliver(event.delivery_to(endpoint, now)) for endpoint in wanting]

    def _deliver(self, delivery: Delivery) -> Delivery:
        known = delivery
        if not self.deliveries.record(delivery):
            known = self.deliveries.find(delivery.key.partition, delivery.delivery_id) or delivery
        if known.due_at is not None:
            self.queue.send(known.key, self.clock())
        return known

    def send_due(self, time_left: Callable[[], bool]) -> None:
        """What the sweep does: sends a message for each delivery that is due, as far as one sweep gets.

        Ends when the queue hangs, since each message would then take half a minute. A message that is refused at once costs
        the others nothing, and the next sweep sends it.
        """
        now = self.clock()
        for number, key in enumerate(self.deliveries.due(int(now))):
            if number == SWEPT_AT_ONCE or not time_left():
                return
            began = self.clock()
            if not self.queue.send(key, now) and self.clock() - began > HUNG_SECONDS:
                return


def _wants(endpoint: Endpoint, event: WebhookEvent) -> bool:
    if endpoint.endpoint_id == DEFAULT:
        return event.callback_url is not None and event.event_type != PROGRESS
    return endpoint.wants(event.event_type)


def make_outbox(
    dynamodb: DynamoDBClient, table: str, sqs: Callable[[], SQSClient], queue_url: str, clock: Callable[[], float]
) -> Outbox:
    return Outbox(
        endpoints=EndpointTable(dynamodb, table),
        events=EventTable(dynamodb, table),
        deliveries=DeliveryTable(dynamodb, table),
        queue=DeliveryQueue(sqs, queue_url),
        clock=clock,
    )
