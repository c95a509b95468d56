from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError as AwsError
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.errors import Conflict, IdempotencyConflict, InvalidRequest
from suno_jobs.jobs.identifiers import derived_job_id, random_job_id
from suno_jobs.jobs.record import Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.steps.submit_job import fingerprint
from suno_jobs.webhooks.endpoints import Endpoint
from tests.builders import Contended, event, handler
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
    view, created = world.job_submitter().submit_job("acme", BODY, None)
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


def test_the_same_key_and_body_always_return_the_same_job(world: World) -> None:
    first = world.job_submitter().submit_job("acme", BODY, "k")
    world.clock.sleep(10**8)
    reordered = dict(reversed(BODY.items()))
    again = world.job_submitter().submit_job("acme", reordered, "k")
    assert (first[1], again[1]) == (True, False)
    assert again[0].job == first[0].job


def test_a_repeated_request_returns_the_job_with_its_tracks(world: World) -> None:
    job_id = world.job_submitter().submit_job("acme", BODY, "k")[0].job.job_id
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY))
    assert [track.track_id for track in world.job_submitter().submit_job("acme", BODY, "k")[0].tracks] == ["t"]


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    world.job_submitter().submit_job("acme", BODY, "k")
    with pytest.raises(IdempotencyConflict):
        world.job_submitter().submit_job("acme", body(metadata={"order": "8"}), "k")


def test_each_key_of_a_tenant_creates_its_own_job(world: World) -> None:
    first, second = (world.job_submitter().submit_job("acme", BODY, key) for key in ("k", "l"))
    assert (first[1], second[1]) == (True, True)
    assert first[0].job.job_id != second[0].job.job_id


def test_a_key_belongs_to_its_tenant(world: World) -> None:
    ours = world.job_submitter().submit_job("acme", BODY, "k")
    theirs = world.job_submitter().submit_job("other", body(metadata={}), "k")
    assert theirs[1]
    assert theirs[0].job.job_id != ours[0].job.job_id


def test_a_job_whose_execution_cannot_be_started_is_kept_and_due(world: World) -> None:
    world.executions.broken = AwsError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")
    view, created = world.job_submitter().submit_job("acme", BODY, "k")
    assert created
    assert world.due(PACE.slack) == [view.job.job_id]


