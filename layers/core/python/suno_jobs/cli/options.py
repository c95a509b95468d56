"""Options that several commands have, and the two forms of a result."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from suno_jobs.cli.problems import printable

JobId = Annotated[str, Parameter(help="the id of a job")]
TenantName = Annotated[str, Parameter(help="the name of a tenant")]
JobsTable = Annotated[str | None, Parameter(help="the stack's output JobsTable")]
ReceiptsBucket = Annotated[str | None, Parameter(help="the stack's output ReceiptsBucket")]
AssetsBucket = Annotated[str | None, Parameter(help="the stack's output AssetsBucket")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="print JSON instead")]

ScopeName = Literal["jobs:read", "jobs:write", "webhooks", "keys", "operate"]
KeyId = Annotated[str, Parameter(help="the id of a key, as keys list shows it")]


def show(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Prints the result as one JSON document, or as lines for people, which may have texts of a gateway."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            print("\n".join(map(printable, line.split("\n"))))
