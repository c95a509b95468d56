# ruff: noqa: S311 - chance makes mishaps here, no secrets
"""What a seed holds: what clients ask for, and everything that goes wrong around it.

Mishaps last until ``Plan.calm_at``; after that the world works as documented, so that everything has to come to its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from botocore.exceptions import ClientError

from local.simulator.faults import FAULTS
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways import GATEWAYS
from suno_jobs.vocabulary import Kind
from tests.simulation.aws_table import TransactionCanceledException, aws_error
from tests.simulation.clock import Loop
from tests.simulation.lambdas import FunctionError, Invocation
from tests.simulation.network import documented_error

GATEWAY_FAULTS: Mapping[str, tuple[float, ...]] = {
    **{name: (kind.default,) for name, kind in FAULTS.items()},
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
"""Every fault of the simulator with the numbers that it is tried with; some fall to both sides of a deadline or timeout."""

MOST_LIKELY = 0.3
"""With more than this nothing would ever come to pass."""

UNHEARD = 0.7
"""Of the starts that fail for the caller, the share that runs all the same: Lambda promises at least once."""

DELAYS = (0.02, 0.1, 1.0, 5.0, 90.0)
"""How long a slow call may take, at most: a client of AWS gives up after four attempts of 23 seconds."""

TOKEN = re.compile(r"order-\d+-\d+-")
"""By which the gateway's task for an order is found again."""

ACTIONS = ("cancel", "retry")
KINDS = (Kind.MUSIC,) * 8 + (Kind.LYRICS, Kind.UPLOAD, Kind.SOUNDS)


