from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.errors import AssetNotFound, ErrorCode, Fault, JobNotFound
from suno_jobs.jobs.record import Asset, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import asset_file_name, etag
from suno_jobs.runtime.aws import SIGNING
from suno_jobs.steps.read_jobs import JobReader
from suno_jobs.storage.job_list import JobList
from tests.builders import JOB_ID, Denied, event, handler, put_job
from tests.world import BUCKET, PACE, TABLE, World


@pytest.fixture
def reader(world: World) -> JobReader:
    return job_reader(world, world.s3)


def job_reader(world: World, s3: Any) -> JobReader:
    job_list = JobList(world.dynamodb, TABLE)
    return JobReader(
        jobs=world.jobs,
        job_list=job_list,
        s3=s3,
        bucket=BUCKET,
        url_seconds=900,
        interval_seconds=PACE.interval,
        wait_function=world.wait_function(),
    )


FAILED = Fault(ErrorCode.GENERATION_FAILED, "no")
TOO_LARGE = Fault(ErrorCode.ASSET_TOO_LARGE, "too large")


def stored(world: World, title: str | None = "Rain / on: the “roof”") -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    link = "https://cdn.example/x?sig=secret"
    world.jobs.tracks.record_track(job_id, Track(track_id="t-2", position=1, state=TrackState.FAILED, fault=FAILED))
    world.jobs.tracks.record_track(
        job_id, Track(track_id="t-1", position=0, state=TrackState.READY, title=title, links=(Link("audio", link),))
    )
    asset = Asset(
        kind="audio",
        key=f"acme/{job_id}/t-1/audio.mp3",
        content_type="audio/mpeg",
        bytes=9,
        sha256="ab",
        source_host="cdn.example",
        stored_at=world.now,
    )
    world.jobs.tracks.store_track(job_id, "t-1", [asset], {"video": TOO_LARGE}, 12.5)
    return job_id


def test_a_new_job_has_every_field(world: World, reader: JobReader) -> None:
    job_id = world.accept()
    status, view, headers = reader.read_job("acme", job_id, None)
    assert status == 200
    assert view == {
        "job_id": job_id,
        "mode": "live",
        "gateway": "ttapi",
        "kind": "music",
        "requested_model": "v6",
        "requested_gateway_model": "chirp-v6",
        "state": "ACCEPTED",
        "progress": "queued",
        "partial": False,
        "task_id": None,
        "metadata": {"order": "7"},
        "created_at": "2027-01-15T08:00:00Z",
        "updated_at": "2027-01-15T08:00:00Z",
        "deadline_at": "2027-01-15T08:20:00Z",
        "recoverable_until": None,
        "retry_of": None,
        "retried_as": None,
        "waiting_for": {"reason": "rate_limit", "until": "2027-01-15T08:02:00Z"},
        "charged": "no",
        "cost": None,
        "error": None,
        "tracks": [],
        "manifest": None,
        "result": None,
        "request": {
            "gateway": "ttapi",
            "kind": "music",
            "input": {"prompt": "a song about rain", "instrumental": False, "max_mode": False},
            "metadata": {"order": "7"},
            "ambiguous_submit": "fail",
        },
        "quarantine": [],
    }
    assert headers["Retry-After"] == "20"


@pytest.mark.parametrize("policy", ["fail", "resubmit"])
def test_a_request_can_be_read_back_and_sent_again(world: World, reader: JobReader, policy: str) -> None:
    audio = "https://files.example/a.mp3"
    body = {
        "gateway": "auto",
        "kind": "upload_cover",
        "input": {"audio_url": f"{audio}?X-Amz-Signature=secret", "prompt": "as a waltz"},
        "metadata": {"order": "8"},
        "ambiguous_submit": policy,
    }
    job_id = world.job_submitter().submit_job("acme", body, "k")[0].job.job_id
    _, view, _ = reader.read_job("acme", job_id, None)
    assert view["request"] == {
        **body,
        "input": {"audio_url": audio, "prompt": "as a waltz", "instrumental": False, "max_mode": False},
    }
    assert "secret" not in str(view)
    world.job_submitter().submit_job("acme", view["request"], "k2")


