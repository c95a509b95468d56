"""The AWS clients of the commands, with the region and the credentials of the shell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from suno_jobs.cli.problems import WrongArgument
from suno_jobs.runtime.aws import UPLOAD, WORK

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient


# A sweep may run for its whole timeout. Two at once do no harm, but a repetition is not what was asked for.
_SWEEP = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=150)
_LONG_POLL = Config(connect_timeout=5, read_timeout=30)


@contextmanager
def _with_one_error() -> Iterator[None]:
    """botocore raises a plain ValueError for an endpoint that is no URL, and for a wrong port only when it is called."""
    try:
        _ = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).port
        yield
    except ValueError as error:
        raise WrongArgument(str(error)) from error


def client(service: Any) -> Any:
    """A client of any service, for one that has no function here."""
    with _with_one_error():
        return boto3.client(service, config=WORK)


def dynamodb() -> DynamoDBClient:
    with _with_one_error():
        return boto3.client("dynamodb", config=WORK)


def s3() -> S3Client:
    with _with_one_error():
        return boto3.client("s3", config=UPLOAD)


def events() -> EventBridgeClient:
    with _with_one_error():
        return boto3.client("events", config=WORK)


def functions() -> LambdaClient:
    with _with_one_error():
        return boto3.client("lambda", config=_SWEEP)


def sqs() -> SQSClient:
    with _with_one_error():
        return boto3.client("sqs", config=_LONG_POLL)


def stepfunctions() -> SFNClient:
    with _with_one_error():
        return boto3.client("stepfunctions", config=WORK)


def secrets_manager() -> SecretsManagerClient:
    with _with_one_error():
        return boto3.client("secretsmanager", config=WORK)


def cloudformation() -> CloudFormationClient:
    with _with_one_error():
        return boto3.client("cloudformation", config=WORK)
