"""What docs/deploying.md promises to a person who deploys for the first time, held to the template and the code."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.source import read_template
from tests.unit.project.aws_calls import reachable_actions, read_code
from tests.world import ROOT, World

DEPLOYING = (ROOT / "docs/deploying.md").read_text()
STATEMENTS: list[dict[str, Any]] = json.loads((ROOT / "docs/deployer-policy.json").read_text())["Statement"]

CALLS = {
    "AWS::ApiGatewayV2::Api": "apigateway:POST apigateway:PUT apigateway:PATCH apigateway:GET apigateway:DELETE",
    "AWS::ApiGatewayV2::Stage": "apigateway:POST apigateway:PATCH apigateway:GET apigateway:DELETE logs:CreateLogDelivery",
    "AWS::CloudFront::Distribution": "cloudfront:CreateDistribution cloudfront:UpdateDistribution"
    " cloudfront:DeleteDistribution s3:GetBucketAcl s3:PutBucketAcl",
    "AWS::CloudFront::OriginAccessControl": "cloudfront:CreateOriginAccessControl cloudfront:DeleteOriginAccessControl",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:DeleteAlarms",
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:PutCompositeAlarm cloudwatch:DescribeAlarms cloudwatch:DeleteAlarms",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard cloudwatch:GetDashboard cloudwatch:DeleteDashboards",
    "AWS::CodeDeploy::Application": "codedeploy:CreateApplication codedeploy:GetApplication codedeploy:DeleteApplication",
    "AWS::CodeDeploy::DeploymentGroup": "codedeploy:CreateDeploymentGroup codedeploy:UpdateDeploymentGroup"
    " codedeploy:GetDeploymentGroup codedeploy:DeleteDeploymentGroup iam:PassRole",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable dynamodb:UpdateTable dynamodb:DeleteTable dynamodb:DescribeTable"
    " dynamodb:UpdateContinuousBackups dynamodb:UpdateTimeToLive",
    "AWS::Events::EventBus": "events:CreateEventBus events:DescribeEventBus events:DeleteEventBus",
    "AWS::IAM::Role": "iam:CreateRole iam:GetRole iam:PutRolePolicy iam:DeleteRolePolicy iam:AttachRolePolicy"
    " iam:DetachRolePolicy iam:UpdateAssumeRolePolicy iam:TagRole iam:DeleteRole",
    "AWS::Lambda::Alias": "lambda:CreateAlias lambda:UpdateAlias lambda:GetAlias lambda:DeleteAlias"
    " codedeploy:CreateDeployment codedeploy:GetDeployment codedeploy:GetDeploymentConfig codedeploy:StopDeployment"
    " codedeploy:RegisterApplicationRevision",
    "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig lambda:DeleteFunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping lambda:UpdateEventSourceMapping"
    " lambda:GetEventSourceMapping lambda:DeleteEventSourceMapping",
    "AWS::Lambda::Function": "lambda:CreateFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration"
    " lambda:GetFunction lambda:PutFunctionConcurrency lambda:DeleteFunction iam:PassRole s3:GetObject",
    "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion lambda:GetLayerVersion lambda:DeleteLayerVersion s3:GetObject",
    "AWS::Lambda::Permission": "lambda:AddPermission lambda:RemovePermission lambda:GetPolicy",
    "AWS::Lambda::Version": "lambda:PublishVersion lambda:GetFunctionConfiguration lambda:DeleteFunction",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup logs:PutRetentionPolicy logs:DescribeLogGroups logs:DeleteLogGroup",
    "AWS::Logs::MetricFilter": "logs:PutMetricFilter logs:DescribeMetricFilters logs:DeleteMetricFilter",
    "AWS::S3::Bucket": "s3:CreateBucket s3:DeleteBucket s3:PutBucketVersioning s3:PutEncryptionConfiguration s3:PutBucketCORS"
    " s3:PutLifecycleConfiguration s3:PutBucketPublicAccessBlock s3:PutBucketOwnershipControls s3:PutBucketTagging"
    " s3:PutBucketLogging",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy s3:GetBucketPolicy s3:DeleteBucketPolicy",
    "AWS::SQS::Queue": "sqs:CreateQueue sqs:SetQueueAttributes sqs:GetQueueAttributes sqs:TagQueue sqs:DeleteQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
    "AWS::Scheduler::Schedule": "scheduler:CreateSchedule scheduler:UpdateSchedule scheduler:GetSchedule"
    " scheduler:DeleteSchedule iam:PassRole",
    "AWS::SecretsManager::Secret": "secretsmanager:CreateSecret secretsmanager:UpdateSecret secretsmanager:DescribeSecret"
    " secretsmanager:GetRandomPassword secretsmanager:TagResource secretsmanager:DeleteSecret",
    "AWS::StepFunctions::StateMachine": "states:CreateStateMachine states:UpdateStateMachine states:DescribeStateMachine"
    " states:DeleteStateMachine iam:PassRole logs:CreateLogDelivery",
    "AWS::StepFunctions::StateMachineAlias": "states:CreateStateMachineAlias states:UpdateStateMachineAlias"
    " states:DescribeStateMachineAlias states:DeleteStateMachineAlias",
    "AWS::StepFunctions::StateMachineVersion": "states:PublishStateMachineVersion states:DeleteStateMachineVersion",
}
"""What CloudFormation calls with the permissions of the deployer to create, change and delete a resource."""

EVERYTHING = {"GradualDeployment": "true"}
"""The parameter that decides which resources SAM makes."""

NAME = "suno-jobs"
LAYERS = {"CoreLayer", "DependenciesLayer"}
GLOBAL = {"WithoutResource", "EventSources", "LogsOfApiAndStateMachine", "DistributionIfAssetsKeyGroupIdIsSet"}
"""Statements about calls that name no resource, or whose resources have ids instead of names."""


def translated() -> dict[str, Any]:
    template = read_template(ROOT)
    for resource in template["Resources"].values():
        for name in {"CodeUri", "ContentUri", "DefinitionUri"} & resource["Properties"].keys():
            resource["Properties"][name] = "s3://bucket/key"
    session = boto3.Session(region_name="us-east-1")
    made: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(template, EVERYTHING)
    return made


def actions(statement: dict[str, Any]) -> list[str]:
    named = statement["Action"]
    return [named] if isinstance(named, str) else named


def resources(statement: dict[str, Any]) -> list[str]:
    named = statement["Resource"]
    return [named] if isinstance(named, str) else named


def allowed(action: str) -> bool:
    return any(fnmatchcase(action, pattern) for statement in STATEMENTS for pattern in actions(statement))


def test_the_deployer_may_create_change_and_delete_every_resource() -> None:
    types = {resource["Type"] for resource in translated()["Resources"].values()}
    assert len(types) > 15
    assert types - CALLS.keys() == set(), "add what CloudFormation calls for it, here and in docs/deployer-policy.json"
    needed = {action for each in types for action in CALLS[each].split()}
    assert {action for action in needed if not allowed(action)} == set()


def test_the_deployer_may_run_the_commands_of_the_page() -> None:
    """`outputs` calls CloudFormation only, and `tenants create` writes like `tenants keys create`."""
    named = set(re.findall(r"bin/suno-jobs (?:tenants (?=keys))?([a-z-]+)", DEPLOYING))
    core = ROOT / "layers/core/python/suno_jobs"
    code = read_code(core)
    needed = {name: reachable_actions(code, core / f"cli/{name}.py") for name in named & {"doctor", "keys", "explain"}}
    assert len(needed) == 3
    refused = {action for each in needed.values() for action in each if not allowed(action)}
    assert refused == {"sns:ListSubscriptionsByTopic"}, "doctor shows a warning, once AlarmTopicArn is set"
    assert allowed("cloudformation:DescribeStacks")


def test_the_policy_permits_nothing_for_types_that_the_template_does_not_have() -> None:
    services = {each.partition(":")[0] for calls in CALLS.values() for each in calls.split()}
    named = {action.partition(":")[0] for statement in STATEMENTS for action in actions(statement)}
    assert named == services | {"cloudformation", "sts"}
    assert [each["Sid"] for each in STATEMENTS if any(action.endswith(":*") for action in actions(each))] == ["Functions"]


def test_the_policy_is_limited_to_what_belongs_to_the_stack() -> None:
    secrets = {name for name, each in translated()["Resources"].items() if each["Type"] == "AWS::SecretsManager::Secret"}
    for statement in STATEMENTS:
        own = [NAME, *LAYERS, *secrets, "aws-sam-cli-managed-default", "transform/Serverless", "ops.apigateway", "apigateway"]
        wide = [each for each in resources(statement) if not any(name in each for name in own)]
        assert wide == (["*"] if statement["Sid"] in GLOBAL else []), statement["Sid"]
    assert all("iam:" not in action for each in STATEMENTS if each["Sid"] in GLOBAL for action in actions(each))


def test_a_role_is_passed_to_the_services_that_the_template_gives_one() -> None:
    roles = [each["Properties"] for each in translated()["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    principals = json.dumps([role["AssumeRolePolicyDocument"] for role in roles])
    [passing] = [each for each in STATEMENTS if each["Action"] == "iam:PassRole"]
    services = set(re.findall(r"\w+\.amazonaws\.com", principals))
    assert services <= set(passing["Condition"]["StringEquals"]["iam:PassedToService"])


def test_every_stack_has_a_name_that_the_policy_covers() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    stages = [each["deploy"]["parameters"] for each in config.values() if isinstance(each, dict) and "deploy" in each]
    assert stages
    assert all(each["stack_name"].startswith(NAME) for each in stages)


@pytest.mark.parametrize("name", ["accounts.json", "accounts-prod.json", ".env", ".env.prod", "private_key.pem"])
def test_files_with_keys_are_not_committed(name: str) -> None:
    patterns = (ROOT / ".gitignore").read_text().split()
    assert any(fnmatchcase(name, pattern) for pattern in patterns)


def bodies() -> Iterator[dict[str, Any]]:
    for body in re.findall(r"-d '(\{.*\})'", DEPLOYING):
        yield json.loads(body)


def test_the_smoke_tests_send_requests_that_are_accepted(world: World) -> None:
    first, second = bodies()
    assert first == second
    assert "dry_run=true" in DEPLOYING.partition("-d '")[0].rpartition("curl")[2]
    view, created = world.job_submitter().submit_job("smoke-test", second, "smoke-test-1")
    assert (view.job.state, created) == ("ACCEPTED", True)


LONGEST_NAMES = {
    "AWS::ApiGatewayV2::Api": 128,
    "AWS::CloudFront::OriginAccessControl": 64,
    "AWS::CloudWatch::CompositeAlarm": 255,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::Events::EventBus": 256,
    "AWS::Logs::LogGroup": 512,
    "AWS::Scheduler::Schedule": 64,
    "AWS::Serverless::HttpApi": 128,
    "AWS::StepFunctions::StateMachine": 80,
    "AWS::Serverless::StateMachine": 80,
}
"""In characters, as AWS documents them."""


def longest_stack_name() -> int:
    """The longest name with which every resource can still be named that has the name of the stack in its own."""
    room = []
    for resource in read_template(ROOT)["Resources"].values():
        properties = resource["Properties"]
        named = {**properties, **properties.get("OriginAccessControlConfig", {})}
        for key in ("Name", "AlarmName", "DashboardName", "LogGroupName"):
            name = named.get(key)
            text = name.get("Fn::Sub", f"${{{name.get('Ref')}}}") if isinstance(name, dict) else ""
            if "${AWS::StackName}" in text:
                rest = text.replace("${AWS::StackName}", "").replace("${AWS::Region}", "ap-southeast-1")
                room.append(LONGEST_NAMES[resource["Type"]] - len(rest))
    return min(room)


def test_the_longest_name_of_a_stack_is_documented() -> None:
    assert f"up to {longest_stack_name()} characters" in DEPLOYING
