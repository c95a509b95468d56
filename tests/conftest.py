"""Unit tests, property tests and the simulation run without sockets: they must not depend on anything outside the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend

from tests.world import BUCKET, JOBS_TABLE, RECEIPTS, TABLE

TESTS = Path(__file__).parent
WITHOUT_SOCKETS = (TESTS / "unit", TESTS / "properties", TESTS / "simulation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WITHOUT_SOCKETS):
            item.add_marker("disable_socket")


@pytest.fixture(scope="module")
def moto() -> Iterator[SimpleNamespace]:
    """Clients of moto, shared by a module: creating one takes longer than most tests."""
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    with patch.dict(os.environ, credentials), mock_aws():
        os.environ.pop("AWS_PROFILE", None)
        yield SimpleNamespace(dynamodb=boto3.client("dynamodb"), s3=boto3.client("s3"))


@pytest.fixture
def aws(moto: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """A new table and new buckets."""
    moto.dynamodb.create_table(TableName=TABLE, **JOBS_TABLE)
    moto.s3.create_bucket(Bucket=BUCKET)
    moto.s3.create_bucket(Bucket=RECEIPTS)
    yield moto
    for service in ("dynamodb", "s3", "secretsmanager"):
        get_backend(service).reset()
