"""``suno-jobs open`` and ``play``: the console in a browser, and a song with the player of the system."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import webbrowser
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from cyclopts import Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect, find_access
from suno_jobs.cli.client.options import AsJson
from suno_jobs.cli.problems import CommandError, ExitCode, NotFound
from suno_jobs_client.models import Job, Track

_STANDARD_ERROR = 2
_WAV, _FREE = frozenset({".wav"}), frozenset({".wav", ".flac", ".ogg"})


@dataclass(frozen=True, slots=True)
class Player:
    """A program that plays the file after its arguments. ``formats`` are the suffixes that it knows; None: every one."""

    command: tuple[str, ...]
    formats: frozenset[str] | None = None

    def plays(self, files: Sequence[Path]) -> bool:
        return self.formats is None or self.formats >= {file.suffix for file in files}


PLAYERS = (
    Player(("afplay",)),
    Player(("mpv", "--no-video")),
    Player(("ffplay", "-nodisp", "-autoexit", "-loglevel", "error")),
    Player(("paplay",), _FREE),
    Player(("aplay", "--quiet"), _WAV),
)
"""In the order in which they are looked for. Those of macOS and Linux."""


class NoPlayer(CommandError):
    exit_code = ExitCode.WRONG_ARGUMENTS


class NotPlayed(CommandError):
    exit_code = ExitCode.NOT_DONE


def open_console(
    job: Annotated[str | None, Parameter(name="job", help="the id of a job, to open its page")] = None,
    /,
    *,
    as_json: AsJson = False,
) -> None:
    """Open the console in a browser, and print its address.

    ```
    suno-jobs open job_0123456789abcdefghijklmnop
    ```
    """
    page = f"#/jobs/{quote(job, safe='')}" if job else ""
    url = f"{find_access()[0].rstrip('/')}/console{page}"
    screen.print_done({"url": url}, url, as_json=as_json)
    if not webbrowser.open(url):
        screen.report("There is no browser here. Open the address in one.")


def play_song(
    song: Annotated[str, Parameter(help="JOB_ID for every track of a job, JOB_ID/TRACK_ID for one, or a file")],
    /,
    *,
    folder: Annotated[Path | None, Parameter(help="keep the downloaded files in this folder")] = None,
    as_json: AsJson = False,
) -> None:
    """Play a song with a player of the system: afplay, mpv, ffplay, paplay or aplay. Ctrl-C stops it.

    ```
    suno-jobs play job_0123456789abcdefghijklmnop
    ```
    """
    if Path(song).is_file():
        _play([Path(song)])
        played = [song]
    else:
        played = _play_job(song, folder)
    if as_json:
        screen.print_json({"played": played})


def _play_job(song: str, folder: Path | None) -> list[str]:
    job_id, _, track_id = song.partition("/")
    with connect() as suno:
        job = _with_audio_only(suno.get(job_id), track_id)
        _player_of([Path(asset.key) for track in job.tracks for asset in track.assets])
        with _folder(folder) as kept:
            files = suno.download(job, kept, on_progress=screen.reporting_files())
            _play(files)
    return [str(file) if folder else file.name for file in files]


def _folder(folder: Path | None) -> AbstractContextManager[str]:
    return nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory(prefix="suno-jobs-")


def _with_audio_only(job: Job, track_id: str) -> Job:
    """Raises NotFound if there is nothing to play."""
    tracks = [_audio_of(track) for track in job.tracks if track_id in ("", track.track_id)]
    if not any(track.assets for track in tracks):
        track = f"a track {track_id} with audio" if track_id else "audio"
        raise NotFound(f"{job.job_id} is {job.state} and does not have {track}.")
    return job.model_copy(update={"tracks": tracks})


def _audio_of(track: Track) -> Track:
    audio = [asset for asset in track.assets if asset.content_type.startswith("audio/")]
    return track.model_copy(update={"assets": audio})


def _player_of(files: Sequence[Path]) -> Player:
    for player in PLAYERS:
        if player.plays(files) and shutil.which(player.command[0]):
            return player
    looked_for = ", ".join(player.command[0] for player in PLAYERS if player.plays(files))
    raise NoPlayer(f"There is no player for {files[0].suffix or 'this file'} here. Install one of {looked_for}.")


def _play(files: Sequence[Path]) -> None:
    player = _player_of(files)
    for file in files:
        screen.report(f"playing {file.name}")
        # The output of the command is its own: what the player prints goes beside it.
        done = subprocess.run([*player.command, file.resolve()], stdout=_STANDARD_ERROR, check=False)
        if done.returncode:
            raise NotPlayed(f"{player.command[0]} could not play {file.name}.")
