"""Keys of one's own at gateways: where they come from, and that they are never shown."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from local.own_accounts import NO_CALLBACKS, VARIABLE, read_keys
from local.simulator import Simulator
from local.source import read_template
from local.stack import GATEWAYS, ROOT, LocalStack
from suno_jobs.cli.problems import WrongArgument
from suno_jobs.gateways import registry
from suno_jobs.network.ssrf_guard import check_url

KEY = "sk-of-my-own"


def test_a_key_is_given_by_file_by_standard_input_by_the_shell_or_in_the_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}-2\n"))
    monkeypatch.setenv(f"{VARIABLE}CRUN", f"{KEY}-3")
    given = [f"ttapi=@{file}", "kie=@-", "crun", f"newapi={KEY}=4"]
    assert read_keys(given, ["newapi"]) == {"ttapi": KEY, "kie": f"{KEY}-2", "crun": f"{KEY}-3", "newapi": f"{KEY}=4"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (KEY, "write GATEWAY=@FILE with one of ttapi, "),
        (f"newapi={KEY}", "give yours: --gateway newapi=URL"),
        ("ttapi=", "must be printable ASCII"),
        (f"ttapi={KEY} {KEY}", "must be printable ASCII"),
        (f"ttapi=@/{KEY}", "cannot be read: FileNotFoundError"),
        ("ttapi", f"set {VARIABLE}TTAPI"),
    ],
)
def test_a_key_that_is_not_usable_is_refused_and_not_shown(given: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{VARIABLE}TTAPI", raising=False)
    with pytest.raises(WrongArgument, match=reason) as refused:
        read_keys([given], [])
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("public_url", [None, "https://tunnel.example/"])
def test_gateways_call_back_where_they_reach_us_or_are_polled(tmp_path: Path, public_url: str | None) -> None:
    stack = LocalStack(accounts={"ttapi": KEY}, public_url=public_url, logs=tmp_path)
    chosen = stack._callbacks()
    assert chosen["PublicBaseUrl"] == (NO_CALLBACKS if public_url is None else "https://tunnel.example")
    # Without callbacks, a song is found soon after it is ready, and a gateway is asked no more than six times a minute.
    assert ("FirstCheckSeconds" in chosen) == (public_url is None)
    assert int(chosen.get("CheckIntervalSeconds", 10)) >= 10
    assert int(chosen.get("MaxCheckIntervalSeconds", 15)) <= 20
    assert chosen.keys() <= read_template(ROOT)["Parameters"].keys()
    assert set(stack.simulated) == set(GATEWAYS) - {"ttapi"}


def test_the_address_without_callbacks_is_one_that_a_gateway_may_check() -> None:
    assert NO_CALLBACKS.endswith(".invalid"), "a host that exists would get the MACs"
    check_url(f"{NO_CALLBACKS}/v1/callbacks")
    assert [name for name, gateway in registry.GATEWAYS.items() if not gateway.base_url] == ["newapi"]


def test_a_simulated_gateway_calls_back_directly_whatever_the_public_address_is() -> None:
    courier = Simulator()._courier
    courier.detour = ("https://tunnel.example", "http://127.0.0.1:8080")
    assert courier._way("https://tunnel.example/v1/callbacks/kie") == "http://127.0.0.1:8080/v1/callbacks/kie"
    assert courier._way("https://tunnel.example.org/v1") == "https://tunnel.example.org/v1"
