"""Recovery goes on as long as a song may still be saved, also after a reported failure and after a cancellation."""

from __future__ import annotations

from suno_jobs.errors import AssetNotReady, ErrorCode, Fault
from suno_jobs.jobs.record import DAY_SECONDS
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from tests.builders import always, cancel, ended_execution, music, running, store, task
from tests.world import World

FAILED = httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "too sad", "data": None})


def recover(world: World, job_id: str) -> tuple[str, ...]:
    """The next run of recovery, when it is due; returns the tracks to store."""
    world.clock.now = int(world.items("JOB")[0]["due_at"]["N"])
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    ended_execution(world, job_id)
    return world.task_checker().check_task(job_id).tracks


def test_a_song_that_appears_after_a_failure_is_fetched_until_it_is_stored(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [FAILED]
    world.task_checker().check_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    ended_execution(world, job_id)
    failed_at = world.now
    world.wire.answers = [task(music(1))]
    not_ready = AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 503")).fault
    while world.now < failed_at + 2 * DAY_SECONDS:
        assert recover(world, job_id) == ("m-1",)
        world.jobs.tracks.fail_track(job_id, "m-1", not_ready, final=False)
        assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    step = world.task_checker().check_task(job_id)
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.due() == []


def test_i11_a_success_without_audio_after_a_failure_is_read_for_as_long_as_files_are_kept(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [FAILED]
    world.task_checker().check_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    ended_execution(world, job_id)
    failed_at, files_end = world.now, world.job(job_id).deadline_at + world.job(job_id).file_terms.kept_seconds
    world.wire.answers = [task(music(1, None))]
    while world.now < failed_at + 2 * DAY_SECONDS:
        assert recover(world, job_id) == ()
        assert world.job_finisher().finish_job(job_id) is JobState.FAILED
        assert world.job(job_id).recoverable_until == files_end
    world.wire.answers = [task(music(1))]
    assert recover(world, job_id) == ("m-1",)


def test_a_cancelled_job_waits_for_the_links_of_its_tracks(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None))]
    assert world.task_checker().check_task(job_id).next == "wait"
    cancel(world, job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    ended_execution(world, job_id)
    world.wire.answers = [task(music(1))]
    assert recover(world, job_id) == ("m-1",)


def test_a_cancelled_job_is_over_when_its_result_is_recorded(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.task_checker().check_task(job_id)
    world.jobs.tracks.record_result(job_id, {"audio_id": "a-1"})
    world.start_storing(job_id)
    cancel(world, job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    assert world.due() == []
