"""An API key as it is stored."""

from __future__ import annotations

from typing import Any

from suno_jobs.tenants.api_keys import TENANT_SCOPES, ApiKey, hint, key_hash

API_KEY = "sj_live_0123456789abcdefghijklmnopqrstu2K5yvi"
"""The key in the sample events of ``events/authorize``."""


def an_api_key(secret: str = API_KEY, **changes: Any) -> ApiKey:
    """A valid key of the tenant acme, but for the changes."""
    known = {"key_hash": key_hash(secret), "key_id": "key_0000000000000001", "tenant": "acme", "name": "", "hint": hint(secret)}
    return ApiKey(**{**known, "scopes": TENANT_SCOPES, "created_at": 1, **changes})
