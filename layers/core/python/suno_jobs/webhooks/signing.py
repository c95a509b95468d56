"""Signatures of Standard Webhooks: HMAC-SHA256 of id, timestamp and body, one for each secret that is in use."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

from suno_jobs.webhooks.endpoints import SECRET_PREFIX


def signed_headers(secrets: Iterable[str], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """``webhook-id`` is the same at every attempt, so a receiver recognises a repetition."""
    content = f"{event_id}.{timestamp}.".encode() + body
    signatures = (f"v1,{_signature(secret, content)}" for secret in secrets)
    return {"webhook-id": event_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
