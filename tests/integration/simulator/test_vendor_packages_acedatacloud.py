"""The simulator under a client that we did not write: ``acedatacloud``, the vendor's own.

It submits, polls and reads every kind of result that is simulated. Where it is itself wrong the test says so and holds it to
that: if a later version does better, this fails and the note in it can go.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import acedatacloud
import httpx
import miniaudio
import pytest
from acedatacloud._runtime import errors, transport
from acedatacloud._runtime.tasks import task_status

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import TASK_SECONDS, eventually


@pytest.fixture
def ace(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transport, "_backoff_delay", lambda _attempt: 0.0)
    with acedatacloud.AceDataCloud(simulator.keys["acedata"], base_url=simulator.base_url("acedata")) as client:
        yield client


def is_mp3(http: httpx.Client, url: str) -> bool:
    return bool(miniaudio.decode(http.get(url).content).duration > 0.5)


class TestAceDataCloud:
    def songs(self, ace: Any, clock: HandClock, prompt: str = "rain") -> list[dict[str, Any]]:
        handle = ace.suno.generate(prompt=prompt)
        clock.advance(TASK_SECONDS)
        tracks: list[dict[str, Any]] = handle.wait(poll_interval=0)["response"]["data"]
        return tracks

    def test_music(self, ace: Any, clock: HandClock, http: httpx.Client) -> None:
        handle = ace.suno.generate(prompt="rain", style="pop", callback_url="http://127.0.0.1:9/")
        assert (handle.is_completed(), handle.get()["id"]) == (False, handle.id)
        clock.advance(TASK_SECONDS)
        tracks = handle.wait(poll_interval=0)["response"]["data"]
        assert all(is_mp3(http, track["audio_url"]) for track in tracks)
        assert set(handle.urls()) >= {track[name] for track in tracks for name in ("audio_url", "video_url", "image_url")}
        assert http.get(tracks[0]["video_url"]).content[4:8] == b"ftyp"
        assert ace.tasks.get(handle.id)["id"] == handle.id

    def test_a_synchronous_answer_is_the_result(self, ace: Any, simulator: Simulator, clock: HandClock) -> None:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ace.suno.generate, prompt="rain", async_=False)
            eventually(simulator.tasks)
            clock.advance(TASK_SECONDS)
            assert waiting.result(timeout=5).done

    @pytest.mark.parametrize(
        ("action", "count", "extra"),
        [
            ("extend", 2, {"continue_at": 30.0}),
            ("concat", 1, {}),
            ("cover", 2, {"style": "jazz"}),
            ("remaster", 2, {"variation_category": "subtle"}),
            ("replace_section", 2, {"replace_section_start": 1.0, "replace_section_end": 2.0}),
            ("underpainting", 2, {"underpainting_start": 1.0, "underpainting_end": 2.0}),
            ("overpainting", 2, {"overpainting_start": 1.0, "overpainting_end": 2.0}),
            ("samples", 2, {"samples_start": 1.0, "samples_end": 2.0}),
            ("all_stems", 24, {}),
            ("stems", 2, {}),
            ("adjust_speed", 1, {"speed_multiplier": 1.5, "title": "Fast", "keep_pitch": True}),
            ("add_stem", 2, {"stem_type": "strings", "variety": "high", "max_mode": True}),
            ("extract_stem", 4, {"stem_type": "vocals"}),
        ],
    )
    def test_actions_upon_a_song(self, ace: Any, clock: HandClock, action: str, count: int, extra: dict[str, Any]) -> None:
        song = self.songs(ace, clock)[0]
        handle = ace.suno.generate(action=action, audio_id=song["id"], **extra)
        clock.advance(TASK_SECONDS)
        tracks = handle.wait(poll_interval=0)["response"]["data"]
        assert (len(tracks), len({track["id"] for track in tracks})) == (count, count)
        if count == 24:
            assert [track["title"] for track in tracks if "(Drums)" in track["title"]] == ["rain (Drums)"] * 2
        if action == "stems":
            assert [track["title"] for track in tracks] == ["rain - Vocals", "rain - Instrumental"]

    def test_mashup_and_references(self, ace: Any, clock: HandClock) -> None:
        ids = [track["id"] for track in self.songs(ace, clock)]
        handles = [
            ace.suno.generate(action="mashup", mashup_audio_ids=ids, prompt="rain"),
            ace.suno.generate(action="inspo", audio_urls=["https://example.org/a.mp3"]),
            ace.suno.generate(action="artist_consistency", persona_id="p-1", prompt="rain"),
        ]
        clock.advance(TASK_SECONDS)
        assert [len(handle.wait(poll_interval=0)["response"]["data"]) for handle in handles] == [2, 2, 2]

    def test_lyrics(self, ace: Any) -> None:
        result = ace.suno.lyrics(model="default", prompt="rain")
        assert [(lyric["status"], bool(lyric["text"])) for lyric in result["data"]] == [("complete", True)] * 2
        assert ace.tasks.get(result["task_id"])["response"]["data"] == result["data"]

    def test_wav_and_mp4(self, ace: Any, clock: HandClock, http: httpx.Client) -> None:
        song = self.songs(ace, clock)[0]
        handle = ace.suno.wav(audio_id=song["id"])
        assert not handle.is_completed()
        clock.advance(TASK_SECONDS)
        [file] = handle.wait(poll_interval=0)["response"]["data"]
        assert http.get(file["file_url"]).content[:4] == b"RIFF"
        assert handle.urls() == [file["file_url"]]
        video = ace.suno.mp4(audio_id=song["id"])["data"]["video_url"]
        assert http.get(video).content[4:8] == b"ftyp"

    def test_timing(self, ace: Any, clock: HandClock) -> None:
        song = self.songs(ace, clock, "rain on roofs")[0]
        result = ace.suno.timing(audio_id=song["id"])
        words = result["data"]["aligned_words"]
        assert [word["word"] for word in words] == ["rain ", "on ", "roofs "]
        assert (words[0]["start_s"], words[-1]["end_s"]) == (0, pytest.approx(song["duration"], abs=0.01))
        assert ace.tasks.get(result["task_id"])["response"] == result

    def test_a_persona_sings(self, ace: Any, clock: HandClock) -> None:
        song = self.songs(ace, clock)[0]
        persona_id = ace.suno.persona(audio_id=song["id"], name="Ann", description="calm")["data"]["persona_id"]
        handle = ace.suno.generate(action="artist_consistency", persona_id=persona_id, prompt="rain")
        clock.advance(TASK_SECONDS)
        assert len(handle.wait(poll_interval=0)["response"]["data"]) == 2

    @pytest.mark.parametrize("action", ["upload_extend", "upload_cover"])
    def test_uploads(self, ace: Any, clock: HandClock, action: str) -> None:
        audio_id = ace.suno.upload(audio_url="https://example.org/a.mp3")["data"]["audio_id"]
        handle = ace.suno.generate(action=action, audio_id=audio_id, prompt="rain", continue_at=3.0)
        clock.advance(TASK_SECONDS)
        assert len(handle.wait(poll_interval=0)["response"]["data"]) == 2

    def test_errors(self, ace: Any, simulator: Simulator) -> None:
        with pytest.raises(errors.ValidationError):
            ace.suno.wav(audio_id="unknown")
        with pytest.raises(errors.ValidationError):
            ace.suno.upload(audio_url="ftp://example.org/a.mp3")
        with pytest.raises(errors.InsufficientBalanceError):
            ace.suno.generate(prompt="[fault:quota_exhausted]")
        with (
            acedatacloud.AceDataCloud("wrong", base_url=simulator.base_url("acedata")) as stranger,
            pytest.raises(errors.AuthenticationError),
        ):
            stranger.suno.lyrics(model="default", prompt="rain")

    def test_failures_are_seen(self, ace: Any, clock: HandClock) -> None:
        handle = ace.suno.generate(prompt="[fault:failed_task]")
        clock.advance(TASK_SECONDS)
        assert handle.wait(poll_interval=0)["response"]["error"]["code"] == "api_error"

    def test_its_mistake_one_failed_track_fails_the_task(self, ace: Any, clock: HandClock) -> None:
        """States are collected from all tracks; the good one is lost."""
        handle = ace.suno.generate(prompt="[fault:one_track_failed]")
        clock.advance(TASK_SECONDS)
        state = handle.wait(poll_interval=0)
        assert task_status(state) == "failed"
        assert state["response"]["data"][0]["state"] == "succeeded"
        assert state["response"]["data"][0]["audio_url"]

    def test_its_mistake_an_answer_that_was_an_error_is_submitted_again(self, ace: Any, simulator: Simulator) -> None:
        """It retries POST after 500: three tasks are paid for one song."""
        with pytest.raises(errors.APIError):
            ace.suno.generate(prompt="[fault:server_error_after_create]", callback_url="http://127.0.0.1:9/once")
        assert simulator.paid("http://127.0.0.1:9/once") == 3

    def test_its_mistake_a_cover_image_counts_as_a_result(self, ace: Any, clock: HandClock) -> None:
        """Any ``*_url`` is an artifact: a success without audio is a success."""
        handle = ace.suno.generate(prompt="[fault:success_without_audio]")
        clock.advance(TASK_SECONDS)
        state = handle.wait(poll_interval=0)
        assert task_status(state) == "succeeded"
        assert not any("audio_url" in track for track in state["response"]["data"])
