from __future__ import annotations

from collections.abc import Callable

import pytest

from local.simulator.wire import Fields, Reason, Refusal, Request

Check = Callable[[Fields], object]


@pytest.mark.parametrize(
    ("value", "check", "reason"),
    [
        ("true", lambda fields: fields.flag("x"), Reason.INVALID),
        (1, lambda fields: fields.flag("x"), Reason.INVALID),
        (None, lambda fields: fields.flag("x", required=True), Reason.INVALID),
        (5, lambda fields: fields.text("x"), Reason.INVALID),
        ("  ", lambda fields: fields.text("x", required=True), Reason.INVALID),
        ("aaaa", lambda fields: fields.text("x", longest=3), Reason.TOO_LONG),
        ("v9", lambda fields: fields.word("x", {"v5"}), Reason.INVALID),
        ("0.5", lambda fields: fields.number("x", 0, 1), Reason.INVALID),
        (True, lambda fields: fields.number("x", 0, 1), Reason.INVALID),
        (1.5, lambda fields: fields.number("x", 0, 1), Reason.INVALID),
        ("ftp://host", lambda fields: fields.url("x"), Reason.INVALID),
        ("http://example.org/a.mp3", lambda fields: fields.media_url("x"), Reason.INVALID),
        (None, lambda fields: fields.media_url("x"), Reason.INVALID),
        (["https://a"], lambda fields: fields.media_urls("x", 2, 4), Reason.INVALID),
        (["https://a", "b"], lambda fields: fields.media_urls("x", 2, 4), Reason.INVALID),
        (["a", 1], lambda fields: fields.ids("x", 2, 2), Reason.INVALID),
        ("ab", lambda fields: fields.ids("x", 2, 2), Reason.INVALID),
        (None, lambda fields: fields.number("x", required=True), Reason.INVALID),
        (3, lambda fields: fields.span("x", "x"), Reason.INVALID),
    ],
)
def test_invalid_values_are_refused(value: object, check: Check, reason: Reason) -> None:
    with pytest.raises(Refusal) as refused:
        check(Fields({"x": value}))
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("value", "check", "expected"),
    [
        (False, lambda fields: fields.flag("x", required=True), False),
        (None, lambda fields: fields.flag("x"), False),
        ("aaa", lambda fields: fields.text("x", required=True, longest=3), "aaa"),
        (None, lambda fields: fields.word("x", {"v5"}), ""),
        (1, lambda fields: fields.number("x", 0, 1), 1),
        (None, lambda fields: fields.url("x"), None),
        ("https://example.org/a.mp3", lambda fields: fields.media_url("x"), "https://example.org/a.mp3"),
        ("http://127.0.0.1:9/cdn/kie/a.mp3", lambda fields: fields.media_url("x"), "http://127.0.0.1:9/cdn/kie/a.mp3"),
        (["a", "b"], lambda fields: fields.ids("x", 2, 2), ["a", "b"]),
        (1, lambda fields: fields.span("x", "y"), None),
    ],
)
def test_valid_values_are_read(value: object, check: Check, expected: object) -> None:
    assert check(Fields({"x": value})) == expected


def test_undocumented_fields_are_listed() -> None:
    fields = Fields({"a": 1, "c": 2, "b": 3})
    fields.number("a")
    assert fields.others() == ("b", "c")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_not_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        Request("POST", "/", {}, {}, body).json()
