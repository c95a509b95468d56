from __future__ import annotations

import asyncio
import inspect
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from suno_jobs_client import AsyncSunoJobs, SunoJobs
from suno_jobs_client.calls import Calls, access_of
from suno_jobs_client.errors import (
    ApiError,
    Deleted,
    InvalidRequest,
    JobNotSucceeded,
    NoAnswer,
    NotFound,
    NotPermitted,
    ServiceFailed,
    StillRunning,
    SunoJobsError,
    TooManyRequests,
    UnexpectedAnswer,
    WrongState,
)
from suno_jobs_client.models import Job
from suno_jobs_client.wire import BlockingWire, finish
from tests.unit.client.service import (
    A_DELIVERY,
    A_KEY,
    A_USAGE,
    A_WEBHOOK,
    KEY,
    URL,
    HeldWire,
    Reply,
    Service,
    a_job,
    a_lost_answer,
    an_error,
    not_reached,
    says,
)

REQUEST = {"gateway": "auto", "kind": "music", "input": {"prompt": "A folk song"}}


def calls(*replies: Reply, held: float = 0.0) -> tuple[Calls, Service, HeldWire]:
    service = Service(list(replies))
    wire = HeldWire(service, held)
    return Calls(wire, URL + "/", KEY), service, wire


def test_a_submission_always_has_a_key_and_repeats_with_the_same() -> None:
    api, service, wire = calls(a_lost_answer, an_error(503), says(a_job()))
    assert finish(api.submit(REQUEST, None)).job_id == "job_1"
    keys = {request.headers["Idempotency-Key"] for request in service.requests}
    assert (len(service.requests), [len(key) for key in keys]) == (3, [32])
    assert service.sent() == REQUEST
    assert service.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert wire.slept == [1.0, 2.0]


def test_a_lost_answer_names_the_key_to_repeat_with() -> None:
    api, service, _ = calls(a_lost_answer)
    with pytest.raises(NoAnswer, match=r"no answer from api\.example: timed out") as raised:
        finish(api.submit(REQUEST, "order-7"))
    assert raised.value.idempotency_key == "order-7"
    assert len(service.requests) == 5


@pytest.mark.parametrize(("reply", "sent"), [(a_lost_answer, 1), (an_error(503), 1), (not_reached, 5), (an_error(429), 5)])
def test_what_must_not_be_repeated_is_repeated_only_if_it_was_not_carried_out(reply: Reply, sent: int) -> None:
    api, service, _ = calls(reply)
    with pytest.raises((NoAnswer, ApiError)):
        finish(api.send("POST", "/v1/keys", body={}, repeatable=False))
    assert len(service.requests) == sent


def test_retry_after_is_honoured_unless_it_is_long() -> None:
    api, _, wire = calls(says({}, 429, Retry_After="7"), says(a_job()))
    finish(api.get("job_1"))
    assert wire.slept == [8.0]
    api, _, wire = calls(says({"message": "Too Many Requests"}, 429, Retry_After="3600"))
    with pytest.raises(TooManyRequests, match="429 Too Many Requests: Too Many Requests") as raised:
        finish(api.get("job_1"))
    assert (raised.value.retry_after, wire.slept) == (3600.0, [])


def test_a_job_that_another_request_changes_is_asked_for_again() -> None:
    api, service, _ = calls(an_error(409, "job-being-changed"), says(a_job("CANCELLED")))
    assert finish(api.cancel("job_1")).state == "CANCELLED"
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotPermitted),
        (403, NotPermitted),
        (404, NotFound),
        (405, ApiError),
        (409, WrongState),
        (410, Deleted),
        (422, InvalidRequest),
        (500, ServiceFailed),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[ApiError]) -> None:
    api, _, _ = calls(an_error(status, "some-problem", "Change it.", errors=[{"pointer": "/kind", "detail": "is wrong"}]))
    with pytest.raises(ApiError) as raised:
        finish(api.get("job_1"))
    assert type(raised.value) is kind
    problem = raised.value.problem
    assert (problem.name, problem.status, problem.detail) == ("some-problem", status, "Change it.")
    if isinstance(raised.value, InvalidRequest):
        assert raised.value.errors == [{"pointer": "/kind", "detail": "is wrong"}]


