"""Requests that were sent to a gateway and may be repeated, byte for byte, until their time is over.

A body contains the callback URL with its MAC. Therefore these items are apart from those that a client is shown, and expire.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from suno_jobs.storage.table import Table, key
from suno_jobs.storage.update_expressions import Change

SENT = "SENT#"


@dataclass(frozen=True, slots=True)
class SentRequest:
    """``account`` is the digest of the account that it was sent to. It is not sent to any other."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    account: str


class SentRequests(Table):
    def keep(self, job_id: str, request_key: str, sent: SentRequest, *, expires_at: int) -> None:
        """To be called before the request is sent. May be repeated."""
        parts = {"method": sent.method, "path": sent.path, "headers": sent.headers, "account": sent.account}
        change = Change(sets={**parts, "body": zlib.compress(sent.body), "expires_at": expires_at})
        self._update(key(job_id, SENT + request_key), change, "NONE")

    def find(self, job_id: str, request_key: str) -> SentRequest | None:
        item = self._get(key(job_id, SENT + request_key))
        if item is None:
            return None
        body = zlib.decompress(item["body"])
        return SentRequest(item["method"], item["path"], item["headers"], body, item["account"])
