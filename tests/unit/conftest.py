from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from suno_jobs.receipts import ReceiptStore
from suno_jobs.secret import Secret
from suno_jobs.store import JobStore
from tests.world import ACCOUNTS, BUCKET, JOBS_TABLE, RECEIPTS, TABLE, Clock, FakeBus, FakeExecutions, FixedSecret, Wire, World


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        s3 = boto3.client("s3")
        dynamodb.create_table(TableName=TABLE, **JOBS_TABLE)
        s3.create_bucket(Bucket=BUCKET)
        s3.create_bucket(Bucket=RECEIPTS)
        yield SimpleNamespace(dynamodb=dynamodb, s3=s3)


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
