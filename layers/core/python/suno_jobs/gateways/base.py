"""The one seam of the project: what a gateway adapter is, and the model that all gateways share.

An adapter does no I/O. It turns our words into the gateway's request and the gateway's reply into our words, so that it can be
tested with bytes alone. ``gateways.wire`` does the sending.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from suno_jobs.errors import Fault

if TYPE_CHECKING:
    from suno_jobs.requests import MusicInput


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request to a gateway, without its base URL and without its key. Its JSON holds the callback URL with its MAC."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """One whole HTTP answer of a gateway; header names are lower case. Its body may hold signed URLs."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took the submission, and very likely the money."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway certainly created nothing. ``again`` says whether the same submission may be repeated."""

    fault: Fault
    again: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Whether a task was created is unknown. Never to be submitted again without the client's word (I1)."""

    fault: Fault


Submission = Accepted | Refused | Ambiguous


class TaskStatus(StrEnum):
    PENDING = "pending"
    TEXT_READY = "text_ready"
    FIRST_READY = "first_ready"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TaskTrack:
    """One result of a task. ``audio_url`` is None until the final audio of this track is there: never a preview stream."""

    track_id: str
    audio_url: str | None = field(default=None, repr=False)
    title: str | None = None
    duration_seconds: float | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What a gateway says of a task.

    ``SUCCEEDED`` promises at least one track with an ``audio_url``; a gateway's success without any comes as ``FAILED`` with
    fault ``no_audio``. A ``FAILED`` task may still hold good tracks, which are kept. ``unknown_words`` are status words that
    the adapter does not know: tolerated as still running, and reported.
    """

    status: TaskStatus
    tracks: tuple[TaskTrack, ...] = ()
    fault: Fault | None = None
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """The reading failed and says nothing about the task; try again later."""

    fault: Fault
    retry_after_seconds: float | None = None


Reading = TaskReport | Unread


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``requests`` in any ``seconds``, by the whole fleet together."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class MusicLimits:
    """Longest permitted texts, in characters."""

    prompt: int = 500
    lyrics: int = 3000
    style: int = 200
    title: int = 80
    negative_style: int = 200


def check_lengths(music: MusicInput, limits: MusicLimits, *, description: str | None = None) -> tuple[tuple[str, str], ...]:
    """Every field of ``music`` that is longer than ``limits`` allows, with the reason.

    ``description`` is the text that is really sent for a prompt, when more than the prompt was folded into it.
    """
    texts = {name: getattr(music, name) for name in ("prompt", "lyrics", "style", "title", "negative_style")}
    long = [
        (name, f"is {len(text)} characters long, this gateway allows {getattr(limits, name)}")
        for name, text in texts.items()
        if text is not None and len(text) > getattr(limits, name)
    ]
    if music.prompt is not None and description is not None and len(music.prompt) <= limits.prompt < len(description):
        sent = f"is {len(description)} characters long together with the other words that describe the song"
        long.append(("prompt", f"{sent}, this gateway allows {limits.prompt}"))
    return tuple(long)


def describe(music: MusicInput, *, negative: bool) -> str:
    """The prompt with style, title and, if ``negative``, what to avoid: for a simple mode that has one text field only."""
    lines = [
        music.prompt,
        music.style and f"Style: {music.style}",
        music.title and f"Title: {music.title}",
        music.negative_style and f"Avoid: {music.negative_style}" if negative else None,
    ]
    return "\n".join(line for line in lines if line)


class Gateway(Protocol):
    """What the project asks of a gateway. Every method is pure; none raises on any reply."""

    @property
    def name(self) -> str: ...

    @property
    def base_url(self) -> str:
        """Documented origin, used unless the account names another."""

    @property
    def rate(self) -> Rate: ...

    @property
    def limits(self) -> MusicLimits:
        """What the default model takes."""

    @property
    def default_model(self) -> str: ...

    def authorization(self, api_key: str) -> Mapping[str, str]:
        """The headers that carry the key."""

    def check_music(self, music: MusicInput) -> tuple[tuple[str, str], ...]:
        """What this gateway would refuse in ``music``, as pairs of field and reason. Empty: it may be submitted."""

    def music_request(self, music: MusicInput, *, callback_url: str) -> GatewayRequest:
        """The paid request."""

    def read_submission(self, reply: GatewayReply) -> Submission: ...

    def status_request(self, task_id: str) -> GatewayRequest: ...

    def read_status(self, reply: GatewayReply) -> Reading: ...

    def read_callback(self, body: bytes) -> str | None:
        """The task id that a callback body names, or None. A hint only (I8)."""
