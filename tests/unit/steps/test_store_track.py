import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

import boto3
import pytest
from botocore.exceptions import ClientError as AwsError

from local.simulator.media import tag
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Link, Media, Result
from suno_jobs.errors import AssetExpired, AssetIdentical, AssetNotReady, AssetTooLarge, ErrorCode, Fault, JobNotFound
from suno_jobs.jobs.record import Asset, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.link_lifetimes import with_expiry
from suno_jobs.lifecycle.one_song_twice import UNKNOWN_SECONDS
from suno_jobs.media import audio
from suno_jobs.network.download import Downloaded
from suno_jobs.runtime.aws import UPLOAD
from suno_jobs.steps.store_track import TrackStorer
from suno_jobs.storage.deletions import DELETED
from tests.builders import mp3, sample
from tests.world import BUCKET, World

URL = "https://cdn.example/t.mp3?signature=secret"
LINK = Link("audio", URL)


def song(seconds: int) -> bytes:
    return mp3(bytes(index % 251 for index in range(32000 * seconds)), 16000, kbps=32)


SONG = song(3)
MEASURED = round(audio.inspect(io.BytesIO(SONG)).duration_seconds, 6)
assert MEASURED != 3.0  # the duration that the gateway reports


class Source:
    """Stands in for the network: each download takes the next answer, which is a body or an exception."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.fetched: list[str] = []
        self.past_expiry = False
        self.before: Callable[[], None] = lambda: None

    def fetch(self, url: str, into: BinaryIO, *, max_bytes: int, seconds: float, past_expiry: bool) -> Downloaded:
        assert max_bytes == 10**6
        self.past_expiry = past_expiry
        assert 0 < seconds <= 240
        self.fetched.append(url)
        self.before()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        into.write(answer)
        return Downloaded(len(answer), hashlib.sha256(answer).hexdigest(), "text/whatever", "cdn.example")


def storer(world: World, source: Source) -> TrackStorer:
    limits = dict.fromkeys(Media, 10**6)
    fetching: Any = source
    return TrackStorer(
        jobs=world.jobs,
        s3=world.s3,
        bucket=BUCKET,
        downloader=fetching,
        max_bytes=limits,
        storage_class="STANDARD_IA",
        clock=world.clock,
        stopwatch=world.clock,
    )


@pytest.fixture
def job_id(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    track = Track(track_id="t", position=0, state=TrackState.READY, links=(LINK,), duration_seconds=3.0)
    world.jobs.tracks.record_track(job_id, track)
    return job_id


def objects(world: World) -> dict[str, bytes]:
    listing = world.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {entry["Key"]: world.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in listing}


def assets(world: World) -> dict[str, bytes]:
    return {key: body for key, body in objects(world).items() if not key.startswith("quarantine/")}


def test_the_audio_is_stored_complete_with_its_metadata(world: World, job_id: str) -> None:
    assert storer(world, Source(SONG)).store_track(job_id, "t") is TrackState.STORED
    key = f"acme/{job_id}/t/audio.mp3"
    assert objects(world) == {key: SONG}
    track = world.tracks(job_id)["t"]
    [asset] = track.assets
    assert (asset.kind, asset.key, asset.content_type, asset.bytes) == ("audio", key, "audio/mpeg", len(SONG))
    assert (asset.source_host, asset.stored_at) == ("cdn.example", world.now)
    assert asset.sha256 == hashlib.sha256(SONG).hexdigest()
    assert track.duration_seconds == MEASURED
    head = world.s3.head_object(Bucket=BUCKET, Key=key)
    assert (head["ContentType"], head["StorageClass"]) == ("audio/mpeg", "STANDARD_IA")


def test_i3_a_second_run_changes_nothing_and_fetches_nothing(world: World, job_id: str) -> None:
    source = Source(SONG, song(4))
    store = storer(world, source)
    store.store_track(job_id, "t")
    before = (objects(world), world.tracks(job_id))
    assert store.store_track(job_id, "t") is TrackState.STORED
    assert (objects(world), world.tracks(job_id)) == before
    assert len(source.fetched) == 1


def test_i3_a_run_that_died_before_recording_is_repeated_without_other_bytes(world: World, job_id: str) -> None:
    store = storer(world, Source(SONG, song(4)))
    record = world.jobs.tracks.store_track
    world.jobs.tracks.store_track = lambda *_, **__: None  # type: ignore[method-assign]
    store.store_track(job_id, "t")
    world.jobs.tracks.store_track = record  # type: ignore[method-assign]
    assert world.tracks(job_id)["t"].state is TrackState.READY
    assert store.store_track(job_id, "t") is TrackState.STORED
    assert list(objects(world).values()) == [SONG]
    track = world.tracks(job_id)["t"]
    assert track.assets[0].sha256 == hashlib.sha256(SONG).hexdigest()
    assert track.assets[0].source_host == "cdn.example"
    assert track.assets[0].stored_at is not None
    assert track.duration_seconds == MEASURED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "404")), ErrorCode.ASSET_UNAVAILABLE),
        (b"<html>not yet</html>" * 100, ErrorCode.ASSET_WRONG_TYPE),
        (SONG[:700], ErrorCode.ASSET_TRUNCATED),
    ],
    ids=["CDN lag", "HTML", "cut"],
)
def test_i4_a_file_that_may_still_pass_is_recorded_and_raised(
    world: World, job_id: str, answer: bytes | Exception, code: ErrorCode
) -> None:
    with pytest.raises(AssetNotReady):
        storer(world, Source(answer)).store_track(job_id, "t")
    track = world.tracks(job_id)["t"]
    assert (track.state, track.fault.code) == (TrackState.READY, code)
    assert assets(world) == {}


def test_a_refused_file_fails_its_track(world: World, job_id: str) -> None:
    refused = AssetTooLarge(Fault(ErrorCode.ASSET_TOO_LARGE, "too large"))
    assert storer(world, Source(refused)).store_track(job_id, "t") is TrackState.FAILED
    assert world.tracks(job_id)["t"].fault.code is ErrorCode.ASSET_TOO_LARGE
    assert objects(world) == {}


def test_a_track_stored_by_another_run_during_the_download_is_not_replaced(world: World, job_id: str) -> None:
    source = Source(song(4))
    other = storer(world, Source(SONG))

    def store_meanwhile() -> None:
        other.store_track(job_id, "t")

    source.before = store_meanwhile
    storer(world, source).store_track(job_id, "t")
    assert list(objects(world).values()) == [SONG]
    assert world.tracks(job_id)["t"].assets[0].bytes == len(SONG)


@pytest.mark.parametrize("end", [JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT])
def test_the_track_of_a_job_that_has_ended_is_stored_all_the_same(world: World, job_id: str, end: JobState) -> None:
    world.jobs.finish(world.job(job_id), end, None, now=world.now)
    assert storer(world, Source(SONG)).store_track(job_id, "t") is TrackState.STORED
    assert len(objects(world)) == 1


def test_a_track_without_a_link_stores_nothing(world: World, job_id: str) -> None:
    world.jobs.tracks.record_track(job_id, Track(track_id="p", position=1, state=TrackState.FAILED))
    assert storer(world, Source()).store_track(job_id, "p") is TrackState.FAILED


def test_a_track_of_a_job_that_was_just_deleted_is_not_fetched(world: World, job_id: str) -> None:
    world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, None, now=world.now)
    world.jobs.deletions.place_tombstone(world.job(job_id), None, now=world.now)
    source = Source()
    assert storer(world, source).store_track(job_id, "t") == DELETED
    assert objects(world) == {}


def test_an_unknown_track_is_an_error(world: World, job_id: str) -> None:
    with pytest.raises(JobNotFound):
        storer(world, Source()).store_track(job_id, "unknown")
    with pytest.raises(JobNotFound):
        storer(world, Source()).store_track("job_unknown", "t")


class FailingS3:
    """S3 that answers every upload with an error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def put_object(self, **_: object) -> None:
        raise AwsError({"Error": {"Code": self.code}}, "PutObject")


