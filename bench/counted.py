"""A local stack that counts what an execution uses: state transitions, Lambda calls and DynamoDB write units."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.wire import Wire
from local import aws
from local.processes import Emulator
from local.simulator import Simulator
from local.stack import ALIAS, LocalStack

PATIENCE_SECONDS = 60
ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
SWEEP = "reconcile-jobs"
"""The end of the name of the sweep's log group: the sweep runs on a schedule, for all jobs together."""


class NotCounted(Exception):
    """An execution did not run as intended, so its counts would be meaningless."""


@dataclass(frozen=True)
class Cost:
    transitions: int
    lambda_calls: int
    write_units: int
    timeouts: int
    """How many waits of the execution timed out. AWS does not bill them."""


class CountedStack:
    """A local stack whose functions and executions reach DynamoDB through a `Wire`, which counts writes.

    Executions run in a separate interpreter, because the stack's own one is connected to the emulator directly.
    """

    def __init__(self, stack: LocalStack, wire: Wire, interpreter: Emulator) -> None:
        self.stack = stack
        self.environment = {"AWS_ENDPOINT_URL_DYNAMODB": wire.origin, "AWS_ENDPOINT_URL_SFN": interpreter.url}
        self.executions = aws.make_client(aws.isolated_session(), "stepfunctions", interpreter.url)
        self._wire = wire

    def join(self) -> None:
        """Connects the deployed functions to the wire and the interpreter, and copies the state machine there."""
        functions = self.stack.client("lambda")
        for function in functions.list_functions()["Functions"]:
            variables = function["Environment"]["Variables"] | self.environment
            name = function["FunctionName"]
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
            version = functions.publish_version(FunctionName=name)["Version"]
            functions.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)
        source = self.stack.client("stepfunctions").describe_state_machine(stateMachineArn=self.stack.state_machine_arn)
        self.create_state_machine(source["name"], source["definition"], source["roleArn"])

    def create_state_machine(self, name: str, definition: str, role: str) -> str:
        arn: str = self.executions.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
        return arn

    def cost(self, start: Callable[[], str]) -> Cost:
        """The cost of the execution that `start` starts and whose ARN it returns. Nothing else may run meanwhile.

        Raises NotCounted unless the execution succeeds.
        """
        calls, units = self._lambda_calls(), self._write_units()
        arn = start()
        self._await_success(arn)
        events = [event["type"] for event in self._history(arn)]
        return Cost(
            transitions=transitions(events),
            lambda_calls=self._lambda_calls() - calls,
            write_units=self._write_units() - units,
            timeouts=events.count("TaskTimedOut"),
        )

    def _await_success(self, arn: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (status := self.executions.describe_execution(executionArn=arn)["status"]) not in ENDED:
            if time.monotonic() > deadline:
                raise NotCounted(f"{arn} is stuck after {list(self._history(arn))[-3:]}; logs: {self.stack.logs}")
            time.sleep(0.1)
        if status != "SUCCEEDED":
            raise NotCounted(f"{arn}: {status}; logs: {self.stack.logs}")

    def _history(self, arn: str) -> Iterator[Mapping[str, Any]]:
        for page in self.executions.get_paginator("get_execution_history").paginate(executionArn=arn):
            yield from page["events"]

    def _write_units(self) -> int:
        return sum(write.units for write in self._wire.writes)

    def _lambda_calls(self) -> int:
        """The service writes a START line into the function's log group for each invocation of any kind."""
        logs = self.stack.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]]
        return sum(_starts(logs, group) for group in groups if not group.endswith(SWEEP))


def transitions(events: list[str]) -> int:
    """The transitions that Step Functions bills: every executed step, retries included, and one for the start."""
    entered = sum(event.endswith("StateEntered") for event in events)
    retries = events.count("TaskScheduled") - events.count("TaskStateEntered")
    return 1 + entered + retries


def _starts(logs: Any, group: str) -> int:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return sum(event["message"].startswith("START RequestId:") for page in pages for event in page["events"])


@contextmanager
def counted_stack(parameters: Mapping[str, str], simulator: Simulator) -> Iterator[CountedStack]:
    """Runs a counted stack. After an error its logs are kept."""
    logs = Path(tempfile.mkdtemp(prefix="suno-jobs-bench-"))
    with (
        LocalStack(parameters, simulator=simulator, logs=logs) as stack,
        Wire(stack.endpoint("dynamodb"), stack.client("dynamodb")) as wire,
        Emulator("stepfunctions", logs / "executions.log") as interpreter,
    ):
        interpreter.start(aws.clean_environment(logs) | {"MOTO_PORT": str(wire.port)})
        interpreter.wait_until_ready("/moto-api/")
        counted = CountedStack(stack, wire, interpreter)
        with closing(counted.executions):
            counted.join()
            yield counted
    shutil.rmtree(logs)