def test_tracks_name_the_song_that_they_were_made_from(world: World, reader: JobReader) -> None:
    song = world.generating("sunoapi")
    ready = Track(track_id="t-1", position=0, state=TrackState.READY, links=(Link("audio", "https://cdn.example/1"),))
    world.jobs.tracks.record_track(song, ready)
    source = {"job_id": song, "track_id": "t-1"}
    job_id = world.accept("sunoapi", "wav", "wav", source=source)
    world.jobs.tracks.record_track(job_id, ready)
    for each, expected in ((song, None), (job_id, source)):
        _, view, _ = reader.read_job("acme", each, None)
        assert [track["source"] for track in view["tracks"]] == [expected]


def test_a_stored_track_has_an_expiring_link_with_a_safe_file_name(world: World, reader: JobReader) -> None:
    job_id = stored(world)
    _, view, _ = reader.read_job("acme", job_id, None)
    first, second = view["tracks"]
    assert (first["track_id"], first["state"], first["duration_seconds"]) == ("t-1", "stored", 12.5)
    assert (second["track_id"], second["state"], second["assets"]) == ("t-2", "failed", [])
    [asset] = first["assets"]
    url = urlsplit(asset.pop("url"))
    key = f"acme/{job_id}/t-1/audio.mp3"
    assert asset == {
        "kind": "audio",
        "key": key,
        "content_type": "audio/mpeg",
        "bytes": 9,
        "sha256": "ab",
        "source_host": "cdn.example",
        "stored_at": "2027-01-15T08:00:00Z",
        "released": False,
    }
    query = parse_qs(url.query)
    assert unquote(url.path).endswith(asset["key"])
    assert query["response-content-disposition"] == [
        "attachment; filename=\"Rain on the roof 1.mp3\"; filename*=UTF-8''Rain%20on%20the%20roof%201.mp3"
    ]
    assert "secret" not in str(view)


def test_a_link_names_the_host_of_its_region(world: World, aws_on_moto: SimpleNamespace) -> None:
    s3 = boto3.client("s3", region_name="eu-south-1", config=SIGNING)
    reader = job_reader(world, s3)
    _, view, _ = reader.read_job("acme", stored(world), None)
    assert urlsplit(view["tracks"][0]["assets"][0]["url"]).hostname == "assets.s3.eu-south-1.amazonaws.com"


@pytest.mark.parametrize("job_id", ["", "job_", "x" * 3000, "job_" + "0" * 25 + "A", "JOB#job_"])
def test_a_malformed_job_id_is_not_found_without_reading_the_table(world: World, reader: JobReader, job_id: str) -> None:
    world.jobs._client = Denied()  # type: ignore[assignment]
    with pytest.raises(JobNotFound):
        reader.read_job("acme", job_id, None)


@pytest.mark.parametrize("title", [None, "", " .. ", "/", "\n\0"])
def test_a_track_without_a_usable_title_is_named_after_its_id(world: World, reader: JobReader, title: str | None) -> None:
    _, view, _ = reader.read_job("acme", stored(world, title), None)
    assert 'filename="t-1.mp3"' in unquote(view["tracks"][0]["assets"][0]["url"])


def test_a_title_in_any_script_is_kept_in_the_encoded_file_name(world: World, reader: JobReader) -> None:
    _, view, _ = reader.read_job("acme", stored(world, "雨 ünd 'Regen'"), None)
    [disposition] = parse_qs(urlsplit(view["tracks"][0]["assets"][0]["url"]).query)["response-content-disposition"]
    assert disposition == "attachment; filename=\"_ _nd Regen 1.mp3\"; filename*=UTF-8''%E9%9B%A8%20%C3%BCnd%20Regen%201.mp3"


