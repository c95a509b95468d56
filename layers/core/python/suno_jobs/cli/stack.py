"""Where a command finds the tables, buckets, secrets and queues: from the outputs of a stack, or from its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token

from suno_jobs.cli import aws
from suno_jobs.cli.problems import NotFound, WrongArgument

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import DescribeStacksOutputTypeDef, StackTypeDef

VARIABLE = "SUNO_JOBS_STACK"
OPTIONS = {
    "ApiKeysTable": "--api-keys",
    "AssetsBucket": "--bucket",
    "CallbackQueueUrl": "--queue",
    "CallbackSecretArn": "--secret",
    "EventBus": "--bus",
    "FailedCallbacksQueueUrl": "--queue",
    "GatewayAccountsSecretArn": "--secret",
    "JobsTable": "--table",
    "ReceiptsBucket": "--receipts",
    "StateMachineArn": "--state-machine",
}
"""The option that replaces an output, for a shell that may not read CloudFormation."""


class Stack:
    """A stack by its name. It is read when something of it is needed, once for a command.

    What reads it raises the ClientError of boto3 if the stack does not exist or must not be read.
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """Raises WrongArgument if none is given."""
        if not self._name:
            raise WrongArgument(f"Name the stack with --stack, or in the environment variable {VARIABLE}.")
        return self._name

    @property
    def is_named(self) -> bool:
        return bool(self._name)

    @cached_property
    def _answer(self) -> DescribeStacksOutputTypeDef:
        return aws.cloudformation().describe_stacks(StackName=self.name)

    @property
    def described(self) -> StackTypeDef:
        return self._answer["Stacks"][0]

    @property
    def answered_at(self) -> str:
        """When AWS answered, by its own clock, as in the header Date."""
        return self._answer["ResponseMetadata"]["HTTPHeaders"]["date"]

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """By their names in the template. Raises NotFound while there are none, as before the first deployment has ended."""
        outputs = {output["OutputKey"]: output["OutputValue"] for output in self.described.get("Outputs", ())}
        if not outputs:
            raise NotFound(f"The stack {self.name} has no outputs. Its status is {self.described['StackStatus']}.")
        return outputs

    @property
    def parameters(self) -> Mapping[str, str]:
        given = self.described.get("Parameters", ())
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in given}

    def output(self, name: str, given: str | None = None) -> str:
        """What was given, otherwise the output of that name. Raises WrongArgument if neither is there."""
        if given is not None:
            return given
        if self._name is None and name in OPTIONS:
            raise WrongArgument(
                f"Name the stack with --stack, or in the environment variable {VARIABLE}. "
                f"Without CloudFormation, pass its output {name} with {OPTIONS[name]}."
            )
        if name not in self.outputs:
            raise NotFound(f"The stack {self.name} has no output {name}. Is it a stack of suno-jobs, and up to date?")
        return self.outputs[name]

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource of the template."""
        asked = aws.cloudformation().describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return asked["StackResourceDetail"]["PhysicalResourceId"]


def _read(_type: Any, tokens: Sequence[Token]) -> Stack:
    return Stack(tokens[0].value)


StackOption = Annotated[
    Stack,
    Parameter(
        name="--stack",
        converter=_read,
        n_tokens=1,
        accepts_keys=False,
        env_var=VARIABLE,
        show_default=False,
        help="the name of the stack, such as suno-jobs-dev",
    ),
]
NO_STACK = Stack()
