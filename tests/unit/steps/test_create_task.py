import json
import zlib
from typing import Any

import pytest

from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.jobs.record import Candidate, FileTerms, InFlight
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.lifecycle.lost_submission import SUBMIT_SECONDS
from suno_jobs.network.http import httpx
from suno_jobs.runtime.secrets import RENEW_SECONDS
from suno_jobs.storage.submissions import SubmissionStore
from tests.builders import ACCEPTED, Denied, use_accounts
from tests.world import ACCOUNTS, DEADLINE, GRACE, MAC, PACE, START, FixedSecret, World


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def test_an_accepted_submission_is_generating_and_waits_for_its_callback(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [ACCEPTED]
    step = world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert step == NextStep(job_id, "wait", PACE.first_check)
    assert (job.state, job.task_id, job.intent, job.submitted_at) == (JobState.GENERATING, "J1", None, world.now)
    [request] = world.wire.requests
    assert request.headers["TT-API-KEY"] == "key-of-ttapi"
    assert json.loads(request.content)["hookUrl"] == f"https://us.example/v1/callbacks/ttapi/{job_id}/{MAC}"
    assert world.due(PACE.first_check + PACE.slack) == [job_id]
    assert world.due(PACE.first_check + PACE.slack - 1) == []


def test_i1_the_intent_is_stored_before_the_gateway_is_called(world: World) -> None:
    job_id = world.accept()
    jobs = []

    def gateway(_: httpx.Request) -> httpx.Response:
        jobs.append(world.job(job_id))
        return ACCEPTED

    world.wire.answers = [gateway]
    world.task_creator().create_task(job_id)
    assert [(job.state, job.submission) for job in jobs] == [(JobState.SUBMITTING, InFlight(world.now))]


@pytest.mark.parametrize("state", ["intent", "generating", "ended", "unknown job"])
def test_i1_nothing_is_submitted_twice(world: World, state: str) -> None:
    job_id = world.accept() if state != "unknown job" else "job_unknown"
    if state == "intent":
        world.jobs.submissions.begin_submission(world.job(job_id), "i1", FileTerms(), now=world.now, due_at=world.now)
    if state == "generating":
        job_id = world.generating()
    if state == "ended":
        world.jobs.finish(world.job(job_id), JobState.CANCELLED, Fault(ErrorCode.QUOTA, "x"), now=world.now)
    before = world.jobs.get(job_id)
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    assert world.wire.requests == []
    assert world.jobs.get(job_id) == before


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadTimeout("no answer"),
        httpx.RemoteProtocolError("disconnected"),
        httpx.Response(500, json={"status": "FAILED", "message": "server error"}),
        httpx.Response(504, text="gateway timeout"),
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, json={"status": "SUCCESS", "data": {}}),
        httpx.Response(200, content=b""),
    ],
    ids=str,
)
def test_i1_a_submission_whose_answer_was_lost_is_never_repeated(world: World, lost: Any) -> None:
    job_id = world.accept()
    world.wire.answers = [lost]
    step = world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert step == NextStep(job_id, "wait", GRACE)
    assert (job.state, job.grace_until) == (JobState.SUBMIT_UNKNOWN, world.now + GRACE)
    assert job.fault is not None
    assert job.fault.code is ErrorCode.AMBIGUOUS
    assert not job.fault.retryable
    world.task_creator().create_task(job_id)
    assert world.wire.submissions == 1


def test_a_lost_submission_keeps_the_error_code_and_trace_id_of_the_gateway(world: World) -> None:
    job_id = world.accept("acedata")
    error = {"error": {"code": "api_error", "message": "try later"}, "trace_id": "trace-7"}
    world.wire.answers = [answer(500, error)]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert job.state is JobState.SUBMIT_UNKNOWN
    assert job.fault is not None
    assert "try later" in job.fault.message
    assert (job.fault.gateway_code, job.fault.trace_id) == ("api_error", "trace-7")


def test_an_unreadable_answer_is_stored_completely(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.Response(502, content=b"<html>\xff</html>")]
    world.task_creator().create_task(job_id)
    [item] = world.items("RECEIPT#submission#")
    assert item["http_status"] == {"N": "502"}
    assert zlib.decompress(item["body"]["B"]) == b"<html>\xff</html>"


