"""What environments that start from one snapshot (Lambda SnapStart) must not share: connections, secrets and random state.

A snapshot is taken after the module of a handler was imported, which also makes its clients.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from botocore.httpsession import URLLib3Session

from suno_jobs.runtime import aws
from suno_jobs.runtime.secrets import Secret
from tests.builders import load_app
from tests.unit.project.test_template import FUNCTIONS

FOLDERS = {Path(each["CodeUri"]).name: "snap-start" if "SnapStart" in each else "on-demand" for each in FUNCTIONS.values()}
"""With the way in which Lambda initialises each function."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_snapshot_has_clients_but_no_connection_and_no_secret(folder: str, deployed: SimpleNamespace) -> None:
    """A function that starts without one makes its clients at the same time, before Lambda counts its timeout."""
    made: list[str] = []
    client = aws.client

    def noted(service: str, config: Any) -> Any:
        made.append(service)
        return client(service, config)

    def refused(*_: Any) -> None:
        raise AssertionError("the snapshot would contain a connection, and an answer that grows old")

    client.cache_clear()
    with (
        patch.dict(os.environ, {"AWS_LAMBDA_INITIALIZATION_TYPE": FOLDERS[folder]}),
        patch.object(aws, "client", noted),
        patch.object(URLLib3Session, "send", refused),
        patch.object(Secret, "values", refused),
    ):
        load_app(folder)
    assert bool(made) == (folder not in {"describe_api", "serve_console"})


def test_restored_environments_draw_different_ids(deployed: SimpleNamespace) -> None:
    """They share the state of Python's random generator. The kernel's is mixed anew in each of them."""
    app = load_app("submit_job")
    submitter = app.job_submitter()
    state = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(state)
        drawn.append(submitter.random_bytes(10))
    assert drawn[0] != drawn[1]
