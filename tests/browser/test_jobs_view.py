"""The list of jobs: it is live, its filters are in the address, and it can be used without a mouse."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page, Route, expect

from suno_jobs.jobs.record import TrackState
from suno_jobs.jobs.states import Cause, Charged, JobState, Progress, WaitReason
from tests.browser.canned import Canned, example
from tests.browser.jobs_canned import JOB_ID, job
from tests.browser.watching import axe

Json = dict[str, Any]
LISTED = "GET /v1/jobs"


def summary(number: int, **changes: Any) -> Json:
    _, page = example("get", "/v1/jobs")
    made = {"job_id": f"job_{number:026d}", "created_at": f"2026-11-22T02:{59 - number // 60:02d}:{59 - number % 60:02d}Z"}
    return {**page["jobs"][0], **made, **changes}


def listing(canned: Canned, jobs: list[Json]) -> None:
    """Answers like the API: newest first, by pages. A filter by state is applied, too."""

    def answer(route: Route) -> None:
        query = dict(parse_qsl(urlsplit(route.request.url).query))
        states = set(query["state"].split(",")) if "state" in query else set(JobState)
        found = [each for each in jobs if each["state"] in states]
        first, limit = int(query.get("cursor", 0)), int(query["limit"])
        more = str(first + limit) if len(found) > first + limit else None
        route.fulfill(
            status=200, content_type="application/json", body=json.dumps({"jobs": found[first : first + limit], "next": more})
        )

    canned.answers[LISTED] = answer


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def queries(canned: Canned) -> list[dict[str, str]]:
    return [query_of(request) for request, _ in canned.requests if request.startswith(f"{LISTED}?")]


def live(canned: Canned, hash_: str) -> Page:
    """A page whose time can be put forward."""
    canned.watch.context.clock.install()
    return canned.open(hash_)


def heard(page: Page) -> Any:
    return expect(page.locator("#announcements"))


def test_a_list_shows_its_jobs_and_follows_them(canned: Canned) -> None:
    jobs = [
        summary(1, state="GENERATING", waiting_for={"reason": "callback", "until": "2026-11-22T03:10:00Z"}),
        summary(2, metadata={"order": "7"}),
    ]
    listing(canned, jobs)
    page = live(canned, "#/jobs")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("waits for the gateway's callback")
    # A list has no titles: they are read from the jobs in view.
    expect(rows.nth(1).get_by_role("link", name="Harbour Lights")).to_have_attribute("href", f"#/jobs/{jobs[1]['job_id']}")
    expect(rows.nth(1)).to_contain_text("order=7")
    expect(rows.nth(1)).to_contain_text("6 quota")
    rows.nth(1).get_by_role("link").focus()
    jobs[0] |= {"state": "SUCCEEDED", "waiting_for": None}
    jobs.insert(0, summary(0, state="ACCEPTED"))
    page.clock.run_for(5000)
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("SUCCEEDED")
    heard(page).to_have_text("A music job is now SUCCEEDED")
    for _ in range(2):  # with the second request, the first answer has been drawn
        with page.expect_request(lambda request: "/v1/jobs?" in request.url):
            page.clock.run_for(5000)
    heard(page).to_have_text("A music job is now SUCCEEDED")
    expect(rows.nth(2).get_by_role("link")).to_be_focused()
    axe(page)


def test_filters_are_in_the_address_and_a_link_keeps_them(canned: Canned) -> None:
    listing(canned, [summary(1), summary(2, state="FAILED", kind="lyrics")])
    page = canned.open("#/jobs")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("State").select_option("FAILED")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Created after").fill("2026-11-22T01:00")
    expect(page).to_have_url(re.compile("state=FAILED&created_after=2026-11-22T"))
    page.get_by_label("Find").fill("order=7")
    with page.expect_request(lambda request: "metadata.order=7" in request.url) as asked:
        page.get_by_role("button", name="Search").click()
    assert query_of(asked.value.url).keys() == {"state", "created_after", "metadata.order", "limit"}
    expect(page.get_by_role("button", name="metadata.order = 7")).to_be_visible()
    page.reload()
    expect(page.get_by_label("State")).to_have_value("FAILED")
    expect(page.get_by_label("Created after")).to_have_value("2026-11-22T01:00")
    page.get_by_role("button", name="metadata.order = 7").click()
    expect(page.get_by_role("button", name="metadata.order = 7")).to_have_count(0)
    page.get_by_label("State").select_option("CANCELLED")
    expect(page.get_by_text("No job that was searched matches the filters.")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_words_search_the_loaded_jobs_and_an_id_opens_the_job(canned: Canned) -> None:
    listing(canned, [summary(1, gateway="kie"), summary(2)])
    page = canned.open("#/jobs?text=kie")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text("1 of 2 jobs loaded")).to_be_visible()
    assert all("text" not in query for query in queries(canned))
    page.get_by_label("Find").fill(JOB_ID)
    page.get_by_label("Find").press("Enter")
    expect(page).to_have_url(re.compile(f"#/jobs/{JOB_ID}$"))


def test_more_pages_are_loaded_on_request(canned: Canned) -> None:
    listing(canned, [summary(number) for number in range(130)])
    page = live(canned, "#/jobs")
    rows, more = page.locator("tbody tr"), page.get_by_role("button", name="Load more")
    for loaded in (20, 40, 60, 80, 100, 120):
        expect(rows).to_have_count(loaded)
        more.click()
    expect(rows).to_have_count(130)
    expect(more).to_have_count(0)
    expect(page.get_by_text("Only the 100 newest are followed live.")).to_be_visible()
    # One request keeps a hundred up to date, and the older ones stay.
    with page.expect_request(lambda request: "limit=100" in request.url):
        page.clock.run_for(5000)
    expect(rows).to_have_count(130)


def test_the_keyboard_is_enough(canned: Canned) -> None:
    jobs = [summary(1), summary(2), summary(3)]
    listing(canned, jobs)
    page = canned.open("#/jobs")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Created before").focus()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('tbody') !== null"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/jobs/{jobs[1]['job_id']}$"))


def test_a_list_without_jobs_and_a_list_that_fails_say_so(canned: Canned) -> None:
    canned.answer(LISTED, 500, {"message": "Internal Server Error"})
    page = live(canned, "#/jobs")
    expect(page.get_by_role("alert")).to_contain_text("The API failed")
    listing(canned, [])
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("There are no jobs yet.")).to_be_visible()
    expect(page.get_by_role("link", name="Make a song")).to_have_attribute("href", "#/new")
    listing(canned, [summary(1)])
    page.clock.run_for(5000)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_title_that_was_not_loaded_when_the_list_was_left_is_loaded_later(canned: Canned) -> None:
    listing(canned, [summary(1)])
    read = f"GET /v1/jobs/{summary(1)['job_id']}"
    canned.keep_waiting(read)
    page = canned.open("#/jobs")
    with page.expect_request(f"**{read.removeprefix('GET ')}"):
        expect(page.locator("tbody tr")).to_have_count(1)
    page.evaluate("location.hash = '#/usage'")
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    del canned.answers[read]
    page.go_back()
    expect(page.get_by_role("link", name="Harbour Lights")).to_be_visible()


def test_a_title_that_cannot_be_read_leaves_the_id_and_is_asked_for_once(canned: Canned) -> None:
    listing(canned, [summary(1)])
    job_id = summary(1)["job_id"]
    canned.answer(f"GET /v1/jobs/{job_id}", 500, {"message": "Internal Server Error"})
    page = live(canned, "#/jobs")
    expect(page.get_by_role("link", name=job_id)).to_be_visible()
    for _ in range(2):
        with page.expect_response("**/v1/jobs?*"):
            page.clock.run_for(4100)
    assert [request for request, _ in canned.requests].count(f"GET /v1/jobs/{job_id}") == 1


def test_a_title_is_text_whatever_it_contains(canned: Canned) -> None:
    listing(canned, [summary(1)])
    shown = job()
    shown["tracks"][0]["title"] = "<img src=x onerror=alert(1)>"
    canned.answer(f"GET /v1/jobs/{summary(1)['job_id']}", 200, shown)
    page = canned.open("#/jobs")
    expect(page.get_by_role("link", name="<img src=x onerror=alert(1)>")).to_be_visible()


def test_every_word_of_the_api_is_explained(canned: Canned) -> None:
    page = canned.open("#/jobs")
    expect(page.locator("tbody tr")).to_have_count(1)
    names = page.evaluate("""async () => {
        const words = await import("./console/words.js");
        const tables = ["STATES", "WAITS", "CAUSES", "CHARGED", "PROGRESS", "TRACK_STATES"];
        return tables.map(name => Object.keys(words[name]));
    }""")
    assert list(map(set, names)) == [set(each) for each in (JobState, WaitReason, Cause, Charged, Progress, TrackState)]
