"""Authorize: which tenant an API key belongs to, and what the key may be used for."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from suno_jobs.jobs.identifiers import may_own_jobs
from suno_jobs.tenants.api_keys import ApiKey, is_well_formed, mode_of_key
from suno_jobs.tenants.key_table import KeyTable

log = logging.getLogger("suno_jobs")

_BEARER = re.compile(r"[Bb]earer (\S+)")


@dataclass(frozen=True, slots=True)
class KeyFinder:
    """``notes`` makes the same table with a client that gives up sooner. It is needed once a day: see ``_note_use``."""

    keys: KeyTable
    notes: Callable[[], KeyTable]
    clock: Callable[[], float]

    def find_key(self, authorization: str) -> ApiKey | None:
        """The valid key of an ``Authorization: Bearer`` header, or None. A malformed key costs no read.

        A key whose tenant's name breaks TENANT_RULE counts as unknown: its jobs could be paid for and not be stored. So does
        one of the sandbox that is not marked as such.
        """
        match, now = _BEARER.fullmatch(authorization), self.clock()
        if match is None or not is_well_formed(match[1]):
            return None
        key = self.keys.find(match[1])
        if key is None or not key.is_valid(now) or not may_own_jobs(key.tenant) or key.mode is not mode_of_key(match[1]):
            return None
        self._note_use(key, datetime.fromtimestamp(now, UTC).date().isoformat())
        return key

    def _note_use(self, key: ApiKey, day: str) -> None:
        """At most one write a day. It is for people who look for unused keys, so no request fails with it."""
        if (key.last_used_on or "") >= day:
            return
        try:
            self.notes().note_use(key, day)
        except (BotoCoreError, ClientError) as error:
            log.warning("the use of %s is not recorded: %s", key.key_id, type(error).__name__)
