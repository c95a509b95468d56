"""The stack that ``template.yaml`` deploys, read from the file itself: names, environments, timeouts, routes, schedules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

from local.queue_routes import QueueRoute, queue_routes
from tests.world import ROOT, table_definition, template

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": "",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "suno-jobs",
    "AWS::URLSuffix": "amazonaws.com",
}
SERVICES = {"AWS::Serverless::Function": "lambda", "AWS::SecretsManager::Secret": "secretsmanager"}


@dataclass(frozen=True, slots=True)
class Route:
    """``pattern`` matches ``METHOD /path``; its groups are the path parameters."""

    key: str
    pattern: re.Pattern[str]
    function: str
    open: bool


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """``concurrency`` is the reserved one, the most invocations that may run at once."""

    folder: str
    timeout: int
    environment: Mapping[str, str]
    concurrency: float = inf


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """What the template says of a queue and of the mapping that reads it."""

    function: str
    batch_size: int
    concurrency: int
    visibility_seconds: float
    max_receives: float


@dataclass(frozen=True, slots=True)
class Stack:
    """``functions`` by logical id; ``schedules`` are seconds between two runs, by function. ``versioned`` are buckets.

    ``queues`` are by logical id. ``queue_routes`` lead into the queue of callbacks, and ``routes`` to a function.
    """

    parameters: Mapping[str, str]
    functions: Mapping[str, FunctionPlan]
    routes: tuple[Route, ...]
    queue_routes: tuple[QueueRoute, ...]
    queues: Mapping[str, QueuePlan]
    schedules: Mapping[str, float]
    tables: Mapping[str, Mapping[str, Any]]
    state_machine_arn: str
    definition: dict[str, Any]
    versioned: frozenset[str]

    @property
    def base_url(self) -> str:
        return next(
            plan.environment["PUBLIC_BASE_URL"] for plan in self.functions.values() if "PUBLIC_BASE_URL" in plan.environment
        )


def deploy(**overrides: str) -> Stack:
    """The stack with the defaults of its parameters, except for ``overrides``."""
    return _deploy(tuple(sorted(overrides.items())))


@cache
def _deploy(overrides: tuple[tuple[str, str], ...]) -> Stack:
    deployed = template()
    unknown = dict(overrides).keys() - deployed["Parameters"].keys()
    if unknown:
        raise KeyError(f"no such parameter: {', '.join(unknown)}")
    defaults = {name: str(each["Default"]) for name, each in deployed["Parameters"].items()}
    evaluate = _Evaluation(deployed, {**defaults, **dict(overrides)})
    functions = evaluate.of_type("AWS::Serverless::Function")
    [machine] = evaluate.of_type("AWS::Serverless::StateMachine").values()
    return Stack(
        parameters=evaluate.parameters,
        functions={name: _plan(properties, evaluate) for name, properties in functions.items()},
        routes=tuple(_routes(functions)),
        queue_routes=tuple(queue_routes(evaluate.of_type("AWS::Serverless::HttpApi")["HttpApi"]["DefinitionBody"]["paths"])),
        queues=dict(_queues(evaluate)),
        schedules=dict(_schedules(functions, evaluate)),
        tables={name: table_definition(name) for name in evaluate.of_type("AWS::DynamoDB::Table")},
        state_machine_arn=f"arn:aws:states:us-east-1:{PSEUDO['AWS::AccountId']}:stateMachine:{evaluate(machine['Name'])}",
        definition=_definition(machine, evaluate),
        versioned=frozenset(
            name for name, each in evaluate.of_type("AWS::S3::Bucket").items() if "VersioningConfiguration" in each
        ),
    )


class _Evaluation:
    """The intrinsic functions of CloudFormation that the template uses; any other is refused."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._template = template
        self.parameters = parameters

    def of_type(self, wanted: str) -> dict[str, Any]:
        return {name: each["Properties"] for name, each in self._template["Resources"].items() if each["Type"] == wanted}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        [(name, argument)] = value.items()
        evaluators: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda path: self._arn(path if isinstance(path, str) else ".".join(path)),
            "Fn::Sub": self._sub,
            "Fn::If": lambda parts: self(parts[1] if self(self._template["Conditions"][parts[0]]) else parts[2]),
            "Fn::Equals": lambda parts: self(parts[0]) == str(self(parts[1])),
            "Fn::Not": lambda parts: not self(parts[0]),
        }
        return evaluators[name](argument)

    def _ref(self, name: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        if name.endswith(".Alias"):
            # There is one version of each function.
            return self._arn(f"{name.removesuffix('.Alias')}.Arn")
        kind = self._template["Resources"][name]["Type"]
        # The Ref of most resources is their name; that of a secret is its ARN.
        return self._arn(f"{name}.Arn") if kind == "AWS::SecretsManager::Secret" else name

    def _arn(self, path: str) -> str:
        name, _, attribute = path.partition(".")
        if attribute != "Arn":
            raise KeyError(path)
        service = SERVICES.get(self._template["Resources"][name]["Type"], "any")
        return f"arn:aws:{service}:us-east-1:{PSEUDO['AWS::AccountId']}:{name}"

    def _sub(self, text: str) -> str:
        return re.sub(r"\$\{([^}]+)\}", lambda found: self._arn(found[1]) if "." in found[1] else self._ref(found[1]), text)


def _plan(properties: Mapping[str, Any], evaluate: _Evaluation) -> FunctionPlan:
    variables = properties.get("Environment", {}).get("Variables", {})
    environment = {name: str(evaluate(value)) for name, value in variables.items()}
    reserved = str(evaluate(properties.get("ReservedConcurrentExecutions", "")))
    return FunctionPlan(properties["CodeUri"], properties["Timeout"], environment, float(reserved or inf))


def _queues(evaluate: _Evaluation) -> Iterator[tuple[str, QueuePlan]]:
    for mapping in evaluate.of_type("AWS::Lambda::EventSourceMapping").values():
        name = mapping["EventSourceArn"]["Fn::GetAtt"][0]
        queue = evaluate.of_type("AWS::SQS::Queue")[name]
        yield (
            name,
            QueuePlan(
                mapping["FunctionName"]["Ref"].removesuffix(".Alias"),
                mapping["BatchSize"],
                int(evaluate(mapping["ScalingConfig"]["MaximumConcurrency"])),
                queue["VisibilityTimeout"],
                queue.get("RedrivePolicy", {}).get("maxReceiveCount", inf),
            ),
        )


def _routes(functions: Mapping[str, Any]) -> list[Route]:
    found = []
    for name, properties in functions.items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "HttpApi":
                given = event["Properties"]
                key = f"{given['Method']} {given['Path']}".replace("ANY $default", "$default")
                pattern = ".*" if key == "$default" else re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", key)
                is_open = given.get("Auth", {}).get("Authorizer") == "NONE"
                found.append(Route(key, re.compile(pattern), name, is_open))
    return sorted(found, key=lambda route: route.key == "$default")


def _schedules(functions: Mapping[str, Any], evaluate: _Evaluation) -> list[tuple[str, float]]:
    found = []
    for name, properties in functions.items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "ScheduleV2":
                rate = re.fullmatch(r"rate\((\d+) minutes?\)", evaluate(event["Properties"]["ScheduleExpression"]))
                if rate is None:
                    raise ValueError("only rates in minutes are supported")
                found.append((name, 60.0 * int(rate[1])))
    return found


def _definition(machine: Mapping[str, Any], evaluate: _Evaluation) -> dict[str, Any]:
    text = (ROOT / machine["DefinitionUri"]).read_text()
    for name, value in machine["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", evaluate(value))
    definition: dict[str, Any] = json.loads(text)
    return definition
