"""The record of a tenant: its limits and settings, and how long a function instance remembers them."""

from __future__ import annotations

import pytest

from suno_jobs.errors import Conflict
from suno_jobs.tenants import tenant_list
from suno_jobs.tenants.limits import UNLIMITED, Limits
from suno_jobs.tenants.tenant_list import CACHED_SECONDS, Tenant, TenantCache, TenantList
from tests.world import TABLE, World

SOME = Limits(jobs_per_day=20, usd_per_month=12.5)


@pytest.fixture
def tenants(world: World) -> TenantList:
    return TenantList(world.dynamodb, TABLE)


def test_a_tenant_is_read_as_it_was_created(tenants: TenantList) -> None:
    tenant = Tenant("acme", 1000, SOME, {"sandbox": {"delay": 2}})
    tenants.create(tenant)
    assert tenants.read("acme") == tenant
    assert list(tenants.all()) == [tenant]


def test_limits_and_settings_replace_the_earlier_ones_and_nothing_else(tenants: TenantList) -> None:
    tenants.create(Tenant("acme", 1000, SOME, {"sandbox": {"delay": 2}}))
    tenants.set_limits("acme", Limits(requests_per_second=5))
    tenants.set_settings("acme", {"webhooks": {}})
    assert tenants.read("acme") == Tenant("acme", 1000, Limits(requests_per_second=5), {"webhooks": {}})


def test_what_no_tenant_has_is_not_changed(tenants: TenantList) -> None:
    with pytest.raises(Conflict):
        tenants.set_limits("acme", SOME)
    with pytest.raises(Conflict):
        tenants.set_settings("acme", {})
    assert tenants.read("acme") is None


def test_limits_of_a_later_version_are_ignored() -> None:
    assert Limits.from_item({"jobs_per_day": 2, "jobs_per_hour": 1}) == Limits(jobs_per_day=2)


def test_a_changed_limit_applies_when_the_cached_one_is_old(tenants: TenantList) -> None:
    now = 0.0
    cache = TenantCache(tenants, lambda: now)
    tenants.create(Tenant("acme", 1000))
    assert cache.tenant("acme").limits == UNLIMITED
    tenants.set_limits("acme", SOME)
    now = CACHED_SECONDS - 1
    assert cache.tenant("acme").limits == UNLIMITED
    now = CACHED_SECONDS
    assert cache.tenant("acme").limits == SOME


def test_the_limits_of_a_tenant_apply_to_its_sandbox(tenants: TenantList) -> None:
    tenants.create(Tenant("acme", 1000, SOME))
    assert TenantCache(tenants, lambda: 0.0).tenant("acme.test").limits == SOME
    assert tenants.read("acme.test") is None


def test_a_tenant_without_a_record_has_no_limits(tenants: TenantList) -> None:
    assert TenantCache(tenants, lambda: 0.0).tenant("acme").limits == UNLIMITED


def test_the_cache_does_not_grow_without_end(tenants: TenantList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_list, "_MOST_CACHED", 2)
    cache = TenantCache(tenants, lambda: 0.0)
    for name in ("acme", "beta", "gamma"):
        assert cache.tenant(name).name == name
    tenants.create(Tenant("acme", 1000, SOME))
    assert cache.tenant("acme").limits == SOME
