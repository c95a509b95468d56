"""After the end: a late result recovers a job that timed out, and missing files are fetched while the links are valid."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.errors import ErrorCode, EventNotSent, Fault
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import DAY_SECONDS, DEFAULT_LINK_DAYS, FileTerms, JobView, Track, TrackState
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.ending import end_job
from suno_jobs.lifecycle.recovery import HURRY_SECONDS, LONGEST_INTERVAL_SECONDS, SHORTEST_INTERVAL_SECONDS, next_recovery_at
from suno_jobs.network.http import httpx
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.storage.receipts import ReceiptSource
from tests.builders import (
    AUDIO,
    BODY,
    JOB,
    always,
    await_signal,
    ended_execution,
    lost,
    music,
    path,
    running,
    store,
    task,
    timed_out,
)
from tests.world import BUCKET, DEADLINE, GRACE, START, World

LINK = Link("audio", "https://cdn.example/a.mp3")
NO_COVER = {"image": Fault(ErrorCode.ASSET_UNAVAILABLE, "404")}


def lost_and_timed_out(world: World) -> str:
    """A job whose gateway never answered the submission, after the grace period."""
    job_id = lost(world)
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)
    return job_id


def test_a_late_success_is_found_by_polling(world: World) -> None:
    job_id = timed_out(world)
    assert world.job_reconciler().reconcile_jobs(always).started == []
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    assert (job_id, 1) in world.executions.states
    world.wire.answers = [task(music(1), music(2))]
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.tracks) == ("store", ("m-1", "m-2"))
    assert world.job(job_id).state is JobState.TIMED_OUT
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out", "job.succeeded"]
    assert world.due() == []
    assert world.job(job_id).fault is None


def test_a_song_that_was_stored_before_its_function_was_stopped_needs_no_read(world: World) -> None:
    job_id = timed_out(world)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    world.wire.answers = [task(music(1), music(2))]
    store(world, world.task_checker().check_task(job_id))
    requests = len(world.wire.requests)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert len(world.wire.requests) == requests
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED


def test_a_late_callback_recovers_the_job_at_once(world: World, receiver: CallbackReceiver) -> None:
    job_id = timed_out(world)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert (job_id, 1) in world.executions.states
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert (job_id, 2) not in world.executions.states
    world.wire.answers = [task(music(1))]
    store(world, world.task_checker().check_task(job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    last = Entry.read(world.job(job_id).history[-1])
    assert (last.state, last.cause, last.execution) == (JobState.SUCCEEDED, "callback", 1)


def test_a_late_callback_is_accepted_while_step_functions_is_throttled(world: World, receiver: CallbackReceiver) -> None:
    job_id = timed_out(world)
    world.executions.describable = 0
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert (job_id, 1) not in world.executions.states
    assert job_id in world.due(after=86_400)


def test_a_late_callback_reveals_the_task_of_a_lost_submission(world: World, receiver: CallbackReceiver) -> None:
    job_id = lost_and_timed_out(world)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    world.wire.answers = [task(music(1), music(2))]
    step = world.task_checker().check_task(job_id)
    assert (step.next, world.job(job_id).task_id) == ("store", "J1")
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.wire.submissions == 1


def test_a_callback_whose_function_died_before_resuming_the_job_is_used_at_the_next_check(world: World) -> None:
    job_id = lost_and_timed_out(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, BODY, gateway="ttapi", now=world.now)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"


def test_a_late_failure_ends_the_job(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "too sad", "data": None})]
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    fault = world.job(job_id).fault
    assert fault is not None
    assert fault.code is ErrorCode.GENERATION_FAILED


@pytest.mark.parametrize("answer", [running(), httpx.ReadTimeout("t"), httpx.Response(500)], ids=str)
def test_an_uninformative_reply_changes_nothing_and_delays_the_next_check(world: World, answer: Any) -> None:
    job_id = timed_out(world)
    ended_at = world.now
    world.wire.answers = [answer]
    ages = []
    for _ in range(12):
        [job] = world.due(10**7)
        world.clock.now = int(world.items("JOB")[0]["due_at"]["N"])
        ages.append(world.now - ended_at)
        assert world.task_checker().check_task(job) == NextStep(job_id, "finish")
        assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert ages[:4] == [SHORTEST_INTERVAL_SECONDS * 2**n for n in range(4)]
    assert max(later - earlier for earlier, later in pairwise(ages)) == LONGEST_INTERVAL_SECONDS
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out"]


def stopped(_: httpx.Request) -> httpx.Response:
    """The call never returns, so Lambda stops the function."""
    raise KeyboardInterrupt


def test_i11_a_recovery_whose_reads_never_return_is_repeated_at_growing_intervals(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [stopped]
    waits = []
    for _ in range(6):
        world.clock.now = due_at(world)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                world.task_checker().check_task(job_id)
        waits.append(due_at(world) - world.now)
    assert waits == [SHORTEST_INTERVAL_SECONDS * 2**n for n in range(6)]
    assert world.due() == [job_id]
    world.wire.answers = [task(music(1))]
    store(world, world.task_checker().check_task(job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED


def due_at(world: World) -> int:
    return int(world.items("JOB")[0]["due_at"]["N"])


@pytest.mark.parametrize(
    ("age", "left", "expected"),
    [
        (DAY_SECONDS, 3 * DAY_SECONDS, LONGEST_INTERVAL_SECONDS),
        (DAY_SECONDS, DAY_SECONDS, DAY_SECONDS // 4),
        (DAY_SECONDS, 2 * HURRY_SECONDS, HURRY_SECONDS),
        (DAY_SECONDS, HURRY_SECONDS, HURRY_SECONDS // 2),
        (DAY_SECONDS, 60, SHORTEST_INTERVAL_SECONDS),
        (600, DAY_SECONDS, 600),
    ],
)
def test_i11_recovery_looks_more_often_before_the_files_are_gone(age: int, left: int, expected: int) -> None:
    job = replace(JOB, state=JobState.TIMED_OUT, ended_at=START, recoverable_until=START + age + left)
    now = START + age
    assert next_recovery_at(job, now) == now + expected
    assert next_recovery_at(replace(job, recoverable_until=None), now, until=now + left) == now + expected


@pytest.mark.parametrize(
    ("refused_until", "expected"),
    [
        (START + 2 * DAY_SECONDS, START + 2 * DAY_SECONDS),
        (START + DAY_SECONDS + 60, START + DAY_SECONDS + LONGEST_INTERVAL_SECONDS),
        (START + 3 * DAY_SECONDS, START + DAY_SECONDS + LONGEST_INTERVAL_SECONDS),
        (START + 9 * DAY_SECONDS, START + DAY_SECONDS + LONGEST_INTERVAL_SECONDS),
    ],
    ids=["later than planned", "sooner", "when the files are gone", "after that"],
)
def test_recovery_comes_back_when_its_gateway_wants_that_while_there_are_files(refused_until: int, expected: int) -> None:
    job = replace(JOB, state=JobState.TIMED_OUT, ended_at=START, refused_until=refused_until)
    assert next_recovery_at(job, START + DAY_SECONDS, until=START + 3 * DAY_SECONDS) == expected


def test_the_last_look_after_a_reported_failure_is_repeated_if_it_is_refused() -> None:
    now = START + DAY_SECONDS
    job = replace(JOB, state=JobState.FAILED, ended_at=START, recoverable_until=now + 3600)
    assert next_recovery_at(job, now) is None
    assert next_recovery_at(replace(job, refused_until=now + 600), now) == now + 600
    assert next_recovery_at(replace(job, refused_until=now), now) is None


def test_the_next_run_of_recovery_waits_as_its_gateway_asks(world: World) -> None:
    job_id = timed_out(world)
    world.clock.now = due_at(world)
    world.wire.answers = [httpx.Response(429, json={"code": 429}, headers={"Retry-After": "3600"})]
    assert world.task_checker().check_task(job_id).next == "finish"
    world.job_finisher().finish_job(job_id)
    assert due_at(world) == world.now + 3600
    world.clock.sleep(3599)
    assert world.job_reconciler().reconcile_jobs(always).started == []
    world.clock.sleep(1)
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]


def test_i11_a_late_file_that_its_server_refuses_is_fetched_several_times_before_its_link_expires(world: World) -> None:
    job_id = timed_out(world)
    world.clock.sleep(DAY_SECONDS)
    world.wire.answers = [task(music(1))]
    job = world.job(job_id)
    looks = 0
    while world.now < job.deadline_at + 3 * DAY_SECONDS:
        world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
        world.jobs.tracks.record_track(
            job_id,
            Track(track_id="t", position=0, state=TrackState.READY, links=(replace(LINK, expires_at=START + 2 * DAY_SECONDS),)),
        )
        world.job_finisher().finish_job(job_id)
        looks += world.now < START + 2 * DAY_SECONDS
        world.clock.now = due_at(world)
    assert looks >= 8


def test_recovery_ends_when_the_links_have_expired(world: World, receiver: CallbackReceiver) -> None:
    job_id = timed_out(world)
    world.clock.sleep(DEFAULT_LINK_DAYS * DAY_SECONDS)
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    requests = len(world.wire.requests)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert (world.due(), len(world.wire.requests)) == ([], requests)
    ended_execution(world, job_id)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert (job_id, 2) not in world.executions.states
    assert len(world.items("RECEIPT#callback#")) == 1


def test_a_track_that_could_not_be_stored_in_time_is_fetched_later(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    store(world, NextStep(job_id, "store", 1, world.task_checker().check_task(job_id).tracks[:1]))
    world.clock.sleep(DEADLINE)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).partial
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.due(0) == [job_id]
    step = world.task_checker().check_task(job_id)
    assert step.tracks == ("m-2",)
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert (world.view(job_id).partial, world.due()) == (False, [])
    assert len(world.bus.events) == 1


def test_an_optional_file_is_retried_while_the_links_are_valid(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    store(world, world.task_checker().check_task(job_id), NO_COVER)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.job(job_id).recoverable_until == world.job(job_id).created_at + DEFAULT_LINK_DAYS * DAY_SECONDS
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "store", 45, ("m-1",))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.due() == [job_id]
    world.clock.sleep(DEFAULT_LINK_DAYS * DAY_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    world.job_finisher().finish_job(job_id)
    assert world.due() == []


def test_files_that_are_recovered_later_are_added_to_the_manifest(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    store(world, world.task_checker().check_task(job_id), NO_COVER)
    world.job_finisher().finish_job(job_id)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    world.task_checker().check_task(job_id)
    cover = replace(AUDIO, kind="image", key="i", content_type="image/png")
    world.jobs.tracks.add_assets(job_id, world.tracks(job_id)["m-1"], [AUDIO, cover], {})
    world.job_finisher().finish_job(job_id)
    key = f"acme/{job_id}/manifest.json"
    manifest = json.loads(world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert [asset["kind"] for asset in manifest["tracks"][0]["assets"]] == ["audio", "image"]
    assert world.due() == []


def test_a_job_that_was_never_submitted_has_no_recovery(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE)
    world.task_checker().check_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert world.due() == []


def test_an_ended_job_with_a_waiting_execution_stays_due_until_the_sweep_wakes_it(world: World) -> None:
    job_id = world.accept()
    await_signal(world, job_id)
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "x"), now=world.now)
    world.job_finisher().finish_job(job_id)
    assert world.due() == [job_id]
    world.clock.sleep(10**4)
    assert world.job_reconciler().reconcile_jobs(always).woken == [job_id]
    assert world.executions.woken == ["token"]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    world.job_finisher().finish_job(job_id)
    assert world.due() == []
    assert len(world.bus.events) == 1


def test_a_synchronous_result_that_was_recorded_after_the_end_is_kept(world: World) -> None:
    job_id = lost_and_timed_out(world)
    world.jobs.tracks.record_result(job_id, {"lyrics": [{"title": "t", "text": "x"}]})
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    step = world.task_checker().check_task(job_id)
    assert step.next == "finish"
    assert world.job(job_id).attempts[0].answered
    assert world.task_checker().check_task(job_id).next == "finish"
    assert all(track.state is TrackState.STORED for track in world.tracks(job_id).values())


def anyint_reply(status: str, *songs: str) -> httpx.Response:
    data = [{"id": song, "audioUrl": f"https://cdn.example/{song}.mp3", "title": "T", "duration": 12.5} for song in songs]
    body = {"taskId": "J1", "status": status, "response": {"taskId": "J1", "sunoData": data}}
    return httpx.Response(200, json={"code": 200, "msg": "success", "data": body})


def test_an_end_recorded_by_an_earlier_check_is_announced(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "sad", "data": None})]
    world.task_checker().check_task(job_id)
    requests = len(world.wire.requests)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    assert len(world.wire.requests) == requests
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED


def test_the_rest_of_an_unfinished_task_is_fetched_when_it_arrives(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.generating("anyint")
    world.wire.answers = [anyint_reply("FIRST_SUCCESS", "a")]
    world.clock.sleep(DEADLINE)
    store(world, world.task_checker().check_task(job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert (world.view(job_id).partial, world.due()) == (True, [job_id])
    ended_execution(world, job_id)
    receiver.receive_callback(path(job_id, gateway="anyint"), b"{}", {}, world.now)
    assert (job_id, 1) in world.executions.states
    world.wire.answers = [anyint_reply("SUCCESS", "a", "b")]
    step = world.task_checker().check_task(job_id)
    assert step.tracks == ("b",)
    store(world, step)
    world.job_finisher().finish_job(job_id)
    assert (world.view(job_id).partial, world.due()) == (False, [])
    assert len(world.bus.events) == 1


def test_a_task_that_failed_late_keeps_its_good_track_and_is_partial(world: World) -> None:
    job_id = timed_out(world)
    world.wire.answers = [task(music(1), music(2, None), status="FAILED")]
    store(world, world.task_checker().check_task(job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).partial


@pytest.mark.parametrize("late", [True, False], ids=["after the end", "at the deadline"])
def test_a_late_success_waits_for_its_links(world: World, late: bool) -> None:
    job_id = timed_out(world) if late else world.generating()
    world.wire.answers = [task(music(1, None))]
    if not late:
        world.clock.sleep(DEADLINE)
        assert world.task_checker().check_task(job_id).next == "finish"
        assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    world.wire.answers = [task(music(1))]
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.task_checker().check_task(job_id).next == "store"


def test_i5_a_pending_event_is_sent_before_the_next_end(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(DEADLINE)
    world.task_checker().check_task(job_id)
    world.bus.refusals = 1
    with pytest.raises(EventNotSent):
        world.job_finisher().finish_job(job_id)
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=(LINK,)))
    world.jobs.tracks.store_track(job_id, "t", [AUDIO], {}, 1.0)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert [event["DetailType"] for event in world.bus.events] == ["job.timed_out", "job.succeeded"]


def test_i11_a_task_revealed_between_the_end_and_its_event_is_followed(world: World) -> None:
    job_id = world.accept()
    job = world.jobs.submissions.begin_submission(world.job(job_id), "i", FileTerms(), now=world.now, due_at=world.now)
    job = end_job(world.jobs, JobView(job), JobState.TIMED_OUT, NO_COVER["image"], now=world.now)
    world.jobs.submissions.accept_task(job, "J1", now=world.now, due_at=world.now)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)
    world.wire.answers = [task(music(1))]
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    store(world, world.task_checker().check_task(job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED


def test_i11_a_track_stored_between_the_last_look_and_the_end_makes_the_job_succeed(world: World) -> None:
    job_id = world.generating()
    job, before = world.start_storing(job_id), world.view(job_id)
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=(LINK,)))
    world.jobs.tracks.store_track(job_id, "t", [AUDIO], {}, 1.0)
    end_job(world.jobs, replace(before, job=job), JobState.FAILED, NO_COVER["image"], now=world.now)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert [event["DetailType"] for event in world.bus.events] == ["job.failed", "job.succeeded"]
