"""The frame of the console: the login, the session, the navigation, and what it shows when the API does not answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from local.stack import LocalStack
from tests.browser.canned import KEY, ORIGIN, Canned
from tests.browser.watching import axe

SCOPE_MISSING = {
    "type": "/v1/problems/scope-missing",
    "title": "The API key is not for this request",
    "status": 403,
    "detail": "",
}
FORBIDDEN = {"message": "Forbidden"}
FAILED = {"message": "Internal Server Error"}
VIEWS = {"Jobs": "#/jobs", "New song": "#/new", "Gateways": "#/gateways", "Webhooks": "#/webhooks", "Usage": "#/usage"}


VIEW = """
import { h, update } from "./dom.js";
export const title = "Usage";
export async function show(main, { api, live }) {
  const place = h("div", {});
  main.replaceChildren(h("h1", {}, title), place);
  const load = async () => (await api.get("/v1/usage")).body;
  const draw = ({ jobs }) => update(
    place,
    h("p", { data: { key: "jobs" } }, `${jobs} jobs`),
    h("details", { data: { key: "more" } }, h("summary", {}, "More"), h("label", {}, "Name ", h("input", { value: "new" }))),
    h("button", { on: { click: () => (document.title = `clicked at ${jobs}`) } }, "Click"),
  );
  await live(load, draw, 5);
}
"""
"""A view that shows what the frame does for every view."""


def usage(jobs: int) -> dict[str, int]:
    return {"jobs": jobs}


def log_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()


def test_a_person_logs_in_with_a_key_of_the_stack_and_out_again(page: Page, stack: LocalStack) -> None:
    page.goto(f"{stack.console_url}#/usage")
    expect(page).to_have_title("Log in · suno-jobs")
    log_in(page, "sj_live_unknown")
    expect(page.get_by_role("alert")).to_have_text(
        "The API does not accept this key. It is unknown, was revoked or has expired."
    )
    expect(page.get_by_label("API key")).to_be_focused()
    log_in(page, f" {stack.api_key} ")
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_focused()
    assert stack.api_key not in page.url + page.content()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.reload()
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_key_that_is_revoked_on_the_stack_ends_the_session(page: Page, stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.create_api_key('local')}"}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as api:
        made = api.post("/v1/keys", json={"name": "console"}).json()
        page.goto(f"{stack.console_url}#/jobs")
        log_in(page, made["key"])
        expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
        assert api.delete(f"/v1/keys/{made['key_id']}").is_success
    expect(page.get_by_role("alert").filter(has_text="not valid any more")).to_be_visible()
    log_in(page, stack.api_key)
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


def test_answers_of_the_stack_that_are_slow_are_waited_for(logged_in: Callable[[str], Page], page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/usage*", hold)
    logged_in("#/usage")
    expect(page.get_by_text("Still waiting for the API")).to_be_visible()
    [request] = held
    request.continue_()
    page.unroute("**/v1/usage*")
    expect(page.get_by_role("heading", name="Limits")).to_be_visible()
    expect(page.get_by_text("Still waiting for the API")).to_have_count(0)


def test_the_login_is_accessible(canned: Canned) -> None:
    page = canned.open(key=None)
    log_in(page, "mine")
    expect(page.get_by_role("alert")).to_contain_text("This is not an API key.")
    axe(page)


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (403, FORBIDDEN, "The API does not accept this key."),
        (401, {"message": "Unauthorized"}, "The API does not accept this key."),
        (403, SCOPE_MISSING, "it lacks the scope jobs:read"),
        (500, FAILED, "The key could not be checked: The API failed (status 500). Try again."),
    ],
)
def test_a_login_that_fails_says_why(canned: Canned, status: int, body: object, shown: str) -> None:
    canned.answer("GET /v1/usage", status, body)
    page = canned.open(key=None)
    log_in(page, KEY)
    expect(page.get_by_role("alert")).to_contain_text(shown)
    assert page.evaluate("sessionStorage.length") == 0


def test_a_login_without_a_connection_says_so(canned: Canned) -> None:
    canned.lose("GET /v1/usage")
    page = canned.open(key=None)
    log_in(page, KEY)
    expect(page.get_by_role("alert")).to_have_text("The key could not be checked: The API cannot be reached. Try again.")
    del canned.answers["GET /v1/usage"]
    log_in(page, KEY)
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_opens_with_its_title_and_its_heading_in_focus(canned: Canned, name: str) -> None:
    page = canned.open("#/usage" if name == "Jobs" else "#/jobs")
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title(f"{name} · suno-jobs")
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "page")
    assert page.url == f"{ORIGIN}/console{VIEWS[name]}"


def test_a_person_with_a_keyboard_skips_the_navigation(canned: Canned) -> None:
    page = canned.open("#/usage")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    assert page.url.endswith("#/usage")


def test_an_address_that_is_cut_off_is_no_job(canned: Canned) -> None:
    canned.answer("GET /v1/jobs/%25E0", 404, {"type": "/v1/problems/job-not-found", "title": "No such job", "status": 404})
    canned.answer(
        "GET /v1/jobs/%25E0/events", 404, {"type": "/v1/problems/job-not-found", "title": "No such job", "status": 404}
    )
    page = canned.open("#/jobs/%E0")
    expect(page.get_by_role("alert")).to_contain_text("No such job")


def test_an_address_that_names_no_view_leads_back(canned: Canned) -> None:
    page = canned.open("#/nowhere")
    expect(page.get_by_role("heading", name="No such view")).to_be_focused()
    page.get_by_role("link", name="To the jobs").click()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


def test_a_browser_that_stores_nothing_has_the_key_in_the_memory_of_the_page(canned: Canned) -> None:
    denied = "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException('denied', 'SecurityError') }})"
    page = canned.open("#/usage", key=None, script=denied)
    log_in(page, KEY)
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


def test_a_late_refusal_of_an_earlier_key_does_not_end_the_session(canned: Canned) -> None:
    canned.answer("GET /v1/webhooks", 200, {"webhooks": []})
    late: list[Route] = []
    canned.answers["POST /v1/webhooks/default/rotate"] = late.append
    page = canned.open("#/webhooks")
    page.get_by_role("button", name="Create the default secret").click()
    page.get_by_role("button", name="Log out").click()
    log_in(page, KEY.replace("A", "B"))
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    with page.expect_response("**/rotate"):
        late[0].fulfill(status=403, json=FORBIDDEN)
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()


def test_a_key_that_expires_ends_the_session_and_the_next_continues_at_the_same_place(canned: Canned) -> None:
    canned.files["usage.js"] = VIEW
    canned.answer("GET /v1/usage", 403, FORBIDDEN)
    page = canned.open("#/usage")
    expect(page.get_by_role("alert").filter(has_text="not valid any more")).to_be_visible()
    expect(page.get_by_label("API key")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0
    del canned.answers["GET /v1/usage"]
    log_in(page, KEY)
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    assert page.url.endswith("#/usage")


def test_a_key_without_the_scope_of_a_view_keeps_its_session(canned: Canned) -> None:
    canned.files["usage.js"] = VIEW
    canned.answer("GET /v1/usage", 403, SCOPE_MISSING | {"detail": "This request needs a key with the scope usage."})
    page = canned.open("#/usage")
    expect(page.get_by_role("alert")).to_contain_text("This request needs a key with the scope usage.")
    axe(page)
    page.get_by_role("link", name="Gateways").click()
    expect(page.get_by_role("heading", name="Gateways", level=1)).to_be_visible()


def test_a_slow_api_is_said_to_be_slow_and_given_up_in_the_end(canned: Canned) -> None:
    canned.keep_waiting("GET /v1/usage")
    page = canned.open(key=None)
    page.clock.install()
    log_in(page, KEY)
    page.clock.fast_forward(3_100)
    expect(page.get_by_text("Still waiting for the API")).to_be_visible()
    page.clock.fast_forward(30_000)
    expect(page.get_by_role("alert")).to_contain_text("The API has not answered for 30 seconds.")
    expect(page.get_by_text("Still waiting for the API")).to_have_count(0)


def test_a_device_without_a_network_is_reported(canned: Canned) -> None:
    page = canned.open("#/usage")
    canned.watch.context.set_offline(offline=True)
    expect(page.get_by_text("This device is offline.")).to_be_visible()
    canned.watch.context.set_offline(offline=False)
    expect(page.get_by_text("This device is offline.")).to_have_count(0)


def test_a_view_whose_api_fails_can_be_tried_again(canned: Canned) -> None:
    canned.files["usage.js"] = VIEW
    canned.answer("GET /v1/usage", 500, FAILED)
    page = canned.open("#/usage")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The API failed")
    del canned.answers["GET /v1/usage"]
    page.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)


@pytest.mark.parametrize("body", ["<html>Sign in to this network</html>", ""])
def test_an_answer_of_another_server_is_not_taken_for_one_of_the_api(canned: Canned, body: str) -> None:
    canned.answers["GET /v1/usage"] = lambda route: route.fulfill(status=200, content_type="text/html", body=body)
    page = canned.open("#/usage")
    expect(page.get_by_role("alert")).to_contain_text("The answer is not from the API")


def usage_view(canned: Canned) -> Page:
    """Opened with one job, at a clock that the test moves."""
    canned.files["usage.js"] = VIEW
    canned.answer("GET /v1/usage", 200, usage(1))
    page = canned.open("#/nowhere")
    page.clock.install()
    page.evaluate("location.hash = '#/usage'")
    expect(page.get_by_text("1 jobs")).to_be_visible()
    return page


def test_a_view_is_drawn_anew_without_a_change_of_what_a_person_does(canned: Canned) -> None:
    page = usage_view(canned)
    page.get_by_text("More").click()
    page.get_by_label("Name").fill("mine")
    canned.answer("GET /v1/usage", 200, usage(2))
    page.clock.run_for(5_100)
    expect(page.get_by_text("2 jobs")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("mine")
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_role("button", name="Click").click()
    expect(page).to_have_title("clicked at 2")


def test_a_view_that_cannot_be_updated_says_since_when(canned: Canned) -> None:
    page = usage_view(canned)
    canned.lose("GET /v1/usage")
    page.clock.run_for(5_100)
    expect(page.get_by_text("Not updated since")).to_contain_text("The API cannot be reached.")
    expect(page.get_by_text("1 jobs")).to_be_visible()
    canned.answer("GET /v1/usage", 200, usage(2))
    page.clock.run_for(10_100)
    expect(page.get_by_text("2 jobs")).to_be_visible()
    expect(page.get_by_text("Not updated since")).to_have_count(0)


def test_children_with_the_same_key_stay_when_they_are_drawn_anew(canned: Canned) -> None:
    page = canned.open("#/nowhere")
    texts = page.evaluate("""async () => {
        const { h, update } = await import("./console/dom.js");
        const list = h("ul");
        for (const turn of [1, 2]) update(list, ...["a", "b"].map(text => h("li", { data: { key: "same" } }, text + turn)));
        return [...list.children].map(item => item.textContent);
    }""")
    assert texts == ["a2", "b2"]


def test_a_view_that_is_left_asks_the_api_no_more(canned: Canned) -> None:
    page = usage_view(canned)
    page.evaluate("location.hash = '#/nowhere'")
    expect(page.get_by_role("heading", name="No such view")).to_be_visible()
    asked = len(canned.requests)
    page.clock.run_for(30_000)
    assert len(canned.requests) == asked


def test_a_view_that_could_not_be_loaded_can_be_tried_again(canned: Canned) -> None:
    page = canned.open("#/nowhere")
    canned.files["usage.js"] = VIEW
    page.route("**/console/usage.js*", lambda route: route.abort())
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("alert")).to_contain_text("The view could not be loaded.")
    page.unroute("**/console/usage.js*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("1 jobs")).to_be_visible()


def test_a_test_key_is_named_so(canned: Canned) -> None:
    page = canned.open("#/usage", key=KEY.replace("live", "test"))
    expect(page.get_by_text("Test mode", exact=True)).to_be_visible()


def test_a_policy_that_is_broken_is_noticed(canned: Canned) -> None:
    """Proves that the watch of every other test sees it."""
    page = canned.open("#/usage")
    with page.expect_console_message(lambda message: "Trusted Types" in message.text or "TrustedHTML" in message.text):
        page.evaluate("setTimeout(() => { document.body.innerHTML = '<b>no</b>' })")
    with pytest.raises(AssertionError, match=re.compile("TrustedHTML|Trusted Types")):
        canned.watch.check()
    canned.watch.forget()
