"""Jobs in test mode: each ends as its marker says, and meets nothing that is real."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Media
from suno_jobs.errors import AssetNotReady, ErrorCode, InvalidRequest, JobNotFound, TracksNotStored
from suno_jobs.gateways.protocol import BatchReading
from suno_jobs.gateways.registry import GATEWAYS, gateway_of
from suno_jobs.gateways.sandbox import DEADLINE_SECONDS, LATE_SECONDS, SLOW_SECONDS, TASK_SECONDS, Marker
from suno_jobs.intake.requests import JobRequest
from suno_jobs.jobs.identifiers import SANDBOX_ACCOUNT, Mode, sandbox_of
from suno_jobs.jobs.listing import Listing, Position
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.lifecycle.sandbox_files import SandboxFiles
from suno_jobs.steps import check_task, create_task
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.steps.create_task import INTENT_SECONDS
from suno_jobs.steps.read_jobs import JobReader
from suno_jobs.steps.retry_job import JobRetrier
from suno_jobs.steps.store_track import TrackStorer
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.batch_reads import BatchReader
from suno_jobs.traffic.sandbox import LONGEST_SECONDS, SandboxCalls, sandbox_admission
from tests.unit.gateways.test_kinds import MINIMAL
from tests.world import BUCKET, DEADLINE, ROOT, TABLE, World

SANDBOX = sandbox_of("acme")
RECOVERY_SECONDS = 600


def body(marker: str = "", *, kind: str = "music", gateway: Any = "ttapi", **members: Any) -> dict[str, Any]:
    text = f"a song about rain [test:{marker}]" if marker else "a song about rain"
    return {"gateway": gateway, "kind": kind, "input": {"prompt": text}, **members}


def submit(world: World, wanted: dict[str, Any], key: str | None = None) -> str:
    return world.job_submitter().submit_job(SANDBOX, wanted, key)[0].job.job_id


def storer(world: World) -> TrackStorer:
    return TrackStorer(
        jobs=world.jobs,
        s3=world.s3,
        bucket=BUCKET,
        downloader=SandboxFiles(),
        max_bytes=dict.fromkeys(Media, 10**6),
        storage_class="STANDARD",
        clock=world.clock,
        stopwatch=world.clock,
    )


def run(world: World, job_id: str, until: int = DEADLINE) -> JobView:
    """Does what the state machine does, until the job has ended or for so many seconds, and once more in recovery."""
    creator, checker = create_task.in_sandbox(world.task_creator()), check_task.in_sandbox(world.task_checker())
    ends = world.clock() + until
    step = creator.create_task(job_id)
    while world.clock() < ends:
        if step.next == "wait":
            world.clock.sleep(step.wait_seconds)
            step = checker.check_task(job_id)
        elif step.next == "submit":
            step = creator.create_task(job_id)
        else:
            try:
                if step.next == "store":
                    with contextlib.suppress(AssetNotReady):
                        storer(world).store_tracks(job_id)
                world.job_finisher().finish_job(job_id)
                break
            except TracksNotStored:
                step = replace(step, next="wait")
    return world.view(job_id)


def recover(world: World, job_id: str) -> JobView:
    """As the execution that a sweep starts later."""
    world.clock.sleep(RECOVERY_SECONDS)
    return run(world, job_id)


@pytest.fixture(autouse=True)
def _nothing_real(world: World) -> Iterator[None]:
    """Whatever a test does: no request leaves, and nothing that live jobs share is written."""
    yield
    assert not world.wire.requests
    written = [item["pk"]["S"].split("#") for item in world.items("")]
    assert {kind for kind, *_ in written} <= {"JOB", "TASK", "USAGE"}
    assert {account for kind, _, account, *_ in (each for each in written if each[0] == "TASK")} <= {SANDBOX_ACCOUNT}


def test_a_job_in_test_mode_succeeds_with_real_files_within_seconds(world: World) -> None:
    began = world.now
    view = run(world, submit(world, body()))
    job = view.job
    assert (job.state, view.partial, job.mode) == (JobState.SUCCEEDED, False, Mode.TEST)
    assert TASK_SECONDS <= world.now - began <= 10
    assert [[asset.content_type for asset in track.assets] for track in view.tracks] == [["audio/wav", "image/png"]] * 2
    assert len({asset.sha256 for track in view.tracks for asset in track.assets}) == 4
    assert [track.duration_seconds for track in view.tracks] == [4.0, 4.0]
    keys = {item["Key"] for item in world.s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert all(key.startswith(f"acme.test/{job.job_id}/") for key in keys)


def test_a_job_in_test_mode_that_has_no_time_to_be_submitted_times_out_without_a_charge(world: World) -> None:
    job_id = submit(world, body())
    world.clock.now = world.job(job_id).deadline_at - INTENT_SECONDS / 2
    job = run(world, job_id).job
    assert (job.state, job.charged, job.attempts) == (JobState.TIMED_OUT, Charged.NO, ())


def test_a_job_in_test_mode_says_so_and_costs_nothing(world: World) -> None:
    shown = job_view(run(world, submit(world, body())))
    assert (shown["mode"], shown["charged"]) == ("test", Charged.YES)
    assert shown["cost"] == {"amount": 0, "unit": "quota", "source": "listed"}
    assert shown["job_id"].startswith("job_test_")


def test_a_test_job_is_counted_for_the_sandbox_and_spends_nothing(world: World) -> None:
    run(world, submit(world, body()))
    used = {item["pk"]["S"]: item for item in world.items("") if item["pk"]["S"].startswith("USAGE#")}
    assert used.keys() == {"USAGE#acme.test"}
    counted = used["USAGE#acme.test"]
    assert (counted["jobs"]["N"], counted["in_progress"]["N"], counted.get("spent", {"N": "0"})["N"]) == ("1", "0", "0")


def test_the_event_names_tenant_and_mode(world: World) -> None:
    run(world, submit(world, body()))
    details = [event["Detail"] for event in world.bus.events]
    assert {(each["tenant"], each["mode"]) for each in details} == {("acme", "test")}


ENDS = [
    ("refused", JobState.FAILED, ErrorCode.CONTENT_REJECTED, Charged.NO),
    ("no_credits", JobState.FAILED, ErrorCode.QUOTA, Charged.NO),
    ("ambiguous", JobState.TIMED_OUT, ErrorCode.AMBIGUOUS, Charged.MAYBE),
    ("failed", JobState.FAILED, ErrorCode.GENERATION_FAILED, Charged.YES),
    ("no_audio", JobState.TIMED_OUT, ErrorCode.NO_AUDIO, Charged.YES),
    ("damaged_file", JobState.TIMED_OUT, ErrorCode.ASSET_TRUNCATED, Charged.YES),
    ("timed_out", JobState.TIMED_OUT, ErrorCode.DEADLINE_EXCEEDED, Charged.YES),
    ("late", JobState.TIMED_OUT, ErrorCode.DEADLINE_EXCEEDED, Charged.YES),
    ("partial", JobState.SUCCEEDED, None, Charged.YES),
    ("slow", JobState.SUCCEEDED, None, Charged.YES),
]
"""How a job ends whose prompt has the marker."""
SORTED = sorted(ENDS, key=lambda each: [*Marker].index(Marker(each[0])))


@pytest.mark.parametrize(("marker", "state", "code", "charged"), ENDS)
@pytest.mark.parametrize("gateway", ["ttapi", "evolink"])
def test_a_marker_decides_how_the_job_ends(
    world: World, gateway: str, marker: str, state: JobState, code: ErrorCode | None, charged: Charged
) -> None:
    began = world.now
    view = run(world, submit(world, body(marker, gateway=gateway)))
    job = view.job
    assert (job.state, job.fault and job.fault.code, job.charged) == (state, code, charged)
    assert view.partial == (marker == "partial")
    assert world.now - began <= DEADLINE_SECONDS + LONGEST_SECONDS
    assert (marker == "slow") == (state is JobState.SUCCEEDED and world.now - began >= SLOW_SECONDS)


def test_every_marker_has_its_end() -> None:
    assert {marker for marker, *_ in ENDS} == {*Marker} - {Marker.NONE}


def test_the_documented_ends_are_these() -> None:
    rows = re.findall(r"^\| `\[test:(\w+)\]` \| `(\w+)`[^|]*\|(?: `(\w+)`)?", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert rows == [(marker, state.value, code.value if code else "") for marker, state, code, _ in SORTED]


def test_a_late_result_is_recovered(world: World) -> None:
    job_id = submit(world, body("late"))
    assert run(world, job_id).job.state is JobState.TIMED_OUT
    assert RECOVERY_SECONDS > LATE_SECONDS
    assert recover(world, job_id).job.state is JobState.SUCCEEDED


def test_what_never_comes_leaves_recovery_within_an_hour(world: World) -> None:
    job = run(world, submit(world, body("timed_out"))).job
    assert job.recoverable_until == job.deadline_at + 3600


def test_every_gateway_of_a_list_refuses(world: World) -> None:
    view = run(world, submit(world, body("refused", gateway=["crun", "ttapi"])))
    assert (view.job.state, view.job.gateway) == (JobState.FAILED, "ttapi")


def test_a_lost_answer_may_be_followed_by_one_resubmission(world: World) -> None:
    view = run(world, submit(world, body("ambiguous", ambiguous_submit="resubmit")))
    assert (view.job.state, len(view.job.attempts)) == (JobState.TIMED_OUT, 2)


def a_song(world: World, gateway: str) -> dict[str, str]:
    wanted = {**body(gateway=gateway)}
    if not GATEWAYS[gateway].models:
        wanted["input"]["model"] = "chirp-v6"
    view = run(world, submit(world, wanted))
    return {"job_id": view.job.job_id, "track_id": view.tracks[0].track_id}


@pytest.mark.parametrize("gateway", [*GATEWAYS])
def test_every_kind_of_a_gateway_ends_with_its_result(world: World, gateway: str) -> None:
    song = a_song(world, gateway)
    for kind, offer in GATEWAYS[gateway].kinds.items():
        wanted = {"gateway": gateway, "kind": kind, "input": least(kind, gateway, song)}
        view = run(world, submit(world, wanted))
        assert view.job.state is JobState.SUCCEEDED, kind
        assert not view.partial
        assert bool(view.tracks) == offer.result.is_files
        assert bool(view.result) != offer.result.is_files


def least(kind: Kind, gateway: str, song: dict[str, str]) -> dict[str, Any]:
    """The smallest valid input, with a song of the same gateway as source."""
    found = {name: value for name, value in MINIMAL[kind].items() if name not in ("source", "audio_url", "audio_urls")}
    for name in GATEWAYS[gateway].kinds[kind].required:
        first = name.split("/")[0]
        found.setdefault(first, VALUES.get(first))
    songs = {"source": song, "sources": [song, song]}
    return found | {name: value for name, value in songs.items() if name in found}


AUDIO = "https://files.example/hum.mp3"
VALUES: dict[str, Any] = {
    **{name: name for name in ("prompt", "lyrics", "full_lyrics", "style", "negative_style", "title", "name", "description")},
    "model": "chirp-v6",
    "stem": "vocals",
    "split": "vocals",
    "speed": 1.5,
    "loop": True,
    "continue_at": 2.0,
    "start_s": 1.0,
    "end_s": 2.0,
    "audio_url": AUDIO,
    "audio_urls": [AUDIO, AUDIO],
    "source": {},
    "sources": [],
}


@pytest.mark.parametrize("text", ["[test:nonsense]", "[test:]", "[test:failed] [test:slow]", "[test:none]"])
def test_an_unknown_marker_is_refused_with_the_known_ones(world: World, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        submit(world, {**body(), "input": {"prompt": text}})
    [error] = refused.value.members["errors"]
    assert error["pointer"] == "/input/prompt"
    assert all(f"[test:{each}]" in error["detail"] for each in Marker if each is not Marker.NONE)
    assert "none" not in error["detail"]


def test_a_prompt_of_a_live_job_may_contain_anything(world: World) -> None:
    view, created = world.job_submitter().submit_job("acme", body("nonsense"), None)
    assert (created, view.job.mode) == (True, Mode.LIVE)


def test_nothing_is_adopted_in_test_mode(world: World) -> None:
    adoption = {"gateway": "ttapi", "kind": "music", "adopt": {"task_id": "J1"}}
    for ask in (world.job_submitter().submit_job, world.job_submitter().preview_job):
        with pytest.raises(InvalidRequest) as refused:
            ask(SANDBOX, adoption, None)
        assert refused.value.members["errors"] == [{"pointer": "/adopt", "detail": "is not possible in test mode"}]


def test_the_deadline_of_the_stack_may_be_the_shorter_one(world: World) -> None:
    creator = replace(world.job_creator(), deadline_seconds=60)
    job = creator.new_job(SANDBOX, "job_test_1", "digest", ["ttapi"], Kind.MUSIC)
    assert job.deadline_at == world.now + 60


@pytest.mark.parametrize(("one", "other"), [("acme", SANDBOX), (SANDBOX, "acme")])
def test_live_and_test_jobs_do_not_know_each_other(world: World, one: str, other: str) -> None:
    job_id = world.job_submitter().submit_job(one, body(), "key")[0].job.job_id
    assert world.job_submitter().submit_job(other, body("slow"), "key")[1]
    reader = JobReader(
        jobs=world.jobs,
        job_list=JobList(world.dynamodb, TABLE),
        s3=world.s3,
        bucket=BUCKET,
        url_seconds=60,
        interval_seconds=20,
        wait_function=world.wait_function(),
    )
    with pytest.raises(JobNotFound):
        reader.read_job(other, job_id, None)
    with pytest.raises(JobNotFound):
        JobCanceller(jobs=world.jobs, executions=world.executions, clock=world.clock).cancel_job(other, job_id)  # type: ignore[arg-type]
    with pytest.raises(JobNotFound):
        JobRetrier(world.job_creator()).retry_job(other, job_id, {})
    with pytest.raises(JobNotFound):
        world.job_deleter().delete_job(other, job_id)
    listed = [each["job_id"] for each in reader.list_jobs(one, "")[0]["jobs"]]
    assert listed == [job_id]
    cursor = reader.list_jobs(one, "limit=1")[0]["next"] or _cursor_of(one, job_id)
    with pytest.raises(InvalidRequest):
        reader.list_jobs(other, f"limit=1&cursor={cursor}")


def _cursor_of(tenant: str, job_id: str) -> str:
    return Listing(parameters=(("limit", "1"),)).cursor(tenant, Position(1, job_id))


@pytest.mark.parametrize(("one", "other"), [("acme", SANDBOX), (SANDBOX, "acme")])
def test_a_song_of_the_other_mode_is_no_source(world: World, one: str, other: str) -> None:
    job_id = world.job_submitter().submit_job(one, body(), "key")[0].job.job_id
    wanted = {"gateway": "ttapi", "kind": "extend", "input": {"source": {"job_id": job_id, "track_id": "t"}}}
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job(other, wanted, None)
    assert "no job of yours has this job_id" in [each["detail"] for each in refused.value.members["errors"]]


def test_a_failed_test_job_is_retried_as_a_test_job(world: World) -> None:
    job_id = submit(world, body("refused"))
    run(world, job_id)
    view, created = JobRetrier(world.job_creator()).retry_job(SANDBOX, job_id, {})
    assert (created, view.job.mode, view.job.account) == (True, Mode.TEST, SANDBOX_ACCOUNT)


def test_a_live_submission_of_a_test_job_finds_no_account(world: World) -> None:
    """The second line of defence: code that confuses the modes has no key to send."""
    job_id = submit(world, body())
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.FAILED, ErrorCode.AUTHENTICATION)
    for item in world.items(""):
        if item["pk"]["S"] == "HEALTH":
            world.dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})


def test_the_sweep_asks_no_gateway_about_test_jobs(world: World) -> None:
    gateway = next(name for name, each in GATEWAYS.items() if isinstance(each, BatchReading))
    jobs: list[Job] = []
    for _ in range(3):
        job_id = submit(world, body("timed_out", gateway=gateway), str(len(jobs)))
        create_task.in_sandbox(world.task_creator()).create_task(job_id)
        jobs.append(world.job(job_id))
    groups = list(BatchReader(world.calls()).find_running(jobs))
    assert [(len(group), running) for group, running in groups] == [(3, ())]


def test_a_test_job_that_is_overdue_raises_no_alarm(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    submit(world, body())
    world.clock.sleep(100_000)
    capsys.readouterr()
    swept = world.job_reconciler().reconcile_jobs(lambda: True)
    assert (swept.lag, swept.overdue, len(swept.woken)) == (0, 0, 1)


@pytest.mark.parametrize("marker", [*(each for each in Marker if each is not Marker.NONE), ""])
def test_the_only_metric_of_a_test_job_is_its_own(world: World, capsys: pytest.CaptureFixture[str], marker: str) -> None:
    job_id = submit(world, body(marker))
    run(world, job_id)
    recover(world, job_id)
    names = set()
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("{") and "_aws" in (found := json.loads(line)):
            names |= {each["Name"] for group in found["_aws"]["CloudWatchMetrics"] for each in group["Metrics"]}
    assert names == {"TestJobsFinished"}


def test_nothing_is_shared_in_the_sandbox(world: World) -> None:
    job = world.job(submit(world, body()))
    calls = SandboxCalls(clock=world.clock, sleep=world.clock.sleep)
    items = calls.concurrency.items
    items.delete(job, "TASK#1")
    assert (items.get(job, "LIMIT"), list(items.find(job, "")), items.change(job, "LIMIT", Change(sets={"a": 1}))) == (
        {},
        [],
        None,
    )
    assert sandbox_admission(calls).ask(job, 1).seconds == 0
    assert not hasattr(calls, "client")
    assert not hasattr(calls, "accounts")


def test_the_sandbox_offers_what_its_gateway_offers(world: World) -> None:
    job = world.job(submit(world, body()))
    sandbox, gateway = gateway_of(job), GATEWAYS["ttapi"]
    request = JobRequest.parse(body())
    assert sandbox.kinds == gateway.kinds
    assert sandbox.check(Kind.MUSIC, request.input) == gateway.check(Kind.MUSIC, request.input)
    assert sandbox.limits_for(Kind.MUSIC, request.input) == gateway.limits_for(Kind.MUSIC, request.input)
    assert (sandbox.authorization("key"), sandbox.read_callback(b"{}")) == ({}, None)
