# ruff: noqa: S311 - random faults, no secrets
"""The content of a seed: the requests of clients, and the faults around them.

Faults last until ``Plan.faults_until``. Afterwards the world works as documented, so that every job has to end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from local.simulator.faults import FAULTS
from local.simulator.studio import HTML
from local.simulator.wire import Reply
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.gateways.sandbox import Marker
from suno_jobs.network.http import httpcore
from suno_jobs.tenants.limits import Limits
from tests.simulation.aws_table import TransactionCanceledException, TransactionConflictException, aws_error
from tests.simulation.clock import Loop
from tests.simulation.lambdas import FunctionError, Invocation
from tests.simulation.network import Ask, Manner, documented_error
from tests.simulation.tenant_usage import with_limits
from tests.simulation.troubles import NO_TROUBLES, Troubles, draw_troubles, with_refusing_api, with_slow_services
from tests.simulation.waiting_clients import with_waiting_clients
from tests.simulation.webhook_receivers import Receiver

LATE = (3, 60, 290, 310, 1300, 20_000, 80_000)
"""Seconds: just below and above the waits of the product, after its deadlines, and within a day of recovery."""

ODD_ANSWERS: Mapping[str, tuple[float, ...]] = {
    "cancelled_task": (FAULTS["cancelled_task"].default,),
    "cdn_status": (202, 300, 400, 401, 404, 405, 409, 412, 416, 421, 423, 429, 451, 500, 503),
    "cdn_times": (1, 2, 4, 8, 30),
    "damaged_audio": (1, 3, 8, 10**6),
    "dying_links": (1, 30, 300, 3000),
    "error_names_task": (FAULTS["error_names_task"].default,),
    "failed_then_success": (30, 590, 610, 3500, 20_000, 80_000),
    "image_audio": (1, 3, 8, 10**6),
    "json_in_strings": (FAULTS["json_in_strings"].default,),
    "late_first_file": (60, 400, 1300, 15_000),
    "late_links": LATE,
    "late_second_link": LATE,
    "one_file_for_both": (1, 60, 310, 1300, 20_000, 10**6),
    "outcome_unknown": (1, 3),
    "refunded_task": (FAULTS["refunded_task"].default,),
    "rejected_artist": (FAULTS["rejected_artist"].default,),
    "retired_model": (FAULTS["retired_model"].default,),
    "stale_links": (60, 600, 20_000),
    "stream_first": (1, 3, 10),
    "wrong_length": (0, 1, 60, 10**6),
    "wrong_song": (FAULTS["wrong_song"].default,),
}
"""Faults that lose a song if one odd answer decides. They have a random stream of their own, so that each seed keeps its
clients, its other faults and their times."""

REFUSALS: Mapping[str, tuple[float, ...]] = {
    "poll_rate_limited": (1, 3),
    "repetition_rate_limited": (1, 3),
    "retry_after": (30, 60, 200, 900),
}
"""Faults of requests that are refused for now. They have a random stream of their own, too."""

LATE_SONGS = ("cdn_status", "dying_links", "error_names_task", "failed_then_success", "late_links", "late_second_link")

WRONG_FILES = (
    "damaged_audio",
    "image_audio",
    "late_first_file",
    "one_file_for_both",
    "stream_first",
    "wrong_length",
    "wrong_song",
)

COMPANIONS: Mapping[str, str] = {
    "cdn_status": "cdn_times",
    "dying_links": "stale_links",
    "late_first_file": "one_file_for_both",
}
"""The second fault says how often or how long the first one happens, or makes it worse."""

REFUSED_TASKS: Mapping[str, tuple[float, ...]] = {
    "refused_after_create": (1, 2, 3),
    "rejected_after_create": (1, FAULTS["rejected_after_create"].default),
}
"""Faults at which a gateway creates a task and says that it did not. Only its callback reveals the task."""

SOONER_CALLBACKS = ("callback_before_answer", "early_callback", "late_callback", "slow_task")
"""Faults that bring such a callback before the refusal, before the next submission, or after the job has ended."""

GATEWAY_FAULTS: Mapping[str, tuple[float, ...]] = {
    **{name: (kind.default,) for name, kind in FAULTS.items() if name not in {*ODD_ANSWERS, *REFUSALS, *REFUSED_TASKS}},
    "audio_404_first": (1, 4, 30),
    "expired_links": (403, 410),
    "garbled_poll": (1, 3, 10),
    "html_audio": (1, 2, 4, 8, 16, 10**6),
    "late_callback": (5, 60, 600, 1500, 3000),
    "maintenance": (1, 3, 10),
    "poll_not_found": (1, 3, 10, 100),
    "poll_server_error": (1, 3, 10, 100),
    "rate_limited": (1, 3, 10),
    "slow_task": (1, 30, 300, 1100, 1195, 1300, 2500),
    "timeout_on_submit": (1, 29, 31, 200, 290, 310),
    "truncated_audio": (1, 2, 4, 8, 16, 10**6),
    "unknown_status": (2, 10, 10**6),
}
"""Every other fault of the simulator with the numbers to try. Some are just below and just above a deadline or timeout."""

MAX_PROBABILITY = 0.3
"""With a higher probability nothing would ever succeed."""

DETACHED_SHARE = 0.7
"""The share of failed invocations that run anyway: Lambda guarantees at least one invocation."""

DELAYS = (0.02, 0.1, 1.0, 5.0, 90.0)
"""The maximum durations of a slow call: an AWS client gives up after four attempts of 23 seconds."""

STARTS = (0.3, 2.0, 10.0)
"""By how many seconds at most a function starts too late."""

OVERRUNS = (0.02, 0.2, 0.9)
"""By how many seconds at most a function sleeps too long."""

LATE_SHARE = 0.3
"""Of the starts and sleeps in worlds whose calls are slow."""

TOKEN = re.compile(r"order-\d+-\d+-")
"""Identifies the gateway's task for an order."""

