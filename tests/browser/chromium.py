"""Debian's Chromium: where it is, and how it is started. Its headless shell has no windows and takes a third of the time."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--lang=en-GB",
)
MISSING = "Chromium is not installed. Install it (apt install chromium-headless-shell, or chromium), or name it in CHROMIUM."


def find() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    """Raises FileNotFoundError."""
    found = find()
    if found is None:
        raise FileNotFoundError(MISSING)
    return playwright.chromium.launch(executable_path=found, args=FLAGS)
