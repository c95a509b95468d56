"""Two songs of a task that have the same bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suno_jobs.catalog.results import Link, Result
from suno_jobs.errors import AssetIdentical, ErrorCode, Fault
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import DAY_SECONDS, Asset, Attempt, Job, JobView, Track, TrackState
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.one_song_twice import (
    IDENTICAL_SECONDS,
    LAST_CHANCE_SECONDS,
    UNKNOWN_SECONDS,
    may_end_without_twins,
    require_earlier_songs,
    require_own_bytes,
)
from suno_jobs.lifecycle.recovery import MARGIN_SECONDS
from tests.builders import JOB
from tests.world import DEADLINE, START

LINKS = (Link("audio", "https://cdn.example/a.mp3"),)
AUDIO = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="aa")
FIRST = Track(track_id="first", position=0, state=TrackState.STORED, links=LINKS, assets=(AUDIO,))
WAITING = Track(track_id="first", position=0, state=TrackState.READY, links=LINKS)
SECOND = Track(track_id="second", position=1, state=TrackState.READY, links=LINKS)
TWIN = replace(SECOND, fault=Fault(ErrorCode.ASSET_IDENTICAL, "the same"))
STORING = Entry(START, JobState.STORING, Cause.POLL, 0, "ttapi").line()
OPEN = replace(JOB, state=JobState.STORING, history=(STORING,))
ENDED = replace(OPEN, state=JobState.SUCCEEDED, ended_at=START, recoverable_until=START + 3 * DAY_SECONDS)
LOOKED_AFTER = DAY_SECONDS + MARGIN_SECONDS
FAILED = replace(
    OPEN,
    state=JobState.FAILED,
    ended_at=START,
    attempts=(Attempt(START, "task"),),
    recoverable_until=START + LOOKED_AFTER,
)


@pytest.mark.parametrize(
    ("job", "first", "seconds", "accepted"),
    [
        (OPEN, FIRST, 0, False),
        (OPEN, FIRST, DEADLINE, False),
        (ENDED, FIRST, DAY_SECONDS, False),
        (ENDED, FIRST, 3 * DAY_SECONDS - LAST_CHANCE_SECONDS - 1, False),
        (ENDED, FIRST, 3 * DAY_SECONDS - LAST_CHANCE_SECONDS, True),
        (FAILED, FIRST, LOOKED_AFTER - 1, False),
        (replace(ENDED, recoverable_until=None), FIRST, DAY_SECONDS, True),
        (replace(ENDED, recoverable_until=None, event_pending=True), FIRST, 0, False),
        (OPEN, replace(FIRST, assets=(replace(AUDIO, sha256="bb"),)), 0, True),
        (OPEN, replace(FIRST, attempt=1), 0, True),
        (OPEN, replace(FIRST, position=2), 0, True),
        (replace(OPEN, expects=Result.STEMS), FIRST, 0, True),
        (OPEN, WAITING, 0, True),
    ],
)
def test_bytes_of_an_earlier_song_are_stored_for_a_later_one_only_if_it_is_too_late_to_wait(
    job: Job, first: Track, seconds: int, accepted: bool
) -> None:
    view = JobView(job, (first, SECOND))
    if accepted:
        require_own_bytes(view, SECOND, "audio", "aa", START + seconds)
    else:
        with pytest.raises(AssetIdentical, match="track first"):
            require_own_bytes(view, SECOND, "audio", "aa", START + seconds)


HOURS_LATER = START + UNKNOWN_SECONDS
LONG = replace(SECOND, duration_seconds=200.0)
SHORT = replace(WAITING, duration_seconds=100.0)
CANCELLED = replace(ENDED, state=JobState.CANCELLED, history=(), ended_at=START)


@pytest.mark.parametrize(
    ("job", "first", "second", "seconds", "measured", "accepted"),
    [
        (OPEN, WAITING, SECOND, IDENTICAL_SECONDS, 200.0, False),
        (replace(OPEN, changed_before=HOURS_LATER - 1), WAITING, SECOND, DAY_SECONDS, 200.0, False),
        (replace(OPEN, changed_before=HOURS_LATER), WAITING, SECOND, UNKNOWN_SECONDS, 200.0, True),
        (replace(OPEN, deadline_at=START + 60), WAITING, SECOND, 60, 200.0, False),
        (replace(ENDED, state=JobState.TIMED_OUT), WAITING, SECOND, UNKNOWN_SECONDS, 200.0, False),
        (replace(CANCELLED, changed_before=HOURS_LATER - 1), WAITING, SECOND, UNKNOWN_SECONDS, 200.0, False),
        (replace(CANCELLED, changed_before=HOURS_LATER), WAITING, SECOND, UNKNOWN_SECONDS, 200.0, True),
        (replace(ENDED, recoverable_until=None), WAITING, SECOND, 0, 200.0, True),
        (OPEN, replace(WAITING, state=TrackState.FAILED), SECOND, 0, 200.0, True),
        (OPEN, FIRST, SECOND, 0, 200.0, True),
        (OPEN, replace(WAITING, attempt=1), SECOND, 0, 200.0, True),
        (OPEN, replace(WAITING, position=2), SECOND, 0, 200.0, True),
        (replace(OPEN, expects=Result.STEMS), WAITING, SECOND, 0, 200.0, True),
        # The lengths that the gateway reports show whose file it is.
        (OPEN, SHORT, LONG, IDENTICAL_SECONDS - 1, 200.9, False),
        (OPEN, SHORT, LONG, IDENTICAL_SECONDS, 200.9, True),
        (OPEN, SHORT, LONG, IDENTICAL_SECONDS, None, True),
        (OPEN, SHORT, LONG, IDENTICAL_SECONDS, 0.0, False),
        (OPEN, SHORT, LONG, IDENTICAL_SECONDS, 100.0, False),
        (OPEN, SHORT, LONG, IDENTICAL_SECONDS, 150.0, False),
        (OPEN, replace(SHORT, duration_seconds=198.0), LONG, IDENTICAL_SECONDS, 200.0, False),
        (OPEN, replace(SHORT, duration_seconds=0.0), LONG, IDENTICAL_SECONDS, 200.0, False),
        (OPEN, SHORT, replace(LONG, duration_seconds=None), IDENTICAL_SECONDS, 200.0, False),
    ],
)
def test_a_file_waits_for_the_earlier_song_until_it_is_known_whose_it_is_or_too_late(
    job: Job, first: Track, second: Track, seconds: int, measured: float | None, accepted: bool
) -> None:
    view = JobView(job, (first, second))
    if accepted:
        require_earlier_songs(view, second, measured, START + seconds)
    else:
        with pytest.raises(AssetIdentical, match="track first is unknown"):
            require_earlier_songs(view, second, measured, START + seconds)


def test_the_first_song_waits_for_none() -> None:
    view = JobView(OPEN, (WAITING, replace(FIRST, position=1)))
    require_own_bytes(view, WAITING, "audio", "aa", START)
    require_earlier_songs(view, WAITING, None, START)


@pytest.mark.parametrize(
    ("tracks", "history", "seconds", "ends"),
    [
        ((FIRST, TWIN), (STORING,), IDENTICAL_SECONDS - 1, False),
        ((FIRST, TWIN), (STORING,), IDENTICAL_SECONDS, True),
        ((FIRST, TWIN), (), IDENTICAL_SECONDS, False),
        ((FIRST, SECOND), (STORING,), IDENTICAL_SECONDS, False),
        ((FIRST, TWIN, replace(SECOND, fault=Fault(ErrorCode.ASSET_SILENT, "x"))), (STORING,), IDENTICAL_SECONDS, False),
        ((TWIN,), (STORING,), IDENTICAL_SECONDS, False),
    ],
)
def test_a_job_waits_five_minutes_for_the_file_of_its_second_song(
    tracks: tuple[Track, ...], history: tuple[str, ...], seconds: int, ends: bool
) -> None:
    assert may_end_without_twins(JobView(replace(OPEN, history=history), tracks), START + seconds) is ends
