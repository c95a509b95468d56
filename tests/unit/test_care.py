"""After the end: a job that timed out is healed when the truth comes, and what is missing is fetched while its links live."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest

from suno_jobs.callbacks import Receiver
from suno_jobs.care import LINK_DAYS, LONGEST_SECONDS, SOONEST_SECONDS
from suno_jobs.checking import NO_AUDIO_CHECKS
from suno_jobs.errors import ErrorCode, EventNotSent, Fault
from suno_jobs.history import Entry
from suno_jobs.lifetimes import DAY_SECONDS
from suno_jobs.models import Asset, Track, TrackState
from suno_jobs.receipts import ReceiptSource
from suno_jobs.transitions import JobState
from suno_jobs.vocabulary import Link
from suno_jobs.workflow import ExecutionState, Step
from tests.unit.test_callbacks import BODY, path, receiver, rotating
from tests.unit.test_checking import music, running, task
from tests.world import BUCKET, DEADLINE, GRACE, World

__all__ = ["receiver", "rotating"]

AUDIO = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="00")
LINK = Link("audio", "https://cdn.example/a.mp3")
NO_COVER = {"image": Fault(ErrorCode.ASSET_UNAVAILABLE, "404")}


def ended_execution(world: World, job_id: str) -> None:
    for name in list(world.executions.states):
        if name[0] == job_id:
            world.executions.states[name] = ExecutionState.ENDED


def timed_out(world: World, job_id: str | None = None) -> str:
    """A job that was given up at its deadline while its task still ran."""
    job_id = job_id or world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)
    return job_id


def lost(world: World) -> str:
    """A job whose submission's answer was lost, given up after the grace time."""
    job_id = world.accept()
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.submitter()(job_id)
    world.clock.sleep(GRACE)
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)
    return job_id


def store(world: World, step: Step, missing: dict[str, Fault] | None = None) -> None:
    for track_id in step.tracks:
        world.jobs.store_track(step.job_id, track_id, [AUDIO], missing or {}, 12.5)


def always() -> bool:
    return True


def test_a_success_that_comes_late_is_found_by_polling_and_heals(world: World) -> None:
    job_id = timed_out(world)
    assert world.sweeper()(always).started == []
    world.clock.sleep(SOONEST_SECONDS)
    assert world.sweeper()(always).started == [job_id]
    assert (job_id, 1) in world.executions.states
    world.wire.answers = [task(music(1), music(2))]
    step = world.checker()(job_id)
    assert (step.next, step.tracks) == ("store", ("m-1", "m-2"))
    assert world.job(job_id).state is JobState.TIMED_OUT
    store(world, step)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out", "job.succeeded"]
    assert world.due() == []
    assert world.job(job_id).fault is None


def test_a_late_callback_heals_at_once(world: World, receiver: Receiver) -> None:
    job_id = timed_out(world)
    receiver(path(job_id), BODY, {})
    assert (job_id, 1) in world.executions.states
    receiver(path(job_id), BODY, {})
    assert (job_id, 2) not in world.executions.states
    world.wire.answers = [task(music(1))]
    store(world, world.checker()(job_id))
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    last = Entry.read(world.job(job_id).history[-1])
    assert (last.state, last.cause, last.execution) == (JobState.SUCCEEDED, "callback", 1)


def test_a_late_callback_brings_the_task_of_a_lost_submission_to_light(world: World, receiver: Receiver) -> None:
    job_id = lost(world)
    receiver(path(job_id), BODY, {})
    world.wire.answers = [task(music(1), music(2))]
    step = world.checker()(job_id)
    assert (step.next, world.job(job_id).task_id) == ("store", "J1")
    store(world, step)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.wire.submissions == 1


def test_a_callback_whose_function_died_before_it_revived_the_job_heals_with_the_next_look(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, BODY, now=world.now)
    world.clock.sleep(SOONEST_SECONDS)
    assert world.sweeper()(always).started == [job_id]
    world.wire.answers = [task(music(1))]
    assert world.checker()(job_id).next == "store"


def test_a_failure_that_comes_late_is_the_end(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "too sad", "data": None})]
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.FAILED
    assert world.due() == []
    fault = world.job(job_id).fault
    assert fault is not None
    assert fault.code is ErrorCode.GENERATION_FAILED


