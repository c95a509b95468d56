from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.errors import (
    Conflict,
    ErrorCode,
    FilesNotErased,
    IdempotencyConflict,
    JobDeleted,
    JobNotFound,
    TaskNotFound,
    WrongState,
)
from suno_jobs.intake.adoption import TaskAdopter, parse_adoption
from suno_jobs.jobs.listing import read_listing
from suno_jobs.jobs.record import JobView, QuarantinedFile, Renewal, Track, TrackState
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.steps.retry_job import JobRetrier
from suno_jobs.storage.deletions import ERASE_AGAIN_SECONDS, Tombstone
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.receipts import ReceiptSource
from tests.builders import BODY, JOB_ID, always, await_signal, cancel, event, handler, path, put_job, timed_out
from tests.world import BUCKET, RECEIPTS, TABLE, World

LINK = Link("audio", "https://cdn.example/1.mp3")
READY = Track(track_id="m-1", position=0, state=TrackState.READY, links=(LINK,))


def ended(world: World) -> str:
    """A job that timed out, is in recovery and has something of every sort."""
    job_id = timed_out(world)
    world.jobs.tracks.record_track(job_id, READY)
    world.jobs.tracks.record_lyrics(job_id, "m-1", "rain, rain")
    world.jobs.tracks.record_result(job_id, {"text": "rain"})
    file = QuarantinedFile(
        track_id="m-1",
        kind="audio",
        reason=ErrorCode.ASSET_SILENT,
        message="",
        bytes=1,
        sha256="aa",
        source_host="h",
        stored_at=1,
    )
    world.jobs.tracks.record_quarantined(job_id, file)
    world.receipts.record(job_id, ReceiptSource.CALLBACK, BODY, gateway="ttapi", now=world.now)
    world.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in (f"acme/{job_id}/manifest.json", f"acme/{job_id}/manifest.json", f"quarantine/acme/{job_id}/m-1/aa"):
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    world.s3.delete_object(Bucket=BUCKET, Key=f"acme/{job_id}/manifest.json")
    world.s3.put_object(Bucket=RECEIPTS, Key=f"{job_id}/digest", Body=b"x")
    return job_id


def delete(world: World, job_id: str) -> None:
    world.job_deleter().delete_job("acme", job_id)


def remains(world: World, job_id: str) -> list[str]:
    """The sort keys and the object keys that are still there, in every version."""
    found = [item["sk"]["S"] for item in world.items("") if item["pk"]["S"] == f"JOB#{job_id}"]
    for bucket in (BUCKET, RECEIPTS):
        page = world.s3.list_object_versions(Bucket=bucket)
        found += [each["Key"] for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())) if job_id in each["Key"]]
    return found


def test_only_a_tombstone_remains_of_a_deleted_job(world: World) -> None:
    job_id, other = ended(world), world.accept(key="key-2")
    before = remains(world, other)
    delete(world, job_id)
    assert (remains(world, job_id), remains(world, other)) == (["JOB"], before)
    [tombstone] = [item for item in world.items("JOB") if item["pk"]["S"] == f"JOB#{job_id}"]
    assert tombstone.keys() == {"pk", "sk", "tenant", "deleted_at", "signalled", "due_shard", "due_at"}


def test_a_running_job_cannot_be_deleted(world: World) -> None:
    job_id = world.generating()
    with pytest.raises(WrongState, match="GENERATING"):
        delete(world, job_id)
    assert world.job(job_id).state is JobState.GENERATING
    with pytest.raises(Conflict):
        world.jobs.deletions.place_tombstone(world.job(job_id), None, now=world.now)


def test_a_job_of_another_tenant_cannot_be_deleted(world: World) -> None:
    job_id = timed_out(world)
    for asked in (job_id, "job_unknown"):
        with pytest.raises(JobNotFound):
            world.job_deleter().delete_job("other", asked)
    delete(world, job_id)
    with pytest.raises(JobNotFound):
        world.job_deleter().delete_job("other", job_id)


def test_a_deletion_that_was_interrupted_continues(world: World) -> None:
    job_id = ended(world)
    world.jobs.deletions.place_tombstone(world.job(job_id), None, now=world.now)
    assert len(remains(world, job_id)) > 1
    delete(world, job_id)
    assert remains(world, job_id) == ["JOB"]


def test_a_job_that_another_request_has_just_deleted_is_deleted(world: World) -> None:
    job_id = ended(world)
    original = world.jobs.read

    def overtaken(wanted: str) -> JobView | Tombstone | None:
        found = original(wanted)
        world.jobs.read = original  # type: ignore[method-assign]
        world.jobs.deletions.place_tombstone(world.job(job_id), None, now=world.now)
        return found

    world.jobs.read = overtaken  # type: ignore[method-assign, assignment]
    delete(world, job_id)
    assert remains(world, job_id) == ["JOB"]


