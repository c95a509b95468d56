"""Signatures of callbacks. Only kie.ai signs, and only if a webhook key is set in its settings."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from suno_jobs.gateways.parsing import find_task_id, read_object


def verify_kie(headers: Mapping[str, str], body: bytes, key: str, now: float, tolerance: float = 300) -> bool:
    """Whether kie.ai signed this callback at most ``tolerance`` seconds before or after ``now``. False for an empty ``key``.

    The signature covers the task id and the time, NOT the body: one signature is valid for any body with the same task id, so
    the task must still be read (I8). Header names may be in any case.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = lower.get("x-webhook-timestamp", ""), lower.get("x-webhook-signature", "")
    signed_task = find_task_id(read_object(body), "taskId", "task_id")
    if not key or not signed_task or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    try:
        received = base64.b64decode(signature, validate=True)
        signed = f"{signed_task}.{timestamp}".encode()
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(received, hmac.digest(key.encode(), signed, hashlib.sha256))


SIGNATURE_CHECKS = {"kie": verify_kie}
"""By gateway. A gateway that is not here does not sign."""
