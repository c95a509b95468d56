from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from suno_jobs_client import webhooks
from suno_jobs_client.errors import NotVerified

KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"type": "job.succeeded"}'
NOW = 1_800_000_000


def headers(body: bytes = BODY, at: int = NOW, key: bytes = KEY) -> dict[str, str]:
    digest = hmac.new(key, b"msg_1.%d." % at + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(at), "Webhook-Signature": f"v1a,xx v1,AAAA {signature}"}


def test_a_webhook_of_the_service_is_its_event() -> None:
    assert webhooks.verify(headers(), BODY, SECRET, now=NOW + 299) == {"type": "job.succeeded"}


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_is_named(name: str) -> None:
    sent = headers()
    del sent[name]
    with pytest.raises(NotVerified, match=name.lower()):
        webhooks.verify(sent, BODY, SECRET, now=NOW)


@pytest.mark.parametrize(
    ("sent", "body", "secret", "reason"),
    [
        (headers(key=b"another"), BODY, SECRET, "signature"),
        (headers(), BODY + b" ", SECRET, "signature"),
        (headers() | {"Webhook-Id": "msg_2"}, BODY, SECRET, "signature"),
        (headers(at=NOW - 301), BODY, SECRET, "too old"),
        (headers(at=NOW + 301), BODY, SECRET, "too old"),
        (headers() | {"Webhook-Timestamp": "soon"}, BODY, SECRET, "not a number"),
        (headers(), BODY, "whsec_!", "secret"),
    ],
)
def test_everything_else_is_refused(sent: dict[str, str], body: bytes, secret: str, reason: str) -> None:
    with pytest.raises(NotVerified, match=reason):
        webhooks.verify(sent, body, secret, now=NOW)


def test_the_time_is_that_of_the_machine() -> None:
    with pytest.raises(NotVerified, match="too old"):
        webhooks.verify(headers(at=1), BODY, SECRET)
