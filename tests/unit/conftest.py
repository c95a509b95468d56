from __future__ import annotations

from types import SimpleNamespace

import pytest

from suno_jobs.receipts import ReceiptStore
from suno_jobs.secret import Secret
from suno_jobs.store import JobStore
from tests.world import ACCOUNTS, RECEIPTS, TABLE, Clock, FakeBus, FakeExecutions, FixedSecret, Wire, World


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
