from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.checking import NO_AUDIO_CHECKS
from suno_jobs.errors import Conflict, ErrorCode, Fault, JobNotFound
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import TaskReport, TaskStatus, TaskTrack
from suno_jobs.history import Cause
from suno_jobs.models import Asset, TrackState
from suno_jobs.receipts import ReceiptSource, ReceiptStore
from suno_jobs.reports import record_report
from suno_jobs.secret import Secret
from suno_jobs.store import JobStore
from suno_jobs.submission import SUBMIT_SECONDS, YIELD_SECONDS
from suno_jobs.transitions import JobState, Progress
from suno_jobs.vocabulary import Link
from suno_jobs.workflow import Step
from tests.simulation.aws_table import Exceptions
from tests.world import DEADLINE, GRACE, PACE, RECEIPTS, TABLE, FixedSecret, World

ASSET = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="00")
RUNNING = {"status": "ON_QUEUE", "message": None, "jobId": "J1", "data": {"jobId": "J1", "musics": None, "progress": "40%"}}


def task(*musics: Any, status: str = "SUCCESS") -> httpx.Response:
    body = {"status": status, "message": "m", "jobId": "J1", "data": {"jobId": "J1", "action": "music", "musics": list(musics)}}
    return httpx.Response(200, json=body)


def music(number: int, url: str | None = "https://cdn.example/{}.mp3") -> dict[str, Any]:
    return {"musicId": f"m-{number}", "audioUrl": url and url.format(number), "title": "Rain", "duration": "12.5"}


def checks(world: World, job_id: str) -> list[Step]:
    steps = []
    for _ in range(NO_AUDIO_CHECKS):
        steps.append(world.checker()(job_id))
        world.clock.sleep(PACE.interval)
    return steps


def running() -> httpx.Response:
    return httpx.Response(200, json=RUNNING)


def test_an_unknown_job_is_an_error_and_creates_nothing(world: World) -> None:
    with pytest.raises(JobNotFound):
        world.checker()("job_unknown")
    assert world.items("") == []


def test_a_finished_task_has_its_tracks_recorded_and_stored(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    assert world.checker()(job_id) == Step(job_id, "store", 30, ("m-1", "m-2"))
    job = world.job(job_id)
    assert (job.state, job.progress) == (JobState.STORING, Progress.COMPLETE)
    track = world.tracks(job_id)["m-1"]
    assert (track.state, track.title, track.duration_seconds) == (TrackState.READY, "Rain", 12.5)
    assert len(world.items("RECEIPT#status#")) == 1


def test_a_running_task_is_waited_for_until_its_callback_is_overdue_then_in_growing_steps(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(30)
    waits = []
    for _ in range(5):
        step = world.checker()(job_id)
        assert step.next == "wait"
        waits.append(step.wait_seconds)
        world.clock.sleep(step.wait_seconds)
    assert waits == [PACE.first_check - 30, 45, 60, 60, 60]
    assert world.items("RECEIPT#") == []


def test_no_wait_goes_past_the_deadline_and_there_the_job_times_out(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    world.clock.sleep(DEADLINE - 10)
    assert world.checker()(job_id).wait_seconds == 10
    world.clock.sleep(10)
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.verdict, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.DEADLINE_EXCEEDED)


def test_a_signal_that_came_before_the_check_is_taken_and_one_that_comes_during_it_stays(world: World) -> None:
    job_id = world.generating()
    world.jobs.signal(job_id, Cause.CALLBACK, now=world.now)

    def gateway(_: httpx.Request) -> httpx.Response:
        assert "signalled" not in world.items("JOB")[0]
        world.jobs.signal(job_id, Cause.CALLBACK, now=world.now)
        return running()

    world.wire.answers = [gateway]
    world.checker()(job_id)
    assert "signalled" in world.items("JOB")[0]


@pytest.mark.parametrize(
    "broken", [httpx.ReadTimeout("t"), httpx.Response(500, text="x"), httpx.Response(200, text="<html>")], ids=str
)
def test_a_failed_reading_says_nothing_of_the_task(world: World, broken: Any) -> None:
    job_id = world.generating()
    world.wire.answers = [broken]
    assert world.checker()(job_id).next == "wait"
    assert world.job(job_id).state is JobState.GENERATING
    assert world.job(job_id).verdict is None


def test_a_reading_that_only_a_person_can_mend_is_not_repeated_often(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(401, json={"status": "FAILED", "message": "bad key"})]
    assert world.checker()(job_id) == Step(job_id, "wait", PACE.longest)


def test_a_failed_reading_at_the_deadline_times_the_job_out(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.ReadTimeout("t")]
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert job.verdict is JobState.TIMED_OUT
    assert job.fault is not None
    assert job.fault.retryable
    assert "before the job's deadline" in job.fault.message
    assert "ReadTimeout" in job.fault.message


def test_an_unreadable_reply_is_kept_whole(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(200, text="<html>")]
    world.checker()(job_id)
    world.checker()(job_id)
    [item] = world.items("RECEIPT#status#")
    assert item["times"] == {"N": "2"}


def test_an_unknown_status_word_is_still_running_and_reported(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = world.generating()
    world.wire.answers = [task(status="PONDERING")]
    assert world.checker()(job_id).next == "wait"
    assert "UnknownStatusWord" in capsys.readouterr().out
    assert [record.__dict__["word"] for record in caplog.records] == ["PONDERING"]
    assert len(world.items("RECEIPT#status#")) == 1


def test_a_failed_task_fails_the_job_with_the_gateways_reason(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(200, json={"status": "FAILED", "jobId": "J1", "message": "too sad", "data": None})]
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert job.verdict is JobState.FAILED
    assert job.fault is not None
    assert "too sad" in job.fault.message


def test_success_without_audio_is_read_again_and_then_no_success(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None), music(2, ""))]
    for _ in range(NO_AUDIO_CHECKS - 1):
        assert world.checker()(job_id) == Step(job_id, "wait", PACE.interval)
        world.clock.sleep(PACE.interval)
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.verdict, job.fault and job.fault.code) == (JobState.FAILED, ErrorCode.NO_AUDIO)


