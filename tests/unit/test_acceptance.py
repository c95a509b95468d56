from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.acceptance import derived_job_id, fingerprint, random_job_id
from suno_jobs.errors import Conflict, IdempotencyConflict, InvalidRequest
from suno_jobs.models import Track, TrackState
from suno_jobs.transitions import JobState
from tests.world import DEADLINE, PACE, START, TABLE, World

BODY: dict[str, Any] = {
    "gateway": "ttapi",
    "kind": "music",
    "input": {"prompt": "a song about rain"},
    "metadata": {"order": "7"},
}


def body(**changes: Any) -> dict[str, Any]:
    return {**BODY, **changes}


def test_a_new_job_is_recorded_due_and_started(world: World) -> None:
    view, created = world.acceptor()("acme", BODY, None)
    job = view.job
    assert created
    assert world.job(job.job_id) == job
    assert (job.state, job.tenant, job.gateway, job.kind) == (JobState.ACCEPTED, "acme", "ttapi", "music")
    assert (job.created_at, job.deadline_at, job.metadata) == (START, START + DEADLINE, {"order": "7"})
    stored = world.jobs.request(job.job_id)
    assert stored["input"]["prompt"] == "a song about rain"
    assert stored["sources"] == []
    assert list(world.executions.states) == [(job.job_id, 0)]
    assert world.due(PACE.slack) == [job.job_id]
    assert world.due(PACE.slack - 1) == []


def test_the_same_key_and_body_give_the_same_job_for_ever(world: World) -> None:
    first = world.acceptor()("acme", BODY, "k")
    world.clock.sleep(10**8)
    reordered = dict(reversed(BODY.items()))
    again = world.acceptor()("acme", reordered, "k")
    assert (first[1], again[1]) == (True, False)
    assert again[0].job == first[0].job


def test_a_known_job_comes_back_with_its_tracks(world: World) -> None:
    job_id = world.acceptor()("acme", BODY, "k")[0].job.job_id
    world.jobs.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY))
    assert [track.track_id for track in world.acceptor()("acme", BODY, "k")[0].tracks] == ["t"]


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    world.acceptor()("acme", BODY, "k")
    with pytest.raises(IdempotencyConflict):
        world.acceptor()("acme", body(metadata={"order": "8"}), "k")


def test_each_key_of_a_tenant_is_a_job_of_its_own(world: World) -> None:
    first, second = (world.acceptor()("acme", BODY, key) for key in ("k", "l"))
    assert (first[1], second[1]) == (True, True)
    assert first[0].job.job_id != second[0].job.job_id


def test_a_key_belongs_to_its_tenant(world: World) -> None:
    ours = world.acceptor()("acme", BODY, "k")
    theirs = world.acceptor()("other", body(metadata={}), "k")
    assert theirs[1]
    assert theirs[0].job.job_id != ours[0].job.job_id


def test_a_job_whose_execution_cannot_be_started_stands_and_is_due(world: World) -> None:
    world.executions.broken = AwsError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")
    view, created = world.acceptor()("acme", BODY, "k")
    assert created
    assert world.due(PACE.slack) == [view.job.job_id]


class Contended:
    """A table on which another writer is always at the same item."""

    def __init__(self, world: World, code: str = "TransactionConflict") -> None:
        self.exceptions = world.dynamodb.exceptions
        self.code = code
        self.item: dict[str, Any] = {}
        self.looked = 0

    def transact_write_items(self, **_: Any) -> None:
        reasons = {"CancellationReasons": [{"Code": self.code}], "Error": {"Code": "TransactionCanceledException"}}
        raise self.exceptions.TransactionCanceledException(reasons, "TransactWriteItems")

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803, ARG002 - boto3's own spelling
        return {}

    def get_paginator(self, _: str) -> Contended:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return []


class BusyOnce(Contended):
    """Another writer was faster: the job is there when we look again."""

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
        return {"Item": self.item} if Key["pk"] == self.item["pk"] else {}

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        self.looked += 1
        return [{"Items": [self.item] if self.looked > 1 else []}]


def test_a_job_that_another_request_creates_at_the_same_time_is_found(world: World) -> None:
    first = world.acceptor()("acme", BODY, "k")
    busy = BusyOnce(world)
    [busy.item] = world.items("JOB")
    world.jobs._client = busy  # type: ignore[assignment]
    again = world.acceptor()("acme", BODY, "k")
    assert (again[0].job, again[1]) == (first[0].job, False)


def test_another_error_of_the_transaction_is_not_hidden(world: World) -> None:
    world.jobs._client = Contended(world, "ThrottlingError")  # type: ignore[assignment]
    with pytest.raises(AwsError):
        world.acceptor()("acme", BODY, "k")


def test_endless_contention_is_a_conflict_and_no_job(world: World) -> None:
    world.jobs._client = Contended(world)  # type: ignore[assignment]
    with pytest.raises(Conflict):
        world.acceptor()("acme", BODY, "k")
    assert world.dynamodb.scan(TableName=TABLE)["Count"] == 0
    assert not world.executions.states


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "tab\t"])
def test_a_malformed_key_is_refused(world: World, key: str) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        world.acceptor()("acme", BODY, key)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (body(gateway="nobody"), "gateway"),
        (body(kind="opera"), "kind"),
        (body(extra=1), "extra"),
        (body(input={}), "input"),
        (body(input={"prompt": "a", "lyrics": "b"}), "input"),
        (body(input={"prompt": "   "}), "input.prompt"),
        (body(input={"lyrics": "la", "instrumental": True}), "input"),
        (body(input={"prompt": "a", "instrumental": "yes"}), "input.instrumental"),
        (body(input={"prompt": "a", "promt": "b"}), "input.promt"),
        (body(input={"prompt": "a", "vocal_gender": "choir"}), "input.vocal_gender"),
        (body(input={"prompt": "a", "model": "no spaces"}), "input.model"),
        (body(input={"prompt": "x" * 501}), "input.prompt"),
        (body(metadata={"k": "v" * 512}), "metadata"),
        (body(metadata={"k": 1}), "metadata.k"),
        ([], "body"),
        (None, "body"),
    ],
)
def test_what_is_wrong_is_named(world: World, changed: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.acceptor()("acme", changed, None)
    assert field in [error["field"] for error in refused.value.members["errors"]]


# A key is visible ASCII, so that the NUL between tenant and key cannot be part of it.
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E))


@given(st.text(), keys, st.text(), keys)
def test_job_ids_of_different_tenants_or_keys_differ(tenant: str, key: str, other_tenant: str, other_key: str) -> None:
    same = (tenant, key) == (other_tenant, other_key)
    assert same == (derived_job_id(tenant, key) == derived_job_id(other_tenant, other_key))


@given(st.floats(0, 2**38), st.floats(0, 2**38))
def test_random_job_ids_are_ordered_by_time(one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert random_job_id(early, bytes) <= random_job_id(late, bytes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(json_values)
def test_the_fingerprint_is_that_of_the_value_not_of_its_spelling(value: Any) -> None:
    assert fingerprint(json.loads(json.dumps(value, indent=2))) == fingerprint(value)


def test_of_two_requests_that_create_one_job_at_once_the_second_finds_it(world: World) -> None:
    job = world.acceptor()("acme", BODY, "k")[0].job
    assert world.jobs.create(job, {"input": {}, "sources": []}, due_at=world.now) is False
    assert world.jobs.request(job.job_id)["input"]["prompt"] == "a song about rain"
