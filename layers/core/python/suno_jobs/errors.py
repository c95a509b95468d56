"""The error codes that clients see, and the exceptions that this package raises on purpose.

SunoJobsError
 ├── ClientError                 answered to the client as a problem document (RFC 9457); ``PROBLEMS`` has them all
 │    ├── NotJson                400
 │    ├── ScopeMissing           403, the key is not for such requests
 │    ├── JobNotFound            404
 │    ├── KeyNotFound            404
 │    ├── TaskNotFound           404, the task cannot be adopted by this tenant
 │    ├── AssetNotFound          404, lists what exists instead
 │    ├── RouteNotFound          404
 │    ├── MethodNotAllowed       405, lists what the route allows
 │    ├── WrongState             409, the job cannot be cancelled, retried or deleted in its state
 │    ├── TooManyKeys            409
 │    ├── JobBeingChanged        409, the answer to a Conflict
 │    ├── JobDeleted             410, only its tombstone is left
 │    ├── BodyTooLarge           413
 │    ├── InvalidRequest         422, lists everything that is wrong
 │    ├── IdempotencyConflict    422, the key was used with another body
 │    └── QuotaExceeded          429, the tenant has reached one of its limits
 ├── CallbackRefused             a callback is not authentic, nothing is stored
 ├── Conflict                    the condition of a write did not hold; read again and decide anew
 ├── OverBounds                  the tenant has used too much for another job
 ├── GatewayUnreachable          no complete reply arrived from a gateway
 ├── NoSlot                      the rate limit is exhausted at the moment
 ├── NoPlace                     the table numbers no more places of a queue at the moment
 ├── AssetError                  a file did not pass the checks
 │    ├── AssetNotReady          may pass later; the state machine retries
 │    │    └── AssetExpired      only a new link from the gateway helps
 │    └── AssetTooLarge          the file is over the size limit
 ├── LaterVersion                a later version of the code has to continue with the job
 ├── TracksNotStored             the job cannot end yet
 ├── FilesNotErased              S3 did not delete every file of a deleted job
 ├── ManifestNotWritten          S3 did not accept the job's manifest
 └── EventNotSent                EventBridge did not accept the job's last event

The names AssetNotReady, TracksNotStored, ManifestNotWritten and EventNotSent are a contract with
``statemachine/suno_job.asl.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from suno_jobs.stored_words import stored_word


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
    ASSET_IDENTICAL = "asset_identical"


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

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Fault:
        known = {name: value for name, value in item.items() if name in cls.__dataclass_fields__}
        return cls(**{**known, "code": stored_word(ErrorCode, item["code"])})


class SunoJobsError(Exception):
    """Base class of every error that this package raises on purpose."""


class ClientError(SunoJobsError):
    """The client can correct this; ``detail`` explains how. ``members`` are added to the problem document.

    The attributes of a subclass are its documentation at ``type_uri``. Its ``name`` never changes. ``repeatable``: the same
    request can succeed later, and it is safe to send it again.
    """

    name: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    meaning: ClassVar[str]
    remedy: ClassVar[str]
    repeatable: ClassVar[bool] = False

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @classmethod
    def type_uri(cls) -> str:
        return f"/v1/problems/{cls.name}"

    def document(self) -> dict[str, Any]:
        """The problem document (RFC 9457)."""
        known = {"type": self.type_uri(), "title": self.title, "status": self.status, "detail": self.detail}
        return known | self.members


class NotJson(ClientError):
    name = "not-json"
    status = 400
    title = "The body is not JSON"
    meaning = "The body cannot be read as JSON, or it is JSON that two programs could read differently."
    remedy = "Send one JSON object in UTF-8. Its nesting must not be very deep, and no object may contain the same name twice."


class ScopeMissing(ClientError):
    """The API key was made for other requests."""

    name = "scope-missing"
    status = 403
    title = "The API key is not for this request"
    meaning = "The API key is valid, but it was made without the scope that this request needs. Nothing was done."
    remedy = "Use a key that has the scope, or ask the operator for one."


class JobNotFound(ClientError):
    """No job of this tenant has that id."""

    name = "job-not-found"
    status = 404
    title = "No such job"
    meaning = "You have no job with the id in the path. Jobs of other tenants count as not found."
    remedy = "Check the job_id, and that the API key belongs to the tenant that created the job."


class KeyNotFound(ClientError):
    """No API key of this tenant has that id, or it has ended."""

    name = "key-not-found"
    status = 404
    title = "No such key"
    meaning = (
        "You have no API key with the id in the path, or it has ended and cannot be rotated. Keys of other tenants count as not"
        " found."
    )
    remedy = "List the keys, and check the key_id. Instead of a key that has ended, create a new one."


class WebhookNotFound(ClientError):
    """No webhook of this tenant has that id."""

    name = "webhook-not-found"
    status = 404
    title = "No such webhook"
    meaning = "You have no webhook with the id in the path. Webhooks of other tenants count as not found."
    remedy = "List the webhooks, and check the webhook_id. The record default exists after its secret was first rotated."


class DeliveryNotFound(ClientError):
    """No delivery to that webhook has that id."""

    name = "delivery-not-found"
    status = 404
    title = "No such delivery"
    meaning = "The webhook has no delivery with the id in the path. Deliveries are kept for 30 days."
    remedy = "List the deliveries of the webhook, and check the delivery_id."


class TaskNotFound(ClientError):
    """The task belongs to no job of this tenant, and this tenant may not adopt it."""

    name = "task-not-found"
    status = 404
    title = "No such task"
    meaning = (
        "The task to adopt belongs to no job of yours, and you may not adopt it: it has another owner, or you have no account "
        "of your own at the gateway. Tasks of other tenants count as not found."
    )
    remedy = "Check the task_id. Ask the operator to adopt a task of an account that several tenants share."


class AssetNotFound(ClientError):
    """The job exists, but the file does not exist, or not yet."""

    name = "asset-not-found"
    status = 404
    title = "No such asset"
    meaning = "The job exists, but it has no such track, or the file is not stored."
    remedy = (
        "Read the job: it lists its tracks and their files. While the job runs or is in recovery, the file may still be stored."
    )
    repeatable = True


class RouteNotFound(ClientError):
    name = "route-not-found"
    status = 404
    title = "No such route"
    meaning = "The API has no route with this path."
    remedy = "Check the path. No path of the API ends with a slash."


class MethodNotAllowed(ClientError):
    """``allowed`` are the methods that the path has."""

    name = "method-not-allowed"
    status = 405
    title = "The path does not allow this method"
    meaning = "The API has a route with this path, but not for this method."
    remedy = "Use a method that the header Allow of the response lists."

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path allows {', '.join(allowed)}.")
        self.allowed = allowed


class WrongState(ClientError):
    """The job is in a state that does not allow this."""

    name = "wrong-state"
    status = 409
    title = "The state of the job does not allow this"
    meaning = (
        "A job that has ended cannot be cancelled, and one that has not ended cannot be deleted. A job can only be retried if"
        " it is FAILED or TIMED_OUT, and if it may have been charged, only if you accept a second charge."
    )
    remedy = "Read the job and decide anew. For a second charge, send what the detail says."


class TooManyKeys(ClientError):
    name = "too-many-keys"
    status = 409
    title = "There are too many keys"
    meaning = "Your tenant has as many API keys that work as it may have. No key was created."
    remedy = "List the keys, and revoke those that were not used for long."


class TooManyWebhooks(ClientError):
    name = "too-many-webhooks"
    status = 409
    title = "There are too many webhooks"
    meaning = "Your tenant has as many webhooks as it may have. None was created."
    remedy = "List the webhooks, and delete one that is not needed any more."


class JobBeingChanged(ClientError):
    name = "job-being-changed"
    status = 409
    title = "The job is being changed"
    meaning = "Another request or the service itself changed the same job at the same moment. Nothing was done."
    remedy = "Repeat the request, with the same Idempotency-Key if it has one."
    repeatable = True


class JobDeleted(ClientError):
    """Only a tombstone is left of the job."""

    name = "job-deleted"
    status = 410
    title = "The job was deleted"
    meaning = (
        "A request of your tenant has deleted this job. Its Idempotency-Key stays used, so that nothing is paid for twice."
    )
    remedy = "To order a new song, send the request with a new Idempotency-Key."


class BodyTooLarge(ClientError):
    name = "body-too-large"
    status = 413
    title = "The request is too large"
    meaning = "The body has more bytes than the API reads."
    remedy = "Send a smaller body."


class InvalidRequest(ClientError):
    """Each of ``errors`` has a ``detail`` and one place: the ``pointer`` to a value in the body (RFC 6901), the ``parameter``
    of the query, or the ``header``."""

    name = "invalid-request"
    status = 422
    title = "The request is not valid"
    meaning = "One or more values of the request are wrong. Nothing was recorded, and nothing is charged."
    remedy = (
        "Correct everything that errors lists. Each entry has a detail and the place of the wrong value: a JSON pointer into"
        " the body, a parameter of the query, or a header."
    )

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__("; ".join(map(_sentence, errors)), errors=[dict(each) for each in errors])


class IdempotencyConflict(ClientError):
    """The Idempotency-Key was already used with another body."""

    name = "idempotency-conflict"
    status = 422
    title = "The Idempotency-Key was used with another request"
    meaning = "An earlier request had the same Idempotency-Key and another body. Its job is unchanged, and no job was created."
    remedy = "Repeat the earlier request unchanged to get its job, or use a new key for a new job."


class QuotaExceeded(ClientError):
    """``headers`` say which limits the tenant has, what is left, and when to try again."""

    name = "quota-exceeded"
    status = 429
    title = "A limit of the tenant is reached"
    meaning = (
        "Your tenant has as many jobs in progress, has created as many jobs, or has spent as much as it may. Nothing was"
        " recorded, and nothing is charged. The member violated-policies names the limits."
    )
    remedy = (
        "Repeat the request after the seconds in the header Retry-After, with the same Idempotency-Key. GET /v1/usage shows the"
        " limits and what is used. Ask the operator for higher limits."
    )
    repeatable = True

    def __init__(self, detail: str, violated: Sequence[str], headers: Mapping[str, str]) -> None:
        super().__init__(detail, **{"violated-policies": list(violated)})
        self.headers = headers


PROBLEMS: tuple[type[ClientError], ...] = (
    NotJson,
    ScopeMissing,
    JobNotFound,
    KeyNotFound,
    WebhookNotFound,
    DeliveryNotFound,
    TaskNotFound,
    AssetNotFound,
    RouteNotFound,
    MethodNotAllowed,
    WrongState,
    TooManyKeys,
    TooManyWebhooks,
    JobBeingChanged,
    JobDeleted,
    BodyTooLarge,
    InvalidRequest,
    IdempotencyConflict,
    QuotaExceeded,
)
"""Every problem that a client can get from this program, by status. API Gateway sends others: see ``docs/api.md``."""


def json_pointer(*names: str | int) -> str:
    """To a value in the body (RFC 6901); without names, to the whole body."""
    return "".join(f"/{str(each).replace('~', '~0').replace('/', '~1')}" for each in names)


def _sentence(error: Mapping[str, str]) -> str:
    place = next(value for name, value in error.items() if name != "detail")
    return f"{place or 'the body'}: {error['detail']}"


class CallbackRefused(SunoJobsError):
    """The callback is not authentic."""


class SecretNotRenewed(SunoJobsError):
    """Whether a callback is authentic can only be said once its secret is read again, a few seconds later."""


class Conflict(SunoJobsError):
    """The condition of a write did not hold, because the item has changed. It is safe to read it again and decide anew."""


class OverBounds(SunoJobsError):
    """A counter of the tenant's usage was too high when a job was to be created, so nothing was written."""


