from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from suno_jobs.cli.client import access
from suno_jobs_client import AsyncSunoJobs, SunoJobs
from tests.unit.cli.running import Serving
from tests.unit.client.service import KEY, URL, Reply, Service


@pytest.fixture
def aws(aws_on_moto: SimpleNamespace) -> SimpleNamespace:
    """A command makes its own clients of boto3."""
    return aws_on_moto


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nobody has logged in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv(access.KEY, raising=False)
    monkeypatch.delenv(access.URL, raising=False)
    return tmp_path


@pytest.fixture
def serving(home: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Logged in, at a service that gives these replies."""
    monkeypatch.setenv(access.URL, URL)
    monkeypatch.setenv(access.KEY, KEY)
    monkeypatch.setattr("suno_jobs_client.retrying.ATTEMPTS", 1)

    def serve(*replies: Reply) -> Service:
        service = Service(list(replies))
        transport = httpx.MockTransport(service)
        monkeypatch.setattr(access, "SunoJobs", lambda *at: SunoJobs(*at, http=httpx.Client(transport=transport)))
        monkeypatch.setattr(
            access, "AsyncSunoJobs", lambda *at: AsyncSunoJobs(*at, http=httpx.AsyncClient(transport=transport))
        )
        return service

    return serve
