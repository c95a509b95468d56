"""Unit tests, property tests and the simulation run without sockets: they must not depend on anything outside the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.aws_in_memory import CheckedClient, OnFirstUse
from tests.garbage import collect_garbage_less_often
from tests.simulation.aws_table import DynamoDb
from tests.world import API_KEYS_TABLE, BUCKET, JOBS_TABLE, RECEIPTS, TABLE

TESTS = Path(__file__).parent
WITHOUT_SOCKETS = (TESTS / "unit", TESTS / "properties", TESTS / "simulation")

# An example may take any time on a busy machine.
settings.register_profile("suno-jobs", deadline=None)
settings.load_profile("suno-jobs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WITHOUT_SOCKETS):
            item.add_marker("disable_socket")


def pytest_collection_finish() -> None:
    collect_garbage_less_often()


@pytest.fixture(scope="module")
def moto() -> Iterator[SimpleNamespace]:
    """Clients of moto, shared by a module: creating one takes longer than most tests."""
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    with patch.dict(os.environ, credentials), mock_aws():
        os.environ.pop("AWS_PROFILE", None)
        yield SimpleNamespace(dynamodb=boto3.client("dynamodb"), s3=boto3.client("s3"))


@pytest.fixture
def buckets(moto: SimpleNamespace) -> Iterator[Any]:
    """A client of new buckets of moto. They are made without requests, each of which would take as long as a test."""
    backends = get_backend("s3")
    for name in (BUCKET, RECEIPTS):
        backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, "us-east-1")
    yield moto.s3
    backends.reset()


@pytest.fixture
def aws_on_moto(moto: SimpleNamespace, buckets: Any) -> Iterator[SimpleNamespace]:
    """A new table and new buckets of moto, which clients of boto3 reach that a test or a handler makes itself."""
    moto.dynamodb.create_table(TableName=TABLE, **JOBS_TABLE)
    yield moto
    for service in ("dynamodb", "secretsmanager"):
        get_backend(service).reset()


@pytest.fixture
def aws(request: pytest.FixtureRequest) -> SimpleNamespace:
    """New tables in memory, which take a quarter of moto's time, and buckets of moto, made when first used.
    Everything is on moto in a test that uses ``aws_on_moto``, such as those of the handlers, and in all tests with ON_MOTO=1.
    """
    if "aws_on_moto" in request.fixturenames or os.environ.get("ON_MOTO"):
        on_moto: SimpleNamespace = request.getfixturevalue("aws_on_moto")
        return on_moto
    tables = CheckedClient("dynamodb", DynamoDb({TABLE: JOBS_TABLE, "keys": API_KEYS_TABLE}))
    return SimpleNamespace(dynamodb=tables, s3=OnFirstUse(lambda: request.getfixturevalue("buckets")))
