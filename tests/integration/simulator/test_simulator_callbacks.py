from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import (
    FAMILY,
    STAGES,
    Client,
    Receiver,
    at,
    await_callbacks,
)

if TYPE_CHECKING:
    import httpx


def test_anyint_calls_back_at_every_stage_with_flat_bodies(anyint: Client, clock: HandClock, receiver: Receiver) -> None:
    task_id = anyint.task_id()
    seen = []
    for seconds in (4, 3, 3):
        clock.advance(seconds)
        seen.append(receiver.body())
    assert [(body["callbackType"], body["task_id"]) for body in seen] == [
        (word, task_id) for word in ("text", "first", "complete")
    ]
    assert [[bool(track["audio_url"]) for track in body["data"]] for body in seen] == [
        [False, False],
        [True, False],
        [True, True],
    ]
    assert await_callbacks(anyint.simulator, 3) == [{"stage": word, "outcome": 200} for word in ("text", "first", "done")]


def test_a_lost_callback_is_not_sent(client: Client, clock: HandClock, receiver: Receiver) -> None:
    client.finished(clock, "lost_callback")
    client.simulator.__exit__(None, None, None)
    assert receiver.bodies.empty()
    assert client.simulator.tasks()[0]["callbacks"] == []


def test_a_doubled_callback_is_sent_twice_with_the_same_bytes(client: Client, clock: HandClock, receiver: Receiver) -> None:
    client.finished(clock, "doubled_callback")
    await_callbacks(client.simulator, 6 if client.gateway in FAMILY else 2)
    assert receiver.bodies.get(timeout=5) == receiver.bodies.get(timeout=5)


def test_a_callback_can_come_before_the_answer(client: Client, receiver: Receiver) -> None:
    reply = client.order("callback_before_answer")
    bodies = [json.loads(receiver.bodies.get_nowait()) for _ in range(receiver.bodies.qsize())]
    assert str(at(reply.json(), client.wire.task_id_path)) in json.dumps(bodies[-1])
    assert client.simulator.tasks()[0]["callbacks"][-1] == {"stage": "done", "outcome": 200}
    assert client.status(at(reply.json(), client.wire.task_id_path)) == STAGES[client.gateway][-1]


def test_callbacks_can_come_last_stage_first(anyint: Client, clock: HandClock, receiver: Receiver) -> None:
    anyint.finished(clock, "disordered_callbacks")
    assert [receiver.body()["callbackType"] for _ in range(3)] == ["complete", "first", "text"]


def test_an_early_callback_comes_while_the_task_still_runs(client: Client, clock: HandClock, receiver: Receiver) -> None:
    task_id = client.task_id("early_callback")
    clock.advance(1)
    assert len(at(receiver.body(), client.wire.callback_tracks_path)) == 2
    assert client.status(task_id) == STAGES[client.gateway][1]


def test_a_late_callback_comes_after_the_task_is_done(client: Client, clock: HandClock, receiver: Receiver) -> None:
    client.finished(clock, "late_callback=60")
    assert receiver.bodies.empty()
    clock.advance(60)
    assert receiver.bodies.get(timeout=5)


def test_a_garbage_callback_is_no_json(client: Client, clock: HandClock, receiver: Receiver) -> None:
    client.finished(clock, "garbage_callback")
    with pytest.raises(ValueError, match="Expecting value"):
        receiver.body()


def test_a_callback_that_cannot_be_delivered_is_recorded(simulator: Simulator, http: httpx.Client, clock: HandClock) -> None:
    with Receiver().running() as gone:
        url = gone.url
    Client(simulator, "crun", http, url).finished(clock)
    assert await_callbacks(simulator, 1) == [{"stage": "done", "outcome": "ConnectError"}]