def test_audio_that_comes_a_little_after_success_is_taken(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None)), task(music(1))]
    world.checker()(job_id)
    assert world.checker()(job_id).tracks == ("m-1",)


def test_a_good_track_of_a_failed_task_is_stored(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None), status="FAILED")]
    step = world.checker()(job_id)
    assert (step.next, step.tracks) == ("store", ("m-1",))
    assert world.job(job_id).incomplete


def test_a_good_track_of_a_success_is_stored_when_the_other_does_not_come(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None))]
    assert [step.next for step in checks(world, job_id)] == ["wait", "wait", "store"]


def test_a_second_link_that_comes_a_little_later_is_waited_for(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2, None)), task(music(1), music(2))]
    assert world.checker()(job_id) == Step(job_id, "wait", PACE.interval)
    world.clock.sleep(PACE.interval)
    assert world.checker()(job_id).tracks == ("m-1", "m-2")
    assert not world.job(job_id).incomplete


@pytest.mark.parametrize("later", [task(status="FAILED"), task(music(1, None), status="FAILED"), task(music(1, None))], ids=str)
def test_a_link_that_was_seen_once_is_never_lost(world: World, later: httpx.Response) -> None:
    job_id = world.generating()
    ready = TaskTrack("m-1", (Link("audio", "https://cdn.example/1.mp3"),))
    record_report(world.jobs, world.job(job_id), TaskReport(TaskStatus.FIRST_READY, (ready,)))
    world.wire.answers = [later]
    step = checks(world, job_id)[-1]
    assert (step.next, step.tracks) == ("store", ("m-1",))


def test_a_link_that_comes_back_is_taken(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1, None)), task(music(1))]
    world.checker()(job_id)
    assert world.tracks(job_id)["m-1"].fault is not None
    world.clock.sleep(PACE.interval)
    assert world.checker()(job_id).tracks == ("m-1",)
    assert world.tracks(job_id)["m-1"].fault is None


def test_tracks_that_have_no_name_yet_leave_no_trace(world: World) -> None:
    job_id = world.generating("anyint")
    body = {
        "taskId": "J1",
        "status": "TEXT_SUCCESS",
        "response": {"taskId": "J1", "sunoData": [{"title": "T"}, {"title": "T"}]},
    }
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": body})]
    world.checker()(job_id)
    assert world.tracks(job_id) == {}


