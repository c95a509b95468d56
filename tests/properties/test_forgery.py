"""Forged callbacks: nothing that an attacker can derive from known data is accepted, and nothing raises."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.traffic.callback_urls import mac
from tests.builders import kie_signature, load_app
from tests.world import Clock, FixedSecret

ATTEMPTS = 10_000
CURRENT, PREVIOUS, OLDER = "c" * 64, "p" * 64, "o" * 64
ALPHABET = string.digits + string.ascii_lowercase[:22]


class Accepted(BaseException):
    """A callback passed the verification. The handler does not catch it."""


class Unreachable:
    """Stands in for the stores that an accepted callback reaches."""

    def __getattr__(self, name: str) -> Any:
        raise Accepted(name)


RECEIVED: dict[str, Any] = {"batchItemFailures": []}


def batch(path: str, body: str = "{}", headers: dict[str, str] | None = None, sent_at: float = 0) -> dict[str, Any]:
    """What SQS delivers of a callback with this path."""
    names = dict(zip(("gateway", "job_id", "mac"), path.removeprefix("/v1/callbacks/").split("/", 2), strict=False))
    attributes = {name: {"stringValue": value} for name, value in {**names, **(headers or {})}.items()}
    sent = {"SentTimestamp": str(int(sent_at * 1000))}
    return {"Records": [{"messageId": "1", "body": body, "attributes": sent, "messageAttributes": attributes}]}


class Forger:
    """Makes paths from what an attacker may know: an authentic path of another job or gateway, or one with an old secret."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - forgeries, no secrets
        self.job_id, self.other = self._job_id(), self._job_id()
        self.gateway, self.other_gateway = self.random.sample([*GATEWAYS], 2)
        self.mac = mac(CURRENT, self.gateway, self.job_id)

    def _job_id(self) -> str:
        return "job_" + "".join(self.random.choices(ALPHABET, k=26))

    def path(self, *, gateway: str | None = None, job_id: str | None = None, given: str | None = None) -> str:
        parts = gateway or self.gateway, job_id or self.job_id, self.mac if given is None else given
        return "/v1/callbacks/" + "/".join(parts)

    def makers(self) -> dict[str, Callable[[], str]]:
        return {
            "of another job": lambda: self.path(job_id=self.other),
            "of another gateway": lambda: self.path(gateway=self.other_gateway),
            "of another job and gateway": lambda: self.path(given=mac(CURRENT, self.other_gateway, self.other)),
            "with an expired secret": lambda: self.path(given=mac(OLDER, self.gateway, self.job_id)),
            "with an empty secret": lambda: self.path(given=self._signed(b"")),
            "with the wrong separator": lambda: self.path(given=self._signed(CURRENT.encode(), "/")),
            "with another digest": lambda: self.path(given=self._signed(CURRENT.encode(), digest="sha3_256")),
            "with a plain digest": lambda: self.path(given=hashlib.sha256((CURRENT + self.job_id).encode()).hexdigest()),
            "truncated": lambda: self.path(given=self.mac[: self.random.randrange(64)]),
            "extended": lambda: self.path(given=self.mac + self.random.choice(string.hexdigits)),
            "one digit changed": self._one_digit,
            "in capitals": lambda: self.path(given=self.mac.upper()) if self.mac.upper() != self.mac else self.path(given="A"),
            "as base64": lambda: self.path(given=base64.b64encode(bytes.fromhex(self.mac)).decode().replace("/", "_")),
            "as base64 without padding": lambda: self.path(
                given=base64.urlsafe_b64encode(bytes.fromhex(self.mac)).decode().rstrip("=")
            ),
            "as base32": lambda: self.path(given=base64.b32encode(bytes.fromhex(self.mac)).decode()),
            "percent-encoded": lambda: self.path(given=self._percent(self.mac)),
            "job percent-encoded": lambda: self.path(job_id=self._percent(self.job_id)),
            "job in capitals": lambda: self.path(job_id=self.job_id.upper()),
            "with a trailing slash": lambda: self.path() + "/" * self.random.randint(1, 3),
            "with doubled slashes": lambda: self.path().replace("/", "//", self.random.randint(1, 5)),
            "with a query": lambda: self.path() + self.random.choice(["?", "?x=1", "#", "#x", ";x"]),
            "with dot segments": lambda: self.path(gateway=f"{self.gateway}/../{self.gateway}"),
            "under another stage": lambda: self.random.choice(["/prod", "", "/v1", "/.", "//host"]) + "/x" + self.path(),
            "with a line feed": lambda: self.path() + self.random.choice(["\n", "\r\n", "\0", " ", "\t", "\u2028"]),
            "with a line feed inside": lambda: self.path(gateway=f"{self.gateway}\n{self.job_id}", job_id="job_" + "0" * 26),
            "with Arabic digits": lambda: self.path(given=self.mac.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))),
            "with fullwidth characters": lambda: self.path(given="".join(chr(ord(each) + 0xFEE0) for each in self.mac)),
            "without a MAC": lambda: self.path(given=""),
            "random text": self._noise,
            "with a random MAC": lambda: self.path(given=f"{self.random.getrandbits(256):064x}"),
        }

    def _signed(self, key: bytes, separator: str = "\n", digest: str = "sha256") -> str:
        return hmac.new(key, f"{self.gateway}{separator}{self.job_id}".encode(), digest).hexdigest()

    def _one_digit(self) -> str:
        place = self.random.randrange(64)
        digit = self.random.choice([each for each in "0123456789abcdef" if each != self.mac[place]])
        return self.path(given=self.mac[:place] + digit + self.mac[place + 1 :])

    def _noise(self) -> str:
        return "".join(chr(self.random.randrange(1, 0x3000)) for _ in range(self.random.randrange(200)))

    def _percent(self, text: str) -> str:
        place = self.random.randrange(len(text))
        return text[:place] + f"%{ord(text[place]):02x}" + quote(text[place + 1 :])


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = load_app("receive_callback")
    unreachable: Any = Unreachable()
    stored: Any = FixedSecret({"current": CURRENT, "previous": PREVIOUS})
    receiver = CallbackReceiver(
        secret=Secret(lambda: stored, "callback", Clock()),
        receipts=unreachable,
        signals=unreachable,
        rate_limiter=unreachable,
        executions=unreachable,
        slack_seconds=120,
        clock=Clock(),
    )
    monkeypatch.setattr(module, "callback_receiver", lambda: receiver)
    return module


