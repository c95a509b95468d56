"""``suno-jobs sweep``: runs the reconciliation now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, show
from suno_jobs.cli.problems import ExitCode, NotDone, NotFound
from suno_jobs.cli.stack import NO_STACK, StackOption

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

FUNCTION = "ReconcileJobsFunction"
ALIAS = "live"


def print_sweep(
    *,
    stack: StackOption = NO_STACK,
    function: Annotated[str | None, Parameter(help="the name of the function reconcile_jobs")] = None,
    as_json: AsJson = False,
) -> int:
    """Run a sweep now: it resumes the jobs that are overdue. May be repeated, also while another one runs.

    ```
    suno-jobs sweep --stack suno-jobs-dev
    ```
    """
    swept = run_sweep(aws.functions(), function or stack.resource(FUNCTION))
    left = "Nothing that is due is left." if swept["complete"] else "Some jobs are left; the next sweep continues."
    show(swept, [f"{swept['woken']} executions woken, {swept['started']} started. {left}"], as_json=as_json)
    return ExitCode.DONE if swept["complete"] else ExitCode.NOT_DONE


def run_sweep(client: LambdaClient, function: str) -> dict[str, Any]:
    """What the sweep returned. Raises NotDone if it failed, and NotFound if the function is another one."""
    answer = client.invoke(FunctionName=function, Qualifier=ALIAS, Payload=b"{}")
    result: Any = json.load(answer["Payload"])
    if answer.get("FunctionError"):
        reason = f"{result['errorType']}: {result['errorMessage']}"
        raise NotDone(f"The sweep failed: {reason}. The log of reconcile_jobs names the jobs; all others were resumed.")
    if not isinstance(result, dict) or not {"started", "woken", "complete"} <= result.keys():
        raise NotFound(f"{function} is not the function reconcile_jobs of a stack.")
    return result
