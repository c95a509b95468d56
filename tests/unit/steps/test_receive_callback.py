from __future__ import annotations

import base64
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.source import read_template
from suno_jobs.errors import CallbackRefused, SecretNotRenewed
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import FileTerms
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.runtime.secrets import RENEW_SECONDS
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.storage.signals import Signalled
from tests.builders import (
    BODY,
    JOB_ID,
    RotatingSecret,
    await_signal,
    ended_execution,
    event,
    handler,
    kie_signature,
    load_app,
    path,
    put_job,
    timed_out,
)
from tests.world import RECEIPTS, ROOT, TABLE, World


def test_a_forged_callback_is_refused_just_after_a_rotation(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret
) -> None:
    job_id = world.generating()
    rotating.secret.values()
    rotating.client.value = {"current": "newer", "previous": "new"}
    world.clock.sleep(RENEW_SECONDS)
    with pytest.raises(CallbackRefused):
        receiver.receive_callback(path(job_id, secret="guessed"), BODY, {}, world.now)
    assert world.items("RECEIPT#") == []
    receiver.receive_callback(path(job_id, secret="newer"), BODY, {}, world.now)
    assert len(world.items("RECEIPT#callback#")) == 1


def test_a_callback_is_stored_and_wakes_the_waiting_execution(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.generating()
    await_signal(world, job_id)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert world.executions.woken == ["token"]
    world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert world.executions.woken == ["token"]
    [item] = world.items("RECEIPT#callback#")
    assert zlib.decompress(item["body"]["B"]) == BODY
    assert item["times"] == {"N": "2"}
    assert int(item["expires_at"]["N"]) == world.now + 30 * 86400


def test_a_callback_before_the_wait_leaves_a_signal_that_prevents_the_wait(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.generating()
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    with pytest.raises(world.dynamodb.exceptions.ConditionalCheckFailedException):
        await_signal(world, job_id)
    assert world.executions.woken == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[]", b'{"unknown": "shape"}'])
def test_a_body_of_any_shape_is_stored_and_signalled(world: World, receiver: CallbackReceiver, body: bytes) -> None:
    job_id = world.generating()
    await_signal(world, job_id)
    receiver.receive_callback(path(job_id), body, {}, world.now)
    assert list(world.receipts.callbacks(job_id)) == [("ttapi", body)]
    assert world.executions.woken == ["token"]


def test_a_large_body_is_stored_in_the_bucket_and_read_back_completely(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.generating()
    body = bytes(index * index % 251 for index in range(2**16)) + str(list(range(20000))).encode()
    receiver.receive_callback(path(job_id), body, {}, world.now)
    [stored] = world.s3.list_objects_v2(Bucket=RECEIPTS)["Contents"]
    assert world.s3.head_object(Bucket=RECEIPTS, Key=stored["Key"])["ContentType"] == "application/zlib"
    assert "body" not in world.items("RECEIPT#")[0]
    assert list(world.receipts.callbacks(job_id)) == [("ttapi", body)]


def test_a_callback_for_an_unknown_job_is_stored_and_creates_no_job(world: World, receiver: CallbackReceiver) -> None:
    job_id = "job_" + "0" * 26
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
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
def test_a_forged_path_is_refused_and_nothing_is_stored(
    world: World, receiver: CallbackReceiver, forged: Callable[[str], str]
) -> None:
    job_id = world.generating()
    before = world.items("")
    with pytest.raises(CallbackRefused):
        receiver.receive_callback(forged(job_id), BODY, {}, world.now)
    assert world.items("") == before


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        (lambda now: kie_signature("hook", "J1", now), True),
        (lambda now: kie_signature("hook", "J2", now), False),
        (lambda now: kie_signature("other", "J1", now), False),
        (lambda now: kie_signature("hook", "J1", now - 1000), False),
        (lambda _: {}, False),
    ],
)
def test_with_a_webhook_key_both_the_mac_and_the_signature_must_match(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret, headers: Callable[[int], dict[str, str]], accepted: bool
) -> None:
    body = b'{"code": 200, "data": {"task_id": "J1"}}'
    job_id = world.generating("kie")
    rotating.client.value = {"current": "new", "kie_webhook_key": "hook"}
    if accepted:
        receiver.receive_callback(path(job_id, gateway="kie"), body, headers(world.now), world.now)
    else:
        with pytest.raises(CallbackRefused, match="wrong signature"):
            receiver.receive_callback(path(job_id, gateway="kie"), body, headers(world.now), world.now)
    assert len(world.items("RECEIPT#")) == accepted


def test_a_webhook_key_that_was_just_replaced_is_detected(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret
) -> None:
    job_id = world.generating("kie")
    rotating.client.value = {"current": "new", "kie_webhook_key": "before"}
    rotating.secret.values()
    rotating.client.value = {"current": "new", "kie_webhook_key": 7}
    world.clock.sleep(RENEW_SECONDS)
    receiver.receive_callback(
        path(job_id, gateway="kie"), b'{"data": {"task_id": "J1"}}', kie_signature("7", "J1", world.now), world.now
    )
    assert len(world.items("RECEIPT#callback#")) == 1


def test_a_signing_key_of_a_gateway_that_does_not_sign_changes_nothing(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret
) -> None:
    rotating.client.value = {"current": "new", "ttapi_webhook_key": "hook"}
    receiver.receive_callback(path(world.generating()), BODY, {}, world.now)
    assert len(world.items("RECEIPT#callback#")) == 1


@pytest.mark.parametrize("days", [0, 13])
def test_the_time_of_a_signature_is_compared_with_the_time_at_which_it_was_sent(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret, days: int
) -> None:
    """The callback may have waited in the queue."""
    job_id = world.generating("kie")
    rotating.client.value = {"current": "new", "kie_webhook_key": "hook"}
    sent_at = world.now
    world.clock.sleep(days * 86_400)
    headers = kie_signature("hook", "J1", sent_at)
    receiver.receive_callback(path(job_id, gateway="kie"), b'{"data": {"task_id": "J1"}}', headers, sent_at)
    assert len(world.items("RECEIPT#")) == 1


@pytest.mark.parametrize(("name", "stored"), [("success", 1), ("binary", 1), ("forged", 0)])
def test_the_handler_stores_authentic_callbacks_only_and_lets_all_be_deleted(
    deployed: SimpleNamespace, world: World, name: str, stored: int
) -> None:
    put_job(world, task_id="J1")
    assert handler("receive_callback")(event(f"receive_callback/{name}")) == RECEIVED
    assert len(list(world.receipts.callbacks(JOB_ID))) == stored


RECEIVED: dict[str, Any] = {"batchItemFailures": []}


def record(**changes: Any) -> dict[str, Any]:
    [found] = event("receive_callback/success")["Records"]
    return {**found, **changes}


JSON = b'{"jobId": "J1", "title": "\xc3\xa9"}'


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (JSON.decode(), JSON),
        (base64.b64encode(JSON).decode(), JSON),
        (base64.b64encode(b"\n [1]").decode(), b"\n [1]"),
        (base64.b64encode(b"\xff\0").decode(), base64.b64encode(b"\xff\0")),
        ("null", b"null"),
        ("\ud800", b"\xed\xa0\x80"),
        ("a b\u00e9", b"a b\xc3\xa9"),
    ],
)
def test_the_handler_stores_the_bytes_that_were_sent(deployed: SimpleNamespace, world: World, text: str, stored: bytes) -> None:
    """JSON whose content type is not that of a text may be in the message in Base64."""
    put_job(world)
    assert handler("receive_callback")({"Records": [record(body=text)]}) == RECEIVED
    assert list(world.receipts.callbacks(JOB_ID)) == [("ttapi", stored)]


