"""The world of the unit tests: the real core with tables and buckets in memory, a manual clock and scripted gateways."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError as AwsError

from local.source import read_template
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.errors import ExecutionsThrottled
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.record import Attempt, Job, JobView, TaskEnd
from suno_jobs.jobs.schedule import PollingSchedule
from suno_jobs.jobs.states import JobState, Progress
from suno_jobs.lifecycle.announcing import Announcer, EventBus, ProgressAnnouncer
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.manifest import ManifestWriter
from suno_jobs.lifecycle.repeats import Repeats
from suno_jobs.network.http import httpx
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.waiting import WaitFunction
from suno_jobs.steps.check_task import TaskChecker, make_task_checker
from suno_jobs.steps.create_task import TaskCreator
from suno_jobs.steps.delete_job import JobDeleter
from suno_jobs.steps.finish_job import JobFinisher
from suno_jobs.steps.reconcile_jobs import JobReconciler
from suno_jobs.steps.submit_job import JobSubmitter
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.sent_requests import SentRequests
from suno_jobs.storage.update_expressions import Change
from suno_jobs.storage.usage import UsageStore
from suno_jobs.tenants.quotas import Quotas
from suno_jobs.tenants.tenant_list import TenantCache, TenantList
from suno_jobs.traffic.account_figures import AccountFigures
from suno_jobs.traffic.account_items import AccountItems
from suno_jobs.traffic.admission import Admission, make_admission
from suno_jobs.traffic.batch_reads import BatchReader
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.circuit_breaker import CircuitBreaker
from suno_jobs.traffic.client import http_client
from suno_jobs.traffic.concurrency import Concurrency
from suno_jobs.traffic.health import Health
from suno_jobs.traffic.rate_limiter import AHEAD_SECONDS, RateLimiter
from suno_jobs.webhooks.outbox import Outbox, make_outbox

ROOT = Path(__file__).parents[1]
TABLE = "jobs"
BUCKET = "assets"
MAC = "0" * 64
RECEIPTS = "receipts"
START = 1_800_000_000
DEADLINE = 1200
PACE = PollingSchedule(first_check=120, interval=20, longest=60)
GRACE = 300
BREAKER_FAILURES = 5
BREAKER_SECONDS = 60


class Clock:
    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeExecutions:
    """The state machine's executions by name. ``broken``, if set, is raised by each start. ``dead`` are old task tokens.
    ``describable``: so many can be described before that is throttled.
    """

    def __init__(self) -> None:
        self.states: dict[tuple[str, int], ExecutionState] = {}
        self.woken: list[str] = []
        self.dead: set[str] = set()
        self.describable = 10**6
        self.broken: Exception | None = None

    def start(self, job_id: str, number: int = 0) -> None:
        if self.broken:
            raise self.broken
        self.states.setdefault((job_id, number), ExecutionState.RUNNING)

    def state(self, job_id: str, number: int) -> ExecutionState:
        if self.describable == 0:
            raise ExecutionsThrottled("DescribeExecution")
        self.describable -= 1
        return self.states.get((job_id, number), ExecutionState.MISSING)

    def wake(self, task_token: str) -> bool:
        self.woken.append(task_token)
        return task_token not in self.dead


class FakeBus:
    """An EventBridge bus that records its events. It refuses the next ``refusals`` of them, with an exception if ``raises``."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refusals = 0
        self.raises = False

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
        if self.refusals:
            self.refusals -= 1
            if self.raises:
                raise AwsError({"Error": {"Code": "ThrottlingException"}}, "PutEvents")
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
        self.events += [{**entry, "Detail": json.loads(entry["Detail"])} for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}


