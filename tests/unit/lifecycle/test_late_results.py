"""A paid song is never given up while its gateway may still deliver it: reported failures, late links, cancelled jobs."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.record import DAY_SECONDS, TrackState
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.recovery import REPORTED_FAILURE_SECONDS
from suno_jobs.network.http import httpx
from suno_jobs.steps.check_task import NO_AUDIO_SECONDS
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.storage.receipts import ReceiptSource
from tests.builders import BODY, always, cancel, ended_execution, music, path, running, store, task
from tests.unit.gateways.acedata_samples import FINISHED
from tests.unit.gateways.acedata_samples import task as acedata_task
from tests.world import DEADLINE, PACE, World

FAILED = httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "too sad", "data": None})


def reported_failure(world: World) -> str:
    """A job that ended because its gateway reported that the task had failed."""
    job_id = world.generating()
    world.wire.answers = [FAILED]
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    ended_execution(world, job_id)
    return job_id


def check_again(world: World, job_id: str) -> NextStep:
    """The next run of recovery, when it is due."""
    world.clock.now = int(world.items("JOB")[0]["due_at"]["N"])
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    step = world.task_checker().check_task(job_id)
    ended_execution(world, job_id)
    return step


def test_a_task_that_was_reported_as_failed_and_succeeds_later_heals_its_job(world: World) -> None:
    job_id = reported_failure(world)
    world.wire.answers = [task(music(1), music(2))]
    step = check_again(world, job_id)
    assert (step.next, step.tracks) == ("store", ("m-1", "m-2"))
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    events = [(event["DetailType"], event["Detail"]["event_id"]) for event in world.bus.events]
    assert events == [("job.failed", f"{job_id}.failed"), ("job.succeeded", f"{job_id}.succeeded")]
    assert world.due() == []


@pytest.mark.parametrize("answer", [FAILED, running(), httpx.ReadTimeout("t"), httpx.Response(500)], ids=str)
def test_a_reported_failure_is_checked_three_times_and_stays(world: World, answer: Any) -> None:
    job_id = reported_failure(world)
    ended_at = world.now
    world.wire.answers = [answer]
    ages = []
    while world.due(10**7):
        assert check_again(world, job_id) == NextStep(job_id, "finish")
        ages.append(world.now - ended_at)
        assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    assert tuple(ages) == REPORTED_FAILURE_SECONDS
    assert [event["DetailType"] for event in world.bus.events] == ["job.failed"]


def test_a_track_that_was_reported_as_failed_and_appears_later_is_stored(world: World) -> None:
    """Its task has succeeded with the other one."""
    job_id = world.generating("acedata")

    def report(second: str | None) -> httpx.Response:
        songs = [{"id": "a", "state": "succeeded", "audio_url": "https://cdn.example/a.mp3"}]
        songs += [{"id": "b", "state": "succeeded", "audio_url": second} if second else {"id": "b", "state": "error"}]
        return httpx.Response(200, json=acedata_task({"success": True, "data": songs}, **FINISHED))

    world.wire.answers = [report(None)]
    store(world, world.task_checker().check_task(job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    ended_execution(world, job_id)
    ended_at, ages = world.now, []
    assert (world.view(job_id).partial, world.job(job_id).recoverable_until) == (True, ended_at + 25 * 3600)
    for second in (None, None, None, "https://cdn.example/b.mp3"):
        world.wire.answers = [report(second)]
        step = check_again(world, job_id)
        ages.append(world.now - ended_at)
        store(world, step)
        assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert tuple(ages) == REPORTED_FAILURE_SECONDS
    assert (world.view(job_id).partial, world.due()) == (False, [])


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_second_task_that_was_reported_as_failed_and_succeeds_later_is_stored(world: World, cancelled: bool) -> None:
    """Its job has the song of the first one, so that nothing else is left to fetch."""
    job_id = world.generating()
    world.jobs.submissions.accept_task(world.job(job_id), "J2", now=world.now, due_at=world.now)

    def answer(request: httpx.Request) -> httpx.Response:
        return task(music(1)) if request.url.params["jobId"] == "J1" else second

    second = FAILED
    world.wire.answers = [answer]
    if cancelled:
        cancel(world, job_id)
        world.job_finisher().finish_job(job_id)
        ended_execution(world, job_id)
        store(world, check_again(world, job_id))
    else:
        store(world, world.task_checker().check_task(job_id))
    state = JobState.CANCELLED if cancelled else JobState.SUCCEEDED
    assert world.job_finisher().finish_job(job_id) is state
    ended_execution(world, job_id)
    assert [track.attempt for track in world.view(job_id).tracks] == [0]
    second = task(music(2))
    store(world, check_again(world, job_id))
    assert world.job_finisher().finish_job(job_id) is state
    assert [track.attempt for track in world.view(job_id).tracks] == [0, 1]
    assert world.due() == []


def test_what_was_refused_before_a_task_existed_is_not_checked_again(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.Response(402, json={"status": "FAILED", "message": "no money", "data": None})]
    world.task_creator().create_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    assert world.due() == []


def test_links_that_arrive_a_minute_after_the_success_are_waited_for(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None), music(2, None))]
    for _ in range(5):  # as callbacks do that come one after the other
        assert world.task_checker().check_task(job_id).next == "wait"
        world.clock.sleep(1)
    world.clock.sleep(60)
    world.wire.answers = [task(music(1), music(2))]
    assert world.task_checker().check_task(job_id).tracks == ("m-1", "m-2")


def test_a_success_without_any_link_times_out_at_the_deadline_and_recovers(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None))]
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(NO_AUDIO_SECONDS * 2)
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(DEADLINE - NO_AUDIO_SECONDS * 2)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    fault = world.job(job_id).fault
    assert fault is not None
    assert fault.code is ErrorCode.NO_AUDIO
    ended_execution(world, job_id)
    world.wire.answers = [task(music(1))]
    store(world, check_again(world, job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED


def test_of_two_tracks_the_one_without_a_link_is_recovered_later(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None))]
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(NO_AUDIO_SECONDS)
    step = world.task_checker().check_task(job_id)
    assert step.tracks == ("m-1",)
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).partial is True
    ended_execution(world, job_id)
    world.wire.answers = [task(music(1), music(2))]
    store(world, check_again(world, job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert (world.view(job_id).partial, world.due()) == (False, [])


def test_a_job_whose_only_file_was_refused_times_out_since_a_better_file_may_come(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).tracks == ("m-1",)
    world.jobs.tracks.fail_track(job_id, "m-1", Fault(ErrorCode.ASSET_TOO_LARGE, "2 GB"), final=True)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert world.job(job_id).recoverable_until is not None


def test_a_failure_that_is_reported_after_a_file_was_refused_does_not_end_the_recovery(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    world.task_checker().check_task(job_id)
    world.jobs.tracks.fail_track(job_id, "m-1", Fault(ErrorCode.ASSET_TOO_LARGE, "2 GB"), final=True)
    world.wire.answers = [FAILED]
    assert world.task_checker().check_task(job_id).next == "store"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    job = world.job(job_id)
    assert job.fault is not None
    assert (job.fault.code, job.recoverable_until is not None) == (ErrorCode.ASSET_TOO_LARGE, True)


def test_the_song_of_a_job_that_was_cancelled_after_payment_is_stored_and_the_job_stays_cancelled(world: World) -> None:
    job_id = world.generating()
    cancel(world, job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    ended_execution(world, job_id)
    world.wire.answers = [task(music(1))]
    store(world, check_again(world, job_id))
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    assert world.tracks(job_id)["m-1"].state is TrackState.STORED
    assert [event["DetailType"] for event in world.bus.events] == ["job.cancelled"]
    assert world.due() == []


def test_a_cancelled_job_learns_the_task_of_its_lost_submission(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.task_creator().create_task(job_id)
    cancel(world, job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    ended_execution(world, job_id)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert (job_id, 1) in world.executions.states
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).tracks == ("m-1",)
    assert (world.job(job_id).state, world.job(job_id).task_id) == (JobState.CANCELLED, "J1")


def test_a_cancelled_job_that_was_never_submitted_is_over(world: World) -> None:
    job_id = world.accept()
    cancel(world, job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    assert world.due() == []


def test_recovery_waits_for_a_slot_of_the_rate_limiter(world: World) -> None:
    job_id = reported_failure(world)
    world.clock.sleep(DAY_SECONDS)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, BODY, gateway="ttapi", now=world.now)
    world.use_up_slots(job_id)
    step = world.task_checker().check_task(job_id)
    assert step.next == "wait"
    assert step.wait_seconds <= PACE.longest