def test_none_of_ten_thousand_forgeries_is_accepted_or_raises(app: Any) -> None:
    attempts: Counter[str] = Counter()
    seed = 0
    while attempts.total() < ATTEMPTS:
        for name, make in Forger(seed).makers().items():
            body = Random(seed).randbytes(seed % 300).decode("latin-1")  # noqa: S311 - no secret
            assert app.lambda_handler(batch(make(), body), None) == RECEIVED, name
            attempts[name] += 1
        seed += 1
    assert min(attempts.values()) >= ATTEMPTS // 40


def test_an_authentic_path_is_accepted(app: Any) -> None:
    forger = Forger(1)
    for secret in (CURRENT, PREVIOUS):
        path = forger.path(given=mac(secret, forger.gateway, forger.job_id))
        with pytest.raises(Accepted):
            app.lambda_handler(batch(path), None)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_secret_authenticates_no_callback(app: Any, empty: str | None) -> None:
    stored: Any = FixedSecret({"current": CURRENT, "previous": empty})
    receiver = replace(app.callback_receiver(), secret=Secret(lambda: stored, "callback", Clock()))
    app.callback_receiver = lambda: receiver
    forger = Forger(2)
    path = forger.path(given=hmac.new(b"", f"{forger.gateway}\n{forger.job_id}".encode(), "sha256").hexdigest())
    assert app.lambda_handler(batch(path), None) == RECEIVED


def test_a_signature_is_valid_only_for_its_own_key_time_and_task(app: Any) -> None:
    """kie.ai signs its callbacks: a signature is refused for another task, with another key, and after its time."""
    stored: Any = FixedSecret({"current": CURRENT, "previous": "", "kie_webhook_key": "k" * 32})
    now = int(Clock()())
    # The callbacks were sent before the secret was read, so that none has to be delivered again.
    receiver = replace(app.callback_receiver(), secret=Secret(lambda: stored, "callback", Clock()), clock=lambda: now + 60)
    app.callback_receiver = lambda: receiver
    forger = Forger(3)
    path = forger.path(gateway="kie", given=mac(CURRENT, "kie", forger.job_id))
    body = '{"code": 200, "data": {"task_id": "t-1"}}'
    for key, task_id, at in (("x" * 32, "t-1", now), ("k" * 32, "t-2", now), ("k" * 32, "t-1", now - 10**6), ("", "t-1", now)):
        headers = {name.lower(): value for name, value in kie_signature(key, task_id, at).items()}
        assert app.lambda_handler(batch(path, body, headers, now), None) == RECEIVED
    headers = {name.lower(): value for name, value in kie_signature("k" * 32, "t-1", now).items()}
    with pytest.raises(Accepted):
        app.lambda_handler(batch(path, body, headers, now), None)
