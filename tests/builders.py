"""Builders that test modules share: handlers and events, jobs in a given state, replies of gateways, failing AWS clients."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import importlib.util
import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import lameenc
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault, NoSlot
from suno_jobs.jobs.record import Asset, JobView
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.traffic.account_items import AtAccount
from suno_jobs.traffic.callback_urls import mac
from tests.documented import check_answer
from tests.simulation.aws_table import Exceptions
from tests.world import BREAKER_FAILURES, DEADLINE, ROOT, START, TABLE, Clock, FixedSecret, World, a_job

Handler = Callable[[dict[str, Any]], Any]

# Events and handlers


class LambdaContext:
    function_name = "f"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def event(name: str) -> dict[str, Any]:
    """A sample event of ``events/``, such as ``read_jobs/job``."""
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


def load_app(function: str) -> Any:
    """A new module of the function's ``app.py``, with nothing cached."""
    spec = importlib.util.spec_from_file_location(f"app_{function}", ROOT / "functions" / function / "app.py")
    assert spec
    assert spec.loader
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return app


def handler(function: str) -> Handler:
    """The handler of a function. If it answers a client, the answer must be documented."""
    app = load_app(function)

    def handle(given: dict[str, Any]) -> Any:
        answer = app.lambda_handler(given, LambdaContext())
        if "statusCode" in answer:
            http = given["requestContext"]["http"]
            headers = {**answer.get("headers", {}), **answer.get("multiValueHeaders", {})}
            check_answer(http["method"], given["rawPath"], answer["statusCode"], headers, answer.get("body") or "")
        return answer

    return handle


# Jobs

JOB = a_job(created_at=START, updated_at=START, deadline_at=START + DEADLINE)
JOB_ID = "job_0123456789abcdefghijklmnop"
"""The job that the sample events are about."""

AUDIO = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="00")


def put_job(world: World, state: JobState = JobState.GENERATING, **changes: Any) -> None:
    """Stores the job that the sample events are about."""
    times = {"created_at": world.now, "updated_at": world.now, "deadline_at": world.now + 900}
    job = a_job(job_id=JOB_ID, state=state, **times, **changes)
    request = {"gateway": "ttapi", "input": {"prompt": "rain"}, "sources": [], "gateways": ["ttapi"]}
    assert world.jobs.submissions.create(job, request, due_at=world.now)


def await_signal(world: World, job_id: str, token: str = "token") -> None:
    """Does what Await Signal does: stores a task token, unless there is a signal already."""
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET task_token = :t",
        ConditionExpression="attribute_not_exists(signalled)",
        ExpressionAttributeValues={":t": {"S": token}},
    )


def ended_execution(world: World, job_id: str) -> None:
    for name in list(world.executions.states):
        if name[0] == job_id:
            world.executions.states[name] = ExecutionState.ENDED


def lost(world: World, gateway: str = "ttapi") -> str:
    """A job whose gateway never answered the submission."""
    job_id = world.accept(gateway)
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.task_creator().create_task(job_id)
    return job_id


def timed_out(world: World, job_id: str | None = None) -> str:
    """A job that timed out while its task was still running."""
    job_id = job_id or world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)
    return job_id


def store(world: World, step: NextStep, missing: dict[str, Fault] | None = None) -> None:
    for track_id in step.tracks:
        world.jobs.tracks.store_track(step.job_id, track_id, [AUDIO], missing or {}, 12.5)


def always() -> bool:
    """There is always time left."""
    return True


def hanging(world: World, seconds: float = 35) -> Callable[[httpx.Request], httpx.Response]:
    """A gateway that accepts a request and never answers it."""

    def hang(_: httpx.Request) -> httpx.Response:
        world.clock.sleep(seconds)
        raise httpx.ReadTimeout("hanging")

    return hang


# Replies of TTAPI

RUNNING = {"status": "ON_QUEUE", "message": None, "jobId": "J1", "data": {"jobId": "J1", "musics": None, "progress": "40%"}}


def task(*musics: Any, status: str = "SUCCESS") -> httpx.Response:
    body = {"status": status, "message": "m", "jobId": "J1", "data": {"jobId": "J1", "action": "music", "musics": list(musics)}}
    return httpx.Response(200, json=body)


