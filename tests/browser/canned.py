"""The console without a stack: its files, and the examples of docs/openapi.json as answers of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route

from suno_jobs.errors import RouteNotFound
from suno_jobs.steps.serve_console import Console
from tests.browser.watching import Watch
from tests.world import ROOT

Json = dict[str, Any]
Answering = Callable[[Route], None]

ORIGIN = "https://console.example"
ASSETS = "https://assets.example"
KEY = "sj_live_" + "0123456789abcdefghijklmnopqrstuvwxyzA"
DOCUMENT: Json = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))
CONSOLE = Console(ROOT / "functions/serve_console/page", ASSETS)


@dataclass
class Canned:
    """``answers`` has what a test wants instead of an example: by method and path, such as ``GET /v1/jobs``.

    ``files`` takes the place of files of the console.
    """

    watch: Watch
    files: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answering] = field(default_factory=dict)
    requests: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch.origins |= {ORIGIN, ASSETS}
        self.watch.context.route("**/*", self._answer)

    def open(self, hash_: str = "", *, key: str | None = KEY, script: str = "") -> Page:
        """``script`` runs before those of the page."""
        page = self.watch.new_page()
        page.add_init_script(script)
        if key:
            page.add_init_script(f"sessionStorage.length || sessionStorage.setItem('suno-jobs-key', '{key}')")
        page.goto(f"{ORIGIN}/console{hash_}")
        return page

    def answer(self, request: str, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """From now on. A body with a ``type`` is a problem document."""
        kind = (
            "application/problem+json"
            if isinstance(body, dict) and str(body.get("type", "")).startswith("/v1/problems/")
            else None
        )
        sent = {"Content-Type": kind or "application/json", **(headers or {})}
        self.answers[request] = lambda route: route.fulfill(status=status, headers=sent, body=json.dumps(body))

    def keep_waiting(self, request: str) -> None:
        """From now on, such a request gets no answer."""
        self.answers[request] = lambda _: None

    def lose(self, request: str) -> None:
        """From now on, the connection breaks."""
        self.answers[request] = lambda route: route.abort("connectionrefused")

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.path.startswith("/console"):
            _serve(route, url.path.removeprefix("/console").lstrip("/"), self.files)
            return
        request = f"{route.request.method} {url.path}"
        self.requests.append((f"{request}?{url.query}" if url.query else request, route.request.post_data))
        answering = self.answers.get(request)
        if answering:
            answering(route)
            return
        status, body = example(route.request.method.lower(), url.path)
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))


def _serve(route: Route, name: str, instead: Mapping[str, str]) -> None:
    try:
        status, file, headers = CONSOLE.module(name, None) if name else CONSOLE.page(None)
    except RouteNotFound:
        route.fulfill(status=404)
        return
    route.fulfill(status=status, headers={**headers, "Content-Type": file.media_type}, body=instead.get(name, file.text))


def example(method: str, path: str) -> tuple[int, Any]:
    """The first answer of success with its example, or with the smallest body that its schema allows."""
    for template, operations in DOCUMENT["paths"].items():
        if method in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            status, answer = next((status, each) for status, each in operations[method]["responses"].items() if status < "300")
            content = answer.get("content", {}).get("application/json")
            return int(status), content and content.get("example", smallest(content["schema"]))
    raise KeyError(f"{method} {path}")


def smallest(schema: Json) -> Any:
    """The first of several possible values, and only the members that an object must have."""
    match schema:
        case {"$ref": str(reference)}:
            return smallest(DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]])
        case {"const": value} | {"enum": [value, *_]} | {"examples": [value, *_]}:
            return value
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return smallest(first)
        case {"properties": dict(members)}:
            return {name: smallest(members[name]) for name in schema.get("required", ())}
    kind = schema.get("type", "object")
    return _EMPTY[kind if isinstance(kind, str) else kind[0]]


_EMPTY = {
    "array": [],
    "boolean": False,
    "integer": 1,
    "null": None,
    "number": 1,
    "object": {},
    "string": "2026-11-22T02:00:00Z",
}
