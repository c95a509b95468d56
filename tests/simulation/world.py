# ruff: noqa: S311 - random faults, no secrets
"""One small world per seed: clients, the bundle as ``template.yaml`` deploys it, the gateways, and time."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import inf
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from awslambdaric.lambda_runtime_log_utils import JsonFormatter
from botocore.exceptions import ClientError

from local.queue_routes import RequestRefused
from suno_jobs.jobs.identifiers import mode_of
from suno_jobs.media import lengths
from suno_jobs.network import deadlines
from suno_jobs.network.http import httpcore
from suno_jobs.runtime import telemetry
from suno_jobs.steps import store_track
from suno_jobs.storage import table as storage_table
from suno_jobs.tenants.api_keys import new_secret
from suno_jobs.tenants.key_table import KeyTable
from suno_jobs.tenants.tenant_list import Tenant, TenantList
from suno_jobs.traffic import balances, calls, client
from tests.api_keys import an_api_key
from tests.simulation import elsewhere, media_pool, network
from tests.simulation.aws_services import S3, Events, Secrets
from tests.simulation.aws_table import DynamoDb
from tests.simulation.clock import Loop
from tests.simulation.deletions import DeletionMonitor
from tests.simulation.expressions import Item
from tests.simulation.faults import TENANT, Order, Plan, RandomFaults
from tests.simulation.lambdas import FaultInjector, FunctionError, Invocation, Lambdas
from tests.simulation.message_queue import MessageQueue, Sqs
from tests.simulation.state_machine import StateMachine
from tests.simulation.state_monitor import StateMonitor
from tests.simulation.template import deploy
from tests.simulation.tenant_usage import PATIENCE_SECONDS, QUOTA_RETRIES, UsageMonitor, quota_pause
from tests.simulation.troubles import API_REFUSALS
from tests.simulation.waiting_clients import Functions, Read, follow, prefer
from tests.simulation.webhook_receivers import Receivers, is_due

START = 1_800_000_000.0
DAY_SECONDS = 86_400.0
IDLE_CHECK_SECONDS = 100.0
RETRIES = 3
RETRY_SECONDS = 20.0
LONGEST_SWEEP_PAUSE_SECONDS = 10_800.0
TOLERATED_SECONDS = 0.1
SAME_SECONDS = 0.03
REDRIVE_SECONDS = 300.0
"""After the faults, an operator moves the dead letters back into the queue."""
CALLBACK_SECRETS = ("callback-secret-0", "callback-secret-1", "callback-secret-2")


SETTLE_SECONDS = 1500.0
"""The time after a job's deadline and the last fault for storing, the last wait of an execution, and two sweeps."""


def api_key(tenant: str) -> str:
    """Our own key of a client."""
    return new_secret(lambda size: hashlib.sha256(tenant.encode()).digest()[:size], mode_of(tenant))


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)


