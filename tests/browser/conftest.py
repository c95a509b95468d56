"""The console in Debian's Chromium: one browser and one local stack for all tests, and a new page for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local.simulator import Simulator
from local.stack import LocalStack
from tests.browser.canned import Canned
from tests.browser.chromium import MISSING, find, launch
from tests.browser.watching import Watch
from tests.integration.webhook_receiver import Receiver, serving

PARAMETERS = {
    "FirstCheckSeconds": "3",
    "CheckIntervalSeconds": "1",
    "MaxCheckIntervalSeconds": "2",
    "JobDeadlineSeconds": "40",
    "AmbiguousSubmitGraceSeconds": "4",
    "AuthorizerCacheSeconds": "1",
    # The faults of one test shall not hold up another.
    "BreakerFailures": "1000",
}
PATIENCE_MILLISECONDS = 20_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if find() is None:
        (pytest.fail if os.environ.get("REQUIRE_CHROMIUM") else pytest.skip)(f"NO TEST RAN IN A BROWSER: {MISSING}")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def webhooks() -> Iterator[Receiver]:
    """An endpoint that the functions of the stack may reach."""
    receiver = Receiver()
    with serving(receiver):
        yield receiver


@pytest.fixture(scope="session")
def stack(browser: Browser, webhooks: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    simulator, logs = Simulator(task_seconds=1.0), tmp_path_factory.mktemp("logs")
    with LocalStack(PARAMETERS, audio_origins=[webhooks.origin], simulator=simulator, logs=logs) as running:
        yield running


@pytest.fixture
def watch(browser: Browser) -> Iterator[Watch]:
    """Pages that must not fail, break the policy of the console, or send a request to an origin that is not listed."""
    with browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        watching = Watch(context)
        yield watching
        watching.check()


@pytest.fixture
def page(watch: Watch, stack: LocalStack) -> Page:
    """An empty page that may use the API and the bucket of the stack."""
    watch.origins |= {stack.api_url, stack.endpoint("s3")}
    return watch.new_page()


@pytest.fixture
def logged_in(page: Page, stack: LocalStack) -> Callable[[str], Page]:
    """Opens the console of the stack at a hash such as ``#/jobs``, with a key of the tenant ``local``."""

    def open_at(hash_: str) -> Page:
        page.add_init_script(f"sessionStorage.length || sessionStorage.setItem('suno-jobs-key', '{stack.api_key}')")
        page.goto(f"{stack.console_url}{hash_}")
        return page

    return open_at


@pytest.fixture
def canned(watch: Watch) -> Canned:
    """The console at an origin of its own, where the examples of docs/openapi.json answer in place of the API."""
    return Canned(watch)
