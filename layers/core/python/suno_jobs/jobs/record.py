"""Job, track and asset as values. Times are whole seconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, Self

from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.catalog.results import Link, Media, Result
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.identifiers import Mode, mode_of_job
from suno_jobs.jobs.states import TERMINAL, Cause, Charged, JobState, Progress, WaitReason
from suno_jobs.stored_words import stored_word

Item = dict[str, Any]

StageWords = Mapping[str, Sequence[str]]
"""By field of a callback, the words that mean that the task is still running."""

DAY_SECONDS = 86_400
DEFAULT_LINK_DAYS = 3.0
"""How long recovery continues if the gateway documents no lifetime of its links."""


class TaskEnd(StrEnum):
    """How a task ended: with everything, with less than expected, still running when it was too late to wait, or failed and
    paid back by its gateway."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    UNFINISHED = "unfinished"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A submission at the time ``at`` that has created a task or may have. One that was certainly refused is none.

    ``answered``: the answer contained the result, so there is no task to read. ``key``: its request is stored and may be
    repeated with this key; see ``lifecycle.repeats``.
    """

    at: int
    task_id: str | None = None
    end: TaskEnd | None = None
    answered: bool | None = None
    key: str | None = None

    @property
    def lost(self) -> bool:
        """Whether its answer is unknown: it is still awaited, or it was lost."""
        return self.task_id is None and not self.answered

    @property
    def open(self) -> bool:
        """Whether it may still yield something."""
        return self.end in (None, TaskEnd.UNFINISHED)

    @property
    def failed(self) -> bool:
        """Whether its gateway reported a failure, which it may take back. An answer cannot be read again."""
        return self.end in (TaskEnd.INCOMPLETE, TaskEnd.REFUNDED) and not self.answered


@dataclass(frozen=True, slots=True)
class Idle:
    """No submission is in progress, and no task is known. The job may be submitted from ``submit_after`` on."""

    submit_after: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """The answer to a submission is awaited since ``since``."""

    since: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The answer was lost; a callback is awaited until ``grace_until``."""

    grace_until: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """At least one task or answer is known."""


@dataclass(frozen=True, slots=True)
class FileTerms:
    """How long the gateway of a submission keeps files, and whether it can renew their links."""

    kept_seconds: int = int(DEFAULT_LINK_DAYS * DAY_SECONDS)
    renewable: bool = False

    @property
    def renewal_seconds(self) -> int:
        """For how long expired links may be renewed: recovery has one more day to ask for that."""
        return DAY_SECONDS if self.renewable else 0


