"""``suno-jobs doctor``: checks a stack and its gateway accounts, one line each, at no cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.account_checks import check_accounts
from suno_jobs.cli.checks import Check, State
from suno_jobs.cli.options import AsJson, JobsTable, show
from suno_jobs.cli.problems import EXPECTED, ExitCode, describe, printable
from suno_jobs.cli.stack import NO_STACK, Stack, StackOption
from suno_jobs.cli.stack_checks import StackChecks
from suno_jobs.network.http import httpx
from suno_jobs.runtime.secrets import Secret
from suno_jobs.traffic.calls import connect

REQUEST_SECONDS = 10


def print_checks(
    *,
    stack: StackOption = NO_STACK,
    secret: Annotated[str | None, Parameter(help="the stack's output GatewayAccountsSecretArn")] = None,
    table: JobsTable = None,
    as_json: AsJson = False,
) -> int:
    """Check a stack and the key of every gateway account, at no cost. Each line that is not ok says what to do.

    A key is checked by its balance, or by reading a task that does not exist. Without `--stack`, only the keys are checked.

    ```
    suno-jobs doctor --stack suno-jobs-dev
    ```
    """
    checks = []
    for check in _checks(stack, secret, table):
        if not as_json:
            print(printable(check.describe()), flush=True)
        checks.append(check)
    show([check.view() for check in checks], (), as_json=as_json)
    return ExitCode.NOT_DONE if any(check.state is State.FAILED for check in checks) else ExitCode.DONE


def _checks(stack: Stack, secret: str | None, table: str | None) -> Iterator[Check]:
    if stack.is_named:
        yield from StackChecks(stack, time.time, aws.client, post_forged).check_stack()
    accounts = Secret(aws.secrets_manager, stack.output("GatewayAccountsSecretArn", secret), time.monotonic)
    calls = connect(aws.dynamodb(), stack.output("JobsTable", table), accounts, time.time, time.sleep)
    try:
        yield from check_accounts(calls)
    except EXPECTED as problem:
        yield Check("accounts", "cannot be checked:", describe(problem))


def post_forged(url: str) -> int | str:
    """The status of a request with an empty object, or why there is none."""
    try:
        return httpx.post(url, json={}, timeout=REQUEST_SECONDS).status_code
    except httpx.HTTPError as error:
        return type(error).__name__
