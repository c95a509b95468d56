"""Finish Job: the end of a job, decided by what really lies in the bucket, and announced at least once (I4, I5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError as AwsError

from suno_jobs import telemetry
from suno_jobs.care import at_risk, care_until, links_end, next_care
from suno_jobs.errors import Conflict, ErrorCode, EventNotSent, Fault, JobNotFound, TracksNotStored
from suno_jobs.manifest import ManifestWriter
from suno_jobs.models import JobView, TrackState
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


def outcome(view: JobView, now: int) -> Outcome:
    """How the job ends, or how one that timed out stands now. Raises TracksNotStored while a track may still be stored and
    there is time.

    A stored track or a result outweighs everything: it was paid for, and it is whole.
    """
    job, tracks = view.job, view.tracks
    stored = [track for track in tracks if track.state is TrackState.STORED]
    missing = [track for track in tracks if track.state is TrackState.READY]
    if missing and not job.verdict and now < job.deadline_at:
        raise TracksNotStored(f"{len(missing)} of {len(tracks)} tracks are not stored yet")
    if stored or (view.result and not job.expects.is_files):
        return Outcome(JobState.SUCCEEDED, partial=job.incomplete or job.unfinished or len(stored) < len(tracks))
    if job.verdict:
        return Outcome(job.verdict, job.fault)
    if job.terminal:
        return Outcome(job.state, job.fault)
    faults = [track.fault for track in tracks if track.fault]
    fault = faults[0] if faults else job.fault or Fault(ErrorCode.NO_AUDIO, "No track could be stored.")
    return Outcome(JobState.TIMED_OUT if missing else JobState.FAILED, fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finisher:
    jobs: JobStore
    events: EventBridgeClient
    event_bus: str
    manifests: ManifestWriter
    clock: Callable[[], float]

    def __call__(self, job_id: str) -> JobState:
        """Sets the terminal state and puts its event on the bus; both once, however often it runs.

        The manifest comes first, so that SUCCEEDED implies that it lies there. Raises TracksNotStored, ManifestNotWritten and
        EventNotSent (repeat it: the event keeps its id), JobNotFound.
        """
        now = int(self.clock())
        view = self._view(job_id)
        if view.job.event_pending:
            self._announce(view)
        if not view.job.terminal or view.job.state is JobState.TIMED_OUT:
            before, view = view, self._end(view, now)
            if view.job.event_pending and view.job.state is not before.job.state:
                self._announce(view)
        if view.job.terminal:
            self._put_away(view, now)
        return view.job.state

    def _end(self, view: JobView, now: int) -> JobView:
        end = outcome(view, now)
        if end.state is view.job.state:
            return view
        if end.state is JobState.SUCCEEDED:
            self.manifests(view, partial=end.partial)
        until = care_until(view, end.state, now)
        try:
            job = self.jobs.finish(view.job, end.state, end.fault, partial=end.partial, now=now, care_until=until)
        except Conflict:
            latest = self._view(view.job.job_id)
            # It was submitted after all, or ended otherwise: what is true now decides.
            return latest if latest.job.terminal or latest == view else self._end(latest, now)
        telemetry.count("JobsFinished", gateway=job.gateway, state=job.state)
        return replace(view, job=job)

    def _put_away(self, view: JobView, now: int) -> None:
        job = view.job
        until = care_until(view, job.state, now)
        lacking = any(track.state is not TrackState.STORED for track in view.tracks)
        partial = job.partial and (job.incomplete or job.unfinished or lacking)
        due_at = next_care(job, now) if until else None
        if job.state is JobState.SUCCEEDED and job.care_until and not job.event_pending:
            # A later look: a file that was missing may lie there now.
            self.manifests(view, partial=partial)
        if until and job.state is JobState.SUCCEEDED:
            telemetry.count("AssetsAtRisk", at_risk(view), scope="bundle")
            telemetry.count("AssetHoursLeft", max(0, (links_end(view) - now) // 3600), scope="bundle")
        self.jobs.put_away(job, care_until=until, due_at=due_at, partial=partial, now=now)

    def _view(self, job_id: str) -> JobView:
        view = self.jobs.view(job_id)
        if view is None:
            raise JobNotFound(f"no job {job_id}")
        return view

    def _announce(self, view: JobView) -> None:
        """The event leaves the result out: lyrics may be longer than an event."""
        job = view.job
        shown = job_view(replace(view, result=None))
        detail = {"event_id": f"{job.job_id}.{job.state.lower()}", "tenant": job.tenant, **shown}
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
