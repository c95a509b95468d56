"""The manifest: a description of the result of a job, made from the table only."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from suno_jobs.catalog.models import RequestedModel
from suno_jobs.catalog.results import Link
from suno_jobs.errors import ErrorCode, Fault, ManifestNotWritten
from suno_jobs.jobs.record import Asset, JobView, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.lifecycle.manifest import ManifestWriter, manifest
from tests.world import BUCKET, World, a_job

KEY = "acme/job_1/manifest.json"
MODEL = RequestedModel("v6-wild", "chirp-v6-wild")
JOB = a_job(
    requested_model=MODEL,
    updated_at=99,
    deadline_at=1200,
    submitted_at=3,
    task_id="J1",
    intent="intent",
    metadata={"order": "7"},
)
ASSET = Asset(
    kind="audio",
    key="acme/job_1/t-1/audio.mp3",
    content_type="audio/mpeg",
    bytes=7,
    sha256="ab",
    source_host="cdn.example",
    stored_at=60,
)
TRACK = Track(
    track_id="t-1",
    position=0,
    state=TrackState.STORED,
    title="Rain",
    model="v6",
    gateway_model="chirp-hawk",
    duration_seconds=12.5,
    links=(Link("audio", "https://cdn.example/a.mp3?signature=secret"),),
    assets=(ASSET,),
    missing={"video": Fault(ErrorCode.ASSET_TOO_LARGE, "too large")},
)
REQUEST = {"input": {"lyrics": "Rain, rain"}, "sources": [{"task_id": "J0", "track_id": "t"}]}


def test_the_manifest_contains_the_request_the_result_and_the_sources_of_the_files() -> None:
    assert manifest(JobView(JOB, (TRACK,), {"persona_id": "p"}), REQUEST, {"t-1": "Rain"}, partial=True) == {
        "version": 1,
        "tenant": "acme",
        "job_id": "job_1",
        "mode": "live",
        "gateway": "ttapi",
        "kind": "music",
        "requested_model": "v6-wild",
        "requested_gateway_model": "chirp-v6-wild",
        "task_id": "J1",
        "created_at": "1970-01-01T00:00:00Z",
        "submitted_at": "1970-01-01T00:00:03Z",
        "partial": True,
        "request": {"input": {"lyrics": "Rain, rain"}, "metadata": {"order": "7"}},
        "tracks": [
            {
                "track_id": "t-1",
                "title": "Rain",
                "model": "v6",
                "gateway_model": "chirp-hawk",
                "duration_seconds": 12.5,
                "doubtful": None,
                "identity": None,
                "state": "stored",
                "error": None,
                "identical_to": None,
                "source": None,
                "assets": [
                    {
                        "kind": "audio",
                        "key": "acme/job_1/t-1/audio.mp3",
                        "content_type": "audio/mpeg",
                        "bytes": 7,
                        "sha256": "ab",
                        "source_host": "cdn.example",
                        "stored_at": "1970-01-01T00:01:00Z",
                        "released": False,
                    }
                ],
                "missing": {
                    "video": {
                        "code": "asset_too_large",
                        "message": "too large",
                        "retryable": False,
                        "charged": "yes",
                        "gateway_code": None,
                        "trace_id": None,
                    }
                },
                "lyrics": "Rain",
            }
        ],
        "result": {"persona_id": "p"},
    }


def test_the_manifest_depends_on_the_content_only() -> None:
    """A run that repeats one that died writes the same bytes."""
    later = replace(JOB, updated_at=500, checks=9, execution=2, state=JobState.SUCCEEDED)
    assert manifest(JobView(later), REQUEST, {}, partial=False) == manifest(JobView(JOB), REQUEST, {}, partial=False)


@pytest.mark.parametrize(
    "given",
    [
        {"audio_url": "https://files.example/a.mp3?X-Amz-Signature=secret"},
        {"audio_urls": ["https://files.example/a.mp3?sig=secret", "https://files.example/b.mp3#secret"]},
        {"prompt": "like https://files.example/a.mp3?key=secret but slower"},
    ],
)
def test_i9_the_manifest_contains_no_signature(given: dict[str, Any]) -> None:
    text = json.dumps(manifest(JobView(replace(JOB, attempts=()), (TRACK,)), {"input": given}, {}, partial=False))
    assert "secret" not in text
    assert "https://files.example/a.mp3" in text


def test_the_manifest_is_stored_as_json_and_may_be_written_again(world: World) -> None:
    world.jobs.tracks.record_lyrics(JOB.job_id, "t-1", "[Verse]\nRain")
    world.jobs.tracks.record_lyrics(JOB.job_id, "t-1", "the first record stands")
    writer = ManifestWriter(jobs=world.jobs, s3=world.s3, bucket=BUCKET)
    for track in (TRACK, replace(TRACK, title="雨")):
        writer.write_manifest(JobView(JOB, (track,)), partial=False)
    found = world.s3.get_object(Bucket=BUCKET, Key=KEY)
    assert found["ContentType"] == "application/json"
    [track] = json.load(found["Body"])["tracks"]
    assert (track["title"], track["lyrics"]) == ("雨", "[Verse]\nRain")


def test_the_error_for_an_unreachable_bucket_names_the_job(world: World) -> None:
    class Unreachable:
        def put_object(self, **_: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://s3")

    s3: Any = Unreachable()
    with pytest.raises(ManifestNotWritten, match="job_1"):
        ManifestWriter(jobs=world.jobs, s3=s3, bucket=BUCKET).write_manifest(JobView(JOB), partial=False)


def take(track_id: str, position: int, *hashes: str) -> Track:
    assets = tuple(replace(ASSET, kind=f"file{number}", sha256=each) for number, each in enumerate(hashes))
    return replace(TRACK, track_id=track_id, position=position, assets=assets)


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ([take("a", 0, "1"), take("b", 1, "2")], [None, None]),
        ([take("a", 0, "1"), take("b", 1, "1")], [None, "a"]),
        ([take("a", 0, "1"), take("b", 1, "2"), take("c", 2, "1"), take("d", 3, "2")], [None, None, "a", "b"]),
        ([take("a", 0, "1"), take("b", 1, "1"), take("c", 2, "1")], [None, "a", "a"]),
        ([take("a", 0, "1"), take("b", 1, "2", "1")], [None, None]),
        ([take("a", 0), take("b", 1)], [None, None]),
    ],
    ids=["two takes", "one file twice", "two pairs", "three times", "another kind", "not stored"],
)
def test_two_takes_of_the_same_bytes_are_kept_and_flagged(tracks: list[Track], expected: list[str | None]) -> None:
    shown = job_view(JobView(JOB, tuple(tracks)))["tracks"]
    assert [track["identical_to"] for track in shown] == expected


def test_a_cover_may_be_shared() -> None:
    cover = replace(ASSET, kind="image", content_type="image/png")
    tracks = [replace(TRACK, assets=(cover,)), replace(TRACK, track_id="t-2", position=1, assets=(cover,))]
    assert [track["identical_to"] for track in job_view(JobView(JOB, tuple(tracks)))["tracks"]] == [None, None]
