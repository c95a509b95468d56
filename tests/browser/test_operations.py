"""Gateways, webhooks and usage: what the API answers, and what can be changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from suno_jobs.gateways.capabilities import capabilities
from suno_jobs.webhooks.endpoints import EVENT_TYPES, SUBSCRIBED
from tests.browser.canned import Canned
from tests.browser.watching import axe
from tests.integration.webhook_receiver import Receiver

Json = dict[str, Any]

# A function of the stack takes its time to start on a busy machine.
PATIENCE = 20_000
NONE = "\N{EN DASH}"

ACCOUNT = {"account": "default", "requests_per_second": 3.2, "tasks_in_flight": 611, "queue_length": 240}
HEALTH = {
    "status": "failing",
    "last_success_at": "2026-11-22T02:02:31Z",
    "last_failure_at": "2026-11-22T02:03:00Z",
    "last_error": "quota",
    "breaker": "open",
    "open_until": "2999-11-22T02:04:00Z",
    "accounts": [ACCOUNT | {"counted_at": "2026-11-22T02:00:00Z"}],
}
BALANCE = {"account": "acme", "amount": 12.5, "unit": "credits", "read_at": "2026-11-22T02:00:00Z", "low": True}
USAGE: Json = {
    "month": "2025-02",
    "mode": "live",
    "jobs_in_progress": 3,
    "jobs": 1204,
    "usd": 72.18,
    "days": [{"day": "2025-02-01", "jobs": 1180, "usd": 70.74}, {"day": "2025-02-02", "jobs": 24, "usd": 1.44}],
    "limits": {
        "requests_per_second": None,
        "jobs_in_progress": 20,
        "jobs_per_day": None,
        "jobs_per_month": 1000,
        "usd_per_month": 500,
    },
}


def gateways(**changed: Any) -> Json:
    return {"gateways": [{**each, "health": HEALTH | changed, "balances": [BALANCE]} for each in capabilities()[:2]]}


def fact(scope: Page | Locator, name: str) -> Locator:
    return scope.locator("dt").filter(has_text=re.compile(f"^{name}$")).first.locator("xpath=following-sibling::dd")


def cells(page: Page, name: str) -> Locator:
    return page.get_by_role("row", name=name).get_by_role("cell")


def test_gateways_shows_health_and_figures_and_keeps_what_is_open(canned: Canned) -> None:
    canned.watch.context.clock.install()
    canned.answer("GET /v1/gateways", 200, gateways())
    page = canned.open("#/gateways")
    card = page.get_by_role("region", name="ttapi")
    expect(card).to_contain_text("failing")
    expect(fact(card, "Circuit breaker")).to_contain_text("open, half open in")
    expect(fact(card, "Last failure")).to_contain_text("quota")
    expect(fact(card, "Requests")).to_contain_text("3.2 of 5 per second")
    expect(fact(card, "Tasks in flight")).to_have_text("611")
    expect(fact(card, "Queue length")).to_have_text("240")
    expect(fact(card, "Balance of acme")).to_contain_text("12.5 credits low")
    expect(page.get_by_role("region")).to_have_count(2)
    card.get_by_text("Models (").click()
    expect(card.get_by_text("v6-wild", exact=True)).to_be_visible()
    axe(page)
    canned.answer("GET /v1/gateways", 200, gateways(status="ok", breaker="closed", open_until=None))
    page.clock.fast_forward(16_000)
    expect(fact(card, "Circuit breaker")).to_have_text("closed")
    expect(card.get_by_text("v6-wild", exact=True)).to_be_visible()


def test_gateways_and_usage_read_what_the_stack_answers(logged_in: Callable[[str], Page]) -> None:
    page = logged_in("#/gateways")
    expect(page.get_by_role("region")).to_have_count(len(capabilities()), timeout=PATIENCE)
    page.get_by_role("link", name="Usage").click()
    expect(cells(page, "Spending per month")).to_have_text(["Spending per month", "no limit", re.compile(r"^\$"), NONE])


def test_usage_shows_days_limits_and_another_month(canned: Canned) -> None:
    canned.answer("GET /v1/usage", 200, USAGE)
    page = canned.open("#/usage?month=2025-02")
    expect(page.get_by_role("img", name="Jobs per day: 2 days, 1,204 in all, at most 1,180 in a day")).to_be_visible()
    expect(page.locator("dl")).to_contain_text("$72.18")
    # What a month that is over has used says nothing about what is left now.
    expect(cells(page, "Jobs per month")).to_have_text(["Jobs per month", "1,000", NONE, NONE])
    expect(cells(page, "Jobs per day")).to_have_text(["Jobs per day", "no limit", NONE, NONE])
    page.get_by_text("The same as a table").click()
    expect(cells(page, "2025-02-02")).to_have_text(["2025-02-02", "24", "$1.44"])
    axe(page)
    with page.expect_request(lambda request: request.url.endswith("/v1/usage?month=2025-01")):
        page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_label("Month")).to_have_value("2025-01")


def test_usage_shows_what_is_left_of_the_limits_of_this_month(canned: Canned) -> None:
    canned.watch.context.clock.install(time="2025-02-02T12:00:00Z")
    canned.answer("GET /v1/usage", 200, USAGE)
    page = canned.open("#/usage")
    expect(cells(page, "Jobs in progress")).to_have_text(["Jobs in progress", "20", "3", "17"])
    expect(cells(page, "Jobs per day")).to_have_text(["Jobs per day", "no limit", "24", NONE])
    expect(cells(page, "Jobs per month")).to_have_text(["Jobs per month", "1,000", "1,204", "0 reached"])
    expect(cells(page, "Spending per month")).to_have_text(["Spending per month", "$500.00", "$72.18", "$427.82"])
    expect(page.get_by_role("link", name="Later")).to_have_count(0)
    assert ("GET /v1/usage", None) in canned.requests


def test_a_webhook_is_created_tested_retried_and_deleted(logged_in: Callable[[str], Page], webhooks: Receiver) -> None:
    page = logged_in("#/webhooks")
    page.get_by_text("Create a webhook").click()
    page.get_by_label("URL").fill("http://192.0.2.1/hooks")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_label("URL")).to_be_focused()
    expect(page.get_by_label("URL")).to_have_accessible_description(re.compile("must be a public https URL"))
    page.get_by_label("URL").fill(f"{webhooks.origin}/console")
    page.get_by_label("Description").fill("the shop")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="The secret is shown once")).to_be_focused()
    expect(page.get_by_label("Secret", exact=True)).to_have_value(re.compile("^whsec_"))
    axe(page)
    page.get_by_role("button", name="I have stored it").click()
    expect(page.get_by_label("Secret", exact=True)).to_have_count(0)
    page.get_by_role("link", name=f"{webhooks.origin}/console").click()
    webhooks.failing.add("/console")
    page.get_by_role("button", name="Send a test event").click()
    expect(page.locator("article")).to_contain_text("1 attempt, the last: 500", timeout=PATIENCE)
    webhooks.failing.clear()
    page.get_by_role("button", name="Retry webhook.test").click()
    expect(page.locator("article .badge")).to_have_text("delivered", timeout=PATIENCE)
    page.get_by_text("the last: 200").click()
    expect(page.locator("article li").last).to_contain_text("thanks")
    assert len({each.headers["webhook-id"] for each in webhooks.at("/console")}) == 1
    axe(page)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Webhooks", level=1)).to_be_focused()
    expect(page.get_by_role("link", name=f"{webhooks.origin}/console")).to_have_count(0)


def test_a_default_secret_is_created_once(canned: Canned) -> None:
    canned.answer("GET /v1/webhooks", 200, {"webhooks": []})
    rotate = "POST /v1/webhooks/default/rotate"
    canned.answer(rotate, 201, {"secret": "whsec_first"})
    page = canned.open("#/webhooks")
    page.get_by_role("button", name="Create the default secret").dblclick()
    expect(page.get_by_label("Secret", exact=True)).to_have_value("whsec_first")
    page.get_by_role("button", name="I have stored it").click()
    assert [request for request, _ in canned.requests].count(rotate) == 1


def test_an_older_answer_does_not_replace_a_newer_one(canned: Canned) -> None:
    canned.watch.context.clock.install()
    canned.answer("GET /v1/webhooks", 200, {"webhooks": []})
    page = canned.open("#/webhooks")
    expect(page.get_by_text("No webhook yet.")).to_be_visible()
    late: list[Route] = []
    known = {"webhooks": [endpoint()]}
    canned.answers["GET /v1/webhooks"] = lambda route: route.fulfill(json=known) if late else late.append(route)
    with page.expect_request("**/v1/webhooks"):
        page.clock.run_for(16_000)
    canned.answer("POST /v1/webhooks", 201, {"secret": "whsec_first"})
    page.get_by_text("Create a webhook").click()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("link", name="https://shop.example/hooks")).to_be_visible()
    with page.expect_response("**/v1/webhooks"):
        late[0].fulfill(json={"webhooks": []})
    page.clock.run_for(100)
    expect(page.get_by_role("link", name="https://shop.example/hooks")).to_be_visible()


def endpoint(**changed: Any) -> Json:
    return {
        "webhook_id": "we_0123456789abcdef",
        "url": "https://shop.example/hooks",
        "description": "the shop",
        "events": ["job.succeeded", "job.of_a_later_version"],
        "created_at": "2026-11-22T02:00:00Z",
        "disabled_at": None,
        "disabled_by": None,
        "failing_since": None,
        "previous_secret_until": None,
        **changed,
    }


def delivery(number: int, state: str) -> Json:
    times = {"created_at": "2026-11-22T02:00:00Z", "next_attempt_at": None}
    return {"delivery_id": f"d{number}", "event_id": f"job_{number}.succeeded", "type": "job.succeeded", "state": state} | {
        "reason": None,
        "attempts": [],
        **times,
    }


@pytest.fixture
def webhook(canned: Canned) -> Page:
    path = "/v1/webhooks/we_0123456789abcdef"
    canned.answer(f"GET {path}", 200, endpoint())
    canned.answer(
        f"GET {path}/deliveries", 200, {"deliveries": [delivery(1, "failed"), delivery(2, "delivered")], "next": None}
    )
    return canned.open("#/webhooks/we_0123456789abcdef")


def test_a_change_of_a_webhook_sends_only_what_was_changed(canned: Canned, webhook: Page) -> None:
    path = "/v1/webhooks/we_0123456789abcdef"
    canned.answer(f"PATCH {path}", 200, endpoint(description="the other shop"))
    webhook.get_by_text("Change", exact=True).click()
    expect(webhook.get_by_label("job.of_a_later_version")).to_be_checked()
    webhook.get_by_label("Description").fill("the other shop")
    webhook.get_by_role("button", name="Save").click()
    expect(fact(webhook, "Description")).to_have_text("the other shop")
    assert (f"PATCH {path}", '{"description":"the other shop"}') in canned.requests
    canned.answer(f"PATCH {path}", 200, endpoint(disabled_at="2026-11-22T02:00:00Z", disabled_by="gone"))
    webhook.get_by_role("button", name="Disable").click()
    expect(fact(webhook, "State")).to_contain_text("the endpoint answered 410")
    expect(webhook.get_by_role("button", name="Enable")).to_be_focused()


def test_a_rotation_shows_the_new_secret_once(canned: Canned, webhook: Page) -> None:
    path = "/v1/webhooks/we_0123456789abcdef/rotate"
    canned.answer(f"POST {path}", 201, {**endpoint(), "secret": "whsec_new"})
    webhook.get_by_role("button", name="Rotate the secret").click()
    webhook.get_by_label("Hours that the present secret").fill("1")
    webhook.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    expect(webhook.get_by_role("heading", name="The secret is shown once")).to_be_focused()
    expect(webhook.get_by_label("Secret", exact=True)).to_have_value("whsec_new")
    assert (f"POST {path}", '{"overlap_hours":1}') in canned.requests


def test_deliveries_are_filtered_and_a_range_is_replayed_to_its_end(canned: Canned, webhook: Page) -> None:
    path = "/v1/webhooks/we_0123456789abcdef/replay"
    webhook.get_by_label("State").select_option("failed")
    expect(webhook.get_by_text("1 delivery of 2 that are loaded")).to_be_visible()
    expect(webhook.locator("article")).to_have_count(1)
    answers = iter([{"replayed": 100, "next": "0001~"}, {"replayed": 1, "next": None}])
    canned.answers[f"POST {path}"] = lambda route: route.fulfill(status=202, json=next(answers))
    webhook.get_by_text("Replay a range of time").click()
    webhook.get_by_label("Since").fill("2026-11-22T00:00:00")
    webhook.get_by_role("button", name="Replay").click()
    expect(webhook.get_by_text("101 deliveries are sent again.")).to_be_visible()
    sent = [body for request, body in canned.requests if request == f"POST {path}"]
    assert len(sent) == 2
    assert '"cursor":"0001~"' in sent[1]


def test_the_events_of_the_form_are_those_of_the_api(canned: Canned) -> None:
    canned.answer("GET /v1/webhooks", 200, {"webhooks": []})
    page = canned.open("#/webhooks")
    page.get_by_text("Create a webhook").click()
    boxes = page.get_by_role("group", name="Events").get_by_role("checkbox")
    values = boxes.evaluate_all("boxes => boxes.map(box => [box.value, box.checked])")
    assert {name for name, _ in values} == set(EVENT_TYPES)
    assert {name for name, checked in values if checked} == set(SUBSCRIBED)
