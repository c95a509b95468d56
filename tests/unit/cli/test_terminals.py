"""What people see in terminals of any width, in pipes, and when a file or the output cannot be written."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from suno_jobs.cli.client import access
from suno_jobs.cli.main import app, main
from suno_jobs.cli.problems import ExitCode
from tests.unit.cli.running import Serving, run
from tests.unit.cli.test_main import CORE
from tests.unit.client.service import A_DELIVERY, A_KEY, A_USAGE, A_WEBHOOK, KEY, URL, Reply, a_job, an_error, says

pytestmark = pytest.mark.usefixtures("home")
SHELLS = ("bash", "zsh", "fish")
JOB_ID, TASK_ID = "job_0123456789abcdefghijklmnop", "99048c7b-d2ba-4b2f-ac2f-f4f554d2393e"
ERROR: dict[str, Any] = {
    "code": "quota",
    "message": "the account has no credit for another song",
    "retryable": False,
    "charged": "no",
    "gateway_code": None,
    "trace_id": None,
}
JOB = a_job("FAILED") | {"job_id": JOB_ID, "task_id": TASK_ID, "error": ERROR}
SONG = a_job("SUCCEEDED") | {"job_id": JOB_ID}
SONG["tracks"][0]["track_id"] = TASK_ID


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Showing = Callable[..., str]


@pytest.fixture
def showing(monkeypatch: pytest.MonkeyPatch) -> Showing:
    """Runs a command in a terminal that shows colours, and returns what it shows."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def show(*arguments: str, columns: int = 40) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal := Terminal())
            # The console of the help takes its width from the environment in which it is made.
            patched.setattr(app, "console", type(app.console)())
            assert main(arguments) == ExitCode.DONE
        return terminal.getvalue()

    return show


