"""A gateway refused a submission, and an authentic callback shows that it created a task all the same, which is paid for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suno_jobs.catalog.results import Result
from suno_jobs.errors import Conflict
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import DAY_SECONDS, Job
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Cause, Charged, JobState
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.network.http import httpx
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.storage.receipts import ReceiptSource
from suno_jobs.storage.submissions import SubmissionStore
from tests.builders import await_signal, cancel, ended_execution, hanging, music, path, running, store, task, use_accounts
from tests.world import ACCOUNTS, DEADLINE, TABLE, FixedSecret, World

BUSY = httpx.Response(429, json={"status": "FAILED", "message": "busy"})
FOR_GOOD = httpx.Response(200, json={"status": "FAILED", "message": "Parameter error", "data": None})
NOT_FOUND = httpx.Response(404, json={"status": "FAILED", "message": "job not found"})
CALLBACK = b'{"jobId": "%s", "status": "SUCCESS"}'
SONGS = {"J1": task(music(1)), "J2": task(music(2))}

CallBack = Callable[..., None]


def accepted(task_id: str) -> httpx.Response:
    return httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": task_id}})


@pytest.fixture
def call_back(receiver: CallbackReceiver, world: World) -> CallBack:
    def deliver(job_id: str, body: bytes = CALLBACK % b"J1", gateway: str = "ttapi") -> None:
        receiver.receive_callback(path(job_id, gateway=gateway), body, {}, world.now)

    return deliver


def submit(world: World, answer: httpx.Response, job_id: str | None = None) -> str:
    job_id = job_id or world.accept()
    world.wire.answers = [answer]
    world.task_creator().create_task(job_id)
    return job_id


def order(world: World, *gateways: str) -> str:
    body = {"gateway": [*gateways], "kind": "music", "input": {"prompt": "rain"}}
    return world.job_submitter().submit_job("acme", body, "k")[0].job.job_id


def check(world: World, job_id: str, **answers: httpx.Response) -> NextStep:
    """The gateway answers about each task."""
    world.clock.sleep(5)
    world.wire.answers = [lambda request: {**SONGS, **answers}[request.url.params["jobId"]]]
    return world.task_checker().check_task(job_id)


def run(world: World, job_id: str, **answers: httpx.Response) -> JobState:
    """Check Task, Store Tracks and Finish Job."""
    store(world, check(world, job_id, **answers))
    state = world.job_finisher().finish_job(job_id)
    assert isinstance(state, JobState)
    return state


def failed(world: World) -> str:
    """A job that was refused for good and has ended, like its execution."""
    job_id = submit(world, FOR_GOOD)
    assert (run(world, job_id), world.job(job_id).charged, world.due()) == (JobState.FAILED, Charged.NO, [])
    ended_execution(world, job_id)
    return job_id


def test_i1_a_callback_after_a_refusal_is_read_before_the_next_submission(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    await_signal(world, job_id)
    call_back(job_id)
    assert world.executions.woken == ["token"]
    world.clock.sleep(60)
    assert run(world, job_id) is JobState.SUCCEEDED
    assert (world.job(job_id).tasks, world.wire.submissions, world.job(job_id).charged) == (("J1",), 1, Charged.YES)
    assert world.job(job_id).unread_callbacks is None


def test_i1_a_receipt_whose_signal_was_not_left_is_read_before_the_next_submission(world: World) -> None:
    job_id = submit(world, BUSY)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, CALLBACK % b"J1", gateway="ttapi", now=world.now)
    world.clock.sleep(60)
    assert (run(world, job_id), world.job(job_id).tasks) == (JobState.SUCCEEDED, ("J1",))


def test_i1_a_task_that_cannot_be_read_yet_keeps_its_job_from_being_submitted(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    call_back(job_id)
    world.clock.sleep(60)
    assert check(world, job_id, J1=NOT_FOUND).next == "wait"
    assert world.job(job_id).charged is Charged.MAYBE
    submit(world, accepted("J2"), job_id)
    world.clock.sleep(DEADLINE)
    assert run(world, job_id, J1=NOT_FOUND) is JobState.TIMED_OUT
    assert (world.wire.submissions, world.due()) == (1, [job_id])
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert (run(world, job_id), world.job(job_id).charged) == (JobState.SUCCEEDED, Charged.YES)


def test_a_job_with_an_unread_callback_is_not_said_to_have_cost_nothing_at_its_deadline(
    world: World, call_back: CallBack
) -> None:
    job_id = submit(world, BUSY)
    call_back(job_id)
    world.clock.sleep(DEADLINE)
    assert check(world, job_id, J1=NOT_FOUND).next == "finish"
    job = world.job(job_id)
    assert (job.state, job.charged, job.fault and job.fault.code) == (JobState.TIMED_OUT, Charged.MAYBE, "ambiguous")


def test_i1_a_callback_between_the_last_look_and_the_submission_prevents_it(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    world.clock.sleep(60)
    assert check(world, job_id).next == "submit"
    job = world.job(job_id)
    call_back(job_id)
    submit(world, accepted("J2"), job_id)
    with pytest.raises(Conflict):
        world.jobs.submissions.begin_submission(job, "i2", file_terms(GATEWAYS["ttapi"]), now=world.now, due_at=world.now)
    assert (run(world, job_id), world.job(job_id).tasks) == (JobState.SUCCEEDED, ("J1",))
    assert world.wire.submissions == 1


@pytest.mark.parametrize("refusal", [BUSY, FOR_GOOD])
@pytest.mark.parametrize("gateways", ["ttapi", ["ttapi", "crun"]])
def test_a_callback_before_the_refusal_outweighs_it(
    world: World, call_back: CallBack, refusal: httpx.Response, gateways: str | list[str]
) -> None:
    body = {"gateway": gateways, "kind": "music", "input": {"prompt": "rain"}}
    job_id = world.job_submitter().submit_job("acme", body, "k")[0].job.job_id

    def answer(_: httpx.Request) -> httpx.Response:
        call_back(job_id)
        return refusal

    world.wire.answers = [answer]
    world.task_creator().create_task(job_id)
    assert (world.job(job_id).state, world.job(job_id).gateway) == (JobState.SUBMITTING, "ttapi")
    assert (run(world, job_id), world.job(job_id).tasks) == (JobState.SUCCEEDED, ("J1",))
    assert [event["Detail"]["state"] for event in world.bus.events] == ["SUCCEEDED"]


def test_i11_a_callback_opens_the_recovery_of_a_job_that_was_refused_for_good(world: World, call_back: CallBack) -> None:
    job_id = failed(world)
    call_back(job_id)
    assert (world.due(), world.job(job_id).charged) == ([job_id], Charged.MAYBE)
    assert world.executions.state(job_id, 1).name == "RUNNING"
    assert (run(world, job_id), world.job(job_id).tasks) == (JobState.SUCCEEDED, ("J1",))
    assert (world.job(job_id).charged, world.due()) == (Charged.YES, [])
    assert [event["Detail"]["state"] for event in world.bus.events] == ["FAILED", "SUCCEEDED"]


def test_i11_recovery_continues_until_the_named_task_was_read(world: World, call_back: CallBack) -> None:
    job_id = failed(world)
    call_back(job_id)
    for _ in range(3):
        assert run(world, job_id, J1=NOT_FOUND) is JobState.FAILED
        assert (world.due(), world.job(job_id).charged) == ([job_id], Charged.MAYBE)
        world.clock.sleep(86_400 / 2)
    assert run(world, job_id) is JobState.SUCCEEDED


def test_i11_recovery_continues_as_long_as_the_gateway_of_the_named_task_keeps_files(world: World, call_back: CallBack) -> None:
    """Another gateway, which keeps them for a day, was asked last."""
    job_id = submit(world, BUSY, order(world, "ttapi", "evolink"))
    submit(world, httpx.Response(429, json={"error": {"code": "rate_limit_exceeded", "message": "busy"}}), job_id)
    assert world.job(job_id).file_terms == file_terms(GATEWAYS["evolink"])
    cancel(world, job_id)
    assert run(world, job_id) is JobState.CANCELLED
    ended_execution(world, job_id)
    call_back(job_id)
    assert run(world, job_id, J1=NOT_FOUND) is JobState.CANCELLED
    world.clock.sleep(2 * DAY_SECONDS)
    assert run(world, job_id) is JobState.CANCELLED
    assert (len(world.tracks(job_id)), world.job(job_id).tasks, world.job(job_id).gateway) == (1, ("J1",), "ttapi")


def test_i11_a_task_that_is_still_running_stays_in_recovery(world: World, call_back: CallBack) -> None:
    job_id = failed(world)
    call_back(job_id)
    assert run(world, job_id, J1=task(status="ON_QUEUE")) is JobState.FAILED
    due_at = world.job(job_id).due_at
    assert (world.job(job_id).charged, due_at) == (Charged.YES, world.now + SHORTEST_INTERVAL_SECONDS)
    call_back(job_id)
    assert run(world, job_id) is JobState.SUCCEEDED


@pytest.mark.parametrize("body", [b"not JSON", b'{"status": "SUCCESS"}'])
def test_a_callback_that_names_no_task_leads_to_one_check(world: World, call_back: CallBack, body: bytes) -> None:
    job_id = failed(world)
    call_back(job_id, body)
    assert world.due() == [job_id]
    assert run(world, job_id) is JobState.FAILED
    assert (world.due(), world.job(job_id).charged, world.job(job_id).unread_callbacks) == ([], Charged.NO, None)


def test_a_callback_of_a_known_task_marks_nothing(world: World, call_back: CallBack) -> None:
    job_id = world.generating()
    call_back(job_id)
    assert world.job(job_id).unread_callbacks is None
    assert run(world, job_id) is JobState.SUCCEEDED
    call_back(job_id)
    assert (world.job(job_id).unread_callbacks, world.due()) == (None, [])


@pytest.mark.parametrize("when", ["running", "ended"])
def test_i11_the_task_that_was_refused_is_read_although_another_one_succeeds(
    world: World, call_back: CallBack, when: str
) -> None:
    job_id = submit(world, BUSY)
    world.clock.sleep(60)
    assert check(world, job_id).next == "submit"
    submit(world, accepted("J2"), job_id)
    if when == "running":
        call_back(job_id)
        assert run(world, job_id, J1=NOT_FOUND) is JobState.SUCCEEDED
        assert world.due() == [job_id]
    else:
        assert run(world, job_id) is JobState.SUCCEEDED
        ended_execution(world, job_id)
        call_back(job_id)
    assert run(world, job_id) is JobState.SUCCEEDED
    assert (world.job(job_id).tasks, len(world.tracks(job_id)), world.due()) == (("J2", "J1"), 2, [])


@pytest.mark.parametrize("checks", [0, 1])
def test_the_task_that_was_refused_is_read_while_another_one_is_running(world: World, call_back: CallBack, checks: int) -> None:
    job_id = submit(world, BUSY)
    world.clock.sleep(60)
    assert check(world, job_id).next == "submit"
    submit(world, accepted("J2"), job_id)
    for _ in range(checks):
        check(world, job_id, J2=running())
    call_back(job_id)
    assert check(world, job_id, J1=running(), J2=running()).next == "wait"
    assert (world.job(job_id).tasks, world.job(job_id).unread_callbacks) == (("J2", "J1"), None)


def test_the_task_that_was_refused_is_read_while_the_reads_of_another_one_hang(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    world.clock.sleep(60)
    assert check(world, job_id).next == "submit"
    submit(world, accepted("J2"), job_id)
    call_back(job_id)
    hangs = hanging(world)
    world.wire.answers = [lambda request: hangs(request) if request.url.params["jobId"] == "J2" else running()]
    for _ in range(2):
        world.clock.sleep(5)
        world.task_checker().check_task(job_id)
    assert world.job(job_id).tasks == ("J2", "J1")


@pytest.mark.parametrize(("task_id", "unread"), [("J1", None), ("J0", 1)])
def test_a_stage_of_a_task_that_was_refused_is_no_stage_of_the_known_one(
    world: World, call_back: CallBack, task_id: str, unread: int | None
) -> None:
    job_id = world.generating("sunoapi")
    body = f'{{"code": 200, "data": {{"callbackType": "first", "task_id": "{task_id}", "data": []}}}}'
    call_back(job_id, body.encode(), "sunoapi")
    assert world.job(job_id).unread_callbacks == unread


def test_i11_the_song_of_a_cancelled_job_that_was_refused_is_stored(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    cancel(world, job_id)
    assert run(world, job_id) is JobState.CANCELLED
    ended_execution(world, job_id)
    call_back(job_id)
    assert run(world, job_id) is JobState.CANCELLED
    assert ([*world.tracks(job_id)], world.job(job_id).charged) == (["m-1"], Charged.YES)


def test_a_callback_during_the_announcement_keeps_its_job_due(world: World, call_back: CallBack) -> None:
    job_id = submit(world, FOR_GOOD)
    job = world.job(job_id)
    call_back(job_id)
    world.jobs.mark_announced(job, recoverable_until=None, due_at=None, now=world.now)
    assert (world.due(), world.job(job_id).event_pending) == ([job_id], False)
    assert (run(world, job_id), world.job(job_id).tasks) == (JobState.SUCCEEDED, ("J1",))


def test_i11_an_accepted_task_is_recorded_next_to_the_one_that_a_callback_named(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    world.clock.sleep(60)
    assert check(world, job_id).next == "submit"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return task(status="ON_QUEUE")
        call_back(job_id)
        world.task_checker().check_task(job_id)
        return accepted("J2")

    world.wire.answers = [answer]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).tasks == ("J1", "J2")


def test_i1_a_task_of_a_gateway_that_the_job_has_left_is_read_there_before_another_one_is_asked(
    world: World, call_back: CallBack
) -> None:
    job_id = submit(world, FOR_GOOD, order(world, "ttapi", "crun"))
    assert world.job(job_id).gateway == "crun"
    call_back(job_id, b'{"data": {"task_id": "J1", "jobId": "J1"}, "jobId": "J1"}')
    assert run(world, job_id) is JobState.SUCCEEDED
    job = world.job(job_id)
    assert (job.gateway, job.tasks, job.expects, world.wire.submissions) == ("ttapi", ("J1",), Result.TRACKS, 1)


def test_a_task_of_a_gateway_that_the_job_has_left_is_not_read_once_another_one_has_taken_it(
    world: World, call_back: CallBack
) -> None:
    job_id = submit(world, FOR_GOOD, order(world, "ttapi", "crun"))
    world.clock.sleep(5)
    submit(world, httpx.Response(200, json={"code": 200, "message": "ok", "data": {"task_id": "C1"}}), job_id)
    call_back(job_id)
    world.wire.answers = [httpx.Response(404, json={"code": 404, "message": "not yet"})]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert (world.job(job_id).gateway, world.job(job_id).tasks) == ("crun", ("C1",))


def test_a_callback_during_the_look_at_the_receipts_stays_unread(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    call_back(job_id)
    job = world.job(job_id)
    call_back(job_id, CALLBACK % b"J3")
    world.jobs.submissions.mark_callbacks_read(job, now=world.now)
    assert world.job(job_id).unread_callbacks == 2


def test_a_callback_that_a_check_has_not_seen_stays_unread_although_the_count_is_the_same(
    world: World, call_back: CallBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check is slow after it has read the task of the first callback. A later one marks that callback, and another comes."""
    job_id = submit(world, BUSY)
    call_back(job_id)
    mark = SubmissionStore.mark_callbacks_read

    def slow(store: SubmissionStore, job: Job, *, now: int) -> bool:
        monkeypatch.undo()
        check(world, job_id)
        assert world.job(job_id).unread_callbacks is None
        call_back(job_id, CALLBACK % b"J2")
        return mark(store, job, now=now)

    monkeypatch.setattr(SubmissionStore, "mark_callbacks_read", slow)
    world.clock.sleep(60)
    check(world, job_id)
    assert (world.job(job_id).tasks, world.job(job_id).unread_callbacks) == (("J1",), 1)
    assert run(world, job_id) is JobState.SUCCEEDED
    assert (world.job(job_id).tasks, world.job(job_id).unread_callbacks, len(world.tracks(job_id))) == (("J1", "J2"), None, 2)