@pytest.mark.parametrize(
    ("kind", "tracks", "name"),
    [
        ("audio", 1, "Rain.mp3"),
        ("wav", 2, "Rain 1.mp3"),
        ("vocals", 1, "Rain (vocals).mp3"),
        ("drums", 2, "Rain 1 (drums).mp3"),
    ],
)
def test_files_of_one_job_have_distinct_names(kind: str, tracks: int, name: str) -> None:
    asset = Asset(kind=kind, key=f"acme/j/t.1/{kind}.mp3", content_type="audio/mpeg", bytes=9, sha256="ab")
    track = Track(track_id="t.1", position=0, state=TrackState.STORED, title="Rain")
    assert asset_file_name(asset, track, [track] * tracks) == name


def test_the_link_of_one_file_is_the_same_as_in_the_job(world: World, reader: JobReader) -> None:
    job_id = stored(world)
    _, view, _ = reader.read_job("acme", job_id, None)
    # The signature depends on the second in which it is made.
    link, same = reader.asset_url("acme", job_id, "t-1", "audio"), view["tracks"][0]["assets"][0]["url"]
    assert link.partition("?")[0] == same.partition("?")[0]


def missing(reader: JobReader, tenant: str, *path: str) -> AssetNotFound:
    with pytest.raises(AssetNotFound) as caught:
        reader.asset_url(tenant, *path)
    return caught.value


def test_the_error_for_a_missing_file_lists_the_stored_files_and_the_reason(world: World, reader: JobReader) -> None:
    job_id = stored(world)
    error = missing(reader, "acme", job_id, "t-1", "lyrics")
    assert error.detail == "This track is stored and has no stored lyrics; it has: audio."
    assert error.members == {"assets": ["audio"], "track_state": TrackState.STORED, "error": None}
    error = missing(reader, "acme", job_id, "t-1", "video")
    assert error.detail.endswith("it has: audio. Reason: asset_too_large, too large")
    assert error.members["error"]["code"] == "asset_too_large"
    error = missing(reader, "acme", job_id, "t-2", "audio")
    assert error.detail == "This track is failed and has no stored audio; it has: none. Reason: generation_failed, no"
    error = missing(reader, "acme", job_id, "t-3", "audio")
    assert (error.detail, error.members) == ("This job has no such track; it has: t-1, t-2.", {"tracks": ["t-1", "t-2"]})
    error = missing(reader, "acme", world.accept(key="other"), "t", "audio")
    assert error.detail == "This job has no such track; it has: none yet."


def test_a_file_is_visible_to_its_tenant_only(world: World, reader: JobReader) -> None:
    with pytest.raises(JobNotFound):
        reader.asset_url("other", stored(world), "t-1", "audio")


def test_the_etag_changes_with_the_job_and_not_with_the_links(world: World, reader: JobReader) -> None:
    job_id = stored(world)
    _, _, first = reader.read_job("acme", job_id, None)
    world.clock.sleep(100)
    status, view, headers = reader.read_job("acme", job_id, f'"other", {first["ETag"]}')
    assert (status, view, headers["ETag"]) == (304, None, first["ETag"])
    assert first["ETag"].startswith('W/"')
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), now=world.now)
    status, view, headers = reader.read_job("acme", job_id, first["ETag"])
    assert (status, view["state"]) == (200, "FAILED")
    fault = {"code": "quota", "message": "no", "retryable": False, "gateway_code": None, "trace_id": None}
    assert view["error"] == {**fault, "charged": view["charged"]}
    assert "Retry-After" not in headers


def test_a_job_is_visible_to_its_tenant_only(world: World, reader: JobReader) -> None:
    job_id = world.accept()
    with pytest.raises(JobNotFound) as hidden:
        reader.read_job("other", job_id, None)
    with pytest.raises(JobNotFound) as missing:
        reader.read_job("acme", "job_unknown", None)
    assert str(hidden.value) == str(missing.value)