def test_a_callback_during_the_deletion_shows_in_the_tombstone(world: World) -> None:
    job_id = world.accept()
    cancel(world, job_id)
    original = world.jobs.read

    def overtaken(wanted: str) -> JobView | Tombstone | None:
        found = original(wanted)
        world.jobs.read = original  # type: ignore[method-assign]
        world.jobs.signals.signal(job_id, Cause.CALLBACK, unread=True)
        return found

    world.jobs.read = overtaken  # type: ignore[method-assign, assignment]
    delete(world, job_id)
    tombstone = world.jobs.deletions.tombstone(job_id)
    assert tombstone is not None
    assert tombstone.unknown_task is not None


def test_the_sweep_erases_what_a_running_function_has_still_written(world: World) -> None:
    job_id = ended(world)
    delete(world, job_id)
    world.jobs.tracks.record_track(job_id, READY)
    world.s3.put_object(Bucket=BUCKET, Key=f"acme/{job_id}/m-1/audio.mp3", Body=b"late")
    world.clock.sleep(ERASE_AGAIN_SECONDS)
    swept = world.job_reconciler().reconcile_jobs(always)
    assert (swept.started, swept.woken, remains(world, job_id), world.due()) == ([], [], ["JOB"], [])


def test_a_job_that_the_index_still_has_although_it_is_gone_is_skipped(world: World) -> None:
    world.jobs.due_index.due_jobs = lambda now: iter([("job_gone", now)])  # type: ignore[method-assign]
    assert world.job_reconciler().reconcile_jobs(always).complete


def test_a_deletion_that_the_bucket_refuses_stays_due(world: World) -> None:
    job_id = ended(world)
    original, world.s3 = world.s3, RefusingBucket(world.s3)
    with pytest.raises(FilesNotErased):
        delete(world, job_id)
    world.clock.sleep(ERASE_AGAIN_SECONDS)
    with pytest.raises(ExceptionGroup):
        world.job_reconciler().reconcile_jobs(always)
    assert world.due() == [job_id]
    world.s3 = original
    world.job_reconciler().reconcile_jobs(always)
    assert (remains(world, job_id), world.due()) == (["JOB"], [])


def test_every_page_of_versions_is_deleted(world: World) -> None:
    job_id = ended(world)
    world.s3 = SmallPages(world.s3)
    delete(world, job_id)
    assert remains(world, job_id) == ["JOB"]


