"""A wrong length costs a mark and no song (I8); other bytes that are refused are kept in quarantine (I11)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.catalog.results import Link
from suno_jobs.errors import AssetNotReady, ErrorCode
from suno_jobs.jobs.record import JobView, QuarantinedFile, Track, TrackState
from suno_jobs.jobs.views import job_view
from suno_jobs.lifecycle import asset_files
from suno_jobs.lifecycle.asset_files import QUARANTINED_PER_FILE, QUARANTINED_PER_JOB, SMALL_BYTES, SMALL_PER_FILE, has_room
from suno_jobs.lifecycle.manifest import manifest
from tests.unit.steps.test_store_track import MEASURED, SILENCE, SONG, WITH_COVER, Source, assets, objects, song, storer
from tests.world import World, a_job

URL = "https://cdn.example/t.mp3?signature=secret"
LINK = Link("audio", URL)
PAGE = b"<html>not yet</html>" * 100
HOLE = SONG[:4000] + bytes(3000) + SONG[7000:]


@pytest.fixture
def job_id(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    record(world, job_id, LINK)
    return job_id


def record(world: World, job_id: str, *links: Link, seconds: float | None = None) -> None:
    track = Track(track_id="t", position=0, state=TrackState.READY, links=links, duration_seconds=seconds)
    world.jobs.tracks.record_track(job_id, track)


def refused(world: World, job_id: str, *bodies: bytes) -> None:
    for body in bodies:
        with pytest.raises(AssetNotReady):
            storer(world, Source(body)).store_track(job_id, "t")


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def shown(world: World, job_id: str) -> dict[str, Any]:
    return dict(job_view(world.view(job_id)))


@pytest.mark.parametrize(
    ("body", "reported", "doubtful"),
    [
        (SONG, 3.0, False),
        (SONG, 1.0, False),
        (SONG, 5.2, False),
        (SONG, None, False),
        (SONG, 0.0, False),
        (SONG, 5.6, True),
        (SONG, 60.0, True),
        (SONG, 86_400.0, True),
        (song(20), 14.0, False),
        (song(20), 10.0, False),
        (song(20), 6.0, True),
        (song(20), 0.1, True),
    ],
)
def test_i8_a_final_file_is_stored_whatever_length_is_reported(
    world: World, job_id: str, body: bytes, reported: float | None, doubtful: bool
) -> None:
    record(world, job_id, LINK, seconds=reported)
    assert storer(world, Source(body)).store_track(job_id, "t") is TrackState.STORED
    assert list(objects(world).values()) == [body]
    [track] = shown(world, job_id)["tracks"]
    figures = {"reported_seconds": reported, "measured_seconds": track["duration_seconds"]}
    assert track["doubtful"] == (figures if doubtful else None)
    assert track["duration_seconds"] == pytest.approx(len(body) * 8 / 32_000, abs=0.2)


def test_the_manifest_has_both_figures(world: World, job_id: str) -> None:
    record(world, job_id, LINK, seconds=60.0)
    storer(world, Source(SONG)).store_track(job_id, "t")
    [track] = manifest(world.view(job_id), {}, {}, partial=False)["tracks"]
    assert track["doubtful"] == {"reported_seconds": 60.0, "measured_seconds": MEASURED}


def test_a_run_that_died_before_recording_marks_the_track_all_the_same(world: World, job_id: str) -> None:
    record(world, job_id, LINK, seconds=60.0)
    write = world.jobs.tracks.store_track
    world.jobs.tracks.store_track = lambda *_, **__: None  # type: ignore[method-assign]
    storer(world, Source(SONG)).store_track(job_id, "t")
    world.jobs.tracks.store_track = write  # type: ignore[method-assign]
    storer(world, Source(SONG)).store_track(job_id, "t")
    assert world.tracks(job_id)["t"].reported_seconds == 60.0


@pytest.mark.parametrize("reported", [5.6, 60.0])
def test_a_stream_that_is_shorter_than_reported_is_a_preview(world: World, job_id: str, reported: float) -> None:
    record(world, job_id, replace(LINK, provisional=True), seconds=reported)
    with pytest.raises(AssetNotReady, match=rf"lasts 3\.\d s, but the gateway reports {reported} s"):
        storer(world, Source(SONG)).store_track(job_id, "t")
    assert world.tracks(job_id)["t"].fault.code is ErrorCode.ASSET_TRUNCATED
    assert list(objects(world)) == [f"quarantine/acme/{job_id}/t/{digest(SONG)}"]


@pytest.mark.parametrize("reported", [5.2, 0.1, None])
def test_a_stream_that_is_not_shorter_is_stored(world: World, job_id: str, reported: float | None) -> None:
    record(world, job_id, replace(LINK, provisional=True), seconds=reported)
    assert storer(world, Source(song(20))).store_track(job_id, "t") is TrackState.STORED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PAGE, ErrorCode.ASSET_WRONG_TYPE),
        (SONG[:700], ErrorCode.ASSET_TRUNCATED),
        (HOLE, ErrorCode.ASSET_WRONG_TYPE),
        (SILENCE, ErrorCode.ASSET_SILENT),
    ],
    ids=["page", "cut", "damaged", "silent"],
)
def test_i11_refused_bytes_are_kept_once_and_listed(world: World, job_id: str, body: bytes, reason: ErrorCode) -> None:
    refused(world, job_id, body, body)
    assert objects(world) == {f"quarantine/acme/{job_id}/t/{digest(body)}": body}
    [listed] = shown(world, job_id)["quarantine"]
    assert listed.pop("message") == world.tracks(job_id)["t"].fault.message
    assert listed == {
        "track_id": "t",
        "kind": "audio",
        "reason": reason,
        "bytes": len(body),
        "sha256": digest(body),
        "source_host": "cdn.example",
        "stored_at": "2027-01-15T08:00:00Z",
        "released": False,
    }


def test_a_refused_optional_file_is_kept_too(world: World, job_id: str) -> None:
    record(world, job_id, *WITH_COVER)
    assert storer(world, Source(SONG, PAGE)).store_track(job_id, "t") is TrackState.STORED
    assert [(each.kind, each.bytes) for each in world.view(job_id).quarantine] == [("image", len(PAGE))]


def test_a_run_that_died_between_bucket_and_table_is_repeated(world: World, job_id: str) -> None:
    write = world.jobs.tracks.record_quarantined
    world.jobs.tracks.record_quarantined = lambda *_: None  # type: ignore[method-assign]
    refused(world, job_id, HOLE)
    world.jobs.tracks.record_quarantined = write  # type: ignore[method-assign]
    assert not world.view(job_id).quarantine
    refused(world, job_id, HOLE)
    assert [each.sha256 for each in world.view(job_id).quarantine] == [digest(HOLE)]


def test_refused_bytes_that_the_bucket_does_not_take_are_not_passed_over(world: World, job_id: str) -> None:
    class Denying:
        def put_object(self, **_: object) -> None:
            raise AwsError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    world.s3 = Denying()
    with pytest.raises(AwsError):
        storer(world, Source(HOLE)).store_track(job_id, "t")
    assert not world.view(job_id).quarantine


def test_a_song_is_stored_after_any_number_of_refusals(world: World, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset_files, "SMALL_BYTES", 3000)
    pages = [PAGE + str(number).encode() for number in range(9)]
    refused(world, job_id, *pages, HOLE)
    assert sorted(each.bytes for each in world.view(job_id).quarantine) == [2001, 2001, len(HOLE)]
    assert storer(world, Source(SONG)).store_track(job_id, "t") is TrackState.STORED
    assert list(assets(world).values()) == [SONG]


FILE = QuarantinedFile(
    track_id="t",
    kind="audio",
    reason=ErrorCode.ASSET_SILENT,
    message="",
    bytes=SMALL_BYTES,
    sha256="",
    source_host="h",
    stored_at=0,
)


def kept(count: int, **given: Any) -> list[QuarantinedFile]:
    return [replace(FILE, sha256=str(number), **given) for number in range(count)]


@pytest.mark.parametrize(
    ("copies", "room"),
    [
        ([], True),
        (kept(QUARANTINED_PER_FILE - 1), True),
        (kept(QUARANTINED_PER_FILE), False),
        (kept(QUARANTINED_PER_FILE, kind="image"), True),
        (kept(QUARANTINED_PER_FILE, track_id="u"), True),
        (kept(QUARANTINED_PER_JOB, track_id="u"), False),
        ([FILE], False),
        ([replace(FILE, kind="image")], False),
        ([replace(FILE, track_id="u")], True),
    ],
)
def test_the_quarantine_of_a_job_and_of_a_file_is_bounded(copies: list[QuarantinedFile], room: bool) -> None:
    assert has_room(JobView(a_job(), quarantine=tuple(copies)), FILE) is room


@pytest.mark.parametrize(("count", "room"), [(SMALL_PER_FILE - 1, True), (SMALL_PER_FILE, False)])
def test_small_files_leave_room_for_a_song(count: int, room: bool) -> None:
    view = JobView(a_job(), quarantine=tuple(kept(count, bytes=SMALL_BYTES - 1)))
    assert has_room(view, replace(FILE, bytes=SMALL_BYTES - 1)) is room
    assert has_room(view, FILE)
