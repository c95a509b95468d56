"""``suno-jobs keys`` and ``webhooks``: what a tenant manages with an API key."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from suno_jobs.cli.client.keys import condition_of
from suno_jobs.cli.problems import ExitCode
from suno_jobs_client.models import Key
from tests.unit.cli.running import Serving, run
from tests.unit.client.service import A_DELIVERY, A_KEY, A_WEBHOOK, an_error, says

NEW_KEY, NEW_WEBHOOK = A_KEY | {"key": "sj_live_new"}, A_WEBHOOK | {"secret": "whsec_bmV3"}
SHOWN: list[tuple[tuple[str, ...], Any, Any]] = [
    (("keys", "list"), {"keys": [A_KEY]}, [A_KEY]),
    (("keys", "create"), NEW_KEY, NEW_KEY),
    (("keys", "rotate", "key_1"), NEW_KEY, NEW_KEY),
    (("keys", "revoke", "key_1"), None, {"key_id": "key_1", "revoked": True}),
    (("webhooks", "list"), {"webhooks": [A_WEBHOOK]}, [A_WEBHOOK]),
    (("webhooks", "get", "we_1"), A_WEBHOOK, A_WEBHOOK),
    (("webhooks", "create", "https://a.example"), NEW_WEBHOOK, NEW_WEBHOOK),
    (("webhooks", "update", "we_1", "--enable"), A_WEBHOOK, A_WEBHOOK),
    (("webhooks", "rotate", "we_1"), NEW_WEBHOOK, NEW_WEBHOOK),
    (("webhooks", "delete", "we_1"), None, {"webhook_id": "we_1", "deleted": True}),
    (("webhooks", "test", "we_1"), A_DELIVERY, A_DELIVERY),
    (("webhooks", "deliveries", "we_1"), {"deliveries": [A_DELIVERY], "next": None}, [A_DELIVERY]),
    (("webhooks", "retry", "we_1", "d_1"), A_DELIVERY, A_DELIVERY),
    (("webhooks", "replay", "we_1", "--since", "2026-11-22"), {"replayed": 2, "next": None}, {"replayed": 2}),
]


@pytest.mark.parametrize(("arguments", "answer", "shown"), SHOWN)
def test_json_is_what_the_api_answered(
    serving: Serving, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], answer: Any, shown: Any
) -> None:
    serving(says(answer) if answer else lambda _: httpx.Response(204))
    assert json.loads(run(capsys, *arguments, "--json")[0]) == shown


def test_a_new_key_is_the_only_output(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a shell can put it into a variable."""
    service = serving(says(NEW_KEY, 201))
    options = ["--name", "web shop", "--scope", "jobs:read", "--scope", "webhooks", "--days", "90", "--mode", "test"]
    out, errors = run(capsys, "keys", "create", *options)
    assert (out, A_KEY["key_id"] in errors) == ("sj_live_new\n", True)
    assert service.sent() == {"name": "web shop", "scopes": ["jobs:read", "webhooks"], "days": 90, "mode": "test"}
    assert run(capsys, "keys", "rotate", "key_1", "--overlap-hours", "0")[0] == "sj_live_new\n"
    assert service.sent() == {"overlap_hours": 0}
    run(capsys, "keys", "create")
    assert service.sent() == {"name": ""}


def test_keys_are_a_table_without_the_keys(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving(says({"keys": [A_KEY, A_KEY | {"key_id": "key_2", "last_used_on": "2026-11-23", "name": ""}]}))
    out, _ = run(capsys, "keys", "list")
    assert re.search(r"key_0123456789abcdef +sj_live_abcd\.\.\. +valid +never used +jobs:read, keys +web shop", out)
    assert re.search(r"key_2 +sj_live_abcd\.\.\. +valid +2026-11-23", out)
    serving(lambda _: httpx.Response(204))
    assert run(capsys, "keys", "revoke", "key_1")[0] == "key_1 is revoked\n"


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({}, "valid"),
        ({"expires_at": "2026-11-27T00:00:01Z"}, "valid until 2026-11-27"),
        ({"expires_at": "2026-11-27T00:00:00Z"}, "expired 2026-11-27"),
        ({"expires_at": "2026-11-26T00:00:00Z", "revoked_at": "2026-11-25T00:00:00Z"}, "revoked 2026-11-25"),
    ],
)
def test_the_condition_of_a_key_is_shown(changes: dict[str, str], condition: str) -> None:
    assert condition_of(Key.model_validate(A_KEY | changes), datetime(2026, 11, 27, tzinfo=UTC)) == condition