@pytest.mark.parametrize(("code", "error"), [("ConditionalRequestConflict", AssetNotReady), ("AccessDenied", AwsError)])
def test_errors_of_the_bucket_are_raised(world: World, job_id: str, code: str, error: type[Exception]) -> None:
    world.s3 = FailingS3(code)
    with pytest.raises(error):
        storer(world, Source(SONG)).store_track(job_id, "t")
    assert world.tracks(job_id)["t"].state is TrackState.READY


def test_no_link_of_the_gateway_is_in_the_metadata_of_an_object(world: World, job_id: str) -> None:
    storer(world, Source(SONG)).store_track(job_id, "t")
    key = f"acme/{job_id}/t/audio.mp3"
    assert "signature" not in str(world.s3.head_object(Bucket=BUCKET, Key=key))


COVER = sample("picture.png")
WITH_COVER = (LINK, Link("image", "https://cdn.example/c.png", Media.IMAGE, required=False))


def with_cover(world: World, job_id: str) -> None:
    world.jobs.tracks.record_track(
        job_id, Track(track_id="t", position=0, state=TrackState.READY, links=WITH_COVER, duration_seconds=3.0)
    )


def test_optional_files_are_stored_with_the_audio(world: World, job_id: str) -> None:
    with_cover(world, job_id)
    assert storer(world, Source(SONG, COVER)).store_track(job_id, "t") is TrackState.STORED
    track = world.tracks(job_id)["t"]
    assert [(asset.kind, asset.content_type) for asset in track.assets] == [("audio", "audio/mpeg"), ("image", "image/png")]
    assert objects(world)[f"acme/{job_id}/t/image.png"] == COVER
    assert track.missing == {}
    assert track.duration_seconds == pytest.approx(3.0, abs=0.2)


