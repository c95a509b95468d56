"""What an operator can cause: the exit codes of ``suno-jobs``, and one line of text for each problem.

Any other exception is a defect of the command, and ends it with a traceback.
"""

from __future__ import annotations

from enum import IntEnum

from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, ParamValidationError
from cyclopts import CycloptsError

from suno_jobs.errors import AssetError, Conflict
from suno_jobs.tenants.key_ring import NoSuchKey


class ExitCode(IntEnum):
    """Described in docs/runbook.md."""

    DONE = 0
    NOT_DONE = 1
    WRONG_ARGUMENTS = 2
    AWS_FAILED = 3
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CommandError(Exception):
    """The command changed nothing; the message explains why to the operator."""

    exit_code = ExitCode.NOT_DONE


class NotFound(CommandError, LookupError):
    """What the command names does not exist."""


class WrongArgument(CommandError):
    exit_code = ExitCode.WRONG_ARGUMENTS


class AwsUnusable(CommandError):
    exit_code = ExitCode.AWS_FAILED


EXPECTED = (CommandError, CycloptsError, AssetError, Conflict, NoSuchKey, BotoCoreError, ClientError)

_REMEDIES = {
    "ResourceNotFoundException": "Check the name, the region and the AWS account.",
    "NoSuchBucket": "Check --bucket, the region and the AWS account.",
}


def exit_code(problem: Exception) -> ExitCode:
    match problem:
        case CommandError():
            return problem.exit_code
        case CycloptsError() | ParamValidationError():
            return ExitCode.WRONG_ARGUMENTS
        case BotoCoreError() | ClientError():
            return ExitCode.AWS_FAILED
    return ExitCode.NOT_DONE


def describe(problem: Exception) -> str:
    """One line, with the remedy where it is known."""
    match problem:
        case NoRegionError():
            return "AWS has no region. Set AWS_DEFAULT_REGION, or choose a profile that has one."
        case ClientError():
            remedy = _REMEDIES.get(problem.response.get("Error", {}).get("Code", ""), "")
            return _one_line(f"{problem} {remedy}")
    return _one_line(str(problem))


def _one_line(text: str) -> str:
    return " ".join(text.split())