def test_a_webhook_is_created_changed_and_deleted(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    service = serving(says(NEW_WEBHOOK | {"previous_secret_until": "2026-11-28T02:00:00Z"}, 201))
    events = ["--event", "job.succeeded", "--event", "job.failed"]
    out, _ = run(capsys, "webhooks", "create", "https://a.example", *events, "--description", "the shop")
    assert re.search(r"^secret, shown only now +whsec_bmV3$", out, re.MULTILINE)
    assert re.search(r"^earlier secret until +2026-11-28 02:00$", out, re.MULTILINE)
    changes = {"events": ["job.succeeded", "job.failed"], "description": "the shop"}
    assert service.sent() == {"url": "https://a.example", **changes}
    service.replies = [says(A_WEBHOOK)]
    run(capsys, "webhooks", "update", "we_1", "--url", "https://b.example", *events, "--description", "the shop", "--disable")
    assert service.sent() == {"url": "https://b.example", **changes, "disabled": True}
    assert "secret" not in run(capsys, "webhooks", "get", "we_1")[0]
    _, errors = run(capsys, "webhooks", "update", "we_1", code=ExitCode.WRONG_ARGUMENTS)
    assert "nothing to change" in errors
    service.replies = [lambda _: httpx.Response(204)]
    assert run(capsys, "webhooks", "delete", "we_1")[0] == "we_1 is deleted\n"


def test_webhooks_are_listed_with_their_condition(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-11-22T02:00:00Z"
    disabled = {"webhook_id": "default", "url": None, "disabled_at": at, "disabled_by": "gone"}
    serving(says({"webhooks": [A_WEBHOOK, A_WEBHOOK | {"failing_since": at}, A_WEBHOOK | disabled]}))
    out, _ = run(capsys, "webhooks", "list")
    assert re.search(r"in use +https://shop\.example/hooks +the shop", out)
    assert "failing since 2026-11-22 02:00" in out
    assert re.search(r"default +disabled \(gone\) +the shop", out)


def test_deliveries_are_listed_retried_and_replayed(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    lost = A_DELIVERY | {"attempts": [{"at": "2026-11-22T02:00:00Z", "status": None, "milliseconds": 9, "answer": ""}]}
    skipped = A_DELIVERY | {"attempts": [], "state": "skipped", "reason": "the webhook is disabled"}
    service = serving(says({"deliveries": [A_DELIVERY, lost, skipped], "next": "d_1"}))
    out, _ = run(capsys, "webhooks", "deliveries", "we_1", "--limit", "3")
    assert re.search(r"job\.succeeded +failed +2026-11-22 02:00 +500 in 12 ms: no", out)
    assert "none in 9 ms" in out
    assert re.search(r"skipped +2026-11-22 02:00 +the webhook is disabled", out)
    assert len(service.requests) == 1
    service.replies = [says(A_DELIVERY, 202)]
    assert A_DELIVERY["delivery_id"] in run(capsys, "webhooks", "retry", "we_1", "d_1")[0]
    assert A_DELIVERY["delivery_id"] in run(capsys, "webhooks", "test", "we_1")[0]
    service.replies = [says({"replayed": 2, "next": None})]
    replay = ("webhooks", "replay", "we_1", "--since", "2026-11-22")
    assert run(capsys, *replay, "--until", "2026-11-23T02:00:00+02:00", "--delivered")[0] == "2 deliveries are sent again\n"
    range_of_time = {"since": "2026-11-22T00:00:00+00:00", "until": "2026-11-23T02:00:00+02:00"}
    assert service.sent() == {**range_of_time, "delivered": True}
    _, errors = run(capsys, *replay, "--until", "yesterday", code=ExitCode.WRONG_ARGUMENTS)
    assert "--until yesterday" in errors


def test_a_key_without_the_scope_is_reported(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving(an_error(403, "scope-missing", "The API key lacks the scope keys."))
    assert "lacks the scope keys" in run(capsys, "keys", "list", code=ExitCode.NOT_PERMITTED)[1]