def test_i3_a_cover_of_a_run_that_died_is_recorded_by_the_next(world: World, job_id: str) -> None:
    with_cover(world, job_id)
    store = storer(world, Source(SONG, COVER, SONG, COVER))
    record = world.jobs.tracks.store_track
    world.jobs.tracks.store_track = lambda *_, **__: None  # type: ignore[method-assign]
    store.store_track(job_id, "t")
    world.jobs.tracks.store_track = record  # type: ignore[method-assign]
    assert store.store_track(job_id, "t") is TrackState.STORED
    assert [asset.content_type for asset in world.tracks(job_id)["t"].assets] == ["audio/mpeg", "image/png"]


@pytest.mark.parametrize(
    "failure",
    [b"<html>no cover</html>" * 10, AssetTooLarge(Fault(ErrorCode.ASSET_TOO_LARGE, "too large"))],
    ids=["HTML", "size"],
)
def test_a_missing_optional_file_never_fails_a_track_and_is_named(
    world: World, job_id: str, failure: bytes | Exception
) -> None:
    with_cover(world, job_id)
    assert storer(world, Source(SONG, failure)).store_track(job_id, "t") is TrackState.STORED
    track = world.tracks(job_id)["t"]
    assert [asset.kind for asset in track.assets] == ["audio"]
    assert list(track.missing) == ["image"]


def test_a_track_is_not_stored_before_all_its_required_files(world: World, job_id: str) -> None:
    stems = (Link("vocals", URL), Link("drums", "https://cdn.example/d.mp3"))
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=stems))
    missing = AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "404"))
    source = Source(SONG, missing, SONG)
    store = storer(world, source)
    with pytest.raises(AssetNotReady):
        store.store_track(job_id, "t")
    track = world.tracks(job_id)["t"]
    assert (track.state, [asset.kind for asset in track.assets]) == (TrackState.READY, ["vocals"])
    assert store.store_track(job_id, "t") is TrackState.STORED
    assert [asset.kind for asset in world.tracks(job_id)["t"].assets] == ["vocals", "drums"]
    assert source.fetched == [URL, "https://cdn.example/d.mp3", "https://cdn.example/d.mp3"]


def test_a_slow_optional_file_does_not_delay_the_audio(world: World, job_id: str) -> None:
    links = (Link("video", "https://cdn.example/v.mp4", Media.VIDEO, required=False), *WITH_COVER)
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=links))
    slow = AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "too slow"))
    source = Source(SONG, slow)
    source.before = lambda: world.clock.sleep(150)
    assert storer(world, source).store_track(job_id, "t") is TrackState.STORED
    track = world.tracks(job_id)["t"]
    assert [asset.kind for asset in track.assets] == ["audio"]
    assert {name: fault.message for name, fault in track.missing.items()} == {
        "video": "too slow",
        "image": "no time was left to fetch the file",
    }