def test_of_a_batch_only_what_failed_is_delivered_again(
    deployed: SimpleNamespace, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that cannot be stored now, a forged one and one without attributes keep no other one from being stored."""
    put_job(world)
    monkeypatch.setenv("RECEIPTS_BUCKET", "no-such-bucket")
    large = "".join(str(number) for number in range(50_000))
    [forged] = event("receive_callback/forged")["Records"]
    records = [record(messageId="large", body=large), forged, record(messageAttributes={}), record(messageId="last")]
    assert handler("receive_callback")({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "large"}]}
    assert list(world.receipts.callbacks(JOB_ID)) == [("ttapi", record()["body"].encode())]


def test_a_batch_of_which_nothing_is_received_counts_as_an_error(
    deployed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda's metric Errors can then take a bad version back."""
    monkeypatch.setenv("JOBS_TABLE", "no-such-table")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        handler("receive_callback")({"Records": [record(), record(messageId="2")]})


def test_a_callback_that_cannot_be_checked_yet_is_delivered_again_and_counts_as_no_error(
    deployed: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret was read for the first one, which is refused. The others may be authentic under a later secret."""
    [forged] = event("receive_callback/forged")["Records"]
    caplog.set_level("INFO")
    app = load_app("receive_callback")
    sent_now = {**forged, "attributes": {**forged["attributes"], "SentTimestamp": str(int(time.time() * 1000))}}
    assert app.lambda_handler({"Records": [forged, {**sent_now, "messageId": "2"}]}, None) == {
        "batchItemFailures": [{"itemIdentifier": "2"}]
    }
    assert app.lambda_handler({"Records": [{**sent_now, "messageId": "3"}]}, None) == {
        "batchItemFailures": [{"itemIdentifier": "3"}]
    }
    later = [each for each in caplog.records if each.getMessage().startswith("callback is delivered again")]
    assert [(each.levelname, each.exc_info) for each in later] == [("INFO", None)] * 2


def test_the_metric_of_refused_callbacks_counts_what_is_logged(
    deployed: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    pattern = read_template(ROOT)["Resources"]["RefusedCallbacksMetric"]["Properties"]["FilterPattern"]
    [counted] = re.findall(r'message = "(.*)\*"', pattern)
    handler("receive_callback")(event("receive_callback/forged"))
    [refused] = caplog.records
    assert refused.getMessage().startswith(counted)


def test_an_error_counts_although_another_callback_of_its_batch_cannot_be_checked_yet(
    deployed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_TABLE", "no-such-table")
    [forged] = event("receive_callback/forged")["Records"]
    sent_now = {**forged, "attributes": {**forged["attributes"], "SentTimestamp": str(int(time.time() * 1000))}}
    app = load_app("receive_callback")
    app.lambda_handler({"Records": [forged]}, None)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        app.lambda_handler({"Records": [sent_now, record(messageId="2")]}, None)


@pytest.mark.parametrize("gateway", ["ttapi", "kie"])
def test_a_flood_of_forgeries_is_refused_when_it_is_delivered_again(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret, gateway: str
) -> None:
    """By MAC, or by a signature with a wrong key. One of them causes a read, and none is delivered a third time."""
    rotating.client.value = {"current": "new", "kie_webhook_key": "hook"}
    job_id = world.generating(gateway)
    forged, sent_at = path(job_id, "new" if gateway == "kie" else "guess", gateway), world.now

    def receive() -> None:
        receiver.receive_callback(forged, BODY, kie_signature("guess", "J1", sent_at), sent_at)

    with pytest.raises(CallbackRefused):
        receive()
    reads = rotating.client.reads
    for _ in range(50):
        with pytest.raises(SecretNotRenewed):
            receive()
    assert rotating.client.reads == reads
    world.clock.sleep(90)
    for _ in range(50):
        with pytest.raises(CallbackRefused):
            receive()
    assert rotating.client.reads == reads + 1
    assert world.items("RECEIPT#") == []


def test_an_authentic_callback_is_received_although_the_replaced_secret_could_not_be_read_at_first(
    world: World, receiver: CallbackReceiver, rotating: RotatingSecret
) -> None:
    job_id = world.generating()
    rotating.secret.values()
    world.clock.sleep(60)
    rotating.client.value = {"current": "newer", "previous": "new"}
    rotating.client.throttled = 1
    sent_at = world.now
    for error in (ClientError, SecretNotRenewed):
        with pytest.raises(error):
            receiver.receive_callback(path(job_id, secret="newer"), BODY, {}, sent_at)
    world.clock.sleep(RENEW_SECONDS)
    receiver.receive_callback(path(job_id, secret="newer"), BODY, {}, sent_at)
    assert len(world.items("RECEIPT#callback#")) == 1


def test_i9_nothing_of_a_message_is_logged(
    deployed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("JOBS_TABLE", "no-such-table")
    [forged] = event("receive_callback/forged")["Records"]
    handler("receive_callback")({"Records": [record(), forged]})
    assert [each.getMessage() for each in caplog.records] == ["callback not received", "callback refused: wrong MAC"]
    mac = record()["messageAttributes"]["mac"]["stringValue"]
    for secret in (mac, mac[:-2], "cdn.ttapi.io", "receipt-handle"):
        assert secret not in caplog.text


def test_the_handler_wakes_the_execution_that_holds_the_task_token(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, task_id="J1")
    await_signal(world, JOB_ID, "token of the waiting execution")
    app = load_app("receive_callback")
    woken: list[dict[str, str]] = []
    app.client("stepfunctions", app.REQUEST).meta.events.register(
        "provide-client-params.sfn.SendTaskSuccess", lambda params, **_: woken.append(params)
    )
    assert app.lambda_handler(event("receive_callback/success"), None) == RECEIVED
    assert woken == [{"taskToken": "token of the waiting execution", "output": "{}"}]


def test_the_handler_starts_the_next_execution_of_a_timed_out_job(
    deployed: SimpleNamespace, world: World, state_machine: str
) -> None:
    put_job(world, task_id="J1")
    executions = boto3.client("stepfunctions")
    first = executions.start_execution(stateMachineArn=state_machine, name=JOB_ID)
    executions.stop_execution(executionArn=first["executionArn"])
    world.jobs.finish(world.job(JOB_ID), JobState.TIMED_OUT, None, now=world.now, recoverable_until=world.now + 10**9)
    assert handler("receive_callback")(event("receive_callback/success")) == RECEIVED
    listed = executions.list_executions(stateMachineArn=state_machine)["executions"]
    assert {each["name"]: each["status"] for each in listed} == {JOB_ID: "ABORTED", f"{JOB_ID}-1": "RUNNING"}


def losing_the_first_answer(write: Callable[[], Signalled | str | None]) -> Signalled | str | None:
    """The AWS client repeats a request whose answer was lost."""
    write()
    return write()


def test_a_signal_whose_answer_was_lost_still_finds_the_task_token(world: World) -> None:
    job_id = world.generating()
    await_signal(world, job_id)
    signalled = losing_the_first_answer(lambda: world.jobs.signals.signal(job_id, Cause.CALLBACK))
    assert isinstance(signalled, Signalled)
    assert signalled.task_token == "token"


def test_a_stage_whose_answer_was_lost_still_finds_the_task_token(world: World) -> None:
    job_id = world.generating("sunoapi")
    await_signal(world, job_id)
    assert losing_the_first_answer(lambda: world.jobs.signals.signal_stage(job_id)) == "token"


def test_a_stage_does_not_replace_the_signal_of_another_caller(world: World) -> None:
    job_id = world.generating("sunoapi")
    await_signal(world, job_id)
    world.jobs.signals.signal(job_id, Cause.CALLBACK)
    assert world.jobs.signals.signal_stage(job_id) is None
    assert world.items("JOB")[0]["signalled"] == {"S": "callback"}


def test_a_callback_resumes_a_job_in_recovery_whose_task_token_is_of_no_use(world: World, receiver: CallbackReceiver) -> None:
    job_id = timed_out(world)
    world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    await_signal(world, job_id, "old token")
    world.executions.dead.add("old token")
    ended_execution(world, job_id)
    receiver.receive_callback(path(job_id), BODY, {}, world.now)
    assert world.executions.woken == ["old token"]
    assert (job_id, 1) in world.executions.states


# Stages

FIRST = b'{"code": 200, "data": {"callbackType": "first", "task_id": "J1", "data": []}}'


def staged(world: World, receiver: CallbackReceiver, body: bytes = FIRST) -> str:
    """A job whose execution waits, and that gets a callback."""
    job_id = world.generating("sunoapi")
    await_signal(world, job_id)
    receiver.receive_callback(path(job_id, gateway="sunoapi"), body, {}, world.now)
    assert list(world.receipts.callbacks(job_id)) == [("sunoapi", body)]
    return job_id


@pytest.mark.parametrize("body", [FIRST, b'{"callbackType": "text", "task_id": "J1", "data": []}'])
def test_an_intermediate_stage_is_read_while_a_slot_is_idle(world: World, receiver: CallbackReceiver, body: bytes) -> None:
    job_id = staged(world, receiver, body)
    assert world.executions.woken == ["token"]
    checked = world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    assert checked is not None
    assert checked.cause is Cause.STAGE


def test_an_intermediate_stage_wakes_nothing_while_no_slot_is_idle(world: World, receiver: CallbackReceiver) -> None:
    world.use_up_slots(world.accept("sunoapi", "other"))
    job_id = staged(world, receiver)
    assert world.executions.woken == []
    assert "signalled" not in world.items("JOB")[0]
    receiver.receive_callback(path(job_id, gateway="sunoapi"), FIRST.replace(b"first", b"complete"), {}, world.now)
    assert world.executions.woken == ["token"]


def test_an_intermediate_stage_leaves_no_signal_for_an_execution_that_works(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.generating("sunoapi")
    receiver.receive_callback(path(job_id, gateway="sunoapi"), FIRST, {}, world.now)
    await_signal(world, job_id)


def test_the_last_stage_is_the_cause_of_the_check_after_both(world: World, receiver: CallbackReceiver) -> None:
    job_id = staged(world, receiver)
    receiver.receive_callback(path(job_id, gateway="sunoapi"), BODY, {}, world.now)
    checked = world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    assert checked is not None
    assert checked.cause is Cause.CALLBACK


@pytest.mark.parametrize(
    "body",
    [
        FIRST.replace(b"first", b"complete"),
        FIRST.replace(b"first", b"error"),
        FIRST.replace(b"first", b"second"),
        FIRST.replace(b'"first"', b'["first"]'),
        b'{"callbackType": "first", "data": {"callbackType": "complete", "task_id": "J1"}}',
        b'["first", "J1"]',
        b'"first J1"',
        b"[" * 100_000 + b"J1",
        b"\xffJ1",
        b'{"task_id": "J1"}',
        b"{}",
    ],
)
def test_whatever_is_no_intermediate_stage_wakes_the_execution(world: World, receiver: CallbackReceiver, body: bytes) -> None:
    world.use_up_slots(world.accept("sunoapi", "other"))
    staged(world, receiver, body)
    assert world.executions.woken == ["token"]


def test_i11_an_intermediate_stage_reveals_the_task_of_a_lost_answer(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.accept("sunoapi")
    job = replace(world.job(job_id), stage_words=GATEWAYS["sunoapi"].stage_words)
    world.jobs.submissions.begin_submission(job, "i1", FileTerms(), now=world.now, due_at=world.now)
    world.use_up_slots(job_id)
    receiver.receive_callback(path(job_id, gateway="sunoapi"), FIRST, {}, world.now)
    assert world.items("JOB")[0]["signalled"] == {"S": "callback"}


def test_an_intermediate_stage_of_a_job_with_a_lost_attempt_is_a_signal(world: World, receiver: CallbackReceiver) -> None:
    job_id = world.generating("sunoapi")
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET attempts = list_append(attempts, :lost)",
        ExpressionAttributeValues={":lost": {"L": [{"M": {"at": {"N": "1"}}}]}},
    )
    receiver.receive_callback(path(job_id, gateway="sunoapi"), FIRST, {}, world.now)
    assert world.items("JOB")[0]["signalled"] == {"S": "callback"}
