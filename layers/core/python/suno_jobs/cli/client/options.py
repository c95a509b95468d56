"""Options that several commands for people with an API key have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import Number

WITH_API_KEY = Group("With an API key", sort_key=1)

AsJson = Annotated[bool, Parameter(name="--json", negative="", show_default=False, help="print the answer of the API as JSON")]
JobId = Annotated[str, Parameter(name="job", help="the id of a job")]
Limit = Annotated[int, Parameter(validator=Number(gte=1), help="how many to show, newest first")]
Overlap = Annotated[int | None, Parameter(help="hours for which the old one still works; without it, 24")]
