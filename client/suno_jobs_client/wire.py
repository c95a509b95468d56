"""Sends requests and waits, once for a program that blocks and once for an asynchronous one.

The calls of the API are written once, as coroutines. With a ``BlockingWire`` they never suspend, so that ``finish``
runs them to their end without an event loop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import anyio
import anyio.to_thread
import httpx

T = TypeVar("T")

Begin = Callable[[httpx.Response], Callable[[bytes], None]]

# A waiting request is answered after at most 30 seconds.
TIMEOUT = httpx.Timeout(40.0, connect=10.0)


class Wire(Protocol):
    """What the calls need from outside: requests, files and time.

    ``read`` shows each answer that is not an error to ``begin``, and writes its body, chunk by chunk, to what that returns.
    ``work`` is for what reads or writes files.
    """

    async def send(self, request: httpx.Request) -> httpx.Response: ...
    async def read(self, request: httpx.Request, begin: Begin) -> httpx.Response: ...
    async def work(self, function: Callable[[], T]) -> T: ...
    async def sleep(self, seconds: float) -> None: ...
    def now(self) -> float: ...
    def spread(self, seconds: float) -> float: ...


class BlockingWire:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    async def send(self, request: httpx.Request) -> httpx.Response:
        return self._client.send(request)

    async def read(self, request: httpx.Request, begin: Begin) -> httpx.Response:
        response = self._client.send(request, stream=True)
        try:
            if response.is_error:
                response.read()
            else:
                write = begin(response)
                for chunk in response.iter_bytes():
                    write(chunk)
        finally:
            response.close()
        return response

    async def work(self, function: Callable[[], T]) -> T:
        return function()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - this wire blocks

    def now(self) -> float:
        return time.monotonic()

    def spread(self, seconds: float) -> float:
        return random.uniform(0.0, seconds)  # noqa: S311 - spreads retries over time, and keeps nothing secret


class AsyncWire:
    """For asyncio and trio. Files are read and written in threads."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request)

    async def read(self, request: httpx.Request, begin: Begin) -> httpx.Response:
        response = await self._client.send(request, stream=True)
        try:
            if response.is_error:
                await response.aread()
            else:
                write = begin(response)
                async for chunk in response.aiter_bytes():
                    await anyio.to_thread.run_sync(write, chunk)
        finally:
            await response.aclose()
        return response

    async def work(self, function: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(function)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def spread(self, seconds: float) -> float:
        return random.uniform(0.0, seconds)  # noqa: S311 - as above


def finish(call: Coroutine[Any, Any, T]) -> T:
    """Runs a call on a ``BlockingWire`` to its end."""
    try:
        call.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    call.close()
    raise RuntimeError("a blocking call was suspended")
