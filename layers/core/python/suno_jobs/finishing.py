"""Finish Job: the end of a job, decided by what really lies in the bucket, and announced at least once (I4, I5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError as AwsError

from suno_jobs import telemetry
from suno_jobs.errors import Conflict, ErrorCode, EventNotSent, Fault, JobNotFound, TracksNotStored
from suno_jobs.models import Job, Track, TrackState
from suno_jobs.store import JobStore
from suno_jobs.transitions import JobState
from suno_jobs.views import job_view

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

EVENT_SOURCE = "suno-jobs"


@dataclass(frozen=True, slots=True)
class Outcome:
    state: JobState
    fault: Fault | None = None
    partial: bool = False


def outcome(job: Job, tracks: Sequence[Track], now: int) -> Outcome:
    """How the job ends. Raises TracksNotStored while a track may still be stored and there is time.

    A stored track outweighs everything: it was paid for, and it is whole.
    """
    stored = [track for track in tracks if track.state is TrackState.STORED]
    missing = [track for track in tracks if track.state is TrackState.READY]
    if missing and not job.verdict and now < job.deadline_at:
        raise TracksNotStored(f"{len(missing)} of {len(tracks)} tracks are not stored yet")
    if stored:
        return Outcome(JobState.SUCCEEDED, partial=job.incomplete or len(stored) < len(tracks))
    if job.verdict:
        return Outcome(job.verdict, job.fault)
    faults = [track.fault for track in tracks if track.fault]
    fault = faults[0] if faults else job.fault or Fault(ErrorCode.NO_AUDIO, "No track could be stored.")
    return Outcome(JobState.TIMED_OUT if missing else JobState.FAILED, fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finisher:
    jobs: JobStore
    events: EventBridgeClient
    event_bus: str
    clock: Callable[[], float]

    def __call__(self, job_id: str) -> JobState:
        """Sets the terminal state and puts its event on the bus; both once, however often it runs.

        Raises TracksNotStored, EventNotSent (repeat it: the event keeps its id), JobNotFound.
        """
        now = int(self.clock())
        job, tracks = self._view(job_id)
        if not job.terminal:
            end = outcome(job, tracks, now)
            try:
                job = self.jobs.finish(job_id, end.state, end.fault, partial=end.partial, now=now)
            except Conflict:
                job, tracks = self._view(job_id)
            else:
                telemetry.count("JobsFinished", gateway=job.gateway, state=job.state)
        if job.event_pending:
            self._announce(job, tracks)
            self.jobs.event_sent(job_id, job.state, now=now)
        return job.state

    def _view(self, job_id: str) -> tuple[Job, list[Track]]:
        view = self.jobs.view(job_id)
        if view is None:
            raise JobNotFound(f"no job {job_id}")
        return view

    def _announce(self, job: Job, tracks: Sequence[Track]) -> None:
        detail = {"event_id": f"{job.job_id}.{job.state.lower()}", "tenant": job.tenant, **job_view(job, tracks)}
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.event_bus,
            "Source": EVENT_SOURCE,
            "DetailType": f"job.{job.state.lower()}",
            "Detail": json.dumps(detail),
            "Resources": [job.job_id],
        }
        try:
            answer = self.events.put_events(Entries=[entry])
        except AwsError as error:
            raise EventNotSent(error.response["Error"]["Code"]) from error
        if answer["FailedEntryCount"]:
            raise EventNotSent(answer["Entries"][0].get("ErrorCode", "unknown"))