class FakeQueue:
    """A queue of SQS that records its messages: the body, and the delay in seconds. ``broken`` is raised by each call."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], int]] = []
        self.broken: Exception | None = None

    def send_message(self, *, MessageBody: str, DelaySeconds: int, **_: str) -> None:  # noqa: N803 - boto3's own spelling
        if self.broken:
            raise self.broken
        self.sent.append((json.loads(MessageBody), DelaySeconds))


@dataclass
class Wire:
    """Scripted gateways: each request takes the next answer, and the last one repeats. An exception is raised."""

    answers: list[httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    @property
    def submissions(self) -> int:
        return sum(request.method == "POST" for request in self.requests)


@dataclass
class World:
    clock: Clock
    dynamodb: Any
    s3: Any
    jobs: JobStore
    receipts: ReceiptStore
    executions: FakeExecutions
    bus: FakeBus
    wire: Wire
    secret: Secret
    policy: str = "fail"
    sqs: FakeQueue = field(default_factory=FakeQueue)
    noted: list[tuple[str, Progress]] = field(default_factory=list)
    waits: list[dict[str, Any]] = field(default_factory=list)
    waited: Callable[[], object] | None = None

    def calls(self) -> GatewayCalls:
        client = http_client(httpx.MockTransport(self.wire))
        health = Health(self.dynamodb, TABLE, self.clock)
        limiter, concurrency = RateLimiter(self.dynamodb, TABLE), Concurrency(AccountItems(self.dynamodb, TABLE))
        return GatewayCalls(client, self.secret, limiter, concurrency, health, self.clock, self.clock.sleep)

    def wait_function(self) -> WaitFunction:
        """``waits`` are the calls of the function, and ``waited`` its answer; None: it is throttled."""

        def invoke(*, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
            self.waits.append({"function": FunctionName, **json.loads(Payload)})
            if self.waited is None:
                raise AwsError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
            self.waited()
            return {"StatusCode": 200}

        return WaitFunction(lambda: SimpleNamespace(invoke=invoke), "wait-for-job")  # type: ignore[arg-type,return-value]

    def job_submitter(self) -> JobSubmitter:
        return JobSubmitter(
            creator=self.job_creator(),
            auto_gateways=[*GATEWAYS],
            resubmit=self.policy == "resubmit",
            wait_function=self.wait_function(),
            random_bytes=bytes,
            accounts=self.secret,
            endpoints=self.outbox().endpoints,
        )

    def job_creator(self) -> JobCreator:
        return JobCreator(
            jobs=self.jobs,
            executions=self.executions,  # type: ignore[arg-type]
            deadline_seconds=DEADLINE,
            slack_seconds=PACE.slack,
            quotas=Quotas(
                TenantCache(TenantList(self.dynamodb, TABLE), self.clock), UsageStore(self.dynamodb, TABLE), self.clock
            ),
            clock=self.clock,
        )

    def task_creator(self) -> TaskCreator:
        return TaskCreator(
            jobs=self.jobs,
            receipts=self.receipts,
            calls=self.calls(),
            admission=self.admission(),
            callback_url=lambda gateway, job_id: f"https://us.example/v1/callbacks/{gateway}/{job_id}/{MAC}",
            schedule=PACE,
            grace_seconds=GRACE,
            clock=self.clock,
            random_bytes=os.urandom,
            repeats=Repeats(SentRequests(self.dynamodb, TABLE)),
        )

    def admission(self) -> Admission:
        return make_admission(self.calls(), BREAKER_FAILURES, BREAKER_SECONDS)

    def breaker(self) -> CircuitBreaker:
        return self.admission().breaker

    def task_checker(self) -> TaskChecker:
        return make_task_checker(
            jobs=self.jobs,
            receipts=self.receipts,
            calls=self.calls(),
            schedule=PACE,
            grace_seconds=GRACE,
            executions=self.executions,  # type: ignore[arg-type]
            on_progress=self.progress_announcer().note,
            clock=self.clock,
        )

    def announcer(self) -> Announcer:
        return Announcer(bus=EventBus(self.bus, "bus"), bucket=BUCKET, outbox=self.outbox())  # type: ignore[arg-type]

    def outbox(self) -> Outbox:
        return make_outbox(self.dynamodb, TABLE, lambda: self.sqs, "webhooks", self.clock)  # type: ignore[arg-type,return-value]

    def progress_announcer(self) -> ProgressAnnouncer:
        """What is noted stays noted until ``announce_noted``."""
        return ProgressAnnouncer(jobs=self.jobs, announcer=self.announcer(), _noted=self.noted)

    def job_finisher(self) -> JobFinisher:
        return JobFinisher(
            jobs=self.jobs,
            announcer=self.announcer(),
            manifests=ManifestWriter(jobs=self.jobs, s3=self.s3, bucket=BUCKET),
            clock=self.clock,
        )

    def account_figures(self) -> AccountFigures:
        return AccountFigures(AccountItems(self.dynamodb, TABLE), self.secret, self.clock)

    def job_reconciler(self) -> JobReconciler:
        return JobReconciler(
            jobs=self.jobs,
            executions=self.executions,  # type: ignore[arg-type]
            eraser=self.job_eraser(),
            send_webhooks=self.outbox().send_due,
            find_running=BatchReader(self.calls()).find_running,
            count_accounts=self.account_figures().count,
            read_balances=lambda _: None,
            slack_seconds=PACE.slack,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def job_eraser(self) -> JobEraser:
        return JobEraser(deletions=self.jobs.deletions, s3=self.s3, assets_bucket=BUCKET, receipts_bucket=RECEIPTS)

    def job_deleter(self) -> JobDeleter:
        return JobDeleter(jobs=self.jobs, eraser=self.job_eraser(), clock=self.clock)

    def accept(self, gateway: str = "ttapi", key: str = "key-1", kind: str = "music", **given: Any) -> str:
        song = {"prompt": "a song about rain", **({} if GATEWAYS[gateway].models else {"model": "chirp-v6"})}
        body = {"gateway": gateway, "kind": kind, "input": given or song, "metadata": {"order": "7"}}
        return self.job_submitter().submit_job("acme", body, key)[0].job.job_id

    def generating(self, gateway: str = "ttapi") -> str:
        """A job whose task J1 the gateway has accepted."""
        job_id = self.accept(gateway)
        job = replace(self.job(job_id), stage_words=GATEWAYS[gateway].stage_words or None)
        job = self.jobs.submissions.begin_submission(
            job, "i1", file_terms(GATEWAYS[gateway]), now=self.now, due_at=self.now + 60
        )
        self.jobs.submissions.accept_task(job, "J1", now=self.now, due_at=self.now + 60)
        return job_id

    def start_storing(self, job_id: str) -> Job:
        """As Check Task does once the task is complete."""
        job = self.job(job_id)
        return self.jobs.start_storing(job, job.with_ends({0: TaskEnd.COMPLETE}), now=self.now, due_at=self.now)

    def use_up_slots(self, job_id: str, seconds: float = AHEAD_SECONDS + 0.1) -> None:
        """All slots of the job's account until then."""
        job = self.job(job_id)
        taken = Change(sets={"arrival": int(1000 * (self.clock() + seconds))})
        AccountItems(self.dynamodb, TABLE).change(job, "RATE", taken)

    def view(self, job_id: str) -> JobView:
        found = self.jobs.view(job_id)
        assert found is not None
        return found

    def job(self, job_id: str) -> Job:
        found = self.jobs.get(job_id)
        assert found is not None
        return found

    def tracks(self, job_id: str) -> dict[str, Any]:
        view = self.jobs.view(job_id)
        assert view is not None
        return {track.track_id: track for track in view.tracks}

    def due(self, after: int = 10**6) -> list[str]:
        return [job_id for job_id, _ in self.jobs.due_index.due_jobs(self.now + after)]

    def items(self, prefix: str) -> list[dict[str, Any]]:
        """The items with this sort key, or with this prefix if it is empty or ends with #."""
        found = self.dynamodb.scan(TableName=TABLE)["Items"]
        partly = not prefix or prefix.endswith("#")
        return [item for item in found if item["sk"]["S"] == prefix or (partly and item["sk"]["S"].startswith(prefix))]

    @property
    def now(self) -> int:
        return int(self.clock())


