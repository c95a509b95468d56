"""What a gateway sent is shown in order and without secrets, and a stored callback can be processed again."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from suno_jobs.cli.main import main
from suno_jobs.cli.problems import CommandError, ExitCode
from suno_jobs.cli.receipts import message_text
from suno_jobs.cli.redaction import cut_secrets
from suno_jobs.steps.receive_callback import CallbackReceiver, sent_bytes
from suno_jobs.storage.receipts import INLINE_BYTES, ReceiptSource
from tests.builders import seeded
from tests.secrets_in_logs import secrets_in
from tests.world import RECEIPTS, TABLE, World

PLACES = ("--table", TABLE, "--receipts", RECEIPTS)
SIGNED = "https://cdn.example/song.mp3?X-Amz-Signature=abc&Expires=1"
LARGE = seeded(1).randbytes(2 * INLINE_BYTES).hex()


def receive(world: World, job_id: str, *sent: tuple[ReceiptSource, Any]) -> None:
    for source, body in sent:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        world.receipts.record(
            job_id, source, content, gateway="ttapi", now=world.now, status=200 if source != "callback" else None
        )
        world.clock.sleep(1)


@pytest.fixture
def job_id(world: World) -> str:
    job_id = world.generating()
    receive(
        world,
        job_id,
        (ReceiptSource.SUBMISSION, {"api_key": "sk-123", "task": "t"}),
        (ReceiptSource.CALLBACK, {"url": SIGNED, "large": LARGE}),
        (ReceiptSource.STATUS, b"<html>no JSON"),
        (ReceiptSource.CALLBACK, {"url": SIGNED, "large": LARGE}),
    )
    return job_id


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == ExitCode.DONE
    return capsys.readouterr().out


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    return code, errors


def test_receipts_are_in_order_with_their_bodies(world: World, job_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "receipts", job_id, *PLACES).splitlines()
    heads = [line.split("  ") for line in lines if not line.startswith(" ")]
    assert [(number, rest.split(",")[0]) for number, _, rest in heads] == [
        ("1", "submission"),
        ("2", "callback"),
        ("3", "status"),
    ]
    assert "HTTP 200" in heads[0][2]
    assert "2 times until" in heads[1][2]
    assert '     "large": "' + LARGE + '"' in lines
    assert "   <html>no JSON" in lines


def test_a_program_reads_them_as_json(world: World, job_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    [first, second, _] = json.loads(run(capsys, "receipts", job_id, *PLACES, "--json"))
    assert (first["number"], first["source"], first["first_at"][-1]) == (1, "submission", "Z")
    assert json.loads(second["body"]) == {"url": "https://cdn.example/song.mp3?[cut]", "large": LARGE}
    whole = json.loads(run(capsys, "receipts", job_id, *PLACES, "--json", "--raw"))
    assert json.loads(whole[1]["body"])["url"] == SIGNED


def test_raw_bodies_are_those_that_were_sent(world: World, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    job_id = world.generating()
    link = f'{{"url":"{SIGNED}"}}'.encode()
    receive(world, job_id, (ReceiptSource.CALLBACK, b"\xff\x00 odd"), (ReceiptSource.STATUS, link))
    capfdbinary.readouterr()
    assert main(("receipts", job_id, *PLACES, "--raw")) == ExitCode.DONE
    assert capfdbinary.readouterr().out == b"\xff\x00 odd\n" + link + b"\n"


MAC = "/v1/callbacks/crun/job_" + "a" * 26 + "/" + "0" * 64


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"audio": SIGNED}]},
        {"callback": f"https://api.example{MAC}"},
        {"param": json.dumps({"callBackUrl": f"https://api.example{MAC}", "url": SIGNED})},
        {"headers": {"Authorization": "sj_live_" + "A" * 37}},
        f'not JSON: "https:\\/\\/api.example{MAC}"'.replace("/v1/", "\\/v1\\/"),
        "Bearer sj_live_" + "A" * 37,
        "[" * 100_000 + SIGNED,
    ],
    ids=lambda body: str(body)[:20],
)
def test_what_is_secret_is_cut(body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    assert [*secrets_in(text.replace("\\", ""), ())] != []
    assert [*secrets_in(cut_secrets(text.encode()).replace("\\", ""), ())] == []


def test_secrets_in_json_in_a_string_are_cut() -> None:
    inside = json.dumps({"api_key": "abcdefgh", "url": "https:\\/\\/a.example\\/?sig=abcdefgh"}).replace("\\\\", "\\")
    assert "abcdefgh" not in cut_secrets(json.dumps({"param": inside}).encode())


HIDDEN = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "body",
    [
        f"id=7&api_key={HIDDEN}&state=done",
        f"X-Api-Key: {HIDDEN}",
        f"HTTP/1.1 200\r\nAuthorization: Token {HIDDEN}\r\n",
        f'<a href="HTTPS://cdn.example/a.mp3?sig={HIDDEN}">',
        f"//cdn.example/a.mp3?sig={HIDDEN}",
        f"https://user:{HIDDEN}@cdn.example/a.mp3",
        f"callback=https%3A%2F%2Fapi.example%2Fv1%2Fcallbacks%2Fttapi%2Fjob_a%2F{HIDDEN}",
        f"url=https%3A%2F%2Fcdn.example%2Fa.mp3%3Fsig%3D{HIDDEN}&state=done",
        f'{{"api_key": "{HIDDEN}", "the rest is miss',
        f'"{{\\"api_key\\": \\"{HIDDEN}\\"}} the rest',
        f'{{"token": {{"value": ["{HIDDEN}"]}}}}',
        f'{{"keys": ["{HIDDEN}"]}}',
        f'{{"note": "bearer {HIDDEN}"}}',
        f'{{"url": "https://app.example/#access_token={HIDDEN}"}}',
    ],
    ids=lambda body: body[:20],
)
def test_a_secret_is_cut_in_every_form(body: str) -> None:
    shown = cut_secrets(body.encode())
    assert HIDDEN not in shown
    assert "[cut]" in shown


def test_a_body_that_is_made_to_be_slow_is_not() -> None:
    started = time.process_time()
    cut_secrets(b"https://" * 10_000)
    assert time.process_time() - started < 5


def test_a_body_sends_no_codes_to_the_terminal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = world.generating()
    receive(world, job_id, (ReceiptSource.CALLBACK, "\x1b]0;title\x07 \x9b31m red\nsecond".encode()))
    shown = run(capsys, "receipts", job_id, *PLACES)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown) is None
    assert "\n   second\n" in shown


def test_what_is_not_secret_stays() -> None:
    harmless = {
        "token": "",
        "tokens": 5,
        "key": 7,
        "text": "[Verse] {odd",
        "lyrics": "Secret: my love // is key = to me",
        "url": "https://cdn.example/a.mp3",
        "none": None,
    }
    assert json.loads(cut_secrets(json.dumps(harmless).encode())) == harmless


def test_a_job_without_receipts_is_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = failed(capsys, "receipts", "job_x", *PLACES)
    assert (code, "no receipt of job_x" in line) == (ExitCode.REFUSED, True)


@pytest.fixture
def replay(world: World) -> SimpleNamespace:
    """The arguments of the command, and the messages in its queue."""
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="callbacks")["QueueUrl"]
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="callback", SecretString='{"current": "new", "previous": "old", "kie_webhook_key": "k"}')

    def messages() -> list[Any]:
        asked = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return asked.get("Messages", [])

    return SimpleNamespace(arguments=(*PLACES, "--queue", queue, "--secret", "callback"), messages=messages)


def test_a_replayed_callback_is_processed_as_a_delivered_one(
    world: World, job_id: str, replay: SimpleNamespace, receiver: CallbackReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert "is in the queue" in run(capsys, "replay", job_id, *replay.arguments)
    messages = replay.messages()
    assert len(messages) == 2
    for message in messages:
        given = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
        path = f"/v1/callbacks/{given['gateway']}/{given['job_id']}/{given['mac']}"
        receiver.receive_callback(path, sent_bytes(message["Body"]), given, world.now)
    [stored] = [each for each in world.receipts.list_receipts(job_id) if each.source == ReceiptSource.CALLBACK]
    assert stored.times == 4


def test_the_last_callback_is_replayed_or_the_one_that_is_named(
    world: World, job_id: str, replay: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(world, job_id, (ReceiptSource.CALLBACK, {"last": True}))
    assert json.loads(run(capsys, "replay", job_id, *replay.arguments, "--json"))["bytes"] == len('{"last": true}')
    run(capsys, "replay", job_id, *replay.arguments, "--number", "2")
    assert ["large" in message["Body"] for message in replay.messages()] == [False, True]


def test_what_cannot_be_replayed_is_refused_with_the_reason(
    world: World, job_id: str, replay: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no job job_x" in failed(capsys, "replay", "job_x", *replay.arguments)[1]
    assert "The callbacks are 2." in failed(capsys, "replay", job_id, *replay.arguments, "--number", "1")[1]
    signed = world.accept("kie", key="key-2")
    receive(world, signed, (ReceiptSource.STATUS, {}))
    capsys.readouterr()
    assert "sent no callback" in failed(capsys, "replay", signed, *replay.arguments)[1]
    receive(world, signed, (ReceiptSource.CALLBACK, {}))
    assert "kie signs its callbacks" in failed(capsys, "replay", signed, *replay.arguments)[1]
    boto3.client("secretsmanager").create_secret(Name="another", SecretString="no JSON")
    another = [each if each != "callback" else "another" for each in replay.arguments]
    assert "is not the callback secret" in failed(capsys, "replay", job_id, *another)[1]
    assert replay.messages() == []


@pytest.mark.parametrize("body", [b'{"a": 1}', "söng".encode(), b"[1]", b'{"a": "\xff"}'])
def test_the_body_survives_the_queue(body: bytes) -> None:
    assert sent_bytes(message_text(body)) == body


def test_a_body_that_the_queue_would_change_is_refused() -> None:
    with pytest.raises(CommandError, match="neither text nor JSON"):
        message_text(b"\xff\xfe")
