from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator, UnknownFault
from local.simulator.gateways import WIRES
from local.simulator.studio import SECOND_ACCOUNT
from tests.integration.simulator.clients import (
    FAMILY,
    GATEWAYS,
    Client,
    at,
    await_callbacks,
    eventually,
)


def test_faults_can_be_planned_for_the_next_new_order(client: Client, http: httpx.Client) -> None:
    plan = {"gateway": client.gateway, "faults": ["rate_limited=1", "slow_task=3"]}
    reply = http.post(client.simulator.url + "/_simulator/faults", json=plan)
    assert reply.json() == {"gateway": client.gateway, "faults": {"rate_limited": 1.0, "slow_task": 3.0}, "waiting": 1}
    client.simulator.fail_next(client.gateway, "lost_callback")
    assert client.order().headers["retry-after"] == "1"
    client.order()
    client.callback_url += "/other"
    client.order()
    assert [list(order["faults"]) for order in client.simulator.orders()] == [["rate_limited", "slow_task"], ["lost_callback"]]


@pytest.mark.parametrize(
    "plan",
    [{}, {"gateway": "elsewhere", "faults": []}, {"gateway": "crun", "faults": "x"}, {"gateway": "crun", "faults": ["x"]}, []],
)
def test_a_plan_that_makes_no_sense_is_refused(simulator: Simulator, http: httpx.Client, plan: Any) -> None:
    assert http.post(simulator.url + "/_simulator/faults", json=plan).status_code == 400


def test_the_administration_tells_what_happened(client: Client, http: httpx.Client, clock: HandClock) -> None:
    assert http.get(client.simulator.url + "/_simulator/health").json() == {"status": "ok", "gateways": list(WIRES)}
    task_id = client.task_id("doubled_callback")
    clock.advance(10)
    await_callbacks(client.simulator, 6 if client.gateway in FAMILY else 2)
    seen = http.get(client.simulator.url + "/_simulator/tasks").json()
    [task], [order] = seen["tasks"], seen["orders"]
    assert (task["task_id"], task["gateway"], task["stage"], task["submissions"], task["paid"]) == (
        task_id,
        client.gateway,
        "done",
        1,
        1,
    )
    assert (order["callback_url"], order["submissions"], order["paid"]) == (client.callback_url, 1, 1)
    assert list(task["faults"]) == ["doubled_callback"]
    assert at(task["request"], client.wire.words_path) == "rain [fault:doubled_callback]"
    assert client.simulator.tasks("none") == []


def test_a_second_submission_of_the_same_order_is_counted_as_paid_twice(client: Client) -> None:
    client.order()
    client.order()
    assert client.simulator.paid(client.callback_url) == 2


def test_fields_that_nobody_documents_are_reported(acedata: Client) -> None:
    acedata.send({**acedata.wire.simple, "promt": "typing error"})
    assert acedata.simulator.tasks()[0]["undocumented_fields"] == ["promt"]


def test_many_clients_at_once(simulator: Simulator, http: httpx.Client) -> None:
    clients = [Client(simulator, GATEWAYS[number % 6], http, f"http://127.0.0.1:9/{number}") for number in range(40)]
    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda client: client.task_id("lost_callback"), clients))
    assert len(set(ids)) == 40
    assert [order["paid"] for order in simulator.orders()] == [1] * 40


def test_a_seed_draws_the_same_faults_in_every_run(http: httpx.Client) -> None:
    def drawn() -> list[Any]:
        with Simulator(faults_seed=11, task_seconds=0) as simulator:
            for number in range(12):
                client = Client(simulator, "crun", http, f"http://127.0.0.1:9/{number}")
                with suppress(httpx.TransportError):
                    client.order(timeout=httpx.Timeout(10, read=0.1))
                eventually(lambda: len(simulator.orders()) > number)  # noqa: B023 - asked for in this round only
            return [order["faults"] for order in simulator.orders()]

    assert drawn() == drawn() != [{}] * 12


def test_keys_can_be_given() -> None:
    with Simulator(keys={"crun": "ak_other"}) as simulator:
        assert simulator.keys == {name: "ak_other" if name == "crun" else f"sim-key-{name}" for name in WIRES}
    with pytest.raises(ValueError, match="keys"):
        Simulator(keys={"crun": ""})
    with pytest.raises(ValueError, match="keys"):
        Simulator(keys={"elsewhere": "key"})
    with pytest.raises(ValueError, match="webhook keys"):
        Simulator(webhook_keys={"sunoapi": "signs nothing"})


def test_an_unknown_fault_cannot_be_planned(simulator: Simulator) -> None:
    with pytest.raises(UnknownFault):
        simulator.fail_next("crun", "no_such_fault")


def test_it_ends_without_a_thread_even_while_an_answer_is_held(http: httpx.Client) -> None:
    before = threading.active_count()
    with ThreadPoolExecutor(1) as pool:
        with Simulator(task_seconds=1_000) as simulator:
            client = Client(simulator, "ttapi", http, "http://127.0.0.1:9/hook")
            client.order()
            client.callback_url += "/held"
            waiting = pool.submit(client.order, "timeout_on_submit=1000")
            eventually(lambda: len(simulator.tasks()) == 2)
        assert isinstance(waiting.exception(timeout=5), httpx.TransportError)
    assert threading.active_count() == before


def test_the_command_says_when_it_is_ready_and_ends_when_interrupted() -> None:
    command = [sys.executable, "-m", "local", "simulate", "--task-seconds", "0.1", "--key", "crun=ak_1", "--faults-seed", "3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert httpx.get(ready["simulator_url"] + "/_simulator/health", trust_env=False).status_code == 200
        assert ready["gateways"]["crun"] == {"base_url": ready["simulator_url"] + "/crun", "api_key": "ak_1"}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_a_second_account_does_not_see_the_tasks_of_the_first(client: Client, http: httpx.Client) -> None:
    task_id = client.task_id()
    method, path, params, body = client.wire.poll(task_id)
    own, other = (
        http.request(method, client.base + path, params=params, json=body, headers=client.key(key))
        for key in (None, client.simulator.keys[client.gateway] + SECOND_ACCOUNT)
    )
    assert task_id in own.text
    assert task_id not in other.text
