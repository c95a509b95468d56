"""Signatures of callbacks, where a gateway signs: of ours only kie.ai, and only if a key is set in its settings."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from suno_jobs.gateways.replies import read_object, task_id


def verify_kie(headers: Mapping[str, str], body: bytes, key: str, now: float, tolerance: float = 300) -> bool:
    """Whether kie.ai signed this callback, at most ``tolerance`` seconds ago.

    It signs the task id and the time, NOT the body: a signature that was seen once fits any body that names the same task, so
    the task must be read again all the same (I8). Header names in any case. False for an empty ``key``.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = lower.get("x-webhook-timestamp", ""), lower.get("x-webhook-signature", "")
    named = task_id(read_object(body), "taskId", "task_id")
    if not key or not named or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    try:
        claimed = base64.b64decode(signature, validate=True)
        signed = f"{named}.{timestamp}".encode()
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(claimed, hmac.digest(key.encode(), signed, hashlib.sha256))


SIGNED_BY = {"kie": verify_kie}
"""The gateways that sign their callbacks, when a key is set in their settings."""
