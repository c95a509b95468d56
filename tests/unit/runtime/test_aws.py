"""The budgets of calls to AWS, and when clients are made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.config import Config

from suno_jobs.runtime import aws
from tests.builders import load_app
from tests.simulation.template import deploy

PLANS = {plan.folder: plan for plan in deploy().functions.values()}
WITHOUT_CLIENTS = {"functions/describe_api", "functions/serve_console"}


def longest_call(config: Any) -> float:
    """Seconds until a call fails whose every attempt is stalled, with the longest backoffs of botocore's standard mode."""
    attempts = config.retries["total_max_attempts"]
    backoffs = sum(min(2**retry, 20) for retry in range(attempts - 1))
    return float(attempts * (config.connect_timeout + config.read_timeout) + backoffs)


@pytest.mark.parametrize("folder", PLANS)
def test_a_stalled_call_with_all_its_attempts_ends_before_its_function(folder: str) -> None:
    configs = [value for value in vars(load_app(Path(folder).name)).values() if isinstance(value, Config)]
    assert bool(configs) == (folder not in WITHOUT_CLIENTS)
    assert max(map(longest_call, configs), default=0) < 0.95 * PLANS[folder].timeout


@pytest.mark.usefixtures("deployed")
def test_there_is_one_client_per_service_and_configuration() -> None:
    assert aws.client("dynamodb", aws.REQUEST) is aws.client("dynamodb", aws.REQUEST)
    assert aws.client("dynamodb", aws.REQUEST) is not aws.client("dynamodb", aws.WORK)


@pytest.mark.parametrize(("variables", "made"), [({}, []), ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, ["clients"])])
def test_clients_are_made_while_lambda_initialises(variables: dict[str, str], made: list[str]) -> None:
    calls: list[str] = []
    with patch.dict(os.environ, variables):
        aws.prepare(lambda: calls.append("clients"))
    assert calls == made
