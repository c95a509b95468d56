"""Where the API is and with which key: from the environment, or from what ``suno-jobs login`` has stored."""

from __future__ import annotations

import json
import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.options import AsJson
from suno_jobs.cli.problems import NotLoggedIn, WrongArgument
from suno_jobs_client import AsyncSunoJobs, SunoJobs

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
URL, KEY = "SUNO_JOBS_API_URL", "SUNO_JOBS_API_KEY"


def access_file() -> Path:
    """In the folder that the XDG base directories name for settings."""
    try:
        settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError as error:
        raise WrongArgument("There is no home folder. Set HOME or XDG_CONFIG_HOME.") from error
    return settings / "suno-jobs" / "access.json"


def find_access() -> tuple[str, str]:
    """The URL of the API, and the key. Each environment variable wins over the file. Raises NotLoggedIn."""
    stored = {} if os.environ.get(URL) and os.environ.get(KEY) else _read()
    url, key = os.environ.get(URL) or stored.get("api_url"), os.environ.get(KEY) or stored.get("api_key")
    if not url or not key:
        raise NotLoggedIn(f"There is no API key. Run suno-jobs login, or set {URL} and {KEY}.")
    _check_private(url)
    _check_key(key)
    return url, key


def connect() -> SunoJobs:
    return SunoJobs(*find_access())


def connect_async() -> AsyncSunoJobs:
    return AsyncSunoJobs(*find_access())


def _read() -> dict[str, str]:
    try:
        stored = json.loads(access_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotLoggedIn(f"{access_file()} cannot be read. Run suno-jobs login again.") from error
    return {name: text for name, text in stored.items() if isinstance(text, str)} if isinstance(stored, dict) else {}


def log_in(
    api_url: Annotated[str | None, Parameter(help="the address of the API, such as the output ApiUrl of the stack")] = None,
    /,
    *,
    as_json: AsJson = False,
) -> None:
    """Ask for an API key, check it, and store it for the other commands.

    The key is read from the terminal without being shown, or from the standard input:

    ```
    suno-jobs login https://abc.execute-api.eu-central-1.amazonaws.com < key.txt
    ```
    """
    try:
        url, key = _ask(api_url)
    except EOFError as error:
        raise WrongArgument("there is nothing on the standard input") from error
    if not key:
        raise WrongArgument("there is no API key on the standard input")
    _check_key(key)
    with SunoJobs(url, key) as suno:
        next(suno.list(), None)
    _store({"api_url": url, "api_key": key})
    screen.print_done({"api_url": url, "file": str(access_file())}, f"The key is stored in {access_file()}", as_json=as_json)


def _ask(api_url: str | None) -> tuple[str, str]:
    asks = sys.stdin.isatty()
    url = (api_url or (input("Address of the API: ") if asks else "")).strip()
    _check_private(url)
    return url, (getpass("API key: ") if asks else sys.stdin.readline()).strip()


def _check_private(url: str) -> None:
    if not _is_private(url):
        raise WrongArgument(f"the address of the API must begin with https://, unlike {url!r}")


def _check_key(key: str) -> None:
    """Raises NotLoggedIn for a key that no HTTP header can contain."""
    if not (key.isascii() and key.isprintable()):
        raise NotLoggedIn("The API key has a character that no key has. Copy it again, without quotation marks and line ends.")


def _is_private(url: str) -> bool:
    """The key is encrypted on its way, or stays on this machine."""
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    return bool(address.hostname) and (
        address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)
    )


def _store(values: dict[str, str]) -> None:
    file = access_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        json.dump(values, opened)
    part.replace(file)
