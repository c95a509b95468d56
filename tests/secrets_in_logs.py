"""Finds secrets where none may be (I9): by their form, and by the values that are known."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.runtime.secrets import Secret
from suno_jobs.traffic import callback_urls

FORMS = {
    "an API key": re.compile(r"sj_[a-z]+_[0-9A-Za-z]{37}"),
    "a MAC": re.compile(r"/[a-z0-9]{1,32}/job_[0-9a-z]{26}/[0-9a-f]{64}"),
    "a signed URL": re.compile(r"X-Amz-(Signature|Security-Token)"),
    "a task token": re.compile(r"task-token-[0-9a-f]"),
    "a secret of a webhook": re.compile(r"whsec_[0-9A-Za-z+/]{16}"),
}
SHORTEST = 8
"""Shorter values in unit tests are also words of ordinary lines."""


PUBLIC_MEMBERS = frozenset({"base_url"})
"""Of a gateway account in a secret."""


def secrets_in(text: str, known: Iterable[str] = ()) -> Iterator[str]:
    """What is found, without its value."""
    yield from (name for name, form in FORMS.items() if form.search(text))
    yield from (f"a secret that begins with {each[:3]}" for each in known if each in text)


def texts(value: Any) -> Iterator[str]:
    """All that is secret in the JSON of a secret."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in PUBLIC_MEMBERS:
                yield from texts(each)


class LoggedLines:
    """What the loggers of the project write, and the secrets that the project reads and makes, while it is installed."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._lines: list[str] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        handle, read = logging.Logger.handle, Secret._read

        def handled(logger: logging.Logger, record: logging.LogRecord) -> None:
            if logger.name.startswith("suno"):
                self._lines.append(f"{record.getMessage()} {record.__dict__}")
            handle(logger, record)

        def noted(secret: Secret) -> None:
            read(secret)
            self._known |= {text for text in texts(secret._values) if len(text) >= SHORTEST}

        def made(*arguments: Any) -> hmac.HMAC:
            result = hmac.new(*arguments)
            self._known.add(result.hexdigest())
            return result

        patch.setattr(logging.Logger, "handle", handled)
        patch.setattr(Secret, "_read", noted)
        patch.setattr(callback_urls, "hmac", SimpleNamespace(new=made, compare_digest=hmac.compare_digest))

    def take_secrets(self) -> list[str]:
        """What was found in the lines so far, which are then forgotten. The secrets are not: a later test may use them."""
        text, self._lines = "\n".join(self._lines), []
        return list(secrets_in(text, self._known)) if text else []