@pytest.mark.parametrize(
    ("refusal", "wait"),
    [
        (answer(429, {"status": "FAILED", "message": "too many"}), PACE.interval),
        (answer(429, {"status": "FAILED", "message": "too many"}, {"Retry-After": "77"}), 77),
        (httpx.ConnectError("refused"), PACE.interval),
        (answer(499, {"status": "FAILED", "message": "queue full"}), PACE.interval),
    ],
    ids=str,
)
def test_a_retryable_refusal_is_submitted_again_later_with_a_new_intent(world: World, refusal: Any, wait: int) -> None:
    job_id = world.accept()
    wait = PACE.jittered(world.job(job_id), wait)
    world.wire.answers = [refusal, ACCEPTED]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", wait)
    job = world.job(job_id)
    assert (job.state, job.intent, job.submit_after) == (JobState.SUBMITTING, None, world.now + wait)
    assert job.fault is not None
    world.clock.sleep(wait - 1)
    world.task_creator().create_task(job_id)
    assert len(world.wire.requests) == 1
    world.clock.sleep(1)
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.task_id, job.fault, job.submit_after) == (JobState.GENERATING, "J1", None, None)


def test_the_grace_period_of_a_lost_answer_ends_at_the_deadline(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 1)
    world.wire.answers = [httpx.ReadTimeout("lost")]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    assert world.job(job_id).grace_until == world.job(job_id).deadline_at


def test_a_refused_submission_is_not_repeated_after_the_deadline(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - PACE.interval)
    world.wire.answers = [answer(429, {"status": "FAILED", "message": "too many"})]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert job.state is JobState.FAILED
    assert job.fault is not None
    assert job.fault.code is ErrorCode.RATE_LIMITED


@pytest.mark.parametrize(("status", "code"), [(401, ErrorCode.AUTHENTICATION), (402, ErrorCode.QUOTA)])
def test_a_final_refusal_ends_the_job_and_leaves_a_signal(world: World, status: int, code: ErrorCode) -> None:
    job_id = world.accept()
    world.wire.answers = [answer(status, {"status": "FAILED", "message": "no"})]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code, job.intent) == (JobState.FAILED, code, None)
    assert "signalled" in world.items("JOB")[0]


def test_a_missing_key_fails_the_job_and_spends_nothing(world: World) -> None:
    job_id = world.accept()
    use_accounts(world, FixedSecret({"other/default": {}}))
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.FAILED, ErrorCode.AUTHENTICATION)
    assert world.wire.requests == []


def test_i7_without_a_slot_nothing_is_submitted(world: World) -> None:
    job_id = world.accept()
    world.use_up_slots(job_id, 60)
    step = world.task_creator().create_task(job_id)
    assert (step.next, 50 <= step.wait_seconds <= 60) == ("wait", True)
    assert world.job(job_id).state is JobState.ACCEPTED
    assert world.wire.requests == []


def test_a_function_waits_for_a_turn_that_is_near_and_keeps_the_place_of_its_job_meanwhile(world: World) -> None:
    job_id = world.accept()
    world.use_up_slots(job_id, 15)
    began, places = world.clock(), []

    def gateway(_: httpx.Request) -> httpx.Response:
        places.append(world.job(job_id).place)
        return ACCEPTED

    world.wire.answers = [gateway]
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.job(job_id).task_id == "J1"
    assert world.clock() == pytest.approx(began + 15, abs=3)
    assert (world.job(job_id).place, world.items("QUEUE#")) == (None, [])


def test_a_function_does_not_wait_for_a_turn_beyond_the_deadline(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 4)
    world.use_up_slots(job_id, 8)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert (world.wire.requests, world.clock()) == ([], START + DEADLINE - 4)


def test_nothing_is_submitted_after_the_deadline(world: World) -> None:
    """The next slot is after the deadline, or the slot before it is missed: the task would be paid for, and end too late."""
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 2)
    world.use_up_slots(job_id, 3)
    assert world.task_creator().create_task(job_id).next == "wait"
    begin = SubmissionStore.begin_submission
    world.use_up_slots(job_id, 0)

    def slow(*given: Any, **named: Any) -> Any:
        world.clock.sleep(4)
        return begin(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SubmissionStore, "begin_submission", slow)
        step = world.task_creator().create_task(job_id)
    assert (step.next, world.wire.requests) == ("wait", [])
    assert world.task_checker().check_task(job_id).next == "finish"
    ended = world.job(job_id)
    assert (ended.state, ended.charged) == (JobState.TIMED_OUT, Charged.NO)


def test_a_callback_may_arrive_before_the_answer(world: World) -> None:
    job_id = world.accept()

    def gateway(_: httpx.Request) -> httpx.Response:
        world.jobs.submissions.accept_task(world.job(job_id), "J1", now=world.now, due_at=world.now)
        return ACCEPTED

    world.wire.answers = [gateway]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    assert world.job(job_id).task_id == "J1"


