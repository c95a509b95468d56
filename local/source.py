"""``template.yaml`` as it is in the repository."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse


def read_template(root: Path) -> dict[str, Any]:
    """A copy of its own for each caller."""
    return deepcopy(_parsed((root / "template.yaml").read_text(encoding="utf-8")))


@cache
def _parsed(text: str) -> dict[str, Any]:
    """Parsing takes half a second."""
    parsed: dict[str, Any] = yaml_parse(text)
    return parsed
