"""What the service answers. Generated from docs/openapi.json by `make docs`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Account(BaseModel):
    """
    What the last sweep has counted at one of our accounts: the one that tenants share, or your own.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    account: str
    requests_per_second: float | None
    """
    Since the sweep before.
    """
    tasks_in_flight: int
    queue_length: int
    """
    How many jobs wait to be submitted.
    """
    counted_at: AwareDatetime


class Adopt(BaseModel):
    """
    The task that was created elsewhere.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    task_id: str


class Asset(BaseModel):
    """
    One file in the bucket that passed the checks.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    kind: str
    """
    audio, image, video, wav or the name of a stem.
    """
    key: str
    """
    The key of the object in the bucket.
    """
    content_type: str
    bytes: int
    sha256: str
    source_host: str | None
    stored_at: AwareDatetime | None
    released: bool
    """
    It did not pass the checks, and an operator released it.
    """
    url: str | None = None
    """
    A presigned URL, only in GET /v1/jobs/{job_id}.
    """


class Attempt(BaseModel):
    """
    One request to the endpoint.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    at: AwareDatetime
    status: int | None
    """
    The status of the answer; null if there was none.
    """
    milliseconds: int
    answer: str
    """
    The first 256 bytes of the answer, or why there was none.
    """


class AudioIdResult(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    audio_id: str


class Balance(BaseModel):
    """
    What is left on one account, in the unit of the gateway.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    account: str
    amount: float
    unit: str
    low: bool
    """
    It is below the threshold that the operator has set.
    """
    read_at: AwareDatetime


class Delivery(BaseModel):
    """
    An event on its way to an endpoint. Of its attempts, the last 20 are shown.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    delivery_id: str
    event_id: str
    """
    The header `webhook-id`, the same in every attempt.
    """
    type: str
    state: str
    reason: str | None
    """
    Why it failed or was skipped without an attempt.
    """
    created_at: AwareDatetime
    next_attempt_at: AwareDatetime | None
    """
    null unless it is pending.
    """
    attempts: list[Attempt]


class DeliveryList(BaseModel):
    """
    A page of deliveries, the newest event first.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    deliveries: list[Delivery]
    next: str | None
    """
    The `cursor` of the next page; null on the last one.
    """


class Doubt(BaseModel):
    """
    The file and the gateway disagree about the length.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    reported_seconds: float
    measured_seconds: float | None


class Fault(BaseModel):
    """
    Why a job, a track or a file failed. Programs rely on `code`; `message` is for people.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    code: str
    """
    Why a job, a track or a gateway call failed. Clients may rely on these values.
    """
    message: str
    retryable: bool
    """
    The same request can succeed in a new job, and cannot be paid for twice.
    """
    charged: str
    """
    Whether the gateway charged for a job, as far as that is known.
    """
    gateway_code: str | None
    trace_id: str | None


class Health(BaseModel):
    """
    The recent health of the gateway, as our own calls observed it.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    status: str
    last_success_at: AwareDatetime | None
    last_failure_at: AwareDatetime | None
    last_error: str | None
    breaker: str
    open_until: AwareDatetime | None
    accounts: list[Account]


class Limits(BaseModel):
    """
    The limits of the tenant. Null is no limit.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    requests_per_second: int | None
    jobs_in_progress: int | None
    jobs_per_day: int | None
    jobs_per_month: int | None
    usd_per_month: float | None


