"""``suno-jobs``: commands for operators, run with the AWS credentials of the shell."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

import boto3

from suno_jobs.cli.explain import explain
from suno_jobs.steps.authorize import key_hash
from suno_jobs.storage.attribute_values import pack
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

NewSecret = Callable[[], str]


def create_key(client: DynamoDBClient, table: str, tenant: str, new_secret: NewSecret) -> str:
    """Creates an API key for a tenant and returns it. Only its digest is stored: it cannot be shown again."""
    key = new_secret()
    client.put_item(
        TableName=table,
        Item=pack({"key_hash": key_hash(key), "tenant": tenant}),
        ConditionExpression="attribute_not_exists(key_hash)",
    )
    return key


def rotate_callback_secret(client: SecretsManagerClient, secret_id: str, new_secret: NewSecret) -> None:
    """Replaces the current secret with a new one and keeps it as the previous one.

    Callbacks in flight are still accepted. After a second rotation, callbacks of jobs that were submitted under the oldest
    secret are refused; polling still finds their results.
    """
    values = json.loads(client.get_secret_value(SecretId=secret_id)["SecretString"])
    rotated = {**values, "current": new_secret(), "previous": values["current"]}
    client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(rotated))


def explain_job(client: DynamoDBClient, table: str, job_id: str) -> list[str]:
    """The timeline of one job. Raises LookupError when there is no such job."""
    view = JobStore(client, table).view(job_id)
    if view is None:
        raise LookupError(f"no job {job_id}")
    receipts = ReceiptStore(client, table, lambda: boto3.client("s3"), "", ttl_days=0)
    return list(explain(view, receipts.listed(job_id)))


def main(arguments: Sequence[str] | None = None, out: TextIO = sys.stdout) -> int:
    parser = argparse.ArgumentParser(prog="suno-jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-key", help="create an API key for a tenant and print it once")
    create.add_argument("tenant")
    create.add_argument("--table", required=True, help="the stack's output ApiKeysTable")
    rotate = commands.add_parser("rotate-callback-secret", help="replace the callback secret; the old one is still accepted")
    rotate.add_argument("--secret", required=True, help="the stack's output CallbackSecretArn")
    explained = commands.add_parser("explain", help="print the history of a job")
    explained.add_argument("job_id")
    explained.add_argument("--table", required=True, help="the stack's output JobsTable")
    options = parser.parse_args(arguments)
    if options.command == "explain":
        try:
            print(*explain_job(boto3.client("dynamodb"), options.table, options.job_id), sep="\n", file=out)
        except LookupError as error:
            print(error, file=sys.stderr)
            return 1
    elif options.command == "create-key":
        print(create_key(boto3.client("dynamodb"), options.table, options.tenant, secrets.token_urlsafe), file=out)
    else:
        rotate_callback_secret(boto3.client("secretsmanager"), options.secret, secrets.token_urlsafe)
        print("rotated", file=out)
    return 0
