"""The wheel of the Python client brings songs home from the local stack, on each version of Python that the project uses.

So does the command from its own wheel, for a person who has logged in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import session
from local.stack import LocalStack
from suno_jobs.cli.client import access
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from suno_jobs_client.webhooks import verify
from tests.integration.webhook_receiver import Receiver

ROOT = Path(__file__).parents[2]
# Lambda's version of Python, which the Makefile looks for.
PYTHON_313 = os.environ.get("PYTHON313", "")
PRINTED = """\
A folk song about 1.mp3
A folk song about 1.png
A folk song about 1.mp4
A folk song about 2.mp3
A folk song about 2.png
A folk song about 2.mp4
/input/duration
wrong-state
SUCCEEDED 4 SUCCEEDED
FAILED
"""


def run(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def build(project: str, folder: Path) -> Path:
    """The wheel of the project in a folder of the repository."""
    run(sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", folder, project)
    [built] = folder.glob("*.whl")
    return built


def install(python: str, wheel: str, folder: Path) -> Path:
    """The programs of a new environment that has the wheel, and nothing of this checkout."""
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", python, folder)
    run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", folder / "bin/python", wheel)
    return folder / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("client", tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize(
    "python",
    [
        pytest.param(sys.executable, id="this-python"),
        pytest.param(
            PYTHON_313, id="python-3.13", marks=pytest.mark.skipif(not PYTHON_313, reason="Python 3.13 was not found")
        ),
    ],
)
def test_the_client_brings_songs_home(stack: LocalStack, wheel: Path, tmp_path: Path, python: str) -> None:
    installed = install(python, str(wheel), tmp_path / "venv") / "python"
    key = stack.create_api_key("client")
    printed = run(installed, "-W", "error", ROOT / "tests/clients/home.py", stack.api_url, key, tmp_path / "songs")
    assert printed == PRINTED


def test_the_command_line_brings_a_song_home(stack: LocalStack, tmp_path: Path) -> None:
    installed = install(sys.executable, f"{build('.', tmp_path / 'wheel')}[cli]", tmp_path / "venv") / "suno-jobs"
    home = {"PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(tmp_path / "settings"), "NO_COLOR": "1"}

    def suno_jobs(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed, *arguments], env=home, input=given, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert suno_jobs("login", stack.api_url, given=stack.create_api_key("shell")).returncode == 0
    made = suno_jobs("generate", "A folk song", "--gateway", "ttapi", "--download", "songs")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "songs/A folk song 1.mp3").stat().st_size > 1000
    job_id = made.stderr.split()[0]
    assert job_id in suno_jobs("list", "--state", "SUCCEEDED").stdout
    assert "GENERATING" in suno_jobs("events", job_id).stdout
    assert suno_jobs("play", "songs/A folk song 9.mp3").returncode == ExitCode.REFUSED
    assert "needs a checkout" in suno_jobs("local", "up").stderr


def test_the_recorded_session_is_what_the_commands_print(stack: LocalStack) -> None:
    assert session.without_progress(session.record(stack, "session")) == session.without_progress(
        session.PAGE.read_text("utf-8")
    ), "run make session"


def test_webhooks_and_keys_are_managed_from_their_creation_to_their_end(
    stack: LocalStack, webhooks: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(access.URL, stack.api_url)
    monkeypatch.setenv(access.KEY, stack.create_api_key("manager"))

    def suno_jobs(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    made = suno_jobs("webhooks", "create", f"{webhooks.origin}/managed", "--event", "job.failed")
    webhook = made["webhook_id"]
    assert (
        suno_jobs("webhooks", "update", webhook, "--description", "mine", "--event", "job.succeeded")["description"] == "mine"
    )
    secret = suno_jobs("webhooks", "rotate", webhook, "--overlap-hours", "0")["secret"]
    assert secret != made["secret"]
    delivery = suno_jobs("webhooks", "test", webhook)["delivery_id"]
    [received] = webhooks.wait("/managed")
    assert verify(received.headers, received.body, secret)["type"] == "webhook.test"
    assert [each["delivery_id"] for each in suno_jobs("webhooks", "deliveries", webhook)] == [delivery]
    assert suno_jobs("webhooks", "retry", webhook, delivery)["state"] == "pending"
    webhooks.wait("/managed", 2)
    assert suno_jobs("webhooks", "replay", webhook, "--since", made["created_at"]) == {"replayed": 0}
    suno_jobs("webhooks", "delete", webhook)
    assert suno_jobs("webhooks", "list") == []

    key = suno_jobs("keys", "create", "--name", "shop", "--scope", "jobs:read", "--days", "1")
    successor = suno_jobs("keys", "rotate", key["key_id"])
    suno_jobs("keys", "revoke", successor["key_id"])
    revoked = {each["key_id"]: bool(each["revoked_at"]) for each in suno_jobs("keys", "list")}
    assert (revoked[key["key_id"]], revoked[successor["key_id"]]) == (False, True)