@pytest.mark.parametrize("content", [b"<html>", b"\xff\xfe{", b"[1]"])
def test_an_answer_that_is_no_problem_document_is_shown(content: bytes) -> None:
    api, _, _ = calls(lambda _: httpx.Response(404, content=content))
    with pytest.raises(NotFound, match="404 Not Found"):
        finish(api.get("job_1"))


def test_ids_cannot_leave_their_place_in_the_path() -> None:
    api, service, _ = calls(says(a_job()))
    finish(api.get("../keys?x=1"))
    assert service.requests[0].url.raw_path == b"/v1/jobs/..%2Fkeys%3Fx%3D1"


def test_a_wait_shows_the_state_at_once_and_each_change() -> None:
    """Without a tag, the service holds a request until the job ends."""
    api, service, wire = calls(
        says(a_job("SUBMITTING"), ETag='W/"0"'),
        says(a_job(), ETag='W/"1"', Preference_Applied="wait=25"),
        lambda _: httpx.Response(304, headers={"Preference-Applied": "wait=25"}),
        says(a_job("SUCCEEDED"), ETag='W/"2"', Preference_Applied="wait=25"),
        held=25.0,
    )
    seen: list[str] = []
    assert finish(api.wait("job_1", None, lambda job: seen.append(job.state))).state == "SUCCEEDED"
    assert seen == ["SUBMITTING", "GENERATING", "SUCCEEDED"]
    assert [request.headers.get("If-None-Match") for request in service.requests] == [None, 'W/"0"', 'W/"1"', 'W/"1"']
    assert [request.headers.get("Prefer") for request in service.requests] == [None, "wait=25", "wait=25", "wait=25"]
    assert wire.slept == []


def test_a_wait_that_shows_nothing_needs_one_request() -> None:
    api, service, _ = calls(says(a_job("SUCCEEDED"), ETag='W/"2"', Preference_Applied="wait=25"))
    finish(api.wait("job_1", None, None))
    assert [request.headers.get("Prefer") for request in service.requests] == ["wait=25"]


def test_a_wait_polls_where_the_service_does_not_wait() -> None:
    api, _, wire = calls(says(a_job(), Retry_After="9"), says(a_job()), says(a_job("FAILED")))
    assert finish(api.wait("job_1", None, None)).state == "FAILED"
    assert wire.slept == [9.0, 5.0]


def test_a_wait_ends_in_time() -> None:
    api, service, wire = calls(says(a_job(), Retry_After="9"))
    with pytest.raises(StillRunning, match="job_1 is still GENERATING") as raised:
        finish(api.wait("job_1", 12.5, None))
    assert raised.value.job.job_id == "job_1"
    assert wire.slept == [9.0, 3.5]
    assert [request.headers.get("Prefer") for request in service.requests] == ["wait=13", "wait=4", None]


@pytest.mark.parametrize("reply", [a_lost_answer, an_error(503), an_error(422)])
def test_every_error_of_a_submission_has_its_key(reply: Reply) -> None:
    """Otherwise the caller repeats it with a new one, and pays twice."""
    api, service, _ = calls(reply)
    for call in (api.submit(REQUEST, None), api.generate(REQUEST, None, None, None)):
        with pytest.raises(SunoJobsError) as raised:
            finish(call)
        assert raised.value.idempotency_key == service.requests[-1].headers["Idempotency-Key"]
        assert raised.value.job_id is None


def test_an_error_while_a_song_is_waited_for_has_its_key_and_job() -> None:
    api, service, _ = calls(says(a_job(), 202), an_error(500))
    with pytest.raises(ServiceFailed) as raised:
        finish(api.generate(REQUEST, None, None, None))
    assert raised.value.idempotency_key == service.requests[0].headers["Idempotency-Key"]
    assert raised.value.job_id == "job_1"


def test_generating_returns_the_song_or_raises_with_the_job() -> None:
    api, _, _ = calls(says(a_job(), 202), says(a_job("SUCCEEDED")))
    assert len(finish(api.generate(REQUEST, None, None, None)).tracks) == 2
    error = {
        "code": "quota",
        "message": "no credit",
        "retryable": False,
        "charged": "no",
        "gateway_code": None,
        "trace_id": None,
    }
    api, _, _ = calls(says(a_job(), 202), says(a_job("FAILED") | {"error": error}))
    with pytest.raises(JobNotSucceeded, match="job_1 is FAILED: quota, no credit"):
        finish(api.generate(REQUEST, None, None, None))
    with pytest.raises(JobNotSucceeded, match=r"job_1 is CANCELLED$"):
        raise JobNotSucceeded(Job.model_validate(a_job("CANCELLED")))


