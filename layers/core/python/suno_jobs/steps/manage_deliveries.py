"""Manage Deliveries: what was delivered to a webhook, sending it again, and a test event."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlencode

from pydantic import AfterValidator

from suno_jobs.catalog.inputs import StrictModel
from suno_jobs.errors import DeliveryNotFound, InvalidRequest, WebhookNotFound
from suno_jobs.intake.parsing import parse_body
from suno_jobs.jobs.views import iso_time
from suno_jobs.lifecycle.webhook_bodies import event_body
from suno_jobs.webhooks.deliveries import DELIVERY_ID_PATTERN, Delivery, DeliveryState, partition_of
from suno_jobs.webhooks.endpoint_table import tenant_partition
from suno_jobs.webhooks.endpoints import TEST_EVENT, Endpoint
from suno_jobs.webhooks.outbox import Outbox, WebhookEvent

if TYPE_CHECKING:
    from suno_jobs.webhooks.answers import DeliveryAnswer, DeliveryListAnswer, ReplayAnswer

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
REPLAYED_AT_ONCE = 100
"""Deliveries that one request sends again."""
READ_AT_ONCE = 1000
"""Deliveries that one request looks at."""
_LATEST = 9_999_999_999


def _check_time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or not 0 <= time.timestamp() <= _LATEST:
        raise ValueError("must be a time with its zone, such as 2026-11-22T02:00:00Z")
    return text


def _check_cursor(text: str) -> str:
    if not re.fullmatch(DELIVERY_ID_PATTERN, text):
        raise ValueError("must be the cursor of the previous answer")
    return text


Time = Annotated[str, AfterValidator(_check_time)]


class ReplayRequest(StrictModel):
    """``delivered``: also what was delivered. ``cursor``: continue after an earlier request."""

    since: Time
    until: Time | None = None
    delivered: bool = False
    cursor: Annotated[str, AfterValidator(_check_cursor)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryManager:
    outbox: Outbox
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def list_deliveries(self, tenant: str, webhook_id: str, query: str) -> tuple[DeliveryListAnswer, dict[str, str]]:
        """A page, the newest event first, and the header with the next one. Raises InvalidRequest, WebhookNotFound."""
        limit, before = _read_query(query)
        self._endpoint(tenant, webhook_id)
        found = self.outbox.deliveries.newest(partition_of(tenant, webhook_id), limit, before)
        cursor = found[-1].delivery_id if len(found) == limit else None
        next_page = f"/v1/webhooks/{webhook_id}/deliveries?{urlencode({'limit': limit, 'cursor': cursor})}"
        headers = {"Link": f'<{next_page}>; rel="next"'} if cursor else {}
        return {"deliveries": [delivery_view(each) for each in found], "next": cursor}, headers

    def retry_delivery(self, tenant: str, webhook_id: str, delivery_id: str) -> DeliveryAnswer:
        """Begins the attempts anew, also of what was delivered. Raises WebhookNotFound, DeliveryNotFound."""
        self._endpoint(tenant, webhook_id)
        delivery = self.outbox.deliveries.find(partition_of(tenant, webhook_id), delivery_id)
        if delivery is None:
            raise DeliveryNotFound("The webhook has no delivery with this id.")
        return delivery_view(self._restart(delivery))

    def replay(self, tenant: str, webhook_id: str, body: Any) -> ReplayAnswer:
        """Restarts what failed or was skipped in a range of time, the oldest first. Raises InvalidRequest, WebhookNotFound."""
        request = parse_body(ReplayRequest, body)
        self._endpoint(tenant, webhook_id)
        start, end = _range(request)
        states = {DeliveryState.FAILED, DeliveryState.SKIPPED} | ({DeliveryState.DELIVERED} if request.delivered else set())
        replayed, last = 0, None
        for read, delivery in enumerate(self.outbox.deliveries.between(partition_of(tenant, webhook_id), start, end)):
            if replayed == REPLAYED_AT_ONCE or read == READ_AT_ONCE:
                return {"replayed": replayed, "next": last}
            if delivery.state in states:
                self._restart(delivery)
                replayed += 1
            last = delivery.delivery_id
        return {"replayed": replayed, "next": None}

    def send_test(self, tenant: str, webhook_id: str) -> DeliveryAnswer:
        """A repetition sends another event. Raises WebhookNotFound; InvalidRequest for the record default, which has no URL."""
        if self._endpoint(tenant, webhook_id).url is None:
            raise InvalidRequest([{"parameter": "webhook_id", "detail": "must be a webhook with a URL"}])
        now, event_id = int(self.clock()), f"{webhook_id}.test.{self.random_bytes(8).hex()}"
        event = WebhookEvent(
            event_id=event_id,
            event_type=TEST_EVENT,
            at=now,
            tenant=tenant,
            source=tenant_partition(tenant),
            make_body=lambda: event_body(event_id, TEST_EVENT, now, {"webhook_id": webhook_id}),
        )
        for delivery in self.outbox.put(event, lambda each: each.endpoint_id == webhook_id):
            return delivery_view(delivery)
        raise WebhookNotFound("The webhook was deleted.")

    def _endpoint(self, tenant: str, webhook_id: str) -> Endpoint:
        if found := self.outbox.endpoints.find(tenant, webhook_id):
            return found
        raise WebhookNotFound("You have no webhook with this id.")

    def _restart(self, delivery: Delivery) -> Delivery:
        now = int(self.clock())
        restarted = self.outbox.deliveries.restart(delivery, now)
        self.outbox.queue.send(restarted.key, now)
        return restarted


def delivery_view(delivery: Delivery) -> DeliveryAnswer:
    return {
        "delivery_id": delivery.delivery_id,
        "event_id": delivery.event_id,
        "type": delivery.event_type,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "created_at": iso_time(delivery.recorded_at),
        "next_attempt_at": None if delivery.due_at is None else iso_time(delivery.due_at),
        "attempts": [
            {"at": iso_time(each.at), "status": each.status, "milliseconds": each.milliseconds, "answer": each.answer}
            for each in delivery.attempts
        ],
    }


def _read_query(query: str) -> tuple[int, str | None]:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    unknown = given.keys() - {"limit", "cursor"}
    errors = [{"parameter": name, "detail": "is unknown; this route has limit, cursor"} for name in sorted(unknown)]
    if len(given) < len(pairs):
        errors.append({"parameter": "limit", "detail": "no parameter may be repeated"})
    limit, cursor = given.get("limit", str(DEFAULT_LIMIT)), given.get("cursor")
    if limit not in map(str, range(1, MAX_LIMIT + 1)):
        errors.append({"parameter": "limit", "detail": f"must be a whole number from 1 to {MAX_LIMIT}"})
    if cursor is not None and not re.fullmatch(DELIVERY_ID_PATTERN, cursor):
        errors.append({"parameter": "cursor", "detail": "must be the cursor of the previous page"})
    if errors:
        raise InvalidRequest(errors)
    return int(limit), cursor


def _range(request: ReplayRequest) -> tuple[str, str]:
    """The least and the greatest id. Raises InvalidRequest; DynamoDB would refuse a range that ends before it begins."""
    start = f"{_seconds(request.since):010}"
    end = f"{_seconds(request.until) if request.until else _LATEST:010}~"
    if start > end:
        raise InvalidRequest([{"pointer": "/until", "detail": "must not be before since"}])
    if request.cursor is None:
        return start, end
    if not start <= request.cursor <= end:
        raise InvalidRequest([{"pointer": "/cursor", "detail": "must be the cursor of an answer for the same range"}])
    return f"{request.cursor} ", end


def _seconds(time: str) -> int:
    return math.floor(datetime.fromisoformat(time).timestamp())
