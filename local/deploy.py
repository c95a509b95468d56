"""Brings the translated template into the emulators, and makes up for what the emulator's CloudFormation drops."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.conditions import Choices, Json
from local.template import of_type

ARTIFACTS_BUCKET = "local-artifacts"
DEPLOY_TIMEOUT_SECONDS = 60

ClientFor = Callable[[str], Any]


class DeployFailed(Exception):
    """The emulator refused the template; the message holds its reasons."""


@dataclass(frozen=True)
class Deployed:
    """Outputs by name, and physical by logical ids."""

    outputs: Mapping[str, str]
    ids: Mapping[str, str]


def make_uploader(client_for: ClientFor) -> Callable[[str, bytes], Json]:
    s3 = client_for("s3")
    s3.create_bucket(Bucket=ARTIFACTS_BUCKET)

    def upload(name: str, content: bytes) -> Json:
        # As SAM does it: other content has another key, by which CloudFormation sees the change.
        key = f"{name}/{hashlib.sha256(content).hexdigest()}"
        s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=content)
        return {"Bucket": ARTIFACTS_BUCKET, "Key": key}

    return upload


def deploy(client_for: ClientFor, name: str, template: Json, parameters: Mapping[str, str]) -> Deployed:
    """Creates or updates the stack and waits for it. Raises DeployFailed with the reasons of every resource that failed."""
    cloudformation = client_for("cloudformation")
    body = json.dumps(template).encode()
    client_for("s3").put_object(Bucket=ARTIFACTS_BUCKET, Key="template.json", Body=body)
    change = cloudformation.update_stack if exists(cloudformation, name) else cloudformation.create_stack
    change(
        StackName=name,
        TemplateURL=f"{cloudformation.meta.endpoint_url}/{ARTIFACTS_BUCKET}/template.json",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stack = wait_for_stack(cloudformation, name)
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    deployed = Deployed(
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        ids={resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources},
    )
    complete(client_for, template, deployed, parameters)
    return deployed


def exists(cloudformation: Any, name: str) -> bool:
    try:
        cloudformation.describe_stacks(StackName=name)
    except cloudformation.exceptions.ClientError:
        return False
    return True


def wait_for_stack(cloudformation: Any, name: str) -> Json:
    deadline = time.monotonic() + DEPLOY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        stack: Json = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return stack
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise DeployFailed(f"{stack['StackStatus']}: {'; '.join(failures(cloudformation, name))}")
        time.sleep(0.05)
    raise DeployFailed(f"the stack was not complete after {DEPLOY_TIMEOUT_SECONDS} s")


def failures(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]


def complete(client_for: ClientFor, template: Json, deployed: Deployed, parameters: Mapping[str, str]) -> None:
    """What the emulator's CloudFormation drops: time to live, lifecycle rules, and the state machine in the interpreter."""
    choices = Choices(template, parameters)
    for logical_id, item in of_type(template, "AWS::DynamoDB::Table").items():
        if ttl := item["Properties"].get("TimeToLiveSpecification"):
            client_for("dynamodb").update_time_to_live(TableName=deployed.ids[logical_id], TimeToLiveSpecification=ttl)
    for logical_id, item in of_type(template, "AWS::S3::Bucket").items():
        if lifecycle := item["Properties"].get("LifecycleConfiguration"):
            rules = [lifecycle_rule(rule) for rule in choices.made(lifecycle["Rules"])]
            client_for("s3").put_bucket_lifecycle_configuration(
                Bucket=deployed.ids[logical_id], LifecycleConfiguration={"Rules": rules}
            )
    for logical_id, item in of_type(template, "AWS::Lambda::Function").items():
        if (reserved := choices.made(item["Properties"]).get("ReservedConcurrentExecutions")) is not None:
            client_for("lambda").put_function_concurrency(
                FunctionName=deployed.ids[logical_id], ReservedConcurrentExecutions=int(reserved)
            )
    for logical_id in of_type(template, "AWS::StepFunctions::StateMachine"):
        copy_state_machine(client_for, deployed.ids[logical_id])


def lifecycle_rule(rule: Json) -> Json:
    """A rule in the words of the S3 API, which differ from the template's."""
    found: Json = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    expiration: Json = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = int(rule["ExpirationInDays"])
    if rule.get("ExpiredObjectDeleteMarker"):
        expiration["ExpiredObjectDeleteMarker"] = True
    if expiration:
        found["Expiration"] = expiration
    if "Transitions" in rule:
        found["Transitions"] = [
            {"Days": int(each["TransitionInDays"]), "StorageClass": each["StorageClass"]} for each in rule["Transitions"]
        ]
    for name in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if name in rule:
            found[name] = rule[name]
    return found


def copy_state_machine(client_for: ClientFor, arn: str) -> None:
    """Into the faithful interpreter, under the same name and so the same ARN."""
    source = client_for("ministack-stepfunctions").describe_state_machine(stateMachineArn=arn)
    interpreter = client_for("stepfunctions")
    definition, role = source["definition"], source["roleArn"]
    if any(each["stateMachineArn"] == arn for each in interpreter.list_state_machines()["stateMachines"]):
        interpreter.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
        return
    created = interpreter.create_state_machine(name=source["name"], definition=definition, roleArn=role, type="STANDARD")
    if created["stateMachineArn"] != arn:
        raise DeployFailed(f"the two emulators disagree on the state machine's ARN: {arn}, {created['stateMachineArn']}")