class World:
    """``timeline`` has the time, the job and the description of every event.

    ``answers`` are all answers of the API, ``logs`` is all log output, ``macs`` are the MACs of all callback URLs.
    ``elsewhere`` has the task of each order that was created elsewhere, by token. ``first_callback_at`` is the time of each
    job's first callback. ``client_actions`` are the actions of clients: job, action and status of the answer. ``submissions``
    has the token of each submitted order, when it was sent, and the status of its answer; ``quota_refusals`` has the orders
    that a limit of their tenant refused, with the problem; ``lists`` has when a client listed its jobs, and which it got, and
    ``listed`` all jobs that each tenant ever got. ``reads`` has the answers to clients that prefer to wait. ``callback_queue``
    has every callback that was accepted.
    """

    def __init__(self, plan: Plan, faults: FaultInjector | None = None) -> None:
        self.plan = plan
        self.stack = deploy(**plan.parameters)
        self.random = Random(plan.seed)
        self.loop = Loop(START)
        self.timeline: list[tuple[float, str, str]] = []
        self.answers: list[tuple[str, str]] = []
        self.logs = io.StringIO()
        self.job_ids: dict[str, str] = {}
        self.elsewhere: dict[str, str] = {}
        self.macs: set[str] = set()
        self.client_actions: list[tuple[str, str, int]] = []
        self.submissions: list[tuple[str, float, int]] = []
        self.quota_refusals: list[tuple[str, str, Any]] = []
        self.lists: list[tuple[float, set[str]]] = []
        self.listed: defaultdict[str, set[str]] = defaultdict(set)
        self.reads: list[Read] = []
        self.first_callback_at: dict[str, float] = {}
        # The text must not change: it keeps every seed the same world.
        self.faults = RandomFaults(plan, self.loop, Random(f"storm {plan.seed}"), self.note)
        self.lambdas = Lambdas(self.loop, self.random, self.stack.functions, faults or self.faults, self.note)
        self._deploy_services()
        self._connect_gateways()

    def _deploy_services(self) -> None:
        self.dynamodb = DynamoDb(self.stack.tables)
        self.jobs_table = self.dynamodb.tables["JobsTable"]
        self.monitor = StateMonitor(self.loop, self.note)
        self.deletions = DeletionMonitor(self.loop)
        self.usage = UsageMonitor(self.plan.limits)
        self.jobs_table.on_write = self._written
        self.jobs_table.index_is_stale = self.faults.index_is_stale
        self.s3, self.events = S3(lambda: self.loop.now, self.stack.versioned, on_put=self.deletions.put), Events()
        secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:{}".format
        self.callback_secret = {"current": CALLBACK_SECRETS[0], "previous": ""}
        self.accounts = network.accounts(self.plan.own_accounts)
        for gateway, most in self.plan.most_tasks.items():
            self.accounts[f"{gateway}/default"]["max_tasks"] = most
        self.secrets = Secrets(
            {secret_arn("CallbackSecret"): self.callback_secret, secret_arn("GatewayAccountsSecret"): self.accounts}
        )
        self.state_machine = StateMachine(
            self.stack.state_machine_arn,
            self.stack.definition,
            self.loop,
            self.lambdas,
            self.dynamodb,
            self.random,
            self.note,
            self.faults.write_error,
            self.faults.transition_seconds,
        )
        delays = self.faults.message_delays
        queues = {name: MessageQueue(plan, self.loop, self.lambdas, delays) for name, plan in self.stack.queues.items()}
        self.callback_queue = queues["CallbackQueue"]
        self.lambdas.services = {
            "dynamodb": self.dynamodb,
            "s3": self.s3,
            "secretsmanager": self.secrets,
            "events": self.events,
            "lambda": Functions(self.lambdas),
            "sqs": Sqs(queues, _job_of),
            "stepfunctions": self.state_machine,
        }
        for tenant in self.plan.tenants:
            keys = KeyTable(self.dynamodb, "ApiKeysTable")  # type: ignore[arg-type]
            keys.add(an_api_key(api_key(tenant), tenant=tenant))
        tenants = TenantList(self.dynamodb, "JobsTable")  # type: ignore[arg-type]
        for tenant, limits in self.plan.limits.items():
            tenants.create(Tenant(tenant, int(START), limits))

    def _connect_gateways(self) -> None:
        clock = network.VirtualClock(self.loop, self.lambdas)
        self.courier = network.VirtualCourier(self.loop, clock, self._send_callback)
        self.studio = network.open_studio(self.loop, clock, self.random, self.courier)
        self.network = network.Network(
            self.loop,
            self.lambdas,
            self.studio,
            clock,
            self.faults.disturb,
            self.faults.manner,
            self.note,
            network.KeyRing(self.plan.own_accounts),
        )
        # The text must not change: it keeps every seed the same world.
        self.receivers = Receivers(self, Random(f"receivers {self.plan.seed}"))
        self.receivers.register()
        self.lambdas.replacements = {"Downloader": self.network.downloader, "WebhookSender": self.receivers.sender}
        for gateway, faults in self.plan.refusing.items():
            self.studio.fail_next(gateway, faults)
        for gateway, most in self.plan.most_tasks.items():
            self.studio.limit_tasks(gateway, most)

    def _written(self, old: Item, new: Item) -> None:
        self.deletions.written(old, new)
        self.usage.written(old, new)
        self.monitor(old, new)

    def note(self, subject: str, text: str) -> None:
        self.timeline.append((self.loop.now, subject, text))

    # Time

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Connects the product to this world within the context. Only one world at a time in a process."""
        in_memory = SimpleNamespace(TemporaryFile=io.BytesIO)
        with (
            media_pool.pooled_media(),
            patch.object(store_track, "tempfile", in_memory),
            # The songs of the pool last about a second.
            patch.object(lengths, "SHORTER_SECONDS", TOLERATED_SECONDS),
            patch.object(lengths, "LONGER_SECONDS", TOLERATED_SECONDS),
            patch.object(lengths, "SAME_SECONDS", SAME_SECONDS),
            patch.object(calls, "http_client", self.network.client),
            patch.object(calls, "send", partial(client.send, clock=lambda: self.loop.now)),
            patch.object(httpcore, "ConnectionPool", network.Pool),
            patch.object(deadlines, "Thread", network.InlineThread),
            # Hourly, the balances of eight accounts would take a fifth of the time of a seed, and no job depends on them.
            patch.object(balances, "EVERY_SECONDS", DAY_SECONDS),
            patch.object(storage_table, "PAUSE", storage_table.jittered(self._pause, self.random.random)),
            self._captured_logs(),
        ):
            try:
                yield
            finally:
                self.loop.close()

    def _pause(self, seconds: float) -> None:
        """Of the process that writes: an invocation, or a person or program outside of Lambda."""
        invocation: Invocation | None = self.loop.current.local
        (invocation or self.loop).sleep(seconds)

    @contextlib.contextmanager
    def _captured_logs(self) -> Iterator[None]:
        """Captures the logs of functions with and without powertools, and metrics, which are printed."""
        ours = [logging.getLogger(name) for name in ("suno-jobs", "suno_jobs")]
        before = [(logger, logger.handlers, logger.propagate) for logger in ours]
        formatters = (telemetry.log.handlers[0].formatter, JsonFormatter())
        for logger, formatter in zip(ours, formatters, strict=True):
            handler = logging.StreamHandler(self.logs)
            handler.setFormatter(formatter)
            logger.handlers, logger.propagate = [handler], False
            logger.setLevel(logging.INFO)
        try:
            with contextlib.redirect_stdout(self.logs):
                yield
        finally:
            for logger, handlers, propagate in before:
                logger.handlers, logger.propagate = handlers, propagate

    def run(self) -> None:
        """Runs the plan until every job must have ended."""
        for moment, act in self._scheduled_acts():
            self.loop.spawn(act, after=moment)
        while self.loop.now < self.ends_at and not self._is_idle():
            self.loop.run(min(self.ends_at, self._next_check()))
        if self.plan.lists:
            self._list_jobs()

    def _scheduled_acts(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """The actions from outside, with their times."""
        plan = self.plan
        for order in plan.orders:
            yield from ((moment, partial(self._submit_order, order)) for moment in (order.at, *order.repeats))
            yield from ((moment, partial(self._act, order, action)) for moment, action in order.actions)
            yield from ((moment, partial(follow, self, order, seconds)) for moment, seconds in order.follows)
        for function, seconds in self.stack.schedules.items():
            yield seconds * self.random.random(), partial(self._repeat, function, seconds)
            yield from ((moment, partial(self._invoke, function)) for moment in plan.sweeps)
        yield from ((moment, self._list_jobs) for moment in plan.lists)
        yield from ((moment, self._stop_random_execution) for moment in plan.stops)
        yield from ((moment, self._rotate) for moment in plan.rotations)
        yield plan.faults_until + REDRIVE_SECONDS, self.callback_queue.redrive
        for gateway, change in plan.troubles.keys.items():
            yield change.changed_at, partial(self._replace_key, gateway)
            yield change.revoked_at, partial(self._revoke_key, gateway)

    def _next_check(self) -> float:
        return max(self.faults_end, self.loop.now + IDLE_CHECK_SECONDS, self.loop.now + self._sweep_pause())

    def _is_idle(self) -> bool:
        """Whether only sweeps without due jobs are left."""
        if self.loop.now < self.faults_end or self.loop.has_unstarted_processes():
            return False
        if is_due(self):
            return False
        running = any(execution.status == "RUNNING" for execution in self.state_machine.executions.values())
        return not running and not any("due_at" in job for job in self.jobs().values())

    @property
    def starts_at(self) -> float:
        return START

    @property
    def faults_end(self) -> float:
        return START + self.plan.faults_until

    @cached_property
    def disturbed_until(self) -> float:
        """The end of the faults, or of the last invocation that one of them hit. To be read at the end of the world."""
        hit = [each.ends for begun in self.lambdas.begun.values() for each in begun if each.disturbed]
        return max([self.faults_end, *hit])

    @cached_property
    def ends_at(self) -> float:
        return self.settled_at + self.plan.days * DAY_SECONDS

    @cached_property
    def settled_at(self) -> float:
        """The time at which every job must have ended."""
        # Each of these may create a job: a repetition does if the first request failed.
        last = max(moment for each in self.plan.orders for moment in (each.at, *each.repeats, *(at for at, _ in each.actions)))
        last += RETRIES * RETRY_SECONDS if self.plan.troubles.api else 0.0
        last += QUOTA_RETRIES * PATIENCE_SECONDS if self.plan.limits else 0.0
        deadline = START + last + float(self.stack.parameters["JobDeadlineSeconds"])
        return max(deadline, self.faults_end) + SETTLE_SECONDS + 1

    def _repeat(self, function: str, seconds: float) -> None:
        while True:
            self._invoke(function)
            self.loop.sleep(max(seconds, self._sweep_pause()))

    def _sweep_pause(self) -> float:
        """During the days of recovery, most sweeps at which no job is due are left out."""
        if self.loop.now < self.settled_at:
            return 0.0
        due = min((float(job["due_at"]["N"]) for job in self.jobs().values() if "due_at" in job), default=inf)
        return min(due - self.loop.now, LONGEST_SWEEP_PAUSE_SECONDS)

    def _invoke(self, function: str) -> None:
        with contextlib.suppress(FunctionError):
            self.lambdas.invoke(function, {}, "")

    # Actions of clients and operators

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        query: str = "",
        tenant: str = TENANT,
    ) -> Response:
        """One request to our API, with the tenant's key."""
        text = None if body is None else json.dumps(body)
        sent = {"authorization": f"Bearer {api_key(tenant)}", **(headers or {})}
        response = self._serve(method, path, sent, text, query)
        self.answers.append((f"{method} {path}", response.body))
        return response

    def _submit_order(self, order: Order, retries: int = RETRIES, waits: int = QUOTA_RETRIES) -> None:
        """A client that API Gateway or a limit refuses repeats its request with the same key."""
        if order.adopts and self.plan.account(order.gateways[0], order.tenant) != order.tenant:
            elsewhere.adopt_as_operator(self, order)
            return
        sent_at = self.loop.now
        headers = {"idempotency-key": order.token} | prefer(order.wait_seconds)
        body = elsewhere.body(self, order) if order.adopts else order.body()
        response = self.request("POST", "/v1/jobs", body, headers, tenant=order.tenant)
        self.submissions.append((order.token, sent_at, response.status))
        if response.status < 300:
            self.job_ids[order.token] = response.json()["job_id"]
        if "violated-policies" in response.body:
            self.quota_refusals.append((order.tenant, order.token, response.json()))
            if (pause := quota_pause(response)) and waits:
                self.loop.spawn(partial(self._submit_order, order, retries, waits - 1), after=pause)
        elif response.status in API_REFUSALS and retries:
            self.loop.spawn(partial(self._submit_order, order, retries - 1, waits), after=RETRY_SECONDS)
        self.note(self.job_ids.get(order.token, ""), f"client submits {order.token}: {response.status}")

    def _act(self, order: Order, action: str) -> None:
        job_id = self.job_ids.get(order.token)
        if job_id is None:
            return
        body = {"accept_second_charge": True} if action == "retry" else None
        if action == "delete":
            response = self.request("DELETE", f"/v1/jobs/{job_id}", tenant=order.tenant)
        else:
            response = self.request("POST", f"/v1/jobs/{job_id}/{action}", body, tenant=order.tenant)
        self.client_actions.append((job_id, action, response.status))
        self.note(job_id, f"client requests {action}: {response.status}")

    def _list_jobs(self) -> None:
        """Follows the cursors of each tenant to the end. A list that meets an error is given up."""
        began_at, listed = self.loop.now, set[str]()
        for tenant in sorted(self.plan.tenants):
            query = "limit=7"
            while query:
                response = self.request("GET", "/v1/jobs", query=query, tenant=tenant)
                if response.status != 200:
                    return
                found = {job["job_id"] for job in response.json()["jobs"]}
                self.listed[tenant] |= found
                listed |= found
                cursor = response.json()["next"]
                query = f"limit=7&cursor={cursor}" if cursor else ""
        self.lists.append((began_at, listed))

    def _stop_random_execution(self) -> None:
        running = [name for name, each in self.state_machine.executions.items() if each.status == "RUNNING"]
        if running:
            arn = f"{self.state_machine.arn.replace(':stateMachine:', ':execution:')}:{self.random.choice(running)}"
            with contextlib.suppress(ClientError):
                self.state_machine.stop_execution(executionArn=arn)

    def _rotate(self) -> None:
        unused = next((each for each in CALLBACK_SECRETS if each not in self.callback_secret.values()), None)
        if unused:
            self.callback_secret.update(previous=self.callback_secret["current"], current=unused)
            self.note("", "the callback secret is rotated")

    def _replace_key(self, gateway: str) -> None:
        key = network.NEW_KEYS[gateway]
        self.accounts[f"{gateway}/default"]["api_key"] = key
        self.network.keys.add(gateway, key)
        self.note("", f"the key of {gateway} is replaced")

    def _revoke_key(self, gateway: str) -> None:
        self.network.keys.revoke(gateway, network.KEYS[gateway])
        self.note("", f"the old key of {gateway} is revoked")

    # Requests to the handlers

    def _send_callback(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Delivers a callback with the faults of the plan. Returns the status of its first arrival."""
        path = urlsplit(url).path
        if urlsplit(url).hostname == elsewhere.HOST:
            return 200
        self.macs.add(path.split("/")[5])
        delays = self.faults.callback_delays()
        statuses = []
        for delay in delays:
            if delay:
                self.loop.spawn(partial(self.deliver, path, headers, body), after=delay)
            else:
                statuses.append(self.deliver(path, headers, body))
        return statuses[0] if statuses else 504

    def deliver(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """As API Gateway does: no function is invoked."""
        job_id = path.split("/")[4]
        if refusal := self.faults.api_refusal():
            self.note(job_id, f"callback {body[:60]!r} is answered {refusal}")
            return refusal
        try:
            found = (route.message("POST", path, headers, body) for route in self.stack.queue_routes)
            message = next(each for each in found if each)
        except RequestRefused:
            self.note(job_id, f"callback {body[:60]!r} is refused")
            return 400
        self.note(job_id, f"callback {body[:60]!r} is accepted")
        self.callback_queue.send(message.body, message.attributes, job_id)
        self.first_callback_at.setdefault(job_id, self.loop.now)
        return 200

    def _serve(self, method: str, path: str, headers: Mapping[str, str], body: str | None, query: str = "") -> Response:
        for route in self.stack.routes:
            found = route.pattern.fullmatch(f"{method} {path}")
            if found:
                break
        else:
            return Response(404, "{}")
        if refusal := self.faults.api_refusal():
            return Response(refusal, '{"message": "refused by API Gateway"}')
        event = _event(route.key, method, path, headers, body, found.groupdict()) | {"rawQueryString": query}
        subject = found.groupdict().get("job_id", "")
        try:
            if not route.open:
                known = self.lambdas.invoke("AuthorizeFunction", {"headers": dict(headers)})
                event["requestContext"]["authorizer"] = {"lambda": known["context"]}
                if not known["isAuthorized"]:
                    return Response(403, "{}")
            answer = self.lambdas.invoke(route.function, event, subject)
        except FunctionError:
            return Response(500, "{}")
        shown = {name.lower(): ", ".join(values) for name, values in answer.get("multiValueHeaders", {}).items()}
        shown |= {name.lower(): value for name, value in answer.get("headers", {}).items()}
        return Response(answer["statusCode"], answer.get("body") or "", shown)

    # The table

    def jobs(self) -> dict[str, Item]:
        """The hot record, or the tombstone, of every job."""
        items = (partition["JOB"] for partition in self.jobs_table.items.values() if "JOB" in partition)
        return {item["pk"]["S"].removeprefix("JOB#"): item for item in items}


def _job_of(message: str) -> str:
    """The job that a delivery of a webhook is about."""
    found = re.search(r"job_[0-9a-z]{26}", message)
    return found[0] if found else ""


def _event(
    key: str, method: str, path: str, headers: Mapping[str, str], body: str | None, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """An event of API Gateway, payload version 2.0: see ``events/``."""
    return {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": "",
        "headers": dict(headers),
        "requestContext": {
            "requestId": "a request",
            "http": {"method": method, "path": path},
            "routeKey": key,
            "stage": "$default",
        },
        "pathParameters": dict(parameters),
        "isBase64Encoded": False,
        "body": body,
    }
