"""The lyrics of a song, as each gateway reports them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.parsing import TEXT_CHARACTERS, multi_line
from suno_jobs.gateways.protocol import GatewayReply, TaskReport
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.network.http import httpx
from tests.world import World

LYRICS = "[Verse]\nRain on the roof"
URL = "https://cdn.example/a.mp3"
WITHOUT_LYRICS = {"evolink"}
"""Gateways that document no lyrics in a result."""


def record_info(lyrics: Any) -> dict[str, Any]:
    songs = [{"id": "a", "prompt": lyrics, "title": "Rain", "audioUrl": URL, "duration": 198.4}]
    return {"code": 200, "msg": "success", "data": {"taskId": "J1", "status": "SUCCESS", "response": {"sunoData": songs}}}


def reply(gateway: str, lyrics: Any) -> dict[str, Any]:
    match gateway:
        case "ttapi":
            musics = [{"musicId": "a", "prompt": lyrics, "audioUrl": URL}]
            return {"status": "SUCCESS", "jobId": "J1", "data": {"jobId": "J1", "musics": musics}}
        case "crun":
            result = {"code": 200, "suno_data": [{"suno_id": "a", "prompt": lyrics, "suno_audio_url": URL}]}
            return {"code": 200, "message": "success", "data": {"task_id": "J1", "status": "success", "result": result}}
        case "acedata":
            data = [
                {
                    "id": "a",
                    "lyric": lyrics,
                    "audio_url": URL,
                    "state": "succeeded",
                    "prompt": "no lyrics",
                }
            ]
            return {"id": "J1", "response": {"success": True, "task_id": "J1", "data": data}}
        case "newapi":
            clips = [{"id": "a", "audio_url": URL, "status": "complete", "metadata": {"prompt": lyrics}}]
            return {"code": "success", "data": {"task_id": "J1", "status": "SUCCESS", "data": clips}}
    return record_info(lyrics)


def read_lyrics(gateway: str, lyrics: Any) -> str | None:
    body = json.dumps(reply(gateway, lyrics)).encode()
    found = GATEWAYS[gateway].read_status(Kind.MUSIC, GatewayReply(200, body))
    assert isinstance(found, TaskReport)
    [track] = found.tracks
    assert track.ready
    return track.lyrics


@pytest.mark.parametrize("gateway", sorted(GATEWAYS.keys() - WITHOUT_LYRICS))
def test_a_song_has_its_lyrics(gateway: str) -> None:
    assert read_lyrics(gateway, LYRICS) == LYRICS
    no_lyrics: list[Any] = ["", None, 7, []]
    assert [read_lyrics(gateway, nothing) for nothing in no_lyrics] == [None] * 4


def test_lyrics_with_any_characters_can_be_stored() -> None:
    assert multi_line("\ud800a\0b\r\n\tc\x7f ") == "?ab\n\tc"
    assert len(multi_line("x" * 10**6) or "") == TEXT_CHARACTERS


def test_lyrics_are_stored_when_the_task_has_ended(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [httpx.Response(200, json=reply("ttapi", LYRICS))]
    world.task_checker().check_task(job_id)
    assert world.jobs.tracks.lyrics(job_id) == {"a": LYRICS}
    assert "Rain" not in str(world.view(job_id))
