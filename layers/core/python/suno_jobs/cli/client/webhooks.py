"""``suno-jobs webhooks``: the endpoints of your tenant, what was delivered to them, and sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

from cyclopts import App, Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect
from suno_jobs.cli.client.options import WITH_API_KEY, AsJson, Limit, Overlap
from suno_jobs.cli.problems import WrongArgument
from suno_jobs_client.models import Attempt, Delivery, NewWebhook, Webhook
from suno_jobs_client.requests import WebhookChange, WebhookRequest

WebhookId = Annotated[str, Parameter(name="webhook", help="the id of a webhook, as webhooks list shows it")]
DeliveryId = Annotated[str, Parameter(name="delivery", help="the id of a delivery, as webhooks deliveries shows it")]
Address = Annotated[str | None, Parameter(name="--url", help="where events are sent: a public https address")]
Description = Annotated[str | None, Parameter(help="what it is for")]
Events = Annotated[
    Sequence[str],
    Parameter(
        name="--event", negative="", show_default=False, help="a type of event, such as job.succeeded; repeat it for several"
    ),
]

app = App(
    name="webhooks",
    group=WITH_API_KEY,
    group_commands=WITH_API_KEY,
    help="Have the events of your jobs sent to your endpoints. Your key needs the scope webhooks.",
)


@app.command(name="list")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """Show the webhooks of your tenant, oldest first.

    ```
    suno-jobs webhooks list
    ```
    """
    with connect() as suno:
        webhooks = suno.list_webhooks()
    if as_json:
        screen.print_json(list(webhooks))
        return
    rows = [(each.webhook_id, condition_of(each), each.url or "", each.description) for each in webhooks]
    screen.print_table(("WEBHOOK", "CONDITION", "URL", "DESCRIPTION"), rows)


@app.command(name="get")
def get_webhook(webhook: WebhookId, /, *, as_json: AsJson = False) -> None:
    """Show a webhook.

    ```
    suno-jobs webhooks get we_0123456789abcdef
    ```
    """
    with connect() as suno:
        _show(suno.get_webhook(webhook), as_json=as_json)


@app.command(name="create")
def create_webhook(
    url: Annotated[str, Parameter(help="where events are sent: a public https address")],
    /,
    *,
    event: Events = (),
    description: Description = None,
    as_json: AsJson = False,
) -> None:
    """Create a webhook, and print its secret once. Without --event, it gets the end of every job.

    ```
    suno-jobs webhooks create https://shop.example/hooks --event job.succeeded --event job.failed
    ```
    """
    request: WebhookRequest = {"url": url}
    if event:
        request["events"] = list(event)
    if description is not None:
        request["description"] = description
    with connect() as suno:
        _show(suno.create_webhook(**request), as_json=as_json)


@app.command(name="update")
def update_webhook(
    webhook: WebhookId,
    /,
    *,
    url: Address = None,
    event: Events = (),
    description: Description = None,
    disable: Annotated[
        bool | None, Parameter(negative="--enable", show_default=False, help="disable it, or enable it again")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a webhook. What is not given stays as it is.

    ```
    suno-jobs webhooks update we_0123456789abcdef --url https://shop.example/songs --enable
    ```
    """
    changes: WebhookChange = {}
    if url is not None:
        changes["url"] = url
    if event:
        changes["events"] = list(event)
    if description is not None:
        changes["description"] = description
    if disable is not None:
        changes["disabled"] = disable
    if not changes:
        raise WrongArgument("nothing to change: give --url, --event, --description, --disable or --enable")
    with connect() as suno:
        _show(suno.change_webhook(webhook, **changes), as_json=as_json)


@app.command(name="delete")
def delete_webhook(webhook: WebhookId, /, *, as_json: AsJson = False) -> None:
    """Delete a webhook. What is still to be delivered to it is dropped.

    ```
    suno-jobs webhooks delete we_0123456789abcdef
    ```
    """
    with connect() as suno:
        suno.delete_webhook(webhook)
    screen.print_done({"webhook_id": webhook, "deleted": True}, f"{webhook} is deleted", as_json=as_json)


