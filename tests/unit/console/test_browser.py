"""The console's pages in a real browser: on a desktop and a phone, light and dark, by keyboard, for axe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from activation.report.page import document
from playwright.sync_api import Browser, expect

from tests.browser import SCREENS, browser, watched
from tests.unit.console.fake import APPLIED, BLOCKED, RUNNING, FakeSource, Served
from tests.unit.report.test_page import receipt_of

PAGES = {
    "runs": "/?live=off",
    "run-applied": f"/runs/{APPLIED}",
    "run-blocked": f"/runs/{BLOCKED}",
    "run-running": f"/runs/{RUNNING}?live=off",
    "files": "/files?now=yes",
    "audiences": "/audiences",
    "platforms": "/platforms?now=yes",
    "queues": "/queues",
    "confirm": f"/do/approve/{BLOCKED}",
    "unknown": "/runs/unknown",
}


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    """Start the browser once."""
    with browser() as found:
        yield found


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_sound_on_every_screen(started: Browser, console: Served, screen: str) -> None:
    """Axe finds nothing, nothing hangs over the screen's edge, no policy is broken, and no other host is asked."""
    with watched(started, screen) as seen:
        seen.page.goto(console.guard.entrance)
        for name, path in PAGES.items():
            seen.page.goto(f"{console.url}{path}")
            seen.picture(f"{name}-{screen}")
            assert (name, seen.axe()) == (name, [])
            assert (name, seen.overflows()) == (name, False)
        seen.errors = [one for one in seen.errors if "status of 404" not in one]  # the unknown run's
        assert (seen.errors, seen.hosts) == ([], {"127.0.0.1"})


@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_beside_a_receipt_is_sound_as_a_file(started: Browser, tmp_path: Path, screen: str) -> None:
    """Opened from a disk, as out of a mail: styled by itself, loading nothing, and without a finding of axe."""
    mirror = {
        "begun": True, "joined": 5, "changed": 0, "left": 2, "held": 0, "size": 900, "size_before": 897,
        "approved_by": "arn:aws:iam::1:user/ann",
    }  # fmt: skip
    file = tmp_path / "receipt.html"
    file.write_text(document(receipt_of(mirror=mirror), {"not_an_email": ["row 7, email"]}), encoding="utf-8")
    with watched(started, screen) as seen:
        seen.page.goto(file.as_uri())
        seen.picture(f"document-{screen}")
        assert seen.axe() == []
        assert not seen.overflows()
        assert (seen.errors, seen.hosts) == ([], {""})
        dark = seen.page.evaluate("() => getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == screen.endswith("dark")  # so its styles hold, although the policy allows those alone


def test_a_running_run_moves_without_losing_the_keyboard(
    started: Browser, console: Served, source: FakeSource
) -> None:
    """The list is brought up to date in place: numbers change, and the link that had the focus keeps it."""
    with watched(started, "desktop") as seen:
        seen.page.goto(console.guard.entrance)
        link = seen.page.locator(f"#of-{RUNNING}")
        link.focus()
        running = source.rows[0]
        source.rows[0] = replace(running, rows_read=13_579)
        expect(seen.page.get_by_text("13,579 so far")).to_be_visible(timeout=15_000)
        expect(link).to_be_focused()
        assert seen.errors == []


def test_an_action_is_reached_and_confirmed_by_the_keyboard_alone(
    started: Browser, console: Served, source: FakeSource
) -> None:
    """From the first page: skip to the content, the run that needs somebody, its action, the confirmation."""
    with watched(started, "desktop") as seen:
        page = seen.page
        page.goto(f"{console.guard.entrance}")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        for target in (f"#need-{BLOCKED}", "#do-approve", "main form button"):
            _tab_to(seen.page, target)
            page.keyboard.press("Enter")
            page.wait_for_load_state()
        expect(page.get_by_role("status")).to_have_text("Approve was done.")
        assert source.done == [("approve", BLOCKED)]
        assert seen.errors == []


def _tab_to(page: object, selector: str) -> None:
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    target = page.locator(selector)
    expect(target).to_be_visible()
    for _ in range(60):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


def test_findings_come_by_themselves(started: Browser, console: Served) -> None:
    """The page of platforms, and that of files, ask for what takes long after they are shown."""
    with watched(started, "desktop") as seen:
        seen.page.goto(console.guard.entrance)
        for path, text in (("/platforms", "ends in 5 days"), ("/files", "unknown_connector")):
            seen.page.goto(f"{console.url}{path}")
            expect(seen.page.get_by_text(text)).to_be_visible()
        assert seen.errors == []


def test_the_pages_work_without_a_script(started: Browser, console: Served) -> None:
    """Each part that comes by itself can be asked for by a link."""
    context = started.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console.guard.entrance)
    for path, link, text in (
        ("/platforms", "Examine them now", "ends in 5 days"),
        ("/files", "Compare them now", "unknown_connector"),
    ):
        page.goto(f"{console.url}{path}")
        page.get_by_role("link", name=link).click()
        assert text in page.content()
    context.close()
