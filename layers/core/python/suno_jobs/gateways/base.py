"""The one seam of the project: what a gateway adapter is, and the model that all gateways share.

An adapter does no I/O. It turns our words into the gateway's request and the gateway's reply into our words, so that it can be
tested with bytes alone. ``gateways.wire`` does the sending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from suno_jobs.errors import Fault
from suno_jobs.vocabulary import Kind as Kind  # noqa: PLC0414 - part of the model that gateways share
from suno_jobs.vocabulary import Link as Link  # noqa: PLC0414
from suno_jobs.vocabulary import Media as Media  # noqa: PLC0414
from suno_jobs.vocabulary import Result as Result  # noqa: PLC0414

if TYPE_CHECKING:
    from suno_jobs.gateways.verdicts import Meaning
    from suno_jobs.kinds import KindInput


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request to a gateway, without its base URL and without its key. Its JSON holds the callback URL with its MAC."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """One whole HTTP answer of a gateway; header names are lower case. Its body may hold signed URLs."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


class TaskStatus(StrEnum):
    PENDING = "pending"
    TEXT_READY = "text_ready"
    FIRST_READY = "first_ready"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TaskTrack:
    """One result of a task. ``links`` is empty until the track is ready: never a preview stream, never a cover alone.

    ``model`` is the model that made it, by our common name where we know it; ``lyrics`` are what is sung, as the gateway tells.
    """

    track_id: str
    links: tuple[Link, ...] = ()
    title: str | None = None
    duration_seconds: float | None = None
    model: str | None = None
    lyrics: str | None = None
    fault: Fault | None = None

    @property
    def ready(self) -> bool:
        return any(link.required for link in self.links)


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What a gateway says of a task.

    ``SUCCEEDED`` promises what the kind's ``Result`` asks for: at least one ready track, or a ``result`` that is not empty. A
    gateway's success without it comes as ``FAILED`` with fault ``no_audio``. A ``FAILED`` task may still hold good tracks,
    which are kept. ``result`` is what is no file, in our words: ``{"lyrics": [{"title", "text"}]}``, ``{"persona_id"}``,
    ``{"audio_id"}``, ``{"words": [{"word", "start_s", "end_s"}]}``. ``unknown_words`` are status words that the adapter does
    not know: tolerated as still running, and reported.
    """

    status: TaskStatus
    tracks: tuple[TaskTrack, ...] = ()
    result: Mapping[str, Any] | None = None
    fault: Fault | None = None
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """The reading failed and says nothing about the task.

    ``again`` False: asking again changes nothing until somebody mends the account or the request. The task may still end
    well.
    """

    fault: Fault
    again: bool = True
    retry_after_seconds: float | None = None


Reading = TaskReport | Unread


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took the submission, and very likely the money; or it names the task that the same one made earlier."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A synchronous operation, answered with its result. ``report`` is terminal; ``task_id`` is there if one was named."""

    report: TaskReport
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway certainly created nothing. ``again`` says whether the same submission may be repeated."""

    fault: Fault
    again: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Whether a task was created is unknown. Never to be submitted again without the client's word (I1)."""

    fault: Fault


Submission = Accepted | Done | Refused | Ambiguous


@dataclass(frozen=True, slots=True)
class Source:
    """What an earlier job of ours made on the same gateway, in that gateway's ids.

    ``task_id`` is empty for a job of a synchronous operation that names no task. ``track_id`` is the id of a track, or the
    ``audio_id`` of an upload.
    """

    task_id: str
    track_id: str


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``requests`` in any ``seconds``, by the whole fleet together."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest permitted texts, in characters."""

    prompt: int = 500
    lyrics: int = 3000
    style: int = 200
    title: int = 80
    negative_style: int = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind on one gateway.

    ``sources``: how many earlier results the job must refer to. ``fields``: what of our input the gateway has a place for;
    anything else is refused rather than dropped. ``required``: those it cannot do without, ``a/b`` where one of both is enough.
    ``synchronous``: the submission is answered with the result. ``note`` tells users what the documents leave open.
    """

    result: Result = Result.TRACKS
    sources: int = 0
    fields: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    synchronous: bool = False
    note: str = ""

    @property
    def needs_source(self) -> bool:
        return self.sources > 0


Problems = tuple[tuple[str, str], ...]
"""What a gateway would refuse, as pairs of field and reason."""


class Gateway(Protocol):
    """What the project asks of a gateway. Every method is pure; none raises on any reply.

    ``kind`` is one of ``kinds`` wherever it is asked for.
    """

    @property
    def name(self) -> str: ...

    @property
    def base_url(self) -> str:
        """Documented origin, used unless the account names another."""

    @property
    def rate(self) -> Rate: ...

    @property
    def limits(self) -> Limits:
        """What the default model takes."""

    @property
    def default_model(self) -> str: ...

    @property
    def models(self) -> Mapping[str, str]:
        """Our common names with the gateway's. An open set: any other name is passed on as it is."""

    @property
    def kinds(self) -> Mapping[Kind, Offer]: ...

    @property
    def callback_stages(self) -> tuple[str, ...]:
        """The stages that are called back, in order; the last is the end, good or bad."""

    @property
    def link_days(self) -> Mapping[str, float | None]:
        """How many days links live, per host, ``*`` for every other; None where nothing is promised."""

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        """What each of the gateway's error codes means."""

    def authorization(self, api_key: str) -> Mapping[str, str]:
        """The headers that carry the key."""

    def check(self, kind: Kind, given: KindInput) -> Problems:
        """What this gateway would refuse in ``given``. Empty: it may be submitted."""

    def request(self, kind: Kind, given: KindInput, *, sources: Sequence[Source], callback_url: str) -> GatewayRequest:
        """The paid request. ``sources`` are what ``given`` refers to, in its order, as many as the offer says."""

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission: ...

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest: ...

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading: ...

    def read_callback(self, body: bytes) -> str | None:
        """The task id that a callback body names, or None. A hint only (I8)."""


@runtime_checkable
class BatchReading(Protocol):
    """Optional: many tasks in one request."""

    @property
    def batch_size(self) -> int: ...

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        """``task_ids`` are at most ``batch_size``."""

    def read_batch(self, kinds: Mapping[str, Kind], reply: GatewayReply) -> Mapping[str, Reading] | Unread:
        """``kinds`` are the tasks asked for. Those that the answer leaves out are left out: nothing is known of them."""


@runtime_checkable
class LinkRecovery(Protocol):
    """Optional: new links for a task whose links have expired."""

    def recovery_request(self, task_id: str) -> GatewayRequest:
        """Without a callback: it is asked after, since it takes seconds."""

    def read_recovery_submission(self, reply: GatewayReply) -> Submission: ...

    def recovery_status_request(self, recovery_task_id: str) -> GatewayRequest: ...

    def read_recovery(self, reply: GatewayReply) -> Reading:
        """The tracks in the order of the first reading. One that could not be recovered has a fault."""
