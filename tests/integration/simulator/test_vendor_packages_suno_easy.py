"""The simulator under a client that we did not write: ``suno-easy``, for sunoapi.org.

It submits, polls and reads every kind of result that it knows. Where it is itself wrong the test says so and holds it to
that: if a later version does better, this fails and the note in it can go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import miniaudio
import pytest
from suno_easy import SunoClient
from suno_easy.exceptions import SunoAPIError, TaskFailed
from suno_easy.webhooks import (
    dispatch_webhook,
    parse_cover_image_webhook,
    parse_lyrics_webhook,
    parse_music_webhook,
    parse_video_webhook,
    parse_vocal_separation_webhook,
    parse_wav_webhook,
    parse_webhook,
)

from local.simulator import HandClock, Simulator
from local.simulator.studio import TASK_CREDITS
from tests.integration.simulator.clients import TASK_SECONDS, Receiver

SHORTLY = {"timeout": 0.05, "poll_interval": 0.005}
"""How long to watch suno-easy poll for something that it never sees."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=["sunoapi", "kie"])
def suno(request: pytest.FixtureRequest, simulator: Simulator, receiver: Receiver) -> Iterator[SunoClient]:
    """suno-easy is written for sunoapi.org; kie.ai is of the same family."""
    base = simulator.base_url(request.param)
    client = SunoClient(simulator.keys[request.param], callback_url=receiver.url, upload_base_url=base)
    client.BASE_URL = base
    yield client
    client.session.close()


def is_mp3(http: httpx.Client, url: str | None) -> bool:
    assert url
    return bool(miniaudio.decode(http.get(url).content).duration > 0.5)


def songs(suno: SunoClient, clock: HandClock, prompt: str = "rain") -> tuple[str, list[Any]]:
    task: Any = suno.music.generate(prompt, style="pop", title="Rain", wait=False)
    clock.advance(TASK_SECONDS)
    return task.task_id, task.wait(poll_interval=0)


def done(clock: HandClock, task: Any) -> Any:
    clock.advance(TASK_SECONDS)
    return task.wait(poll_interval=0)


