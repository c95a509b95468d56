"""Several gateways for one job: the next one is asked after a definite refusal only, and never are two at work."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways import GATEWAYS
from suno_jobs.history import Entry
from suno_jobs.models import Candidate
from suno_jobs.submission import YIELD_SECONDS
from suno_jobs.transitions import JobState
from tests.unit.test_breaker import opened
from tests.world import ACCOUNTS, DEADLINE, World

BUSY = {"status": "FAILED", "message": "too many"}
LONG = {"lyrics": "la la", "style": "x" * 300, "title": "Long"}


def accept(world: World, gateway: Any = ("ttapi", "crun"), kind: str = "music", **given: Any) -> str:
    asked = gateway if isinstance(gateway, str) else list(gateway)
    body = {"gateway": asked, "kind": kind, "input": given or {"prompt": "a song about rain"}}
    return world.acceptor()("acme", body, "several")[0].job.job_id


def gateways_asked(world: World) -> list[str]:
    asked = [str(request.url.host) for request in world.wire.requests if request.method == "POST"]
    return [name for host in asked for name in GATEWAYS if host in GATEWAYS[name].base_url]


def attempts(world: World, job_id: str) -> list[tuple[str, str | None]]:
    entries = [Entry.read(line) for line in world.job(job_id).history]
    return [(entry.gateway, entry.code) for entry in entries if entry.state is JobState.SUBMITTING]


def run(world: World, job_id: str, rounds: int = 6) -> None:
    """What the state machine does until the gateway has the task or the job is about to end; it waits a second at least."""
    for _ in range(rounds):
        step = world.submitter()(job_id)
        assert step.wait_seconds >= 1
        world.clock.sleep(step.wait_seconds)
        step = world.checker()(job_id)
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
def test_a_definite_refusal_turns_to_the_next_gateway(world: World, refusal: httpx.Response) -> None:
    job_id = accept(world)
    world.wire.answers = [answers(ttapi=refusal, crun=CRUN_OK)]
    run(world, job_id)
    job = world.job(job_id)
    assert (job.gateway, job.task_id) == ("crun", "C1")
    assert gateways_asked(world) == ["ttapi", "crun"]
    assert [gateway for gateway, _ in attempts(world, job_id)] == ["ttapi", "ttapi", "crun"]
    assert [code is None for _, code in attempts(world, job_id)] == [True, False, True]


def test_a_lost_answer_turns_to_nobody(world: World) -> None:
    job_id = accept(world)
    world.wire.answers = [httpx.ReadTimeout("lost")]
    run(world, job_id)
    assert gateways_asked(world) == ["ttapi"]
    assert world.job(job_id).gateway == "ttapi"


def test_a_gateway_that_refused_for_now_is_asked_again_when_its_time_has_come(world: World) -> None:
    job_id = accept(world)
    slow = httpx.Response(429, json=BUSY, headers={"Retry-After": "70"})
    world.wire.answers = [answers(ttapi=slow, crun=httpx.Response(200, json={"code": 402, "message": "no credits"}))]
    world.submitter()(job_id)
    assert world.job(job_id).gateway == "crun"
    assert world.job(job_id).candidates == (Candidate("ttapi", world.now + 70 + YIELD_SECONDS),)
    world.clock.sleep(1)
    assert world.submitter()(job_id).wait_seconds == 69 + YIELD_SECONDS
    assert (world.job(job_id).gateway, world.job(job_id).candidates) == ("ttapi", ())
    world.clock.sleep(69 + YIELD_SECONDS)
    world.wire.answers = [httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}})]
    world.submitter()(job_id)
    assert world.job(job_id).task_id == "J1"
    assert gateways_asked(world) == ["ttapi", "crun", "ttapi"]


def test_when_all_refuse_for_good_the_job_fails_with_the_last_reason(world: World) -> None:
    job_id = accept(world)
    world.wire.answers = [answers(ttapi=NO_MONEY, crun=httpx.Response(200, json={"code": 402, "message": "no credits"}))]
    run(world, job_id)
    assert world.job(job_id).verdict is JobState.FAILED
    assert gateways_asked(world) == ["ttapi", "crun"]


def test_a_gateway_without_an_account_is_passed_over(world: World) -> None:
    job_id = accept(world)
    world.secret._values = {"crun/default": ACCOUNTS["crun/default"]}
    world.secret._read_at = world.clock()
    world.wire.answers = [CRUN_OK]
    run(world, job_id)
    assert world.job(job_id).task_id == "C1"
    assert gateways_asked(world) == ["crun"]


def test_while_a_breaker_is_open_the_next_gateway_is_asked(world: World) -> None:
    job_id = accept(world)
    opened(world)
    world.wire.answers = [CRUN_OK]
    run(world, job_id)
    assert (world.job(job_id).task_id, gateways_asked(world)) == ("C1", ["crun"])


def test_the_deadline_ends_the_round(world: World) -> None:
    job_id = accept(world)
    busy = httpx.Response(429, json={"code": 429, "message": "m"})
    world.wire.answers = [answers(ttapi=httpx.Response(429, json=BUSY), crun=busy)]
    run(world, job_id, rounds=200)
    assert world.now <= world.job(job_id).deadline_at + DEADLINE
    assert world.job(job_id).verdict in (JobState.TIMED_OUT, JobState.FAILED)
    assert set(gateways_asked(world)) == {"ttapi", "crun"}


def test_auto_stands_for_those_that_can_do_it(world: World) -> None:
    view, _ = world.acceptor()("acme", {"gateway": "auto", "kind": "lyrics", "input": {"prompt": "rain"}}, None)
    offering = [name for name in GATEWAYS if "lyrics" in GATEWAYS[name].kinds]
    assert [view.job.gateway, *(each.gateway for each in view.job.candidates)] == offering
    assert world.jobs.request(view.job.job_id)["gateways"] == offering


def test_auto_leaves_out_who_would_refuse_the_words(world: World) -> None:
    able = [name for name in GATEWAYS if GATEWAYS[name].limits.style >= len(LONG["style"])]
    assert 0 < len(able) < len(GATEWAYS)
    view, _ = world.acceptor()("acme", {"gateway": "auto", "kind": "music", "input": LONG}, None)
    assert [view.job.gateway, *(each.gateway for each in view.job.candidates)] == able


def test_a_reference_leads_auto_to_the_gateway_of_its_source(world: World) -> None:
    made = world.generating("sunoapi")
    world.jobs.record_result(made, {"audio_id": "a-1"})
    source = {"job_id": made, "track_id": "a-1"}
    view, _ = world.acceptor()("acme", {"gateway": "auto", "kind": "wav", "input": {"source": source}}, None)
    assert (view.job.gateway, view.job.candidates) == ("sunoapi", ())


@pytest.mark.parametrize(
    ("gateway", "kind", "given", "told"),
    [
        ([], "music", {"prompt": "p"}, "gateway"),
        (["ttapi", "ttapi"], "music", {"prompt": "p"}, "twice"),
        (["ttapi", "auto"], "music", {"prompt": "p"}, "auto"),
        (["ttapi", "crun"], "lyrics", {"prompt": "p"}, "not offered by ttapi"),
        (["anyint", "ttapi"], "music", LONG, "ttapi: "),
        ("auto", "music", {"prompt": "x" * 99_999}, "input.prompt"),
    ],
)
def test_what_is_wrong_with_several_gateways_is_told(world: World, gateway: Any, kind: str, given: Any, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        world.acceptor()("acme", {"gateway": gateway, "kind": kind, "input": given}, None)


def test_auto_without_any_gateway_that_offers_the_kind_says_so(world: World) -> None:
    acceptor = world.acceptor()
    object.__setattr__(acceptor, "auto_gateways", ["crun"])
    with pytest.raises(InvalidRequest, match="kind: is not offered by any gateway that auto stands for"):
        acceptor("acme", {"gateway": "auto", "kind": "lyrics", "input": {"prompt": "p"}}, None)


def test_a_run_that_read_another_gateway_submits_nothing(world: World) -> None:
    job_id = accept(world)
    stale = world.job(job_id)
    world.wire.answers = [answers(ttapi=NO_MONEY, crun=CRUN_OK)]
    world.submitter()(job_id)
    submitter = world.submitter()
    world.jobs.get = lambda _: stale  # type: ignore[method-assign, assignment]
    asked = gateways_asked(world)
    assert submitter(job_id).next == "wait"
    assert gateways_asked(world) == asked