@dataclass(frozen=True, slots=True)
class Order:
    """One request of a client, sent anew with the same key at the moments of ``repeats``; ``token`` is found again in the
    gateway's task. ``gateways`` are asked in that order. ``actions`` are later wishes of the client. ``resubmit``: the client
    allows a second submission when the answer to the first was lost."""

    at: float
    token: str
    gateways: tuple[str, ...]
    kind: Kind
    faults: Mapping[str, float]
    repeats: tuple[float, ...] = ()
    actions: tuple[tuple[float, str], ...] = ()
    resubmit: bool = False

    def body(self) -> dict[str, Any]:
        marks = " ".join(f"[fault:{name}={number:.0f}]" for name, number in self.faults.items())
        words = {"audio_url": f"https://files.example.com/{self.token}.mp3?{marks.replace(' ', '')}"}
        given = words if self.kind is Kind.UPLOAD else {"prompt": f"{self.token} {marks}".strip()}
        gateway = self.gateways[0] if len(self.gateways) == 1 else list(self.gateways)
        policy = {"ambiguous_submit": "resubmit"} if self.resubmit else {}
        return {"gateway": gateway, "kind": self.kind.value, "input": given, "metadata": {"order": self.token}, **policy}


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely each mishap is: per call where nothing else is said."""

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
    """``stops`` are the moments at which some running execution is stopped, ``sweeps`` those of sweeps beside the schedule,
    ``outages`` when a gateway cannot be reached at all. ``refusing`` are faults of the next order at a gateway. ``days`` of
    aftercare follow, for tasks and links that come late."""

    seed: int
    orders: tuple[Order, ...]
    chances: Chances = Chances()
    calm_at: float = 0.0
    stops: tuple[float, ...] = ()
    sweeps: tuple[float, ...] = ()
    rotations: tuple[float, ...] = ()
    outages: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    refusing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    days: float = 0.0
    parameters: Mapping[str, str] = field(default_factory=dict)


def draw(seed: int, jobs: int) -> Plan:
    random = Random(f"simulation {seed}")
    gateways = random.sample(sorted(GATEWAYS), random.choice((1, 2, len(GATEWAYS))))
    span = random.choice((1.0, 20.0, 600.0))
    severity = random.choice((0.0, 0.0, 0.3, 1.0, 4.0))
    calm_at = span + random.choice((100.0, 900.0, 1800.0)) if severity else 0.0
    parameters = random.choice(({}, {}, {"JobDeadlineSeconds": "400", "AmbiguousSubmitGraceSeconds": "200"}))
    return Plan(
        seed=seed,
        orders=tuple(_order(random, number, seed, gateways, span) for number in range(jobs)),
        chances=_chances(random, severity),
        calm_at=calm_at,
        stops=_moments(random, 6, calm_at),
        sweeps=_moments(random, 4, calm_at),
        rotations=_moments(random, 1, calm_at),
        outages={gateway: _span(random, calm_at) for gateway in gateways if severity and random.random() < 0.1},
        days=random.choice((0.0, 0.0, 0.0, 17.0)),
        parameters=parameters,
    )


def _moments(random: Random, most: int, calm_at: float) -> tuple[float, ...]:
    return tuple(random.uniform(0, calm_at) for _ in range(random.randint(0, most if calm_at else 0)))


def _order(random: Random, number: int, seed: int, gateways: list[str], span: float) -> Order:
    asked = random.sample(gateways, random.randint(1, len(gateways))) if random.random() < 0.25 else [random.choice(gateways)]
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


def _chances(random: Random, severity: float) -> Chances:
    def some(most: float) -> float:
        return min(MOST_LIKELY, severity * random.choice((0.0, 0.3, 1.0, 8.0)) * most)

    return Chances(
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


def _span(random: Random, calm_at: float) -> tuple[float, float]:
    begin = random.uniform(0, calm_at)
    return begin, min(calm_at, begin + random.expovariate(1 / 300))


def _busy(label: str) -> ClientError:
    if label != "dynamodb.transact_write_items":
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
"""What a client of AWS may repeat by itself. A transaction carries a token by which the service knows it again."""


class Storm:
    """The weather of a plan."""

    def __init__(self, plan: Plan, loop: Loop, random: Random, note: Callable[[str, str], None]) -> None:
        self._chances = plan.chances
        self._outages = plan.outages
        self._calm_at = loop.now + plan.calm_at
        self._begun_at = loop.now
        self._loop = loop
        self._random = random
        self._note = note

    def _strikes(self, chance: float) -> bool:
        return chance > 0 and self._loop.now < self._calm_at and self._random.random() < chance

    # What befalls invocations

    def begin(self, invocation: Invocation) -> bool:
        """Raises FunctionError."""
        skew = self._chances.skew_seconds
        if skew and self._loop.now < self._calm_at:
            invocation.skew = self._random.uniform(-skew, skew)
        if self._strikes(self._chances.not_started):
            if self._random.random() < UNHEARD:
                self._note(invocation.subject, f"{invocation.function} #{invocation.number} runs unheard")
                return False
            name = self._random.choice(("Lambda.TooManyRequestsException", "Lambda.ServiceException"))
            self._note(invocation.subject, f"{invocation.function} #{invocation.number} is not started: {name}")
            raise FunctionError(name, "not started")
        return True

    def before(self, invocation: Invocation, label: str) -> None:
        self._disturb(invocation, label, "before")
        if not label.startswith(("gateway", "cdn")) and self._strikes(self._chances.refused):
            self._note(invocation.subject, f"{invocation.function} #{invocation.number}: {label} is refused")
            raise _busy(label)

    def after(self, invocation: Invocation, label: str) -> None:
        self._disturb(invocation, label, "after")

    def repeats(self, label: str) -> bool:
        return label in WRITES and self._strikes(self._chances.repeated)

    def _disturb(self, invocation: Invocation, label: str, when: str) -> None:
        if self._strikes(self._chances.slow):
            invocation.spend(self._random.choice(DELAYS) * self._random.random())
        if self._strikes(self._chances.killed):
            self._note(invocation.subject, f"{invocation.function} #{invocation.number} is killed {when} {label}")
            invocation.kill()

    # What befalls everything else

    def write_error(self) -> str | None:
        """Of the state machine's own write to the table."""
        return "ThrottlingException" if self._strikes(self._chances.refused) else None

    def index_lags(self) -> bool:
        return self._strikes(self._chances.stale)

    def transition_seconds(self) -> float:
        return self._random.uniform(0.0, 0.3) if self._strikes(self._chances.slow) else 0.0

    def callback_delays(self) -> tuple[float, ...]:
        """After how many seconds a callback arrives, each number one arrival; empty when it is lost."""
        if not self._strikes(self._chances.callback):
            return (0.0,)
        return tuple(self._random.expovariate(1 / 200) for _ in range(self._random.choice((0, 1, 2, 3))))

    def trouble(self, gateway: str, request: httpx.Request, ask: Callable[[], httpx.Response]) -> httpx.Response:
        begin, end = self._outages.get(gateway, (0.0, 0.0))
        if begin <= self._loop.now - self._begun_at < end:
            raise httpx.ConnectError("no route", request=request)
        if not self._strikes(self._chances.gateway):
            return ask()
        match self._random.choice(("refuse", "break", "lose", "error", "page", "empty")):
            case "refuse":
                raise httpx.ConnectTimeout("timed out", request=request)
            case "break":
                raise httpx.ReadError("broken pipe", request=request)
            case "lose":
                ask()
                raise httpx.RemoteProtocolError("incomplete chunked read", request=request)
            case "error":
                return self._documented(gateway, request.method, ask)
            case "page":
                ask()
                return httpx.Response(200, content=b"<html>Just a moment</html>")
        ask()
        return httpx.Response(200, content=self._random.choice((b"", b"{}", b"[]", b"null", b'{"code": 200, "data": null}')))

    def _documented(self, gateway: str, method: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """A certain refusal creates nothing; whatever else may hide a task. No reading says that a task failed that did not."""
        meanings = GATEWAYS[gateway].meanings
        allowed = [code for code, meaning in meanings.items() if method == "POST" or meaning.code not in ENDS_TASK]
        code = self._random.choice(sorted(allowed))
        if not meanings[code].refused and self._random.random() < 0.5:
            ask()
        return documented_error(gateway, code)
