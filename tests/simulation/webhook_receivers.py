# ruff: noqa: S311 - random faults, no secrets
"""The endpoints of clients: what they do with a delivery, and the invariant of what reaches them (I5).

A receiver is disturbed until a moment of its own, and some never work. Its invariant is stated on the events of the bus, which
are sent after the outbox was written: each has reached every receiver of its tenant, or is still due, or was given up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

from suno_jobs.jobs.identifiers import mode_of, mode_of_job, tenant_name
from suno_jobs.steps.deliver_webhook import FAILING_SECONDS
from suno_jobs.storage.attribute_values import unpack
from suno_jobs.webhooks.deliveries import Delivery, DeliveryState, partition_of
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT, ENDS, SUBSCRIBED, Endpoint
from suno_jobs.webhooks.retry_schedule import RETRY_SECONDS
from suno_jobs.webhooks.sender import TIMEOUT_SECONDS, Outcome

if TYPE_CHECKING:
    from tests.simulation.faults import Plan
    from tests.simulation.world import World

BEHAVIOURS: Mapping[str, Outcome] = {
    "works": Outcome(204, "", 0.2),
    "takes long": Outcome(200, "ok", 12.0),
    "is silent": Outcome(None, "no answer within 15 s", TIMEOUT_SECONDS),
    "is down": Outcome(None, "the connection failed: ConnectError", 0.1),
    "fails": Outcome(500, "error", 0.1),
    "is busy": Outcome(503, "later", 0.1, 30.0),
    "redirects": Outcome(307, "", 0.1),
    "is gone": Outcome(410, "", 0.1),
}
ATTEMPT_SECONDS = 120
LEFT_OUT_SECONDS = 11_000
OFTEN = ("works", "works", "takes long", "is silent", "is down", "fails", "is busy", "redirects")


@dataclass(frozen=True, slots=True)
class Receiver:
    """``behaviour`` lasts to ``until``, in seconds of the plan; afterwards it works. A delivery that ``loses`` its answer has
    arrived. ``default``: its URL is the ``callback_url`` of single jobs."""

    tenant: str
    number: int
    behaviour: str
    until: float
    loses: float = 0.0
    default: bool = False
    events: tuple[str, ...] = SUBSCRIBED

    @property
    def endpoint_id(self) -> str:
        return DEFAULT if self.default else f"we_{self.number}"

    @property
    def url(self) -> str:
        return f"https://receiver-{self.number}.example/hooks"

    @property
    def secret(self) -> str:
        return f"whsec_c2VjcmV0LW9mLWEtcmVjZWl2ZXIt{self.number:04}"

    def endpoint(self) -> Endpoint:
        known = {"events": self.events, "secret": self.secret, "recorded_at": 0}
        return Endpoint(endpoint_id=self.endpoint_id, tenant=self.tenant, url=None if self.default else self.url, **known)  # type: ignore[arg-type]


def with_webhooks(plan: Plan) -> Plan:
    """In a third of the plans, every tenant has one to three endpoints. A random stream of their own keeps the other plans."""
    random = Random(f"webhooks {plan.seed}")
    if random.random() < 2 / 3:
        return plan
    found: list[Receiver] = []
    for tenant in sorted(plan.tenants):
        for _ in range(random.choice((1, 2, 3))):
            behaviour = random.choice((*OFTEN, "is gone"))
            until = random.choice((0.0, 100.0, 900.0, 3000.0, 10.0**9))
            found.append(Receiver(tenant, len(found), behaviour, until, random.choice((0.0, 0.0, 0.3))))
        if random.random() < 0.5:
            found.append(Receiver(tenant, len(found), random.choice(OFTEN), random.choice((0.0, 900.0, 10.0**9)), default=True))
    urls = {each.tenant: each.url for each in found if each.default}
    orders = tuple(replace(each, callback_url=urls.get(each.tenant) if random.random() < 0.5 else None) for each in plan.orders)
    return replace(plan, orders=orders, receivers=tuple(found))


@dataclass(frozen=True, slots=True)
class Arrival:
    at: float
    event_id: str
    digest: str
    ok: bool


@dataclass(eq=False, slots=True)
class Receivers:
    """``arrivals`` are by URL. ``forged`` has what carried no valid signature."""

    world: World
    random: Random
    arrivals: dict[str, list[Arrival]] = field(default_factory=dict)
    forged: list[str] = field(default_factory=list)

    def register(self) -> None:
        table = EndpointTable(self.world.dynamodb, "JobsTable")  # type: ignore[arg-type]
        for receiver in self.world.plan.receivers:
            table.create(receiver.endpoint())
            self.arrivals[receiver.url] = []

    def sender(self, **_: Any) -> Sender:
        """Replaces the WebhookSender, whose requests have tests of their own."""
        return Sender(self)

    def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        [receiver] = (each for each in self.world.plan.receivers if each.url == url)
        disturbed = self.world.loop.now < self.world.starts_at + receiver.until
        outcome = BEHAVIOURS[receiver.behaviour if disturbed else "works"]
        self.world.lambdas.running.spend(outcome.seconds)
        if not is_signed(receiver.secret, headers, body):
            self.forged.append(url)
        if outcome.status is not None:
            digest = hashlib.sha256(body).hexdigest()
            arrival = Arrival(self.world.loop.now, headers["webhook-id"], digest, outcome.ok)
            self.arrivals[receiver.url].append(arrival)
        if outcome.ok and self.random.random() < receiver.loses and disturbed:
            return BEHAVIOURS["is down"]
        return outcome


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Without a check of the time, since the clocks of functions may be wrong. Other tests use the reference libraries."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256)
    return headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True, slots=True)
class Sender:
    receivers: Receivers

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        running = self.receivers.world.lambdas.running
        act: Callable[[], Outcome] = lambda: self.receivers.receive(url, headers, body)  # noqa: E731
        answered: Outcome = running.cross_boundary("webhook.POST", act)
        return answered


def broken_webhooks(world: World) -> Iterator[tuple[str, str]]:
    """I5, for webhooks."""
    yield from (("", f"a webhook has no valid signature: {each}") for each in world.receivers.forged)
    ends = [each for each in world.events.taken if each["DetailType"] in ENDS]
    for receiver in world.plan.receivers:
        arrived = world.receivers.arrivals[receiver.url]
        known = {each.event_id for each in arrived if each.ok}
        recorded = _deliveries(world, receiver)
        mixed = [each for each in known if each.startswith("job_") and mode_of_job(each) is not mode_of(receiver.tenant)]
        yield from (("", f"{event_id} reached {receiver.url}, which is of the other mode") for event_id in mixed)
        yield from _overdue(world, receiver, recorded.values())
        for event in ends:
            job_id, event_id = event["Resources"][0], event["Detail"]["event_id"]
            concerned = (event["Detail"]["tenant"], event["Detail"]["mode"]) == (
                tenant_name(receiver.tenant),
                mode_of(receiver.tenant),
            )
            if not concerned or event_id in known or job_id in world.deletions.deletions:
                continue
            if event["DetailType"] not in receiver.events:
                continue
            if receiver.default and "callback_url" not in world.jobs_table.items[f"JOB#{job_id}"]["JOB#REQUEST"]:
                continue
            for what in _undelivered(receiver, recorded.get(event_id)):
                yield job_id, f"I5: {event_id} did not reach {receiver.url}: {what}"
        yield from _several_bodies(arrived)


def _undelivered(receiver: Receiver, delivery: Delivery | None) -> Iterator[str]:
    """Why it may not be missing."""
    if delivery is None:
        yield "no delivery was recorded"
    elif delivery.state is DeliveryState.PENDING and delivery.due_at is None:
        yield "it is pending and never due"
    elif delivery.state is DeliveryState.DELIVERED:
        yield "it counts as delivered"
    elif delivery.state is DeliveryState.FAILED and delivery.failures <= len(RETRY_SECONDS) and receiver.behaviour != "is gone":
        yield f"it was given up after {delivery.failures} attempts"
    elif delivery.state is DeliveryState.SKIPPED and not _may_be_disabled(receiver):
        yield "it was skipped"


def _may_be_disabled(receiver: Receiver) -> bool:
    """It says so, or it has failed for five days, of which a song that arrives after two weeks may be the last attempt."""
    fails = not BEHAVIOURS[receiver.behaviour].ok and receiver.until > FAILING_SECONDS
    return receiver.behaviour == "is gone" or fails


def _overdue(world: World, receiver: Receiver, deliveries: Iterable[Delivery]) -> Iterator[tuple[str, str]]:
    for each in deliveries:
        if each.due_at is not None and world.loop.now > _latest_attempt(world, each.due_at):
            yield "", f"I5: {each.event_id} is overdue since {world.loop.now - each.due_at:.0f} s at {receiver.url}"


def _several_bodies(arrived: Iterable[Arrival]) -> Iterator[tuple[str, str]]:
    bodies: defaultdict[str, set[str]] = defaultdict(set)
    for each in arrived:
        bodies[each.event_id].add(each.digest)
    yield from (("", f"I5: {name} had several bodies") for name, digests in bodies.items() if len(digests) > 1)


def _latest_attempt(world: World, due_at: int) -> float:
    """Two sweeps after it was due and nothing was disturbed. In the days of recovery, most sweeps are left out."""
    begun = max(due_at, world.disturbed_until)
    latest = begun + 2 * world.stack.schedules["ReconcileJobsFunction"] + ATTEMPT_SECONDS
    return latest if latest < world.settled_at else latest + LEFT_OUT_SECONDS


def _deliveries(world: World, receiver: Receiver) -> dict[str, Delivery]:
    items = world.jobs_table.items.get(partition_of(receiver.tenant, receiver.endpoint_id), {})
    return {each.event_id: each for each in (Delivery.from_item(unpack(item)) for item in items.values())}


def is_due(world: World) -> bool:
    """Whether an attempt is still to be made before the world has settled."""
    partitions = (partition_of(each.tenant, each.endpoint_id) for each in world.plan.receivers)
    items = [item for name in partitions for item in world.jobs_table.items.get(name, {}).values()]
    return any("due_at" in item and float(item["due_at"]["N"]) < world.settled_at for item in items)
