"""One request to an endpoint: whatever happens is an outcome, and no address but a public one is reached."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suno_jobs.network.http import httpcore
from suno_jobs.webhooks.sender import ANSWER_BYTES, Outcome, WebhookSender

URL = "https://shop.example/hooks?token=secret"


def send(*parts: bytes, url: str = URL, addresses: Sequence[str] = ("93.184.216.34",)) -> Outcome:
    sender = WebhookSender(resolver=lambda *_: addresses, clock=lambda: 0.0, network=httpcore.MockBackend([*parts]))
    return sender.send(url, {"webhook-id": "e"}, b"{}")


def test_a_success_with_its_beginning() -> None:
    outcome = send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n", b"x" * 1000)
    assert (outcome.ok, outcome.status, outcome.answer) == (True, 202, "x" * ANSWER_BYTES)


@pytest.mark.parametrize("status", [301, 307, 400, 410, 500, 503])
def test_any_other_answer_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    outcome = send(f"HTTP/1.1 {status} X\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n".encode())
    assert (outcome.ok, outcome.status) == (False, status)


def test_the_status_counts_even_if_the_body_breaks_off() -> None:
    outcome = send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"half", b"")
    assert (outcome.ok, outcome.answer) == (True, "half")


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("Retry-After: 120", 120.0),
        ("Date: Fri, 27 Nov 2026 10:00:00 GMT\r\nRetry-After: Fri, 27 Nov 2026 10:01:00 GMT", 60.0),
        ("Date: Fri, 27 Nov 2026 10:00:00 GMT\r\nRetry-After: Fri, 27 Nov 2026 09:00:00 GMT", 0.0),
        ("Retry-After: soon", None),
        ("X-Other: 1", None),
    ],
)
def test_the_wait_that_an_endpoint_asks_for(header: str, wait: float | None) -> None:
    assert send(f"HTTP/1.1 503 X\r\n{header}\r\nContent-Length: 0\r\n\r\n".encode()).retry_after == wait


NUMBERS = st.integers(-1, 10**12)
DATES = st.builds(
    "Mon, {} Nov {} {}:12:08 {}".format, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["GMT", "+9999", "-0000", ""])
)
VALUES = st.one_of(st.text(st.characters(min_codepoint=32, max_codepoint=126)), DATES)


@given(VALUES, VALUES)
@example("Mon, 20 Nov 99999999999 19:12:08 GMT", "Fri, 27 Nov 2026 10:00:00 GMT")
@example("Fri, 27 Nov 2026 10:00:00 GMT", "Mon, 20 Nov 99999999999 19:12:08 GMT")
@example("9" * 400, "")
def test_no_header_of_an_answer_is_an_error(retry_after: str, date: str) -> None:
    head = f"HTTP/1.1 503 X\r\nDate: {date}\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n"
    wait = send(head.encode()).retry_after
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://shop.example/", ["93.184.216.34"]),
        ("https://127.0.0.1/", ["93.184.216.34"]),
        ("https://shop.example/", ["10.0.0.1"]),
        ("https://shop.example/", ["93.184.216.34", "169.254.169.254"]),
        ("https://[::1/", ["93.184.216.34"]),
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_public(url: str, addresses: list[str]) -> None:
    outcome = send(b"HTTP/1.1 200 OK\r\n\r\n", url=url, addresses=addresses)
    assert outcome.status is None
    assert outcome.answer.startswith("not sent: ")


def test_a_broken_connection_is_a_failure_without_the_url() -> None:
    outcome = send(b"")
    assert (outcome.ok, outcome.status, outcome.answer) == (False, None, "the connection failed: RemoteProtocolError")


def test_an_endless_answer_is_a_timeout() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 8
        return now[0]

    network = httpcore.MockBackend([b"HTTP/1.1 102 Processing\r\n\r\n"] * 9)
    outcome = WebhookSender(resolver=lambda *_: ["93.184.216.34"], clock=clock, network=network).send(URL, {}, b"{}")
    assert (outcome.status, outcome.answer) == (None, "no answer within 15 s")
