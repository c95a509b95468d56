import json
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.catalog.results import Link, Result
from suno_jobs.errors import Conflict, ErrorCode, EventNotSent, Fault, JobNotFound, ManifestNotWritten, TracksNotStored
from suno_jobs.jobs.record import Asset, Attempt, Job, JobView, TaskEnd, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.manifest import ManifestWriter
from suno_jobs.steps.finish_job import Outcome, outcome
from suno_jobs.storage.attribute_values import pack
from tests.builders import JOB
from tests.world import BUCKET, DEADLINE, START, TABLE, World

FAULT = Fault(ErrorCode.ASSET_TRUNCATED, "cut off")
ASSET = Asset(kind="audio", key="acme/j/t/audio.mp3", content_type="audio/mpeg", bytes=7, sha256="ab")
READY, STORED, FAILED = (
    Track(track_id=state, position=0, state=state, fault=None if state == "stored" else FAULT)
    for state in (TrackState.READY, TrackState.STORED, TrackState.FAILED)
)
REFUSED = replace(FAILED, links=(Link("audio", "https://cdn.example/a.mp3"),))
LATE = START + DEADLINE


@pytest.mark.parametrize(
    ("tracks", "ended", "now", "expected"),
    [
        ([STORED, STORED], None, START, Outcome(JobState.SUCCEEDED)),
        ([STORED, FAILED], None, START, Outcome(JobState.SUCCEEDED)),
        ([STORED, FAILED], JobState.FAILED, START, Outcome(JobState.SUCCEEDED)),
        ([STORED, READY], None, LATE, Outcome(JobState.SUCCEEDED)),
        ([FAILED, FAILED], None, START, Outcome(JobState.FAILED, FAULT)),
        ([FAILED, REFUSED], None, START, Outcome(JobState.TIMED_OUT, FAULT)),
        ([FAILED, READY], None, LATE, Outcome(JobState.TIMED_OUT, FAULT)),
        ([], JobState.TIMED_OUT, START, Outcome(JobState.TIMED_OUT, FAULT)),
        ([FAILED], JobState.FAILED, START, Outcome(JobState.FAILED, FAULT)),
    ],
)
def test_the_end_is_decided_by_what_is_in_the_bucket(
    tracks: list[Track], ended: JobState | None, now: int, expected: Outcome
) -> None:
    assert outcome(JobView(replace(JOB, state=ended or JOB.state, fault=FAULT), tuple(tracks)), now) == expected


@pytest.mark.parametrize("tracks", [[READY], [STORED, READY], [FAILED, READY]])
def test_before_the_deadline_a_job_waits_for_a_missing_track(tracks: list[Track]) -> None:
    with pytest.raises(TracksNotStored):
        outcome(JobView(JOB, tuple(tracks)), LATE - 1)


def test_a_result_without_files_is_a_success() -> None:
    job = replace(JOB, expects=Result.ID)
    assert outcome(JobView(job, result={"persona_id": "p"}), START) == Outcome(JobState.SUCCEEDED)


def test_a_job_without_tracks_times_out_with_a_reason() -> None:
    end = outcome(JobView(JOB), START)
    assert (end.state, end.fault and end.fault.code) == (JobState.TIMED_OUT, ErrorCode.NO_AUDIO)


def storing(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    track = Track(
        track_id="t", position=0, state=TrackState.READY, title="Rain", links=(Link("audio", "https://c.example/secret"),)
    )
    world.jobs.tracks.record_track(job_id, track)
    world.jobs.tracks.store_track(job_id, "t", [ASSET], {}, 12.5)
    return job_id


def test_a_finished_job_is_announced_once_and_leaves_the_due_index(world: World) -> None:
    job_id = storing(world)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.due() == []
    [event] = world.bus.events
    assert (event["EventBusName"], event["Source"], event["DetailType"]) == ("bus", "suno-jobs", "job.succeeded")
    detail = event["Detail"]
    assert (detail["event_id"], detail["tenant"], detail["metadata"]) == (f"{job_id}.succeeded", "acme", {"order": "7"})
    [track] = detail["tracks"]
    assert [(asset["kind"], asset["key"], asset["bytes"]) for asset in track["assets"]] == [("audio", "acme/j/t/audio.mp3", 7)]
    assert detail["manifest"] == {"key": f"acme/{job_id}/manifest.json"}
    assert "secret" not in str(event)


@pytest.mark.parametrize(
    ("ends", "tracks", "partial"),
    [
        ([TaskEnd.COMPLETE], [STORED, STORED], False),
        ([TaskEnd.COMPLETE], [STORED, FAILED], True),
        ([TaskEnd.COMPLETE], [STORED, READY], True),
        ([TaskEnd.INCOMPLETE], [STORED], True),
        ([TaskEnd.UNFINISHED], [STORED], True),
        ([None, TaskEnd.COMPLETE], [replace(STORED, attempt=1)], False),
        ([TaskEnd.COMPLETE, TaskEnd.COMPLETE], [STORED, replace(FAILED, attempt=1)], False),
        ([TaskEnd.INCOMPLETE, TaskEnd.COMPLETE], [STORED, replace(READY, attempt=1)], True),
    ],
)
def test_a_success_is_partial_unless_one_task_is_stored_completely(
    ends: list[TaskEnd | None], tracks: list[Track], partial: bool
) -> None:
    attempts = tuple(Attempt(START, f"J{number}", end) for number, end in enumerate(ends))
    view = JobView(replace(JOB, state=JobState.SUCCEEDED, attempts=attempts), tuple(tracks))
    assert view.partial is partial
    assert not replace(view, job=replace(view.job, state=JobState.TIMED_OUT)).partial


def test_i5_the_event_of_another_end_stays_pending(world: World) -> None:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, FAULT, now=world.now)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)
    world.jobs.mark_announced(
        replace(world.job(job_id), state=JobState.TIMED_OUT), recoverable_until=None, due_at=None, now=world.now
    )
    assert world.job(job_id).event_pending
    assert world.due() == [job_id]


