"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

JobId = Annotated[str, Parameter(help="the id of a job")]
TenantName = Annotated[str, Parameter(help="the name of a tenant")]
JobsTable = Annotated[str, Parameter(help="the stack's output JobsTable")]
ReceiptsBucket = Annotated[str, Parameter(help="the stack's output ReceiptsBucket")]
AssetsBucket = Annotated[str, Parameter(help="the stack's output AssetsBucket")]

ScopeName = Literal["jobs:read", "jobs:write", "webhooks", "keys", "operate"]
KeyId = Annotated[str, Parameter(help="the id of a key, as keys list shows it")]
