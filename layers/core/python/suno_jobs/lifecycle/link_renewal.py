"""Renewing expired links, at gateways that can do it, and only when a file was not saved in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.errors import ErrorCode, GatewayUnreachable
from suno_jobs.gateways.protocol import (
    Accepted,
    GatewayReply,
    GatewayRequest,
    LinkRenewal,
    ReadFailed,
    Refused,
    TaskReport,
    TaskTrack,
)
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.record import Job, JobView, Renewal, Track, TrackState
from suno_jobs.lifecycle.link_lifetimes import with_expiry
from suno_jobs.runtime import telemetry
from suno_jobs.storage.jobs import JobStore
from suno_jobs.traffic.accounts import AccountUnusable
from suno_jobs.traffic.calls import GatewayCalls

RENEWAL_SECONDS = 600
"""After this the renewal is given up; the next run of recovery may ask for another one."""

NEED_NEW_LINK = frozenset({ErrorCode.ASSET_EXPIRED, ErrorCode.ASSET_FORBIDDEN_ADDRESS})


def link_renewal_gateway(job: Job) -> LinkRenewal | None:
    """The job's gateway, if it can renew the links of its tasks."""
    gateway = gateway_of(job)
    return gateway if job.tasks and isinstance(gateway, LinkRenewal) else None


def attempt_to_renew(view: JobView) -> int | None:
    """The attempt whose links are being renewed, or the next one that lacks a file because its link has expired or must not be
    fetched. They take turns, so that one whose renewal fails keeps no other from being renewed."""
    last = view.job.renewal
    if last and last.renewal_id:
        return last.attempt
    lacking = sorted({track.attempt for track in view.tracks if _needs_new_link(track)})
    following = [attempt for attempt in lacking if last and attempt > last.attempt]
    return next(iter([*following, *lacking]), None)


def _needs_new_link(track: Track) -> bool:
    faults = (track.fault, *track.missing.values()) if track.unsaved else ()
    return any(fault and fault.code in NEED_NEW_LINK for fault in faults)


@dataclass(frozen=True, slots=True)
class LinkRenewer:
    jobs: JobStore
    calls: GatewayCalls
    clock: Callable[[], float]

    def renew_links(self, view: JobView, attempt: int, gateway: LinkRenewal) -> bool:
        """Begins a renewal of that attempt's links, or reads it and records them. True while the gateway is working on it:
        check again soon.

        A renewal generates nothing and costs nothing. Raises NoSlot.
        """
        job = view.job
        if job.renewal is None or job.renewal.renewal_id is None:
            return self._begin(job, attempt, gateway)
        reply = self._send(job, gateway.renewal_status_request(job.renewal.renewal_id))
        reading = gateway.read_renewal(reply) if reply else None
        if isinstance(reading, ReadFailed):
            self.calls.record_outcome(job, reading.fault)
        ended = isinstance(reading, TaskReport) and reading.status.ended
        if not ended and self.clock() < job.renewal.began_at + RENEWAL_SECONDS:
            return True
        if isinstance(reading, TaskReport):
            self._record_links(view, attempt, reading.tracks)
        self.jobs.record_link_renewal(job, replace(job.renewal, renewal_id=None), now=int(self.clock()))
        return False

    def _begin(self, job: Job, attempt: int, gateway: LinkRenewal) -> bool:
        reply = self._send(job, gateway.renewal_request(job.attempts[attempt].task_id or ""))
        submission = gateway.read_renewal_submission(reply) if reply else None
        if isinstance(submission, Refused):
            self.calls.record_outcome(job, submission.fault)
        now = int(self.clock())
        if not isinstance(submission, Accepted):
            self.jobs.record_link_renewal(job, Renewal(attempt, now), now=now)
            telemetry.log.info("links not renewed", job_id=job.job_id, gateway=job.gateway)
            return False
        self.jobs.record_link_renewal(job, Renewal(attempt, now, submission.task_id), now=now)
        return True

    def _send(self, job: Job, request: GatewayRequest) -> GatewayReply | None:
        try:
            account = self.calls.account(job)
            self.calls.take_slot(job)
            return self.calls.send(job, account, request)
        except (AccountUnusable, GatewayUnreachable) as error:
            telemetry.log.info("links not renewed", job_id=job.job_id, gateway=job.gateway, reason=str(error))
            return None

    def _record_links(self, view: JobView, attempt: int, renewed: tuple[TaskTrack, ...]) -> None:
        """Renewed links are in the order of the tracks. A file without a renewed link keeps its earlier one."""
        for track in (each for each in view.tracks if each.attempt == attempt):
            lacks_file = track.unsaved or track.state is TrackState.FAILED
            if lacks_file and track.position < len(renewed) and renewed[track.position].links:
                dated = with_expiry(view.job, renewed[track.position].links, renewed_at=int(self.clock()))
                links = {link.name: link for link in (*track.links, *dated)}
                self.jobs.tracks.renew_links(view.job.job_id, track.track_id, [*links.values()])