TENANT = "acme"
OTHER_TENANTS = ("beta", "gamma")
MOST_TASKS = (1, 2, 3)

ACTIONS = ("cancel", "retry")
KINDS = (Kind.MUSIC,) * 8 + (Kind.LYRICS, Kind.UPLOAD, Kind.SOUNDS)


@dataclass(frozen=True, slots=True)
class Order:
    """One request of a client, repeated with the same key at the times of ``repeats``.

    ``token`` identifies the order in the gateway's task. ``gateways`` are tried in that order. ``actions`` are later requests
    of the client. ``resubmit``: the client allows a second submission if the answer to the first was lost. ``tenant`` is the
    client's. ``adopts``: the ``task`` was created elsewhere and is to be adopted, or it is ``unknown``, or
    ``taken`` by another tenant. The submission prefers to wait for ``wait_seconds``; ``follows`` are the times at which
    a client begins to read the job, with the seconds that it prefers to wait each time. ``marker`` is that of an order in test
    mode, whose ``tenant`` is a sandbox.
    """

    at: float
    token: str
    gateways: tuple[str, ...]
    kind: Kind
    faults: Mapping[str, float]
    repeats: tuple[float, ...] = ()
    actions: tuple[tuple[float, str], ...] = ()
    resubmit: bool = False
    tenant: str = TENANT
    adopts: str = ""
    wait_seconds: int = 0
    follows: tuple[tuple[float, int], ...] = ()
    callback_url: str | None = None
    marker: Marker = Marker.NONE

    def body(self) -> dict[str, Any]:
        marks = " ".join(f"[fault:{name}={number:.0f}]" for name, number in self.faults.items())
        marks += "" if self.marker is Marker.NONE else f"[test:{self.marker}]"
        upload = {"audio_url": f"https://files.example.com/{self.token}.mp3?{marks.replace(' ', '')}"}
        given: dict[str, Any] = upload if self.kind is Kind.UPLOAD else {"prompt": f"{self.token} {marks}".strip()}
        given |= {"loop": True} if self.kind is Kind.SOUNDS else {}
        # Each relay has its own names of models, which no other gateway knows.
        given |= {"model": "chirp-v6"} if "newapi" in self.gateways and self.kind is Kind.MUSIC else {}
        gateway = self.gateways[0] if len(self.gateways) == 1 else list(self.gateways)
        policy = {"ambiguous_submit": "resubmit"} if self.resubmit else {}
        policy |= {"callback_url": self.callback_url} if self.callback_url else {}
        return {"gateway": gateway, "kind": self.kind.value, "input": given, "metadata": {"order": self.token}, **policy}


