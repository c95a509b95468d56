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
