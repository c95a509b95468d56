"""What happens at each gateway account: requests per second, tasks in flight, length of the queue.

Each sweep counts, for ``GET /v1/gateways`` and the dashboard, so that no request and no job pays for it. The figures are stored
beside the circuit breaker of the account, where the health of the gateways is read anyway.
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
from suno_jobs.traffic.account_items import AccountId, AccountItems, account_key
from suno_jobs.traffic.concurrency import TASK
from suno_jobs.traffic.health import breaker_key
from suno_jobs.traffic.rate_limiter import RATE
from suno_jobs.traffic.submission_queue import HELD, LIVE_SECONDS, QUEUE, queue_key


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
        waiting = (queue_key(AccountId(gateway, account), prefix) for prefix in (QUEUE, HELD))
        before = self.items.get_at(stored_in)
        figures = {
            "counted_at": now,
            "taken": taken,
            "tasks": self.items.count_at(account_key(gateway, account, TASK), "until", above=now),
            "queued": sum(self.items.count_at(each, "back_at", above=now - LIVE_SECONDS) for each in waiting),
        }
        per_second = 0.0
        if before.get("counted_at", now) < now:
            per_second = (taken - before["taken"]) / (now - before["counted_at"])
            figures["per_second"] = round(per_second, 1)
        self.items.change_at(stored_in, Change(sets=figures))
        _emit(gateway, account, per_second, figures["tasks"], figures["queued"])


def _emit(gateway: str, account: str, per_second: float, tasks: int, queued: int) -> None:
    """A zero is not emitted: a metric is paid for while it has data, and an account at rest costs nothing."""
    if per_second:
        rate = GATEWAYS[gateway].rate
        telemetry.count("RateInUse", per_second * rate.seconds / rate.requests, gateway=gateway, account=account)
    if tasks:
        telemetry.count("TasksInFlight", tasks, gateway=gateway, account=account)
    if queued:
        telemetry.count("JobsQueued", queued, gateway=gateway, account=account)