def test_an_answer_may_have_words_and_fields_that_the_client_does_not_know() -> None:
    api, _, _ = calls(says(a_job("RESTING") | {"mood": "calm"}))
    job = finish(api.get("job_1"))
    assert job.state == "RESTING"
    assert job.model_extra == {"mood": "calm"}


def test_without_an_address_or_key_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUNO_JOBS_API_URL", URL)
    monkeypatch.delenv("SUNO_JOBS_API_KEY", raising=False)
    with pytest.raises(ValueError, match="SUNO_JOBS_API_KEY"):
        access_of(None, None)
    assert access_of(None, KEY) == (URL, KEY)
    monkeypatch.setenv("SUNO_JOBS_API_KEY", "from the environment")
    assert access_of(URL, None) == (URL, "from the environment")


@pytest.mark.parametrize("content", [b"<html>Welcome</html>", b"[]", b'{"status": "ok"}'])
def test_an_answer_of_another_server_is_an_error_with_the_address(content: bytes) -> None:
    page = httpx.Response(200, content=content, headers={"Content-Type": "text/html"})
    api, service, _ = calls(lambda _: page)
    for call in (api.get("job_1"), api.wait("job_1", None, None), api.list_keys()):
        with pytest.raises(UnexpectedAnswer, match=r"https://api\.example/v1/\S+ answered 200 with text/html"):
            finish(call)
    with pytest.raises(UnexpectedAnswer) as raised:
        finish(api.submit(REQUEST, None))
    assert raised.value.idempotency_key == service.requests[-1].headers["Idempotency-Key"]


def test_a_blocking_call_that_would_suspend_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="suspended"):
        finish(asyncio.sleep(0))


def blocking(service: Service) -> SunoJobs:
    return SunoJobs(URL, KEY, http=httpx.Client(transport=httpx.MockTransport(service)))


def test_every_method_sends_its_request() -> None:
    summary = {
        name: value
        for name, value in a_job().items()
        if name not in ("partial", "tracks", "manifest", "result", "request", "quarantine")
    }
    event = {
        "at": "2026-11-22T02:00:00Z",
        "state": "ACCEPTED",
        "cause": "client",
        "execution": "e",
        "gateway": "ttapi",
        "task_id": None,
        "error": None,
        "waiting_for": None,
    }
    pages = [says({"jobs": [summary, summary], "next": "abc"}), says({"jobs": [summary], "next": None})]
    service = Service([says(a_job("SUCCEEDED"))])
    with blocking(service) as suno:
        suno.generate("A folk song", gateway=["kie", "ttapi"], metadata={"order": "7"}, title="Lights")
        assert service.sent(0) == {
            "gateway": ["kie", "ttapi"],
            "kind": "music",
            "input": {"prompt": "A folk song", "title": "Lights"},
            "metadata": {"order": "7"},
        }
        suno.generate(lyrics="La la")
        assert service.sent(2) == {"gateway": "auto", "kind": "music", "input": {"lyrics": "La la"}}
        suno.submit({"gateway": "auto", "kind": "lyrics", "input": {"prompt": "Harbours"}}, idempotency_key="k")
        suno.adopt("ttapi", "task-1", metadata={"order": "8"})
        assert service.sent() == {
            "gateway": "ttapi",
            "kind": "music",
            "adopt": {"task_id": "task-1"},
            "metadata": {"order": "8"},
        }
        suno.get("job_1")
        suno.wait("job_1", timeout=5)
        suno.cancel("job_1")
        suno.retry("job_1")
        assert service.requests[-1].content == b""
        suno.retry("job_1", accept_second_charge=True)
        assert service.sent() == {"accept_second_charge": True}
        service.replies = [lambda _: httpx.Response(204)]
        suno.delete("job_1")
        service.replies = [says({"job_id": "job_1", "events": [event]})]
        assert [each.cause for each in suno.events("job_1")] == ["client"]
        service.replies = [says({"gateways": []})]
        assert list(suno.gateways()) == []
        service.replies = [says(A_USAGE)]
        assert suno.usage().jobs == 3
        assert suno.usage("2026-10").days[0].usd == 1.5
        assert service.requests[-1].url.query == b"month=2026-10"
        service.replies = [says({"job": a_job(), "gateways": []})]
        assert suno.preview({"gateway": "auto", "kind": "lyrics", "input": {"prompt": "Harbours"}}).gateways == []
        assert service.requests[-1].url.query == b"dry_run=true"
        service.replies = pages
        after = datetime(2026, 11, 22, tzinfo=UTC)
        assert len(list(suno.list(state=["FAILED", "TIMED_OUT"], created_after=after, metadata={"order": "7"}))) == 3
    assert dict(service.requests[-2].url.params.multi_items()) | {"state": ""} == {
        "state": "",
        "created_after": after.isoformat(),
        "metadata.order": "7",
    }
    assert service.requests[-2].url.params.get_list("state") == ["FAILED", "TIMED_OUT"]
    assert service.requests[-1].url.params["cursor"] == "abc"
    with pytest.raises(RuntimeError, match="closed"):
        suno.get("job_1")