@dataclass(frozen=True, slots=True)
class Probabilities:
    """The probability of each fault, per call unless its name says otherwise."""

    slow: float = 0.0
    killed: float = 0.0
    refused: float = 0.0
    repeated: float = 0.0
    not_started: float = 0.0
    stale: float = 0.0
    gateway: float = 0.0
    callback: float = 0.0
    skew_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """``stops`` are the times at which a random running execution is stopped, ``sweeps`` those of unscheduled sweeps, ``lists``
    those at which a client lists its jobs. ``limits`` are those of tenants.

    ``outages`` are the times at which a gateway is unreachable. ``refusing`` has faults of the next order at a gateway.
    ``days`` of recovery follow, for tasks and links that arrive late.
    """

    seed: int
    orders: tuple[Order, ...]
    probabilities: Probabilities = Probabilities()
    faults_until: float = 0.0
    stops: tuple[float, ...] = ()
    sweeps: tuple[float, ...] = ()
    rotations: tuple[float, ...] = ()
    lists: tuple[float, ...] = ()
    outages: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    refusing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    days: float = 0.0
    parameters: Mapping[str, str] = field(default_factory=dict)
    troubles: Troubles = NO_TROUBLES
    own_accounts: frozenset[tuple[str, str]] = frozenset()
    most_tasks: Mapping[str, int] = field(default_factory=dict)
    receivers: tuple[Receiver, ...] = ()
    limits: Mapping[str, Limits] = field(default_factory=dict)

    @property
    def tenants(self) -> frozenset[str]:
        return frozenset(order.tenant for order in self.orders)

    def account(self, gateway: str, tenant: str) -> str:
        return tenant if (gateway, tenant) in self.own_accounts else "default"


def draw(seed: int, jobs: int) -> Plan:
    random = Random(f"simulation {seed}")
    gateways = random.sample(sorted(GATEWAYS), random.choice((1, 2, len(GATEWAYS))))
    span = random.choice((1.0, 20.0, 600.0))
    severity = random.choice((0.0, 0.0, 0.3, 1.0, 4.0))
    faults_until = span + random.choice((100.0, 900.0, 1800.0)) if severity else 0.0
    parameters = random.choice(({}, {}, {"JobDeadlineSeconds": "400", "AmbiguousSubmitGraceSeconds": "200"}))
    plan = Plan(
        seed=seed,
        orders=tuple(_order(random, number, seed, gateways, span) for number in range(jobs)),
        probabilities=_probabilities(random, severity),
        faults_until=faults_until,
        stops=_moments(random, 6, faults_until),
        sweeps=_moments(random, 4, faults_until),
        rotations=_moments(random, 1, faults_until),
        outages={gateway: _span(random, faults_until) for gateway in gateways if severity and random.random() < 0.1},
        days=random.choice((0.0, 0.0, 0.0, 17.0)),
        parameters=parameters,
    )
    plan = _with_odd_answers(plan, Random(f"odd answers {seed}"))
    plan = _with_refusals(plan, Random(f"refusals {seed}"))
    plan = _with_troubles(_with_deletions(plan, Random(f"deletions {seed}")), Random(f"troubles {seed}"))
    plan = _with_refused_tasks(plan, Random(f"refused tasks {seed}"))
    plan = _with_tenants(plan, Random(f"tenants {seed}"))
    return with_limits(with_waiting_clients(plan, Random(f"waiting clients {seed}")), Random(f"limits {seed}"))


def _with_tenants(plan: Plan, random: Random) -> Plan:
    """Two or three tenants in half of the plans, with a random stream of their own.

    Each may have an account of its own at a gateway. Or the gateways take few tasks at once, which the operator has set, and
    nothing is wrong with the requests of the tenant with the fewest: then its share can be seen.
    """
    if random.random() < 0.5:
        return plan
    tenants = (TENANT, *OTHER_TENANTS[: random.choice((1, 2))])
    shares = [random.choice((1, 3, 10)) for _ in tenants]
    orders = tuple(replace(order, tenant=random.choices(tenants, weights=shares)[0]) for order in plan.orders)
    gateways = sorted({gateway for order in orders for gateway in order.gateways})
    if random.random() < 0.5:
        own = frozenset((gateway, tenant) for gateway in gateways for tenant in tenants if random.random() < 0.4)
        return replace(plan, orders=orders, own_accounts=own)
    ordered = Counter(order.tenant for order in orders)
    calm = min(ordered, key=lambda tenant: (ordered[tenant], tenant))
    orders = tuple(replace(order, faults={}) if order.tenant == calm else order for order in orders)
    return replace(plan, orders=orders, most_tasks={gateway: random.choice(MOST_TASKS) for gateway in gateways})


