"""A real browser for tests: the machine's own Chromium, driven by Playwright, and axe, which examines a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from sandbox import node
from sandbox.place import ROOT

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# Screens by name: width, height, scheme.
SCREENS = {
    "desktop": (1280, 900, "light"),
    "desktop-dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
    "phone-dark": (390, 844, "dark"),
}


def program() -> str:
    """Return the browser's path; skips the test where the machine has none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: on Debian, apt-get install chromium")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser while the block runs; axe is installed with the CDK command, by npm."""
    path = program()
    node.install_packages(node.find())
    with sync_playwright() as playwright:
        # As root, as in a container, Chromium has no sandbox of its own; it opens this machine's pages alone.
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        try:
            yield started
        finally:
            started.close()


@dataclass
class Watched:
    """A page, and what it said and asked for: `errors` of scripts and policy, and `hosts` that were asked."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname or "")

    def axe(self) -> list[dict[str, Any]]:
        """Return what axe finds wrong with the page as it is: rule, gravity and the elements."""
        # By the browser's own protocol, which the page's content policy does not reach.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            {"rule": one["id"], "impact": one["impact"], "nodes": [node["html"] for node in one["nodes"]]}
            for one in found["violations"]
        ]

    def overflows(self) -> bool:
        """Return whether the page is wider than its screen, so that it has to be moved sideways."""
        return bool(self.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"))

    def picture(self, name: str) -> None:
        """Write a picture of the whole page into the folder that SCREENSHOTS names, if it names one."""
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@contextmanager
def watched(started: Browser, screen: str) -> Iterator[Watched]:
    """Open a page on a screen of SCREENS, as a browser that knows nothing yet."""
    width, height, scheme = SCREENS[screen]
    context = started.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of the literals above
        reduced_motion="reduce",
    )
    try:
        yield Watched(context.new_page())
    finally:
        context.close()
