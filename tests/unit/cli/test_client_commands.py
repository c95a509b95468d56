"""The commands for people with an API key, against a service in memory."""

from __future__ import annotations

import io
import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cyclopts import App

from suno_jobs.cli.client import access, fields, screen
from suno_jobs.cli.main import app
from suno_jobs.cli.problems import ExitCode
from suno_jobs.cli.reference import page
from suno_jobs_client.files import Progress, files_of
from suno_jobs_client.models import Job
from tests.unit.cli.running import Serving, run
from tests.unit.client.service import A_USAGE, AUDIO, KEY, URL, Reply, a_job, a_lost_answer, an_error, says

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("home")


def commands_of(parent: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in parent:
        if not name.startswith("-"):
            parts = list(commands_of(parent[name], (*path, name)))
            yield from parts or [(*path, name)]


def summary(state: str = "FAILED") -> dict[str, Any]:
    left_out = ("partial", "tracks", "manifest", "result", "request", "quarantine")
    return {name: value for name, value in a_job(state).items() if name not in left_out}


def an_audio(job: dict[str, Any]) -> Reply:
    """The job, its files by redirects, and their content."""

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.host == "bucket":
            return httpx.Response(206, content=AUDIO if request.url.path == "/t1" else AUDIO[1:])
        if "/tracks/" in request.url.path:
            return httpx.Response(307, headers={"Location": f"https://bucket/{request.url.path.split('/')[5]}"})
        return httpx.Response(200, json=job)

    return reply


def test_without_a_key_every_command_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    out, errors = run(capsys, "list", code=ExitCode.NOT_PERMITTED)
    assert (out, "suno-jobs login" in errors) == ("", True)
    access.access_file().parent.mkdir(parents=True)
    for content in ("no JSON", "[]", '{"api_url": 5, "api_key": ["x"]}'):
        access.access_file().write_text(content)
        assert "suno-jobs login" in run(capsys, "get", "job_1", code=ExitCode.NOT_PERMITTED)[1]


def test_a_login_checks_the_key_and_stores_it_for_its_owner_only(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = serving(says({"jobs": [], "next": None}))
    monkeypatch.delenv(access.KEY)
    monkeypatch.delenv(access.URL)
    monkeypatch.setattr(sys, "stdin", io.StringIO("sj_live_stored\n"))
    run(capsys, "login", URL)
    assert service.requests[0].headers["Authorization"] == "Bearer sj_live_stored"
    assert stat.S_IMODE(access.access_file().stat().st_mode) == 0o600
    assert access.find_access() == (URL, "sj_live_stored")
    monkeypatch.setenv(access.KEY, "sj_live_of_the_shell")
    assert access.find_access() == (URL, "sj_live_of_the_shell")


def test_a_login_in_a_terminal_asks(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serving(says({"jobs": [], "next": None}))
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("builtins.input", lambda _: URL)
    monkeypatch.setattr(access, "getpass", lambda _: KEY)
    assert json.loads(run(capsys, "login", "--json")[0]) == {"api_url": URL, "file": str(access.access_file())}
    assert json.loads(access.access_file().read_text()) == {"api_url": URL, "api_key": KEY}


def test_a_login_that_gets_no_answer_in_a_terminal_stores_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-D at the question."""

    def end(_: str) -> str:
        raise EOFError

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(access, "getpass", end)
    run(capsys, "login", URL, code=ExitCode.WRONG_ARGUMENTS)
    assert not access.access_file().exists()


@pytest.mark.parametrize(
    ("address", "key", "code"),
    [
        (None, KEY, ExitCode.WRONG_ARGUMENTS),
        ("http://api.example", KEY, ExitCode.WRONG_ARGUMENTS),
        ("http://localhost.evil.example", KEY, ExitCode.WRONG_ARGUMENTS),
        ("https://[x", KEY, ExitCode.WRONG_ARGUMENTS),
        ("https:///v1", KEY, ExitCode.WRONG_ARGUMENTS),
        (URL, "", ExitCode.WRONG_ARGUMENTS),
    ],
)
def test_a_login_without_an_address_or_a_key_stores_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str | None, key: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(key))
    run(capsys, "login", *filter(None, [address]), code=code)
    assert not access.access_file().exists()


def test_a_key_that_is_refused_is_not_stored(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serving(says({"message": "Forbidden"}, 403))
    monkeypatch.setattr(sys, "stdin", io.StringIO(KEY))
    run(capsys, "login", URL, code=ExitCode.NOT_PERMITTED)
    assert not access.access_file().exists()


def test_a_song_is_submitted_and_its_id_printed(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    service = serving(says(a_job(), 202))
    options = [
        "--gateway",
        "kie, ttapi",
        "--key",
        "order-7",
        "--metadata",
        "order=7",
        "--instrumental",
        "--field",
        "duration=42",
    ]
    assert run(capsys, "generate", "A folk song", *options) == ("job_1\n", "")
    assert service.requests[0].headers["Idempotency-Key"] == "order-7"
    assert service.sent() == {
        "gateway": ["kie", "ttapi"],
        "kind": "music",
        "input": {"prompt": "A folk song", "instrumental": True, "duration": 42},
        "metadata": {"order": "7"},
    }


def test_a_song_is_waited_for_and_brought_home(serving: Serving, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    applied = {"Preference-Applied": "wait=25"}
    waiting = {"reason": "callback", "until": "2026-11-22T02:01:00Z"}
    serving(
        says(a_job("ACCEPTED"), 202),
        lambda _: httpx.Response(200, json=a_job("ACCEPTED") | {"waiting_for": waiting}, headers=applied),
        lambda _: httpx.Response(200, json=a_job("ACCEPTED") | {"waiting_for": waiting}, headers=applied),
        lambda _: httpx.Response(200, json=a_job() | {"progress": "first"}, headers=applied),
        an_audio(a_job("SUCCEEDED") | {"cost": {"amount": 6, "unit": "quota", "source": "reported"}}),
    )
    out, errors = run(capsys, "generate", "A folk song", "--download", str(tmp_path / "songs"))
    assert (tmp_path / "songs" / "Harbour Lights 1.mp3").read_bytes() == AUDIO
    assert errors.splitlines() == [
        "job_1  is submitted",
        "job_1  ACCEPTED (waits for: callback)",
        "job_1  GENERATING, first",
        "job_1  SUCCEEDED",
        "Harbour Lights 1.mp3  102 kB",
        "Harbour Lights 2.mp3  102 kB",
    ]
    assert re.search(r"charged +yes 6 quota", out)
    assert re.search(r"t1 +Harbour Lights +3\.5 s +stored +audio 102 kB", out)


@pytest.mark.parametrize(
    ("state", "code"), [("FAILED", ExitCode.JOB_FAILED), ("CANCELLED", ExitCode.JOB_FAILED), ("TIMED_OUT", ExitCode.TIMED_OUT)]
)
def test_another_end_has_an_exit_code_of_its_own(
    serving: Serving, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    error = {
        "code": "quota",
        "message": "no credit",
        "retryable": False,
        "charged": "no",
        "gateway_code": None,
        "trace_id": None,
    }
    until = {"recoverable_until": "2026-11-25T02:00:00Z"}
    serving(says(a_job(), 202), says(a_job(state) | {"error": error} | until))
    out, _ = run(capsys, "generate", "A folk song", "--wait", code=code)
    assert "quota: no credit" in out
    assert "2026-11-25 02:00" in out


def test_json_is_what_the_api_answered(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    job = a_job("SUCCEEDED") | {"new_field": 1}
    serving(says(job))
    assert json.loads(run(capsys, "get", "job_1", "--json")[0]) == job
    assert json.loads(run(capsys, "generate", "A folk song", "--wait", "--json")[0]) == job
    assert json.loads(run(capsys, "watch", "job_1", "--json")[0]) == [job]
    for command in (("cancel", "job_1"), ("retry", "job_1"), ("adopt", "ttapi", "task")):
        assert json.loads(run(capsys, *command, "--json")[0]) == job
    serving(says({"jobs": [summary()], "next": None}))
    assert json.loads(run(capsys, "list", "--json")[0]) == [summary()]


def test_a_lost_answer_names_the_key_to_repeat_the_command_with(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    for reply in (a_lost_answer, an_error(503)):
        service = serving(reply)
        _, errors = run(capsys, "generate", "A folk song", code=ExitCode.NOT_DONE)
        assert f"--key {service.requests[0].headers['Idempotency-Key']}:" in errors


def test_a_dry_run_shows_the_estimate_and_creates_nothing(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    offer = {"requested_model": "v6", "requested_gateway_model": "chirp-v6", "limits": {}}
    offers = [
        offer | {"gateway": "ttapi", "estimate": {"amount": 6, "unit": "quota", "source": "listed"}},
        offer | {"gateway": "kie", "estimate": None},
    ]
    preview = {"job": a_job() | {"job_id": None}, "gateways": offers}
    service = serving(says(preview))
    out, _ = run(capsys, "generate", "A folk song", "--dry-run")
    assert re.search(r"ttapi +v6 +6 quota\s+kie +v6 +not known", out)
    assert service.requests[0].url.query == b"dry_run=true"
    assert json.loads(run(capsys, "generate", "A folk song", "--dry-run", "--json")[0]) == preview


def test_every_kind_can_be_run(
    serving: Serving, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serving(says(a_job(), 202))
    run(capsys, "run", "stems", "--source", "job_1/t1", "--field", "split=all")
    assert service.sent()["input"] == {"split": "all", "source": {"job_id": "job_1", "track_id": "t1"}}
    run(capsys, "run", "inspo", "--field", 'audio_urls=["https://a.example/1.mp3"]', "--field", "title=42")
    assert service.sent()["input"] == {"audio_urls": ["https://a.example/1.mp3"], "title": "42"}
    (tmp_path / "input.json").write_text('{"prompt": "Harbours"}')
    run(capsys, "run", "lyrics", "--input", f"@{tmp_path}/input.json")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"prompt": "Harbours"}'))
    run(capsys, "run", "lyrics", "--input", "@-")
    run(capsys, "run", "lyrics", "--input", '{"prompt": "Harbours"}')
    assert [service.sent(position) for position in (-3, -2)] == [service.sent()] * 2
    assert set(fields.KINDS) >= {"music", "adjust_speed"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "opera"), "opera"),
        (("run", "lyrics", "--field", "prompt"), "NAME=VALUE"),
        (("run", "lyrics", "--field", "tempo=3"), "tempo"),
        (("run", "music", "--field", "duration=long"), "no JSON value"),
        (("run", "lyrics", "--input", "{"), "no JSON"),
        (("run", "lyrics", "--input", "[1]"), "JSON object"),
        (("run", "lyrics", "--input", "@missing.json"), "missing.json"),
        (("run", "wav", "--source", "job_1"), "JOB_ID/TRACK_ID"),
        (("run", "lyrics", "--input", "[" * 100_000), "no JSON"),
        (("generate", "A song", "--metadata", "order"), "NAME=VALUE"),
        (("list", "--limit", "-1"), "--limit"),
        (("webhooks", "deliveries", "we_1", "--limit", "0"), "--limit"),
        (("watch",), "name a job"),
    ],
)
def test_wrong_arguments_are_named(
    serving: Serving, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], named: str
) -> None:
    service = serving(says(a_job()))
    out, errors = run(capsys, *arguments, code=ExitCode.WRONG_ARGUMENTS)
    assert (out, errors.count("\n"), named in errors, service.requests) == ("", 1, True, [])


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (
            an_error(
                422,
                "invalid-request",
                "x",
                errors=[{"pointer": "/input/title", "detail": "is long"}, {"parameter": "limit", "detail": "is 0"}],
            ),
            3,
            "/input/title: is long; limit: is 0",
        ),
        (an_error(422, "idempotency-conflict", "used with another body"), 3, "used with another body"),
        (an_error(422, "x", "y", errors=[{"detail": "no"}]), 3, "the request: no"),
        (an_error(404, "job-not-found", "No such job"), 3, "No such job"),
        (an_error(405, "method-not-allowed", "no"), 3, "no"),
        (an_error(403, "scope-missing", "needs jobs:read"), 4, "needs jobs:read"),
        (an_error(429, "quota-exceeded", "jobs per day"), 5, "jobs per day"),
        (an_error(500), 1, "500"),
        (a_lost_answer, 1, "no answer"),
    ],
)
def test_what_the_service_refuses_is_one_line_and_an_exit_code(
    serving: Serving, capsys: pytest.CaptureFixture[str], reply: Reply, code: int, said: str
) -> None:
    serving(reply)
    out, errors = run(capsys, "get", "job_1", code=code)
    assert (out, errors.count("\n"), said in errors) == ("", 1, True)


def test_jobs_are_listed_as_a_table(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    service = serving(says({"jobs": [summary(), summary("SUCCEEDED")], "next": "more"}))
    out, _ = run(capsys, "list", "--state", "FAILED", "--kind", "music", "--gateway", "kie", "--limit", "3")
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["JOB", "STATE", "KIND"],
        ["job_1", "FAILED", "music"],
        ["job_1", "SUCCEEDED", "music"],
        ["job_1", "FAILED", "music"],
    ]
    assert dict(service.requests[0].url.params) == {"state": "FAILED", "kind": "music", "gateway": "kie"}
    assert "\x1b" not in out


def test_a_job_with_data_shows_it(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    lyrics = {"lyrics": [{"title": "Lights", "text": "La la"}]}
    serving(says(a_job("SUCCEEDED", contents=()) | {"kind": "lyrics", "result": lyrics, "partial": True}))
    out, _ = run(capsys, "get", "job_1")
    assert "SUCCEEDED (partial)" in out
    assert '"text": "La la"' in out


def test_many_jobs_are_watched_at_once(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        job = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json=a_job("TIMED_OUT" if job == "job_2" else "SUCCEEDED") | {"job_id": job})

    serving(reply)
    out, errors = run(capsys, "watch", "job_1", "job_2", code=ExitCode.TIMED_OUT)
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["job_1", "SUCCEEDED"], ["job_2", "TIMED_OUT"]]
    assert sorted(errors.splitlines()) == ["job_1  SUCCEEDED", "job_2  TIMED_OUT"]
    serving(an_error(404, "job-not-found", "No such job"))
    assert "No such job" in run(capsys, "watch", "job_1", "job_2", code=ExitCode.REFUSED)[1]


def test_files_are_downloaded_into_a_folder_or_a_zip(
    serving: Serving, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    serving(an_audio(a_job("SUCCEEDED") | {"title": "x"}))
    assert run(capsys, "download", "job_1")[0] == "Harbour Lights 1.mp3\nHarbour Lights 2.mp3\n"
    assert (tmp_path / "Harbour Lights 2.mp3").read_bytes() == AUDIO[1:]
    files = ["songs/Harbour Lights 1.mp3", "songs/Harbour Lights 2.mp3"]
    assert json.loads(run(capsys, "download", "job_1", "songs", "--json")[0]) == {"files": files}
    assert run(capsys, "download", "job_1", "--zip", str(tmp_path / "all.zip"))[0] == f"{tmp_path}/all.zip\n"
    large = a_job("SUCCEEDED", contents=(AUDIO,))
    large["tracks"][0]["assets"][0]["bytes"] = 2_500_000
    large["tracks"][0]["missing"] = {"video": None}
    serving(says(large))
    assert re.search(r"audio 2\.5 MB +video", run(capsys, "get", "job_1")[0])
    serving(says(a_job("SUCCEEDED", contents=(b"tiny",))))
    assert "audio 4 bytes" in run(capsys, "get", "job_1")[0]


def test_a_file_that_is_on_its_way_is_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    [file, _] = files_of(Job.model_validate(a_job("SUCCEEDED")))
    progressed = screen.reporting_files()
    progressed(Progress(file, 1000))
    progressed(Progress(file, file.bytes))
    assert capsys.readouterr().err == "Harbour Lights 1.mp3  102 kB\n"


def test_a_job_is_cancelled_retried_and_adopted(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    service = serving(says(a_job("CANCELLED")))
    assert "CANCELLED" in run(capsys, "cancel", "job_1")[0]
    assert run(capsys, "retry", "job_1", "--accept-second-charge")[0] == "job_1\n"
    assert service.sent() == {"accept_second_charge": True}
    assert run(capsys, "adopt", "ttapi", "task-1", "--kind", "lyrics")[0] == "job_1\n"
    assert service.sent() == {"gateway": "ttapi", "kind": "lyrics", "adopt": {"task_id": "task-1"}}


def test_the_history_and_the_gateways_are_tables(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    event = {
        "at": "2026-11-22T02:00:00Z",
        "state": "SUBMITTING",
        "cause": "client",
        "execution": "e",
        "gateway": "kie",
        "task_id": None,
        "error": "quota",
        "waiting_for": None,
    }
    events = {"job_id": "job_1", "events": [event]}
    serving(says(events))
    assert "02:00:00  SUBMITTING  client  kie      quota" in run(capsys, "events", "job_1")[0]
    assert json.loads(run(capsys, "events", "job_1", "--json")[0]) == [event]
    account = {
        "account": "default",
        "requests_per_second": 1.5,
        "tasks_in_flight": 611,
        "queue_length": 240,
        "counted_at": event["at"],
    }
    health = {
        "status": "ok",
        "last_success_at": None,
        "last_failure_at": None,
        "last_error": None,
        "breaker": "closed",
        "open_until": None,
        "accounts": [account],
    }
    lists: dict[str, Any] = {name: [] for name in ("callback_stages", "prices", "balances")}
    objects: dict[str, Any] = {name: {} for name in ("kinds", "unsupported", "models", "limits", "link_days", "errors")}
    rest = {
        "name": "kie",
        "default_model": "v6",
        "rate": {"requests": 20, "seconds": 10},
        "batch_size": None,
        "link_renewal": False,
        "balance": True,
    }
    gateways = {"gateways": [{**lists, **objects, **rest, "health": health}]}
    serving(says(gateways))
    assert re.search(r"kie +ok +closed +611 +240 +v6 +0", run(capsys, "gateways")[0])
    assert json.loads(run(capsys, "gateways", "--json")[0]) == gateways["gateways"]


def test_the_usage_is_a_table(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving(says(A_USAGE))
    out, _ = run(capsys, "usage", "--month", "2026-11")
    assert re.search(r"2026-11-01 +3 +1\.50\s+2026-11 +3 +1\.50", out)
    assert re.search(r"jobs in progress +20\s+jobs per month +0\s+usd per month +500\s*$", out)
    serving(says(A_USAGE | {"limits": dict.fromkeys(A_USAGE["limits"])}))
    assert "LIMIT" not in run(capsys, "usage")[0]
    serving(says(A_USAGE))
    assert json.loads(run(capsys, "usage", "--json")[0]) == A_USAGE


def test_the_page_of_the_commands_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the tests were started: ``python -m pytest`` would be in the usage lines."""
    monkeypatch.setattr("sys.argv", ["suno-jobs"])
    assert (ROOT / "docs/cli.md").read_text() == page(), "run make docs"


WITHOUT_JSON = [("local", "up"), ("local", "run"), ("simulate",), ("adopt-file",), ("completion",)]
"""What they print is JSON, a script or a demonstration."""


@pytest.mark.parametrize("path", [*commands_of(app)], ids=" ".join)
def test_every_command_has_an_example_and_an_output_for_programs(
    capsys: pytest.CaptureFixture[str], path: tuple[str, ...]
) -> None:
    shown = run(capsys, *path, "--help")[0]
    assert re.search(rf"\n .*suno-jobs {' '.join(path)}\b", shown.partition("Usage:")[2].partition("\n")[2])
    assert ("--json" in shown) == (path not in WITHOUT_JSON)
