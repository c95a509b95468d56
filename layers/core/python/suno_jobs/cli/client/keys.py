"""``suno-jobs keys``: the API keys of your own tenant. ``suno-jobs tenants keys`` has those of any, with AWS credentials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect
from suno_jobs.cli.client.options import WITH_API_KEY, AsJson, Overlap
from suno_jobs.cli.options import KeyId, ScopeName
from suno_jobs_client.models import Key, NewKey
from suno_jobs_client.requests import KeyRequest

app = App(
    name="keys",
    group=WITH_API_KEY,
    group_commands=WITH_API_KEY,
    help="Create, list, rotate and revoke the API keys of your tenant. Your key needs the scope keys.",
)


@app.command(name="list")
def list_keys(*, as_json: AsJson = False) -> None:
    """Show the keys of your tenant, with their last day of use.

    ```
    suno-jobs keys list
    ```
    """
    with connect() as suno:
        keys = suno.list_keys()
    if as_json:
        screen.print_json(list(keys))
        return
    now = datetime.now(UTC)
    rows = [
        (
            key.key_id,
            f"{key.hint}...",
            condition_of(key, now),
            key.last_used_on or "never used",
            ", ".join(key.scopes),
            key.name,
        )
        for key in keys
    ]
    screen.print_table(("KEY", "BEGINS WITH", "CONDITION", "LAST USE", "SCOPES", "NAME"), rows)


def condition_of(key: Key, now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if now < key.expires_at else 'expired'} {key.expires_at:%Y-%m-%d}"


@app.command(name="create")
def create_key(
    *,
    name: Annotated[str, Parameter(help="what the key is for")] = "",
    scope: Annotated[
        Sequence[ScopeName],
        Parameter(
            negative="",
            show_default=False,
            help="what it may be used for; repeat it for several. Without it, jobs:read and jobs:write",
        ),
    ] = (),
    days: Annotated[int | None, Parameter(help="days until it expires; without it, it never expires")] = None,
    mode: Annotated[Literal["live", "test"] | None, Parameter(help="without it, that of your key")] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key for your tenant and print it once.

    ```
    suno-jobs keys create --name "web shop" --scope jobs:read --days 90
    ```
    """
    request: KeyRequest = {"name": name}
    if scope:
        request["scopes"] = list(scope)
    if days is not None:
        request["days"] = days
    if mode:
        request["mode"] = mode
    with connect() as suno:
        _show(suno.create_key(**request), as_json=as_json)


@app.command(name="rotate")
def rotate_key(key: KeyId, /, *, overlap_hours: Overlap = None, as_json: AsJson = False) -> None:
    """Print a new key that replaces an old one, which works for some time yet.

    ```
    suno-jobs keys rotate key_0123456789abcdef --overlap-hours 1
    ```
    """
    with connect() as suno:
        _show(suno.rotate_key(key, overlap_hours=overlap_hours), as_json=as_json)


@app.command(name="revoke")
def revoke_key(key: KeyId, /, *, as_json: AsJson = False) -> None:
    """Revoke a key. It may be accepted for a minute longer.

    ```
    suno-jobs keys revoke key_0123456789abcdef
    ```
    """
    with connect() as suno:
        suno.revoke_key(key)
    screen.print_done({"key_id": key, "revoked": True}, f"{key} is revoked", as_json=as_json)


def _show(key: NewKey, *, as_json: bool) -> None:
    """The key alone is on the standard output, for a variable of the shell."""
    if as_json:
        screen.print_json(key)
        return
    screen.report(f"{key.key_id}  is shown only now")
    print(key.key)
