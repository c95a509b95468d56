"""What is sung, as each gateway tells it with a song."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import GatewayReply, Kind, TaskReport
from suno_jobs.gateways.replies import TEXT_CHARACTERS, lines
from tests.world import World

LYRICS = "[Verse]\nRain on the roof"
URL = "https://cdn.example/a.mp3"


def family(words: Any) -> dict[str, Any]:
    songs = [{"id": "a", "prompt": words, "title": "Rain", "audioUrl": URL, "duration": 198.4}]
    return {"code": 200, "msg": "success", "data": {"taskId": "J1", "status": "SUCCESS", "response": {"sunoData": songs}}}


def reply(gateway: str, words: Any) -> dict[str, Any]:
    match gateway:
        case "ttapi":
            musics = [{"musicId": "a", "prompt": words, "audioUrl": URL}]
            return {"status": "SUCCESS", "jobId": "J1", "data": {"jobId": "J1", "musics": musics}}
        case "crun":
            result = {"code": 200, "suno_data": [{"suno_id": "a", "prompt": words, "suno_audio_url": URL}]}
            return {"code": 200, "message": "success", "data": {"task_id": "J1", "status": "success", "result": result}}
        case "acedata":
            data = [{"id": "a", "lyric": words, "audio_url": URL, "state": "succeeded", "prompt": "not these"}]
            return {"id": "J1", "response": {"success": True, "task_id": "J1", "data": data}}
    return family(words)


def told(gateway: str, words: Any) -> str | None:
    body = json.dumps(reply(gateway, words)).encode()
    found = GATEWAYS[gateway].read_status(Kind.MUSIC, GatewayReply(200, body))
    assert isinstance(found, TaskReport)
    [track] = found.tracks
    assert track.ready
    return track.lyrics


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_song_comes_with_its_words(gateway: str) -> None:
    assert told(gateway, LYRICS) == LYRICS
    no_words: list[Any] = ["", None, 7, []]
    assert [told(gateway, nothing) for nothing in no_words] == [None] * 4


def test_words_can_be_stored_whatever_is_in_them() -> None:
    assert lines("\ud800a\0b\r\n\tc\x7f ") == "?ab\n\tc"
    assert len(lines("x" * 10**6) or "") == TEXT_CHARACTERS


def test_words_are_kept_when_the_task_has_ended(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(200, json=reply("ttapi", LYRICS))]
    world.checker()(job_id)
    assert world.jobs.lyrics(job_id) == {"a": LYRICS}
    assert "Rain" not in str(world.view(job_id))
