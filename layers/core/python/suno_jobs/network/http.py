"""The HTTP client of the project. Everything that the bundle loads takes ``httpx`` and ``httpcore`` from here.

To switch to another client of the same design, change the one line that imports it. ``docs/decisions`` has the options.
"""

from __future__ import annotations

import logging

import httpcore, httpx  # isort: skip # noqa: E401 - the one line of a switch

__all__ = ["httpcore", "httpx"]

# Both log whole URLs and headers, signatures included (I9), as soon as the log level is raised.
for _package in (httpx, httpcore):
    logging.getLogger(_package.__name__).setLevel(logging.WARNING)