def test_i3_of_two_runs_that_stored_the_same_track_the_first_record_stands(world: World, job_id: str) -> None:
    first = Asset(kind="audio", key="first", content_type="audio/mpeg", bytes=1, sha256="01")
    second = Asset(kind="audio", key="second", content_type="audio/mpeg", bytes=2, sha256="02")
    world.jobs.tracks.store_track(job_id, "t", [first], {}, 3.0)
    world.jobs.tracks.store_track(job_id, "t", [second], {}, 9.0)
    world.jobs.tracks.fail_track(job_id, "t", Fault(ErrorCode.ASSET_TRUNCATED, "late"), final=True)
    track = world.tracks(job_id)["t"]
    assert (track.state, track.assets, track.duration_seconds) == (TrackState.STORED, (first,), 3.0)


SILENCE = mp3(bytes(32000 * 3), 16000, kbps=32)


def test_a_silent_file_is_not_a_song(world: World, job_id: str) -> None:
    with pytest.raises(AssetNotReady):
        storer(world, Source(SILENCE)).store_track(job_id, "t")
    track = world.tracks(job_id)["t"]
    assert (track.state, track.fault.code) == (TrackState.READY, ErrorCode.ASSET_SILENT)
    assert assets(world) == {}


def test_a_stem_may_be_silent(world: World) -> None:
    job = replace(world.job(world.generating()), job_id="job_stems", kind=Kind.STEMS, expects=Result.STEMS)
    world.jobs.submissions.create(job, {}, due_at=world.now)
    world.jobs.tracks.record_track(
        "job_stems", Track(track_id="t", position=0, state=TrackState.READY, links=(Link("drums", URL),))
    )
    assert storer(world, Source(SILENCE)).store_track("job_stems", "t") is TrackState.STORED


def test_a_wav_job_accepts_only_a_wav(world: World, job_id: str) -> None:
    links = (Link("wav", URL),)
    world.jobs.tracks.record_track(job_id, Track(track_id="w", position=0, state=TrackState.READY, links=links))
    with pytest.raises(AssetNotReady):
        storer(world, Source(SONG)).store_track(job_id, "w")
    fault = world.tracks(job_id)["w"].fault
    assert (fault.code, fault.message) == (ErrorCode.ASSET_WRONG_TYPE, "the file is audio/mpeg, not a WAV")


@pytest.mark.parametrize(
    ("gateway", "host", "days", "past_expiry"),
    [
        ("ttapi", "cdn.ttapi.io", 29.9, False),
        ("ttapi", "cdn.ttapi.io", 30, True),
        ("ttapi", "cloudflarer2.ttapi.io", 2.9, False),
        ("ttapi", "cloudflarer2.ttapi.io", 3, True),
        ("ttapi", "cdn1.suno.ai", 400, False),
        ("crun", "files.example", 14, True),
        ("kie", "files.example", 1, True),
        ("acedata", "cdn1.suno.ai", 400, False),
    ],
)
def test_a_link_counts_as_expired_after_the_promised_lifetime(
    world: World, gateway: str, host: str, days: float, past_expiry: bool
) -> None:
    job_id = world.generating(gateway)
    links = with_expiry(world.job(job_id), [Link("audio", f"https://{host}/a.mp3?signature=secret")])
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=links))
    world.clock.sleep(days * 24 * 3600)
    source = Source(SONG)
    storer(world, source).store_track(job_id, "t")
    assert source.past_expiry is past_expiry


def test_a_track_with_an_expired_link_waits_for_a_new_one(world: World, job_id: str) -> None:
    expired = AssetExpired(Fault(ErrorCode.ASSET_EXPIRED, "gone"))
    store = storer(world, Source(expired, SONG))
    with pytest.raises(AssetExpired):
        store.store_track(job_id, "t")
    track = world.tracks(job_id)["t"]
    assert (track.state, track.fault.code) == (TrackState.READY, ErrorCode.ASSET_EXPIRED)
    world.jobs.tracks.record_track(job_id, replace(track, fault=None, links=(Link("audio", "https://cdn.example/new"),)))
    assert store.store_track(job_id, "t") is TrackState.STORED


