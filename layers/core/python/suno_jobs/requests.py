"""What a client may ask for: the body of ``POST /v1/jobs``."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

METADATA_BYTES = 512


class Strict(BaseModel):
    """Unknown fields are refused, so that a misspelt one is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MusicInput(Strict):
    """A song. Either ``prompt`` describes it and the gateway writes the words, or ``lyrics`` are sung as they stand.

    Lengths are checked against the chosen gateway's own limits, see ``Gateway.limits``. ``model`` is an open set: our common
    names (``v4``, ``v4.5``, ``v5``, ...) are translated per gateway, any other name is passed on as it is.
    """

    prompt: Text | None = None
    lyrics: Text | None = None
    style: Text | None = None
    title: Text | None = None
    model: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,39}$")] | None = None
    instrumental: bool = False
    negative_style: Text | None = None
    vocal_gender: Literal["male", "female"] | None = None

    @model_validator(mode="after")
    def _one_source_of_words(self) -> Self:
        if (self.prompt is None) == (self.lyrics is None):
            raise ValueError("give either prompt or lyrics")
        if self.lyrics is not None and self.instrumental:
            raise ValueError("an instrumental has no lyrics: give a prompt instead")
        return self


class JobRequest(Strict):
    """The body of ``POST /v1/jobs``. ``metadata`` is the client's own and comes back with the job and its event."""

    gateway: Literal["ttapi", "anyint", "crun", "acedata"]
    kind: Literal["music"]
    input: MusicInput
    metadata: dict[Annotated[str, StringConstraints(min_length=1, max_length=40)], str] = Field(default_factory=dict)

    @field_validator("metadata")
    @classmethod
    def _small(cls, metadata: dict[str, str]) -> dict[str, str]:
        if len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
            raise ValueError(f"metadata may hold {METADATA_BYTES} bytes as JSON")
        return metadata

    def input_item(self) -> dict[str, Any]:
        """The input as it is stored: without the fields that were left out."""
        return self.input.model_dump(exclude_none=True)
