"""The routes of the API: what each of them takes and answers. Tests hold this list to template.yaml and to the real answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openapi import prose
from openapi.schemas import Json, reference
from suno_jobs.errors import (
    PROBLEMS,
    AssetNotFound,
    BodyTooLarge,
    ClientError,
    DeliveryNotFound,
    IdempotencyConflict,
    InvalidRequest,
    JobBeingChanged,
    JobDeleted,
    JobNotFound,
    KeyNotFound,
    NotJson,
    QuotaExceeded,
    RouteNotFound,
    ScopeMissing,
    TaskNotFound,
    TooManyKeys,
    TooManyWebhooks,
    WebhookNotFound,
    WrongState,
)
from suno_jobs.gateways.answers import GatewayListAnswer
from suno_jobs.jobs.answers import JobAnswer, JobEventsAnswer, JobListAnswer, PreviewAnswer
from suno_jobs.jobs.identifiers import JOB_ID_PATTERN
from suno_jobs.jobs.listing import DEFAULT_LIMIT, MAX_LIMIT
from suno_jobs.steps.manage_deliveries import DEFAULT_LIMIT as DELIVERIES_LIMIT
from suno_jobs.steps.manage_deliveries import ReplayRequest
from suno_jobs.steps.manage_keys import KeyRequest, RotationRequest
from suno_jobs.steps.manage_webhooks import SecretRotation, WebhookChange, WebhookRequest
from suno_jobs.steps.read_usage import MONTH_PATTERN
from suno_jobs.tenants.answers import KeyListAnswer, NewKeyAnswer, UsageAnswer
from suno_jobs.tenants.api_keys import KEY_ID_PATTERN, Scope
from suno_jobs.webhooks.answers import (
    DeliveryAnswer,
    DeliveryListAnswer,
    NewWebhookAnswer,
    ReplayAnswer,
    WebhookAnswer,
    WebhookListAnswer,
)
from suno_jobs.webhooks.deliveries import DELIVERY_ID_PATTERN
from suno_jobs.webhooks.endpoints import ENDPOINT_ID_PATTERN

JOBS, FILES, KEYS, SERVICE, DOCUMENTATION, CALLBACKS = "Jobs", "Files", "Keys", "Service", "Documentation", "Callbacks"
WEBHOOKS = "Webhooks"


@dataclass(frozen=True, slots=True)
class Answer:
    """``models`` are the types of a JSON body; an answer without them has no body, or ``page``: its content type and schema.

    ``headers`` are names of ``HEADERS``.
    """

    status: int
    description: str
    models: tuple[Any, ...] = ()
    headers: tuple[str, ...] = ()
    page: tuple[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route. ``problems`` are those of this program; API Gateway adds its own.

    ``scope`` is what the API key must have; a route without it needs no key.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    scope: Scope | None
    answers: tuple[Answer, ...]
    problems: tuple[type[ClientError], ...] = ()
    parameters: tuple[Json, ...] = ()
    body: Json | None = None

    @property
    def every_problem(self) -> tuple[type[ClientError], ...]:
        return (*self.problems, ScopeMissing) if self.scope else self.problems


HEADERS: dict[str, tuple[str, Json]] = {
    "Location": ("The path of the job.", {"type": "string"}),
    "ETag": ("A weak validator: it changes with the job, but not with the presigned URLs.", {"type": "string"}),
    "Preference-Applied": ("The wait that was applied; absent if the request was answered at once.", {"type": "string"}),
    "Retry-After": ("Seconds until the next request makes sense; only while the job has not ended.", {"type": "integer"}),
    "Link": ('The next page, as `<...>; rel="next"`; absent on the last page.', {"type": "string"}),
    "Cache-Control": ("`no-store`, except for documentation.", {"type": "string"}),
    "Presigned": ("A presigned URL of the file. Follow it without the header `Authorization`.", {"type": "string"}),
}


def _path(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _query(name: str, schema: Json, description: str = "", **more: Any) -> Json:
    text = description or prose.list_parameters()[name]
    return {"name": name, "in": "query", "description": text, "schema": schema, **more}


def _header(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": schema}


_JOB_ID = _path("job_id", "The id of the job.", {"type": "string", "pattern": f"^{JOB_ID_PATTERN}$"})
_KEY_ID = _path("key_id", "The id of the key.", {"type": "string", "pattern": f"^{KEY_ID_PATTERN}$"})
_WEBHOOK_ID = _path("webhook_id", "The id of the webhook.", {"type": "string", "pattern": f"^{ENDPOINT_ID_PATTERN}$"})
_DELIVERY_ID = _path("delivery_id", "The id of the delivery.", {"type": "string", "pattern": f"^{DELIVERY_ID_PATTERN}$"})
_TIME: Json = {"type": "string", "format": "date-time"}
_IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "The same key and body always return the same job, without a time limit.",
    {"type": "string", "pattern": r"^[\x21-\x7E]{1,255}$"},
)
_PREFER = _header(
    "Prefer",
    "`wait=20`: answer as soon as the job ends, or with `If-None-Match` changes, after 20 seconds at the latest (25 at most).",
    {"type": "string"},
)
_DRY_RUN = _query(
    "dry_run",
    {"type": "boolean", "default": False},
    "Validates the request and chooses the gateways, but writes nothing, submits nothing and costs nothing.",
)
_FILTERS = (
    _query("state", {"type": "array", "items": reference("JobState")}, style="form", explode=True),
    _query("kind", reference("Kind")),
    _query("gateway", {"type": "string"}),
    _query("created_after", _TIME),
    _query("created_before", _TIME),
    _query(
        "metadata",
        {
            "type": "object",
            "propertyNames": {"pattern": r"^metadata\..{1,40}$"},
            "additionalProperties": {"type": "string"},
        },
        f"Members `metadata.NAME`: {prose.list_parameters()['metadata.NAME']}",
        style="form",
        explode=True,
    ),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
    _query("cursor", {"type": "string"}),
)
_SECOND_CHARGE: Json = {
    "type": "object",
    "properties": {
        "accept_second_charge": {
            "type": "boolean",
            "description": "Needed if the job was or may have been charged: its song may still arrive, and both are paid.",
        }
    },
    "additionalProperties": False,
}

_SHOWN = ("Cache-Control",)
_CALLBACK = tuple(
    _path(name, description, {"type": "string", "minLength": 1})
    for name, description in (
        ("gateway", "The name of the gateway."),
        ("job_id", "The id of the job."),
        ("mac", "Authenticates the gateway. A callback whose MAC is wrong is dropped when it leaves the queue."),
    )
)
_HEADER_VALUE: Json = {"type": "string", "pattern": r"^[\x21-\x7E]([\t\x20-\x7E]*[\x21-\x7E])?$"}
_SIGNATURE = tuple(
    {**_header(name, description, _HEADER_VALUE), "required": True}
    for name, description in (("x-webhook-signature", "The signature."), ("x-webhook-timestamp", "When it was made."))
)
_SENT: Json = {"required": True, "schema": {"description": "Whatever the gateway sends. It is stored, and never believed."}}
_OF_SQS: tuple[str, Json] = ("application/json", {"description": "What SQS answers; of no use to a gateway."})
_CREATED = ("Location", "Cache-Control")

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path="/v1/jobs",
        name="submit_job",
        tag=JOBS,
        summary="Create a job",
        scope=Scope.WRITE_JOBS,
        parameters=(_DRY_RUN, _IDEMPOTENCY_KEY, _PREFER),
        body={"required": True, "schema": {"oneOf": [reference("JobRequest"), reference("AdoptionRequest")]}},
        answers=(
            Answer(202, "The job is recorded.", (JobAnswer,), (*_CREATED, "Preference-Applied")),
            Answer(
                200,
                "The job of an earlier request with the same key and body, or of the task. Or the result of a dry run.",
                (JobAnswer, PreviewAnswer),
                (*_CREATED, "Preference-Applied"),
            ),
        ),
        problems=(
            NotJson,
            TaskNotFound,
            JobBeingChanged,
            JobDeleted,
            BodyTooLarge,
            InvalidRequest,
            IdempotencyConflict,
            QuotaExceeded,
        ),
    ),
    Operation(
        method="GET",
        path="/v1/jobs",
        name="list_jobs",
        tag=JOBS,
        summary="List jobs, newest first",
        scope=Scope.READ_JOBS,
        parameters=_FILTERS,
        answers=(Answer(200, "A page of jobs.", (JobListAnswer,), ("Link", "Cache-Control")),),
        problems=(InvalidRequest,),
    ),
    Operation(
        method="GET",
        path="/v1/jobs/{job_id}",
        name="read_job",
        tag=JOBS,
        summary="Read a job",
        scope=Scope.READ_JOBS,
        parameters=(_JOB_ID, _header("If-None-Match", "An `ETag` of an earlier answer.", {"type": "string"}), _PREFER),
        answers=(
            Answer(200, "The job.", (JobAnswer,), ("ETag", "Retry-After", "Preference-Applied", "Cache-Control")),
            Answer(304, "The job has still that `ETag`.", (), ("ETag", "Retry-After", "Preference-Applied", "Cache-Control")),
        ),
        problems=(JobNotFound, RouteNotFound, JobDeleted),
    ),
    Operation(
        method="GET",
        path="/v1/jobs/{job_id}/events",
        name="read_events",
        tag=JOBS,
        summary="Read the history of a job",
        scope=Scope.READ_JOBS,
        parameters=(_JOB_ID,),
        answers=(Answer(200, "The history, the oldest event first.", (JobEventsAnswer,), _SHOWN),),
        problems=(JobNotFound, RouteNotFound, JobDeleted),
    ),
    Operation(
        method="GET",
        path="/v1/jobs/{job_id}/manifest",
        name="read_manifest",
        tag=FILES,
        summary="Fetch the manifest of a job",
        scope=Scope.READ_JOBS,
        parameters=(_JOB_ID,),
        answers=(Answer(307, "The manifest is at `Location`.", (), ("Presigned", "Cache-Control")),),
        problems=(JobNotFound, AssetNotFound, RouteNotFound, JobDeleted),
    ),
    Operation(
        method="GET",
        path="/v1/jobs/{job_id}/tracks/{track_id}/{kind}",
        name="read_asset",
        tag=FILES,
        summary="Fetch a file of a track",
        scope=Scope.READ_JOBS,
        parameters=(
            _JOB_ID,
            _path("track_id", "The id of a track of the job.", {"type": "string", "pattern": r"^[\w-]+$"}),
            _path("kind", "`audio`, `image`, `video`, `wav` or the name of a stem.", {"type": "string", "pattern": r"^\w+$"}),
        ),
        answers=(Answer(307, "The file is at `Location`.", (), ("Presigned", "Cache-Control")),),
        problems=(JobNotFound, AssetNotFound, RouteNotFound, JobDeleted),
    ),
    Operation(
        method="POST",
        path="/v1/jobs/{job_id}/cancel",
        name="cancel_job",
        tag=JOBS,
        summary="Cancel a job",
        scope=Scope.WRITE_JOBS,
        parameters=(_JOB_ID,),
        answers=(Answer(200, "The job, cancelled by this request or an earlier one.", (JobAnswer,), _SHOWN),),
        problems=(JobNotFound, RouteNotFound, WrongState, JobBeingChanged, JobDeleted),
    ),
    Operation(
        method="DELETE",
        path="/v1/jobs/{job_id}",
        name="delete_job",
        tag=JOBS,
        summary="Delete an ended job, with everything that it stored",
        scope=Scope.WRITE_JOBS,
        parameters=(_JOB_ID,),
        answers=(Answer(204, "The job is deleted, by this request or an earlier one.", (), _SHOWN),),
        problems=(JobNotFound, RouteNotFound, WrongState, JobBeingChanged),
    ),
    Operation(
        method="POST",
        path="/v1/jobs/{job_id}/retry",
        name="retry_job",
        tag=JOBS,
        summary="Repeat a failed job as a new job, which is charged separately",
        scope=Scope.WRITE_JOBS,
        parameters=(_JOB_ID,),
        body={"required": False, "schema": _SECOND_CHARGE},
        answers=(
            Answer(202, "The new job.", (JobAnswer,), _CREATED),
            Answer(200, "The job was retried before: the same new job as it is now.", (JobAnswer,), _CREATED),
        ),
        problems=(
            NotJson,
            JobNotFound,
            RouteNotFound,
            WrongState,
            JobBeingChanged,
            JobDeleted,
            BodyTooLarge,
            InvalidRequest,
            QuotaExceeded,
        ),
    ),
    Operation(
        method="GET",
        path="/v1/keys",
        name="list_keys",
        tag=KEYS,
        summary="List the API keys of your tenant",
        scope=Scope.MANAGE_KEYS,
        answers=(Answer(200, "Every key.", (KeyListAnswer,), _SHOWN),),
    ),
    Operation(
        method="POST",
        path="/v1/keys",
        name="create_key",
        tag=KEYS,
        summary="Create an API key, which is shown once",
        scope=Scope.MANAGE_KEYS,
        body={"required": False, "schema": reference(KeyRequest.__name__)},
        answers=(Answer(201, "The new key.", (NewKeyAnswer,), _SHOWN),),
        problems=(NotJson, TooManyKeys, BodyTooLarge, InvalidRequest),
    ),
    Operation(
        method="POST",
        path="/v1/keys/{key_id}/rotate",
        name="rotate_key",
        tag=KEYS,
        summary="Replace an API key by a new one, which is shown once",
        scope=Scope.MANAGE_KEYS,
        parameters=(_KEY_ID,),
        body={"required": False, "schema": reference(RotationRequest.__name__)},
        answers=(Answer(201, "The new key, with the name and the scopes of the old one.", (NewKeyAnswer,), _SHOWN),),
        problems=(NotJson, KeyNotFound, RouteNotFound, TooManyKeys, BodyTooLarge, InvalidRequest),
    ),
    Operation(
        method="DELETE",
        path="/v1/keys/{key_id}",
        name="revoke_key",
        tag=KEYS,
        summary="Revoke an API key",
        scope=Scope.MANAGE_KEYS,
        parameters=(_KEY_ID,),
        answers=(Answer(204, "The key is revoked, by this request or an earlier one.", (), _SHOWN),),
        problems=(KeyNotFound, RouteNotFound),
    ),
    Operation(
        method="GET",
        path="/v1/webhooks",
        name="list_webhooks",
        tag=WEBHOOKS,
        summary="List the webhooks of your tenant",
        scope=Scope.MANAGE_WEBHOOKS,
        answers=(Answer(200, "Every webhook.", (WebhookListAnswer,), _SHOWN),),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks",
        name="create_webhook",
        tag=WEBHOOKS,
        summary="Create a webhook, whose secret is shown once",
        scope=Scope.MANAGE_WEBHOOKS,
        body={"required": True, "schema": reference(WebhookRequest.__name__)},
        answers=(Answer(201, "The new webhook.", (NewWebhookAnswer,), _SHOWN),),
        problems=(NotJson, TooManyWebhooks, BodyTooLarge, InvalidRequest),
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/{webhook_id}",
        name="read_webhook",
        tag=WEBHOOKS,
        summary="Read a webhook",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID,),
        answers=(Answer(200, "The webhook.", (WebhookAnswer,), _SHOWN),),
        problems=(WebhookNotFound, RouteNotFound),
    ),
    Operation(
        method="PATCH",
        path="/v1/webhooks/{webhook_id}",
        name="change_webhook",
        tag=WEBHOOKS,
        summary="Change, disable or enable a webhook",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID,),
        body={"required": True, "schema": reference(WebhookChange.__name__)},
        answers=(Answer(200, "The webhook as it is now.", (WebhookAnswer,), _SHOWN),),
        problems=(NotJson, WebhookNotFound, RouteNotFound, JobBeingChanged, BodyTooLarge, InvalidRequest),
    ),
    Operation(
        method="DELETE",
        path="/v1/webhooks/{webhook_id}",
        name="delete_webhook",
        tag=WEBHOOKS,
        summary="Delete a webhook",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID,),
        answers=(Answer(204, "The webhook is deleted. Nothing more is delivered to it.", (), _SHOWN),),
        problems=(WebhookNotFound, RouteNotFound),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/rotate",
        name="rotate_webhook_secret",
        tag=WEBHOOKS,
        summary="Replace the secret of a webhook by a new one, which is shown once",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID,),
        body={"required": False, "schema": reference(SecretRotation.__name__)},
        answers=(Answer(201, "The webhook with its new secret.", (NewWebhookAnswer,), _SHOWN),),
        problems=(NotJson, WebhookNotFound, RouteNotFound, JobBeingChanged, BodyTooLarge, InvalidRequest),
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/{webhook_id}/deliveries",
        name="list_deliveries",
        tag=WEBHOOKS,
        summary="List the deliveries to a webhook, newest event first",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(
            _WEBHOOK_ID,
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": DELIVERIES_LIMIT}),
            _query("cursor", {"type": "string"}),
        ),
        answers=(Answer(200, "A page of deliveries.", (DeliveryListAnswer,), ("Link", "Cache-Control")),),
        problems=(WebhookNotFound, RouteNotFound, InvalidRequest),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
        name="retry_delivery",
        tag=WEBHOOKS,
        summary="Send an event again",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID, _DELIVERY_ID),
        answers=(Answer(202, "The delivery, whose attempts begin anew.", (DeliveryAnswer,), _SHOWN),),
        problems=(WebhookNotFound, DeliveryNotFound, RouteNotFound, JobBeingChanged),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/replay",
        name="replay_deliveries",
        tag=WEBHOOKS,
        summary="Send the events of a range of time again",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID,),
        body={"required": True, "schema": reference(ReplayRequest.__name__)},
        answers=(Answer(202, "How many deliveries were restarted.", (ReplayAnswer,), _SHOWN),),
        problems=(NotJson, WebhookNotFound, RouteNotFound, JobBeingChanged, BodyTooLarge, InvalidRequest),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/test",
        name="send_test_event",
        tag=WEBHOOKS,
        summary="Send a test event",
        scope=Scope.MANAGE_WEBHOOKS,
        parameters=(_WEBHOOK_ID,),
        answers=(Answer(202, "The delivery of the event `webhook.test`.", (DeliveryAnswer,), _SHOWN),),
        problems=(WebhookNotFound, RouteNotFound, InvalidRequest),
    ),
    Operation(
        method="GET",
        path="/v1/gateways",
        name="read_gateways",
        tag=SERVICE,
        summary="Read what each gateway can do, and its recent health",
        scope=Scope.READ_JOBS,
        answers=(Answer(200, "Every gateway.", (GatewayListAnswer,), _SHOWN),),
    ),
    Operation(
        method="GET",
        path="/v1/usage",
        name="read_usage",
        tag=SERVICE,
        summary="Read what your tenant has used in a month, and its limits",
        scope=Scope.READ_JOBS,
        parameters=(_query("month", {"type": "string", "pattern": f"^{MONTH_PATTERN}$"}, "Without it, the current month."),),
        answers=(Answer(200, "The usage.", (UsageAnswer,), _SHOWN),),
        problems=(InvalidRequest,),
    ),
    Operation(
        method="GET",
        path="/v1/openapi.json",
        name="read_openapi",
        tag=DOCUMENTATION,
        summary="Read this document",
        scope=None,
        answers=(Answer(200, "This document.", (), _SHOWN, ("application/json", {"type": "object"})),),
    ),
    Operation(
        method="GET",
        path="/v1/problems/{name}",
        name="read_problem",
        tag=DOCUMENTATION,
        summary="Read about a problem, whose `type` is this path",
        scope=None,
        parameters=(_path("name", "The name of the problem.", {"type": "string", "enum": [each.name for each in PROBLEMS]}),),
        answers=(Answer(200, "A page for people.", (), _SHOWN, ("text/html", {"type": "string"})),),
        problems=(RouteNotFound,),
    ),
    Operation(
        method="POST",
        path="/v1/callbacks/{gateway}/{job_id}/{mac}",
        name="receive_callback",
        tag=CALLBACKS,
        summary="Receive a callback of a gateway. Not for clients",
        scope=None,
        parameters=_CALLBACK,
        body=_SENT,
        answers=(
            Answer(200, "The callback is in the queue. Its MAC is checked later.", page=_OF_SQS),
            Answer(400, "The body is empty or larger than 1 MiB. Nothing is in the queue.", page=_OF_SQS),
        ),
    ),
    Operation(
        method="POST",
        path="/v1/callbacks/{gateway}/{job_id}/{mac}/signed",
        name="receive_signed_callback",
        tag=CALLBACKS,
        summary="Receive a callback that its gateway signed. Not for clients",
        scope=None,
        parameters=(*_CALLBACK, *_SIGNATURE),
        body=_SENT,
        answers=(
            Answer(200, "The callback is in the queue. Its MAC and its signature are checked later.", page=_OF_SQS),
            Answer(400, "A header of the signature is missing, or the body is empty or too large.", page=_OF_SQS),
        ),
    ),
)

MODELS = list(dict.fromkeys(model for each in OPERATIONS for answer in each.answers for model in answer.models))
"""The types of all answers."""