class SmallPages:
    """Lists one version at a time."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def list_object_versions(self, **given: Any) -> Any:
        page = self._s3.list_object_versions(**given)
        found = [(name, each) for name in ("Versions", "DeleteMarkers") for each in page.get(name, ())]
        return {**{name: [each] for name, each in found[:1]}, "IsTruncated": len(found) > 1}


class RefusingBucket:
    """Deletes nothing, and says so in its answer."""

    def __init__(self, s3: Any) -> None:
        self.list_object_versions = s3.list_object_versions

    def delete_objects(self, **given: Any) -> Any:
        return {"Errors": [{**given["Delete"]["Objects"][0], "Code": "InternalError"}]}


# Afterwards


def test_the_idempotency_key_of_a_deleted_job_stays_used(world: World) -> None:
    job_id = timed_out(world)
    delete(world, job_id)
    for ask in (world.job_submitter().submit_job, world.job_submitter().preview_job):
        with pytest.raises(JobDeleted, match="deleted at 2027-01-15T08:20:00Z"):
            ask("acme", {"anything": "else"}, "key-1")
    assert remains(world, job_id) == ["JOB"]
    with pytest.raises(IdempotencyConflict):
        world.job_submitter().submit_job("acme", {"anything": "else"}, world.accept(key="key-2") and "key-2")


def test_a_request_that_read_nothing_before_the_deletion_creates_nothing(world: World) -> None:
    job_id = timed_out(world)
    delete(world, job_id)
    original = world.jobs.read

    def before(_: str) -> None:
        world.jobs.read = original  # type: ignore[method-assign]

    world.jobs.read = before  # type: ignore[method-assign, assignment]
    with pytest.raises(JobDeleted):
        world.accept()
    assert remains(world, job_id) == ["JOB"]


def test_a_deleted_job_is_not_retried(world: World) -> None:
    job_id = timed_out(world)
    delete(world, job_id)
    with pytest.raises(JobDeleted):
        JobRetrier(world.job_creator()).retry_job("acme", job_id, {"accept_second_charge": True})


def test_a_retry_that_was_deleted_is_not_created_again(world: World) -> None:
    job_id, retrier = timed_out(world), JobRetrier(world.job_creator())
    new_id = retrier.retry_job("acme", job_id, {"accept_second_charge": True})[0].job.job_id
    world.jobs.finish(world.job(new_id), JobState.CANCELLED, None, now=world.now)
    delete(world, new_id)
    with pytest.raises(JobDeleted):
        retrier.retry_job("acme", job_id, {"accept_second_charge": True})


def test_the_task_of_a_deleted_job_is_not_adopted(world: World) -> None:
    """The item that names its owner stays."""
    delete(world, timed_out(world))
    before = world.items("JOB")
    wanted = parse_adoption({"gateway": "ttapi", "kind": "music", "adopt": {"task_id": "J1"}})
    adopter = TaskAdopter(world.job_creator())
    with pytest.raises(JobDeleted):
        adopter.adopt_task("acme", "default", wanted, "digest")
    with pytest.raises(TaskNotFound):
        adopter.adopt_task("other", "default", wanted, "digest")
    assert world.items("JOB") == before


def test_a_deleted_job_leaves_the_list(world: World) -> None:
    job_id, kept = timed_out(world), world.accept(key="key-2")
    delete(world, job_id)
    jobs = JobList(world.dynamodb, TABLE)
    listing = read_listing("", "acme")
    assert [job.job_id for job in jobs.page("acme", listing, None, 20)[0]] == [kept]
    assert [job.job_id for job in jobs._read([kept, job_id])] == [kept], "the index may be late"


# Work that still runs


def test_every_step_leaves_a_deleted_job_alone(world: World) -> None:
    job_id = ended(world)
    delete(world, job_id)
    before = world.items("")
    world.wire.requests.clear()
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    with pytest.raises(world.dynamodb.exceptions.ConditionalCheckFailedException):
        await_signal(world, job_id)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    assert world.job_finisher().finish_job(job_id) == "DELETED"
    assert (world.items(""), world.wire.requests, len(world.bus.events)) == (before, [], 1)


def test_a_late_callback_of_a_deleted_job_is_accepted_and_stored_nowhere(world: World, receiver: CallbackReceiver) -> None:
    job_id = ended(world)
    delete(world, job_id)
    before = world.items("")
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert (world.items(""), world.executions.woken) == (before, [])


def test_no_write_to_a_job_that_was_just_deleted_changes_its_tombstone(world: World) -> None:
    job_id = ended(world)
    job = world.job(job_id)
    delete(world, job_id)
    before = world.items("JOB")
    now = world.now
    assert world.jobs.signals.signal(job_id, Cause.CALLBACK) is None
    world.jobs.signals.postpone(job_id, due_at=now + 9)
    world.jobs.mark_announced(job, recoverable_until=None, due_at=None, now=now)
    assert not world.jobs.mark_retried(job, "job_new", now=now)
    for change in (
        lambda: world.jobs.record_no_audio(job_id, now=now),
        lambda: world.jobs.record_link_renewal(job, Renewal(0, now, "r"), now=now),
        lambda: world.jobs.reopen(job, until=now, now=now),
        lambda: world.jobs.finish(job, JobState.SUCCEEDED, None, now=now),
        lambda: world.jobs.submissions.accept_task(job, "J2", now=now, due_at=now),
        lambda: world.jobs.signals.claim_execution(job_id, Cause.SWEEP, before=0, number=1, due_at=now),
    ):
        with pytest.raises(Conflict):
            change()
    assert world.items("JOB") == before


def test_a_job_that_is_deleted_while_it_waits_for_its_slot_is_not_submitted(world: World) -> None:
    job_id = world.accept()
    original = world.jobs.request

    def deleted(_: str) -> dict[str, Any]:
        return {}

    world.jobs.request = deleted  # type: ignore[method-assign, assignment]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    world.jobs.request = original  # type: ignore[method-assign]
    assert (world.wire.requests, world.job(job_id).state) == ([], JobState.ACCEPTED)


# The handlers


def test_the_handler_deletes_a_job_and_every_other_route_says_so(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.SUCCEEDED)
    delete_job = handler("delete_job")
    for _ in range(2):
        answer = delete_job(event("delete_job/delete"))
        assert (answer["statusCode"], answer["body"]) == (204, "")
    for function, name in (
        ("read_jobs", "read_jobs/job"),
        ("read_jobs", "read_jobs/events"),
        ("cancel_job", "cancel_job/cancel"),
        ("retry_job", "retry_job/retry"),
    ):
        assert handler(function)(event(name))["statusCode"] == 410, name
    assert handler("store_track")(event("store_track/job")) == {"job_id": JOB_ID, "states": {}}
    assert handler("finish_job")(event("finish_job/job")) == {"job_id": JOB_ID, "state": "DELETED"}
