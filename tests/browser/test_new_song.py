"""New song: the form, what it sends, and what the API says about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Page, Route, expect

from local.stack import LocalStack
from suno_jobs.gateways.capabilities import capabilities
from suno_jobs.traffic.health import NEVER_CALLED
from tests.browser.canned import DOCUMENT, KEY, Canned
from tests.browser.watching import axe

Json = dict[str, Any]
LoggedIn = Callable[[str], Page]

# A function of the stack takes its time to start on a busy machine.
PATIENCE = 20_000
WITHOUT_URLS = re.compile(r"^The form contains the request of \w+\.$")
WITH_URLS = re.compile(r"The queries of its URLs were not kept: check the URLs\.$")

GATEWAYS = [{**each, "health": NEVER_CALLED, "balances": []} for each in capabilities()]
OFFERS = [
    {"gateway": "ttapi", "requested_model": "v6", "requested_gateway_model": "chirp-v6", "limits": {}}
    | {"estimate": {"amount": 6, "unit": "quota", "source": "listed"}},
    {"gateway": "anyint", "requested_model": None, "requested_gateway_model": None, "estimate": None, "limits": {}},
]
EXAMPLES: dict[str, Json] = {
    kind: each["value"]
    for kind, each in DOCUMENT["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["examples"].items()
    if "input" in each["value"]
}


def open_form(canned: Canned, hash_: str = "#/new") -> Page:
    canned.answer("GET /v1/openapi.json", 200, DOCUMENT)
    canned.answer("GET /v1/gateways", 200, {"gateways": GATEWAYS})
    canned.answer("POST /v1/jobs", 200, {"job": {"mode": "live"}, "gateways": OFFERS})
    page = canned.open(hash_)
    expect(page.get_by_label("Kind")).to_be_visible()
    return page


def check(page: Page) -> None:
    page.get_by_role("button", name="Check and estimate").click()
    expect(page.get_by_role("heading", name="Estimate")).to_be_focused(timeout=PATIENCE)


def test_the_form_makes_one_job_after_an_estimate(logged_in: LoggedIn, stack: LocalStack) -> None:
    page = logged_in("#/new")
    page.get_by_role("button", name="Check and estimate").click()
    expect(page.get_by_role("group", name="Input")).to_be_focused(timeout=PATIENCE)
    expect(page.get_by_text("prompt or lyrics is required")).to_be_visible()
    page.get_by_role("textbox", name="Prompt").fill("A folk song about harbour lights")
    page.get_by_label("Gateway").select_option("ttapi")
    page.get_by_text("Options").click()
    page.get_by_label("Name 1").fill("order")
    page.get_by_label("Value 1").fill("7")
    check(page)
    expect(page.get_by_role("row", name="ttapi")).to_contain_text("quota (listed price)")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Create job").dblclick()
    page.wait_for_url("**#/jobs/job_*")
    assert len(posts) == 1
    job_id = page.url.rpartition("/")[2]
    with httpx.Client(base_url=stack.api_url, headers={"Authorization": f"Bearer {stack.api_key}"}, trust_env=False) as api:
        job = api.get(f"/v1/jobs/{job_id}").json()
    assert (job["request"]["gateway"], job["kind"], job["metadata"]) == ("ttapi", "music", {"order": "7"})
    assert job["request"]["input"]["prompt"] == "A folk song about harbour lights"
    page.get_by_role("link", name="Use again").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("A folk song about harbour lights")


def test_the_form_sends_what_it_was_filled_from_for_every_kind(canned: Canned) -> None:
    page = open_form(canned)
    for number, (kind, request) in enumerate(EXAMPLES.items()):
        job_id = f"job_{number}"
        canned.answer(f"GET /v1/jobs/{job_id}", 200, {"request": {**request, "metadata": {"order": "7"}}})
        page.evaluate(f"location.hash = '#/new?from={job_id}'")
        notice = page.get_by_text(f"The form contains the request of {job_id}.")
        expect(notice).to_have_text(WITH_URLS if "https:" in json.dumps(request) else WITHOUT_URLS)
        check(page)
        sent = json.loads(canned.requests[-1][1])
        assert sent == {**request, "metadata": {"order": "7"}}, kind
    canned.answer("GET /v1/jobs/job_adopted", 200, {"request": {"gateway": "kie", "kind": "music", "adopt": {"task_id": "t"}}})
    page.evaluate("location.hash = '#/new?from=job_adopted'")
    expect(page.get_by_text("The job job_adopted adopted a task")).to_be_visible()


def test_each_message_of_the_api_is_at_its_field(canned: Canned) -> None:
    page = open_form(canned)
    errors = [
        {"pointer": "", "detail": "is too much"},
        {"pointer": "/input/style_weight", "detail": "must be at most 1"},
        {"pointer": "/input/title/unknown", "detail": "is odd"},
        {"header": "Prefer", "detail": "is wrong"},
    ]
    problem = {"type": "/v1/problems/invalid-request", "title": "The request is not valid", "status": 422, "detail": "x"}
    canned.answer("POST /v1/jobs", 422, {**problem, "errors": errors})
    page.get_by_role("button", name="Check and estimate").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The request: is too much")
    expect(alert).to_contain_text("Prefer: is wrong")
    expect(alert).to_contain_text("Correct 2 fields.")
    title = page.get_by_label("Title")
    expect(title).to_be_focused()
    expect(title).to_have_accessible_description("is odd")
    weight = page.get_by_label("Style weight")
    expect(weight).not_to_be_visible()
    title.fill("Harbour Lights")
    page.get_by_text("More fields").click()
    expect(page.get_by_text("must be at most 1")).to_be_visible()
    axe(page)
    canned.answer("POST /v1/jobs", 422, {**problem, "errors": errors[1:2]})
    weight.fill("much")
    page.get_by_text("More fields").click()
    page.get_by_role("button", name="Check and estimate").click()
    expect(weight).to_be_focused()
    # A number that cannot be read is not lost: the API refuses it.
    assert json.loads(canned.requests[-1][1])["input"]["style_weight"] == "much"


def test_a_repetition_after_a_lost_answer_has_the_same_key_and_a_changed_form_another(canned: Canned) -> None:
    page = open_form(canned)
    keys: list[str] = []

    def lose(route: Route) -> None:
        if "dry_run" in route.request.url:
            route.fulfill(json={"job": {"mode": "test"}, "gateways": OFFERS})
            return
        keys.append(route.request.headers["idempotency-key"])
        route.abort("connectionreset")

    canned.answers["POST /v1/jobs"] = lose
    page.get_by_role("textbox", name="Prompt").fill("rain")
    check(page)
    expect(page.get_by_text("This is test mode")).to_be_visible()
    create = page.get_by_role("button", name="Create job")
    create.click()
    expect(page.get_by_role("alert")).to_contain_text("never paid for twice")
    create.click()
    expect(create).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("textbox", name="Prompt").fill("rain and wind")
    expect(create).to_have_count(0)
    check(page)
    create.click()
    expect(create).not_to_have_attribute("aria-disabled", "true")
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


def test_what_was_typed_stays_while_another_view_is_open(canned: Canned) -> None:
    page = open_form(canned)
    page.get_by_role("textbox", name="Prompt").fill("rain")
    page.get_by_label("Gateway").select_option("crun")
    page.get_by_label("Otherwise").select_option("ttapi")
    expect(page.get_by_text("4 of 500 characters at ttapi")).to_be_visible()
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.go_back()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("rain")
    check(page)
    assert json.loads(canned.requests[-1][1]) == {"gateway": ["crun", "ttapi"], "kind": "music", "input": {"prompt": "rain"}}
    page.get_by_role("button", name="Clear the form").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("")


def test_a_name_given_twice_and_a_limit_that_is_reached_are_shown(canned: Canned) -> None:
    page = open_form(canned)
    page.get_by_text("Options").click()
    page.get_by_label("Name 1").fill("order")
    page.get_by_role("button", name="Add to Metadata").click()
    expect(page.get_by_label("Name 2")).to_be_focused()
    page.get_by_label("Name 2").fill("order")
    page.get_by_role("button", name="Check and estimate").click()
    expect(page.get_by_role("group", name="Metadata")).to_have_accessible_description(re.compile("has the name order twice"))
    assert not any(request.startswith("POST") for request, _ in canned.requests)
    page.get_by_role("button", name="Remove Metadata 2").click()
    problem = {"type": "/v1/problems/quota-exceeded", "title": "A limit of the tenant is reached", "status": 429}
    canned.answer("POST /v1/jobs", 429, {**problem, "detail": "It has reached jobs-in-progress."}, {"Retry-After": "30"})
    page.get_by_role("button", name="Check and estimate").click()
    expect(page.get_by_role("alert")).to_have_text("It has reached jobs-in-progress. Try again in 30 seconds.")


def test_the_next_person_at_the_page_finds_an_empty_form(canned: Canned) -> None:
    page = open_form(canned)
    page.get_by_role("textbox", name="Prompt").fill("rain")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="New song").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("")


def test_a_source_is_chosen_from_recent_jobs(canned: Canned) -> None:
    page = open_form(canned)
    job = {"job_id": "job_1", "kind": "music", "gateway": "kie", "created_at": "2026-11-22T02:00:00Z", "metadata": {}}
    tracks = [
        {"track_id": "track-1", "title": "No id", "state": "stored"},
        {"track_id": "lost", "title": "Lost", "state": "failed"},
        {"track_id": "e231c0f4", "title": "Harbour Lights", "state": "ready"},
    ]
    elsewhere = job | {"job_id": "job_2", "gateway": "ttapi"}
    canned.answer("GET /v1/jobs", 200, {"jobs": [elsewhere, job], "next": None})
    canned.answer("GET /v1/jobs/job_1", 200, {"result": None, "tracks": tracks})
    page.get_by_label("Kind").select_option("wav")
    page.get_by_label("Gateway").select_option("kie")
    page.get_by_role("button", name="Choose from recent jobs").click()
    expect(page.get_by_label("Source: job").get_by_role("option")).to_have_count(2)
    page.get_by_label("Source: job").select_option("job_1")
    expect(page.get_by_label("Track ID")).to_have_value("e231c0f4")
    check(page)
    expect(page.get_by_role("row", name="anyint")).to_contain_text("unknown")
    axe(page)
    source = {"job_id": "job_1", "track_id": "e231c0f4"}
    assert json.loads(canned.requests[-1][1])["input"] == {"source": source}