def _with_troubles(plan: Plan, random: Random) -> Plan:
    """They have a random stream of their own, too. In a world without other faults, they extend the time of the faults."""
    gateways = sorted({gateway for order in plan.orders for gateway in order.gateways})
    troubles = with_slow_services(draw_troubles(random, gateways, plan.faults_until), random, plan.faults_until)
    troubles = with_refusing_api(troubles, Random(f"api {plan.seed}"), plan.faults_until)
    # A gateway that never answers again makes days of recovery long, and shows nothing more in them.
    days = 0.0 if troubles.endless else plan.days
    return replace(plan, troubles=troubles, faults_until=max(plan.faults_until, troubles.until), days=days)


def _with_deletions(plan: Plan, random: Random) -> Plan:
    """In a third of the plans, clients list their jobs, and delete some of them as soon as these have ended."""
    share = random.choice((0.0, 0.0, 0.3))
    orders = tuple(
        replace(order, actions=(*order.actions, *_deletions(random, order.at))) if random.random() < share else order
        for order in plan.orders
    )
    return replace(plan, orders=orders, lists=tuple(random.uniform(0.0, 2000.0) for _ in range(3 if share else 0)))


def _deletions(random: Random, at: float) -> list[tuple[float, str]]:
    """A client asks until the job has ended, or cancels the job first, and its work may still be running."""
    if random.random() < 0.4:
        cancelled_at = at + random.expovariate(1 / 100)
        return [(cancelled_at, "cancel"), (cancelled_at + random.expovariate(1 / 2), "delete")]
    return [(at + random.expovariate(1 / 600), "delete") for _ in range(random.choice((1, 3, 6)))]


def _with_odd_answers(plan: Plan, random: Random) -> Plan:
    """None in a quarter of the plans. Two days are enough for every late answer."""
    share = random.choice((0.0, 0.1, 0.3, 0.6))
    orders = tuple(
        replace(order, faults={**order.faults, **_odd_answers(random)}) if random.random() < share else order
        for order in plan.orders
    )
    return replace(plan, orders=orders, days=plan.days or random.choice((0.0, 0.0, 0.0, 2.0)))


def _with_refusals(plan: Plan, random: Random) -> Plan:
    """In a quarter of the plans, gateways refuse some requests for now, mostly for longer than a job waits by itself."""
    share = random.choice((0.0, 0.0, 0.0, 0.4))
    orders = tuple(
        replace(order, faults={**order.faults, **_refusals(random)}) if random.random() < share else order
        for order in plan.orders
    )
    return replace(plan, orders=orders)


def _refusals(random: Random) -> dict[str, float]:
    faults = {name: random.choice(numbers) for name, numbers in REFUSALS.items()}
    # Without a lost answer nothing is repeated.
    refused = random.choice(({"rate_limited": 1.0}, {"garbled_answer": GATEWAY_FAULTS["garbled_answer"][0]}))
    return {**faults, **refused}


def _odd_answers(random: Random) -> dict[str, float]:
    """Most of them concern what a gateway or its CDN sends late or only for a while, or a file that is not as reported."""
    many = random.choices((LATE_SONGS, WRONG_FILES, sorted(ODD_ANSWERS)), weights=(3, 2, 1))[0]
    names = random.sample(many, random.choices((1, 2, 3), weights=(6, 3, 1))[0])
    names += [COMPANIONS[name] for name in names if name in COMPANIONS]
    return {name: random.choice(ODD_ANSWERS[name]) for name in names}


def _with_refused_tasks(plan: Plan, random: Random) -> Plan:
    """In a quarter of the plans, some songs. At a gateway that does not call back, such a task can never be known."""
    share = random.choice((0.0, 0.0, 0.0, 0.15))
    orders = tuple(
        replace(order, faults={**order.faults, **_refused_tasks(random)})
        if random.random() < share and order.kind is Kind.MUSIC and all(GATEWAYS[name].calls_back for name in order.gateways)
        else order
        for order in plan.orders
    )
    return replace(plan, orders=orders)


def _refused_tasks(random: Random) -> dict[str, float]:
    names = [random.choice(sorted(REFUSED_TASKS)), *random.sample(SOONER_CALLBACKS, random.choice((0, 1)))]
    return {name: random.choice({**GATEWAY_FAULTS, **REFUSED_TASKS}[name]) for name in names}


def _moments(random: Random, most: int, faults_until: float) -> tuple[float, ...]:
    return tuple(random.uniform(0, faults_until) for _ in range(random.randint(0, most if faults_until else 0)))


