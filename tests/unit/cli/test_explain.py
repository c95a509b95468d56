from __future__ import annotations

import pytest

from suno_jobs.cli.explain import explain
from suno_jobs.cli.main import main
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Cause
from suno_jobs.jobs.views import events_view
from suno_jobs.network.http import httpx
from suno_jobs.storage.receipts import ReceiptSource
from tests.builders import ACCEPTED, music, store, task
from tests.world import TABLE, World


def finished(world: World) -> str:
    job_id = world.accept()
    refused = httpx.Response(429, json={"status": "FAILED", "message": "too many"})
    world.wire.answers = [refused, ACCEPTED]
    world.clock.sleep(1)
    world.clock.sleep(world.task_creator().create_task(job_id).wait_seconds)
    world.task_checker().check_task(job_id)
    world.task_creator().create_task(job_id)
    world.clock.sleep(60)
    for _ in range(2):
        world.receipts.record(
            job_id, ReceiptSource.CALLBACK, b'{"secret": "https://cdn.example/signed?x=1"}', gateway="ttapi", now=world.now
        )
        world.clock.sleep(1)
    world.jobs.signals.signal(job_id, Cause.CALLBACK)
    world.wire.answers = [task(music(1))]
    store(world, world.task_checker().check_task(job_id))
    world.job_finisher().finish_job(job_id)
    return job_id


def test_every_change_is_kept_with_its_cause(world: World) -> None:
    job_id = finished(world)
    events = [(entry["state"], entry["cause"], entry["error"]) for entry in events_view(world.job(job_id))]
    assert events == [
        ("ACCEPTED", "client", None),
        ("SUBMITTING", "client", None),
        ("SUBMITTING", "client", "rate_limited"),
        ("SUBMITTING", "poll", None),
        ("GENERATING", "poll", None),
        ("STORING", "callback", None),
        ("SUCCEEDED", "callback", None),
    ]
    assert {entry["execution"] for entry in events_view(world.job(job_id))} == {job_id}


def test_the_timeline_is_in_order_and_contains_no_secret(world: World) -> None:
    job_id = finished(world)
    text = "\n".join(explain(world.view(job_id), world.receipts.list_receipts(job_id)))
    moments = [line[:19] for line in text.splitlines() if line.startswith("20")]
    assert moments == sorted(moments)
    assert "callback received, 44 bytes" in text
    assert "callback received, the same for the 2th time" not in text
    assert "callback received again, 2 times in total" in text
    assert "submission received, HTTP 429" in text
    assert "track m-1: stored, Rain, 12.5 s" in text
    assert "signed" not in text


def test_an_open_job_shows_what_comes_next(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.task_creator().create_task(job_id)
    text = "\n".join(explain(world.view(job_id), []))
    assert "(waits for callback until then at the latest)" in text
    assert ": ambiguous, waits for callback until 2027-01-15 08:05:00" in text
    assert "(deadline)" in text
    assert "ambiguous: The gateway's answer to the submission was lost" in text


def test_the_command_prints_the_timeline(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = finished(world)
    capsys.readouterr()
    assert main(["explain", job_id, "--table", TABLE]) == 0
    assert capsys.readouterr().out.startswith(f"{job_id}  music for acme, at ttapi, task J1: SUCCEEDED\n")


def test_the_command_reports_an_unknown_job(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "job_x", "--table", TABLE]) == 3
    assert capsys.readouterr().err == "no job job_x\n"


def test_missing_files_are_shown_with_their_reason(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1), music(2))]
    step = world.task_checker().check_task(job_id)
    fault = Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 404", gateway_code="404")
    store(world, NextStep(job_id, "store", 1, step.tracks[:1]), {"image": fault})
    world.jobs.tracks.fail_track(job_id, "m-2", fault, final=True)
    text = "\n".join(explain(world.view(job_id), []))
    assert "image        missing: asset_unavailable: answered 404 (code 404)" in text
    assert "track m-2: failed, Rain, 12.5 s\n  asset_unavailable: answered 404 (code 404)" in text
