"""What schemathesis makes of docs/openapi.json, sent to the local stack."""

from __future__ import annotations

from pathlib import Path

from local.stack import LocalStack
from tests.fuzzing.running import command, environment, fuzz

CASES = 50
SAMPLE_EVERY = 64
"""There are about 3400 cases of POST /v1/jobs in the phase coverage."""


def test_no_request_is_answered_in_a_way_that_is_not_documented(stack: LocalStack, tmp_path: Path) -> None:
    key = stack.create_api_key("fuzz")
    run = command(stack.api_url, key, CASES, "--seed", "1")
    done = fuzz(run, environment(stack.api_url, key, SAMPLE_EVERY), tmp_path)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2000:]
