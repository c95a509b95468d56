"""Signatures as Standard Webhooks defines them."""

from __future__ import annotations

from suno_jobs.webhooks.signing import signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_specification() -> None:
    headers = signed_headers([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_sign_during_a_rotation() -> None:
    one, other = (signed_headers([each], "m", 1, b"{}")["webhook-signature"] for each in (SECRET, "whsec_AAAA"))
    assert signed_headers([SECRET, "whsec_AAAA"], "m", 1, b"{}")["webhook-signature"] == f"{one} {other}"
