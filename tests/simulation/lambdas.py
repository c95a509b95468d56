"""Lambda in memory: the real handlers, each invocation in an environment of its own, with borrowed time and clients.

Every call that an invocation makes to the world outside is a boundary (``Invocation.cross``): there time may pass, the call
may fail, and the invocation may die, before or after the call took effect.
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
from tests.simulation.template import FunctionPlan
from tests.world import ROOT


class Killed(BaseException):
    """The invocation is over, in the middle of what it did. No handler can catch it, as none can on Lambda."""


class FunctionError(Exception):
    """``name`` is what Step Functions matches against ErrorEquals."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name


class Weather(Protocol):
    """What may befall invocations; ``faults.py`` draws it from a seed, ``test_crashes.py`` aims it."""

    def begin(self, invocation: Invocation) -> bool:
        """Whether the caller hears of what the function does; if not, it runs unheard. Raises FunctionError when the
        function is not even started."""

    def before(self, invocation: Invocation, label: str) -> None:
        """May let time pass, kill the invocation or raise what the call shall raise."""

    def after(self, invocation: Invocation, label: str) -> None:
        """The same once the call took effect."""

    def repeats(self, label: str) -> bool:
        """Whether the client loses the answer of a call and repeats it by itself."""


@dataclass(eq=False, slots=True)
class Invocation:
    """``skew`` is how far its clock is off. ``subject`` is the job that it is about, where one is known."""

    lambdas: Lambdas
    function: str
    number: int
    ends: float
    skew: float
    subject: str
    calls: int = 0
    dead: bool = False

    def get_remaining_time_in_millis(self) -> int:
        """This is also the context that the handler is given."""
        return int((self.ends - self.lambdas.loop.now) * 1000)

    def cross(self, label: str, act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        self.calls += 1
        weather = self.lambdas.weather
        weather.before(self, label)
        try:
            answer = act()
            if weather.repeats(label):
                answer = act()
        except Exception:
            weather.after(self, label)
            raise
        weather.after(self, label)
        return answer

    def spend(self, seconds: float) -> None:
        """Lets time pass; the invocation is cut off when its own is over."""
        left = self.ends - self.lambdas.loop.now
        request = getattr(BaseRouter, "current_event", None)
        self.lambdas.loop.sleep(min(seconds, left))
        # powertools keeps the request at hand in a class: real environments share no memory, ours do.
        BaseRouter.current_event = request  # type: ignore[assignment]
        if seconds >= left:
            self.kill()

    def kill(self) -> None:
        self.dead = True
        raise Killed


class Client:
    """A client as ``boto3.client`` would make it for one environment: each of its calls is a boundary."""

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
            return self._environment.running.cross(label, lambda: found(**arguments))

        setattr(self, name, call)
        return call


class Environment:
    """One execution environment: a module of its own, which keeps what it caches from one invocation to the next."""

    def __init__(self, lambdas: Lambdas, plan: FunctionPlan) -> None:
        self.running: Invocation
        self.module = ModuleType(plan.folder.replace("/", "."))
        exec(_compiled(ROOT / plan.folder / "app.py"), self.module.__dict__)  # noqa: S102 - our own handler
        loop, random = lambdas.loop, lambdas.random

        def client(service: str, **_: Any) -> Client:
            return Client(self, service, lambdas.services[service])

        borrowed = {
            "boto3": SimpleNamespace(client=client),
            "time": SimpleNamespace(time=lambda: loop.now + self.running.skew, monotonic=lambda: loop.now),
            "os": SimpleNamespace(environ=plan.environment, urandom=random.randbytes),
            **lambdas.replacements,
        }
        for name in borrowed.keys() & self.module.__dict__.keys():
            setattr(self.module, name, borrowed[name])

    def __call__(self, event: Any, invocation: Invocation) -> Any:
        self.running = invocation
        return self.module.lambda_handler(event, invocation)


@cache
def _compiled(path: Path) -> CodeType:
    return compile(path.read_text(), str(path), "exec")


@dataclass(eq=False, slots=True)
class Lambdas:
    """``services`` are the AWS services by boto3's names; ``replacements`` go into every handler's module under their name;
    ``raised`` is what handlers let through."""

    loop: Loop
    random: Random
    plans: Mapping[str, FunctionPlan]
    weather: Weather
    note: Callable[[str, str], None]
    services: dict[str, Any] = field(default_factory=dict)
    replacements: Mapping[str, Any] = field(default_factory=dict)
    invocations: Counter[str] = field(default_factory=Counter)
    raised: list[tuple[Invocation, Exception]] = field(default_factory=list)
    _idle: defaultdict[str, list[Environment]] = field(default_factory=lambda: defaultdict(list))

    def invoke(self, function: str, event: Any, subject: str = "") -> Any:
        """The handler's answer, as JSON carries it. Raises FunctionError."""
        invocation = self._begin(function, subject)
        if self.weather.begin(invocation):
            return self._run(invocation, event)

        def unheard() -> None:
            with suppress(FunctionError):
                self._run(invocation, event)

        self.loop.spawn(unheard)
        raise FunctionError("Lambda.SdkClientException", "the connection to the function broke")

    def _run(self, invocation: Invocation, event: Any) -> Any:
        function, subject = invocation.function, invocation.subject
        idle = self._idle[function]
        environment = idle.pop() if idle else Environment(self, self.plans[function])
        process, outer = self.loop.current, self.loop.current.local
        process.local = invocation
        try:
            answer = environment(event, invocation)
        except Killed:
            # Lambda throws the whole environment away.
            self.note(subject, f"{function} #{invocation.number} dies at its call {invocation.calls}")
            raise FunctionError("Sandbox.Timedout", "the invocation was cut off") from None
        except Exception as error:
            idle.append(environment)
            self.note(subject, f"{function} #{invocation.number} raises {type(error).__name__}: {error}")
            self.raised.append((invocation, error))
            raise FunctionError(type(error).__name__, str(error)) from error
        finally:
            process.local = outer
        idle.append(environment)
        return json.loads(json.dumps(answer))

    def _begin(self, function: str, subject: str) -> Invocation:
        self.invocations[function] += 1
        ends = self.loop.now + self.plans[function].timeout
        return Invocation(self, function, self.invocations[function], ends, 0.0, subject)

    @property
    def running(self) -> Invocation:
        """The invocation that the running process is in."""
        invocation: Invocation = self.loop.current.local
        return invocation
