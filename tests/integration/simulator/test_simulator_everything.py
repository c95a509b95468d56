"""Every operation of every gateway under every fault that its wire words: whatever happens is an answer, never a crash here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from local.simulator.acedata_orders import ACTIONS
from local.simulator.anyint import AnyInt
from local.simulator.record_info import RecordInfoWire
from local.simulator.sunoapi import SunoApi
from tests.integration.simulator.clients import TASK_SECONDS, Client

Json = dict[str, Any]
AUDIO = "https://example.org/a.mp3"
CALLBACK_FIELDS = {"ttapi": "hookUrl", "crun": "callback_url", "acedata": "callback_url"}
FAULTS_THAT_SHOW = (
    "maintenance",
    "quota_exhausted",
    "rate_limited",
    "server_error_after_create",
    "server_error_on_submit",
    "callback_exception",
    "content_rejected",
    "creation_failed",
    "failed_task",
    "one_track_failed",
    "success_without_audio",
    "unknown_status",
)
"""Those that each gateway words in its own way; the others are the same for all."""
INSTANT = {"style", "persona", "timestamped-lyrics", "upload", "upload-url", "upload-base64"}

TTAPI: dict[str, Json] = {
    "music": {"custom": False, "instrumental": True, "mv": "chirp-v5", "gpt_description_prompt": "rain"},
    "extend": {"continue_at": 3},
    "upload": {"audio_url": AUDIO},
    "upload-cover": {"audio_url": AUDIO},
    "inspo": {"audio_urls": [AUDIO]},
    "stems": {"stem_type": "Drums"},
    "sounds": {"sound": "a door"},
    **{name: {} for name in ("concat", "cover", "add-vocals", "stems-all", "persona")},
}
CRUN: dict[str, Json] = {
    "suno/music-generate": {"mode": "simple", "model": "v5", "prompt": "rain"},
    "suno/music-extend-upload": {"audio_url": AUDIO, "continue_at": 3},
    "suno/music-video": {},
    "suno/vocal-separation": {"mode": "split_stem"},
}
FAMILY: dict[str, Json] = {
    "generate": {"customMode": False, "instrumental": True, "model": "V5", "prompt": "rain"},
    "extend": {"defaultParamFlag": False, "model": "V5"},
    "mashup": {"uploadUrlList": [AUDIO, AUDIO]},
    "replace-section": {"infillStartS": 1, "infillEndS": 2},
    "persona": {"name": "Ann", "description": "calm"},
    "upload-url": {"fileUrl": AUDIO, "uploadPath": "songs"},
    "upload-base64": {"base64Data": "SUQz", "uploadPath": "songs"},
    "style": {"content": "folk"},
}
ACE: dict[str, Json] = {
    "/suno/lyrics": {"prompt": "rain", "model": "default"},
    "/suno/upload": {"audio_url": AUDIO},
    "/suno/wav": {},
    "/suno/mp4": {},
    "/suno/timing": {},
    "/suno/persona": {"name": "Ann", "description": "calm"},
}
ACE_ACTIONS: dict[str, Json] = {
    "adjust_speed": {"speed_multiplier": 2, "title": "Fast"},
    "add_stem": {"stem_type": "strings"},
    "extract_stem": {"stem_type": "vocals"},
}


def family_operations(wire: type[RecordInfoWire]) -> list[tuple[str, str, Json]]:
    extra = {"prompt": "rain", "uploadUrl": AUDIO}
    return [(wire.name, path, FAMILY.get(name, extra)) for path, name in wire.submit_paths.items()]


OPERATIONS = [
    *[("ttapi", f"/suno/v1/{name}", body) for name, body in TTAPI.items()],
    *[("crun", "/api/v1/client/job/CreateTask", {"model": model, "input": given}) for model, given in CRUN.items()],
    *[("acedata", "/suno/audios", {"action": action, "prompt": "rain", **ACE_ACTIONS.get(action, {})}) for action in ACTIONS],
    *[("acedata", path, body) for path, body in ACE.items()],
    *family_operations(SunoApi),
    *[("kie", path, body) for _, path, body in family_operations(SunoApi)],
    *family_operations(AnyInt),
]


def with_references(gateway: str, body: Json, task_id: str, tracks: list[str]) -> Json:
    """Every field by which the gateway's operations refer to a song, whether this one asks for it or not."""
    match gateway:
        case "ttapi":
            return {"music_id": tracks[0], **body}
        case "crun":
            return {**body, "input": {"task_id": task_id, "suno_id": tracks[0], **body["input"]}}
        case "acedata":
            spans = {f"{name}_{end}": at for name in ("replace_section", "samples") for end, at in (("start", 1), ("end", 2))}
            rest = {
                "continue_at": 3,
                "sound": "a door",
                "sound_type": "loop",
                "persona_id": "p",
                "mashup_audio_ids": tracks,
                "audio_urls": [AUDIO],
            }
            return {"audio_id": tracks[0], "async": True, **rest, **spans, **body}
    return {"taskId": task_id, "audioId": tracks[0], "sunoTaskId": task_id, **body}


def poll(client: Client, task_id: str, operation: str) -> httpx.Response:
    if client.gateway not in ("sunoapi", "kie", "anyint"):
        return client.poll(task_id)
    paths = AnyInt.status_paths if client.gateway == "anyint" else SunoApi.status_paths
    [path] = [path for path, names in paths.items() if operation in names]
    params = {"taskId": task_id, "task_id": task_id}
    return client.http.get(client.base + path, params=params, headers=client.key())


@pytest.fixture
def simulator(clock: HandClock) -> Iterator[Simulator]:
    """Songs of one note: dozens of stems are made here."""
    with Simulator(clock=clock, task_seconds=TASK_SECONDS, audio_seconds=(0.1, 0.2), seed=1) as running:
        yield running


@pytest.mark.parametrize(
    ("gateway", "path", "body"), OPERATIONS, ids=lambda value: value if isinstance(value, str) else value.get("model") or ""
)
def test_an_operation_under_every_fault(
    simulator: Simulator, http: httpx.Client, clock: HandClock, gateway: str, path: str, body: Json
) -> None:
    client = Client(simulator, gateway, http, "http://127.0.0.1:9/song")
    song_id = client.task_id("lost_callback")
    clock.advance(TASK_SECONDS)
    tracks = [track[client.wire.id_field] for track in client.tracks(song_id)]
    whole = with_references(gateway, body, song_id, tracks)
    for fault in ("lost_callback", *FAULTS_THAT_SHOW):
        simulator.fail_next(gateway, fault, "lost_callback")
        before = len(simulator.tasks())
        reply = client.post(path, {**whole, CALLBACK_FIELDS.get(gateway, "callBackUrl"): f"http://127.0.0.1:9/{fault}"})
        assert isinstance(reply.json(), dict)
        made = simulator.tasks()[before:]
        assert made or fault != "lost_callback", reply.text
        for task in made:
            if gateway == "acedata" or task["operation"] not in INSTANT:
                clock.advance(TASK_SECONDS)
                assert isinstance(poll(client, task["task_id"], task["operation"]).json(), dict)
