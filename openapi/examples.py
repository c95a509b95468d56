"""Examples: the least request of every kind, and one job from its creation to its end. Tests hold them to the code."""

from __future__ import annotations

from typing import Any

from openapi.schemas import Json
from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.catalog.results import Result
from suno_jobs.intake.requests import AUTO
from suno_jobs.jobs.answers import JobAnswer, JobEventsAnswer, JobListAnswer
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Asset, Attempt, Job, JobView, TaskEnd, Track, TrackState
from suno_jobs.jobs.states import Cause, JobState, Progress
from suno_jobs.jobs.views import events_view, job_view, summary_view

JOB_ID = "job_0123456789abcdefghijklmnop"
TRACK_ID = "78af5f94-7fa4-4c6d-880f-d177be5b0f63"
_SOURCE = {"job_id": JOB_ID, "track_id": TRACK_ID}
_AUDIO = "https://files.example.com/humming.mp3"
_BEGAN = 1_795_312_800
_TENANT = "acme"

INPUTS: dict[Kind, Json] = {
    Kind.MUSIC: {"prompt": "A folk song about harbour lights"},
    Kind.EXTEND: {"source": _SOURCE, "continue_at": 120.5},
    Kind.COVER: {"source": _SOURCE, "style": "bossa nova"},
    Kind.UPLOAD: {"audio_url": _AUDIO},
    Kind.UPLOAD_EXTEND: {"audio_url": _AUDIO, "continue_at": 20},
    Kind.UPLOAD_COVER: {"audio_url": _AUDIO, "prompt": "As a string quartet"},
    Kind.LYRICS: {"prompt": "A lighthouse keeper on the last night"},
    Kind.STEMS: {"source": _SOURCE, "split": "vocals"},
    Kind.WAV: {"source": _SOURCE},
    Kind.MP4: {"source": _SOURCE, "author": "The Keepers"},
    Kind.COVER_ART: {"source": _SOURCE},
    Kind.ADD_VOCALS: {
        "audio_url": _AUDIO,
        "prompt": "A quiet voice",
        "style": "folk",
        "title": "Hum",
        "negative_style": "metal",
    },
    Kind.ADD_INSTRUMENTAL: {"audio_url": _AUDIO, "style": "folk", "title": "Hum", "negative_style": "metal"},
    Kind.REPLACE_SECTION: {
        "source": _SOURCE,
        "lyrics": "The light goes out",
        "full_lyrics": "The light goes round\nThe light goes out",
        "start_s": 30,
        "end_s": 45.5,
    },
    Kind.CONCAT: {"source": _SOURCE},
    Kind.MASHUP: {"audio_urls": [_AUDIO, _AUDIO], "prompt": "Both at once"},
    Kind.PERSONA: {"source": _SOURCE, "name": "Ada", "description": "A low, calm voice"},
    Kind.TIMESTAMPED_LYRICS: {"source": _SOURCE},
    Kind.SOUNDS: {"prompt": "Rain on a tin roof", "loop": True},
    Kind.REMASTER: {"source": _SOURCE, "variation": "subtle"},
    Kind.INSPO: {"audio_urls": [_AUDIO], "prompt": "In the same mood"},
    Kind.ADJUST_SPEED: {"source": _SOURCE, "speed": 1.1, "title": "Harbour Lights, faster"},
    Kind.ADD_STEM: {"source": _SOURCE, "stem": "strings"},
    Kind.EXTRACT_STEM: {"source": _SOURCE, "stem": "vocals"},
}


def requests() -> dict[str, Json]:
    """A request of every kind, by kind, and an adoption."""
    adoption = {"gateway": "sunoapi", "kind": "music", "adopt": {"task_id": "5c79be8e2d4a4bd9a4c6ed7b0c3b5f1e"}}
    return {**{kind: {"gateway": AUTO, "kind": kind.value, "input": INPUTS[kind]} for kind in Kind}, "adoption": adoption}


def _job() -> Job:
    return Job(
        job_id=JOB_ID,
        tenant=_TENANT,
        gateway="ttapi",
        kind=Kind.MUSIC,
        expects=Result.TRACKS,
        state=JobState.SUCCEEDED,
        created_at=_BEGAN,
        updated_at=_BEGAN + 151,
        deadline_at=_BEGAN + 1200,
        fingerprint="",
        requested_model=RequestedModel("v6", "chirp-v6"),
        cost=Cost(6, "quota", CostSource.REPORTED),
        progress=Progress.COMPLETE,
        attempts=(Attempt(_BEGAN + 2, "6f0c3a52-4b1e-4c5d-9d53-0c8f3b1c7a10", TaskEnd.COMPLETE),),
        history=(Entry(_BEGAN, JobState.ACCEPTED, Cause.CLIENT, 0, "ttapi").line(),),
    )


def _track() -> Track:
    audio = Asset(
        kind="audio",
        key=f"{_TENANT}/{JOB_ID}/{TRACK_ID}/audio.mp3",
        content_type="audio/mpeg",
        bytes=3_383_040,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        source_host="cdn.ttapi.io",
        stored_at=_BEGAN + 149,
    )
    return Track(
        track_id=TRACK_ID,
        position=0,
        state=TrackState.STORED,
        title="Harbour Lights",
        model="v6",
        gateway_model="chirp-hawk",
        duration_seconds=211.44,
        assets=(audio,),
    )


def answers() -> dict[Any, Any]:
    """An example of an answer, by its type."""
    request = {"gateway": "auto", "input": INPUTS[Kind.MUSIC]}
    view = JobView(_job(), (_track(),), request=request)
    return {
        JobAnswer: job_view(view, url=lambda key, _name: f"https://bucket.s3.amazonaws.com/{key}?X-Amz-Signature=..."),
        JobListAnswer: {"jobs": [summary_view(view.job)], "next": None},
        JobEventsAnswer: {"job_id": JOB_ID, "events": events_view(view.job)},
    }
