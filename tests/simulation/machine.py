"""Step Functions in memory: executions of the state machine, and the client's operations on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.asl import (
    INVOKE,
    StateError,
    UnknownWord,
    catches,
    caught,
    check_words,
    choose,
    fill,
    path,
    placed,
    seconds,
)
from tests.simulation.aws_table import Answer, DynamoDb, aws_error
from tests.simulation.clock import Loop, Process
from tests.simulation.lambdas import FunctionError, Lambdas

MOST_TRANSITIONS = 2000
"""More than any job needs; a job that has more spins."""


class Stopped(Exception):
    """The execution was stopped; whatever it was at ends without a trace in it."""


class ExecutionAlreadyExists(ClientError):
    pass


class ExecutionDoesNotExist(ClientError):
    pass


class TaskTimedOut(ClientError):
    pass


class TaskDoesNotExist(ClientError):
    pass


class InvalidToken(ClientError):
    pass


class Exceptions:
    """``client.exceptions``."""

    ClientError = ClientError
    ExecutionAlreadyExists = ExecutionAlreadyExists
    ExecutionDoesNotExist = ExecutionDoesNotExist
    TaskTimedOut = TaskTimedOut
    TaskDoesNotExist = TaskDoesNotExist
    InvalidToken = InvalidToken


@dataclass(eq=False, slots=True)
class Execution:
    name: str
    given: str
    subject: str
    begun_at: float
    ends: float
    status: str = "RUNNING"
    state: str = ""
    transitions: int = 0


@dataclass(eq=False, slots=True)
class Waiter:
    """Who waits with a task token, and what it was told."""

    execution: Execution
    process: Process
    output: Any = None
    answered: bool = False
    over: bool = False


@dataclass(eq=False, slots=True)
class Machine:
    """``hindrance`` is asked before the table is written directly: the name of the error that befalls the write, or None."""

    arn: str
    definition: Mapping[str, Any]
    loop: Loop
    lambdas: Lambdas
    table: DynamoDb
    random: Random
    note: Callable[[str, str], None]
    hindrance: Callable[[], str | None] = lambda: None
    pause: Callable[[], float] = lambda: 0.0
    executions: dict[str, Execution] = field(default_factory=dict)
    waiters: dict[str, Waiter] = field(default_factory=dict)
    exceptions = Exceptions

    def __post_init__(self) -> None:
        check_words(self.definition, "machine")

    # What the client offers

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Answer:  # noqa: A002
        known = self.executions.get(name)
        if stateMachineArn != self.arn:
            raise aws_error("StateMachineDoesNotExist", "StartExecution")
        if known and (known.status != "RUNNING" or known.given != input):
            raise aws_error(ExecutionAlreadyExists, "StartExecution")
        if not known:
            subject = json.loads(input)["job_id"]
            execution = Execution(name, input, subject, self.loop.now, self.loop.now + self.definition["TimeoutSeconds"])
            self.executions[name] = execution
            self.note(subject, f"execution {name} starts")
            self.loop.spawn(lambda: self._run(execution))
        return {"executionArn": self._arn_of(name)}

    def describe_execution(self, *, executionArn: str) -> Answer:
        return {"status": self._find(executionArn).status}

    def stop_execution(self, *, executionArn: str) -> Answer:
        execution = self._find(executionArn)
        if execution.status == "RUNNING":
            self._end(execution, "ABORTED")
        return {}

    def send_task_success(self, *, taskToken: str, output: str) -> Answer:
        waiter = self.waiters.get(taskToken)
        if waiter is None:
            raise aws_error(InvalidToken, "SendTaskSuccess")
        if waiter.over or waiter.answered or waiter.execution.status != "RUNNING":
            raise aws_error(TaskTimedOut, "SendTaskSuccess")
        waiter.answered, waiter.output = True, json.loads(output)
        self.loop.wake(waiter.process)
        return {}

    def _find(self, arn: str) -> Execution:
        prefix, _, name = arn.rpartition(":")
        if prefix != self._arn_of("")[:-1] or name not in self.executions:
            raise aws_error(ExecutionDoesNotExist, "DescribeExecution")
        return self.executions[name]

    def _arn_of(self, name: str) -> str:
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"

    # How an execution runs

    def _run(self, execution: Execution) -> None:
        try:
            self._play(execution, self.definition, json.loads(execution.given), {})
        except Stopped:
            return
        except StateError as error:
            if execution.status == "RUNNING":
                self._end(execution, "FAILED", str(error))
        else:
            self._end(execution, "SUCCEEDED")

    def _end(self, execution: Execution, status: str, why: str = "") -> None:
        execution.status = status
        self.note(execution.subject, f"execution {execution.name} {status} in {execution.state} {why}".rstrip())

    def _play(self, execution: Execution, machine: Mapping[str, Any], data: Any, item: Mapping[str, Any]) -> Any:
        """``item`` is the context object's Map.Item, inside a Map."""
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            self._enter(execution, name)
            try:
                data, following = self._step(execution, state, data, item)
            except StateError as error:
                data, following = caught(state, data, error)
            if following is None:
                return data
            name = following

    def _enter(self, execution: Execution, name: str) -> None:
        execution.state = name
        execution.transitions += 1
        if execution.transitions > MOST_TRANSITIONS:
            raise AssertionError(f"execution {execution.name} spins: {execution.transitions} transitions")
        pause = self.pause()
        if pause:
            self.loop.sleep(pause)
        self._check_running(execution)

    def _check_running(self, execution: Execution) -> None:
        if execution.status != "RUNNING":
            raise Stopped
        if self.loop.now >= execution.ends:
            self._end(execution, "TIMED_OUT")
            raise Stopped

    def _step(
        self, execution: Execution, state: Mapping[str, Any], data: Any, item: Mapping[str, Any]
    ) -> tuple[Any, str | None]:
        match state["Type"]:
            case "Task":
                result = self._task_with_retries(execution, state, data, item)
                return path(placed(state, data, result), state.get("OutputPath", "$")), state.get("Next")
            case "Map":
                return placed(state, data, self._map(execution, state, data)), state.get("Next")
            case "Choice":
                return data, choose(state, data)
            case "Pass":
                return data, state.get("Next")
        raise StateError(state["Error"], state["Cause"])

    def _task_with_retries(self, execution: Execution, state: Mapping[str, Any], data: Any, item: Mapping[str, Any]) -> Any:
        attempts = [0] * len(state.get("Retry", ()))
        while True:
            try:
                result = self._task(execution, state, data, item)
            except StateError as error:
                self._check_running(execution)
                number = next((n for n, each in enumerate(state.get("Retry", ())) if catches(each, error.name)), None)
                if number is None or attempts[number] >= state["Retry"][number]["MaxAttempts"]:
                    raise
                retrier = state["Retry"][number]
                longest = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempts[number]
                attempts[number] += 1
                # JitterStrategy FULL: anything up to the backoff.
                self.loop.sleep(self.random.uniform(0, min(longest, retrier.get("MaxDelaySeconds", longest))))
                self._check_running(execution)
            else:
                self._check_running(execution)
                return result

    def _task(self, execution: Execution, state: Mapping[str, Any], data: Any, item: Mapping[str, Any]) -> Any:
        token = f"token-{self.random.randbytes(16).hex()}"
        context = {"Map": {"Item": item}, "Task": {"Token": token}}
        parameters = fill(state["Parameters"], data, context)
        if state["Resource"] == INVOKE:
            return {"Payload": self._invoke(execution, state, parameters), "StatusCode": 200}
        until = self.loop.now + seconds(state, data)
        return self._wait_for_token(execution, parameters, token, min(until, execution.ends))

    def _invoke(self, execution: Execution, state: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        function = parameters["FunctionName"].rpartition(":")[2]
        if self.lambdas.plans[function].timeout >= state["TimeoutSeconds"]:
            raise UnknownWord(f"{execution.state} may end before its function does")
        try:
            return self.lambdas.invoke(function, parameters["Payload"], execution.subject)
        except FunctionError as error:
            raise StateError(error.name, str(error)) from None

    def _wait_for_token(self, execution: Execution, parameters: Mapping[str, Any], token: str, until: float) -> Any:
        waiter = self.waiters[token] = Waiter(execution, self.loop.current)
        try:
            hindered = self.hindrance()
            if hindered:
                raise StateError(f"DynamoDb.{hindered}")
            self.table.update_item(**parameters)
        except ClientError as error:
            waiter.over = True
            raise StateError(f"DynamoDb.{type(error).__name__}", str(error)) from None
        if not waiter.answered:
            self.loop.wait(until)
        waiter.over = True
        if not waiter.answered:
            raise StateError("States.Timeout")
        return waiter.output

    def _map(self, execution: Execution, state: Mapping[str, Any], data: Any) -> list[Any]:
        """The items side by side, as many at a time as MaxConcurrency says."""
        values = path(data, state["ItemsPath"])
        todo = list(enumerate(values))[::-1]
        results: dict[int, Any] = {}
        failures: list[Exception] = []
        parent = self.loop.current

        def worker() -> None:
            while todo and not failures:
                number, value = todo.pop()
                item = {"Index": number, "Value": value}
                selected = fill(state["ItemSelector"], data, {"Map": {"Item": item}})
                try:
                    results[number] = self._play(execution, state["ItemProcessor"], selected, item)
                except (StateError, Stopped) as error:
                    failures.append(error)
            running.pop()
            if not running:
                self.loop.wake(parent)

        running = [worker] * min(len(todo), state["MaxConcurrency"])
        for each in list(running):
            self.loop.spawn(each)
        if running:
            self.loop.wait(float("inf"))
        if failures:
            raise failures[0]
        return [results[number] for number in range(len(values))]
