"""Real files for the simulated CDN: a few are computed once, and each song gets a tag with the id of its track."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from unittest.mock import patch

from local.simulator import cdn, media, tasks
from local.simulator.media import Media, Recording

POOL = 6
SECONDS = 1.2


def _number(track_id: str) -> int:
    return zlib.crc32(track_id.encode()) % POOL


@cache
def _recording(number: int) -> Recording:
    return media.record(f"pool {number}", SECONDS + number / 10)


@cache
def _file(kind: Media, number: int) -> bytes:
    return media.render(kind, f"pool {number}", SECONDS)


@cache
def _cover(number: int) -> bytes:
    return media.cover(f"pool {number}")


def genuine(track_id: str) -> tuple[bytes, ...]:
    """Every file that a working CDN has for a track."""
    number = _number(track_id)
    song = record(track_id, 0.0).mp3
    return (
        song,
        media.of_another_clip(song, track_id),
        _cover(number),
        *(_file(kind, number) for kind in (Media.WAV, Media.M4A, Media.MP4)),
    )


def record(track_id: str, _seconds: float) -> Recording:
    pooled = _recording(_number(track_id))
    return replace(pooled, mp3=media.tag(track_id) + pooled.mp3.removeprefix(media.tag(f"pool {_number(track_id)}")))


def render(kind: Media, track_id: str, seconds: float) -> bytes:
    return record(track_id, seconds).mp3 if kind is Media.MP3 else _file(kind, _number(track_id))


@contextmanager
def pooled_media() -> Iterator[None]:
    """Within this context the simulator serves these files."""
    with (
        patch.object(tasks, "record", record),
        patch.object(tasks, "render", render),
        patch.object(cdn, "render", render),
        patch.object(cdn, "cover", lambda track_id, _side=64: _cover(_number(track_id))),
    ):
        yield