@cache
def template() -> dict[str, Any]:
    return read_template(ROOT)


def table_definition(logical_id: str) -> dict[str, Any]:
    """The table as ``template.yaml`` defines it, for ``create_table``."""
    properties = template()["Resources"][logical_id]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {name: properties[name] for name in names if name in properties}


JOBS_TABLE = table_definition("JobsTable")
API_KEYS_TABLE = table_definition("ApiKeysTable")


def a_job(**given: Any) -> Job:
    """A music job at TTAPI; ``given`` replaces defaults. ``task_id`` and ``submitted_at`` are those of its one attempt."""
    attempt = given.pop("submitted_at", None), given.pop("task_id", None)
    if attempt != (None, None):
        given["attempts"] = (Attempt(attempt[0] or 0, attempt[1]),)
    defaults = {
        "job_id": "job_1",
        "tenant": "acme",
        "gateway": "ttapi",
        "kind": Kind.MUSIC,
        "expects": Result.TRACKS,
        "state": JobState.STORING,
        "created_at": 0,
        "updated_at": 0,
        "deadline_at": 0,
        "fingerprint": "f",
    }
    return Job(**{**defaults, **given})


class FixedSecret:
    """A client of Secrets Manager with one secret; ``value`` may be changed, as by a rotation. ``throttled`` reads fail."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.reads = 0
        self.throttled = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803, ARG002 - boto3's own spelling
        self.reads += 1
        if self.throttled:
            self.throttled -= 1
            raise AwsError({"Error": {"Code": "ThrottlingException"}}, "GetSecretValue")
        return {"SecretString": json.dumps(self.value)}


ACCOUNTS = {
    f"{name}/default": {"api_key": f"key-of-{name}"} | ({} if each.base_url else {"base_url": f"https://{name}.example"})
    for name, each in GATEWAYS.items()
}
