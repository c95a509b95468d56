"""Whether AWS could not serve a call, for now: a fault of the call itself is a bug, and must be seen."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError  # noqa: A004 - not the builtin one
from botocore.exceptions import ClientError as AwsError

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottledException",
        "ThrottlingException",
    }
)
"""The codes of DynamoDB for a call beyond what a table, a partition or the account takes; their status is 400."""

SERVER_ERROR = 500


def is_unavailable(error: AwsError | BotoCoreError) -> bool:
    """Throttled, failed at AWS (5xx), or not answered: the same call may succeed a moment later."""
    if not isinstance(error, AwsError):
        return isinstance(error, ConnectionError | HTTPClientError)
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response["Error"]["Code"]
    return code in THROTTLED or code.startswith("InternalServerError") or status >= SERVER_ERROR
