"""A job that was submitted twice: both tasks may be paid for, so every task that becomes known is read and stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.cli.explain import explain
from suno_jobs.errors import ErrorCode, NoSlot
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.jobs.record import Attempt, TaskEnd
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.jobs.views import events_view
from suno_jobs.lifecycle.lost_submission import SUBMIT_SECONDS
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.lifecycle.task_reader import SLOW_READ_SECONDS
from suno_jobs.lifecycle.task_reports import record_report, with_distinct_ids
from suno_jobs.network.http import httpx
from suno_jobs.storage.receipts import ReceiptSource
from suno_jobs.traffic.calls import GatewayCalls
from tests.builders import ended_execution, music, running, store, task
from tests.world import DEADLINE, GRACE, START, World

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
FAILED = task(status="FAILED")
NOT_FOUND = httpx.Response(404, json={"status": "FAILED", "message": "job not found"})
SONG_1, SONG_2 = task(music(1)), task(music(2))


def resubmitted(world: World, second: Answer) -> str:
    """A job whose first answer was lost, and whose second submission gets that answer."""
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}, "ambiguous_submit": "resubmit"}
    job_id = world.job_submitter().submit_job("acme", body, "k")[0].job.job_id
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.task_creator().create_task(job_id)
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "submit"
    world.wire.answers = [second]
    world.task_creator().create_task(job_id)
    return job_id


def accepted(task_id: str) -> httpx.Response:
    return httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": task_id}})


@pytest.fixture
def twice(world: World) -> str:
    """A resubmitted job whose second task is J2."""
    return resubmitted(world, accepted("J2"))


def call_back(world: World, job_id: str, task_id: str = "J1") -> None:
    body = f'{{"jobId": "{task_id}", "status": "SUCCESS"}}'.encode()
    world.receipts.record(job_id, ReceiptSource.CALLBACK, body, gateway="ttapi", now=world.now)


def gateway(world: World, **by_task: Answer) -> None:
    """What the gateway answers about each task."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = by_task[request.url.params["jobId"]]
        if isinstance(found, Exception):
            raise found
        return found(request) if callable(found) else found

    world.wire.answers = [answer]


def check(world: World, job_id: str) -> NextStep:
    """A check with free slots of the rate limiter."""
    world.clock.sleep(1)
    return world.task_checker().check_task(job_id)


def finish(world: World, job_id: str, step: NextStep | None = None) -> str:
    if step:
        store(world, step)
    state = world.job_finisher().finish_job(job_id)
    ended_execution(world, job_id)
    return state


def test_every_submission_is_an_attempt(world: World, twice: str) -> None:
    job = world.job(twice)
    assert job.attempts == (Attempt(START), Attempt(START + GRACE, "J2"))
    assert [(event["state"], event["error"], event["task_id"]) for event in events_view(job)] == [
        ("ACCEPTED", None, None),
        ("SUBMITTING", None, None),
        ("SUBMIT_UNKNOWN", "ambiguous", None),
        ("SUBMIT_UNKNOWN", None, "J2"),
        ("GENERATING", None, None),
    ]


def test_i11_the_song_of_the_first_task_is_stored_when_the_second_one_fails(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=SONG_1, J2=FAILED)
    step = check(world, twice)
    assert (step.next, step.tracks) == ("store", ("m-1",))
    assert world.job(twice).attempts == (
        Attempt(START, "J1", TaskEnd.COMPLETE),
        Attempt(START + GRACE, "J2", TaskEnd.INCOMPLETE),
    )
    assert finish(world, twice, step) is JobState.SUCCEEDED
    assert not world.view(twice).partial
    assert world.due() == [twice], "the second task, which was paid for as well, may still succeed"


def test_i11_the_songs_of_both_tasks_are_stored(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=SONG_1, J2=SONG_2)
    step = check(world, twice)
    assert step.tracks == ("m-1", "m-2")
    assert [(track.track_id, track.attempt) for track in world.view(twice).tracks] == [("m-1", 0), ("m-2", 1)]
    assert finish(world, twice, step) is JobState.SUCCEEDED
    assert world.due() == []