def test_a_callback_during_the_read_of_the_task_of_another_one_stays_unread(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    call_back(job_id)

    def answer(_: httpx.Request) -> httpx.Response:
        call_back(job_id, CALLBACK % b"J2")
        return SONGS["J1"]

    world.clock.sleep(60)
    world.wire.answers = [answer]
    world.task_checker().check_task(job_id)
    assert (world.job(job_id).tasks, world.job(job_id).unread_callbacks) == (("J1",), 2)
    assert run(world, job_id) is JobState.SUCCEEDED
    assert (world.job(job_id).tasks, world.job(job_id).unread_callbacks, len(world.tracks(job_id))) == (("J1", "J2"), None, 2)


@pytest.mark.parametrize("state", ["open", "recovery"])
def test_only_an_ended_job_is_reopened(world: World, state: str) -> None:
    job_id = submit(world, BUSY) if state == "open" else failed(world)
    world.jobs.signals.signal(job_id, Cause.CALLBACK, unread=True)
    if state == "recovery":
        world.jobs.signals.reopen(job_id, until=world.now + 9, due_at=world.now)
    before = world.job(job_id)
    world.jobs.signals.reopen(job_id, until=world.now + 99, due_at=world.now + 99)
    assert world.job(job_id) == before


def test_an_unread_callback_may_cost_as_much_as_a_lost_answer(world: World) -> None:
    job_id = submit(world, BUSY)
    world.jobs.signals.signal(job_id, Cause.CALLBACK, unread=True)
    job = world.job(job_id)
    assert (job.charged, job.attempts) == (Charged.MAYBE, ())


def test_the_terms_of_a_task_are_those_of_its_gateway_although_another_one_was_asked_since(
    world: World, call_back: CallBack
) -> None:
    """The first gateway refuses for now, the second one too, and the job comes back to the first one."""
    use_accounts(world, FixedSecret({**ACCOUNTS, "ttapi/acme": {"api_key": "own"}}))
    job_id = submit(world, BUSY, order(world, "ttapi", "sunoapi"))
    first = world.job(job_id)
    assert first.gateway == "sunoapi"
    world.clock.sleep(5)
    submit(world, httpx.Response(200, json={"code": 430, "msg": "too many requests", "data": None}), job_id)
    again = world.job(job_id)
    assert (again.gateway, again.usd_per_unit, again.account) == ("ttapi", GATEWAYS["sunoapi"].usd_per_unit, "default")
    call_back(job_id)
    world.clock.sleep(60)
    store(world, check(world, job_id))
    job = world.job(job_id)
    assert (job.tasks, job.account, job.usd_per_unit) == (("J1",), "acme", GATEWAYS["ttapi"].usd_per_unit)
    assert (job.cost and job.cost.unit) == "quota"
    assert again.cost != job.cost
    assert job.file_terms == file_terms(GATEWAYS["ttapi"])


def test_nothing_is_found_for_a_job_that_is_deleted_meanwhile(world: World, call_back: CallBack) -> None:
    job_id = submit(world, BUSY)
    call_back(job_id)
    [item] = world.items("JOB#REQUEST")
    world.dynamodb.delete_item(TableName=TABLE, Key={name: item[name] for name in ("pk", "sk")})
    world.clock.sleep(60)
    assert check(world, job_id) == NextStep(job_id, "wait", 1)
    assert world.job(job_id).tasks == ()
