"""``suno-jobs listen``: each event of a job once, and as a webhook that a receiver verifies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from suno_jobs.cli.client import access, listen
from suno_jobs.cli.client.listen import SECRET, Forwarder, Watcher
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.webhooks.sender import Outcome
from suno_jobs_client import SunoJobs, webhooks
from tests.unit.client.service import KEY, URL, a_job

SONG_SECONDS = 60
OWN_SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Api:
    """The routes that are used, over some jobs. ``failing``: the next requests get a 503. ``after_the_open_ones``: what
    happens once the open jobs were listed."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.failing = 0
        self.after_the_open_ones: Callable[[], None] = lambda: None

    def put(self, job_id: str, state: str, progress: str = "queued", age: int = 0) -> None:
        at = (datetime(2026, 11, 27, tzinfo=UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.jobs[job_id] = a_job(state) | {"job_id": job_id, "progress": progress, "created_at": at}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.failing:
            self.failing -= 1
            return httpx.Response(503, json={"title": "Service Unavailable", "status": 503})
        name = request.url.path.removeprefix("/v1/jobs").strip("/")
        if name:
            found = self.jobs.get(name)
            return httpx.Response(200, json=found) if found else httpx.Response(404, json={"title": "Not Found"})
        states, after = request.url.params.get_list("state"), request.url.params.get("created_after", "")
        left_out = ("partial", "tracks", "manifest", "result", "request", "quarantine")
        listed = [
            {name: value for name, value in job.items() if name not in left_out}
            for job in sorted(self.jobs.values(), key=lambda job: str(job["created_at"]), reverse=True)
            if (not states or job["state"] in states) and job["created_at"] > after and job["job_id"] not in self.hidden
        ]
        if states:
            self.after_the_open_ones()
        return httpx.Response(200, json={"jobs": listed, "next": None})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setenv(access.URL, URL)
    monkeypatch.setenv(access.KEY, KEY)
    monkeypatch.setattr("suno_jobs_client.retrying.ATTEMPTS", 1)
    monkeypatch.setattr(access, "SunoJobs", lambda *at: SunoJobs(*at, http=httpx.Client(transport=httpx.MockTransport(made))))
    return made


@pytest.fixture
def watch(api: Api) -> Callable[[], Watcher]:
    return lambda: Watcher(access.connect())


@dataclass
class Receiver:
    """In place of the sender of webhooks: what arrives, and what is answered."""

    origin: str = "http://127.0.0.1:3000"
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    outcome: Outcome = field(default=Outcome(200, "thanks", 0.1))

    def __call__(self, *, trusted_origins: frozenset[str]) -> Receiver:
        self.trusted = trusted_origins
        return self

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        assert self.trusted == {self.origin}
        assert url == f"{self.origin}/hooks?shop=1"
        self.received.append((headers, body))
        return self.outcome


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr(listen, "WebhookSender", made)
    return made


def seen(watcher: Watcher) -> list[str]:
    return [event.event_id for event in watcher.look()]


def test_what_ended_before_is_no_event_and_what_was_open_is_followed(api: Api, watch: Callable[[], Watcher]) -> None:
    api.put("old", "SUCCEEDED")
    api.put("open", "GENERATING", age=SONG_SECONDS)
    watcher = watch()
    assert seen(watcher) == []
    api.put("open", "FAILED", age=SONG_SECONDS)
    assert seen(watcher) == ["open.failed"]
    assert seen(watcher) == []


def test_a_job_that_begins_and_ends_between_two_looks_has_its_event(api: Api, watch: Callable[[], Watcher]) -> None:
    watcher = watch()
    api.put("one", "SUCCEEDED")
    api.put("other", "TIMED_OUT", age=5)
    assert sorted(seen(watcher)) == ["one.succeeded", "other.timed_out"]
    assert seen(watcher) == []


def test_a_job_that_is_created_while_it_begins_to_listen_is_followed(api: Api, watch: Callable[[], Watcher]) -> None:
    api.after_the_open_ones = lambda: api.put("job", "GENERATING")
    watcher = watch()
    api.after_the_open_ones = lambda: None
    assert seen(watcher) == []
    api.put("job", "SUCCEEDED")
    assert seen(watcher) == ["job.succeeded"]


def test_each_later_stage_of_a_job_is_an_event(api: Api, watch: Callable[[], Watcher]) -> None:
    api.put("job", "GENERATING")
    watcher = watch()
    found = []
    for progress in ("text", "first", "first", "complete"):
        api.put("job", "GENERATING", progress)
        found += seen(watcher)
    assert found == ["job.progress.first", "job.progress.complete"]


def test_a_job_that_a_list_lacks_for_a_while_is_not_taken_for_ended(api: Api, watch: Callable[[], Watcher]) -> None:
    api.put("job", "GENERATING")
    watcher = watch()
    api.hidden.add("job")
    assert seen(watcher) == []
    api.put("job", "CANCELLED")
    assert seen(watcher) == ["job.cancelled"]


def test_an_older_job_that_appears_later_in_the_list_is_found(api: Api, watch: Callable[[], Watcher]) -> None:
    watcher = watch()
    api.put("newer", "SUCCEEDED")
    assert seen(watcher) == ["newer.succeeded"]
    api.put("older", "SUCCEEDED", age=10)
    assert seen(watcher) == ["older.succeeded"]


def test_a_job_that_was_deleted_is_forgotten(api: Api, watch: Callable[[], Watcher]) -> None:
    api.put("job", "GENERATING")
    watcher = watch()
    del api.jobs["job"]
    assert seen(watcher) == []
    api.put("job", "SUCCEEDED")
    assert seen(watcher) == []


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], None], options: list[str]
) -> tuple[list[str], str]:
    """Listens until every step was taken, one after each look."""
    left = list(steps)

    def take(_seconds: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr("suno_jobs.cli.client.listen.time.sleep", take)
    assert main(["listen", *options]) == ExitCode.INTERRUPTED
    out, errors = capsys.readouterr()
    return out.splitlines(), errors


def test_an_event_is_shown_and_forwarded_so_that_its_receiver_verifies_it(
    api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SECRET, OWN_SECRET)
    to = f"{receiver.origin}/hooks?shop=1"
    lines, errors = run(capsys, monkeypatch, lambda: api.put("job", "SUCCEEDED"), options=["--forward-to", to])
    [received] = receiver.received
    event = webhooks.verify(*received, OWN_SECRET)
    assert (event["id"], event["type"], event["data"]["state"]) == ("job.succeeded", "job.succeeded", "SUCCEEDED")
    assert event["data"]["tracks"][0]["assets"][0]["url"] == "/v1/jobs/job/tracks/t1/audio"
    assert [line.split() for line in lines] == [[event["timestamp"], "job.succeeded", "job", "forwarded:", "200"]]
    assert OWN_SECRET in errors


def test_a_new_secret_is_made_and_verifies(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    forwarder = Forwarder(f"{receiver.origin}/hooks?shop=1", listen._secret())
    assert forwarder.forward(listen.Event("e", "job.failed", b"{}")) == "forwarded: 200"
    assert webhooks.verify(*receiver.received[0], forwarder.secret) == {}
    assert listen._secret() != forwarder.secret


def test_only_the_events_that_were_asked_for_are_shown_as_json(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end_two() -> None:
        api.put("one", "FAILED")
        api.put("two", "SUCCEEDED")

    lines, errors = run(capsys, monkeypatch, end_two, options=["--event", "job.failed", "--json"])
    [line] = [json.loads(line) for line in lines]
    assert (line["id"], line["data"]["job_id"], line["forwarded"]) == ("one.failed", "one", None)
    assert "secret" not in errors


def test_it_goes_on_after_the_service_and_the_receiver_were_away(
    api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to = f"{receiver.origin}/hooks?shop=1"
    receiver.outcome = Outcome(None, "the connection failed: ConnectError", 0.1)
    steps = [lambda: setattr(api, "failing", 1), lambda: api.put("job", "SUCCEEDED")]
    [line], errors = run(capsys, monkeypatch, *steps, options=["--forward-to", to])
    assert "the connection failed" in line
    assert "503" in errors


@pytest.mark.parametrize(
    ("options", "secret", "named"),
    [
        (["--forward-to", "127.0.0.1:3000"], OWN_SECRET, "--forward-to"),
        (["--forward-to", "http:///hooks"], OWN_SECRET, "--forward-to"),
        ([], "whsec_no base64!", SECRET),
    ],
)
def test_a_wrong_address_or_secret_gets_one_line(
    options: list[str],
    secret: str,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(SECRET, secret)
    assert main(["listen", *options]) == ExitCode.WRONG_ARGUMENTS
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n"), named in errors) == ("", 1, True)
