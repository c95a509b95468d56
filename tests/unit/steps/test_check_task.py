import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.errors import Conflict, ErrorCode, Fault, JobNotFound
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import FileTerms, Job, TaskEnd, TrackState
from suno_jobs.jobs.schedule import GIVE_UP_SECONDS, UNREAD_SECONDS, NextStep
from suno_jobs.jobs.states import Cause, JobState, Progress
from suno_jobs.lifecycle.lost_submission import SUBMIT_SECONDS
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.lifecycle.resuming import CHECKS_PER_EXECUTION
from suno_jobs.lifecycle.task_reports import record_report
from suno_jobs.network.http import httpx
from suno_jobs.steps.check_task import CHECK_SECONDS, NO_AUDIO_SECONDS, report_step
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptSource, ReceiptStore
from suno_jobs.traffic.calls import GatewayCalls
from tests.builders import AUDIO, Denied, await_signal, hanging, lost, music, running, task, use_accounts
from tests.world import DEADLINE, GRACE, PACE, RECEIPTS, TABLE, FixedSecret, World


def check_until_decided(world: World, job_id: str) -> NextStep:
    step = world.task_checker().check_task(job_id)
    while step.next == "wait":
        world.clock.sleep(step.wait_seconds)
        step = world.task_checker().check_task(job_id)
    return step


def test_an_unknown_job_is_an_error_and_creates_nothing(world: World) -> None:
    with pytest.raises(JobNotFound):
        world.task_checker().check_task("job_unknown")
    assert world.items("") == []


def test_the_tracks_of_a_finished_task_are_recorded_and_stored_next(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "store", 30, ("m-1", "m-2"))
    job = world.job(job_id)
    assert (job.state, job.progress) == (JobState.STORING, Progress.COMPLETE)
    track = world.tracks(job_id)["m-1"]
    assert (track.state, track.title, track.duration_seconds) == (TrackState.READY, "Rain", 12.5)
    assert len(world.items("RECEIPT#status#")) == 1


def test_a_running_task_is_checked_when_its_callback_is_overdue_and_then_at_growing_intervals(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(30)
    waits = []
    for _ in range(5):
        step = world.task_checker().check_task(job_id)
        assert step.next == "wait"
        waits.append(step.wait_seconds)
        world.clock.sleep(step.wait_seconds)
    assert waits == [PACE.first_check - 30, 45, 60, 60, 60]
    assert world.items("RECEIPT#") == []


def test_no_wait_exceeds_the_deadline_at_which_the_job_times_out(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(DEADLINE - 10)
    assert world.task_checker().check_task(job_id).wait_seconds == 10
    world.clock.sleep(10)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.DEADLINE_EXCEEDED)


def test_a_check_clears_earlier_signals_and_keeps_one_that_arrives_during_it(world: World) -> None:
    job_id = world.generating()
    world.jobs.signals.signal(job_id, Cause.CALLBACK)

    def gateway(_: httpx.Request) -> httpx.Response:
        assert "signalled" not in world.items("JOB")[0]
        world.jobs.signals.signal(job_id, Cause.CALLBACK)
        return running()

    world.wire.answers = [gateway]
    world.task_checker().check_task(job_id)
    assert "signalled" in world.items("JOB")[0]


@pytest.mark.parametrize(
    "broken", [httpx.ReadTimeout("t"), httpx.Response(500, text="x"), httpx.Response(200, text="<html>")], ids=str
)
def test_a_failed_read_reveals_nothing_about_the_task(world: World, broken: Any) -> None:
    job_id = world.generating()
    world.wire.answers = [broken]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert world.job(job_id).state is JobState.GENERATING
    assert world.job(job_id).ended_at is None


def test_a_read_that_needs_an_operator_is_repeated_at_the_longest_interval(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(401, json={"status": "FAILED", "message": "bad key"})]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", PACE.longest)


def test_a_failed_read_at_the_deadline_times_the_job_out(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.ReadTimeout("t")]
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert job.state is JobState.TIMED_OUT
    assert job.fault is not None
    assert job.fault.retryable
    assert "before the job's deadline" in job.fault.message
    assert "ReadTimeout" in job.fault.message


def test_an_unreadable_reply_is_stored_completely(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(200, text="<html>")]
    world.task_checker().check_task(job_id)
    world.task_checker().check_task(job_id)
    [item] = world.items("RECEIPT#status#")
    assert zlib.decompress(item["body"]["B"]) == b"<html>"
    assert item["times"] == {"N": "2"}


def test_an_unknown_status_means_still_running_and_is_reported(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = world.generating()
    world.wire.answers = [task(status="PONDERING")]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert "UnknownStatusWord" in capsys.readouterr().out
    assert [record.__dict__["word"] for record in caplog.records] == ["PONDERING"]
    assert len(world.items("RECEIPT#status#")) == 1


def test_a_failed_task_fails_the_job_with_the_gateways_reason(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "too sad", "data": None})]
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert job.state is JobState.FAILED
    assert job.fault is not None
    assert "too sad" in job.fault.message


