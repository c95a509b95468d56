"""What docs/api.md says about the fields of a request, so that each is explained in one place.

Tests hold the tables that are read here to the code.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from suno_jobs.catalog.kinds import Kind

_PAGE = Path(__file__).parents[1] / "docs" / "api.md"


@cache
def kinds() -> dict[Kind, str]:
    """What each kind produces."""
    return {Kind(cells[0].strip("`")): _plain(cells[1]) for cells in _rows("Kind")}


@cache
def request_fields() -> dict[str, str]:
    """The fields of the body of a request for a job."""
    return _by_field("Field | Type | |")


@cache
def input_fields() -> dict[str, str]:
    """The fields of the inputs of all kinds."""
    page = _PAGE.read_text("utf-8")
    return _by_field("Field | Type | |", page.partition("\n### Song fields\n")[2]) | _by_field(
        "Field | Type | |", page.partition("\n### Other fields\n")[2]
    )


@cache
def list_parameters() -> dict[str, str]:
    """The query parameters of the list of jobs."""
    return _by_field("Parameter | |")


def _by_field(head: str, page: str = "") -> dict[str, str]:
    found = {}
    for cells in _rows(head, page):
        for name in re.findall(r"`([\w.]+)`", cells[0]):
            found[name] = _plain(cells[-1])
    return found


def _rows(head: str, page: str = "") -> list[list[str]]:
    """The cells of the first table with this head. Raises LookupError."""
    _, mark, rest = (page or _PAGE.read_text("utf-8")).partition(f"\n| {head}")
    if not mark:
        raise LookupError(f"docs/api.md has no table with the head {head!r}")
    lines = rest.splitlines()[2:]
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split(" |")] for line in lines[:end]]


def _plain(text: str) -> str:
    """Without the targets of links, which lead to other places of that page."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
