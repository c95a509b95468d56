from __future__ import annotations

import json

import pytest

from local.simulator.acedata import AceData
from local.simulator.archive import Archive
from local.simulator.parts import SONG, TWELVE
from local.simulator.tasks import Order, Report, Stage, Take, Task, Work
from local.simulator.wire import Json, Reason, Refusal, Request

WIRE = AceData()


def song() -> Task:
    work = Work("generate", {}, SONG, words="[Verse]\nRain falls", title="Rain")
    return Task("song", Order("acedata", None, {}), work, 0.0, 1.0, (Take("track", 0, 0.2),))


def work_for(path: str, body: Json) -> Work:
    archive = Archive()
    archive.add(song())
    return WIRE.work(Request("POST", path, {}, {}, json.dumps(body).encode()), archive)


def callback_body(work: Work) -> Json:
    takes = tuple(Take(f"made-{number}", number, 0.2, part) for number, part in enumerate(work.parts))
    task = Task("task", Order("acedata", None, {}), work, 0.0, 1.0, takes)
    return WIRE.callback(Report(task, Stage.DONE, "http://127.0.0.1/cdn"))


@pytest.mark.parametrize(
    ("action", "titles"),
    [
        ("stems", ["Rain - Vocals", "Rain - Instrumental"]),
        ("all_stems", [f"Rain ({'FX' if name == 'fx' else name.replace('_', ' ').title()})" for name in TWELVE] * 2),
    ],
)
def test_stems_have_their_names_in_their_titles(action: str, titles: list[str]) -> None:
    work = work_for("/suno/audios", {"action": action, "audio_id": "track", "async": True})
    assert [track["title"] for track in callback_body(work)["data"]] == titles


def test_timestamped_words_are_consecutive() -> None:
    words = callback_body(work_for("/suno/timing", {"audio_id": "track"}))["data"]["aligned_words"]
    assert [word["word"] for word in words] == ["Rain ", "falls "]
    assert all(word.keys() == {"word", "success", "start_s", "end_s", "p_align"} for word in words)
    assert words[0]["end_s"] == words[1]["start_s"]


def test_a_persona_request_is_answered_with_its_id() -> None:
    work = work_for("/suno/persona", {"audio_id": "track", "name": "Ann", "description": "calm"})
    assert (callback_body(work)["data"], work.undocumented) == ({"persona_id": "made-0"}, ())


@pytest.mark.parametrize("path", ["/suno/timing", "/suno/persona", "/suno/mp4", "/suno/wav"])
def test_an_unknown_song_is_refused(path: str) -> None:
    with pytest.raises(Refusal) as caught:
        work_for(path, {"audio_id": "unknown", "name": "Ann"})
    assert caught.value.reason is Reason.NO_SUCH_SOURCE
