"""Tasks that were created elsewhere are taken over without a submission, by one job, and never by two tenants."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, InvalidRequest, JobDeleted, TaskNotFound
from suno_jobs.intake.adoption import TaskAdopter, parse_adoption
from suno_jobs.jobs.record import FileTerms, Job
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Charged, JobState, WaitReason
from suno_jobs.jobs.views import job_view
from suno_jobs.jobs.waiting import waiting_for
from suno_jobs.lifecycle.lost_submission import LOST
from suno_jobs.network.http import httpx
from suno_jobs.runtime.secrets import RENEW_SECONDS
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.steps.retry_job import JobRetrier
from tests.builders import use_accounts
from tests.world import ACCOUNTS, DEADLINE, PACE, FixedSecret, World

TASK = "6eb1d8b4"
ADOPTION = {"gateway": "crun", "kind": "music", "adopt": {"task_id": TASK}, "metadata": {"order": "7"}}
UNKNOWN = httpx.Response(200, json={"code": 404, "message": "task not found"})


def report(status: str = "running", **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"code": 200, "data": {"task_id": TASK, "status": status, **more}})


@pytest.fixture
def own(world: World) -> World:
    """The tenants acme and other have accounts of their own at crun."""
    accounts = {f"crun/{tenant}": {"api_key": f"key-of-{tenant}"} for tenant in ("acme", "other")}
    use_accounts(world, FixedSecret(ACCOUNTS | accounts))
    return world


def adopt(world: World, *answers: Any, tenant: str = "acme", key: str | None = None) -> Job:
    world.wire.answers = list(answers)
    view, created = world.job_submitter().submit_job(tenant, ADOPTION, key)
    assert created
    return view.job


def check(world: World, job: Job) -> NextStep:
    return world.task_checker().check_task(job.job_id)


def owner(world: World, account: str = "acme") -> str | None:
    return world.jobs.owners.owner("crun", account, TASK)


def test_i1_nothing_is_submitted_and_nothing_is_charged(own: World) -> None:
    job = adopt(own, report())
    assert own.task_creator().create_task(job.job_id) == NextStep(job.job_id, "wait", 1)
    assert own.job(job.job_id).state is JobState.ACCEPTED
    check(own, job)
    job = own.job(job.job_id)
    assert (job.state, job.tasks, job.account) == (JobState.GENERATING, (TASK,), "acme")
    assert (job.charged, job.submitted_at, job.cost) == (Charged.NO, None, None)
    assert [request.method for request in own.wire.requests] == ["GET"]
    assert own.wire.requests[0].headers["x-api-key"].endswith("key-of-acme")


def test_a_running_task_is_polled_and_its_callback_not_awaited(own: World) -> None:
    job = adopt(own, report())
    assert check(own, job).wait_seconds < PACE.first_check
    own.wire.answers = [report(credits=12), report("success", credits=12)]
    check(own, job)
    check(own, job)
    assert own.job(job.job_id).cost is None


def test_the_request_can_be_read_back(own: World) -> None:
    shown = job_view(own.view(adopt(own, report()).job_id))
    assert shown["request"] == ADOPTION
    assert shown["task_id"] is None
    assert shown["waiting_for"] == {"reason": "next_check", "until": shown["waiting_for"] and shown["waiting_for"]["until"]}


def test_a_task_unknown_in_three_reads_within_a_minute_is_not_found(own: World) -> None:
    job = adopt(own, UNKNOWN)
    began = own.now
    for _ in range(2):
        step = check(own, job)
        assert step.next == "wait"
        own.clock.sleep(step.wait_seconds)
    assert own.job(job.job_id).state is JobState.ACCEPTED
    assert check(own, job).next == "finish"
    assert own.now - began < 60
    job = own.job(job.job_id)
    assert (job.state, job.fault and job.fault.code, job.charged) == (JobState.FAILED, ErrorCode.NOT_FOUND, Charged.NO)


def test_a_task_that_is_known_at_the_third_read_is_adopted(own: World) -> None:
    job = adopt(own, UNKNOWN, UNKNOWN, report())
    for _ in range(3):
        own.clock.sleep(check(own, job).wait_seconds)
    assert own.job(job.job_id).state is JobState.GENERATING


@pytest.mark.parametrize(
    "answer", [httpx.ReadTimeout("slow"), httpx.Response(502, text="<html>"), httpx.Response(200, json={"code": 401})], ids=str
)
def test_a_read_that_fails_says_nothing_about_the_task(own: World, answer: Any) -> None:
    job = adopt(own, answer)
    for _ in range(4):
        step = check(own, job)
        assert step.next == "wait"
        own.clock.sleep(step.wait_seconds)
    assert own.job(job.job_id).state is JobState.ACCEPTED
    own.clock.sleep(DEADLINE)
    read = len(own.wire.requests)
    assert check(own, job).next == "finish"
    assert len(own.wire.requests) == read
    assert own.job(job.job_id).state is JobState.TIMED_OUT


def test_a_read_that_is_refused_for_now_is_repeated_when_the_gateway_wants_it(own: World) -> None:
    refusal = httpx.Response(429, json={"code": 429, "message": "slow"}, headers={"Retry-After": "300"})
    job = adopt(own, refusal, report())
    assert check(own, job).wait_seconds == 300


def test_a_known_task_returns_the_job_of_its_tenant_and_is_not_found_for_others(own: World) -> None:
    job = adopt(own, report())
    view, created = own.job_submitter().submit_job("acme", ADOPTION | {"metadata": {}}, "another-key")
    assert (view.job.job_id, created) == (job.job_id, False)
    # In another account, the same id is another task.
    assert adopt(own, report(), tenant="other").job_id != job.job_id


def test_a_submitted_task_returns_its_job(world: World) -> None:
    job_id = world.generating("crun")
    view, created = world.job_submitter().submit_job("acme", ADOPTION | {"adopt": {"task_id": "J1"}}, None)
    assert (view.job.job_id, created) == (job_id, False)
    with pytest.raises(TaskNotFound):
        world.job_submitter().submit_job("other", ADOPTION | {"adopt": {"task_id": "J1"}}, None)


def test_a_shared_account_is_for_operators(world: World) -> None:
    with pytest.raises(TaskNotFound):
        world.job_submitter().submit_job("acme", ADOPTION, None)
    assert world.items("JOB") == []


def test_an_account_that_was_just_added_can_be_used_at_once(world: World) -> None:
    secret = FixedSecret(ACCOUNTS)
    use_accounts(world, secret)
    submitter = world.job_submitter()
    with pytest.raises(TaskNotFound):
        submitter.submit_job("acme", ADOPTION, None)
    secret.value = ACCOUNTS | {"crun/acme": {"api_key": "key-of-acme"}}
    world.clock.sleep(RENEW_SECONDS)
    assert submitter.submit_job("acme", ADOPTION, None)[1]


def test_a_dry_run_shows_the_job_and_writes_nothing(own: World) -> None:
    shown = own.job_submitter().preview_job("acme", ADOPTION, None)
    assert (shown["job"]["state"], shown["gateways"]) == ("ACCEPTED", [])
    assert own.items("") == []
    known = adopt(own, report())
    assert own.job_submitter().preview_job("acme", ADOPTION, None)["job"]["job_id"] == known.job_id


def test_two_requests_at_the_same_time_create_one_job(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    submitter = own.job_submitter()
    winners: list[str] = []

    def find_job(*given: Any) -> Any:
        # Another request creates the job after this one has looked for it.
        found = find(*given)
        if not winners and given[2] == "acme":
            winners.append("")
            winners[0] = own.job_submitter().submit_job("acme", ADOPTION, "first")[0].job.job_id
        return found

    find = TaskAdopter.find_job
    monkeypatch.setattr(TaskAdopter, "find_job", find_job)
    view, created = submitter.submit_job("acme", ADOPTION, "second")
    assert ([view.job.job_id], created) == (winners, False)


def test_the_job_of_a_lost_submission_gets_the_task_that_a_reply_shows_to_be_its(own: World) -> None:
    lost = own.accept("crun")
    begun = own.jobs.submissions.begin_submission(own.job(lost), "i1", FileTerms(), now=own.now, due_at=own.now)
    own.jobs.submissions.lose_submission(begun, LOST, grace_until=own.now + 60, now=own.now, due_at=own.now)
    account = own.job(lost).account
    url = f"https://us.example/v1/callbacks/crun/{lost}/{'0' * 64}"
    own.wire.answers = [report(param={"callback_url": url.replace("/", "\\/")})]
    adopted = _operator_adopts(own, account)
    assert check(own, adopted).next == "finish"
    assert own.job(adopted.job_id).state is JobState.FAILED
    assert lost in str(own.job(adopted.job_id).fault)
    job = own.job(lost)
    assert (job.state, job.tasks) == (JobState.GENERATING, (TASK,))
    assert owner(own, account) == lost
    assert lost in own.due(0)


def test_the_task_of_another_tenant_is_not_shown(own: World) -> None:
    other = own.generating("crun")
    url = f"https://us.example/v1/callbacks/crun/{other}/{'0' * 64}"
    own.wire.answers = [report(param={"callback_url": url})]
    adopted = _operator_adopts(own, own.job(other).account, tenant="other")
    check(own, adopted)
    job = own.job(adopted.job_id)
    assert (job.state, job.tasks) == (JobState.FAILED, ())
    assert other not in str(job.fault)


@pytest.mark.parametrize("job_id", ["job_" + "0" * 26, "another gateway"])
def test_a_task_that_another_job_submitted_is_not_adopted(own: World, job_id: str) -> None:
    """Of a job that was deleted, only the owner of its task is left. A job at another gateway does not get the task."""
    named = own.accept("ttapi") if job_id == "another gateway" else job_id
    own.wire.answers = [report(param={"callback_url": f"https://us.example/v1/callbacks/crun/{named}/{'0' * 64}"})]
    adopted = adopt(own, *own.wire.answers)
    check(own, adopted)
    assert own.job(adopted.job_id).state is JobState.FAILED
    assert (job := own.jobs.get(named)) is None or job.tasks == ()


def test_a_submission_that_learns_of_its_task_first_keeps_it(own: World) -> None:
    lost = own.accept("crun")
    begun = own.jobs.submissions.begin_submission(own.job(lost), "i1", FileTerms(), now=own.now, due_at=own.now)
    own.wire.answers = [report()]
    adopted = _operator_adopts(own, begun.account)
    own.jobs.submissions.accept_task(begun, TASK, now=own.now, due_at=own.now)
    assert check(own, adopted).next == "finish"
    assert own.wire.requests == []
    assert owner(own, begun.account) == lost


def test_a_submission_that_learns_of_its_task_during_the_read_keeps_it(own: World) -> None:
    lost = own.accept("crun")
    begun = own.jobs.submissions.begin_submission(own.job(lost), "i1", FileTerms(), now=own.now, due_at=own.now)

    def answer(_: httpx.Request) -> httpx.Response:
        own.jobs.submissions.accept_task(begun, TASK, now=own.now, due_at=own.now)
        return report()

    own.wire.answers = [answer]
    adopted = _operator_adopts(own, begun.account)
    assert check(own, adopted) == NextStep(adopted.job_id, "wait", 1)
    assert own.job(adopted.job_id).tasks == ()
    assert check(own, adopted).next == "finish"


def test_an_adopted_task_stays_with_its_job(own: World) -> None:
    adopted = adopt(own, report())
    check(own, adopted)
    other = own.accept("crun")
    begun = own.jobs.submissions.begin_submission(own.job(other), "i1", FileTerms(), now=own.now, due_at=own.now)
    own.jobs.submissions.accept_task(begun, TASK, now=own.now, due_at=own.now)
    assert owner(own, begun.account) == (adopted.job_id if begun.account == "acme" else other)
    assert owner(own) == adopted.job_id


def test_a_retry_adopts_the_task_again(own: World) -> None:
    job = adopt(own, UNKNOWN)
    for _ in range(3):
        own.clock.sleep(check(own, job).wait_seconds)
    own.job_finisher().finish_job(job.job_id)
    assert own.job(job.job_id).recoverable_until is None
    retried, created = JobRetrier(own.job_creator()).retry_job("acme", job.job_id, {})
    assert created
    assert owner(own) == retried.job.job_id
    own.wire.answers = [report()]
    check(own, retried.job)
    assert own.job(retried.job.job_id).tasks == (TASK,)


def test_the_tombstone_of_a_deleted_job_blocks_its_task(own: World) -> None:
    job = adopt(own, report())
    own.jobs.finish(job, JobState.CANCELLED, None, now=own.now)
    own.jobs.deletions.place_tombstone(own.job(job.job_id), None, now=own.now)
    with pytest.raises(JobDeleted):
        own.job_submitter().submit_job("acme", ADOPTION, None)


def test_a_cancelled_adoption_was_not_charged(own: World) -> None:
    job = adopt(own, report())
    check(own, job)
    canceller = JobCanceller(jobs=own.jobs, executions=own.executions, clock=own.clock)  # type: ignore[arg-type]
    fault = canceller.cancel_job("acme", job.job_id).job.fault
    assert fault
    assert "nothing is charged" in fault.message


def test_an_adopted_job_waits_for_its_next_check(own: World) -> None:
    wait = waiting_for(adopt(own, report()))
    assert wait
    assert wait.reason is WaitReason.NEXT_CHECK


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"gateway": "auto"}, "/gateway"),
        ({"gateway": ["crun"]}, "/gateway"),
        ({"gateway": "evolink", "kind": "wav"}, "/kind"),
        ({"gateway": "acedata", "kind": "lyrics"}, "/kind"),
        ({"kind": "opera"}, "/kind"),
        ({"adopt": {}}, "/adopt/task_id"),
        ({"adopt": {"task_id": "a b"}}, "/adopt/task_id"),
        ({"adopt": {"task_id": "a", "account": "x"}}, "/adopt/account"),
        ({"input": {"prompt": "rain"}}, "/input"),
        ({"ambiguous_submit": "resubmit"}, "/ambiguous_submit"),
        ({"metadata": {"a\x00": "b"}}, "/metadata"),
    ],
)
def test_what_is_wrong_is_named(own: World, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        own.job_submitter().submit_job("acme", ADOPTION | changes, None)
    assert [error["pointer"] for error in refused.value.members["errors"]] == [pointer]


def _operator_adopts(world: World, account: str, tenant: str = "acme") -> Job:
    view, created = TaskAdopter(world.job_creator()).adopt_task(tenant, account, parse_adoption(ADOPTION), "digest")
    assert created
    return view.job