def test_what_is_decided_holds_for_what_was_read(world: World) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    world.jobs.begin_submission(world.job(job_id), "i1", now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.decide(stale, JobState.TIMED_OUT, Fault(ErrorCode.DEADLINE_EXCEEDED, "x"), now=world.now)
    world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, Fault(ErrorCode.AMBIGUOUS, "x"), partial=False, now=world.now)
    with pytest.raises(Conflict):
        world.jobs.decide(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "y"), now=world.now)


def test_i6_a_late_job_ends_although_the_accounts_secret_is_broken(world: World) -> None:
    job_id = world.generating()
    stored = FixedSecret("no object")  # type: ignore[arg-type]
    world.secret = Secret(lambda: stored, "accounts", world.clock)  # type: ignore[arg-type,return-value]
    assert world.checker()(job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"


def test_what_is_stored_is_not_stored_again(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    world.checker()(job_id)
    world.jobs.store_track(job_id, "m-1", [ASSET], {}, 12.4)
    assert world.checker()(job_id).tracks == ("m-2",)
    assert world.tracks(job_id)["m-1"].duration_seconds == 12.4
    world.clock.sleep(1)
    world.jobs.store_track(job_id, "m-2", [ASSET], {}, 12.4)
    assert world.checker()(job_id).next == "finish"


@pytest.mark.parametrize("state", ["verdict", "terminal"])
def test_a_decided_job_is_finished_without_asking_the_gateway(world: World, state: str) -> None:
    job_id = world.generating()
    world.wire.answers = [task(status="FAILED")]
    world.checker()(job_id)
    if state == "terminal":
        world.finisher()(job_id)
    before = world.job(job_id)
    asked = len(world.wire.requests)
    assert world.checker()(job_id) == Step(job_id, "finish")
    assert len(world.wire.requests) == asked
    assert world.job(job_id).state is before.state


def test_a_job_that_was_never_submitted_is_submitted(world: World) -> None:
    job_id = world.accept()
    assert world.checker()(job_id) == Step(job_id, "submit", PACE.interval)


def test_a_refused_job_waits_for_its_time(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "x"}, headers={"Retry-After": "50"})]
    world.submitter()(job_id)
    world.clock.sleep(20)
    assert world.checker()(job_id) == Step(job_id, "wait", 30 + YIELD_SECONDS)
    world.clock.sleep(30 + YIELD_SECONDS)
    assert world.checker()(job_id) == Step(job_id, "submit", PACE.interval)
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.verdict, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.RATE_LIMITED)


def test_an_intent_whose_function_may_live_is_left_alone_then_counts_as_lost(world: World) -> None:
    job_id = world.accept()
    world.jobs.begin_submission(world.job(job_id), "i1", now=world.now, due_at=world.now)
    world.clock.sleep(10)
    assert world.checker()(job_id) == Step(job_id, "wait", SUBMIT_SECONDS - 10)
    assert world.job(job_id).state is JobState.SUBMITTING
    world.clock.sleep(SUBMIT_SECONDS - 10)
    assert world.checker()(job_id) == Step(job_id, "wait", GRACE)
    assert world.job(job_id).state is JobState.SUBMIT_UNKNOWN
    world.clock.sleep(GRACE)
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.verdict, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)


def lost(world: World) -> str:
    job_id = world.accept()
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.submitter()(job_id)
    return job_id


def test_a_callback_brings_the_task_of_a_lost_submission_to_light(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b"not json", now=world.now)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', now=world.now)
    world.wire.answers = [task(music(1), music(2))]
    assert world.checker()(job_id).tracks == ("m-1", "m-2")
    job = world.job(job_id)
    assert (job.state, job.task_id, job.fault) == (JobState.STORING, "J1", None)


def test_an_adopted_task_that_runs_is_due_soon(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "ON_QUEUE"}', now=world.now)
    world.wire.answers = [running()]
    assert world.checker()(job_id).next == "wait"
    assert world.due(after=PACE.longest + PACE.slack) == [job_id]


