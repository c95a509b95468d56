"""The engine itself: time, and the words that its interpreter knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.asl import UnknownWord, catches, check_words, fill
from tests.simulation.clock import Loop, Process
from tests.simulation.template import deploy


def test_processes_take_turns_in_the_order_of_their_moments() -> None:
    loop, told = Loop(0.0), []

    def process(name: str, seconds: float) -> None:
        for _ in range(2):
            loop.sleep(seconds)
            told.append((loop.now, name))

    loop.spawn(lambda: process("slow", 3.0))
    loop.spawn(lambda: process("fast", 2.0), after=0.5)
    loop.run(until=10.0)
    assert told == [(2.5, "fast"), (3.0, "slow"), (4.5, "fast"), (6.0, "slow")]
    assert loop.now == 10.0
    loop.close()


def test_who_waits_is_woken_once() -> None:
    loop, told = Loop(0.0), list[float]()
    waiting: list[Process] = []

    def waiter() -> None:
        waiting.append(loop.current)
        loop.wait(until=5.0)
        told.append(loop.now)
        loop.sleep(10.0)
        told.append(loop.now)

    loop.spawn(waiter)
    loop.spawn(lambda: loop.wake(waiting[0]), after=2.0)
    loop.run(until=100.0)
    assert told == [2.0, 12.0]
    loop.close()


def test_what_a_process_raises_comes_out_and_nothing_is_left() -> None:
    loop, told = Loop(0.0), []

    def sleeper() -> None:
        try:
            loop.sleep(50.0)
        finally:
            told.append(loop.now)

    loop.spawn(sleeper)
    loop.spawn(lambda: 1 // 0, after=1.0)
    with pytest.raises(ZeroDivisionError):
        loop.run(until=10.0)
    loop.close()
    assert told == [1.0]


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": 1},
        {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage"},
        {"Type": "Pass", "Assign": {}},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "A"}]},
        {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Retry": [{"JitterStrategy": "NONE"}]},
        {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "A", "States": {}}},
    ],
)
def test_a_word_that_is_not_played_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(UnknownWord):
        check_words({"StartAt": "A", "States": {"A": state}}, "machine")


def test_all_words_of_the_state_machine_are_known() -> None:
    check_words(deploy().definition, "machine")


def test_payload_templates_are_filled_from_data_and_context() -> None:
    template = {
        "id.$": "$.job.id",
        "token.$": "$$.Task.Token",
        "key": {"S.$": "States.Format('JOB#{}', $.job.id)"},
        "word": "x",
    }
    filled = fill(template, {"job": {"id": "7"}}, {"Task": {"Token": "t"}})
    assert filled == {"id": "7", "token": "t", "key": {"S": "JOB#7"}, "word": "x"}


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