def _order(random: Random, number: int, seed: int, gateways: list[str], span: float) -> Order:
    asked = random.sample(gateways, random.randint(1, len(gateways))) if random.random() < 0.25 else [random.choice(gateways)]
    asked = [gateway for gateway in asked if gateway != "newapi" or len(asked) == 1]
    kind = random.choice([kind for kind in KINDS if all(kind in GATEWAYS[gateway].kinds for gateway in asked)])
    names = random.sample(sorted(GATEWAY_FAULTS), random.choices((0, 1, 2, 3), weights=(6, 7, 4, 2))[0])
    at = random.uniform(0, span)
    return Order(
        at=at,
        token=f"order-{seed}-{number}-",
        gateways=tuple(asked),
        kind=kind,
        faults={name: random.choice(GATEWAY_FAULTS[name]) for name in names},
        repeats=tuple(at + random.expovariate(1 / 200) for _ in range(random.choice((0, 0, 0, 1, 2)))),
        actions=tuple((at + random.expovariate(1 / 300), random.choice(ACTIONS)) for _ in range(random.choice((0, 0, 1, 2)))),
        resubmit=random.random() < 0.1,
    )


def _probabilities(random: Random, severity: float) -> Probabilities:
    def some(most: float) -> float:
        return min(MAX_PROBABILITY, severity * random.choice((0.0, 0.3, 1.0, 8.0)) * most)

    return Probabilities(
        slow=some(0.05),
        killed=some(0.004),
        refused=some(0.004),
        repeated=some(0.01),
        not_started=some(0.02),
        stale=some(0.1),
        gateway=some(0.04),
        callback=some(0.1),
        skew_seconds=random.choice((0.0, 2.0)) if severity else 0.0,
    )


def _span(random: Random, faults_until: float) -> tuple[float, float]:
    begin = random.uniform(0, faults_until)
    return begin, min(faults_until, begin + random.expovariate(1 / 300))


TRANSACTION = "dynamodb.transact_write_items"


def busy(label: str) -> ClientError:
    """What AWS answers when it throttles a call."""
    if label != TRANSACTION:
        return aws_error("ThrottlingException", label)
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    return aws_error(TransactionCanceledException, label, CancellationReasons=reasons)


ENDS_TASK = frozenset({ErrorCode.GENERATION_FAILED, ErrorCode.CONTENT_REJECTED})

WRITES = frozenset(
    {
        "dynamodb.update_item",
        "dynamodb.put_item",
        "s3.put_object",
        "events.put_events",
        "stepfunctions.start_execution",
    }
)
"""Calls that an AWS client may repeat by itself. A transaction has a token, by which the service recognises a repetition."""


