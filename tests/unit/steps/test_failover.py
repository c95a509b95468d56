"""Several gateways for one job: the next one is tried only after a definite refusal, and never two at once."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Candidate
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.network.http import httpx
from tests.builders import ACCEPTED, cancel, opened, use_accounts
from tests.world import ACCOUNTS, DEADLINE, PACE, FixedSecret, World

BUSY = {"status": "FAILED", "message": "too many"}
LONG = {"lyrics": "la la", "style": "waltz", "title": "x" * 90}


def accept(world: World, gateway: Any = ("ttapi", "crun"), kind: str = "music", **given: Any) -> str:
    chosen = gateway if isinstance(gateway, str) else list(gateway)
    body = {"gateway": chosen, "kind": kind, "input": given or {"prompt": "a song about rain"}}
    return world.job_submitter().submit_job("acme", body, "several")[0].job.job_id


def gateways_called(world: World) -> list[str]:
    hosts = [str(request.url.host) for request in world.wire.requests if request.method == "POST"]
    return [name for host in hosts for name in GATEWAYS if host in GATEWAYS[name].base_url]


def attempts(world: World, job_id: str) -> list[tuple[str, str | None]]:
    entries = [Entry.read(line) for line in world.job(job_id).history]
    return [(entry.gateway, entry.code) for entry in entries if entry.state is JobState.SUBMITTING]


def run(world: World, job_id: str, rounds: int = 6) -> None:
    """Does what the state machine does until the gateway has the task or the job is about to end. A wait is never 0."""
    for _ in range(rounds):
        step = world.task_creator().create_task(job_id)
        assert step.wait_seconds >= 1
        world.clock.sleep(step.wait_seconds)
        step = world.task_checker().check_task(job_id)
        assert step.wait_seconds >= 1
        if step.next == "finish" or world.job(job_id).task_id:
            return
        world.clock.sleep(step.wait_seconds if step.next == "wait" else 0)


def answers(**by_gateway: httpx.Response) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        [name] = [name for name in by_gateway if str(request.url.host) in GATEWAYS[name].base_url]
        return by_gateway[name]

    return answer


NO_MONEY = httpx.Response(402, json={"status": "FAILED", "message": "no money"})
CRUN_OK = httpx.Response(200, json={"code": 200, "message": "success", "data": {"task_id": "C1"}})


@pytest.mark.parametrize(
    "refusal", [NO_MONEY, httpx.Response(429, json=BUSY), httpx.Response(400, json={"status": "FAILED", "message": "bad"})]
)
def test_after_a_definite_refusal_the_next_gateway_is_tried(world: World, refusal: httpx.Response) -> None:
    job_id = accept(world)
    world.wire.answers = [answers(ttapi=refusal, crun=CRUN_OK)]
    run(world, job_id)
    job = world.job(job_id)
    assert (job.gateway, job.task_id) == ("crun", "C1")
    assert gateways_called(world) == ["ttapi", "crun"]
    assert [gateway for gateway, _ in attempts(world, job_id)] == ["ttapi", "ttapi", "crun"]
    assert [code is None for _, code in attempts(world, job_id)] == [True, False, True]


def test_after_a_lost_answer_no_other_gateway_is_tried(world: World) -> None:
    job_id = accept(world)
    world.wire.answers = [httpx.ReadTimeout("lost")]
    run(world, job_id)
    assert gateways_called(world) == ["ttapi"]
    assert world.job(job_id).gateway == "ttapi"


def test_a_gateway_that_refused_temporarily_is_tried_again_after_its_backoff(world: World) -> None:
    job_id = accept(world)
    slow = httpx.Response(429, json=BUSY, headers={"Retry-After": "70"})
    world.wire.answers = [answers(ttapi=slow, crun=httpx.Response(200, json={"code": 402, "message": "no credits"}))]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).gateway == "crun"
    wait = PACE.jittered(world.job(job_id), 70)
    assert world.job(job_id).candidates == (Candidate("ttapi", world.now + wait),)
    world.clock.sleep(1)
    assert world.task_creator().create_task(job_id).wait_seconds == wait - 1
    assert (world.job(job_id).gateway, world.job(job_id).candidates) == ("ttapi", ())
    world.clock.sleep(wait - 1)
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1"
    assert gateways_called(world) == ["ttapi", "crun", "ttapi"]


def test_when_all_refuse_for_good_the_job_fails_with_the_last_reason(world: World) -> None:
    job_id = accept(world)
    world.wire.answers = [answers(ttapi=NO_MONEY, crun=httpx.Response(200, json={"code": 402, "message": "no credits"}))]
    run(world, job_id)
    assert world.job(job_id).state is JobState.FAILED
    assert gateways_called(world) == ["ttapi", "crun"]


BAD = httpx.Response(400, json={"status": "FAILED", "message": "bad"})


def uploading(world: World, refusal: httpx.Response) -> str:
    """A job whose first gateway answers with the result, or with a refusal."""
    job_id = accept(world, ("ttapi", "acedata"), "upload", audio_url="https://example.com/song.mp3")
    world.wire.answers = [answers(ttapi=refusal)]
    world.task_creator().create_task(job_id)
    assert (world.job(job_id).gateway, world.job(job_id).attempts) == ("acedata", ())
    return job_id


def test_a_synchronous_operation_that_was_refused_for_good_may_have_been_charged_at_the_deadline(world: World) -> None:
    job_id = uploading(world, BAD)
    world.clock.sleep(DEADLINE)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert (job.state, job.charged, job.fault and job.fault.message) == (JobState.TIMED_OUT, Charged.MAYBE, "bad")


def test_such_an_operation_may_have_been_charged_when_the_next_gateway_refuses_too(world: World) -> None:
    job_id = uploading(world, BAD)
    refusal = {"success": False, "error": {"code": "used_up", "message": "no money"}}
    world.wire.answers = [answers(acedata=httpx.Response(403, json=refusal))]
    run(world, job_id)
    assert (world.job(job_id).state, world.job(job_id).charged) == (JobState.FAILED, Charged.MAYBE)


def test_a_client_that_cancels_is_told_so(world: World) -> None:
    job_id = uploading(world, BAD)
    cancel(world, job_id)
    job = world.job(job_id)
    assert (job.charged, job.fault and "may be charged" in job.fault.message) == (Charged.MAYBE, True)


def test_a_refusal_for_now_costs_nothing(world: World) -> None:
    assert world.job(uploading(world, httpx.Response(429, json=BUSY))).charged is Charged.NO


def test_a_gateway_without_an_account_is_skipped(world: World) -> None:
    job_id = accept(world)
    use_accounts(world, FixedSecret({"crun/default": ACCOUNTS["crun/default"]}))
    world.wire.answers = [CRUN_OK]
    run(world, job_id)
    assert world.job(job_id).task_id == "C1"
    assert gateways_called(world) == ["crun"]


def test_while_a_breaker_is_open_the_next_gateway_is_tried(world: World) -> None:
    job_id = accept(world)
    opened(world)
    world.wire.answers = [CRUN_OK]
    run(world, job_id)
    assert (world.job(job_id).task_id, gateways_called(world)) == ("C1", ["crun"])


def test_the_deadline_ends_the_failover(world: World) -> None:
    job_id = accept(world)
    busy = httpx.Response(429, json={"code": 429, "message": "m"})
    world.wire.answers = [answers(ttapi=httpx.Response(429, json=BUSY), crun=busy)]
    run(world, job_id, rounds=200)
    assert world.now <= world.job(job_id).deadline_at + DEADLINE
    assert world.job(job_id).state in (JobState.TIMED_OUT, JobState.FAILED)
    assert set(gateways_called(world)) == {"ttapi", "crun"}


def test_auto_means_every_gateway_that_offers_the_kind(world: World) -> None:
    view, _ = world.job_submitter().submit_job("acme", {"gateway": "auto", "kind": "lyrics", "input": {"prompt": "rain"}}, None)
    offering = [name for name in GATEWAYS if "lyrics" in GATEWAYS[name].kinds]
    assert [view.job.gateway, *(each.gateway for each in view.job.candidates)] == offering
    assert world.jobs.request(view.job.job_id)["gateways"] == offering


def test_auto_skips_gateways_that_would_refuse_the_input(world: World) -> None:
    named = [name for name in GATEWAYS if GATEWAYS[name].models]
    able = [name for name in named if GATEWAYS[name].limits.title >= len(LONG["title"])]
    assert 0 < len(able) < len(GATEWAYS)
    view, _ = world.job_submitter().submit_job("acme", {"gateway": "auto", "kind": "music", "input": LONG}, None)
    assert [view.job.gateway, *(each.gateway for each in view.job.candidates)] == able


def test_auto_chooses_the_gateway_of_the_source(world: World) -> None:
    made = world.generating("sunoapi")
    world.jobs.tracks.record_result(made, {"audio_id": "a-1"})
    source = {"job_id": made, "track_id": "a-1"}
    view, _ = world.job_submitter().submit_job("acme", {"gateway": "auto", "kind": "wav", "input": {"source": source}}, None)
    assert (view.job.gateway, view.job.candidates) == ("sunoapi", ())


@pytest.mark.parametrize(
    ("gateway", "kind", "given", "reason"),
    [
        ([], "music", {"prompt": "p"}, "gateway"),
        (["ttapi", "ttapi"], "music", {"prompt": "p"}, "twice"),
        (["ttapi", "auto"], "music", {"prompt": "p"}, "auto"),
        (["ttapi", "crun"], "lyrics", {"prompt": "p"}, "not offered by ttapi"),
        (["crun", "ttapi"], "music", LONG, "ttapi: "),
        ("auto", "music", {"prompt": "x" * 99_999}, "/input/prompt"),
    ],
)
def test_an_invalid_choice_of_gateways_is_reported(world: World, gateway: Any, kind: str, given: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        world.job_submitter().submit_job("acme", {"gateway": gateway, "kind": kind, "input": given}, None)


def test_auto_without_a_gateway_that_offers_the_kind_is_refused(world: World) -> None:
    job_submitter = world.job_submitter()
    object.__setattr__(job_submitter, "auto_gateways", ["crun"])
    with pytest.raises(InvalidRequest, match="/kind: is not offered by any gateway behind auto"):
        job_submitter.submit_job("acme", {"gateway": "auto", "kind": "lyrics", "input": {"prompt": "p"}}, None)


def test_a_run_that_read_a_stale_gateway_submits_nothing(world: World) -> None:
    job_id = accept(world)
    stale = world.job(job_id)
    world.wire.answers = [answers(ttapi=NO_MONEY, crun=CRUN_OK)]
    world.task_creator().create_task(job_id)
    task_creator = world.task_creator()
    world.jobs.get = lambda _: stale  # type: ignore[method-assign, assignment]
    called = gateways_called(world)
    assert task_creator.create_task(job_id).next == "wait"
    assert gateways_called(world) == called
