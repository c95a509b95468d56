"""The licence of a distribution as an SPDX expression, and whether it may be shipped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, LicenseWithExceptionSymbol, get_spdx_licensing

PERMITTED = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "MIT",
        "MPL-2.0",
        "PSF-2.0",
        "Unicode-3.0",
        "Unicode-DFS-2016",
        "Zlib",
    }
)
"""They allow use in a product whose source is not published, if the text of the licence is shipped."""

_SPDX = get_spdx_licensing()

_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
}

_BY_HAND = {
    # "Dual License": its LICENSE says that the BSD licence applies to all code.
    "python-dateutil": "BSD-3-Clause",
}


class LicenceProblem(Exception):
    """A licence is unknown, or may not be shipped."""


def licence_of(metadata: Mapping[str, Any]) -> str:
    """By the core metadata of a distribution, as JSON. Raises LicenceProblem."""
    name = metadata["name"]
    stated = (metadata.get("license_expression"), _BY_HAND.get(name), metadata.get("license"))
    classified = (_CLASSIFIERS[each] for each in metadata.get("classifier", ()) if each in _CLASSIFIERS)
    for expression in (*stated, *classified):
        if expression and _is_valid(expression):
            return str(expression)
    raise LicenceProblem(f"the licence of {name} is unknown: look it up, and add it to {Path(__file__).name}")


def check_permitted(name: str, expression: str) -> None:
    """Raises LicenceProblem."""
    if not _is_permitted(_SPDX.parse(expression, validate=True)):
        raise LicenceProblem(f"{name} has the licence {expression}, which is not permitted")


def _is_valid(expression: str) -> bool:
    try:
        _SPDX.parse(expression, validate=True)
    except ExpressionError:
        return False
    return True


def _is_permitted(parsed: Any) -> bool:
    match parsed:
        case _SPDX.OR():
            return any(map(_is_permitted, parsed.args))
        case _SPDX.AND():
            return all(map(_is_permitted, parsed.args))
        case LicenseWithExceptionSymbol():  # an exception only permits more
            return _is_permitted(parsed.license_symbol)
    return parsed.key in PERMITTED