def without_styles(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def summaries(*states: str) -> dict[str, Any]:
    left_out = ("partial", "tracks", "manifest", "result", "request", "quarantine")
    jobs = [{name: value for name, value in (JOB | {"state": state}).items() if name not in left_out} for state in states]
    return {"jobs": jobs, "next": None}


@pytest.mark.parametrize(
    ("arguments", "answer", "words"),
    [
        (("list",), summaries("FAILED", "SUCCEEDED"), [JOB_ID, "SUCCEEDED", "quota:"]),
        (("get", JOB_ID), JOB, [JOB_ID, TASK_ID]),
        (("get", JOB_ID), SONG, [JOB_ID, TASK_ID, "Harbour"]),
        (("keys", "list"), {"keys": [A_KEY]}, [A_KEY["key_id"]]),
        (("webhooks", "list"), {"webhooks": [A_WEBHOOK]}, [A_WEBHOOK["webhook_id"], A_WEBHOOK["url"]]),
        (("webhooks", "deliveries", "we_1"), {"deliveries": [A_DELIVERY], "next": None}, [A_DELIVERY["delivery_id"]]),
        (("usage",), A_USAGE, ["2026-11-01"]),
    ],
)
def test_no_word_is_cut_in_a_narrow_terminal(
    serving: Serving, showing: Showing, arguments: tuple[str, ...], answer: Any, words: list[str]
) -> None:
    """An id must be copied from it."""
    serving(says(answer))
    for columns in (1, 20, 40, 80, 120):
        shown = without_styles(showing(*arguments, columns=columns))
        assert [word for word in words if word not in shown.split()] == []
        assert "…" not in shown


def test_a_table_fits_where_its_longest_words_do(serving: Serving, showing: Showing) -> None:
    serving(says(summaries("FAILED")))
    head, first, second, *_ = without_styles(showing("list", columns=100)).splitlines()
    assert head.split() == ["JOB", "STATE", "KIND", "GATEWAY", "CREATED", "ERROR"]
    assert (first[-27:], second.strip()) == ("  quota: the account has no", "credit for another song")
    assert without_styles(showing("list")).startswith(f"JOB {JOB_ID}\nSTATE FAILED\n")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_only_for_those_who_want_them(
    serving: Serving, showing: Showing, monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    serving(says(SONG))
    assert bool(re.search(r"\x1b\[[0-9;]*3\dm", showing("get", JOB_ID))) is coloured


@pytest.mark.parametrize("arguments", [("--help",), ("generate", "--help"), ("webhooks", "--help")])
def test_the_help_fits_a_narrow_terminal(showing: Showing, arguments: tuple[str, ...]) -> None:
    assert max(map(len, without_styles(showing(*arguments)).splitlines())) <= 40


def test_the_help_of_every_command_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["generate", "--help"], ["keys", "list", "--help"]):
        shown = " ".join(run(capsys, *arguments)[0].split())
        assert [code for code in ExitCode if not re.search(rf"[:,] {code:d} \w", shown.partition("Exit codes")[2])] == []


def test_a_pipe_gets_whole_lines_without_control_codes(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving(says(summaries("FAILED")))
    out, _ = run(capsys, "list")
    [_, line] = out.splitlines()
    assert (line.startswith(JOB_ID), line.endswith(ERROR["message"]), "\x1b" in out) == (True, True, False)


@pytest.mark.parametrize("title", ["[/nope] song", "[bold]song[/bold]", ":smile: song", "\x1b]0;owned\x07song", "a\r\nsong"])
def test_a_title_changes_nothing_but_itself(serving: Serving, capsys: pytest.CaptureFixture[str], title: str) -> None:
    """It comes from a gateway, or from another person of the tenant."""
    serving(says(a_job("SUCCEEDED", title=title)))
    out, _ = run(capsys, "get", "job_1")
    shown = re.sub(r"[\x00-\x1f]", " ", title)
    assert out.count(shown) == 2
    assert re.search(r"[\x00-\x09\x0b-\x1f]", out) is None


def test_an_error_has_no_control_codes(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving(an_error(500, "broken", "\x1b[31mred"))
    assert "\x1b" not in run(capsys, "get", "job_1", code=ExitCode.NOT_DONE)[1]


def subprocess_of(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    script = f"import sys; from suno_jobs.cli.main import main; sys.exit(main({list(arguments)!r}))"
    client = CORE.parents[2] / "client"
    environment = {"PYTHONPATH": f"{CORE}:{client}", access.URL: "https://übung.example", access.KEY: KEY}
    return subprocess.run(
        [sys.executable, "-c", script], check=False, env=environment | more.pop("env", {}), stderr=subprocess.PIPE, **more
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess_of("completion", "fish", stdout=full)
    assert (done.returncode, done.stderr) == (ExitCode.NOT_DONE, b"No space left on device\n")


class Full(io.StringIO):
    """A standard output on a disk that is full."""

    def flush(self) -> None:
        raise OSError(28, os.strerror(28))

    def fileno(self) -> int:
        return self.descriptor

    descriptor = -1


def test_an_output_that_cannot_be_written_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Otherwise the interpreter reports it once more at its end."""
    with (tmp_path / "out").open("w") as file:
        full = Full()
        full.descriptor = file.fileno()
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["completion", "fish"]) == ExitCode.NOT_DONE
        assert os.path.sameopenfile(file.fileno(), os.open(os.devnull, os.O_WRONLY))
    assert capsys.readouterr().err == "No space left on device\n"


def test_an_encoding_without_the_character_is_no_defect() -> None:
    done = subprocess_of("open", stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii", "BROWSER": "true"})
    assert (done.returncode, done.stdout) == (ExitCode.DONE, b"https://?bung.example/console\n")


def test_a_folder_that_cannot_be_written_is_named(
    serving: Serving, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    serving(says(a_job("SUCCEEDED")))
    target = f"{tmp_path}/file/songs"
    assert run(capsys, "download", "job_1", target, code=ExitCode.NOT_DONE) == ("", f"{target}: Not a directory\n")
    monkeypatch.setattr("suno_jobs_client.files._append", no_space)
    assert run(capsys, "download", "job_1", str(tmp_path), code=ExitCode.NOT_DONE)[1] == "No space left on device\n"
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{tmp_path}/file")
    monkeypatch.setattr(sys, "stdin", io.StringIO(KEY))
    serving(says({"jobs": [], "next": None}))
    assert str(tmp_path) in run(capsys, "login", URL, code=ExitCode.NOT_DONE)[1]


def no_space(*_: object) -> None:
    raise OSError(28, os.strerror(28))


def test_without_a_home_folder_the_message_names_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert "XDG_CONFIG_HOME" in run(capsys, "list", code=ExitCode.WRONG_ARGUMENTS)[1]


@pytest.mark.parametrize(
    ("reply", "code", "named"),
    [
        (says({"message": "Forbidden"}, 403), ExitCode.NOT_PERMITTED, "suno-jobs login"),
        (lambda _: httpx.Response(200, text="<html>"), ExitCode.WRONG_ARGUMENTS, "not an answer of suno-jobs"),
    ],
)
def test_a_wrong_key_or_address_is_named(
    serving: Serving, capsys: pytest.CaptureFixture[str], reply: Reply, code: int, named: str
) -> None:
    serving(reply)
    assert named in run(capsys, "list", code=code)[1]


@pytest.mark.parametrize("key", ["sj_live_é", "sj_live_x\ny", "\u201csj_live_x\u201d"])
def test_a_key_that_cannot_be_sent_is_named_without_it(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    service = serving(says({}))
    monkeypatch.setattr(sys, "stdin", io.StringIO("sj_live_é"))
    assert "a character that no key has" in run(capsys, "login", URL, code=ExitCode.NOT_PERMITTED)[1]
    monkeypatch.setenv(access.KEY, key)
    errors = run(capsys, "list", code=ExitCode.NOT_PERMITTED)[1]
    assert ("a character that no key has" in errors, key in errors, service.requests) == (True, False, [])


@pytest.mark.parametrize("address", ["nowhere", "https://[x", "http://api.example"])
def test_an_address_of_the_environment_is_checked_like_that_of_a_login(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    service = serving(says({}))
    monkeypatch.setenv(access.URL, address)
    assert "https://" in run(capsys, "list", code=ExitCode.WRONG_ARGUMENTS)[1]
    assert service.requests == []


def test_an_interrupted_wait_says_how_to_go_on(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    for reply, code in ((interrupted, ExitCode.INTERRUPTED), (an_error(500), ExitCode.NOT_DONE)):
        serving(says(a_job(), 202), reply)
        assert "suno-jobs watch job_1" in run(capsys, "generate", "A song", "--wait", code=code)[1]


def test_an_interrupted_submission_names_the_key_to_repeat_it_with(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have been carried out: without its key, a repetition would be paid for as well."""

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    service = serving(interrupted)
    errors = run(capsys, "generate", "A song", code=ExitCode.INTERRUPTED)[1]
    assert f"--key {service.requests[0].headers['Idempotency-Key']}:" in errors
    assert "--key order-7:" in run(capsys, "generate", "A song", "--key", "order-7", code=ExitCode.INTERRUPTED)[1]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_knows_every_command_and_the_shell_reads_it(
    capsys: pytest.CaptureFixture[str], shell: str, tmp_path: Path
) -> None:
    script, _ = run(capsys, "completion", shell)
    for name in app:
        if not name.startswith("-"):
            assert name in script
    if found := shutil.which(shell):
        (tmp_path / "script").write_text(script)
        done = subprocess.run([found, "-n", tmp_path / "script"], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_bash_completes_a_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "script").write_text(run(capsys, "completion", "bash")[0])
    typed = f"source {tmp_path}/script; COMP_WORDS=(suno-jobs gen); COMP_CWORD=1; _suno_jobs; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True)  # noqa: S607 - any bash
    assert done.stdout == "generate\n"