@pytest.mark.parametrize("broken", ["refused", "raised"])
def test_i5_a_refused_event_is_sent_again_with_the_same_id(world: World, broken: str) -> None:
    job_id = storing(world)
    world.bus.refusals = 1
    world.bus.raises = broken == "raised"
    with pytest.raises(EventNotSent):
        world.job_finisher().finish_job(job_id)
    assert world.job(job_id).state is JobState.SUCCEEDED
    assert world.due() == [job_id]
    world.job_finisher().finish_job(job_id)
    assert [event["Detail"]["event_id"] for event in world.bus.events] == [f"{job_id}.succeeded"]
    assert world.due() == []


def test_the_second_of_two_concurrent_finishes_keeps_the_first_end(world: World) -> None:
    job_id = storing(world)
    job_finisher = world.job_finisher()
    original = world.jobs.view

    def overtaken(job_id: str) -> JobView | None:
        found = original(job_id)
        world.jobs.view = original  # type: ignore[method-assign]
        world.jobs.finish(world.job(job_id), JobState.FAILED, FAULT, now=world.now)
        return found

    world.jobs.view = overtaken  # type: ignore[method-assign]
    assert job_finisher.finish_job(job_id) is JobState.FAILED
    assert [event["DetailType"] for event in world.bus.events] == ["job.failed"]


def test_a_job_that_cannot_be_finished_yet_stays_due(world: World) -> None:
    job_id = world.generating()
    world.start_storing(job_id)
    job_finisher, original = world.job_finisher(), world.jobs.finish

    def overtaken(*_: Any, **__: Any) -> Job:
        world.jobs.finish = original  # type: ignore[method-assign]
        raise Conflict("it was submitted")

    world.jobs.finish = overtaken  # type: ignore[method-assign]
    assert job_finisher.finish_job(job_id) is JobState.STORING
    assert world.due() == [job_id]


def test_a_job_that_was_submitted_meanwhile_still_ends(world: World) -> None:
    job_id = world.generating()
    world.start_storing(job_id)
    job_finisher, original = world.job_finisher(), world.jobs.finish

    def overtaken(job: Job, *given: Any, **named: Any) -> Job:
        world.jobs.finish = original  # type: ignore[method-assign]
        key, attempts = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}, pack({":attempts": [Attempt(world.now)]})
        change = "SET attempts = :attempts"
        world.dynamodb.update_item(TableName=TABLE, Key=key, UpdateExpression=change, ExpressionAttributeValues=attempts)
        return original(job, *given, **named)

    world.jobs.finish = overtaken  # type: ignore[method-assign]
    assert job_finisher.finish_job(job_id) is JobState.TIMED_OUT
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out"]


def test_an_end_is_counted_by_gateway_and_state(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = world.accept("crun")
    world.jobs.finish(world.job(job_id), JobState.FAILED, FAULT, now=world.now)
    world.job_finisher().finish_job(job_id)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "JobsFinished" in line]
    assert [(line["gateway"], line["state"], line["JobsFinished"]) for line in lines] == [("crun", "FAILED", [1])]
    [[described]] = [line["_aws"]["CloudWatchMetrics"] for line in lines]
    assert {"gateway", "state"} <= {name for names in described["Dimensions"] for name in names}


def test_an_unknown_job_cannot_be_finished(world: World) -> None:
    with pytest.raises(JobNotFound):
        world.job_finisher().finish_job("job_unknown")


def manifest(world: World, job_id: str) -> dict[str, Any] | None:
    found = world.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"acme/{job_id}/manifest.json").get("Contents", [])
    if not found:
        return None
    body: dict[str, Any] = json.load(world.s3.get_object(Bucket=BUCKET, Key=found[0]["Key"])["Body"])
    return body


def test_i4_success_is_not_announced_before_the_manifest_is_stored(world: World) -> None:
    job_id = storing(world)
    job_finisher = world.job_finisher()
    broken = ManifestWriter(jobs=world.jobs, s3=world.s3, bucket="no-such-bucket")
    with pytest.raises(ManifestNotWritten):
        replace(job_finisher, manifests=broken).finish_job(job_id)
    assert (world.job(job_id).state, world.bus.events) == (JobState.STORING, [])
    assert world.due() == [job_id]
    assert job_finisher.finish_job(job_id) is JobState.SUCCEEDED
    found = manifest(world, job_id)
    assert found is not None
    given = {"prompt": "a song about rain", "instrumental": False, "max_mode": False}
    assert found["request"] == {"input": given, "metadata": {"order": "7"}}


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.TIMED_OUT])
def test_a_job_that_did_not_succeed_has_no_manifest(world: World, state: JobState) -> None:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), state, FAULT, now=world.now)
    assert world.job_finisher().finish_job(job_id) is state
    assert manifest(world, job_id) is None


def test_the_manifest_of_an_ended_job_is_not_written_again(world: World) -> None:
    job_id = storing(world)
    world.bus.refusals = 1
    with pytest.raises(EventNotSent):
        world.job_finisher().finish_job(job_id)
    world.s3.delete_object(Bucket=BUCKET, Key=f"acme/{job_id}/manifest.json")
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert manifest(world, job_id) is None
