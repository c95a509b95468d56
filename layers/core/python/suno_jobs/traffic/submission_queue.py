"""The queue of the jobs that wait to be submitted at a gateway account, in the order in which they are served (I12).

The order is that of start-time fair queueing: a job's place is one after the last place of its tenant, but not before the
place at the head of the queue. So tenants take turns, and the jobs of one tenant keep the order in which they began to wait.

The queue is the partition ``QUEUE#{gateway}#{account}``: ``QUEUE#{number}#{job_id}`` is the place of a job, and
``TENANT#{tenant}`` has the last number of the tenant. While the tenant's circuit breaker holds the job, its place is
``HELD#{tenant}#{number}#{job_id}``, so that other tenants' jobs do not read past it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import NoPlace
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.availability import is_unavailable
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountItems, AtAccount, Item

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job

QUEUE = "QUEUE#"
HELD = "HELD#"
LIVE_SECONDS = 30
"""A job that did not come back this long after the announced time has left the queue, or its execution died."""

PAGE = 50
"""So many entries are read, and as many of the job's own tenant if it is held. How many are ahead of a job further back is
estimated from the numbers of their places."""

CLEARED = 3
"""Entries of jobs that have left are removed a few at a time, by the jobs that read them."""

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Queue:
    """``ahead`` jobs are served before this one; ``head`` is the number at the head, or None if no job waits.

    ``number`` is that of the job's place, or of the place that it would get behind a long queue, or None. The ``tenants`` are
    those at the head. Places of tenants that are held count for these tenants only.
    """

    ahead: int
    head: int | None
    number: int | None
    tenants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SubmissionQueue:
    items: AccountItems

    def read(self, job: Job, now: int) -> Queue:
        """Without a place of its own, the job is behind all others. A tenant that is held does not hold other tenants."""
        serving = self._live(job, QUEUE, now)
        waiting = {_position(entry["sk"]) for entry in (*serving, *self._live(job, _held(job), now))}
        mine = _position(job.place) if job.place else None
        count = sum(mine is None or position < mine for position in waiting)
        head = place_number(serving[0]["sk"]) if serving else None
        tenants = frozenset(entry["tenant"] for entry in serving)
        number = place_number(job.place) if job.place else None
        if head is not None and len(serving) >= PAGE and (mine is None or mine > _position(serving[-1]["sk"])):
            number = number or max(head, 1 + self._last_number(job, job.tenant))
            count = max(count, (number - head) * len(tenants))
        return Queue(count, head, number, tenants)

    def _live(self, job: Job, prefix: str, now: int) -> list[Item]:
        """The first entries whose jobs come back, at most PAGE. Some of the others are removed."""
        live: list[Item] = []
        gone: list[Item] = []
        for entry in self.items.find_at(queue_key(job, prefix)):
            (live if entry["back_at"] + LIVE_SECONDS > now else gone).append(entry)
            if len(live) >= PAGE:
                break
        with _unless_unavailable(job):
            for entry in gone[:CLEARED]:
                self.items.delete_at(queue_key(job, entry["sk"]))
        return live

    def count_ahead(self, job: Job, queue: Queue) -> int:
        """The places ahead of the job's, by the last place of each tenant at the head. It reads one item for each."""
        if queue.head is None or queue.number is None:
            return queue.ahead
        last = {tenant: self._last_number(job, tenant) for tenant in queue.tenants - {job.tenant}}
        others = (1 + min(queue.number - 1, number) - queue.head for number in last.values())
        return queue.number - queue.head + sum(max(0, count) for count in others)

    def _last_number(self, job: Job, tenant: str) -> int:
        number: int = self.items.get_at(tenant_key(job, tenant)).get("number", 0)
        return number

    def join(self, job: Job, head: int | None, *, now: int) -> str:
        """A new place, at the end of the tenant's. Raises NoPlace.

        Numbers grow slower than milliseconds, so a new queue begins behind all.
        """
        if head is None and (held := self._live(job, HELD, now)):
            # Otherwise the numbers would have a gap when the held tenant goes on.
            head = place_number(held[0]["sk"])
        first = now * 1000 if head is None else head
        begin = Change(sets={"number": first})
        begin.require("attribute_not_exists(#number) OR #number < :first", "number", first=first)
        follow = Change(adds={"number": 1}).require("#number >= :first", "number", first=first)
        # The likely one comes first: while a queue is long, its tenant's item has the most writes.
        likely, other = (begin, follow) if head is None else (follow, begin)
        key = tenant_key(job, job.tenant)
        try:
            taken = self.items.change_at(key, likely) or self.items.change_at(key, other)
            taken = taken or self.items.change_at(key, Change(adds={"number": 1})) or {}
        except (AwsError, BotoCoreError) as error:
            if not is_unavailable(error):
                raise
            raise NoPlace(str(error)) from error
        return f"{QUEUE}{taken['number']:015d}#{job.job_id}"

    def keep(self, job: Job, place: str, *, back_at: int, held: bool) -> str:
        """Records when the job comes back, and returns its place. ``held``: it waits for its own tenant's sake.

        Without this record, others may pass the job until it asks again. If it waited for a retry instead, it would be later.
        """
        kept = (_held(job) if held else QUEUE) + "#".join(_position(place))
        entry = {"tenant": job.tenant, "back_at": back_at, "expires_at": job.deadline_at + DAY_SECONDS}
        with _unless_unavailable(job):
            self.items.change_at(queue_key(job, kept), Change(sets=entry))
            if job.place and kept != job.place:
                self.items.delete_at(queue_key(job, job.place))
        return kept

    def leave(self, job: Job) -> None:
        """An entry that stays is passed when its job does not come back."""
        if job.place:
            with _unless_unavailable(job):
                self.items.delete_at(queue_key(job, job.place))


def queue_key(at: AtAccount, sort: str) -> Item:
    return {"pk": f"QUEUE#{at.gateway}#{at.account}", "sk": sort}


def tenant_key(at: AtAccount, tenant: str) -> Item:
    return queue_key(at, f"TENANT#{tenant}")


@contextmanager
def _unless_unavailable(job: Job) -> Iterator[None]:
    try:
        yield
    except (AwsError, BotoCoreError) as error:
        if not is_unavailable(error):
            raise
        telemetry.log.warning("queue not updated", gateway=job.gateway, account=job.account, reason=str(error))


def _held(job: Job) -> str:
    return f"{HELD}{job.tenant}#"


def _position(place: str) -> tuple[str, str]:
    """The number and the id, in whose order jobs are served. They stay the same while the tenant is held."""
    _, number, job_id = place.rsplit("#", 2)
    return number, job_id


def place_number(place: str) -> int:
    return int(_position(place)[0])
