"""``suno-jobs attach``: a new stack around tables and buckets that exist."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, show

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import WaiterConfigTypeDef
    from mypy_boto3_dynamodb.client import DynamoDBClient

CHANGE_SET = "attach"
INDEX = ("IndexName", "KeySchema", "Projection")
"""What a template says of an index."""
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def attach_data(
    *,
    stack: Annotated[str, Parameter(help="the name of the new stack")],
    jobs_table: Annotated[str, Parameter(help="the table of jobs, retained or restored")],
    api_keys: Annotated[str, Parameter(help="the table of API keys")],
    assets_bucket: Annotated[str, Parameter(help="the bucket of the files")],
    receipts_bucket: Annotated[str, Parameter(help="the bucket of the receipts")],
    as_json: AsJson = False,
) -> None:
    """Create a stack that contains existing tables and buckets, and nothing else yet.

    ```
    suno-jobs attach --stack suno-jobs --jobs-table jobs --api-keys keys --assets-bucket assets --receipts-bucket receipts
    ```
    """
    tables = {"JobsTable": jobs_table, "ApiKeysTable": api_keys}
    buckets = {"AssetsBucket": assets_bucket, "ReceiptsBucket": receipts_bucket}
    DataAttacher(aws.cloudformation(), aws.dynamodb()).attach(stack, tables, buckets)
    lines = (
        f"The stack {stack} has its data. Deploy the application into it with `sam deploy`, but not before",
        "JobDeadlineSeconds have passed since the moment to which the table was restored.",
    )
    show({"stack": stack, "resources": {**tables, **buckets}}, lines, as_json=as_json)


@dataclass(frozen=True, slots=True)
class DataAttacher:
    """``seconds`` are between two looks at the progress of CloudFormation."""

    cloudformation: CloudFormationClient
    dynamodb: DynamoDBClient
    seconds: int = 5

    def attach(self, stack: str, tables: dict[str, str], buckets: dict[str, str]) -> None:
        """By logical ids. No data is changed. Raises ClientError and WaiterError of boto3."""
        resources: dict[str, Any] = {
            **{name: self._table(table) for name, table in tables.items()},
            **{name: {"Type": "AWS::S3::Bucket", **KEPT, "Properties": {}} for name in buckets},
        }
        self.cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=CHANGE_SET,
            ChangeSetType="IMPORT",
            TemplateBody=json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}),
            ResourcesToImport=[
                *(_imported("AWS::DynamoDB::Table", name, {"TableName": table}) for name, table in tables.items()),
                *(_imported("AWS::S3::Bucket", name, {"BucketName": bucket}) for name, bucket in buckets.items()),
            ],
        )
        often: WaiterConfigTypeDef = {"Delay": self.seconds}
        made = self.cloudformation.get_waiter("change_set_create_complete")
        made.wait(StackName=stack, ChangeSetName=CHANGE_SET, WaiterConfig=often)
        self.cloudformation.execute_change_set(StackName=stack, ChangeSetName=CHANGE_SET)
        self.cloudformation.get_waiter("stack_import_complete").wait(StackName=stack, WaiterConfig=often)

    def _table(self, name: str) -> dict[str, Any]:
        """As it is, so that the deployment after it changes only what differs from the template."""
        found: Any = self.dynamodb.describe_table(TableName=name)["Table"]
        ttl = self.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = self.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        properties: dict[str, Any] = {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": found["AttributeDefinitions"],
            "KeySchema": found["KeySchema"],
            "GlobalSecondaryIndexes": [{key: index[key] for key in INDEX} for index in found["GlobalSecondaryIndexes"]],
        }
        if found.get("DeletionProtectionEnabled"):
            properties["DeletionProtectionEnabled"] = True
        if "SSEDescription" in found:
            properties["SSESpecification"] = {"SSEEnabled": True}
        if ttl["TimeToLiveStatus"] == "ENABLED":
            properties["TimeToLiveSpecification"] = {"AttributeName": ttl["AttributeName"], "Enabled": True}
        if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED":
            properties["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
        return {"Type": "AWS::DynamoDB::Table", **KEPT, "Properties": properties}


def _imported(kind: str, name: str, identifier: dict[str, str]) -> Any:
    return {"ResourceType": kind, "LogicalResourceId": name, "ResourceIdentifier": identifier}
