"""Inputs that several gateways' tests share."""

from __future__ import annotations

import pytest

from suno_jobs.catalog.inputs import MusicInput

pytest.register_assert_rewrite("tests.unit.gateways.conformance")


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
def with_lyrics() -> MusicInput:
    return MusicInput(
        lyrics="[Verse]\nThe kettle sings at six",
        style="folk waltz",
        title="Kettle Song",
        negative_style="drums",
        vocal_gender="male",
        model="v4.5plus",
    )
