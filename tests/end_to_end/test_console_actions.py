"""Approve, stop and continue as an operator does: by clicks in a real browser, over the deployed app."""

from __future__ import annotations

import pytest

from tests.browser import Watched, browser, watched
from tests.end_to_end.line import Line
from tests.end_to_end.open_console import Console
from tests.end_to_end.people import Person, as_csv, people
from tests.end_to_end.records import Put

BATCH_ROWS, BATCHES = 100, 30


def _click(seen: Watched, label: str) -> str:
    """Begin an action on the page that is open, confirm it on the next one, and return what is said then."""
    page = seen.page
    page.get_by_role("button", name=label, exact=True).click()
    page.wait_for_url("**/do/**")
    assert seen.axe() == []
    page.get_by_role("button", name=label, exact=True).click()
    page.get_by_role("heading", name="Done", exact=True).wait_for()
    said = page.get_by_role("status").inner_text()
    page.get_by_role("link", name="Go on").click()
    return said


def _state(seen: Watched, wanted: str) -> None:
    """Wait until the run's page, which keeps itself up to date, shows a state."""
    seen.page.locator(f".state-{wanted}").first.wait_for(timeout=120_000)


@pytest.mark.faults  # over 20 s
def test_a_run_is_stopped_and_continued_by_clicks(meta: Line, console: Console) -> None:
    """The page shows the end without being loaded anew, then offers to continue; nobody is sent twice."""
    some = people(BATCH_ROWS * BATCHES, "clicked")
    meta.configure(environment={"REQUESTS_IN_FLIGHT": "1", "MAX_ROWS_PER_REQUEST": str(BATCH_ROWS)})
    meta.sandbox.simulator_config("meta", latency_s=1.5)
    before = len(meta.calls())
    put = meta.put("Clicked", as_csv(some))
    meta.wait_for_calls(before + 3)
    with browser() as started, watched(started, "phone") as seen:
        seen.page.goto(console.entrance)
        seen.page.goto(f"{console.url}/runs/{put.run_id}")
        assert _click(seen, "Stop") == "It stops after the requests that are in flight."
        _state(seen, "failed")
        meta.sandbox.simulator_config("meta", latency_s=0.0)
        stopped = meta.finish(put)
        assert 0 < stopped["rows"]["acknowledged"] < len(some)
        seen.page.reload()
        seen.picture("stopped")
        assert "Stopped by arn:aws:iam::" in seen.page.inner_text("main")
        assert _click(seen, "Continue").startswith("It continues where it ended")
        receipt = meta.finish_again(put)
        seen.page.reload()
        _state(seen, "applied")
        seen.picture("continued")
        assert (seen.errors, seen.hosts) == ([], {"127.0.0.1"})
    assert receipt["rows"]["acknowledged"] == len(some)
    assert [one["kind"] for one in receipt["orders"]] == ["stop", "retry"]
    assert meta.sent().resent == 0


def _mirror(line: Line, some: list[Person], name: str) -> Put:
    """Put a whole list as a mirror's folder, and return its closing."""
    line.put_key(f"meta/Approved/raw/mirror/{name}/part.csv", as_csv(some))
    return line.put_key(f"meta/Approved/raw/mirror/{name}/_SUCCESS", b"")


@pytest.mark.faults  # over 20 s
def test_a_blocked_mirror_is_approved_by_clicks(meta: Line, console: Console) -> None:
    """The first page names it; its page says how many would leave, before and after the question."""
    some = people(200, "approved")
    meta.finish(_mirror(meta, some, "monday"))
    put = _mirror(meta, some[:80], "tuesday")
    assert meta.finish(put)["reason"]["code"] == "needs_approval"
    with browser() as started, watched(started, "desktop") as seen:
        seen.page.goto(console.entrance)
        seen.page.goto(f"{console.url}/")
        seen.page.locator(f"#need-{put.run_id}").click()
        seen.picture("needs-approval")
        assert "120" in seen.page.inner_text("main")
        _click(seen, "Approve")
        receipt = meta.finish_again(put)
        seen.page.reload()
        _state(seen, "applied")
        seen.picture("approved")
        assert "arn:aws:iam::" in seen.page.inner_text("main")
        seen.page.goto(f"{console.url}/?audience=Approved")
        assert "approve by" in seen.page.locator(f"#run-{put.run_id}").inner_text()
        assert (seen.errors, seen.hosts) == ([], {"127.0.0.1"})
    assert receipt["mirror"]["approved_by"].startswith("arn:aws:iam::")
    assert meta.held("Approved") == meta.members(some[:80])
