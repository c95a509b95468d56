"""From a gateway's list of songs to our tracks, and from tracks to what became of the task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.base import Link, Media, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.models import our_model
from suno_jobs.gateways.replies import lines, media_url, pick, plain, seconds
from suno_jobs.gateways.verdicts import fault

_TRACK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a gateway calls the fields of a track. Preview streams are not listed, so they can never become audio.

    Of several images the one named first is taken.
    """

    track_id: tuple[str, ...]
    audio: tuple[str, ...]
    image: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    title: tuple[str, ...] = ("title",)
    duration: tuple[str, ...] = ("duration",)
    lyrics: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def objects(items: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else is in it; a single object counts as a list of one."""
    found = items if isinstance(items, list) else [items]
    return [item for item in found if isinstance(item, dict)]


def first_url(item: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next(filter(None, (media_url(item.get(name)) for name in names)), None)


def read_tracks(items: Any, spelling: Spelling) -> tuple[TaskTrack, ...]:
    """One track for each object in the list ``items``. Without audio it has no links at all."""
    songs = objects(items) if isinstance(items, list) else []
    ids = name_tracks([pick(song, *spelling.track_id) for song in songs])
    return tuple(
        TaskTrack(
            track_id,
            links=song_links(first_url(song, spelling.audio), song, spelling),
            title=plain(pick(song, *spelling.title), _TITLE_CHARACTERS),
            duration_seconds=seconds(pick(song, *spelling.duration)),
            lyrics=lines(pick(song, *spelling.lyrics)),
            model=our_model(spelling.models, pick(song, *spelling.model)) if spelling.model else None,
        )
        for track_id, song in zip(ids, songs, strict=True)
    )


def song_links(audio: str | None, song: Mapping[str, Any], spelling: Spelling) -> tuple[Link, ...]:
    if audio is None:
        return ()
    image, video = first_url(song, spelling.image), first_url(song, spelling.video)
    return (
        Link("audio", audio),
        *([Link("image", image, Media.IMAGE, required=False)] if image else []),
        *([Link("video", video, Media.VIDEO, required=False)] if video else []),
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


def files(name: str, media: Media, urls: Iterable[str | None]) -> tuple[TaskTrack, ...]:
    """One track per file, named by position, so that a file that is missing does not move the next one."""
    return tuple(
        TaskTrack(f"track-{position}", links=(Link(name, url, media),) if url else ()) for position, url in enumerate(urls, 1)
    )


def running(status: TaskStatus, tracks: Iterable[TaskTrack] = (), unknown_words: Iterable[str] = ()) -> TaskReport:
    """A task that is not done. Before FIRST_READY no file is final, whatever the gateway shows."""
    if status is not TaskStatus.FIRST_READY:
        tracks = (replace(track, links=()) for track in tracks)
    return TaskReport(status, tuple(tracks), unknown_words=tuple(unknown_words))


def ended(tracks: Iterable[TaskTrack]) -> TaskReport:
    """A task that the gateway calls a success: so it is, if at least one track is ready."""
    missing = fault(ErrorCode.NO_AUDIO, "the gateway finished without a usable file")
    told = tuple(_blame(track, missing) for track in tracks)
    if any(track.ready for track in told):
        return TaskReport(TaskStatus.SUCCEEDED, told)
    return TaskReport(TaskStatus.FAILED, told, fault=missing)


def told(result: Mapping[str, Any] | None) -> TaskReport:
    """A task without files that the gateway calls a success: so it is, if it has told something."""
    if result:
        return TaskReport(TaskStatus.SUCCEEDED, result=result)
    return TaskReport(TaskStatus.FAILED, fault=fault(ErrorCode.NO_AUDIO, "the gateway finished without a usable result"))


def failed(tracks: Iterable[TaskTrack], reason: Fault) -> TaskReport:
    """A task that failed. Tracks that are ready keep their links."""
    return TaskReport(TaskStatus.FAILED, tuple(_blame(track, reason) for track in tracks), fault=reason)


def _blame(track: TaskTrack, reason: Fault) -> TaskTrack:
    return track if track.ready or track.fault else replace(track, fault=reason)
