"""Clients that prefer to wait for their job (``Prefer: wait``, RFC 7240), and what they must be shown."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.aws_table import Answer, aws_error
from tests.simulation.lambdas import FunctionError, Lambdas
from tests.simulation.state_monitor import ENDS, FORWARD

if TYPE_CHECKING:
    from tests.simulation.faults import Order, Plan
    from tests.simulation.world import World

WAITS = (1, 10, 25, 60)
LONGEST_WAIT_SECONDS = 25
READS = 6
PAUSE_SECONDS = 2.0
SLACK_SECONDS = 3.0
"""A wait notices a change within two seconds, and the reads around it take none in a calm world."""

REFUSED = (429, 500, 503)


@dataclass(frozen=True, slots=True)
class Functions:
    """The client of boto3 by which one function calls another one."""

    lambdas: Lambdas

    def invoke(self, *, FunctionName: str, Payload: str) -> Answer:
        caller, event = self.lambdas.running, json.loads(Payload)
        function = FunctionName.rpartition(":")[2]
        answer: Answer = {"StatusCode": 200}
        try:
            answer["Payload"] = io.BytesIO(json.dumps(self.lambdas.invoke(function, event, event["job_id"])).encode())
        except FunctionError as error:
            if error.name == "Lambda.TooManyRequestsException":
                raise aws_error("TooManyRequestsException", "Invoke") from None
            answer["FunctionError"] = "Unhandled"
        called = [each for each in self.lambdas.begun[function] if each.subject == event["job_id"]]
        caller.disturbed |= any(each.disturbed for each in called)
        if caller.get_remaining_time_in_millis() <= 0:
            caller.timed_out = True
            caller.kill()
        return answer


@dataclass(frozen=True, slots=True)
class Read:
    """One answer to a client that prefers to wait. ``applied``: it was waited. ``state`` is empty for an unchanged job."""

    job_id: str
    began: float
    ended: float
    seconds: int
    applied: bool
    state: str


def with_waiting_clients(plan: Plan, random: Random) -> Plan:
    """In a quarter of the plans, with a random stream of their own. Some clients already wait when they submit."""
    if random.random() < 0.75:
        return plan
    orders = tuple(replace(order, **_waits(random, order.at)) if random.random() < 0.4 else order for order in plan.orders)
    return replace(plan, orders=orders)


def _waits(random: Random, at: float) -> dict[str, Any]:
    follows = tuple((at + random.expovariate(1 / 60), random.choice(WAITS)) for _ in range(random.choice((0, 1, 1, 2))))
    return {"wait_seconds": random.choice((0, *WAITS)), "follows": follows}


def prefer(seconds: int) -> dict[str, str]:
    return {"prefer": f"wait={seconds}"} if seconds else {}


def follow(world: World, order: Order, seconds: int) -> None:
    """Reads the job again and again until it has ended. After its first answer the client asks for a change only."""
    job_id, tag = world.job_ids.get(order.token), ""
    for _ in range(READS if job_id else 0):
        assert job_id
        began, headers = world.loop.now, prefer(seconds) | ({"if-none-match": tag} if tag else {})
        response = world.request("GET", f"/v1/jobs/{job_id}", None, headers, tenant=order.tenant)
        if response.status in (200, 304):
            state = response.json()["state"] if response.status == 200 else ""
            applied = "preference-applied" in response.headers
            world.reads.append(Read(job_id, began, world.loop.now, seconds, applied, state))
            tag = response.headers.get("etag", tag)
            if state in ENDS:
                return
        elif response.status not in REFUSED:
            return
        world.loop.sleep(PAUSE_SECONDS)


def broken_waits(world: World) -> Iterator[tuple[str, str]]:
    """A state that was shown never goes back. In a calm world, a wait lasts as long as the client wants, or until the end."""
    last: dict[str, Read] = {}
    calm = not (world.plan.probabilities.slow or world.plan.troubles.services)
    for read in sorted(world.reads, key=lambda each: each.ended):
        before = last.get(read.job_id)
        if before and read.state and before.ended <= read.began and _rank(read.state) < _rank(before.state):
            yield read.job_id, f"a client was shown {read.state} after {before.state}"
        if read.state:
            last[read.job_id] = read
        took, longest = read.ended - read.began, min(read.seconds, LONGEST_WAIT_SECONDS)
        if calm and took > longest + SLACK_SECONDS:
            yield read.job_id, f"a client waited {took:.0f} s instead of {longest}"
        ended_at = next((at for at, _ in world.monitor.ends[read.job_id]), inf)
        if calm and read.applied and max(ended_at, read.began) + SLACK_SECONDS < read.ended:
            yield read.job_id, f"a client waited on for {read.ended - ended_at:.0f} s after the job had ended"


def _rank(state: str) -> int:
    return len(FORWARD) if state in ENDS else FORWARD.index(state)
