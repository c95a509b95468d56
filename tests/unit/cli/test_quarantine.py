"""An operator releases a refused file: it becomes an asset under the usual conditions, and its job is completed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from suno_jobs.catalog.results import Link, Media
from suno_jobs.cli.explain import explain
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import CommandError, ExitCode
from suno_jobs.cli.quarantine import QuarantineReleaser
from suno_jobs.errors import AssetNotReady, Conflict
from suno_jobs.jobs.record import QuarantinedFile, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.network.http import httpx
from tests.builders import ended_execution, sample
from tests.unit.steps.test_store_track import SILENCE, SONG, Source, objects, storer
from tests.world import BUCKET, DEADLINE, TABLE, World

LINK = Link("audio", "https://cdn.example/t.mp3")
COVER = Link("image", "https://cdn.example/c.png", Media.IMAGE, required=False)
HOLE = SONG[:4000] + bytes(3000) + SONG[7000:]
SHA = hashlib.sha256(HOLE).hexdigest()
DAY = 86_400
UNKNOWN_TASK = httpx.Response(404, json={"status": "FAILED", "message": "no such task", "data": None})


@pytest.fixture
def job_id(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    return job_id


def refuse(world: World, job_id: str, body: bytes, *links: Link, seconds: float | None = None) -> None:
    track = Track(track_id="t", position=0, state=TrackState.READY, links=links or (LINK,), duration_seconds=seconds)
    world.jobs.tracks.record_track(job_id, track)
    with pytest.raises(AssetNotReady):
        storer(world, Source(body)).store_track(job_id, "t")


def releaser(world: World) -> QuarantineReleaser:
    return QuarantineReleaser(jobs=world.jobs, s3=world.s3, bucket=BUCKET, clock=world.clock)


def release(world: World, job_id: str, sha: str = SHA, extension: str | None = None) -> str:
    return releaser(world).release_file(job_id, sha[:12], extension)


def timed_out(world: World, job_id: str) -> None:
    world.clock.sleep(DEADLINE)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)


def sweep(world: World, job_id: str) -> str:
    """The sweep resumes the job, whose task is no longer known at its gateway."""
    assert world.job_reconciler().reconcile_jobs(lambda: True).started == [job_id]
    assert world.task_checker().check_task(job_id).next == "finish"
    return world.job_finisher().finish_job(job_id)


@pytest.mark.parametrize("days", [0, 30], ids=["in recovery", "after recovery"])
def test_a_released_file_completes_a_job_that_timed_out(world: World, job_id: str, days: int) -> None:
    refuse(world, job_id, HOLE)
    timed_out(world, job_id)
    world.clock.sleep(days * DAY)
    key = release(world, job_id)
    assert (key, objects(world)[key]) == (f"acme/{job_id}/t/audio.mp3", HOLE)
    [track] = job_view(world.view(job_id))["tracks"]
    assert (track["state"], track["error"]) == ("stored", None)
    assert (track["assets"][0]["released"], track["assets"][0]["sha256"]) == (True, SHA)
    assert [each["released"] for each in job_view(world.view(job_id))["quarantine"]] == [True]
    world.wire.answers = [UNKNOWN_TASK]
    assert sweep(world, job_id) is JobState.SUCCEEDED
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out", "job.succeeded"]
    assert (world.view(job_id).partial, world.due()) == (False, [])


def test_i3_released_bytes_replace_nothing(world: World, job_id: str) -> None:
    refuse(world, job_id, HOLE)
    storer(world, Source(SONG)).store_track(job_id, "t")
    before = (objects(world), world.tracks(job_id))
    with pytest.raises(CommandError, match="has its audio already"):
        release(world, job_id)
    assert (objects(world), world.tracks(job_id)) == before


def test_i3_an_object_that_is_not_recorded_is_not_replaced_either(world: World, job_id: str) -> None:
    refuse(world, job_id, HOLE)
    metadata = {"sha256": hashlib.sha256(SONG).hexdigest()}
    world.s3.put_object(Bucket=BUCKET, Key=f"acme/{job_id}/t/audio.mp3", Body=SONG, Metadata=metadata)
    with pytest.raises(CommandError, match="has its audio already"):
        release(world, job_id)
    assert objects(world)[f"acme/{job_id}/t/audio.mp3"] == SONG
    assert world.tracks(job_id)["t"].assets == ()


@pytest.mark.parametrize("dies_at", ["release_asset", "mark_released", "reopen"])
def test_a_release_that_died_can_be_repeated(world: World, job_id: str, dies_at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(world, job_id, HOLE)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(world.jobs if hasattr(world.jobs, dies_at) else world.jobs.tracks, dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            release(world, job_id)
    release(world, job_id)
    release(world, job_id)
    track = world.tracks(job_id)["t"]
    assert (track.state, len(track.assets)) == (TrackState.STORED, 1)
    assert world.view(job_id).quarantine[0].released_at == world.now
    assert world.due(0) == [job_id]


def test_a_track_that_changes_meanwhile_is_not_overwritten(world: World, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(world, job_id, HOLE)
    view = world.view(job_id)
    storer(world, Source(SONG)).store_track(job_id, "t")
    monkeypatch.setattr(world.jobs, "view", lambda _: view)
    world.s3.delete_object(Bucket=BUCKET, Key=f"acme/{job_id}/t/audio.mp3")
    with pytest.raises(Conflict):
        release(world, job_id)


def test_files_that_are_still_missing_are_fetched_afterwards(world: World, job_id: str) -> None:
    refuse(world, job_id, HOLE, LINK, COVER)
    release(world, job_id)
    track = world.tracks(job_id)["t"]
    assert (track.state, list(track.missing), track.unsaved) == (TrackState.STORED, ["image"], True)
    storer(world, Source(sample("picture.png"))).store_track(job_id, "t")
    assert [(each.kind, each.released) for each in world.tracks(job_id)["t"].assets] == [("audio", True), ("image", None)]


def test_a_track_that_lacks_a_required_file_stays_ready(world: World, job_id: str) -> None:
    refuse(world, job_id, HOLE, LINK, Link("drums", "https://cdn.example/d.mp3"))
    release(world, job_id)
    assert world.tracks(job_id)["t"].state is TrackState.READY
    storer(world, Source(SONG)).store_track(job_id, "t")
    assert [each.kind for each in world.tracks(job_id)["t"].assets] == ["audio", "drums"]


def test_an_optional_file_of_a_stored_track_can_be_released(world: World, job_id: str) -> None:
    whole = sample("picture.png")
    cut = whole[:-20]
    track = Track(track_id="t", position=0, state=TrackState.READY, links=(LINK, COVER))
    world.jobs.tracks.record_track(job_id, track)
    storer(world, Source(SONG, cut)).store_track(job_id, "t")
    sha = hashlib.sha256(cut).hexdigest()
    with pytest.raises(AssetNotReady):
        release(world, job_id, sha)
    assert release(world, job_id, sha, "png") == f"acme/{job_id}/t/image.png"
    stored = world.tracks(job_id)["t"]
    assert ([each.content_type for each in stored.assets], stored.missing) == (["audio/mpeg", "image/png"], {})


def test_a_released_song_has_both_figures(world: World, job_id: str) -> None:
    link = Link("audio", LINK.url, provisional=True)
    refuse(world, job_id, SONG, link, seconds=60.0)
    release(world, job_id, hashlib.sha256(SONG).hexdigest())
    [track] = job_view(world.view(job_id))["tracks"]
    assert track["doubtful"] == {"reported_seconds": 60, "measured_seconds": track["duration_seconds"]}


def test_a_page_is_released_only_under_a_name(world: World, job_id: str) -> None:
    page = b"<html>song</html>" * 100
    refuse(world, job_id, page)
    sha = hashlib.sha256(page).hexdigest()
    with pytest.raises(AssetNotReady, match="HTML"):
        release(world, job_id, sha)
    release(world, job_id, sha, "zzz")
    assert world.tracks(job_id)["t"].assets[0].content_type == "application/octet-stream"


def test_a_digest_must_name_one_file(world: World, job_id: str) -> None:
    refuse(world, job_id, HOLE)
    refuse(world, job_id, SILENCE)
    for sha, found in (("", "no file"), ("xyz", "no file")):
        with pytest.raises(LookupError, match=found):
            release(world, job_id, sha)
    world.jobs.tracks.record_quarantined(job_id, QuarantinedFile.from_item({**COPY, "sha256": SHA[:12] + "0"}))
    with pytest.raises(LookupError, match="several files"):
        release(world, job_id)
    with pytest.raises(LookupError, match="no job"):
        release(world, "job_x")


COPY = {
    "track_id": "t",
    "kind": "audio",
    "reason": "asset_silent",
    "message": "m",
    "bytes": 1,
    "source_host": "h",
    "stored_at": 0,
}


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run_command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["quarantine", *arguments])
        return code, *capsys.readouterr()

    return run_command


Run = Callable[..., tuple[int, str, str]]


def test_the_command_lists_and_releases(world: World, job_id: str, run: Run) -> None:
    assert run("list", job_id, "--table", TABLE)[:2] == (0, f"No file of {job_id} is in quarantine.\n")
    refuse(world, job_id, HOLE)
    status, text, _ = run("list", job_id, "--table", TABLE)
    assert (status, text.split()[:3]) == (0, [SHA, str(len(HOLE)), "bytes"])
    assert "  audio of track t\n  asset_wrong_type: the file is not one continuous MP3 stream\n" in text
    assert "released" not in text
    where = ("--table", TABLE, "--bucket", BUCKET)
    status, text, _ = run("release", job_id, SHA, *where)
    assert (status, text) == (0, f"released as acme/{job_id}/t/audio.mp3\nThe next sweep completes the job.\n")
    assert "released 20" in run("list", job_id, "--table", TABLE)[1]


def test_a_file_of_an_unknown_format_is_released_under_the_extension_that_is_named(world: World, job_id: str, run: Run) -> None:
    refuse(world, job_id, HOLE)
    where = ("--table", TABLE, "--bucket", BUCKET, "--extension", "flac")
    assert f"released as acme/{job_id}/t/audio.flac\n" in run("release", job_id, SHA, *where)[1]


def test_what_a_person_gets_wrong_is_one_line_and_an_exit_code(world: World, job_id: str, run: Run) -> None:
    refuse(world, job_id, HOLE)
    table, bucket = ("--table", TABLE), ("--bucket", BUCKET)
    for arguments, code, message in (
        (("list", "job_x", *table), ExitCode.REFUSED, "no job job_x"),
        (("list", job_id, "--table", "other"), ExitCode.REFUSED, "ResourceNotFoundException"),
        (("release", job_id, "00", *table, *bucket), ExitCode.REFUSED, "no file of"),
        (("release", job_id, SHA, *table, "--bucket", "other"), ExitCode.REFUSED, "NoSuchBucket"),
        (("release", job_id, SHA, *table, "--bucket", ""), ExitCode.WRONG_ARGUMENTS, "Invalid bucket name"),
        (("release", job_id, SHA, *table, *bucket, "--extension", "../x"), ExitCode.WRONG_ARGUMENTS, "--extension has"),
    ):
        status, _, errors = run(*arguments)
        assert (status, errors.count("\n")) == (code, 1)
        assert message in errors
    world.s3.delete_object(Bucket=BUCKET, Key=f"quarantine/acme/{job_id}/t/{SHA}")
    assert "NoSuchKey" in run("release", job_id, SHA, *table, *bucket)[2]


def test_a_timeline_names_the_files_in_quarantine(world: World, job_id: str) -> None:
    refuse(world, job_id, HOLE)
    text = "\n".join(explain(world.view(job_id), []))
    assert f"quarantine  audio        {len(HOLE)} bytes  sha256 {SHA[:16]}  of track t: asset_wrong_type: " in text
