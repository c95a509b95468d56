"""The error codes that clients see, and the exceptions that this package raises on purpose.

SunoJobsError
 ├── ClientError                 answered to the client as a problem document (RFC 9457)
 │    ├── InvalidRequest         422, lists the wrong fields
 │    ├── IdempotencyConflict    422, the key was used with another body
 │    ├── JobNotFound            404
 │    ├── WrongState             409, the job cannot be cancelled or retried in its state
 │    ├── AssetNotFound          404, lists what exists instead
 │    └── NotJson, BodyTooLarge  400 and 413, in ``runtime.problems``
 ├── CallbackRefused             401 or 413, nothing is stored
 ├── Conflict                    the condition of a write did not hold; read again and decide anew
 ├── GatewayUnreachable          no complete reply arrived from a gateway
 ├── NoSlot                      the rate limit is exhausted at the moment
 ├── AssetError                  a file did not pass the checks
 │    ├── AssetNotReady          may pass later; the state machine retries
 │    │    └── AssetExpired      only a new link from the gateway helps
 │    └── AssetRefused           the same file will not pass
 ├── TracksNotStored             the job cannot end yet
 ├── ManifestNotWritten          S3 did not accept the job's manifest
 └── EventNotSent                EventBridge did not accept the job's last event

The names AssetNotReady, TracksNotStored, ManifestNotWritten and EventNotSent are a contract with
``statemachine/suno_job.asl.json``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Why a job, a track or a gateway call failed. Clients may rely on these values."""

    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    MAINTENANCE = "maintenance"
    CONTENT_REJECTED = "content_rejected"
    MODEL_UNAVAILABLE = "model_unavailable"
    GENERATION_FAILED = "generation_failed"
    NOT_FOUND = "not_found"
    GATEWAY_ERROR = "gateway_error"
    AMBIGUOUS = "ambiguous"
    NO_AUDIO = "no_audio"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"
    ASSET_UNAVAILABLE = "asset_unavailable"
    ASSET_EXPIRED = "asset_expired"
    ASSET_FORBIDDEN_ADDRESS = "asset_forbidden_address"
    ASSET_TRUNCATED = "asset_truncated"
    ASSET_TOO_LARGE = "asset_too_large"
    ASSET_WRONG_TYPE = "asset_wrong_type"
    ASSET_ENCRYPTED = "asset_encrypted"
    ASSET_SILENT = "asset_silent"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure as a value: our error code, with the gateway's own code and trace id.

    ``retryable``: the same request can succeed as a new job. ``message`` never contains a key, a MAC or a signed URL.
    ``limit_bytes`` is the size limit that a file exceeded: under the same limit it is not downloaded again.
    ``refunded``: the gateway reports that it returned the money.
    """

    code: ErrorCode
    message: str
    retryable: bool = False
    gateway_code: str | None = None
    trace_id: str | None = None
    limit_bytes: int | None = None
    refunded: bool | None = None

    def to_item(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Fault:
        return cls(**{**item, "code": ErrorCode(item["code"])})


class SunoJobsError(Exception):
    """Base class of every error that this package raises on purpose."""


class ClientError(SunoJobsError):
    """The client can correct this; ``detail`` explains how. ``members`` are added to the problem document."""

    status = 400
    title = "Bad request"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class InvalidRequest(ClientError):
    """The request does not describe a job. ``errors`` lists field and reason."""

    status = 422
    title = "The request is not valid"


class IdempotencyConflict(ClientError):
    """The Idempotency-Key was already used with another body."""

    status = 422
    title = "The Idempotency-Key was used with another request"


class JobNotFound(ClientError):
    """No job of this tenant has that id."""

    status = 404
    title = "No such job"


class WrongState(ClientError):
    """The job is in a state that does not allow this."""

    status = 409
    title = "The state of the job does not allow this"


class AssetNotFound(ClientError):
    """The job exists, but the file does not exist, or not yet."""

    status = 404
    title = "No such asset"


class CallbackRefused(SunoJobsError):
    """The callback is not accepted; ``status`` is the HTTP status of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Conflict(SunoJobsError):
    """The condition of a write did not hold, because the item has changed. It is safe to read it again and decide anew."""


class GatewayUnreachable(SunoJobsError):
    """No complete HTTP answer arrived: whether the request took effect is unknown.

    ``sent`` is False only when the connection was never established, so that nothing can have been received.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class NoSlot(SunoJobsError):
    """The rate limit of a gateway is exhausted; nothing was sent. One slot should be free after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no slot of the rate limit is free for {seconds:.1f} s")
        self.seconds = seconds


class AssetError(SunoJobsError):
    """A file did not pass the checks; ``fault`` is recorded for its track."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class AssetNotReady(AssetError):
    """The file may pass later (CDN lag, a broken connection). Nothing was stored."""


class AssetExpired(AssetNotReady):
    """The link has expired or must not be fetched: a retry is useless until the gateway provides a new link."""


class AssetUnknownFormat(AssetNotReady):
    """The bytes are of no format that the checks know, so whether they are complete is unknown. They may still be the song."""


class AssetRefused(AssetError):
    """The same file will not pass, unless a limit is raised. Nothing was stored. A new link may lead to another file."""


class TracksNotStored(SunoJobsError):
    """A track is not in the bucket yet, and there is time left: wait, read the task again and store again."""


class ManifestNotWritten(SunoJobsError):
    """S3 did not accept the manifest, so the job has not ended. Repeat the call: it writes the same bytes."""


class EventNotSent(SunoJobsError):
    """EventBridge did not accept the event. Repeat the call: the event stays pending and keeps its id."""
