"""What a client sends: the body of ``POST /v1/jobs``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SkipValidation, StringConstraints, ValidationInfo, create_model, field_validator

from suno_jobs.gateways import GATEWAYS, gateways_with
from suno_jobs.gateways.base import Kind
from suno_jobs.kinds import INPUTS, KindInput, Strict

METADATA_BYTES = 512
AUTO = "auto"


def _gateway(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    known = isinstance(names, list) and names and all(isinstance(name, str) and name in GATEWAYS for name in names)
    if value != AUTO and not known:
        raise ValueError(f"is neither {AUTO}, nor one or several of {', '.join(GATEWAYS)}")
    if len(set(names)) < len(names):
        raise ValueError("names a gateway twice")
    return value


def _kind(value: Any) -> Any:
    if isinstance(value, str) and value not in set(Kind):
        raise ValueError(f"is none of {', '.join(Kind)}")
    return Kind(value) if isinstance(value, str) else value


class JobRequest(Strict):
    """The body of ``POST /v1/jobs``. ``metadata`` is the client's own and comes back with the job and its event.

    ``gateway`` is one, several in the order in which they are to be asked, or ``auto``. ``ambiguous_submit`` says what becomes
    of a submission whose answer was lost for good; None leaves it to the stack.

    ``parse`` is the way in: it validates ``input`` as the input of ``kind``.
    """

    gateway: Annotated[str | list[str], BeforeValidator(_gateway)]
    kind: Annotated[Kind, BeforeValidator(_kind)]
    input: SkipValidation[KindInput]
    metadata: dict[Annotated[str, StringConstraints(min_length=1, max_length=40)], str] = Field(default_factory=dict)
    ambiguous_submit: Literal["fail", "resubmit"] | None = None

    @classmethod
    def parse(cls, body: Any) -> JobRequest:
        """Raises pydantic's ValidationError, which lists every field that is wrong."""
        kind = body.get("kind") if isinstance(body, dict) else None
        request = _REQUESTS[Kind(kind)] if isinstance(kind, str) and kind in set(Kind) else cls
        return request.model_validate(body, strict=True)

    @field_validator("kind")
    @classmethod
    def _offered_kind(cls, kind: Kind, info: ValidationInfo) -> Kind:
        gateway = info.data.get("gateway", AUTO)
        for name in [gateway] if isinstance(gateway, str) else gateway:
            if name != AUTO and kind not in GATEWAYS[name].kinds:
                raise ValueError(f"is not offered by {name}, but by: {', '.join(gateways_with(kind))}")
        return kind

    @field_validator("metadata")
    @classmethod
    def _small(cls, metadata: dict[str, str]) -> dict[str, str]:
        if len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
            raise ValueError(f"metadata may hold {METADATA_BYTES} bytes as JSON")
        return metadata

    def gateways(self, auto: Sequence[str]) -> list[str]:
        """The gateways that may be asked, in their order; ``auto`` stands for those that offer the kind."""
        if self.gateway == AUTO:
            return [name for name in auto if self.kind in GATEWAYS[name].kinds]
        return [self.gateway] if isinstance(self.gateway, str) else self.gateway

    def input_item(self) -> dict[str, Any]:
        """The input as it is stored: without the fields that were left out. ``INPUTS[kind]`` reads it back."""
        return self.input.model_dump(exclude_none=True)


_REQUESTS: Mapping[Kind, type[JobRequest]] = MappingProxyType(
    {kind: create_model(f"JobRequest_{kind}", __base__=JobRequest, input=(each, ...)) for kind, each in INPUTS.items()}
)