def test_audio_that_arrives_shortly_after_success_is_stored(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None)), task(music(1))]
    world.task_checker().check_task(job_id)
    assert world.task_checker().check_task(job_id).tracks == ("m-1",)


def test_a_good_track_of_a_failed_task_is_stored(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None), status="FAILED")]
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.tracks) == ("store", ("m-1",))
    assert world.job(job_id).attempts[0].end is TaskEnd.INCOMPLETE


def test_a_good_track_of_a_success_is_stored_if_the_other_never_arrives(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None))]
    began = world.now
    assert check_until_decided(world, job_id).tracks == ("m-1",)
    assert NO_AUDIO_SECONDS <= world.now - began < DEADLINE


def test_the_job_waits_for_a_second_link_that_arrives_later(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None)), task(music(1), music(2))]
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(PACE.interval)
    assert world.task_checker().check_task(job_id).tracks == ("m-1", "m-2")
    assert world.job(job_id).attempts[0].end is TaskEnd.COMPLETE


@pytest.mark.parametrize("later", [task(status="FAILED"), task(music(1, None), status="FAILED"), task(music(1, None))], ids=str)
def test_a_link_that_was_reported_once_is_never_lost(world: World, later: httpx.Response) -> None:
    job_id = world.generating()
    ready = TaskTrack("m-1", (Link("audio", "https://cdn.example/1.mp3"),))
    record_report(world.jobs, world.job(job_id), 0, TaskReport(TaskStatus.FIRST_READY, (ready,)))
    world.wire.answers = [later]
    step = check_until_decided(world, job_id)
    assert (step.next, step.tracks) == ("store", ("m-1",))


def test_a_link_that_reappears_is_used(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None)), task(music(1))]
    world.task_checker().check_task(job_id)
    assert world.tracks(job_id)["m-1"].fault is not None
    world.clock.sleep(PACE.interval)
    assert world.task_checker().check_task(job_id).tracks == ("m-1",)
    assert world.tracks(job_id)["m-1"].fault is None


def test_tracks_without_an_id_are_not_recorded(world: World) -> None:
    job_id = world.generating("anyint")
    body = {
        "taskId": "J1",
        "status": "TEXT_SUCCESS",
        "response": {"taskId": "J1", "sunoData": [{"title": "T"}, {"title": "T"}]},
    }
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": body})]
    world.task_checker().check_task(job_id)
    assert world.tracks(job_id) == {}


def test_an_end_based_on_a_stale_read_is_a_conflict(world: World) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    world.jobs.submissions.begin_submission(world.job(job_id), "i1", FileTerms(), now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.finish(stale, JobState.TIMED_OUT, Fault(ErrorCode.DEADLINE_EXCEEDED, "x"), now=world.now)
    world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, Fault(ErrorCode.AMBIGUOUS, "x"), now=world.now)
    with pytest.raises(Conflict):
        world.jobs.finish(world.job(job_id), JobState.CANCELLED, Fault(ErrorCode.QUOTA, "y"), now=world.now)


def test_i6_an_overdue_job_ends_even_if_the_accounts_secret_is_malformed(world: World) -> None:
    job_id = world.generating()
    use_accounts(world, FixedSecret("not an object"))
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"


