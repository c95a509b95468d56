"""``Prefer: wait`` (RFC 7240): what a client asks for, and the function that waits for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from suno_jobs.runtime import log_context

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

LONGEST_WAIT_SECONDS = 25
"""API Gateway ends a request after 30 seconds."""

_WAIT = re.compile(r'wait\s*=\s*"?([0-9]{1,6})"?', re.IGNORECASE)


def preferred_wait(prefer: str | None) -> int:
    """The seconds for which the client wants to wait, at most 25; 0 without such a preference. Others are ignored."""
    for preference in (prefer or "").split(","):
        if found := _WAIT.fullmatch(preference.partition(";")[0].strip()):
            return min(int(found[1]), LONGEST_WAIT_SECONDS)
    return 0


@dataclass(frozen=True, slots=True)
class WaitFunction:
    """``client`` is a function, so that only a request that waits makes one."""

    client: Callable[[], LambdaClient]
    name: str

    def wait(self, job_id: str, seen: str | None, seconds: int) -> bool:
        """Whether it waited until the job ended, or with ``seen`` changed, or the time was over.

        False: as many requests wait as may, waiting is turned off, or the function failed. Then the request is answered at
        once.
        """
        payload = json.dumps({"job_id": job_id, "seen": seen, "seconds": seconds, "request_id": log_context.request_id()})
        try:
            return "FunctionError" not in self.client().invoke(FunctionName=self.name, Payload=payload)
        except (ClientError, BotoCoreError):
            return False
