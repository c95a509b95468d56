"""A track whose file was refused: a new link or a higher limit leads to another try, and nothing else does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, BinaryIO

import pytest

from suno_jobs.catalog.results import Link, Media
from suno_jobs.errors import AssetExpired, AssetNotReady, AssetTooLarge, ErrorCode, Fault
from suno_jobs.jobs.record import Asset, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.network.download import Downloaded
from suno_jobs.steps.store_track import TrackStorer
from tests.world import BUCKET, DEADLINE, ROOT, World

LINK = Link("audio", "https://cdn.example/t.mp3?signature=1")
OTHER = Link("audio", "https://cdn.example/t.mp3?signature=2")
COVER = Link("image", "https://cdn.example/t.png", Media.IMAGE, required=False)
PICTURE = (ROOT / "tests" / "samples" / "picture.png").read_bytes()
SONG = (ROOT / "tests" / "samples" / "song.m4a").read_bytes()


class Files:
    """Files of a certain size behind every link; those over the limit are refused as the downloader does."""

    def __init__(self, content: bytes, size: int = 0) -> None:
        self.content = content
        self.size = size or len(content)
        self.fetched: list[str] = []

    def fetch(self, url: str, into: BinaryIO, *, max_bytes: int, seconds: float, past_expiry: bool) -> Downloaded:  # noqa: ARG002
        self.fetched.append(url)
        if self.size > max_bytes:
            raise AssetTooLarge(Fault(ErrorCode.ASSET_TOO_LARGE, f"larger than {max_bytes} bytes", limit_bytes=max_bytes))
        into.write(self.content)
        return Downloaded(len(self.content), hashlib.sha256(self.content).hexdigest(), None, "cdn.example")


def storer(world: World, files: Files, limit: int) -> TrackStorer:
    fetching: Any = files
    return TrackStorer(
        jobs=world.jobs,
        s3=world.s3,
        bucket=BUCKET,
        downloader=fetching,
        max_bytes=dict.fromkeys(Media, limit),
        storage_class="STANDARD",
        clock=world.clock,
        stopwatch=world.clock,
    )


def ready(*links: Link) -> Track:
    return Track(track_id="t", position=0, state=TrackState.READY, links=links)


@pytest.fixture
def job_id(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    world.jobs.tracks.record_track(job_id, ready(LINK))
    return job_id


def test_a_file_over_the_limit_is_downloaded_again_only_under_a_higher_one(world: World, job_id: str) -> None:
    files = Files(PICTURE, size=2000)
    for limit, downloads in ((1000, 1), (1000, 1), (900, 1), (1500, 2), (1500, 2), (1000, 2)):
        assert storer(world, files, limit).store_track(job_id, "t") is TrackState.FAILED
        assert len(files.fetched) == downloads
    fault = world.tracks(job_id)["t"].fault
    assert (fault.code, fault.limit_bytes) == (ErrorCode.ASSET_TOO_LARGE, 1500)


def test_a_higher_limit_stores_the_file(world: World, job_id: str) -> None:
    assert storer(world, Files(SONG), len(SONG) - 1).store_track(job_id, "t") is TrackState.FAILED
    assert world.tracks(job_id)["t"].unsaved
    assert storer(world, Files(SONG), len(SONG)).store_track(job_id, "t") is TrackState.STORED
    assert not world.tracks(job_id)["t"].unsaved


def test_an_optional_file_over_the_limit_is_downloaded_again_only_under_a_higher_one(world: World, job_id: str) -> None:
    lacking = {"image": Fault(ErrorCode.ASSET_TOO_LARGE, "too large", limit_bytes=1000)}
    world.jobs.tracks.record_track(job_id, ready(LINK, COVER))
    world.jobs.tracks.store_track(
        job_id, "t", [Asset(kind="audio", key="k", content_type="a", bytes=1, sha256="0")], lacking, None
    )
    files = Files(PICTURE)
    assert storer(world, files, 1000).store_track(job_id, "t") is TrackState.STORED
    assert (files.fetched, world.tracks(job_id)["t"].missing) == ([], lacking)
    assert storer(world, files, 10**6).store_track(job_id, "t") is TrackState.STORED
    assert (files.fetched, world.tracks(job_id)["t"].missing) == ([COVER.url], {})


def test_a_track_over_the_limit_gets_new_links_and_keeps_its_limit(world: World, job_id: str) -> None:
    files = Files(PICTURE, size=2000)
    storer(world, files, 1000).store_track(job_id, "t")
    world.jobs.tracks.record_track(job_id, ready(OTHER))
    track = world.tracks(job_id)["t"]
    assert (track.state, track.links, track.fault.limit_bytes) == (TrackState.FAILED, (OTHER,), 1000)
    world.jobs.tracks.renew_links(job_id, "t", [LINK])
    track = world.tracks(job_id)["t"]
    assert (track.state, track.links, track.fault.limit_bytes) == (TrackState.FAILED, (LINK,), 1000)
    assert storer(world, files, 1000).store_track(job_id, "t") is TrackState.FAILED
    assert len(files.fetched) == 1


def test_a_job_with_a_track_over_the_limit_stays_in_recovery(world: World, job_id: str) -> None:
    storer(world, Files(PICTURE, size=2000), 1000).store_track(job_id, "t")
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    job = world.job(job_id)
    assert job.fault is not None
    assert job.fault.code is ErrorCode.ASSET_TOO_LARGE
    assert (job.recoverable_until or 0) > world.now + DEADLINE
    assert world.due() == [job_id]


def test_i11_a_picture_in_place_of_a_song_does_not_end_its_track(world: World, job_id: str) -> None:
    """The song appears behind the same link."""
    for other in (PICTURE, b"PK\x03\x04" + bytes(2000)):
        with pytest.raises(AssetNotReady):
            storer(world, Files(other), 10**6).store_track(job_id, "t")
        track = world.tracks(job_id)["t"]
        assert (track.state, track.fault.code, track.unsaved) == (TrackState.READY, ErrorCode.ASSET_WRONG_TYPE, True)
    assert storer(world, Files(SONG), 10**6).store_track(job_id, "t") is TrackState.STORED


def test_i3_a_stored_track_is_not_opened_again(world: World, job_id: str) -> None:
    world.jobs.tracks.store_track(job_id, "t", [], {}, None)
    before = world.tracks(job_id)["t"]
    world.jobs.tracks.record_track(job_id, ready(OTHER))
    world.jobs.tracks.renew_links(job_id, "t", [OTHER])
    assert world.tracks(job_id)["t"] == before


@pytest.mark.parametrize(
    "error",
    [
        AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "cdn.example: answered 451")),
        AssetNotReady(Fault(ErrorCode.ASSET_FORBIDDEN_ADDRESS, "cdn.example: the host has an address that is not public")),
        AssetExpired(Fault(ErrorCode.ASSET_FORBIDDEN_ADDRESS, "cdn.example: the URL is malformed")),
    ],
    ids=["status", "resolution", "URL"],
)
def test_i11_a_link_that_cannot_be_fetched_does_not_end_its_job(world: World, job_id: str, error: AssetNotReady) -> None:
    files = Files(PICTURE)
    files.fetch = failing(error)  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        storer(world, files, 1000).store_track(job_id, "t")
    assert world.tracks(job_id)["t"].state is TrackState.READY
    world.clock.sleep(DEADLINE)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert world.job(job_id).recoverable_until is not None
    assert replace(world.tracks(job_id)["t"], fault=None).unsaved


def failing(error: Exception) -> Any:
    def fetch(*_: object, **__: object) -> Downloaded:
        raise error

    return fetch