class RandomFaults:
    """The faults of a plan, except for the troubles, which ``troubles.py`` causes."""

    def __init__(self, plan: Plan, loop: Loop, random: Random, note: Callable[[str, str], None]) -> None:
        self._probabilities = plan.probabilities
        self._troubles = plan.troubles
        self._trouble = Random(f"troubles of {plan.seed}")
        self._lateness = Random(f"lateness of {plan.seed}")
        self._outages = plan.outages
        self._end = loop.now + plan.faults_until
        self._start = loop.now
        self._loop = loop
        self._random = random
        self._note = note

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._loop.now < self._end and self._random.random() < probability

    # Faults of invocations

    def begin(self, invocation: Invocation) -> bool:
        """Raises FunctionError."""
        skew = self._probabilities.skew_seconds
        if skew and self._loop.now < self._end:
            invocation.skew = self._random.uniform(-skew, skew)
        if self._happens(self._probabilities.not_started):
            if self._random.random() < DETACHED_SHARE:
                self._note(invocation.subject, f"{invocation.function} #{invocation.number} runs, but its caller sees an error")
                return False
            name = self._random.choice(("Lambda.TooManyRequestsException", "Lambda.ServiceException"))
            self._note(invocation.subject, f"{invocation.function} #{invocation.number} is not started: {name}")
            raise FunctionError(name, "not started")
        return True

    def before(self, invocation: Invocation, label: str) -> None:
        self._disturb(invocation, label, "before")
        if seconds := self._troubles.slow_seconds(label, self._loop.now - self._start, self._trouble):
            invocation.disturbed = True
            invocation.spend(seconds)
        now = self._loop.now - self._start
        throttled = label in (*WRITES, TRANSACTION) and self._troubles.throttles(now, self._trouble)
        throttled = throttled or self._troubles.throttles_secrets(label, now, self._trouble)
        if throttled or (not label.startswith(("gateway", "cdn")) and self._happens(self._probabilities.refused)):
            self._note(invocation.subject, f"{invocation.function} #{invocation.number}: {label} is refused")
            invocation.refused = invocation.disturbed = True
            raise self._contended(label) or busy(label)

    def _contended(self, label: str) -> ClientError | None:
        """A write can also meet a transaction on the same item."""
        if label != "dynamodb.update_item" or self._trouble.random() < 0.5:
            return None
        return aws_error(TransactionConflictException, label)

    def after(self, invocation: Invocation, label: str) -> None:
        self._disturb(invocation, label, "after")

    def repeats(self, label: str) -> bool:
        return label in WRITES and self._happens(self._probabilities.repeated)

    def start_seconds(self) -> float:
        return self._late(STARTS)

    def overrun_seconds(self) -> float:
        return self._late(OVERRUNS)

    def _late(self, most: Sequence[float]) -> float:
        slow = self._probabilities.slow and self._loop.now < self._end
        return self._lateness.choice(most) * self._lateness.random() if slow and self._lateness.random() < LATE_SHARE else 0.0

    def _disturb(self, invocation: Invocation, label: str, when: str) -> None:
        if self._happens(self._probabilities.slow):
            invocation.disturbed = True
            invocation.spend(self._random.choice(DELAYS) * self._random.random())
        if self._happens(self._probabilities.killed):
            self._note(invocation.subject, f"{invocation.function} #{invocation.number} is killed {when} {label}")
            invocation.disturbed = True
            invocation.kill()

    # Other faults

    def write_error(self) -> str | None:
        """The error code for the state machine's own write to the table, or None."""
        throttled = self._troubles.throttles(self._loop.now - self._start, self._trouble)
        refused = throttled or self._happens(self._probabilities.refused)
        names = ("ThrottlingException", "DynamoDbException", "TransactionConflictException")
        return self._random.choice(names) if refused else None

    def manner(self, source: str) -> Manner:
        """How a reply of that gateway or of the CDN arrives."""
        return self._troubles.manner(source, self._loop.now - self._start, self._trouble)

    def api_refusal(self) -> int | None:
        """The status by which API Gateway itself refuses a request, before any function runs."""
        return self._troubles.api_refusal(self._loop.now - self._start, self._trouble)

    def index_is_stale(self) -> bool:
        return self._happens(self._probabilities.stale)

    def transition_seconds(self) -> float:
        return self._random.uniform(0.0, 0.3) if self._happens(self._probabilities.slow) else 0.0

    def callback_delays(self) -> tuple[float, ...]:
        """The delay of each arrival of a callback, in seconds. Empty: it is lost. Several: it is duplicated."""
        if not self._happens(self._probabilities.callback):
            return (0.0,)
        return tuple(self._random.expovariate(1 / 200) for _ in range(self._random.choice((0, 1, 2, 3))))

    def message_delays(self) -> tuple[float, ...]:
        """The delay of each arrival of a message in its queue, in seconds. Several: it is delivered more than once."""
        if not self._happens(self._probabilities.callback):
            return (0.0,)
        return tuple(self._random.expovariate(1 / 20) for _ in range(self._random.choice((1, 1, 2))))

    def disturb(self, gateway: str, method: str, ask: Ask) -> Reply:
        begin, end = self._outages.get(gateway, (0.0, 0.0))
        if begin <= self._loop.now - self._start < end:
            raise httpcore.ConnectError("no route")
        if not self._happens(self._probabilities.gateway):
            return ask()
        match self._random.choice(("refuse", "break", "lose", "error", "page", "empty")):
            case "refuse":
                raise httpcore.ConnectTimeout("timed out")
            case "break":
                raise httpcore.ReadError("broken pipe")
            case "lose":
                ask()
                raise httpcore.RemoteProtocolError("incomplete chunked read")
            case "error":
                return self._documented(gateway, method, ask)
            case "page":
                ask()
                return HTML
        ask()
        return Reply(200, self._random.choice((b"", b"{}", b"[]", b"null", b'{"code": 200, "data": null}')))

    def _documented(self, gateway: str, method: str, ask: Ask) -> Reply:
        """A documented error. A definite refusal creates no task; any other may hide one. No read reports a false failure."""
        meanings = GATEWAYS[gateway].error_rules
        allowed = [code for code, meaning in meanings.items() if method == "POST" or meaning.code not in ENDS_TASK]
        code = self._random.choice(sorted(allowed))
        if not meanings[code].refused and self._random.random() < 0.5:
            ask()
        return documented_error(gateway, code)
