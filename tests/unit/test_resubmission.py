"""A submission whose answer was lost for good: it ends the job, unless its client has allowed to submit once more."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from suno_jobs import store
from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.models import Candidate
from suno_jobs.receipts import ReceiptSource
from suno_jobs.submission import SUBMIT_SECONDS
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Step
from tests.unit.test_checking import music, task
from tests.world import DEADLINE, GRACE, World

ACCEPTED = httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J2"}})
TROUBLE = Fault(ErrorCode.AMBIGUOUS, "x")
LOST = httpx.ReadTimeout("lost")


def lost(world: World, **asked: Any) -> str:
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}} | asked
    job_id = world.acceptor()("acme", body, "k")[0].job.job_id
    world.wire.answers = [LOST]
    world.submitter()(job_id)
    return job_id


@pytest.mark.parametrize(
    ("policy", "asked", "again"),
    [
        ("fail", {}, False),
        ("fail", {"ambiguous_submit": "fail"}, False),
        ("fail", {"ambiguous_submit": "resubmit"}, True),
        ("resubmit", {}, True),
        ("resubmit", {"ambiguous_submit": "fail"}, False),
    ],
)
def test_the_request_decides_and_else_the_stack(world: World, policy: str, asked: dict[str, str], again: bool) -> None:
    world.policy = policy
    job_id = lost(world, **asked)
    world.clock.sleep(GRACE - 1)
    assert world.checker()(job_id) == Step(job_id, "wait", 1)
    world.clock.sleep(1)
    assert world.checker()(job_id).next == ("submit" if again else "finish")
    world.wire.answers = [ACCEPTED]
    world.submitter()(job_id)
    assert world.wire.submissions == (2 if again else 1)
    assert world.job(job_id).task_id == ("J2" if again else None)


def test_a_job_that_has_ended_waits_for_nothing(world: World) -> None:
    job_id = lost(world)
    world.clock.sleep(GRACE)
    world.checker()(job_id)
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    job = world.job(job_id)
    assert (job.verdict, job.intent, job.grace_until, job.submit_after) == (None, None, None, None)


def test_a_submission_is_repeated_once_and_the_state_never_goes_back(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    states = []
    for _ in range(8):
        world.clock.sleep(GRACE / 2)
        step = world.checker()(job_id)
        states.append(world.job(job_id).state)
        if step.next == "submit":
            world.submitter()(job_id)
    assert set(states) == {JobState.SUBMIT_UNKNOWN}
    assert world.wire.submissions == 2
    assert world.job(job_id).verdict is JobState.TIMED_OUT


def test_a_callback_that_comes_before_the_second_submission_makes_it_needless(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    assert world.checker()(job_id).next == "submit"
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', now=world.now)
    world.wire.answers = [task(music(1))]
    assert world.checker()(job_id).next == "store"
    assert (world.job(job_id).task_id, world.wire.submissions) == ("J1", 1)


def test_a_second_submission_that_is_refused_does_not_make_the_first_known(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.checker()(job_id)
    world.wire.answers = [httpx.Response(402, json={"status": "FAILED", "message": "no money"})]
    world.submitter()(job_id)
    job = world.job(job_id)
    assert (job.verdict, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)
    world.finisher()(job_id)
    assert world.job(job_id).care_until is not None


def test_a_second_submission_that_was_killed_counts_as_lost_too(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.checker()(job_id)
    world.jobs.begin_submission(world.job(job_id), "i2", now=world.now, due_at=world.now)
    world.clock.sleep(SUBMIT_SECONDS)
    step = world.checker()(job_id)
    assert (step.next, world.job(job_id).intent, world.job(job_id).state) == ("wait", None, JobState.SUBMIT_UNKNOWN)


def test_nothing_is_submitted_while_the_first_is_waited_for(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    with pytest.raises(Conflict):
        world.jobs.begin_submission(world.job(job_id), "i2", now=world.now, due_at=world.now)
    world.submitter()(job_id)
    assert world.wire.submissions == 1


def test_a_second_submission_that_was_refused_for_now_is_repeated(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.checker()(job_id)
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "busy"}), ACCEPTED]
    wait = world.submitter()(job_id).wait_seconds
    assert (world.job(job_id).state, world.checker()(job_id).next) == (JobState.SUBMIT_UNKNOWN, "wait")
    world.clock.sleep(wait)
    assert world.checker()(job_id).next == "submit"
    world.submitter()(job_id)
    assert world.job(job_id).task_id == "J2"


def test_at_the_deadline_a_refused_second_submission_does_not_make_the_first_known(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.checker()(job_id)
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "busy"})]
    world.submitter()(job_id)
    world.clock.sleep(DEADLINE)
    assert world.checker()(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.verdict, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)


def test_a_second_submission_stays_at_the_gateway_of_the_first(world: World) -> None:
    job_id = lost(world, gateway=["ttapi", "crun"], ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.checker()(job_id)
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "busy"})]
    world.submitter()(job_id)
    assert world.job(job_id).gateway == "ttapi"
    assert {str(request.url.host) for request in world.wire.requests} == {"api.ttapi.io"}


def test_an_answer_that_comes_after_the_job_was_given_up_tells_its_task(world: World) -> None:
    job_id = world.accept()

    def late(_: httpx.Request) -> httpx.Response:
        world.clock.sleep(DEADLINE)
        assert world.checker()(job_id).next == "finish"
        assert world.finisher()(job_id) is JobState.TIMED_OUT
        return ACCEPTED

    world.wire.answers = [late]
    world.submitter()(job_id)
    job = world.job(job_id)
    assert (job.state, job.task_id, job.updated_at) == (JobState.TIMED_OUT, "J2", world.now)
    assert world.due() == [job_id]


def test_an_answer_that_comes_after_a_cancel_is_kept_as_a_receipt(world: World) -> None:
    job_id = world.accept()

    def late(_: httpx.Request) -> httpx.Response:
        world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, partial=False, now=world.now)
        return ACCEPTED

    world.wire.answers = [late]
    assert world.submitter()(job_id) == Step(job_id, "wait", 1)
    assert len(world.items("RECEIPT#submission#")) == 1


def test_a_callback_that_names_no_task_proves_that_there_is_one(world: World) -> None:
    job_id = lost(world, ambiguous_submit="resubmit")
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b"{}", now=world.now)
    world.clock.sleep(GRACE)
    assert world.checker()(job_id).next == "finish"
    assert world.job(job_id).verdict is JobState.TIMED_OUT


def test_a_refusal_that_comes_meanwhile_is_waited_for(world: World) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    fault, turn = Fault(ErrorCode.RATE_LIMITED, "x"), [Candidate("ttapi", world.now + 50)]
    world.jobs.refuse_submission(world.job(job_id), fault, turn, stale.expects, now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.begin_submission(stale, "i", now=world.now, due_at=world.now)
    job = world.job(job_id)
    repeated = [world.jobs.begin_submission(job, "mine", now=world.now, due_at=world.now) for _ in range(2)]
    assert [begun.submit_after for begun in repeated] == [None, None]


def test_a_very_long_history_tells_of_changes_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LONG_HISTORY", 9)
    job_id = world.accept()
    for number in range(9):
        job = world.jobs.begin_submission(world.job(job_id), f"i{number}", now=world.now, due_at=world.now)
        fault, turn = Fault(ErrorCode.RATE_LIMITED, "x"), [Candidate("ttapi")]
        world.jobs.refuse_submission(job, fault, turn, job.expects, now=world.now, due_at=world.now)
    assert len(world.job(job_id).history) == 9
    world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, partial=False, now=world.now)
    assert len(world.job(job_id).history) == 10


def test_no_other_gateway_is_turned_to_while_a_lost_answer_is_waited_for(world: World) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    job = world.jobs.begin_submission(stale, "i", now=world.now, due_at=world.now)
    world.jobs.lose_submission(job, TROUBLE, grace_until=world.now + 60, now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.pass_over(stale, [Candidate("crun")], stale.expects, now=world.now, due_at=world.now)
