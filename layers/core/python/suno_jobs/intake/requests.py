"""The body of ``POST /v1/jobs``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SkipValidation,
    StringConstraints,
    ValidationInfo,
    create_model,
    field_validator,
)

from suno_jobs.catalog.inputs import INPUTS, KindInput, StrictModel, check_plain_text, find_control_character
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS, gateways_offering
from suno_jobs.intake.webhook_urls import WebhookUrl

METADATA_BYTES = 512
AUTO = "auto"


def _check_gateway(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    known = isinstance(names, list) and names and all(isinstance(name, str) and name in GATEWAYS for name in names)
    if value != AUTO and not known:
        raise ValueError(f"must be {AUTO}, or one or more of {', '.join(GATEWAYS)}")
    if len(set(names)) < len(names):
        raise ValueError("must not contain a gateway twice")
    return value


def parse_kind(value: Any) -> Any:
    if not isinstance(value, str) or value not in set(Kind):
        raise ValueError(f"must be one of {', '.join(Kind)}")
    return Kind(value)


MetadataName = Annotated[str, StringConstraints(min_length=1, max_length=40)]
MetadataValue = Annotated[str, AfterValidator(check_plain_text)]
Metadata = dict[MetadataName, MetadataValue]


def check_metadata(metadata: Metadata | None) -> Metadata | None:
    """Raises ValueError."""
    # Reported for the whole object: the name of a field must not contain the character itself.
    if found := next(filter(None, map(find_control_character, metadata or {})), None):
        raise ValueError(f"a name contains the control character {found}; only line breaks and tabs are allowed")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
        raise ValueError(f"must not exceed {METADATA_BYTES} bytes as JSON")
    return metadata


class JobRequest(StrictModel):
    """``gateway`` is one gateway, several in the order in which they are tried, or ``auto``. ``metadata`` is returned with the
    job and its events. ``ambiguous_submit`` decides what happens to a submission whose answer was lost for good; None uses the
    default of the stack. ``callback_url`` gets the events of this job.

    Create it with ``parse``, which validates ``input`` as the input of ``kind``.
    """

    gateway: Annotated[str | list[str], BeforeValidator(_check_gateway)]
    kind: Annotated[Kind, BeforeValidator(parse_kind)]
    input: SkipValidation[KindInput]
    metadata: Metadata | None = None
    ambiguous_submit: Literal["fail", "resubmit"] | None = None
    callback_url: WebhookUrl | None = None

    @classmethod
    def parse(cls, body: Any) -> JobRequest:
        """Raises pydantic's ValidationError, which lists every invalid field."""
        kind = body.get("kind") if isinstance(body, dict) else None
        request = REQUESTS[Kind(kind)] if isinstance(kind, str) and kind in set(Kind) else cls
        return request.model_validate(body, strict=True)

    @field_validator("kind")
    @classmethod
    def _check_offered(cls, kind: Kind, info: ValidationInfo) -> Kind:
        gateway = info.data.get("gateway", AUTO)
        for name in [gateway] if isinstance(gateway, str) else gateway:
            if name != AUTO and kind not in GATEWAYS[name].kinds:
                raise ValueError(f"is not offered by {name}; it is offered by {', '.join(gateways_offering(kind))}")
        return kind

    _check_metadata = field_validator("metadata")(check_metadata)

    def gateways(self, auto: Sequence[str]) -> list[str]:
        """The gateways to try, in order. The parameter ``auto`` lists the gateways behind "auto"."""
        if self.gateway == AUTO:
            return [name for name in auto if self.kind in GATEWAYS[name].kinds]
        return [self.gateway] if isinstance(self.gateway, str) else self.gateway

    def input_item(self) -> dict[str, Any]:
        """The input as it is stored, without fields that are None. ``INPUTS[kind]`` can validate it again."""
        return self.input.model_dump(exclude_none=True)


REQUESTS: Mapping[Kind, type[JobRequest]] = MappingProxyType(
    {kind: create_model(f"JobRequest_{kind}", __base__=JobRequest, input=(model, ...)) for kind, model in INPUTS.items()}
)