def test_the_digest_of_a_file_is_signed_without_reading_its_content() -> None:
    class Sent(Exception):
        pass

    class Unreadable(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise AssertionError("the content was read before the request was sent")

    headers: dict[str, str] = {}

    def stop(request: Any, **_: object) -> None:
        headers.update({name.lower(): value.decode() for name, value in request.headers.items() if isinstance(value, bytes)})
        raise Sent

    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b", config=UPLOAD)
    s3.meta.events.register("before-send.s3.PutObject", stop)
    with pytest.raises(Sent):
        s3.put_object(Bucket=BUCKET, Key="k", Body=Unreadable(), ContentLength=9, ChecksumSHA256="c2hhMjU2", IfNoneMatch="*")
    assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert {"x-amz-checksum-sha256", "if-none-match"} <= set(
        headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    )


def stored_without_cover(world: World, job_id: str) -> None:
    track = Track(track_id="t", position=0, state=TrackState.READY, links=WITH_COVER, duration_seconds=3.0)
    world.jobs.tracks.record_track(job_id, track)
    missing = AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 404"))
    assert storer(world, Source(SONG, missing)).store_track(job_id, "t") is TrackState.STORED
    assert list(world.tracks(job_id)["t"].missing) == ["image"]


@pytest.mark.parametrize("end", [None, JobState.SUCCEEDED, JobState.TIMED_OUT])
def test_only_the_missing_files_are_fetched_later(world: World, job_id: str, end: JobState | None) -> None:
    stored_without_cover(world, job_id)
    if end:
        world.jobs.finish(world.job(job_id), end, None, now=world.now)
    source = Source(COVER)
    assert storer(world, source).store_track(job_id, "t") is TrackState.STORED
    track = world.tracks(job_id)["t"]
    assert (source.fetched, [asset.kind for asset in track.assets], track.missing) == (
        [WITH_COVER[1].url],
        ["audio", "image"],
        {},
    )
    assert storer(world, Source()).store_track(job_id, "t") is TrackState.STORED


def assert_stored(state: str) -> None:
    assert state is TrackState.STORED


def test_of_two_runs_that_fetch_a_missing_file_the_successful_one_counts(world: World, job_id: str) -> None:
    stored_without_cover(world, job_id)
    slow = Source(AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 404")))
    slow.before = lambda: assert_stored(storer(world, Source(COVER)).store_track(job_id, "t"))
    storer(world, slow).store_track(job_id, "t")
    track = world.tracks(job_id)["t"]
    assert ([asset.kind for asset in track.assets], track.missing) == (["audio", "image"], {})


def test_a_stored_track_takes_new_links_only_for_its_missing_files(world: World, job_id: str) -> None:
    stored_without_cover(world, job_id)
    renewed = Link("image", "https://cdn.example/new.png", Media.IMAGE, required=False)
    reported = Track(track_id="t", position=0, state=TrackState.READY, links=(LINK, renewed), title="New")
    world.jobs.tracks.record_track(job_id, reported)
    track = world.tracks(job_id)["t"]
    assert (track.links[1].url, track.state, track.title) == (renewed.url, TrackState.STORED, None)
    assert storer(world, Source(COVER)).store_track(job_id, "t") is TrackState.STORED
    world.jobs.tracks.record_track(job_id, replace(reported, links=(LINK,)))
    assert len(world.tracks(job_id)["t"].links) == 2


# All tracks of a job


class Network(Source):
    """The answers of each track by its id, and the seconds that each may take. ``takes`` is how long an answer takes."""

    def __init__(self, world: World, takes: float = 0.0, **answers: bytes | Exception) -> None:
        super().__init__()
        self.world = world
        self.takes = takes
        self.by_track = answers
        self.seconds: dict[str, float] = {}

    def fetch(self, url: str, into: BinaryIO, *, max_bytes: int, seconds: float, past_expiry: bool) -> Downloaded:
        track = url.rpartition("/")[2].removesuffix(".mp3")
        self.seconds[track] = seconds
        self.world.clock.sleep(self.takes)
        self.answers = [self.by_track[track]]
        return super().fetch(url, into, max_bytes=max_bytes, seconds=seconds, past_expiry=past_expiry)


@pytest.fixture
def pair(world: World) -> str:
    """A job with the tracks a and b."""
    job_id = world.generating()
    world.start_storing(job_id)
    for position, name in enumerate("ab"):
        link = Link("audio", f"https://cdn.example/{name}.mp3")
        world.jobs.tracks.record_track(job_id, Track(track_id=name, position=position, state=TrackState.READY, links=(link,)))
    return job_id


def test_all_tracks_are_stored_by_one_call_and_a_second_one_fetches_nothing(world: World, pair: str) -> None:
    network = Network(world, a=SONG, b=song(4))
    store = storer(world, network)
    assert store.store_tracks(pair) == {"a": TrackState.STORED, "b": TrackState.STORED}
    assert store.store_tracks(pair) == {}
    assert len(network.fetched) == len(assets(world)) == 2


NOT_READY = AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "404"))
EXPIRED = AssetExpired(Fault(ErrorCode.ASSET_EXPIRED, "410"))
THROTTLED = AwsError({"Error": {"Code": "SlowDown"}}, "PutObject")
NO_SONG = AssetTooLarge(Fault(ErrorCode.ASSET_TOO_LARGE, "2 GB"))


