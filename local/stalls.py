"""A fault of the local stack: DynamoDB accepts requests and does not answer them, until the fault is over.

It then executes them, also those whose clients have given up: the harm that a request can do that was only late.
"""

import asyncio
from pathlib import Path
from typing import Any

VARIABLE = "STALLED_DYNAMODB"
"""The file that exists for as long as the fault lasts."""

LOOK_SECONDS = 0.05


class StallingDynamoDb:
    """An ASGI application around that of the emulator."""

    def __init__(self, application: Any, switch: Path) -> None:
        self._application = application
        self._switch = switch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if dict(scope.get("headers", ())).get(b"x-amz-target", b"").startswith(b"DynamoDB_"):
            while self._switch.exists():  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(LOOK_SECONDS)
        await self._application(scope, receive, send)
