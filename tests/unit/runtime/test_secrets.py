from __future__ import annotations

import pytest

from suno_jobs.runtime.secrets import KEEP_SECONDS, Secret
from tests.builders import RotatingSecret
from tests.world import FixedSecret, World


def test_a_secret_is_read_again_after_five_minutes(rotating: RotatingSecret, world: World) -> None:
    assert rotating.secret.values() == {"current": "new", "previous": "old"}
    rotating.client.value = {"current": "newest"}
    world.clock.sleep(KEEP_SECONDS - 1)
    assert rotating.secret.values()["current"] == "new"
    world.clock.sleep(1)
    assert rotating.secret.values()["current"] == "newest"


def test_a_secret_that_was_replaced_just_after_it_was_read_is_renewed_once(rotating: RotatingSecret) -> None:
    """Otherwise a job would fail because of a key that is no longer in the secret."""
    rotating.secret.values()
    rotating.client.value = {"current": "newest"}
    assert rotating.secret.renew()
    rotating.client.value = {"current": "the one after"}
    assert not rotating.secret.renew()
    assert rotating.secret.values() == {"current": "newest"}


@pytest.mark.parametrize("text", ["not json: hunter2", "[]", '"hunter2"'])
def test_a_secret_of_another_form_is_refused_without_showing_it(world: World, text: str) -> None:
    client = FixedSecret({})
    client.get_secret_value = lambda **_: {"SecretString": text}  # type: ignore[method-assign]
    secret = Secret(lambda: client, "callback", world.clock)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="not a JSON object") as error:
        secret.values()
    assert error.value.__cause__ is None
    assert error.value.__context__ is None
    assert "hunter2" not in str(error.value)


def test_the_json_object_of_a_secret_is_returned(world: World) -> None:
    client = FixedSecret({"a/default": {"api_key": "k"}})
    secret = Secret(lambda: client, "accounts", world.clock)  # type: ignore[arg-type,return-value]
    assert secret.values() == {"a/default": {"api_key": "k"}}
