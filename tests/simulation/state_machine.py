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
    INVOKE_TOKEN,
    StateError,
    UnsupportedField,
    catches,
    caught,
    check_fields,
    fill,
    path,
    seconds,
    with_result,
)
from tests.simulation.aws_table import Answer, DynamoDb, aws_error
from tests.simulation.clock import Loop, Process
from tests.simulation.lambdas import FunctionError, Lambdas

DESCRIPTIONS = 250.0
DESCRIPTIONS_A_SECOND = 10.0
"""The quota of DescribeExecution in most regions: so many at once, and so many more each second."""

MAX_EVENTS = 25_000
"""Step Functions ends an execution whose history has so many events."""

MAX_EXECUTIONS = 5000
"""More than any world needs; one with more starts executions in an endless loop."""

TOKEN_CHARACTERS = 690
"""Of the longest task tokens of Step Functions; the shortest have 620."""


class Stopped(Exception):
    """The execution was stopped, and its current state is abandoned."""


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
    started_at: float
    ends: float
    status: str = "RUNNING"
    state: str = ""
    transitions: int = 0
    events: int = 1


@dataclass(eq=False, slots=True)
class TokenWait:
    """The wait of a process for its task token, and the output or the error that it received. ``waits``: the process sleeps,
    so that an answer has to wake it."""

    execution: Execution
    process: Process
    output: Any = None
    error: StateError | None = None
    answered: bool = False
    ended: bool = False
    waits: bool = False