@app.command(name="rotate")
def rotate_secret(webhook: WebhookId, /, *, overlap_hours: Overlap = None, as_json: AsJson = False) -> None:
    """Replace the secret of a webhook, and print it once. The webhook default signs for the callback_url of jobs.

    ```
    suno-jobs webhooks rotate we_0123456789abcdef --overlap-hours 1
    ```
    """
    with connect() as suno:
        _show(suno.rotate_webhook_secret(webhook, overlap_hours=overlap_hours), as_json=as_json)


@app.command(name="test")
def send_test_event(webhook: WebhookId, /, *, as_json: AsJson = False) -> None:
    """Send the event webhook.test to a webhook.

    ```
    suno-jobs webhooks test we_0123456789abcdef
    ```
    """
    with connect() as suno:
        _show_delivery(suno.send_test_event(webhook), as_json=as_json)


@app.command(name="deliveries")
def list_deliveries(
    webhook: WebhookId,
    /,
    *,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show what was delivered to a webhook in the last 30 days, and the answer to each last attempt.

    ```
    suno-jobs webhooks deliveries we_0123456789abcdef --limit 100
    ```
    """
    with connect() as suno:
        deliveries = list(islice(suno.list_deliveries(webhook), limit))
    if as_json:
        screen.print_json(deliveries)
    else:
        _print_deliveries(deliveries)


@app.command(name="retry")
def retry_delivery(webhook: WebhookId, delivery: DeliveryId, /, *, as_json: AsJson = False) -> None:
    """Send an event again, even if it was delivered.

    ```
    suno-jobs webhooks retry we_0123456789abcdef 1763776800.job_0123456789abcdefghijklmnop.SUCCEEDED
    ```
    """
    with connect() as suno:
        _show_delivery(suno.retry_delivery(webhook, delivery), as_json=as_json)


@app.command(name="replay")
def replay_deliveries(
    webhook: WebhookId,
    /,
    *,
    since: Annotated[str, Parameter(help="a time, such as 2026-11-22T02:00:00Z; without a zone, it is UTC")],
    until: Annotated[str | None, Parameter(help="a time after it; without it, now")] = None,
    delivered: Annotated[bool, Parameter(negative="", show_default=False, help="also send what was delivered")] = False,
    as_json: AsJson = False,
) -> None:
    """Send again every event in a range of time that failed or was skipped.

    ```
    suno-jobs webhooks replay we_0123456789abcdef --since 2026-11-22
    ```
    """
    start, end = _time("--since", since), _time("--until", until) if until else None
    with connect() as suno:
        replayed = suno.replay_deliveries(webhook, since=start, until=end, delivered=delivered)
    screen.print_done({"replayed": replayed}, f"{replayed} deliveries are sent again", as_json=as_json)


def _time(option: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongArgument(f"{option} {text}: write a time such as 2026-11-22T02:00:00Z") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def condition_of(webhook: Webhook | NewWebhook) -> str:
    if webhook.disabled_at:
        return f"disabled ({webhook.disabled_by})"
    return f"failing since {webhook.failing_since:%Y-%m-%d %H:%M}" if webhook.failing_since else "in use"


def _show(webhook: Webhook | NewWebhook, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(webhook)
        return
    until = webhook.previous_secret_until
    facts = {
        "webhook": webhook.webhook_id,
        "condition": condition_of(webhook),
        "url": webhook.url or "",
        "description": webhook.description,
        "events": ", ".join(webhook.events),
        "secret, shown only now": webhook.secret if isinstance(webhook, NewWebhook) else "",
        "earlier secret until": f"{until:%Y-%m-%d %H:%M}" if until else "",
    }
    screen.print_facts(facts)


def _show_delivery(delivery: Delivery, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(delivery)
    else:
        _print_deliveries([delivery])


def _print_deliveries(deliveries: Sequence[Delivery]) -> None:
    rows = [
        (
            each.delivery_id,
            each.type,
            each.state,
            f"{each.created_at:%Y-%m-%d %H:%M}",
            _answer(each.attempts[-1]) if each.attempts else "",
            each.reason or "",
        )
        for each in deliveries
    ]
    screen.print_table(("DELIVERY", "EVENT", "STATE", "CREATED", "LAST ANSWER", "REASON"), rows)


def _answer(attempt: Attempt) -> str:
    return f"{attempt.status or 'none'} in {attempt.milliseconds} ms: {attempt.answer}".rstrip(": ")