class LyricsDraft(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    title: str
    text: str


class LyricsResult(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    lyrics: list[LyricsDraft]


class Manifest(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    key: str
    url: str | None = None


class NewKey(BaseModel):
    """
    A key that was just created.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    key_id: str
    mode: str
    """
    test: the key is for the sandbox of the tenant only.
    """
    name: str
    hint: str
    """
    The beginning of the key, by which a person recognises it.
    """
    scopes: list[str]
    """
    What the key may be used for.
    """
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    """
    When it ends or has ended; null if it never ends.
    """
    last_used_on: str | None
    """
    The day of its last use; null if it was never used.
    """
    revoked_at: AwareDatetime | None
    """
    When it was revoked; null if it was not.
    """
    key: str
    """
    The key itself. It cannot be shown again.
    """


class NewWebhook(BaseModel):
    """
    An endpoint with a new secret.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    webhook_id: str
    url: str | None
    """
    Where events are sent; null for the record `default`.
    """
    description: str
    events: list[str]
    """
    The types of the events that it gets.
    """
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None
    """
    Since when nothing is sent to it; null if it is in use.
    """
    disabled_by: str | None
    """
    You, an answer 410, or five days without a successful delivery.
    """
    failing_since: AwareDatetime | None
    """
    The first failure since the last success; null if there is none.
    """
    previous_secret_until: AwareDatetime | None
    """
    Until when an earlier secret also signs.
    """
    secret: str
    """
    `whsec_` and the key in base64. It cannot be shown again.
    """


class PersonaIdResult(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    persona_id: str


class Price(BaseModel):
    """
    The first price of a kind that applies counts.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    kind: str
    amount: float
    unit: str
    as_of: str
    """
    The month in which the price was seen.
    """
    given: dict[str, Any]
    """
    It applies only to inputs with these values.
    """
    models: list[str]
    """
    It applies only to these models; to all if empty.
    """


class Quarantined(BaseModel):
    """
    A complete download that did not pass the checks. It has no URL.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    track_id: str
    kind: str
    reason: str
    """
    Why a job, a track or a gateway call failed. Clients may rely on these values.
    """
    message: str
    bytes: int
    sha256: str
    source_host: str
    stored_at: AwareDatetime
    released: bool


class Rate(BaseModel):
    """
    At most `requests` in any interval of `seconds`, for all jobs together.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    requests: int
    seconds: float


class RecordedRequest(BaseModel):
    """
    The request that created the job. It can be sent again as it is. Either `input` or `adopt` is present.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    gateway: str | list[str]
    kind: str
    input: dict[str, Any] | None = None
    """
    The input of the kind, without the query of any URL.
    """
    adopt: Adopt | None = None
    metadata: dict[str, str]
    ambiguous_submit: str | None = None
    callback_url: str | None = None
    """
    Without its query.
    """


class Replay(BaseModel):
    """
    What a replay has restarted.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    replayed: int
    next: str | None
    """
    The `cursor` with which to continue; null if nothing is left.
    """


class Rule(BaseModel):
    """
    What one error code of the gateway means.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    code: str
    """
    Why a job, a track or a gateway call failed. Clients may rely on these values.
    """
    refused: bool
    """
    The submission has certainly created no task.
    """
    retry_submission: bool
    retry_read: bool
    refunded: bool


class Source(BaseModel):
    """
    The song that the track was made from.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    job_id: str
    track_id: str


class TimedWord(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    word: str
    start_s: float
    end_s: float


class UsedDay(BaseModel):
    """
    One day, in UTC.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    day: date
    """
    As in 2026-11-27.
    """
    jobs: int
    """
    Jobs that were created on this day.
    """
    usd: float
    """
    What these jobs are estimated to cost, in USD.
    """


class Webhook(BaseModel):
    """
    An endpoint. Its secret is shown once, when it is created or rotated.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    webhook_id: str
    url: str | None
    """
    Where events are sent; null for the record `default`.
    """
    description: str
    events: list[str]
    """
    The types of the events that it gets.
    """
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None
    """
    Since when nothing is sent to it; null if it is in use.
    """
    disabled_by: str | None
    """
    You, an answer 410, or five days without a successful delivery.
    """
    failing_since: AwareDatetime | None
    """
    The first failure since the last success; null if there is none.
    """
    previous_secret_until: AwareDatetime | None
    """
    Until when an earlier secret also signs.
    """


class WebhookList(BaseModel):
    """
    Every endpoint of the tenant, the oldest first.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    webhooks: list[Webhook]


class WordsResult(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    words: list[TimedWord]


class Cost(BaseModel):
    """
    What the job has cost at its gateway, in the gateway's own unit.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    amount: Annotated[float, Field(ge=0.0)]
    unit: str
    source: str
    """
    Where an amount is from: a table of prices, or the gateway's reply.
    """


class Key(BaseModel):
    """
    An API key. The key itself is shown once, when it is created.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    key_id: str
    mode: str
    """
    test: the key is for the sandbox of the tenant only.
    """
    name: str
    hint: str
    """
    The beginning of the key, by which a person recognises it.
    """
    scopes: list[str]
    """
    What the key may be used for.
    """
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    """
    When it ends or has ended; null if it never ends.
    """
    last_used_on: str | None
    """
    The day of its last use; null if it was never used.
    """
    revoked_at: AwareDatetime | None
    """
    When it was revoked; null if it was not.
    """


class KeyList(BaseModel):
    """
    Every key of the tenant, the oldest first.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    keys: list[Key]


class Offer(BaseModel):
    """
    One kind at one gateway.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    result: str
    """
    The type of a job's result. The first three are files of tracks; the others are data in `TaskReport.result`.
    """
    sources: int
    """
    How many earlier results the input must refer to.
    """
    fields: list[str]
    """
    The input fields that the gateway supports.
    """
    required: list[str]
    """
    Those that it requires; a/b means that one of the two is enough.
    """
    synchronous: bool
    """
    The gateway answers the submission with the result.
    """
    note: str | None = None


class OfferPreview(BaseModel):
    """
    One of the gateways that would be asked.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    gateway: str
    requested_model: str | None
    requested_gateway_model: str | None
    estimate: Cost | None
    limits: dict[str, int]
    """
    The maximum lengths of texts for the model, in characters.
    """


class Track(BaseModel):
    """
    One result of the task that has files.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    track_id: str
    title: str | None
    model: str | None
    gateway_model: str | None
    duration_seconds: float | None
    doubtful: Doubt | None
    identity: str | None
    """
    Whether the clip that the file names is the one that the gateway named; null if it names none.
    """
    state: str
    error: Fault | None
    identical_to: str | None
    """
    The first earlier track whose audio has the same bytes.
    """
    source: Source | None
    assets: list[Asset]
    missing: dict[str, Fault | None]
    """
    By kind: why an optional file is not stored.
    """


class Usage(BaseModel):
    """
    What the tenant has used in one month, by the jobs that were created in it.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    month: str
    """
    As in 2026-11. Months and days are those of UTC.
    """
    mode: str
    """
    Whether a key, and each job that it creates, is real, or belongs to the sandbox of the tenant.
    """
    jobs_in_progress: int
    """
    Jobs of this month that have not ended.
    """
    jobs: int
    """
    Jobs that were created, those that were deleted among them.
    """
    usd: float
    """
    What the jobs are estimated to cost, in USD.
    """
    days: list[UsedDay]
    """
    Every day of the month until today.
    """
    limits: Limits


class Wait(BaseModel):
    """
    What the job waits for, and until when at the latest.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    reason: str
    """
    What a job waits for.
    """
    until: AwareDatetime


class Gateway(BaseModel):
    """
    What one gateway can do, and its recent health.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    name: str
    kinds: dict[str, Offer]
    unsupported: dict[str, str]
    """
    By kind: why the gateway does not offer it.
    """
    models: dict[str, str]
    """
    Our names of models, and the gateway's.
    """
    default_model: str | None
    limits: dict[str, int]
    """
    Maximum lengths of texts for the default model, in characters.
    """
    rate: Rate
    callback_stages: list[str]
    link_days: dict[str, float | None]
    """
    By host: for how many days files are kept.
    """
    batch_size: int | None
    link_renewal: bool
    balance: bool
    """
    The gateway reports what is left on an account.
    """
    prices: list[Price]
    errors: dict[str, Rule]
    health: Health
    balances: list[Balance]
    """
    Of the tenant's own account, and for operators of every account.
    """


class GatewayList(BaseModel):
    model_config = ConfigDict(
        extra='allow',
    )
    gateways: list[Gateway]


class Job(BaseModel):
    """
    A job.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    mode: str
    """
    test: a job of the sandbox. Nothing was sent to a gateway, and nothing was paid.
    """
    gateway: str
    kind: str
    requested_model: str | None
    requested_gateway_model: str | None
    state: str
    progress: str
    """
    How far the task has progressed at its gateway, in order. Progress never goes back.
    """
    task_id: str | None
    metadata: dict[str, str]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    deadline_at: AwareDatetime
    recoverable_until: AwareDatetime | None
    retry_of: str | None
    retried_as: str | None
    waiting_for: Wait | None
    charged: str
    """
    Whether the gateway charged for a job, as far as that is known.
    """
    cost: Cost | None
    error: Fault | None
    job_id: str
    partial: bool
    tracks: list[Track]
    manifest: Manifest | None
    result: LyricsResult | AudioIdResult | PersonaIdResult | WordsResult | None
    request: RecordedRequest | None
    quarantine: list[Quarantined]


class JobEvent(BaseModel):
    """
    One change of a job, or one attempt to submit it.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    at: AwareDatetime
    state: str
    cause: str
    """
    What caused a check of the job, and so the change that followed.
    """
    execution: str
    gateway: str
    task_id: str | None
    error: str | None
    waiting_for: Wait | None


class JobEvents(BaseModel):
    """
    The history of a job, the oldest event first.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    job_id: str
    events: list[JobEvent]


class JobPreview(BaseModel):
    """
    A job that a dry run would create. It has an id only if the request has an Idempotency-Key.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    mode: str
    """
    test: a job of the sandbox. Nothing was sent to a gateway, and nothing was paid.
    """
    gateway: str
    kind: str
    requested_model: str | None
    requested_gateway_model: str | None
    state: str
    progress: str
    """
    How far the task has progressed at its gateway, in order. Progress never goes back.
    """
    task_id: str | None
    metadata: dict[str, str]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    deadline_at: AwareDatetime
    recoverable_until: AwareDatetime | None
    retry_of: str | None
    retried_as: str | None
    waiting_for: Wait | None
    charged: str
    """
    Whether the gateway charged for a job, as far as that is known.
    """
    cost: Cost | None
    error: Fault | None
    partial: bool
    tracks: list[Track]
    manifest: Manifest | None
    result: LyricsResult | AudioIdResult | PersonaIdResult | WordsResult | None
    request: RecordedRequest | None
    quarantine: list[Quarantined]
    job_id: str | None


class JobSummary(BaseModel):
    """
    A job as a list shows it.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    mode: str
    """
    test: a job of the sandbox. Nothing was sent to a gateway, and nothing was paid.
    """
    gateway: str
    kind: str
    requested_model: str | None
    requested_gateway_model: str | None
    state: str
    progress: str
    """
    How far the task has progressed at its gateway, in order. Progress never goes back.
    """
    task_id: str | None
    metadata: dict[str, str]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    deadline_at: AwareDatetime
    recoverable_until: AwareDatetime | None
    retry_of: str | None
    retried_as: str | None
    waiting_for: Wait | None
    charged: str
    """
    Whether the gateway charged for a job, as far as that is known.
    """
    cost: Cost | None
    error: Fault | None
    job_id: str


class Preview(BaseModel):
    """
    What a dry run found. Nothing was written.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    job: JobPreview
    gateways: list[OfferPreview]
    """
    In the order in which they would be asked.
    """


class JobList(BaseModel):
    """
    A page of jobs, newest first. It may have fewer jobs than its limit although more follow.
    """

    model_config = ConfigDict(
        extra='allow',
    )
    jobs: list[JobSummary]
    next: str | None
    """
    The cursor of the next page; null on the last page.
    """
