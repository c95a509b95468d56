"""``suno-jobs open`` and ``play``, with programs that write down what they are asked for."""

from __future__ import annotations

import json
import shutil
import webbrowser
from pathlib import Path

import pytest

from suno_jobs.cli.client.playing import PLAYERS
from suno_jobs.cli.problems import ExitCode
from tests.unit.cli.running import Serving, run
from tests.unit.cli.test_client_commands import an_audio
from tests.unit.client.service import AUDIO, URL, a_job, an_asset, says

A_SONG = a_job("SUCCEEDED")
A_SONG["tracks"][0]["assets"].append(an_asset("acme/job_1/t1/image.png", "image", b"") | {"content_type": "image/png"})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the programs that are installed: a player that keeps what it played, and fails for broken files."""
    folder = tmp_path / "programs"
    folder.mkdir()
    player = folder / "mpv"
    player.write_text(
        f'#!/bin/sh\necho player output\nfor last; do :; done\n{shutil.which("cp")} "$last" {tmp_path}/played\n'
        f'echo "$@" >> {tmp_path}/asked\ncase "$last" in *broken*) exit 2;; esac\n'
    )
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(("arguments", "page"), [((), ""), (("job_1",), "#/jobs/job_1"), (("../x",), "#/jobs/..%2Fx")])
@pytest.mark.parametrize("has_browser", [True, False])
def test_the_console_is_opened_and_its_address_printed(
    serving: Serving,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    page: str,
    has_browser: bool,
) -> None:
    serving(says({}))
    opened: list[str] = []

    def open_page(url: str) -> bool:
        opened.append(url)
        return has_browser

    monkeypatch.setattr(webbrowser, "open", open_page)
    out, errors = run(capsys, "open", *arguments)
    assert (out, opened) == (f"{URL}/console{page}\n", [f"{URL}/console{page}"])
    assert ("no browser" in errors) is not has_browser
    assert json.loads(run(capsys, "open", *arguments, "--json")[0]) == {"url": f"{URL}/console{page}"}


def test_every_track_of_a_job_is_played_once_it_is_downloaded(
    serving: Serving, installed: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    serving(an_audio(A_SONG))
    out, errors = run(capfd, "play", "job_1")
    assert out == ""
    assert "playing Harbour Lights 1.mp3\n" in errors
    assert "player output" in errors
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.rpartition("/")[2] for line in asked] == ["Harbour Lights 1.mp3", "Harbour Lights 2.mp3"]
    assert not Path(asked[0].removeprefix("--no-video ")).exists(), "the folder is temporary"
    assert json.loads(run(capfd, "play", "job_1", "--json")[0]) == {"played": ["Harbour Lights 1.mp3", "Harbour Lights 2.mp3"]}


def test_one_track_is_played_and_kept(
    serving: Serving, installed: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    serving(an_audio(A_SONG))
    run(capfd, "play", "job_1/t2", "--folder", str(tmp_path / "songs"))
    [kept] = (tmp_path / "songs").iterdir()
    assert kept.read_bytes() == (tmp_path / "played").read_bytes() == AUDIO[1:]


def test_a_file_is_played_without_a_key(
    home: Path, installed: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-song.mp3").write_bytes(AUDIO)
    assert json.loads(run(capfd, "play", "--json", "--", "-song.mp3")[0]) == {"played": ["-song.mp3"]}
    assert (tmp_path / "asked").read_text() == f"--no-video {tmp_path}/-song.mp3\n"
    Path("broken.mp3").touch()
    assert "mpv could not play broken.mp3" in run(capfd, "play", "broken.mp3", code=ExitCode.NOT_DONE)[1]


@pytest.mark.parametrize(
    ("argument", "state", "message"),
    [
        ("job_1", "GENERATING", "job_1 is GENERATING and does not have audio."),
        ("job_1/t9", "SUCCEEDED", "job_1 is SUCCEEDED and does not have a track t9 with audio."),
    ],
)
def test_a_job_without_audio_is_not_played(
    serving: Serving, installed: Path, capsys: pytest.CaptureFixture[str], argument: str, state: str, message: str
) -> None:
    serving(says(a_job(state)))
    assert message in run(capsys, "play", argument, code=ExitCode.REFUSED)[1]


def test_without_a_player_nothing_is_downloaded(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    service = serving(says(a_job("SUCCEEDED")))
    _, errors = run(capsys, "play", "job_1", code=ExitCode.WRONG_ARGUMENTS)
    assert errors == "There is no player for .mp3 here. Install one of afplay, mpv, ffplay.\n"
    assert len(service.requests) == 1


def test_a_player_gets_only_files_that_it_knows() -> None:
    plays = {
        player.command[0]: [name for name in ("a.wav", "a.flac", "a.mp3") if player.plays([Path(name)])] for player in PLAYERS
    }
    assert (plays["aplay"], plays["paplay"], len(plays["mpv"])) == (["a.wav"], ["a.wav", "a.flac"], 3)