def test_a_stored_track_is_not_stored_again(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    world.task_checker().check_task(job_id)
    world.jobs.tracks.store_track(job_id, "m-1", [AUDIO], {}, 12.4)
    assert world.task_checker().check_task(job_id).tracks == ("m-2",)
    assert world.tracks(job_id)["m-1"].duration_seconds == 12.4
    world.clock.sleep(1)
    world.jobs.tracks.store_track(job_id, "m-2", [AUDIO], {}, 12.4)
    assert world.task_checker().check_task(job_id).next == "finish"


def test_a_decided_job_is_finished_without_calling_the_gateway(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(status="FAILED")]
    world.task_checker().check_task(job_id)
    before = world.job(job_id)
    requests = len(world.wire.requests)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    assert len(world.wire.requests) == requests
    assert world.job(job_id).state is before.state


def test_a_job_that_was_never_submitted_is_submitted(world: World) -> None:
    job_id = world.accept()
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "submit", PACE.interval)


def test_a_refused_job_waits_until_it_may_be_submitted_again(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "x"}, headers={"Retry-After": "50"})]
    world.task_creator().create_task(job_id)
    world.clock.sleep(20)
    left = PACE.jittered(world.job(job_id), 50) - 20
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", left)
    world.clock.sleep(left)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "submit", PACE.interval)
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.RATE_LIMITED)


def test_an_intent_counts_as_lost_once_its_function_can_no_longer_run(world: World) -> None:
    job_id = world.accept()
    world.jobs.submissions.begin_submission(world.job(job_id), "i1", FileTerms(), now=world.now, due_at=world.now)
    world.clock.sleep(10)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", SUBMIT_SECONDS - 10)
    assert world.job(job_id).state is JobState.SUBMITTING
    world.clock.sleep(SUBMIT_SECONDS - 10)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", GRACE)
    assert world.job(job_id).state is JobState.SUBMIT_UNKNOWN
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)


def test_a_callback_reveals_the_task_of_a_lost_submission(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b"not JSON", gateway="ttapi", now=world.now)
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = [task(music(1), music(2))]
    assert world.task_checker().check_task(job_id).tracks == ("m-1", "m-2")
    job = world.job(job_id)
    assert (job.state, job.task_id, job.fault) == (JobState.STORING, "J1", None)


