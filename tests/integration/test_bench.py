"""The bench runs: each of its measurements once, with the least that it can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import functions, start, storing


def test_functions_are_started_and_do_their_work() -> None:
    measured = [functions.CLIENT, functions.CALL, functions.receive_callback(), functions.submit_job()]
    seconds = start.measure(measured, runs=1)
    assert set(seconds) == {"client", "call", "receive_callback", "submit_job"}
    assert min(seconds.values()) > 0


def test_a_file_is_stored_by_every_way() -> None:
    found = storing.measure([2], {2: 1})[2]
    assert {storing.STORE_TRACK, storing.FLOOR} <= set(found.runs) <= {storing.STORE_TRACK, storing.FLOOR, storing.CLI}
    assert all(len(runs) == 1 and found.rate(way) > 0 for way, runs in found.runs.items())
    assert found.growth(storing.STORE_TRACK) < 32


def html_in_place_of_a_song(path: Path, _size: int) -> Path:
    path.write_bytes(b"<html>" * 100)
    return path


def test_a_run_that_stores_nothing_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "write_wav", html_in_place_of_a_song)
    with pytest.raises(storing.StoringFailed, match="the file is an HTML or XML page"):
        storing.measure([2], {2: 1})