def music(number: int, url: str | None = "https://cdn.example/{}.mp3") -> dict[str, Any]:
    return {"musicId": f"m-{number}", "audioUrl": url and url.format(number), "title": "Rain", "duration": "12.5"}


def running() -> httpx.Response:
    return httpx.Response(200, json=RUNNING)


ACCEPTED = httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}})


# AWS clients that fail


class Denied:
    """A client whose every call is denied."""

    exceptions = Exceptions

    def __getattr__(self, _: str) -> Any:
        def deny(**_: Any) -> Any:
            raise AwsError({"Error": {"Code": "AccessDeniedException"}}, "Any")

        return deny


class Throttled:
    """A table that refuses every write, and reads from another one if there is one."""

    exceptions = Exceptions

    def __init__(self, reads: Any = None, code: str = "ThrottlingException") -> None:
        self.code = code
        if reads is not None:
            self.get_item, self.get_paginator = reads.get_item, reads.get_paginator

    def update_item(self, **_: Any) -> None:
        raise AwsError({"Error": {"Code": self.code}}, "UpdateItem")

    def delete_item(self, **_: Any) -> None:
        raise AwsError({"Error": {"Code": self.code}}, "DeleteItem")


class Contended:
    """A table on which another transaction always changes the same item."""

    def __init__(self, world: World, code: str = "TransactionConflict") -> None:
        self.exceptions = world.dynamodb.exceptions
        self.code = code

    def transact_write_items(self, **_: Any) -> None:
        reasons = {"CancellationReasons": [{"Code": self.code}], "Error": {"Code": "TransactionCanceledException"}}
        raise self.exceptions.TransactionCanceledException(reasons, "TransactWriteItems")

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {}

    def get_paginator(self, _: str) -> Contended:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return []


# The circuit breaker

DOWN = Fault(ErrorCode.GATEWAY_ERROR, "down")


def opened(world: World, gateway: str = "ttapi") -> None:
    """Opens the circuit breaker of the gateway for the tenant of ``a_job``."""
    job, breaker = a_job(gateway=gateway), world.breaker()
    for _ in range(BREAKER_FAILURES):
        breaker.record(job, breaker.read(job), DOWN)


# Secrets and callbacks


def use_all_slots(world: World, at: AtAccount) -> None:
    """No request may be sent to the account at the moment."""
    calls = world.calls()
    with contextlib.suppress(NoSlot):
        while True:
            calls.reserve_slot(at)


def use_accounts(world: World, client: Any) -> None:
    """Makes a client of Secrets Manager the source of the gateway accounts."""
    world.secret = Secret(lambda: client, "accounts", world.clock)


BODY = b'{"jobId": "J1", "status": "SUCCESS"}'


class RotatingSecret:
    """The callback secret; ``client.value`` may be changed as a rotation would."""

    def __init__(self, clock: Clock, **values: str) -> None:
        self.client = FixedSecret(values)
        self.secret = Secret(lambda: self.client, "callback", clock)  # type: ignore[arg-type,return-value]


def path(job_id: str, secret: str = "new", gateway: str = "ttapi") -> str:
    return f"/v1/callbacks/{gateway}/{job_id}/{mac(secret, gateway, job_id)}"


def cancel(world: World, job_id: str) -> JobView:
    canceller = JobCanceller(jobs=world.jobs, executions=world.job_creator().executions, clock=world.clock)
    return canceller.cancel_job("acme", job_id)


def kie_signature(key: str, task_id: str, timestamp: int | str) -> dict[str, str]:
    """The headers with which kie.ai signs a callback."""
    digest = hmac.digest(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return {"x-webhook-timestamp": str(timestamp), "X-Webhook-Signature": base64.b64encode(digest).decode()}


# Media files

SAMPLES = ROOT / "tests" / "samples"


@cache
def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - test data, no secrets


def mp3(samples: bytes, rate: int, channels: int = 1, kbps: int = 64) -> bytes:
    """Frames and nothing else: fed piece by piece, LAME adds neither tags nor a Xing header."""
    encoder = lameenc.Encoder()
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(channels)
    encoder.set_bit_rate(kbps)
    encoder.silence()
    return bytes(encoder.encode(samples)) + bytes(encoder.flush())