def test_an_adopted_task_that_runs_is_due_soon(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "ON_QUEUE"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = [running()]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert world.due(after=PACE.longest + PACE.slack) == [job_id]


def test_the_first_end_stands(world: World) -> None:
    job_id = world.generating()
    job = world.job(job_id)
    world.jobs.finish(job, JobState.TIMED_OUT, Fault(ErrorCode.DEADLINE_EXCEEDED, "late"), now=world.now)
    with pytest.raises(Conflict):
        world.jobs.finish(job, JobState.FAILED, Fault(ErrorCode.GENERATION_FAILED, "no"), now=world.now)
    assert world.job(job_id).state is JobState.TIMED_OUT


class ReadRecorder:
    """A client that records its eventually consistent reads."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.inconsistent: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def get_item(self, **arguments: Any) -> Any:
        self._record("get_item", arguments)
        return self.client.get_item(**arguments)

    def get_paginator(self, operation: str) -> Any:
        def paginate(**arguments: Any) -> Any:
            self._record(operation, arguments)
            return self.client.get_paginator(operation).paginate(**arguments)

        return SimpleNamespace(paginate=paginate)

    def _record(self, operation: str, arguments: dict[str, Any]) -> None:
        if not arguments.get("ConsistentRead"):
            self.inconsistent.append(arguments.get("IndexName", operation))


def test_no_decision_uses_an_eventually_consistent_read(world: World) -> None:
    """Only reads of the due index may be stale: DynamoDB offers no others, and every write that follows is conditional."""
    world.dynamodb = reads = ReadRecorder(world.dynamodb)
    world.jobs = JobStore(reads, TABLE)  # type: ignore[arg-type]
    world.receipts = ReceiptStore(reads, TABLE, lambda: world.s3, RECEIPTS, ttl_days=1)  # type: ignore[arg-type]
    job_id = lost(world)
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = [task(music(1))]
    step = world.task_checker().check_task(job_id)
    world.jobs.tracks.store_track(job_id, step.tracks[0], [AUDIO], {}, 12.5)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert reads.inconsistent == []
    world.due()
    assert set(reads.inconsistent) == {"due"}


def test_i8_a_callback_that_names_a_task_the_gateway_does_not_know_is_not_believed(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "forged", "status": "SUCCESS"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = [httpx.Response(404, json={"status": "FAILED", "message": "not found"})]
    assert world.task_checker().check_task(job_id).next == "wait"
    job = world.job(job_id)
    assert (job.state, job.task_id) == (JobState.SUBMIT_UNKNOWN, None)
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.TIMED_OUT


def test_i7_without_a_slot_the_gateway_is_not_asked(world: World) -> None:
    job_id = world.generating()
    world.use_up_slots(job_id)
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.wait_seconds <= 2) == ("wait", True)
    assert world.wire.requests == []


def test_i7_a_gateway_without_slots_does_not_delay_others(world: World) -> None:
    slowest, *others = sorted(GATEWAYS.values(), key=lambda each: each.rate.requests / each.rate.seconds)
    world.use_up_slots(world.accept(slowest.name))
    for other in others:
        world.calls().take_slot(world.job(world.accept(other.name, f"key-{other.name}")))


def test_a_job_whose_account_was_removed_waits(world: World) -> None:
    job_id = world.generating()
    use_accounts(world, FixedSecret({}))
    assert world.task_checker().check_task(job_id).next == "wait"


def test_progress_is_recorded_and_never_decreases(world: World) -> None:
    job_id = world.generating("anyint")

    def stage(status: str, *data: dict[str, Any]) -> httpx.Response:
        body = {"taskId": "J1", "status": status, "response": {"taskId": "J1", "sunoData": list(data)}}
        return httpx.Response(200, json={"code": 200, "msg": "success", "data": body})

    first = {"id": "a", "audioUrl": "https://cdn.example/a.mp3", "title": "T", "duration": 3.0}
    recorded = []
    for answer in (stage("PENDING"), stage("TEXT_SUCCESS"), stage("FIRST_SUCCESS", first, {"id": "b"}), stage("TEXT_SUCCESS")):
        world.wire.answers = [answer]
        assert world.task_checker().check_task(job_id).next == "wait"
        recorded.append(world.job(job_id).progress)
    assert recorded == [Progress.QUEUED, Progress.TEXT, Progress.FIRST, Progress.FIRST]
    assert {name: track.state for name, track in world.tracks(job_id).items()} == {"a": "ready"}
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).tracks == ("a",)


def test_a_job_that_changed_during_the_check_is_checked_again(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', gateway="ttapi", now=world.now
    )

    def gateway(_: httpx.Request) -> httpx.Response:
        world.jobs.submissions.accept_task(world.job(job_id), "J1", now=world.now, due_at=world.now)
        return running()

    world.wire.answers = [gateway]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", 1)


def test_i6_an_overdue_job_ends_even_if_no_slot_is_free(world: World) -> None:
    job_id = world.generating()
    world.clock.sleep(DEADLINE)
    world.use_up_slots(job_id)
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(PACE.slack)
    world.use_up_slots(job_id)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.TIMED_OUT


class Stopped(BaseException):
    """Lambda stops the function."""


def read_that_never_returns(world: World, job_id: str) -> None:
    """From the deadline until the function is stopped."""

    def stop(_: httpx.Request) -> httpx.Response:
        raise Stopped

    world.clock.sleep(DEADLINE)
    world.wire.answers = [stop]
    with pytest.raises(Stopped):
        world.task_checker().check_task(job_id)
    world.clock.sleep(CHECK_SECONDS)
    world.wire.answers = []


def test_i6_a_job_whose_reads_never_return_is_settled_from_the_table(world: World) -> None:
    """The function is stopped during each of them."""
    job_id = world.generating()
    read_that_never_returns(world, job_id)
    world.clock.sleep(GIVE_UP_SECONDS - CHECK_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.TIMED_OUT
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    world.wire.answers = [task(music(1))]
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.task_checker().check_task(job_id).next == "store"


def test_i6_the_tracks_in_the_table_are_stored_when_no_read_returns(world: World) -> None:
    job_id = world.generating()
    track = TaskTrack("m-1", links=(Link("audio", "https://cdn.example/a.mp3"),))
    record_report(world.jobs, world.job(job_id), 0, TaskReport(TaskStatus.FIRST_READY, (track,)))
    read_that_never_returns(world, job_id)
    world.clock.sleep(GIVE_UP_SECONDS - CHECK_SECONDS)
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.tracks) == ("store", ("m-1",))


def test_a_slow_read_after_the_deadline_is_repeated(world: World) -> None:
    job_id = world.generating()
    read_that_never_returns(world, job_id)
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"


def test_a_job_that_no_check_has_read_since_its_deadline_is_read_late(world: World) -> None:
    """Its execution had died, and a sweep found it. A repeated write is no earlier check."""
    job_id = world.generating()
    world.clock.sleep(DEADLINE + GIVE_UP_SECONDS)
    world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"


def test_i6_a_job_is_not_read_for_ever(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = []
    world.clock.sleep(DEADLINE + UNREAD_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.TIMED_OUT


def test_i6_a_job_whose_check_after_the_deadline_dies_is_due_when_that_is_over(world: World) -> None:
    job_id = world.generating()
    read_that_never_returns(world, job_id)
    assert world.job(job_id).due_at == world.now


def test_a_job_that_was_never_submitted_ends_without_a_charge(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    fault = world.job(job_id).fault
    assert fault is not None
    assert "Nothing was charged" in fault.message


def test_a_track_over_the_size_limit_stays_failed_until_the_limit_is_raised(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    world.task_checker().check_task(job_id)
    world.jobs.tracks.fail_track(job_id, "m-1", Fault(ErrorCode.ASSET_TOO_LARGE, "too large", limit_bytes=9), final=True)
    world.clock.sleep(1)
    assert world.task_checker().check_task(job_id).tracks == ("m-1", "m-2")
    assert world.tracks(job_id)["m-1"].state is TrackState.FAILED


def test_at_the_deadline_a_job_waits_until_its_submission_can_no_longer_run(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 5)
    world.jobs.submissions.begin_submission(world.job(job_id), "i1", FileTerms(), now=world.now, due_at=world.now)
    world.clock.sleep(10)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", SUBMIT_SECONDS - 10)
    world.clock.sleep(SUBMIT_SECONDS - 10)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.TIMED_OUT


def test_i6_an_overdue_job_ends_even_if_the_accounts_secret_cannot_be_read(world: World) -> None:
    job_id = world.generating()
    use_accounts(world, Denied())
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"


def test_a_receipt_that_cannot_be_stored_does_not_stop_the_job(world: World) -> None:
    job_id = world.generating()
    world.receipts._client = Denied()  # type: ignore[assignment]
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"


def test_a_task_named_in_the_receipt_of_a_submission_is_adopted(world: World) -> None:
    job_id = lost(world)
    answer = b'{"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}}'
    world.receipts.record(job_id, ReceiptSource.SUBMISSION, answer, gateway="ttapi", now=world.now, status=200)
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"
    assert world.job(job_id).task_id == "J1"


def test_no_more_task_ids_are_queried_than_time_allows(world: World) -> None:
    job_id = lost(world)
    for number in range(3):
        world.receipts.record(
            job_id, ReceiptSource.CALLBACK, f'{{"jobId": "J{number}"}}'.encode(), gateway="ttapi", now=world.now
        )
    before = len(world.wire.requests)
    world.wire.answers = [hanging(world)]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert len(world.wire.requests) == before + 1


@pytest.mark.parametrize("idle", [True, False])
def test_after_an_intermediate_stage_the_task_is_read_in_an_idle_slot_only(world: World, idle: bool) -> None:
    job_id = world.generating("sunoapi")
    world.clock.sleep(30)
    await_signal(world, job_id)
    assert world.jobs.signals.signal_stage(job_id) == "token"
    calls = world.calls()
    if not idle:
        calls.reserve_slot(world.job(job_id))
    world.wire.answers = [httpx.Response(200, json={"code": 200, "data": {"taskId": "J1", "status": "FIRST_SUCCESS"}})]
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.wait_seconds) == ("wait", PACE.first_check - 30)
    assert (len(world.wire.requests), world.job(job_id).progress) == ((1, Progress.FIRST) if idle else (0, Progress.QUEUED))


@pytest.mark.parametrize(("seconds", "read"), [(0.04, True), (0.2, False)])
def test_a_read_of_a_stage_that_misses_its_idle_slot_takes_no_other_one(world: World, seconds: float, read: bool) -> None:
    """The write of the slot was slow, and meanwhile others have reserved the next slots."""
    job_id = world.generating("sunoapi")
    world.clock.sleep(30)
    await_signal(world, job_id)
    world.jobs.signals.signal_stage(job_id)
    before, delays, reserve = world.clock(), [seconds], GatewayCalls.reserve_slot

    def slow(self: GatewayCalls, at: Any, *given: Any, **named: Any) -> float:
        slot = reserve(self, at, *given, **named)
        if delays:
            for _ in range(5):
                reserve(self, at)
            world.clock.sleep(delays.pop())
        return slot

    world.wire.answers = [httpx.Response(200, json={"code": 200, "data": {"taskId": "J1", "status": "FIRST_SUCCESS"}})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GatewayCalls, "reserve_slot", slow)
        step = world.task_checker().check_task(job_id)
    assert (step.next, len(world.wire.requests)) == ("wait", int(read))
    assert world.clock() == pytest.approx(before + seconds)


class RecordedTokens:
    """Stands in for the task tokens of Step Functions."""

    def __init__(self) -> None:
        self.reported: list[tuple[object, ...]] = []

    def succeed(self, *given: object) -> None:
        self.reported.append(("succeed", *given))

    def fail(self, *given: object) -> None:
        self.reported.append(("fail", *given))


@pytest.mark.parametrize(
    ("step", "reported"),
    [
        (NextStep("job_1", "wait", 5), ("succeed", "token", {"job_id": "job_1", "wait_seconds": 5})),
        (NextStep("job_1", "submit", 7), ("fail", "token", "SubmissionDue", "7")),
        (NextStep("job_1", "store", 7, ("t",)), ("fail", "token", "TracksReady", "7")),
        (NextStep("job_1", "finish"), ("fail", "token", "JobDecided", "1")),
        (NextStep("job_1", "leave"), ("fail", "token", "HandedOver", "1")),
    ],
)
def test_only_a_wait_is_a_success_of_the_state(step: NextStep, reported: tuple[object, ...]) -> None:
    tokens = RecordedTokens()
    report_step(tokens, "token", step)  # type: ignore[arg-type]
    assert tokens.reported == [reported]


@pytest.mark.parametrize(
    ("before", "due_in"),
    [
        (600, CHECK_SECONDS + PACE.longest + PACE.slack),
        (CHECK_SECONDS + PACE.longest + PACE.slack - 1, CHECK_SECONDS + PACE.longest + PACE.slack - 1),
        (100, 100),
        (30, CHECK_SECONDS),
    ],
)
def test_i6_a_check_does_not_keep_a_job_open_past_its_deadline(world: World, before: int, due_in: int) -> None:
    """If its execution dies, the sweep finds the job at its deadline, but not while the check may still run."""
    job_id = world.generating()
    world.clock.sleep(DEADLINE - before)
    world.wire.answers = [running()]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert world.job(job_id).due_at == world.now + due_in


def test_of_two_checks_that_find_the_end_of_a_task_one_announces_it(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(2))]
    checker, other = world.task_checker(), world.task_checker()
    begin_check = world.jobs.begin_check

    def overtaken(job_id: str, *, now: int, due_at: int) -> Job | None:
        job = begin_check(job_id, now=now, due_at=due_at)
        world.jobs.begin_check = begin_check  # type: ignore[method-assign]
        assert other.check_task(job_id).next == "store"
        return job

    world.jobs.begin_check = overtaken  # type: ignore[method-assign]
    assert checker.check_task(job_id) == NextStep(job_id, "wait", 1)
    assert checker.check_task(job_id).next == "store"
    assert world.noted == [(job_id, Progress.COMPLETE)]
    assert len([line for line in world.job(job_id).history if " STORING " in line]) == 1


def test_a_job_with_many_checks_is_left_to_its_next_execution_without_a_read(world: World) -> None:
    job_id = world.generating()
    for _ in range(CHECKS_PER_EXECUTION - 1):
        world.jobs.begin_check(job_id, now=world.now, due_at=world.now + 60)
    assert world.task_checker().check_task(job_id, job_id) == NextStep(job_id, "leave")
    assert world.wire.requests == []
    world.wire.answers = [running()]
    assert world.task_checker().check_task(job_id, f"{job_id}-1").next == "wait"