def check_for_hours(world: World, job_id: str) -> None:
    """Until a second song is no longer kept waiting by the first one."""
    world.clock.sleep(UNKNOWN_SECONDS)
    for _ in range(2):
        world.jobs.begin_check(job_id, now=world.now, due_at=world.now)


@pytest.mark.parametrize("error", [NOT_READY, EXPIRED, THROTTLED])
def test_a_track_that_fails_keeps_no_other_from_being_stored(world: World, pair: str, error: Exception) -> None:
    """Except for the hours in which the second song may have the bytes of the first one."""
    network = Network(world, a=error, b=SONG)
    check_for_hours(world, pair)
    with pytest.raises(type(error)):
        storer(world, network).store_tracks(pair)
    assert world.tracks(pair)["b"].state is TrackState.STORED
    network.by_track["a"] = song(4)
    assert storer(world, network).store_tracks(pair) == {"a": TrackState.STORED}
    assert [url[-5] for url in network.fetched] == ["a", "b", "a"]


def test_a_track_over_the_limit_is_no_error(world: World, pair: str) -> None:
    assert storer(world, Network(world, a=NO_SONG, b=SONG)).store_tracks(pair) == {
        "a": TrackState.FAILED,
        "b": TrackState.STORED,
    }


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("decides", "hidden"), [(NOT_READY, EXPIRED), (THROTTLED, NOT_READY), (THROTTLED, EXPIRED)])
def test_of_several_errors_the_one_that_is_repeated_most_decides(
    world: World, pair: str, decides: Exception, hidden: Exception, later: bool
) -> None:
    first, second = (hidden, decides) if later else (decides, hidden)
    with pytest.raises((AssetNotReady, AwsError)) as raised:
        storer(world, Network(world, a=first, b=second)).store_tracks(pair)
    assert type(raised.value) is type(decides)


def test_each_track_has_its_share_of_the_time_and_a_retry_has_all_of_it(world: World, pair: str) -> None:
    network = Network(world, takes=120.0, a=NOT_READY, b=SONG)
    check_for_hours(world, pair)
    store = storer(world, network)
    with pytest.raises(AssetNotReady):
        store.store_tracks(pair)
    assert network.seconds == {"a": 120.0, "b": 120.0}
    with pytest.raises(AssetNotReady):
        store.store_tracks(pair)
    assert network.seconds["a"] == 240.0


def test_each_check_lets_another_track_begin(world: World, pair: str) -> None:
    """A file that stops the function each time would otherwise keep the tracks after it from being stored."""
    for expected in ("ab", "ba"):
        network = Network(world, a=NOT_READY, b=NOT_READY)
        with pytest.raises(AssetNotReady):
            storer(world, network).store_tracks(pair)
        assert "".join(url[-5] for url in network.fetched) == expected
        world.jobs.begin_check(pair, now=world.now, due_at=world.now)