def test_the_first_verdict_stands(world: World) -> None:
    job_id = world.generating()
    job = world.job(job_id)
    world.jobs.decide(job, JobState.TIMED_OUT, Fault(ErrorCode.DEADLINE_EXCEEDED, "late"), now=world.now)
    with pytest.raises(Conflict):
        world.jobs.decide(job, JobState.FAILED, Fault(ErrorCode.GENERATION_FAILED, "no"), now=world.now)
    assert world.job(job_id).verdict is JobState.TIMED_OUT


class Reads:
    """A client that remembers which reads need not be consistent."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.stale: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def get_item(self, **arguments: Any) -> Any:
        self._look("get_item", arguments)
        return self.client.get_item(**arguments)

    def get_paginator(self, operation: str) -> Any:
        def paginate(**arguments: Any) -> Any:
            self._look(operation, arguments)
            return self.client.get_paginator(operation).paginate(**arguments)

        return SimpleNamespace(paginate=paginate)

    def _look(self, operation: str, arguments: dict[str, Any]) -> None:
        if not arguments.get("ConsistentRead"):
            self.stale.append(arguments.get("IndexName", operation))


def test_nothing_is_decided_from_what_may_be_stale(world: World) -> None:
    """Only the sweep's index may lag behind, which DynamoDB cannot do otherwise: every write that follows is conditional."""
    world.dynamodb = reads = Reads(world.dynamodb)
    world.jobs = JobStore(reads, TABLE)  # type: ignore[arg-type]
    world.receipts = ReceiptStore(reads, TABLE, lambda: world.s3, RECEIPTS, ttl_days=1)  # type: ignore[arg-type]
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', now=world.now)
    world.wire.answers = [task(music(1))]
    step = world.checker()(job_id)
    world.jobs.store_track(job_id, step.tracks[0], [ASSET], {}, 12.5)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert reads.stale == []
    world.due()
    assert set(reads.stale) == {"due"}


def test_i8_a_callback_that_names_a_task_the_gateway_does_not_know_is_not_believed(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"jobId": "forged", "status": "SUCCESS"}', now=world.now)
    world.wire.answers = [httpx.Response(404, json={"status": "FAILED", "message": "not found"})]
    assert world.checker()(job_id).next == "wait"
    job = world.job(job_id)
    assert (job.state, job.task_id) == (JobState.SUBMIT_UNKNOWN, None)
    world.clock.sleep(GRACE)
    assert world.checker()(job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"
    assert world.job(job_id).verdict is JobState.TIMED_OUT


def test_i7_without_a_slot_the_gateway_is_not_asked(world: World) -> None:
    job_id = world.generating()
    world.use_up_slots(job_id)
    step = world.checker()(job_id)
    assert (step.next, step.wait_seconds <= 2) == ("wait", True)
    assert world.wire.requests == []


def test_i7_a_gateway_without_slots_keeps_no_other_waiting(world: World) -> None:
    slowest, *others = sorted(GATEWAYS.values(), key=lambda each: each.rate.requests / each.rate.seconds)
    world.use_up_slots(world.accept(slowest.name))
    for other in others:
        world.calls().take_slot(world.job(world.accept(other.name, f"key-{other.name}")))


def test_a_key_that_was_taken_away_is_waited_for(world: World) -> None:
    job_id = world.generating()
    world.secret._values = {}
    world.secret._read_at = world.clock()
    assert world.checker()(job_id).next == "wait"


def test_progress_is_shown_and_never_goes_back(world: World) -> None:
    job_id = world.generating("anyint")

    def stage(status: str, *data: dict[str, Any]) -> httpx.Response:
        body = {"taskId": "J1", "status": status, "response": {"taskId": "J1", "sunoData": list(data)}}
        return httpx.Response(200, json={"code": 200, "msg": "success", "data": body})

    first = {"id": "a", "audioUrl": "https://cdn.example/a.mp3", "title": "T", "duration": 3.0}
    seen = []
    for answer in (stage("PENDING"), stage("TEXT_SUCCESS"), stage("FIRST_SUCCESS", first, {"id": "b"}), stage("TEXT_SUCCESS")):
        world.wire.answers = [answer]
        assert world.checker()(job_id).next == "wait"
        seen.append(world.job(job_id).progress)
    assert seen == [Progress.QUEUED, Progress.TEXT, Progress.FIRST, Progress.FIRST]
    assert {name: track.state for name, track in world.tracks(job_id).items()} == {"a": "ready"}
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).tracks == ("a",)


