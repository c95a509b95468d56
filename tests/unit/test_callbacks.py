import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable

import pytest

from suno_jobs.callbacks import MAX_BODY_BYTES, Receiver, callback_url, mac, verify
from suno_jobs.errors import CallbackRefused
from suno_jobs.secret import KEEP_SECONDS, RENEW_SECONDS, Secret
from tests.world import PACE, RECEIPTS, TABLE, Clock, FixedSecret, World

BODY = b'{"jobId": "J1", "status": "SUCCESS"}'


class Rotating:
    def __init__(self, clock: Clock, **values: str) -> None:
        self.client = FixedSecret(values)
        self.secret = Secret(lambda: self.client, "callback", clock)  # type: ignore[arg-type,return-value]


@pytest.fixture
def rotating(world: World) -> Rotating:
    return Rotating(world.clock, current="new", previous="old")


@pytest.fixture
def receiver(world: World, rotating: Rotating) -> Receiver:
    return Receiver(
        secret=rotating.secret,
        receipts=world.receipts,
        jobs=world.jobs,
        executions=lambda: world.executions,  # type: ignore[arg-type,return-value]
        slack_seconds=PACE.slack,
        clock=world.clock,
    )


def path(job_id: str, secret: str = "new", gateway: str = "ttapi") -> str:
    return f"/v1/callbacks/{gateway}/{job_id}/{mac(secret, gateway, job_id)}"


def arm(world: World, job_id: str) -> None:
    """What the state machine does when it waits."""
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET task_token = :t",
        ConditionExpression="attribute_not_exists(signalled)",
        ExpressionAttributeValues={":t": {"S": "token"}},
    )


def test_a_forged_callback_is_refused_also_when_the_secret_was_just_rotated(
    world: World, receiver: Receiver, rotating: Rotating
) -> None:
    job_id = world.generating()
    rotating.secret.values()
    rotating.client.value = {"current": "newer", "previous": "new"}
    world.clock.sleep(RENEW_SECONDS)
    with pytest.raises(CallbackRefused):
        receiver(path(job_id, secret="guessed"), BODY, {})
    assert world.items("RECEIPT#") == []
    receiver(path(job_id, secret="newer"), BODY, {})


def test_a_callback_is_stored_and_wakes_who_waits_once(world: World, receiver: Receiver) -> None:
    job_id = world.generating()
    arm(world, job_id)
    receiver(path(job_id), BODY, {})
    receiver(path(job_id), BODY, {})
    assert world.executions.woken == ["token"]
    [item] = world.items("RECEIPT#callback#")
    assert zlib.decompress(item["body"]["B"]) == BODY
    assert item["times"] == {"N": "2"}
    assert int(item["expires_at"]["N"]) == world.now + 30 * 86400


def test_a_callback_before_anybody_waits_leaves_a_signal_that_no_wait_can_miss(world: World, receiver: Receiver) -> None:
    job_id = world.generating()
    receiver(path(job_id), BODY, {})
    with pytest.raises(world.dynamodb.exceptions.ConditionalCheckFailedException):
        arm(world, job_id)
    assert world.executions.woken == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[]", b'{"unknown": "shape"}'])
def test_a_body_of_any_shape_is_stored_and_signalled(world: World, receiver: Receiver, body: bytes) -> None:
    job_id = world.generating()
    arm(world, job_id)
    receiver(path(job_id), body, {})
    assert list(world.receipts.callbacks(job_id)) == [body]
    assert world.executions.woken == ["token"]


