"""Reading replies of gateways: the parts that are the same for all."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.gateways.parsing import (
    clean_message,
    find_task_id,
    media_url,
    parse_duration,
    parse_retry_after,
    read_object,
    single_line,
)
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, TaskTrack
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.gateways.tracks import TrackFields, read_tracks, track_ids


def test_the_registry_lists_every_gateway_by_its_name() -> None:
    assert list(GATEWAYS) == ["ttapi", "anyint", "crun", "acedata", "sunoapi", "kie", "evolink", "newapi"]
    assert all(each.name == name for name, each in GATEWAYS.items())


def test_importing_the_registry_loads_no_heavy_library() -> None:
    script = "import sys, suno_jobs.gateways.registry; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "suno_jobs.gateways.adapters.kie" in modules
    assert not modules & {"httpx", "pydantic", "boto3", "email"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1]",
        b'"text"',
        b"{",
        b'{"a":',
        b"\xff\xfe\x00",
        b'{"a":"\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_not_an_object(body: bytes) -> None:
    assert read_object(body) is None


def test_an_object_with_a_byte_order_mark_and_a_duplicate_key() -> None:
    assert read_object(b'\xef\xbb\xbf{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/a.mp3",
        "http://cdn.example:8080/a.mp3?sig=1",
        " https://cdn.example/a ",
        "https://[2001:db8::1]/a.mp3",
        "HTTPS://cdn.example/a",
    ],
)
def test_usable_url(url: str) -> None:
    assert media_url(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        " ",
        "None",
        "null",
        7,
        [],
        "https://cdn.example/None.mp3",
        "https://cdn.example/None.mp3?x=1",
        "https://studio-api.example/api/forbidden",
        "https://studio-api.example/api/forbidden/",
        "ftp://cdn.example/a.mp3",
        "data:audio/mp3;base64,AA",
        "//cdn.example/a.mp3",
        "/a.mp3",
        "https://",
        "https:///a.mp3",
        "https://:443/a.mp3",
        "https://[::1/a.mp3",
        "https://cdn.example:port/a.mp3",
        "https://cdn.example:99999/a.mp3",
        "https://cdn.example/a b.mp3",
        "https://cdn.example/a\n.mp3",
        "https://cdn.example/\ud800",
        "https://cdn.example/" + "a" * 5000,
    ],
)
def test_unusable_url(url: Any) -> None:
    assert media_url(url) is None


@pytest.mark.parametrize(("value", "expected"), [(198, 198.0), (198.2, 198.2), ("211.44", 211.44), (" 90 ", 90.0)])
def test_duration(value: Any, expected: float) -> None:
    assert parse_duration(value) == expected


@pytest.mark.parametrize(
    "value", [None, "", "long", True, 0, -1, float("nan"), float("inf"), "nan", "inf", 10**400, 1e300, [], {}, "3:31"]
)
def test_unusable_duration(value: Any) -> None:
    assert parse_duration(value) is None


def test_plain_text_can_be_stored() -> None:
    assert single_line("a\ud800b\x00c\n d  e") == "a?b c d e"
    assert single_line("") is None
    assert single_line(5) is None
    assert single_line("x" * 999, 10) == "x" * 10


@pytest.mark.parametrize(
    ("message", "cleaned"),
    [
        ("Parameter error", "Parameter error"),
        ("see https://cdn.example/a.mp3?X-Signature=abc for more", "see [link] for more"),
        (r'{"url":"https:\/\/cdn.example\/a"}', "[link]"),
        ("cdn.example/a?Signature=abc failed", "[link] failed"),
        ("bad key ak_live_123", "bad key [hidden]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
        ("api_key=hunter2, sorry", "api_key=[hidden], sorry"),
        ('token: "hunter2"', "token: [hidden]"),
        ("key 0123456789abcdef0123456789abcdef refused", "key [hidden] refused"),
        ("/v1/callbacks/ttapi/j1/0123456789abcdef0123456789abcdef", "[hidden]"),
        ("task d6956973-2f17-43d4-8514-af6cc3a2f55d not found", "task d6956973-2f17-43d4-8514-af6cc3a2f55d not found"),
        ("suno_processing_unavailable", "suno_processing_unavailable"),
    ],
)
def test_messages_contain_no_secrets(message: str, cleaned: str) -> None:
    assert clean_message(message) == cleaned


def test_messages_are_short() -> None:
    assert len(clean_message("so sorry " * 500) or "") == 300
    assert clean_message(None) is None
    assert clean_message({"a": 1}) is None


def test_secrets_are_not_in_a_repr() -> None:
    secret = "https://jobs.example/v1/callbacks/ttapi/j1/mac"
    shown = repr(
        (
            GatewayRequest("POST", "/x", json={"hookUrl": secret}),
            GatewayReply(200, secret.encode()),
            Link("audio", secret),
            TaskTrack("t", links=(Link("audio", secret),)),
        )
    )
    assert "jobs.example" not in shown


NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 12 "}, 12.0),
        ({"retry-after": "9" * 400}, 3600.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "\u00b2"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": NOW}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:00:00 GMT", "date": NOW}, 0.0),
        ({"retry-after": "Mon, 07 Nov 1994 08:49:37 GMT", "date": NOW}, 3600.0),
    ],
)
def test_retry_after(headers: dict[str, str], wait: float | None) -> None:
    assert parse_retry_after(GatewayReply(429, b"", headers)) == wait


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "track-2", "track-3"]),
        ([None, "", "x" * 65, "x" * 64], ["track-1", "track-2", "track-3", "x" * 64]),
        (["../a", "a/b", "a\n", 7, {"a": 1}], ["track-1", "track-2", "track-3", "track-4", "track-5"]),
        ([None, "track-1"], ["track-1-", "track-1"]),
        (["track-2", "track-2"], ["track-2", "track-2-"]),
    ],
)
def test_track_names(given: list[Any], names: list[str]) -> None:
    assert track_ids(given) == names


def test_odd_entries_of_a_track_list() -> None:
    spelling = TrackFields(track_id=("id",), audio=("audio_url",))
    assert read_tracks("nothing", spelling) == ()
    assert read_tracks([None, 5, "x", {}, {"id": "a", "title": "\ud800", "duration": []}], spelling) == (
        TaskTrack("track-1"),
        TaskTrack("a", title="?"),
    )


def test_a_task_id_may_be_a_number() -> None:
    assert find_task_id({"data": {"taskId": 17}}, "taskId") == "17"
    assert find_task_id({"data": {"taskId": True}, "taskId": [1]}, "taskId") is None
