"""URLs in a manifest: their query is removed, as before, and in a time that is linear in the text."""

from __future__ import annotations

import re
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.jobs.record import JobView
from suno_jobs.jobs.views import without_queries
from suno_jobs.lifecycle.manifest import manifest
from tests.world import a_job

QUERY_OF_A_URL = re.compile(r"(https?://[^\s?#]+)[?#]\S*", re.IGNORECASE)
"""The specification: everything from the first ``?`` or ``#`` of a URL is removed. It takes quadratic time."""

PARTS = ("http://", "HTTPS://", "a", "?", "#", " ", "/")


def test_every_short_text_loses_what_the_specification_removes() -> None:
    for parts in product(PARTS, repeat=5):
        text = "".join(parts)
        assert without_queries(text) == QUERY_OF_A_URL.sub(r"\1", text)


@given(st.lists(st.sampled_from([*PARTS, "\n", "\u2003", "\u017f", "://", "http:"])).map("".join) | st.text())
def test_every_text_loses_what_the_specification_removes(text: str) -> None:
    assert without_queries(text) == QUERY_OF_A_URL.sub(r"\1", text)


def test_i9_a_signature_is_removed_from_a_url_in_upper_case() -> None:
    request = {"input": {"audio_url": "HTTPS://files.example/a.mp3?X-Amz-Signature=secret"}}
    shown = manifest(JobView(a_job()), request, {}, partial=False)
    assert shown["request"]["input"] == {"audio_url": "HTTPS://files.example/a.mp3"}
