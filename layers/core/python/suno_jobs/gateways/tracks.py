"""Translating a gateway's list of songs to tracks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from suno_jobs.catalog.results import Link, Media
from suno_jobs.gateways.model_names import common_model, model_text
from suno_jobs.gateways.parsing import media_url, multi_line, parse_duration, pick, playable_url, single_line
from suno_jobs.gateways.protocol import TaskTrack

_TRACK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class TrackFields:
    """A gateway's field names for a track, in order of preference. ``streams``: of previews, which are no final files."""

    track_id: tuple[str, ...]
    audio: tuple[str, ...]
    image: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    title: tuple[str, ...] = ("title",)
    duration: tuple[str, ...] = ("duration",)
    lyrics: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def objects_in(items: Any) -> list[dict[str, Any]]:
    """The objects in a list. Other elements are skipped, and what is not a list counts as an empty one."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def as_objects(items: Any) -> list[dict[str, Any]]:
    """As ``objects_in``, but a single object counts as a list of one."""
    return objects_in(items if isinstance(items, list) else [items])


def first_url(item: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next(filter(None, (media_url(item.get(name)) for name in names)), None)


def read_tracks(items: Any, names: TrackFields) -> tuple[TaskTrack, ...]:
    """One track for each object in the list ``items``. A track without audio has no links."""
    songs = objects_in(items)
    ids = track_ids([pick(song, *names.track_id) for song in songs])
    return tuple(
        TaskTrack(
            track_id,
            links=track_links(first_url(song, names.audio), song, names),
            last_resort=_streams(song, names),
            title=single_line(pick(song, *names.title), _TITLE_CHARACTERS),
            duration_seconds=parse_duration(pick(song, *names.duration)),
            lyrics=multi_line(pick(song, *names.lyrics)),
            model=common_model(names.models, pick(song, *names.model)),
            gateway_model=model_text(pick(song, *names.model)),
        )
        for track_id, song in zip(ids, songs, strict=True)
    )


def track_links(audio: str | None, song: Mapping[str, Any], names: TrackFields) -> tuple[Link, ...]:
    if audio is None:
        return ()
    image, video = first_url(song, names.image), first_url(song, names.video)
    return (
        Link("audio", audio),
        *([Link("image", image, Media.IMAGE, required=False)] if image else []),
        *([Link("video", video, Media.VIDEO, required=False)] if video else []),
    )


def _streams(song: dict[str, Any], names: TrackFields) -> tuple[tuple[Link, ...], ...]:
    """Of a track without a final file: what can be played, without duplicates.

    A stream may end early, and a shorter song is a valid file. So without the duration of the song there is none.
    """
    if first_url(song, names.audio) or parse_duration(pick(song, *names.duration)) is None:
        return ()
    urls = dict.fromkeys(playable_url(song.get(name)) for name in (*names.audio, *names.streams))
    return tuple(_provisional(track_links(url, song, names)) for url in urls if url)


def _provisional(links: tuple[Link, ...]) -> tuple[Link, ...]:
    return tuple(replace(link, provisional=link.required) for link in links)


def track_ids(gateway_ids: Sequence[Any]) -> list[str]:
    """One id per track: the same on every read, unique within the task and valid in an object key.

    It is the gateway's id. If that is missing, invalid or a duplicate, it is ``track-N`` by position from 1.
    """
    valid = [each if isinstance(each, str) and _TRACK_ID.fullmatch(each) else None for each in gateway_ids]
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


def file_tracks(name: str, media: Media, urls: Iterable[str | None]) -> tuple[TaskTrack, ...]:
    """One track per file, with an id by position, so that a missing file does not change the ids of the others."""
    return tuple(
        TaskTrack(f"track-{position}", links=(Link(name, url, media),) if url else ()) for position, url in enumerate(urls, 1)
    )
