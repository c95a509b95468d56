"""``suno-jobs``: commands for operators, run with the AWS credentials of the shell."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from suno_jobs.cli.explain import explain
from suno_jobs.cli.quarantine import QuarantineReleaser, listed
from suno_jobs.errors import AssetError, Conflict
from suno_jobs.jobs.identifiers import TENANT_RULE, is_tenant_name
from suno_jobs.runtime.aws import UPLOAD_CONFIG
from suno_jobs.steps.authorize import key_hash
from suno_jobs.storage.attribute_values import pack
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

NewSecret = Callable[[], str]


def create_key(client: DynamoDBClient, table: str, tenant: str, new_secret: NewSecret) -> str:
    """Creates an API key for a tenant and returns it. Only its digest is stored: it cannot be shown again.

    Raises ValueError if the tenant's name breaks TENANT_RULE.
    """
    if not is_tenant_name(tenant):
        raise ValueError(TENANT_RULE)
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
    return list(explain(view, receipts.list_receipts(job_id)))


def _add_quarantine(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="print the files in quarantine")
    release = actions.add_parser("release", help="make one of them an asset of its track")
    for action in (listing, release):
        action.add_argument("job_id")
        action.add_argument("--table", required=True, help="the stack's output JobsTable")
    release.add_argument("sha256", help="its beginning is enough")
    release.add_argument("--bucket", required=True, help="the stack's output AssetsBucket")
    release.add_argument("--extension", type=_extension, help="of a file whose content does not show its format, such as mp3")


def _extension(text: str) -> str:
    if not (text.isascii() and text.isalnum() and len(text) <= 8):
        raise argparse.ArgumentTypeError("1 to 8 letters and digits")
    return text


def _quarantine(options: argparse.Namespace) -> Iterator[str]:
    """Raises LookupError, AssetError, Conflict, and errors of AWS."""
    jobs = JobStore(boto3.client("dynamodb"), options.table)
    if options.action == "list":
        if (view := jobs.view(options.job_id)) is None:
            raise LookupError(f"no job {options.job_id}")
        yield from listed(view)
        return
    releaser = QuarantineReleaser(
        jobs=jobs, s3=boto3.client("s3", config=UPLOAD_CONFIG), bucket=options.bucket, clock=time.time
    )
    yield f"released as {releaser.release_file(options.job_id, options.sha256, options.extension)}"
    yield "The next sweep completes the job."


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
    _add_quarantine(commands.add_parser("quarantine", help="list files that did not pass the checks, or release one"))
    options = parser.parse_args(arguments)
    if options.command == "quarantine":
        try:
            print(*_quarantine(options), sep="\n", file=out)
        except (LookupError, AssetError, Conflict, ClientError, BotoCoreError) as error:
            print(error, file=sys.stderr)
            return 1
    elif options.command == "explain":
        try:
            print(*explain_job(boto3.client("dynamodb"), options.table, options.job_id), sep="\n", file=out)
        except LookupError as error:
            print(error, file=sys.stderr)
            return 1
    elif options.command == "create-key":
        if not is_tenant_name(options.tenant):
            print(TENANT_RULE, file=sys.stderr)
            return 2
        print(create_key(boto3.client("dynamodb"), options.table, options.tenant, secrets.token_urlsafe), file=out)
    else:
        rotate_callback_secret(boto3.client("secretsmanager"), options.secret, secrets.token_urlsafe)
        print("rotated", file=out)
    return 0
