"""What all gateways have in common: it takes orders, keeps their tasks, applies faults and counts what happens."""

from __future__ import annotations

import json
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any
from urllib.parse import unquote

from local.simulator.archive import Archive
from local.simulator.clock import Clock
from local.simulator.courier import Courier
from local.simulator.faults import Faults, UnknownFault, draw, marked_faults, strikes
from local.simulator.gateways import WIRES
from local.simulator.media import Media, take_seconds
from local.simulator.tasks import Order, Report, Stage, Take, Task, Work
from local.simulator.wire import (
    Billing,
    Credits,
    Idempotent,
    Reason,
    Refusal,
    Reply,
    Request,
    Wire,
    json_reply,
    with_json_in_strings,
)

HTML = Reply(200, b"<!doctype html><title>Just a moment...</title><p>Checking your browser.</p>", "text/html; charset=utf-8")


FIRST_CREDITS = 1000
TASK_CREDITS = 12
"""What each account has at the beginning, and what a task of it costs, whether it succeeds or not."""

SECOND_ACCOUNT = "-second"
"""What follows the key of a gateway in that of a second account there. An account does not see the tasks of the other."""


class GarbledAnswer(Exception):
    """Something between the gateway and its client answers with a page."""


class CutConnection(Exception):
    """The connection ends here, without an answer."""


@dataclass(frozen=True, slots=True)
class StudioSettings:
    task_seconds: float
    audio_seconds: tuple[float, float]
    faults_seed: int | None


@dataclass(frozen=True, slots=True)
class Download:
    """One request for a file, that of ``take``. ``expired_status`` is what to answer for an old link, 0 for one that holds."""

    take: Take
    media: Media
    faults: Faults
    number: int
    expired_status: int


@dataclass(slots=True)
class Keyed:
    """The task of the first submission with an idempotency key, and the body of that."""

    body: bytes
    task: Task
    repetitions: int = 0


