"""The kinds of TTAPI, crun and Ace Data Cloud, which have no family: what is polled and what is posted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import TASK_SECONDS, Client, Receiver, eventually, refusal

Json = dict[str, Any]
AUDIO = "https://example.org/a.mp3"


@pytest.fixture
def ttapi(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Client:
    return Client(simulator, "ttapi", http, receiver.url)


@pytest.fixture
def crun(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Client:
    return Client(simulator, "crun", http, receiver.url)


def song(client: Client, clock: HandClock) -> tuple[str, str]:
    """The ids of a finished task and of its first track."""
    task_id = client.task_id("lost_callback")
    clock.advance(TASK_SECONDS)
    return task_id, client.tracks(task_id)[0][client.wire.id_field]


class TestTtapi:
    @pytest.mark.parametrize(
        ("operation", "body", "count"),
        [
            ("extend", {"continue_at": 30}, 2),
            ("concat", {}, 1),
            ("cover", {"mv": "chirp-v5", "custom": False, "gpt_description_prompt": "jazz"}, 2),
            ("add-vocals", {"prompt": "la"}, 2),
            ("stems", {"stem_type": "Drums"}, 1),
            ("stems-all", {}, 12),
            ("upload-cover", {"audio_url": AUDIO, "prompt": "la"}, 2),
            ("inspo", {"audio_urls": [AUDIO, AUDIO]}, 2),
            ("sounds", {"sound": "a door", "type": "loop", "bpm": 90, "key": "C"}, 2),
        ],
    )
    def test_an_operation(
        self, ttapi: Client, clock: HandClock, receiver: Receiver, operation: str, body: Json, count: int
    ) -> None:
        _, music_id = song(ttapi, clock)
        if operation not in ("upload-cover", "inspo", "sounds"):
            body = {**body, "music_id": music_id}
        reply = ttapi.post(f"/suno/v1/{operation}", {**body, "hookUrl": receiver.url + "/2"}).json()
        clock.advance(TASK_SECONDS)
        fetched = ttapi.poll(reply["data"]["jobId"]).json()
        assert (fetched["status"], fetched["data"]["action"], len(fetched["data"]["musics"])) == ("SUCCESS", operation, count)
        assert all(music["audioUrl"] for music in fetched["data"]["musics"])
        assert receiver.body() == fetched
        assert ttapi.simulator.tasks()[-1]["undocumented_fields"] == []

    def test_all_stems_have_their_names_in_the_titles(self, ttapi: Client, clock: HandClock) -> None:
        _, music_id = song(ttapi, clock)
        reply = ttapi.post("/suno/v1/stems-all", {"music_id": music_id}).json()
        clock.advance(TASK_SECONDS)
        titles = [music["title"] for music in ttapi.tracks(reply["data"]["jobId"])]
        assert {"rain (Vocals)", "rain (Backing Vocals)", "rain (FX)"} < set(titles)

    def test_an_upload_and_a_persona_are_answered_at_once(self, ttapi: Client) -> None:
        music_id = ttapi.post("/suno/v1/upload", {"audio_url": AUDIO}).json()["data"]["music_id"]
        persona = {"music_id": music_id, "name": "Ann", "describe": "calm", "vocal_start_s": 0, "vocal_end_s": 10}
        assert ttapi.post("/suno/v1/persona", persona).json()["data"]["persona_id"]
        assert ttapi.post("/suno/v1/extend", {"music_id": music_id, "continue_at": 3}).json()["data"]["jobId"]

    @pytest.mark.parametrize(
        ("operation", "body", "status"),
        [
            ("extend", {"music_id": "unknown", "continue_at": 3}, 404),
            ("extend", {"music_id": "unknown"}, 400),
            ("stems", {"music_id": "unknown"}, 400),
            ("upload", {}, 400),
            ("upload", {"audio_url": "http://example.org/a.mp3"}, 400),
            ("upload", {"audio_url": AUDIO, "is_async": True}, 400),
            ("upload", {"audio_url": AUDIO + "?[fault:failed_task]"}, 400),
            ("upload", {"audio_url": AUDIO + "?%5Bfault:maintenance%5D"}, 500),
            ("persona", {"music_id": "unknown"}, 404),
            ("inspo", {"audio_urls": [AUDIO] * 5}, 400),
            ("sounds", {"sound": "a door", "bpm": 301}, 400),
            ("wav", {"music_id": "unknown"}, 404),
        ],
    )
    def test_what_breaks_a_rule_is_refused(self, ttapi: Client, operation: str, body: Json, status: int) -> None:
        assert refusal(ttapi.post(f"/suno/v1/{operation}", body)) == (status, "FAILED")

    def test_a_slow_upload_keeps_its_caller_waiting(self, ttapi: Client, clock: HandClock) -> None:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ttapi.post, "/suno/v1/upload", {"audio_url": AUDIO + "?[fault:slow_task=5]"})
            eventually(ttapi.simulator.tasks)
            assert not waiting.done()
            clock.advance(5)
            assert waiting.result(timeout=5).json()["data"]["music_id"]

    def test_a_refused_upload_can_be_sent_again(self, ttapi: Client) -> None:
        body = {"audio_url": AUDIO + "?[fault:rate_limited=1]"}
        assert [ttapi.post("/suno/v1/upload", body).status_code for _ in range(2)] == [429, 200]
        assert [(order["submissions"], order["paid"]) for order in ttapi.simulator.orders()] == [(2, 1)]


class TestCrun:
    def task(self, crun: Client, model: str, given: Json) -> Json:
        reply: Json = crun.send({"model": model, "input": given, "callback_url": crun.callback_url + "/2"}).json()
        return reply

    def result(self, crun: Client, clock: HandClock, model: str, given: Json) -> Json:
        reply = self.task(crun, model, given)
        clock.advance(TASK_SECONDS)
        data: Json = crun.poll(reply["data"]["task_id"]).json()["data"]
        assert (data["status"], data["param"]["model"]) == ("success", model)
        result: Json = data["result"]
        return result

    def test_extending_an_upload(self, crun: Client, clock: HandClock) -> None:
        given = {"audio_url": AUDIO, "continue_at": 20, "lyrics": "la", "model": "v5"}
        result = self.result(crun, clock, "suno/music-extend-upload", given)
        assert len(result["suno_data"]) == len(result["media_urls"]) == 2

    def test_a_video(self, crun: Client, clock: HandClock, http: httpx.Client) -> None:
        task_id, suno_id = song(crun, clock)
        given = {"task_id": task_id, "suno_id": suno_id, "author": "A", "brand": "B"}
        result = self.result(crun, clock, "suno/music-video", given)
        assert set(result) == {"code", "message", "media_urls"}
        assert [http.get(url).headers["content-type"] for url in result["media_urls"]] == ["video/mp4"]

    @pytest.mark.parametrize(("mode", "count"), [("separate_vocal", 2), ("split_stem", 12)])
    def test_a_separation(self, crun: Client, clock: HandClock, http: httpx.Client, mode: str, count: int) -> None:
        task_id, suno_id = song(crun, clock)
        given = {"task_id": task_id, "suno_id": suno_id, "mode": mode}
        result = self.result(crun, clock, "suno/vocal-separation", given)
        assert set(result) == {"code", "message", "media_info"}
        assert len(set(result["media_info"].values())) == count
        assert all(http.get(url).status_code == 200 for url in result["media_info"].values())

    @pytest.mark.parametrize(
        ("model", "given", "code"),
        [
            ("suno/music-video", {"task_id": "x", "suno_id": "y"}, 422),
            ("suno/vocal-separation", {"task_id": "x"}, 422),
            ("suno/music-extend-upload", {"audio_url": AUDIO}, 422),
            ("suno/music-extend-upload", {"continue_at": 3}, 422),
            ("suno/lyrics", {"prompt": "x"}, 505),
        ],
    )
    def test_what_breaks_a_rule_is_refused(self, crun: Client, model: str, given: Json, code: int) -> None:
        assert self.task(crun, model, given)["code"] == code

    def test_words_that_are_not_allowed(self, crun: Client, clock: HandClock) -> None:
        task_id = crun.task_id("content_rejected")
        clock.advance(TASK_SECONDS)
        assert crun.poll(task_id).json()["data"]["result"] == {"code": 501, "message": "The words are not allowed"}


class TestAceData:
    def test_a_batch_has_any_order_and_no_unknown_ones(self, acedata: Client) -> None:
        ids = [str(acedata.send(acedata.wire.simple).json()["task_id"]) for _ in range(3)]
        reply = acedata.post("/suno/tasks", {"ids": [*ids, "unknown"], "action": "retrieve_batch"}).json()
        assert ([item["id"] for item in reply["items"]], reply["count"]) == (ids[::-1], 3)
        too_many = acedata.post("/suno/tasks", {"ids": ["x"] * 51, "action": "retrieve_batch"})
        assert refusal(too_many) == (400, "bad_request")

    def test_a_wav_has_nothing_until_it_is_finished(self, acedata: Client, clock: HandClock, receiver: Receiver) -> None:
        _, audio_id = song(acedata, clock)
        body = {"audio_id": audio_id, "async": True, "callback_url": receiver.url + "/2"}
        task_id = acedata.post("/suno/wav", body).json()["task_id"]
        clock.advance(7)
        assert acedata.poll(task_id).json()["response"] == {"success": True, "task_id": task_id}
        clock.advance(3)
        task = acedata.poll(task_id).json()
        assert [list(item) for item in task["response"]["data"]] == [["file_url"]]
        assert "action" not in task["request"]
        assert receiver.body() == task["response"]

    @pytest.mark.parametrize(
        ("path", "body", "expected"),
        [
            ("/suno/wav", {"audio_id": "unknown"}, (400, "bad_request")),
            ("/suno/mp4", {}, (400, "bad_request")),
            ("/suno/timing", {"audio_id": "unknown"}, (400, "bad_request")),
            ("/suno/timing", {}, (400, "bad_request")),
            ("/suno/persona", {"audio_id": "unknown", "name": "Ann", "description": "calm"}, (400, "bad_request")),
            ("/suno/persona", {"name": "Ann", "description": "calm"}, (400, "bad_request")),
            ("/suno/audios", {"action": "extend", "audio_id": "unknown", "continue_at": 3}, (400, "bad_request")),
            ("/suno/audios", {"action": "mashup", "mashup_audio_ids": ["x"]}, (400, "bad_request")),
            ("/suno/audios", {"action": "replace_section"}, (400, "bad_request")),
            ("/suno/lyrics", {"prompt": "x", "model": "chirp-v5"}, (400, "bad_request")),
            ("/suno/upload", {"audio_url": "example.org"}, (400, "bad_request")),
            ("/suno/vox", {"audio_id": "x"}, (404, "no_api")),
            ("/suno/lyrics", {"prompt": "[fault:failed_task]", "model": "default"}, (500, "api_error")),
            ("/suno/lyrics", {"prompt": "[fault:content_rejected]", "model": "default"}, (403, "forbidden")),
        ],
    )
    def test_what_breaks_a_rule_is_refused(self, acedata: Client, path: str, body: Json, expected: tuple[int, str]) -> None:
        assert refusal(acedata.post(path, body)) == expected

    def test_lyrics_can_lack_one(self, acedata: Client) -> None:
        reply = acedata.post("/suno/lyrics", {"prompt": "rain [fault:one_track_failed]", "model": "remi-v1"}).json()
        assert [list(lyric) for lyric in reply["data"]] == [["title", "text", "status", "tags"]]
        assert reply["data"][0]["title"] == "rain"
        assert (reply["elapsed"], reply["started_at"]) == (0.0, reply["finished_at"])

    def test_a_persona_needs_a_name(self, acedata: Client, clock: HandClock) -> None:
        _, audio_id = song(acedata, clock)
        assert refusal(acedata.post("/suno/persona", {"audio_id": audio_id})) == (400, "bad_request")

    @pytest.mark.parametrize(
        ("path", "body", "nothing"),
        [
            ("/suno/timing", {}, ("aligned_words", [])),
            ("/suno/persona", {"name": "Ann", "description": "calm"}, ("persona_id", None)),
        ],
    )
    def test_what_is_told_at_once_can_go_wrong(
        self, acedata: Client, simulator: Simulator, clock: HandClock, path: str, body: Json, nothing: tuple[str, object]
    ) -> None:
        _, audio_id = song(acedata, clock)
        body = {**body, "audio_id": audio_id}
        for fault, expected in (
            ("failed_task", (500, "api_error")),
            ("content_rejected", (403, "forbidden")),
            ("server_error_on_submit=1", (500, "api_error")),
        ):
            simulator.fail_next("acedata", fault)
            assert refusal(acedata.post(path, body)) == expected
        assert acedata.post(path, body).json()["success"], "the refused order again, not yet paid for"
        simulator.fail_next("acedata", "success_without_audio")
        name, value = nothing
        assert acedata.post(path, body).json()["data"][name] == value
        good = [acedata.post(path, body).json() for _ in range(2)]
        assert all(reply["data"][name] for reply in good)
        assert good[0]["task_id"] != good[1]["task_id"], "each is paid for"
        assert acedata.poll(good[0]["task_id"]).json()["response"] == good[0]

    def test_an_answer_that_was_lost_is_in_the_task(self, acedata: Client, simulator: Simulator, clock: HandClock) -> None:
        _, audio_id = song(acedata, clock)
        simulator.fail_next("acedata", "server_error_after_create")
        assert refusal(acedata.post("/suno/timing", {"audio_id": audio_id})) == (500, "api_error")
        task = simulator.tasks()[-1]
        assert (task["operation"], task["paid"], task["undocumented_fields"]) == ("timing", 1, [])
        assert acedata.poll(task["task_id"]).json()["response"]["data"]["aligned_words"]
