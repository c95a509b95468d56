"""Which errors of AWS pass by themselves, and which are bugs."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from suno_jobs.runtime.availability import THROTTLED, is_unavailable


def answered(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "UpdateItem")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "error",
    [
        *(answered(code) for code in sorted(THROTTLED)),
        answered("InternalServerError", 500),
        answered("ServiceUnavailable", 503),
        ClientError({"Error": {"Code": "InternalServerErrorException"}}, "UpdateItem"),
        *(
            kind(endpoint_url="https://x", error="x")
            for kind in (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)
        ),
    ],
    ids=str,
)
def test_a_call_that_aws_could_not_serve_may_succeed_later(error: ClientError | BotoCoreError) -> None:
    assert is_unavailable(error)


@pytest.mark.parametrize(
    "error",
    [answered("AccessDeniedException"), answered("ValidationException"), ParamValidationError(report="x")],
    ids=str,
)
def test_a_call_that_is_wrong_stays_wrong(error: ClientError | BotoCoreError) -> None:
    assert not is_unavailable(error)
