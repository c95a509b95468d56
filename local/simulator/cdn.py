"""The simulated CDNs: every file that a gateway hands out a link to, below ``/cdn/<gateway>/``.

``<track>.mp3`` (or .wav, .png, .mp4) is what a task made; the same below ``renewed/`` has a link that is not expired;
``preview/``, ``images/`` and ``videos/`` hold what comes with a song.
"""

from __future__ import annotations

from local.simulator.faults import FAULTS, Faults, strikes
from local.simulator.gateways import WIRES
from local.simulator.media import CONTENT_TYPES, Media, cover, of_another_clip, render
from local.simulator.studio import HTML, Studio
from local.simulator.wire import Reply, Request


def serve(studio: Studio, request: Request, rest: str) -> Reply:
    gateway, _, name = rest.partition("/")
    if request.method != "GET" or gateway not in WIRES:
        return _missing()
    folder, _, file = name.rpartition("/")
    track_id, _, ending = file.rpartition(".")
    match folder:
        case "images":
            return _reply(Media.PNG, cover(track_id, 128 if track_id.endswith("-large") else 64))
        case "videos":
            return _reply(Media.MP4, render(Media.MP4, track_id, 0.0))
        case "preview":
            preview = studio.preview(gateway, track_id)
            return _reply(Media.MP3, preview) if preview else _missing()
        case "" | "renewed":
            return _made(studio, gateway, track_id, ending, renewed=bool(folder))
    return _missing()


def _made(studio: Studio, gateway: str, track_id: str, ending: str, *, renewed: bool) -> Reply:
    download = studio.download(gateway, track_id, renewed=renewed)
    if download is None or ending not in (download.media, Media.M4A if renewed else ""):
        return _missing()
    if download.expired_status:
        return _missing(download.expired_status)
    media = Media(ending)
    file, faults = download.take.file(media), download.faults
    if "wrong_song" in faults:
        file = of_another_clip(file, download.take.track_id)
    if "cdn_status" in faults and download.number <= faults.get("cdn_times", FAULTS["cdn_times"].default):
        return _missing(int(faults["cdn_status"]))
    if strikes(faults, "audio_404_first", download.number):
        return _missing()
    if other := _instead(download.number, faults):
        return other
    if strikes(faults, "truncated_audio", download.number):
        return Reply(200, file[: len(file) // 2], CONTENT_TYPES[media], declared_length=len(file))
    return _reply(media, damaged(media, file) if strikes(faults, "damaged_audio", download.number) else file)


def _instead(number: int, faults: Faults) -> Reply | None:
    """What is served at the link of the file instead of it, with status 200."""
    if strikes(faults, "html_audio", number):
        return HTML
    return _reply(Media.PNG, cover("", 64)) if strikes(faults, "image_audio", number) else None


def damaged(media: Media, file: bytes) -> bytes:
    """A hole in an MP3; anything else without its second half."""
    half = len(file) // 2
    return file[:half] + (bytes(2000) + file[half + 2000 :] if media is Media.MP3 else b"")


def _reply(media: Media, file: bytes) -> Reply:
    return Reply(200, file, CONTENT_TYPES[media])


def _missing(status: int = 404) -> Reply:
    code = {403: "AccessDenied", 404: "NoSuchKey", 410: "Gone"}.get(status, "InvalidRequest")
    return Reply(status, f"<Error><Code>{code}</Code></Error>".encode(), "application/xml")