class TestSunoEasy:
    def test_music(self, suno: SunoClient, clock: HandClock, http: httpx.Client, tmp_path: Path) -> None:
        _, tracks = songs(suno, clock, "[Verse]\nRain on the roof")
        assert [track.title for track in tracks] == ["Rain", "Rain"]
        assert len({track.id for track in tracks}) == 2
        assert all(is_mp3(http, track.audio_url) for track in tracks)
        tracks[0].download(str(tmp_path / "song.mp3"))
        assert miniaudio.decode_file(str(tmp_path / "song.mp3")).duration == pytest.approx(tracks[0].duration, abs=0.02)
        tracks[0].download_image(str(tmp_path / "cover.png"))
        assert (tmp_path / "cover.png").read_bytes().startswith(b"\x89PNG")

    def test_a_stream_comes_with_the_words(self, suno: SunoClient, clock: HandClock) -> None:
        task: Any = suno.music.generate("rain", style="pop", title="Rain", wait=False)
        clock.advance(4)
        assert [(track.audio_url, bool(track.stream_url)) for track in task.wait(poll_interval=0, wait_until="stream")] == [
            (None, True)
        ] * 2

    def test_everything_that_makes_songs(self, suno: SunoClient, clock: HandClock) -> None:
        task_id, (track, _) = songs(suno, clock)
        url = "https://example.org/a.mp3"
        tasks: list[Any] = [
            suno.music.extend(track.id, 60, "more rain", "pop", "Rain", wait=False),
            suno.music.generate_instrumental("ambient", "Rain", wait=False),
            suno.music.mashup([url, url], prompt="rain", style="pop", title="Rain", wait=False),
            suno.music.replace_section(task_id, track.id, "sun", "pop", "Sun", "[Verse] sun", 1.5, 2.5, wait=False),
            suno.music.generate_sounds("a door", sound_loop=True, sound_tempo=90, sound_key="C", wait=False),
            suno.audio.cover(url, "jazz", "Rain", "rain", wait=False),
            suno.audio.extend(url, 30, "rain", "jazz", "Rain", wait=False),
            suno.audio.add_vocals(url, "rain", "Rain", "pop", "metal", wait=False),
            suno.audio.add_instrumental(url, "Rain", "pop", "metal", wait=False),
        ]
        clock.advance(TASK_SECONDS)
        for task in tasks:
            assert [bool(song.audio_url) for song in task.wait(poll_interval=0)] == [True, True]

    def test_no_field_that_it_sends_is_unknown_to_the_simulator(
        self, suno: SunoClient, simulator: Simulator, clock: HandClock
    ) -> None:
        self.test_everything_that_makes_songs(suno, clock)
        assert [task["undocumented_fields"] for task in simulator.tasks()] == [[]] * 10

    def test_the_balance(self, suno: SunoClient, clock: HandClock) -> None:
        """kie.ai has another route for it, which suno-easy does not know."""
        if suno.BASE_URL.endswith("kie"):
            with pytest.raises(SunoAPIError):
                suno.account.get_credits()
            return
        before = suno.account.get_credits().remaining
        songs(suno, clock)
        assert suno.account.get_credits().remaining == before - TASK_CREDITS

    def test_lyrics(self, suno: SunoClient, clock: HandClock) -> None:
        """kie.ai's ``lyricsData`` is not read: suno-easy sees no lyrics there."""
        lyrics = done(clock, suno.lyrics.generate("rain", wait=False))
        if suno.BASE_URL.endswith("kie"):
            assert lyrics == []
            return
        assert [(lyric.status, lyric.title) for lyric in lyrics] == [("complete", "rain")] * 2
        assert lyrics[0].text.startswith("[Verse]\nrain")

    def test_timestamped_lyrics(self, suno: SunoClient, clock: HandClock) -> None:
        task_id, (track, _) = songs(suno, clock, "[Verse]\nRain on the roof")
        words = suno.lyrics.get_timestamped(task_id, track.id).aligned_words
        assert [word.word for word in words] == ["Rain", "on", "the", "roof"]
        assert words[0].start_s == 0.0
        assert words[-1].end_s == pytest.approx(track.duration, abs=0.01)

    def test_wav(self, suno: SunoClient, clock: HandClock, http: httpx.Client) -> None:
        task_id, (track, _) = songs(suno, clock)
        wav = done(clock, suno.audio.convert_wav(task_id, track.id, wait=False))
        assert wav.music_id == track.id
        assert http.get(wav.wav_url).content[:4] == b"RIFF"

    def test_vocal_removal(self, suno: SunoClient, clock: HandClock, http: httpx.Client) -> None:
        task_id, (track, _) = songs(suno, clock)
        two = done(clock, suno.audio.separate_vocals(task_id, track.id, wait=False))
        assert is_mp3(http, two.vocal_url)
        assert is_mp3(http, two.instrumental_url)
        assert two.drums_url is None
        many = done(clock, suno.audio.separate_vocals(task_id, track.id, "split_stem", wait=False))
        assert is_mp3(http, many.backing_vocals_url)
        assert is_mp3(http, many.fx_url)
        assert many.instrumental_url is None

    def test_video(self, suno: SunoClient, clock: HandClock, http: httpx.Client) -> None:
        task_id, (track, _) = songs(suno, clock)
        video = done(clock, suno.video.create(task_id, track.id, author="A", domain_name="example.org", wait=False))
        assert http.get(video.video_url).content[4:8] == b"ftyp"

    def test_cover_art(self, suno: SunoClient, clock: HandClock, http: httpx.Client) -> None:
        task_id, _ = songs(suno, clock)
        cover = done(clock, suno.audio.generate_cover_image(task_id, wait=False))
        assert [http.get(url).headers["content-type"] for url in cover.images] == ["image/png"] * 2

    def test_persona_and_style(self, suno: SunoClient, clock: HandClock) -> None:
        task_id, (track, _) = songs(suno, clock)
        persona = suno.persona.create(task_id, track.id, "Ann", "a calm voice", vocal_start=0, vocal_end=10)
        assert persona.persona_id
        assert (persona.name, persona.description) == ("Ann", "a calm voice")
        assert "folk" in suno.audio.boost_style("folk").result
        task: Any = suno.music.generate("rain", "pop", "Rain", persona_id=persona.persona_id, wait=False)
        assert len(done(clock, task)) == 2

    def test_upload_then_cover(self, suno: SunoClient, clock: HandClock, http: httpx.Client) -> None:
        for uploaded in (
            suno.upload.upload_url("https://example.org/a.mp3", "songs", "a.mp3"),
            suno.upload.upload_base64("data:audio/mpeg;base64,SUQz", "songs"),
        ):
            assert is_mp3(http, uploaded.download_url)
            assert len(http.get(uploaded.download_url).content) == uploaded.file_size
            assert len(done(clock, suno.audio.cover(uploaded.download_url, "jazz", "Rain", "rain", wait=False))) == 2

    def test_errors_in_the_body_are_errors(self, suno: SunoClient, clock: HandClock) -> None:
        task_id, (track, _) = songs(suno, clock)
        done(clock, suno.audio.convert_wav(task_id, track.id, wait=False))
        kie = suno.BASE_URL.endswith("kie")
        refused: list[tuple[Callable[[], object], int]] = [
            (lambda: suno.audio.convert_wav(task_id, track.id, wait=False), 409),
            (lambda: suno.audio.convert_wav(task_id, "unknown", wait=False), 404 if kie else 400),
            (lambda: suno.music.generate("rain", "pop", "Rain", model="V9", wait=False), 422 if kie else 400),
            (lambda: suno.music.get_task("unknown"), 404 if kie else 400),
        ]
        for call, code in refused:
            with pytest.raises(SunoAPIError) as error:
                call()
            assert error.value.status_code == code

    @pytest.mark.parametrize("fault", ["failed_task", "creation_failed", "content_rejected", "callback_exception"])
    def test_its_mistake_failed_music_is_never_seen_to_have_failed(
        self, suno: SunoClient, clock: HandClock, fault: str
    ) -> None:
        """It knows FAILED and ERROR, but none of the documented words."""
        task: Any = suno.music.generate(f"rain [fault:{fault}]", "pop", "Rain", wait=False)
        clock.advance(TASK_SECONDS)
        with pytest.raises(TimeoutError):
            task.wait(**SHORTLY)
        assert task.info()["status"] in {
            "CREATE_TASK_FAILED",
            "GENERATE_AUDIO_FAILED",
            "SENSITIVE_WORD_ERROR",
            "CALLBACK_EXCEPTION",
        }

    def test_its_mistake_failed_cover_art_is_never_seen_to_have_failed(
        self, suno: SunoClient, simulator: Simulator, clock: HandClock
    ) -> None:
        """A number counts as failed when it is below 0; the documented one is 3. A text with FAIL in it is recognised."""
        task_id, (track, _) = songs(suno, clock)
        for gateway in ("sunoapi", "kie"):
            simulator.fail_next(gateway, "failed_task")
        suno.callback_url += "/other"
        art: Any = suno.audio.generate_cover_image(task_id, wait=False)
        clock.advance(TASK_SECONDS)
        assert art.info()["successFlag"] == 3
        with pytest.raises(TimeoutError):
            art.wait(**SHORTLY)
        stems: Any = suno.audio.separate_vocals(task_id, track.id, wait=False)
        with pytest.raises(TaskFailed):
            done(clock, stems)


