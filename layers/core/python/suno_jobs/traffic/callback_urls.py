"""Callback URLs: each contains our job id and a MAC over gateway and job id.

It authenticates gateways that do not sign, and it finds the task of a submission whose answer was lost.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Container, Mapping
from functools import partial
from typing import Any

from suno_jobs.errors import CallbackRefused
from suno_jobs.jobs.identifiers import JOB_ID_PATTERN
from suno_jobs.runtime.secrets import Secret

# Matched against the path as received, before any decoding: a job has exactly one valid spelling.
_PATH = re.compile(f"/v1/callbacks/(?P<gateway>[a-z0-9]{{1,32}})/(?P<job_id>{JOB_ID_PATTERN})/(?P<mac>[0-9a-f]{{64}})")
# In a reply it may be inside a string with JSON.
_IN_REPLY = re.compile(f"/v1/callbacks/[a-z0-9]{{1,32}}/(?P<job_id>{JOB_ID_PATTERN})/[0-9a-f]{{64}}".encode())


def mac(secret: str, gateway: str, job_id: str) -> str:
    """HMAC-SHA256 as 64 hex digits. Raises ValueError for an empty secret, under which any MAC could be forged."""
    if not secret:
        raise ValueError("the callback secret is empty")
    return hmac.new(secret.encode(), f"{gateway}\n{job_id}".encode(), hashlib.sha256).hexdigest()


def callback_url(base_url: str, secret: Secret, signing: Container[str], gateway: str, job_id: str) -> str:
    """If the gateway is one of ``signing`` and its webhook key is set, the URL is that of the route which keeps signatures."""
    values = secret.values()
    url = f"{base_url.rstrip('/')}/v1/callbacks/{gateway}/{job_id}/{mac(values['current'], gateway, job_id)}"
    return f"{url}/signed" if gateway in signing and values.get(webhook_key(gateway)) else url


def webhook_key(gateway: str) -> str:
    """Its name in the callback secret."""
    return f"{gateway}_webhook_key"


def job_called_back(reply: bytes) -> str | None:
    """The job whose callback URL a gateway repeats in a reply, as some do. Such a task was submitted by us.

    The MAC is not checked: the reply was requested with our key, and the caller compares gateway and account.
    """
    found = _IN_REPLY.search(reply.replace(b"\\", b""))
    return found["job_id"].decode() if found else None


def verify_callback_path(raw_path: str, secret: Secret, *, sent_seconds_ago: float) -> tuple[str, str]:
    """Gateway and job id of an authentic callback path. Raises CallbackRefused and SecretNotRenewed.

    Accepts the current and the previous secret, so that a rotation loses no callback in flight. If the MAC matches neither,
    the secret is read again, since it may have been rotated a moment ago.
    """
    parts = _PATH.fullmatch(raw_path)
    if parts is None:
        raise CallbackRefused("malformed path")
    gateway, job_id, received = parts["gateway"], parts["job_id"], parts["mac"]
    if secret.confirms(partial(_matches, gateway, job_id, received), sent_seconds_ago=sent_seconds_ago):
        return gateway, job_id
    raise CallbackRefused("wrong MAC")


def _matches(gateway: str, job_id: str, received: str, values: Mapping[str, Any]) -> bool:
    secrets = [value for value in (values.get("current"), values.get("previous")) if value]
    # Every secret is tried, so that the time taken does not reveal which one matched.
    matches = [hmac.compare_digest(mac(value, gateway, job_id), received) for value in secrets]
    return any(matches)
