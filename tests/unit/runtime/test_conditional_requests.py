from __future__ import annotations

import pytest

from suno_jobs.runtime.conditional_requests import is_unchanged


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (" * ", True),
        ('"*"', False),
        ('W/"1"', True),
        ('"1"', True),
        ('"0", W/"1"', True),
        ('"0",W/"1" , "2"', True),
        ('"0", "2"', False),
        ('"11"', False),
        ('"a,1", "b"', False),
        ("1", False),
        ('"0, "1', False),
    ],
)
@pytest.mark.parametrize("etag", ['W/"1"', '"1"'])
def test_if_none_match_lists_tags_that_are_compared_weakly(header: str | None, unchanged: bool, etag: str) -> None:
    assert is_unchanged(header, etag) == unchanged


def test_a_tag_may_contain_a_comma() -> None:
    assert is_unchanged('"0", "a,1"', 'W/"a,1"')