def test_a_job_that_succeeded_has_a_link_to_its_manifest(world: World, reader: JobReader) -> None:
    job_id = stored(world)
    with pytest.raises(AssetNotFound, match="this one is STORING"):
        reader.manifest_url("acme", job_id)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)
    url = urlsplit(reader.manifest_url("acme", job_id))
    assert url.path.endswith(f"/acme/{job_id}/manifest.json")
    assert f'filename="{job_id}.json"' in unquote(url.query)
    with pytest.raises(JobNotFound):
        reader.manifest_url("other", job_id)


def test_the_etag_does_not_change_with_the_link_to_the_manifest(world: World, reader: JobReader) -> None:
    job_id = stored(world)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)
    _, view, headers = reader.read_job("acme", job_id, None)
    again = {**view, "manifest": {**view["manifest"], "url": "https://another"}}
    assert headers["ETag"] == etag(again)
    assert headers["ETag"] != etag({**view, "manifest": None})


def test_the_handler_answers_with_the_job_and_its_etag_for_its_tenant_only(deployed: SimpleNamespace, world: World) -> None:
    read = handler("read_jobs")
    assert read(event("read_jobs/job"))["statusCode"] == 404
    put_job(world)
    answer = read(event("read_jobs/job"))
    assert (answer["statusCode"], json.loads(answer["body"])["job_id"]) == (200, JOB_ID)
    given = event("read_jobs/job")
    given["headers"]["if-none-match"] = answer["headers"]["ETag"]
    unchanged = read(given)
    assert unchanged["statusCode"] == 304
    assert not unchanged.get("body")
    given["requestContext"]["authorizer"]["lambda"]["tenant"] = "other"
    assert read(given)["statusCode"] == 404


def test_a_presigned_url_uses_signature_version_4_and_expires(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.STORING, task_id="J1")
    world.jobs.tracks.record_track(JOB_ID, Track(track_id="m-1", position=0, state=TrackState.READY))
    asset = Asset(kind="audio", key="acme/j/m-1/audio.mp3", content_type="audio/mpeg", bytes=1, sha256="00")
    world.jobs.tracks.store_track(JOB_ID, "m-1", [asset], {}, 3.0)
    read = handler("read_jobs")
    url = json.loads(read(event("read_jobs/job"))["body"])["tracks"][0]["assets"][0]["url"]
    query = parse_qs(urlsplit(url).query)
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == (["AWS4-HMAC-SHA256"], ["900"])
    answer = read(event("read_jobs/asset"))
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (307, "no-store")
    assert answer["headers"]["Location"].partition("?")[0] == url.partition("?")[0]


def test_the_handler_answers_a_missing_asset_with_a_problem_document(deployed: SimpleNamespace, world: World) -> None:
    read = handler("read_jobs")
    assert json.loads(read(event("read_jobs/asset"))["body"])["title"] == "No such job"
    put_job(world)
    answer = read(event("read_jobs/asset"))
    assert answer["statusCode"] == 404
    problem = json.loads(answer["body"])
    assert (problem["title"], problem["tracks"]) == ("No such asset", [])


def test_the_handler_redirects_to_the_manifest(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.STORING, task_id="J1")
    world.jobs.finish(world.job(JOB_ID), JobState.SUCCEEDED, None, now=world.now)
    answer = handler("read_jobs")(event("read_jobs/manifest"))
    assert answer["statusCode"] == 307
    assert f"/acme/{JOB_ID}/manifest.json?" in answer["headers"]["Location"]


@pytest.mark.parametrize(("head", "operation"), [(False, "get_object"), (True, "head_object")])
def test_a_url_is_signed_for_the_method_of_its_request(world: World, reader: JobReader, head: bool, operation: str) -> None:
    signed: Any = SimpleNamespace(generate_presigned_url=lambda name, **_: name)
    job_id = stored(world)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)
    reader = replace(reader, s3=signed)
    assert reader.asset_url("acme", job_id, "t-1", "audio", head=head) == operation
    assert reader.manifest_url("acme", job_id, head=head) == operation
