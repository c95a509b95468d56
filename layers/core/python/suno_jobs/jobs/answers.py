"""The answers of the API about jobs, as types: ``jobs.views`` makes them, and docs/openapi.json describes them.

Imported for type checks and for that document only, so no function loads it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from suno_jobs.catalog.costs import CostSource
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import TrackState
from suno_jobs.jobs.states import Cause, Charged, JobState, Progress, WaitReason

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
SignedUrl = Annotated[str, Field(json_schema_extra={"format": "uri"})]


class WaitAnswer(TypedDict):
    """What the job waits for, and until when at the latest."""

    reason: WaitReason
    until: Time


class CostAnswer(TypedDict):
    """What the job has cost at its gateway, in the gateway's own unit."""

    amount: Annotated[float, Field(ge=0)]
    unit: str
    source: CostSource


class FaultAnswer(TypedDict):
    """Why a job, a track or a file failed. Programs rely on ``code``; ``message`` is for people."""

    code: ErrorCode
    message: str
    retryable: Annotated[bool, Field(description="The same request can succeed in a new job, and cannot be paid for twice.")]
    charged: Charged
    gateway_code: str | None
    trace_id: str | None


class AssetAnswer(TypedDict):
    """One file in the bucket that passed the checks."""

    kind: Annotated[str, Field(description="audio, image, video, wav or the name of a stem.")]
    key: Annotated[str, Field(description="The key of the object in the bucket.")]
    content_type: str
    bytes: int
    sha256: str
    source_host: str | None
    stored_at: Time | None
    released: Annotated[bool, Field(description="It did not pass the checks, and an operator released it.")]
    url: NotRequired[Annotated[SignedUrl, Field(description="A presigned URL, only in GET /v1/jobs/{job_id}.")]]


class DoubtAnswer(TypedDict):
    """The file and the gateway disagree about the length."""

    reported_seconds: float
    measured_seconds: float | None


class SourceAnswer(TypedDict):
    """The song that the track was made from."""

    job_id: str
    track_id: str


class TrackAnswer(TypedDict):
    """One result of the task that has files."""

    track_id: str
    title: str | None
    model: str | None
    gateway_model: str | None
    duration_seconds: float | None
    doubtful: DoubtAnswer | None
    identity: Annotated[
        Literal["match", "mismatch"] | None,
        Field(description="Whether the clip that the file names is the one that the gateway named; null if it names none."),
    ]
    state: TrackState
    error: FaultAnswer | None
    identical_to: Annotated[str | None, Field(description="The first earlier track whose audio has the same bytes.")]
    source: SourceAnswer | None
    assets: list[AssetAnswer]
    missing: Annotated[dict[str, FaultAnswer | None], Field(description="By kind: why an optional file is not stored.")]


class ManifestAnswer(TypedDict):
    key: str
    url: NotRequired[SignedUrl]


class AdoptAnswer(TypedDict):
    """The task that was created elsewhere."""

    task_id: str


class RecordedRequest(TypedDict):
    """The request that created the job. It can be sent again as it is. Either ``input`` or ``adopt`` is present."""

    gateway: str | list[str]
    kind: Kind
    input: NotRequired[Annotated[dict[str, Any], Field(description="The input of the kind, without the query of any URL.")]]
    adopt: NotRequired[AdoptAnswer]
    metadata: dict[str, str]
    ambiguous_submit: NotRequired[Literal["fail", "resubmit"]]
    callback_url: NotRequired[Annotated[str, Field(description="Without its query.")]]


class QuarantinedAnswer(TypedDict):
    """A complete download that did not pass the checks. It has no URL."""

    track_id: str
    kind: str
    reason: ErrorCode
    message: str
    bytes: int
    sha256: str
    source_host: str
    stored_at: Time
    released: bool


class LyricsDraft(TypedDict):
    title: str
    text: str


class LyricsResult(TypedDict):
    lyrics: list[LyricsDraft]


class AudioIdResult(TypedDict):
    audio_id: str


class PersonaIdResult(TypedDict):
    persona_id: str


class TimedWord(TypedDict):
    word: str
    start_s: float
    end_s: float


class WordsResult(TypedDict):
    words: list[TimedWord]


ResultAnswer = LyricsResult | AudioIdResult | PersonaIdResult | WordsResult
"""What a job yields besides files."""


class _Summary(TypedDict):
    mode: Annotated[Mode, Field(description="test: a job of the sandbox. Nothing was sent to a gateway, and nothing was paid.")]
    gateway: str
    kind: Kind
    requested_model: str | None
    requested_gateway_model: str | None
    state: JobState
    progress: Progress
    task_id: str | None
    metadata: dict[str, str]
    created_at: Time
    updated_at: Time
    deadline_at: Time
    recoverable_until: Time | None
    retry_of: str | None
    retried_as: str | None
    waiting_for: WaitAnswer | None
    charged: Charged
    cost: CostAnswer | None
    error: FaultAnswer | None


class _Details(TypedDict):
    partial: bool
    tracks: list[TrackAnswer]
    manifest: ManifestAnswer | None
    result: ResultAnswer | None
    request: RecordedRequest | None
    quarantine: list[QuarantinedAnswer]


class JobSummary(_Summary):
    """A job as a list shows it."""

    job_id: str


class JobAnswer(JobSummary, _Details):
    """A job."""


class JobPreview(_Summary, _Details):
    """A job that a dry run would create. It has an id only if the request has an Idempotency-Key."""

    job_id: str | None


class OfferPreview(TypedDict):
    """One of the gateways that would be asked."""

    gateway: str
    requested_model: str | None
    requested_gateway_model: str | None
    estimate: CostAnswer | None
    limits: Annotated[dict[str, int], Field(description="The maximum lengths of texts for the model, in characters.")]


class PreviewAnswer(TypedDict):
    """What a dry run found. Nothing was written."""

    job: JobPreview
    gateways: Annotated[list[OfferPreview], Field(description="In the order in which they would be asked.")]


class JobListAnswer(TypedDict):
    """A page of jobs, newest first. It may have fewer jobs than its limit although more follow."""

    jobs: list[JobSummary]
    next: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class JobEventAnswer(TypedDict):
    """One change of a job, or one attempt to submit it."""

    at: Time
    state: JobState
    cause: Cause
    execution: str
    gateway: str
    task_id: str | None
    error: ErrorCode | None
    waiting_for: WaitAnswer | None


class JobEventsAnswer(TypedDict):
    """The history of a job, the oldest event first."""

    job_id: str
    events: list[JobEventAnswer]
