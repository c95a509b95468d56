"""Replies of the record-info API, per kind.

Sources: the record-info pages of sunoapi.org and kie.ai, and AnyInt's task states. AnyInt documents no reply, so every reply is
read with and without the envelope ``{code, msg, data}``, in camelCase and in snake_case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Link, Media
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapter import Body
from suno_jobs.gateways.error_rules import CONTENT_REJECTED, GENERATION_FAILED, ErrorReply, ErrorRules, fault
from suno_jobs.gateways.parsing import clean_message, code_text, find_task_id, inner, is_uuid, media_url, pick, playable_url
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import failed_report, finished_report, running_report
from suno_jobs.gateways.results import read_id, read_lyrics, read_timed_words, stems_by_field, stems_by_title
from suno_jobs.gateways.tracks import TrackFields, as_objects, file_tracks, first_url, objects_in, read_tracks

TASK_ID = ("taskId", "task_id")
_SONGS = ("sunoData", "suno_data", "data")
_STATE = ("status", "successFlag", "success_flag")
_SONG = TrackFields(
    track_id=("id",),
    audio=("audioUrl", "audio_url"),
    image=("imageUrl", "image_url", "sourceImageUrl", "source_image_url"),
    lyrics=("prompt",),
    model=("modelName", "model_name"),
)
_FINISHED_SONG = replace(
    _SONG,
    # The source is deprecated, but some results, such as sounds, have no other link.
    audio=(*_SONG.audio, "sourceAudioUrl", "source_audio_url"),
    streams=("streamAudioUrl", "stream_audio_url", "sourceStreamAudioUrl", "source_stream_audio_url"),
)
_FILE_HOSTS = ("https://tempfile.aiquickdraw.com/r/{}.mp3", "https://cdn1.suno.ai/{}.mp3")
"""Where public clients found the song of a successful task without any link, by the id of the track."""

_RUNNING = {
    "PENDING": TaskStatus.PENDING,
    "TEXT_SUCCESS": TaskStatus.TEXT_READY,
    "FIRST_SUCCESS": TaskStatus.FIRST_READY,
    # The gateway did not reach our callback endpoint. That says nothing about the song.
    "CALLBACK_EXCEPTION": TaskStatus.PENDING,
}
TASK_RULES: ErrorRules = {
    "CREATE_TASK_FAILED": GENERATION_FAILED,
    "GENERATE_AUDIO_FAILED": GENERATION_FAILED,
    "GENERATE_LYRICS_FAILED": GENERATION_FAILED,
    "GENERATE_WAV_FAILED": GENERATION_FAILED,
    "GENERATE_MP4_FAILED": GENERATION_FAILED,
    "SENSITIVE_WORD_ERROR": CONTENT_REJECTED,
}
"""The statuses of a failed task."""
_SONG_RULES: ErrorRules = {
    "400": CONTENT_REJECTED,  # copyrighted lyrics, or the name of an artist
    "413": CONTENT_REJECTED,  # the uploaded audio matches an existing work
}
"""Error codes of a failed song. An extension and a file have 400 for every failure."""
_WITHOUT_SONG_RULES = frozenset({Kind.EXTEND, Kind.UPLOAD_EXTEND, Kind.STEMS, Kind.WAV, Kind.MP4, Kind.COVER_ART})
_COVER_ART_FLAGS = {"0": "PENDING", "1": "SUCCESS", "2": "PENDING", "3": "CREATE_TASK_FAILED"}
"""Only cover art has numeric statuses: pending, succeeded, generating, failed."""


def read_record(kind: Kind, body: Body, refunds: ErrorRules) -> TaskReport | None:
    """A task with an unknown status counts as running. None for a record without a status.

    ``refunds``: the error codes of a failed task whose credits the gateway has returned.
    """
    data = inner(body, "data")
    record = data if any(name in data for name in (*TASK_ID, *_STATE)) else body
    status = code_text(pick(record, *_STATE))
    return read_report(kind, record, status, refunds) if status is not None else None


def read_report(kind: Kind, record: Body, status: str, refunds: ErrorRules) -> TaskReport:
    """As ``read_record``, for a ``record`` whose status is known."""
    name = status.upper()
    if kind is Kind.COVER_ART:
        name = _COVER_ART_FLAGS.get(name, name)
    report = _result(kind, record, _FINISHED_SONG if name == "SUCCESS" else _SONG)
    if name == "SUCCESS" or (name == "CALLBACK_EXCEPTION" and report.status is TaskStatus.SUCCEEDED):
        return _with_file_hosts(report)
    if name in TASK_RULES:
        codes = (code_text(pick(record, "errorCode", "error_code")), name)
        reason = ErrorReply(codes, pick(record, "errorMessage", "error_message"))
        rules = {**TASK_RULES, **({} if kind in _WITHOUT_SONG_RULES else _SONG_RULES), **refunds}
        begun = _begun_songs(record)
        tracks = [track if track.track_id in begun else replace(track, fault=None) for track in report.tracks]
        return _with_file_hosts(failed_report(tracks, reason.task_fault(rules)))
    bare = [replace(track, fault=None) for track in report.tracks]
    return running_report(_RUNNING.get(name, TaskStatus.PENDING), bare, () if name in _RUNNING else (status,))


def _result(kind: Kind, record: Body, names: TrackFields) -> TaskReport:
    """The result of a task that has succeeded."""
    response = inner(record, "response") or record
    match kind:
        case Kind.LYRICS:
            return read_lyrics(pick(response, "data", "lyricsData", "lyrics_data"))
        case Kind.STEMS:
            tracks = _stems(record, response)
        case Kind.WAV:
            tracks = file_tracks("wav", Media.AUDIO, [first_url(response, ("audioWavUrl", "audio_wav_url"))])
        case Kind.MP4:
            tracks = file_tracks("video", Media.VIDEO, [first_url(response, ("videoUrl", "video_url"))])
        case Kind.COVER_ART:
            images = response.get("images")
            tracks = file_tracks("image", Media.IMAGE, map(media_url, images if isinstance(images, list) else []))
        case _:
            tracks = read_tracks(_songs(record), names)
    return finished_report(tracks)


def _stems(record: Body, response: Body) -> tuple[TaskTrack, ...]:
    """By the names of fields or, as a public client finds them, in a list."""
    nested = inner(response, "vocal_removal_info") or inner(record, "vocal_removal_info")
    tracks = stems_by_field(nested or response)
    if any(track.ready for track in tracks):
        return tracks
    return stems_by_title(response.get("originData"), _SONG.audio, ("stem_type_group_name",)) or tracks


def _songs(record: Body) -> Any:
    return pick(inner(record, "response"), *_SONGS) or pick(record, *_SONGS)


def _begun_songs(record: Body) -> list[Any]:
    """The ids of songs that have a stream in place of their file. The file may still come, even if the task has failed."""
    return [pick(song, *_SONG.track_id) for song in objects_in(_songs(record)) if playable_url(pick(song, *_SONG.audio))]


def _with_file_hosts(report: TaskReport) -> TaskReport:
    return replace(report, tracks=tuple(map(_with_file_host, report.tracks)))


def _with_file_host(track: TaskTrack) -> TaskTrack:
    """A file is better than a stream, which ends early. Only a UUID names a song at these hosts."""
    if track.ready or not is_uuid(track.track_id):
        return track
    files = tuple((Link("audio", host.format(track.track_id), provisional=True),) for host in _FILE_HOSTS)
    return replace(track, last_resort=files + track.last_resort)


def read_synchronous_result(kind: Kind, body: Body) -> TaskReport | None:
    """The result of a synchronous operation, or None if the response has none."""
    data = inner(body, "data") or body
    if kind is Kind.TIMESTAMPED_LYRICS:
        words = pick(data, "alignedWords", "aligned_words")
        # An empty list is a result: an instrumental has no words.
        return read_timed_words(words) if isinstance(data.get("alignedWords", data.get("aligned_words")), list) else None
    if kind is Kind.PERSONA and pick(data, "personaId", "persona_id") is not None:
        return read_id(data, "persona_id", "personaId", "persona_id")
    return None


def read_renewal_record(body: Body) -> TaskReport | None:
    """The code in the body is the status: 201 running, 200 at least one track renewed, 500 with tracks none renewed."""
    code, items = code_text(body.get("code")), body.get("data")
    if code == "201":
        return running_report(TaskStatus.PENDING)
    tracks = [_renewed_track(*each) for each in zip(read_tracks(items, _SONG), as_objects(items), strict=False)]
    if code == "200":
        return finished_report(tracks)
    if code == "500" and (tracks or find_task_id(body, *TASK_ID)):
        return failed_report(tracks, ErrorReply((code,), pick(body, "msg", "message")).fault(ErrorCode.GENERATION_FAILED))
    return None


def _renewed_track(track: TaskTrack, item: Body) -> TaskTrack:
    code = code_text(item.get("error"))
    if (code_text(item.get("status")) or "").lower() != "failed" and track.ready:
        return track
    message = f"the gateway could not renew the link of this track: {clean_message(code) or 'no reason given'}"
    return replace(track, links=(), fault=fault(ErrorCode.GENERATION_FAILED, message, gateway_code=code))
