"""What the API shows of the usage of a tenant."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from suno_jobs.errors import InvalidRequest
from suno_jobs.steps.read_usage import UsageReader
from suno_jobs.storage.usage import UsageStore
from suno_jobs.tenants.limits import Limits
from suno_jobs.tenants.tenant_list import Tenant, TenantCache, TenantList
from tests.builders import cancel, event, handler
from tests.world import START, TABLE, World


def reader(world: World) -> UsageReader:
    return UsageReader(
        TenantCache(TenantList(world.dynamodb, TABLE), world.clock), UsageStore(world.dynamodb, TABLE), world.clock
    )


def test_a_month_is_shown_by_day_until_today_with_the_limits(world: World) -> None:
    TenantList(world.dynamodb, TABLE).create(Tenant("acme", START, Limits(jobs_per_day=7)))
    cancel(world, world.accept("ttapi", "first"))
    world.accept("ttapi", "second")
    world.clock.sleep(86_400)
    world.accept("ttapi", "third")
    shown = reader(world).read_usage("acme", None)
    days = shown.pop("days")  # type: ignore[misc]
    assert shown == {
        "month": "2027-01",
        "mode": "live",
        "jobs_in_progress": 2,
        "jobs": 3,
        "usd": 0.12,
        "limits": {
            "requests_per_second": None,
            "jobs_in_progress": None,
            "jobs_per_day": 7,
            "jobs_per_month": None,
            "usd_per_month": None,
        },
    }
    assert [day["day"] for day in days] == [f"2027-01-{number:02}" for number in range(1, 17)]
    assert days[13:] == [
        {"day": "2027-01-14", "jobs": 0, "usd": 0.0},
        {"day": "2027-01-15", "jobs": 2, "usd": 0.06},
        {"day": "2027-01-16", "jobs": 1, "usd": 0.06},
    ]


def test_another_month_and_another_tenant_have_numbers_of_their_own(world: World) -> None:
    world.accept("ttapi")
    past = reader(world).read_usage("acme", "2024-02")
    assert (past["jobs"], len(past["days"])) == (0, 29)
    assert reader(world).read_usage("acme", "2027-02")["days"] == []
    for tenant in ("other", "acme.test"):
        assert reader(world).read_usage(tenant, None)["jobs"] == 0


def test_a_deleted_job_stays_counted(world: World) -> None:
    job_id = world.accept("ttapi")
    cancel(world, job_id)
    world.jobs.deletions.place_tombstone(world.job(job_id), None, now=world.now)
    assert reader(world).read_usage("acme", None)["jobs"] == 1


def test_a_sandbox_counts_apart_and_spends_nothing(world: World) -> None:
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}
    world.job_submitter().submit_job("acme.test", body, "k")
    shown = reader(world).read_usage("acme.test", None)
    assert (shown["mode"], shown["jobs"], shown["usd"]) == ("test", 1, 0.0)
    assert reader(world).read_usage("acme", None)["jobs"] == 0


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-1", "1999-01", "2026-11,2026-12", "2026-11\n", "٢٠٢٦-11"])
def test_what_is_no_month_is_refused(world: World, month: str) -> None:
    with pytest.raises(InvalidRequest, match="month"):
        reader(world).read_usage("acme", month)


def test_the_route_reads_the_month(deployed: SimpleNamespace) -> None:
    answer = handler("read_usage")(event("read_usage/usage"))
    assert (answer["statusCode"], json.loads(answer["body"])["month"]) == (200, "2026-11")
