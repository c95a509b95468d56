"""The types of the answers describe what is really answered."""

from __future__ import annotations

from pydantic import TypeAdapter

from suno_jobs.gateways.answers import GatewayListAnswer
from suno_jobs.gateways.protocol import Balance
from suno_jobs.jobs.answers import JobAnswer
from suno_jobs.jobs.record import Asset, JobView, Track, TrackState
from suno_jobs.jobs.views import job_view
from suno_jobs.steps.read_gateways import read_gateways
from suno_jobs.traffic.account_items import AccountId
from suno_jobs.traffic.balances import Balances
from suno_jobs.traffic.health import Health
from tests.world import TABLE, World, a_job


def test_a_job_has_the_fields_of_its_type_and_no_other() -> None:
    asset = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="0", stored_at=1)
    track = Track(track_id="t", position=0, state=TrackState.STORED, assets=(asset,))
    shown = job_view(JobView(a_job(), (track,)), url=lambda _key, _name: "https://bucket.example/k")
    assert TypeAdapter(JobAnswer).dump_python(TypeAdapter(JobAnswer).validate_python(shown)) == shown


def test_every_gateway_has_the_fields_of_its_type_and_no_other(world: World) -> None:
    balances = Balances(world.dynamodb, TABLE)
    balances.record(AccountId("kie", "acme"), Balance(2.5, "credits"), low=True, now=world.now)
    shown = read_gateways(Health(world.dynamodb, TABLE, world.clock), balances, "acme", operator=False)
    assert any(each["balances"] for each in shown["gateways"])
    assert TypeAdapter(GatewayListAnswer).dump_python(TypeAdapter(GatewayListAnswer).validate_python(shown)) == shown
