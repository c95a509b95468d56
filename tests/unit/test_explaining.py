from __future__ import annotations

import io
import sys
from typing import Any

import boto3
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.cli import main
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.explaining import explain
from suno_jobs.history import Cause, Entry
from suno_jobs.receipts import ReceiptSource
from suno_jobs.transitions import JobState
from suno_jobs.views import events_view
from suno_jobs.workflow import Step
from tests.unit.test_care import store
from tests.unit.test_checking import music, task
from tests.world import TABLE, World

ACCEPTED = httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}})


@given(
    st.builds(
        Entry,
        st.integers(0, 2**40),
        st.sampled_from(JobState),
        st.sampled_from(Cause),
        st.integers(0, 9999),
        st.sampled_from(["ttapi", "crun"]),
        st.none() | st.sampled_from(ErrorCode),
    )
)
def test_a_line_of_the_history_says_what_it_was_made_of(entry: Entry) -> None:
    assert Entry.read(entry.line()) == entry


def finished(world: World) -> str:
    job_id = world.accept()
    refused = httpx.Response(429, json={"status": "FAILED", "message": "too many"})
    world.wire.answers = [refused, ACCEPTED]
    world.clock.sleep(1)
    world.clock.sleep(world.submitter()(job_id).wait_seconds)
    world.checker()(job_id)
    world.submitter()(job_id)
    world.clock.sleep(60)
    for _ in range(2):
        world.receipts.record(job_id, ReceiptSource.CALLBACK, b'{"secret": "https://cdn.example/signed?x=1"}', now=world.now)
        world.clock.sleep(1)
    world.jobs.signal(job_id, Cause.CALLBACK, now=world.now)
    world.wire.answers = [task(music(1))]
    store(world, world.checker()(job_id))
    world.finisher()(job_id)
    return job_id


def test_every_change_is_kept_with_its_cause(world: World) -> None:
    job_id = finished(world)
    told = [(entry["state"], entry["cause"], entry["error"]) for entry in events_view(world.job(job_id))]
    assert told == [
        ("ACCEPTED", "client", None),
        ("SUBMITTING", "client", None),
        ("SUBMITTING", "client", "rate_limited"),
        ("SUBMITTING", "poll", None),
        ("GENERATING", "poll", None),
        ("STORING", "callback", None),
        ("SUCCEEDED", "callback", None),
    ]
    assert {entry["execution"] for entry in events_view(world.job(job_id))} == {job_id}


def test_the_timeline_is_in_order_and_tells_no_secret(world: World) -> None:
    job_id = finished(world)
    text = "\n".join(explain(world.view(job_id), world.receipts.listed(job_id)))
    moments = [line[:19] for line in text.splitlines() if line.startswith("20")]
    assert moments == sorted(moments)
    assert "callback received, 44 bytes" in text
    assert "callback received, the same for the 2th time" not in text
    assert "once more, 2 times in all" in text
    assert "submission received, HTTP 429" in text
    assert "track m-1: stored, Rain, 12.5 s" in text
    assert "signed" not in text


def test_an_open_job_says_what_comes_next(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.submitter()(job_id)
    text = "\n".join(explain(world.view(job_id), []))
    assert "(waits for its task's callback until)" in text
    assert "(ends at the latest)" in text
    assert "ambiguous: The gateway's answer to the submission was lost" in text


def test_the_command_prints_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = finished(world)
    monkeypatch.setattr(boto3, "client", lambda *_: world.dynamodb)
    out = io.StringIO()
    assert main(["explain", job_id, "--table", TABLE], out) == 0
    assert out.getvalue().startswith(f"{job_id}  music for acme, at ttapi, task J1: SUCCEEDED\n")


def test_the_command_says_that_there_is_no_such_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: Any = io.StringIO()
    monkeypatch.setattr(boto3, "client", lambda *_: world.dynamodb)
    monkeypatch.setattr(sys, "stderr", told)
    assert main(["explain", "job_x", "--table", TABLE], io.StringIO()) == 1
    assert told.getvalue() == "no job job_x\n"


def test_what_is_missing_and_why_is_told(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    step = world.checker()(job_id)
    fault = Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 404", gateway_code="404")
    store(world, Step(job_id, "store", 1, step.tracks[:1]), {"image": fault})
    world.jobs.fail_track(job_id, "m-2", fault, final=True)
    text = "\n".join(explain(world.view(job_id), []))
    assert "image        missing: asset_unavailable: answered 404 (code 404)" in text
    assert "track m-2: failed, Rain, 12.5 s\n  asset_unavailable: answered 404 (code 404)" in text
