"""What no page of the console may do, and what axe-core finds on it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

AXE = Path(__file__).parents[1] / "clients/typescript/node_modules/axe-core/axe.min.js"
WIDTHS = (320, 768, 1280)
_VIOLATIONS = """options => axe.run(document, {resultTypes: ["violations"], ...options})
    .then(({violations}) => violations.map(each => [each.id, each.nodes.map(node => node.html)]))"""
# Nothing but the colours depends on their scheme.
_OPTIONS: dict[str, dict[str, list[str]]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
# Chromium reports every status of 400 and more, and every lost connection, as an error of the page.
OF_THE_NETWORK = "Failed to load resource"


class Watch:
    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.origins: set[str] = set()
        self._wrong: list[str] = []
        context.on("console", self._said)
        context.on("weberror", lambda error: self._wrong.append(f"error: {error.error}"))
        context.on("request", self._requested)
        context.on("response", self._answered)

    def new_page(self) -> Page:
        return self.context.new_page()

    def check(self) -> None:
        if self._wrong:
            raise AssertionError("\n".join(self._wrong))

    def forget(self) -> None:
        """For a test of this class."""
        self._wrong.clear()

    def _said(self, message: ConsoleMessage) -> None:
        # A violation of the policy is an error, too.
        if message.type in {"error", "warning"} and OF_THE_NETWORK not in message.text:
            self._wrong.append(f"{message.type}: {message.text}")

    def _requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in {"blob", "data"} and f"{url.scheme}://{url.netloc}" not in self.origins:
            self._wrong.append(f"a request to {url.scheme}://{url.netloc}{url.path}")

    def _answered(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if path.startswith("/console") and response.status >= 400:
            self._wrong.append(f"{response.status} for {path}")


def axe(page: Page) -> None:
    """Asserts that axe-core finds no violation at three widths in both colour schemes, and that the page is not wider."""
    size = page.viewport_size
    # It has half a megabyte, and is sent once.
    if page.evaluate("!window.axe"):
        page.evaluate(_axe())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"wider than {width} px"
            violations = page.evaluate(_VIOLATIONS, _OPTIONS[scheme])
            assert violations == [], f"{scheme}, {width} px: {violations}"
    if size:
        page.set_viewport_size(size)


@cache
def _axe() -> str:
    assert AXE.is_file(), "the packages of tests/clients/typescript are missing: run make clients"
    return f"() => {{ {AXE.read_text('utf-8')} }}"
