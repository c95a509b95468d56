"""Every entry point, called with the events of ``events/`` and the environment that the template gives it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from suno_jobs.api import _conflict
from suno_jobs.authorization import key_hash
from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.models import Asset, Track, TrackState
from suno_jobs.transitions import JobState
from suno_jobs.vocabulary import Link
from tests.world import API_KEYS_TABLE, BUCKET, RECEIPTS, ROOT, TABLE, World, a_job

JOB_ID = "job_0123456789abcdefghijklmnop"
API_KEY = "0123456789abcdef0123456789abcdef"
Handler = Callable[[dict[str, Any]], Any]


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


class Context:
    function_name = "f"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def deployed(aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    secrets = boto3.client("secretsmanager")
    callback = secrets.create_secret(Name="callback", SecretString='{"current": "local-test-secret", "previous": ""}')
    accounts = secrets.create_secret(Name="accounts", SecretString="{}")
    role = "arn:aws:iam::123456789012:role/unused"
    definition = '{"StartAt": "Rest", "States": {"Rest": {"Type": "Succeed"}}}'
    machine = boto3.client("stepfunctions").create_state_machine(name="m", definition=definition, roleArn=role)
    boto3.client("events").create_event_bus(Name="bus")
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    aws.dynamodb.put_item(TableName="keys", Item={"key_hash": {"S": key_hash(API_KEY)}, "tenant": {"S": "acme"}})
    environment = {
        "JOBS_TABLE": TABLE,
        "API_KEYS_TABLE": "keys",
        "ASSETS_BUCKET": BUCKET,
        "RECEIPTS_BUCKET": RECEIPTS,
        "CALLBACK_SECRET_ARN": callback["ARN"],
        "GATEWAY_ACCOUNTS_SECRET_ARN": accounts["ARN"],
        "STATE_MACHINE_ARN": machine["stateMachineArn"],
        "EVENT_BUS_NAME": "bus",
        "PUBLIC_BASE_URL": "https://api.example",
        **dict.fromkeys(("FIRST_CHECK_SECONDS", "CHECK_INTERVAL_SECONDS", "MAX_CHECK_INTERVAL_SECONDS"), "20"),
        **dict.fromkeys(("JOB_DEADLINE_SECONDS", "AMBIGUOUS_SUBMIT_GRACE_SECONDS", "URL_LIFETIME_SECONDS"), "900"),
        "RECEIPT_TTL_DAYS": "30",
        "AUTO_GATEWAYS": "ttapi,crun",
        "AMBIGUOUS_SUBMIT_POLICY": "fail",
        **dict.fromkeys(("BREAKER_FAILURES", "BREAKER_OPEN_SECONDS"), "60"),
        "ASSETS_STORAGE_CLASS": "STANDARD",
        **dict.fromkeys(("MAX_AUDIO_BYTES", "MAX_IMAGE_BYTES", "MAX_VIDEO_BYTES"), "1000000"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return aws


def handler(function: str) -> Handler:
    spec = importlib.util.spec_from_file_location(f"app_{function}", ROOT / "functions" / function / "app.py")
    assert spec
    assert spec.loader
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return lambda given: app.lambda_handler(given, Context())


def put_job(world: World, state: JobState = JobState.GENERATING, **changes: Any) -> None:
    times = {"created_at": world.now, "updated_at": world.now, "deadline_at": world.now + 900}
    job = a_job(job_id=JOB_ID, state=state, **times, **changes)
    request = {"input": {"prompt": "rain"}, "sources": [], "gateways": ["ttapi"]}
    assert world.jobs.create(job, request, due_at=world.now)


def test_submitting_twice_gives_the_same_job(deployed: SimpleNamespace) -> None:
    submit = handler("submit_job")
    first, second = submit(event("submit_job/lyrics")), submit(event("submit_job/lyrics"))
    assert (first["statusCode"], second["statusCode"]) == (202, 200)
    job = json.loads(first["body"])
    assert first["headers"]["Location"] == f"/v1/jobs/{job['job_id']}"
    assert json.loads(second["body"]) == job
    assert (job["state"], job["gateway"], job["metadata"]) == ("ACCEPTED", "crun", {"order": "7"})
    executions = boto3.client("stepfunctions")
    machine = executions.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    assert [each["name"] for each in executions.list_executions(stateMachineArn=machine)["executions"]] == [job["job_id"]]


@pytest.mark.parametrize(("name", "status"), [("no_prompt", 422), ("not_json", 400)])
def test_a_bad_request_is_a_problem_that_says_what_to_change(deployed: SimpleNamespace, name: str, status: int) -> None:
    answer = handler("submit_job")(event(f"submit_job/{name}"))
    problem = json.loads(answer["body"])
    assert answer["statusCode"] == problem["status"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert problem["title"]
    assert problem["detail"]


def test_the_same_key_with_another_body_is_a_problem(deployed: SimpleNamespace) -> None:
    submit = handler("submit_job")
    given = event("submit_job/lyrics")
    submit(given)
    given["body"] = given["body"].replace("lo-fi", "jazz")
    assert submit(given)["statusCode"] == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 400), ("[" * 30_000, 400), ('{"a": NaN}', 400), ('"\\ud800"', 422), ('{"a": "' + "x" * 70_000 + '"}', 413)],
)
def test_no_body_is_ever_a_500(deployed: SimpleNamespace, body: str, status: int) -> None:
    answer = handler("submit_job")({**event("submit_job/lyrics"), "body": body})
    assert answer["statusCode"] == status


def test_a_binary_body_is_no_500(deployed: SimpleNamespace) -> None:
    given = {**event("submit_job/lyrics"), "body": "//79", "isBase64Encoded": True}
    assert handler("submit_job")(given)["statusCode"] == 400


def test_an_unknown_route_is_a_problem(deployed: SimpleNamespace) -> None:
    given = event("read_jobs/job")
    given["requestContext"]["http"]["method"] = "DELETE"
    answer = handler("read_jobs")({**given, "routeKey": "DELETE /v1/jobs/{job_id}"})
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["title"] == "No such route"


def test_what_can_be_asked_of_whom_and_how_the_gateways_are(deployed: SimpleNamespace, world: World) -> None:
    world.calls().health.note("ttapi", None)
    world.calls().health.note("crun", Fault(ErrorCode.MAINTENANCE, "later"))
    answer = handler("read_jobs")(event("read_jobs/gateways"))
    assert answer["statusCode"] == 200
    gateways = {each["name"]: each for each in json.loads(answer["body"])["gateways"]}
    assert set(gateways) == {"ttapi", "anyint", "crun", "acedata", "sunoapi", "kie"}
    assert "music" in gateways["kie"]["kinds"]
    assert {name: gateways[name]["health"]["status"] for name in ("ttapi", "crun", "kie")} == {
        "ttapi": "ok",
        "crun": "failing",
        "kie": "unknown",
    }
    assert gateways["crun"]["health"]["last_error"] == "maintenance"


def test_reading_a_job(deployed: SimpleNamespace, world: World) -> None:
    read = handler("read_jobs")
    assert read(event("read_jobs/job"))["statusCode"] == 404
    put_job(world)
    answer = read(event("read_jobs/job"))
    assert (answer["statusCode"], json.loads(answer["body"])["job_id"]) == (200, JOB_ID)
    given = event("read_jobs/job")
    given["headers"]["if-none-match"] = answer["headers"]["ETag"]
    unchanged = read(given)
    assert unchanged["statusCode"] == 304
    assert not unchanged.get("body")
    given["requestContext"]["authorizer"]["lambda"]["tenant"] = "other"
    assert read(given)["statusCode"] == 404


def test_cancelling_reading_its_history_and_being_refused_a_retry(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    change = handler("change_job")
    cancelled = change(event("change_job/cancel"))
    assert (cancelled["statusCode"], json.loads(cancelled["body"])["state"]) == (200, "CANCELLED")
    told = json.loads(handler("read_jobs")(event("read_jobs/events"))["body"])
    assert [(each["state"], each["cause"]) for each in told["events"]] == [("CANCELLED", "client")]
    refused = change(event("change_job/retry"))
    assert (refused["statusCode"], json.loads(refused["body"])["title"]) == (409, "The job is in another state")


def test_retrying_a_failed_job(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    world.jobs.finish(world.job(JOB_ID), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), partial=False, now=world.now)
    answers = [handler("change_job")(event("change_job/retry")) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [202, 200]
    [location] = {answer["headers"]["Location"] for answer in answers}
    assert location == f"/v1/jobs/{world.job(JOB_ID).retried_as}"


def test_a_callback_for_a_job_that_timed_out_starts_its_next_execution(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, task_id="J1")
    job = world.jobs.finish(
        world.job(JOB_ID), JobState.TIMED_OUT, None, partial=False, now=world.now, care_until=world.now + 10**9
    )
    assert job.state is JobState.TIMED_OUT
    assert handler("receive_callback")(event("receive_callback/success")) == {"statusCode": 200}
    executions = boto3.client("stepfunctions")
    machine = executions.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    assert [each["name"] for each in executions.list_executions(stateMachineArn=machine)["executions"]] == [JOB_ID]


def test_a_link_is_signed_as_every_region_accepts(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.STORING, task_id="J1")
    world.jobs.record_track(JOB_ID, Track(track_id="m-1", position=0, state=TrackState.READY))
    asset = Asset(kind="audio", key="acme/j/m-1/audio.mp3", content_type="audio/mpeg", bytes=1, sha256="00")
    world.jobs.store_track(JOB_ID, "m-1", [asset], {}, 3.0)
    read = handler("read_jobs")
    url = json.loads(read(event("read_jobs/job"))["body"])["tracks"][0]["assets"][0]["url"]
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    answer = read(event("read_jobs/asset"))
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (307, "no-store")
    assert answer["headers"]["Location"].partition("?")[0] == url.partition("?")[0]


def test_a_file_that_is_not_there_is_a_problem(deployed: SimpleNamespace, world: World) -> None:
    read = handler("read_jobs")
    assert json.loads(read(event("read_jobs/asset"))["body"])["title"] == "No such job"
    put_job(world)
    answer = read(event("read_jobs/asset"))
    assert answer["statusCode"] == 404
    problem = json.loads(answer["body"])
    assert (problem["title"], problem["tracks"]) == ("No such asset", [])


def test_a_key_is_a_tenant_and_an_unknown_one_is_nobody(deployed: SimpleNamespace) -> None:
    authorize = handler("authorize")
    assert authorize(event("authorize/bearer")) == {"isAuthorized": True, "context": {"tenant": "acme"}}
    assert authorize(event("authorize/unknown_key"))["isAuthorized"] is False
    for header in ("", "Bearer", "Bearer ", f"Basic {API_KEY}", API_KEY, f"Bearer {API_KEY} ", f"Bearer {API_KEY}\n"):
        assert authorize({"headers": {"authorization": header}})["isAuthorized"] is False
    assert authorize({"headers": {}})["isAuthorized"] is False


def test_a_disabled_key_is_nobody(deployed: SimpleNamespace) -> None:
    item = {"key_hash": {"S": key_hash(API_KEY)}, "tenant": {"S": "acme"}, "disabled": {"BOOL": True}}
    deployed.dynamodb.put_item(TableName="keys", Item=item)
    assert handler("authorize")(event("authorize/bearer"))["isAuthorized"] is False


@pytest.mark.parametrize(
    ("name", "status", "bodies"),
    [("success", 200, 1), ("binary", 200, 1), ("empty", 200, 1), ("forged", 401, 0)],
)
def test_receiving_a_callback(deployed: SimpleNamespace, world: World, name: str, status: int, bodies: int) -> None:
    put_job(world, task_id="J1")
    assert handler("receive_callback")(event(f"receive_callback/{name}")) == {"statusCode": status}
    assert len(list(world.receipts.callbacks(JOB_ID))) == bodies


def test_a_callback_wakes_the_execution_that_waits(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, task_id="J1")
    key = {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}
    token = {":t": {"S": "no longer valid"}}
    deployed.dynamodb.update_item(
        TableName=TABLE, Key=key, UpdateExpression="SET task_token = :t", ExpressionAttributeValues=token
    )
    assert handler("receive_callback")(event("receive_callback/success")) == {"statusCode": 200}


def test_a_callback_with_half_a_character_is_stored(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    assert handler("receive_callback")({**event("receive_callback/success"), "body": "\ud800"}) == {"statusCode": 200}


def test_the_steps_of_a_job(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.STORING, task_id="J1")
    look_again = {"job_id": JOB_ID, "next": "wait", "wait_seconds": 1, "tracks": []}
    assert handler("create_task")(event("create_task/job")) == look_again
    world.jobs.record_track(
        JOB_ID, Track(track_id="m-1", position=0, state=TrackState.READY, links=(Link("audio", "https://c.example/x"),))
    )
    asset = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="00")
    world.jobs.store_track(JOB_ID, "m-1", [asset], {}, 3.0)
    assert handler("store_track")(event("store_track/track")) == {"track_id": "m-1", "state": "stored"}
    assert handler("finish_job")(event("finish_job/job")) == {"job_id": JOB_ID, "state": "SUCCEEDED"}
    assert handler("check_task")(event("check_task/job"))["next"] == "finish"
    manifest = handler("read_jobs")(event("read_jobs/manifest"))
    assert manifest["statusCode"] == 307
    assert f"/acme/{JOB_ID}/manifest.json?" in manifest["headers"]["Location"]


def test_a_sweep(deployed: SimpleNamespace, world: World) -> None:
    world.clock.now = 1_000
    put_job(world)
    assert handler("reconcile_jobs")(event("reconcile_jobs/schedule")) == {"started": 1, "woken": 0, "complete": True}


def test_every_function_has_an_event_and_a_handler_of_a_few_lines() -> None:
    for folder in (ROOT / "functions").iterdir():
        assert list((ROOT / "events" / folder.name).glob("*.json")), folder.name
        assert len((folder / "app.py").read_text().splitlines()) < 70


def test_a_job_that_others_create_all_the_time_is_a_conflict_to_repeat(deployed: SimpleNamespace) -> None:
    answer = _conflict(Conflict("Many requests came at once"))
    assert answer.status_code == 409
    assert json.loads(str(answer.body))["detail"] == "Many requests came at once; repeat the request."