def test_i11_a_song_of_the_first_task_is_stored_after_the_job_has_succeeded(world: World, twice: str) -> None:
    gateway(world, J2=SONG_2)
    assert finish(world, twice, check(world, twice)) is JobState.SUCCEEDED
    assert (world.view(twice).partial, world.due()) == (False, [twice])
    call_back(world, twice)
    gateway(world, J1=SONG_1)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    step = check(world, twice)
    assert (step.next, step.tracks) == ("store", ("m-1",))
    assert finish(world, twice, step) is JobState.SUCCEEDED
    assert world.due() == []
    assert [event["DetailType"] for event in world.bus.events] == ["job.succeeded"]


def test_a_song_is_not_kept_waiting_by_the_other_task(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=running(), J2=SONG_2)
    step = check(world, twice)
    assert step.tracks == ("m-2",)
    assert finish(world, twice, step) is JobState.SUCCEEDED
    gateway(world, J1=SONG_1)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert check(world, twice).tracks == ("m-1",)


def test_a_failed_task_does_not_end_the_job_while_the_other_one_is_running(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=running(), J2=FAILED)
    assert check(world, twice).next == "wait"
    gateway(world, J1=FAILED, J2=FAILED)
    assert check(world, twice).next == "finish"
    assert finish(world, twice) is JobState.FAILED


def test_a_job_is_not_failed_while_the_first_submission_is_unknown(world: World, twice: str) -> None:
    gateway(world, J2=FAILED)
    assert check(world, twice).next == "finish"
    assert finish(world, twice) is JobState.TIMED_OUT
    job = world.job(twice)
    assert (job.fault and job.fault.code, job.charged) == (ErrorCode.AMBIGUOUS, Charged.YES)
    call_back(world, twice)
    gateway(world, J1=SONG_1, J2=FAILED)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert finish(world, twice, check(world, twice)) is JobState.SUCCEEDED


def test_i11_two_tasks_that_only_callbacks_name_are_both_stored(world: World) -> None:
    job_id = resubmitted(world, httpx.ReadTimeout("lost"))
    for task_id in ("J1", "J2"):
        call_back(world, job_id, task_id)
    gateway(world, J1=SONG_1, J2=SONG_2)
    assert check(world, job_id).tracks == ("m-1", "m-2")
    assert world.job(job_id).tasks == ("J1", "J2")


def test_i11_the_second_late_callback_is_not_ignored(world: World) -> None:
    job_id = resubmitted(world, httpx.ReadTimeout("lost"))
    world.clock.sleep(GRACE)
    assert check(world, job_id).next == "finish"
    assert finish(world, job_id) is JobState.TIMED_OUT
    for task_id, song, track_id in (("J1", SONG_1, "m-1"), ("J2", SONG_2, "m-2")):
        world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
        call_back(world, job_id, task_id)
        gateway(world, **{task_id: song})
        step = check(world, job_id)
        assert step.tracks == (track_id,)
        assert finish(world, job_id, step) is JobState.SUCCEEDED
    assert world.due() == []


def test_i11_before_a_job_ends_without_a_song_every_named_task_is_read(world: World) -> None:
    """The gateway accepted one submission, but its callback names another task."""
    job_id = world.generating()
    call_back(world, job_id, "J9")
    gateway(world, J1=FAILED, J9=SONG_1)
    assert check(world, job_id).tracks == ("m-1",)
    assert world.job(job_id).tasks == ("J1", "J9")


@pytest.mark.parametrize("broken", [NOT_FOUND, httpx.ConnectTimeout("x")], ids=["unknown", "unreachable"])
def test_a_named_task_that_cannot_be_read_keeps_the_job_from_failing(world: World, broken: Answer) -> None:
    job_id = world.generating()
    call_back(world, job_id, "J9")
    gateway(world, J1=FAILED, J9=broken)
    assert check(world, job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert check(world, job_id).next == "finish"
    assert finish(world, job_id) is JobState.TIMED_OUT
    assert world.due() == [job_id]


def test_i11_a_first_answer_that_arrives_after_the_second_submission_is_kept(world: World) -> None:
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}, "ambiguous_submit": "resubmit"}
    job_id = world.job_submitter().submit_job("acme", body, "k")[0].job.job_id

    def answer_late(_: httpx.Request) -> httpx.Response:
        world.wire.answers = [accepted("J2")]
        steps = []
        for seconds in (SUBMIT_SECONDS, GRACE):
            world.clock.sleep(seconds)
            steps.append(check(world, job_id).next)
        assert steps[-1] == "submit"
        world.task_creator().create_task(job_id)
        return accepted("J1")

    world.wire.answers = [answer_late]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.tasks) == (JobState.GENERATING, ("J1", "J2"))


