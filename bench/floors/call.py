"""A floor with one call: a function that creates a DynamoDB client, reads one item and answers."""

from typing import Any

import boto3


def lambda_handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    boto3.client("dynamodb").get_item(TableName="jobs", Key={"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}})
    return {"statusCode": 200}
