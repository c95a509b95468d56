"""The answers of the API about keys, as types: docs/openapi.json describes them.

Imported for type checks and for that document only, so no function loads it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from suno_jobs.jobs.answers import Time
from suno_jobs.jobs.identifiers import Mode


class KeyAnswer(TypedDict):
    """An API key. The key itself is shown once, when it is created."""

    key_id: str
    mode: Annotated[Mode, Field(description="test: the key is for the sandbox of the tenant only.")]
    name: str
    hint: Annotated[str, Field(description="The beginning of the key, by which a person recognises it.")]
    scopes: Annotated[list[str], Field(description="What the key may be used for.")]
    created_at: Time
    expires_at: Annotated[Time | None, Field(description="When it ends or has ended; null if it never ends.")]
    last_used_on: Annotated[str | None, Field(description="The day of its last use; null if it was never used.")]
    revoked_at: Annotated[Time | None, Field(description="When it was revoked; null if it was not.")]


class NewKeyAnswer(KeyAnswer):
    """A key that was just created."""

    key: Annotated[str, Field(description="The key itself. It cannot be shown again.")]


class KeyListAnswer(TypedDict):
    """Every key of the tenant, the oldest first."""

    keys: list[KeyAnswer]


class UsedDayAnswer(TypedDict):
    """One day, in UTC."""

    day: Annotated[str, Field(description="As in 2026-11-27.", json_schema_extra={"format": "date"})]
    jobs: Annotated[int, Field(description="Jobs that were created on this day.")]
    usd: Annotated[float, Field(description="What these jobs are estimated to cost, in USD.")]


class LimitsAnswer(TypedDict):
    """The limits of the tenant. Null is no limit."""

    requests_per_second: int | None
    jobs_in_progress: int | None
    jobs_per_day: int | None
    jobs_per_month: int | None
    usd_per_month: float | None


class UsageAnswer(TypedDict):
    """What the tenant has used in one month, by the jobs that were created in it."""

    month: Annotated[str, Field(description="As in 2026-11. Months and days are those of UTC.")]
    mode: Mode
    jobs_in_progress: Annotated[int, Field(description="Jobs of this month that have not ended.")]
    jobs: Annotated[int, Field(description="Jobs that were created, those that were deleted among them.")]
    usd: Annotated[float, Field(description="What the jobs are estimated to cost, in USD.")]
    days: Annotated[list[UsedDayAnswer], Field(description="Every day of the month until today.")]
    limits: LimitsAnswer
