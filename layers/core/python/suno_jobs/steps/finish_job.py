"""Finish Job: ends a job according to what is really in the bucket, and announces the end at least once (I4, I5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.errors import Conflict, ErrorCode, Fault, JobNotFound, TracksNotStored
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import JobView, TrackState
from suno_jobs.jobs.states import LEGAL, Cause, JobState
from suno_jobs.lifecycle.announcing import Announcer
from suno_jobs.lifecycle.ending import end_job
from suno_jobs.lifecycle.manifest import ManifestWriter
from suno_jobs.lifecycle.one_song_twice import may_end_without_twins
from suno_jobs.lifecycle.recovery import (
    awaits_another_report,
    files_at_risk,
    files_end,
    has_song,
    links_end,
    next_recovery_at,
    recoverable_until,
)
from suno_jobs.runtime import telemetry
from suno_jobs.storage.deletions import DELETED, Deleted
from suno_jobs.storage.jobs import JobStore


@dataclass(frozen=True, slots=True)
class Outcome:
    state: JobState
    fault: Fault | None = None


def outcome(view: JobView, now: int) -> Outcome:
    """How the job ends, or how a job in recovery ends now. Raises TracksNotStored while a track may still be stored in time.

    A stored track or a result outweighs everything else: it was paid for, and it is complete. FAILED is only what the gateway
    itself reported as failed, or what was refused before a task existed; everything else is TIMED_OUT and stays in recovery.
    """
    job, tracks = view.job, view.tracks
    stored = [track for track in tracks if track.state is TrackState.STORED]
    missing = [track for track in tracks if track.state is TrackState.READY]
    if missing and not job.terminal and now < job.deadline_at and not may_end_without_twins(view, now):
        raise TracksNotStored(f"{len(missing)} of {len(tracks)} tracks are not stored yet")
    if stored or (view.result and not job.expects.is_files):
        return Outcome(JobState.SUCCEEDED)
    if job.terminal:
        return Outcome(job.state, job.fault)
    faults = [track.fault for track in tracks if track.fault]
    fault = faults[0] if faults else job.fault or Fault(ErrorCode.NO_AUDIO, "No track could be stored.")
    links = [link for track in tracks for link in track.links]
    if links and all(link.provisional for link in links):
        # That a guessed link led nowhere says nothing to the client.
        fault = Fault(ErrorCode.NO_AUDIO, "The gateway reported a success without a usable file.", retryable=True)
    reported_as_failed = bool(tracks) and not (missing or has_song(view) or any(attempt.open for attempt in job.attempts))
    return Outcome(JobState.FAILED if reported_as_failed else JobState.TIMED_OUT, fault)


def _count_end(view: JobView) -> None:
    """The averages of zeros and ones are shares: of jobs without a song, and of songs that no callback announced."""
    job, gateway = view.job, view.job.gateway
    if job.mode is Mode.TEST:
        telemetry.count("TestJobsFinished", outcome=job.state)
        return
    telemetry.count("JobsFinished", gateway=gateway, state=job.state)
    if job.state is not JobState.CANCELLED:
        telemetry.count("JobsUnsuccessful", int(job.state is not JobState.SUCCEEDED), gateway=gateway)
    found = [entry for entry in map(Entry.read, job.history) if entry.state is JobState.STORING]
    if job.state is JobState.SUCCEEDED and found:  # not by recovery
        telemetry.count("FoundByPolling", int(found[-1].cause not in (Cause.CALLBACK, Cause.STAGE)), gateway=gateway)
        telemetry.seconds("JobSeconds", job.updated_at - job.created_at, gateway=gateway)
    if job.fault and job.fault.code is ErrorCode.AMBIGUOUS:
        telemetry.count("AmbiguousEnds", gateway=gateway)
    if view.quarantine:
        telemetry.count("FilesQuarantined", len(view.quarantine), scope="bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinisher:
    jobs: JobStore
    announcer: Announcer
    manifests: ManifestWriter
    clock: Callable[[], float]

    def finish_job(self, job_id: str) -> JobState | Deleted:
        """Sets the terminal state and puts its event on the bus; each takes effect once, however often it runs.

        The manifest is written first, so that every SUCCEEDED job has one. Raises TracksNotStored, ManifestNotWritten and
        EventNotSent (repeat the call: the event keeps its id), and JobNotFound. A deleted job is left as it is.
        """
        try:
            return self._finish(job_id)
        except JobNotFound:
            if self.jobs.deletions.tombstone(job_id):
                return DELETED
            raise

    def _finish(self, job_id: str) -> JobState:
        now = int(self.clock())
        view = self._view(job_id)
        if view.job.event_pending:
            self._announce(view)
        if not view.job.terminal or LEGAL[view.job.state]:
            before, view = view, self._end(view, now)
            if view.job.event_pending and view.job.state is not before.job.state:
                self._announce(view)
        if view.job.terminal:
            self._leave_to_recovery(view, now)
        return view.job.state

    def _end(self, view: JobView, now: int) -> JobView:
        end = outcome(view, now)
        if end.state is view.job.state:
            return view
        if end.state is JobState.SUCCEEDED:
            self.manifests.write_manifest(view, partial=replace(view, job=replace(view.job, state=end.state)).partial)
        try:
            job = end_job(self.jobs, view, end.state, end.fault, now=now)
        except Conflict:
            latest = self._view(view.job.job_id)
            # It was submitted meanwhile, or has ended otherwise: the current record decides.
            return latest if latest.job.terminal or latest == view else self._end(latest, now)
        return replace(view, job=job)

    def _leave_to_recovery(self, view: JobView, now: int) -> None:
        job = view.job
        until = recoverable_until(view, job.state, now)
        due_at = None
        if until:
            end = files_end(view, until, now)
            due_at = next_recovery_at(job, now, reported_failure=awaits_another_report(view, job.state), until=end)
        if job.state is JobState.SUCCEEDED and job.recoverable_until and not job.event_pending:
            # A run of recovery: a file that was missing may be stored now.
            self.manifests.write_manifest(view, partial=view.partial)
        if until and job.state is JobState.SUCCEEDED and job.mode is Mode.LIVE:
            telemetry.count("AssetsAtRisk", files_at_risk(view), scope="bundle")
            telemetry.count("AssetHoursLeft", max(0, (links_end(view) - now) // 3600), scope="bundle")
        self.jobs.mark_announced(job, recoverable_until=until, due_at=due_at, now=now)

    def _view(self, job_id: str) -> JobView:
        view = self.jobs.view(job_id)
        if view is None:
            raise JobNotFound(f"no job {job_id}")
        return view

    def _announce(self, view: JobView) -> None:
        end = view.job.state.lower()
        self.announcer.announce(view, end, end)
        _count_end(view)