def test_a_large_body_lies_in_the_bucket_and_comes_back_whole(world: World, receiver: Receiver) -> None:
    job_id = world.generating()
    body = bytes(index * index % 251 for index in range(MAX_BODY_BYTES // 4)) + str(list(range(20000))).encode()
    receiver(path(job_id), body, {})
    [stored] = world.s3.list_objects_v2(Bucket=RECEIPTS)["Contents"]
    assert world.s3.head_object(Bucket=RECEIPTS, Key=stored["Key"])["ContentType"] == "application/zlib"
    assert "body" not in world.items("RECEIPT#")[0]
    assert list(world.receipts.callbacks(job_id)) == [body]


def test_a_body_over_the_limit_is_refused(world: World, receiver: Receiver) -> None:
    job_id = world.generating()
    receiver(path(job_id), bytes(MAX_BODY_BYTES), {})
    with pytest.raises(CallbackRefused) as refused:
        receiver(path(job_id), bytes(MAX_BODY_BYTES + 1), {})
    assert refused.value.status == 413


def test_a_callback_for_a_job_that_does_not_exist_is_kept_and_creates_no_job(world: World, receiver: Receiver) -> None:
    job_id = "job_" + "0" * 26
    receiver(path(job_id), BODY, {})
    assert world.items("JOB") == []
    assert len(world.items("RECEIPT#")) == 1


@pytest.mark.parametrize(
    "forged",
    [
        lambda job_id: path(job_id, "guess"),
        lambda job_id: path(job_id).replace("ttapi", "crun"),
        lambda job_id: path("job_" + "1" * 26).replace("1" * 26, job_id.removeprefix("job_")),
        lambda job_id: path(job_id)[:-1],
        lambda job_id: path(job_id) + "/",
        lambda job_id: path(job_id) + "\n",
        lambda job_id: path(job_id)[:-64] + path(job_id)[-64:].upper(),
        lambda job_id: path(job_id).replace("job_", "job%5F"),
        lambda job_id: path(job_id)[:-64] + "%" + format(ord(path(job_id)[-64]), "x") + path(job_id)[-63:],
        lambda job_id: path(job_id)[:-64],
        lambda _: "",
    ],
)
def test_a_forged_path_is_refused_and_leaves_nothing(world: World, receiver: Receiver, forged: object) -> None:
    job_id = world.generating()
    before = world.items("")
    with pytest.raises(CallbackRefused) as refused:
        receiver(forged(job_id), BODY, {})  # type: ignore[operator]
    assert refused.value.status == 401
    assert world.items("") == before


def test_both_secrets_are_accepted_during_a_rotation(world: World, receiver: Receiver) -> None:
    job_id = world.generating()
    receiver(path(job_id, "new"), BODY, {})
    receiver(path(job_id, "old"), BODY, {})


def test_a_rotation_is_noticed_with_the_first_callback_that_needs_it(rotating: Rotating, world: World) -> None:
    job_id = "job_" + "a" * 26
    verify(path(job_id, "new"), rotating.secret)
    rotating.client.value = {"current": "newest", "previous": "new"}
    world.clock.sleep(RENEW_SECONDS)
    assert verify(path(job_id, "newest"), rotating.secret) == ("ttapi", job_id)
    with pytest.raises(CallbackRefused):
        verify(path(job_id, "old"), rotating.secret)


def test_a_flood_of_forgeries_is_no_flood_of_reads(rotating: Rotating, world: World) -> None:
    for _ in range(100):
        with pytest.raises(CallbackRefused):
            verify(path("job_" + "a" * 26, "guess"), rotating.secret)
    assert rotating.client.reads == 1
    world.clock.sleep(RENEW_SECONDS)
    with pytest.raises(CallbackRefused):
        verify(path("job_" + "a" * 26, "guess"), rotating.secret)
    assert rotating.client.reads == 2


def test_a_secret_is_read_again_after_a_while(rotating: Rotating, world: World) -> None:
    assert rotating.secret.values() == {"current": "new", "previous": "old"}
    rotating.client.value = {"current": "newest"}
    world.clock.sleep(KEEP_SECONDS - 1)
    assert rotating.secret.values()["current"] == "new"
    world.clock.sleep(1)
    assert rotating.secret.values()["current"] == "newest"


@pytest.mark.parametrize("values", [{}, {"current": "", "previous": ""}, {"current": None}])
def test_an_empty_secret_authenticates_nobody(values: dict[str, str], world: World) -> None:
    secret = Rotating(world.clock, **values).secret
    with pytest.raises(CallbackRefused):
        verify("/v1/callbacks/ttapi/job_" + "a" * 26 + "/" + "0" * 64, secret)
    with pytest.raises(ValueError, match="empty"):
        mac("", "ttapi", "job_1")


def test_our_url_is_the_one_that_is_accepted(rotating: Rotating) -> None:
    job_id = "job_" + "0v" * 13
    url = callback_url("https://api.example/", rotating.secret, "ttapi", job_id)
    assert url.startswith("https://api.example/v1/callbacks/ttapi/")
    assert verify(url.removeprefix("https://api.example"), rotating.secret) == ("ttapi", job_id)


@pytest.mark.parametrize("text", ["not json: hunter2", "[]", '"hunter2"'])
def test_a_secret_of_another_form_is_refused_without_showing_it(world: World, text: str) -> None:
    client = FixedSecret({})
    client.get_secret_value = lambda **_: {"SecretString": text}  # type: ignore[method-assign]
    secret = Secret(lambda: client, "callback", world.clock)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="not a JSON object") as error:
        secret.values()
    assert error.value.__cause__ is None
    assert error.value.__context__ is None
    assert "hunter2" not in str(error.value)


def test_json_in_the_secret_is_what_is_returned(world: World) -> None:
    client = FixedSecret({"a/default": {"api_key": "k"}})
    assert json.dumps(Secret(lambda: client, "x", world.clock).values()) == '{"a/default": {"api_key": "k"}}'  # type: ignore[arg-type,return-value]


def signature(key: str, task_id: str, timestamp: int) -> dict[str, str]:
    signed = hmac.digest(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return {"x-webhook-timestamp": str(timestamp), "x-webhook-signature": base64.b64encode(signed).decode()}


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        (lambda now: signature("hook", "J1", now), True),
        (lambda now: signature("hook", "J2", now), False),
        (lambda now: signature("other", "J1", now), False),
        (lambda now: signature("hook", "J1", now - 1000), False),
        (lambda _: {}, False),
    ],
)
def test_where_a_gateway_signs_and_its_key_is_set_both_must_fit(
    world: World, receiver: Receiver, rotating: Rotating, headers: Callable[[int], dict[str, str]], accepted: bool
) -> None:
    body = b'{"code": 200, "data": {"task_id": "J1"}}'
    job_id = world.generating("kie")
    rotating.client.value = {"current": "new", "kie_webhook_key": "hook"}
    if accepted:
        receiver(path(job_id, gateway="kie"), body, headers(world.now))
    else:
        with pytest.raises(CallbackRefused, match="wrong signature"):
            receiver(path(job_id, gateway="kie"), body, headers(world.now))
    assert len(world.items("RECEIPT#")) == accepted


def test_a_webhook_key_that_was_just_replaced_is_noticed(world: World, receiver: Receiver, rotating: Rotating) -> None:
    job_id = world.generating("kie")
    rotating.client.value = {"current": "new", "kie_webhook_key": "before"}
    rotating.secret.values()
    rotating.client.value = {"current": "new", "kie_webhook_key": 7}
    world.clock.sleep(RENEW_SECONDS)
    receiver(path(job_id, gateway="kie"), b'{"data": {"task_id": "J1"}}', signature("7", "J1", world.now))


def test_a_signing_key_of_a_gateway_that_does_not_sign_changes_nothing(
    world: World, receiver: Receiver, rotating: Rotating
) -> None:
    rotating.client.value = {"current": "new", "ttapi_webhook_key": "hook"}
    receiver(path(world.generating()), BODY, {})
