"""The view of one job: followed live, played, cancelled, retried and deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from local.stack import LocalStack
from tests.browser.canned import Canned
from tests.browser.jobs_canned import JOB_ID, LONG_AFTER, TRACK_ID, Bucket, asset, job, playable
from tests.browser.watching import WIDTHS, axe

Json = dict[str, Any]
READ = f"GET /v1/jobs/{JOB_ID}"
FAULT = {"message": "it is not there", "retryable": False, "charged": "yes", "gateway_code": None, "trace_id": None}
INK = """canvas => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
}"""


def shown(canned: Canned, answer: Json) -> Page:
    canned.answer(READ, 200, answer)
    return canned.open(f"#/jobs/{answer['job_id']}")


def submit(stack: LocalStack, prompt: str) -> str:
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": prompt}}
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    answer = httpx.post(f"{stack.api_url}/v1/jobs", json=body, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 202
    return str(answer.json()["job_id"])


def played_beyond(page: Page, seconds: float) -> None:
    """Waits until the first song of the page is there."""
    page.evaluate(
        """seconds => new Promise((resolve, reject) => {
            const audio = document.querySelector("audio");
            const look = () => audio.currentTime > seconds && resolve();
            audio.addEventListener("timeupdate", look);
            setTimeout(() => reject(new Error(`at ${audio.currentTime} s`)), 15_000);
            look();
        })""",
        seconds,
    )


CACHE_OF_A_FETCHED_FILE = """async audio => {
    const { fetchUrl } = await import(new URL("console/bucket.js", location.href).href);
    const { fetch } = window;
    let mode;
    window.fetch = (url, options) => fetch(url, options).finally(() => (mode = options.cache));
    await fetchUrl(audio.currentSrc, new AbortController().signal).finally(() => (window.fetch = fetch));
    return mode;
}"""


def test_a_job_is_followed_from_its_submission_to_playing_audio(logged_in: Callable[[str], Page], stack: LocalStack) -> None:
    job_id = submit(stack, "A folk song about harbour lights [fault:slow_task=3]")
    page = logged_in(f"#/jobs/{job_id}")
    state = page.locator("main > .job-head .badge")
    expect(state).to_have_text(re.compile("ACCEPTED|SUBMITTING|GENERATING"))
    expect(state).to_have_text("SUCCEEDED")
    expect(page.locator("#announcements")).to_have_text("The job is now SUCCEEDED")
    expect(page.locator(".timeline .badge")).to_have_text(["ACCEPTED", "SUBMITTING", "GENERATING", "STORING", "SUCCEEDED"])
    song = page.locator("audio").first
    song.evaluate("audio => audio.play()")
    played_beyond(page, 0.3)
    expect(page.locator(".waveform").first).to_have_attribute("data-drawn", "true")
    assert page.locator(".waveform canvas").first.evaluate(INK) > 500
    assert song.evaluate("audio => audio.paused") is False
    # The player's answer is in the cache. S3 has not permitted a page to read it, since a player's request has no origin.
    assert song.evaluate(CACHE_OF_A_FETCHED_FILE) == "no-store"
    with page.expect_download() as download:
        page.get_by_text(re.compile("Files")).first.click()
        page.get_by_role("link", name=re.compile("Download audio")).first.click()
    assert download.value.path().stat().st_size > 1000
    page.get_by_role("link", name="All jobs").click()
    page.locator(f'a[href="#/jobs/{job_id}"]').click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the job").click()
    expect(page).to_have_url(re.compile("#/jobs$"))


def test_a_job_is_cancelled_and_a_failed_one_retried(logged_in: Callable[[str], Page], stack: LocalStack) -> None:
    slow, failing = submit(stack, "A long song [fault:slow_task=60]"), submit(stack, "A song [fault:failed_task]")
    page = logged_in(f"#/jobs/{slow}")
    state = page.locator("main > .job-head .badge")
    expect(state).to_have_text("GENERATING")
    # Three seconds after the submission, the callback is not waited for any more.
    expect(page.locator(".wait")).to_have_text(re.compile(r"^Waits for the next check; (1 min )?\d+ s at most\.$"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_contain_text("charges for it, even after a cancellation")
    page.get_by_role("button", name="Cancel the job").click()
    expect(state).to_have_text("CANCELLED")
    page.goto(f"{stack.console_url}#/jobs/{failing}")
    expect(state).to_have_text("FAILED")
    expect(page.locator(".error")).to_contain_text("generation_failed")
    page.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"Estimate: ttapi \d+ quota \(listed price\)\."))
    create = dialog.get_by_role("button", name="Create the new job")
    expect(create).to_be_disabled()
    dialog.get_by_label("I accept a second charge").check()
    create.click()
    expect(page.get_by_role("link", name=failing)).to_be_visible()
    expect(page).not_to_have_url(re.compile(failing))


@pytest.mark.parametrize(("reason", "words"), [("callback", "the gateway's callback"), ("next_check", "the next check")])
def test_a_wait_has_its_reason_and_the_time_that_is_left(canned: Canned, reason: str, words: str) -> None:
    canned.watch.context.clock.install(time="2026-11-22T02:00:00Z")
    until = {"reason": reason, "until": "2026-11-22T02:02:05Z"}
    page = shown(canned, job(state="GENERATING", tracks=[], manifest=None, waiting_for=until))
    wait = page.locator(".wait")
    expect(wait).to_be_visible()
    page.clock.pause_at("2026-11-22T02:01:00Z")
    expect(wait).to_have_text(f"Waits for {words}; 1 min 5 s at most.")
    page.clock.run_for(10_000)
    expect(wait).to_have_text(f"Waits for {words}; 55 s at most.")
    page.clock.run_for(60_000)
    expect(wait).to_have_text(f"Waits for {words}; due now.")


def test_a_job_is_followed_by_long_polling_and_its_history_read_when_it_has_changed(canned: Canned) -> None:
    running, tag = job(state="GENERATING", tracks=[], manifest=None), {"ETag": 'W/"1"', "Retry-After": "1"}
    canned.answer(READ, 200, running, tag)
    canned.watch.context.clock.install()
    page = canned.open(f"#/jobs/{JOB_ID}")
    expect(page.locator("main > .job-head .badge")).to_have_text("GENERATING")
    canned.answers[READ] = lambda route: route.fulfill(status=304, headers=tag | {"Preference-Applied": "wait=20"})
    for _ in range(2):
        # Until the answer, since the next one is another.
        with page.expect_response(f"**/v1/jobs/{JOB_ID}") as answered:
            page.clock.run_for(1100)
        asked = answered.value.request.headers
        assert (asked["if-none-match"], asked["prefer"]) == (tag["ETag"], "wait=20")
    canned.keep_waiting(READ)
    with page.expect_request(f"**/v1/jobs/{JOB_ID}"):
        page.clock.run_for(1100)
    page.clock.run_for(10_000)
    assert page.get_by_text("Still waiting").count() == 0
    assert [request for request, _ in canned.requests].count(f"{READ}/events") == 1


def test_one_song_plays_at_a_time(canned: Canned) -> None:
    Bucket(canned)
    answer = playable()
    answer["tracks"].append(answer["tracks"][0] | {"track_id": "second", "title": "Another"})
    page = shown(canned, answer)
    first, second = page.locator("audio").nth(0), page.locator("audio").nth(1)
    for song in (first, second):
        song.evaluate("audio => Object.assign(audio, {loop: true}).play()")
    expect(first).to_have_js_property("paused", True)  # noqa: FBT003 - the value of the property
    expect(second).to_have_js_property("paused", False)  # noqa: FBT003
    expect(page.get_by_role("link", name="Use again")).to_have_attribute("href", f"#/new?from={JOB_ID}")


def test_an_expired_url_is_renewed_and_the_song_goes_on(canned: Canned) -> None:
    bucket, answer = Bucket(canned), playable()
    page = shown(canned, answer)
    expect(page.locator("audio")).to_have_js_property("readyState", 4)
    page.evaluate("""() => {
        const audio = Object.assign(document.querySelector("audio"), {currentTime: 2});
        audio.addEventListener("playing", () => (audio.dataset.from = audio.currentTime));
        audio.play();
    }""")
    played_beyond(page, 2)
    bucket.expired.add("X-Amz-Expires=900")
    for each in answer["tracks"][0]["assets"]:
        each["url"] = each["url"].replace("=900", "=901")
    canned.answer(READ, 200, answer)
    # What a player does when it needs more of the file: it asks the same URL again.
    page.evaluate(
        "() => { const audio = document.querySelector('audio'); audio.src = audio.src; audio.play().catch(() => null); }"
    )
    expect(page.locator("audio")).to_have_attribute("src", re.compile("=901"))
    played_beyond(page, 2)
    assert bucket.refused > 0
    assert page.evaluate("Number(document.querySelector('audio').dataset.from)") >= 2
    assert page.evaluate("document.querySelector('audio').paused") is False


def test_urls_are_renewed_before_they_expire(canned: Canned) -> None:
    Bucket(canned)
    old, new = playable(), playable()
    for each in old["tracks"][0]["assets"]:
        each["url"] = each["url"].replace(LONG_AFTER, "20260101T000000Z")

    def answer(route: Route) -> None:
        """The ETag does not change with the URLs, so only a request without it gets new ones."""
        current = route.request.headers.get("if-none-match") == "W/1"
        headers = {"ETag": "W/1", "Content-Type": "application/json"}
        route.fulfill(status=304 if current else 200, headers=headers, body=json.dumps(answers[0]))

    answers = [old, new]
    canned.answers[READ] = answer
    canned.watch.context.clock.install()
    page = canned.open(f"#/jobs/{JOB_ID}")
    page.get_by_text("Files (2)").click()
    download = page.get_by_role("link", name="Download audio")
    expect(download).to_have_attribute("href", re.compile("2026"))
    answers.remove(old)
    page.clock.run_for(61_000)
    expect(download).to_have_attribute("href", re.compile("2099"))


def test_a_song_is_played_with_the_keyboard_and_its_lyrics_are_shown(canned: Canned) -> None:
    Bucket(canned)
    page = shown(canned, playable())
    slider = page.get_by_role("slider", name="Position in Harbour Lights")
    expect(slider).to_have_attribute("data-drawn", "true")
    expect(slider).to_have_attribute("aria-valuetext", "0:00 of 0:04")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "4")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    page.get_by_text("Lyrics", exact=True).click()
    expect(page.get_by_role("region", name="Lyrics")).to_contain_text("The harbour lights are swinging low")


def test_a_file_that_cannot_be_decoded_has_a_slider_without_a_picture(canned: Canned) -> None:
    Bucket(canned)
    canned.answer("GET /audio", 200, "not a song", {"Access-Control-Allow-Origin": "*"})
    page = shown(canned, playable())
    expect(page.get_by_text("No waveform: this browser cannot decode the file.")).to_be_visible()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:00 of 0:04")
    expect(page.get_by_text("This browser cannot play the file now.")).to_be_visible()


def test_words_with_times_are_highlighted_while_their_song_plays(canned: Canned) -> None:
    Bucket(canned)
    words = [{"word": word, "start_s": at, "end_s": at + 0.9} for at, word in enumerate(("[Verse]\nThe", "harbour", "lights"))]
    source = {"job_id": "job_10000000000000000000000000", "track_id": TRACK_ID}
    request = {"gateway": "sunoapi", "kind": "timestamped_lyrics", "input": {"source": source}, "metadata": {}}
    canned.answer(f"GET /v1/jobs/{source['job_id']}", 200, playable())
    page = shown(canned, job(kind="timestamped_lyrics", tracks=[], manifest=None, result={"words": words}, request=request))
    expect(page.locator(".timed p")).to_have_text(["[Verse]", "The harbour lights"])
    page.evaluate("document.querySelector('audio').currentTime = 1.5")
    expect(page.locator(".sung")).to_have_text("harbour")
    page.get_by_text("lights", exact=True).click()
    expect(page.locator(".sung")).to_have_text("lights")


def test_each_submission_has_its_outcome_and_each_event_its_cause(canned: Canned) -> None:
    def event(second: int, state: str, gateway: str, **more: Any) -> Json:
        found = {"at": f"2026-11-22T02:00:{second:02d}Z", "state": state, "cause": "client", "gateway": gateway}
        return found | {"execution": JOB_ID, "task_id": None, "error": None, "waiting_for": None} | more

    until = {"reason": "callback", "until": "2026-11-22T02:01:00Z"}
    events = [
        event(0, "ACCEPTED", "ttapi"),
        event(1, "SUBMITTING", "ttapi"),
        event(2, "SUBMITTING", "crun", error="quota"),
        event(3, "SUBMITTING", "crun"),
        event(4, "SUBMIT_UNKNOWN", "crun", error="ambiguous", waiting_for=until, cause="poll"),
        event(5, "SUBMIT_UNKNOWN", "crun", task_id="5c79be8e"),
        event(6, "GENERATING", "crun", cause="callback"),
    ]
    canned.answer(f"{READ}/events", 200, {"job_id": JOB_ID, "events": events})
    page = shown(canned, job(state="GENERATING", tracks=[], manifest=None))
    outcomes = page.locator(".job-attempts tbody tr td:last-child")
    expect(outcomes).to_have_text(["refused: quota", "the answer was lost", "task 5c79be8e"])
    expect(page.locator(".timeline li").nth(4)).to_contain_text(
        "Cause: scheduled check. Error: ambiguous. Waits for the gateway's callback."
    )
    expect(page.locator(".timeline li").nth(6)).to_contain_text("Cause: callback of the gateway.")


def test_what_is_missing_doubtful_or_refused_is_explained(canned: Canned) -> None:
    Bucket(canned)
    answer = playable(partial=True, recoverable_until="2026-11-25T02:20:00Z")
    answer["tracks"][0] |= {
        "doubtful": {"reported_seconds": 60.0, "measured_seconds": 180.0},
        "identity": "mismatch",
        "missing": {"video": {"code": "asset_unavailable", **FAULT}},
    }
    answer["tracks"].append(
        answer["tracks"][0]
        | {"track_id": "second", "state": "ready", "assets": [], "error": {"code": "asset_identical", **FAULT}, "missing": {}}
    )
    answer["quarantine"] = [
        {
            "track_id": "second",
            "kind": "audio",
            "reason": "asset_silent",
            "message": "nothing but silence",
            "bytes": 3383040,
            "sha256": "0" * 64,
            "source_host": "cdn.ttapi.io",
            "stored_at": "2026-11-22T02:02:29Z",
            "released": False,
        }
    ]
    page = shown(canned, answer)
    first, second = page.locator("article").nth(0), page.locator("article").nth(1)
    expect(first).to_contain_text("the gateway reports 1:00, and the file has 3:00")
    expect(first).to_contain_text("The file names another clip")
    expect(first).to_contain_text("video: asset_unavailable: it is not there")
    expect(second).to_contain_text("asset_identical: it is not there")
    expect(page.locator(".job-quarantine")).to_contain_text("asset_silent, nothing but silence. 3.4 MB")
    # A presigned URL is not in what a person copies.
    page.get_by_text("Job as JSON").click()
    assert "X-Amz" not in page.get_by_role("region", name="job").inner_text()
    axe(page)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"charged": "no"}, "This job was not charged."),
        ({"charged": "maybe", "cost": None}, "This job may have been charged."),
        ({"charged": "yes", "recoverable_until": "2099-11-25T02:20:00Z"}, "Its song may still arrive until"),
    ],
)
def test_a_retry_says_what_it_costs_and_gives_the_focus_back(canned: Canned, changes: Json, told: str) -> None:
    error = {"code": "generation_failed", **FAULT}
    page = shown(canned, job(state="FAILED", error=error, tracks=[], manifest=None) | changes)
    canned.answer(
        f"POST /v1/jobs/{JOB_ID}/retry", 429, {"type": "/v1/problems/quota-exceeded", "title": "A limit", "detail": "No more."}
    )
    retry = page.get_by_role("button", name="Retry")
    retry.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(told)
    expect(dialog.get_by_role("button", name="Go back")).to_be_focused()
    if changes["charged"] != "no":
        dialog.get_by_label("I accept a second charge").press("Space")
    dialog.get_by_role("button", name="Create the new job").press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("No more.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(retry).to_be_focused()


def test_a_question_ends_with_its_view(canned: Canned) -> None:
    canned.answer(READ, 200, job(tracks=[], manifest=None))
    page = canned.open("#/jobs")
    page.get_by_role("link", name="A folk song about harbour lights").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("This cannot be undone")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


def test_a_question_ends_with_the_session(canned: Canned) -> None:
    canned.answer(READ, 200, job(state="GENERATING", tracks=[], manifest=None))
    canned.answer(f"POST /v1/jobs/{JOB_ID}/cancel", 403, {"message": "Forbidden"})
    page = canned.open(f"#/jobs/{JOB_ID}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_label("API key")).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_double_click_asks_one_question(canned: Canned) -> None:
    estimates: list[Route] = []
    canned.answers["POST /v1/jobs"] = estimates.append
    page = shown(canned, job(state="FAILED", error={"code": "generation_failed", **FAULT}, tracks=[], manifest=None))
    page.get_by_role("button", name="Retry").dblclick()
    assert len(estimates) == 1
    # A question whose view was left in the meantime is not asked.
    page.evaluate("location.hash = '#/usage'")
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_focused()
    expect(page.locator("dialog")).to_have_count(0)


HOSTILE = "<img src=x onerror=alert(1)>\0\u202eabc " + "W" * 400


def test_texts_and_links_of_others_change_nothing_on_the_page(canned: Canned) -> None:
    Bucket(canned, lyrics=HOSTILE)
    link = asset("data", "text/plain", b"") | {"url": "javascript:document.title='broken'"}
    answer = playable(metadata={"W" * 40: HOSTILE}, requested_model=HOSTILE, retry_of=HOSTILE)
    answer["tracks"][0] |= {
        "title": HOSTILE,
        "model": HOSTILE,
        "missing": {"video": {"code": "x", **FAULT, "message": HOSTILE}},
    }
    answer["tracks"][0]["assets"].append(link)
    answer["request"]["input"] = {"prompt": HOSTILE, "title": HOSTILE}
    page = shown(canned, answer)
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    expect(page.get_by_text("Lyrics")).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.get_by_role("link", name="Download data").click()
    canned.watch.forget()
    expect(page).not_to_have_title("broken")


def test_lyrics_have_the_direction_of_their_language(canned: Canned) -> None:
    Bucket(canned, lyrics="\u05e9\u05d9\u05e8 \u05d7\u05d3\u05e9")
    page = shown(canned, playable())
    page.get_by_text("Lyrics", exact=True).click()
    assert page.get_by_role("region", name="Lyrics").locator("p").evaluate("p => p.matches(':dir(rtl)')")


def test_songs_are_decoded_one_after_another(canned: Canned) -> None:
    Bucket(canned)
    answer = playable()
    answer["tracks"].append(answer["tracks"][0] | {"track_id": "second"})
    canned.answer(READ, 200, answer)
    counting = """
        const decode = OfflineAudioContext.prototype.decodeAudioData;
        let running = 0;
        window.most = 0;
        OfflineAudioContext.prototype.decodeAudioData = async function (content) {
            window.most = Math.max(window.most, ++running);
            await new Promise(resolve => setTimeout(resolve, 200));
            return decode.call(this, content).finally(() => { running -= 1; });
        };
    """
    page = canned.open(f"#/jobs/{JOB_ID}", script=counting)
    page.set_viewport_size({"width": 1280, "height": 2000})
    expect(page.locator(".waveform[data-drawn=true]")).to_have_count(2)
    assert page.evaluate("most") == 1


def test_a_job_that_is_not_there_says_so(canned: Canned) -> None:
    problem = {"type": "/v1/problems/job-deleted", "title": "The job was deleted", "detail": "It is gone."}
    canned.answer(READ, 410, problem)
    page = canned.open(f"#/jobs/{JOB_ID}")
    expect(page.get_by_role("alert")).to_contain_text("The job was deleted")
