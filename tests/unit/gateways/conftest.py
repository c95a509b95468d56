"""Small makers of replies and songs, so that a test shows only what it is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from suno_jobs.gateways.base import GatewayReply
from suno_jobs.kinds import MusicInput

pytest.register_assert_rewrite("tests.unit.gateways.conformance")

MakeReply = Callable[..., GatewayReply]


@pytest.fixture
def reply() -> MakeReply:
    def make(body: Any, status: int = 200, **headers: str) -> GatewayReply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return GatewayReply(status, data, {name.replace("_", "-"): value for name, value in headers.items()})

    return make


@pytest.fixture
def described() -> MusicInput:
    return MusicInput(
        prompt="A lighthouse hums to passing ships",
        style="sea shanty, accordion",
        title="Lamp Keeper",
        negative_style="autotune",
        vocal_gender="female",
    )


@pytest.fixture
def worded() -> MusicInput:
    return MusicInput(
        lyrics="[Verse]\nThe kettle sings at six",
        style="folk waltz",
        title="Kettle Song",
        negative_style="drums",
        vocal_gender="male",
        model="v4.5plus",
    )
