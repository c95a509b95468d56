"""The event of a job's end always fits into EventBridge: one that does not would stay pending for ever (I5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.parsing import MESSAGE_CHARACTERS
from suno_jobs.intake.requests import METADATA_BYTES
from suno_jobs.jobs.record import Asset, Attempt, JobView, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import Json
from suno_jobs.lifecycle import announcing
from suno_jobs.lifecycle.announcing import EVENT_BYTES, event_detail
from suno_jobs.lifecycle.task_reports import MAX_LINKS, MAX_TRACKS
from tests.builders import JOB
from tests.world import FakeBus, World

EVENTBRIDGE_BYTES = 1024 * 1024
"""The limit of one entry, which includes its source, its detail-type and its resources."""

WIDE = "\U0001f3a4"
"""The character whose JSON is the longest: twelve bytes."""

FAULT = Fault(ErrorCode.ASSET_WRONG_TYPE, WIDE * MESSAGE_CHARACTERS, gateway_code="c" * 60, trace_id="t" * 60)


class LimitedBus(FakeBus):
    """Refuses an entry that is too large, as EventBridge does."""

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
        [entry] = Entries
        size = sum(len(text.encode()) for text in (entry["Source"], entry["DetailType"], entry["Detail"], *entry["Resources"]))
        if size > EVENTBRIDGE_BYTES:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ValidationException"}]}
        return super().put_events(Entries=Entries)


def large_track(position: int) -> Track:
    kinds = [f"{'k' * 60}{number}" for number in range(MAX_LINKS // 2)]
    key = f"{'t' * 64}/job_{'0' * 26}/{'i' * 64}"
    assets = tuple(
        Asset(
            kind=kind,
            key=f"{key}/{kind}.mp3",
            content_type="audio/mpeg",
            bytes=2**40,
            sha256="0" * 64,
            source_host="h" * 253,
            stored_at=0,
        )
        for kind in kinds
    )
    return Track(
        track_id=f"{position:064}",
        position=position,
        state=TrackState.STORED,
        title=WIDE * 200,
        model=WIDE * 60,
        duration_seconds=1.234567,
        assets=assets,
        missing=dict.fromkeys((f"missing-{kind}" for kind in kinds), FAULT),
        fault=FAULT,
    )


LARGEST = JobView(
    replace(
        JOB,
        job_id="job_" + "0" * 26,
        tenant="t" * 64,
        state=JobState.SUCCEEDED,
        fault=FAULT,
        attempts=(Attempt(0, "i" * 200),),
        metadata={"m": WIDE * (METADATA_BYTES // len(WIDE.encode()))},
    ),
    tuple(map(large_track, range(MAX_TRACKS))),
    {"lyrics": "la" * EVENTBRIDGE_BYTES},
)


def store_largest(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    for track in LARGEST.tracks:
        world.jobs.tracks.record_track(job_id, track)
    return job_id


def test_i5_the_event_of_the_largest_job_is_sent(world: World) -> None:
    world.bus = LimitedBus()
    job_id = store_largest(world)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    [event] = world.bus.events
    assert (event["Detail"]["truncated"], event["Detail"]["tracks"]) == (True, [])
    assert not world.job(job_id).event_pending


def test_the_largest_job_would_exceed_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test above would prove nothing."""
    assert len(json.dumps(untruncated(monkeypatch, LARGEST))) > EVENTBRIDGE_BYTES


def untruncated(monkeypatch: pytest.MonkeyPatch, view: JobView) -> Json:
    with monkeypatch.context() as context:
        context.setattr(announcing, "EVENT_BYTES", 10**9)
        return event_detail(view, "bucket", "succeeded")


def test_a_truncated_event_keeps_everything_but_the_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, sent = untruncated(monkeypatch, LARGEST), event_detail(LARGEST, "bucket", "succeeded")
    assert whole["truncated"] is False
    assert len(json.dumps(sent)) <= EVENT_BYTES / 10
    assert sent == whole | {"tracks": [], "truncated": True}


def test_an_event_up_to_the_limit_is_not_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    view = replace(LARGEST, tracks=LARGEST.tracks[:2])
    whole = untruncated(monkeypatch, view)
    for bytes_less, truncated in ((0, False), (1, True)):
        monkeypatch.setattr(announcing, "EVENT_BYTES", len(json.dumps(whole)) - bytes_less)
        assert event_detail(view, "bucket", "succeeded")["truncated"] is truncated


def test_no_more_lists_are_emptied_than_necessary(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(*_: object, **__: object) -> Mapping[str, Any]:
        return {"small": ["x" * 100], "large": ["x" * EVENT_BYTES], "larger": ["x" * (EVENT_BYTES + 1)], "text": "x"}

    monkeypatch.setattr(announcing, "job_view", shown)
    detail = event_detail(LARGEST, "bucket", "succeeded")
    assert (detail["larger"], detail["large"], detail["small"]) == ([], [], ["x" * 100])
    assert (detail["text"], detail["truncated"]) == ("x", True)