def test_a_job_that_somebody_else_moves_on_is_looked_at_again(world: World) -> None:
    job_id = lost(world)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', now=world.now)

    def gateway(_: httpx.Request) -> httpx.Response:
        world.jobs.accept_task(world.job(job_id), "J1", now=world.now, due_at=world.now)
        return running()

    world.wire.answers = [gateway]
    assert world.checker()(job_id) == Step(job_id, "wait", 1)


def test_i6_a_job_that_is_late_ends_although_no_slot_is_free(world: World) -> None:
    job_id = world.generating()
    world.clock.sleep(DEADLINE)
    world.use_up_slots(job_id)
    assert world.checker()(job_id).next == "wait"
    world.clock.sleep(PACE.slack)
    world.use_up_slots(job_id)
    assert world.checker()(job_id).next == "finish"
    assert world.job(job_id).verdict is JobState.TIMED_OUT


def test_a_job_that_was_never_submitted_ends_and_says_that_it_cost_nothing(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"
    fault = world.job(job_id).fault
    assert fault is not None
    assert "Nothing was charged" in fault.message


def test_a_track_that_the_gate_refused_for_good_stays_refused(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    world.checker()(job_id)
    world.jobs.fail_track(job_id, "m-1", Fault(ErrorCode.ASSET_TOO_LARGE, "too large"), final=True)
    world.clock.sleep(1)
    assert world.checker()(job_id).tracks == ("m-2",)
    assert world.tracks(job_id)["m-1"].state is TrackState.FAILED


def test_an_intent_at_the_deadline_is_waited_for_until_its_function_is_dead(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 5)
    world.jobs.begin_submission(world.job(job_id), "i1", now=world.now, due_at=world.now)
    world.clock.sleep(10)
    assert world.checker()(job_id) == Step(job_id, "wait", SUBMIT_SECONDS - 10)
    world.clock.sleep(SUBMIT_SECONDS - 10)
    assert world.checker()(job_id).next == "finish"
    assert world.job(job_id).verdict is JobState.TIMED_OUT


class Denied:
    """Secrets Manager, or a table, that lets nobody in."""

    exceptions = Exceptions

    def __getattr__(self, _: str) -> Any:
        def deny(**_: Any) -> Any:
            raise AwsError({"Error": {"Code": "AccessDeniedException"}}, "Any")

        return deny


def test_i6_a_late_job_ends_although_the_accounts_secret_cannot_be_read(world: World) -> None:
    job_id = world.generating()
    denied: Any = Denied()
    world.secret = Secret(lambda: denied, "accounts", world.clock)
    assert world.checker()(job_id).next == "wait"
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"


def test_a_receipt_that_cannot_be_kept_does_not_stop_the_job(world: World) -> None:
    job_id = world.generating()
    world.receipts._client = Denied()  # type: ignore[assignment]
    world.wire.answers = [task(music(1))]
    assert world.checker()(job_id).next == "store"


def test_a_task_that_our_own_receipt_names_is_adopted(world: World) -> None:
    job_id = lost(world)
    answer = b'{"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}}'
    world.receipts.record(job_id, ReceiptSource.SUBMISSION, answer, now=world.now, status=200)
    world.wire.answers = [task(music(1))]
    assert world.checker()(job_id).next == "store"
    assert world.job(job_id).task_id == "J1"


def test_of_several_names_no_more_are_asked_for_than_there_is_time(world: World) -> None:
    job_id = lost(world)
    for number in range(3):
        world.receipts.record(job_id, ReceiptSource.CALLBACK, f'{{"jobId": "J{number}"}}'.encode(), now=world.now)

    def hang(_: httpx.Request) -> httpx.Response:
        world.clock.sleep(35)
        raise httpx.ReadTimeout("hanging")

    before = len(world.wire.requests)
    world.wire.answers = [hang]
    assert world.checker()(job_id).next == "wait"
    assert len(world.wire.requests) == before + 1
