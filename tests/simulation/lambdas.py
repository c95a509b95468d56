"""Lambda in memory: the real handlers, each invocation in its own environment, with simulated time and clients.

Every external call of an invocation is a boundary (``Invocation.cross_boundary``): there time may pass, the call may fail, and
the invocation may die before or after the call takes effect.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, Protocol

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tests.simulation.aws_table import Paginator
from tests.simulation.clock import Loop
from tests.simulation.recorded_calls import record_call
from tests.simulation.template import FunctionPlan
from tests.world import ROOT


class Killed(BaseException):
    """The invocation is terminated. As on Lambda, no handler can catch this."""


class FunctionError(Exception):
    """``name`` is what Step Functions matches against ErrorEquals."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name


class FaultInjector(Protocol):
    """The faults of invocations: ``faults.py`` draws them from a seed, ``crashes.py`` places them."""

    def begin(self, invocation: Invocation) -> bool:
        """Whether the caller receives the result; otherwise the function runs anyway. Raises FunctionError if the function is
        not started at all."""

    def before(self, invocation: Invocation, label: str) -> None:
        """Before the call: may let time pass, kill the invocation, or raise an error in place of the call."""

    def after(self, invocation: Invocation, label: str) -> None:
        """The same after the call took effect."""

    def repeats(self, label: str) -> bool:
        """Whether the client loses the answer of a call and repeats the call by itself."""

    def start_seconds(self) -> float:
        """How late a function starts that the state machine invokes."""

    def overrun_seconds(self) -> float:
        """How much longer a function sleeps than it asked for."""


