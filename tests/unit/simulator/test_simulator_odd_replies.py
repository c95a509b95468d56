"""The simulated gateways send the odd replies of the real ones, and the adapters read them right."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest

from local.simulator import DEFAULT_KEYS, HandClock
from local.simulator.courier import Courier
from local.simulator.gateways import WIRES
from local.simulator.studio import Studio, StudioSettings
from local.simulator.tasks import Order, Report, Stage, Take, Task, Work
from local.simulator.wire import Reply, Request, with_json_in_strings
from suno_jobs.catalog.inputs import MusicInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.protocol import Accepted, GatewayReply, GatewayRequest, Refused, Submission, TaskReport, TaskStatus
from suno_jobs.gateways.registry import GATEWAYS

TASK_SECONDS = 10


class NoCourier:
    """No callback arrives."""

    def send_in_time(self, *_: Any) -> None:
        """Sends nothing."""


@dataclass
class Client:
    """Orders a song from a simulated gateway, and reads its task, through the adapter."""

    gateway: str
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.adapter = GATEWAYS[self.gateway]
        self.studio = Studio(
            StudioSettings(TASK_SECONDS, (1.0, 2.0), None),
            clock=self.clock,
            chance=Random(1),  # noqa: S311
            courier=cast("Courier", NoCourier()),
            keys=DEFAULT_KEYS,
            origin=lambda: "https://cdn.example",
        )

    def send(self, request: GatewayRequest) -> GatewayReply:
        headers = {name.lower(): value for name, value in self.adapter.authorization(DEFAULT_KEYS[self.gateway]).items()}
        body = json.dumps(request.json or {}).encode()
        reply = self.studio.answer(WIRES[self.gateway], Request(request.method, request.path, request.params, headers, body))
        return GatewayReply(reply.status, reply.body)

    def order(self, fault: str) -> Submission:
        wanted = MusicInput(prompt=f"rain [fault:{fault}]")
        request = self.adapter.request(Kind.MUSIC, wanted, sources=(), callback_url="https://jobs.example/cb")
        return self.adapter.read_submission(Kind.MUSIC, self.send(request))

    def read(self, task_id: str) -> TaskReport:
        report = self.adapter.read_status(Kind.MUSIC, self.send(self.adapter.status_request(Kind.MUSIC, task_id)))
        assert isinstance(report, TaskReport)
        return report

    def finish(self, fault: str) -> TaskReport:
        submission = self.order(fault)
        assert isinstance(submission, Accepted)
        self.clock.advance(TASK_SECONDS)
        return self.read(submission.task_id)


def failure(gateway: str, fault: str) -> Fault:
    report = Client(gateway).finish(fault)
    assert report.status is TaskStatus.FAILED
    assert report.fault is not None
    return report.fault


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_json_in_strings(gateway: str) -> None:
    report = Client(gateway).finish("json_in_strings")
    assert [track.ready for track in report.tracks] == [True, True]
    assert all(track.duration_seconds for track in report.tracks)


def test_a_page_has_no_json_in_strings() -> None:
    page = Reply(200, b"<html>", "text/html")
    assert with_json_in_strings(page) is page


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_stream_comes_before_the_file(gateway: str) -> None:
    client = Client(gateway)
    submission = client.order("stream_first=2")
    assert isinstance(submission, Accepted)
    client.clock.advance(TASK_SECONDS)
    for _ in range(2):
        streamed = client.read(submission.task_id)
        assert [track.ready for track in streamed.tracks] == [False, False]
        for track in streamed.tracks:
            assert f"https://audiopipe.suno.ai/?item_id={track.track_id}" in [links[0].url for links in track.last_resort]
    assert [track.ready for track in client.read(submission.task_id).tracks] == [True, True]


@pytest.mark.parametrize("fault", [{}, {"stream_first": 3}])
def test_only_with_the_fault_a_callback_has_a_stream(fault: dict[str, float]) -> None:
    task = Task("task", Order("ttapi", None, fault), Work("music", {}), 0.0, 1.0, (Take("track", 0, 0.2),))
    assert ("audiopipe" in json.dumps(WIRES["ttapi"].callback(Report(task, Stage.DONE, "https://cdn.example")))) is bool(fault)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_retired_model_is_refused(gateway: str) -> None:
    refused = Client(gateway).order("retired_model")
    assert isinstance(refused, Refused)
    assert (refused.fault.code, refused.may_retry) == (ErrorCode.MODEL_UNAVAILABLE, False)


@pytest.mark.parametrize(("gateway", "word"), [("ttapi", "CANCELLED"), ("crun", "501"), ("sunoapi", "500")])
def test_a_cancelled_task_has_failed(gateway: str, word: str) -> None:
    fault = failure(gateway, "cancelled_task")
    assert (fault.code, fault.gateway_code) == (ErrorCode.GENERATION_FAILED, word)


@pytest.mark.parametrize(("gateway", "refunded"), [("sunoapi", True), ("kie", True), ("anyint", None), ("crun", None)])
def test_a_refunded_task(gateway: str, *, refunded: bool | None) -> None:
    assert failure(gateway, "refunded_task").refunded is refunded


@pytest.mark.parametrize("gateway", ["sunoapi", "kie", "anyint", "acedata"])
def test_the_name_of_an_artist(gateway: str) -> None:
    fault = failure(gateway, "rejected_artist")
    assert (fault.code, fault.message) == (ErrorCode.CONTENT_REJECTED, "Your tags contained artist name: nobody")


def test_a_mashup_without_a_prompt_fails_late() -> None:
    client = Client("acedata")
    song = client.finish("lost_callback")
    body = {"action": "mashup", "mashup_audio_ids": [track.track_id for track in song.tracks], "async": True, "custom": False}
    submission = client.adapter.read_submission(Kind.MASHUP, client.send(GatewayRequest("POST", "/suno/audios", json=body)))
    assert isinstance(submission, Accepted)
    client.clock.advance(TASK_SECONDS)
    fault = client.read(submission.task_id).fault
    assert fault is not None
    assert (fault.code, fault.retryable) == (ErrorCode.INVALID_REQUEST, False)
