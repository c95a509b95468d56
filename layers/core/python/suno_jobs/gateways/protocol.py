"""The interface of a gateway adapter, and the data model that all adapters share.

An adapter does no I/O: it builds the gateway's requests from our input and translates the gateway's replies into our model.
``traffic.client`` sends the requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.catalog.results import Link, Result
from suno_jobs.errors import ErrorCode, Fault

if TYPE_CHECKING:
    from suno_jobs.catalog.inputs import KindInput
    from suno_jobs.jobs.record import StageWords


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request to a gateway, without base URL and API key. ``json`` may contain the callback URL with its MAC.

    ``headers`` are those besides the common ones.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """One complete HTTP response of a gateway. Header names are in lower case. The body may contain signed URLs."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


class TaskStatus(StrEnum):
    PENDING = "pending"
    TEXT_READY = "text_ready"
    FIRST_READY = "first_ready"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (TaskStatus.SUCCEEDED, TaskStatus.FAILED)


@dataclass(frozen=True, slots=True)
class TaskTrack:
    """One result of a task. ``links`` is empty until the track is ready: a preview stream or a cover image alone is no link.

    ``last_resort`` are alternatives to ``links`` whose audio is provisional: each one has the links of the whole track, and the
    best one is first. They are used only if no final link has come in time.

    ``lyrics`` and ``gateway_model`` are as reported by the gateway; ``model`` is our name of that model, if there is one.
    """

    track_id: str
    links: tuple[Link, ...] = ()
    last_resort: tuple[tuple[Link, ...], ...] = ()
    title: str | None = None
    duration_seconds: float | None = None
    model: str | None = None
    gateway_model: str | None = None
    lyrics: str | None = None
    fault: Fault | None = None

    @property
    def ready(self) -> bool:
        return any(link.required for link in self.links)


@dataclass(frozen=True, slots=True)
class TaskReport:
    """The state of a task, as reported by its gateway.

    ``SUCCEEDED`` guarantees what the kind's ``Result`` requires: at least one ready track, or a ``result`` that is not empty.
    If the gateway reports success without it, the status is ``FAILED`` with fault ``no_audio``. A ``FAILED`` task may have
    ready tracks, which are kept.

    ``result`` is data, in our field names: ``{"lyrics": [{"title", "text"}]}``, ``{"persona_id"}``, ``{"audio_id"}`` or
    ``{"words": [{"word", "start_s", "end_s"}]}`` (seconds). ``cost`` is what the gateway reports about an ended task.
    ``unknown_statuses`` are statuses that the adapter does not know: the task counts as still running, and they are reported.
    ``submitted_by`` is our job whose callback URL the reply repeats; only the reader of a task to adopt looks for it.
    """

    status: TaskStatus
    tracks: tuple[TaskTrack, ...] = ()
    result: Mapping[str, Any] | None = None
    cost: Cost | None = None
    fault: Fault | None = None
    unknown_statuses: tuple[str, ...] = ()
    submitted_by: str | None = None


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The status could not be read, which says nothing about the task: it may still succeed.

    ``may_retry`` is False if a new read fails as well until an operator has corrected the account or the request.
    ``key_replaced``: the key was refused, and the account has another one by now.
    """

    fault: Fault
    may_retry: bool = True
    retry_after_seconds: float | None = None
    key_replaced: bool = False

    @property
    def for_now(self) -> bool:
        """The gateway wants no request now, whatever it is about."""
        return self.fault.code is ErrorCode.RATE_LIMITED or self.retry_after_seconds is not None


Reading = TaskReport | ReadFailed


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway accepted the submission and probably charged for it, or it returned the task of an earlier identical one."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A synchronous operation returned its result. ``report.status`` is terminal. ``task_id`` is optional."""

    report: TaskReport
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway certainly created no task. ``may_retry``: the same submission may be sent again."""

    fault: Fault
    may_retry: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It is unknown whether a task was created. Must not be submitted again unless the client has allowed it (I1).

    ``task_id``: the task that the reply names all the same. It has to be read.
    """

    fault: Fault
    task_id: str | None = None
    retry_after_seconds: float | None = None


Submission = Accepted | Done | Refused | Ambiguous


@dataclass(frozen=True, slots=True)
class Source:
    """A result of an earlier job on the same gateway, in the gateway's ids.

    ``task_id`` is empty for a synchronous operation without a task. ``track_id`` is the id of a track, or the ``audio_id`` of
    an upload.
    """

    task_id: str
    track_id: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on a gateway account, in the gateway's own unit. It is negative if the account is in debt."""

    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``requests`` in any interval of ``seconds``, for the fleet as a whole."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum length of each text, in characters."""

    prompt: int = 500
    lyrics: int = 3000
    style: int = 200
    title: int = 80
    negative_style: int = 200


