"""What a person can cause: the exit codes of ``suno-jobs``, and one line of text for each problem.

Any other exception is a defect of the command, and ends it with a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from cyclopts import CycloptsError

from suno_jobs.errors import AssetError, Conflict
from suno_jobs.tenants.key_ring import NoSuchKey
from suno_jobs_client import errors as api


class ExitCode(IntEnum):
    """Described in docs/runbook.md."""

    DONE = 0
    NOT_DONE = 1
    WRONG_ARGUMENTS = 2
    REFUSED = 3
    NOT_PERMITTED = 4
    QUOTA = 5
    JOB_FAILED = 6
    TIMED_OUT = 7
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CommandError(Exception):
    """The command did not do everything that it was asked for; the message explains why."""

    exit_code = ExitCode.REFUSED


class NotFound(CommandError, LookupError):
    """What the command names does not exist."""


class NotDone(CommandError):
    """It may work later."""

    exit_code = ExitCode.NOT_DONE


class NotLoggedIn(CommandError):
    exit_code = ExitCode.NOT_PERMITTED


class WrongArgument(CommandError):
    exit_code = ExitCode.WRONG_ARGUMENTS


EXPECTED = (
    CommandError,
    CycloptsError,
    AssetError,
    Conflict,
    NoSuchKey,
    BotoCoreError,
    ClientError,
    api.SunoJobsError,
    OSError,
)

_NOT_PERMITTED = "docs/operator-policy.json has the permissions of an operator."
_NOT_LOGGED_IN = "Renew the credentials of your shell."
_WRONG_PLACE = "Check the name, the region and the AWS account."
_BY_AWS_CODE: Mapping[str, tuple[ExitCode, str]] = {
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "AuthorizationError"), (ExitCode.NOT_PERMITTED, _NOT_PERMITTED)),
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        (ExitCode.NOT_PERMITTED, _NOT_LOGGED_IN),
    ),
    **dict.fromkeys(("AWS.SimpleQueueService.NonExistentQueue", "NoSuchKey", "NotFound"), (ExitCode.REFUSED, "")),
    "NoSuchBucket": (ExitCode.REFUSED, "Check --bucket, the region and the AWS account."),
    "ResourceNotFoundException": (ExitCode.REFUSED, _WRONG_PLACE),
    "ValidationError": (ExitCode.REFUSED, _WRONG_PLACE),  # CloudFormation, about a stack that is not there
    "ValidationException": (ExitCode.REFUSED, "Check the values, and whether the table is that of suno-jobs."),
}
"""The exit code and the remedy. For any other code, the command may work later."""


def exit_code(problem: Exception) -> ExitCode:
    match problem:
        case CommandError():
            return problem.exit_code
        case CycloptsError() | ParamValidationError() | NoRegionError():
            return ExitCode.WRONG_ARGUMENTS
        case NoCredentialsError() | PartialCredentialsError() | ProfileNotFound() | SSOError() | TokenRetrievalError():
            return ExitCode.NOT_PERMITTED
        case ClientError():
            return _of_aws(problem)[0]
        case HTTPClientError() if _cannot_be_sent(problem):
            return ExitCode.NOT_PERMITTED
        case BotoCoreError() | OSError():
            return ExitCode.NOT_DONE
        case api.SunoJobsError():
            return _of_the_api(problem)
    return ExitCode.REFUSED


def _of_the_api(problem: api.SunoJobsError) -> ExitCode:
    match problem:
        case api.NotPermitted():
            return ExitCode.NOT_PERMITTED
        case api.TooManyRequests():
            return ExitCode.QUOTA
        case api.UnexpectedAnswer():
            return ExitCode.WRONG_ARGUMENTS
        case api.ServiceFailed() | api.NoAnswer() | api.DownloadFailed():
            return ExitCode.NOT_DONE
    return ExitCode.REFUSED


def _of_aws(problem: ClientError) -> tuple[ExitCode, str]:
    return _BY_AWS_CODE.get(problem.response.get("Error", {}).get("Code", ""), (ExitCode.NOT_DONE, ""))


def _cannot_be_sent(problem: HTTPClientError) -> bool:
    """A credential with the end of a line in it, for example. The message of botocore contains it."""
    return isinstance(problem.kwargs.get("error"), ValueError)


def describe(problem: Exception) -> str:
    """One line, with the remedy where it is known."""
    match problem:
        case NoRegionError():
            return "AWS has no region. Set AWS_DEFAULT_REGION, or choose a profile that has one."
        case ClientError():
            return _one_line(f"{problem} {_of_aws(problem)[1]}")
        case HTTPClientError() if _cannot_be_sent(problem):
            return f"A credential of AWS has a character that cannot be sent, such as the end of a line. {_NOT_LOGGED_IN}"
        case OSError():
            return _one_line(": ".join(str(part) for part in (problem.filename, problem.strerror or problem) if part))
        case api.NotPermitted() if not problem.problem.name:
            return "The API key is not accepted: it is unknown, revoked or has expired. Run suno-jobs login with another one."
        case api.NoAnswer() | api.ServiceFailed() | api.UnexpectedAnswer() if problem.idempotency_key:
            return _one_line(f"{problem} Repeat the command with --key {problem.idempotency_key}: that never pays twice.")
        case api.InvalidRequest():
            return _one_line("; ".join(f"{_place(each)}: {each.get('detail')}" for each in problem.errors) or str(problem))
    return _one_line(str(problem))


def _place(error: Mapping[str, Any]) -> str:
    return str(error.get("pointer") or error.get("parameter") or error.get("header") or "the request")


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Without codes for the terminal, which an answer might have."""
    return "".join(each if each.isprintable() else " " for each in text)
