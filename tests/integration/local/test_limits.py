"""What runs at once is bounded: calls of the API wait for their turn, executions wait and are then throttled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from botocore.exceptions import ClientError

from local import limits
from local.front import Front
from local.interpreter import ThrottledLambda
from local.limits import Busy, Turns
from local.loopback import LoopbackServer
from tests.integration.waiting import wait_for


def test_turns_come_in_the_order_of_asking() -> None:
    turns, order = Turns(["only"]), list[int]()

    def take(number: int) -> None:
        with turns.turn(10) as thing:
            order.append(number)
            assert thing == "only"

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turns.turn(0):
        for number, thread in enumerate(threads, start=1):
            thread.start()
            wait_for(partial(waiting, turns, number))
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_waits_too_long_is_turned_away_and_takes_nobody_elses_turn() -> None:
    turns = Turns(["only"])
    with turns.turn(0), pytest.raises(Busy), turns.turn(0.01):
        pytest.fail("there were two")
    with turns.turn(0) as thing:
        assert thing == "only"


def test_a_thing_is_given_back_after_an_error() -> None:
    turns = Turns(["only"])
    with pytest.raises(ZeroDivisionError), turns.turn(0):
        raise ZeroDivisionError
    with turns.turn(0) as thing:
        assert thing == "only"


def waiting(turns: Turns[str], number: int) -> bool:
    return len(turns._waiting) == number


class Slow(BaseHTTPRequestHandler):
    """Answers when it is let go, and notes how many were being answered at once."""

    protocol_version = "HTTP/1.1"
    go = threading.Event()
    lock = threading.Lock()
    now = most = 0

    def do_GET(self) -> None:
        with self.lock:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
        self.go.wait(10)
        with self.lock:
            Slow.now -= 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def front_of_slow() -> Iterator[tuple[Front, httpx.Client]]:
    """A front before a slow server, and a client of it."""
    Slow.go.clear()
    Slow.now = Slow.most = 0
    with LoopbackServer(Slow) as slow, Front() as front, httpx.Client(base_url=front.origin, trust_env=False) as http:
        front.route_to(slow.port, "")
        yield front, http


def test_the_front_passes_a_few_requests_on_and_answers_all() -> None:
    many = 5 * limits.API_REQUESTS
    with front_of_slow() as (front, http), ThreadPoolExecutor(many) as pool:
        answers = [pool.submit(http.get, "/") for _ in range(many)]
        wait_for(lambda: Slow.now == limits.API_REQUESTS and len(front.turns._waiting) == many - limits.API_REQUESTS)
        Slow.go.set()
        assert {answer.result().status_code for answer in answers} == {200}
    assert Slow.most == limits.API_REQUESTS


def test_the_front_says_when_a_turn_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "API_PATIENCE_SECONDS", 0.01)
    few = limits.API_REQUESTS
    with front_of_slow() as (_, http), ThreadPoolExecutor(few) as pool:
        answers = [pool.submit(http.get, "/") for _ in range(few)]
        wait_for(lambda: Slow.now == few)
        refused = http.get("/")
        Slow.go.set()
        assert {answer.result().status_code for answer in answers} == {200}
    assert (refused.status_code, refused.json()) == (503, {"message": "Service Unavailable"})


class Held:
    """A Lambda client whose invocations last until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.running = 0

    def invoke(self, **parameters: object) -> dict[str, object]:
        self.running += 1
        self.go.wait(10)
        return parameters


def test_an_execution_beyond_the_share_is_throttled_as_lambda_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXECUTION_PATIENCE_SECONDS", 0.01)
    held = Held()
    client = ThrottledLambda(held)
    with ThreadPoolExecutor(limits.EXECUTIONS) as pool:
        running = [pool.submit(client.invoke, FunctionName="f") for _ in range(limits.EXECUTIONS)]
        wait_for(lambda: held.running == limits.EXECUTIONS)
        with pytest.raises(ClientError) as caught:
            client.invoke(FunctionName="f")
        held.go.set()
        assert [each.result() for each in running] == [{"FunctionName": "f"}] * limits.EXECUTIONS
    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert client.invoke(FunctionName="g") == {"FunctionName": "g"}


def test_the_shares_fit_into_the_account() -> None:
    assert limits.API_REQUESTS + limits.EXECUTIONS < limits.ACCOUNT_CONCURRENCY
