"""What is not a song: results without files, synchronous answers, and jobs that refer to earlier ones."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways.wire import REPLY_SECONDS
from suno_jobs.models import Track, TrackState
from suno_jobs.submission import LONG_SUBMIT_SECONDS, LOST, SYNCHRONOUS_SECONDS
from suno_jobs.transitions import JobState
from suno_jobs.vocabulary import Link
from suno_jobs.workflow import Step
from tests.world import PACE, World

UPLOADED = {"status": "SUCCESS", "message": "success", "data": {"music_id": "m-9"}}


def upload(world: World, key: str = "up") -> str:
    return world.accept("ttapi", key, "upload", audio_url="https://files.example/a.mp3")


def uploaded(world: World) -> str:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json=UPLOADED)]
    world.submitter()(job_id)
    world.checker()(job_id)
    world.finisher()(job_id)
    return job_id


def test_a_synchronous_answer_goes_through_the_same_states(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json=UPLOADED)]
    assert world.submitter()(job_id) == Step(job_id, "wait", 1)
    job = world.job(job_id)
    assert (job.state, job.done, job.intent) == (JobState.GENERATING, True, None)
    assert (world.due(PACE.slack - 1), world.due(PACE.slack)) == ([], [job_id])
    assert world.checker()(job_id).next == "finish"
    assert world.job(job_id).state is JobState.STORING
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"audio_id": "m-9"}
    assert not world.job(job_id).partial
    assert len(world.wire.requests) == 1


def test_a_synchronous_answer_survives_the_death_of_its_function(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json=UPLOADED)]
    submitter = world.submitter()
    accept = world.jobs.accept_task

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    world.jobs.accept_task = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        submitter(job_id)
    world.jobs.accept_task = accept  # type: ignore[method-assign]
    world.clock.sleep(LONG_SUBMIT_SECONDS)
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"audio_id": "m-9"}
    assert len(world.wire.requests) == 1


def test_a_lost_synchronous_answer_is_never_asked_for_again(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(504, text="timeout")]
    world.submitter()(job_id)
    assert world.job(job_id).state is JobState.SUBMIT_UNKNOWN
    world.clock.sleep(10_000)
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    assert len(world.wire.requests) == 1


def test_a_job_refers_to_an_earlier_one_and_the_gateway_gets_its_own_ids(world: World) -> None:
    source = {"job_id": uploaded(world), "track_id": "m-9"}
    job_id = world.accept("ttapi", "ext", "extend", source=source, continue_at=12.0, prompt="and then the sun")
    assert world.jobs.request(job_id)["sources"] == [{"task_id": "", "track_id": "m-9"}]
    world.wire.answers = [httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J2"}})]
    world.submitter()(job_id)
    sent = json.loads(world.wire.requests[-1].content)
    assert sent["music_id"] == "m-9"
    assert source["job_id"] not in world.wire.requests[-1].content.decode().replace(sent["hookUrl"], "")


def test_a_track_of_a_finished_task_is_a_source(world: World) -> None:
    made = world.generating("sunoapi")
    ready = Track(track_id="t-1", position=0, state=TrackState.READY, links=(Link("audio", "https://cdn.example/1"),))
    world.jobs.record_track(made, ready)
    job_id = world.accept("sunoapi", "wav", "wav", source={"job_id": made, "track_id": "t-1"})
    assert world.jobs.request(job_id)["sources"] == [{"task_id": "J1", "track_id": "t-1"}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"job_id": "job_" + "0" * 26}, "no job of yours"),
        ({"track_id": "other"}, "no finished song"),
        ({"track_id": "track-1"}, "no finished song"),
        ({"gateway": "acedata"}, "made by ttapi"),
        ({"tenant": "somebody-else"}, "no job of yours"),
    ],
)
def test_a_wrong_reference_names_the_field(world: World, change: dict[str, str], reason: str) -> None:
    given = {"job_id": uploaded(world), "track_id": "m-9", "gateway": "ttapi", "tenant": "acme", **change}
    source = {"job_id": given["job_id"], "track_id": given["track_id"]}
    body = {"gateway": given["gateway"], "kind": "concat", "input": {"source": source}}
    with pytest.raises(InvalidRequest, match=reason) as refused:
        world.acceptor()(given["tenant"], body, "k")
    assert [error["field"] for error in refused.value.members["errors"]] == ["input.source"]
    assert len(world.executions.states) == 1


def test_a_known_job_comes_back_although_its_source_is_gone(world: World) -> None:
    source = {"job_id": uploaded(world), "track_id": "m-9"}
    made = {"source": source, "continue_at": 12.0, "prompt": "and then the sun"}
    job_id = world.accept("ttapi", "ext", "extend", **made)
    world.dynamodb.delete_item(TableName="jobs", Key={"pk": {"S": f"JOB#{source['job_id']}"}, "sk": {"S": "JOB"}})
    assert world.accept("ttapi", "ext", "extend", **made) == job_id


def test_a_kind_that_a_gateway_does_not_offer_names_those_that_do(world: World) -> None:
    body = {"gateway": "crun", "kind": "lyrics", "input": {"prompt": "rain"}}
    with pytest.raises(InvalidRequest) as refused:
        world.acceptor()("acme", body, "k")
    [error] = refused.value.members["errors"]
    assert error["field"] == "kind"
    for name in ("anyint", "acedata", "sunoapi", "kie"):
        assert name in error["detail"]


def test_lyrics_are_a_result_without_files(world: World) -> None:
    job_id = world.accept("sunoapi", "ly", "lyrics", prompt="a song about rain")
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": {"taskId": "L1"}})]
    world.submitter()(job_id)
    variants = [
        {"text": "[Verse]\nRain", "title": "Rain", "status": "complete", "errorMessage": ""},
        {"text": "", "title": "", "status": "failed", "errorMessage": "too short"},
    ]
    record = {"taskId": "L1", "status": "SUCCESS", "response": {"taskId": "L1", "data": variants}}
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": record})]
    assert world.checker()(job_id) == Step(job_id, "finish", 30)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"lyrics": [{"title": "Rain", "text": "[Verse]\nRain"}]}
    assert "Verse" not in str(world.bus.events)


def test_the_answer_of_a_synchronous_operation_is_kept_whole(world: World) -> None:
    uploaded(world)
    assert len(world.items("RECEIPT#submission#")) == 1


def test_an_answer_that_holds_the_result_is_waited_for_longer(world: World) -> None:
    for job_id in (world.accept("acedata", "l", "lyrics", prompt="rain"), world.accept("acedata", "m", "music", prompt="rain")):
        world.wire.answers = [httpx.ReadTimeout("lost")]
        world.submitter()(job_id)
    waits = [request.extensions["timeout"]["read"] for request in world.wire.requests]
    assert waits == [SYNCHRONOUS_SECONDS, REPLY_SECONDS]


def test_the_fault_of_a_synchronous_operation_is_the_jobs(world: World) -> None:
    job_id = world.accept("acedata", "ly", "lyrics", prompt="a song about rain")
    refused = {"title": "", "text": "", "status": "failed", "error_message": "moderated"}
    world.wire.answers = [httpx.Response(200, json={"success": True, "task_id": "T1", "data": [refused]})]
    world.submitter()(job_id)
    world.checker()(job_id)
    assert world.finisher()(job_id) is JobState.FAILED
    fault = world.job(job_id).fault
    assert fault is not None
    assert "moderated" in fault.message


def test_an_id_that_is_a_number_is_an_id(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"music_id": 123456}})]
    world.submitter()(job_id)
    world.checker()(job_id)
    assert world.finisher()(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"audio_id": "123456"}


@pytest.mark.parametrize("given", [{"style_weight": 1e-200}, {"style_weight": 1e-131}])
def test_no_number_of_a_client_is_too_small_for_the_table(world: World, given: dict[str, float]) -> None:
    job_id = world.accept("sunoapi", "tiny", "music", lyrics="la", style="pop", title="T", **given)
    assert world.jobs.request(job_id)["input"]["style_weight"] == 0


def test_no_number_of_a_gateway_is_too_small_for_the_table(world: World) -> None:
    job_id = world.generating()
    musics = [{"musicId": "m-1", "audioUrl": "https://cdn.example/1.mp3", "duration": 1e-200}]
    body = {"status": "SUCCESS", "jobId": "J1", "data": {"jobId": "J1", "musics": musics}}
    world.wire.answers = [httpx.Response(200, json=body)]
    assert world.checker()(job_id).next == "store"


def test_a_result_that_no_item_can_hold_does_not_stop_the_job(world: World) -> None:
    job_id = uploaded(world)
    other = upload(world, "other")
    noise = "".join(chr(0x4E00 + (index * index * 7919) % 20000) for index in range(400_000))
    world.jobs.record_result(other, {"words": noise})
    result = world.view(other).result
    assert result is not None
    assert list(result) == ["too_large"]
    assert world.view(job_id).result == {"audio_id": "m-9"}


def test_a_job_that_was_given_up_takes_an_answer_that_comes_all_the_same(world: World) -> None:
    job_id = upload(world)

    def late(_: httpx.Request) -> httpx.Response:
        world.jobs.lose_submission(world.job(job_id), LOST, grace_until=world.now, now=world.now, due_at=world.now)
        world.jobs.decide(world.job(job_id), JobState.TIMED_OUT, LOST, now=world.now)
        return httpx.Response(200, json=UPLOADED)

    world.wire.answers = [late]
    world.submitter()(job_id)
    assert world.checker()(job_id).next == "finish"
    assert world.finisher()(job_id) is JobState.SUCCEEDED


def test_a_gateway_whose_health_cannot_be_noted_is_used_all_the_same(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.ConnectError("refused")]
    submitter = world.submitter()
    health = submitter.calls.health

    class Throttled:
        def update_item(self, **_: Any) -> None:
            raise AwsError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    health.client = Throttled()  # type: ignore[assignment]
    submitter(job_id)
    job = world.job(job_id)
    assert (job.state, job.intent) == (JobState.SUBMITTING, None)


def test_health_is_written_seldom_while_all_is_well(world: World) -> None:
    health = world.calls().health
    for _ in range(3):
        health.note("ttapi", None)
        world.clock.sleep(1)
    assert health.read()["ttapi"] == {
        "status": "ok",
        "last_success_at": "2027-01-15T08:00:00Z",
        "last_failure_at": None,
        "last_error": None,
        "breaker": "closed",
        "open_until": None,
    }
    world.clock.sleep(57)
    health.note("ttapi", None)
    assert health.read()["ttapi"]["last_success_at"] == "2027-01-15T08:01:00Z"


def test_stems_are_no_source(world: World) -> None:
    made = world.generating("sunoapi")
    ready = Track(track_id="t-1", position=0, state=TrackState.READY, links=(Link("audio", "https://cdn.example/1"),))
    world.jobs.record_track(made, ready)
    parts = world.accept("sunoapi", "stems", "stems", source={"job_id": made, "track_id": "t-1"})
    world.jobs.record_track(parts, replace(ready, track_id="s-1"))
    with pytest.raises(InvalidRequest, match="no finished song"):
        world.accept("sunoapi", "wav", "wav", source={"job_id": parts, "track_id": "s-1"})
