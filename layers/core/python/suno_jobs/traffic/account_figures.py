"""What happens at each gateway account, for ``GET /v1/gateways``: requests per second, tasks in flight, length of the queue.

Each sweep counts, so that no request and no job pays for it. The figures are stored beside the circuit breaker of the account,
where the health of the gateways is read anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.secrets import Secret
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountItems, account_key
from suno_jobs.traffic.concurrency import TASK
from suno_jobs.traffic.health import breaker_key
from suno_jobs.traffic.rate_limiter import RATE
from suno_jobs.traffic.submission_queue import LIVE_SECONDS, QUEUE


@dataclass(frozen=True, slots=True)
class AccountFigures:
    items: AccountItems
    accounts: Secret
    clock: Callable[[], float]

    def count(self, time_left: Callable[[], bool]) -> None:
        """Counts at every account that was ever called, while ``time_left`` returns True. A lost count does no harm."""
        try:
            for gateway, account in self._accounts():
                if time_left():
                    self._count(gateway, account)
        except (ValueError, AwsError, BotoCoreError) as error:
            telemetry.log.warning("accounts not counted", reason=type(error).__name__)

    def _accounts(self) -> Iterator[tuple[str, str]]:
        for name in self.accounts.values():
            gateway, _, account = name.partition("/")
            if gateway in GATEWAYS:
                yield gateway, account

    def _count(self, gateway: str, account: str) -> None:
        taken = self.items.get_at(account_key(gateway, account, RATE)).get("taken")
        if taken is None:
            return
        stored_in, now = breaker_key(gateway, account), int(self.clock())
        before = self.items.get_at(stored_in)
        figures = {
            "counted_at": now,
            "taken": taken,
            "tasks": sum(each["until"] > now for each in self.items.find_at(account_key(gateway, account, TASK))),
            "queued": sum(
                each["back_at"] + LIVE_SECONDS > now for each in self.items.find_at(account_key(gateway, account, QUEUE))
            ),
        }
        if before.get("counted_at", now) < now:
            figures["per_second"] = round((taken - before["taken"]) / (now - before["counted_at"]), 1)
        self.items.change_at(stored_in, Change(sets=figures))
