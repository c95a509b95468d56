"""The requested and the delivered model of a job, and requests for what a gateway does not have."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.models import RequestedModel
from suno_jobs.errors import ErrorCode, InvalidRequest
from suno_jobs.jobs.record import JobView
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.lifecycle.task_reports import record_report
from suno_jobs.network.http import httpx
from suno_jobs.steps.retry_job import JobRetrier
from tests.builders import ACCEPTED
from tests.unit.gateways.test_field_replies import report_of
from tests.world import World

CRUN_MODELS = ["v3", "v3.5", "v4", "v4.5", "v4.5plus", "v4.5all", "v5", "v5.5"]
RETIRED = httpx.Response(400, json={"status": "FAILED", "message": "paid_upsell: this model has been retired"})


def submit(world: World, gateway: Any, kind: str = "music", **given: Any) -> str:
    body = {"gateway": gateway, "kind": kind, "input": given}
    return world.job_submitter().submit_job("acme", body, None)[0].job.job_id


def refusal(world: World, gateway: Any, **given: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        submit(world, gateway, **given)
    return {error["pointer"]: error["detail"] for error in caught.value.members["errors"]}


def requested(world: World, job_id: str) -> tuple[str | None, str | None]:
    shown = job_view(world.view(job_id))
    return shown["requested_model"], shown["requested_gateway_model"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ("v6", "chirp-v6")),
        ({"model": "v5"}, ("v5", "chirp-v5")),
        ({"model": "chirp-v6-wild"}, ("v6-wild", "chirp-v6-wild")),
        ({"model": "chirp-owl"}, ("chirp-owl", "chirp-owl")),
    ],
)
def test_a_job_shows_the_requested_model_from_the_beginning(
    world: World, given: dict[str, str], names: tuple[str, str]
) -> None:
    job_id = submit(world, "ttapi", prompt="rain", **given)
    assert requested(world, job_id) == names
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert requested(world, job_id) == names
    assert names[1].encode() in world.wire.requests[0].content


def test_a_request_without_a_model_has_no_requested_model(world: World) -> None:
    job_id = submit(world, "anyint", "lyrics", prompt="rain")
    assert requested(world, job_id) == (None, None)
    world.wire.answers = [httpx.Response(200, json={"code": 200, "data": {"taskId": "J1"}})]
    world.task_creator().create_task(job_id)
    assert requested(world, job_id) == (None, None)


def test_the_next_gateway_is_asked_for_its_own_model(world: World) -> None:
    job_id = submit(world, ["ttapi", "crun"], prompt="rain")
    world.wire.answers = [RETIRED]
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.gateway, job.state) == ("crun", JobState.SUBMITTING)
    assert job.fault is not None
    assert job.fault.code is ErrorCode.MODEL_UNAVAILABLE
    assert "ttapi has the models v3, v3.5," in job.fault.message
    world.wire.answers = [httpx.Response(200, json={"code": 200, "data": {"task_id": "C1"}})]
    world.clock.sleep(1)
    world.task_creator().create_task(job_id)
    assert world.job(job_id).requested_model == RequestedModel("v5.5", "v5.5")


def test_a_retry_shows_the_model_if_it_begins_at_the_same_gateway(world: World) -> None:
    job_id = submit(world, ["ttapi", "crun"], prompt="rain")
    retrier = JobRetrier(world.job_creator())
    world.jobs.finish(world.job(job_id), JobState.FAILED, None, now=world.now)
    same = retrier.retry_job("acme", job_id, {})[0].job
    assert same.requested_model == RequestedModel("v6", "chirp-v6")
    world.wire.answers = [RETIRED]
    world.task_creator().create_task(same.job_id)
    world.jobs.finish(world.job(same.job_id), JobState.FAILED, None, now=world.now)
    other = retrier.retry_job("acme", same.job_id, {})[0].job
    assert (other.gateway, other.requested_model) == ("ttapi", None)


def test_r15_the_delivered_model_is_shown_beside_the_requested_one(world: World) -> None:
    job_id = submit(world, "acedata", prompt="rain", model="v6-wild")
    record_report(world.jobs, world.job(job_id), 0, report_of("R15"))
    shown = job_view(JobView(world.job(job_id), tuple(world.tracks(job_id).values())))
    assert shown["requested_model"] == "v6-wild"
    assert [(track["model"], track["gateway_model"]) for track in shown["tracks"]] == [("v6", "chirp-hawk")]


@pytest.mark.parametrize(
    ("gateway", "given", "field", "detail"),
    [
        (
            "crun",
            {"model": "v6"},
            "/input/model",
            f"cannot be v6: this gateway has {', '.join(CRUN_MODELS)}; accepted by ttapi, acedata, sunoapi, kie, evolink",
        ),
        (
            "anyint",
            {"variety": 2},
            "/input/variety",
            "is not supported by this gateway for this kind; accepted by acedata, sunoapi, kie",
        ),
        (
            "sunoapi",
            {"max_mode": True},
            "/input/max_mode",
            "is not supported by this gateway for this kind; accepted by acedata",
        ),
        (
            "sunoapi",
            {"duration": 60, "model": "v5"},
            "/input/duration",
            "is supported by this gateway only by v5.5, v6, v6-mini, v6-wild; accepted by ttapi, acedata",
        ),
    ],
)
def test_a_refusal_names_the_gateways_that_have_what_is_asked(
    world: World, gateway: str, given: dict[str, Any], field: str, detail: str
) -> None:
    assert refusal(world, gateway, lyrics="la", style="folk", title="Rain", **given) == {field: detail}


def test_a_refusal_names_no_gateway_if_none_has_it_or_a_field_is_missing(world: World) -> None:
    assert "accepted by" not in refusal(world, "ttapi", prompt="x" * 9999)["/input/prompt"]
    assert refusal(world, "anyint", lyrics="la") == {
        "/input/style": "is required by this gateway when lyrics are given",
        "/input/title": "is required by this gateway when lyrics are given",
    }


def test_auto_leaves_out_the_gateways_that_do_not_have_the_model(world: World) -> None:
    job_id = submit(world, "auto", lyrics="la", model="v6-mini", variety=1)
    assert world.jobs.request(job_id)["gateways"] == ["acedata", "sunoapi", "kie"]


@pytest.mark.parametrize("given", [{"duration": 9}, {"duration": 361}, {"duration": 60.5}, {"variety": 5}, {"variety": -1}])
def test_values_outside_of_the_scale_are_refused(world: World, given: dict[str, Any]) -> None:
    assert list(refusal(world, "acedata", lyrics="la", **given)) == [f"/input/{name}" for name in given]