@dataclass(frozen=True, slots=True)
class Renewal:
    """The gateway's renewal of the links of that attempt. Without an id it has ended, or was refused."""

    attempt: int
    began_at: int
    renewal_id: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A gateway that may still be asked to do the job, not before the time ``after``."""

    gateway: str
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The hot record of one job.

    ``expects`` is what its kind yields at its gateway. ``file_terms``, ``stage_words``, ``polled`` (the gateway never calls
    back), ``requested_model``, ``cost`` and ``usd_per_unit``, the rate of the unit of the cost, are those of its last
    submission; before the first one, those of its first gateway. ``counted`` is what it counts as in the spending of its
    tenant; see ``jobs.spending``.

    Submission: ``attempts`` are all at ``gateway``, and a number in this list is an attempt's for ever. ``intent`` identifies
    the last one while its answer is awaited (I1). ``submit_after`` is when a submission may be tried again; ``candidates`` are
    the other gateways that may be asked. ``place`` is its place in the queue of its gateway account. ``wait_reason`` is why it
    waits, or why its task cannot be read; see ``jobs.waiting``. ``grace_until`` ends the wait for the callback of a lost
    answer. Afterwards the job is submitted once more if its client allows that (``resubmit``). ``unread_callbacks`` counts
    the callbacks that named no known task, until each task that they name was read. ``maybe_charged``: a gateway that the job
    has left may have carried out a synchronous operation before it refused it for good.

    Adoption: ``adopts`` is the task to take over, which was created elsewhere. Once the gateway knows it, it is the first
    attempt. ``unknown_reads`` counts the reads at which the gateway did not.

    ``event_pending``: the event of its end has not been sent yet. Recovery of a job that ended at ``ended_at`` continues until
    ``recoverable_until``, but its gateway wants no request before ``refused_until``. ``renewal`` is the last renewal of its
    links.

    ``execution`` is the number of the current execution, ``task_token`` is that of its wait, also after a signal has taken
    it (``token_taken``).
    ``checks`` counts the checks, ``checks_before`` those of earlier executions, ``no_audio_since`` is when the gateway first
    reported a success without audio. ``cause`` is what caused the latest check, ``changed_before`` is when the job had been
    changed before it. ``history`` has one line for each change.
    ``retry_of`` is the job that this one repeats; ``retried_as`` is the job that repeats this one.
    """

    job_id: str
    tenant: str
    gateway: str
    kind: Kind
    expects: Result
    state: JobState
    created_at: int
    updated_at: int
    deadline_at: int
    fingerprint: str
    account: str = "default"
    file_terms: FileTerms = FileTerms()
    requested_model: RequestedModel | None = None
    cost: Cost | None = None
    usd_per_unit: float | None = None
    counted: int = 0
    progress: Progress = Progress.QUEUED
    attempts: tuple[Attempt, ...] = ()
    intent: str | None = None
    submit_after: int | None = None
    place: str | None = None
    grace_until: int | None = None
    unread_callbacks: int | None = None
    maybe_charged: bool | None = None
    fault: Fault | None = None
    checks: int = 0
    checks_before: int = 0
    changed_before: int = 0
    no_audio_since: int | None = None
    execution: int = 0
    event_pending: bool = False
    metadata: Mapping[str, str] | None = None
    candidates: tuple[Candidate, ...] = ()
    stage_words: StageWords | None = None
    polled: bool | None = None
    resubmit: bool = False
    ended_at: int | None = None
    recoverable_until: int | None = None
    refused_until: int | None = None
    renewal: Renewal | None = None
    cause: Cause = Cause.CLIENT
    history: tuple[str, ...] = ()
    retry_of: str | None = None
    retried_as: str | None = None
    due_at: int | None = None
    adopts: str | None = None
    unknown_reads: int = 0
    wait_reason: WaitReason | None = None
    task_token: str | None = field(default=None, repr=False)
    token_taken: bool | None = None

    @property
    def mode(self) -> Mode:
        return mode_of_job(self.job_id)

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL

    @property
    def submission(self) -> Idle | InFlight | Lost | Accepted:
        """What is known of the submissions."""
        if any(not attempt.lost for attempt in self.attempts):
            return Accepted()
        if self.intent is not None:
            return InFlight(self.attempts[-1].at)
        return Idle(self.submit_after or 0) if self.grace_until is None else Lost(self.grace_until)

    @property
    def earlier(self) -> tuple[Attempt, ...]:
        """The attempts before the one in progress."""
        return self.attempts if self.intent is None else self.attempts[:-1]

    @property
    def submitted_at(self) -> int | None:
        """When the last attempt began. An adopted task was submitted elsewhere."""
        return self.attempts[-1].at if self.attempts and self.adopts is None else None

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(attempt.task_id for attempt in self.attempts if attempt.task_id)

    @property
    def task_id(self) -> str | None:
        """The task of the last attempt that has one."""
        return self.tasks[-1] if self.tasks else None

    @property
    def lost(self) -> bool:
        """Whether an attempt may have created a task that is not known."""
        return any(attempt.lost for attempt in self.attempts)

    @property
    def tasks_kept_until(self) -> int:
        """Until when its gateway may keep the files of any task of the job, whose submission may be as late as the deadline."""
        return self.deadline_at + self.file_terms.kept_seconds + self.file_terms.renewal_seconds

    @property
    def next_attempt(self) -> int:
        """The number of the attempt that the next task to be found belongs to: the first without a task, or a further one."""
        return next((number for number, attempt in enumerate(self.attempts) if attempt.lost), len(self.attempts))

    @property
    def charged(self) -> Charged:
        """A definite refusal costs nothing, a task does unless its gateway reports a refund, a lost answer may have.

        A callback may show that there is a task after all. An adopted task was paid for elsewhere.
        """
        if self.adopts is not None:
            return Charged.NO
        paid = [attempt for attempt in self.attempts if attempt.end is not TaskEnd.REFUNDED]
        if not paid:
            return Charged.MAYBE if self.maybe_charged or (self.unread_callbacks and not self.attempts) else Charged.NO
        return Charged.MAYBE if all(attempt.lost for attempt in paid) else Charged.YES

    def with_ends(self, ends: Mapping[int, TaskEnd]) -> tuple[Attempt, ...]:
        """The attempts, with the ends of those whose number is in ``ends``."""
        return tuple(replace(each, end=ends.get(number, each.end)) for number, each in enumerate(self.attempts))

    def to_item(self) -> Item:
        return _compact(self)

    @classmethod
    def from_item(cls, item: Item) -> Self:
        values = _known(cls, item)
        values["kind"] = stored_word(Kind, item["kind"])
        values["expects"] = stored_word(Result, item["expects"])
        values["state"] = stored_word(JobState, item["state"])
        values["progress"] = stored_word(Progress, item["progress"])
        values["fault"] = Fault.from_item(item["fault"]) if "fault" in item else None
        values["candidates"] = tuple(Candidate(**_known(Candidate, candidate)) for candidate in item.get("candidates", ()))
        values["attempts"] = tuple(_attempt(attempt) for attempt in item.get("attempts", ()))
        values["renewal"] = Renewal(**_known(Renewal, item["renewal"])) if "renewal" in item else None
        values["file_terms"] = FileTerms(**_known(FileTerms, item.get("file_terms", {})))
        values["requested_model"] = (
            RequestedModel(**_known(RequestedModel, item["requested_model"])) if "requested_model" in item else None
        )
        values["cost"] = _cost(item["cost"]) if "cost" in item else None
        values["cause"] = stored_word(Cause, item.get("cause", Cause.CLIENT))
        values["wait_reason"] = stored_word(WaitReason, item["wait_reason"]) if "wait_reason" in item else None
        values["history"] = tuple(item.get("history", ()))
        return cls(**values)


