"""Takes the pictures of docs/console.md: `make screenshots` starts a stack, makes real jobs, and looks at every view."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import scenes
from tests.browser.chromium import launch
from tests.integration.webhook_receiver import Receiver, serving

FOLDER = Path(__file__).parents[2] / "docs/screenshots"
WIDE, NARROW = (1280, 800), (360, 1100)
COLOURS = 256
"""A view has few; with a palette its picture takes a third."""

TYPED = {
    "new-song": {
        "Prompt": "A folk song about harbour lights",
        "Style": "acoustic guitar, slow, warm",
        "Title": "Harbour Lights",
    }
}
"""What is in the fields of a view."""

Scheme = Literal["light", "dark"]


def main() -> None:
    receiver = Receiver()
    with serving(receiver), scenes.stack(receiver) as stack, sync_playwright() as playwright:
        scene = scenes.populate(stack, receiver)
        browser = launch(playwright)
        FOLDER.mkdir(exist_ok=True)
        for name, hash_, size, scheme in pictures(scene):
            page = open_console(browser, size, scheme, stack.api_key)
            page.goto(f"{stack.console_url}{hash_}")
            page.wait_for_load_state("networkidle")
            for label, text in TYPED.get(name, {}).items():
                page.get_by_role("textbox", name=label).fill(text)
            page.evaluate("scrollTo(0, 0)")
            save(page, FOLDER / f"{name}.png")
            page.context.close()
        browser.close()


def pictures(scene: scenes.Scene) -> list[tuple[str, str, tuple[int, int], Scheme]]:
    job = f"#/jobs/{scene.job_id}"
    return [
        ("jobs", "#/jobs", WIDE, "light"),
        ("job", job, (1280, 1000), "dark"),
        ("new-song", "#/new", WIDE, "light"),
        ("gateways", "#/gateways", WIDE, "light"),
        ("webhooks", f"#/webhooks/{scene.webhook_id}", WIDE, "light"),
        ("usage", "#/usage", WIDE, "dark"),
        ("job-narrow", job, NARROW, "light"),
    ]


def open_console(browser: Browser, size: tuple[int, int], scheme: Scheme, key: str) -> Page:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
    )
    page = context.new_page()
    page.add_init_script(f"sessionStorage.setItem('suno-jobs-key', '{key}')")
    return page


def save(page: Page, file: Path) -> None:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main()
