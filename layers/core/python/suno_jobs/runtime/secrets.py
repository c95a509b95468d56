"""Secrets from Secrets Manager: cached for a while, never printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import SecretNotRenewed

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

KEEP_SECONDS = 300.0
RENEW_SECONDS = 5.0
"""A failed verification or a refused key may mean that the secret was replaced, but a flood of either must not cause a flood of
reads."""


class Secret:
    """One secret that contains a JSON object, read at its first use and again every five minutes."""

    def __init__(self, client: Callable[[], SecretsManagerClient], secret_id: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._id = secret_id
        self._clock = clock
        self._values: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._renewed_at = float("-inf")

    def values(self) -> dict[str, Any]:
        """Raises ValueError when the secret is not a JSON object."""
        if self.age_seconds >= KEEP_SECONDS:
            self._read()
        return self._values

    @property
    def age_seconds(self) -> float:
        """How old the values are. Infinite before the first read."""
        return self._clock() - self._read_at

    def renew(self) -> bool | None:
        """Reads the secret again and returns whether it changed. None: a renewal was just tried, so it is not read.

        A regular read does not count: the secret may have been replaced since, and there is only one in five minutes.
        """
        if self._clock() - self._renewed_at < RENEW_SECONDS:
            return None
        self._renewed_at, before = self._clock(), self._values
        self._read()
        return self._values != before

    def confirms(self, check: Callable[[Mapping[str, Any]], bool], *, sent_seconds_ago: float) -> bool:
        """Whether what was sent then passes a check of the values, or of those that have replaced them.

        Raises SecretNotRenewed if that is unknown: the values are older than what was sent, and a renewal was tried only a
        moment ago. May be repeated after ``RENEW_SECONDS``. Raises ValueError when the secret is not a JSON object.
        """
        if check(self.values()):
            return True
        renewed = self.renew()
        if renewed is None and self.age_seconds + RENEW_SECONDS > sent_seconds_ago:
            raise SecretNotRenewed("the secret cannot be read again yet")
        return bool(renewed) and check(self._values)

    def _read(self) -> None:
        text = self._client().get_secret_value(SecretId=self._id)["SecretString"]
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            # Not chained to the parser's own error, whose message would quote the secret.
            raise ValueError("the secret is not a JSON object")  # noqa: TRY004 - its content is wrong, not a caller's type
        self._values = values
        self._read_at = self._clock()