@dataclass(eq=False, slots=True)
class Invocation:
    """``skew`` is the error of its clock in seconds. ``subject`` is the job that it is about, if known.

    ``refused``: one of its calls to AWS was refused. ``disturbed``: that, or it was killed or slowed down. ``stuck``: one of
    its calls never returned.
    """

    lambdas: Lambdas
    function: str
    number: int
    began: float
    ends: float
    skew: float
    subject: str
    calls: int = 0
    dead: bool = False
    timed_out: bool = False
    refused: bool = False
    disturbed: bool = False
    stuck: bool = False

    @property
    def aws_request_id(self) -> str:
        return f"{self.function}-{self.number}"

    def get_remaining_time_in_millis(self) -> int:
        """The invocation is also the handler's Lambda context."""
        return int((self.ends - self.lambdas.loop.now) * 1000)

    def cross_boundary(self, label: str, act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        self.calls += 1
        faults = self.lambdas.faults
        faults.before(self, label)
        try:
            answer = act()
            if faults.repeats(label):
                answer = act()
        except Exception:
            faults.after(self, label)
            raise
        faults.after(self, label)
        return answer

    def spend(self, seconds: float) -> None:
        """Lets time pass. The invocation is killed if it reaches its timeout."""
        left = self.ends - self.lambdas.loop.now
        request = getattr(BaseRouter, "current_event", None)
        self.lambdas.loop.sleep(min(seconds, left))
        # powertools keeps the current request in a class attribute. Real environments share no memory; these do.
        BaseRouter.current_event = request  # type: ignore[assignment]
        if seconds >= left:
            self.timed_out = True
            self.kill()

    def sleep(self, seconds: float) -> None:
        self.spend(seconds + self.lambdas.faults.overrun_seconds())

    def kill(self) -> None:
        self.dead = True
        raise Killed


class Client:
    """A client as ``boto3.client`` returns it in one environment: each of its calls is a boundary."""

    def __init__(self, environment: Environment, service: str, target: Any) -> None:
        self._environment = environment
        self._service = service
        self._target = target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name in ("exceptions", "generate_presigned_url"):
            return found
        if name == "get_paginator":
            return lambda operation: Paginator(getattr(self, operation))
        label = f"{self._service}.{name}"

        def call(**arguments: Any) -> Any:
            invocation = self._environment.running
            record_call(invocation.function, name, arguments)
            return invocation.cross_boundary(label, lambda: found(**arguments))

        setattr(self, name, call)
        return call


class Environment:
    """One execution environment: its own module, whose caches last from one invocation to the next."""

    def __init__(self, lambdas: Lambdas, plan: FunctionPlan) -> None:
        self.running: Invocation
        self.module = ModuleType(plan.folder.replace("/", "."))
        exec(_compiled(ROOT / plan.folder / "app.py"), self.module.__dict__)  # noqa: S102 - our own handler
        loop, random = lambdas.loop, lambdas.random

        def client(service: str, _config: object) -> Client:
            return Client(self, service, lambdas.services[service])

        substitutes = {
            "client": client,
            "time": SimpleNamespace(
                time=lambda: loop.now + self.running.skew,
                monotonic=lambda: loop.now,
                sleep=lambda seconds: self.running.sleep(seconds),  # noqa: PLW0108 - the invocation changes
            ),
            "os": SimpleNamespace(environ=plan.environment, urandom=random.randbytes),
            "random": SimpleNamespace(random=random.random),
            **lambdas.replacements,
        }
        for name in substitutes.keys() & self.module.__dict__.keys():
            setattr(self.module, name, substitutes[name])

    def __call__(self, event: Any, invocation: Invocation) -> Any:
        self.running = invocation
        return self.module.lambda_handler(event, invocation)


@cache
def _compiled(path: Path) -> CodeType:
    return compile(path.read_text(), str(path), "exec")


@dataclass(eq=False, slots=True)
class Lambdas:
    """``services`` are the AWS services by boto3's names. ``replacements`` replace names in every handler's module.
    ``begun`` has all invocations of each function, ``raised`` the exceptions that handlers raised."""

    loop: Loop
    random: Random
    plans: Mapping[str, FunctionPlan]
    faults: FaultInjector
    note: Callable[[str, str], None]
    services: dict[str, Any] = field(default_factory=dict)
    replacements: Mapping[str, Any] = field(default_factory=dict)
    raised: list[tuple[Invocation, Exception]] = field(default_factory=list)
    begun: defaultdict[str, list[Invocation]] = field(default_factory=lambda: defaultdict(list))
    _running: Counter[str] = field(default_factory=Counter)
    _idle: defaultdict[str, list[Environment]] = field(default_factory=lambda: defaultdict(list))

    def invoke(self, function: str, event: Any, subject: str = "") -> Any:
        """The handler's answer, as JSON carries it. Raises FunctionError."""
        if self._running[function] >= self.plans[function].concurrency:
            self.note(subject, f"{function} is throttled")
            raise FunctionError("Lambda.TooManyRequestsException", "the reserved concurrency is in use")
        invocation = self._begin(function, subject)
        if self.faults.begin(invocation):
            return self._run(invocation, event)

        def detached() -> None:
            with suppress(FunctionError):
                self._run(invocation, event)

        self.loop.spawn(detached)
        raise FunctionError("Lambda.SdkClientException", "the connection to the function was lost")

    def _run(self, invocation: Invocation, event: Any) -> Any:
        function, subject = invocation.function, invocation.subject
        idle = self._idle[function]
        environment = idle.pop() if idle else Environment(self, self.plans[function])
        process, outer = self.loop.current, self.loop.current.local
        process.local = invocation
        self._running[function] += 1
        try:
            answer = environment(event, invocation)
        except Killed:
            # Lambda discards the environment.
            self.note(subject, f"{function} #{invocation.number} dies at its call {invocation.calls}")
            if invocation.timed_out:
                raise FunctionError("Sandbox.Timedout", "the task timed out") from None
            raise FunctionError("Runtime.ExitError", "the runtime exited") from None
        except Exception as error:
            idle.append(environment)
            self.note(subject, f"{function} #{invocation.number} raises {type(error).__name__}: {error}")
            self.raised.append((invocation, error))
            raise FunctionError(type(error).__name__, str(error)) from error
        finally:
            process.local = outer
            self._running[function] -= 1
        idle.append(environment)
        return json.loads(json.dumps(answer))

    def _begin(self, function: str, subject: str) -> Invocation:
        now, begun = self.loop.now, self.begun[function]
        invocation = Invocation(self, function, len(begun) + 1, now, now + self.plans[function].timeout, 0.0, subject)
        begun.append(invocation)
        return invocation

    @property
    def running(self) -> Invocation:
        """The invocation of the current process."""
        invocation: Invocation = self.loop.current.local
        return invocation