def test_an_intent_is_due_once_its_function_can_no_longer_run(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [_kill]
    with pytest.raises(KeyboardInterrupt):
        world.task_creator().create_task(job_id)
    assert world.due(SUBMIT_SECONDS) == []
    assert world.due(SUBMIT_SECONDS + PACE.slack) == [job_id]


def _kill(_: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


def test_a_key_that_was_just_replaced_is_used_for_the_next_submission(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [answer(401, {"status": "FAILED", "message": "bad key"}), ACCEPTED]
    stored = FixedSecret({"ttapi/default": {"api_key": "old"}})
    use_accounts(world, stored)
    world.secret.values()
    stored.value = {"ttapi/default": {"api_key": "new"}}
    world.clock.sleep(RENEW_SECONDS)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.job(job_id).ended_at is None
    world.clock.sleep(PACE.jittered(world.job(job_id), PACE.interval))
    world.task_creator().create_task(job_id)
    assert world.job(job_id).state is JobState.GENERATING
    assert [request.headers["TT-API-KEY"] for request in world.wire.requests] == ["old", "new"]


def test_i1_a_refusal_never_takes_back_the_intent_of_another_run(world: World) -> None:
    job_id = world.accept()
    task_creator = world.task_creator()

    def slow_refusal(_: httpx.Request) -> httpx.Response:
        job = world.job(job_id)
        fault, order = Fault(ErrorCode.RATE_LIMITED, "x"), [Candidate("ttapi")]
        world.jobs.submissions.refuse_submission(job, fault, order, job.expects, now=world.now, due_at=world.now)
        world.jobs.submissions.begin_submission(world.job(job_id), "another", FileTerms(), now=world.now, due_at=world.now)
        return answer(429, {"status": "FAILED", "message": "too many"})

    world.wire.answers = [slow_refusal]
    assert task_creator.create_task(job_id) == NextStep(job_id, "wait", 1)
    assert world.job(job_id).intent == "another"


@pytest.mark.parametrize("renewed", [True, False])
def test_i1_a_run_without_a_key_leaves_the_intent_of_another_run_alone(world: World, renewed: bool) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    world.jobs.submissions.begin_submission(world.job(job_id), "another", FileTerms(), now=world.now, due_at=world.now)
    stored = FixedSecret({})
    use_accounts(world, stored)
    world.secret.values()
    world.clock.sleep(RENEW_SECONDS)
    if renewed:
        stored.value = {"ttapi/default": {"api_key": "new"}}
    task_creator = world.task_creator()
    world.jobs.get = lambda _: stale  # type: ignore[method-assign, assignment]
    assert task_creator.create_task(job_id).next == "wait"
    del world.jobs.get
    job = world.job(job_id)
    assert (job.intent, job.ended_at) == ("another", None)


def test_a_repeated_write_of_the_same_intent_is_not_a_conflict(world: World) -> None:
    job_id = world.accept()
    for _ in range(2):
        world.jobs.submissions.begin_submission(world.job(job_id), "mine", FileTerms(), now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.submissions.begin_submission(world.job(job_id), "other", FileTerms(), now=world.now, due_at=world.now)


def test_a_secret_that_cannot_be_read_does_not_fail_the_job(world: World) -> None:
    job_id = world.accept()
    use_accounts(world, Denied())
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", PACE.interval)
    assert world.job(job_id).ended_at is None


def test_a_malformed_accounts_secret_does_not_make_a_refusal_ambiguous(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [answer(401, {"status": "FAILED", "message": "bad key"})]
    stored = FixedSecret(ACCOUNTS)
    use_accounts(world, stored)
    world.secret.values()
    stored.value = "not an object"
    world.clock.sleep(RENEW_SECONDS)
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.FAILED, ErrorCode.AUTHENTICATION)


BEFORE_DEADLINE = {
    "accepted": ACCEPTED,
    "refused": answer(429, {"status": "FAILED", "message": "too many"}),
    "lost": httpx.ReadTimeout("lost"),
}


@pytest.mark.parametrize("reply", BEFORE_DEADLINE.values(), ids=BEFORE_DEADLINE)
def test_i6_a_submission_does_not_keep_a_job_open_past_its_deadline(world: World, reply: httpx.Response | Exception) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 90)
    world.wire.answers = [reply]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.ended_at, job.due_at) == (None, job.deadline_at)
