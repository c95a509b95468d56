"""The answer of ``GET /v1/gateways``, as types: ``capabilities`` makes it, and docs/openapi.json describes it.

Imported for type checks and for that document only, so no function loads it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.answers import Time


class OfferAnswer(TypedDict):
    """One kind at one gateway."""

    result: Result
    sources: Annotated[int, Field(description="How many earlier results the input must refer to.")]
    fields: Annotated[list[str], Field(description="The input fields that the gateway supports.")]
    required: Annotated[list[str], Field(description="Those that it requires; a/b means that one of the two is enough.")]
    synchronous: Annotated[bool, Field(description="The gateway answers the submission with the result.")]
    note: NotRequired[str]


class RateAnswer(TypedDict):
    """At most ``requests`` in any interval of ``seconds``, for all jobs together."""

    requests: int
    seconds: float


class PriceAnswer(TypedDict):
    """The first price of a kind that applies counts."""

    kind: Kind
    amount: float
    unit: str
    as_of: Annotated[str, Field(description="The month in which the price was seen.")]
    given: Annotated[dict[str, Any], Field(description="It applies only to inputs with these values.")]
    models: Annotated[list[str], Field(description="It applies only to these models; to all if empty.")]


class RuleAnswer(TypedDict):
    """What one error code of the gateway means."""

    code: ErrorCode
    refused: Annotated[bool, Field(description="The submission has certainly created no task.")]
    retry_submission: bool
    retry_read: bool
    refunded: bool


class CapabilitiesAnswer(TypedDict):
    name: str
    kinds: dict[str, OfferAnswer]
    unsupported: Annotated[dict[str, str], Field(description="By kind: why the gateway does not offer it.")]
    models: Annotated[dict[str, str], Field(description="Our names of models, and the gateway's.")]
    default_model: str | None
    limits: Annotated[dict[str, int], Field(description="Maximum lengths of texts for the default model, in characters.")]
    rate: RateAnswer
    callback_stages: list[str]
    link_days: Annotated[dict[str, float | None], Field(description="By host: for how many days files are kept.")]
    batch_size: int | None
    link_renewal: bool
    balance: Annotated[bool, Field(description="The gateway reports what is left on an account.")]
    prices: list[PriceAnswer]
    errors: dict[str, RuleAnswer]


class AccountAnswer(TypedDict):
    """What the last sweep has counted at one of our accounts: the one that tenants share, or your own."""

    account: str
    requests_per_second: Annotated[float | None, Field(description="Since the sweep before.")]
    tasks_in_flight: int
    queue_length: Annotated[int, Field(description="How many jobs wait to be submitted.")]
    counted_at: Time


class HealthAnswer(TypedDict):
    """The recent health of the gateway, as our own calls observed it."""

    status: Literal["ok", "failing", "unknown"]
    last_success_at: Time | None
    last_failure_at: Time | None
    last_error: ErrorCode | None
    breaker: Literal["closed", "open", "half_open"]
    open_until: Time | None
    accounts: list[AccountAnswer]


class BalanceAnswer(TypedDict):
    """What is left on one account, in the unit of the gateway."""

    account: str
    amount: float
    unit: str
    low: Annotated[bool, Field(description="It is below the threshold that the operator has set.")]
    read_at: Time


class GatewayAnswer(CapabilitiesAnswer):
    """What one gateway can do, and its recent health."""

    health: HealthAnswer
    balances: Annotated[
        list[BalanceAnswer], Field(description="Of the tenant's own account, and for operators of every account.")
    ]


class GatewayListAnswer(TypedDict):
    gateways: list[GatewayAnswer]