class LaterVersion(SunoJobsError):
    """The job has a state, a kind or a gateway that this version does not know, so a later version wrote it. Nothing was done
    with it, and the later version can continue.
    """


class ExecutionsThrottled(SunoJobsError):
    """Step Functions answers no more questions about executions for the moment. The next sweep asks again."""


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


class NoPlace(SunoJobsError):
    """The table takes no more writes to the queue of an account for now; the job has no place in it yet."""


class AssetError(SunoJobsError):
    """A file did not pass the checks; ``fault`` is recorded for its track."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class AssetNotReady(AssetError):
    """The file may pass later (CDN lag, a broken connection). Nothing was stored."""


class AssetExpired(AssetNotReady):
    """The link has expired or must not be fetched: a retry is useless until the gateway provides a new link."""


class AssetIdentical(AssetNotReady):
    """The file is that of another song of its task, or may be. Its own may be there later: a retry at once is useless."""


class AssetUnknownFormat(AssetNotReady):
    """The bytes are of no format that the checks know, so whether they are complete is unknown. They may still be the song."""


class AssetTooLarge(AssetError):
    """The file is over the size limit. It is not downloaded again before that is raised. Nothing was stored."""


class SubmissionDue(SunoJobsError):
    """A decision of Check Task, and no failure: Create Task comes next."""


class TracksReady(SunoJobsError):
    """A decision of Check Task, and no failure: Store Track comes next."""


class JobDecided(SunoJobsError):
    """A decision of Check Task, and no failure: Finish Job comes next."""


class HandedOver(SunoJobsError):
    """A decision of Check Task, and no failure: the job goes on in another execution."""


class TracksNotStored(SunoJobsError):
    """A track is not in the bucket yet, and there is time left: wait, read the task again and store again."""


class ManifestNotWritten(SunoJobsError):
    """S3 did not accept the manifest, so the job has not ended. Repeat the call: it writes the same bytes."""


class FilesNotErased(SunoJobsError):
    """S3 did not delete every file of a deleted job. Repeat the call: it continues with the remaining files."""


class EventNotSent(SunoJobsError):
    """EventBridge did not accept the event. Repeat the call: the event stays pending and keeps its id."""
