"""The report of a task, from its tracks or its data and what its gateway says about its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.error_rules import fault
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack


def running_report(status: TaskStatus, tracks: Iterable[TaskTrack] = (), unknown_statuses: Iterable[str] = ()) -> TaskReport:
    """A task that has not ended. Before FIRST_READY no file is final, so links are dropped."""
    if status is not TaskStatus.FIRST_READY:
        tracks = (replace(track, links=()) for track in tracks)
    return TaskReport(status, tuple(tracks), unknown_statuses=tuple(unknown_statuses))


def finished_report(tracks: Iterable[TaskTrack]) -> TaskReport:
    """A task that the gateway reports as successful. It failed all the same if no track is ready."""
    missing = fault(ErrorCode.NO_AUDIO, "the gateway finished without a usable file")
    tracks = tuple(_with_fault(track, missing) for track in tracks)
    if any(track.ready for track in tracks):
        return TaskReport(TaskStatus.SUCCEEDED, tracks)
    return TaskReport(TaskStatus.FAILED, tracks, fault=missing)


def data_report(result: Mapping[str, Any] | None) -> TaskReport:
    """A task without files that the gateway reports as successful. It failed all the same if ``result`` is empty."""
    if result:
        return TaskReport(TaskStatus.SUCCEEDED, result=result)
    return TaskReport(TaskStatus.FAILED, fault=fault(ErrorCode.NO_AUDIO, "the gateway finished without a usable result"))


def failed_report(tracks: Iterable[TaskTrack], reason: Fault) -> TaskReport:
    """A failed task. Ready tracks keep their links."""
    return TaskReport(TaskStatus.FAILED, tuple(_with_fault(track, reason) for track in tracks), fault=reason)


def _with_fault(track: TaskTrack, reason: Fault) -> TaskTrack:
    return track if track.ready or track.fault else replace(track, fault=reason)
