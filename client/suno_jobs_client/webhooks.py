"""Checks the webhooks of the service, which are those of the Standard Webhooks specification."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from suno_jobs_client.errors import NotVerified

TOLERANCE_SECONDS = 300


def verify(headers: Mapping[str, str], body: bytes, secret: str, *, now: float | None = None) -> dict[str, Any]:
    """Returns the event of a request to your endpoint. Process each ``webhook-id`` once: a webhook may be repeated.

    ``body`` is the body as it was received, byte for byte, and ``secret`` the secret of the endpoint (``whsec_...``).
    Raises ``NotVerified`` if the signature is wrong, or the webhook was sent more than five minutes ago.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    try:
        webhook_id, timestamp, signatures = (sent[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = (time.time() if now is None else now) - int(timestamp)
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except KeyError as error:
        raise NotVerified(f"the header {error} is missing") from None
    except binascii.Error:
        raise NotVerified("the secret is not one of an endpoint") from None
    except ValueError:
        raise NotVerified("the header webhook-timestamp is not a number") from None
    if abs(age) > TOLERANCE_SECONDS:
        raise NotVerified("the webhook is too old, or one of the clocks is wrong")
    signed = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256")
    expected = f"v1,{base64.b64encode(signed).decode()}".encode()
    # Both secrets sign for a while after a rotation.
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures.split(" ")):
        raise NotVerified("the signature is wrong")
    event: dict[str, Any] = json.loads(body)
    return event
