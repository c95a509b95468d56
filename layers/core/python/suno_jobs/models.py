"""The records of the jobs table as values: job, track, asset, receipt. Times are whole seconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any, Self

from suno_jobs.errors import Fault
from suno_jobs.history import Cause
from suno_jobs.transitions import TERMINAL, JobState, Progress
from suno_jobs.vocabulary import Kind, Link, Media, Result

Item = dict[str, Any]

JOB_ID_PATTERN = "job_[0-9a-z]{26}"


class Ending(Enum):
    """How a task came to its end: to its own good one, to a bad one, or not yet, when it was too late to wait for it."""

    WHOLE = auto()
    SHORT = auto()
    OPEN = auto()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A gateway that may still be asked to do the job, not before ``after``."""

    gateway: str
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The hot record of one job. ``expects`` is what its kind yields at its gateway, as it was when the job came to it.

    ``intent`` names the one submission that is under way, since ``intent_at``, until its answer is recorded (I1);
    ``submit_after`` is when a refused one may be repeated, and ``candidates`` are the other gateways that may be asked then;
    ``grace_until`` ends the wait for the callback of a lost answer, after which the job is submitted anew if its client has
    allowed that (``resubmit``) and it was not done before (``resubmitted``).
    ``verdict`` is the end that was decided but not yet carried out by ``finish_job``. ``done``: the gateway will say no more,
    all it said is in the table. ``incomplete``: the task itself ended short. ``unfinished``: it still ran when it was too late
    to wait for it.
    A job that ended at ``ended_at`` is looked after until ``care_until``: something that was paid for may still be saved.
    ``recovery_id`` names the gateway's work on new links for it, begun at ``recovery_at``.
    ``execution`` counts the executions that were needed before this one; ``cause`` is what made the latest look at the job;
    ``history`` has a line for each change. ``retry_of`` is the job that this one does over, ``retried_as`` the one that does
    this one over.
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
    progress: Progress = Progress.QUEUED
    partial: bool = False
    done: bool = False
    incomplete: bool = False
    unfinished: bool = False
    task_id: str | None = None
    submitted_at: int | None = None
    intent: str | None = None
    intent_at: int | None = None
    submit_after: int | None = None
    grace_until: int | None = None
    verdict: JobState | None = None
    fault: Fault | None = None
    checks: int = 0
    no_audio: int = 0
    execution: int = 0
    event_pending: bool = False
    metadata: Mapping[str, str] | None = None
    candidates: tuple[Candidate, ...] = ()
    resubmit: bool = False
    resubmitted: bool = False
    ended_at: int | None = None
    care_until: int | None = None
    recovery_id: str | None = None
    recovery_at: int | None = None
    cause: Cause = Cause.CLIENT
    history: tuple[str, ...] = ()
    retry_of: str | None = None
    retried_as: str | None = None

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL

    def to_item(self) -> Item:
        return _compact(self)

    @classmethod
    def from_item(cls, item: Item) -> Self:
        values = _known(cls, item)
        values["kind"] = Kind(item["kind"])
        values["expects"] = Result(item["expects"])
        values["state"] = JobState(item["state"])
        values["progress"] = Progress(item["progress"])
        values["verdict"] = JobState(item["verdict"]) if "verdict" in item else None
        values["fault"] = Fault.from_item(item["fault"]) if "fault" in item else None
        values["candidates"] = tuple(Candidate(**candidate) for candidate in item.get("candidates", ()))
        values["cause"] = Cause(item.get("cause", Cause.CLIENT))
        values["history"] = tuple(item.get("history", ()))
        return cls(**values)


class TrackState(StrEnum):
    READY = "ready"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file that lies in the bucket and passed the gate. ``bytes`` is its size, ``sha256`` its digest in hex.

    ``source_host`` is the server that sent it, ``stored_at`` when it came into the bucket.
    """

    kind: str
    key: str
    content_type: str
    bytes: int
    sha256: str
    source_host: str | None = None
    stored_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One result of a task. ``links`` are the gateway's, never shown; ``ready`` means they can be fetched.

    ``missing`` says, by kind of asset, why one that is only nice to have is not there.
    """

    track_id: str
    position: int
    state: TrackState
    title: str | None = None
    model: str | None = None
    duration_seconds: float | None = None
    links: tuple[Link, ...] = ()
    assets: tuple[Asset, ...] = ()
    missing: Mapping[str, Fault] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def unsaved(self) -> bool:
        """Whether something that it has a link to does not lie in the bucket and may still be fetched."""
        return self.state is TrackState.READY or (self.state is TrackState.STORED and bool(self.missing))

    def to_item(self) -> Item:
        return _compact(self)

    @classmethod
    def from_item(cls, item: Item) -> Self:
        values = _known(cls, item)
        values["state"] = TrackState(item["state"])
        values["links"] = tuple(Link(**{**link, "media": Media(link["media"])}) for link in item.get("links", ()))
        values["assets"] = tuple(Asset(**_known(Asset, asset)) for asset in item.get("assets", ()))
        values["missing"] = {name: Fault.from_item(fault) for name, fault in item.get("missing", {}).items()}
        values["fault"] = Fault.from_item(item["fault"]) if "fault" in item else None
        return cls(**values)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its owner sees it. ``result`` is what its task yields beside files, such as lyrics or an id."""

    job: Job
    tracks: tuple[Track, ...] = ()
    result: Mapping[str, Any] | None = None


def _compact(record: Job | Track) -> Item:
    """As stored: without what is not known, since an absent attribute is what conditions test for."""
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return {name: value for name, value in values.items() if value is not None}


def _known(cls: type[Job | Track | Asset], item: Item) -> Item:
    """Attributes that this version does not know are left alone, so that two versions can run side by side."""
    names = cls.__dataclass_fields__
    return {name: value for name, value in item.items() if name in names}
