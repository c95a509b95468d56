"""A secret that is planted in a log line is found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.runtime.log_context import log
from suno_jobs.runtime.secrets import Secret
from suno_jobs.traffic.callback_urls import mac
from tests.api_keys import API_KEY
from tests.secrets_in_logs import LoggedLines

JOB_ID = "job_" + "0" * 26
KNOWN = "a-key-of-a-gateway"


@pytest.fixture
def read_secret() -> None:
    text = f'{{"ttapi/default": {{"api_key": "{KNOWN}", "base_url": "https://public.example"}}, "current": "short"}}'
    Secret(lambda: SimpleNamespace(get_secret_value=lambda **_: {"SecretString": text}), "id", lambda: 0.0).values()  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (API_KEY, ["an API key"]),
        (f"/v1/callbacks/ttapi/{JOB_ID}/{'0' * 64}", ["a MAC"]),
        (mac("any-secret", "ttapi", JOB_ID), [f"a secret that begins with {mac('any-secret', 'ttapi', JOB_ID)[:3]}"]),
        ("https://bucket.example/key?X-Amz-Signature=0", ["a signed URL"]),
        ("task-token-0", ["a task token"]),
        ("whsec_" + "A" * 43 + "=", ["a secret of a webhook"]),
        (KNOWN, ["a secret that begins with a-k"]),
        ("https://public.example", []),
        ("in short: nothing", []),
    ],
)
def test_what_is_planted_in_a_line_is_found(
    logged_lines: LoggedLines, read_secret: None, planted: str, found: list[str]
) -> None:
    mac("any-secret", "ttapi", JOB_ID)
    log.warning("a line with %s", planted)
    assert logged_lines.take_secrets() == found


@pytest.mark.parametrize("beside", [{"extra": {"key": API_KEY}}, {"exc_info": ValueError(API_KEY)}])
def test_what_is_planted_beside_the_message_is_found(logged_lines: LoggedLines, beside: dict[str, Any]) -> None:
    log.warning("a line", **beside)
    assert logged_lines.take_secrets() == ["an API key"]
    log.warning("a line without any")
    assert logged_lines.take_secrets() == []
