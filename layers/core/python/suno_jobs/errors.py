"""The one taxonomy of what can go wrong, and the exceptions that carry it.

SunoJobsError
 ├── ClientError                 answered to the client as a problem (RFC 9457)
 │    ├── InvalidRequest         422, names the field
 │    ├── IdempotencyConflict    422, the key was used with another body
 │    ├── JobNotFound            404
 │    ├── WrongState             409, the job cannot be cancelled or retried any more
 │    └── AssetNotFound          404, says what there is instead
 ├── CallbackRefused             401 or 413, nothing is stored
 ├── Conflict                    a conditional write lost; read again and decide
 ├── GatewayUnreachable          no whole answer came back from a gateway
 ├── NoSlot                      the rate budget is used up for the moment
 ├── AssetError                  a file that did not pass the gate
 │    ├── AssetNotReady          may pass later; the state machine tries again
 │    │    └── AssetExpired      only a new link from the gateway helps
 │    └── AssetRefused           will never pass
 ├── TracksNotStored             the job is not finished yet
 ├── ManifestNotWritten          the bucket did not take the job's manifest
 └── EventNotSent                the bus did not take the job's last event

The names AssetNotReady, TracksNotStored, ManifestNotWritten and EventNotSent are a contract with
``statemachine/suno_job.asl.json``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Why a job, a track or a gateway call failed. Clients may rely on these words."""

    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    MAINTENANCE = "maintenance"
    CONTENT_REJECTED = "content_rejected"
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
    ASSET_WRONG_LENGTH = "asset_wrong_length"
    ASSET_ENCRYPTED = "asset_encrypted"
    ASSET_SILENT = "asset_silent"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure as a value: our code, beside the gateway's own words.

    ``retryable`` tells a client whether the same request, submitted anew, can succeed.
    ``message`` never holds a key, a MAC or a signed URL.
    """

    code: ErrorCode
    message: str
    retryable: bool = False
    gateway_code: str | None = None
    trace_id: str | None = None

    def to_item(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Fault:
        return cls(**{**item, "code": ErrorCode(item["code"])})


class SunoJobsError(Exception):
    """Root of every error that this package raises on purpose."""


class ClientError(SunoJobsError):
    """The client can mend this; ``detail`` says how."""

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
    """The job stands where this cannot be done."""

    status = 409
    title = "The job is in another state"


class AssetNotFound(ClientError):
    """The job is there, the file is not, or not yet."""

    status = 404
    title = "No such asset"


class CallbackRefused(SunoJobsError):
    """A callback that is not accepted; ``status`` is the HTTP status to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Conflict(SunoJobsError):
    """A conditional write found the item changed by somebody else. Safe to read again and decide anew."""


class GatewayUnreachable(SunoJobsError):
    """No complete HTTP answer arrived: whether the request took effect is unknown.

    ``sent`` is False only when the connection was never established, so that nothing can have been received.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class NoSlot(SunoJobsError):
    """The rate budget of a gateway is used up; nothing was sent. One slot should be free after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no slot for {seconds:.1f} s")
        self.seconds = seconds


class AssetError(SunoJobsError):
    """A file did not pass the gate; ``fault`` is what is recorded for its track."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class AssetNotReady(AssetError):
    """The file may still become good (CDN lag, a broken connection). Nothing was stored."""


class AssetExpired(AssetNotReady):
    """The link is dead, and so it stays: not to be tried again before the gateway gave a new one."""


class AssetRefused(AssetError):
    """The file will never be accepted. Nothing was stored."""


class TracksNotStored(SunoJobsError):
    """A track is not in the bucket yet and there is time left: wait, read the task again, store again."""


class ManifestNotWritten(SunoJobsError):
    """S3 did not take the manifest, so the job has not ended; to be repeated, its bytes are the same."""


class EventNotSent(SunoJobsError):
    """EventBridge did not take the event; the job keeps it pending and the same event id is sent again."""
