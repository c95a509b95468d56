"""What a job costs: by the gateway's reply, by the table of prices, and as an estimate before anything is created."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import IdempotencyConflict, InvalidRequest
from suno_jobs.gateways.prices import reported_cost
from suno_jobs.gateways.protocol import Done, TaskReport
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.network.http import httpx
from tests.builders import ACCEPTED, event, handler, music, task
from tests.unit.gateways.conformance import reply
from tests.unit.gateways.test_evolink import TASK, completed, failed, song
from tests.unit.gateways.test_field_replies import report_of
from tests.world import TABLE, World

BODY: dict[str, Any] = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}


def cost(world: World, job_id: str) -> Any:
    return job_view(world.view(job_id))["cost"]


def submitted(world: World, gateway: str = "ttapi", answer: httpx.Response = ACCEPTED, **given: Any) -> str:
    job_id = world.accept(gateway, "k", **given)
    world.wire.answers = [answer]
    world.task_creator().create_task(job_id)
    return job_id


def test_a_submission_is_booked_at_the_listed_price(world: World) -> None:
    job_id = world.accept("ttapi")
    assert cost(world, job_id) is None
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert cost(world, job_id) == {"amount": 6, "unit": "quota", "source": "listed"}


def test_the_reply_of_the_gateway_replaces_the_listed_price(world: World) -> None:
    job_id = submitted(world)
    done = json.loads(task(music(1)).content)
    done["data"]["quota"] = "5.5"
    world.wire.answers = [httpx.Response(200, json=done)]
    world.task_checker().check_task(job_id)
    assert world.job(job_id).state is JobState.STORING
    assert cost(world, job_id) == {"amount": 5.5, "unit": "quota", "source": "reported"}


def test_a_refused_submission_costs_nothing(world: World) -> None:
    job_id = world.job_submitter().submit_job("acme", {**BODY, "gateway": ["ttapi", "crun"]}, None)[0].job.job_id
    world.wire.answers = [httpx.Response(402, json={"status": "FAILED", "message": "no money"})]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).gateway == "crun"
    assert cost(world, job_id) is None


def test_a_refund_leaves_nothing(world: World) -> None:
    accepted = httpx.Response(200, json={"code": 200, "msg": "success", "data": {"taskId": "J1"}})
    job_id = submitted(world, "sunoapi", accepted)
    assert cost(world, job_id) == {"amount": 12, "unit": "credits", "source": "listed"}
    refunded = {"taskId": "J1", "status": "GENERATE_AUDIO_FAILED", "errorCode": 531, "errorMessage": "returned"}
    world.wire.answers = [httpx.Response(200, json={"code": 200, "data": refunded})]
    world.task_checker().check_task(job_id)
    world.job_finisher().finish_job(job_id)
    assert (world.job(job_id).state, world.job(job_id).charged) == (JobState.FAILED, "no")
    assert cost(world, job_id) == {"amount": 0, "unit": "credits", "source": "reported"}


def test_a_failed_task_keeps_the_figure_of_its_gateway(world: World) -> None:
    job_id = submitted(world, "kie", httpx.Response(200, json={"code": 200, "data": {"taskId": "J1"}}))
    data = {"taskId": "J1", "state": "fail", "failCode": "501", "failMsg": "no", "creditsConsumed": 3}
    world.wire.answers = [httpx.Response(200, json={"code": 200, "data": data})]
    world.task_checker().check_task(job_id)
    assert cost(world, job_id) == {"amount": 3, "unit": "credits", "source": "reported"}


def test_the_answer_of_a_synchronous_operation_may_have_the_cost(world: World) -> None:
    text = {"text": "Rain", "title": "Rain", "status": "complete"}
    answer = {"success": True, "task_id": "T", "data": [text], "cost": {"amount": 0.2, "currency": "credit"}}
    job_id = world.accept("acedata", "k", "lyrics", prompt="rain")
    world.wire.answers = [httpx.Response(200, json=answer)]
    world.task_creator().create_task(job_id)
    assert cost(world, job_id) == {"amount": 0.2, "unit": "credits", "source": "reported"}


def test_a_late_result_brings_its_cost(world: World) -> None:
    job_id = submitted(world)
    world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, None, now=world.now, recoverable_until=world.now + 900)
    later = world.now + 900
    world.jobs.mark_announced(world.job(job_id), recoverable_until=later, due_at=later, now=world.now)
    done = json.loads(task(music(1)).content)
    done["data"]["quota"] = 7
    world.wire.answers = [httpx.Response(200, json=done)]
    world.task_checker().check_task(job_id)
    assert cost(world, job_id) == {"amount": 7, "unit": "quota", "source": "reported"}


@pytest.mark.parametrize(("name", "amount"), [("R05", 12), ("R15", 5.2)])
def test_replies_with_a_cost(name: str, amount: float) -> None:
    assert report_of(name).cost == Cost(amount, "credits", CostSource.REPORTED)


@pytest.mark.parametrize(
    ("gateway", "body", "amount"),
    [
        ("ttapi", {"status": "SUCCESS", "jobId": "J", "data": {"quota": "6", "musics": []}}, 6),
        ("crun", {"code": 200, "data": {"status": "success", "credits": 12, "result": {}}}, 12),
        ("acedata", {"id": "t", "finished_at": 1, "response": {"data": [], "cost": {"amount": "0.56"}}}, 0.56),
        ("evolink", completed([song("a")]), 10),
        ("evolink", failed("service_error"), 10),
    ],
)
def test_where_each_gateway_reports_the_cost(gateway: str, body: Any, amount: float) -> None:
    report = GATEWAYS[gateway].read_status(Kind.MUSIC, reply(body))
    assert isinstance(report, TaskReport)
    assert report.cost is not None
    assert report.cost.amount == amount


def test_a_running_task_and_a_gateway_without_a_figure_report_no_cost() -> None:
    running = {"id": TASK, "status": "processing", "usage": {"credits_used": 1}}
    assert GATEWAYS["evolink"].read_status(Kind.MUSIC, reply(running)).cost is None  # type: ignore[union-attr]
    assert report_of("R02").cost is None
    upload = {"status": "SUCCESS", "data": {"music_id": "m"}}
    done = GATEWAYS["ttapi"].read_submission(Kind.UPLOAD, reply(upload))
    assert isinstance(done, Done)
    assert done.report.cost is None


@pytest.mark.parametrize("value", [None, True, "x", -1, float("nan"), float("inf"), 10**400, 1e9, [], "1e400"])
def test_a_figure_that_is_no_amount_is_no_cost(value: Any) -> None:
    assert reported_cost(value, "credits") is None


@pytest.mark.parametrize(
    ("gateway", "kind", "given", "amount"),
    [
        ("ttapi", "music", {"prompt": "rain"}, 6),
        ("ttapi", "music", {"prompt": "rain", "model": "v5"}, None),
        ("acedata", "music", {"lyrics": "la", "max_mode": True}, 1.12),
        ("acedata", "music", {"lyrics": "la"}, 0.56),
        ("crun", "music", {"prompt": "rain"}, 12),
        ("sunoapi", "sounds", {"prompt": "rain"}, None),
        ("anyint", "music", {"prompt": "rain"}, None),
    ],
)
def test_the_estimate_of_a_dry_run(world: World, gateway: str, kind: str, given: dict[str, Any], amount: float | None) -> None:
    body = {"gateway": gateway, "kind": kind, "input": given}
    [offer] = world.job_submitter().preview_job("acme", body, None)["gateways"]
    assert (offer["estimate"] and offer["estimate"]["amount"]) == amount


def test_a_dry_run_shows_the_job_and_writes_nothing(world: World) -> None:
    body = {**BODY, "gateway": ["ttapi", "crun"], "metadata": {"order": "7"}}
    shown = world.job_submitter().preview_job("acme", body, "k")
    assert world.dynamodb.scan(TableName=TABLE)["Count"] == 0
    assert world.executions.states == {}
    assert world.wire.requests == []
    job = job_view(world.job_submitter().submit_job("acme", body, "k")[0])
    assert shown["job"] == job
    assert [(each["gateway"], each["requested_model"], each["requested_gateway_model"]) for each in shown["gateways"]] == [
        ("ttapi", "v6", "chirp-v6"),
        ("crun", "v5.5", "v5.5"),
    ]
    assert [each["limits"]["title"] for each in shown["gateways"]] == [80, 100]
    again = world.job_submitter().preview_job("acme", body, "k")
    assert again == shown
    with pytest.raises(IdempotencyConflict):
        world.job_submitter().preview_job("acme", BODY, "k")


def test_the_limits_of_a_dry_run_are_those_of_the_model(world: World) -> None:
    body = {"gateway": "sunoapi", "kind": "music", "input": {"prompt": "rain", "model": "v4"}}
    [offer] = world.job_submitter().preview_job("acme", body, None)["gateways"]
    assert (offer["limits"]["lyrics"], offer["limits"]["style"]) == (3000, 200)


def test_a_dry_run_of_a_request_without_a_model(world: World) -> None:
    body = {"gateway": "sunoapi", "kind": "lyrics", "input": {"prompt": "rain"}}
    shown = world.job_submitter().preview_job("acme", body, None)
    assert (shown["job"]["job_id"], shown["gateways"][0]["requested_model"]) == (None, None)
    with pytest.raises(InvalidRequest):
        world.job_submitter().preview_job("acme", {**body, "input": {}}, None)


@pytest.mark.parametrize(("value", "status"), [("true", 200), ("false", 202), ("yes", 422), ("", 422)])
def test_the_handler_reads_the_flag(deployed: SimpleNamespace, state_machine: str, value: str, status: int) -> None:
    given = {**event("submit_job/lyrics"), "queryStringParameters": {"dry_run": value}, "rawQueryString": f"dry_run={value}"}
    answer = handler("submit_job")(given)
    assert answer["statusCode"] == status
    if status == 200:
        assert json.loads(answer["body"])["job"]["gateway"] == "crun"