@dataclass(frozen=True, slots=True)
class Price:
    """``as_of``: the month in which the price was seen. ``given``: it applies only to inputs with these values. ``models``: it
    applies only to these models, by our names; empty means all."""

    kind: Kind
    amount: float
    unit: str
    as_of: str
    given: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind on one gateway.

    ``sources``: the number of earlier results that the job must refer to. ``fields``: the input fields that the gateway
    supports; any other field is refused, not dropped. ``required``: the fields it requires; ``a/b`` means at least one of
    both. ``synchronous``: the response to the submission contains the result. ``note``: what the gateway's documentation
    leaves open, for users.
    """

    result: Result = Result.TRACKS
    sources: int = 0
    fields: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    synchronous: bool = False
    note: str = ""

    @classmethod
    def of_source(
        cls,
        result: Result = Result.TRACKS,
        fields: Iterable[str] = (),
        required: Iterable[str] = (),
        *,
        synchronous: bool = False,
        note: str = "",
    ) -> Offer:
        """An operation on one earlier result: the field ``source`` is supported and required, besides the given fields."""
        return cls(result, 1, frozenset({"source", *fields}), ("source", *required), synchronous, note)


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """What one error code of one gateway means.

    ``refused``: a submission with this response has certainly created no task. ``retry_submission``: and it may be sent again.
    ``retry_read``: a status request with this response may be sent again. ``refunded``: a task that failed with this code was
    not charged after all.
    """

    code: ErrorCode
    refused: bool = True
    retry_submission: bool = False
    retry_read: bool = False
    refunded: bool = False


FieldErrors = tuple[tuple[str, str], ...]
"""Pairs of field and reason."""


class Gateway(Protocol):
    """A gateway adapter. Every method is pure, and none raises on any reply. A parameter ``kind`` is one of ``kinds``.

    Facts are from the gateway's public documentation, which the adapter's docstring names.
    """

    name: str
    base_url: str
    """The documented origin. An account may override it. Empty: every account needs its own."""
    rate: Rate
    limits: Limits
    """The limits of the default model."""
    default_model: str
    """The one that the gateway recommends, else the newest one that it documents. One of ``models``.

    Empty if every instance has its own models: then each request needs one.
    """
    models: Mapping[str, str]
    """Our common names and the gateway's names. An open set: any other name is passed on unchanged."""
    kinds: Mapping[Kind, Offer]
    calls_back: bool
    """Whether a callback can be expected. Otherwise the task is read from the beginning."""
    callback_stages: tuple[str, ...]
    """The stages that cause a callback, in order. The last one is the end of the task, successful or not."""
    stage_words: StageWords
    """How a callback of any stage but the last one is recognized. What is not here counts as the end of the task."""
    link_days: Mapping[str, float | None]
    """Days until links expire, per host; ``*`` is every other host. None where nothing is documented."""
    prices: Sequence[Price]
    usd_per_unit: float | None
    """The published rate of the unit of its costs, for estimates. None: none is known."""
    error_rules: Mapping[str, ErrorRule]
    """By error code of the gateway. A code without a rule leaves the outcome unknown."""

    def authorization(self, api_key: str) -> Mapping[str, str]:
        """The headers that carry the API key."""

    def check(self, kind: Kind, job_input: KindInput) -> FieldErrors:
        """The fields that this gateway would refuse. Empty: ``job_input`` may be submitted."""

    def requested_model(self, kind: Kind, job_input: KindInput) -> RequestedModel | None:
        """The model in the request for ``job_input``. None: the request has no model."""

    def listed_cost(self, kind: Kind, job_input: KindInput) -> Cost | None:
        """By the table of prices. None: no price is known."""

    def limits_for(self, kind: Kind, job_input: KindInput) -> Limits:
        """The limits for the model of ``job_input``."""

    def request(self, kind: Kind, job_input: KindInput, *, sources: Sequence[Source], callback_url: str) -> GatewayRequest:
        """The paid request. ``sources`` are the references of ``job_input``, in order; their number is ``Offer.sources``."""

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission: ...

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest: ...

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading: ...

    def read_callback(self, body: bytes) -> str | None:
        """The task id in a callback body, or None. A hint only (I8)."""


@runtime_checkable
class BatchReading(Protocol):
    """Optional: read several tasks in one request."""

    @property
    def batch_size(self) -> int: ...

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        """For at most ``batch_size`` tasks."""

    def read_batch(self, kinds: Mapping[str, Kind], reply: GatewayReply) -> Mapping[str, Reading] | ReadFailed:
        """``kinds``: the kind of each requested task id. A task that is not in the response is not in the result."""


@runtime_checkable
class RepeatableSubmission(Protocol):
    """Optional: the gateway carries out a submission once, however often the same request arrives with the same key."""

    @property
    def repeat_seconds(self) -> int:
        """For how long after its intent a submission may be repeated. Later the gateway may have forgotten its key."""

    def with_key(self, request: GatewayRequest, key: str) -> GatewayRequest:
        """``key``: 16 letters and digits, new for each submission."""


@runtime_checkable
class LinkRenewal(Protocol):
    """Optional: new links for a task whose links have expired."""

    def renewal_request(self, task_id: str) -> GatewayRequest:
        """Without a callback: a renewal takes seconds, and its status is polled."""

    def read_renewal_submission(self, reply: GatewayReply) -> Submission: ...

    def renewal_status_request(self, renewal_task_id: str) -> GatewayRequest: ...

    def read_renewal(self, reply: GatewayReply) -> Reading:
        """The tracks in the order of the original task. A track that could not be renewed has a fault."""


@runtime_checkable
class BalanceReading(Protocol):
    """Optional: what is left on an account. The requests cost nothing."""

    @property
    def balance_requests(self) -> Sequence[GatewayRequest]: ...

    def read_balance(self, replies: Sequence[GatewayReply]) -> Balance | ReadFailed:
        """``replies``: one for each request, in their order."""
