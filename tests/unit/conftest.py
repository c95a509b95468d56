from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest

from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.tenants.key_table import KeyTable
from tests.api_keys import an_api_key
from tests.builders import RotatingSecret
from tests.secrets_in_logs import LoggedLines
from tests.world import (
    ACCOUNTS,
    API_KEYS_TABLE,
    BUCKET,
    PACE,
    RECEIPTS,
    TABLE,
    Clock,
    FakeBus,
    FakeExecutions,
    FixedSecret,
    Wire,
    World,
)


@pytest.fixture(scope="session")
def logged_lines() -> Iterator[LoggedLines]:
    lines = LoggedLines()
    with pytest.MonkeyPatch.context() as patch:
        lines.install(patch)
        yield lines


@pytest.fixture(autouse=True)
def no_secret_in_a_log(logged_lines: LoggedLines) -> Iterator[None]:
    """I9, in every unit test."""
    yield
    assert logged_lines.take_secrets() == []


@pytest.fixture
def world(aws: SimpleNamespace) -> World:
    clock = Clock()
    return World(
        clock=clock,
        dynamodb=aws.dynamodb,
        s3=aws.s3,
        jobs=JobStore(aws.dynamodb, TABLE),
        receipts=ReceiptStore(aws.dynamodb, TABLE, lambda: aws.s3, RECEIPTS, ttl_days=30),
        executions=FakeExecutions(),
        bus=FakeBus(),
        wire=Wire(),
        secret=Secret(lambda: FixedSecret(ACCOUNTS), "accounts", clock),  # type: ignore[arg-type,return-value]
    )


@pytest.fixture
def rotating(world: World) -> RotatingSecret:
    return RotatingSecret(world.clock, current="new", previous="old")


@pytest.fixture
def receiver(world: World, rotating: RotatingSecret) -> CallbackReceiver:
    return CallbackReceiver(
        secret=rotating.secret,
        receipts=world.receipts,
        signals=world.jobs.signals,
        rate_limiter=world.calls().rate_limiter,
        executions=lambda: world.executions,  # type: ignore[arg-type,return-value]
        slack_seconds=PACE.slack,
        clock=world.clock,
    )


@pytest.fixture
def state_machine(aws_on_moto: SimpleNamespace) -> str:
    """The ARN of a state machine whose executions run until they are stopped."""
    role = "arn:aws:iam::123456789012:role/unused"
    definition = '{"StartAt": "Rest", "States": {"Rest": {"Type": "Succeed"}}}'
    created = boto3.client("stepfunctions").create_state_machine(name="m", definition=definition, roleArn=role)
    return created["stateMachineArn"]


@pytest.fixture
def deployed(aws_on_moto: SimpleNamespace, state_machine: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the handlers need: their resources on moto, and the environment that the template gives them."""
    secrets = boto3.client("secretsmanager")
    callback = secrets.create_secret(Name="callback", SecretString='{"current": "local-test-secret", "previous": ""}')
    accounts = secrets.create_secret(Name="accounts", SecretString="{}")
    boto3.client("events").create_event_bus(Name="bus")
    aws_on_moto.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    KeyTable(aws_on_moto.dynamodb, "keys").add(an_api_key())
    environment = {
        "JOBS_TABLE": TABLE,
        "API_KEYS_TABLE": "keys",
        "ASSETS_BUCKET": BUCKET,
        "RECEIPTS_BUCKET": RECEIPTS,
        "CALLBACK_SECRET_ARN": callback["ARN"],
        "GATEWAY_ACCOUNTS_SECRET_ARN": accounts["ARN"],
        "STATE_MACHINE_ARN": state_machine,
        "EVENT_BUS_NAME": "bus",
        "WEBHOOK_QUEUE_URL": "webhooks",
        "ASSETS_BUCKET_NAME": BUCKET,
        "WAIT_FUNCTION": "wait-for-job",
        "ASSETS_ORIGINS": "https://assets.example",
        "PUBLIC_BASE_URL": "https://api.example",
        **dict.fromkeys(("FIRST_CHECK_SECONDS", "CHECK_INTERVAL_SECONDS", "MAX_CHECK_INTERVAL_SECONDS"), "20"),
        **dict.fromkeys(("JOB_DEADLINE_SECONDS", "AMBIGUOUS_SUBMIT_GRACE_SECONDS", "URL_LIFETIME_SECONDS"), "900"),
        "RECEIPT_TTL_DAYS": "30",
        "AUTO_GATEWAYS": "ttapi,crun",
        "AMBIGUOUS_SUBMIT_POLICY": "fail",
        **dict.fromkeys(("BREAKER_FAILURES", "BREAKER_OPEN_SECONDS"), "60"),
        "ASSETS_STORAGE_CLASS": "STANDARD",
        **dict.fromkeys(("MAX_AUDIO_BYTES", "MAX_IMAGE_BYTES", "MAX_VIDEO_BYTES"), "1000000"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return aws_on_moto
