"""From a gateway's list of songs to our tracks, and from tracks to what became of the task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.base import TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.replies import audio_url, pick, plain, seconds
from suno_jobs.gateways.verdicts import fault

_TRACK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a gateway calls the fields of a track. Preview streams are not listed, so they can never become audio."""

    track_id: tuple[str, ...]
    audio_url: tuple[str, ...]
    title: tuple[str, ...] = ("title",)
    duration: tuple[str, ...] = ("duration",)


def read_tracks(items: Any, spelling: Spelling) -> tuple[TaskTrack, ...]:
    """One track for each object in ``items``, whatever else is in there."""
    songs = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    ids = name_tracks([pick(song, *spelling.track_id) for song in songs])
    return tuple(
        TaskTrack(
            track_id,
            audio_url=next(filter(None, (audio_url(song.get(name)) for name in spelling.audio_url)), None),
            title=plain(pick(song, *spelling.title), _TITLE_CHARACTERS),
            duration_seconds=seconds(pick(song, *spelling.duration)),
        )
        for track_id, song in zip(ids, songs, strict=True)
    )


def name_tracks(given: Sequence[Any]) -> list[str]:
    """An id per track, the same on every reading, distinct within the task and fit for an object key.

    The gateway's own id where it is one; otherwise, or when an earlier track has it already, ``track-N`` by position from 1.
    """
    valid = [each if isinstance(each, str) and _TRACK_ID.fullmatch(each) else None for each in given]
    reserved = set(valid)
    taken: set[str] = set()
    names: list[str] = []
    for position, own in enumerate(valid, 1):
        name = own if own is not None and own not in taken else f"track-{position}"
        while name in taken or (name != own and name in reserved):
            name += "-"
        taken.add(name)
        names.append(name)
    return names


def running(status: TaskStatus, tracks: Iterable[TaskTrack] = (), unknown_words: Iterable[str] = ()) -> TaskReport:
    """A task that is not done. Before FIRST_READY no audio is final, whatever the gateway shows."""
    if status is not TaskStatus.FIRST_READY:
        tracks = (replace(track, audio_url=None) for track in tracks)
    return TaskReport(status, tuple(tracks), unknown_words=tuple(unknown_words))


def ended(tracks: Iterable[TaskTrack], unknown_words: Iterable[str] = ()) -> TaskReport:
    """A task that the gateway calls a success: so it is, if at least one track has its audio."""
    missing = fault(ErrorCode.NO_AUDIO, "the gateway finished without usable audio")
    told = tuple(_blame(track, missing) for track in tracks)
    if any(track.audio_url for track in told):
        return TaskReport(TaskStatus.SUCCEEDED, told, unknown_words=tuple(unknown_words))
    return TaskReport(TaskStatus.FAILED, told, fault=missing, unknown_words=tuple(unknown_words))


def failed(tracks: Iterable[TaskTrack], reason: Fault) -> TaskReport:
    """A task that failed. Tracks that have their audio keep it."""
    return TaskReport(TaskStatus.FAILED, tuple(_blame(track, reason) for track in tracks), fault=reason)


def _blame(track: TaskTrack, reason: Fault) -> TaskTrack:
    return track if track.audio_url or track.fault else replace(track, fault=reason)