def _attempt(item: Item) -> Attempt:
    return Attempt(**{**_known(Attempt, item), "end": stored_word(TaskEnd, item["end"]) if "end" in item else None})


class TrackState(StrEnum):
    READY = "ready"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file that passed the checks and is in the bucket. ``bytes`` is its size, ``sha256`` its digest in hex.

    ``source_host`` is the server that sent it, ``stored_at`` when it was stored. ``released``: it did not pass the checks, and
    an operator released it from quarantine.
    """

    kind: str
    key: str
    content_type: str
    bytes: int
    sha256: str
    source_host: str | None = None
    stored_at: int | None = None
    released: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedFile:
    """One file of a track that was refused and is kept in quarantine. ``released_at`` is when an operator released it."""

    track_id: str
    kind: str
    reason: ErrorCode
    message: str
    bytes: int
    sha256: str
    source_host: str
    stored_at: int
    released_at: int | None = None

    @classmethod
    def from_item(cls, item: Item) -> Self:
        return cls(**{**_known(cls, item), "reason": stored_word(ErrorCode, item["reason"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One result of the task of the attempt with the number ``attempt``. ``links`` are the gateway's and never shown. In
    state ``ready`` they can be fetched.

    ``missing`` maps the kind of an optional asset to the reason why it is not stored. ``reported_seconds`` is the gateway's
    length of a stored track that contradicts the measured one, ``duration_seconds``. ``identity`` says whether its file names
    the clip that the gateway named (``match``) or another one (``mismatch``), if it names one.
    """

    track_id: str
    position: int
    state: TrackState
    attempt: int = 0
    title: str | None = None
    model: str | None = None
    gateway_model: str | None = None
    duration_seconds: float | None = None
    reported_seconds: float | None = None
    identity: Literal["match", "mismatch"] | None = None
    links: tuple[Link, ...] = ()
    assets: tuple[Asset, ...] = ()
    missing: Mapping[str, Fault] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def unsaved(self) -> bool:
        """Whether a file that it has a link to is not in the bucket and may still be fetched.

        A track that failed although it has links is over a size limit: an operator may raise that while a link is alive.
        """
        lacking = self.links if self.state is TrackState.FAILED else self.missing
        return self.state is TrackState.READY or bool(lacking)

    def to_item(self) -> Item:
        return _compact(self)

    @classmethod
    def from_item(cls, item: Item) -> Self:
        values = _known(cls, item)
        values["state"] = stored_word(TrackState, item["state"])
        values["links"] = tuple(_link(link) for link in item.get("links", ()))
        values["assets"] = tuple(Asset(**_known(Asset, asset)) for asset in item.get("assets", ()))
        values["missing"] = {name: Fault.from_item(fault) for name, fault in item.get("missing", {}).items()}
        values["fault"] = Fault.from_item(item["fault"]) if "fault" in item else None
        return cls(**values)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its owner sees it. ``result`` is what its task yields besides files, such as lyrics or an id.

    ``request`` is what its client asked for; see ``JobStore.request``.
    """

    job: Job
    tracks: tuple[Track, ...] = ()
    result: Mapping[str, Any] | None = None
    quarantine: tuple[QuarantinedFile, ...] = ()
    request: Mapping[str, Any] | None = None

    @property
    def partial(self) -> bool:
        """Whether the job has succeeded, but no task of it is stored completely."""
        return self.job.state is JobState.SUCCEEDED and not any(map(self.is_whole, range(len(self.job.attempts))))

    def is_whole(self, number: int) -> bool:
        """Whether the task of that attempt yielded everything, and it is stored."""
        stored = all(track.state is TrackState.STORED for track in self.tracks if track.attempt == number)
        return stored and self.job.attempts[number].end is TaskEnd.COMPLETE


def _compact(record: Job | Track) -> Item:
    """As stored: unknown values are left out, since conditions test for absent attributes."""
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return {name: value for name, value in values.items() if value is not None}


def _cost(item: Item) -> Cost:
    return Cost(**{**_known(Cost, item), "source": stored_word(CostSource, item["source"])})


def _link(item: Item) -> Link:
    return Link(**{**_known(Link, item), "media": stored_word(Media, item["media"])})


def _known(cls: type[Any], item: Item) -> Item:
    """Attributes unknown to this version are ignored, so that two versions can run side by side."""
    names = cls.__dataclass_fields__
    return {name: value for name, value in item.items() if name in names}