class TestSunoEasyWebhooks:
    """What the simulator posts, read by suno-easy's parsers."""

    def body(self, clock: HandClock, receiver: Receiver, order: Callable[[], object]) -> Any:
        while not receiver.bodies.empty():
            receiver.bodies.get_nowait()
        order()
        clock.advance(TASK_SECONDS)
        return receiver.body()

    def song(self, suno: SunoClient, clock: HandClock, receiver: Receiver) -> tuple[str, Any]:
        task_id, tracks = songs(suno, clock)
        [receiver.body() for _ in range(3)]
        return task_id, tracks[0]

    def test_music(self, suno: SunoClient, clock: HandClock, receiver: Receiver) -> None:
        task: Any = suno.music.generate("rain", "pop", "Rain", wait=False)
        seen = []
        for seconds in (4, 3, 3):
            clock.advance(seconds)
            event, tracks = parse_music_webhook(receiver.body())
            seen.append((event.callback_type, event.is_final, [bool(track.audio_url) for track in tracks]))
            assert event.task_id == task.task_id
        assert seen == [
            ("text", False, [False, False]),
            ("first", False, [True, False]),
            ("complete", True, [True, True]),
        ]

    def test_failures_are_errors(self, suno: SunoClient, clock: HandClock, receiver: Receiver) -> None:
        body = self.body(clock, receiver, lambda: suno.music.generate("[fault:failed_task]", "pop", "Rain", wait=False))
        event = parse_webhook(body)
        assert (event.code, event.callback_type, event.is_error) == (501, "error", True)
        with pytest.raises(TaskFailed):
            dispatch_webhook(body)

    def test_lyrics(self, suno: SunoClient, clock: HandClock, receiver: Receiver) -> None:
        event, lyrics = parse_lyrics_webhook(self.body(clock, receiver, lambda: suno.lyrics.generate("rain", wait=False)))
        assert event.task_id
        assert [lyric.status for lyric in lyrics] == ["complete", "complete"]

    def test_files(self, suno: SunoClient, clock: HandClock, receiver: Receiver, http: httpx.Client) -> None:
        task_id, track = self.song(suno, clock, receiver)
        wav = self.body(clock, receiver, lambda: suno.audio.convert_wav(task_id, track.id, wait=False))
        assert http.get(parse_wav_webhook(wav)[1].wav_url or "").content[:4] == b"RIFF"
        video = self.body(clock, receiver, lambda: suno.video.create(task_id, track.id, wait=False))
        assert http.get(parse_video_webhook(video)[1].video_url or "").content[4:8] == b"ftyp"
        art = self.body(clock, receiver, lambda: suno.audio.generate_cover_image(task_id, wait=False))
        assert len(parse_cover_image_webhook(art)[1].images) == 2

    def test_its_mistake_stems_in_a_callback_are_not_found(
        self, suno: SunoClient, clock: HandClock, receiver: Receiver
    ) -> None:
        """They are in ``vocal_removal_info``, where it does not look."""
        task_id, track = self.song(suno, clock, receiver)
        body = self.body(clock, receiver, lambda: suno.audio.separate_vocals(task_id, track.id, wait=False))
        assert body["data"]["vocal_removal_info"]["vocal_url"]
        _, stems = parse_vocal_separation_webhook(body)
        assert set(vars(stems).values()) == {None}