def test_i11_a_second_song_with_the_bytes_of_the_first_is_not_stored_until_it_has_its_own(world: World, pair: str) -> None:
    network = Network(world, a=SONG, b=SONG)
    with pytest.raises(AssetIdentical):
        storer(world, network).store_tracks(pair)
    track = world.tracks(pair)["b"]
    assert (track.state, track.fault.code, world.view(pair).quarantine) == (TrackState.READY, ErrorCode.ASSET_IDENTICAL, ())
    network.by_track["b"] = song(4)
    assert storer(world, network).store_tracks(pair) == {"b": TrackState.STORED}
    assert sorted(assets(world).values()) == sorted([SONG, song(4)])


def test_i11_a_second_song_waits_for_the_first_one_in_quarantine_and_is_not_downloaded_again(world: World, pair: str) -> None:
    """Nothing shows yet whose bytes it has."""
    network = Network(world, a=NOT_READY, b=SONG)
    for _ in range(2):
        with pytest.raises(AssetNotReady) as raised:
            storer(world, network).store_tracks(pair)
        assert type(raised.value) is AssetNotReady
    assert [url[-5] for url in network.fetched] == ["a", "b", "a"]
    assert [(file.track_id, file.reason) for file in world.view(pair).quarantine] == [("b", ErrorCode.ASSET_IDENTICAL)]
    network.by_track["a"] = SONG
    with pytest.raises(AssetIdentical):
        storer(world, network).store_tracks(pair)
    assert [track.state for track in world.tracks(pair).values()] == [TrackState.STORED, TrackState.READY]


def test_an_unknown_job_has_no_tracks_to_store(world: World) -> None:
    with pytest.raises(JobNotFound):
        storer(world, Source()).store_tracks("job_unknown")


CLIPS = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(2)]


@pytest.fixture
def clips(world: World) -> str:
    """A job with two songs whose files name their clips."""
    job_id = world.generating()
    world.start_storing(job_id)
    for position, name in enumerate(CLIPS):
        link = Link("audio", f"https://cdn.example/{name}.mp3")
        world.jobs.tracks.record_track(job_id, Track(track_id=name, position=position, state=TrackState.READY, links=(link,)))
    return job_id


def test_i11_a_file_that_names_another_song_of_its_task_is_stored_as_this_one_at_the_very_end_only(
    world: World, clips: str
) -> None:
    network = Network(world)
    network.by_track = dict.fromkeys(CLIPS, tag(CLIPS[1]) + SONG)
    with pytest.raises(AssetIdentical):
        storer(world, network).store_tracks(clips)
    assert [track.state for track in world.tracks(clips).values()] == [TrackState.READY, TrackState.STORED]
    world.jobs.finish(world.job(clips), JobState.TIMED_OUT, None, now=world.now)
    with pytest.raises(AssetIdentical):
        storer(world, network).store_tracks(clips)
    world.jobs.mark_announced(world.job(clips), recoverable_until=world.now + 60, due_at=None, now=world.now)
    assert storer(world, network).store_tracks(clips) == {CLIPS[0]: TrackState.STORED}
    assert world.tracks(clips)[CLIPS[0]].identity == "mismatch"


def test_a_song_that_names_its_own_clip_waits_for_no_other_one(world: World, clips: str) -> None:
    network = Network(world)
    network.by_track = {CLIPS[0]: NOT_READY, CLIPS[1]: tag(CLIPS[1]) + SONG}
    with pytest.raises(AssetNotReady):
        storer(world, network).store_tracks(clips)
    assert [track.state for track in world.tracks(clips).values()] == [TrackState.READY, TrackState.STORED]


def test_a_song_whose_file_may_be_that_of_another_one_is_tried_after_it(world: World, pair: str) -> None:
    """The first one may just have become available."""
    network = Network(world, a=NOT_READY, b=SONG)
    with pytest.raises(AssetNotReady):
        storer(world, network).store_tracks(pair)
    check_for_hours(world, pair)
    world.jobs.begin_check(pair, now=world.now, due_at=world.now)
    network.by_track["a"] = SONG
    with pytest.raises(AssetIdentical):
        storer(world, network).store_tracks(pair)
    assert [url[-5] for url in network.fetched] == ["a", "b", "a", "b"]
    assert world.tracks(pair)["b"].state is TrackState.READY
