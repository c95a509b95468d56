"""The actions that change a song, from our request to the tracks, against the simulator of Ace Data Cloud."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.simulator import HandClock, Simulator
from local.simulator.server import route
from local.simulator.wire import Request
from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.protocol import Accepted, GatewayReply, GatewayRequest, Source, TaskReport, TaskStatus
from suno_jobs.gateways.registry import GATEWAYS

ACE = GATEWAYS["acedata"]
SECONDS = 10.0
SOURCE = {"job_id": "job_1", "track_id": "t"}


class Ace:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.simulator = Simulator(port=8080, clock=self.clock, task_seconds=SECONDS)

    def send(self, request: GatewayRequest) -> GatewayReply:
        headers = ACE.authorization(self.simulator.keys["acedata"])
        asked = Request(request.method, f"/acedata{request.path}", {}, headers, json.dumps(request.json).encode())
        reply = route(self.simulator._studio, asked)
        return GatewayReply(reply.status, reply.body)

    def finished(self, kind: Kind, given: dict[str, Any], *sources: Source) -> TaskReport:
        """Without a callback, since there is no network: the port is not opened."""
        request = ACE.request(kind, INPUTS[kind].model_validate(given), sources=sources, callback_url="")
        submission = ACE.read_submission(kind, self.send(request))
        assert isinstance(submission, Accepted)
        self.clock.advance(SECONDS)
        report = ACE.read_status(kind, self.send(ACE.status_request(kind, submission.task_id)))
        assert isinstance(report, TaskReport)
        return report


@pytest.mark.parametrize(
    ("kind", "given", "titles"),
    [
        (Kind.REMASTER, {"source": SOURCE, "variation": "high"}, ["Rain", "Rain"]),
        (Kind.INSPO, {"audio_urls": ["https://files.example/a.mp3"], "prompt": "Rain"}, ["Rain", "Rain"]),
        (Kind.ADJUST_SPEED, {"source": SOURCE, "speed": 0.5, "title": "Slow"}, ["Slow"]),
        (Kind.ADD_STEM, {"source": SOURCE, "stem": "strings", "variety": 1, "max_mode": True}, ["Rain", "Rain"]),
        (Kind.EXTRACT_STEM, {"source": SOURCE, "stem": "vocals"}, ["Rain (Vocals)", "Rain (Without Vocals)"] * 2),
    ],
)
def test_the_simulator_takes_the_request_and_its_tracks_are_read(kind: Kind, given: dict[str, Any], titles: list[str]) -> None:
    ace = Ace()
    song = ace.finished(Kind.MUSIC, {"prompt": "Rain"})
    sources = [Source("", song.tracks[0].track_id)] if "source" in given else []
    report = ace.finished(kind, given, *sources)
    assert report.status is TaskStatus.SUCCEEDED
    assert [track.title for track in report.tracks] == titles
    assert all(track.ready for track in report.tracks)
    assert [task["undocumented_fields"] for task in ace.simulator.tasks()] == [[], []]
