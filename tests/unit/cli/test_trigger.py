"""``suno-jobs trigger``: an event or a fault by name, and never a job that costs money."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from local.simulator import FAULTS
from suno_jobs.cli import checkout
from suno_jobs.cli.client import access, trigger
from suno_jobs.cli.client.trigger import EVENTS
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.gateways.sandbox import Marker
from suno_jobs.jobs.states import TERMINAL
from suno_jobs_client import SunoJobs
from tests.unit.client.service import URL, Service, a_job, says

LIVE, TEST = "sj_live_x", "sj_test_x"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Logged in with a test key."""
    made = Service([says(a_job(), 202)])
    monkeypatch.setenv(access.URL, URL)
    monkeypatch.setenv(access.KEY, TEST)
    client = httpx.Client(transport=httpx.MockTransport(made))
    monkeypatch.setattr(access, "SunoJobs", lambda *at: SunoJobs(*at, http=client))
    return made


@pytest.fixture
def on_a_local_stack(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """With a live key, on a stack with an own account at ttapi."""
    monkeypatch.setenv(access.KEY, LIVE)
    monkeypatch.setattr(trigger, "_simulated_gateways", lambda _: ["crun", "kie"])
    return service


def text_and_gateway(service: Service) -> tuple[str, Any]:
    sent = service.sent(0)
    return sent["input"]["prompt"], sent["gateway"]


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("job.succeeded", ""),
        ("job.failed", "[test:failed]"),
        ("job.timed_out", "[test:ambiguous]"),
        ("partial", "[test:partial]"),
    ],
)
def test_with_a_test_key_a_marker_plays_it(
    service: Service, capsys: pytest.CaptureFixture[str], name: str, marker: str
) -> None:
    assert main(["trigger", name]) == 0
    text, gateway = text_and_gateway(service)
    assert text == f"A song for {name} {marker}".rstrip()
    assert gateway == "auto"
    assert capsys.readouterr().out == "job_1\n"


@pytest.mark.parametrize(
    ("arguments", "fault", "gateway"),
    [
        (["job.failed"], "[fault:failed_task]", "crun"),
        (["lost_callback", "--gateway", "kie"], "[fault:lost_callback]", "kie"),
        (["slow_task=3"], "[fault:slow_task=3]", "crun"),
    ],
)
def test_on_the_local_stack_a_simulated_gateway_plays_it(
    on_a_local_stack: Service, arguments: list[str], fault: str, gateway: str
) -> None:
    assert main(["trigger", *arguments]) == 0
    text, chosen = text_and_gateway(on_a_local_stack)
    assert text.endswith(f" {fault}")
    assert chosen == gateway


def test_a_cancelled_job_is_created_and_cancelled(service: Service) -> None:
    service.replies.append(says(a_job("CANCELLED")))
    assert main(["trigger", "job.cancelled"]) == 0
    assert [request.url.path for request in service.requests] == ["/v1/jobs", "/v1/jobs/job_1/cancel"]


@pytest.mark.parametrize(
    ("simulated", "arguments", "reason"),
    [
        ([], ["job.failed"], "A live key pays for its jobs on this stack"),
        (["crun"], ["job.failed", "--gateway", "ttapi"], "ttapi is not simulated on this stack. Simulated are crun."),
    ],
)
def test_nothing_is_created_that_would_be_paid(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    simulated: list[str],
    arguments: list[str],
    reason: str,
) -> None:
    monkeypatch.setenv(access.KEY, LIVE)
    monkeypatch.setattr(trigger, "_simulated_gateways", lambda _: simulated)
    assert main(["trigger", *arguments]) == ExitCode.REFUSED
    assert capsys.readouterr().err.startswith(reason)
    assert service.requests == []


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (httpx.Response(200, json={"simulated": ["kie"]}), ["kie"]),
        (httpx.Response(200, json={"other": 1}), []),
        (httpx.Response(200, json=["kie"]), []),
        (httpx.Response(200, text="a page"), []),
        (httpx.Response(404, json={"simulated": ["kie"]}), []),
        (httpx.ConnectError("no"), []),
    ],
    ids=str,
)
def test_only_a_local_stack_has_simulated_gateways(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception, found: list[str]
) -> None:
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.Client(transport=httpx.MockTransport(reply))
    monkeypatch.setattr("suno_jobs.cli.client.trigger.httpx.Client", lambda **_: client)
    assert trigger._simulated_gateways(f"{URL}/") == found
    assert asked == [f"{URL}/_local"]


@pytest.mark.parametrize(
    ("key", "name", "reason"),
    [
        (TEST, None, "name an event or a fault"),
        (TEST, "no_such", "there is no event or fault no_such"),
        (TEST, "lost_callback", "lost_callback needs a live key of the local stack"),
        (LIVE, "partial", "partial needs a test key"),
        (LIVE, "slow_task=long", "there is no event or fault slow_task=long"),
    ],
)
def test_a_name_that_cannot_be_played_gets_one_line(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str,
    name: str | None,
    reason: str,
) -> None:
    monkeypatch.setenv(access.KEY, key)
    assert main(["trigger", *filter(None, [name])]) == ExitCode.WRONG_ARGUMENTS
    assert capsys.readouterr().err.startswith(reason)
    assert service.requests == []


def test_the_list_has_every_event_marker_and_fault_with_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trigger", "--list"]) == 0
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head[:2] == ["NAME", "KEY"]
    keys = {name: key for name, key, *_ in rows}
    assert keys.keys() == {*EVENTS, *(set(Marker) - {Marker.NONE}), *FAULTS}
    assert (keys["partial"], keys["lost_callback"]) == ("test", "live")


def test_a_program_reads_the_job_and_the_list(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trigger", "job.failed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == a_job()
    assert main(["trigger", "--list", "--json"]) == 0
    listed = {each["name"]: each["key"] for each in json.loads(capsys.readouterr().out)}
    assert (listed["job.failed"], listed["lost_callback"]) == ("test, live", "live")


def test_without_a_checkout_the_list_has_no_faults(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(checkout, "import_module", missing)
    assert main(["trigger", "--list"]) == 0
    names = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert names == {*EVENTS, *(set(Marker) - {Marker.NONE})}


def test_every_end_of_a_job_is_an_event_and_every_text_is_known() -> None:
    assert {f"job.{state.lower()}" for state in TERMINAL} | {"job.progress"} == EVENTS.keys()
    for play in EVENTS.values():
        marker, fault = play.in_test_mode or "", play.at_simulator or ""
        assert marker.removeprefix("[test:").removesuffix("]") in {"", *Marker}
        assert fault.removeprefix("[fault:").removesuffix("]").partition("=")[0] in {"", *FAULTS}