@pytest.mark.parametrize("answer", [running(), httpx.ReadTimeout("t"), httpx.Response(500)], ids=str)
def test_what_says_nothing_changes_nothing_and_the_next_look_is_later(world: World, answer: Any) -> None:
    job_id = timed_out(world)
    ended_at = world.now
    world.wire.answers = [answer]
    ages = []
    for _ in range(12):
        [job] = world.due(10**7)
        world.clock.now = int(world.items("JOB")[0]["due_at"]["N"])
        ages.append(world.now - ended_at)
        assert world.checker()(job) == Step(job_id, "finish")
        assert world.finisher()(job_id) is JobState.TIMED_OUT
    assert ages[:4] == [SOONEST_SECONDS * 2**n for n in range(4)]
    assert max(later - earlier for earlier, later in pairwise(ages)) == LONGEST_SECONDS
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out"]


def test_when_the_links_are_gone_nobody_looks_any_more(world: World, receiver: Receiver) -> None:
    job_id = timed_out(world)
    world.clock.sleep(LINK_DAYS * DAY_SECONDS)
    assert world.sweeper()(always).started == [job_id]
    asked = len(world.wire.requests)
    assert world.checker()(job_id) == Step(job_id, "finish")
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    assert (world.due(), len(world.wire.requests)) == ([], asked)
    ended_execution(world, job_id)
    receiver(path(job_id), BODY, {})
    assert (job_id, 2) not in world.executions.states
    assert len(world.items("RECEIPT#callback#")) == 1


def test_a_track_that_could_not_be_stored_in_time_is_fetched_later(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    store(world, Step(job_id, "store", 1, world.checker()(job_id).tracks[:1]))
    world.clock.sleep(DEADLINE)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.job(job_id).partial
    world.clock.sleep(SOONEST_SECONDS)
    assert world.due(0) == [job_id]
    step = world.checker()(job_id)
    assert step.tracks == ("m-2",)
    store(world, step)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert (world.job(job_id).partial, world.due()) == (False, [])
    assert len(world.bus.events) == 1


def test_a_file_that_is_nice_to_have_is_tried_again_while_links_live(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    store(world, world.checker()(job_id), NO_COVER)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.job(job_id).care_until == world.job(job_id).created_at + LINK_DAYS * DAY_SECONDS
    world.clock.sleep(SOONEST_SECONDS)
    assert world.checker()(job_id) == Step(job_id, "store", 45, ("m-1",))
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.due() == [job_id]
    world.clock.sleep(LINK_DAYS * DAY_SECONDS)
    assert world.checker()(job_id).next == "finish"
    world.finisher()(job_id)
    assert world.due() == []


def test_what_comes_later_stands_in_the_manifest_too(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    store(world, world.checker()(job_id), NO_COVER)
    world.finisher()(job_id)
    world.clock.sleep(SOONEST_SECONDS)
    world.checker()(job_id)
    cover = replace(AUDIO, kind="image", key="i", content_type="image/png")
    world.jobs.add_assets(job_id, world.tracks(job_id)["m-1"], [AUDIO, cover], {})
    world.finisher()(job_id)
    key = f"acme/{job_id}/manifest.json"
    told = json.loads(world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert [asset["kind"] for asset in told["tracks"][0]["assets"]] == ["audio", "image"]
    assert world.due() == []


def test_a_job_that_was_never_submitted_is_not_looked_after(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE)
    world.checker()(job_id)
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    assert world.due() == []


def test_an_end_that_somebody_still_waits_for_stays_due_until_the_sweep_ends_that_wait(world: World) -> None:
    job_id = world.generating()
    world.dynamodb.update_item(
        TableName="jobs",
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET task_token = :t",
        ExpressionAttributeValues={":t": {"S": "token"}},
    )
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "x"), partial=False, now=world.now)
    world.finisher()(job_id)
    assert world.due() == [job_id]
    world.clock.sleep(10**4)
    assert world.sweeper()(always).woken == [job_id]
    assert world.executions.woken == ["token"]
    assert world.checker()(job_id) == Step(job_id, "finish")
    world.finisher()(job_id)
    assert world.due() == []
    assert len(world.bus.events) == 1


def test_a_synchronous_result_that_was_recorded_after_the_end_is_kept(world: World) -> None:
    job_id = lost(world)
    world.jobs.record_result(job_id, {"lyrics": [{"title": "t", "text": "x"}]})
    world.clock.sleep(SOONEST_SECONDS)
    step = world.checker()(job_id)
    assert step.next == "finish"
    assert world.job(job_id).done
    assert world.checker()(job_id).next == "finish"
    assert all(track.state is TrackState.STORED for track in world.tracks(job_id).values())


def anyint(status: str, *songs: str) -> httpx.Response:
    data = [{"id": song, "audioUrl": f"https://cdn.example/{song}.mp3", "title": "T", "duration": 12.5} for song in songs]
    body = {"taskId": "J1", "status": status, "response": {"taskId": "J1", "sunoData": data}}
    return httpx.Response(200, json={"code": 200, "msg": "success", "data": body})


def test_a_verdict_whose_answer_was_lost_is_carried_out(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "sad", "data": None})]
    world.checker()(job_id)
    asked = len(world.wire.requests)
    assert world.checker()(job_id) == Step(job_id, "finish")
    assert len(world.wire.requests) == asked
    assert world.finisher()(job_id) is JobState.FAILED