class ContendedOnce(Contended):
    """Another request was faster: the job is there at the second read."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        [self.item] = world.items("JOB")
        self.reads = 0

    def get_item(self, **given: Any) -> dict[str, Any]:
        return {"Item": self.item} if given["Key"]["pk"] == self.item["pk"] else {}

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        self.reads += 1
        return [{"Items": [self.item] if self.reads > 1 else []}]


def test_a_job_that_another_request_creates_at_the_same_time_is_found(world: World) -> None:
    first = world.job_submitter().submit_job("acme", BODY, "k")
    world.jobs.submissions._client = ContendedOnce(world)  # type: ignore[assignment]
    again = world.job_submitter().submit_job("acme", BODY, "k")
    assert (again[0].job, again[1]) == (first[0].job, False)


def test_a_job_that_is_found_after_a_conflict_is_not_created_again(world: World) -> None:
    create = world.jobs.submissions.create

    def overtaken(*given: Any, **named: Any) -> bool:
        create(*given, **named)
        raise Conflict("another request is creating this job")

    world.jobs.submissions.create = overtaken  # type: ignore[method-assign]
    view, created = world.job_submitter().submit_job("acme", BODY, "k")
    assert (view.job.state, created) == (JobState.ACCEPTED, False)


def test_another_error_of_the_transaction_is_not_hidden(world: World) -> None:
    world.jobs.submissions._client = Contended(world, "ThrottlingError")  # type: ignore[assignment]
    with pytest.raises(AwsError):
        world.job_submitter().submit_job("acme", BODY, "k")


def test_endless_contention_raises_conflict_and_creates_no_job(world: World) -> None:
    world.jobs.submissions._client = Contended(world)  # type: ignore[assignment]
    with pytest.raises(Conflict):
        world.job_submitter().submit_job("acme", BODY, "k")
    assert world.dynamodb.scan(TableName=TABLE)["Count"] == 0
    assert not world.executions.states


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "tab\t"])
def test_a_malformed_key_is_refused(world: World, key: str) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        world.job_submitter().submit_job("acme", BODY, key)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (body(gateway="unknown"), "/gateway"),
        (body(kind="opera"), "/kind"),
        (body(extra=1), "/extra"),
        (body(input={}), "/input"),
        (body(input={"prompt": "a", "lyrics": "b"}), "/input"),
        (body(input={"prompt": "   "}), "/input/prompt"),
        (body(input={"lyrics": "la", "instrumental": True}), "/input"),
        (body(input={"prompt": "a", "instrumental": "yes"}), "/input/instrumental"),
        (body(input={"prompt": "a", "promt": "b"}), "/input/promt"),
        (body(input={"prompt": "a", "vocal_gender": "choir"}), "/input/vocal_gender"),
        (body(input={"prompt": "a", "model": "no spaces"}), "/input/model"),
        (body(input={"prompt": "x" * 501}), "/input/prompt"),
        (body(metadata={"k": "v" * 512}), "/metadata"),
        (body(metadata={"k": 1}), "/metadata/k"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_invalid_field_is_named(world: World, changed: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", changed, None)
    assert field in [error["pointer"] for error in refused.value.members["errors"]]


# A key is visible ASCII, so that the NUL between tenant and key cannot be part of it.
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E))


@given(st.text(), keys, st.text(), keys)
def test_job_ids_of_different_tenants_or_keys_differ(tenant: str, key: str, other_tenant: str, other_key: str) -> None:
    same = (tenant, key) == (other_tenant, other_key)
    assert same == (derived_job_id(tenant, key) == derived_job_id(other_tenant, other_key))


@given(st.floats(0, 2**38), st.floats(0, 2**38))
def test_random_job_ids_are_ordered_by_time(one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert random_job_id("acme", early, bytes) <= random_job_id("acme", late, bytes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(json_values)
def test_the_fingerprint_depends_on_the_value_not_on_its_formatting(value: Any) -> None:
    assert fingerprint(json.loads(json.dumps(value, indent=2))) == fingerprint(value)


def test_creating_an_existing_job_changes_nothing(world: World) -> None:
    job = world.job_submitter().submit_job("acme", BODY, "k")[0].job
    assert world.jobs.submissions.create(job, {"input": {}, "sources": []}, due_at=world.now) is False
    assert world.jobs.request(job.job_id)["input"]["prompt"] == "a song about rain"


def test_the_handler_answers_a_repeated_request_with_the_same_job(deployed: SimpleNamespace, state_machine: str) -> None:
    submit = handler("submit_job")
    first, second = submit(event("submit_job/lyrics")), submit(event("submit_job/lyrics"))
    assert (first["statusCode"], second["statusCode"]) == (202, 200)
    job = json.loads(first["body"])
    assert first["headers"]["Location"] == f"/v1/jobs/{job['job_id']}"
    assert json.loads(second["body"]) == job
    assert (job["state"], job["gateway"], job["metadata"]) == ("ACCEPTED", "crun", {"order": "7"})
    executions = boto3.client("stepfunctions").list_executions(stateMachineArn=state_machine)["executions"]
    assert [each["name"] for each in executions] == [job["job_id"]]


def test_the_handler_answers_a_used_key_with_another_body_with_422(deployed: SimpleNamespace) -> None:
    submit = handler("submit_job")
    given = event("submit_job/lyrics")
    submit(given)
    given["body"] = given["body"].replace("lo-fi", "jazz")
    answer = submit(given)
    assert (answer["statusCode"], json.loads(answer["body"])["title"]) == (
        422,
        "The Idempotency-Key was used with another request",
    )


def test_a_callback_url_needs_the_default_secret_that_signs_its_events(world: World) -> None:
    song = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}, "callback_url": "https://shop.example/one?s=1"}
    adoption = {"gateway": "ttapi", "kind": "music", "adopt": {"task_id": "J9"}, "callback_url": "https://shop.example/one"}
    submitter = world.job_submitter()
    for body in (song, adoption):
        for act in (submitter.submit_job, submitter.preview_job):
            with pytest.raises(InvalidRequest) as refused:
                act("acme", body, "key-1")
            assert [each["pointer"] for each in refused.value.members["errors"]] == ["/callback_url"]
    secret = Endpoint(endpoint_id="default", tenant="acme", events=(), secret="whsec_AAAA", recorded_at=1)
    world.outbox().endpoints.create(secret)
    view, created = submitter.submit_job("acme", song, "key-1")
    assert created
    request = job_view(view)["request"]
    assert request
    assert request["callback_url"] == "https://shop.example/one"


@pytest.mark.parametrize(
    "url", ["http://shop.example/", "https://10.0.0.1/", "https://shop.example/ä", "https://x.example/" + "x" * 500]
)
def test_a_callback_url_leads_to_a_public_address(world: World, url: str) -> None:
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}, "callback_url": url}
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", body, None)
    assert [each["pointer"] for each in refused.value.members["errors"]] == ["/callback_url"]