def test_both_clients_have_the_same_methods() -> None:
    def methods(client: type[object]) -> dict[str, str]:
        named = {name: each for name, each in vars(client).items() if not name.startswith("__") and callable(each)}
        return {name: str(inspect.signature(each)).replace("AsyncIterator", "Iterator") for name, each in named.items()}

    assert methods(SunoJobs) == methods(AsyncSunoJobs)
    documented = {name: each.__doc__ for name, each in vars(SunoJobs).items() if inspect.isfunction(each)}
    assert (
        documented.items()
        <= (
            {name: getattr(vars(AsyncSunoJobs).get(name), "__doc__", None) for name in documented}
            | {"__enter__": None, "__exit__": None}
        ).items()
    )


def test_the_asynchronous_client_sends_the_same() -> None:
    summary: dict[str, Any] = {
        name: value
        for name, value in a_job().items()
        if name not in ("partial", "tracks", "manifest", "result", "request", "quarantine")
    }

    async def use(service: Service) -> list[str]:
        async with AsyncSunoJobs(URL, KEY, http=httpx.AsyncClient(transport=httpx.MockTransport(service))) as suno:
            await suno.generate("A folk song")
            await suno.submit({"gateway": "auto", "kind": "lyrics", "input": {"prompt": "Harbours"}})
            await suno.adopt("ttapi", "task-1")
            await suno.get("job_1")
            await suno.wait("job_1")
            await suno.cancel("job_1")
            await suno.retry("job_1")
            service.replies = [lambda _: httpx.Response(204)]
            await suno.delete("job_1")
            service.replies = [says({"job_id": "job_1", "events": []})]
            assert list(await suno.events("job_1")) == []
            service.replies = [says({"gateways": []})]
            assert list(await suno.gateways()) == []
            service.replies = [says(A_USAGE)]
            assert (await suno.usage()).month == "2026-11"
            service.replies = [says({"job": a_job(), "gateways": []})]
            await suno.preview({"gateway": "auto", "kind": "lyrics", "input": {"prompt": "Harbours"}})
            service.replies = [not_reached, says({"jobs": [summary], "next": "abc"}), says({"jobs": [summary], "next": None})]
            return [job.job_id async for job in suno.list(kind="music")]

    assert asyncio.run(use(Service([says(a_job("SUCCEEDED"))]))) == ["job_1", "job_1"]


SINCE = datetime(2026, 11, 22, tzinfo=UTC)
NEW_KEY, NEW_WEBHOOK = A_KEY | {"key": "sj_live_new"}, A_WEBHOOK | {"secret": "whsec_bmV3"}
MANAGING: list[tuple[str, list[Any], dict[str, Any], Any, str, Any]] = [
    ("list_keys", [], {}, {"keys": [A_KEY]}, "GET /v1/keys", None),
    ("create_key", [], {"name": "web shop", "days": 90}, NEW_KEY, "POST /v1/keys", {"name": "web shop", "days": 90}),
    ("rotate_key", ["key_1"], {}, NEW_KEY, "POST /v1/keys/key_1/rotate", None),
    ("rotate_key", ["key_1"], {"overlap_hours": 0}, NEW_KEY, "POST /v1/keys/key_1/rotate", {"overlap_hours": 0}),
    ("revoke_key", ["key_1"], {}, None, "DELETE /v1/keys/key_1", None),
    ("list_webhooks", [], {}, {"webhooks": [A_WEBHOOK]}, "GET /v1/webhooks", None),
    ("create_webhook", [], {"url": "https://a.example"}, NEW_WEBHOOK, "POST /v1/webhooks", {"url": "https://a.example"}),
    ("get_webhook", ["wh_1"], {}, A_WEBHOOK, "GET /v1/webhooks/wh_1", None),
    ("change_webhook", ["wh_1"], {"disabled": False}, A_WEBHOOK, "PATCH /v1/webhooks/wh_1", {"disabled": False}),
    ("delete_webhook", ["wh_1"], {}, None, "DELETE /v1/webhooks/wh_1", None),
    ("rotate_webhook_secret", ["default"], {}, NEW_WEBHOOK, "POST /v1/webhooks/default/rotate", None),
    ("send_test_event", ["wh_1"], {}, A_DELIVERY, "POST /v1/webhooks/wh_1/test", None),
    ("retry_delivery", ["wh_1", "d_1"], {}, A_DELIVERY, "POST /v1/webhooks/wh_1/deliveries/d_1/retry", None),
]