def test_the_rest_of_a_task_that_was_cut_off_is_fetched_when_it_comes(world: World, receiver: Receiver) -> None:
    job_id = world.generating("anyint")
    world.wire.answers = [anyint("FIRST_SUCCESS", "a")]
    world.clock.sleep(DEADLINE)
    store(world, world.checker()(job_id))
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert (world.job(job_id).partial, world.due()) == (True, [job_id])
    ended_execution(world, job_id)
    receiver(path(job_id, gateway="anyint"), b"{}", {})
    assert (job_id, 1) in world.executions.states
    world.wire.answers = [anyint("SUCCESS", "a", "b")]
    step = world.checker()(job_id)
    assert step.tracks == ("b",)
    store(world, step)
    world.finisher()(job_id)
    assert (world.job(job_id).partial, world.due()) == (False, [])
    assert len(world.bus.events) == 1


def test_a_task_that_turns_out_to_have_failed_leaves_its_good_track_and_says_so(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [task(music(1), music(2, None), status="FAILED")]
    store(world, world.checker()(job_id))
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.job(job_id).partial


@pytest.mark.parametrize("late", [True, False], ids=["after the end", "at the deadline"])
def test_a_late_success_whose_links_lag_is_given_its_time(world: World, late: bool) -> None:
    job_id = timed_out(world) if late else world.generating()
    world.wire.answers = [task(music(1, None))]
    if not late:
        world.clock.sleep(DEADLINE)
        assert world.checker()(job_id).next == "finish"
        assert world.finisher()(job_id) is JobState.TIMED_OUT
    world.clock.sleep(SOONEST_SECONDS)
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    world.wire.answers = [task(music(1))]
    world.clock.sleep(SOONEST_SECONDS)
    assert world.checker()(job_id).next == "store"


def test_a_success_that_never_has_audio_is_a_failure_in_the_end(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [task(music(1, None))]
    states = []
    for _ in range(NO_AUDIO_CHECKS):
        world.clock.sleep(SOONEST_SECONDS)
        world.checker()(job_id)
        states.append(world.finisher()(job_id))
    assert states == [JobState.TIMED_OUT] * (NO_AUDIO_CHECKS - 1) + [JobState.FAILED]


def test_i5_an_end_that_is_owed_its_event_is_announced_before_the_next_end(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(DEADLINE)
    world.checker()(job_id)
    world.bus.refusals = 1
    with pytest.raises(EventNotSent):
        world.finisher()(job_id)
    world.jobs.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=(LINK,)))
    world.jobs.store_track(job_id, "t", [AUDIO], {}, 1.0)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out", "job.succeeded"]


def test_a_task_that_is_told_of_between_verdict_and_end_is_followed(world: World) -> None:
    job_id = world.accept()
    job = world.jobs.begin_submission(world.job(job_id), "i", now=world.now, due_at=world.now)
    world.jobs.decide(job, JobState.TIMED_OUT, NO_COVER["image"], now=world.now)
    world.jobs.accept_task(job, "J1", now=world.now, due_at=world.now)
    world.wire.answers = [running()]
    assert world.checker()(job_id).next == "wait"
