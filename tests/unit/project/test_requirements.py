"""What is pinned for Lambda is what is tested, and can be fetched by any Python for any other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = [ROOT / name for name in ("requirements-dev.txt", "layers/dependencies/requirements.txt", "requirements-audit.txt")]


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)", lock.read_text(), re.MULTILINE))


def test_lambda_gets_the_versions_that_are_tested() -> None:
    development, layer, _ = map(pins, LOCKS)
    assert layer.items() <= development.items()


def test_layer_does_not_depend_on_the_python_that_builds_it() -> None:
    """pip evaluates a marker for the interpreter that runs it, even when it installs for another."""
    assert ";" not in LOCKS[1].read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_hashes_and_none_names_where_it_comes_from(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"\n(?=[a-z0-9])", text.partition("\n\n")[2] or text)
    for entry in entries:
        if "==" in entry:
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_packages_of_the_typescript_client_are_pinned_and_none_names_where_it_comes_from() -> None:
    packages = json.loads((ROOT / "tests/clients/typescript/package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_every_integration_test_is_run_by_make() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for file in (ROOT / "tests" / "integration").glob("test_*.py"):
        assert str(file.relative_to(ROOT)) in makefile, file.name
