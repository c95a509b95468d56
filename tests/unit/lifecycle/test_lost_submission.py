"""A submission whose answer was lost for good ends the job, unless its client has allowed a second submission."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.jobs.record import Candidate, FileTerms
from suno_jobs.jobs.schedule import UNREAD_SECONDS, NextStep
from suno_jobs.jobs.states import JobState, WaitReason
from suno_jobs.lifecycle.lost_submission import SUBMIT_SECONDS
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.network.http import httpx
from suno_jobs.storage import job_changes
from suno_jobs.storage.receipts import ReceiptSource
from tests.builders import music, task
from tests.world import DEADLINE, GRACE, World

ACCEPTED_AGAIN = httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J2"}})
AMBIGUOUS = Fault(ErrorCode.AMBIGUOUS, "x")


def submitted(world: World, **asked: Any) -> str:
    """A job whose gateway never answered the submission."""
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}} | asked
    job_id = world.job_submitter().submit_job("acme", body, "k")[0].job.job_id
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.task_creator().create_task(job_id)
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
def test_the_request_decides_on_a_resubmission_and_otherwise_the_stack(
    world: World, policy: str, asked: dict[str, str], again: bool
) -> None:
    world.policy = policy
    job_id = submitted(world, **asked)
    world.clock.sleep(GRACE - 1)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", 1)
    world.clock.sleep(1)
    assert world.task_checker().check_task(job_id).next == ("submit" if again else "finish")
    world.wire.answers = [ACCEPTED_AGAIN]
    world.task_creator().create_task(job_id)
    assert world.wire.submissions == (2 if again else 1)
    assert world.job(job_id).task_id == ("J2" if again else None)


def test_an_ended_job_waits_for_nothing(world: World) -> None:
    job_id = submitted(world)
    world.clock.sleep(GRACE)
    world.task_checker().check_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    job = world.job(job_id)
    assert (job.intent, job.grace_until, job.submit_after) == (None, None, None)


def test_i6_a_lost_submission_ends_although_no_read_of_its_task_returns(world: World) -> None:
    """The function was stopped during each of them; recovery reads the task again."""
    job_id = submitted(world)
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = []
    world.clock.sleep(DEADLINE + UNREAD_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    world.wire.answers = [task(music(1))]
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.task_checker().check_task(job_id).next == "store"


def test_a_submission_is_repeated_once_and_the_state_never_goes_back(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    states = []
    for _ in range(8):
        world.clock.sleep(GRACE / 2)
        step = world.task_checker().check_task(job_id)
        states.append(world.job(job_id).state)
        if step.next == "submit":
            world.task_creator().create_task(job_id)
    submissions_end = states.index(JobState.TIMED_OUT)
    assert {*states[:submissions_end]} == {JobState.SUBMIT_UNKNOWN}
    assert {*states[submissions_end:]} == {JobState.TIMED_OUT}
    assert world.wire.submissions == 2
    assert world.job(job_id).state is JobState.TIMED_OUT


def test_a_callback_before_the_second_submission_makes_it_unnecessary(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "submit"
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "SUCCESS"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"
    assert (world.job(job_id).task_id, world.wire.submissions) == ("J1", 1)


def test_a_refused_second_submission_leaves_the_first_ambiguous(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.task_checker().check_task(job_id)
    world.wire.answers = [httpx.Response(402, json={"status": "FAILED", "message": "no money"})]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)
    world.job_finisher().finish_job(job_id)
    assert world.job(job_id).recoverable_until is not None


def test_a_second_submission_that_was_killed_also_counts_as_lost(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.task_checker().check_task(job_id)
    world.jobs.submissions.begin_submission(world.job(job_id), "i2", FileTerms(), now=world.now, due_at=world.now)
    world.clock.sleep(SUBMIT_SECONDS)
    step = world.task_checker().check_task(job_id)
    assert (step.next, world.job(job_id).intent, world.job(job_id).state) == ("wait", None, JobState.SUBMIT_UNKNOWN)


def test_nothing_is_submitted_during_the_grace_period(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    with pytest.raises(Conflict):
        world.jobs.submissions.begin_submission(world.job(job_id), "i2", FileTerms(), now=world.now, due_at=world.now)
    world.task_creator().create_task(job_id)
    assert world.wire.submissions == 1


def test_a_second_submission_that_was_refused_temporarily_is_repeated(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.task_checker().check_task(job_id)
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "busy"}), ACCEPTED_AGAIN]
    wait = world.task_creator().create_task(job_id).wait_seconds
    assert (world.job(job_id).state, world.task_checker().check_task(job_id).next) == (JobState.SUBMIT_UNKNOWN, "wait")
    world.clock.sleep(wait)
    assert world.task_checker().check_task(job_id).next == "submit"
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J2"


def test_at_the_deadline_a_refused_second_submission_leaves_the_first_ambiguous(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.task_checker().check_task(job_id)
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "busy"})]
    world.task_creator().create_task(job_id)
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)


def test_a_second_submission_stays_at_the_gateway_of_the_first(world: World) -> None:
    job_id = submitted(world, gateway=["ttapi", "crun"], ambiguous_submit="resubmit")
    world.clock.sleep(GRACE)
    world.task_checker().check_task(job_id)
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "busy"})]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).gateway == "ttapi"
    assert {str(request.url.host) for request in world.wire.requests} == {"api.ttapi.io"}


def test_an_answer_after_the_timeout_reveals_the_task(world: World) -> None:
    job_id = world.accept()

    def late(_: httpx.Request) -> httpx.Response:
        world.clock.sleep(DEADLINE)
        assert world.task_checker().check_task(job_id).next == "finish"
        assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
        return ACCEPTED_AGAIN

    world.wire.answers = [late]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.task_id, job.updated_at) == (JobState.TIMED_OUT, "J2", world.now)
    assert world.due() == [job_id]


def test_an_answer_after_a_cancellation_gives_the_job_its_task(world: World) -> None:
    job_id = world.accept()

    def late(_: httpx.Request) -> httpx.Response:
        world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, now=world.now)
        return ACCEPTED_AGAIN

    world.wire.answers = [late]
    assert world.task_creator().create_task(job_id).next == "wait"
    assert (world.job(job_id).state, world.job(job_id).task_id) == (JobState.CANCELLED, "J2")


def test_a_callback_without_a_task_id_still_proves_that_a_task_exists(world: World) -> None:
    job_id = submitted(world, ambiguous_submit="resubmit")
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b"{}", gateway="ttapi", now=world.now)
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.TIMED_OUT


def test_a_submission_respects_the_backoff_of_a_refusal_recorded_meanwhile(world: World) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    fault, order = Fault(ErrorCode.RATE_LIMITED, "x"), [Candidate("ttapi", world.now + 50)]
    world.jobs.submissions.refuse_submission(world.job(job_id), fault, order, stale.expects, now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.submissions.begin_submission(stale, "i", FileTerms(), now=world.now, due_at=world.now)
    job = world.job(job_id)
    repeated = [
        world.jobs.submissions.begin_submission(job, "mine", FileTerms(), now=world.now, due_at=world.now) for _ in range(2)
    ]
    assert [begun.submit_after for begun in repeated] == [None, None]


def test_a_very_long_history_records_only_changes_of_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_changes, "LONG_HISTORY", 9)
    job_id = world.accept()
    for number in range(9):
        job = world.jobs.submissions.begin_submission(
            world.job(job_id), f"i{number}", FileTerms(), now=world.now, due_at=world.now
        )
        fault, order = Fault(ErrorCode.RATE_LIMITED, "x"), [Candidate("ttapi")]
        world.jobs.submissions.refuse_submission(job, fault, order, job.expects, now=world.now, due_at=world.now)
    assert len(world.job(job_id).history) == 9
    world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, now=world.now)
    assert len(world.job(job_id).history) == 10


def test_no_other_gateway_is_tried_during_the_grace_period(world: World) -> None:
    job_id = world.accept()
    stale = world.job(job_id)
    job = world.jobs.submissions.begin_submission(stale, "i", FileTerms(), now=world.now, due_at=world.now)
    world.jobs.submissions.lose_submission(job, AMBIGUOUS, grace_until=world.now + 60, now=world.now, due_at=world.now)
    order, reason = [Candidate("crun")], WaitReason.CIRCUIT_BREAKER
    with pytest.raises(Conflict):
        world.jobs.submissions.skip_gateway(stale, order, stale.expects, reason, now=world.now, due_at=world.now)
