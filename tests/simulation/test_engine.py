"""The engine itself: virtual time, and the interpreter of the state machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.asl import UnsupportedField, catches, check_fields, fill
from tests.simulation.clock import Loop, Process
from tests.simulation.template import deploy


def test_processes_run_in_the_order_of_their_times() -> None:
    loop, log = Loop(0.0), []

    def process(name: str, seconds: float) -> None:
        for _ in range(2):
            loop.sleep(seconds)
            log.append((loop.now, name))

    loop.spawn(lambda: process("slow", 3.0))
    loop.spawn(lambda: process("fast", 2.0), after=0.5)
    loop.run(until=10.0)
    assert log == [(2.5, "fast"), (3.0, "slow"), (4.5, "fast"), (6.0, "slow")]
    assert loop.now == 10.0
    loop.close()


def test_a_waiting_process_is_woken_once() -> None:
    loop, times = Loop(0.0), list[float]()
    waiting: list[Process] = []

    def token_wait() -> None:
        waiting.append(loop.current)
        loop.wait(until=5.0)
        times.append(loop.now)
        loop.sleep(10.0)
        times.append(loop.now)

    loop.spawn(token_wait)
    loop.spawn(lambda: loop.wake(waiting[0]), after=2.0)
    loop.run(until=100.0)
    assert times == [2.0, 12.0]
    loop.close()


def test_an_error_in_a_process_is_raised_and_every_process_is_unwound() -> None:
    loop, log = Loop(0.0), []

    def sleeper() -> None:
        try:
            loop.sleep(50.0)
        finally:
            log.append(loop.now)

    loop.spawn(sleeper)
    loop.spawn(lambda: 1 // 0, after=1.0)
    with pytest.raises(ZeroDivisionError):
        loop.run(until=10.0)
    loop.close()
    assert log == [1.0]


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": 1},
        {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage"},
        {"Type": "Pass", "Assign": {}},
        {"Type": "Choice", "Choices": []},
        {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Retry": [{"JitterStrategy": "NONE"}]},
    ],
)
def test_an_unsupported_field_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedField):
        check_fields({"StartAt": "A", "States": {"A": state}}, "machine")


def test_all_fields_of_the_state_machine_are_supported() -> None:
    check_fields(deploy().definition, "machine")


def test_payload_templates_are_filled_from_data_and_context() -> None:
    template = {
        "id.$": "$.job.id",
        "token.$": "$$.Task.Token",
        "key": {"S.$": "States.Format('JOB#{}', $.job.id)"},
        "text": "x",
        "seconds.$": "States.StringToJson($.job.wait)",
    }
    filled = fill(template, {"job": {"id": "7", "wait": "30"}}, {"Task": {"Token": "t"}})
    assert filled == {"id": "7", "token": "t", "key": {"S": "JOB#7"}, "text": "x", "seconds": 30}


@pytest.mark.parametrize(
    ("names", "error", "caught"),
    [
        (["States.ALL"], "Anything", True),
        (["States.TaskFailed"], "KeyError", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.Timeout", True),
        (["EventNotSent"], "KeyError", False),
    ],
)
def test_errors_are_caught_by_name(names: list[str], error: str, caught: bool) -> None:
    assert catches({"ErrorEquals": names}, error) is caught
