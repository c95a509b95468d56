"""``suno-jobs outputs``: the outputs of a stack as environment variables, which the other commands take."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.problems import NotFound

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


def print_outputs(
    *,
    stack: Annotated[str, Parameter(help="the name of the stack, such as suno-jobs-dev")],
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="print one JSON object instead")] = False,
) -> None:
    """Print the outputs of a stack as export lines for the shell."""
    variables = {variable_name(name): value for name, value in read_outputs(aws.cloudformation(), stack).items()}
    if as_json:
        print(json.dumps(variables, indent=2))
        return
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def read_outputs(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """By their names in the template. Raises NotFound while the stack has none, as before its first deployment has ended."""
    [found] = client.describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    if not outputs:
        raise NotFound(f"The stack {stack} has no outputs. Its status is {found['StackStatus']}.")
    return outputs


def variable_name(output: str) -> str:
    """``ApiUrl`` is API_URL."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).upper()
