"""A tenant manages its own endpoints. A secret is shown once, and no URL leads to an address that is not public."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import Conflict, InvalidRequest, TooManyWebhooks, WebhookNotFound
from suno_jobs.network import local_origins
from suno_jobs.steps.manage_webhooks import MAX_WEBHOOKS, WebhookManager
from suno_jobs.storage.update_expressions import Change
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT, MAX_REPLACED, Endpoint
from tests.builders import event, handler
from tests.world import TABLE, Clock

HOOK = {"url": "https://shop.example/hooks"}
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(aws: SimpleNamespace, clock: Clock) -> WebhookManager:
    number = itertools.count(1000)
    return WebhookManager(
        table=EndpointTable(aws.dynamodb, TABLE),
        clock=clock,
        random_bytes=lambda size: next(number).to_bytes(size),
    )


def stored(manager: WebhookManager, webhook_id: str) -> Endpoint:
    found = manager.table.find("acme", webhook_id)
    assert found
    return found


def test_a_created_webhook_shows_its_secret_once_and_is_listed(deployed: SimpleNamespace) -> None:
    handle = handler("manage_webhooks")
    created = handle(event("manage_webhooks/create"))
    webhook = json.loads(created["body"])
    secret = webhook.pop("secret")
    assert (created["statusCode"], len(base64.b64decode(secret.removeprefix("whsec_")))) == (201, 32)
    assert webhook["events"] == ["job.cancelled", "job.failed", "job.succeeded", "job.timed_out", "webhook.disabled"]
    listed = handle(event("manage_webhooks/list"))["body"]
    assert json.loads(listed) == {"webhooks": [webhook]}
    assert secret not in listed


def test_the_routes_of_one_webhook(deployed: SimpleNamespace) -> None:
    handle = handler("manage_webhooks")
    path = f"/v1/webhooks/{json.loads(handle(event('manage_webhooks/create'))['body'])['webhook_id']}"
    answers = []
    for method in ("GET", "PATCH", "DELETE", "DELETE"):
        given = event("manage_webhooks/unknown") | {"rawPath": path}
        given["requestContext"]["http"] = {**given["requestContext"]["http"], "method": method, "path": path}
        answers.append(handle(given)["statusCode"])
    assert answers == [200, 200, 204, 404]


def test_the_default_secret_is_created_by_its_first_rotation(deployed: SimpleNamespace) -> None:
    handle = handler("manage_webhooks")
    first, second = (json.loads(handle(event("manage_webhooks/rotate_default"))["body"]) for _ in range(2))
    assert (first["webhook_id"], first["url"], first["previous_secret_until"]) == (DEFAULT, None, None)
    assert first["secret"] != second["secret"]
    assert second["previous_secret_until"]
    assert handle(event("manage_webhooks/unknown"))["statusCode"] == 404


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/url"}),
        ({"url": "http://shop.example"}, {"/url"}),
        ({"url": "https://127.0.0.1/x"}, {"/url"}),
        ({"url": "https://10.0.0.1/x"}, {"/url"}),
        ({"url": "https://user@shop.example/x"}, {"/url"}),
        ({"url": "https://shop.example:8443/x"}, {"/url"}),
        ({"url": "https://localhost/x"}, {"/url"}),
        ({"url": "https://shop.example/ä"}, {"/url"}),
        ({"url": "http://127.0.0.1:8081/x"}, {"/url"}),
        ({**HOOK, "events": []}, {"/events"}),
        ({**HOOK, "events": ["job.succeeded", "job.started"]}, {"/events/1"}),
        ({**HOOK, "description": "x" * 201, "secret": "whsec_"}, {"/description", "/secret"}),
    ],
)
def test_what_is_wrong_is_listed_and_nothing_is_created(manager: WebhookManager, body: Any, pointers: set[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        manager.create_webhook("acme", body)
    assert {each["pointer"] for each in refused.value.members["errors"]} == pointers
    assert manager.list_webhooks("acme") == {"webhooks": []}


def test_an_origin_of_the_local_stack_may_be_an_endpoint(manager: WebhookManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_origins, "LOCAL_ORIGINS", frozenset({LOCAL}))
    assert manager.create_webhook("acme", {"url": f"{LOCAL}/hooks"})["url"] == f"{LOCAL}/hooks"


def test_a_tenant_has_a_stated_maximum_and_the_default_secret_does_not_count(manager: WebhookManager) -> None:
    manager.rotate_secret("acme", DEFAULT, {})
    created = [manager.create_webhook("acme", HOOK)["webhook_id"] for _ in range(MAX_WEBHOOKS)]
    with pytest.raises(TooManyWebhooks):
        manager.create_webhook("acme", HOOK)
    manager.delete_webhook("acme", created[0])
    assert manager.create_webhook("acme", HOOK)


def test_a_change_concerns_what_it_names(manager: WebhookManager) -> None:
    created = manager.create_webhook("acme", {**HOOK, "description": "shop"})
    webhook_id = created["webhook_id"]
    changed = manager.change_webhook("acme", webhook_id, {"url": "https://b.example/x", "events": ["job.progress"]})
    assert (changed["url"], changed["events"], changed["description"]) == ("https://b.example/x", ["job.progress"], "shop")
    assert manager.change_webhook("acme", webhook_id, {}) == changed
    with pytest.raises(InvalidRequest):
        manager.change_webhook("acme", webhook_id, {"url": "https://10.0.0.1/"})
    assert manager.read_webhook("acme", webhook_id) == changed


def test_a_webhook_is_disabled_and_enabled_again(manager: WebhookManager, clock: Clock) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    disabled = manager.change_webhook("acme", webhook_id, {"disabled": True})
    assert (disabled["disabled_at"], disabled["disabled_by"]) == ("2027-01-15T08:00:00Z", "client")
    clock.now += 60
    assert manager.change_webhook("acme", webhook_id, {"disabled": True}) == disabled
    enabled = manager.change_webhook("acme", webhook_id, {"disabled": False})
    assert (enabled["disabled_at"], enabled["disabled_by"], enabled["failing_since"]) == (None, None, None)


def test_after_a_rotation_both_secrets_sign_for_a_day(manager: WebhookManager, clock: Clock) -> None:
    created = manager.create_webhook("acme", HOOK)
    rotated = manager.rotate_secret("acme", created["webhook_id"], {})
    endpoint = stored(manager, created["webhook_id"])
    assert endpoint.secrets(clock.now) == (rotated["secret"], created["secret"])
    assert endpoint.secrets(clock.now + 86_400) == (rotated["secret"],)
    assert rotated["secret"] not in repr(endpoint)
    assert created["secret"] not in repr(endpoint)


def test_an_overlap_has_bounds(manager: WebhookManager) -> None:
    for hours in (-1, 721):
        with pytest.raises(InvalidRequest):
            manager.rotate_secret("acme", DEFAULT, {"overlap_hours": hours})


def test_a_repeated_rotation_drops_no_secret_before_its_time(manager: WebhookManager, clock: Clock) -> None:
    """The client saw none of the first answers, and still has the first secret."""
    created = manager.create_webhook("acme", HOOK)
    webhook_id, began = created["webhook_id"], clock.now
    rotated = [created["secret"]]
    for _ in range(2):
        clock.now += 60
        rotated.append(manager.rotate_secret("acme", webhook_id, {})["secret"])
    endpoint = stored(manager, webhook_id)
    assert endpoint.secrets(clock.now) == tuple(reversed(rotated))
    assert endpoint.secrets(began + 60 + 86_400) == (rotated[2], rotated[1])
    assert endpoint.secrets(began + 120 + 86_400) == (rotated[2],)
    assert manager.read_webhook("acme", webhook_id)["previous_secret_until"] == "2027-01-16T08:02:00Z"
    last = [manager.rotate_secret("acme", webhook_id, {})["secret"] for _ in range(5)][-1]
    signing = stored(manager, webhook_id).secrets(clock.now)
    assert (signing[0], signing[-1], len(signing)) == (last, created["secret"], 1 + MAX_REPLACED)


def test_a_secret_that_leaked_signs_no_longer(manager: WebhookManager, clock: Clock) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    manager.rotate_secret("acme", webhook_id, {})
    last = manager.rotate_secret("acme", webhook_id, {"overlap_hours": 0})["secret"]
    assert stored(manager, webhook_id).secrets(clock.now) == (last,)


@dataclass
class LostAnswers:
    """A table whose writes are repeated by the AWS client, since their first answer was lost."""

    table: EndpointTable

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def create(self, endpoint: Endpoint) -> None:
        self.table.create(endpoint)
        self.table.create(endpoint)

    def change(self, endpoint: Endpoint, change: Change) -> Endpoint:
        self.table.change(endpoint, change)
        return self.table.change(endpoint, change)


def test_a_write_that_the_aws_client_repeats_is_no_conflict(manager: WebhookManager, clock: Clock) -> None:
    unsure = replace(manager, table=LostAnswers(manager.table))  # type: ignore[arg-type]
    created = unsure.create_webhook("acme", HOOK)
    rotated = unsure.rotate_secret("acme", created["webhook_id"], {})
    assert stored(manager, created["webhook_id"]).secrets(clock.now) == (rotated["secret"], created["secret"])
    assert unsure.rotate_secret("acme", DEFAULT, {})["secret"] == stored(manager, DEFAULT).secret


def test_another_url_starts_without_failures(manager: WebhookManager) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    failing = {"failing_since": 1, "slow": True}
    manager.table.change(stored(manager, webhook_id), Change(sets=failing))
    manager.change_webhook("acme", webhook_id, {**HOOK, "description": "the same URL"})
    assert (stored(manager, webhook_id).failing_since, stored(manager, webhook_id).slow) == (1, True)
    manager.change_webhook("acme", webhook_id, {"url": "https://b.example/x"})
    assert (stored(manager, webhook_id).failing_since, stored(manager, webhook_id).slow) == (None, False)


def test_a_request_to_disable_leaves_an_earlier_end_as_it_is(manager: WebhookManager) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    before = stored(manager, webhook_id)
    manager.table.change(before, Change(sets={"disabled_at": 7, "disabled_by": "gone", "event_pending": True}))
    late = SimpleNamespace(find=lambda *_: before, change=manager.table.change)
    replace(manager, table=late).change_webhook("acme", webhook_id, {"disabled": True})  # type: ignore[arg-type]
    disabled = stored(manager, webhook_id)
    assert (disabled.disabled_at, disabled.disabled_by, disabled.event_pending) == (7, "gone", True)
    manager.change_webhook("acme", webhook_id, {"disabled": False})
    assert stored(manager, webhook_id) == before


def test_a_concurrent_rotation_drops_no_secret_that_was_shown(manager: WebhookManager) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    before = stored(manager, webhook_id)
    shown = manager.rotate_secret("acme", webhook_id, {})["secret"]
    late = SimpleNamespace(find=lambda *_: before, change=manager.table.change)
    second = WebhookManager(
        table=late,  # type: ignore[arg-type]
        clock=manager.clock,
        random_bytes=manager.random_bytes,
    )
    with pytest.raises(Conflict):
        second.rotate_secret("acme", webhook_id, {})
    assert stored(manager, webhook_id).secret == shown


def test_an_endpoint_gets_what_it_asked_for_and_every_test(manager: WebhookManager) -> None:
    webhook_id = manager.create_webhook("acme", {**HOOK, "events": ["job.failed", "job.failed"]})["webhook_id"]
    endpoint = stored(manager, webhook_id)
    assert endpoint.events == ("job.failed",)
    assert [endpoint.wants(each) for each in ("job.failed", "job.succeeded", "webhook.test")] == [True, False, True]


def test_the_default_record_has_only_a_secret(manager: WebhookManager) -> None:
    manager.rotate_secret("acme", DEFAULT, {})
    with pytest.raises(InvalidRequest):
        manager.change_webhook("acme", DEFAULT, {"disabled": True})


def test_two_endpoints_never_share_an_id(manager: WebhookManager) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    with pytest.raises(Conflict):
        manager.table.create(replace(stored(manager, webhook_id), secret="whsec_AAAA"))


def test_a_webhook_of_another_tenant_is_unknown(manager: WebhookManager) -> None:
    webhook_id = manager.create_webhook("acme", HOOK)["webhook_id"]
    for act in (manager.change_webhook, manager.rotate_secret):
        with pytest.raises(WebhookNotFound):
            act("zenith", webhook_id, {})
    for read in (manager.read_webhook, manager.delete_webhook):
        with pytest.raises(WebhookNotFound):
            read("zenith", webhook_id)
    assert manager.list_webhooks("zenith") == {"webhooks": []}
    assert manager.read_webhook("acme", webhook_id)
