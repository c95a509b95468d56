"""Unit and property tests and the simulation run with sockets off: they must not depend on anything outside the process."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WITHOUT_SOCKETS = (TESTS / "unit", TESTS / "properties", TESTS / "simulation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WITHOUT_SOCKETS):
            item.add_marker("disable_socket")
