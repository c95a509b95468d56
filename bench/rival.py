"""The rival: a plain Wait-Task-Choice loop, run on the same emulators as the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.counted import CountedStack
from local import aws
from local.template import zip_folder

FOLDER = Path(__file__).with_name("loop")
NAME = "plain-loop"


class Rival:
    """The loop of `loop.asl.json`, deployed into a counted stack. Its task is done `task_seconds` after its start."""

    def __init__(self, counted: CountedStack, *, task_seconds: float, poll_seconds: int) -> None:
        self._executions = counted.executions
        counted.stack.client("dynamodb").create_table(
            TableName=NAME,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        role = _create_role(counted.stack.client("iam"))
        environment = {"TABLE": NAME, "TASK_SECONDS": str(task_seconds), **counted.environment}
        function = counted.stack.client("lambda").create_function(
            FunctionName=NAME,
            Runtime="python3.13",
            Handler="app.lambda_handler",
            Role=role,
            Code={"ZipFile": zip_folder(FOLDER, {})},
            Environment={"Variables": environment},
            Timeout=30,
        )
        definition = (FOLDER / "loop.asl.json").read_text(encoding="utf-8")
        definition = definition.replace("${FunctionArn}", function["FunctionArn"])
        definition = definition.replace('"${PollSeconds}"', str(poll_seconds))
        self._arn = counted.create_state_machine(NAME, definition, role)

    def start(self) -> str:
        """Starts the loop and returns the ARN of its execution."""
        job = json.dumps({"job_id": "job"})
        arn: str = self._executions.start_execution(stateMachineArn=self._arn, name="job", input=job)["executionArn"]
        return arn


def _create_role(iam: Any) -> str:
    """For the function and for the state machine."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    table = f"arn:aws:dynamodb:{aws.REGION}:{aws.ACCOUNT_ID}:table/{NAME}"
    function = f"arn:aws:lambda:{aws.REGION}:{aws.ACCOUNT_ID}:function:{NAME}"
    actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "lambda:InvokeFunction"]
    policy = {"Effect": "Allow", "Action": actions, "Resource": [table, function]}
    arn: str = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="table", PolicyDocument=_document(policy))
    return arn


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
