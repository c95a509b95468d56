from __future__ import annotations

import pytest

from tests.simulation.report import spare_the_collector


@pytest.fixture(scope="session", autouse=True)
def _spared_collector() -> None:
    spare_the_collector()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how large the crash matrix was, also when other processes ran it."""
    properties = [
        each
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, ())
        for each in report.user_properties
    ]
    boundaries = sum(int(str(value)) for name, value in properties if name == "boundaries")
    runs = sum(int(str(value)) for name, value in properties if name == "runs")
    if runs:
        terminalreporter.write_line(f"crash matrix: {boundaries} boundaries, {runs} deaths at them")
