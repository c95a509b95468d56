"""Which account of a gateway a job uses: chosen when it is submitted, and used for every later read."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, InvalidRequest, NoSlot
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from suno_jobs.runtime.secrets import Secret
from suno_jobs.storage.jobs import JobStore
from suno_jobs.traffic.account_items import AccountItems
from suno_jobs.traffic.accounts import AccountReadFailed, AccountUnusable, account_name
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.concurrency import TASK
from suno_jobs.traffic.submission_queue import QUEUE, queue_key
from tests.builders import ACCEPTED, music, running, task, use_accounts
from tests.world import ACCOUNTS, TABLE, Clock, FixedSecret, World

OWN = {**ACCOUNTS, "ttapi/acme": {"api_key": "key-of-acme"}}
SHARED_KEY = "key-of-ttapi"


def keys(world: World) -> list[str]:
    return [request.headers["tt-api-key"] for request in world.wire.requests]


def finished_song(world: World) -> str:
    """The job of a song whose task has ended."""
    job_id = world.accept("ttapi", "song")
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    world.wire.answers = [task(music(1))]
    world.task_checker().check_task(job_id)
    return job_id


@pytest.mark.parametrize(("accounts", "account", "key"), [(ACCOUNTS, "default", SHARED_KEY), (OWN, "acme", "key-of-acme")])
def test_a_tenant_uses_its_own_account_if_it_has_one(world: World, accounts: Any, account: str, key: str) -> None:
    use_accounts(world, FixedSecret(accounts))
    job_id = world.accept("ttapi")
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert (world.job(job_id).account, keys(world)) == (account, [key])


def test_a_task_is_read_with_the_account_that_made_it(world: World) -> None:
    use_accounts(world, FixedSecret(OWN))
    job_id = world.accept("ttapi")
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    use_accounts(world, FixedSecret({**OWN, "ttapi/acme": {"api_key": "rotated"}}))
    world.wire.answers = [running()]
    world.task_checker().check_task(job_id)
    assert keys(world) == ["key-of-acme", "rotated"]


def test_each_account_has_its_own_rate_limit(world: World) -> None:
    use_accounts(world, FixedSecret(OWN))
    job_id = world.accept("ttapi")
    world.use_up_slots(job_id)
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1", "the slots of the shared account are used up, those of its own are not"


def test_a_waiting_job_keeps_its_place_and_account_and_reads_its_request_only_to_submit_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = world.accept("ttapi")
    world.use_up_slots(job_id, 24)
    assert world.task_creator().create_task(job_id).next == "wait"
    place = world.job(job_id).place
    use_accounts(world, FixedSecret(OWN))
    with monkeypatch.context() as patched:
        patched.delattr(JobStore, "request")
        assert world.task_creator().create_task(job_id).next == "wait"
    assert place
    assert (world.job(job_id).place, world.job(job_id).account) == (place, "default")
    world.clock.sleep(10)
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert (keys(world), world.job(job_id).place) == ([SHARED_KEY], None)
    assert list(AccountItems(world.dynamodb, TABLE).find_at(queue_key(world.job(job_id), QUEUE))) == []


def test_a_submission_whose_slot_was_missed_is_not_in_flight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(*_: Any) -> None:
        raise NoSlot(3)

    use_accounts(world, FixedSecret({"ttapi/default": {"api_key": SHARED_KEY, "max_tasks": 5}}))
    job_id = world.accept("ttapi")
    monkeypatch.setattr(GatewayCalls, "wait_for_slot", miss)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert (world.job(job_id).intent, world.job(job_id).attempts) == (None, ())
    assert list(AccountItems(world.dynamodb, TABLE).find(world.job(job_id), TASK)) == []


def test_an_own_account_that_is_refused_is_not_replaced_by_the_shared_one(world: World) -> None:
    use_accounts(world, FixedSecret({**ACCOUNTS, "ttapi/acme": {"api_key": ""}}))
    job_id = world.accept("ttapi")
    world.task_creator().create_task(job_id)
    job = world.job(job_id)
    assert job.fault is not None
    assert (job.state, job.fault.code, keys(world)) == (JobState.FAILED, ErrorCode.AUTHENTICATION, [])


def test_a_lost_answer_is_repeated_on_the_same_account(world: World) -> None:
    world.policy = "resubmit"
    job_id = world.accept("ttapi")
    world.wire.answers = [httpx.ReadTimeout("lost")]
    world.task_creator().create_task(job_id)
    use_accounts(world, FixedSecret(OWN))
    job = world.calls().with_account(world.job(job_id), None)
    assert (job.state, job.account) == (JobState.SUBMIT_UNKNOWN, "default")


def test_a_job_uses_the_account_of_its_source(world: World) -> None:
    use_accounts(world, FixedSecret(ACCOUNTS))
    source = {"job_id": finished_song(world), "track_id": "m-1"}
    use_accounts(world, FixedSecret(OWN))
    job_id = world.accept("ttapi", "stems", "stems", source=source)
    assert world.jobs.request(job_id)["account"] == "default"
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert (world.job(job_id).account, keys(world)[-1]) == ("default", SHARED_KEY)


def test_sources_of_different_accounts_are_refused(world: World) -> None:
    sources: list[dict[str, str]] = []
    for accounts in (ACCOUNTS, {**ACCOUNTS, "acedata/acme": {"api_key": "own"}}):
        use_accounts(world, FixedSecret(accounts))
        job_id = world.accept("acedata", f"song-{len(sources)}")
        world.wire.answers = [httpx.Response(200, json={"success": True, "task_id": f"T{len(sources)}"})]
        world.task_creator().create_task(job_id)
        link = {"name": "audio", "url": "https://cdn.example/a.mp3", "media": "audio"}
        track = Track.from_item({"track_id": "t", "position": 0, "state": TrackState.READY, "links": [link]})
        world.jobs.tracks.record_track(job_id, track)
        sources.append({"job_id": job_id, "track_id": "t"})
    with pytest.raises(InvalidRequest) as refused:
        world.accept("acedata", "mix", "mashup", sources=sources, prompt="both")
    details = {error["detail"] for error in refused.value.members["errors"]}
    assert details == {"the sources were made with different accounts of the gateway"}
    assert world.accept("acedata", "same", "mashup", sources=[sources[1], sources[1]], prompt="both")


class Broken:
    def get_secret_value(self, **_: str) -> dict[str, str]:
        raise AwsError({"Error": {"Code": "InternalServiceError"}}, "GetSecretValue")


@pytest.mark.parametrize(("client", "error"), [(Broken(), AccountReadFailed), (FixedSecret("text"), AccountUnusable)])
def test_an_account_that_cannot_be_chosen_is_reported(client: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="the gateway accounts secret"):
        account_name(Secret(lambda: client, "accounts", Clock()), GATEWAYS["ttapi"], "acme")


def test_a_secret_that_cannot_be_read_delays_the_submission(world: World) -> None:
    job_id = world.accept("ttapi")
    world.secret._client = Broken  # type: ignore[assignment]
    world.secret._read_at = float("-inf")
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.job(job_id).state is JobState.ACCEPTED
