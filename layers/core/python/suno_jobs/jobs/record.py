"""Job, track and asset as values. Times are whole seconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any, Self

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Link, Media, Result
from suno_jobs.errors import Fault
from suno_jobs.jobs.states import TERMINAL, Cause, JobState, Progress

Item = dict[str, Any]

DAY_SECONDS = 86_400
DEFAULT_LINK_DAYS = 3.0
"""How long recovery continues if the gateway documents no lifetime of its links."""


class TaskEnd(Enum):
    """How a task ended: with everything, with less than expected, or still running when it was too late to wait."""

    COMPLETE = auto()
    INCOMPLETE = auto()
    UNFINISHED = auto()


@dataclass(frozen=True, slots=True)
class FileTerms:
    """How long the gateway of a submission keeps files, and whether it can renew their links."""

    kept_seconds: int = int(DEFAULT_LINK_DAYS * DAY_SECONDS)
    renewable: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A gateway that may still be asked to do the job, not before the time ``after``."""

    gateway: str
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The hot record of one job.

    ``expects`` is what its kind yields at its gateway. ``file_terms`` are those of the gateway it was last submitted to.

    Submission: ``intent`` identifies the one submission in progress, since ``intent_at``, until its answer is recorded (I1).
    ``submit_after`` is when a refused submission may be repeated; ``candidates`` are the other gateways that may be asked.
    ``grace_until`` ends the wait for the callback of a lost answer. Afterwards the job is submitted once more if its client
    allows that (``resubmit``) and it has not happened yet (``resubmitted``).

    End: ``verdict`` is the end that was decided but not yet carried out by Finish Job. ``done``: the gateway has nothing to
    add, everything it reported is in the table. ``incomplete``: the task itself yielded less than expected. ``unfinished``:
    it was still running when it was too late to wait. ``event_pending``: the event of the end has not been sent yet.

    Recovery of a job that ended at ``ended_at`` continues until ``recoverable_until``. ``renewal_id`` identifies the gateway's
    renewal of its links, in progress since ``renewal_began_at``.

    ``execution`` is the number of the current execution, ``checks`` counts the checks, ``no_audio`` the successes without
    audio. ``cause`` is what caused the latest check, ``history`` has one line for each change. ``retry_of`` is the job that
    this one repeats; ``retried_as`` is the job that repeats this one.
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
    recoverable_until: int | None = None
    renewal_id: str | None = None
    renewal_began_at: int | None = None
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
        values["file_terms"] = FileTerms(**item.get("file_terms", {}))
        values["cause"] = Cause(item.get("cause", Cause.CLIENT))
        values["history"] = tuple(item.get("history", ()))
        return cls(**values)


class TrackState(StrEnum):
    READY = "ready"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file that passed the checks and is in the bucket. ``bytes`` is its size, ``sha256`` its digest in hex.

    ``source_host`` is the server that sent it, ``stored_at`` when it was stored.
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
    """One result of a task. ``links`` are the gateway's and never shown. In state ``ready`` they can be fetched.

    ``missing`` maps the kind of an optional asset to the reason why it is not stored.
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
        """Whether a file that it has a link to is not in the bucket and may still be fetched."""
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
    """A job as its owner sees it. ``result`` is what its task yields besides files, such as lyrics or an id."""

    job: Job
    tracks: tuple[Track, ...] = ()
    result: Mapping[str, Any] | None = None


def _compact(record: Job | Track) -> Item:
    """As stored: unknown values are left out, since conditions test for absent attributes."""
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return {name: value for name, value in values.items() if value is not None}


def _known(cls: type[Job | Track | Asset], item: Item) -> Item:
    """Attributes unknown to this version are ignored, so that two versions can run side by side."""
    names = cls.__dataclass_fields__
    return {name: value for name, value in item.items() if name in names}