class Studio:
    """Safe to be used from many threads. ``origin`` is asked for late, as the port is not known before the server listens."""

    def __init__(
        self,
        settings: StudioSettings,
        *,
        clock: Clock,
        chance: Random,
        courier: Courier,
        keys: Mapping[str, str],
        origin: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._courier = courier
        self._keys = keys
        self._origin = origin
        self._lock = threading.Lock()
        self._orders: list[Order] = []
        self._order_of: dict[tuple[str, str], Order] = {}
        self._archives: dict[str, Archive] = {name: Archive() for name in WIRES}
        self._key_of: dict[str, str | None] = {}
        self._keyed: dict[tuple[str, str | None, str], Keyed] = {}
        self._next_faults: defaultdict[str, deque[Faults]] = defaultdict(deque)
        self._most_tasks: dict[str, int] = {}

    def answer(self, wire: Wire, request: Request) -> Reply:
        """Raises CutConnection."""
        try:
            return self._answer(wire, request)
        except GarbledAnswer:
            return HTML
        except Refusal as refusal:
            reply, headers = wire.refused(refusal), {"Retry-After": f"{refusal.retry_after:.0f}"}
            return replace(reply, headers=headers) if refusal.reason is Reason.TOO_FREQUENT else reply

    def fail_next(self, gateway: str, faults: Faults) -> int:
        """Puts faults upon the next new order at a gateway, after those that wait already; says how many wait."""
        with self._lock:
            self._next_faults[gateway].append(faults)
            return len(self._next_faults[gateway])

    def forget_next(self, gateway: str) -> None:
        """Takes back the faults of orders that never came."""
        with self._lock:
            self._next_faults[gateway].clear()

    def limit_tasks(self, gateway: str, most: int) -> None:
        """From now on the gateway takes so many tasks at once, and refuses more as too frequent."""
        self._most_tasks[gateway] = most

    def download(self, gateway: str, track_id: str, *, renewed: bool) -> Download | None:
        """None while the file is not made."""
        with self._lock:
            task, take = self._archives[gateway].take(track_id) or (None, None)
            now = self._clock.now()
            if task is None or take is None or not task.has(take, task.stage(now), now) or task.is_missing(take, now):
                return None
            expired = int(task.faults.get("expired_links", 403)) if now >= task.links_end(take) and not renewed else 0
            take.downloads += 1
            if expired and take.expired_at is None:
                take.expired_at = now
            return Download(task.served(take, now), take.part.media, task.faults, take.downloads, expired)

    def preview(self, gateway: str, track_id: str) -> bytes | None:
        found = self._archives[gateway].take(track_id)
        return found[1].recording().preview if found else None

    def tasks(self) -> list[dict[str, Any]]:
        with self._lock:
            tasks = [task for archive in self._archives.values() for task in archive.tasks()]
        return [self._describe(task) for task in sorted(tasks, key=lambda task: task.number)]

    def orders(self) -> list[dict[str, Any]]:
        """One entry for each callback URL that was submitted with: how often, and how many tasks it paid for."""
        with self._lock:
            return [asdict(order) for order in self._orders]

    def _answer(self, wire: Wire, request: Request) -> Reply:
        if isinstance(wire, Billing) and request.method == "GET" and request.path in wire.balance_paths:
            self._check_key(wire, request)
            return json_reply(200, wire.balance(request.path, self._credits(wire, request)))
        purpose = wire.purpose(request)
        if purpose is None:
            raise Refusal(Reason.NO_SUCH_ROUTE, f"no such route: {request.method} {request.path}")
        self._check_key(wire, request)
        if purpose == "status":
            return self._status(wire, request)
        return self._submit(wire, request)

    def _credits(self, wire: Wire, request: Request) -> Credits:
        with self._lock:
            tasks = [task.task_id for task in self._archives[wire.name].tasks()]
        used = TASK_CREDITS * sum(self._key_of.get(task_id) == wire.key(request) for task_id in tasks)
        return Credits(FIRST_CREDITS - used, used)

    def _status(self, wire: Wire, request: Request) -> Reply:
        reports: list[Report | None] = []

        def find(task_id: str) -> Report | None:
            mine = self._key_of.get(task_id) == wire.key(request)
            reports.append(self._find(wire.name, task_id) if mine else None)
            return reports[-1]

        reply = wire.status(request, find)
        encoded = any(report and "json_in_strings" in report.task.faults for report in reports)
        return with_json_in_strings(reply) if encoded else reply

    def _check_key(self, wire: Wire, request: Request) -> None:
        key = wire.key(request)
        if not key:
            raise Refusal(Reason.NO_KEY, "the API key is missing")
        if key not in (self._keys[wire.name], self._keys[wire.name] + SECOND_ACCOUNT):
            raise Refusal(Reason.WRONG_KEY, "the API key is not valid")

    def _submit(self, wire: Wire, request: Request) -> Reply:
        work = wire.work(request, self._archives[wire.name])
        key = wire.idempotency_key(request) if isinstance(wire, Idempotent) else None
        if isinstance(wire, Idempotent) and key and (first := self._keyed.get((wire.name, wire.key(request), key))):
            return wire.replayed(wire.accepted(self._report(_repeated(first, request))))
        order, attempt = self._take_order(wire.name, work)
        _refuse(order.faults, attempt)
        self._refuse_when_full(wire.name)
        task = self._create(order, work)
        if key:
            self._keyed[wire.name, wire.key(request), key] = Keyed(request.body, task)
        self._key_of[task.task_id] = wire.key(request)
        if "callback_before_answer" in order.faults:
            self._courier.send_all(task, wire, self._cdn(wire.name))
        else:
            self._courier.send_in_time(task, wire, self._cdn(wire.name))
        return self._accept(wire, task, attempt)

    def _refuse_when_full(self, gateway: str) -> None:
        with self._lock:
            running = sum(task.stage(self._clock.now()) is not Stage.DONE for task in self._archives[gateway].tasks())
        if running >= self._most_tasks.get(gateway, running + 1):
            raise Refusal(Reason.TOO_FREQUENT, "too many tasks in progress")

    def _take_order(self, gateway: str, work: Work) -> tuple[Order, int]:
        """Without a callback URL the same request again is the same order until it was paid for."""
        key = work.callback_url or work.operation + json.dumps(work.fields, sort_keys=True)
        with self._lock:
            order = self._order_of.get((gateway, key))
            if order is None or (work.callback_url is None and order.paid):
                order = Order(gateway, work.callback_url, self._faults(gateway, work))
                self._orders.append(order)
                self._order_of[gateway, key] = order
            order.submissions += 1
            return order, order.submissions

    def _faults(self, gateway: str, work: Work) -> Faults:
        try:
            asked = marked_faults(unquote(" ".join(_texts(work.fields))))
        except UnknownFault as error:
            raise Refusal(Reason.INVALID, str(error)) from None
        if waiting := self._next_faults[gateway]:
            return {**waiting.popleft(), **asked}
        if asked or self._settings.faults_seed is None:
            return asked
        number = sum(order.gateway == gateway for order in self._orders)
        return draw(self._settings.faults_seed, gateway, number)

    def _create(self, order: Order, work: Work) -> Task:
        with self._lock:
            task_id = self._new_id()
            seconds = order.faults.get("slow_task", 0.0 if work.instant else self._settings.task_seconds)
            if "callback_before_answer" in order.faults:
                seconds = 0.0
            number = sum(order.paid for order in self._orders)
            task = Task(task_id, order, work, self._clock.now(), seconds, self._takes(task_id, work), number)
            order.paid += 1
            self._archives[order.gateway].add(task)
            return task

    def _takes(self, task_id: str, work: Work) -> tuple[Take, ...]:
        if work.recovers and work.source:
            return work.source.task.takes
        lengths = (take_seconds(task_id, number, *self._settings.audio_seconds) for number in range(len(work.parts)))
        parts = zip(work.parts, lengths, strict=True)
        return tuple(Take(self._new_id(), number, length, part) for number, (part, length) in enumerate(parts))

    def _accept(self, wire: Wire, task: Task, attempt: int) -> Reply:
        task.refused = any(strikes(task.faults, name, attempt) for name in ("refused_after_create", "rejected_after_create"))
        if strikes(task.faults, "refused_after_create", attempt):
            raise Refusal(Reason.TOO_FREQUENT, "too many requests")
        if task.refused:
            raise Refusal(Reason.NO_CREDITS, "not enough credits")
        if "error_names_task" in task.faults:
            raise Refusal(Reason.SERVER_ERROR, "fetch failed", existing=task.task_id)
        if "server_error_after_create" in task.faults:
            raise Refusal(Reason.SERVER_ERROR, "fetch failed")
        if "garbled_answer" in task.faults:
            raise GarbledAnswer
        if "timeout_on_submit" in task.faults:
            self._clock.wait_until(task.created_at + task.faults["timeout_on_submit"])
            raise CutConnection
        if task.work.waits and not self._clock.wait_until(task.moment(Stage.DONE)):
            raise CutConnection
        return wire.accepted(self._report(task))

    def _find(self, gateway: str, task_id: str) -> Report | None:
        with self._lock:
            task = self._archives[gateway].task(task_id)
            if task is None:
                return None
            task.polls += 1
            poll = task.polls
        if strikes(task.faults, "poll_server_error", poll):
            raise Refusal(Reason.SERVER_ERROR, "fetch failed")
        if strikes(task.faults, "poll_rate_limited", poll):
            raise _too_frequent(task.faults)
        if strikes(task.faults, "garbled_poll", poll):
            raise GarbledAnswer
        if strikes(task.faults, "poll_not_found", poll):
            return None
        return self._report(task, strange=strikes(task.faults, "unknown_status", poll))

    def _report(self, task: Task, *, strange: bool = False) -> Report:
        now, stale = self._clock.now(), task.faults.get("stale_links", 0.0)
        expired = any(take.expired_at is not None and take.expired_at + stale <= now for take in task.takes)
        renewed = WIRES[task.gateway].renews_links and expired
        return Report(task, task.stage(now), self._cdn(task.gateway), strange, renewed, now)

    def _describe(self, task: Task) -> dict[str, Any]:
        return {
            "gateway": task.gateway,
            "operation": task.work.operation,
            "task_id": task.task_id,
            "stage": task.stage(self._clock.now()).name.lower(),
            "created_at": task.created_at,
            "callback_url": task.work.callback_url,
            "faults": dict(task.faults),
            "submissions": task.order.submissions,
            "paid": task.order.paid,
            "refused": task.refused,
            "callbacks": [asdict(delivery) for delivery in list(task.callbacks)],
            "polls": task.polls,
            "ready_at": {take.track_id: task.ready_at(take) for take in task.takes},
            "downloads": {take.track_id: take.downloads for take in task.takes},
            "words": task.work.words,
            "waits": task.work.waits,
            "request": dict(task.work.fields),
            "undocumented_fields": list(task.work.undocumented),
        }

    def _cdn(self, gateway: str) -> str:
        return f"{self._origin()}/cdn/{gateway}"

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _texts(value: object) -> Iterator[str]:
    """Every text in a request, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _too_frequent(faults: Faults) -> Refusal:
    return Refusal(Reason.TOO_FREQUENT, "too many requests", retry_after=faults.get("retry_after", 1))


def _repeated(first: Keyed, request: Request) -> Task:
    if request.body != first.body:
        raise Refusal(Reason.KEY_CONFLICT, "this key was used with another request")
    first.repetitions += 1
    if strikes(first.task.faults, "repetition_rate_limited", first.repetitions):
        raise _too_frequent(first.task.faults)
    if strikes(first.task.faults, "outcome_unknown", first.repetitions):
        raise Refusal(Reason.OUTCOME_UNKNOWN, "the first request with this key is not decided yet")
    return first.task


def _refuse(faults: Faults, attempt: int) -> None:
    """The faults that keep an order from becoming a task."""
    if strikes(faults, "dropped_connection", attempt):
        raise CutConnection
    if strikes(faults, "rate_limited", attempt):
        raise _too_frequent(faults)
    for name, reason, message in (
        ("maintenance", Reason.MAINTENANCE, "under maintenance"),
        ("quota_exhausted", Reason.NO_CREDITS, "not enough credits"),
        ("retired_model", Reason.RETIRED_MODEL, "paid_upsell: this model has been retired"),
        ("server_error_on_submit", Reason.SERVER_ERROR, "fetch failed"),
    ):
        if strikes(faults, name, attempt):
            raise Refusal(reason, message)
