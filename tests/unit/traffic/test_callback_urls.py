from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from suno_jobs.errors import CallbackRefused, SecretNotRenewed
from suno_jobs.runtime.secrets import RENEW_SECONDS
from suno_jobs.traffic.callback_urls import callback_url, mac, verify_callback_path
from tests.builders import RotatingSecret, path
from tests.world import World


def test_both_secrets_are_accepted_during_a_rotation(rotating: RotatingSecret) -> None:
    job_id = "job_" + "a" * 26
    for secret in ("new", "old"):
        assert verify_callback_path(path(job_id, secret), rotating.secret, sent_seconds_ago=60) == ("ttapi", job_id)


def test_a_rotation_is_detected_by_the_first_callback_that_needs_it(rotating: RotatingSecret, world: World) -> None:
    job_id = "job_" + "a" * 26
    verify_callback_path(path(job_id, "new"), rotating.secret, sent_seconds_ago=60)
    rotating.client.value = {"current": "newest", "previous": "new"}
    world.clock.sleep(RENEW_SECONDS)
    assert verify_callback_path(path(job_id, "newest"), rotating.secret, sent_seconds_ago=60) == ("ttapi", job_id)
    with pytest.raises(CallbackRefused):
        verify_callback_path(path(job_id, "old"), rotating.secret, sent_seconds_ago=60)


def test_a_flood_of_forgeries_does_not_cause_a_flood_of_reads(rotating: RotatingSecret, world: World) -> None:
    for _ in range(100):
        with pytest.raises(CallbackRefused):
            verify_callback_path(path("job_" + "a" * 26, "guess"), rotating.secret, sent_seconds_ago=60)
    # The first read, and one renewal.
    assert rotating.client.reads == 2
    world.clock.sleep(RENEW_SECONDS)
    with pytest.raises(CallbackRefused):
        verify_callback_path(path("job_" + "a" * 26, "guess"), rotating.secret, sent_seconds_ago=60)
    assert rotating.client.reads == 3


def test_a_callback_is_not_refused_by_a_secret_that_was_read_before_it_was_sent(rotating: RotatingSecret, world: World) -> None:
    """A renewal has just failed, or was just made for another callback."""
    job_id = "job_" + "a" * 26
    verify_callback_path(path(job_id, "new"), rotating.secret, sent_seconds_ago=0)
    world.clock.sleep(60)
    rotating.client.value = {"current": "newest", "previous": "new"}
    rotating.client.throttled = 1
    with pytest.raises(ClientError):
        verify_callback_path(path(job_id, "newest"), rotating.secret, sent_seconds_ago=0)
    with pytest.raises(SecretNotRenewed):
        verify_callback_path(path(job_id, "newest"), rotating.secret, sent_seconds_ago=0)
    world.clock.sleep(RENEW_SECONDS)
    assert verify_callback_path(path(job_id, "newest"), rotating.secret, sent_seconds_ago=RENEW_SECONDS) == ("ttapi", job_id)
    rotating.client.value = {"current": "the one after", "previous": "newest"}
    with pytest.raises(SecretNotRenewed):
        verify_callback_path(path(job_id, "the one after"), rotating.secret, sent_seconds_ago=0)


@pytest.mark.parametrize("values", [{}, {"current": "", "previous": ""}, {"current": None}])
def test_an_empty_secret_authenticates_no_callback(values: dict[str, str], world: World) -> None:
    secret = RotatingSecret(world.clock, **values).secret
    with pytest.raises(CallbackRefused):
        verify_callback_path("/v1/callbacks/ttapi/job_" + "a" * 26 + "/" + "0" * 64, secret, sent_seconds_ago=60)
    with pytest.raises(ValueError, match="empty"):
        mac("", "ttapi", "job_1")


def test_our_own_callback_url_is_accepted(rotating: RotatingSecret) -> None:
    job_id = "job_" + "0v" * 13
    url = callback_url("https://api.example/", rotating.secret, ["kie"], "ttapi", job_id)
    assert url.startswith("https://api.example/v1/callbacks/ttapi/")
    assert verify_callback_path(url.removeprefix("https://api.example"), rotating.secret, sent_seconds_ago=60) == (
        "ttapi",
        job_id,
    )


@pytest.mark.parametrize(
    ("gateway", "keys", "signed"),
    [
        ("kie", {"kie_webhook_key": "hook"}, True),
        ("kie", {"kie_webhook_key": ""}, False),
        ("kie", {}, False),
        ("ttapi", {"kie_webhook_key": "hook", "ttapi_webhook_key": "hook"}, False),
    ],
)
def test_only_a_gateway_that_signs_with_a_key_that_is_set_calls_the_route_for_signatures(
    rotating: RotatingSecret, gateway: str, keys: dict[str, str], signed: bool
) -> None:
    rotating.client.value = {"current": "new", **keys}
    job_id = "job_" + "0v" * 13
    url = callback_url("https://api.example", rotating.secret, ["kie"], gateway, job_id)
    path = url.removeprefix("https://api.example")
    assert path.endswith("/signed") is signed
    assert verify_callback_path(path.removesuffix("/signed"), rotating.secret, sent_seconds_ago=60) == (gateway, job_id)
