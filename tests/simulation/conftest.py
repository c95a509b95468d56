from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.simulation.report import allow_deep_stacks


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Reports the size of the crash matrix, even if other processes ran it."""
    properties = [
        each
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, ())
        for each in report.user_properties
    ]
    boundaries = sum(int(str(value)) for name, value in properties if name == "boundaries")
    runs = sum(int(str(value)) for name, value in properties if name == "runs")
    if runs:
        terminalreporter.write_line(f"crash matrix: {boundaries} boundaries, {runs} crashes at them")


@pytest.fixture
def deep_stack() -> Iterator[None]:
    before = sys.getrecursionlimit()
    allow_deep_stacks()
    yield
    sys.setrecursionlimit(before)