@pytest.mark.parametrize(("name", "given", "options", "answer", "request_line", "body"), MANAGING)
def test_keys_and_webhooks_are_managed_by_both_clients(
    name: str, given: list[Any], options: dict[str, Any], answer: Any, request_line: str, body: Any
) -> None:
    async def use(service: Service) -> Any:
        async with AsyncSunoJobs(URL, KEY, http=httpx.AsyncClient(transport=httpx.MockTransport(service))) as suno:
            return await getattr(suno, name)(*given, **options)

    service = Service([says(answer) if answer else lambda _: httpx.Response(204)])
    with blocking(service) as suno:
        result = getattr(suno, name)(*given, **options)
    assert asyncio.run(use(service)) == result
    for request in service.requests:
        assert f"{request.method} {request.url.path}" == request_line
        assert request.content == (b"" if body is None else json.dumps(body).encode())
    [shown] = result if isinstance(result, list) else [result]
    [expected] = answer[name.removeprefix("list_")] if isinstance(result, list) else [answer]
    assert (shown and shown.model_dump(mode="json")) == expected


@pytest.mark.parametrize(
    ("name", "given"),
    [("create_key", []), ("rotate_key", ["key_1"]), ("create_webhook", []), ("rotate_webhook_secret", ["wh_1"])],
)
def test_what_makes_a_secret_is_not_repeated(name: str, given: list[str]) -> None:
    """A repetition would leave a key that works and that its owner does not know."""
    service = Service([a_lost_answer])
    with blocking(service) as suno, pytest.raises(NoAnswer):
        getattr(suno, name)(*given)
    assert len(service.requests) == 1


def test_deliveries_are_listed_and_replayed_over_all_pages() -> None:
    pages = [says({"deliveries": [A_DELIVERY], "next": "d_1"}), says({"deliveries": [A_DELIVERY], "next": None})]

    async def use(service: Service) -> tuple[int, int]:
        async with AsyncSunoJobs(URL, KEY, http=httpx.AsyncClient(transport=httpx.MockTransport(service))) as suno:
            listed = [delivery async for delivery in suno.list_deliveries("wh_1")]
            service.replies = [says({"replayed": 100, "next": "d_1"}), says({"replayed": 3, "next": None})]
            return len(listed), await suno.replay_deliveries("wh_1", since=SINCE, until=SINCE, delivered=True)

    service = Service(pages.copy())
    assert asyncio.run(use(service)) == (2, 103)
    assert service.requests[1].url.query == b"limit=100&cursor=d_1"
    range_of_time = {"since": SINCE.isoformat(), "delivered": True, "until": SINCE.isoformat()}
    assert [service.sent(position) for position in (2, 3)] == [range_of_time, {**range_of_time, "cursor": "d_1"}]
    service = Service(pages.copy())
    with blocking(service) as suno:
        assert len(list(suno.list_deliveries("wh_1"))) == 2
        service.replies = [says({"replayed": 1, "next": None})]
        assert suno.replay_deliveries("wh_1", since=SINCE) == 1
    assert service.sent() == {"since": SINCE.isoformat(), "delivered": False}


def test_pauses_are_spread_and_the_clock_runs() -> None:
    wire = BlockingWire(httpx.Client())
    assert 0.0 <= wire.spread(0.001) <= 0.001
    before = wire.now()
    finish(wire.sleep(0.0))
    assert wire.now() >= before
