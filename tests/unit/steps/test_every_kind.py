"""Kinds other than music: results without files, synchronous answers, and jobs that refer to earlier ones."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.catalog.results import Link, Media
from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Track, TrackState
from suno_jobs.jobs.schedule import UNREAD_SECONDS, NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.lost_submission import LONG_SUBMIT_SECONDS, LOST
from suno_jobs.lifecycle.task_reports import record_report
from suno_jobs.network.http import httpx
from suno_jobs.steps.create_task import SYNCHRONOUS_SECONDS
from suno_jobs.traffic.client import REPLY_SECONDS
from tests.builders import AUDIO
from tests.world import DEADLINE, PACE, World

UPLOADED = {"status": "SUCCESS", "message": "success", "data": {"music_id": "m-9"}}

REFUSED_LYRICS = {"title": "", "text": "", "status": "failed", "error_message": "moderated"}
MODERATED = {"success": True, "task_id": "T1", "data": [REFUSED_LYRICS]}


def upload(world: World, key: str = "up") -> str:
    return world.accept("ttapi", key, "upload", audio_url="https://files.example/a.mp3")


def uploaded(world: World) -> str:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json=UPLOADED)]
    world.task_creator().create_task(job_id)
    world.task_checker().check_task(job_id)
    world.job_finisher().finish_job(job_id)
    return job_id


def test_a_synchronous_answer_goes_through_the_same_states(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json=UPLOADED)]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    job = world.job(job_id)
    assert (job.state, job.attempts[0].answered, job.intent) == (JobState.GENERATING, True, None)
    assert (world.due(PACE.slack - 1), world.due(PACE.slack)) == ([], [job_id])
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job(job_id).state is JobState.STORING
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"audio_id": "m-9"}
    assert not world.view(job_id).partial
    assert len(world.wire.requests) == 1


def test_a_synchronous_answer_survives_the_death_of_its_function(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json=UPLOADED)]
    task_creator = world.task_creator()
    accept = world.jobs.submissions.accept_task

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    world.jobs.submissions.accept_task = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        task_creator.create_task(job_id)
    world.jobs.submissions.accept_task = accept  # type: ignore[method-assign]
    world.clock.sleep(LONG_SUBMIT_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"audio_id": "m-9"}
    assert len(world.wire.requests) == 1


def test_a_function_that_died_may_not_have_recorded_every_file_of_an_answer(world: World) -> None:
    """Nor could it store the reply. What it has recorded is stored, and the job is not shown as complete."""
    source = world.generating("acedata")
    song = Track(track_id="t-1", position=0, state=TrackState.READY, links=(Link("audio", "https://cdn.example/1"),))
    world.jobs.tracks.record_track(source, song)
    job_id = world.accept("acedata", "video", "mp4", source={"job_id": source, "track_id": "t-1"})
    job = world.jobs.submissions.begin_submission(
        world.job(job_id), "i1", file_terms(GATEWAYS["acedata"]), now=world.now, due_at=world.now
    )
    video = TaskTrack("v-1", links=(Link("video", "https://cdn.example/1.mp4", Media.VIDEO),))
    record_report(world.jobs, job, 0, TaskReport(TaskStatus.SUCCEEDED, (video,)))
    world.clock.sleep(LONG_SUBMIT_SECONDS)
    assert world.task_checker().check_task(job_id).tracks == ("v-1",)
    world.jobs.tracks.store_track(job_id, "v-1", [replace(AUDIO, kind="video")], {}, None)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).partial


def test_a_failure_in_the_answer_is_the_end_of_a_job_that_no_check_has_read_in_time(world: World) -> None:
    """There is no task that could still have a song."""
    job_id = world.accept("acedata", "ly", "lyrics", prompt="a song about rain")
    world.wire.answers = [httpx.Response(200, json=MODERATED)]
    world.task_creator().create_task(job_id)
    world.clock.sleep(DEADLINE + UNREAD_SECONDS)
    assert world.task_checker().check_task(job_id).next == "finish"
    job = world.job(job_id)
    assert job.fault is not None
    assert (job.state, "moderated" in job.fault.message) == (JobState.FAILED, True)


def test_a_lost_synchronous_answer_is_never_requested_again(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(504, text="timeout")]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).state is JobState.SUBMIT_UNKNOWN
    world.clock.sleep(10_000)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert len(world.wire.requests) == 1


def test_a_job_refers_to_an_earlier_one_and_the_gateway_gets_its_own_ids(world: World) -> None:
    source = {"job_id": uploaded(world), "track_id": "m-9"}
    job_id = world.accept("ttapi", "ext", "extend", source=source, continue_at=12.0, prompt="and then the sun")
    assert world.jobs.request(job_id)["sources"] == [{"task_id": "", "track_id": "m-9"}]
    world.wire.answers = [httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J2"}})]
    world.task_creator().create_task(job_id)
    sent = json.loads(world.wire.requests[-1].content)
    assert sent["music_id"] == "m-9"
    assert source["job_id"] not in world.wire.requests[-1].content.decode().replace(sent["hookUrl"], "")


def test_a_track_of_a_finished_task_is_a_source(world: World) -> None:
    source = world.generating("sunoapi")
    ready = Track(track_id="t-1", position=0, state=TrackState.READY, links=(Link("audio", "https://cdn.example/1"),))
    world.jobs.tracks.record_track(source, ready)
    job_id = world.accept("sunoapi", "wav", "wav", source={"job_id": source, "track_id": "t-1"})
    assert world.jobs.request(job_id)["sources"] == [{"task_id": "J1", "track_id": "t-1"}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"job_id": "job_" + "0" * 26}, "no job of yours"),
        ({"track_id": "other"}, "no finished song"),
        ({"track_id": "track-1"}, "no finished song"),
        ({"gateway": "acedata"}, "ran on ttapi"),
        ({"tenant": "another"}, "no job of yours"),
    ],
)
def test_a_wrong_reference_names_the_field(world: World, change: dict[str, str], reason: str) -> None:
    given = {"job_id": uploaded(world), "track_id": "m-9", "gateway": "ttapi", "tenant": "acme", **change}
    source = {"job_id": given["job_id"], "track_id": given["track_id"]}
    body = {"gateway": given["gateway"], "kind": "concat", "input": {"source": source}}
    with pytest.raises(InvalidRequest, match=reason) as refused:
        world.job_submitter().submit_job(given["tenant"], body, "k")
    assert [error["pointer"] for error in refused.value.members["errors"]] == ["/input/source"]
    assert len(world.executions.states) == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("wav", "that job ran on ttapi, which offers no wav; with its songs it offers extend, "),
        ("concat", "that job ran on ttapi, and only ttapi can use its songs; it offers concat"),
    ],
)
def test_a_song_of_another_gateway_says_what_its_own_can_do(world: World, kind: str, reason: str) -> None:
    body = {"gateway": "acedata", "kind": kind, "input": {"source": {"job_id": uploaded(world), "track_id": "m-9"}}}
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", body, "k")
    [error] = refused.value.members["errors"]
    assert error["pointer"] == "/input/source"
    assert error["detail"].startswith(reason)


def test_a_repeated_request_returns_its_job_even_if_the_source_is_gone(world: World) -> None:
    source = {"job_id": uploaded(world), "track_id": "m-9"}
    given = {"source": source, "continue_at": 12.0, "prompt": "and then the sun"}
    job_id = world.accept("ttapi", "ext", "extend", **given)
    world.dynamodb.delete_item(TableName="jobs", Key={"pk": {"S": f"JOB#{source['job_id']}"}, "sk": {"S": "JOB"}})
    assert world.accept("ttapi", "ext", "extend", **given) == job_id


def test_a_kind_that_a_gateway_does_not_offer_names_those_that_do(world: World) -> None:
    body = {"gateway": "crun", "kind": "lyrics", "input": {"prompt": "rain"}}
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", body, "k")
    [error] = refused.value.members["errors"]
    assert error["pointer"] == "/kind"
    for name in ("anyint", "acedata", "sunoapi", "kie"):
        assert name in error["detail"]


def test_lyrics_are_a_result_without_files(world: World) -> None:
    job_id = world.accept("sunoapi", "ly", "lyrics", prompt="a song about rain")
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": {"taskId": "L1"}})]
    world.task_creator().create_task(job_id)
    variants = [
        {"text": "[Verse]\nRain", "title": "Rain", "status": "complete", "errorMessage": ""},
        {"text": "", "title": "", "status": "failed", "errorMessage": "too short"},
    ]
    record = {"taskId": "L1", "status": "SUCCESS", "response": {"taskId": "L1", "data": variants}}
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": record})]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish", 30)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert world.view(job_id).result == {"lyrics": [{"title": "Rain", "text": "[Verse]\nRain"}]}
    assert "Verse" not in str(world.bus.events)


def test_the_answer_of_a_synchronous_operation_is_stored_completely(world: World) -> None:
    uploaded(world)
    [item] = world.items("RECEIPT#submission#")
    assert json.loads(zlib.decompress(item["body"]["B"])) == UPLOADED


def test_an_operation_that_answers_with_its_result_has_a_longer_timeout(world: World) -> None:
    for job_id in (world.accept("acedata", "l", "lyrics", prompt="rain"), world.accept("acedata", "m", "music", prompt="rain")):
        world.wire.answers = [httpx.ReadTimeout("lost")]
        world.task_creator().create_task(job_id)
    timeouts = [request.extensions["timeout"]["read"] for request in world.wire.requests]
    assert timeouts == [SYNCHRONOUS_SECONDS, REPLY_SECONDS]


def test_the_fault_of_a_synchronous_operation_is_recorded_for_the_job(world: World) -> None:
    job_id = world.accept("acedata", "ly", "lyrics", prompt="a song about rain")
    world.wire.answers = [httpx.Response(200, json=MODERATED)]
    world.task_creator().create_task(job_id)
    world.task_checker().check_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.FAILED
    fault = world.job(job_id).fault
    assert fault is not None
    assert "moderated" in fault.message


def test_a_numeric_id_is_accepted(world: World) -> None:
    job_id = upload(world)
    world.wire.answers = [httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"music_id": 123456}})]
    world.task_creator().create_task(job_id)
    world.task_checker().check_task(job_id)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
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
    assert world.task_checker().check_task(job_id).next == "store"


def test_a_result_too_large_for_an_item_does_not_stop_the_job(world: World) -> None:
    job_id = uploaded(world)
    other = upload(world, "other")
    incompressible = "".join(chr(0x4E00 + (index * index * 7919) % 20000) for index in range(400_000))
    world.jobs.tracks.record_result(other, {"words": incompressible})
    result = world.view(other).result
    assert result is not None
    assert list(result) == ["too_large"]
    assert world.view(job_id).result == {"audio_id": "m-9"}


def test_a_timed_out_job_accepts_a_late_synchronous_answer(world: World) -> None:
    job_id = upload(world)

    def late(_: httpx.Request) -> httpx.Response:
        world.jobs.submissions.lose_submission(world.job(job_id), LOST, grace_until=world.now, now=world.now, due_at=world.now)
        world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, LOST, now=world.now)
        return httpx.Response(200, json=UPLOADED)

    world.wire.answers = [late]
    world.task_creator().create_task(job_id)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED


def test_stems_cannot_be_a_source(world: World) -> None:
    source = world.generating("sunoapi")
    ready = Track(track_id="t-1", position=0, state=TrackState.READY, links=(Link("audio", "https://cdn.example/1"),))
    world.jobs.tracks.record_track(source, ready)
    stems = world.accept("sunoapi", "stems", "stems", source={"job_id": source, "track_id": "t-1"})
    world.jobs.tracks.record_track(stems, replace(ready, track_id="s-1"))
    with pytest.raises(InvalidRequest, match="no finished song"):
        world.accept("sunoapi", "wav", "wav", source={"job_id": stems, "track_id": "s-1"})