@dataclass(eq=False, slots=True)
class StateMachine:
    """``write_error`` returns the error code for a direct write to the table, or None. ``transition_delay`` is in seconds."""

    arn: str
    definition: Mapping[str, Any]
    loop: Loop
    lambdas: Lambdas
    table: DynamoDb
    random: Random
    note: Callable[[str, str], None]
    write_error: Callable[[], str | None] = lambda: None
    transition_delay: Callable[[], float] = lambda: 0.0
    executions: dict[str, Execution] = field(default_factory=dict)
    token_waits: dict[str, TokenWait] = field(default_factory=dict)
    descriptions: float = DESCRIPTIONS
    described_at: float = 0.0
    exceptions = Exceptions

    def __post_init__(self) -> None:
        check_fields(self.definition, "machine")

    # Operations of the client

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
        refilled = (self.loop.now - self.described_at) * DESCRIPTIONS_A_SECOND
        self.descriptions, self.described_at = min(DESCRIPTIONS, self.descriptions + refilled), self.loop.now
        if self.descriptions < 1:
            raise aws_error("ThrottlingException", "DescribeExecution")
        self.descriptions -= 1
        return {"status": self._find(executionArn).status}

    def stop_execution(self, *, executionArn: str) -> Answer:
        execution = self._find(executionArn)
        if execution.status == "RUNNING":
            self._end(execution, "ABORTED")
        return {}

    def send_task_success(self, *, taskToken: str, output: str) -> Answer:
        self._answer(taskToken, "SendTaskSuccess").output = json.loads(output)
        return {}

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> Answer:
        self._answer(taskToken, "SendTaskFailure").error = StateError(error, cause)
        return {}

    def _answer(self, token: str, operation: str) -> TokenWait:
        token_wait = self.token_waits.get(token)
        if token_wait is None:
            raise aws_error(InvalidToken, operation)
        if token_wait.ended or token_wait.answered or token_wait.execution.status != "RUNNING":
            raise aws_error(TaskTimedOut, operation)
        token_wait.answered = True
        if token_wait.waits:
            self.loop.wake(token_wait.process)
        return token_wait

    def _find(self, arn: str) -> Execution:
        prefix, _, name = arn.rpartition(":")
        if prefix != self._arn_of("")[:-1] or name not in self.executions:
            raise aws_error(ExecutionDoesNotExist, "DescribeExecution")
        return self.executions[name]

    def _arn_of(self, name: str) -> str:
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"

    # Executions

    def _run(self, execution: Execution) -> None:
        if len(self.executions) > MAX_EXECUTIONS:
            raise AssertionError(f"there are {len(self.executions)} executions")
        try:
            self._run_states(execution, json.loads(execution.given))
        except Stopped:
            return
        except StateError as error:
            if execution.status == "RUNNING":
                self._end(execution, "FAILED", str(error))
        else:
            self._end(execution, "SUCCEEDED")

    def _end(self, execution: Execution, status: str, reason: str = "") -> None:
        execution.status = status
        self.note(execution.subject, f"execution {execution.name} {status} in {execution.state} {reason}".rstrip())

    def _run_states(self, execution: Execution, data: Any) -> None:
        name = self.definition["StartAt"]
        while name is not None:
            state = self.definition["States"][name]
            self._enter(execution, name)
            try:
                data, name = self._step(execution, state, data)
            except StateError as error:
                data, name = caught(state, data, error)
            self._record(execution)

    def _enter(self, execution: Execution, name: str) -> None:
        execution.state = name
        execution.transitions += 1
        self._record(execution)
        delay = self.transition_delay()
        if delay:
            self.loop.sleep(delay)
        self._check_running(execution)

    def _record(self, execution: Execution, events: int = 1) -> None:
        """Adds to the history: a state begins and ends, and each try of a task is scheduled, starts and ends. One that waits
        for its token also has an event for the call."""
        execution.events += events
        if execution.events >= MAX_EVENTS and execution.status == "RUNNING":
            self._end(execution, "FAILED", "States.Runtime: the history has too many events")
        self._check_running(execution)

    def _check_running(self, execution: Execution) -> None:
        if execution.status != "RUNNING":
            raise Stopped
        if self.loop.now >= execution.ends:
            self._end(execution, "TIMED_OUT")
            raise Stopped

    def _step(self, execution: Execution, state: Mapping[str, Any], data: Any) -> tuple[Any, str | None]:
        match state["Type"]:
            case "Task":
                result = self._task_with_retries(execution, state, data)
                return path(with_result(state, data, result), state.get("OutputPath", "$")), state.get("Next")
            case "Pass":
                return fill(state["Parameters"], data, {}), state.get("Next")
            case "Succeed":
                return data, None
        raise StateError(state["Error"], state["Cause"])

    def _task_with_retries(self, execution: Execution, state: Mapping[str, Any], data: Any) -> Any:
        attempts = [0] * len(state.get("Retry", ()))
        while True:
            try:
                result = self._task(execution, state, data)
            except StateError as error:
                self._check_running(execution)
                number = next((n for n, each in enumerate(state.get("Retry", ())) if catches(each, error.name)), None)
                if number is None or attempts[number] >= state["Retry"][number]["MaxAttempts"]:
                    raise
                retrier = state["Retry"][number]
                longest = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempts[number]
                attempts[number] += 1
                # JitterStrategy FULL: any delay up to the backoff.
                self.loop.sleep(self.random.uniform(0, min(longest, retrier.get("MaxDelaySeconds", longest))))
                self._check_running(execution)
            else:
                self._check_running(execution)
                return result

    def _task(self, execution: Execution, state: Mapping[str, Any], data: Any) -> Any:
        self._record(execution, 3 if state["Resource"] == INVOKE else 4)
        token = f"token-{self.random.randbytes(16).hex()}".ljust(TOKEN_CHARACTERS, "x")
        parameters = fill(state["Parameters"], data, {"Task": {"Token": token}, "Execution": {"Name": execution.name}})
        if state["Resource"] == INVOKE:
            return {"Payload": self._invoke(execution, state, parameters), "StatusCode": 200}
        token_wait = self.token_waits[token] = TokenWait(execution, self.loop.current)
        if state["Resource"] == INVOKE_TOKEN:
            until = self.loop.now + state["TimeoutSeconds"]
            self._begin(token_wait, lambda: self._invoke(execution, state, parameters))
        else:
            until = self.loop.now + seconds(state, data)
            self._begin(token_wait, lambda: self._write(parameters))
        return self._wait_for_token(token_wait, min(until, execution.ends))

    def _invoke(self, execution: Execution, state: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        function = parameters["FunctionName"].rpartition(":")[2]
        if self.lambdas.plans[function].timeout >= state["TimeoutSeconds"]:
            raise UnsupportedField(f"{execution.state} may end before its function does")
        if late := self.lambdas.faults.start_seconds():
            self.loop.sleep(late)
        try:
            return self.lambdas.invoke(function, parameters["Payload"], execution.subject)
        except FunctionError as error:
            raise StateError(error.name, str(error)) from None

    def _write(self, parameters: Mapping[str, Any]) -> None:
        error_code = self.write_error()
        if error_code:
            raise StateError(f"DynamoDb.{error_code}")
        try:
            self.table.update_item(**parameters)
        except ClientError as error:
            raise StateError(f"DynamoDb.{type(error).__name__}", str(error)) from None

    @staticmethod
    def _begin(token_wait: TokenWait, act: Callable[[], object]) -> None:
        """An error after the token was answered changes nothing: the task is over."""
        try:
            act()
        except StateError:
            if not token_wait.answered:
                token_wait.ended = True
                raise

    def _wait_for_token(self, token_wait: TokenWait, until: float) -> Any:
        if not token_wait.answered:
            token_wait.waits = True
            self.loop.wait(until)
        token_wait.ended = True
        if not token_wait.answered:
            raise StateError("States.Timeout")
        if token_wait.error:
            raise token_wait.error
        return token_wait.output