def test_without_a_slot_for_a_named_task_the_job_does_not_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = world.generating()
    call_back(world, job_id, "J9")
    gateway(world, J1=FAILED)
    slots(monkeypatch, 1)
    assert check(world, job_id).next == "wait"


def test_a_source_is_referred_to_by_its_own_task(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=SONG_1, J2=SONG_2)
    check(world, twice)
    asked = [world.accept(kind="stems", key=name, source={"job_id": twice, "track_id": name}) for name in ("m-1", "m-2")]
    assert [world.jobs.request(job_id)["sources"][0]["task_id"] for job_id in asked] == ["J1", "J2"]


def test_the_operator_sees_every_attempt(world: World, twice: str) -> None:
    gateway(world, J2=SONG_2)
    check(world, twice)
    lines = [line.strip() for line in explain(world.view(twice), []) if line.startswith("  attempt")]
    assert lines == [
        "attempt 1 at 2027-01-15 08:00:00: answer lost, task unknown",
        "attempt 2 at 2027-01-15 08:05:00: task J2, complete",
    ]


def slow(world: World, answer: httpx.Response) -> Answer:
    def wait(_: httpx.Request) -> httpx.Response:
        world.clock.sleep(SLOW_READ_SECONDS)
        return answer

    return wait


def test_after_a_slow_read_the_other_task_is_left_to_the_next_check(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=slow(world, running()), J2=slow(world, running()))
    check(world, twice)
    world.wire.requests.clear()
    for _ in range(4):
        assert check(world, twice).next == "wait"
    asked = [request.url.params["jobId"] for request in world.wire.requests]
    assert len(asked) == 4
    assert {*asked} == {"J1", "J2"}


def slots(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Leaves that many slots of the rate limiter for the next requests."""
    taken, real = [0], GatewayCalls.take_slot

    def take(self: GatewayCalls, job: Any) -> None:
        taken[0] += 1
        if taken[0] > count:
            raise NoSlot(1)
        real(self, job)

    monkeypatch.setattr(GatewayCalls, "take_slot", take)


def test_without_a_slot_for_the_second_task_the_first_one_counts(
    world: World, twice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_back(world, twice)
    gateway(world, J1=running(), J2=running())
    assert check(world, twice).next == "wait"
    gateway(world, J1=SONG_1, J2=SONG_2)
    slots(monkeypatch, 1)
    step = check(world, twice)
    assert (step.next, len(step.tracks)) == ("store", 1)


def test_a_renamed_track_keeps_its_name_and_overwrites_none(world: World, twice: str) -> None:
    call_back(world, twice)
    gateway(world, J1=running(), J2=running())
    check(world, twice)
    job = world.job(twice)
    tracks = tuple(TaskTrack(name, (Link("audio", "https://cdn.example/a.mp3"),)) for name in ("track-1", "same"))
    report = TaskReport(TaskStatus.SUCCEEDED, tracks)
    names = []
    for attempt in (0, 1, 1, 0):
        distinct = with_distinct_ids(world.jobs, job, attempt, report)
        record_report(world.jobs, job, attempt, distinct)
        names.append([track.track_id for track in distinct.tracks])
    first, second = ["track-1", "same"], ["track-201", "track-202"]
    assert names == [first, second, second, first]
    assert [(track.track_id, track.attempt) for track in world.view(twice).tracks] == [
        ("track-1", 0),
        ("same", 0),
        ("track-201", 1),
        ("track-202", 1),
    ]
